/* collect.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/collect.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "desi/spectra_paths.h"
#include "fits/system.h"

/* ---- known troughs ---- */

static int sort_rows(struct fb_known_troughs *known, const char *path, struct fb_error *err)
{
    const size_t n = known->catalog.n;
    known->order = malloc((n + 1) * sizeof *known->order);
    if (!known->order)
        return fb_fail(err, "%s: out of memory for %zu rows", path, n);
    for (size_t i = 0; i < n; i++)
        known->order[i] = (struct fb_id_row){ known->catalog.rows[i].targetid, i };
    fb_id_rows_sort(known->order, n);
    return 0;
}

int fb_known_troughs_read(struct fb_known_troughs *known, const char *path, int mock, struct fb_error *err)
{
    *known = (struct fb_known_troughs){ 0 };
    if (fb_balquasars_read(&known->quasars, path, err) != 0 ||
        fb_mask_lines_parse(&known->lines, "CIV,SIIV", err) != 0 ||
        fb_catalog_read(&known->catalog, path, mock, NULL, err) != 0)
        return -1;
    if (known->catalog.n != known->quasars.nrows)
        return fb_fail(err, "%s: has %zu rows, a moment ago %zu", path, known->catalog.n,
                       known->quasars.nrows);
    return sort_rows(known, path, err);
}

void fb_known_troughs_release(struct fb_known_troughs *known)
{
    fb_balquasars_release(&known->quasars);
    fb_catalog_rows_release(&known->catalog);
    free(known->order);
    known->order = NULL;
}

/* ---- one spectrum ---- */

/* The wavelengths to leave out: the troughs of every row of this target, at their own redshifts. Returns 0, or -1 if out of
 * memory; *known is set to whether there are such rows. */
static int find_gaps(const struct fb_known_troughs *k, int64_t targetid, struct fb_wave_range **gaps,
                     size_t *n, int *known)
{
    const size_t begin = fb_id_rows_find(k->order, k->catalog.n, targetid);
    size_t end = begin, room = 1;
    while (end < k->catalog.n && k->order[end].targetid == targetid) {
        const size_t row = k->order[end++].row;
        room += (k->quasars.begin[row + 1] - k->quasars.begin[row]) * k->lines.n;
    }
    *known = end > begin;
    *n = 0;
    *gaps = malloc(room * sizeof **gaps);
    for (size_t i = begin; *gaps && i < end; i++) {
        const size_t row = k->order[i].row, first = k->quasars.begin[row];
        if (k->quasars.begin[row + 1] > first)
            *n += fb_mask_ranges(&k->lines, k->quasars.troughs + first, k->quasars.begin[row + 1] - first,
                                 k->catalog.rows[row].z, *gaps + *n);
    }
    return *gaps ? 0 : -1;
}

/* Returns how the row is used, or -1 if out of memory. */
static int take_spectrum(const struct fb_collection *c, const struct fb_spectrum *s,
                         const struct fb_redshift *row, struct fb_collected *part)
{
    static const int uses[] = { [FB_SAMPLE_TAKEN] = FB_ROW_USED,
                                [FB_SAMPLE_SHORT] = FB_ROW_SHORT,
                                [FB_SAMPLE_NOISY] = FB_ROW_NOISY,
                                [FB_SAMPLE_FULL] = -1 };
    struct fb_sample_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, row->z, NULL, 0 };
    struct fb_wave_range *gaps;
    int known;
    if (!s->found)
        return FB_ROW_MISSING;
    if (find_gaps(c->known, row->targetid, &gaps, &spectrum.ngaps, &known) != 0)
        return -1;
    spectrum.gaps = gaps;
    const int use = uses[fb_sample_add(&part->sample, &spectrum, c->min_snr)];
    part->nknown += use == FB_ROW_USED && known;
    part->nmasked += use == FB_ROW_USED && spectrum.ngaps > 0;
    free(gaps);
    return use;
}

/* ---- one pixel ---- */

/* Choose the rows whose spectra are read. */
static int choose_rows(const struct fb_collection *c, size_t index, struct fb_redshifts *redshifts,
                       struct fb_collected *part)
{
    const struct fb_pixel_rows *s = c->rows;
    redshifts->rows = malloc((s->begin[index + 1] - s->begin[index] + 1) * sizeof *redshifts->rows);
    for (size_t i = s->begin[index]; redshifts->rows && i < s->begin[index + 1]; i++) {
        const struct fb_redshift *row = &s->rows[s->order[i]];
        if (!fb_in_z_range(row->z))
            part->rows[FB_ROW_OUTSIDE]++;
        else if (row->zwarn != 0)
            part->rows[FB_ROW_WARNED]++;
        else
            redshifts->rows[redshifts->n++] = *row;
    }
    return redshifts->rows ? 0 : -1;
}

static int read_spectra(const struct fb_collection *c, int thread, const char *path,
                        const struct fb_redshifts *redshifts, struct fb_collected *part, struct fb_error *err)
{
    struct fb_spectrum spectrum;
    int more;
    if (redshifts->n == 0)
        return 0;
    if (fb_need_file(path, "spectra", err) != 0 ||
        fb_spectra_open(&c->readers[thread], path, redshifts, err) != 0)
        return -1;
    while ((more = fb_spectra_next(c->readers[thread], &spectrum, err)) > 0) {
        const int use = take_spectrum(c, &spectrum, &redshifts->rows[spectrum.request], part);
        if (use < 0)
            return fb_fail(err, "%s: out of memory for its spectra", path);
        part->rows[use]++;
    }
    if (more == 0 && part->rows[FB_ROW_MISSING] == redshifts->n)
        return fb_fail(err,
                       "%s: none of the %zu quasar%s asked for is among its targets: are the catalog and the "
                       "spectra of the same release, survey and program, or mock?",
                       path, redshifts->n, fb_s(redshifts->n));
    return more;
}

int fb_collect_pixel(const struct fb_collection *c, int thread, size_t index, struct fb_error *err)
{
    const int64_t pixel = c->rows->pixels.ids[index];
    struct fb_collected *part = &c->parts[index];
    struct fb_redshifts redshifts = { 0 };
    char *path = fb_spectra_path(c->tree, pixel, err);
    int status = path ? 0 : -1;
    if (status == 0 && choose_rows(c, index, &redshifts, part) != 0)
        status = fb_fail(err, "pixel %" PRId64 ": out of memory for its rows", pixel);
    if (status == 0)
        status = read_spectra(c, thread, path, &redshifts, part, err);
    if (status != 0)
        fb_collected_release(part);
    free(redshifts.rows);
    free(path);
    return status;
}

int fb_collect_all(const struct fb_collection *c, struct fb_collected *all, struct fb_error *err)
{
    for (size_t i = 0; i < c->rows->pixels.n; i++) {
        struct fb_collected *part = &c->parts[i];
        if (fb_sample_join(&all->sample, &part->sample) != 0)
            return fb_fail(err, "out of memory for %zu spectra", all->sample.n + part->sample.n);
        for (int k = 0; k < FB_ROW_USES; k++)
            all->rows[k] += part->rows[k];
        all->nknown += part->nknown;
        all->nmasked += part->nmasked;
    }
    return 0;
}

void fb_collected_release(struct fb_collected *collected)
{
    fb_sample_release(&collected->sample);
    *collected = (struct fb_collected){ 0 };
}
