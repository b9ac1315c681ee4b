/*
 * collect.h - collects the training sample from a tree of spectra: it selects quasars of a catalog and leaves
 * out known troughs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COLLECT_H
#define FB_COLLECT_H

#include "desi/balquasars.h"
#include "desi/catalog.h"
#include "desi/id_rows.h"
#include "desi/spectra.h"
#include "desi/tree.h"
#include "fits/error.h"
#include "pipeline/pixel_rows.h"
#include "train/sample.h"

/* Known troughs, by TARGETID. */
struct fb_known_troughs {
    struct fb_balquasars quasars;
    struct fb_catalog_rows catalog; /* rows of the same file */
    struct fb_id_row *order;        /* owned: its rows by TARGETID */
    struct fb_mask_lines lines;     /* the lines in which troughs are left out: C IV, Si IV */
};

/* Read a catalog with BAL columns. An all-zero struct has no known troughs. Release in any case. */
int fb_known_troughs_read(struct fb_known_troughs *known, const char *path, int mock, struct fb_error *err);
void fb_known_troughs_release(struct fb_known_troughs *known);

/* The outcome for each row of a catalog. */
enum fb_row_use {
    FB_ROW_USED,
    FB_ROW_OUTSIDE, /* redshift outside FASTBAL_Z_MIN to FASTBAL_Z_MAX */
    FB_ROW_WARNED,  /* ZWARN is not 0 */
    FB_ROW_MISSING, /* no spectrum in the pixel's file */
    FB_ROW_SHORT,   /* the spectrum does not cover the cells */
    FB_ROW_NOISY,   /* signal-to-noise below the limit */
    FB_ROW_USES
};

struct fb_collected {
    struct fb_sample sample;
    size_t rows[FB_ROW_USES];
    size_t nknown,
        nmasked; /* of the rows used, those in the catalog of troughs, and those with troughs in it */
};

struct fb_collection {
    const struct fb_tree *tree; /* these four are borrowed */
    const struct fb_pixel_rows *rows;
    const struct fb_known_troughs *known;
    struct fb_spectra **readers; /* one per thread, NULL at first; the caller closes them */
    double min_snr;
    struct fb_collected *parts; /* one per pixel */
};

/* Collect the spectra of pixel `index` into its part. On failure the part is empty. */
int fb_collect_pixel(const struct fb_collection *collection, int thread, size_t index, struct fb_error *err);
/* Move all parts into one, in pixel order. */
int fb_collect_all(const struct fb_collection *collection, struct fb_collected *all, struct fb_error *err);
void fb_collected_release(struct fb_collected *collected);

#endif
