/*
 * pixel_rows.h - the rows of a QSO catalog, sorted by pixel.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PIXEL_ROWS_H
#define FB_PIXEL_ROWS_H

#include "io/error.h"
#include "io/redshifts.h"
#include "io/tree.h"

struct fb_pixel_rows {
    struct fb_redshift *rows; /* in catalog order */
    size_t n;
    struct fb_pixel_list pixels; /* those with rows, ascending */
    size_t *order;               /* row numbers, pixel by pixel, in catalog order within a pixel */
    size_t *begin;               /* pixels.n + 1: where in order a pixel's rows begin */
    size_t nowhere;              /* rows without a position on the sky; they are in no pixel */
};

/* Read a catalog and sort it. Release in any case. */
int fb_pixel_rows_read(struct fb_pixel_rows *sorted, const char *path, enum fb_scheme scheme,
                       struct fb_error *err);
void fb_pixel_rows_release(struct fb_pixel_rows *sorted);

#endif
