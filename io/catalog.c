/* catalog.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "io/catalog.h"
#include "io/fits.h"

enum { BLOCK = 16384 }; /* rows read at a time */

struct wanted {
    int targetid, ra, dec, z, zerr, zwarn; /* column numbers; the last two may be 0 */
};

static int find_columns(struct fb_table *t, int mock, struct wanted *w, struct fb_error *err)
{
    static const char *const id[] = { "TARGETID", NULL }, *const z[] = { "Z", NULL };
    static const char *const ra[] = { "TARGET_RA", "RA", NULL }, *const dec[] = { "TARGET_DEC", "DEC", NULL };
    static const char *const mock_ra[] = { "RA", "TARGET_RA", NULL }, *const mock_dec[] = { "DEC", "TARGET_DEC", NULL };
    w->zerr = fb_table_column(t, "ZERR");
    w->zwarn = fb_table_column(t, "ZWARN");
    if (fb_table_need(t, id, &w->targetid, err) != 0 || fb_table_need(t, mock ? mock_ra : ra, &w->ra, err) != 0 ||
        fb_table_need(t, mock ? mock_dec : dec, &w->dec, err) != 0 || fb_table_need(t, z, &w->z, err) != 0)
        return -1;
    return 0;
}

static int read_block(struct fb_table *t, const struct wanted *w, int64_t first, int64_t n, struct fb_redshift *rows,
                      double *values, int64_t *ids, struct fb_error *err)
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

/* The table of a catalog: by name, or the first there is. */
static int open_catalog(struct fb_table *t, const char *path, struct fb_error *err)
{
    static const char *const names[] = { "QSO_CAT", "ZCATALOG", "*", NULL };
    return fb_table_open(t, path, names, err);
}

int fb_catalog_read(const char *path, int mock, struct fb_redshift **rows, size_t *n, struct fb_error *err)
{
    struct fb_table t;
    struct wanted w;

    *rows = NULL;
    *n = 0;
    if (open_catalog(&t, path, err) != 0)
        return -1;
    int status = find_columns(&t, mock, &w, err);
    if (status == 0 && t.nrows == 0)
        status = fb_fail(err, "%s: table %s has no rows", path, t.extname);
    double *values = malloc(BLOCK * sizeof *values);
    int64_t *ids = malloc(BLOCK * sizeof *ids);
    if (status == 0) {
        *rows = malloc((size_t)t.nrows * sizeof **rows);
        if (!*rows || !values || !ids)
            status = fb_fail(err, "%s: out of memory for %lld rows", path, (long long)t.nrows);
    }
    for (int64_t first = 0; status == 0 && first < t.nrows; first += BLOCK) {
        int64_t block = t.nrows - first < BLOCK ? t.nrows - first : BLOCK;
        status = read_block(&t, &w, first, block, *rows + first, values, ids, err);
    }
    if (status == 0)
        *n = (size_t)t.nrows;
    free(values);
    free(ids);
    fb_table_close(&t);
    return status;
}
