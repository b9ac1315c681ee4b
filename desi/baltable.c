/* baltable.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/baltable.h"
#include "desi/dependencies.h"
#include "desi/trough_table.h"
#include "fits/checksum.h"
#include "fits/output.h"
#include "fits/table.h"

/* ---- writing ---- */

struct made_with {
    int ntemplates;
    const struct fb_provenance *made;
};

static int write_table(void *file, const void *context, int *status)
{
    char *ttype[FB_BALROW_COLUMNS], *tform[FB_BALROW_COLUMNS], *tunit[FB_BALROW_COLUMNS],
        form[FB_BALROW_COLUMNS][16];
    const struct made_with *with = context;
    int n = fb_balrow_names(FB_IN_TABLE, with->ntemplates, ttype, tform, tunit, form);
    fits_create_tbl(file, BINARY_TBL, 0, n, ttype, tform, tunit, "BALCAT", status);
    fb_write_descriptions(file, FB_IN_TABLE, 0, status);
    fb_write_provenance(file, with->made, status);
    fb_write_dependencies(file, status);
    return fb_write_history(file, status);
}

int fb_baltable_headers_create(struct fb_baltable_headers *headers, int ntemplates,
                               const struct fb_provenance *made, struct fb_error *err)
{
    const struct made_with with = { ntemplates, made };
    memset(headers, 0, sizeof *headers);
    return fb_header_template_create(&headers->table, write_table, &with, err) != 0 ||
                   fb_trough_table_header(&headers->troughs, made, err) != 0
               ? -1
               : 0;
}

void fb_baltable_headers_release(struct fb_baltable_headers *headers)
{
    fb_header_template_release(&headers->table);
    fb_header_template_release(&headers->troughs);
}

int fb_baltable_write(const struct fb_baltable_headers *headers, const char *path, enum fb_replace replace,
                      const struct fb_balrow *rows, size_t n, int ntemplates, struct fb_error *err)
{
    size_t row_bytes = fb_balrow_bytes(FB_IN_TABLE, ntemplates);
    unsigned char *bytes = malloc(n * row_bytes + 1);
    struct fb_trough_list troughs = { 0 };
    int failed = bytes ? 0 : -1;
    for (size_t i = 0; !failed && i < n; i++) {
        fb_balrow_encode(&rows[i], FB_IN_TABLE, ntemplates, bytes + i * row_bytes);
        failed = fb_trough_list_add(&troughs, &rows[i]);
    }
    const struct fb_table_content tables[] = { { &headers->table, bytes, n },
                                               { &headers->troughs, troughs.bytes, troughs.n } };
    if (failed)
        fb_fail(err, "%s: out of memory for %zu rows", path, n);
    else
        failed = fb_header_template_write(path, replace, tables, 2, err);
    fb_trough_list_release(&troughs);
    free(bytes);
    return failed;
}

/* ---- reading ---- */

/* A column of the list, and its offset in a file's rows. */
struct place {
    const struct fb_balrow_column *column;
    size_t offset;
    int repeat;
};

struct places {
    struct place place[FB_BALROW_COLUMNS];
    size_t n;
};

/* Find a column, which must have the right type and length. A missing optional column is skipped. */
static int find_column(const struct fb_table *t, const struct fb_balrow_column *column, struct places *places,
                       struct fb_error *err)
{
    const struct fb_column *found = fb_table_find(t, column->name);
    int most = column->repeat > 0 ? column->repeat : FASTBAL_MAX_TEMPLATES;
    if (!found && (column->use & FB_OPTIONAL))
        return 0;
    if (!found)
        return fb_fail(err, "%s: table %s has no column %s", t->path, t->name, column->name);
    if (found->type != column->type || fb_column_is_scaled(found) || found->repeat < 1 ||
        found->repeat > most || (column->repeat > 0 && found->repeat != most))
        return fb_fail(err, "%s: column %s: expected the format %s%d%c, found %s%s", t->path, column->name,
                       column->repeat > 0 ? "" : "at most ", most, column->type,
                       fb_column_is_scaled(found) ? "scaled " : "", found->form);
    places->place[places->n++] = (struct place){ column, found->offset, (int)found->repeat };
    return 0;
}

static int find_columns(const struct fb_table *t, struct places *places, int *ntemplates,
                        struct fb_error *err)
{
    places->n = 0;
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, FB_IN_TABLE)) != NULL;) {
        if (find_column(t, c, places, err) != 0)
            return -1;
        if (c->repeat == 0)
            *ntemplates = places->place[places->n - 1].repeat;
    }
    return 0;
}

/* A row before it is read, in which columns that the table lacks are marked as unknown. */
static struct fb_balrow unknown_row(const struct places *places)
{
    struct fb_balrow row = { .lobal = FB_LOBAL_UNKNOWN };
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, FB_OPTIONAL)) != NULL;) {
        const float nan = NAN;
        size_t k = 0;
        while (k < places->n && places->place[k].column != c)
            k++;
        if (k == places->n && c->type == 'E')
            for (int at = 0; at < c->repeat; at++)
                memcpy((char *)&row + c->offset + (size_t)at * sizeof nan, &nan, sizeof nan);
    }
    return row;
}

static int read_rows(struct fb_table *t, const struct places *places, struct fb_baltable *table,
                     struct fb_error *err)
{
    table->rows = calloc((size_t)t->nrows + 1, sizeof *table->rows);
    if (!table->rows)
        return fb_fail(err, "%s: out of memory for %lld rows", t->path, (long long)t->nrows);
    const struct fb_balrow unknown = unknown_row(places);
    for (int64_t i = 0; i < t->nrows; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row)
            return -1;
        table->rows[i] = unknown;
        for (const struct place *p = places->place; p < places->place + places->n; p++)
            fb_balrow_decode_value(&table->rows[i], p->column, row + p->offset, p->repeat);
    }
    table->n = (size_t)t->nrows;
    return 0;
}

static void fill_with_nan(struct fb_balrow_whole *whole)
{
    for (int k = 0; k < FASTBAL_MAX_AI; k++)
        whole->ew[k] = whole->err_ew[k] = whole->depth[k] = whole->err_depth[k] = whole->inside[k] = NAN;
}

/* Read the values over whole troughs. Tables of older or other programs do not have them. */
static int read_troughs(struct fb_table *t, struct fb_baltable *table, struct fb_error *err)
{
    static const char *const names[] = { FB_TROUGH_TABLE_NAME, NULL };
    struct fb_table troughs = { 0 };
    if (!fb_hdus_table(t->hdus, names)) {
        for (size_t i = 0; i < table->n; i++) {
            fill_with_nan(&table->rows[i].civ_whole);
            fill_with_nan(&table->rows[i].siiv_whole);
        }
        return 0;
    }
    int failed = fb_table_use(&troughs, t->hdus, names, err) != 0 ||
                 fb_trough_table_fill(&troughs, table->rows, table->n, err) != 0;
    fb_table_close(&troughs);
    return failed ? -1 : 0;
}

/* Read a table. with_rows: read its rows and verify its checksums. with_troughs: also read the values over
 * whole troughs. */
static int read_table(struct fb_baltable *table, const char *path, int with_rows, int with_troughs,
                      struct fb_error *err)
{
    static const char *const names[] = { "BALCAT", NULL };
    struct places places;
    struct fb_table t;

    memset(table, 0, sizeof *table);
    if (fb_table_open(&t, path, names, err) != 0)
        return -1;
    int failed = with_rows && fb_checksums_check(t.hdus, err) < 0 ? -1 : 0;
    if (!failed)
        failed = find_columns(&t, &places, &table->ntemplates, err);
    if (!failed && with_rows)
        failed = read_rows(&t, &places, table, err);
    if (!failed && with_troughs)
        failed = read_troughs(&t, table, err);
    fb_provenance_read(&t, &table->made);
    if (!table->made.continuum[0]) /* written by the reference, or before there was a choice */
        snprintf(table->made.continuum, sizeof table->made.continuum, "least-squares");
    if (!table->made.detector[0])
        snprintf(table->made.detector, sizeof table->made.detector, FB_NO_DETECTOR);
    fb_table_close(&t);
    return failed;
}

int fb_baltable_read(struct fb_baltable *table, const char *path, int with_troughs, struct fb_error *err)
{
    return read_table(table, path, 1, with_troughs, err);
}

int fb_baltable_read_kind(struct fb_baltable *table, const char *path, struct fb_error *err)
{
    return read_table(table, path, 0, 0, err);
}

void fb_baltable_release(struct fb_baltable *table)
{
    free(table->rows);
    memset(table, 0, sizeof *table);
}
