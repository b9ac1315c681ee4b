/*
 * column.h - one column of a binary table: its keywords, and its values in the bytes of a row.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COLUMN_H
#define FB_COLUMN_H

#include <stddef.h>
#include <stdint.h>

enum fb_column_kind {
    FB_NUMBERS, /* also logical values and bits */
    FB_TEXT,
    FB_LIST /* variable length: the cell points into the heap */
};

struct fb_column {
    char name[72], form[72]; /* TTYPEn, and TFORMn without a leading 1 */
    enum fb_column_kind kind;
    int number;     /* n */
    char type;      /* as in TFORMn; 0: no such column */
    char of;        /* element type of a P or Q column; else 0 */
    int64_t repeat; /* as in TFORMn */
    char value;     /* type of one value: B for bits, E or D for complex numbers (pairs); else as type */
    int64_t values; /* number of values in a cell */
    size_t size;    /* bytes of one value */
    size_t offset;  /* in a row */
    double scale, zero;
    int has_null;
    int64_t null; /* TNULLn of an integer column */
};

struct fb_number {
    int whole; /* integer holds the exact value */
    int64_t integer;
    double real; /* NaN where the cell holds TNULLn */
};

int fb_column_size(char type); /* bytes of one value, 0 for an unknown type and for bits */
/* Parse a TFORM into the members of a column. Returns the bytes of a cell, or -1 if it is not a format of
 * binary tables. */
int64_t fb_column_take_form(struct fb_column *column, const char *form);

/* Does the column hold one integer per row? One number of any type? */
int fb_column_is_integer(const struct fb_column *column);
int fb_column_is_number(const struct fb_column *column);
/* Does it hold strings, of fixed or variable length? */
int fb_column_is_text(const struct fb_column *column);
/* Does it have a TSCAL or TZERO, as scaled and unsigned columns do? */
int fb_column_is_scaled(const struct fb_column *column);

/* The integer in a row as stored, without scaling. TNULLn is not interpreted. */
int64_t fb_column_integer(const struct fb_column *column, const unsigned char *row);
/* The number in a row; NaN where the cell holds TNULLn. */
double fb_column_number(const struct fb_column *column, const unsigned char *row);
/* The k-th value of a cell of numbers. */
struct fb_number fb_column_value(const struct fb_column *column, const unsigned char *row, int64_t k);
/* The k-th string of a cell, *length characters without trailing blanks. It is not null-terminated. */
const char *fb_column_text(const struct fb_column *column, const unsigned char *row, int64_t k,
                           size_t *length);
/* Does a cell of `width` characters equal text, apart from leading and trailing blanks of the cell? A NUL
 * ends the cell early. */
int fb_same_text(const char *cell, size_t width, const char *text);

#endif
