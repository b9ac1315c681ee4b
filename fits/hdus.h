/*
 * hdus.h - where things lie in a FITS file: its headers read once with plain reads, so that rows of plain
 * images and columns of plain tables can be read from their place. What is not plain (packed files,
 * compressed or scaled HDUs) is left to CFITSIO; what contradicts itself or the size of the file is an error.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HDUS_H
#define FB_HDUS_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"

enum fb_hdu_kind { FB_HDU_IMAGE, FB_HDU_TABLE, FB_HDU_OTHER };

/* BZERO: none or 0; 2^31, which makes 32-bit integers unsigned; or any other. */
enum fb_zero { FB_ZERO_NONE, FB_ZERO_2_31, FB_ZERO_OTHER };

enum { FB_HDU_AXES = 3 }; /* axes whose lengths are kept */

struct fb_hdu {
    char name[72]; /* EXTNAME */
    enum fb_hdu_kind kind;
    int bitpix, naxis, nfields;
    int64_t axis[FB_HDU_AXES]; /* 0 where there are fewer */
    int64_t pcount, gcount;
    int scaled;            /* BSCALE is not 1 */
    enum fb_zero zero;     /* BZERO */
    int compressed;        /* ZIMAGE is there: a table that holds a compressed image */
    int64_t data, size;    /* place and bytes, without padding */
    size_t header, ncards; /* place in the headers' text */
};

struct fb_hdus {
    struct fb_hdu *hdu; /* owned; hdu[0] is the primary HDU */
    size_t n, room;
    struct fb_hdu *last; /* owned: those of the file before */
    size_t nlast, last_room;
    char *text; /* owned: the headers, one after the other */
    size_t used, text_room;
};

/*
 * Read the headers of an open file; all zero is a good start, and a struct may be used for one file after the
 * other. Returns 1, or 0 if the file does not begin like a FITS file, or -1 with an error.
 */
int fb_hdus_read(struct fb_hdus *hdus, struct fb_file *file, struct fb_error *err);
void fb_hdus_release(struct fb_hdus *hdus);

/* Is this an image of numbers as they are (32-bit integers may be unsigned), with this BITPIX and number
 * of axes? */
int fb_hdu_is_plain(const struct fb_hdu *hdu, int bitpix, int naxis);

/* The text of a keyword, padded with blanks to 8 characters. Returns 1, 0 if there is none, -1 if it is too
 * long or continued on other cards. */
int fb_hdu_text(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, char *value,
                size_t size);

/* A whole number. Returns 1, 0 if there is none, -1 if it is given twice or is none. */
int fb_hdu_integer(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, int64_t *value);

/* How many cards have this keyword, padded as above. */
int fb_hdu_count(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key);

/* The first table of one of these names (a NULL-terminated list, case does not matter, "*" is any); NULL
 * where there is none. */
const struct fb_hdu *fb_hdus_table(const struct fb_hdus *hdus, const char *const *names);

/* One column of a table: repeat values from offset on in every row. */
struct fb_column {
    char type; /* as in TFORMn; 0: there is no such column */
    int64_t repeat;
    size_t offset;
    int number; /* n of TFORMn */
    char of;    /* type of the arrays that P and Q point to; else 0 */
};

/* Find columns by name, case does not matter. Returns 1, or 0 where the table or one of the columns is not
 * plain, or a row has more than FB_ROWS_BUFFER bytes. */
int fb_hdu_columns(const struct fb_hdus *hdus, const struct fb_hdu *table, const char *const *names, size_t n,
                   struct fb_column *columns);
int fb_column_size(char type); /* bytes of one value, 0 for an unknown type and for bits */
/* What the columns take in a row, -1 where one of their types is not known. missing: the first column without a TFORM,
 * nfields + 1 where all have one. */
int64_t fb_hdu_row_bytes(const struct fb_hdus *hdus, const struct fb_hdu *table, int *missing);
/* A column of which a keyword (*key, TTYPE say) is there twice, or has characters that FITS does not allow, so that readers
 * differ in what it is: *found says which. 0 where there is none. */
int fb_hdu_odd_key(const struct fb_hdus *hdus, const struct fb_hdu *table, const char **key,
                   const char **found);
/* A keyword of those above, or that says what lies where, which is not written as FITS has it, but so that CFITSIO finds
 * it: in small letters, with something behind a blank, after HIERARCH, with the value elsewhere. Or
 * any whose 8 characters are not all printable. 1 with its name in capitals, 0 where there is none. */
int fb_hdu_odd_card(const struct fb_hdus *hdus, const struct fb_hdu *hdu, char name[9]);
int fb_column_is_integer(const struct fb_column *column); /* one a row */
int fb_column_is_number(const struct fb_column *column);  /* the same, or floating point */
/* The number in a row. */
int64_t fb_column_integer(const struct fb_column *column, const unsigned char *row);
double fb_column_number(const struct fb_column *column, const unsigned char *row);

/* Call take() with every row of a table whose columns were found, in order. Rows are read in blocks;
 * buffer has room for FB_ROWS_BUFFER bytes. */
enum { FB_ROWS_BUFFER = 65536 };
typedef void fb_row_fn(void *context, int64_t i, const unsigned char *row);
int fb_hdu_rows(struct fb_file *file, const struct fb_hdu *table, unsigned char *buffer, fb_row_fn *take,
                void *context, struct fb_error *err);

/* A number, 1.5D3 as well as 1.5E3. Returns 1, 0 if there is none, -1 if it is given twice or is none. */
int fb_hdu_real(const struct fb_hdus *hdus, const struct fb_hdu *hdu, const char *key, double *value);

#endif
