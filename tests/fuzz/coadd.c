/*
 * coadd.c - fuzz target: any file as a coadd. What can be opened gives rows whose pixels are finite, whole or
 * in parts, the same from a reader that is used again.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "desi/joined.h"

enum { MOST_ROWS = 40, MOST_GRID = 20000 };

static void check_grid(const fastbal_grid *grid)
{
    size_t n = fastbal_grid_size(grid);
    const double *wavelength = fastbal_grid_wavelength(grid);
    CHECK(n >= 2 && wavelength[0] > 0 && isfinite(wavelength[n - 1]));
    for (size_t i = 1; i < n; i++)
        CHECK(wavelength[i] > wavelength[i - 1]);
}

static void check_pixels(const double *flux, const double *ivar, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        CHECK(isfinite(flux[i]) && isfinite(ivar[i]) && ivar[i] >= 0);
}

static int load_rows(struct fb_joined *coadd, const int64_t *rows, size_t n, struct fb_error *err)
{
    struct fb_part parts[FB_BATCH];
    for (size_t k = 0; k < n; k++)
        parts[k] = (struct fb_part){ rows[k], 0, fastbal_grid_size(coadd->grid), 0 };
    return fb_joined_load(coadd, parts, n, err);
}

/* Rows from the first on, in batches; where a batch can't be read there is nothing to compare. */
static void read_rows(struct fb_joined *coadd, int64_t nrows, size_t n, double *flux, double *ivar)
{
    struct fb_error err;
    for (int64_t first = 0; first < nrows; first += FB_BATCH) {
        int64_t rows[FB_BATCH];
        size_t count = 0;
        while (count < FB_BATCH && first + (int64_t)count < nrows) {
            rows[count] = first + (int64_t)count;
            count++;
        }
        if (load_rows(coadd, rows, count, &err) != 0)
            continue;
        for (size_t k = 0; k < count; k++) {
            fb_joined_spectrum(coadd, k, flux, ivar);
            check_pixels(flux, ivar, 0, n);
        }
    }
}

/* A part of every other row, backwards as well as forwards, is what the whole row has there. */
static void read_parts(struct fb_joined *coadd, int64_t nrows, size_t n, double *flux, double *ivar)
{
    struct fb_error err;
    double *part = malloc(2 * n * sizeof *part);
    CHECK(part);
    for (int64_t row = 0; row < nrows; row += 2) {
        struct fb_part rows[2] = { { row, n / 3, n - n / 4, 0 }, { nrows - 1 - row, n / 2, n, 0 } };
        fb_joined_ahead(coadd, rows, 2);
        for (size_t k = 0; k < 2; k++) {
            if (load_rows(coadd, &rows[k].row, 1, &err) != 0)
                continue;
            fb_joined_spectrum(coadd, 0, flux, ivar);
            if (fb_joined_load(coadd, rows, 2, &err) != 0)
                continue;
            fb_joined_spectrum(coadd, k, part, part + n);
            size_t bytes = (rows[k].end - rows[k].begin) * sizeof *part;
            CHECK(memcmp(part + rows[k].begin, flux + rows[k].begin, bytes) == 0);
            CHECK(memcmp(part + n + rows[k].begin, ivar + rows[k].begin, bytes) == 0);
        }
    }
    free(part);
}

static void check_targets(const struct fb_targets *targets, int64_t *nrows)
{
    int64_t row = fb_targets_find(targets, 1001);
    CHECK(row >= -1 && row < targets->n);
    *nrows = 0;
    /* the seeds' targets, and how many rows there may be */
    for (int64_t id = 1000; id < 1000 + MOST_ROWS; id++) {
        row = fb_targets_find(targets, id);
        *nrows = row >= *nrows && row < MOST_ROWS ? row + 1 : *nrows;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    struct fb_joined *coadd = calloc(1, sizeof *coadd);
    CHECK(coadd);
    const char *path = fuzz_file(bytes, size);
    for (int time = 0; time < 2; time++) {
        if (fb_joined_open(coadd, path, &err) != 0) {
            CHECK(strncmp(err.text, path, strlen(path)) == 0);
            break;
        }
        int64_t nrows;
        size_t n = fastbal_grid_size(coadd->grid);
        check_grid(coadd->grid);
        check_targets(&coadd->coadd.targets, &nrows);
        double *flux = malloc(2 * n * sizeof *flux);
        CHECK(flux);
        read_rows(coadd, nrows, n, flux, flux + n);
        if (n < MOST_GRID)
            read_parts(coadd, nrows, n, flux, flux + n);
        free(flux);
    }
    fb_joined_release(coadd);
    free(coadd);
    return 0;
}
