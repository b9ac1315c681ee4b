/*
 * targets.h - the table FIBERMAP of a coadd: the target of each row of the images. Private to desi/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TARGETS_H
#define FB_TARGETS_H

#include <stddef.h>
#include <stdint.h>
#include "desi/id_rows.h"
#include "fits/error.h"
#include "fits/hdus.h"

/* Start with all zeros; the struct can be reused for one file after another. */
struct fb_targets {
    int64_t n;                /* rows */
    struct fb_id_row *sorted; /* owned: n, by TARGETID and row */
    double *ra, *dec;         /* owned: of each row, degrees; NaN where the file has no positions */
    int64_t *status;          /* owned: FIBERSTATUS of each row; 0 if the file has none or `repeat` is 0 */
    int64_t *next;            /* owned: of each row, the next of the same target, or -1 */
    int repeat;               /* some TARGETID is in several rows */
    size_t room;
};

/* Read the table of an open file. Returns 0, or -1 with an error. Release in any case. */
int fb_targets_read(struct fb_targets *targets, struct fb_hdus *hdus, struct fb_error *err);
void fb_targets_release(struct fb_targets *targets);

/* The first row of a target, or -1. */
int64_t fb_targets_find(const struct fb_targets *targets, int64_t targetid);

#endif
