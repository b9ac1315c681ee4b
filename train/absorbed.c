/* absorbed.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/absorbed.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/outflow.h"

#define Z 2.0 /* any redshift at which sim/sightline.h covers all cells gives the same result */

/* Compute the mean transmission of an outflow minus 1 in each cell, -1 to 0. */
static void absorb(const struct fb_outflow *outflow, struct fb_sightline *s, double *absorbed)
{
    double count[FB_TRAIN_CELLS] = { 0 };
    fb_sightline_clear(s);
    fb_outflow_apply(outflow, s, Z);
    memset(absorbed, 0, FB_TRAIN_CELLS * sizeof *absorbed);
    const double first = log(fb_cell_wavelength(-0.5) * (1 + Z)),
                 step = log(fb_cell_wavelength(1)) - log(fb_cell_wavelength(0));
    for (size_t i = 0; i < FB_FINE_COUNT; i++) {
        const double cell = (s->log_wavelength[i] - first) / step;
        if (cell >= 0 && cell < FB_TRAIN_CELLS) {
            absorbed[(size_t)cell] += s->transmission[i] - 1;
            count[(size_t)cell]++;
        }
    }
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        absorbed[i] /= count[i];
}

/* Remove all ions except C IV and Si IV. */
static void drop_other_ions(struct fb_outflow *outflow)
{
    for (int k = 0; k < outflow->count; k++)
        for (int ion = 0; ion < FB_IONS; ion++)
            if (ion != FB_CIV && ion != FB_SIIV)
                outflow->troughs[k].relative_tau[ion] = 0;
}

int fb_absorbed_light(size_t n, fb_cells *absorbed)
{
    struct fb_sightline s;
    struct fb_rng rng;
    struct fb_outflow *outflow = malloc(sizeof *outflow);
    if (!outflow || fb_sightline_init(&s) != 0) {
        free(outflow);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        fb_rng_seed(&rng, FB_ABSORBED_SEED, i);
        fb_outflow_draw(outflow, &rng);
        drop_other_ions(outflow);
        absorb(outflow, &s, absorbed[i]);
    }
    fb_sightline_release(&s);
    free(outflow);
    return 0;
}
