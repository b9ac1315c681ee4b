/*
 * match.h - which row of a pixel's BAL table belongs to which row of the catalog, and the BALMASK that
 * follows.
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

/* Catalog rows and their BAL rows, which are rows of the table and have their BALMASK. */
struct fb_matches {
    struct fb_balput *matches; /* owned */
    size_t n;
    struct fb_tally tally; /* of the pixel's catalog rows */
};

/*
 * Match the index-th pixel's catalog rows with its table, and set the BALMASK of the table's rows. Repeated
 * TARGETIDs are told apart by redshift, and otherwise taken in order: rows with the same redshift go first.
 * Release in any case.
 */
int fb_match_rows(struct fb_matches *matches, const struct fb_pixel_rows *sorted, size_t index,
                  struct fb_baltable *table, struct fb_error *err);
/* Count a catalog row that has no BAL row, with this fate where its redshift is one the finder works on. */
void fb_count_unmatched(struct fb_tally *tally, double z, enum fb_fate fate);
void fb_matches_release(struct fb_matches *matches);

#endif
