/*
 * baltable.h - the BAL table of one pixel: HDU BALCAT, and HDU BAL_TROUGHS (desi/trough_table.h).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALTABLE_H
#define FB_BALTABLE_H

#include <stddef.h>
#include "desi/balrow.h"
#include "desi/provenance.h"
#include "fits/error.h"
#include "fits/header_template.h"

struct fb_baltable {
    struct fb_balrow *rows; /* owned */
    size_t n;
    int ntemplates; /* length of PCA_COEFFS */
    struct fb_provenance made;
};

/* Header templates of BAL tables with this provenance. Release in any case. */
struct fb_baltable_headers {
    struct fb_header_template table, troughs;
};
int fb_baltable_headers_create(struct fb_baltable_headers *headers, int ntemplates,
                               const struct fb_provenance *made, struct fb_error *err);
void fb_baltable_headers_release(struct fb_baltable_headers *headers);
/* Write a table; ntemplates must be that of the headers. The file appears under its name only when it is
 * complete. Any number of threads may share the headers. */
int fb_baltable_write(const struct fb_baltable_headers *headers, const char *path, enum fb_replace replace,
                      const struct fb_balrow *rows, size_t n, int ntemplates, struct fb_error *err);

/* Read a table written by fastbal or the reference. Optional columns that are missing are NaN; integers among
 * them are 0, and LOBAL is FB_LOBAL_UNKNOWN. With with_troughs, the values over whole troughs are read too;
 * they are NaN if the file has no table of troughs. Checksums, if there are any, must be right. Release in
 * any case. */
int fb_baltable_read(struct fb_baltable *table, const char *path, int with_troughs, struct fb_error *err);
void fb_baltable_release(struct fb_baltable *table);

/* Read only the length of PCA_COEFFS and the provenance: no rows, nothing to release. */
int fb_baltable_read_kind(struct fb_baltable *table, const char *path, struct fb_error *err);

#endif
