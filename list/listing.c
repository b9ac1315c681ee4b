/* listing.c - which rows and columns are listed, and their cells. SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "list/condition.h"
#include "list/listing.h"

/* What describes a BAL at a glance; those that the table has. */
static const char default_columns[] =
    "TARGETID,Z,SNR_CIV,AI_CIV,ERR_AI_CIV,BI_CIV,ERR_BI_CIV,NCIV_450,VMIN_CIV_450,VMAX_CIV_450";
static const char *const table_names[] = { "BALCAT", "ZCATALOG", "QSO_CAT", "*", NULL };

/* ---- columns ---- */

static void describe(struct fb_listing_column *c, const struct fb_table *table)
{
    char key[16];
    snprintf(key, sizeof key, "TUNIT%d", c->column->number);
    fb_table_keyword(table, key, c->unit, sizeof c->unit);
    snprintf(key, sizeof key, "TCOMM%d", c->column->number);
    fb_table_keyword(table, key, c->description, sizeof c->description);
}

static int add_column(struct fb_listing *l, const struct fb_column *column, int64_t element,
                      struct fb_error *err)
{
    struct fb_listing_column *columns = realloc(l->columns, (l->ncolumns + 1) * sizeof *columns);
    if (!columns)
        return fb_fail(err, "%s: out of memory for columns", l->request->path);
    l->columns = columns;
    struct fb_listing_column *c = &columns[l->ncolumns++];
    *c = (struct fb_listing_column){ .column = column,
                                     .first = element < 0 ? 0 : element,
                                     .n = element < 0 ? column->values : 1 };
    if (element < 0)
        snprintf(c->name, sizeof c->name, "%s", column->name);
    else
        snprintf(c->name, sizeof c->name, "%s[%" PRId64 "]", column->name, element);
    describe(c, &l->table);
    return 0;
}

static int add_all_columns(struct fb_listing *l, struct fb_error *err)
{
    for (int i = 0; i < l->table.ncolumns; i++) {
        const struct fb_column *c = &l->table.columns[i];
        if (c->kind != FB_LIST && c->values > 0 && add_column(l, c, -1, err) != 0)
            return -1;
    }
    return 0;
}

/* Columns by their names, separated by commas; optional ones may be missing. */
static int add_columns(struct fb_listing *l, const char *names, int optional, struct fb_error *err)
{
    while (*names) {
        const struct fb_column *column;
        int64_t element;
        struct fb_error ignored;
        size_t n = strcspn(names, ", ");
        if (n == 1 && *names == '*') {
            if (add_all_columns(l, err) != 0)
                return -1;
        } else if (n > 0 &&
                   fb_find_element(&l->table, names, n, &column, &element, optional ? &ignored : err) != 0) {
            if (!optional)
                return -1;
        } else if (n > 0 && add_column(l, column, element, err) != 0) {
            return -1;
        }
        names += n;
        names += strspn(names, ", ");
    }
    return 0;
}

static int choose_columns(struct fb_listing *l, struct fb_error *err)
{
    const struct fb_listing_request *r = l->request;
    if (r->ncolumns == 0 && add_columns(l, default_columns, 1, err) != 0)
        return -1;
    for (size_t i = 0; i < r->ncolumns; i++)
        if (add_columns(l, r->columns[i], 0, err) != 0)
            return -1;
    if (l->ncolumns == 0 && r->ncolumns == 0)
        return add_all_columns(l, err);
    return l->ncolumns > 0 ? 0 : fb_fail(err, "option --columns: expected the names of columns");
}

/* ---- cells ---- */

/* With as few digits as read back as the same; rounded in text. */
static void put_real(const struct fb_listing *l, const struct fb_column *c, double value)
{
    const int is_float = c->value == 'E', exact = l->request->format != FB_LISTING_TEXT;
    char text[40];
    snprintf(text, sizeof text, "%.*g", is_float ? 5 : 8, value);
    for (int digits = 6; exact && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    fputs(isnan(value) ? "nan" : text, l->out);
}

static void put_value(const struct fb_listing *l, const struct fb_column *c, const unsigned char *row,
                      int64_t k)
{
    if (c->kind == FB_TEXT) {
        size_t length;
        const char *text = fb_column_text(c, row, k, &length);
        fprintf(l->out, "%.*s", (int)length, text);
        return;
    }
    struct fb_number value = fb_column_value(c, row, k);
    if (c->value == 'L' && l->request->format == FB_LISTING_ECSV)
        fputs(value.integer ? "True" : "False", l->out);
    else if (value.whole)
        fprintf(l->out, "%" PRId64, value.integer);
    else if (!c->has_null || !isnan(value.real)) /* an empty cell is a masked one */
        put_real(l, c, value.real);
}

/* Arrays lose the values -1 at their ends, which mean no trough, but not in ECSV, where arrays have a fixed shape. */
static int64_t values_to_show(const struct fb_listing *l, const struct fb_listing_column *c,
                              const unsigned char *row)
{
    int64_t n = c->n;
    if (n == 1 || l->request->format == FB_LISTING_ECSV || c->column->kind != FB_NUMBERS)
        return n;
    while (n > 0) {
        double last = fb_column_value(c->column, row, c->first + n - 1).real;
        if (last < -1 || last > -1)
            break;
        n--;
    }
    return n;
}

static void put_cell(const struct fb_listing *l, const struct fb_listing_column *c, const unsigned char *row)
{
    const int brackets = c->n > 1 && l->request->format == FB_LISTING_ECSV;
    int64_t n = values_to_show(l, c, row);
    fputs(brackets ? "[" : "", l->out);
    for (int64_t k = 0; k < n; k++) {
        fputs(k == 0 ? "" : brackets ? ", " : ";", l->out);
        put_value(l, c->column, row, c->first + k);
    }
    fputs(brackets ? "]" : "", l->out);
    fputc('\0', l->out);
}

/* ---- rows ---- */

struct rows {
    struct fb_conditions conditions;
    const struct fb_column *sort;
    int64_t element;
    size_t size;
};

static int add_row(struct fb_listing *l, struct rows *rows, int64_t i, const unsigned char *row,
                   struct fb_error *err)
{
    if (l->nrows == rows->size) {
        size_t size = 2 * rows->size + 256;
        struct fb_listing_row *more = realloc(l->rows, size * sizeof *more);
        if (!more)
            return fb_fail(err, "%s: out of memory for %zu rows", l->request->path, size);
        l->rows = more;
        rows->size = size;
    }
    l->rows[l->nrows++] =
        (struct fb_listing_row){ .key = rows->sort ? fb_column_value(rows->sort, row, rows->element).real : 0,
                                 .row = i,
                                 .begin = (size_t)ftell(l->out) };
    for (size_t k = 0; k < l->ncolumns; k++)
        put_cell(l, &l->columns[k], row);
    return 0;
}

/* The text is whole once its stream is closed. */
static int close_text(struct fb_listing *l)
{
    FILE *out = l->out;
    int lost = out && ferror(out);
    l->out = NULL;
    return (out && fclose(out) != 0) || lost ? -1 : 0;
}

static int read_rows(struct fb_listing *l, struct rows *rows, struct fb_error *err)
{
    const size_t most = l->request->most;
    if (!(l->out = open_memstream(&l->text, &l->size)))
        return fb_fail(err, "%s: out of memory", l->request->path);
    for (int64_t i = 0; i < l->table.nrows; i++) {
        const unsigned char *row = fb_table_row(&l->table, i, err);
        if (!row)
            return -1;
        if (!fb_conditions_hold(&rows->conditions, row))
            continue;
        l->nmet++;
        if ((rows->sort || most == 0 || l->nrows < most) && add_row(l, rows, i, row, err) != 0)
            return -1;
    }
    return close_text(l) == 0 ? 0
                              : fb_fail(err, "%s: out of memory for %zu rows", l->request->path, l->nrows);
}

/* NaN comes last. */
static int by_key(const void *a, const void *b)
{
    const struct fb_listing_row *x = a, *y = b;
    if (isnan(x->key) || isnan(y->key) || (x->key <= y->key && x->key >= y->key))
        return isnan(x->key) != isnan(y->key) ? (isnan(x->key) ? 1 : -1)
                                              : (x->row > y->row) - (x->row < y->row);
    return x->key > y->key ? 1 : -1;
}

static void sort_rows(struct fb_listing *l, const struct rows *rows)
{
    const struct fb_listing_request *r = l->request;
    for (size_t i = 0; r->reverse && i < l->nrows; i++)
        l->rows[i].key = -l->rows[i].key;
    if (rows->sort && l->nrows > 0)
        qsort(l->rows, l->nrows, sizeof *l->rows, by_key);
    if (r->most > 0 && l->nrows > r->most)
        l->nrows = r->most;
}

static void find_widths(struct fb_listing *l)
{
    for (size_t k = 0; k < l->ncolumns; k++)
        l->columns[k].width = strlen(l->columns[k].name);
    for (size_t i = 0; i < l->nrows; i++) {
        const char *cell = l->text + l->rows[i].begin;
        for (size_t k = 0; k < l->ncolumns; k++) {
            size_t length = strlen(cell);
            if (length > l->columns[k].width)
                l->columns[k].width = length;
            cell += length + 1;
        }
    }
}

static int choose_rows(struct fb_listing *l, struct rows *rows, struct fb_error *err)
{
    const struct fb_listing_request *r = l->request;
    if (!r->all && !fb_table_find(&l->table, "AI_CIV"))
        return fb_fail(err, "%s: table %s has no column AI_CIV, so no BALs; --all lists every row", r->path,
                       l->table.name);
    if (!r->all && fb_conditions_add(&rows->conditions, &l->table, "AI_CIV > 0", err) != 0)
        return -1;
    for (size_t i = 0; i < r->nconditions; i++)
        if (fb_conditions_add(&rows->conditions, &l->table, r->conditions[i], err) != 0)
            return -1;
    if (!r->sort)
        return 0;
    if (fb_find_element(&l->table, r->sort, strlen(r->sort), &rows->sort, &rows->element, err) != 0)
        return -1;
    if (rows->sort->kind != FB_NUMBERS || (rows->element < 0 && rows->sort->values != 1))
        return fb_fail(err, "%s: can't sort by %s, which is not one number a row", r->path, r->sort);
    rows->element = rows->element < 0 ? 0 : rows->element;
    return 0;
}

int fb_listing_read(struct fb_listing *l, const struct fb_listing_request *request, struct fb_error *err)
{
    const char *const named[] = { request->hdu, NULL };
    struct rows rows = { 0 };
    l->request = request;
    int failed = fb_table_open(&l->table, request->path, request->hdu ? named : table_names, err) != 0 ||
                 choose_columns(l, err) != 0 || choose_rows(l, &rows, err) != 0 ||
                 read_rows(l, &rows, err) != 0;
    if (!failed) {
        sort_rows(l, &rows);
        find_widths(l);
    }
    free(rows.conditions.all);
    return failed ? -1 : 0;
}

void fb_listing_release(struct fb_listing *l)
{
    free(l->columns);
    free(l->rows);
    close_text(l);
    free(l->text);
    fb_table_close(&l->table);
    *l = (struct fb_listing){ 0 };
}
