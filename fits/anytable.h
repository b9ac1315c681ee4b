/*
 * anytable.h - any binary table, whatever its columns: what columns and keywords it has, its rows as bytes,
 * and the values in them as numbers or text. For commands that look at tables of other programs; tables of
 * known columns have readers of their own.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ANYTABLE_H
#define FB_ANYTABLE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"

enum fb_cell_kind {
    FB_CELL_NUMBERS,
    FB_CELL_TEXT,
    FB_CELL_LIST /* of variable length: only its place is known */
};

struct fb_cell_column {
    char name[72], form[32]; /* form: TFORM without a leading 1 */
    enum fb_cell_kind kind;
    char type;      /* of one value: L, B, I, J, K, E, D or A; complex numbers are pairs, bits are bytes */
    int64_t values; /* in a cell */
    size_t offset;  /* in a row */
    size_t size;    /* bytes of one value */
    double scale, zero;
    int has_null;
    int64_t null; /* TNULL */
};

struct fb_keyword {
    char name[80];
    char *value; /* owned, without quotes */
};

struct fb_any_table {
    char name[72]; /* EXTNAME */
    int64_t nrows;
    size_t row_bytes;
    struct fb_cell_column *columns; /* owned */
    size_t ncolumns;
    struct fb_keyword *keywords; /* owned: those that say something about the data, each once */
    size_t nkeywords;
    struct fb_any_source *source; /* owned */
};

/*
 * Open the table HDU with the first of these names that is there (as fb_table_open(): a NULL-terminated list
 * that may end in "*", any). For one thread at a time; path is borrowed until fb_any_table_close(), which is
 * harmless on a struct of zeros and after a failure.
 *
 * Keywords leave out what describes the table itself (forms, units, sizes), checksums, comments, dates, and
 * the DEPNAMnn/DEPVERnn list of programs.
 */
int fb_any_table_open(struct fb_any_table *table, const char *path, const char *const *names,
                      struct fb_error *err);
void fb_any_table_close(struct fb_any_table *table);

/* The text of a keyword of the table's header, whether or not it is in the list above, continued ones too. 1, or 0 where
 * there is none or it does not fit: text is empty then. */
int fb_any_table_text(struct fb_any_table *table, const char *keyword, char *text, size_t size);
/* The last HISTORY line that begins with these words; 1, or 0 where there is none. */
int fb_any_table_history(struct fb_any_table *table, const char *words, char *text, size_t size);

/* 1 where rows are read at their place in the file, 0 where CFITSIO had to unpack all of it. */
int fb_any_table_is_plain(const struct fb_any_table *table);

/* Read rows [first, first + n), counted from 0, as they are in the file: row_bytes each. */
int fb_any_table_rows(struct fb_any_table *table, int64_t first, int64_t n, unsigned char *bytes,
                      struct fb_error *err);

/* The column of this name, or else of this name in other letters' case; NULL where there is none. */
const struct fb_cell_column *fb_any_table_column(const struct fb_any_table *table, const char *name);

/* ---- values in a row ---- */

struct fb_number {
    int whole; /* integer holds it exactly */
    int64_t integer;
    double real; /* NaN where the value is TNULL */
};

/* The k-th value of a cell of numbers. */
struct fb_number fb_cell_number(const struct fb_cell_column *column, const unsigned char *row, int64_t k);

/* The k-th text of a cell without blanks at its end; *length is its length. Not terminated. */
const char *fb_cell_text(const struct fb_cell_column *column, const unsigned char *row, int64_t k,
                         size_t *length);

#endif
