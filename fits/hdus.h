/*
 * hdus.h - the HDUs of a FITS file. The headers are read once; images and tables are then read at their
 * offsets. Headers that contradict themselves or the size of the file are an error.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HDUS_H
#define FB_HDUS_H

#include <stddef.h>
#include <stdint.h>
#include "fits/card.h"
#include "fits/column.h"
#include "fits/error.h"
#include "fits/file.h"
#include "fits/unpack.h"

enum fb_hdu_kind { FB_HDU_IMAGE, FB_HDU_TABLE, FB_HDU_OTHER };

enum { FB_HDU_AXES = 3 }; /* axes whose lengths are kept */

struct fb_hdu {
    char name[72]; /* EXTNAME */
    enum fb_hdu_kind kind;
    int bitpix, naxis, nfields;
    int64_t axis[FB_HDU_AXES]; /* 0 beyond naxis */
    int64_t pcount, gcount;
    int compressed;        /* has ZIMAGE: a table that holds a compressed image */
    int64_t data, size;    /* offset in the file, and size in bytes without padding */
    size_t header, ncards; /* offset in text, and number of cards */
};

struct fb_hdus {
    struct fb_file file;
    struct fb_hdu *hdu; /* owned; hdu[0] is the primary HDU */
    size_t n, room;
    struct fb_hdu *last; /* owned: the HDUs of the previous file */
    size_t nlast, last_room;
    char *text; /* owned: all headers, concatenated */
    size_t used, text_room;
};

/*
 * Open a FITS file and read its headers. A gzipped file is decompressed, and then reads like a plain one; the
 * data of extensions for which keep() returns 0 are not kept in memory, and reading them is an error (NULL:
 * all are kept). Start with all zeros; the struct can be reused for one file after another. Release it in any
 * case.
 */
int fb_hdus_open(struct fb_hdus *hdus, const char *path, fb_keep_fn *keep, struct fb_error *err);
void fb_hdus_release(struct fb_hdus *hdus);

/* The i-th card of a header, 80 characters. */
static inline const char *fb_hdu_card(const struct fb_hdus *hdus, const struct fb_hdu *hdu, size_t i)
{
    return hdus->text + hdu->header + FB_CARD * i;
}

/* The string value of a keyword, including its CONTINUE cards. Returns 1, 0 if there is no such keyword, or
 * -1 if the value does not fit; value is empty unless it returns 1. */
int fb_hdu_text(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, char *value,
                size_t size);

/* The same for the i-th card. */
int fb_hdu_text_at(const struct fb_hdus *hdus, const struct fb_hdu *hdu, size_t i, char *value, size_t size);

/* An integer keyword, also written as "64." or "6.4E1". Returns 1, 0 if there is none, -1 if it is repeated
 * or not an integer. */
int fb_hdu_integer(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, int64_t *value);

/* The number of cards with this keyword. */
int fb_hdu_count(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key);

/* The first binary table with one of these names; the first name that matches wins. names is NULL-terminated,
 * case is ignored, and "*" matches any table. Returns NULL if there is none. Compressed images are not
 * tables. */
const struct fb_hdu *fb_hdus_table(const struct fb_hdus *hdus, const char *const *names);

/* Find columns by name, ignoring case; a column that does not exist has type 0. Returns 1, or 0 if out of
 * memory, if the HDU is not a table with rows, if the table's keywords contradict each other, if one of the
 * columns is scaled or repeated, or if a row has more than FB_ROWS_BUFFER bytes. */
int fb_hdu_columns(const struct fb_hdus *hdus, const struct fb_hdu *table, const char *const *names, size_t n,
                   struct fb_column *columns);
enum { FB_ROWS_BUFFER = 65536 };

/* A real keyword, written as 1.5E3 or 1.5D3. Returns 1, 0 if there is none, -1 if it is repeated or not a
 * number. */
int fb_hdu_real(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, double *value);

#endif
