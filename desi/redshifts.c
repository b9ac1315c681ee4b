/* redshifts.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/dependencies.h"
#include "desi/redshifts.h"
#include "fits/checksum.h"
#include "fits/output.h"
#include "fits/table.h"

static const char *const table_names[] = { "REDSHIFTS", "ZBEST", "QSO_CAT", "ZCATALOG", "*", NULL };

/* ---- reading ---- */

/* The columns; NULL if missing. */
struct columns {
    const struct fb_column *targetid, *z, *zerr, *zwarn, *ra, *dec, *spectype;
};

/* Find the columns, by the names of redrock and fastbal, of older programs, and of large catalogs. */
static int find_columns(const struct fb_table *t, struct columns *c, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const z[] = { "Z", "Z_BEST", NULL };
    static const char *const zerr[] = { "ZERR", "ZERR_BEST", NULL }, *const zwarn[] = { "ZWARN", "ZWARN_BEST",
                                                                                        NULL };
    static const char *const ra[] = { "TARGET_RA", "RA", NULL }, *const dec[] = { "TARGET_DEC", "DEC", NULL };
    static const char *const spectype[] = { "SPECTYPE", "SPECTYPE_BEST", NULL };
    if (fb_table_find_any(t, spectype, &c->spectype, err) != 0 ||
        fb_table_find_number(t, targetid, 1, &c->targetid, err) != 0 ||
        fb_table_find_number(t, z, 1, &c->z, err) != 0 ||
        fb_table_find_number(t, zerr, 0, &c->zerr, err) != 0 ||
        fb_table_find_number(t, zwarn, 0, &c->zwarn, err) != 0 ||
        fb_table_find_number(t, ra, 0, &c->ra, err) != 0 ||
        fb_table_find_number(t, dec, 0, &c->dec, err) != 0)
        return -1;
    return !c->spectype || fb_column_is_text(c->spectype)
               ? 0
               : fb_fail(err, "%s: column %s: expected text", t->path, c->spectype->name);
}

static double number_or(const struct fb_column *column, const unsigned char *row, double missing)
{
    return column ? fb_column_number(column, row) : missing;
}

static int take_row(struct fb_table *t, const struct columns *c, const unsigned char *row,
                    struct fb_redshifts *redshifts, struct fb_error *err)
{
    struct fb_redshift *to = &redshifts->rows[redshifts->n];
    double z = fb_column_number(c->z, row);
    int quasar = c->spectype ? fb_table_same_text(t, c->spectype, row, "QSO", err) : 1;
    if (quasar < 0)
        return -1;
    redshifts->nothers += !quasar;
    redshifts->noutside += quasar && !fb_in_z_range(z);
    if (!quasar || !fb_in_z_range(z))
        return 0;
    *to = (struct fb_redshift){ 0, number_or(c->ra, row, NAN), number_or(c->dec, row, NAN),
                                z, number_or(c->zerr, row, 0), number_or(c->zwarn, row, 0) };
    redshifts->n++;
    return fb_table_integer(t, c->targetid, row, &to->targetid, err);
}

static int read_rows(struct fb_table *t, struct fb_redshifts *redshifts, struct fb_error *err)
{
    struct columns c;
    if (find_columns(t, &c, err) != 0)
        return -1;
    redshifts->rows = malloc(((size_t)t->nrows + 1) * sizeof *redshifts->rows);
    if (!redshifts->rows)
        return fb_fail(err, "%s: out of memory for %lld rows", t->path, (long long)t->nrows);
    for (int64_t i = 0; i < t->nrows; i++) {
        const unsigned char *row = fb_table_row(t, i, err);
        if (!row || take_row(t, &c, row, redshifts, err) != 0)
            return -1;
    }
    return 0;
}

int fb_redshifts_read(struct fb_redshifts *redshifts, const char *path, struct fb_error *err)
{
    struct fb_table t;
    double start = fb_seconds();
    memset(redshifts, 0, sizeof *redshifts);
    int failed = fb_table_open(&t, path, table_names, err);
    if (!failed)
        failed = read_rows(&t, redshifts, err);
    redshifts->seconds = fb_seconds() - start;
    fb_table_close(&t);
    return failed;
}

/* ---- comparing ---- */

/* Compare at the column's precision, which may be single. A missing column matches anything. */
static int same_number(const struct fb_column *column, const unsigned char *row, double wanted)
{
    if (!column)
        return 1;
    double found = fb_column_number(column, row);
    if (column->type == 'E')
        wanted = (double)(float)wanted;
    return found == wanted || (isnan(found) && isnan(wanted));
}

static int differs(struct fb_table *t, const char *in, struct fb_error *err)
{
    return fb_fail(err, "%s: this redshift catalog has %s than the QSO catalog", t->path, in);
}

static int compare_row(struct fb_table *t, const struct columns *c, const unsigned char *row,
                       const struct fb_redshift *wanted, struct fb_error *err)
{
    int64_t targetid;
    int quasar = c->spectype ? fb_table_same_text(t, c->spectype, row, "QSO", err) : 1;
    if (quasar < 0 || fb_table_integer(t, c->targetid, row, &targetid, err) != 0)
        return -1;
    if (targetid != wanted->targetid)
        return differs(t, "other targets", err);
    if (!same_number(c->z, row, wanted->z) || !same_number(c->zerr, row, wanted->zerr) ||
        !same_number(c->zwarn, row, wanted->zwarn))
        return differs(t, "other redshifts", err);
    if (!quasar || !same_number(c->ra, row, wanted->ra) || !same_number(c->dec, row, wanted->dec))
        return differs(t, "other positions or types", err);
    return 0;
}

static int compare_rows(struct fb_table *t, const struct fb_redshift *rows, const size_t *order, size_t n,
                        struct fb_error *err)
{
    struct columns c;
    if (fb_checksums_check(t->hdus, err) < 0 || find_columns(t, &c, err) != 0)
        return -1;
    if ((size_t)t->nrows != n)
        return differs(t, "another number of rows", err);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *row = fb_table_row(t, (int64_t)i, err);
        if (!row || compare_row(t, &c, row, &rows[order[i]], err) != 0)
            return -1;
    }
    return 0;
}

int fb_redshifts_compare(const char *path, const struct fb_redshift *rows, const size_t *order, size_t n,
                         struct fb_error *err)
{
    struct fb_table t;
    if (fb_table_open(&t, path, table_names, err) != 0)
        return -1;
    int failed = compare_rows(&t, rows, order, n, err);
    fb_table_close(&t);
    return failed;
}

void fb_redshifts_release(struct fb_redshifts *redshifts)
{
    free(redshifts->rows);
    *redshifts = (struct fb_redshifts){ 0 };
}

/* ---- writing ---- */

enum { NCOLUMNS = 7, ROW_BYTES = 6 * 8 + 6 };

/* The members of a struct fb_redshift are the columns, in their order. */
_Static_assert(sizeof(struct fb_redshift) == ROW_BYTES - 6, "a column is missing");

static void encode(struct fb_redshift row, unsigned char *p)
{
    fb_swap8(&row, sizeof row / 8);
    memcpy(p, &row, sizeof row);
    memcpy(p + sizeof row, "QSO   ", 6); /* NOLINT(*-not-null-terminated-result): FITS texts aren't */
}

static int write_table(void *file, const void *context, int *status)
{
    char *ttype[NCOLUMNS] = { "TARGETID", "TARGET_RA", "TARGET_DEC", "Z", "ZERR", "ZWARN", "SPECTYPE" };
    char *tform[NCOLUMNS] = { "K", "D", "D", "D", "D", "D", "6A" };
    char *tunit[NCOLUMNS] = { "", "deg", "deg", "", "", "", "" };
    (void)context;
    fits_create_tbl(file, BINARY_TBL, 0, NCOLUMNS, ttype, tform, tunit, "REDSHIFTS", status);
    fb_write_dependencies(file, status);
    return fb_write_history(file, status);
}

int fb_redshifts_header(struct fb_header_template *header, struct fb_error *err)
{
    return fb_header_template_create(header, write_table, NULL, err);
}

int fb_redshifts_write(const struct fb_header_template *header, const char *path,
                       const struct fb_redshift *rows, const size_t *order, size_t n, struct fb_error *err)
{
    unsigned char *bytes = malloc(n * ROW_BYTES + 1);
    if (!bytes)
        return fb_fail(err, "%s: out of memory for %zu rows", path, n);
    for (size_t i = 0; i < n; i++)
        encode(rows[order[i]], bytes + i * ROW_BYTES);
    int status =
        fb_header_template_write(path, FB_REPLACE, &(struct fb_table_content){ header, bytes, n }, 1, err);
    free(bytes);
    return status;
}
