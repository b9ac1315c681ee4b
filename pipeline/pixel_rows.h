/*
 * pixel_rows.h - the rows of a QSO catalog, sorted by pixel.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PIXEL_ROWS_H
#define FB_PIXEL_ROWS_H

#include "desi/layout.h"
#include "desi/redshifts.h"
#include "desi/tree.h"
#include "fits/error.h"
#include "fits/table.h"

enum { FB_NMARKS = 3 }; /* bits of enum fb_catalog_mark */

struct fb_pixel_rows {
    struct fb_redshift *rows; /* in catalog order */
    size_t n;
    struct fb_id_list pixels;  /* those with rows, ascending */
    size_t *order;             /* owned: row numbers, pixel by pixel, in catalog order within a pixel */
    size_t *begin;             /* pixels.n + 1: where in order a pixel's rows begin */
    size_t nowhere;            /* rows without a pixel: no valid position, or not covered by the map */
    size_t missing;            /* selected pixels, tiles and targets that no row has */
    size_t unselected;         /* rows excluded by --healpix, --tiles, --targetids or --only */
    size_t nothers[FB_NMARKS]; /* rows of another survey, program or spectral type, by mark */
    unsigned only;             /* marks that exclude a row (--only) */
};

/*
 * Read an open catalog and sort its rows by the pixels of a tree: from positions, or for tiles from the
 * columns TILEID, LASTNIGHT and PETAL_LOC. Rows that are not selected are in no pixel. A column HPXPIXEL, or
 * UNIQPIX of adaptive pixels, that contradicts the positions is an error. Release in any case.
 */
int fb_pixel_rows_take(struct fb_pixel_rows *sorted, struct fb_table *catalog, const struct fb_layout *layout,
                       const struct fb_selection *selection, struct fb_error *err);
/* The same for a catalog that is not needed otherwise: opens and closes it. */
int fb_pixel_rows_read(struct fb_pixel_rows *sorted, const char *path, const struct fb_layout *layout,
                       const struct fb_selection *selection, struct fb_error *err);
void fb_pixel_rows_release(struct fb_pixel_rows *sorted);

/* The rows of the index-th pixel that are measured, as split would write them: those in the finder's redshift
 * range. The caller releases them in any case. */
int fb_pixel_rows_choose(const struct fb_pixel_rows *sorted, size_t index, struct fb_redshifts *redshifts,
                         struct fb_error *err);

#endif
