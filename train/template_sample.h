/*
 * template_sample.h - collects the sample that templates are learnt from, without the troughs that are known.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPLATE_SAMPLE_H
#define FB_TEMPLATE_SAMPLE_H

#include "desi/balquasars.h"
#include "desi/catalog.h"
#include "desi/id_rows.h"
#include "train/collect.h"
#include "train/sample.h"

/* Known troughs, by TARGETID. */
struct fb_known_troughs {
    struct fb_balquasars quasars;
    struct fb_catalog_rows catalog; /* rows of the same file */
    struct fb_id_row *order;        /* owned: those rows, by TARGETID */
    struct fb_mask_lines lines;     /* the lines in which troughs are left out: C IV, Si IV */
};

/* Read a catalog with BAL columns. With all zeros, no troughs are known. Release in any case. */
int fb_known_troughs_read(struct fb_known_troughs *known, const char *path, int mock, struct fb_error *err);
void fb_known_troughs_release(struct fb_known_troughs *known);

/* A sample, or the part of it from one pixel. */
struct fb_template_sample {
    struct fb_sample sample;
    size_t nknown,
        nmasked; /* number of its spectra that are in the catalog of troughs, and that have troughs in it */
};
void fb_template_sample_release(struct fb_template_sample *sample);

struct fb_template_taker {
    const struct fb_known_troughs *known; /* borrowed */
    double min_snr;
    struct fb_template_sample *parts; /* one per pixel */
};

/* An fb_take_spectrum() with a struct fb_template_taker as its context. */
int fb_template_take(void *taker, int thread, size_t index, const struct fb_spectrum *spectrum,
                     const struct fb_redshift *row);
/* Move the parts of pixels that did not fail into one sample, in their order. */
int fb_template_sample_join(struct fb_template_sample *all, struct fb_template_sample *parts,
                            const struct fb_collection *collection, struct fb_error *err);

#endif
