/*
 * table.h - reading binary tables. Columns are found by name and rows are read as bytes; fits/column.h
 * decodes the values, including scaled, unsigned, null, logical and variable-length ones. Files may be
 * gzipped (fits/unpack.h). Compressed tables and tables with ambiguous headers are refused.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TABLE_H
#define FB_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/column.h"
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

/* An open table. Only one thread may use it at a time, and it must not move in memory. */
struct fb_table {
    const char *path; /* borrowed */
    const char *name; /* EXTNAME */
    int64_t nrows;
    size_t row_bytes;
    struct fb_column *columns; /* owned, in the table's order */
    int ncolumns;
    int64_t heap, heap_bytes; /* offset in the file, and size, of the heap of variable-length columns */
    const struct fb_hdu *hdu;
    struct fb_hdus *hdus;
    struct fb_hdus own;       /* used if the table was opened by its path */
    struct fb_block {         /* what was read last of the rows and of the heap */
        unsigned char *bytes; /* owned */
        int64_t first, n;
    } rows, strings;
};

/*
 * Open a table with one of these names; the first name that matches wins. names is NULL-terminated, case is
 * ignored, and "*" matches any table; NULL is the first table. path is borrowed until fb_table_close(), which
 * is harmless after a failure and on zeros.
 */
int fb_table_open(struct fb_table *table, const char *path, const char *const *names, struct fb_error *err);
/* The same for an open file, which is borrowed. */
int fb_table_use(struct fb_table *table, struct fb_hdus *hdus, const char *const *names,
                 struct fb_error *err);
void fb_table_close(struct fb_table *table);
/* Is the file gzipped, with its contents in memory? */
int fb_table_is_packed(const struct fb_table *table);

/* ---- columns ---- */

/* The column with this name, or else the only one that matches when case is ignored. NULL if there is none,
 * or more than one. */
const struct fb_column *fb_table_find(const struct fb_table *table, const char *name);
/* Find the first of these columns that exists; *column is NULL if none does. It is an error if a name matches
 * more than one column. */
int fb_table_find_any(const struct fb_table *table, const char *const *names, const struct fb_column **column,
                      struct fb_error *err);
/* Find the first of these columns that exists, and require one number per row. If none exists it is an error
 * if needed is set; otherwise *column is NULL. */
int fb_table_find_number(const struct fb_table *table, const char *const *names, int needed,
                         const struct fb_column **column, struct fb_error *err);

/* ---- rows ---- */

/* Row i, counted from 0; valid until the next call. NULL on failure. Rows in ascending order are read in
 * large blocks. */
const unsigned char *fb_table_row(struct fb_table *table, int64_t i, struct fb_error *err);
/* Read rows [first, first + n) as stored, row_bytes each. */
int fb_table_rows(struct fb_table *table, int64_t first, int64_t n, unsigned char *bytes,
                  struct fb_error *err);

/* The integer in a column with one number per row. Floating-point numbers must be whole and below 2^24 (4
 * bytes) or 2^53 (8 bytes), where they are exact. TNULLn is not interpreted. */
int fb_table_integer(const struct fb_table *table, const struct fb_column *column, const unsigned char *row,
                     int64_t *value, struct fb_error *err);
/* Read the first n rows of a column with one number per row; TNULLn is NaN in numbers. */
int fb_table_integers(struct fb_table *table, const struct fb_column *column, int64_t *values, int64_t n,
                      struct fb_error *err);
int fb_table_numbers(struct fb_table *table, const struct fb_column *column, double *values, int64_t n,
                     struct fb_error *err);
/* Does a cell of a string column, of fixed or variable length, equal text? Blanks at the ends are ignored. 1,
 * 0, or -1 on failure. */
int fb_table_same_text(struct fb_table *table, const struct fb_column *column, const unsigned char *row,
                       const char *text, struct fb_error *err);

/* ---- keywords ---- */

/* The string value of a keyword of the table's header. Returns 1, or 0 if there is none or it does not fit;
 * text is empty then. */
int fb_table_keyword(const struct fb_table *table, const char *key, char *text, size_t size);
/* Find the next keyword, from card *i on, that has a value and describes neither the HDU nor a column.
 * Returns 1 and moves *i past it, or 0. A value that does not fit is empty. */
int fb_table_next_keyword(const struct fb_table *table, size_t *i, char *name, size_t name_size, char *value,
                          size_t size);
/* Copy the last HISTORY line that begins with these words. Returns 1, or 0 if there is none. */
int fb_table_history(const struct fb_table *table, const char *words, char *text, size_t size);

/* The number of the column that a keyword such as TUNIT12 belongs to, or 0 if it belongs to none; *digits is
 * the offset of the number in the name. */
int fb_keyword_column(const char *name, int ncolumns, size_t *digits);
/* Does a keyword describe the HDU itself: its sizes, columns, name or checksums? */
int fb_keyword_is_structural(const char *name);

#endif
