/*
 * kernels.c - times joining cameras and measuring spectra in memory, by both continua, through the public library.
 *
 * usage: kernels SPECTRA REPEATS
 *        kernels            print the names of this processor's kernels, from the slowest to those that are taken
 *
 * SPECTRA is written by bench.py, numbers as this machine has them: int64 cameras, templates, template
 * wavelengths, spectra, the continuum by which the finder measured them (enum fastbal_continuum), and whether templates have
 * a prior; the template wavelengths and templates (double), and the prior's misfit, mean and covariance; of each camera
 * int64 pixels and the wavelengths (double); of each spectrum z (double), what the finder found, AI and BI of C IV and chi2
 * (float), and flux and ivar of each camera (float). Every answer by that continuum is compared with what the finder
 * found. Prints microseconds: the medians over repeats of joining a spectrum, of joining it and measuring it by least
 * squares, of the same by the trough-aware continuum, of both once more with the built-in detector, and of the yardstick,
 * which takes turns with them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "internal.h"
#include "yardstick.h"

enum { MOST_REPEATS = 1000 };

struct spectrum {
    double z;
    float expected[3];
    struct fastbal_pixels pixels[FASTBAL_MAX_CAMERAS];
};

struct bench {
    int64_t ncameras, ntemplates, nwave, n, continuum;
    struct fastbal_camera cameras[FASTBAL_MAX_CAMERAS];
    fastbal_grid *grid;
    fastbal_templates *templates;
    fastbal_detector *detector;
    fastbal_workspace *work;
    struct spectrum *spectra;
    double *flux, *ivar;
    struct yardstick *yardstick;
};

enum { JOINING, LEAST_SQUARES, TROUGH_AWARE, OWN_FIT, SHARED_FIT, YARDSTICK, FIGURES };
enum { YARDSTICKS = 100 }; /* at a time */

/* Seconds of a core this program has used. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *take(FILE *file, size_t size, size_t n)
{
    void *values = malloc(size * n + 1);
    if (!values || fread(values, size, n, file) != n) {
        fprintf(stderr, "kernels: the file of spectra is too short\n");
        exit(1);
    }
    return values;
}

static void take_spectrum(struct bench *b, FILE *file, struct spectrum *s)
{
    if (fread(&s->z, sizeof s->z, 1, file) != 1 || fread(s->expected, sizeof s->expected, 1, file) != 1)
        exit(1);
    for (int64_t c = 0; c < b->ncameras; c++) {
        s->pixels[c].flux = take(file, sizeof(float), b->cameras[c].n);
        s->pixels[c].ivar = take(file, sizeof(float), b->cameras[c].n);
    }
}

static void take_templates(struct bench *b, FILE *file, int has_prior)
{
    size_t nwave = (size_t)b->nwave, nt = (size_t)b->ntemplates, others = nt - 1;
    double *wave = take(file, sizeof *wave, nwave);
    double *values = take(file, sizeof *values, nwave * nt);
    double *numbers = take(file, sizeof *numbers, has_prior ? nwave + others + others * others : 0);
    const struct fastbal_prior prior = { numbers + nwave, numbers + nwave + others, numbers };
    if (fastbal_templates_create_with_prior(&b->templates, nwave, wave, (int)nt, values,
                                            has_prior ? &prior : NULL) != FASTBAL_OK)
        exit(1);
    free(wave);
    free(values);
    free(numbers);
}

static void prepare(struct bench *b, FILE *file)
{
    int64_t counts[6];
    if (fread(counts, sizeof counts, 1, file) != 1 || counts[0] > FASTBAL_MAX_CAMERAS)
        exit(1);
    b->ncameras = counts[0];
    b->ntemplates = counts[1];
    b->nwave = counts[2];
    b->n = counts[3];
    b->continuum = counts[4];
    take_templates(b, file, counts[5] != 0);
    for (int64_t c = 0; c < b->ncameras; c++) {
        int64_t n;
        if (fread(&n, sizeof n, 1, file) != 1)
            exit(1);
        b->cameras[c] = (struct fastbal_camera){ take(file, sizeof(double), (size_t)n), (size_t)n };
    }
    if (fastbal_grid_create(&b->grid, b->cameras, (int)b->ncameras, b->cameras[0].wavelength[0], NULL) !=
        FASTBAL_OK)
        exit(1);
    b->work = fastbal_workspace_create();
    if (fastbal_detector_builtin(&b->detector) != FASTBAL_OK)
        exit(1);
    b->flux = calloc(fastbal_grid_size(b->grid), sizeof *b->flux);
    b->ivar = calloc(fastbal_grid_size(b->grid), sizeof *b->ivar);
    b->spectra = calloc((size_t)b->n, sizeof *b->spectra);
    b->yardstick = yardstick_create();
    if (!b->work || !b->flux || !b->ivar || !b->spectra || !b->yardstick)
        exit(1);
    for (int64_t i = 0; i < b->n; i++)
        take_spectrum(b, file, &b->spectra[i]);
}

static int differs(double found, float expected)
{
    return !(fabs(found - (double)expected) <= 1e-4 + 1e-5 * fabs((double)expected));
}

static void join(struct bench *b, const struct spectrum *s)
{
    size_t begin, end;
    fastbal_measured_range(fastbal_grid_size(b->grid), fastbal_grid_wavelength(b->grid), s->z, &begin, &end);
    fastbal_join_range(b->grid, s->pixels, begin, end, b->flux, b->ivar);
}

/* Measure a joined spectrum; returns 1 if the result differs from the finder's by this continuum. */
static int measure(struct bench *b, const struct spectrum *s, int continuum, const fastbal_detector *detector)
{
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    struct fastbal_spectrum spectrum = { fastbal_grid_size(b->grid), fastbal_grid_wavelength(b->grid),
                                         b->flux, b->ivar, s->z };
    struct fastbal_result result;
    options.continuum = continuum;
    options.detector = detector;
    int status = fastbal_measure(b->work, b->templates, &spectrum, &options, &result);
    if (continuum != b->continuum)
        return status != FASTBAL_OK;
    return status != FASTBAL_OK || differs(result.civ.ai.index, s->expected[0]) ||
           differs(result.civ.bi.index, s->expected[1]) || differs(result.chi2, s->expected[2]);
}

/* Join every spectrum, and measure it as the finder does where a continuum is given, for which 0 is none. Microseconds each
 * go to *figure. Returns how many answers differ. Asking the clock for each spectrum would count in what is measured. */
static int go_through(struct bench *b, int continuum, const fastbal_detector *detector, double *figure)
{
    int wrong = 0;
    double start = now();
    for (int64_t i = 0; i < b->n; i++) {
        join(b, &b->spectra[i]);
        wrong += continuum && measure(b, &b->spectra[i], continuum, detector);
    }
    *figure = 1e6 * (now() - start) / (double)b->n;
    return wrong;
}

static int once(struct bench *b, double figure[FIGURES])
{
    int wrong = go_through(b, 0, NULL, &figure[JOINING]);
    wrong += go_through(b, FASTBAL_CONTINUUM_LEAST_SQUARES, NULL, &figure[LEAST_SQUARES]);
    wrong += go_through(b, FASTBAL_CONTINUUM_TROUGH_AWARE, NULL, &figure[TROUGH_AWARE]);
    wrong += go_through(b, FASTBAL_CONTINUUM_LEAST_SQUARES, b->detector, &figure[OWN_FIT]);
    wrong += go_through(b, FASTBAL_CONTINUUM_TROUGH_AWARE, b->detector, &figure[SHARED_FIT]);
    double start = now();
    for (int i = 0; i < YARDSTICKS; i++)
        yardstick_run(b->yardstick);
    figure[YARDSTICK] = 1e6 * (now() - start) / YARDSTICKS;
    return wrong;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

int main(int argc, char **argv)
{
    static double figures[FIGURES][MOST_REPEATS];
    double figure[FIGURES];
    struct bench b = { 0 };
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    int repeats = argc == 3 ? atoi(argv[2]) : 0, wrong = 0;
    if (argc == 1) {
        for (int k = 0; fb_kernels_rung(k); k++)
            printf("%s\n", fb_kernels_rung(k)->name);
        return 0;
    }
    if (!file || repeats < 1 || repeats > MOST_REPEATS) {
        fprintf(stderr, "usage: kernels [SPECTRA REPEATS]\n");
        return 2;
    }
    prepare(&b, file);
    fclose(file);
    for (int k = -1; k < repeats; k++) { /* once to warm up */
        wrong += once(&b, figure);
        for (int f = 0; f < FIGURES && k >= 0; f++)
            figures[f][k] = figure[f];
    }
    for (int f = 0; f < FIGURES; f++)
        printf("%.2f%c", median(figures[f], repeats), f + 1 < FIGURES ? ' ' : '\n');
    if (wrong)
        fprintf(stderr, "kernels: %d answers differ from what the finder found\n", wrong);
    return wrong != 0;
}
