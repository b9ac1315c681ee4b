/* balquasars.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/balquasars.h"
#include "desi/troughs.h"
#include "fits/system.h"

struct reader {
    struct fb_table *table;
    struct fb_trough_columns columns[FB_TROUGH_LINES];
    struct fb_troughs troughs; /* of one row */
    size_t used, room;
};

static int take_row(struct reader *r, struct fb_balquasars *q, const unsigned char *row, struct fb_error *err)
{
    const struct fb_troughs *t = &r->troughs;
    size_t before = r->used;
    for (int line = 0; line < FB_TROUGH_LINES; line++) {
        fb_troughs_take(&r->troughs, &r->columns[line], row);
        if (line == FB_TROUGHS_CIV && !(t->index > 0))
            return 0;
        if (!(t->index > 0))
            continue;
        struct fb_trough_range *grown =
            fb_grow(q->troughs, &r->room, r->used + (size_t)t->n + 1, sizeof *grown);
        if (!grown)
            return fb_fail(err, "%s: out of memory for its troughs", r->table->path);
        q->troughs = grown;
        for (int i = 0; i < t->n; i++)
            q->troughs[r->used++] =
                (struct fb_trough_range){ t->trough[i].vmin, t->trough[i].vmax, (enum fb_trough_line)line };
    }
    q->nquasars += r->used > before;
    return 0;
}

int fb_balquasars_read(struct fb_balquasars *q, struct fb_table *t, struct fb_error *err)
{
    struct reader r = { .table = t };
    *q = (struct fb_balquasars){ 0 };
    if (fb_trough_columns_find(&r.columns[FB_TROUGHS_CIV], t, "AI", "CIV", "450", 1, err) != 0 ||
        fb_trough_columns_find(&r.columns[FB_TROUGHS_SIIV], t, "AI", "SIIV", "450", 0, err) != 0)
        return -1;
    q->has_siiv = r.columns[FB_TROUGHS_SIIV].length > 0;
    q->nrows = (size_t)t->nrows;
    q->begin = malloc((q->nrows + 1) * sizeof *q->begin);
    if (!q->begin)
        return fb_fail(err, "%s: out of memory for %zu rows", t->path, q->nrows);
    for (size_t i = 0; i < q->nrows; i++) {
        const unsigned char *row = fb_table_row(t, (int64_t)i, err);
        q->begin[i] = r.used;
        if (!row || take_row(&r, q, row, err) != 0)
            return -1;
    }
    q->begin[q->nrows] = r.used;
    return 0;
}

void fb_balquasars_release(struct fb_balquasars *q)
{
    free(q->troughs);
    free(q->begin);
    *q = (struct fb_balquasars){ 0 };
}
