/*
 * coadd.h - spectra of one pixel: coadd files, the spectra files of mocks, and files of exposures. Only the rows
 * asked for are read, and of the images only wavelength, flux and ivar (and the mask where cameras must be
 * resampled or exposures joined); resolution matrices never.
 *
 * Where any TARGETID stands in several rows, the file is one of exposures: the rows of each target are joined into
 * one spectrum when it is loaded (desi/exposures.h), and a target goes by the first of its rows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COADD_H
#define FB_COADD_H

#include <stddef.h>
#include <stdint.h>
#include "fastbal.h"
#include "fits/error.h"
#include "fits/file.h"

/* A reader of one file after the other. It keeps its memory, so that a thread should keep it. */
struct fb_coadd;

enum { FB_COADD_BATCH = 16 }; /* most rows that can be loaded at a time */

/* The part of a row that is wanted: pixels [begin, end) of the joined grid. */
struct fb_coadd_row {
    int64_t row;
    size_t begin, end;
};

/*
 * Open a file: its targets, wavelengths and how its cameras join. *coadd is NULL, or a reader whose file is
 * closed first. One thread at a time may use it. On failure a reader that was there stays, with nothing open;
 * a new one is freed and *coadd NULL.
 */
int fb_coadd_open(struct fb_coadd **coadd, const char *path, struct fb_error *err);
void fb_coadd_close(struct fb_coadd *coadd); /* frees the reader; NULL is allowed */

const char *fb_coadd_path(const struct fb_coadd *coadd); /* of the open file */

/* The joined grid; lives until another file is opened. */
const fastbal_grid *fb_coadd_grid(const struct fb_coadd *coadd);

/* Is this a file of exposures? */
int fb_coadd_has_exposures(const struct fb_coadd *coadd);

/* The row of a target, the first where it has several, or -1. */
int64_t fb_coadd_find(const struct fb_coadd *coadd, int64_t targetid);

/* Position of a row in degrees; NaN where the file has none. */
void fb_coadd_position(const struct fb_coadd *coadd, int64_t row, double *ra, double *dec);

/*
 * Say which rows, any number, will be loaded next: where the file is not in memory, the system fetches them
 * all meanwhile. From a disk that is several times as fast as reading one after the other. Returns 1 where
 * they have to be fetched, 0 where they are in memory.
 */
int fb_coadd_prefetch(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n);

/* Load n rows or parts of rows, 1 to FB_COADD_BATCH, replacing those loaded before. */
int fb_coadd_load(struct fb_coadd *coadd, const int64_t *rows, size_t n, struct fb_error *err);
int fb_coadd_load_parts(struct fb_coadd *coadd, const struct fb_coadd_row *rows, size_t n,
                        struct fb_error *err);

/* Join the cameras of the k-th loaded row into flux and ivar, as long as the grid; what was not loaded is
 * left as it is. */
void fb_coadd_spectrum(const struct fb_coadd *coadd, size_t k, double *flux, double *ivar);

/* What this reader has read so far, all its files together. */
const struct fb_io_stats *fb_coadd_io(const struct fb_coadd *coadd);

#endif
