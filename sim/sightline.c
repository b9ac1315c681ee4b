/*
 * sightline.c - optical depths of Voigt profiles on the fine grid.
 *
 * The optical depth at the centre of a line is 1.497e-15 N f lambda / b (N in cm^-2, lambda in A, b in km/s);
 * its shape is the Voigt-Hjerting function H(a, x) with a = gamma lambda / (4 pi b) and x = v / b, in the
 * approximation of Tepper-Garcia (2006, MNRAS 369, 2025), valid for a < 1e-3, as in interstellar lines.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "sightline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define TAU_COEFFICIENT 1.497e-15
#define KM_PER_ANGSTROM 1e-13
#define TAU_IGNORED 1e-3 /* where damping wings are cut off */

int fb_sightline_init(struct fb_sightline *s)
{
    s->tau = malloc(FB_FINE_COUNT * sizeof(double));
    s->civ = malloc(FB_FINE_COUNT * sizeof(double));
    s->transmission = malloc(FB_FINE_COUNT * sizeof(double));
    s->log_wavelength = malloc(FB_FINE_COUNT * sizeof(double));
    if (!s->tau || !s->civ || !s->transmission || !s->log_wavelength) {
        fb_sightline_release(s);
        return -1;
    }
    for (size_t i = 0; i < FB_FINE_COUNT; i++)
        s->log_wavelength[i] = log(fb_fine_wavelength(i));
    fb_sightline_clear(s);
    return 0;
}

void fb_sightline_release(struct fb_sightline *s)
{
    free(s->tau);
    free(s->civ);
    free(s->transmission);
    free(s->log_wavelength);
    memset(s, 0, sizeof *s);
}

void fb_sightline_clear(struct fb_sightline *s)
{
    for (size_t i = 0; i < FB_FINE_COUNT; i++) {
        s->tau[i] = s->civ[i] = 0.0;
        s->transmission[i] = 1.0;
    }
}

static double voigt(double a, double x)
{
    const double p = x * x;
    const double gauss = p < 700.0 ? exp(-p) : 0.0;

    if (p < 1e-3)
        return gauss * (1.0 - 2.0 * a / sqrt(PI));
    const double q = 1.5 / p;
    return gauss - a / sqrt(PI) / p * (gauss * gauss * (4.0 * p * p + 7.0 * p + 4.0 + q) - q - 1.0);
}

void fb_sightline_add_cloud(struct fb_sightline *s, const struct fb_absorption_line *line, double z,
                            double column, double b)
{
    const double centre = line->wavelength * (1.0 + z);
    const double tau0 = TAU_COEFFICIENT * column * line->strength * line->wavelength / b;
    const double a = line->damping * line->wavelength * KM_PER_ANGSTROM / (4.0 * PI * b);
    const double core = b * (2.0 + sqrt(fmax(0.0, log(tau0 / TAU_IGNORED))));
    const double wings = b * sqrt(tau0 * a / (sqrt(PI) * TAU_IGNORED));
    const double reach = centre * fmax(core, wings) / FASTBAL_LIGHT_SPEED;

    const double first = ceil((centre - reach - FB_FINE_START) / FB_FINE_STEP);
    const double last = floor((centre + reach - FB_FINE_START) / FB_FINE_STEP);
    if (last < 0.0 || first >= (double)FB_FINE_COUNT)
        return;
    const size_t lo = first > 0.0 ? (size_t)first : 0;
    const size_t hi = last < FB_FINE_COUNT - 1.0 ? (size_t)last : FB_FINE_COUNT - 1;
    for (size_t i = lo; i <= hi; i++) {
        const double v = FASTBAL_LIGHT_SPEED * (fb_fine_wavelength(i) - centre) / centre;
        const double tau = tau0 * voigt(a, v / b);
        s->tau[i] += tau;
        if (line->ion == FB_CIV)
            s->civ[i] += tau;
    }
}

void fb_sightline_add_ion(struct fb_sightline *s, enum fb_ion ion, double z, double column, double b)
{
    for (int i = 0; i < fb_absorption_line_count; i++)
        if (fb_absorption_lines[i].ion == ion)
            fb_sightline_add_cloud(s, &fb_absorption_lines[i], z, column, b);
}

void fb_sightline_finish(struct fb_sightline *s)
{
    for (size_t i = 0; i < FB_FINE_COUNT; i++)
        s->transmission[i] *= s->tau[i] < 50.0 ? exp(-s->tau[i]) : 0.0;
}

enum { SPREAD = 4 }; /* standard deviation of DESI's line spread, pixels included, in fine pixels */

/* The fine pixels that a spectrograph sees at a wavelength. */
struct view {
    size_t first, last;
    double centre;
};

/* Returns 0 if they are not all there. */
static int look(struct view *view, double wavelength)
{
    view->centre = (wavelength - FB_FINE_START) / FB_FINE_STEP;
    if (view->centre < 3 * SPREAD || view->centre >= FB_FINE_COUNT - 1 - 3 * SPREAD)
        return 0;
    const size_t middle = (size_t)(view->centre + 0.5);
    view->first = middle - 3 * SPREAD;
    view->last = middle + 3 * SPREAD;
    return 1;
}

/* Are all pixels of a view equal to a value, as almost everywhere? */
static int is_all(const struct view *view, const double *values, double value)
{
    size_t i = view->first;
    while (i <= view->last && values[i] == value)
        i++;
    return i > view->last;
}

static double absorb(double tau)
{
    return exp(-tau);
}

static double same(double transmission)
{
    return transmission;
}

/* The mean of what pixels transmit at a wavelength; 1 where all of them have the value `clear`, or some are missing. */
static double see(const double *values, double clear, double (*transmit)(double), double wavelength)
{
    struct view view;
    double sum = 0.0, weights = 0.0;

    if (!look(&view, wavelength) || is_all(&view, values, clear))
        return 1.0;
    for (size_t i = view.first; i <= view.last; i++) {
        const double x = ((double)i - view.centre) / SPREAD, weight = exp(-0.5 * x * x);
        sum += weight * transmit(values[i]);
        weights += weight;
    }
    return sum / weights;
}

double fb_sightline_civ(const struct fb_sightline *s, double wavelength)
{
    return see(s->civ, 0.0, absorb, wavelength);
}

double fb_sightline_seen(const struct fb_sightline *s, double wavelength)
{
    return see(s->transmission, 1.0, same, wavelength);
}
