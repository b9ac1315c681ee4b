/*
 * joined.h - joined spectra of a coadd. Its cameras are joined on one grid; if any TARGETID is in several
 * rows, the exposures of each target are joined too (desi/exposures.h). Private to desi/; desi/spectra.h
 * reads all requested spectra of a file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_JOINED_H
#define FB_JOINED_H

#include "fastbal.h"
#include "desi/coadd.h"
#include "desi/exposures.h"

/* The most parts loaded at a time. */
enum { FB_BATCH = 16 };

/* The part of a row to load: pixels [begin, end) of the joined grid. */
struct fb_part {
    int64_t row;
    size_t begin, end;
    size_t request; /* for the caller's use */
};

/* A reader of one file after another. It keeps its memory, and also its grid if the next file has the same
 * wavelengths. Start with all zeros; it must not move in memory. */
struct fb_joined {
    struct fb_coadd coadd;
    fastbal_grid *grid;             /* owned; NULL: none */
    double *wavelength[FB_CAMERAS]; /* owned: the wavelengths that the grid was made from */
    size_t n[FB_CAMERAS];           /* pixels of each */
    int ncameras, has_resolution;   /* of the file that the grid was made from */
    int masks;                      /* the masks are needed */
    /* Memory for rows: slots of flux and ivar, as float, and of the mask, as int32_t; nonzero means
     * masked. */
    void *pixels[FB_CAMERAS][FB_IMAGES]; /* owned */
    size_t room[FB_CAMERAS][FB_IMAGES];  /* pixels of a slot */
    struct fb_exposure_sum *sums;        /* owned: one per pixel of the longest camera */
    struct fb_part part[FB_BATCH];       /* the parts loaded */
    size_t slot[FB_BATCH];               /* and their slots */
};

/* Open a file, after closing the previous one. After a failure nothing can be loaded, but the file may stay
 * open until the next call. */
int fb_joined_open(struct fb_joined *joined, const char *path, struct fb_error *err);
void fb_joined_release(struct fb_joined *joined);

/* Load n parts, 1 to FB_BATCH, replacing those loaded before. Each row must be the first of its target; the
 * target's other rows are loaded with it. */
int fb_joined_load(struct fb_joined *joined, const struct fb_part *parts, size_t n, struct fb_error *err);
/*
 * Announce the parts to be loaded next, any number of them. If the file is not in memory, the system
 * prefetches them, which is several times as fast from a disk as reading them one by one. Returns 1 if they
 * have to be fetched, 0 if they are in memory.
 */
int fb_joined_ahead(const struct fb_joined *joined, const struct fb_part *parts, size_t n);

/* Join the cameras of the k-th part loaded into flux and ivar, which have as many pixels as the grid. Pixels
 * outside the part are not changed. */
void fb_joined_spectrum(struct fb_joined *joined, size_t k, double *flux, double *ivar);

#endif
