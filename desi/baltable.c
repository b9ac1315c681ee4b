/* baltable.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/baltable.h"
#include "desi/dependencies.h"
#include "fits/checksum.h"
#include "fits/file.h"
#include "fits/fits.h"
#include "fits/hdus.h"

#define MOST_COLUMNS 64

/* ---- writing ---- */

struct made_with {
    int ntemplates;
    const struct fb_provenance *made;
};

static int write_table(void *file, const void *context, int *status)
{
    char *ttype[MOST_COLUMNS], *tform[MOST_COLUMNS], *tunit[MOST_COLUMNS], form[MOST_COLUMNS][16];
    const struct made_with *with = context;
    size_t n;
    int used = 0;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);

    for (size_t i = 0; i < n; i++) {
        if (!(c[i].use & FB_IN_TABLE))
            continue;
        int repeat = fb_balrow_repeat(&c[i], with->ntemplates);
        if (repeat == 1)
            snprintf(form[used], sizeof form[used], "%c", c[i].type);
        else
            snprintf(form[used], sizeof form[used], "%d%c", repeat, c[i].type);
        ttype[used] = (char *)c[i].name;
        tunit[used] = (char *)c[i].unit;
        tform[used] = form[used];
        used++;
    }
    fits_create_tbl(file, BINARY_TBL, 0, used, ttype, tform, tunit, "BALCAT", status);
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        if (fb_provenance_text(with->made, key)[0])
            fits_write_key_longstr(file, key->keyword, fb_provenance_text(with->made, key), key->comment,
                                   status);
    }
    fb_write_dependencies(file, status);
    return fb_write_history(file, status);
}

int fb_baltable_form(struct fb_form *form, int ntemplates, const struct fb_provenance *made,
                     struct fb_error *err)
{
    const struct made_with with = { ntemplates, made };
    return fb_form_create(form, write_table, &with, err);
}

int fb_baltable_write(const struct fb_form *form, const char *path, enum fb_replace replace,
                      const struct fb_balrow *rows, size_t n, int ntemplates, struct fb_error *err)
{
    size_t row_bytes = fb_balrow_bytes(FB_IN_TABLE, ntemplates);
    unsigned char *bytes = malloc(n * row_bytes + 1);
    if (!bytes)
        return fb_fail(err, "%s: out of memory for %zu rows", path, n);
    for (size_t i = 0; i < n; i++)
        fb_balrow_encode(&rows[i], FB_IN_TABLE, ntemplates, bytes + i * row_bytes);
    int status = fb_form_write(form, path, replace, bytes, n, err);
    free(bytes);
    return status;
}

/* ---- reading ---- */

/* Where a column is in the file's rows. */
struct place {
    const struct fb_balrow_column *column;
    size_t offset;
    int repeat;
};

static const char *const table_names[] = { "BALCAT", NULL };

static void decode(struct fb_balrow *rows, size_t n, const unsigned char *bytes, size_t row_bytes,
                   const struct place *places, size_t nplaces)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < nplaces; k++)
            fb_balrow_decode_value(&rows[i], places[k].column, bytes + i * row_bytes + places[k].offset,
                                   places[k].repeat);
}

/* ---- plain tables ---- */

/* The places of our columns in a plain table; 0 where CFITSIO must look, or has to say what is wrong. */
static size_t plain_places(const struct fb_hdus *hdus, const struct fb_hdu *hdu, struct place *places,
                           int *ntemplates)
{
    struct fb_column found[MOST_COLUMNS];
    const char *names[MOST_COLUMNS];
    size_t n, used = 0;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);

    for (size_t i = 0; i < n; i++)
        names[i] = c[i].name;
    if (!fb_hdu_columns(hdus, hdu, names, n, found))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!(c[i].use & FB_IN_TABLE) || (!found[i].type && (c[i].use & FB_OPTIONAL)))
            continue;
        int64_t repeat = c[i].repeat > 0 ? c[i].repeat : found[i].repeat;
        if (found[i].type != c[i].type || found[i].repeat != repeat || repeat < 1 ||
            repeat > FASTBAL_MAX_TEMPLATES)
            return 0;
        if (c[i].repeat == 0)
            *ntemplates = (int)repeat;
        places[used++] = (struct place){ &c[i], found[i].offset, (int)repeat };
    }
    return used;
}

static int read_plain_rows(struct fb_file *file, const struct fb_hdu *hdu, struct fb_baltable *table,
                           const struct place *places, size_t nplaces, struct fb_error *err)
{
    size_t row_bytes = (size_t)hdu->axis[0], n = (size_t)hdu->axis[1];
    unsigned char *bytes = malloc(n * row_bytes + 1);
    table->rows = calloc(n + 1, sizeof *table->rows);
    int failed = bytes && table->rows ? 0 : fb_fail(err, "%s: out of memory for %zu rows", file->path, n);
    if (!failed)
        failed = fb_file_read(file, bytes, n * row_bytes, hdu->data, err);
    if (!failed) {
        decode(table->rows, n, bytes, row_bytes, places, nplaces);
        table->n = n;
    }
    free(bytes);
    return failed;
}

/* 0 where a keyword can only be read by CFITSIO. */
static int plain_provenance(const struct fb_hdus *hdus, const struct fb_hdu *hdu, struct fb_provenance *made)
{
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        if (fb_hdu_text(hdus, hdu, key->keyword, fb_provenance_place(made, key), key->size) < 0)
            return 0;
    }
    return 1;
}

/* Returns 1, 0 where the file is not plain, -1 on failure. */
static int read_plain(struct fb_baltable *table, const char *path, struct fb_error *err)
{
    struct place places[MOST_COLUMNS];
    struct fb_io_stats io = { 0 };
    struct fb_file file = { 0 };
    struct fb_hdus hdus = { 0 };
    size_t nplaces = 0;

    int status = fb_file_open(&file, path, &io, err);
    if (status == 0)
        status = fb_hdus_read(&hdus, &file, err);
    const struct fb_hdu *hdu = status > 0 ? fb_hdus_table(&hdus, table_names) : NULL;
    if (hdu && plain_provenance(&hdus, hdu, &table->made))
        nplaces = plain_places(&hdus, hdu, places, &table->ntemplates);
    if (status > 0 && fb_sums_check(&file, &hdus, err) < 0)
        status = -1;
    if (status >= 0)
        status = nplaces == 0 ? 0 : read_plain_rows(&file, hdu, table, places, nplaces, err) == 0 ? 1 : -1;
    fb_file_release(&file);
    fb_hdus_release(&hdus);
    return status;
}

/* ---- any table ---- */

/* Bytes from the start of a row to a column. */
static int column_offset(struct fb_table *t, int number, size_t *offset, struct fb_error *err)
{
    *offset = 0;
    for (int i = 1; i < number; i++) {
        int type, status = 0;
        LONGLONG repeat, width;
        if (fits_get_coltypell(t->file, i, &type, &repeat, &width, &status))
            return fb_fits_fail(err, t->path, "can't read a column's format", status);
        if (type < 0)
            return fb_fail(err, "%s: table %s has columns of variable length", t->path, t->extname);
        *offset += (size_t)(type == TSTRING ? repeat : type == TBIT ? (repeat + 7) / 8 : repeat * width);
    }
    return 0;
}

static int cfitsio_type(char type)
{
    return type == 'K' ? TLONGLONG : type == 'J' ? TLONG : type == 'B' ? TBYTE : TFLOAT;
}

/* Find a column of ours in the file and check its form; repeat stays 0 where an optional one is missing. */
static int find_column(struct fb_table *t, const struct fb_balrow_column *column, struct place *place,
                       struct fb_error *err)
{
    int number = fb_table_column(t, column->name), type, status = 0;
    int most = column->repeat > 0 ? column->repeat : FASTBAL_MAX_TEMPLATES;
    LONGLONG repeat = 0, width = 0;

    *place = (struct place){ .column = column };
    if (!number && (column->use & FB_OPTIONAL))
        return 0;
    if (!number)
        return fb_fail(err, "%s: table %s has no column %s", t->path, t->extname, column->name);
    if (fits_get_coltypell(t->file, number, &type, &repeat, &width, &status))
        return fb_fits_fail(err, t->path, "can't read a column's format", status);
    if (type != cfitsio_type(column->type) || repeat < 1 || repeat > most ||
        (column->repeat > 0 && repeat != most))
        return fb_fail(err, "%s: column %s: expected the form %d%c", t->path, column->name, most,
                       column->type);
    place->repeat = (int)repeat;
    return column_offset(t, number, &place->offset, err);
}

static int find_columns(struct fb_table *t, struct place *places, size_t *nplaces, int *ntemplates,
                        struct fb_error *err)
{
    size_t n;
    const struct fb_balrow_column *c = fb_balrow_columns(&n);
    *nplaces = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(c[i].use & FB_IN_TABLE))
            continue;
        if (find_column(t, &c[i], &places[*nplaces], err) != 0)
            return -1;
        if (c[i].repeat == 0)
            *ntemplates = places[*nplaces].repeat;
        *nplaces += places[*nplaces].repeat > 0;
    }
    return 0;
}

static int read_rows(struct fb_table *t, struct fb_baltable *table, const struct place *places,
                     size_t nplaces, struct fb_error *err)
{
    int64_t row_bytes = 0;
    int status = 0;
    size_t n = (size_t)t->nrows;

    if (!fb_fits_integer(t->file, "NAXIS1", &row_bytes, &status))
        return fb_fits_fail(err, t->path, "can't read NAXIS1", status);
    unsigned char *bytes = malloc(n * (size_t)row_bytes + 1);
    table->rows = calloc(n + 1, sizeof *table->rows);
    int failed = bytes && table->rows ? 0 : fb_fail(err, "%s: out of memory for %zu rows", t->path, n);
    if (!failed && n > 0 && fits_read_tblbytes(t->file, 1, 1, (LONGLONG)n * row_bytes, bytes, &status))
        failed = fb_fits_fail(err, t->path, "can't read its rows", status);
    if (!failed) {
        decode(table->rows, n, bytes, (size_t)row_bytes, places, nplaces);
        table->n = n;
    }
    free(bytes);
    return failed;
}

static int open_baltable(struct fb_table *t, const char *path, struct fb_error *err)
{
    return fb_table_open(t, path, table_names, err);
}

static int read_settings(struct fb_table *t, struct fb_baltable *table, struct fb_error *err)
{
    int status = 0;
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        fb_fits_text(t->file, key->keyword, fb_provenance_place(&table->made, key), key->size, &status);
    }
    return status ? fb_fits_fail(err, t->path, "can't read its header", status) : 0;
}

static int read_any(struct fb_baltable *table, const char *path, struct fb_error *err)
{
    struct place places[MOST_COLUMNS];
    struct fb_table t;
    size_t nplaces;

    if (open_baltable(&t, path, err) != 0)
        return -1;
    int status = find_columns(&t, places, &nplaces, &table->ntemplates, err);
    if (status == 0)
        status = read_rows(&t, table, places, nplaces, err);
    if (status == 0)
        status = read_settings(&t, table, err);
    fb_table_close(&t);
    return status;
}

int fb_baltable_read(struct fb_baltable *table, const char *path, struct fb_error *err)
{
    memset(table, 0, sizeof *table);
    int status = read_plain(table, path, err);
    if (status != 0)
        return status > 0 ? 0 : -1;
    memset(table, 0, sizeof *table);
    return read_any(table, path, err);
}

void fb_baltable_release(struct fb_baltable *table)
{
    free(table->rows);
    memset(table, 0, sizeof *table);
}

int fb_baltable_read_kind(struct fb_baltable *table, const char *path, struct fb_error *err)
{
    struct place places[MOST_COLUMNS];
    struct fb_table t;
    size_t nplaces;

    memset(table, 0, sizeof *table);
    if (open_baltable(&t, path, err) != 0)
        return -1;
    int status = find_columns(&t, places, &nplaces, &table->ntemplates, err);
    if (status == 0)
        status = read_settings(&t, table, err);
    fb_table_close(&t);
    return status;
}
