/*
 * low_ionization.c - Al III and Mg II at the velocities of C IV troughs (docs/algorithm.md §5.2).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

#define ALIII 1857.0 /* A; the doublet's mean */
#define MGII 2799.0
#define ALIII_CONTINUUM 0.03 /* relative error of the continuum */
#define MGII_CONTINUUM 0.06
#define LEAST_DEPTH 0.1
#define SIGNIFICANCE 3.0
#define SIDE 50.0        /* A: width of the range blueward of a trough that gives Mg II's continuum */
#define GAP 10.0         /* A: the distance of that range from the trough */
#define MGII_SIDE 2860.0 /* A: the red range begins here, beyond the emission line, and ends at FB_MGII_RED */
enum { LEAST_PIXELS = 5 };

static double at_velocity(double line, double v)
{
    return line * (1 - v / FASTBAL_LIGHT_SPEED);
}

/* The continuum at pixels: a model, or a straight line. */
struct continuum {
    const double *model; /* NULL: the line */
    double w, flux, slope;
    double error; /* relative */
};

/* The depth of one line in one trough. */
struct depth {
    double depth, error, significance;
};

static double continuum_at(const struct continuum *c, const struct fb_stretch *s, size_t i)
{
    return c->model ? c->model[i] : c->flux + c->slope * (s->w[i] - c->w);
}

/* Fit the depth of the pixels between two wavelengths, relative to the continuum. Returns 0 if there are too
 * few good pixels. */
static int measure_depth(const struct fb_stretch *s, const struct continuum *c, double blue, double red,
                         struct depth *d)
{
    double norm = 0, lost = 0;
    size_t good = 0;
    for (size_t i = fb_first_at_least(s->w, s->n, blue); i < s->n && s->w[i] <= red; i++) {
        double level = continuum_at(c, s, i);
        if (!(s->ivar[i] > 0 && level > 0))
            continue;
        norm += s->ivar[i] * level * level;
        lost += s->ivar[i] * level * (level - s->flux[i]);
        good++;
    }
    if (good < LEAST_PIXELS || !(norm > 0) || !isfinite(norm) || !isfinite(lost))
        return 0;
    d->depth = lost / norm;
    d->error = sqrt(1 / norm + c->error * c->error);
    d->significance = d->depth / d->error;
    return 1;
}

/* The weighted mean flux and wavelength of the pixels between two wavelengths. Returns 0 if there are
 * none. */
static int mean_of(const struct fb_stretch *s, double from, double to, double *w, double *flux)
{
    double weight = 0, sum_w = 0, sum_flux = 0;
    for (size_t i = fb_first_at_least(s->w, s->n, from); i < s->n && s->w[i] < to; i++) {
        weight += s->ivar[i];
        sum_w += s->ivar[i] * s->w[i];
        sum_flux += s->ivar[i] * s->flux[i];
    }
    *w = sum_w / weight;
    *flux = sum_flux / weight;
    return weight > 0 && isfinite(*w) && isfinite(*flux);
}

static int search_aliii(const struct fb_stretch *s, const double *model, double vmin, double vmax,
                        struct depth *d)
{
    const struct continuum c = { .model = model, .error = ALIII_CONTINUUM };
    double blue = at_velocity(ALIII, vmax), red = at_velocity(ALIII, vmin);
    return s->n > 0 && s->w[0] <= blue && s->w[s->n - 1] >= red && measure_depth(s, &c, blue, red, d);
}

static int search_mgii(const struct fb_stretch *s, double vmin, double vmax, struct depth *d)
{
    struct continuum c = { .error = MGII_CONTINUUM };
    double blue = at_velocity(MGII, vmax), red = at_velocity(MGII, vmin), w, flux;
    if (!mean_of(s, blue - GAP - SIDE, blue - GAP, &c.w, &c.flux) ||
        !mean_of(s, MGII_SIDE, FB_MGII_RED, &w, &flux))
        return 0;
    c.slope = (flux - c.flux) / (w - c.w);
    return measure_depth(s, &c, blue, red, d);
}

/* Keep the more significant of two depths. */
static void keep(struct fastbal_low_ionization *low, int line, const struct depth *d, struct depth *best)
{
    if (!(low->searched & line) || d->significance > best->significance)
        *best = *d;
    low->searched |= line;
    if (best->depth >= LEAST_DEPTH && best->significance >= SIGNIFICANCE)
        low->found |= line;
}

void fb_low_ionization(const struct fastbal_troughs *civ, const struct fb_stretch *aliii, const double *model,
                       const struct fb_stretch *mgii, struct fastbal_low_ionization *low)
{
    struct depth d, aluminium = { 0 }, magnesium = { 0 };
    memset(low, 0, sizeof *low);
    for (int k = 0; k < civ->count; k++) {
        if (search_aliii(aliii, model, civ->vmin[k], civ->vmax[k], &d))
            keep(low, FASTBAL_ALIII, &d, &aluminium);
        if (search_mgii(mgii, civ->vmin[k], civ->vmax[k], &d))
            keep(low, FASTBAL_MGII, &d, &magnesium);
    }
    low->aliii_depth = aluminium.depth;
    low->aliii_error = aluminium.error;
    low->mgii_depth = magnesium.depth;
    low->mgii_error = magnesium.error;
}
