/* catalog.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/catalog.h"
#include "fits/file.h"
#include "fits/fits.h"
#include "fits/hdus.h"

enum {
    BLOCK = 16384,        /* rows read at a time by CFITSIO */
    BLOCK_BYTES = 1 << 20 /* bytes read at a time from a plain table */
};

/* By name, or the first table there is. */
static const char *const table_names[] = { "QSO_CAT", "ZCATALOG", "*", NULL };

/* ---- plain tables ---- */

enum {
    TARGETID,
    Z,
    ZERR,
    ZWARN,
    TARGET_RA,
    TARGET_DEC,
    RA,
    DEC,
    Z_BEST,
    ZERR_BEST,
    ZWARN_BEST,
    SURVEY, /* in the order of the bits of enum fb_catalog_mark */
    PROGRAM,
    SPECTYPE,
    SPECTYPE_BEST,
    NPLAIN
};
enum { NMARKS = 3 };

/* The texts that columns SURVEY, PROGRAM and SPECTYPE are compared with. */
static void list_expected(const struct fb_catalog_kind *expected, const char *texts[NMARKS])
{
    texts[0] = expected ? expected->survey : NULL;
    texts[1] = expected ? expected->program : NULL;
    texts[2] = expected ? expected->spectype : NULL;
}

/* A table whose columns lie in its rows as they are. */
struct plain {
    struct fb_file file;
    struct fb_hdus hdus;
    struct fb_io_stats io;
    const struct fb_hdu *table;
    struct fb_column column[NPLAIN];
    const struct fb_column *ra, *dec;
    const char *expected[NMARKS];
};

static double number_or_0(const struct fb_column *column, const unsigned char *row)
{
    return column->type ? fb_column_number(column, row) : 0;
}

/* Find the table and its columns; 0 where CFITSIO must read them, or has to say what is wrong. */
static int find_plain(struct plain *p, int mock)
{
    static const char *const names[NPLAIN] = {
        "TARGETID", "Z",         "ZERR",       "ZWARN",  "TARGET_RA", "TARGET_DEC", "RA",           "DEC",
        "Z_BEST",   "ZERR_BEST", "ZWARN_BEST", "SURVEY", "PROGRAM",   "SPECTYPE",   "SPECTYPE_BEST"
    };
    struct fb_column *c = p->column;
    p->table = fb_hdus_table(&p->hdus, table_names);
    if (!p->table || !fb_hdu_columns(&p->hdus, p->table, names, NPLAIN, p->column) || p->table->axis[1] < 1)
        return 0;
    if (!c[Z].type)
        memcpy(&c[Z], &c[Z_BEST], 3 * sizeof *c);
    if (!c[SPECTYPE].type)
        c[SPECTYPE] = c[SPECTYPE_BEST];
    for (int k = SURVEY; k <= SPECTYPE; k++)
        if (c[k].type == 'P' || c[k].type == 'Q')
            return 0; /* texts of variable length */
    p->ra = c[RA].type && (mock || !c[TARGET_RA].type) ? &c[RA] : &c[TARGET_RA];
    p->dec = c[DEC].type && (mock || !c[TARGET_DEC].type) ? &c[DEC] : &c[TARGET_DEC];
    return fb_column_is_integer(&c[TARGETID]) && fb_column_is_number(&c[Z]) && fb_column_is_number(p->ra) &&
           fb_column_is_number(p->dec) && (!c[ZERR].type || fb_column_is_number(&c[ZERR])) &&
           (!c[ZWARN].type || fb_column_is_number(&c[ZWARN]));
}

static unsigned char marks_of(const struct plain *p, const unsigned char *row)
{
    unsigned marks = 0;
    for (int k = 0; k < NMARKS; k++) {
        const struct fb_column *c = &p->column[SURVEY + k];
        if (p->expected[k] && c->type == 'A' &&
            !fb_same_text((const char *)row + c->offset, (size_t)c->repeat, p->expected[k]))
            marks |= 1U << k;
    }
    return (unsigned char)marks;
}

static void take_rows(const struct plain *p, const unsigned char *bytes, int64_t n, struct fb_redshift *rows,
                      unsigned char *marks)
{
    const struct fb_column *c = p->column;
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *row = bytes + i * p->table->axis[0];
        marks[i] = marks_of(p, row);
        rows[i] = (struct fb_redshift){ fb_column_integer(&c[TARGETID], row), fb_column_number(p->ra, row),
                                        fb_column_number(p->dec, row),        fb_column_number(&c[Z], row),
                                        number_or_0(&c[ZERR], row),           number_or_0(&c[ZWARN], row) };
    }
}

static int allocate(struct fb_catalog_rows *catalog, int64_t n, const char *path, struct fb_error *err)
{
    catalog->rows = malloc((size_t)n * sizeof *catalog->rows);
    catalog->marks = calloc((size_t)n, 1);
    if (!catalog->rows || !catalog->marks)
        return fb_fail(err, "%s: out of memory for %lld rows", path, (long long)n);
    catalog->n = (size_t)n;
    return 0;
}

/* Read all rows, a block at a time, the next of which the system fetches meanwhile. */
static int read_rows(struct plain *p, struct fb_catalog_rows *catalog, struct fb_error *err)
{
    int64_t row = p->table->axis[0], n = p->table->axis[1], block = BLOCK_BYTES / row + 1;
    unsigned char *bytes = malloc((size_t)(block * row));
    int failed = bytes ? 0 : fb_fail(err, "%s: out of memory", p->file.path);
    for (int64_t first = 0; !failed && first < n; first += block) {
        int64_t count = n - first < block ? n - first : block;
        int64_t place = p->table->data + first * row;
        fb_file_want(&p->file, place + count * row, 4 * BLOCK_BYTES);
        failed = fb_file_read(&p->file, bytes, (size_t)(count * row), place, err);
        if (!failed)
            take_rows(p, bytes, count, catalog->rows + first, catalog->marks + first);
    }
    free(bytes);
    return failed;
}

/* Returns 1, 0 where the file is not plain, -1 on failure. */
static int read_plain(struct plain *p, const char *path, int mock, struct fb_catalog_rows *catalog,
                      struct fb_error *err)
{
    if (fb_file_open(&p->file, path, &p->io, err) != 0)
        return -1;
    int status = fb_hdus_read(&p->hdus, &p->file, err);
    if (status <= 0 || !find_plain(p, mock))
        return status < 0 ? -1 : 0;
    if (allocate(catalog, p->table->axis[1], path, err) != 0 || read_rows(p, catalog, err) != 0)
        return -1;
    return 1;
}

/* ---- any other table ---- */

struct wanted {
    int targetid, ra, dec, z, zerr, zwarn; /* column numbers; the last two may be 0 */
    int text[NMARKS]; /* SURVEY, PROGRAM, SPECTYPE; 0 where there is nothing to compare */
};

static int find_columns(struct fb_table *t, int mock, struct wanted *w, struct fb_error *err)
{
    static const char *const id[] = { "TARGETID", NULL }, *const z[] = { "Z", "Z_BEST", NULL };
    static const char *const ra[] = { "TARGET_RA", "RA", NULL }, *const dec[] = { "TARGET_DEC", "DEC", NULL };
    static const char *const mock_ra[] = { "RA", "TARGET_RA", NULL }, *const mock_dec[] = { "DEC",
                                                                                            "TARGET_DEC",
                                                                                            NULL };
    int best = !fb_table_column(t, "Z"); /* what large catalogs of a release call it */
    w->zerr = fb_table_column(t, best ? "ZERR_BEST" : "ZERR");
    w->zwarn = fb_table_column(t, best ? "ZWARN_BEST" : "ZWARN");
    if (fb_table_need(t, id, &w->targetid, err) != 0 ||
        fb_table_need(t, mock ? mock_ra : ra, &w->ra, err) != 0 ||
        fb_table_need(t, mock ? mock_dec : dec, &w->dec, err) != 0 || fb_table_need(t, z, &w->z, err) != 0)
        return -1;
    return 0;
}

static void find_texts(struct fb_table *t, const char *const *expected, struct wanted *w)
{
    static const char *const texts[NMARKS] = { "SURVEY", "PROGRAM", "SPECTYPE" };
    for (int k = 0; k < NMARKS; k++) {
        int column = expected[k] ? fb_table_column(t, texts[k]) : 0;
        if (expected[k] && !column && k == NMARKS - 1)
            column = fb_table_column(t, "SPECTYPE_BEST");
        w->text[k] = column && fb_table_is_text(t, column) ? column : 0;
    }
}

static int mark_block(struct fb_table *t, const struct wanted *w, const char *const *expected, int64_t first,
                      int64_t n, unsigned char *marks, unsigned char *equal, struct fb_error *err)
{
    for (int k = 0; k < NMARKS; k++) {
        if (!w->text[k])
            continue;
        if (fb_table_compare_text(t, w->text[k], first, n, expected[k], equal, err) != 0)
            return -1;
        for (int64_t i = 0; i < n; i++)
            marks[i] |= (unsigned char)(equal[i] ? 0 : 1U << k);
    }
    return 0;
}

static int read_block(struct fb_table *t, const struct wanted *w, int64_t first, int64_t n,
                      struct fb_redshift *rows, double *values, int64_t *ids, struct fb_error *err)
{
    const int column[5] = { w->ra, w->dec, w->z, w->zerr, w->zwarn };
    if (fb_table_read_int(t, w->targetid, first, n, ids, err) != 0)
        return -1;
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct fb_redshift){ .targetid = ids[i] };
    for (int k = 0; k < 5; k++) {
        if (!column[k])
            continue;
        if (fb_table_read_double(t, column[k], first, n, values, err) != 0)
            return -1;
        for (int64_t i = 0; i < n; i++) {
            double *member[5] = { &rows[i].ra, &rows[i].dec, &rows[i].z, &rows[i].zerr, &rows[i].zwarn };
            *member[k] = values[i];
        }
    }
    return 0;
}

static int read_any(const char *path, int mock, const char *const *expected, struct fb_catalog_rows *catalog,
                    struct fb_error *err)
{
    struct fb_table t;
    struct wanted w;

    if (fb_table_open(&t, path, table_names, err) != 0)
        return -1;
    int status = find_columns(&t, mock, &w, err);
    if (status == 0 && t.nrows == 0)
        status = fb_fail(err, "%s: table %s has no rows", path, t.extname);
    double *values = malloc(BLOCK * sizeof *values);
    int64_t *ids = malloc(BLOCK * sizeof *ids);
    unsigned char *equal = calloc(BLOCK, 1);
    if (status == 0 && (!values || !ids || !equal))
        status = fb_fail(err, "%s: out of memory", path);
    if (status == 0) {
        find_texts(&t, expected, &w);
        status = allocate(catalog, t.nrows, path, err);
    }
    for (int64_t first = 0; status == 0 && first < t.nrows; first += BLOCK) {
        int64_t block = t.nrows - first < BLOCK ? t.nrows - first : BLOCK;
        status = read_block(&t, &w, first, block, catalog->rows + first, values, ids, err);
        if (status == 0)
            status = mark_block(&t, &w, expected, first, block, catalog->marks + first, equal, err);
    }
    free(values);
    free(ids);
    free(equal);
    fb_table_close(&t);
    return status;
}

int fb_catalog_read(struct fb_catalog_rows *catalog, const char *path, int mock,
                    const struct fb_catalog_kind *expected, struct fb_error *err)
{
    struct plain plain = { .table = NULL };
    *catalog = (struct fb_catalog_rows){ 0 };
    list_expected(expected, plain.expected);
    int status = read_plain(&plain, path, mock, catalog, err);
    fb_file_release(&plain.file);
    fb_hdus_release(&plain.hdus);
    if (status != 0)
        return status > 0 ? 0 : -1;
    return read_any(path, mock, plain.expected, catalog, err);
}

void fb_catalog_rows_release(struct fb_catalog_rows *catalog)
{
    free(catalog->rows);
    free(catalog->marks);
    *catalog = (struct fb_catalog_rows){ 0 };
}

int fb_catalog_read_column(const char *path, const char *const *names, int64_t *values, size_t n,
                           struct fb_error *err)
{
    struct fb_table t;
    int column = 0, status = 1;

    if (fb_table_open(&t, path, table_names, err) != 0)
        return -1;
    for (const char *const *name = names; *name && !column; name++)
        column = fb_table_column(&t, *name);
    if (!column)
        status = 0;
    else if ((int64_t)n > t.nrows)
        status = fb_fail(err, "%s: expected %zu rows, found %lld", path, n, (long long)t.nrows);
    for (size_t first = 0; status > 0 && first < n; first += BLOCK) {
        int64_t count = n - first < BLOCK ? (int64_t)(n - first) : BLOCK;
        if (fb_table_read_int(&t, column, (int64_t)first, count, values + first, err) != 0)
            status = -1;
    }
    fb_table_close(&t);
    return status;
}
