/*
 * baltable.h - the BAL table of one pixel: HDU BALCAT.
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

/* The header template of the tables that are made so, with keywords for what is known; to be released with fb_header_template_release(). */
int fb_baltable_header(struct fb_header_template *header, int ntemplates, const struct fb_provenance *made,
                       struct fb_error *err);
/* Write a table, with as many templates as the header template has. The file appears under its name only when it is
 * complete. Any number of threads may share the header template. */
int fb_baltable_write(const struct fb_header_template *header, const char *path, enum fb_replace replace,
                      const struct fb_balrow *rows, size_t n, int ntemplates, struct fb_error *err);

/* Read a table, ours or the reference's; columns that older programs did not write are 0. Where it has checksums
 * they must be right. Release in any case. */
int fb_baltable_read(struct fb_baltable *table, const char *path, struct fb_error *err);
void fb_baltable_release(struct fb_baltable *table);

/* Only the length of PCA_COEFFS and what it was made with: no rows, nothing to release. */
int fb_baltable_read_kind(struct fb_baltable *table, const char *path, struct fb_error *err);

#endif
