/*
 * render.c - combines emission, line of sight and outflow of one quasar.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "absorbers.h"
#include "population.h"

#define FIRST_REST 900.0 /* where population.h's spectra begin and end */
#define LAST_REST 4000.0
#define TAIL_SLOPE (-1.5) /* of the power law beyond the end */

/* Emission is smooth: it is computed on every COARSE-th pixel of the fine grid and interpolated. */
enum { COARSE = 8, COARSE_COUNT = FB_FINE_COUNT / COARSE + 2 };

int fb_renderer_init(struct fb_renderer *r, const struct fb_instrument *instrument, uint64_t seed,
                     double bal_fraction, int narrow_systems)
{
    memset(r, 0, sizeof *r);
    r->instrument = instrument;
    r->seed = seed;
    r->bal_fraction = bal_fraction;
    r->narrow_systems = narrow_systems;
    r->fine = malloc(FB_FINE_COUNT * sizeof *r->fine);
    if (!r->fine || fb_sightline_init(&r->sightline) < 0) {
        fb_renderer_release(r);
        return -1;
    }
    fb_forest_model_init(&r->forest);
    return 0;
}

void fb_renderer_release(struct fb_renderer *r)
{
    fb_sightline_release(&r->sightline);
    free(r->fine);
    memset(r, 0, sizeof *r);
}

/* ---- light ---- */

/*
 * Extrapolate the flux: constant to the blue, where everything is absorbed, and a power law to the red.
 */
static void emit(const struct fb_quasar *quasar, double z, double *coarse)
{
    double rest[COARSE_COUNT], flux[COARSE_COUNT];
    size_t first = 0, last;

    for (size_t i = 0; i < COARSE_COUNT; i++)
        rest[i] = fb_fine_wavelength(i * COARSE) / (1.0 + z);
    while (first < COARSE_COUNT - 1 && rest[first] < FIRST_REST)
        first++;
    for (last = COARSE_COUNT; last > first + 1 && rest[last - 1] > LAST_REST; last--)
        ;
    fb_quasar_flux(quasar, last - first, rest + first, flux + first);
    for (size_t i = 0; i < COARSE_COUNT; i++)
        coarse[i] = i < first  ? flux[first]
                    : i < last ? flux[i]
                               : flux[last - 1] * pow(rest[i] / rest[last - 1], TAIL_SLOPE);
}

static void redden(double *coarse, double z, double ebv)
{
    for (size_t i = 0; i < COARSE_COUNT; i++)
        coarse[i] *= fb_dust_transmission(ebv, fb_fine_wavelength(i * COARSE) / (1.0 + z));
}

/* Scale to the target's magnitude near 6400 A, or redwards of Lyman-alpha if 6400 A is in the forest. */
static void scale_to_magnitude(double *coarse, const struct fb_target *target)
{
    const double wavelength = fmax(6400.0, 1350.0 * (1.0 + target->z));
    const size_t i = (size_t)((wavelength - FB_FINE_START) / (FB_FINE_STEP * COARSE));
    const double scale = fb_magnitude_to_flux(target->magnitude, wavelength) / fmax(coarse[i], 1e-6);

    for (size_t k = 0; k < COARSE_COUNT; k++)
        coarse[k] *= scale;
}

static int add_light(struct fb_renderer *r, const struct fb_target *target, double ebv)
{
    double coarse[COARSE_COUNT];
    struct fb_rng rng;

    fb_purpose_seed(&rng, r->seed, FB_FOR_LIGHT, target->targetid);
    struct fb_quasar *quasar = fb_quasar_draw(&rng);
    if (!quasar)
        return -1;
    emit(quasar, target->z, coarse);
    fb_quasar_free(quasar);
    if (ebv > 0.0)
        redden(coarse, target->z, ebv);
    scale_to_magnitude(coarse, target);
    for (size_t i = 0; i < FB_FINE_COUNT; i++) {
        const size_t k = i / COARSE;
        const double x = (double)(i % COARSE) / COARSE;
        r->fine[i] = coarse[k] + x * (coarse[k + 1] - coarse[k]);
    }
    return 0;
}

/* ---- truth ---- */

static void fill_quasar_row(struct fb_quasar_row *q, const struct fb_target *target,
                            const struct fb_dlas *dlas, const struct fb_outflow *outflow, int nassociated)
{
    struct fastbal_line civ;

    memset(q, 0, sizeof *q);
    q->targetid = target->targetid;
    q->pixel = target->pixel;
    q->z = target->z;
    q->z_catalog = target->z_catalog;
    q->magnitude = target->magnitude;
    q->nassociated = (int16_t)nassociated;
    q->ndla = (int16_t)dlas->count;
    for (int i = 0; i < dlas->count; i++)
        if (dlas->dla[i].log_column > q->log_nhi) {
            q->log_nhi = dlas->dla[i].log_column;
            q->z_dla = dlas->dla[i].z;
        }
    fb_outflow_measure(outflow, NULL, &civ);
    q->bal = civ.ai.index > 0.0;
    q->ntroughs = (int16_t)outflow->count;
    q->ai_civ = civ.ai.index;
    q->bi_civ = civ.bi.index;
    q->n450 = civ.ai.count;
    q->n2000 = civ.bi.count;
    q->bal_prob = q->bal;
    for (int i = 0; i < FASTBAL_MAX_AI; i++) {
        q->vmin450[i] = (float)civ.ai.vmin[i];
        q->vmax450[i] = (float)civ.ai.vmax[i];
        q->posmin450[i] = (float)civ.ai.posmin[i];
        q->fmin450[i] = (float)civ.ai.fmin[i];
    }
    for (int i = 0; i < FASTBAL_MAX_BI; i++) {
        q->vmin2000[i] = (float)civ.bi.vmin[i];
        q->vmax2000[i] = (float)civ.bi.vmax[i];
        q->posmin2000[i] = (float)civ.bi.posmin[i];
        q->fmin2000[i] = (float)civ.bi.fmin[i];
    }
}

/* What a perfect finder sees that can't tell narrow systems from outflows. */
static void fill_all_absorption(struct fb_quasar_row *q, const struct fb_sightline *s, double z,
                                const struct fb_outflow *outflow)
{
    double narrow[FB_INDEX_CELLS];
    struct fastbal_line civ;

    for (int i = 0; i < FB_INDEX_CELLS; i++)
        narrow[i] = fb_sightline_civ(s, (1.0 + z) * fb_index_rest_wavelength(i));
    fb_outflow_measure(outflow, narrow, &civ);
    q->ai_all = civ.ai.index;
    q->nall450 = civ.ai.count;
    for (int i = 0; i < FASTBAL_MAX_AI; i++) {
        q->vminall450[i] = (float)civ.ai.vmin[i];
        q->vmaxall450[i] = (float)civ.ai.vmax[i];
    }
}

static void fill_trough_row(struct fb_trough_row *row, const struct fb_target *target,
                            const struct fb_outflow_trough *t, int number)
{
    struct fb_trough_truth truth;

    fb_trough_measure(t, &truth);
    memset(row, 0, sizeof *row);
    row->targetid = target->targetid;
    row->z = target->z;
    row->z_catalog = target->z_catalog;
    row->number = number;
    snprintf(row->shape, sizeof row->shape, "%s", fb_shape_names[t->shape]);
    row->vmin = truth.vmin;
    row->vmax = truth.vmax;
    row->posmin = truth.posmin;
    row->depth = 1.0 - truth.fmin;
    row->ai = truth.ai;
    row->covering = t->covering;
    row->tau = t->tau;
    row->siiv = t->relative_tau[FB_SIIV];
    row->nv = t->relative_tau[FB_NV];
    row->lya = t->relative_tau[FB_HI];
    row->mgii = t->relative_tau[FB_MGII];
}

/* ---- complete spectra ---- */

int fb_render_quasar(struct fb_renderer *r, struct fb_target *target, double blunt, double *pixels,
                     double *continuum, struct fb_quasar_row *quasar, struct fb_trough_row *troughs)
{
    struct fb_outflow outflow = { .count = 0 };
    struct fb_dlas dlas;
    struct fb_rng rng;
    double ebv = 0.0;

    fb_purpose_seed(&rng, r->seed, FB_FOR_OUTFLOW, target->targetid);
    if (fb_uniform(&rng) < r->bal_fraction) {
        fb_outflow_draw(&outflow, &rng);
        ebv = fb_outflow_draw_dust(&rng);
        target->z_catalog += (1.0 + target->z) * outflow.redshift_error / FASTBAL_LIGHT_SPEED;
    }
    fb_sightline_clear(&r->sightline);
    fb_outflow_apply(&outflow, &r->sightline, target->z);
    fb_purpose_seed(&rng, r->seed, FB_FOR_PATH, target->targetid);
    if (fb_forest_add(&r->sightline, &r->forest, &rng, target->z, &dlas) < 0 || add_light(r, target, ebv) < 0)
        return -1;
    /* They are the last of their stream, so that leaving them out changes nothing else. */
    const int nassociated = r->narrow_systems ? fb_absorbers_add(&r->sightline, &rng, target->z, &dlas) : 0;
    fb_sightline_finish(&r->sightline);
    if (continuum)
        fb_instrument_sample(r->instrument, r->fine, blunt, continuum);
    for (size_t i = 0; i < FB_FINE_COUNT; i++)
        r->fine[i] *= r->sightline.transmission[i];
    fb_instrument_sample(r->instrument, r->fine, blunt, pixels);

    fill_quasar_row(quasar, target, &dlas, &outflow, nassociated);
    quasar->ebv = ebv;
    fill_all_absorption(quasar, &r->sightline, target->z, &outflow);
    for (int k = 0; k < outflow.count; k++)
        fill_trough_row(&troughs[k], target, &outflow.troughs[k], k + 1);
    return outflow.count;
}
