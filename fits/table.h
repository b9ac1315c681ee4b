/*
 * table.h - reading binary tables: the one reader of everything that is in tables. Columns are found by name, rows come
 * as bytes, and the values in them from fits/column.h: scaled, unsigned, null, logical and of variable length. Files may be
 * packed by gzip (fits/unpack.h). Compressed tables, and tables whose header can be read in more than one way, are
 * refused.
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

/* An open table. For one thread at a time, and not to be moved in memory. */
struct fb_table {
    const char *path; /* borrowed */
    const char *name; /* EXTNAME */
    int64_t nrows;
    size_t row_bytes;
    struct fb_column *columns; /* owned, in the table's order */
    int ncolumns;
    int64_t heap, heap_bytes; /* of columns of variable length: offset in the file */
    const struct fb_hdu *hdu;
    const struct fb_hdus *hdus;
    struct fb_file *file;
    struct fb_hdus own_hdus; /* where the table was opened by its path */
    struct fb_file own_file;
    struct fb_io_stats io;
    struct fb_block {         /* what was read last: of the rows, and of the heap */
        unsigned char *bytes; /* owned */
        int64_t first, n;
    } rows, texts;
};

/*
 * Open the table with the first of these names that is there (a NULL-terminated list, case does not matter, "*" is any;
 * NULL: the first table). path is borrowed until fb_table_close(), which is harmless after a failure and on zeros.
 */
int fb_table_open(struct fb_table *table, const char *path, const char *const *names, struct fb_error *err);
/* The same in a file that is open and whose headers have been read; both are borrowed. */
int fb_table_use(struct fb_table *table, struct fb_file *file, const struct fb_hdus *hdus,
                 const char *const *names, struct fb_error *err);
void fb_table_close(struct fb_table *table);
/* Has it all of the file in memory, since that was packed? */
int fb_table_is_packed(const struct fb_table *table);

/* ---- columns ---- */

/* The column of this name, or else the only one of this name in other letters' case; NULL where there is none, or more than
 * one. */
const struct fb_column *fb_table_find(const struct fb_table *table, const char *name);
/* The first of these columns that is there, or NULL. An error where a name fits more than one. */
int fb_table_find_any(const struct fb_table *table, const char *const *names, const struct fb_column **column,
                      struct fb_error *err);
/* A column with one number a row: the first of these names that is there. An error where it holds anything else, or,
 * with needed, where none of them is there; without, *column is NULL then. */
int fb_table_find_number(const struct fb_table *table, const char *const *names, int needed,
                         const struct fb_column **column, struct fb_error *err);

/* ---- rows ---- */

/* Row i, counted from 0, until the next call; NULL on failure. Rows in ascending order are read in large blocks. */
const unsigned char *fb_table_row(struct fb_table *table, int64_t i, struct fb_error *err);
/* Rows [first, first + n) as they are in the file, row_bytes each. */
int fb_table_rows(struct fb_table *table, int64_t first, int64_t n, unsigned char *bytes,
                  struct fb_error *err);

/* The whole number of a column with one number a row. What can't be told from its neighbours is an error: floating-point
 * numbers from 2^24 (4 bytes) or 2^53 (8 bytes) on. A cell that holds TNULLn has that number. */
int fb_table_integer(const struct fb_table *table, const struct fb_column *column, const unsigned char *row,
                     int64_t *value, struct fb_error *err);
/* The first n rows of such a column. */
int fb_table_integers(struct fb_table *table, const struct fb_column *column, int64_t *values, int64_t n,
                      struct fb_error *err);
int fb_table_numbers(struct fb_table *table, const struct fb_column *column, double *values, int64_t n,
                     struct fb_error *err);
/* Does the cell of a column of texts, also of variable length, hold this, but for blanks at the ends? 1, 0, or -1 on
 * failure. */
int fb_table_same_text(struct fb_table *table, const struct fb_column *column, const unsigned char *row,
                       const char *text, struct fb_error *err);

/* ---- keywords ---- */

/* The text of a keyword of the table's header. 1, or 0 where there is none or it does not fit: text is empty then. */
int fb_table_keyword(const struct fb_table *table, const char *key, char *text, size_t size);
/* The next keyword from card *i on that has a value and describes neither the HDU nor a column: 1, with *i behind it, or 0.
 * A value that does not fit is empty. */
int fb_table_next_keyword(const struct fb_table *table, size_t *i, char *name, size_t name_size, char *value,
                          size_t size);
/* The last HISTORY line that begins with these words; 1, or 0 where there is none. */
int fb_table_history(const struct fb_table *table, const char *words, char *text, size_t size);

/* If a keyword belongs to a column ("TUNIT12"), its column and where the digits begin; else 0. */
int fb_keyword_column(const char *name, int ncolumns, size_t *digits);
/* Does a keyword describe the HDU itself: its sizes, columns, name and checksums? */
int fb_keyword_is_structural(const char *name);

#endif
