/*
 * generate.c - make the built-in templates: principal components of a simulated population of quasars.
 *
 *     generate_templates OUTPUT.c [COMPONENTS]
 *
 * Component 0 is the mean spectrum, the rest are eigenvectors of C - TROUGH_WEIGHT * B, where C is the
 * covariance of the population about its mean and B that of a population of absorption troughs. The first
 * term is what principal components are; the second turns them away from shapes that a continuum could
 * follow a trough with. How many components there are, and how large the weight is, was chosen by trial
 * (README.md).
 *
 * The table on standard output says, for each number of components, how well quasars that were not used are
 * fitted and how much of a trough's depth a fit takes up that isn't told of the trough.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>

#include "../include/fastbal.h"
#include "../sim/population.h"

#define SEED 20010805 /* any will do; changing it changes every digit of the output and nothing else */
#define FIRST 1250.0  /* A, rest; the fit uses 1261 to 2399 */
#define LAST 2410.0
#define TROUGH_WEIGHT 0.2

enum {
    NPIX = 1600, /* steps of 123 km/s: the narrowest cores are 1000 km/s wide */
    NQUASARS = 4000,
    NHELDOUT = 500,
    NTROUGHS = 2000,
    NCOMPONENTS = 11,
    MAX_COMPONENTS = 16
};

struct sample {
    int n;
    double *values; /* n rows of NPIX */
};

static int sample_create(struct sample *sample, int n)
{
    sample->n = n;
    sample->values = calloc((size_t)n * NPIX, sizeof *sample->values);
    return sample->values ? 0 : -1;
}

static double *row(const struct sample *sample, int i)
{
    return sample->values + (size_t)i * NPIX;
}

/*
 * Logarithmic, but rounded to what is printed: the templates are then right at the wavelengths they are
 * given for.
 */
static void make_grid(double *wavelength)
{
    for (int i = 0; i < NPIX; i++)
        wavelength[i] = round(100.0 * FIRST * pow(LAST / FIRST, i / (NPIX - 1.0))) / 100.0;
}

/* Mean flux in two windows with little line emission. */
static double level(const double *wavelength, const double *flux)
{
    double sum = 0.0;
    int n = 0;

    for (int i = 0; i < NPIX; i++) {
        const double w = wavelength[i];
        if ((w > 1440.0 && w < 1470.0) || (w > 1690.0 && w < 1700.0)) {
            sum += flux[i];
            n++;
        }
    }
    return sum / n;
}

/* Redshifts in catalogs come from the lines themselves: most good to 250 km/s, one in twenty off by 1000. */
static double redshift_error(struct fb_rng *rng)
{
    const double sigma = fb_uniform(rng) < 0.05 ? 1000.0 : 250.0;

    return sigma / FASTBAL_LIGHT_SPEED * fb_normal(rng);
}

static int draw_quasars(const struct sample *sample, const double *wavelength, uint64_t stream)
{
    double shifted[NPIX];

    for (int k = 0; k < sample->n; k++) {
        struct fb_rng rng;
        double *flux = row(sample, k);

        fb_rng_seed(&rng, SEED, stream + (uint64_t)k);
        struct fb_quasar *quasar = fb_quasar_draw(&rng);
        if (!quasar)
            return -1;
        const double stretch = 1.0 + redshift_error(&rng);
        for (int i = 0; i < NPIX; i++)
            shifted[i] = wavelength[i] * stretch;
        fb_quasar_flux(quasar, NPIX, shifted, flux);
        fb_quasar_free(quasar);
        const double scale = 1.0 / level(wavelength, flux);
        for (int i = 0; i < NPIX; i++)
            flux[i] *= scale;
    }
    return 0;
}

/*
 * C IV troughs, and half as often Si IV troughs, 1000 to 10,000 km/s wide, anywhere in the 25,000 km/s that
 * are searched but more of them near the line: there a varying blue wing of the line can pass for a trough.
 */
static void draw_troughs(const struct sample *sample, const double *wavelength, const double *mean)
{
    struct fb_rng rng;

    fb_rng_seed(&rng, SEED, UINT64_MAX);
    for (int k = 0; k < sample->n; k++) {
        const double line = fb_uniform(&rng) < 2.0 / 3.0 ? 1549.0 : 1398.0;
        const double width = pow(10.0, 3.0 + fb_uniform(&rng));
        const double u = fb_uniform(&rng);
        const double start = 300.0 + (25000.0 - 300.0 - width) * u * u;
        const double depth = 0.3 + 0.65 * fb_uniform(&rng);
        const double edge = width / 8.0;

        for (int i = 0; i < NPIX; i++) {
            const double v = FASTBAL_LIGHT_SPEED * (line - wavelength[i]) / line - start;
            row(sample, k)[i] = -0.5 * depth * mean[i] * (tanh(v / edge) - tanh((v - width) / edge));
        }
    }
}

static void mean_spectrum(const struct sample *sample, double *mean)
{
    memset(mean, 0, NPIX * sizeof *mean);
    for (int k = 0; k < sample->n; k++)
        for (int i = 0; i < NPIX; i++)
            mean[i] += row(sample, k)[i] / sample->n;
}

/*
 * Photon noise grows with the root of the flux: in units of the root of the mean spectrum all pixels weigh
 * the same.
 */
static void to_noise_units(const struct sample *sample, const double *mean)
{
    for (int k = 0; k < sample->n; k++)
        for (int i = 0; i < NPIX; i++)
            row(sample, k)[i] /= sqrt(mean[i]);
}

/* Take the part along a vector of unit length out of every row. */
static void remove_part(const struct sample *sample, const double *vector)
{
    for (int k = 0; k < sample->n; k++) {
        double *x = row(sample, k), dot = 0.0;

        for (int i = 0; i < NPIX; i++)
            dot += x[i] * vector[i];
        for (int i = 0; i < NPIX; i++)
            x[i] -= dot * vector[i];
    }
}

/* What is left of a sample when component 0, the mean spectrum, has been fitted. */
static void remove_mean(const struct sample *sample, const double *mean)
{
    double vector[NPIX], square = 0.0;

    for (int i = 0; i < NPIX; i++)
        square += mean[i];
    for (int i = 0; i < NPIX; i++)
        vector[i] = sqrt(mean[i] / square);
    remove_part(sample, vector);
}

static void prepare(const struct sample *sample, const double *mean)
{
    to_noise_units(sample, mean);
    remove_mean(sample, mean);
}

static double length(const double *x)
{
    double square = 0.0;

    for (int i = 0; i < NPIX; i++)
        square += x[i] * x[i];
    return sqrt(square);
}

/*
 * Unit length for every row: otherwise a few extreme quasars would have most of the components for
 * themselves.
 */
static void normalize(const struct sample *sample)
{
    for (int k = 0; k < sample->n; k++) {
        const double scale = 1.0 / length(row(sample, k));
        for (int i = 0; i < NPIX; i++)
            row(sample, k)[i] *= scale;
    }
}

static double total_square(const struct sample *sample)
{
    double sum = 0.0;

    for (size_t i = 0; i < (size_t)sample->n * NPIX; i++)
        sum += sample->values[i] * sample->values[i];
    return sum;
}

/* matrix += weight * covariance of the sample, the covariance scaled to unit trace; lower triangle only. */
static void add_covariance(double *matrix, const struct sample *sample, double weight)
{
    enum { ROWS = 4 }; /* rows at a time: the matrix is read and written a quarter as often */
    const double scale = weight / total_square(sample);

    for (int k = 0; k + ROWS <= sample->n; k += ROWS) {
        const double *a = row(sample, k), *b = a + NPIX, *c = b + NPIX, *d = c + NPIX;
        for (int i = 0; i < NPIX; i++) {
            const double ai = scale * a[i], bi = scale * b[i], ci = scale * c[i], di = scale * d[i];
            double *m = matrix + (size_t)i * NPIX;
            for (int j = 0; j <= i; j++)
                m[j] += ai * a[j] + bi * b[j] + ci * c[j] + di * d[j];
        }
    }
}

/* The eigenvectors of the n largest eigenvalues, largest first, each with its largest element positive. */
static int eigenvectors(double *matrix, int n, double *vectors)
{
    double *values = malloc(NPIX * sizeof *values);
    int status = -1;

    if (values && LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'L', NPIX, matrix, NPIX, values) == 0) {
        for (int k = 0; k < n; k++) {
            double *v = vectors + (size_t)k * NPIX, largest = 0.0;
            for (int i = 0; i < NPIX; i++) {
                v[i] = matrix[(size_t)i * NPIX + (size_t)(NPIX - 1 - k)];
                if (fabs(v[i]) > fabs(largest))
                    largest = v[i];
            }
            for (int i = 0; largest < 0.0 && i < NPIX; i++)
                v[i] = -v[i];
        }
        status = 0;
    }
    free(values);
    return status;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What is left of each row, root mean square, once the vectors' part is taken out one vector at a time. */
static void report(const struct sample *heldout, const struct sample *troughs, const double *vectors, int n)
{
    static double rms[NHELDOUT];
    const double all = total_square(troughs);

    printf("components  rms of held-out quasars: median  90 %%   part of a trough followed\n");
    for (int k = 0; k <= n; k++) {
        for (int i = 0; i < heldout->n; i++)
            rms[i] = length(row(heldout, i)) / sqrt(NPIX);
        qsort(rms, NHELDOUT, sizeof *rms, compare);
        printf("%6d %33.4f %8.4f %15.3f\n", k + 1, rms[NHELDOUT / 2], rms[NHELDOUT * 9 / 10],
               1.0 - total_square(troughs) / all);
        if (k < n) {
            remove_part(heldout, vectors + (size_t)k * NPIX);
            remove_part(troughs, vectors + (size_t)k * NPIX);
        }
    }
}

static void print_table(FILE *out, const char *name, const double *values)
{
    fprintf(out, "%s", name);
    for (int i = 0; i < NPIX; i++)
        fprintf(out, "%s%.6g,", i % 8 ? " " : "\n    ", values[i]);
    fprintf(out, "\n");
}

static void print_source(FILE *out, int ncomponents, const double *wavelength, const double *mean,
                         const double *vectors)
{
    double component[NPIX];

    fprintf(
        out,
        "/*\n * builtin.c - the built-in templates. Written by templates/generate.c; change that, not this.\n"
        " *\n * SPDX-License-Identifier: BSD-3-Clause\n */\n"
        "#include \"../include/fastbal.h\"\n\n"
        "enum { NPIX = %d, NCOMPONENTS = %d };\n\n/* clang-format off */\n",
        NPIX, ncomponents);
    print_table(out, "static const double wavelength[NPIX] = {", wavelength);
    fprintf(out, "};\n\nstatic const double values[NCOMPONENTS * NPIX] = {");
    for (int k = 0; k < ncomponents; k++) {
        /*
         * An eigenvector has unit length; as a spectrum it is made a deviation of typically 1 times the
         * mean.
         */
        for (int i = 0; i < NPIX; i++)
            component[i] = k ? vectors[(size_t)(k - 1) * NPIX + (size_t)i] * sqrt(NPIX * mean[i]) : mean[i];
        print_table(out, "", component);
    }
    fprintf(out,
            "};\n/* clang-format on */\n\n"
            "int fastbal_templates_builtin(fastbal_templates **templates)\n{\n"
            "    return fastbal_templates_create(templates, NPIX, wavelength, NCOMPONENTS, values);\n}\n");
}

static int write_source(const char *path, int ncomponents, const double *wavelength, const double *mean,
                        const double *vectors)
{
    FILE *out = fopen(path, "w");
    int failed = !out;

    if (out) {
        print_source(out, ncomponents, wavelength, mean, vectors);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    if (failed)
        perror(path);
    return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    static double wavelength[NPIX], mean[NPIX], vectors[MAX_COMPONENTS * NPIX];
    const int n = argc > 2 ? atoi(argv[2]) : NCOMPONENTS;
    double *matrix = calloc((size_t)NPIX * NPIX, sizeof *matrix);
    struct sample quasars = { 0, NULL }, heldout = { 0, NULL }, troughs = { 0, NULL };
    int status = EXIT_FAILURE;

    if (argc < 2 || n < 2 || n > MAX_COMPONENTS) {
        fprintf(stderr, "usage: generate_templates OUTPUT.c [COMPONENTS (2 to %d)]\n", MAX_COMPONENTS);
        goto done;
    }
    make_grid(wavelength);
    if (!matrix || sample_create(&quasars, NQUASARS) || sample_create(&heldout, NHELDOUT) ||
        sample_create(&troughs, NTROUGHS) || draw_quasars(&quasars, wavelength, 0) ||
        draw_quasars(&heldout, wavelength, NQUASARS)) {
        fprintf(stderr, "generate_templates: out of memory\n");
        goto done;
    }
    mean_spectrum(&quasars, mean);
    draw_troughs(&troughs, wavelength, mean);
    prepare(&quasars, mean);
    prepare(&heldout, mean);
    prepare(&troughs, mean);
    normalize(&quasars);
    add_covariance(matrix, &quasars, 1.0);
    add_covariance(matrix, &troughs, -TROUGH_WEIGHT);
    if (eigenvectors(matrix, MAX_COMPONENTS - 1, vectors)) {
        fprintf(stderr, "generate_templates: the eigenvalue problem has no solution\n");
        goto done;
    }
    if (write_source(argv[1], n, wavelength, mean, vectors) == 0) {
        report(&heldout, &troughs, vectors, MAX_COMPONENTS - 1);
        status = EXIT_SUCCESS;
    }
done:
    free(quasars.values);
    free(heldout.values);
    free(troughs.values);
    free(matrix);
    return status;
}
