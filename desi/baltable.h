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

/* The headers of the tables that are made so, with keywords for what is known. Release in any case. */
struct fb_baltable_headers {
    struct fb_header_template table, troughs;
};
int fb_baltable_headers_create(struct fb_baltable_headers *headers, int ntemplates,
                               const struct fb_provenance *made, struct fb_error *err);
void fb_baltable_headers_release(struct fb_baltable_headers *headers);
/* Write a table, with as many templates as its header has. The file appears under its name only when it is complete. Any
 * number of threads may share the headers. */
int fb_baltable_write(const struct fb_baltable_headers *headers, const char *path, enum fb_replace replace,
                      const struct fb_balrow *rows, size_t n, int ntemplates, struct fb_error *err);

/* Read a table, ours or the reference's; columns that older programs did not write are 0. With troughs, what is known of
 * each trough is read too, NaN where the file has no table of them. Where it has checksums they must be right. Release in any
 * case. */
int fb_baltable_read(struct fb_baltable *table, const char *path, int with_troughs, struct fb_error *err);
void fb_baltable_release(struct fb_baltable *table);

/* Only the length of PCA_COEFFS and what it was made with: no rows, nothing to release. */
int fb_baltable_read_kind(struct fb_baltable *table, const char *path, struct fb_error *err);

#endif
