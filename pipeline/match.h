/*
 * match.h - matches rows of a pixel's BAL table with rows of the catalog, and sets their BALMASK.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MATCH_H
#define FB_MATCH_H

#include "desi/baltable.h"
#include "desi/catalog.h"
#include "fits/error.h"
#include "pipeline/pixel_rows.h"
#include "pipeline/tally.h"

/* Pairs of a catalog row and a BAL row; the BAL rows are borrowed from the table. */
struct fb_matches {
    struct fb_balcatalog_row *matches; /* owned */
    size_t n;
    struct fb_tally tally; /* of the pixel's catalog rows */
};

/*
 * Match the index-th pixel's catalog rows with its table, and set the BALMASK of the table's rows. Rows with
 * a repeated TARGETID are matched first by equal redshift, then in order. Release in any case.
 */
int fb_match_rows(struct fb_matches *matches, const struct fb_pixel_rows *sorted, size_t index,
                  struct fb_baltable *table, struct fb_error *err);
/* Count a catalog row without a BAL row: with this fate if its redshift is in the finder's range, else as
 * outside the range. */
void fb_count_unmatched(struct fb_tally *tally, double z, enum fb_fate fate);
void fb_matches_release(struct fb_matches *matches);

#endif
