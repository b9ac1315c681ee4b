/*
 * collect.h - reads the spectra of a catalog's quasars from a tree, pixel by pixel, and counts what becomes
 * of them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COLLECT_H
#define FB_COLLECT_H

#include "desi/balrow.h"
#include "desi/spectra.h"
#include "desi/tree.h"
#include "fits/error.h"
#include "pipeline/pixel_rows.h"

/* The outcome for each row of a catalog. */
enum fb_row_use {
    FB_ROW_USED,
    FB_ROW_OUTSIDE, /* redshift outside FASTBAL_Z_MIN to FASTBAL_Z_MAX */
    FB_ROW_WARNED,  /* ZWARN is not 0 */
    FB_ROW_MISSING, /* no spectrum in the pixel's file */
    FB_ROW_SHORT,   /* the spectrum does not cover what is needed */
    FB_ROW_NOISY,   /* signal-to-noise below the limit */
    FB_ROW_USES
};
typedef size_t fb_row_counts[FB_ROW_USES];

/* Take the spectrum of a row of the index-th pixel. Returns the row's enum fb_row_use, or -1 if out of
 * memory. */
typedef int fb_take_spectrum(void *context, int thread, size_t index, const struct fb_spectrum *spectrum,
                             const struct fb_redshift *row);

struct fb_collection {
    const struct fb_tree *tree; /* borrowed */
    const struct fb_pixel_rows *rows;
    int whole;              /* read all pixels of a spectrum, not only those that a measurement uses */
    fb_take_spectrum *take; /* called for rows in the redshift range and without a warning */
    void *context;
    int nthreads;
    struct fb_spectra **readers; /* owned: one per thread */
    fb_row_counts *counts;       /* owned: one per pixel */
};

/* Allocate memory for a collection whose other members are set. Release in any case. */
int fb_collection_start(struct fb_collection *collection, struct fb_error *err);
void fb_collection_release(struct fb_collection *collection);

/* Collect the spectra of pixel `index`. On failure its counts are 0, and what was taken from it must be
 * ignored. */
int fb_collect_pixel(const struct fb_collection *collection, int thread, size_t index, struct fb_error *err);
/* The sums over all pixels. */
void fb_collection_count(const struct fb_collection *collection, fb_row_counts sum);

#endif
