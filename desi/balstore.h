/*
 * balstore.h - compact storage of the BAL cells of many rows until they are written. Only the words that
 * differ from a quasar without troughs are kept, a tenth for most rows. Up to a limit they are kept in
 * memory, and beyond it in an unlinked file.
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
    size_t bytes, words, marks; /* of a row's cells: bytes; 4-byte words, rounded up; words of marks */
    size_t room, used;          /* capacity of the memory and total use, in words */
    uint32_t *kept;             /* owned: for each row its marks, then the marked words */
    uint32_t *offset;     /* owned, one per row: its offset in words, FB_BALSTORE_NONE if it is not kept */
    unsigned char *usual; /* owned: the cells of a quasar without troughs */
    int file;             /* descriptor of the file that holds the words from `room` on; -1: none */
};

#define FB_BALSTORE_NONE UINT32_MAX

/* Create a store with `room` bytes of memory; path names the file that holds the rest. The cells are those of
 * catalogs, followed, if with_troughs is set, by those that a table of troughs needs in addition. Returns -1
 * if out of memory. Release in any case. */
int fb_balstore_create(struct fb_balstore *store, size_t nrows, int ntemplates, int with_troughs, size_t room,
                       const char *path);
void fb_balstore_release(struct fb_balstore *store);

/* Keep rows. Returns 1, or 0 on failure. Several threads may keep different rows at the same time. */
int fb_balstore_keep(struct fb_balstore *store, const struct fb_balcatalog_row *puts, size_t n);
/* Write the cells of row i, big-endian. Returns 1, 0 if it was not kept, -1 if it can't be read. */
int fb_balstore_take(const struct fb_balstore *store, size_t i, unsigned char *cells);

#endif
