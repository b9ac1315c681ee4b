/* balquasars.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/balquasars.h"
#include "desi/troughs.h"

enum { BLOCK = 4096 }; /* rows whose AI is looked at at a time */

struct reader {
    struct fb_table table;
    struct fb_trough_columns columns[FB_TROUGH_LINES];
    struct fb_troughs troughs; /* of one row */
    size_t used, room;
};

static int open_catalog(struct reader *r, struct fb_balquasars *q, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "QSO_CAT", "ZCATALOG", "*", NULL };
    if (fb_table_open(&r->table, path, names, err) != 0 ||
        fb_trough_columns_find(&r->columns[FB_TROUGHS_CIV], &r->table, "AI", "CIV", "450", 1, err) != 0 ||
        fb_trough_columns_find(&r->columns[FB_TROUGHS_SIIV], &r->table, "AI", "SIIV", "450", 0, err) != 0)
        return -1;
    q->has_siiv = r->columns[FB_TROUGHS_SIIV].length > 0;
    q->nrows = (size_t)r->table.nrows;
    q->begin = malloc((q->nrows + 1) * sizeof *q->begin);
    return q->begin ? 0 : fb_fail(err, "%s: out of memory for %zu rows", path, q->nrows);
}

static int make_room(struct reader *r, struct fb_balquasars *q, size_t n)
{
    if (r->used + n <= r->room)
        return 0;
    size_t room = 2 * r->room + n;
    struct fb_trough_range *grown = realloc(q->troughs, room * sizeof *grown);
    if (!grown)
        return -1;
    q->troughs = grown;
    r->room = room;
    return 0;
}

static int take_row(struct reader *r, struct fb_balquasars *q, int64_t row, struct fb_error *err)
{
    size_t before = r->used;
    for (int line = 0; line < FB_TROUGH_LINES; line++) {
        const struct fb_troughs *t = &r->troughs;
        if (fb_troughs_read(&r->troughs, &r->table, &r->columns[line], row, err) != 0)
            return -1;
        if (!(t->index > 0))
            continue;
        if (make_room(r, q, (size_t)t->n) != 0)
            return fb_fail(err, "%s: out of memory for its troughs", r->table.path);
        for (int i = 0; i < t->n; i++)
            q->troughs[r->used++] =
                (struct fb_trough_range){ t->trough[i].vmin, t->trough[i].vmax, (enum fb_trough_line)line };
    }
    q->nquasars += r->used > before;
    return 0;
}

static int take_rows(struct reader *r, struct fb_balquasars *q, struct fb_error *err)
{
    double index[BLOCK];
    for (int64_t first = 0; first < r->table.nrows; first += BLOCK) {
        int64_t n = r->table.nrows - first < BLOCK ? r->table.nrows - first : BLOCK;
        if (fb_table_read_double(&r->table, r->columns[FB_TROUGHS_CIV].index, first, n, index, err) != 0)
            return -1;
        for (int64_t i = 0; i < n; i++) {
            q->begin[first + i] = r->used;
            if (index[i] > 0 && take_row(r, q, first + i, err) != 0)
                return -1;
        }
    }
    q->begin[q->nrows] = r->used;
    return 0;
}

int fb_balquasars_read(struct fb_balquasars *q, const char *path, struct fb_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    *q = (struct fb_balquasars){ 0 };
    if (!r)
        return fb_fail(err, "%s: out of memory", path);
    int status = open_catalog(r, q, path, err) != 0 || take_rows(r, q, err) != 0 ? -1 : 0;
    fb_table_close(&r->table);
    free(r);
    return status;
}

void fb_balquasars_release(struct fb_balquasars *q)
{
    free(q->troughs);
    free(q->begin);
    *q = (struct fb_balquasars){ 0 };
}
