/*
 * population.c - draw quasars and compute their spectra.
 *
 * A spectrum is (power law + Balmer continuum + emission lines) x reddening. Each species of the line table
 * has a profile of four parts: a broad disk profile, its very broad base, a narrower core, and a blueshifted
 * wind (Richards et al. 2011, AJ 141, 167). Two parameters correlate the lines of a quasar: overall line
 * strength (the Baldwin effect and its scatter) and "wind", towards weak, blueshifted C IV and strong iron.
 * In addition, every species has its own strength, width, asymmetry and shift, so that no small set of
 * templates describes the population.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "population.h"

#include <math.h>
#include <stdlib.h>

#include "emission_lines.h"

#define FWHM_PER_SIGMA 2.3548200450309493

/*
 * The bell that profiles are made of, (1 - t^2/19)^8. It has unit variance, is within 5 % (of the peak) of a
 * Gaussian, falls smoothly to zero at sqrt(19) standard deviations, and is ten times as fast.
 */
#define BELL_REACH 4.3588989435406740
#define BELL_AREA 2.6113150 /* its integral */

#define NORM_WAVELENGTH 1450.0

enum { DISK, CORE, WIND, BASE, PARTS };
enum { MAX_PROFILES = PARTS * FB_MAX_TRANSITIONS, RIPPLES = 6, BLOCK = 128 };

/* A bell in ln(wavelength) with different widths on its two sides. */
struct profile {
    double centre; /* ln A */
    double blue, red;
    double peak;
};

struct continuum {
    double slope, curvature;    /* d ln f / d ln wavelength, and its change, at 1450 A */
    double far_uv_turn;         /* how much flatter it is below the break */
    double far_uv_break;        /* ln(wavelength / 1450 A) */
    double balmer, temperature; /* Balmer continuum: flux at 3000 A, and in units of 10,000 K */
    double reddening;           /* E(B-V), SMC-like */
    double ripple[RIPPLES];     /* smooth errors of flux calibration */
};

struct fb_quasar {
    struct continuum continuum;
    struct profile profiles[MAX_PROFILES];
    int nprofiles;
};

/* The parameters common to all lines of one quasar. */
struct character {
    double strength;      /* overall line strength, standard deviations */
    double wind;          /* towards wind-dominated, standard deviations */
    double disk_fwhm;     /* of C IV without its wind, km/s */
    double core_ratio;    /* width of the core relative to the disk profile */
    double core_fraction; /* fraction of the flux in the core */
    double base_fraction; /* fraction of the disk's flux in very broad wings */
    double wind_fraction; /* fraction of the flux in the wind, for a species with wind = 1 */
    double lag;           /* blueshift of highly ionized disk and core profiles, km/s */
    double wind_shift;    /* additional shift of the wind's centre */
    double wind_fwhm;
    double asymmetry; /* ln(red width / blue width) */
    double iron;      /* ln of the strength of all iron */
};

/* The profile of one species in one quasar. */
struct kinematics {
    double fraction[PARTS], shift[PARTS], sigma[PARTS], asymmetry[PARTS]; /* shift > 0 is red; km/s */
};

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double draw(struct fb_rng *rng, double mean, double sigma)
{
    return mean + sigma * fb_normal(rng);
}

static double draw_lognormal(struct fb_rng *rng, double median, double scatter)
{
    return median * exp(scatter * fb_normal(rng));
}

static double draw_within(struct fb_rng *rng, double low, double high)
{
    return low + (high - low) * fb_uniform(rng);
}

/*
 * Slopes: -1.56 +- 0.35 in wavelength (-0.44 in frequency, Vanden Berk et al. 2001; spread of Richards et
 * al. 2003, AJ 126, 1131); the turn towards the extreme ultraviolet is that of Telfer et al. (2002, ApJ
 * 565, 773). Reddening: little for most, E(B-V) of 0.05 to 0.2 for about one in eight (Richards et al.
 * 2003; Hopkins et al. 2004, AJ 128, 1112).
 */
static void draw_continuum(struct continuum *c, struct fb_rng *rng)
{
    c->slope = clamp(draw(rng, -1.56, 0.35), -2.7, 0.5);
    c->curvature = draw(rng, 0.0, 0.35);
    c->far_uv_turn = clamp(draw(rng, 0.9, 0.5), -0.5, 2.5);
    c->far_uv_break = log(draw_within(rng, 1050.0, 1230.0) / NORM_WAVELENGTH);
    c->balmer = 0.045 * exp(0.5 * fb_normal(rng));
    c->temperature = draw_within(rng, 0.8, 1.8);
    c->reddening = -0.012 * log(1.0 - fb_uniform(rng));
    if (fb_uniform(rng) < 0.12)
        c->reddening += -0.06 * log(1.0 - fb_uniform(rng));
    c->reddening = clamp(c->reddening, 0.0, 0.4);
    for (int i = 0; i < RIPPLES; i++)
        c->ripple[i] = draw(rng, 0.0, 0.010);
}

/*
 * Widths: the disk profile has a FWHM of 3400 to 9000 km/s, the C IV line as a whole 2700 to 6600 (10 % to 90 %;
 * 2400 to 7000 in Shen et al. 2011, ApJS 194, 45). Blueshifts: C IV is split in half at 550 km/s in the median
 * quasar, at more than 1500 in one of twenty (Richards et al. 2011; Coatman et al. 2016, MNRAS 461, 647, find
 * more). Larger scatters make the lines more diverse than those of real spectra (docs/simulate.md).
 */
static void draw_character(struct character *q, struct fb_rng *rng)
{
    q->strength = 0.7 * fb_normal(rng);
    q->wind = 0.63 * fb_normal(rng) - 0.35 * q->strength;
    q->disk_fwhm = clamp(draw_lognormal(rng, 5500.0, 0.19), 1900.0, 12000.0);
    q->core_ratio = draw_within(rng, 0.32, 0.51);
    q->core_fraction = clamp(draw(rng, 0.28 + 0.10 * q->strength, 0.08), 0.0, 0.75);
    q->base_fraction = clamp(draw(rng, 0.25, 0.07), 0.0, 0.5);
    q->wind_fraction = 1.0 / (1.0 + exp(-(draw(rng, -0.5, 0.28) + 0.7 * q->wind)));
    q->lag = clamp(draw(rng, 250.0 + 200.0 * q->wind, 140.0), -500.0, 2500.0);
    q->wind_shift = clamp(draw_lognormal(rng, 1500.0, 0.26) * exp(0.28 * q->wind), 0.0, 7000.0);
    q->wind_fwhm = clamp(draw_lognormal(rng, 6000.0, 0.21) + 0.6 * q->wind_shift, 2500.0, 15000.0);
    q->asymmetry = draw(rng, 0.05, 0.10);
    q->iron = draw(rng, 0.0, 0.32);
}

static void draw_kinematics(struct kinematics *k, const struct fb_species *s, const struct character *q,
                            struct fb_rng *rng)
{
    const double wind = clamp(s->wind * q->wind_fraction * exp(draw(rng, 0.0, 0.14)), 0.0, 0.95);
    const double core = (1.0 - wind) * clamp(q->core_fraction + draw(rng, 0.0, 0.07), 0.0, 0.85);
    const double base = (1.0 - wind - core) * clamp(q->base_fraction + draw(rng, 0.0, 0.035), 0.0, 0.6);
    const double disk = q->disk_fwhm * s->breadth * exp(draw(rng, 0.0, 0.08)) / FWHM_PER_SIGMA;
    const double narrow =
        fmax(disk * q->core_ratio * exp(draw(rng, 0.0, 0.08)), 420.0 * fmin(s->breadth, 1.0));
    const double shift = draw(rng, 0.0, 105.0) - s->wind * q->lag;

    k->fraction[DISK] = 1.0 - wind - core - base;
    k->sigma[DISK] = disk;
    k->shift[DISK] = shift + draw(rng, 0.0, 175.0);
    k->asymmetry[DISK] = q->asymmetry + draw(rng, 0.0, 0.07);

    k->fraction[CORE] = core;
    k->sigma[CORE] = narrow;
    k->shift[CORE] = shift - 0.1 * s->wind * q->wind_shift;
    k->asymmetry[CORE] = 0.5 * q->asymmetry + draw(rng, 0.0, 0.035);

    k->fraction[WIND] = wind;
    k->sigma[WIND] = q->wind_fwhm * exp(draw(rng, 0.0, 0.10)) / FWHM_PER_SIGMA;
    k->shift[WIND] = shift - q->wind_shift * exp(draw(rng, 0.0, 0.14));
    k->asymmetry[WIND] = draw(rng, -0.2, 0.14); /* winds have blue wings */

    k->fraction[BASE] = base;
    k->sigma[BASE] = 2.2 * disk;
    k->shift[BASE] = shift + draw(rng, 500.0, 350.0); /* gravity and inflow redden the innermost gas */
    k->asymmetry[BASE] = 2.0 * q->asymmetry;
}

/*
 * ln of the power law, without reddening; x is ln(wavelength / 1450 A). The far-UV break is rounded over 5
 * % in wavelength.
 */
static double log_power_law(const struct continuum *c, double x)
{
    const double round = 0.05;
    const double t = (c->far_uv_break - x) / round;
    double turn;

    if (t > 8.0)
        turn = t;
    else if (t < -8.0)
        turn = 0.0;
    else
        turn = log1p(exp(t));
    return c->slope * x + 0.5 * c->curvature * x * x - c->far_uv_turn * round * turn;
}

/*
 * Balmer continuum (Grandi 1982, ApJ 255, 25): a Planck curve made optically thin to the blue, at full
 * strength up to the edge, beyond which the high-order Balmer lines continue it with a smooth decline.
 */
static double balmer_continuum(const struct continuum *c, double wavelength)
{
    const double edge = 3646.0;
    const double w = fmin(wavelength, edge);
    const double hc_k = 14387.77 / c->temperature; /* A: hc / (k 10^4 K) */
    const double ratio = 3000.0 / w, thin = w / edge, thin0 = 3000.0 / edge;
    double flux;

    if (wavelength < 1600.0)
        return 0.0;
    flux = pow(ratio, 5.0) * expm1(hc_k / 3000.0) / expm1(hc_k / w);
    flux *= expm1(-thin * thin * thin) / expm1(-thin0 * thin0 * thin0);
    if (wavelength > edge)
        flux *= exp(-0.5 * pow((wavelength - edge) / 120.0, 2.0));
    if (wavelength < 1900.0) /* small here; fade it out to avoid an edge */
        flux *= (wavelength - 1600.0) / 300.0;
    return c->balmer * flux;
}

/*
 * ln of the transmission of SMC-like dust, A = 1.39 (wavelength / micron)^-1.2 E(B-V) (Richards et al.
 * 2003).
 */
static double log_transmission(const struct continuum *c, double x)
{
    const double reference = 1.39 * pow(NORM_WAVELENGTH * 1e-4, -1.2);

    return c->reddening > 0.0 ? -0.921034037197618 * c->reddening * reference * exp(-1.2 * x) : 0.0;
}

/*
 * ln of smooth calibration errors and of deviations from a power law with curvature: Chebyshev polynomials of
 * degree 3 to 8 in ln(wavelength) over 900 to 4000 A, whose features are far broader than any trough.
 */
static double ripples(const struct continuum *c, double x)
{
    const double middle = 0.26890, half = 0.74583; /* of ln(900/1450) and ln(4000/1450) */
    const double u = clamp((x - middle) / half, -1.0, 1.0);
    double before = u, now = 2.0 * u * u - 1.0, sum = 0.0;

    for (int i = 0; i < RIPPLES; i++) {
        const double next = 2.0 * u * now - before;
        before = now;
        now = next;
        sum += c->ripple[i] * now;
    }
    return sum;
}

/* One bell of the given equivalent width (A) at rest wavelength w. */
static void add_profile(struct fb_quasar *quasar, double w, double width, double shift, double sigma,
                        double asymmetry)
{
    const double ratio = exp(0.5 * asymmetry);
    struct profile *p = &quasar->profiles[quasar->nprofiles++];

    p->centre = log(w) + shift / FASTBAL_LIGHT_SPEED;
    p->blue = sigma / FASTBAL_LIGHT_SPEED / ratio;
    p->red = sigma / FASTBAL_LIGHT_SPEED * ratio;
    p->peak = width * exp(log_power_law(&quasar->continuum, log(w / NORM_WAVELENGTH))) /
              (BELL_AREA * 0.5 * (p->blue + p->red) * w);
}

/*
 * One part of the profile of a species with transitions t[0..n). Transitions that are closer than the width
 * of the part are merged into one bell with the same second moment: it is indistinguishable and takes a third
 * of the time.
 */
static void add_part(struct fb_quasar *quasar, const struct fb_transition *t, int n, double width,
                     const struct kinematics *k, int part)
{
    double share = 0.0, mean = 0.0, square = 0.0;

    if (k->fraction[part] < 0.005)
        return;
    for (int i = 0; i < n; i++) {
        const double v = FASTBAL_LIGHT_SPEED * (t[i].wavelength / t[0].wavelength - 1.0);
        share += t[i].share;
        mean += t[i].share * v;
        square += t[i].share * (v * v + t[i].extent * t[i].extent);
    }
    mean /= share;
    const double variance = square / share - mean * mean;
    width *= k->fraction[part];
    if (variance < 0.15 * k->sigma[part] * k->sigma[part]) {
        const double w = t[0].wavelength * (1.0 + mean / FASTBAL_LIGHT_SPEED);
        add_profile(quasar, w, width * share, k->shift[part],
                    sqrt(variance + k->sigma[part] * k->sigma[part]), k->asymmetry[part]);
        return;
    }
    for (int i = 0; i < n; i++)
        add_profile(quasar, t[i].wavelength, width * t[i].share, k->shift[part],
                    hypot(k->sigma[part], t[i].extent), k->asymmetry[part]);
}

/* Strong lines are further from the median than weak ones: hardly any quasar has C IV below 20 A. */
static double skewed(double strength)
{
    return strength < 0.0 ? 0.88 * strength : 1.18 * strength;
}

/* Iron is a blend of hundreds of lines: only its disk profile shows. */
static int is_iron(const struct fb_species *s)
{
    return s->name[0] == 'F' && s->name[1] == 'e';
}

static void draw_species(struct fb_quasar *quasar, const struct fb_transition *t, int n,
                         const struct character *q, struct fb_rng *rng)
{
    const struct fb_species *s = &fb_species_table[t[0].species];
    const double strength =
        skewed(s->baldwin * q->strength + s->eigenvector1 * q->wind + s->scatter * fb_normal(rng));
    const int iron = is_iron(s);
    const double width = s->width * exp(strength + (iron ? q->iron : 0.0));
    struct kinematics k;

    draw_kinematics(&k, s, q, rng);
    if (iron)
        k.fraction[DISK] = 1.0;
    for (int part = DISK; part < (iron ? CORE : PARTS); part++)
        add_part(quasar, t, n, width, &k, part);
}

/* The transitions of a species are consecutive in the table. */
static void draw_lines(struct fb_quasar *quasar, const struct character *q, struct fb_rng *rng)
{
    const struct fb_transition *t = fb_transition_table;
    int n;

    for (int i = 0; i < fb_transition_count; i += n) {
        for (n = 1; i + n < fb_transition_count && t[i + n].species == t[i].species; n++)
            ;
        draw_species(quasar, t + i, n, q, rng);
    }
}

struct fb_quasar *fb_quasar_draw(struct fb_rng *rng)
{
    struct fb_quasar *quasar = calloc(1, sizeof *quasar);
    struct character character;

    if (!quasar)
        return NULL;
    draw_continuum(&quasar->continuum, rng);
    draw_character(&character, rng);
    draw_lines(quasar, &character, rng);
    return quasar;
}

void fb_quasar_free(struct fb_quasar *quasar)
{
    free(quasar);
}

/* Add one profile to pixels at ln(wavelength) x, increasing. */
static void add_flux(const struct profile *p, size_t n, const double *x, double *flux)
{
    const double low = p->centre - BELL_REACH * p->blue, high = p->centre + BELL_REACH * p->red;
    const double blue = 1.0 / (BELL_REACH * p->blue), red = 1.0 / (BELL_REACH * p->red);
    size_t i = 0;

    if (x[n - 1] < low || x[0] > high)
        return;
    while (i < n && x[i] < low)
        i++;
    while (n > i && x[n - 1] > high)
        n--;
    for (; i < n; i++) {
        const double t = x[i] - p->centre;
        const double u = t * (t < 0.0 ? blue : red);
        const double bell = 1.0 - u * u, bell2 = bell * bell, bell4 = bell2 * bell2;
        flux[i] += p->peak * bell4 * bell4;
    }
}

/* Blocks of pixels keep the logarithms on the stack and in cache, and let most lines be skipped at once. */
static void flux_block(const struct fb_quasar *quasar, double norm, size_t n, const double *wavelength,
                       double *flux)
{
    const struct continuum *c = &quasar->continuum;
    const double log_norm = log(NORM_WAVELENGTH);
    double x[BLOCK];

    for (size_t i = 0; i < n; i++) {
        x[i] = log(wavelength[i]);
        flux[i] = exp(log_power_law(c, x[i] - log_norm)) + balmer_continuum(c, wavelength[i]);
    }
    for (int k = 0; k < quasar->nprofiles; k++)
        add_flux(&quasar->profiles[k], n, x, flux);
    for (size_t i = 0; i < n; i++) {
        const double r = x[i] - log_norm;
        flux[i] *= norm * exp(log_transmission(c, r) + ripples(c, r));
    }
}

void fb_quasar_flux(const struct fb_quasar *quasar, size_t n, const double *rest_wavelength, double *flux)
{
    const struct continuum *c = &quasar->continuum;
    const double norm = exp(-log_power_law(c, 0.0) - log_transmission(c, 0.0) - ripples(c, 0.0));

    for (size_t i = 0; i < n; i += BLOCK)
        flux_block(quasar, norm, n - i < BLOCK ? n - i : BLOCK, rest_wavelength + i, flux + i);
}
