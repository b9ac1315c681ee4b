/*
 * catalog_header.h - the header of a catalog with BAL columns. Private to desi/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CATALOG_HEADER_H
#define FB_CATALOG_HEADER_H

#include "desi/catalog.h"

struct fb_output;

/*
 * Compose the header of HDU ZCATALOG, *size bytes, in `to`: what is copied from the source's table, and cards
 * that fb_catalog_header_finish() fills in. Returns a copy, to be freed by the caller, or NULL with an error.
 */
unsigned char *fb_catalog_header(struct fb_output *to, const struct fb_table *source, int ntemplates,
                                 int described, size_t *size, struct fb_error *err);

/* Set the number of rows, their size, which CFITSIO gets wrong for columns like 0PE, the size of the heap, the
 * description (NULL if none was reserved) and the checksums; sum is that of the data. Returns -1 if the header lacks a card. */
int fb_catalog_header_finish(unsigned char *header, size_t size, size_t row_bytes,
                             const struct fb_table *source, const struct fb_balcatalog_header *description,
                             uint32_t sum);

#endif
