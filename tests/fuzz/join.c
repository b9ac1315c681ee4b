/*
 * join.c - fuzz target: cameras of any wavelengths and pixels are refused, or joined into finite pixels on
 * increasing wavelengths; a range of them is what the whole has there, and looks at no camera pixel but those
 * it says; and a batch measures what was joined.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "fuzz.h"
#include "numbers.h"

enum { MOST_PIXELS = 200, MOST_GRID = 100000 };

struct cameras {
    int n;
    struct fastbal_camera camera[FASTBAL_MAX_CAMERAS];
    struct fastbal_pixels pixels[FASTBAL_MAX_CAMERAS];
    double *wavelength[FASTBAL_MAX_CAMERAS];
    float *flux[FASTBAL_MAX_CAMERAS], *ivar[FASTBAL_MAX_CAMERAS];
    int32_t *mask[FASTBAL_MAX_CAMERAS];
};

static float *take_floats(struct numbers *numbers, size_t n)
{
    float *values = malloc(n ? n * sizeof *values : 1);
    CHECK(values);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)take_double(numbers);
    return values;
}

static void take_cameras(struct numbers *numbers, struct cameras *c)
{
    c->n = take_byte(numbers) % (FASTBAL_MAX_CAMERAS + 1);
    for (int k = 0; k < c->n; k++) {
        unsigned kind = take_byte(numbers);
        size_t n = take_count(numbers) % MOST_PIXELS;
        c->wavelength[k] = kind & 1 ? take_increasing(numbers, n) : take_doubles(numbers, n);
        c->flux[k] = take_floats(numbers, n);
        c->ivar[k] = take_floats(numbers, n);
        c->mask[k] = calloc(n + 1, sizeof **c->mask);
        CHECK(c->mask[k]);
        for (size_t i = 0; i < n; i += 7)
            c->mask[k][i] = take_byte(numbers);
        c->camera[k] = (struct fastbal_camera){ c->wavelength[k], n };
        c->pixels[k] = (struct fastbal_pixels){ c->flux[k], c->ivar[k], kind & 2 ? c->mask[k] : NULL };
    }
}

static void release_cameras(struct cameras *c)
{
    for (int k = 0; k < c->n; k++) {
        free(c->wavelength[k]);
        free(c->flux[k]);
        free(c->ivar[k]);
        free(c->mask[k]);
    }
}

static void check_wavelengths(const fastbal_grid *grid)
{
    size_t n = fastbal_grid_size(grid);
    const double *wavelength = fastbal_grid_wavelength(grid);
    CHECK(n >= 2 && wavelength[0] > 0 && isfinite(wavelength[n - 1]));
    for (size_t i = 1; i < n; i++)
        CHECK(wavelength[i] > wavelength[i - 1]);
}

/* A batch of this one spectrum is measured as it is when it was joined before. */
static void check_batch(const fastbal_grid *grid, const struct cameras *c, const double *flux,
                        const double *ivar)
{
    size_t n = fastbal_grid_size(grid);
    const double *wavelength = fastbal_grid_wavelength(grid), z = wavelength[n / 2] / 1549 - 1;
    const struct fastbal_spectrum spectrum = { n, wavelength, flux, ivar, z };
    struct fastbal_result batch, alone;
    fastbal_workspace *work = fastbal_workspace_create();
    fastbal_templates *templates = NULL;
    CHECK(work && fastbal_templates_builtin(&templates) == FASTBAL_OK);
    CHECK(fastbal_measure_batch(work, templates, grid, 1, c->pixels, &z, NULL, &batch) == FASTBAL_OK);
    if (batch.status != FASTBAL_BAD_REDSHIFT) {
        CHECK(fastbal_measure(work, templates, &spectrum, NULL, &alone) == FASTBAL_OK);
        CHECK(memcmp(&batch, &alone, sizeof alone) == 0);
    }
    fastbal_templates_free(templates);
    fastbal_workspace_free(work);
}

/* Camera pixels that a range is said not to look at hold something else now. */
static void spoil_others(const fastbal_grid *grid, struct cameras *c, size_t begin, size_t end)
{
    for (int k = 0; k < c->n; k++) {
        size_t first, last;
        fastbal_grid_pixels(grid, k, begin, end, &first, &last);
        CHECK(first <= last && last <= c->camera[k].n);
        for (size_t i = 0; i < c->camera[k].n; i++)
            if (i < first || i >= last)
                c->flux[k][i] = c->ivar[k][i] = 12345;
    }
}

static void check_pixels(const fastbal_grid *grid, struct cameras *c)
{
    size_t n = fastbal_grid_size(grid), begin = n / 3, end = n - n / 5,
           bytes = (end - begin) * sizeof(double);
    double *whole = malloc(4 * n * sizeof *whole), *part = whole + 2 * n;
    CHECK(whole);
    fastbal_join(grid, c->pixels, whole, whole + n);
    for (size_t i = 0; i < n; i++)
        CHECK(isfinite(whole[i]) && isfinite(whole[n + i]) && whole[n + i] >= 0);
    check_batch(grid, c, whole, whole + n);
    spoil_others(grid, c, begin, end);
    fastbal_join_range(grid, c->pixels, begin, end, part, part + n);
    CHECK(memcmp(part + begin, whole + begin, bytes) == 0);
    CHECK(memcmp(part + n + begin, whole + n + begin, bytes) == 0);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct numbers numbers = { bytes, size, 1 };
    struct cameras cameras = { 0 };
    fastbal_grid *grid;
    double start = take_double(&numbers);
    take_cameras(&numbers, &cameras);
    int status = fastbal_grid_create(&grid, cameras.camera, cameras.n, start, NULL);
    CHECK((status == FASTBAL_OK) == (grid != NULL) && status != FASTBAL_ENOMEM);
    if (grid) {
        check_wavelengths(grid);
        if (fastbal_grid_size(grid) < MOST_GRID)
            check_pixels(grid, &cameras);
    }
    fastbal_grid_free(grid);
    release_cameras(&cameras);
    return 0;
}
