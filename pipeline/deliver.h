/*
 * deliver.h - the rows of BAL tables into a catalog with BAL columns: for run, whose tables were just measured, and
 * append, which reads them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DELIVER_H
#define FB_DELIVER_H

#include "desi/baltable.h"
#include "desi/catalog.h"
#include "fits/error.h"
#include "pipeline/pixel_result.h"
#include "pipeline/pixel_rows.h"

/*
 * Start a catalog with BAL columns for rows that were read from plan->source; of the plan, n, balmask, described are set
 * here. Every row begins as one that no BAL table has.
 */
int fb_deliver_start(struct fb_balcatalog **catalog, struct fb_balcatalog_plan plan,
                     const struct fb_pixel_rows *rows, struct fb_error *err);

/*
 * Match the table of the index-th pixel with the catalog's rows (pipeline/match.h) and put them into the catalog; where
 * that is NULL, because another rank has it, into the result's bytes. The result counts the pixel's catalog rows.
 * Returns FB_PIXEL_DONE, FB_PIXEL_UNWRITTEN or FB_PIXEL_FAILED; after a failure nothing is counted.
 */
enum fb_pixel_outcome fb_deliver_table(struct fb_balcatalog *catalog, const struct fb_pixel_rows *rows,
                                       size_t index, struct fb_baltable *table,
                                       struct fb_pixel_result *result, struct fb_error *err);

/* Put the bytes of a result that came from another rank into the catalog. */
int fb_deliver_received(struct fb_balcatalog *catalog, const struct fb_pixel_result *result,
                        struct fb_error *err);
/* Bytes of one row in a result, which have to be the same on all ranks. */
size_t fb_deliver_row_bytes(void);

#endif
