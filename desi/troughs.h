/*
 * troughs.h - reads troughs from tables of any program: arrays of any length and type, unused entries
 * anywhere, velocities in either order.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TROUGHS_H
#define FB_TROUGHS_H

#include "fits/table.h"

enum { FB_MOST_TROUGHS = 128 };

/* The columns of one kind of troughs in an open table; NULL if missing. */
struct fb_trough_columns {
    const struct fb_column *index, *error, *vmin, *vmax, *posmin, *fmin;
    int length; /* of the arrays */
};

struct fb_trough {
    float vmin, vmax, posmin, fmin; /* vmin <= vmax; -1 if the table lacks the column */
};

/* One row: the entries that are troughs, in the table's order. */
struct fb_troughs {
    double index, error; /* 0 if the table lacks the column */
    struct fb_trough trough[FB_MOST_TROUGHS];
    int n;
    int nswapped; /* troughs whose VMIN and VMAX were swapped in the table */
};

/*
 * Find the columns of one kind: index "AI" or "BI", line "CIV" or "SIIV", width "450" or "2000". If the
 * index, VMIN or VMAX is missing, it is an error if needed is set; otherwise length is 0.
 */
int fb_trough_columns_find(struct fb_trough_columns *columns, const struct fb_table *table, const char *index,
                           const char *line, const char *width, int needed, struct fb_error *err);

/* Read one row. Entries whose velocities are not both positive and finite are not troughs. */
void fb_troughs_take(struct fb_troughs *troughs, const struct fb_trough_columns *columns,
                     const unsigned char *row);

#endif
