/*
 * coadd.h - spectra of one pixel: coadd files, and the spectra files of mocks. Only the rows asked for are read, and of the
 * images only wavelength, flux and ivar (and the mask where cameras must be resampled); resolution matrices never.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COADD_H
#define FB_COADD_H

#include <stddef.h>
#include <stdint.h>
#include "fastbal.h"
#include "io/error.h"

struct fb_coadd;

enum { FB_COADD_BATCH = 64 }; /* most rows that can be loaded at a time */

/* Open a file: its targets, wavelengths and how its cameras join. One thread at a time may use it. */
int fb_coadd_open(struct fb_coadd **coadd, const char *path, struct fb_error *err);
void fb_coadd_close(struct fb_coadd *coadd); /* NULL is allowed */

/* The joined grid; lives as long as the coadd. */
const fastbal_grid *fb_coadd_grid(const struct fb_coadd *coadd);

/* The row of a target, or -1. Where a target has several rows, the nth of them, or the last where there are fewer. */
int64_t fb_coadd_find(const struct fb_coadd *coadd, int64_t targetid, int nth);

/* Position of a row in degrees; NaN where the file has none. */
void fb_coadd_position(const struct fb_coadd *coadd, int64_t row, double *ra, double *dec);

/* Load the pixels of n rows, 1 to FB_COADD_BATCH, replacing those loaded before. */
int fb_coadd_load(struct fb_coadd *coadd, const int64_t *rows, size_t n, struct fb_error *err);

/* Join the cameras of the k-th loaded row into flux and ivar, as long as the grid. */
void fb_coadd_spectrum(const struct fb_coadd *coadd, size_t k, double *flux, double *ivar);

#endif
