/* targets.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/targets.h"

enum { TARGETID, RA, DEC, STATUS, COADD_STATUS, NCOLUMNS };
static const char *const column_names[NCOLUMNS] = { "TARGETID", "TARGET_RA", "TARGET_DEC", "FIBERSTATUS",
                                                    "COADD_FIBERSTATUS" };

/* A table that is being read. */
struct fibermap {
    struct fb_targets *targets;
    const char *path;
    struct fb_column column[NCOLUMNS];
    int has_position, status; /* status: its column */
    int odd[NCOLUMNS];        /* a number in it is not whole; the first such */
    double found[NCOLUMNS];
};

/* ---- columns ---- */

static int column_fail(const struct fibermap *f, int k, const char *expected, struct fb_error *err)
{
    return fb_fail(err, "%s: column %s: expected %s", f->path, column_names[k], expected);
}

static int need_number(const struct fibermap *f, int k, struct fb_error *err)
{
    const struct fb_column *column = &f->column[k];
    if (!strchr("BIJKED", column->type))
        return column_fail(f, k, "numbers", err);
    return column->repeat == 1 ? 0 : column_fail(f, k, "one number a row", err);
}

/* What is wrong with a table whose columns can't be found. */
static int table_fail(const struct fibermap *f, const struct fb_hdus *hdus, const struct fb_hdu *table,
                      struct fb_error *err)
{
    const char *key, *found;
    int missing, odd = fb_hdu_odd_key(hdus, table, &key, &found);
    int64_t bytes = fb_hdu_row_bytes(hdus, table, &missing);
    if (odd)
        return fb_fail(err, "%s: HDU %s: expected one keyword %s%d, found %s", f->path, table->name, key, odd,
                       found);
    if (missing <= table->nfields)
        return fb_fail(err, "%s: HDU %s: expected a keyword TFORM%d, found none", f->path, table->name,
                       missing);
    if (bytes < 0 || bytes > INT32_MAX)
        return fb_fail(err, "%s: HDU %s: expected columns of the forms that FITS knows, found another",
                       f->path, table->name);
    if (bytes != table->axis[0])
        return fb_fail(err, "%s: HDU %s: expected rows of %lld bytes, as its columns have, found NAXIS1 %lld",
                       f->path, table->name, (long long)bytes, (long long)table->axis[0]);
    return fb_fail(err, "%s: HDU %s: expected a table of plain columns, of rows of at most %d bytes", f->path,
                   table->name, FB_ROWS_BUFFER);
}

static int find_columns(struct fibermap *f, const struct fb_hdus *hdus, const struct fb_hdu *table,
                        struct fb_error *err)
{
    if (!fb_hdu_columns(hdus, table, column_names, NCOLUMNS, f->column))
        return table_fail(f, hdus, table, err);
    if (!f->column[TARGETID].type)
        return fb_fail(err, "%s: table %s has no column TARGETID", f->path, table->name);
    f->has_position = f->column[RA].type && f->column[DEC].type;
    f->status = f->column[STATUS].type ? STATUS : COADD_STATUS;
    return need_number(f, TARGETID, err) != 0 ||
                   (f->has_position && (need_number(f, RA, err) != 0 || need_number(f, DEC, err) != 0))
               ? -1
               : 0;
}

/* ---- rows ---- */

/* A whole number. Of floating-point ones, only those that can be told from their neighbours: TARGETIDs have more digits
 * than a double. */
static int64_t whole_number(struct fibermap *f, int k, const unsigned char *row)
{
    const double most = 9007199254740992.0;
    if (fb_column_is_integer(&f->column[k]))
        return fb_column_integer(&f->column[k], row);
    double value = fb_column_number(&f->column[k], row);
    if (fabs(value) < most && value >= floor(value) && value <= floor(value))
        return (int64_t)value;
    f->found[k] = f->odd[k] ? f->found[k] : value;
    f->odd[k] = 1;
    return 0;
}

static void take_row(void *context, int64_t i, const unsigned char *row)
{
    struct fibermap *f = context;
    struct fb_targets *t = f->targets;
    t->sorted[i] = (struct fb_target){ whole_number(f, TARGETID, row), i };
    t->ra[i] = f->has_position ? fb_column_number(&f->column[RA], row) : NAN;
    t->dec[i] = f->has_position ? fb_column_number(&f->column[DEC], row) : NAN;
    t->status[i] = fb_column_is_number(&f->column[f->status]) ? whole_number(f, f->status, row) : 0;
}

static int check_whole(const struct fibermap *f, int k, struct fb_error *err)
{
    if (!f->odd[k])
        return 0;
    return fb_fail(err,
                   "%s: column %s: expected whole numbers below 2^53 where they are floating-point, found "
                   "%.17g",
                   f->path, column_names[k], f->found[k]);
}

static int make_room(struct fb_targets *t, size_t n)
{
    if (n < t->room)
        return 0;
    fb_targets_release(t);
    t->sorted = malloc((n + 1) * sizeof *t->sorted);
    t->ra = malloc((n + 1) * sizeof *t->ra);
    t->dec = malloc((n + 1) * sizeof *t->dec);
    t->status = malloc((n + 1) * sizeof *t->status);
    t->next = malloc((n + 1) * sizeof *t->next);
    if (!t->sorted || !t->ra || !t->dec || !t->status || !t->next)
        return -1;
    t->room = n + 1;
    return 0;
}

static int read_rows(struct fibermap *f, struct fb_file *file, const struct fb_hdu *table,
                     struct fb_error *err)
{
    unsigned char *buffer = malloc(FB_ROWS_BUFFER);
    int status;
    if (!buffer || make_room(f->targets, (size_t)table->axis[1]) != 0)
        status = fb_fail(err, "%s: out of memory for %lld targets", f->path, (long long)table->axis[1]);
    else
        status = fb_hdu_rows(file, table, buffer, take_row, f, err);
    free(buffer);
    f->targets->n = status == 0 ? table->axis[1] : 0;
    return status == 0 ? check_whole(f, TARGETID, err) : -1;
}

/* ---- all of it ---- */

static int compare_targets(const void *a, const void *b)
{
    const struct fb_target *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Most files have their targets in order. */
static void sort_targets(struct fb_targets *t)
{
    int64_t i = 1;
    while (i < t->n && t->sorted[i - 1].targetid <= t->sorted[i].targetid)
        i++;
    if (i < t->n)
        qsort(t->sorted, (size_t)t->n, sizeof *t->sorted, compare_targets);
    t->repeat = 0;
    for (i = 0; i < t->n; i++) {
        const struct fb_target *target = &t->sorted[i];
        int more = i + 1 < t->n && target[1].targetid == target->targetid;
        t->next[target->row] = more ? target[1].row : -1;
        t->repeat |= more;
    }
}

int fb_targets_read(struct fb_targets *targets, struct fb_file *file, const struct fb_hdus *hdus,
                    struct fb_error *err)
{
    static const char *const names[] = { "FIBERMAP", NULL };
    struct fibermap f = { .targets = targets, .path = file->path };
    const struct fb_hdu *table = fb_hdus_table(hdus, names);
    if (!table)
        return fb_fail(err, "%s: has no table FIBERMAP", file->path);
    if (find_columns(&f, hdus, table, err) != 0 || read_rows(&f, file, table, err) != 0)
        return -1;
    sort_targets(targets);
    if (!targets->repeat || !f.column[f.status].type)
        return 0;
    return need_number(&f, f.status, err) != 0 || check_whole(&f, f.status, err) != 0 ? -1 : 0;
}

void fb_targets_release(struct fb_targets *targets)
{
    free(targets->sorted);
    free(targets->ra);
    free(targets->dec);
    free(targets->status);
    free(targets->next);
    *targets = (struct fb_targets){ 0 };
}

int64_t fb_targets_find(const struct fb_targets *targets, int64_t targetid)
{
    int64_t lo = 0, hi = targets->n;
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (targets->sorted[middle].targetid < targetid)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < targets->n && targets->sorted[lo].targetid == targetid ? targets->sorted[lo].row : -1;
}
