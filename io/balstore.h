/*
 * balstore.h - BAL cells of many rows kept in little memory until they are written: only what differs from a
 * quasar without troughs is kept, a tenth of the cells for most rows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALSTORE_H
#define FB_BALSTORE_H

#include <stddef.h>
#include <stdint.h>
#include "io/balrow.h"

struct fb_balstore {
    int ntemplates;
    size_t bytes, words,
        marks; /* of a row's cells; in words, the last one filled up; of the marks that say which differ */
    size_t room, used;    /* words */
    uint32_t *kept;       /* owned: rows, each its marks and the words that are marked */
    uint32_t *place;      /* owned, one a row: where it begins in kept, FB_BALSTORE_NONE where it is not */
    unsigned char *usual; /* owned: the cells of a quasar without troughs */
};

#define FB_BALSTORE_NONE UINT32_MAX

/* Make room for that many bytes of rows. -1 if out of memory. Release in any case. */
int fb_balstore_create(struct fb_balstore *store, size_t nrows, int ntemplates, size_t room);
void fb_balstore_release(struct fb_balstore *store);

/* Keep row i; 0 if there is no room for it. Several threads may keep different rows at a time. */
int fb_balstore_keep(struct fb_balstore *store, size_t i, const struct fb_balrow *row);
/* Write the cells of row i, big-endian; NULL if it was not kept, else their end. */
unsigned char *fb_balstore_take(const struct fb_balstore *store, size_t i, unsigned char *cells);

#endif
