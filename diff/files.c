/*
 * files.c - tables are read twice: first TARGETID and Z of all rows to match them, then blocks of rows, each
 * with its matches. So memory grows by only some 60 bytes per row, however wide the rows are.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "diff/files.h"
#include "diff/tree.h"
#include "fits/system.h"
#include "run/pool.h"

enum {
    BLOCK_BYTES = 2 << 20,
    SPREAD =
        4 /* matches of a block are read at once if they span at most that many times their number of rows */
};

/* One file, and a buffer of its rows. */
struct reader {
    struct fb_table table;
    unsigned char *bytes; /* owned */
    size_t room;
};

/* The state of a thread that compares two tables. */
struct pair {
    struct reader a, b;
    struct fb_diff_plan plan;
    const unsigned char **rows_b; /* owned: in b.bytes, for the rows of a block */
    size_t rows_room;
};

/* ---- reading ---- */

static const char *const catalog_names[] = { "BALCAT", "ZCATALOG", "QSO_CAT", "*", NULL };

static int open_table(struct fb_table *table, const char *path, struct fb_error *err)
{
    if (fb_table_open(table, path, catalog_names, err) != 0)
        return -1;
    if (fb_diff_targetid(table))
        return 0;
    fb_fail(err,
            "%s: table %s has no column TARGETID of whole numbers: it is neither a catalog nor a BAL table",
            path, table->name);
    fb_table_close(table);
    return -1;
}

static int open_pair(struct pair *pair, const char *a, const char *b, struct fb_error *err)
{
    if (open_table(&pair->a.table, a, err) != 0)
        return -1;
    return open_table(&pair->b.table, b, err);
}

/* Keeps the buffers for the next pair. */
static void close_pair(struct pair *pair)
{
    fb_table_close(&pair->a.table);
    fb_table_close(&pair->b.table);
    fb_diff_plan_release(&pair->plan);
}

static void release_pair(struct pair *pair)
{
    close_pair(pair);
    free(pair->a.bytes);
    free(pair->b.bytes);
    free(pair->rows_b);
    memset(pair, 0, sizeof *pair);
}

static int need_room(struct reader *reader, size_t bytes, struct fb_error *err)
{
    if (bytes <= reader->room)
        return 0;
    unsigned char *grown = realloc(reader->bytes, bytes);
    if (!grown)
        return fb_fail(err, "out of memory for %zu bytes of rows", bytes);
    reader->bytes = grown;
    reader->room = bytes;
    return 0;
}

static int64_t block_rows(const struct fb_table *table)
{
    return BLOCK_BYTES / (int64_t)(table->row_bytes + 1) + 1;
}

static int read_keys(struct reader *reader, struct fb_diff_key **keys, struct fb_error *err)
{
    const struct fb_table *t = &reader->table;
    const struct fb_column *targetid = fb_diff_targetid(t), *z = fb_diff_redshift(t);
    int64_t block = block_rows(t);

    *keys = malloc(((size_t)t->nrows + 1) * sizeof **keys);
    if (!*keys)
        return fb_fail(err, "out of memory for %lld rows", (long long)t->nrows);
    if (need_room(reader, (size_t)block * t->row_bytes, err) != 0)
        return -1;
    for (int64_t first = 0; first < t->nrows; first += block) {
        int64_t n = t->nrows - first < block ? t->nrows - first : block;
        if (fb_table_rows(&reader->table, first, n, reader->bytes, err) != 0)
            return -1;
        for (int64_t i = 0; i < n; i++) {
            const unsigned char *row = reader->bytes + (size_t)i * t->row_bytes;
            (*keys)[first + i] = (struct fb_diff_key){ fb_column_value(targetid, row, 0).integer, first + i,
                                                       z ? fb_column_value(z, row, 0).real : NAN };
        }
    }
    return 0;
}

static int match_pair(struct pair *pair, struct fb_diff_match *match, struct fb_error *err)
{
    struct fb_diff_key *a = NULL, *b = NULL;
    int status = read_keys(&pair->a, &a, err);
    if (status == 0)
        status = read_keys(&pair->b, &b, err);
    if (status == 0 &&
        fb_diff_match_rows(match, a, (size_t)pair->a.table.nrows, b, (size_t)pair->b.table.nrows))
        status = fb_fail(err, "out of memory for %lld rows", (long long)pair->a.table.nrows);
    free(a);
    free(b);
    return status;
}

/* ---- blocks of rows ---- */

/* The lowest and highest row number, ignoring -1; returns 0 if there is none. */
static int range_of(const int64_t *rows, int64_t n, int64_t *low, int64_t *high)
{
    int any = 0;
    for (int64_t i = 0; i < n; i++) {
        if (rows[i] < 0)
            continue;
        *low = any && *low < rows[i] ? *low : rows[i];
        *high = any && *high > rows[i] ? *high : rows[i];
        any = 1;
    }
    return any;
}

/* Read rows that are far apart, one run of consecutive rows at a time. */
static int read_runs(struct pair *pair, const int64_t *rows, int64_t n, struct fb_error *err)
{
    struct reader *b = &pair->b;
    size_t size = b->table.row_bytes;
    if (need_room(b, (size_t)n * size, err) != 0)
        return -1;
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && rows[i] >= 0 && rows[end] == rows[end - 1] + 1;)
            end++;
        if (rows[i] >= 0 && fb_table_rows(&b->table, rows[i], end - i, b->bytes + (size_t)i * size, err) != 0)
            return -1;
        for (int64_t k = i; k < end; k++)
            pair->rows_b[k] = rows[k] < 0 ? NULL : b->bytes + (size_t)k * size;
    }
    return 0;
}

static int read_range(struct pair *pair, const int64_t *rows, int64_t n, int64_t low, int64_t high,
                      struct fb_error *err)
{
    struct reader *b = &pair->b;
    size_t size = b->table.row_bytes;
    if (need_room(b, (size_t)(high - low + 1) * size, err) != 0 ||
        fb_table_rows(&b->table, low, high - low + 1, b->bytes, err) != 0)
        return -1;
    for (int64_t i = 0; i < n; i++)
        pair->rows_b[i] = rows[i] < 0 ? NULL : b->bytes + (size_t)(rows[i] - low) * size;
    return 0;
}

/* Point rows_b at these rows of B, NULL for -1. */
static int read_partners(struct pair *pair, const int64_t *rows, int64_t n, struct fb_error *err)
{
    int64_t low = 0, high = -1;
    if (pair->rows_room < (size_t)n) {
        const unsigned char **grown = realloc(pair->rows_b, (size_t)n * sizeof *grown);
        if (!grown)
            return fb_fail(err, "out of memory for %lld rows", (long long)n);
        pair->rows_b = grown;
        pair->rows_room = (size_t)n;
    }
    if (!range_of(rows, n, &low, &high) || high - low < SPREAD * n)
        return read_range(pair, rows, n, low, high, err);
    return read_runs(pair, rows, n, err);
}

/* Compare rows first .. first + n - 1 of A with their matches. */
static int compare_rows(struct pair *pair, struct fb_diff *diff, const struct fb_diff_match *match,
                        int64_t first, int64_t n, struct fb_error *err)
{
    size_t size = pair->a.table.row_bytes;
    if (need_room(&pair->a, (size_t)n * size, err) != 0 ||
        fb_table_rows(&pair->a.table, first, n, pair->a.bytes, err) != 0 ||
        read_partners(pair, match->partner + first, n, err) != 0)
        return -1;
    for (int64_t i = 0; i < n; i++)
        fb_diff_row(diff, &pair->plan, first + i, pair->a.bytes + (size_t)i * size, pair->rows_b[i]);
    return 0;
}

/* Report rows that are only in B. */
static int compare_only_b(struct pair *pair, struct fb_diff *diff, const int64_t *rows, int64_t n,
                          struct fb_error *err)
{
    if (read_partners(pair, rows, n, err) != 0)
        return -1;
    for (int64_t i = 0; i < n; i++)
        fb_diff_row(diff, &pair->plan, rows[i], NULL, pair->rows_b[i]);
    return 0;
}

/* Blocks of A's rows, then blocks of rows only in B. */
struct blocks {
    int64_t size, na, nb;
};

static struct blocks blocks_of(const struct pair *pair, const struct fb_diff_match *match)
{
    int64_t a = block_rows(&pair->a.table), b = block_rows(&pair->b.table), size = a < b ? a : b;
    return (struct blocks){ size, (pair->a.table.nrows + size - 1) / size,
                            ((int64_t)match->nonly_b + size - 1) / size };
}

static int compare_block(struct pair *pair, struct fb_diff *diff, const struct fb_diff_match *match,
                         const struct blocks *blocks, int64_t i, struct fb_error *err)
{
    int in_b = i >= blocks->na;
    int64_t first = (in_b ? i - blocks->na : i) * blocks->size;
    int64_t left = (in_b ? (int64_t)match->nonly_b : pair->a.table.nrows) - first;
    int64_t n = left < blocks->size ? left : blocks->size;
    return in_b ? compare_only_b(pair, diff, match->only_b + first, n, err)
                : compare_rows(pair, diff, match, first, n, err);
}

static int make_plan(struct pair *pair, struct fb_diff *diff, const struct fb_diff_rules *rules, size_t table,
                     struct fb_error *err)
{
    if (fb_diff_plan_make(&pair->plan, diff, rules, &pair->a.table, &pair->b.table, table) != 0)
        return fb_fail(err, "out of memory");
    return 0;
}

/* ---- two files ---- */

/* Threads compare blocks; each has its own open files and differences. */
struct work {
    const char *a, *b;
    const struct fb_diff_rules *rules;
    const struct fb_diff_match *match;
    struct blocks blocks;
    struct pair *pairs;      /* per thread */
    struct fb_diff *diffs;   /* per thread */
    struct fb_error *errors; /* per thread; empty text on success */
};

static int prepare_thread(struct work *w, int thread, struct fb_error *err)
{
    struct pair *pair = &w->pairs[thread];
    if (pair->plan.pairs)
        return 0;
    if (open_pair(pair, w->a, w->b, err) != 0)
        return -1;
    return make_plan(pair, &w->diffs[thread], w->rules, 0, err);
}

static void work_block(void *context, int thread, size_t i)
{
    struct work *w = context;
    struct fb_error *err = &w->errors[thread];
    if (err->text[0] == '\0' && prepare_thread(w, thread, err) == 0)
        compare_block(&w->pairs[thread], &w->diffs[thread], w->match, &w->blocks, (int64_t)i, err);
}

static int join_threads(struct work *w, int nthreads, struct fb_diff *diff, struct fb_error *err)
{
    int status = 0;
    for (int k = 0; k < nthreads; k++) {
        if (w->errors[k].text[0])
            status = fb_fail(err, "%s", w->errors[k].text);
        fb_diff_join(diff, &w->diffs[k]);
    }
    return status;
}

static int run_blocks(struct work *w, int nthreads, struct fb_diff *diff, struct fb_error *err)
{
    w->pairs = calloc((size_t)nthreads, sizeof *w->pairs);
    w->diffs = calloc((size_t)nthreads, sizeof *w->diffs);
    w->errors = calloc((size_t)nthreads, sizeof *w->errors);
    int status = w->pairs && w->diffs && w->errors ? 0 : fb_fail(err, "out of memory");
    for (int k = 0; k < nthreads && status == 0; k++)
        w->diffs[k].limit = diff->limit;
    if (status == 0) {
        struct fb_pool pool = { .nthreads = nthreads, .work = work_block, .context = w };
        fb_pool_run(&pool, (size_t)(w->blocks.na + w->blocks.nb));
        status = join_threads(w, nthreads, diff, err);
    }
    for (int k = 0; k < nthreads; k++) {
        if (w->pairs)
            release_pair(&w->pairs[k]);
        if (w->diffs)
            fb_diff_release(&w->diffs[k]);
    }
    free(w->pairs);
    free(w->diffs);
    free(w->errors);
    return status;
}

static void take_side(struct fb_diff_side *side, const struct fb_table *table)
{
    snprintf(side->hdu, sizeof side->hdu, "%s", table->name);
    side->columns = (size_t)table->ncolumns;
    side->tables = 1;
}

static int is_baltable(const struct fb_table *table)
{
    return strcmp(table->name, "BALCAT") == 0;
}

static int compare_files(struct fb_diff_result *result, struct pair *pair, const struct fb_diff_rules *rules,
                         int nthreads, struct fb_error *err)
{
    struct fb_diff *diff = &result->diff;
    struct fb_diff_match match = { 0 };
    struct work work = { .a = result->a.path, .b = result->b.path, .rules = rules, .match = &match };

    if (open_pair(pair, work.a, work.b, err) != 0)
        return -1;
    const struct fb_table *a = &pair->a.table, *b = &pair->b.table;
    if (is_baltable(a) != is_baltable(b))
        return fb_fail(err, "%s: expected a %s, as %s is, found table %s", work.b,
                       is_baltable(a) ? "BAL table" : "catalog", work.a, b->name);
    result->kind = is_baltable(a) ? FB_DIFF_TABLE : FB_DIFF_CATALOG;
    take_side(&result->a, a);
    take_side(&result->b, b);
    fb_diff_headers(diff, rules, a, b, 0);
    int status = make_plan(pair, diff, rules, 0, err); /* registers the columns even if there are no rows */
    if (status == 0)
        status = match_pair(pair, &match, err);
    work.blocks = blocks_of(pair, &match);
    /* every thread would unpack the whole file */
    if (fb_table_is_packed(a) || fb_table_is_packed(b))
        nthreads = 1;
    release_pair(pair);
    if (status == 0)
        status = run_blocks(&work, nthreads, diff, err);
    fb_diff_match_release(&match);
    return status;
}

/* ---- two trees ---- */

struct trees {
    const struct fb_diff_rules *rules;
    const struct fb_tree_pairs *list;
    struct pair *pairs;    /* per thread */
    struct fb_diff *diffs; /* per thread */
    char *differs;         /* per pair of tables */
    char **why;            /* per pair of tables: owned, why it could not be compared */
};

static int compare_tables(struct trees *t, int thread, size_t i, struct fb_error *err)
{
    struct pair *pair = &t->pairs[thread];
    struct fb_diff *diff = &t->diffs[thread];
    struct fb_diff_match match = { 0 };
    size_t found = diff->found;

    int status = open_pair(pair, t->list->a[i], t->list->b[i], err);
    if (status == 0)
        status = match_pair(pair, &match, err);
    if (status == 0)
        status = make_plan(pair, diff, t->rules, i, err);
    if (status == 0) {
        struct blocks blocks = blocks_of(pair, &match);
        fb_diff_headers(diff, t->rules, &pair->a.table, &pair->b.table, i);
        for (int64_t k = 0; k < blocks.na + blocks.nb && status == 0; k++)
            status = compare_block(pair, diff, &match, &blocks, k, err);
    }
    t->differs[i] = diff->found > found;
    fb_diff_match_release(&match);
    close_pair(pair);
    return status;
}

static void work_tables(void *context, int thread, size_t i)
{
    struct trees *t = context;
    struct fb_error err;
    if (compare_tables(t, thread, i, &err) == 0)
        return;
    t->why[i] = strdup(err.text);
    if (!t->why[i])
        t->diffs[thread].failed = 1;
}

static int collect_trees(struct trees *t, int nthreads, struct fb_diff_result *result, struct fb_error *err)
{
    int status = 0;
    for (int k = 0; k < nthreads; k++)
        fb_diff_join(&result->diff, &t->diffs[k]);
    for (size_t i = 0; i < t->list->n; i++) {
        result->ndifferent += t->differs[i] != 0;
        if (t->why[i] && fb_path_list_add(&result->failures, t->why[i]) != 0)
            status = fb_fail(err, "out of memory");
    }
    return status;
}

static int run_trees(struct trees *t, int nthreads, struct fb_diff_result *result, struct fb_error *err)
{
    size_t n = t->list->n;
    t->pairs = calloc((size_t)nthreads, sizeof *t->pairs);
    t->diffs = calloc((size_t)nthreads, sizeof *t->diffs);
    t->differs = calloc(n + 1, 1);
    t->why = calloc(n + 1, sizeof *t->why);
    int status = t->pairs && t->diffs && t->differs && t->why ? 0 : fb_fail(err, "out of memory");
    for (int k = 0; k < nthreads && status == 0; k++)
        t->diffs[k].limit = result->diff.limit;
    if (status == 0) {
        struct fb_pool pool = { .nthreads = nthreads, .work = work_tables, .context = t };
        fb_pool_run(&pool, n);
        status = collect_trees(t, nthreads, result, err);
    }
    for (int k = 0; k < nthreads; k++) {
        if (t->pairs)
            release_pair(&t->pairs[k]);
        if (t->diffs)
            fb_diff_release(&t->diffs[k]);
    }
    for (size_t i = 0; t->why && i < n; i++)
        free(t->why[i]);
    free(t->why);
    free(t->differs);
    free(t->pairs);
    free(t->diffs);
    return status;
}

static int compare_trees(struct fb_diff_result *result, const struct fb_diff_rules *rules, int nthreads,
                         struct fb_error *err)
{
    struct fb_tree_pairs list = { 0 };
    struct trees trees = { .rules = rules, .list = &list };

    result->kind = FB_DIFF_TREE;
    int status = fb_tree_pairs_find(&list, result, err);
    if (status == 0)
        status = run_trees(&trees, nthreads, result, err);
    fb_tree_pairs_release(&list);
    return status;
}

/* ---- either ---- */

int fb_diff_paths(struct fb_diff_result *result, const char *a, const char *b,
                  const struct fb_diff_rules *rules, int nthreads, struct fb_error *err)
{
    struct pair pair = { 0 };
    int tree = fb_is_folder(a, err), other = tree < 0 ? -1 : fb_is_folder(b, err), status = -1;

    result->a.path = a;
    result->b.path = b;
    if (tree >= 0 && tree == other)
        status = tree ? compare_trees(result, rules, nthreads, err)
                      : compare_files(result, &pair, rules, nthreads, err);
    else if (other >= 0)
        status = fb_diff_kinds_differ(a, b, err);
    release_pair(&pair);
    if (status == 0 && result->diff.failed)
        status = fb_fail(err, "out of memory");
    fb_diff_sort(&result->diff);
    return status;
}

void fb_diff_result_release(struct fb_diff_result *result)
{
    fb_diff_release(&result->diff);
    fb_path_list_release(&result->tables);
    fb_path_list_release(&result->only_a);
    fb_path_list_release(&result->only_b);
    fb_path_list_release(&result->failures);
}
