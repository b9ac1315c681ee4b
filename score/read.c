/* read.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/spectra_paths.h"
#include "desi/troughs.h"
#include "desi/truth.h"
#include "fits/system.h"
#include "run/walk.h"
#include "score/read.h"

enum { WALKERS = 8 };

struct reader {
    struct fb_table table;
    const struct fb_column *targetid, *z, *bi, *snr, *probability, *balmask, *balstatus;
    struct fb_trough_columns civ, all;
    struct fb_troughs troughs; /* of one row */
};

/* ---- one table ---- */

static int find_number(struct reader *r, const char *name, const struct fb_column **column,
                       struct fb_error *err)
{
    const char *const names[] = { name, NULL };
    return fb_table_find_number(&r->table, names, strcmp(name, "TARGETID") == 0, column, err);
}

static int find_columns(struct reader *r, int by_detector, struct fb_error *err)
{
    const char *line = by_detector ? "DET" : "CIV";
    return find_number(r, "TARGETID", &r->targetid, err) != 0 || find_number(r, "Z", &r->z, err) != 0 ||
                   find_number(r, by_detector ? "BI_DET" : "BI_CIV", &r->bi, err) != 0 ||
                   find_number(r, "SNR_CIV", &r->snr, err) != 0 ||
                   find_number(r, "BAL_PROB", &r->probability, err) != 0 ||
                   find_number(r, "BALMASK", &r->balmask, err) != 0 ||
                   find_number(r, "BALSTATUS", &r->balstatus, err) != 0 ||
                   fb_trough_columns_find(&r->civ, &r->table, "AI", line, "450", 1, err) != 0 ||
                   fb_trough_columns_find(&r->all, &r->table, "AI", "ALL", "450", 0, err) != 0
               ? -1
               : 0;
}

static int make_room(struct fb_score_table *t, size_t rows, size_t troughs, struct fb_error *err)
{
    if (t->n + rows > t->room) {
        size_t room = t->n + rows;
        struct fb_score_row *grown = realloc(t->rows, room * sizeof *grown);
        if (!grown)
            return fb_fail(err, "%s: out of memory for %zu rows", t->path, room);
        t->rows = grown;
        t->room = room;
    }
    if (t->ntroughs + troughs > t->troughs_room) {
        size_t room = 2 * t->troughs_room + troughs;
        struct fb_score_trough *grown = realloc(t->troughs, room * sizeof *grown);
        if (!grown)
            return fb_fail(err, "%s: out of memory for %zu troughs", t->path, room);
        t->troughs = grown;
        t->troughs_room = room;
    }
    return 0;
}

/* Take the index and, if it is above 0, the troughs. Returns the number of troughs. */
static uint8_t take_troughs(struct reader *r, const struct fb_trough_columns *columns,
                            const unsigned char *row, struct fb_score_table *t, float *index)
{
    *index = 0;
    if (columns->length == 0)
        return 0;
    fb_troughs_take(&r->troughs, columns, row);
    *index = (float)r->troughs.index;
    if (!(*index > 0))
        return 0;
    for (int k = 0; k < r->troughs.n; k++)
        t->troughs[t->ntroughs++] =
            (struct fb_score_trough){ r->troughs.trough[k].vmin, r->troughs.trough[k].vmax };
    return (uint8_t)r->troughs.n;
}

static double number(const struct fb_column *column, const unsigned char *row)
{
    return column ? fb_column_number(column, row) : NAN;
}

static int whole_number(struct reader *r, const struct fb_column *column, const unsigned char *row,
                        int64_t *value, struct fb_error *err)
{
    *value = 0;
    return column ? fb_table_integer(&r->table, column, row, value, err) : 0;
}

static int take_row(struct reader *r, struct fb_score_table *t, int64_t i, struct fb_error *err)
{
    const unsigned char *row = fb_table_row(&r->table, i, err);
    int64_t balmask = 0, balstatus = 0;
    if (!row || make_room(t, 0, (size_t)(r->civ.length + r->all.length), err) != 0)
        return -1;
    struct fb_score_row *to = &t->rows[t->n];
    if (whole_number(r, r->targetid, row, &to->targetid, err) != 0 ||
        whole_number(r, r->balmask, row, &balmask, err) != 0 ||
        whole_number(r, r->balstatus, row, &balstatus, err) != 0)
        return -1;
    to->balmask = (uint8_t)balmask;
    to->balstatus = (int32_t)balstatus;
    to->z = number(r->z, row);
    to->bi = r->bi ? (float)number(r->bi, row) : 0;
    to->snr = (float)number(r->snr, row);
    to->probability = (float)number(r->probability, row);
    to->troughs = t->ntroughs;
    to->ntroughs = take_troughs(r, &r->civ, row, t, &to->ai);
    to->nall = take_troughs(r, &r->all, row, t, &to->all);
    t->all_bals = t->all_bals && (to->balmask != 0 || to->ai > 0 || to->bi > 0);
    t->n++;
    return 0;
}

static int take_table(struct reader *r, struct fb_score_table *t, struct fb_error *err)
{
    char fit[80];
    if (find_columns(r, t->by_detector, err) != 0 || make_room(t, (size_t)r->table.nrows, 1, err) != 0)
        return -1;
    t->has_bi = r->bi != NULL;
    t->has_all = r->all.length > 0;
    t->has_snr = r->snr != NULL;
    t->has_probability = r->probability != NULL;
    t->has_balmask = r->balmask != NULL;
    t->has_settings = fb_table_keyword(&r->table, "BALFIT", fit, sizeof fit);
    snprintf(t->hdu, sizeof t->hdu, "%s", r->table.name);
    for (int64_t i = 0; i < r->table.nrows; i++)
        if (take_row(r, t, i, err) != 0)
            return -1;
    return 0;
}

/* Add the rows of the first of these tables that exists. With `only`, nothing is added unless that is the
 * table of the first name. */
static int read_file(struct fb_score_table *t, const char *path, const char *const *names, int only,
                     struct fb_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return fb_fail(err, "%s: out of memory", path);
    int status = fb_table_open(&r->table, path, names, err);
    if (status == 0 && (!only || strcasecmp(r->table.name, names[0]) == 0))
        status = take_table(r, t, err);
    fb_table_close(&r->table);
    free(r);
    return status;
}

/* Fail if no detector was used: its columns then say "no BAL" for every quasar, and every figure would be
 * 0. */
static int require_detector(const struct fb_score_table *t, struct fb_error *err)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].probability > 0)
            return 0;
    return fb_fail(err,
                   "%s: expected a detector's finds, found BAL_PROB > 0 in none of %zu rows; measure it with "
                   "--detector on",
                   t->path, t->n);
}

/* ---- order ---- */

static int compare_rows(const void *a, const void *b)
{
    const struct fb_score_row *x = a, *y = b;
    return (x->targetid > y->targetid) - (x->targetid < y->targetid);
}

/* Sort by TARGETID. All rows of a repeated one are left out, since choosing one would be arbitrary. */
static void sort_rows(struct fb_score_table *t)
{
    size_t kept = 0, end;
    if (t->n > 0)
        qsort(t->rows, t->n, sizeof *t->rows, compare_rows);
    for (size_t i = 0; i < t->n; i = end) {
        for (end = i + 1; end < t->n && t->rows[end].targetid == t->rows[i].targetid;)
            end++;
        if (end == i + 1)
            t->rows[kept++] = t->rows[i];
        else
            t->nrepeated += end - i;
    }
    t->n = kept;
}

int fb_score_read(struct fb_score_table *t, const char *path, int by_detector, struct fb_error *err)
{
    static const char *const names[] = { "ZCATALOG", "QSO_CAT", "BALCAT", "*", NULL };
    *t = (struct fb_score_table){ .path = path, .all_bals = 1, .by_detector = by_detector };
    if (read_file(t, path, names, 0, err) != 0 || (by_detector && require_detector(t, err) != 0))
        return -1;
    sort_rows(t);
    return 0;
}

/* ---- truths ---- */

/* Read every truth file of a mock, one after the other. */
static int read_files(struct fb_score_table *t, const struct fb_tree *tree, const struct fb_id_list *pixels,
                      struct fb_error *err)
{
    static const char *const names[] = { "BAL_META", "*", NULL };
    for (size_t i = 0; i < pixels->n; i++) {
        char *path = fb_plain_or_packed(fb_tree_path(tree, "truth", pixels->ids[i]), err);
        int status = path ? read_file(t, path, names, 1, err) : -1;
        free(path);
        if (status != 0)
            return -1;
    }
    return t->hdu[0]
               ? 0
               : fb_fail(err, "%s: none of its %zu truth files has a table BAL_META", t->path, pixels->n);
}

static int read_tree(struct fb_score_table *t, const char *folder, struct fb_error *err)
{
    struct fb_id_list pixels = { 0 };
    char *root = fb_truth_root(folder, err);
    struct fb_tree tree = { .scheme = FB_SCHEME_MOCK, .root = root };
    int status = root ? fb_walk_tree(&tree, "truth", WALKERS, &pixels, err) : -1;
    if (status == 0) {
        fb_id_list_sort(&pixels);
        status = read_files(t, &tree, &pixels, err);
    }
    fb_id_list_release(&pixels);
    free(root);
    return status;
}

/* Leave out the rows with a BALMASK, which in a catalog with BAL columns stand for quasars without BALs. */
static void keep_bals(struct fb_score_table *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].balmask == 0)
            t->rows[kept++] = t->rows[i];
    t->n = kept;
}

int fb_score_read_truth(struct fb_score_table *t, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "QUASARS", "BAL_META", "ZCATALOG", "BALCAT", "*", NULL };
    *t = (struct fb_score_table){ .path = path, .all_bals = 1 };
    int folder = fb_is_folder(path, err);
    if (folder < 0 || (folder ? read_tree(t, path, err) : read_file(t, path, names, 0, err)) != 0)
        return -1;
    if (strcasecmp(t->hdu, "QUASARS") == 0)
        t->kind = FB_SCORE_QUASARS;
    else if (strcasecmp(t->hdu, "BAL_META") == 0 || (t->all_bals && !t->has_settings))
        t->kind = FB_SCORE_BALS;
    if (t->kind == FB_SCORE_BALS)
        keep_bals(t);
    sort_rows(t);
    return 0;
}

void fb_score_table_release(struct fb_score_table *t)
{
    free(t->rows);
    free(t->troughs);
    *t = (struct fb_score_table){ 0 };
}
