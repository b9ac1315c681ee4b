/*
 * header_template.h - writing many small table files that differ only in their rows. The headers are made
 * once; each file is composed in memory with its checksums and written in one go.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HEADER_TEMPLATE_H
#define FB_HEADER_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/temporary.h"

/* Headers of the primary HDU and of one table without rows. It does not change once created, so threads may
 * share it. */
struct fb_header_template {
    unsigned char *header; /* owned */
    size_t size;
    size_t table; /* offset of the table's header */
    size_t row_bytes;
};

/* Writes the table HDU, without rows, to a CFITSIO file (a fitsfile *, which only fits/, desi/ and sim/ know). */
typedef int fb_header_fn(void *file, const void *context, int *status);

/* Make the headers; `write` is called once, with the context. On failure there is nothing to release. */
int fb_header_template_create(struct fb_header_template *template, fb_header_fn *write, const void *context,
                              struct fb_error *err);
void fb_header_template_release(struct fb_header_template *template);

/* A table of a file: n rows, big-endian as in the file. */
struct fb_table_content {
    const struct fb_header_template *header;
    const unsigned char *rows;
    size_t n;
};

/* Write a file of one or more tables, with the primary HDU of the first table's template. The folder is
 * created if it is missing. The file appears under its name only when it is complete and on disk. The folder
 * is not flushed: after a power cut the whole file may be missing. */
int fb_header_template_write(const char *path, enum fb_replace replace, const struct fb_table_content *tables,
                             size_t ntables, struct fb_error *err);

enum { FB_CARD_TEXT = 68 }; /* characters of a string that fit in a card; a quote takes two */
/* Set the string of an existing card; key is padded to 8 characters. A string that does not fit is truncated
 * and ends in "...". The card's comment is dropped. Returns -1 if there is no such card. */
int fb_header_put_text(unsigned char *header, size_t size, const char *key, const char *text);
/* Set the number of an existing card; key is padded to 8 characters. Returns -1 if there is no such card. */
int fb_header_put_number(unsigned char *header, size_t size, const char *key, size_t number);
/* Set DATASUM to data, the sum of the HDU's data, and then CHECKSUM to match. A missing card is skipped, since
 * the header may be another program's; returns -1 if either is missing. */
int fb_header_put_sums(unsigned char *header, size_t size, uint32_t data);
/* Compose a header of *size bytes from cards, adding CHECKSUM and DATASUM if they are missing. Returns NULL
 * if out of memory. The caller frees it. */
unsigned char *fb_header_copy(const char *cards, size_t ncards, size_t *size);

#endif
