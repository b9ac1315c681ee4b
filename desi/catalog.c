/* catalog.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/catalog.h"
#include "fits/table.h"

enum { NMARKS = 3 }; /* in the order of the bits of enum fb_catalog_mark */

/* The columns; NULL if missing. String columns are also NULL if nothing is expected of them. */
struct columns {
    const struct fb_column *targetid, *ra, *dec, *z, *zerr, *zwarn, *text[NMARKS];
    const char *expected[NMARKS];
};

int fb_catalog_open(struct fb_table *catalog, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "QSO_CAT", "ZCATALOG", "*", NULL }; /* in order of preference */
    return fb_table_open(catalog, path, names, err);
}

static int find_numbers(const struct fb_table *t, int mock, struct columns *c, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const z[] = { "Z", "Z_BEST", NULL };
    static const char *const ra[] = { "TARGET_RA", "RA", NULL }, *const dec[] = { "TARGET_DEC", "DEC", NULL };
    static const char *const mock_ra[] = { "RA", "TARGET_RA", NULL };
    static const char *const mock_dec[] = { "DEC", "TARGET_DEC", NULL };
    int best = !fb_table_find(t, "Z"); /* as in the large catalogs of a release */
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

int fb_catalog_read(struct fb_catalog_rows *rows, struct fb_table *t, int mock,
                    const struct fb_catalog_kind *expected, struct fb_error *err)
{
    struct columns c;
    *rows = (struct fb_catalog_rows){ 0 };
    if (find_numbers(t, mock, &c, err) != 0 || find_strings(t, expected, &c, err) != 0)
        return -1;
    if (t->nrows == 0)
        return fb_fail(err, "%s: table %s has no rows", t->path, t->name);
    rows->n = (size_t)t->nrows;
    rows->rows = malloc(rows->n * sizeof *rows->rows);
    rows->marks = calloc(rows->n, 1);
    if (!rows->rows || !rows->marks)
        return fb_fail(err, "%s: out of memory for %zu rows", t->path, rows->n);
    for (size_t i = 0; i < rows->n; i++) {
        const unsigned char *row = fb_table_row(t, (int64_t)i, err);
        if (!row || take_row(t, &c, row, &rows->rows[i], &rows->marks[i], err) != 0)
            return -1;
    }
    return 0;
}

void fb_catalog_rows_release(struct fb_catalog_rows *rows)
{
    free(rows->rows);
    free(rows->marks);
    *rows = (struct fb_catalog_rows){ 0 };
}

int fb_catalog_read_column(struct fb_table *t, const char *const *names, int64_t *values, size_t n,
                           struct fb_error *err)
{
    const struct fb_column *column;
    if (fb_table_find_number(t, names, 0, &column, err) != 0)
        return -1;
    return !column ? 0 : fb_table_integers(t, column, values, (int64_t)n, err) == 0 ? 1 : -1;
}
