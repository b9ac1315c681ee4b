/*
 * listing.h - rows of a table that meet conditions, printed as aligned text, CSV or ECSV.
 *
 *     struct fb_listing listing = { 0 };
 *     if (fb_listing_read(&listing, &request, &err) == 0)
 *         fb_listing_print(stdout, &listing);
 *     fb_listing_release(&listing);
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LISTING_H
#define FB_LISTING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "fits/error.h"
#include "fits/table.h"

enum fb_listing_format {
    FB_LISTING_TEXT, /* aligned, floating-point numbers rounded */
    FB_LISTING_CSV,  /* numbers read back as the same */
    FB_LISTING_ECSV  /* the same, with types, units and descriptions; astropy reads it */
};

/* What to list. Strings are borrowed until fb_listing_release(). */
struct fb_listing_request {
    const char *path, *hdu;        /* hdu NULL: the table with the BAL columns */
    const char *const *columns;    /* names separated by commas; "*" is every column of fixed length */
    size_t ncolumns;               /* strings; 0: the default columns */
    const char *const *conditions; /* "AI_CIV > 0", several separated by blanks or commas; all must hold */
    size_t nconditions;            /* strings */
    int all;                       /* do not require AI_CIV > 0 */
    const char *sort;              /* a column of numbers; NULL: the order of the table */
    int reverse;
    size_t most; /* rows; 0: all that meet the conditions */
    enum fb_listing_format format;
};

/* A column, or one element of an array column. */
struct fb_listing_column {
    char name[96], unit[72], description[72];
    const struct fb_column *column; /* borrowed from the table */
    int64_t first, n;               /* elements */
    size_t width;                   /* of the name and of the cells that are listed */
};

struct fb_listing_row {
    double key;   /* of the sort column */
    int64_t row;  /* from 0 */
    size_t begin; /* of its cells in the text */
};

/* Begin with zeros. */
struct fb_listing {
    const struct fb_listing_request *request; /* borrowed */
    struct fb_table table;
    struct fb_listing_column *columns; /* owned */
    size_t ncolumns;
    struct fb_listing_row *rows; /* owned, in the order of printing */
    size_t nrows, nmet;          /* rows listed; rows that meet the conditions */
    char *text;                  /* owned: the cells of a row one after the other, each ended by a NUL */
    size_t size;
    FILE *out; /* of the text, until it is whole */
};

/* Read the rows. The listing must not move in memory afterwards. Release it in any case. */
int fb_listing_read(struct fb_listing *listing, const struct fb_listing_request *request,
                    struct fb_error *err);
void fb_listing_print(FILE *out, const struct fb_listing *listing);
void fb_listing_release(struct fb_listing *listing);

#endif
