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

/* What append and run write. */
struct fb_catalog_output {
    const char *path, *troughs; /* the catalog, and a table of troughs; NULL: none is wanted */
    int clobber;                /* replace existing files */
};

/* Check that the files can be written; source is the path of the catalog that is extended. Returns 0, or -1 with an error. */
int fb_deliver_check(const struct fb_catalog_output *to, const char *source, struct fb_error *err);
/* Create the catalog that extends the open source; rows are the source's. What is passed is borrowed, as by
 * fb_balcatalog_create(). */
int fb_deliver_start(struct fb_balcatalog **catalog, const struct fb_catalog_output *to,
                     struct fb_table *source, const struct fb_pixel_rows *rows, int ntemplates,
                     fb_stop_fn *stop, struct fb_error *err);

/*
 * Match the table of the index-th pixel with the catalog's rows (pipeline/match.h) and write the matches to
 * the catalog or, if that is NULL because another rank has it, to the result's bytes. The pixel's catalog
 * rows are counted in the result. Returns FB_PIXEL_DONE, FB_PIXEL_UNWRITTEN or FB_PIXEL_FAILED; on failure
 * nothing is counted.
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
