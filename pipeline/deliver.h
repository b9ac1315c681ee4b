/*
 * deliver.h - copies rows of BAL tables into a catalog with BAL columns: for run, which has just measured the
 * tables, and for append, which reads them.
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

/* Can the catalog that extends source be written, and the table of troughs, where one is wanted (else NULL)? */
int fb_deliver_check(const char *catalog, const char *troughs, const char *source, enum fb_replace replace,
                     struct fb_error *err);

/*
 * Match the table of the index-th pixel with the catalog's rows (pipeline/match.h) and write them to the
 * catalog; if that is NULL, because another rank has it, to the result's bytes. The pixel's catalog rows are
 * counted in the result. Returns FB_PIXEL_DONE, FB_PIXEL_UNWRITTEN or FB_PIXEL_FAILED; on failure nothing is
 * counted.
 */
enum fb_pixel_outcome fb_deliver_table(struct fb_balcatalog *catalog, const struct fb_pixel_rows *rows,
                                       size_t index, struct fb_baltable *table,
                                       struct fb_pixel_result *result, struct fb_error *err);

/* Write the bytes of a result received from another rank to the catalog. */
int fb_deliver_received(struct fb_balcatalog *catalog, const struct fb_pixel_result *result,
                        struct fb_error *err);
/* The size of one row in a result; must be equal on all ranks. */
size_t fb_deliver_row_bytes(void);

#endif
