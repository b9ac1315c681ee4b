/*
 * balstore.h - BAL cells of many rows kept in little room until they are written: only what differs from a quasar
 * without troughs, a tenth of the cells for most rows. So much of it in memory, and what is more in a file without
 * a name.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BALSTORE_H
#define FB_BALSTORE_H

#include <stddef.h>
#include <stdint.h>
#include "desi/catalog.h"

struct fb_balstore {
    int ntemplates, with_troughs;
    size_t bytes, words, marks; /* of a row's cells: bytes; words, the last one filled up; words of marks */
    size_t room, used;          /* words in memory; words in all */
    uint32_t *kept;             /* owned: rows, each its marks and the words that are marked */
    uint32_t *offset;           /* owned, one a row: where it begins, FB_BALSTORE_NONE where it is not kept */
    unsigned char *usual;       /* owned: the cells of a quasar without troughs */
    int file;                   /* what begins at room and later is here, room words earlier */
};

#define FB_BALSTORE_NONE UINT32_MAX

/* Make room for that many bytes of rows in memory; path is where a file may be made. The cells are those of catalogs, and
 * with troughs, what a table of troughs needs beyond them behind them. -1 if out of memory. Release in any case. */
int fb_balstore_create(struct fb_balstore *store, size_t nrows, int ntemplates, int with_troughs, size_t room,
                       const char *path);
void fb_balstore_release(struct fb_balstore *store);

/* Keep rows; 0 if that can't be. Several threads may keep different rows at a time. */
int fb_balstore_keep(struct fb_balstore *store, const struct fb_balcatalog_row *puts, size_t n);
/* Write the cells of row i, big-endian. Returns 1, 0 if it was not kept, -1 if it can't be read. */
int fb_balstore_take(const struct fb_balstore *store, size_t i, unsigned char *cells);

#endif
