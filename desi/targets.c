/* targets.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/targets.h"
#include "fits/table.h"

/* The columns of a fibermap; NULL if missing. */
struct fibermap {
    const struct fb_column *targetid, *ra, *dec, *status;
};

static int make_room(struct fb_targets *t, size_t n)
{
    if (n < t->room)
        return 0;
    fb_targets_release(t);
    t->sorted = malloc((n + 1) * sizeof *t->sorted);
    t->ra = malloc((n + 1) * sizeof *t->ra);
    t->dec = malloc((n + 1) * sizeof *t->dec);
    t->status = malloc((n + 1) * sizeof *t->status);
    t->next = malloc((n + 1) * sizeof *t->next);
    if (!t->sorted || !t->ra || !t->dec || !t->status || !t->next)
        return -1;
    t->room = n + 1;
    return 0;
}

static int find_columns(const struct fb_table *table, struct fibermap *f, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const ra[] = { "TARGET_RA", NULL },
                             *const dec[] = { "TARGET_DEC", NULL };
    return fb_table_find_number(table, targetid, 1, &f->targetid, err) != 0 ||
                   fb_table_find_number(table, ra, 0, &f->ra, err) != 0 ||
                   fb_table_find_number(table, dec, 0, &f->dec, err) != 0
               ? -1
               : 0;
}

static int read_rows(struct fb_targets *t, struct fb_table *table, const struct fibermap *f,
                     struct fb_error *err)
{
    t->n = 0;
    if (make_room(t, (size_t)table->nrows) != 0)
        return fb_fail(err, "%s: out of memory for %lld targets", table->path, (long long)table->nrows);
    for (int64_t i = 0; i < table->nrows; i++) {
        const unsigned char *row = fb_table_row(table, i, err);
        if (!row || fb_table_integer(table, f->targetid, row, &t->sorted[i].targetid, err) != 0)
            return -1;
        t->sorted[i].row = (size_t)i;
        t->ra[i] = f->ra && f->dec ? fb_column_number(f->ra, row) : NAN;
        t->dec[i] = f->ra && f->dec ? fb_column_number(f->dec, row) : NAN;
        t->status[i] = 0;
    }
    t->n = table->nrows;
    return 0;
}

/* Read FIBERSTATUS of every row, if some target has several rows. */
static int read_status(struct fb_targets *t, struct fb_table *table, struct fibermap *f, struct fb_error *err)
{
    static const char *const status[] = { "FIBERSTATUS", "COADD_FIBERSTATUS", NULL };
    if (fb_table_find_number(table, status, 0, &f->status, err) != 0)
        return -1;
    return f->status ? fb_table_integers(table, f->status, t->status, t->n, err) : 0;
}

/* ---- targets ---- */

/* Sort by TARGETID and row, and link the rows of each target. */
static void sort_targets(struct fb_targets *t)
{
    fb_id_rows_sort(t->sorted, (size_t)t->n);
    t->repeat = 0;
    for (int64_t i = 0; i < t->n; i++) {
        const struct fb_id_row *target = &t->sorted[i];
        int more = i + 1 < t->n && target[1].targetid == target->targetid;
        t->next[target->row] = more ? (int64_t)target[1].row : -1;
        t->repeat |= more;
    }
}

int fb_targets_read(struct fb_targets *targets, struct fb_hdus *hdus, struct fb_error *err)
{
    static const char *const names[] = { "FIBERMAP", NULL };
    struct fibermap f = { 0 };
    struct fb_table table;
    if (fb_table_use(&table, hdus, names, err) != 0)
        return -1;
    int status = find_columns(&table, &f, err) != 0 ? -1 : read_rows(targets, &table, &f, err);
    if (status == 0)
        sort_targets(targets);
    if (status == 0 && targets->repeat)
        status = read_status(targets, &table, &f, err);
    fb_table_close(&table);
    return status;
}

void fb_targets_release(struct fb_targets *targets)
{
    free(targets->sorted);
    free(targets->ra);
    free(targets->dec);
    free(targets->status);
    free(targets->next);
    *targets = (struct fb_targets){ 0 };
}

int64_t fb_targets_find(const struct fb_targets *targets, int64_t targetid)
{
    const size_t n = (size_t)targets->n, first = fb_id_rows_find(targets->sorted, n, targetid);
    return first < n ? (int64_t)targets->sorted[first].row : -1;
}
