/* troughs.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include "desi/troughs.h"

enum { NARRAYS = 4 };

static int column_of(struct fb_table *table, const char *a, const char *b, const char *c)
{
    char name[40];
    snprintf(name, sizeof name, "%s_%s%s%s", a, b, c ? "_" : "", c ? c : "");
    return fb_table_column(table, name);
}

/* All arrays of a kind must have the same length. */
static int check_array(struct fb_trough_columns *c, struct fb_table *t, int column, struct fb_error *err)
{
    int type, status = 0;
    LONGLONG repeat = 0, width = 0;
    if (!column)
        return 0;
    if (fits_get_coltypell(t->file, column, &type, &repeat, &width, &status))
        return fb_fits_fail(err, t->path, "can't read a column's format", status);
    if (type < 0 || type == TSTRING || type == TLOGICAL || type == TBIT || type == TCOMPLEX ||
        type == TDBLCOMPLEX || repeat < 1 || repeat > FB_MOST_TROUGHS || (c->length && c->length != repeat))
        return fb_fail(err,
                       "%s: column %d of table %s: expected 1 to %d velocities in VMIN, and as many in "
                       "VMAX, POSMIN and FMIN, found %lld",
                       t->path, column, t->extname, FB_MOST_TROUGHS, type < 0 ? -1LL : (long long)repeat);
    c->length = (int)repeat;
    return 0;
}

int fb_trough_columns_find(struct fb_trough_columns *c, struct fb_table *t, const char *index,
                           const char *line, const char *width, int needed, struct fb_error *err)
{
    char error[16];
    snprintf(error, sizeof error, "ERR_%s", index);
    *c = (struct fb_trough_columns){ .index = column_of(t, index, line, NULL),
                                     .error = column_of(t, error, line, NULL),
                                     .vmin = column_of(t, "VMIN", line, width),
                                     .vmax = column_of(t, "VMAX", line, width),
                                     .posmin = column_of(t, "POSMIN", line, width),
                                     .fmin = column_of(t, "FMIN", line, width) };
    if (!c->index || !c->vmin || !c->vmax) {
        const char *lacks = !c->index ? index : !c->vmin ? "VMIN" : "VMAX";
        *c = (struct fb_trough_columns){ 0 };
        return !needed ? 0
                       : fb_fail(err, "%s: table %s has no column %s_%s%s%s", t->path, t->extname, lacks,
                                 line, lacks == index ? "" : "_", lacks == index ? "" : width);
    }
    return check_array(c, t, c->vmin, err) != 0 || check_array(c, t, c->vmax, err) != 0 ||
                   check_array(c, t, c->posmin, err) != 0 || check_array(c, t, c->fmin, err) != 0
               ? -1
               : 0;
}

static int read_array(struct fb_table *t, int column, int64_t row, int n, float *values, struct fb_error *err)
{
    int status = 0;
    for (int k = 0; k < n; k++)
        values[k] = -1;
    if (column && fits_read_col(t->file, TFLOAT, column, row + 1, 1, n, NULL, values, NULL, &status))
        return fb_fits_fail(err, t->path, "can't read its troughs", status);
    return 0;
}

static void take_trough(struct fb_troughs *troughs, float vmin, float vmax, float posmin, float fmin)
{
    if (!(vmin > 0) || !(vmax > 0) || !isfinite(vmin) || !isfinite(vmax))
        return;
    int swapped = vmin > vmax;
    troughs->nswapped += swapped;
    troughs->trough[troughs->n++] =
        (struct fb_trough){ swapped ? vmax : vmin, swapped ? vmin : vmax, posmin, fmin };
}

int fb_troughs_read(struct fb_troughs *troughs, struct fb_table *t, const struct fb_trough_columns *c,
                    int64_t row, struct fb_error *err)
{
    const int column[NARRAYS] = { c->vmin, c->vmax, c->posmin, c->fmin };
    float value[NARRAYS][FB_MOST_TROUGHS];

    troughs->index = troughs->error = 0;
    troughs->n = troughs->nswapped = 0;
    if (c->length == 0)
        return 0;
    if (fb_table_read_double(t, c->index, row, 1, &troughs->index, err) != 0 ||
        (c->error && fb_table_read_double(t, c->error, row, 1, &troughs->error, err) != 0))
        return -1;
    for (int k = 0; k < NARRAYS; k++)
        if (read_array(t, column[k], row, c->length, value[k], err) != 0)
            return -1;
    for (int i = 0; i < c->length; i++)
        take_trough(troughs, value[0][i], value[1][i], value[2][i], value[3][i]);
    return 0;
}
