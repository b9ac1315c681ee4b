/*
 * joined.h - spectra of a coadd: cameras joined on one grid, and exposures of a target joined (desi/exposures.h), where any
 * TARGETID stands in several rows. Private to desi/; desi/spectra.h reads all spectra of a file that are wanted.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_JOINED_H
#define FB_JOINED_H

#include "desi/coadd_rows.h"
#include "desi/exposures.h"

/* A reader of one file after the other. It keeps its memory, and its grid where the next file has the same wavelengths. All
 * zero is a good start; it must not move in memory. */
struct fb_joined {
    struct fb_coadd coadd;
    fastbal_grid *grid;             /* owned; NULL: none */
    double *wavelength[FB_CAMERAS]; /* owned: what it is made of */
    size_t n[FB_CAMERAS];           /* pixels of each */
    int ncameras, has_resolution;   /* the same */
    struct fb_slots slots;
    struct fb_exposure_sum *sums;  /* owned: of the pixels of the longest camera */
    struct fb_part part[FB_BATCH]; /* what is loaded, */
    size_t slot[FB_BATCH];         /* and where */
};

/* Open a file; one that was open is closed. Nothing is open after a failure. */
int fb_joined_open(struct fb_joined *joined, const char *path, struct fb_error *err);
void fb_joined_release(struct fb_joined *joined);

/* Load n parts, 1 to FB_BATCH, replacing those loaded before. Their rows are the first of their targets, whose other rows
 * are loaded with them. */
int fb_joined_load(struct fb_joined *joined, const struct fb_part *parts, size_t n, struct fb_error *err);
/* As fb_fetch_ahead(). */
int fb_joined_ahead(struct fb_joined *joined, const struct fb_part *parts, size_t n);

/* Join the cameras of the k-th part loaded into flux and ivar, as long as the grid; what was not loaded is left as it
 * is. */
void fb_joined_spectrum(struct fb_joined *joined, size_t k, double *flux, double *ivar);

#endif
