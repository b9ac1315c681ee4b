/*
 * header_template.h - small table files that are all alike but for their rows: the headers are made once, and each file
 * is composed in memory, with its checksums, and written in one go.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HEADER_TEMPLATE_H
#define FB_HEADER_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/temporary.h"

/* Headers of the primary HDU and of one table without rows. Unchanged once made: threads may share it. */
struct fb_header_template {
    unsigned char *header; /* owned */
    size_t size;
    size_t table;                     /* where the table's header begins */
    size_t naxis2, checksum, datasum; /* its cards, from there on */
    size_t row_bytes;
};

/* Writes the table HDU, without rows, to a CFITSIO file (a fitsfile *, which only fits/ and desi/ know). */
typedef int fb_header_fn(void *file, const void *context, int *status);

int fb_header_template_create(struct fb_header_template *template, fb_header_fn *write, const void *context,
                              struct fb_error *err);
void fb_header_template_release(struct fb_header_template *template);

/* A table of a file: n rows, big-endian as in the file. */
struct fb_table_content {
    const struct fb_header_template *header;
    const unsigned char *rows;
    size_t n;
};

/* Write a file of one or more tables, behind the primary HDU of the first; its folder is made where it is missing. It
 * appears under its name only when it is complete and on the disk. (Its folder is not flushed: after a power cut the whole
 * file may be missing, and is made again.) */
int fb_header_template_write(const char *path, enum fb_replace replace, const struct fb_table_content *tables,
                             size_t ntables, struct fb_error *err);

/* Write a file with these bytes in the same way. */
int fb_write_file(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                  struct fb_error *err);

enum { FB_CARD_TEXT = 68 }; /* bytes of text that fit in a card, quotes doubled */
/* Put a text into a card that is there already, key padded to 8 characters; -1 if it is not. What does not fit is left
 * out, and "..." says so. A comment goes. */
int fb_header_put_text(unsigned char *header, size_t size, const char *key, const char *text);
/* Put a number into a card that is there already, key padded to 8 characters. -1 if it is not. */
int fb_header_put_number(unsigned char *header, size_t size, const char *key, size_t number);
/* Put the sum of an HDU's data and the checksum that follows into the cards of its header. -1 if it has none.
 */
int fb_header_put_sums(unsigned char *header, size_t size, uint32_t data);
/* A header with these cards, and CHECKSUM and DATASUM where they are missing; NULL if out of memory. The caller frees it. */
unsigned char *fb_header_copy(const char *cards, size_t ncards, size_t *size);
/* The same as fb_header_put_sums() in a header of any program, which may have one of the cards, both or none. */
void fb_header_update_sums(unsigned char *header, size_t size, uint32_t data);

#endif
