/*
 * id_rows.h - finds the rows of a TARGETID by bisection.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ID_ROWS_H
#define FB_ID_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct fb_id_row {
    int64_t targetid;
    size_t row;
};

/* Sort by TARGETID and then by row. */
void fb_id_rows_sort(struct fb_id_row *rows, size_t n);
/* The index of the first of the sorted rows with this TARGETID; n if there is none. */
size_t fb_id_rows_find(const struct fb_id_row *rows, size_t n, int64_t targetid);

#endif
