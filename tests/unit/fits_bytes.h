/*
 * fits_bytes.h - builds FITS files card by card, including invalid ones, in a temporary folder.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FITS_BYTES_H
#define FITS_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct fits_bytes {
    unsigned char *bytes;
    size_t n, room;
};

void put_bytes(struct fits_bytes *f, const void *bytes, size_t n);
/* A card: "NAXIS   =                    2", as printf makes it. */
void put_card(struct fits_bytes *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_integer(struct fits_bytes *f, const char *key, long long value);
void put_text(struct fits_bytes *f, const char *key, const char *value);
void put_end(struct fits_bytes *f);     /* END, and blanks to the end of the block */
void put_padding(struct fits_bytes *f); /* zeros to the end of the block */

/* SIMPLE, no data, END. */
void put_primary(struct fits_bytes *f);
/* XTENSION to NAXISn, PCOUNT, GCOUNT and EXTNAME of an image; axis2 0: one axis. No END. */
void put_image_cards(struct fits_bytes *f, const char *name, int bitpix, long long axis1, long long axis2);
/* The same of a table. */
void put_table_cards(struct fits_bytes *f, const char *name, long long row, long long nrows, int nfields);
/* Numbers in file order. */
void put_float(struct fits_bytes *f, float value);
void put_double(struct fits_bytes *f, double value);
void put_number(struct fits_bytes *f, int64_t value, size_t size);

/* Write the file and free the bytes; remove_file() frees the path and removes the file. */
char *write_file(struct fits_bytes *f, const char *name);
void remove_file(char *path);

#endif
