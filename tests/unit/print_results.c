/*
 * print_results.c - every bit of the results for random spectra, by all rules and both continua, from cameras on one grid
 * and from others that have to be resampled; with what the built-in detector makes of them, and another that finds more
 * troughs. Every rung of kernels has to print the same (kernels.sh).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "depth_detector.h"

enum { NSPECTRA = 60, NPIX = 6001, MOST_WAVELENGTHS = 5000 };

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* Two cameras that overlap, a slope, an absorption trough now and then, noise, pixels without data and bad
 * ones. */
static void make_spectrum(uint64_t *state, double z, const double *wavelength, float *flux, float *ivar)
{
    double level = exp(4 * uniform(state) - 1), depth = uniform(state),
           centre = 1549 * (0.93 + 0.06 * uniform(state));
    double width = 2 + 12 * uniform(state), slope = 2 * uniform(state) - 1.5;
    for (size_t i = 0; i < NPIX; i++) {
        double w = wavelength[i] / (1 + z), x = (w - centre) / width;
        double noise = uniform(state) + uniform(state) + uniform(state) + uniform(state) - 2;
        flux[i] = (float)(level * pow(w / 1500, slope) * (1 - depth * exp(-x * x * x * x)) + noise);
        ivar[i] = uniform(state) < 0.003 ? 0.0f : (float)(2.5 + uniform(state));
        if (uniform(state) < 0.0005)
            flux[i] = NAN;
    }
}

static void print_bytes(const char *name, const void *values, size_t n)
{
    const unsigned char *bytes = values;
    printf("%s ", name);
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void print_bits(const char *name, const double *values, size_t n)
{
    print_bytes(name, values, n * sizeof *values);
}

static void print_line(const struct fastbal_line *line)
{
    const struct fastbal_troughs *kinds[2] = { &line->ai, &line->bi };
    for (int k = 0; k < 2; k++) {
        printf("%d ", kinds[k]->count);
        print_bits("index", &kinds[k]->index, 2);
        print_bits("vmin", kinds[k]->vmin, FASTBAL_MAX_AI);
        print_bits("fmin", kinds[k]->fmin, FASTBAL_MAX_AI);
        print_bits("inside", kinds[k]->inside, FASTBAL_MAX_AI);
    }
}

static void print_detection(const struct fastbal_detection *d)
{
    printf("detection %d %u %d\n", d->made, (unsigned)d->outside, d->count);
    print_bits("probability", &d->probability, 1);
    print_bits("troughs", d->vmin, 4 * FASTBAL_MAX_DETECTED);
    print_bits("indices", &d->ai, 4);
}

static void print_result(const struct fastbal_result *result)
{
    printf("%u %d\n", (unsigned)result->status, result->iterations);
    print_bits("coeffs", result->coeffs, FASTBAL_MAX_TEMPLATES);
    print_bits("chi2", &result->chi2, 1);
    print_bits("snr", &result->snr_civ, 3);
    print_line(&result->civ);
    print_line(&result->siiv);
    printf("low ionization %d %d\n", result->low.searched, result->low.found);
    print_bits("depths", &result->low.aliii_depth, 4);
    print_bits("absorption", &result->absorption.ai_total, sizeof result->absorption / sizeof(double));
    print_detection(&result->detection);
}

/* The built-in templates, and the same with a prior. */
static int make_templates(fastbal_templates **builtin, fastbal_templates **with_prior)
{
    static double values[FASTBAL_MAX_TEMPLATES * MOST_WAVELENGTHS], misfit[MOST_WAVELENGTHS];
    double mean[FASTBAL_MAX_TEMPLATES], covariance[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES] = { 0 };
    const struct fastbal_prior prior = { mean, covariance, misfit };
    if (fastbal_templates_builtin(builtin))
        return 1;
    size_t n = fastbal_templates_size(*builtin);
    int nt = fastbal_templates_count(*builtin), others = nt - 1;
    for (size_t i = 0; i < n && n <= MOST_WAVELENGTHS; i++) {
        misfit[i] = 0.03 + 0.01 * sin((double)i / 30);
        for (int k = 0; k < nt; k++)
            values[(size_t)k * n + i] = fastbal_templates_value(*builtin, k, i);
    }
    for (int k = 0; k < others; k++) {
        mean[k] = 0.02 * (k + 1);
        for (int i = 0; i < others; i++)
            covariance[i + k * others] = i == k ? 0.05 : 0.01;
    }
    return fastbal_templates_create_with_prior(with_prior, n, fastbal_templates_wavelength(*builtin), nt,
                                               values, &prior) != FASTBAL_OK;
}

/* Both cameras of a spectrum, joined and measured by all rules, with one or the other detector. With the built-in templates
 * and the trough-aware continuum these share the fit. */
static int print_spectrum(fastbal_workspace *work, const fastbal_templates *templates,
                          const fastbal_grid *grid, const struct fastbal_pixels *cameras, double z,
                          int continuum, fastbal_detector *const detectors[2])
{
    static double flux[2 * NPIX], ivar[2 * NPIX];
    static struct fastbal_detector_trace trace;
    struct fastbal_result result;
    struct fastbal_detection detection;
    fastbal_join(grid, cameras, flux, ivar);
    struct fastbal_spectrum spectrum = { fastbal_grid_size(grid), fastbal_grid_wavelength(grid), flux, ivar,
                                         z };
    for (int rules = FASTBAL_RULES_MAIN; rules <= FASTBAL_RULES_FASTBAL; rules++) {
        struct fastbal_options options = {
            .size = sizeof options, .rules = rules, .continuum = continuum, .detector = detectors[rules % 2]
        };
        if (fastbal_measure(work, templates, &spectrum, &options, &result) != FASTBAL_OK)
            return 1;
        print_result(&result);
    }
    if (fastbal_detect(work, detectors[0], &spectrum, &detection, &trace) != FASTBAL_OK)
        return 1;
    print_detection(&detection);
    print_bytes("trace", &trace, sizeof trace);
    return 0;
}

int main(void)
{
    static double wavelength[NPIX], shifted[NPIX];
    static float flux[NPIX], ivar[NPIX];
    uint64_t state = 42;
    fastbal_templates *templates = NULL, *with_prior = NULL;
    fastbal_detector *detectors[2] = { NULL, depth_detector() };
    fastbal_grid *aligned = NULL, *resampled = NULL;
    fastbal_workspace *work = fastbal_workspace_create();

    for (size_t i = 0; i < NPIX; i++) {
        wavelength[i] = 3600 + 0.8 * (double)i;
        shifted[i] = wavelength[i] + 0.3;
    }
    /* the second camera begins before the first ends */
    const size_t first = 3000, second = 2800;
    const struct fastbal_camera cameras[3] = { { wavelength, first },
                                               { wavelength + second, NPIX - second },
                                               { shifted + second, NPIX - second } };
    const struct fastbal_camera apart[2] = { cameras[0], cameras[2] };
    if (!work || !detectors[1] || fastbal_detector_builtin(&detectors[0]) ||
        make_templates(&templates, &with_prior) || fastbal_grid_create(&aligned, cameras, 2, 3600, NULL) ||
        fastbal_grid_create(&resampled, apart, 2, 3600, NULL) || !fastbal_grid_resamples(resampled))
        return 1;
    for (int s = 0; s < NSPECTRA; s++) {
        double z = 1.6 + 2.4 * uniform(&state);
        make_spectrum(&state, z, wavelength, flux, ivar);
        const struct fastbal_pixels pixels[2] = { { flux, ivar, NULL },
                                                  { flux + second, ivar + second, NULL } };
        if (print_spectrum(work, templates, aligned, pixels, z, FASTBAL_CONTINUUM_LEAST_SQUARES, detectors) ||
            print_spectrum(work, templates, resampled, pixels, z, FASTBAL_CONTINUUM_LEAST_SQUARES,
                           detectors) ||
            print_spectrum(work, templates, resampled, pixels, z, FASTBAL_CONTINUUM_TROUGH_AWARE,
                           detectors) ||
            print_spectrum(work, with_prior, aligned, pixels, z, FASTBAL_CONTINUUM_TROUGH_AWARE, detectors))
            return 1;
    }
    fastbal_workspace_free(work);
    fastbal_templates_free(templates);
    fastbal_templates_free(with_prior);
    fastbal_grid_free(aligned);
    fastbal_grid_free(resampled);
    fastbal_detector_free(detectors[0]);
    fastbal_detector_free(detectors[1]);
    return fclose(stdout) == 0 ? 0 : 1;
}
