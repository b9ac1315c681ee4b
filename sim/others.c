/*
 * others.c - stars (black bodies with absorption lines), red galaxies (a 4000 A break and absorption
 * lines), emission line galaxies, and empty fibers.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "others.h"

#include <math.h>

#include "survey.h"

#define SIGMA_PER_KMS (1.0 / FASTBAL_LIGHT_SPEED)

struct feature {
    double wavelength, strength; /* strength: equivalent depth of absorption, relative flux of emission */
};

static const struct feature stellar[] = {
    { 3933.7, 0.6 }, { 3968.5, 0.6 }, { 4101.7, 0.4 }, { 4304.4, 0.3 }, { 4340.5, 0.4 }, { 4861.3, 0.4 },
    { 5175.0, 0.3 }, { 5892.9, 0.3 }, { 6562.8, 0.4 }, { 8498.0, 0.2 }, { 8542.1, 0.3 }, { 8662.1, 0.3 },
};
static const struct feature nebular[] = {
    { 3727.1, 0.5 }, { 3729.9, 0.6 }, { 4861.3, 0.3 }, { 4958.9, 0.25 }, { 5006.8, 0.75 }, { 6562.8, 1.0 },
};
enum { STELLAR = sizeof stellar / sizeof stellar[0], NEBULAR = sizeof nebular / sizeof nebular[0] };

enum kind { STAR, RED_GALAXY, EMISSION_GALAXY, EMPTY };

struct other {
    enum kind kind;
    double temperature, z, broad; /* K; redshift; line width relative to its wavelength */
    double line_flux;
};

static void draw_other(struct other *o, struct fb_rng *rng)
{
    const double u = fb_uniform(rng);
    o->kind = u < 0.25 ? STAR : u < 0.55 ? RED_GALAXY : u < 0.95 ? EMISSION_GALAXY : EMPTY;
    o->temperature = 3200.0 * pow(3.0, fb_uniform(rng));
    o->z =
        o->kind == STAR ? 2e-4 * fb_normal(rng) : 0.1 + (o->kind == RED_GALAXY ? 0.9 : 1.4) * fb_uniform(rng);
    o->broad = SIGMA_PER_KMS * (o->kind == STAR ? 150.0 : o->kind == RED_GALAXY ? 250.0 : 90.0);
    o->line_flux = 8.0 * fb_uniform(rng);
}

static double black_body(double wavelength, double temperature)
{
    return pow(5000.0 / wavelength, 5.0) / (exp(1.43877e8 / (wavelength * temperature)) - 1.0);
}

static double gaussian(double rest, double wavelength, double broad)
{
    const double x = (rest / wavelength - 1.0) / broad;
    return fabs(x) < 6.0 ? exp(-0.5 * x * x) : 0.0;
}

static double flux_at(const struct other *o, double wavelength)
{
    const double rest = wavelength / (1.0 + o->z);
    double flux, lines = 1.0;

    switch (o->kind) {
    case STAR:
        flux = black_body(rest, o->temperature);
        break;
    case RED_GALAXY:
        flux = (0.35 + 0.65 / (1.0 + exp((3980.0 - rest) / 30.0))) * sqrt(rest / 5000.0);
        break;
    case EMISSION_GALAXY:
        flux = pow(rest / 5000.0, -0.8);
        break;
    default:
        return 0.0;
    }
    if (o->kind == EMISSION_GALAXY)
        for (int i = 0; i < NEBULAR; i++)
            lines += o->line_flux * nebular[i].strength * gaussian(rest, nebular[i].wavelength, o->broad);
    else
        for (int i = 0; i < STELLAR; i++)
            lines -= stellar[i].strength * gaussian(rest, stellar[i].wavelength, 3.0 * o->broad);
    return flux * fmax(lines, 0.02);
}

void fb_other_draw(const struct fb_instrument *instrument, struct fb_rng *rng, double magnitude,
                   double *pixels)
{
    struct other o;
    draw_other(&o, rng);
    const double reference = flux_at(&o, 6450.0);
    const double scale = o.kind == EMPTY ? 0.0 : fb_magnitude_to_flux(magnitude, 6450.0) / reference;

    for (int c = 0; c < FB_SIM_CAMERAS; c++)
        for (size_t i = 0; i < instrument->cameras[c].n; i++)
            *pixels++ = scale * flux_at(&o, instrument->cameras[c].wavelength[i]);
}
