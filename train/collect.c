/* collect.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/collect.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "desi/spectra_paths.h"
#include "fits/system.h"

int fb_collection_start(struct fb_collection *c, struct fb_error *err)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are meant */
    c->readers = calloc((size_t)c->nthreads, sizeof *c->readers);
    c->counts = calloc(c->rows->pixels.n + 1, sizeof *c->counts);
    int failed = !c->readers || !c->counts;
    for (int i = 0; c->whole && !failed && i < c->nthreads; i++)
        failed = (c->readers[i] = fb_spectra_create_whole()) == NULL;
    return failed ? fb_fail(err, "out of memory for %zu pixels", c->rows->pixels.n) : 0;
}

void fb_collection_release(struct fb_collection *c)
{
    for (int i = 0; c->readers && i < c->nthreads; i++)
        fb_spectra_close(c->readers[i]);
    free(c->readers);
    free(c->counts);
    c->readers = NULL;
    c->counts = NULL;
}

/* Choose the rows whose spectra are read. */
static int choose_rows(const struct fb_collection *c, size_t index, struct fb_redshifts *redshifts)
{
    const struct fb_pixel_rows *s = c->rows;
    redshifts->rows = malloc((s->begin[index + 1] - s->begin[index] + 1) * sizeof *redshifts->rows);
    for (size_t i = s->begin[index]; redshifts->rows && i < s->begin[index + 1]; i++) {
        const struct fb_redshift *row = &s->rows[s->order[i]];
        if (!fb_in_z_range(row->z))
            c->counts[index][FB_ROW_OUTSIDE]++;
        else if (row->zwarn != 0)
            c->counts[index][FB_ROW_WARNED]++;
        else
            redshifts->rows[redshifts->n++] = *row;
    }
    return redshifts->rows ? 0 : -1;
}

static int read_spectra(const struct fb_collection *c, int thread, size_t index, const char *path,
                        const struct fb_redshifts *redshifts, struct fb_error *err)
{
    struct fb_spectrum spectrum;
    int more;
    if (redshifts->n == 0)
        return 0;
    if (fb_need_file(path, "spectra", err) != 0 ||
        fb_spectra_open(&c->readers[thread], path, redshifts, err) != 0)
        return -1;
    while ((more = fb_spectra_next(c->readers[thread], &spectrum, err)) > 0) {
        const struct fb_redshift *row = &redshifts->rows[spectrum.request];
        const int use = spectrum.found ? c->take(c->context, thread, index, &spectrum, row) : FB_ROW_MISSING;
        if (use < 0)
            return fb_fail(err, "%s: out of memory for its spectra", path);
        c->counts[index][use]++;
    }
    if (more == 0 && c->counts[index][FB_ROW_MISSING] == redshifts->n)
        return fb_fail(err,
                       "%s: none of the %zu quasar%s asked for is among its targets: are the catalog and the "
                       "spectra of the same release, survey and program, or mock?",
                       path, redshifts->n, fb_s(redshifts->n));
    return more;
}

int fb_collect_pixel(const struct fb_collection *c, int thread, size_t index, struct fb_error *err)
{
    const int64_t pixel = c->rows->pixels.ids[index];
    struct fb_redshifts redshifts = { 0 };
    char *path = fb_spectra_path(c->tree, pixel, err);
    int status = path ? 0 : -1;
    if (status == 0 && choose_rows(c, index, &redshifts) != 0)
        status = fb_fail(err, "pixel %" PRId64 ": out of memory for its rows", pixel);
    if (status == 0)
        status = read_spectra(c, thread, index, path, &redshifts, err);
    if (status != 0)
        memset(c->counts[index], 0, sizeof c->counts[index]);
    free(redshifts.rows);
    free(path);
    return status;
}

void fb_collection_count(const struct fb_collection *c, fb_row_counts sum)
{
    memset(sum, 0, sizeof(fb_row_counts));
    for (size_t i = 0; i < c->rows->pixels.n; i++)
        for (int k = 0; k < FB_ROW_USES; k++)
            sum[k] += c->counts[i][k];
}
