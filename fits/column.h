/*
 * column.h - one column of a binary table: what its keywords say, and the values in a row's bytes.
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
    FB_LIST /* of variable length: the cell says where in the heap */
};

struct fb_column {
    char name[72], form[72]; /* TTYPEn, and TFORMn without a leading 1 */
    enum fb_column_kind kind;
    int number;     /* n */
    char type;      /* as in TFORMn; 0: there is no such column */
    char of;        /* type of the lists that P and Q point to; else 0 */
    int64_t repeat; /* as in TFORMn */
    char value;     /* type of one value: bits are B, complex numbers pairs of E or D; else as type */
    int64_t values; /* in a cell */
    size_t size;    /* bytes of one value */
    size_t offset;  /* in a row */
    double scale, zero;
    int has_null;
    int64_t null; /* TNULLn of whole numbers */
};

struct fb_number {
    int whole; /* integer holds it exactly */
    int64_t integer;
    double real; /* NaN where the cell holds TNULLn */
};

int fb_column_size(char type); /* bytes of one value, 0 for an unknown type and for bits */
/* Take a form apart. Returns the bytes of a cell, or -1 where it is no form of a binary table. */
int64_t fb_column_take_form(struct fb_column *column, const char *form);

/* One whole number a row; the same, or floating point. */
int fb_column_is_integer(const struct fb_column *column);
int fb_column_is_number(const struct fb_column *column);
/* Texts, of fixed or of variable length? */
int fb_column_is_text(const struct fb_column *column);
/* Are its numbers scaled, or without a sign? */
int fb_column_is_scaled(const struct fb_column *column);

/* The whole number in a row as it is in the file, not scaled; TNULLn is not looked at. */
int64_t fb_column_integer(const struct fb_column *column, const unsigned char *row);
/* The number in a row; NaN where the cell holds TNULLn. */
double fb_column_number(const struct fb_column *column, const unsigned char *row);
/* The k-th value of a cell of numbers. */
struct fb_number fb_column_value(const struct fb_column *column, const unsigned char *row, int64_t k);
/* The k-th text of a cell without blanks at its end; *length is its length. Not terminated. */
const char *fb_column_text(const struct fb_column *column, const unsigned char *row, int64_t k,
                           size_t *length);
/* Is this what a cell of text holds, but for blanks at the ends? A NUL ends it early. */
int fb_same_text(const char *cell, size_t width, const char *text);

#endif
