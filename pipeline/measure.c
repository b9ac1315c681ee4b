/* measure.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/coadd.h"
#include "pipeline/measure.h"

/* A redshift row and the spectrum it is measured on. */
struct pair {
    struct fb_coadd_row part; /* row -1: not in the coadd */
    size_t redshift_row;
};

void fb_measurer_release(struct fb_measurer *m)
{
    fastbal_workspace_free(m->work);
    free(m->flux);
    free(m->ivar);
    fb_coadd_close(m->coadd);
    fb_coadd_close(m->next);
    free(m->next_path);
    *m = (struct fb_measurer){ 0 };
}

struct fb_io_stats fb_measurer_io(const struct fb_measurer *m)
{
    struct fb_io_stats total = m->coadd ? *fb_coadd_io(m->coadd) : (struct fb_io_stats){ 0 };
    if (m->next)
        fb_io_stats_add(&total, fb_coadd_io(m->next));
    return total;
}

static int make_room(struct fb_measurer *m, size_t n)
{
    if (!m->work)
        m->work = fastbal_workspace_create();
    if (n > m->room) {
        free(m->flux);
        free(m->ivar);
        m->flux = malloc(n * sizeof *m->flux);
        m->ivar = malloc(n * sizeof *m->ivar);
        m->room = m->flux && m->ivar ? n : 0;
    }
    return m->work && m->room > 0 ? 0 : -1;
}

static int by_coadd_row(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->part.row != y->part.row)
        return x->part.row < y->part.row ? -1 : 1;
    return (x->redshift_row > y->redshift_row) - (x->redshift_row < y->redshift_row);
}

/* DEVIATION repeated-targets: where a TARGETID repeats, the reference fills only one of its rows. */
static void find_spectra(const struct fb_coadd *coadd, const struct fb_redshifts *redshifts,
                         struct pair *pairs, struct fb_coadd_row *parts)
{
    const fastbal_grid *grid = fb_coadd_grid(coadd);
    for (size_t i = 0; i < redshifts->n; i++) {
        struct fb_coadd_row *part = &pairs[i].part;
        pairs[i].redshift_row = i;
        part->row = fb_coadd_find(coadd, redshifts->rows[i].targetid);
        fastbal_measured_range(fastbal_grid_size(grid), fastbal_grid_wavelength(grid), redshifts->rows[i].z,
                               &part->begin, &part->end);
    }
    /* in file order, so that adjacent rows are read together */
    qsort(pairs, redshifts->n, sizeof *pairs, by_coadd_row);
    for (size_t i = 0; i < redshifts->n; i++)
        parts[i] = pairs[i].part;
}

/* Fill in a row, except for the measurement. */
static void fill_target(const struct fb_redshift *redshift, double ra, double dec, struct fb_balrow *row)
{
    memset(row, 0, sizeof *row);
    row->targetid = redshift->targetid;
    row->target_ra = (float)(isfinite(ra) ? ra : redshift->ra);
    row->target_dec = (float)(isfinite(dec) ? dec : redshift->dec);
    row->z = (float)redshift->z;
    row->zerr = (float)redshift->zerr;
    row->zwarn = (float)redshift->zwarn;
}

static int measure_loaded(struct fb_measurer *m, const struct fb_coadd *coadd, size_t k, double z,
                          struct fastbal_result *result)
{
    const fastbal_grid *grid = fb_coadd_grid(coadd);
    struct fastbal_spectrum spectrum = { fastbal_grid_size(grid), fastbal_grid_wavelength(grid), m->flux,
                                         m->ivar, z };
    fb_coadd_spectrum(coadd, k, m->flux, m->ivar);
    return fastbal_measure(m->work, m->templates, &spectrum, &m->options, result);
}

/* Measure a batch of pairs, all of which have a spectrum. */
static int measure_batch(struct fb_measurer *m, struct fb_coadd *coadd, const struct fb_redshifts *redshifts,
                         const struct pair *pairs, const struct fb_coadd_row *parts, size_t n,
                         struct fb_balrow *rows, struct fb_error *err)
{
    struct fastbal_result result;

    if (fb_coadd_load_parts(coadd, parts, n, err) != 0)
        return -1;
    for (size_t k = 0; k < n; k++) {
        const struct fb_redshift *redshift = &redshifts->rows[pairs[k].redshift_row];
        struct fb_balrow *row = &rows[pairs[k].redshift_row];
        double ra, dec;
        int status = measure_loaded(m, coadd, k, redshift->z, &result);
        if (status != FASTBAL_OK)
            return fb_fail(err, "%s: target %lld: %s", fb_coadd_path(coadd), (long long)redshift->targetid,
                           fastbal_error(m->work));
        fb_coadd_position(coadd, pairs[k].part.row, &ra, &dec);
        fill_target(redshift, ra, dec, row);
        fb_balrow_from_result(row, &result);
    }
    return 0;
}

static size_t count_missing(const struct fb_coadd_row *parts, size_t n)
{
    size_t missing = 0;
    while (missing < n && parts[missing].row < 0)
        missing++;
    return missing;
}

void fb_measure_ahead(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts)
{
    struct fb_error ignored;
    struct pair *pairs = malloc((redshifts->n + 1) * sizeof *pairs);
    struct fb_coadd_row *parts = malloc((redshifts->n + 1) * sizeof *parts);

    free(m->next_path);
    m->next_path = NULL;
    if (pairs && parts && redshifts->n > 0 && fb_coadd_open(&m->next, coadd_path, &ignored) == 0) {
        find_spectra(m->next, redshifts, pairs, parts);
        size_t missing = count_missing(parts, redshifts->n);
        fb_coadd_prefetch(m->next, parts + missing, redshifts->n - missing);
        m->next_path = strdup(coadd_path);
    }
    free(pairs);
    free(parts);
}

/* Open a coadd, or use the prefetched one. */
static int open_coadd(struct fb_measurer *m, const char *path, struct fb_error *err)
{
    if (!m->next_path || strcmp(m->next_path, path) != 0)
        return fb_coadd_open(&m->coadd, path, err);
    struct fb_coadd *before = m->coadd;
    m->coadd = m->next;
    m->next = before;
    free(m->next_path);
    m->next_path = NULL;
    return 0;
}

static int measure_all(struct fb_measurer *m, struct fb_coadd *coadd, const struct fb_redshifts *redshifts,
                       struct pair *pairs, struct fb_coadd_row *parts, struct fb_balrow *rows,
                       struct fb_error *err)
{
    struct fastbal_result missing;
    size_t i = 0;

    find_spectra(coadd, redshifts, pairs, parts);
    fastbal_result_clear(&missing, fastbal_templates_count(m->templates), FASTBAL_NO_SPECTRUM);
    for (; i < redshifts->n && pairs[i].part.row < 0; i++) {
        struct fb_balrow *row = &rows[pairs[i].redshift_row];
        fill_target(&redshifts->rows[pairs[i].redshift_row], NAN, NAN, row);
        fb_balrow_from_result(row, &missing);
    }
    m->cold |= fb_coadd_prefetch(coadd, parts + i, redshifts->n - i);
    for (size_t batch; i < redshifts->n; i += batch) {
        batch = redshifts->n - i < FB_COADD_BATCH ? redshifts->n - i : FB_COADD_BATCH;
        if (measure_batch(m, coadd, redshifts, pairs + i, parts + i, batch, rows, err) != 0)
            return -1;
    }
    return 0;
}

int fb_measure_coadd(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                     struct fb_balrow *rows, struct fb_error *err)
{
    if (redshifts->n == 0)
        return 0;
    if (open_coadd(m, coadd_path, err) != 0)
        return -1;
    struct pair *pairs = malloc(redshifts->n * sizeof *pairs);
    struct fb_coadd_row *parts = malloc(redshifts->n * sizeof *parts);
    int status;
    if (!pairs || !parts || make_room(m, fastbal_grid_size(fb_coadd_grid(m->coadd))) != 0)
        status = fb_fail(err, "%s: out of memory for %zu targets", coadd_path, redshifts->n);
    else
        status = measure_all(m, m->coadd, redshifts, pairs, parts, rows, err);
    free(pairs);
    free(parts);
    return status;
}
