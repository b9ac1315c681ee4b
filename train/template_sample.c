/* template_sample.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/template_sample.h"
#include <stdlib.h>

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
    struct fb_table catalog;
    *known = (struct fb_known_troughs){ 0 };
    int failed = fb_catalog_open(&catalog, path, err) != 0 ||
                 fb_balquasars_read(&known->quasars, &catalog, err) != 0 ||
                 fb_mask_lines_parse(&known->lines, "CIV,SIIV", err) != 0 ||
                 fb_catalog_read(&known->catalog, &catalog, mock, NULL, err) != 0;
    fb_table_close(&catalog);
    return failed ? -1 : sort_rows(known, path, err);
}

void fb_known_troughs_release(struct fb_known_troughs *known)
{
    fb_balquasars_release(&known->quasars);
    fb_catalog_rows_release(&known->catalog);
    free(known->order);
    known->order = NULL;
}

/* ---- one spectrum ---- */

/* Find the wavelengths to leave out: the troughs of every row of this target, each at the row's redshift. The
 * caller frees *gaps. *known is 1 if there is such a row, else 0. Returns 0, or -1 if out of memory. */
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

int fb_template_take(void *context, int thread, size_t index, const struct fb_spectrum *s,
                     const struct fb_redshift *row)
{
    static const int uses[] = { [FB_SAMPLE_TAKEN] = FB_ROW_USED,
                                [FB_SAMPLE_SHORT] = FB_ROW_SHORT,
                                [FB_SAMPLE_NOISY] = FB_ROW_NOISY,
                                [FB_SAMPLE_FULL] = -1 };
    const struct fb_template_taker *taker = context;
    struct fb_template_sample *part = &taker->parts[index];
    struct fb_sample_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, row->z, NULL, 0 };
    struct fb_wave_range *gaps;
    int known;
    (void)thread;
    if (find_gaps(taker->known, row->targetid, &gaps, &spectrum.ngaps, &known) != 0)
        return -1;
    spectrum.gaps = gaps;
    const int use = uses[fb_sample_add(&part->sample, &spectrum, taker->min_snr)];
    part->nknown += use == FB_ROW_USED && known;
    part->nmasked += use == FB_ROW_USED && spectrum.ngaps > 0;
    free(gaps);
    return use;
}

/* ---- all of them ---- */

int fb_template_sample_join(struct fb_template_sample *all, struct fb_template_sample *parts,
                            const struct fb_collection *c, struct fb_error *err)
{
    for (size_t i = 0; i < c->rows->pixels.n; i++) {
        if (c->counts[i][FB_ROW_USED] == 0) /* nothing was used, or the pixel failed after some were taken */
            continue;
        if (fb_sample_join(&all->sample, &parts[i].sample) != 0)
            return fb_fail(err, "out of memory for %zu spectra", all->sample.n + parts[i].sample.n);
        all->nknown += parts[i].nknown;
        all->nmasked += parts[i].nmasked;
    }
    return 0;
}

void fb_template_sample_release(struct fb_template_sample *sample)
{
    fb_sample_release(&sample->sample);
    *sample = (struct fb_template_sample){ 0 };
}
