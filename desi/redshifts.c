/* redshifts.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "desi/dependencies.h"
#include "desi/redshifts.h"
#include "fits/checksum.h"
#include "fits/file.h"
#include "fits/fits.h"
#include "fits/hdus.h"

static const char *const table_names[] = { "REDSHIFTS", "ZBEST", "QSO_CAT", "ZCATALOG", "*", NULL };

static int in_range(double z)
{
    return z >= FASTBAL_Z_MIN && z <= FASTBAL_Z_MAX;
}

/* Does the finder work on this row? Counts those it does not work on. */
static int wanted(struct fb_redshifts *redshifts, int quasar, double z)
{
    redshifts->nothers += !quasar;
    redshifts->noutside += quasar && !in_range(z);
    return quasar && in_range(z);
}

/* ---- reading plain tables ---- */

enum {
    TARGETID,
    Z,
    ZERR,
    ZWARN,
    RA,
    DEC,
    SPECTYPE,
    NPLAIN,
    OTHERS = NPLAIN - Z /* other names for what comes from Z on */
};

/* What redshift catalogs call their columns: redrock's and ours, older ones', and those of large catalogs. */
static const char *const names[NPLAIN + OTHERS] = { "TARGETID",     "Z",          "ZERR",     "ZWARN",
                                                    "TARGET_RA",    "TARGET_DEC", "SPECTYPE", "Z_BEST",
                                                    "ZERR_BEST",    "ZWARN_BEST", "RA",       "DEC",
                                                    "SPECTYPE_BEST" };

/* A plain table that is read, and the memory it takes. */
struct plain {
    struct fb_redshifts *redshifts;
    struct fb_column column[NPLAIN + OTHERS];
    struct fb_file file;
    struct fb_hdus hdus;
    unsigned char buffer[FB_ROWS_BUFFER];
};

static double number_or(const struct fb_column *column, const unsigned char *row, double missing)
{
    return column->type ? fb_column_number(column, row) : missing;
}

static void take_row(void *context, int64_t i, const unsigned char *row)
{
    struct plain *p = context;
    const struct fb_column *c = p->column;
    double z = fb_column_number(&c[Z], row);
    int quasar = !c[SPECTYPE].type ||
                 fb_same_text((const char *)row + c[SPECTYPE].offset, (size_t)c[SPECTYPE].repeat, "QSO");
    (void)i;
    if (!wanted(p->redshifts, quasar, z))
        return;
    p->redshifts->rows[p->redshifts->n++] =
        (struct fb_redshift){ fb_column_integer(&c[TARGETID], row), number_or(&c[RA], row, NAN),
                              number_or(&c[DEC], row, NAN),         z,
                              number_or(&c[ZERR], row, 0),          number_or(&c[ZWARN], row, 0) };
}

/* Find the table and its columns; 0 where CFITSIO must read them, or has to say what is missing. */
static const struct fb_hdu *find_plain(struct plain *p)
{
    const struct fb_hdu *table = fb_hdus_table(&p->hdus, table_names);
    if (!table || !fb_hdu_columns(&p->hdus, table, names, NPLAIN + OTHERS, p->column))
        return NULL;
    for (int k = Z; k < NPLAIN; k++)
        if (!p->column[k].type)
            p->column[k] = p->column[k + OTHERS];
    if (!fb_column_is_integer(&p->column[TARGETID]) || !fb_column_is_number(&p->column[Z]) ||
        (p->column[SPECTYPE].type && p->column[SPECTYPE].type != 'A'))
        return NULL;
    for (int k = ZERR; k <= DEC; k++)
        if (p->column[k].type && !fb_column_is_number(&p->column[k]))
            return NULL;
    return table;
}

/* Returns 1, 0 where the file is not plain, -1 on failure. */
static int read_plain(struct plain *p, const char *path, struct fb_error *err)
{
    if (fb_file_open(&p->file, path, &p->redshifts->io, err) != 0)
        return -1;
    int status = fb_hdus_read(&p->hdus, &p->file, err);
    const struct fb_hdu *table = status > 0 ? find_plain(p) : NULL;
    if (!table)
        return status < 0 ? -1 : 0;
    p->redshifts->rows = malloc(((size_t)table->axis[1] + 1) * sizeof *p->redshifts->rows);
    if (!p->redshifts->rows)
        return fb_fail(err, "%s: out of memory for %lld rows", path, (long long)table->axis[1]);
    return fb_hdu_rows(&p->file, table, p->buffer, take_row, p, err) == 0 ? 1 : -1;
}

static int try_plain(struct fb_redshifts *redshifts, const char *path, struct fb_error *err)
{
    struct plain *p = malloc(sizeof *p);
    if (!p)
        return fb_fail(err, "%s: out of memory", path);
    p->redshifts = redshifts;
    p->file = (struct fb_file){ 0 };
    p->hdus = (struct fb_hdus){ 0 };
    int status = read_plain(p, path, err);
    fb_file_release(&p->file);
    fb_hdus_release(&p->hdus);
    free(p);
    return status;
}

/* ---- comparing plain tables ---- */

/* A table that is compared with rows, in an order. */
struct comparison {
    const struct plain *plain;
    const struct fb_redshift *rows;
    const size_t *order;
    const char *differs; /* in what; NULL: nothing so far */
};

/* Columns that other programs leave out, or write with fewer bits, tell as much as they can. */
static int same_number(const struct fb_column *column, const unsigned char *row, double wanted)
{
    if (!column->type)
        return 1;
    double found = fb_column_number(column, row);
    if (column->type == 'E')
        wanted = (double)(float)wanted;
    return found == wanted || (isnan(found) && isnan(wanted));
}

static void compare_row(void *context, int64_t i, const unsigned char *row)
{
    struct comparison *comparison = context;
    const struct fb_column *c = comparison->plain->column;
    const struct fb_redshift *wanted = &comparison->rows[comparison->order[i]];
    if (fb_column_integer(&c[TARGETID], row) != wanted->targetid)
        comparison->differs = "has other targets than the QSO catalog";
    else if (!same_number(&c[Z], row, wanted->z) || !same_number(&c[ZERR], row, wanted->zerr) ||
             !same_number(&c[ZWARN], row, wanted->zwarn))
        comparison->differs = "has other redshifts than the QSO catalog";
    else if (!same_number(&c[RA], row, wanted->ra) || !same_number(&c[DEC], row, wanted->dec) ||
             (c[SPECTYPE].type &&
              !fb_same_text((const char *)row + c[SPECTYPE].offset, (size_t)c[SPECTYPE].repeat, "QSO")))
        comparison->differs = "has other positions or types than the QSO catalog";
}

static int compare_plain(struct plain *p, const char *path, struct comparison *comparison, size_t n,
                         struct fb_error *err)
{
    struct fb_io_stats io = { 0 };
    int status = fb_file_open(&p->file, path, &io, err);
    if (status == 0)
        status = fb_hdus_read(&p->hdus, &p->file, err);
    if (status < 0)
        return -1;
    const struct fb_hdu *table = status > 0 ? find_plain(p) : NULL;
    if (!table)
        comparison->differs = "is none that split writes";
    else if (fb_sums_check(&p->file, &p->hdus, err) < 0)
        return -1;
    else if ((size_t)table->axis[1] != n)
        comparison->differs = "has another number of rows than the QSO catalog";
    else if (fb_hdu_rows(&p->file, table, p->buffer, compare_row, comparison, err) != 0)
        return -1;
    return comparison->differs ? fb_fail(err, "%s: this redshift catalog %s", path, comparison->differs) : 0;
}

int fb_redshifts_compare(const char *path, const struct fb_redshift *rows, const size_t *order, size_t n,
                         struct fb_error *err)
{
    struct plain *p = malloc(sizeof *p);
    if (!p)
        return fb_fail(err, "%s: out of memory", path);
    p->file = (struct fb_file){ 0 };
    p->hdus = (struct fb_hdus){ 0 };
    struct comparison comparison = { p, rows, order, NULL };
    int status = compare_plain(p, path, &comparison, n, err);
    fb_file_release(&p->file);
    fb_hdus_release(&p->hdus);
    free(p);
    return status;
}

/* ---- reading any table ---- */

/* What is read from a file before rows are chosen. */
struct columns {
    int64_t *targetid;
    double *z, *zerr, *zwarn, *ra, *dec;
    unsigned char *quasar;
};

static int allocate(struct columns *c, size_t n)
{
    memset(c, 0, sizeof *c);
    c->targetid = malloc(n * sizeof *c->targetid);
    c->z = calloc(5 * n, sizeof *c->z);
    c->quasar = malloc(n);
    if (!c->targetid || !c->z || !c->quasar)
        return -1;
    c->zerr = c->z + n;
    c->zwarn = c->z + 2 * n;
    c->ra = c->z + 3 * n;
    c->dec = c->z + 4 * n;
    memset(c->quasar, 1, n);
    for (size_t i = 0; i < n; i++)
        c->ra[i] = c->dec[i] = NAN;
    return 0;
}

static void release(struct columns *c)
{
    free(c->targetid);
    free(c->z);
    free(c->quasar);
}

/* By its name, or the other one; 0 where there is neither. */
static int column_of(struct fb_table *t, int name)
{
    int column = fb_table_column(t, names[name]);
    return column ? column : fb_table_column(t, names[name + OTHERS]);
}

/* A column that may be missing keeps the values it has. */
static int read_optional(struct fb_table *t, int name, double *out, struct fb_error *err)
{
    int column = column_of(t, name);
    return column ? fb_table_read_double(t, column, 0, t->nrows, out, err) : 0;
}

static int read_columns(struct fb_table *t, struct columns *c, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL }, *const z[] = { "Z", "Z_BEST", NULL };
    int id_column, z_column, spectype = column_of(t, SPECTYPE);

    if (fb_table_need(t, targetid, &id_column, err) != 0 || fb_table_need(t, z, &z_column, err) != 0 ||
        fb_table_read_int(t, id_column, 0, t->nrows, c->targetid, err) != 0 ||
        fb_table_read_double(t, z_column, 0, t->nrows, c->z, err) != 0 ||
        read_optional(t, ZERR, c->zerr, err) != 0 || read_optional(t, ZWARN, c->zwarn, err) != 0 ||
        read_optional(t, RA, c->ra, err) != 0 || read_optional(t, DEC, c->dec, err) != 0)
        return -1;
    return spectype ? fb_table_compare_text(t, spectype, 0, t->nrows, "QSO", c->quasar, err) : 0;
}

static int read_any(struct fb_redshifts *redshifts, const char *path, struct fb_error *err)
{
    struct fb_table table;
    struct columns c = { 0 };

    if (fb_table_open(&table, path, table_names, err) != 0)
        return -1;
    size_t n = (size_t)table.nrows;
    int status = -1;
    redshifts->rows = malloc((n + 1) * sizeof *redshifts->rows);
    if (allocate(&c, n + 1) != 0 || !redshifts->rows)
        fb_fail(err, "%s: out of memory for %zu rows", path, n);
    else
        status = read_columns(&table, &c, err);
    for (size_t i = 0; status == 0 && i < n; i++) {
        if (!wanted(redshifts, c.quasar[i], c.z[i]))
            continue;
        redshifts->rows[redshifts->n++] =
            (struct fb_redshift){ c.targetid[i], c.ra[i], c.dec[i], c.z[i], c.zerr[i], c.zwarn[i] };
    }
    redshifts->io.bytes += (int64_t)n * 54;
    release(&c);
    fb_table_close(&table);
    return status;
}

int fb_redshifts_read(struct fb_redshifts *redshifts, const char *path, struct fb_error *err)
{
    double start = fb_clock();
    memset(redshifts, 0, sizeof *redshifts);
    int status = try_plain(redshifts, path, err);
    if (status == 0)
        status = read_any(redshifts, path, err) == 0 ? 1 : -1;
    redshifts->io.seconds = fb_clock() - start;
    return status > 0 ? 0 : -1;
}

void fb_redshifts_release(struct fb_redshifts *redshifts)
{
    free(redshifts->rows);
    *redshifts = (struct fb_redshifts){ 0 };
}

/* ---- writing ---- */

enum { NCOLUMNS = 7, ROW_BYTES = 6 * 8 + 6 };

static unsigned char *put_bits(unsigned char *p, uint64_t bits)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *p++ = (unsigned char)(bits >> shift);
    return p;
}

static unsigned char *put_double(unsigned char *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_bits(p, bits);
}

static void encode(const struct fb_redshift *row, unsigned char *p)
{
    p = put_bits(p, (uint64_t)row->targetid);
    p = put_double(p, row->ra);
    p = put_double(p, row->dec);
    p = put_double(p, row->z);
    p = put_double(p, row->zerr);
    p = put_double(p, row->zwarn);
    memcpy(p, "QSO   ", 6); /* NOLINT(*-not-null-terminated-result): FITS texts aren't */
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

int fb_redshifts_form(struct fb_form *form, struct fb_error *err)
{
    return fb_form_create(form, write_table, NULL, err);
}

int fb_redshifts_write(const struct fb_form *form, const char *path, const struct fb_redshift *rows,
                       const size_t *order, size_t n, struct fb_error *err)
{
    unsigned char *bytes = malloc(n * ROW_BYTES + 1);
    if (!bytes)
        return fb_fail(err, "%s: out of memory for %zu rows", path, n);
    for (size_t i = 0; i < n; i++)
        encode(&rows[order[i]], bytes + i * ROW_BYTES);
    int status = fb_form_write(form, path, FB_REPLACE, bytes, n, err);
    free(bytes);
    return status;
}
