/* truth.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/troughs.h"
#include "desi/truth.h"
#include "fits/system.h"

enum { CIV_450, CIV_2000, SIIV_450, SIIV_2000, KINDS };

static const struct {
    const char *index, *line, *width;
    int most;
} kinds[KINDS] = {
    { "AI", "CIV", "450", FASTBAL_MAX_AI },
    { "BI", "CIV", "2000", FASTBAL_MAX_BI },
    { "AI", "SIIV", "450", FASTBAL_MAX_AI },
    { "BI", "SIIV", "2000", FASTBAL_MAX_BI },
};

struct reader {
    struct fb_table table;
    const struct fb_column *targetid, *bal_prob;
    struct fb_trough_columns columns[KINDS];
    struct fb_troughs troughs; /* of one kind in one row */
};

static struct fb_balrow_troughs *troughs_of(struct fb_balrow *row, int kind)
{
    struct fb_balrow_troughs *const of[KINDS] = { &row->civ_ai, &row->civ_bi, &row->siiv_ai, &row->siiv_bi };
    return of[kind];
}

void fb_truth_no_bal(struct fb_balrow *row, unsigned char balmask, int zeros)
{
    if (zeros)
        memset(row, 0, sizeof *row);
    else
        fb_balrow_no_troughs(row);
    row->bal_prob = -99;
    row->balmask = balmask;
}

/* Returns 1 if there were more troughs than fit. */
static int take_troughs(struct fb_balrow_troughs *to, const struct fb_troughs *from, int most)
{
    to->index = (float)from->index;
    to->error = (float)from->error;
    to->count = from->n < most ? from->n : most;
    for (int k = 0; k < to->count; k++) {
        to->vmin[k] = from->trough[k].vmin;
        to->vmax[k] = from->trough[k].vmax;
        to->posmin[k] = from->trough[k].posmin;
        to->fmin[k] = from->trough[k].fmin;
    }
    return from->n > most;
}

static int read_row(struct reader *r, struct fb_truth *truth, int64_t i, struct fb_error *err)
{
    struct fb_balrow *to = &truth->rows[truth->n];
    const unsigned char *row = fb_table_row(&r->table, i, err);
    int cut = 0;

    fb_truth_no_bal(to, 0, truth->zeros);
    if (!row || fb_table_integer(&r->table, r->targetid, row, &to->targetid, err) != 0)
        return -1;
    if (r->bal_prob)
        to->bal_prob = (float)fb_column_number(r->bal_prob, row);
    for (int kind = 0; kind < KINDS; kind++) {
        fb_troughs_take(&r->troughs, &r->columns[kind], row);
        if (r->columns[kind].length > 0)
            fb_balrow_empty(troughs_of(to, kind));
        cut |= take_troughs(troughs_of(to, kind), &r->troughs, kinds[kind].most);
        truth->nswapped += (size_t)r->troughs.nswapped;
    }
    truth->ncut += (size_t)cut;
    truth->n++;
    return 0;
}

static int make_room(struct fb_truth *truth, size_t n, const char *path, struct fb_error *err)
{
    struct fb_balrow *grown = fb_grow(truth->rows, &truth->room, truth->n + n + 1, sizeof *grown);
    if (!grown)
        return fb_fail(err, "%s: out of memory for %zu BAL quasars", path, truth->n + n);
    truth->rows = grown;
    return 0;
}

static int read_table(struct reader *r, struct fb_truth *truth, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const bal_prob[] = { "BAL_PROB", NULL };
    truth->has_table = 1;
    if (fb_table_find_number(&r->table, targetid, 1, &r->targetid, err) != 0 ||
        fb_table_find_number(&r->table, bal_prob, 0, &r->bal_prob, err) != 0)
        return -1;
    for (int kind = 0; kind < KINDS; kind++)
        if (fb_trough_columns_find(&r->columns[kind], &r->table, kinds[kind].index, kinds[kind].line,
                                   kinds[kind].width, kind == CIV_450, err) != 0)
            return -1;
    if (make_room(truth, (size_t)r->table.nrows, r->table.path, err) != 0)
        return -1;
    for (int64_t i = 0; i < r->table.nrows; i++)
        if (read_row(r, truth, i, err) != 0)
            return -1;
    return 0;
}

int fb_truth_read(struct fb_truth *truth, const char *path, int any, struct fb_error *err)
{
    static const char *const names[] = { "BAL_META", "BALCAT", "ZCATALOG", "*", NULL };
    struct reader r;
    int status = fb_table_open(&r.table, path, names, err);
    if (status == 0 && (any || strcasecmp(r.table.name, names[0]) == 0))
        status = read_table(&r, truth, err);
    fb_table_close(&r.table);
    return status;
}

int fb_truth_join(struct fb_truth *truth, struct fb_truth *other, struct fb_error *err)
{
    if (make_room(truth, other->n, "truth tables", err) != 0)
        return -1;
    if (other->n > 0)
        memcpy(truth->rows + truth->n, other->rows, other->n * sizeof *other->rows);
    truth->n += other->n;
    truth->nswapped += other->nswapped;
    truth->ncut += other->ncut;
    truth->has_table |= other->has_table;
    fb_truth_release(other);
    return 0;
}

int fb_truth_sort(struct fb_truth *truth, struct fb_error *err)
{
    size_t kept = 0;
    free(truth->keys);
    truth->nkeys = 0;
    truth->keys = malloc((truth->n + 1) * sizeof *truth->keys);
    if (!truth->keys)
        return fb_fail(err, "out of memory for %zu BAL quasars", truth->n);
    for (size_t i = 0; i < truth->n; i++)
        truth->keys[i] = (struct fb_id_row){ truth->rows[i].targetid, i };
    fb_id_rows_sort(truth->keys, truth->n);
    for (size_t i = 0; i < truth->n; i++)
        if (kept == 0 || truth->keys[i].targetid != truth->keys[kept - 1].targetid)
            truth->keys[kept++] = truth->keys[i];
    truth->nkeys = kept;
    return 0;
}

size_t fb_truth_find(const struct fb_truth *truth, int64_t targetid)
{
    return fb_id_rows_find(truth->keys, truth->nkeys, targetid);
}

void fb_truth_release(struct fb_truth *truth)
{
    free(truth->rows);
    free(truth->keys);
    *truth = (struct fb_truth){ 0 };
}

char *fb_truth_root(const char *folder, struct fb_error *err)
{
    char *inside = fb_format("%s/spectra-16", folder), *above = fb_format("%s/..", folder), *root = NULL;
    char *self = fb_format("%s/../spectra-16", folder);
    int there = inside && above && self ? fb_look_for(inside, err) : fb_fail(err, "out of memory");
    int itself = there == 0 ? fb_same_file(self, folder, err) : 0;
    if (there == 0 && itself == 0)
        fb_fail(err, "%s: expected a file, or the folder of a mock's spectra-16", folder);
    else if (there >= 0 && itself >= 0 && !(root = strdup(there ? folder : above)))
        fb_fail(err, "out of memory");
    free(inside);
    free(above);
    free(self);
    return root;
}
