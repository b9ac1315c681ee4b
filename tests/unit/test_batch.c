/*
 * test_batch.c - many spectra in one call: bit-identical to single calls, also with bad spectra among them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NSPEC = 12, NCAMERAS = 2, NPIX = 3000 };

/* Two cameras, aligned on one grid with an overlap, or (shift) not aligned; spectra one after the other. */
struct survey {
    double wavelength[NCAMERAS][NPIX], z[NSPEC];
    float flux[NCAMERAS][NSPEC * NPIX], ivar[NCAMERAS][NSPEC * NPIX];
    int32_t mask[NCAMERAS][NSPEC * NPIX];
    struct fastbal_camera cameras[NCAMERAS];
    struct fastbal_pixels pixels[NCAMERAS];
    fastbal_grid *grid;
    fastbal_templates *templates;
};

static const size_t npix[NCAMERAS] = { NPIX, NPIX - 200 };

static void fill(struct survey *s, double shift)
{
    uint64_t seed = 11;
    for (int c = 0; c < NCAMERAS; c++) {
        for (size_t i = 0; i < npix[c]; i++)
            s->wavelength[c][i] = 3600 + 0.8 * (double)(i + 2900 * (size_t)c) + shift * c;
        for (size_t k = 0; k < NSPEC; k++) {
            s->z[k] = 1.7 + 0.15 * (double)k;
            for (size_t i = 0; i < npix[c]; i++) {
                double v = LIGHT * (s->wavelength[c][i] / (1 + s->z[k]) / CIV - 1);
                double depth = k % 3 == 0 && v > -12000 && v < -6000 ? 0.7 : 0;
                s->flux[c][k * npix[c] + i] = (float)(5 * (1 - depth) + uniform(&seed) - 0.5);
                s->ivar[c][k * npix[c] + i] = uniform(&seed) < 0.01 ? 0 : 12;
                s->mask[c][k * npix[c] + i] = uniform(&seed) < 0.02;
            }
        }
        s->cameras[c] = (struct fastbal_camera){ s->wavelength[c], npix[c] };
        s->pixels[c] = (struct fastbal_pixels){ s->flux[c], s->ivar[c], s->mask[c] };
    }
    assert_int_equal(fastbal_grid_create(&s->grid, s->cameras, NCAMERAS, 3600, NULL), FASTBAL_OK);
    assert_int_equal(fastbal_grid_resamples(s->grid), shift != 0);
    s->templates = flat_template();
}

static struct survey *survey_create(double shift)
{
    struct survey *s = calloc(1, sizeof *s);
    assert_non_null(s);
    fill(s, shift);
    return s;
}

static void survey_free(struct survey *s)
{
    fastbal_grid_free(s->grid);
    fastbal_templates_free(s->templates);
    free(s);
}

/* One spectrum, joined and measured by itself in a fresh workspace. */
static struct fastbal_result single(const struct survey *s, size_t k, const struct fastbal_options *options)
{
    struct fastbal_pixels one[NCAMERAS];
    size_t n = fastbal_grid_size(s->grid);
    double *flux = malloc(2 * n * sizeof *flux);
    fastbal_workspace *work = fastbal_workspace_create();
    struct fastbal_result result;
    assert_true(flux && work);
    for (int c = 0; c < NCAMERAS; c++) {
        one[c].flux = s->pixels[c].flux + k * npix[c];
        one[c].ivar = s->pixels[c].ivar + k * npix[c];
        one[c].mask = s->pixels[c].mask ? s->pixels[c].mask + k * npix[c] : NULL;
    }
    fastbal_join(s->grid, one, flux, flux + n);
    struct fastbal_spectrum spectrum = { n, fastbal_grid_wavelength(s->grid), flux, flux + n, s->z[k] };
    assert_int_equal(fastbal_measure(work, s->templates, &spectrum, options, &result), FASTBAL_OK);
    fastbal_workspace_free(work);
    free(flux);
    return result;
}

static void same_as_single_calls(void **state)
{
    (void)state;
    fastbal_workspace *work = fastbal_workspace_create();
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    int troughs = 0;
    for (int kind = 0; kind < 6; kind++) { /* aligned or not, masks or none, both rules */
        struct survey *s = survey_create(kind % 2 ? 0.3 : 0);
        struct fastbal_result results[NSPEC];
        options.rules = kind / 2 == 1 ? FASTBAL_RULES_OPTIMIZE : FASTBAL_RULES_MAIN;
        for (int c = 0; c < NCAMERAS && kind / 2 == 2; c++)
            s->pixels[c].mask = NULL;
        assert_int_equal(
            fastbal_measure_batch(work, s->templates, s->grid, NSPEC, s->pixels, s->z, &options, results),
            FASTBAL_OK);
        assert_string_equal(fastbal_error(work), "");
        for (size_t k = 0; k < NSPEC; k++) {
            struct fastbal_result alone = single(s, k, &options);
            check_same_result(&results[k], &alone);
            assert_int_equal(alone.status & FASTBAL_NOT_MEASURED, 0);
            troughs += alone.civ.bi.count;
        }
        survey_free(s);
    }
    assert_true(troughs >= 6 * (NSPEC / 3)); /* there was something to measure */
    fastbal_workspace_free(work);
}

static void bad_spectra_are_flagged(void **state)
{
    (void)state;
    fastbal_workspace *work = fastbal_workspace_create();
    struct survey *s = survey_create(0);
    struct fastbal_result results[NSPEC];
    const double bad[4] = { NAN, INFINITY, -1, -3 };
    for (int j = 0; j < 4; j++)
        s->z[j + 1] = bad[j];
    s->z[6] = 0.1; /* C IV is not covered */
    for (size_t i = 0; i < npix[0]; i++)
        s->flux[0][8 * npix[0] + i] = NAN;
    for (size_t i = 0; i < npix[1]; i++)
        s->flux[1][8 * npix[1] + i] = INFINITY;
    assert_int_equal(
        fastbal_measure_batch(work, s->templates, s->grid, NSPEC, s->pixels, s->z, NULL, results),
        FASTBAL_OK);
    for (size_t k = 0; k < NSPEC; k++) {
        uint32_t expected = k >= 1 && k <= 4 ? FASTBAL_BAD_REDSHIFT
                            : k == 6         ? FASTBAL_NO_CIV
                            : k == 8         ? FASTBAL_FEW_PIXELS
                                             : 0;
        assert_int_equal(results[k].status & FASTBAL_NOT_MEASURED, expected);
        struct fastbal_result alone;
        if (expected)
            fastbal_result_clear(&alone, 1, expected);
        else
            alone = single(s, k, NULL);
        check_same_result(&results[k], &alone);
    }
    survey_free(s);
    fastbal_workspace_free(work);
}

struct part {
    const struct survey *survey;
    size_t first, n;
    struct fastbal_result *results;
    int status;
};

static void *measure_part(void *context)
{
    struct part *part = context;
    const struct survey *s = part->survey;
    struct fastbal_pixels pixels[NCAMERAS];
    fastbal_workspace *work = fastbal_workspace_create();
    for (int c = 0; c < NCAMERAS; c++)
        pixels[c] = (struct fastbal_pixels){ s->pixels[c].flux + part->first * npix[c],
                                             s->pixels[c].ivar + part->first * npix[c],
                                             s->pixels[c].mask + part->first * npix[c] };
    part->status = fastbal_measure_batch(work, s->templates, s->grid, part->n, pixels, s->z + part->first,
                                         NULL, part->results + part->first);
    fastbal_workspace_free(work);
    return NULL;
}

static void threads_share_grid_and_templates(void **state)
{
    (void)state;
    enum { NTHREADS = 4 };
    struct survey *s = survey_create(0);
    struct fastbal_result results[NSPEC];
    struct part parts[NTHREADS];
    pthread_t threads[NTHREADS];
    for (size_t t = 0; t < NTHREADS; t++) {
        parts[t] = (struct part){ s, t * NSPEC / NTHREADS, NSPEC / NTHREADS, results, -1 };
        assert_int_equal(pthread_create(&threads[t], NULL, measure_part, &parts[t]), 0);
    }
    for (size_t t = 0; t < NTHREADS; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_int_equal(parts[t].status, FASTBAL_OK);
    }
    for (size_t k = 0; k < NSPEC; k++) {
        struct fastbal_result alone = single(s, k, NULL);
        check_same_result(&results[k], &alone);
    }
    survey_free(s);
}

static void refused(void **state)
{
    (void)state;
    fastbal_workspace *work = fastbal_workspace_create();
    struct survey *s = survey_create(0);
    struct fastbal_result results[NSPEC], before[NSPEC];
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    memset(results, 0x5a, sizeof results);
    memcpy(before, results, sizeof results);
#define REFUSED(text, ...)                                                             \
    do {                                                                               \
        assert_int_equal(fastbal_measure_batch(work, __VA_ARGS__), FASTBAL_EARGUMENT); \
        assert_string_equal(fastbal_error(work), text);                                \
    } while (0)
    REFUSED("templates is NULL", NULL, s->grid, NSPEC, s->pixels, s->z, NULL, results);
    REFUSED("grid is NULL", s->templates, NULL, NSPEC, s->pixels, s->z, NULL, results);
    REFUSED("cameras is NULL", s->templates, s->grid, NSPEC, NULL, s->z, NULL, results);
    REFUSED("z is NULL", s->templates, s->grid, NSPEC, s->pixels, NULL, NULL, results);
    REFUSED("results is NULL", s->templates, s->grid, NSPEC, s->pixels, s->z, NULL, NULL);
    options.fit = 7;
    REFUSED("options->fit = 7: expected 0 (exact) or 1 (simplex)", s->templates, s->grid, NSPEC, s->pixels,
            s->z, &options, results);
    s->pixels[1].ivar = NULL;
    REFUSED("cameras[1].ivar is NULL", s->templates, s->grid, NSPEC, s->pixels, s->z, NULL, results);
    s->pixels[0].flux = NULL;
    REFUSED("cameras[0].flux is NULL", s->templates, s->grid, NSPEC, s->pixels, s->z, NULL, results);
#undef REFUSED
    assert_int_equal(
        fastbal_measure_batch(NULL, s->templates, s->grid, NSPEC, s->pixels, s->z, NULL, results),
        FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_measure_batch(work, s->templates, s->grid, 0, NULL, NULL, NULL, NULL),
                     FASTBAL_OK);
    assert_string_equal(fastbal_error(work), "");
    assert_memory_equal(results, before, sizeof results); /* nothing was written */
    survey_free(s);
    fastbal_workspace_free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_single_calls),
        cmocka_unit_test(bad_spectra_are_flagged),
        cmocka_unit_test(threads_share_grid_and_templates),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
