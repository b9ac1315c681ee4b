/* catalog.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/catalog.h"
#include "fits/table.h"

/* In order of preference; "*" is the first table. */
static const char *const table_names[] = { "QSO_CAT", "ZCATALOG", "*", NULL };

enum { NMARKS = 3 }; /* in the order of the bits of enum fb_catalog_mark */

/* The columns; NULL if missing. String columns are also NULL if nothing is expected of them. */
struct columns {
    const struct fb_column *targetid, *ra, *dec, *z, *zerr, *zwarn, *text[NMARKS];
    const char *expected[NMARKS];
};

static int find_numbers(const struct fb_table *t, int mock, struct columns *c, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const z[] = { "Z", "Z_BEST", NULL };
    static const char *const ra[] = { "TARGET_RA", "RA", NULL }, *const dec[] = { "TARGET_DEC", "DEC", NULL };
    static const char *const mock_ra[] = { "RA", "TARGET_RA", NULL };
    static const char *const mock_dec[] = { "DEC", "TARGET_DEC", NULL };
    int best = !fb_table_find(t, "Z"); /* as in large catalogs of a release */
    const char *const zerr[] = { best ? "ZERR_BEST" : "ZERR", NULL };
    const char *const zwarn[] = { best ? "ZWARN_BEST" : "ZWARN", NULL };
    return fb_table_find_number(t, targetid, 1, &c->targetid, err) != 0 ||
                   fb_table_find_number(t, mock ? mock_ra : ra, 1, &c->ra, err) != 0 ||
                   fb_table_find_number(t, mock ? mock_dec : dec, 1, &c->dec, err) != 0 ||
                   fb_table_find_number(t, z, 1, &c->z, err) != 0 ||
                   fb_table_find_number(t, zerr, 0, &c->zerr, err) != 0 ||
                   fb_table_find_number(t, zwarn, 0, &c->zwarn, err) != 0
               ? -1
               : 0;
}

static int find_strings(const struct fb_table *t, const struct fb_catalog_kind *expected, struct columns *c,
                        struct fb_error *err)
{
    static const char *const survey[] = { "SURVEY", NULL }, *const program[] = { "PROGRAM", NULL },
                             *const spectype[] = { "SPECTYPE", "SPECTYPE_BEST", NULL };
    const char *const *const names[NMARKS] = { survey, program, spectype };
    const char *const texts[NMARKS] = { expected ? expected->survey : NULL,
                                        expected ? expected->program : NULL,
                                        expected ? expected->spectype : NULL };
    for (int k = 0; k < NMARKS; k++) {
        const struct fb_column *found = NULL;
        if (texts[k] && fb_table_find_any(t, names[k], &found, err) != 0)
            return -1;
        c->expected[k] = texts[k];
        c->text[k] = found && fb_column_is_text(found) ? found : NULL;
    }
    return 0;
}

static double number_or_0(const struct fb_column *column, const unsigned char *row)
{
    return column ? fb_column_number(column, row) : 0;
}

static int take_row(struct fb_table *t, const struct columns *c, const unsigned char *row,
                    struct fb_redshift *to, unsigned char *marks, struct fb_error *err)
{
    for (int k = 0; k < NMARKS; k++) {
        int same = c->text[k] ? fb_table_same_text(t, c->text[k], row, c->expected[k], err) : 1;
        if (same < 0)
            return -1;
        *marks |= (unsigned char)(same ? 0 : 1U << k);
    }
    to->ra = fb_column_number(c->ra, row);
    to->dec = fb_column_number(c->dec, row);
    to->z = fb_column_number(c->z, row);
    to->zerr = number_or_0(c->zerr, row);
    to->zwarn = number_or_0(c->zwarn, row);
    return fb_table_integer(t, c->targetid, row, &to->targetid, err);
}

static int read_rows(struct fb_table *t, const struct columns *c, struct fb_catalog_rows *catalog,
                     struct fb_error *err)
{
    if (t->nrows == 0)
        return fb_fail(err, "%s: table %s has no rows", t->path, t->name);
    catalog->n = (size_t)t->nrows;
    catalog->rows = malloc(catalog->n * sizeof *catalog->rows);
    catalog->marks = calloc(catalog->n, 1);
    if (!catalog->rows || !catalog->marks)
        return fb_fail(err, "%s: out of memory for %zu rows", t->path, catalog->n);
    for (int64_t i = 0; i < t->nrows; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row || take_row(t, c, row, &catalog->rows[i], &catalog->marks[i], err) != 0)
            return -1;
    }
    return 0;
}

int fb_catalog_read(struct fb_catalog_rows *catalog, const char *path, int mock,
                    const struct fb_catalog_kind *expected, struct fb_error *err)
{
    struct fb_table t;
    struct columns c;
    *catalog = (struct fb_catalog_rows){ 0 };
    if (fb_table_open(&t, path, table_names, err) != 0)
        return -1;
    int failed = find_numbers(&t, mock, &c, err);
    if (!failed) {
        failed = find_strings(&t, expected, &c, err);
        if (!failed)
            failed = read_rows(&t, &c, catalog, err);
    }
    fb_table_close(&t);
    return failed;
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
    const struct fb_column *column;
    if (fb_table_open(&t, path, table_names, err) != 0)
        return -1;
    int status = fb_table_find_number(&t, names, 0, &column, err);
    if (status == 0 && column && (int64_t)n > t.nrows)
        status = fb_fail(err, "%s: expected %zu rows, found %lld", path, n, (long long)t.nrows);
    if (status == 0 && column)
        status = fb_table_integers(&t, column, values, (int64_t)n, err) == 0 ? 1 : -1;
    fb_table_close(&t);
    return status;
}
