/*
 * render.h - the noiseless spectrum of one quasar as it reaches the cameras, and the truth about it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_RENDER_H
#define FB_RENDER_H

#include "forest.h"
#include "instrument.h"
#include "outflow.h"
#include "sightline.h"
#include "survey.h"

/* A row of HDU TRUTH: one injected trough. */
struct fb_trough_row {
    int64_t targetid;
    double z, z_catalog;
    int32_t number; /* counted from 1 in each quasar */
    char shape[9];
    double vmin, vmax, posmin, depth, ai;
    double covering, tau, siiv, nv, lya, mgii; /* optical depths of the other ions are relative to C IV */
};

/* A row of HDU QUASARS; those of outflows are also rows of BAL_META. */
struct fb_quasar_row {
    int64_t targetid, pixel;
    double z, z_catalog, magnitude, snr_civ;
    int16_t bal, ntroughs, nassociated, ndla;
    double ebv; /* of the outflow's dust */
    double ai_civ, bi_civ;
    int32_t n450, n2000, nall450;
    float vmin450[FASTBAL_MAX_AI], vmax450[FASTBAL_MAX_AI], posmin450[FASTBAL_MAX_AI],
        fmin450[FASTBAL_MAX_AI];
    float vmin2000[FASTBAL_MAX_BI], vmax2000[FASTBAL_MAX_BI], posmin2000[FASTBAL_MAX_BI],
        fmin2000[FASTBAL_MAX_BI];
    double ai_all; /* of all C IV, narrow systems included */
    float vminall450[FASTBAL_MAX_AI], vmaxall450[FASTBAL_MAX_AI];
    double z_dla, log_nhi; /* of the strongest DLA; 0 if there is none */
    float bal_prob, error; /* for BAL_META: 1, and 0: a perfect measurement */
};

/* Scratch memory for rendering. */
struct fb_renderer {
    const struct fb_instrument *instrument;
    struct fb_sightline sightline;
    struct fb_forest_model forest;
    double *fine; /* spectrum on the fine grid */
    uint64_t seed;
    double bal_fraction;
    int narrow_systems; /* whether there are any */
};

int fb_renderer_init(struct fb_renderer *r, const struct fb_instrument *instrument, uint64_t seed,
                     double bal_fraction, int narrow_systems); /* 0, or -1 if out of memory */
void fb_renderer_release(struct fb_renderer *r);

/*
 * Compute the flux in 1e-17 erg/s/cm^2/A on the concatenated pixels of all cameras, and fill the quasar's row
 * (except its signal-to-noise) and up to FB_MAX_OUTFLOW_TROUGHS rows of troughs. Outflows shift the target's
 * catalog redshift. `continuum`, if not NULL, becomes the flux that would have been there without any absorption.
 * Returns the number of troughs, or -1 if out of memory.
 */
int fb_render_quasar(struct fb_renderer *r, struct fb_target *target, double blunt, double *pixels,
                     double *continuum, struct fb_quasar_row *quasar, struct fb_trough_row *troughs);

#endif
