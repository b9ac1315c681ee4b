/* id_rows.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/id_rows.h"

static int compare(const void *a, const void *b)
{
    const struct fb_id_row *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

void fb_id_rows_sort(struct fb_id_row *rows, size_t n)
{
    size_t i = 1;
    while (i < n && compare(&rows[i - 1], &rows[i]) <= 0) /* most files are sorted */
        i++;
    if (i < n)
        qsort(rows, n, sizeof *rows, compare);
}

size_t fb_id_rows_find(const struct fb_id_row *rows, size_t n, int64_t targetid)
{
    size_t begin = 0, end = n;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (rows[middle].targetid < targetid)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin < n && rows[begin].targetid == targetid ? begin : n;
}
