/* trough_table.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/trough_table.h"
#include "desi/dependencies.h"
#include "fits/output.h"
#include "fits/system.h"

/* A row of the table: one trough. */
struct trough {
    int64_t targetid;
    float z;
    char line[4];   /* not terminated */
    int16_t number; /* in its line, from 0 */
    float vmin, vmax, width, posmin, fmin, depth, err_depth, ew, err_ew, snr_civ, inside;
    uint8_t balmask;
};

#define FIELD(member) offsetof(struct trough, member), sizeof(((struct trough *)NULL)->member)

/* The columns, in the order of the file. */
static const struct trough_column {
    const char *name, *form, *unit;
    size_t offset, size; /* in struct trough */
    const char *description;
} columns[] = {
    { "TARGETID", "K", "", FIELD(targetid), "DESI target identifier" },
    { "Z", "E", "", FIELD(z), "redshift that velocities refer to" },
    { "LINE", "4A", "", FIELD(line), "CIV or SIIV" },
    { "NUMBER", "I", "", FIELD(number), "index in VMIN_CIV_450 and its like, from 0" },
    { "VMIN", "E", "km/s", FIELD(vmin), "red end" },
    { "VMAX", "E", "km/s", FIELD(vmax), "blue end" },
    { "WIDTH", "E", "km/s", FIELD(width), "VMAX - VMIN" },
    { "POSMIN", "E", "km/s", FIELD(posmin), "velocity of the deepest pixel" },
    { "FMIN", "E", "", FIELD(fmin), "normalised flux of the deepest pixel" },
    { "DEPTH", "E", "", FIELD(depth), "mean depth below the continuum" },
    { "ERR_DEPTH", "E", "", FIELD(err_depth), "error of DEPTH" },
    { "EW", "E", "Angstrom", FIELD(ew), "rest equivalent width" },
    { "ERR_EW", "E", "Angstrom", FIELD(err_ew), "error of EW" },
    { "SNR_CIV", "E", "", FIELD(snr_civ), "median flux/error in the C IV search range; -1: not covered" },
    { "PROB", "E", "", FIELD(inside), "the detector's probability of an outflow there; 0: none assigned" },
    { "BALMASK", "B", "", FIELD(balmask), "why a row was not measured (bits); 0: measured" },
};
enum { NCOLUMNS = sizeof columns / sizeof *columns };

static size_t record_size(void)
{
    size_t size = 0;
    for (int i = 0; i < NCOLUMNS; i++)
        size += columns[i].size;
    return size;
}

static void encode(const struct trough *t, unsigned char *to)
{
    for (int i = 0; i < NCOLUMNS; i++) {
        size_t size = columns[i].size;
        const unsigned char *from = (const unsigned char *)t + columns[i].offset;
        int swap = columns[i].form[1] == '\0' && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
        for (size_t b = 0; b < size; b++)
            *to++ = from[swap ? size - 1 - b : b];
    }
}

static int add_trough(struct fb_trough_list *list, const struct trough *trough)
{
    size_t size = record_size();
    unsigned char *grown = fb_grow(list->bytes, &list->room, list->n + 1, size);
    if (!grown)
        return -1;
    list->bytes = grown;
    encode(trough, list->bytes + size * list->n++);
    return 0;
}

static int add_line(struct fb_trough_list *list, const struct fb_balrow *row, const char *line,
                    const struct fb_balrow_troughs *t, const struct fb_balrow_whole *whole)
{
    for (int k = 0; k < t->count && k < FASTBAL_MAX_AI; k++) {
        struct trough trough = { .targetid = row->targetid,
                                 .z = row->z,
                                 .number = (int16_t)k,
                                 .vmin = t->vmin[k],
                                 .vmax = t->vmax[k],
                                 .width = t->vmax[k] - t->vmin[k],
                                 .posmin = t->posmin[k],
                                 .fmin = t->fmin[k],
                                 .depth = whole->depth[k],
                                 .err_depth = whole->err_depth[k],
                                 .ew = whole->ew[k],
                                 .err_ew = whole->err_ew[k],
                                 .snr_civ = row->snr_civ,
                                 .inside = whole->inside[k],
                                 .balmask = row->balmask };
        memcpy(trough.line, line, sizeof trough.line);
        if (add_trough(list, &trough) != 0)
            return -1;
    }
    return 0;
}

int fb_trough_list_add(struct fb_trough_list *list, const struct fb_balrow *row)
{
    return add_line(list, row, "CIV", &row->civ_ai, &row->civ_whole) != 0 ||
                   add_line(list, row, "SIIV", &row->siiv_ai, &row->siiv_whole) != 0
               ? -1
               : 0;
}

void fb_trough_list_release(struct fb_trough_list *list)
{
    free(list->bytes);
    memset(list, 0, sizeof *list);
}

static int write_table(void *file, const void *context, int *status)
{
    char *ttype[NCOLUMNS], *tform[NCOLUMNS], *tunit[NCOLUMNS];
    for (int i = 0; i < NCOLUMNS; i++) {
        ttype[i] = (char *)columns[i].name;
        tform[i] = (char *)columns[i].form;
        tunit[i] = (char *)columns[i].unit;
    }
    fits_create_tbl(file, BINARY_TBL, 0, NCOLUMNS, ttype, tform, tunit, FB_TROUGH_TABLE_NAME, status);
    for (int i = 0; i < NCOLUMNS; i++)
        fb_write_description(file, i + 1, columns[i].description, status);
    fb_write_provenance(file, context, status);
    fb_write_dependencies(file, status);
    return fb_write_history(file, status);
}

int fb_trough_table_header(struct fb_header_template *header, const struct fb_provenance *made,
                           struct fb_error *err)
{
    return fb_header_template_create(header, write_table, made, err);
}

/* ---- reading ---- */

/* The columns that are read. Tables made before there was a detector have no PROB. */
enum { TARGETID, VMIN, DEPTH, ERR_DEPTH, EW, ERR_EW, PROB, NWANTED };

static int find_columns(const struct fb_table *t, const struct fb_column **w, struct fb_error *err)
{
    static const char *const names[NWANTED] = { "TARGETID", "VMIN",   "DEPTH", "ERR_DEPTH",
                                                "EW",       "ERR_EW", "PROB" };
    for (int k = 0; k < NWANTED; k++) {
        char type = k == TARGETID ? 'K' : 'E';
        w[k] = fb_table_find(t, names[k]);
        if (k == PROB && !w[k])
            continue;
        if (!w[k] || w[k]->type != type || w[k]->repeat != 1)
            return fb_fail(err, "%s: table %s: expected a column %s of the format %c", t->path, t->name,
                           names[k], type);
    }
    return 0;
}

static float number(const struct fb_column *column, const unsigned char *row)
{
    return (float)fb_column_number(column, row);
}

/* Fill the troughs of one line of a row, from row *at of the table on. */
static int fill_line(struct fb_table *t, const struct fb_column *const *w, int64_t targetid,
                     const struct fb_balrow_troughs *troughs, struct fb_balrow_whole *whole, int64_t *at,
                     struct fb_error *err)
{
    for (int k = 0; k < troughs->count && k < FASTBAL_MAX_AI; k++, ++*at) {
        const unsigned char *row = *at < t->nrows ? fb_table_row(t, *at, err) : NULL;
        if (!row && *at < t->nrows)
            return -1;
        if (!row || fb_column_integer(w[TARGETID], row) != targetid ||
            number(w[VMIN], row) != troughs->vmin[k])
            return fb_fail(err, "%s: table %s: expected the troughs of BALCAT, found others in row %lld",
                           t->path, t->name, (long long)*at + 1);
        whole->depth[k] = number(w[DEPTH], row);
        whole->err_depth[k] = number(w[ERR_DEPTH], row);
        whole->ew[k] = number(w[EW], row);
        whole->err_ew[k] = number(w[ERR_EW], row);
        whole->inside[k] = w[PROB] ? number(w[PROB], row) : 0;
    }
    return 0;
}

int fb_trough_table_fill(struct fb_table *troughs, struct fb_balrow *rows, size_t n, struct fb_error *err)
{
    const struct fb_column *w[NWANTED];
    int64_t at = 0;
    if (find_columns(troughs, w, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct fb_balrow *r = &rows[i];
        if (fill_line(troughs, w, r->targetid, &r->civ_ai, &r->civ_whole, &at, err) != 0 ||
            fill_line(troughs, w, r->targetid, &r->siiv_ai, &r->siiv_whole, &at, err) != 0)
            return -1;
    }
    if (at != troughs->nrows)
        return fb_fail(err, "%s: table %s: expected the %lld troughs of BALCAT, found %lld rows",
                       troughs->path, troughs->name, (long long)at, (long long)troughs->nrows);
    return 0;
}
