/*
 * generate.c - make the built-in templates: trained (train/train.h) on a simulated population of quasars (sim/population.h).
 *
 *     generate_templates OUTPUT.c [COMPONENTS]
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "fastbal.h"
#include "run/pool.h"
#include "sim/population.h"
#include "train/train.h"

#define SEED 20010805      /* any will do; changing it changes every digit of the output and nothing else */
#define SIGMA 1e-3         /* of a pixel: no noise to speak of */
#define TROUGH_WEIGHT 0.14 /* README.md: Quality */

enum { QUASARS = 4000, PIXELS_OF_CELL = 2, PIXELS = FB_TRAIN_CELLS * PIXELS_OF_CELL };

/* Redshifts in catalogs come from the lines themselves: most good to 250 km/s, one in twenty off by 1000. */
static double redshift_error(struct fb_rng *rng)
{
    const double sigma = fb_uniform(rng) < 0.05 ? 1000.0 : 250.0;
    return sigma / FASTBAL_LIGHT_SPEED * fb_normal(rng);
}

static int draw_quasar(struct fb_sample *sample, uint64_t stream)
{
    static double wavelength[PIXELS + 2], shifted[PIXELS + 2], flux[PIXELS + 2], ivar[PIXELS + 2];
    const struct fb_sample_spectrum spectrum = { PIXELS + 2, wavelength, flux, ivar, 0, NULL, 0 };
    struct fb_rng rng;

    fb_rng_seed(&rng, SEED, stream);
    struct fb_quasar *quasar = fb_quasar_draw(&rng);
    if (!quasar)
        return -1;
    const double stretch = 1 + redshift_error(&rng);
    for (int i = 0; i < PIXELS + 2; i++) {
        wavelength[i] = fb_cell_wavelength((i - 1.0) / PIXELS_OF_CELL - 0.25);
        ivar[i] = 1 / (SIGMA * SIGMA);
        shifted[i] = wavelength[i] * stretch;
    }
    fb_quasar_flux(quasar, PIXELS + 2, shifted, flux);
    fb_quasar_free(quasar);
    return fb_sample_add(sample, &spectrum, 0) == FB_SAMPLE_TAKEN ? 0 : -1;
}

static void print_table(FILE *out, const char *name, size_t n, const double *values)
{
    fprintf(out, "static const double %s[] = {", name);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%.7g,", i % 8 ? " " : "\n    ", values[i]);
    fprintf(out, "\n};\n");
}

/* values: fb_trained_values(). */
static void print_source(FILE *out, size_t ncomponents, const double *values)
{
    const double *misfit = values + (ncomponents + 1) * FB_TRAIN_CELLS, *mean = misfit + FB_TRAIN_CELLS;
    const size_t nprior = ncomponents - 1;

    fprintf(out,
            "/*\n * builtin.c - the built-in templates. Written by templates/generate.c; change that, not "
            "this.\n *\n"
            " * SPDX-License-Identifier: BSD-3-Clause\n */\n#include \"fastbal.h\"\n\n"
            "/* clang-format off */\nenum { NPIX = %d, NCOMPONENTS = %zu };\n\n",
            FB_TRAIN_CELLS, ncomponents);
    print_table(out, "wavelength", FB_TRAIN_CELLS, values);
    print_table(out, "values", ncomponents * FB_TRAIN_CELLS, values + FB_TRAIN_CELLS);
    print_table(out, "misfit", FB_TRAIN_CELLS, misfit);
    print_table(out, "mean", nprior, mean);
    print_table(out, "covariance", nprior * nprior, mean + nprior);
    fprintf(
        out,
        "/* clang-format on */\n\n"
        "int fastbal_templates_builtin(fastbal_templates **templates)\n{\n"
        "    const struct fastbal_prior prior = { mean, covariance, misfit };\n"
        "    return fastbal_templates_create_with_prior(templates, NPIX, wavelength, NCOMPONENTS, values, "
        "&prior);\n}\n");
}

static int write_source(const char *path, size_t ncomponents, const double *values)
{
    FILE *out = fopen(path, "w");
    int failed = !out;
    if (out) {
        print_source(out, ncomponents, values);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    if (failed)
        perror(path);
    return failed ? -1 : 0;
}

static int generate(const char *path, size_t ncomponents, struct fb_error *err)
{
    static struct fb_factors factors;
    struct fb_sample sample = { 0 };
    struct fb_convergence convergence;
    int status = 0;
    for (uint64_t i = 0; i < QUASARS && status == 0; i++)
        if (draw_quasar(&sample, i) != 0)
            status = fb_fail(err, "out of memory for %d quasars", QUASARS);
    if (status == 0)
        status = fb_train(&factors, &sample, ncomponents, TROUGH_WEIGHT, fb_pool_cores(), &convergence, err);
    fb_sample_release(&sample);
    double *values = status == 0 ? fb_trained_values(&factors) : NULL;
    if (values)
        status = write_source(path, ncomponents, values);
    else if (status == 0)
        status = fb_fail(err, "out of memory");
    free(values);
    if (status == 0)
        printf("%zu components, %d iterations, %s\n", ncomponents, convergence.iterations,
               convergence.converged ? "converged" : "not converged");
    return status;
}

int main(int argc, char **argv)
{
    const int n = argc > 2 ? atoi(argv[2]) : FB_TRAIN_COMPONENTS;
    struct fb_error err = { "" };
    if (argc < 2 || n < FB_TRAIN_LEAST_COMPONENTS || n > FB_TRAIN_MOST_COMPONENTS) {
        fprintf(stderr, "usage: generate_templates OUTPUT.c [COMPONENTS (%d to %d)]\n",
                FB_TRAIN_LEAST_COMPONENTS, FB_TRAIN_MOST_COMPONENTS);
        return EXIT_FAILURE;
    }
    if (generate(argv[1], (size_t)n, &err) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "generate_templates: %s\n", err.text);
    return EXIT_FAILURE;
}
