/* measure.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>
#include "pipeline/measure.h"

void fb_measurer_release(struct fb_measurer *m)
{
    fastbal_workspace_free(m->work);
    fb_spectra_close(m->spectra);
    *m = (struct fb_measurer){ 0 };
}

/* Fill in all of a row but the measurement. */
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

static int measure(struct fb_measurer *m, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                   struct fastbal_result *result)
{
    struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, redshift->z };
    if (s->found)
        return fastbal_measure(m->work, m->templates, &spectrum, &m->options, result);
    fastbal_result_clear(result, fastbal_templates_count(m->templates), FASTBAL_NO_SPECTRUM);
    return FASTBAL_OK;
}

int fb_measure_each(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                    fb_take_result *take, void *context, struct fb_error *err)
{
    struct fb_spectrum spectrum;
    struct fastbal_result result;
    int more;
    if (redshifts->n == 0)
        return 0;
    if (!m->work && !(m->work = fastbal_workspace_create()))
        return fb_fail(err, "%s: out of memory", coadd_path);
    if (fb_spectra_open(&m->spectra, coadd_path, redshifts, err) != 0)
        return -1;
    while ((more = fb_spectra_next(m->spectra, &spectrum, err)) > 0) {
        const struct fb_redshift *redshift = &redshifts->rows[spectrum.request];
        if (measure(m, &spectrum, redshift, &result) != FASTBAL_OK)
            return fb_fail(err, "%s: target %lld: %s", coadd_path, (long long)redshift->targetid,
                           fastbal_error(m->work));
        if (take(context, &spectrum, redshift, &result, err) != 0)
            return -1;
    }
    return more;
}

static int take_row(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                    const struct fastbal_result *result, struct fb_error *err)
{
    struct fb_balrow *row = (struct fb_balrow *)context + s->request;
    (void)err;
    fill_target(redshift, s->found ? s->ra : NAN, s->found ? s->dec : NAN, row);
    fb_balrow_from_result(row, result);
    return 0;
}

int fb_measure_coadd(struct fb_measurer *m, const char *coadd_path, const struct fb_redshifts *redshifts,
                     struct fb_balrow *rows, struct fb_error *err)
{
    return fb_measure_each(m, coadd_path, redshifts, take_row, rows, err);
}
