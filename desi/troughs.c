/* troughs.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "desi/troughs.h"

/* Find the column A_B or, unless c is NULL, A_B_C. A_B, an index or its error, must have one number per
 * row. */
static int find_column(const struct fb_column **column, const struct fb_table *t, const char *a,
                       const char *b, const char *c, struct fb_error *err)
{
    char name[40];
    const char *const names[] = { name, NULL };
    snprintf(name, sizeof name, "%s_%s%s%s", a, b, c ? "_" : "", c ? c : "");
    *column = fb_table_find(t, name);
    return *column && !c ? fb_table_find_number(t, names, 1, column, err) : 0;
}

/* All arrays of a kind must have the same length. */
static int check_array(struct fb_trough_columns *c, const struct fb_table *t, const struct fb_column *array,
                       struct fb_error *err)
{
    if (!array)
        return 0;
    if (!strchr("BIJKED", array->type) || array->repeat < 1 || array->repeat > FB_MOST_TROUGHS ||
        (c->length && c->length != array->repeat))
        return fb_fail(
            err,
            "%s: column %s of table %s: expected 1 to %d velocities in VMIN, and as many in VMAX, POSMIN and "
            "FMIN, found the format %s",
            t->path, array->name, t->name, FB_MOST_TROUGHS, array->form);
    c->length = (int)array->repeat;
    return 0;
}

int fb_trough_columns_find(struct fb_trough_columns *c, const struct fb_table *t, const char *index,
                           const char *line, const char *width, int needed, struct fb_error *err)
{
    char error[16];
    snprintf(error, sizeof error, "ERR_%s", index);
    *c = (struct fb_trough_columns){ 0 };
    if (find_column(&c->index, t, index, line, NULL, err) != 0 ||
        find_column(&c->error, t, error, line, NULL, err) != 0)
        return -1;
    find_column(&c->vmin, t, "VMIN", line, width, err);
    find_column(&c->vmax, t, "VMAX", line, width, err);
    find_column(&c->posmin, t, "POSMIN", line, width, err);
    find_column(&c->fmin, t, "FMIN", line, width, err);
    if (!c->index || !c->vmin || !c->vmax) {
        const char *lacks = !c->index ? index : !c->vmin ? "VMIN" : "VMAX";
        *c = (struct fb_trough_columns){ 0 };
        return !needed ? 0
                       : fb_fail(err, "%s: table %s has no column %s_%s%s%s", t->path, t->name, lacks, line,
                                 lacks == index ? "" : "_", lacks == index ? "" : width);
    }
    return check_array(c, t, c->vmin, err) != 0 || check_array(c, t, c->vmax, err) != 0 ||
                   check_array(c, t, c->posmin, err) != 0 || check_array(c, t, c->fmin, err) != 0
               ? -1
               : 0;
}

static float number_at(const struct fb_column *c, const unsigned char *row, int k)
{
    return c ? (float)fb_column_value(c, row, k).real : -1;
}

void fb_troughs_take(struct fb_troughs *troughs, const struct fb_trough_columns *c, const unsigned char *row)
{
    troughs->n = troughs->nswapped = 0;
    troughs->index = c->length > 0 ? fb_column_number(c->index, row) : 0;
    troughs->error = c->length > 0 && c->error ? fb_column_number(c->error, row) : 0;
    for (int k = 0; k < c->length; k++) {
        float vmin = number_at(c->vmin, row, k), vmax = number_at(c->vmax, row, k);
        if (!(vmin > 0) || !(vmax > 0) || !isfinite(vmin) || !isfinite(vmax))
            continue;
        int swapped = vmin > vmax;
        troughs->nswapped += swapped;
        troughs->trough[troughs->n++] =
            (struct fb_trough){ swapped ? vmax : vmin, swapped ? vmin : vmax, number_at(c->posmin, row, k),
                                number_at(c->fmin, row, k) };
    }
}
