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
#include "desi/coadd.h"

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

/* Rows from the first on, in batches; where a batch can't be read there is nothing to compare. */
static void read_rows(struct fb_coadd *coadd, int64_t nrows, size_t n, double *flux, double *ivar)
{
    struct fb_error err;
    for (int64_t first = 0; first < nrows; first += FB_COADD_BATCH) {
        int64_t rows[FB_COADD_BATCH];
        size_t count = 0;
        while (count < FB_COADD_BATCH && first + (int64_t)count < nrows) {
            rows[count] = first + (int64_t)count;
            count++;
        }
        if (fb_coadd_load(coadd, rows, count, &err) != 0)
            continue;
        for (size_t k = 0; k < count; k++) {
            fb_coadd_spectrum(coadd, k, flux, ivar);
            check_pixels(flux, ivar, 0, n);
        }
    }
}

/* A part of every other row, backwards as well as forwards, is what the whole row has there. */
static void read_parts(struct fb_coadd *coadd, int64_t nrows, size_t n, double *flux, double *ivar)
{
    struct fb_error err;
    double *part = malloc(2 * n * sizeof *part);
    CHECK(part);
    for (int64_t row = 0; row < nrows; row += 2) {
        struct fb_coadd_row rows[2] = { { row, n / 3, n - n / 4 }, { nrows - 1 - row, n / 2, n } };
        fb_coadd_prefetch(coadd, rows, 2);
        for (size_t k = 0; k < 2; k++) {
            if (fb_coadd_load(coadd, &rows[k].row, 1, &err) != 0)
                continue;
            fb_coadd_spectrum(coadd, 0, flux, ivar);
            if (fb_coadd_load_parts(coadd, rows, 2, &err) != 0)
                continue;
            fb_coadd_spectrum(coadd, k, part, part + n);
            size_t bytes = (rows[k].end - rows[k].begin) * sizeof *part;
            CHECK(memcmp(part + rows[k].begin, flux + rows[k].begin, bytes) == 0);
            CHECK(memcmp(part + n + rows[k].begin, ivar + rows[k].begin, bytes) == 0);
        }
    }
    free(part);
}

static void check_targets(const struct fb_coadd *coadd, int64_t *nrows)
{
    double ra, dec;
    int64_t row = fb_coadd_find(coadd, 1001);
    if (row >= 0)
        fb_coadd_position(coadd, row, &ra, &dec);
    CHECK(row >= -1);
    *nrows = 0;
    /* the seeds' targets, and how many rows there may be */
    for (int64_t id = 1000; id < 1000 + MOST_ROWS; id++) {
        row = fb_coadd_find(coadd, id);
        *nrows = row >= *nrows && row < MOST_ROWS ? row + 1 : *nrows;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    struct fb_coadd *coadd = NULL;
    const char *path = fuzz_file(bytes, size);
    for (int time = 0; time < 2; time++) {
        if (fb_coadd_open(&coadd, path, &err) != 0) {
            CHECK(strncmp(err.text, path, strlen(path)) == 0);
            break;
        }
        int64_t nrows;
        size_t n = fastbal_grid_size(fb_coadd_grid(coadd));
        check_grid(fb_coadd_grid(coadd));
        check_targets(coadd, &nrows);
        double *flux = malloc(2 * n * sizeof *flux);
        CHECK(flux);
        read_rows(coadd, nrows, n, flux, flux + n);
        if (n < MOST_GRID)
            read_parts(coadd, nrows, n, flux, flux + n);
        free(flux);
    }
    fb_coadd_close(coadd);
    return 0;
}
