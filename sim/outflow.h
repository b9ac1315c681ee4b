/*
 * outflow.h - broad absorption line (BAL) troughs: their velocities, depths and shapes, and their
 * transmission.
 *
 * Velocities are in km/s, positive towards the observer, relative to the blue line of a doublet unless said
 * otherwise.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OUTFLOW_H
#define FB_OUTFLOW_H

#include "fastbal.h"
#include "random.h"
#include "sightline.h"

enum { FB_MAX_OUTFLOW_TROUGHS = 3, FB_OUTFLOW_CELLS = 2301 };
#define FB_OUTFLOW_FIRST -4000.0 /* km/s */
#define FB_OUTFLOW_STEP 20.0

enum fb_trough_shape {
    FB_MINI,
    FB_SMOOTH,
    FB_NARROW_BOTTOM,
    FB_MULTIPLE,
    FB_ATTACHED,
    FB_DETACHED,
    FB_RAGGED,
    FB_REDWARD,
    FB_SHAPES
};
extern const char *const fb_shape_names[FB_SHAPES];

struct fb_outflow_trough {
    enum fb_trough_shape shape;
    double covering;              /* fraction of the quasar's light covered by the gas, in C IV */
    double tau;                   /* largest optical depth of C IV 1548 */
    double relative_tau[FB_IONS]; /* of the blue line of an ion, relative to C IV; 0: none */
    double relative_covering[FB_IONS];
    double profile[FB_OUTFLOW_CELLS]; /* shape of the optical depth, largest 1 */
};

struct fb_outflow {
    int count;
    double
        redshift_error; /* km/s: the quasar looks further away, since the blue sides of its lines are missing */
    struct fb_outflow_trough troughs[FB_MAX_OUTFLOW_TROUGHS];
};

/* Draw an outflow whose noiseless absorption index is above 0, so that it is a BAL by definition. */
void fb_outflow_draw(struct fb_outflow *outflow, struct fb_rng *rng);

/* Multiply the transmission by the lines of an outflow, for a quasar at redshift z. */
void fb_outflow_apply(const struct fb_outflow *outflow, struct fb_sightline *s, double z);

/* Draw the E(B-V) of its dust, on top of the population's (Reichard et al. 2003, AJ 126, 2594). */
double fb_outflow_draw_dust(struct fb_rng *rng);
/* What dust of this E(B-V) lets through at a rest wavelength in A: the law of the Small Magellanic Cloud in Richards et al.
 * (2003, AJ 126, 1131). */
double fb_dust_transmission(double ebv, double rest_wavelength);

/* ---- perfect measurements ---- */

/*
 * A single trough; velocities are relative to 1549 A, as in the absorption index; edges are at 10 % depth.
 */
struct fb_trough_truth {
    double vmin, vmax; /* -1 if it is never that deep */
    double posmin, fmin;
    double ai;
};
void fb_trough_measure(const struct fb_outflow_trough *trough, struct fb_trough_truth *truth);

/*
 * C IV troughs of the whole outflow: the definitions of docs/algorithm.md with exact continuum and no noise, on
 * FB_INDEX_CELLS velocities. `narrow`, if not NULL, is the transmission of other C IV absorption there. VMIN of a
 * trough that reaches v = 0 is that of the first cell above 0, since readers ignore troughs with VMIN <= 0.
 */
enum { FB_INDEX_CELLS = 1251 };
double fb_index_rest_wavelength(int cell);
void fb_outflow_measure(const struct fb_outflow *outflow, const double *narrow, struct fastbal_line *civ);

#endif
