/*
 * outflow.c - draw BAL troughs, apply and measure them.
 *
 * A trough is gas with an optical depth profile tau(v) that covers a fraction C of the light. Its transmission is
 * 1 - C + C exp(-sum of tau over the lines of an ion), the partial covering of Arav et al. (1999, ApJ
 * 524, 566). The lines of doublets have the ratio of f lambda. Transmissions multiply. Widths, velocities
 * and depths are distributed like those of Gibson et al. (2009, ApJ 692, 758), Allen et al. (2011,
 * MNRAS 410, 860) and Filbert et al. (2024, MNRAS 532, 3669; DESI).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "outflow.h"

#include <math.h>
#include <string.h>

#define CIV_INDEX_LINE 1549.0 /* zero point of C IV velocities */
#define AI_WIDTH 450.0
#define BI_WIDTH 2000.0
#define BI_FIRST 3000.0
#define SEARCH_END 25000.0
#define TAU_NEGLIGIBLE 1e-4
#define REDWARD_SHARE 0.095       /* so that 8.8 % have one deeper than 10 % (BALNet, arXiv:2511.01344) */
#define MEAN_DUST 0.025           /* E(B-V) */
#define MEAN_REDSHIFT_ERROR 243.0 /* km/s (Filbert et al. 2024) */

const char *const fb_shape_names[FB_SHAPES] = { "MINI",     "SMOOTH",   "BOTTOM", "MULTIPLE",
                                                "ATTACHED", "DETACHED", "RAGGED", "REDWARD" };

/* REDWARD is drawn apart. */
static const double shape_share[FB_REDWARD] = { 0.24, 0.21, 0.07, 0.15, 0.12, 0.10, 0.11 };

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double draw_lognormal(struct fb_rng *rng, double median, double scatter)
{
    return median * exp(scatter * fb_normal(rng));
}

static double draw_within(struct fb_rng *rng, double low, double high)
{
    return low + (high - low) * fb_uniform(rng);
}

static double cell_velocity(int i)
{
    return FB_OUTFLOW_FIRST + FB_OUTFLOW_STEP * i;
}

/* ---- shapes of optical depth ---- */

/* An asymmetric peak, with a width on each side; power 2 is a Gaussian, larger powers are boxier. */
static void add_hump(double *profile, double centre, double low_width, double high_width, double power,
                     double peak)
{
    for (int i = 0; i < FB_OUTFLOW_CELLS; i++) {
        const double v = cell_velocity(i) - centre;
        const double x = fabs(v) / (v < 0.0 ? low_width : high_width);
        if (x < 6.0)
            profile[i] += peak * exp(-0.5 * pow(x, power));
    }
}

/* Where troughs begin: half of them within about 3000 km/s, with a tail to 22,000 km/s. */
static double draw_start(struct fb_rng *rng)
{
    if (fb_uniform(rng) < 0.12)
        return draw_within(rng, -400.0, 400.0);
    return fmin(22000.0, draw_lognormal(rng, 3500.0, 1.0));
}

static double draw_width(struct fb_rng *rng)
{
    return clamp(draw_lognormal(rng, 3000.0, 0.70), 500.0, 16000.0);
}

static void draw_mini(double *profile, struct fb_rng *rng)
{
    const double start = fb_uniform(rng) < 0.6 ? draw_start(rng) : draw_within(rng, 0.0, 23000.0);
    const double width = clamp(draw_lognormal(rng, 750.0, 0.4), 300.0, 2000.0);
    const unsigned humps = 1 + fb_poisson(rng, 0.7);

    for (unsigned k = 0; k < humps; k++) {
        const double w = width / (2.35 * sqrt((double)humps)) * draw_within(rng, 0.7, 1.3);
        add_hump(profile, start + width * fb_uniform(rng), w, w, 2.0, draw_within(rng, 0.4, 1.0));
    }
}

static void draw_smooth(double *profile, struct fb_rng *rng)
{
    const double start = draw_start(rng), width = draw_width(rng), skew = draw_within(rng, 0.15, 0.85);
    const double power = draw_within(rng, 1.7, 5.0);

    add_hump(profile, start + skew * width, 0.5 * skew * width, 0.5 * (1.0 - skew) * width, power, 1.0);
}

/* A shallow trough with a deep, narrow part anywhere in it. */
static void draw_narrow_bottom(double *profile, struct fb_rng *rng)
{
    const double start = draw_start(rng), width = draw_width(rng);
    const double narrow = draw_within(rng, 60.0, 350.0);

    add_hump(profile, start + 0.5 * width, 0.3 * width, 0.3 * width, draw_within(rng, 2.0, 4.0),
             draw_within(rng, 0.08, 0.35));
    add_hump(profile, start + width * draw_within(rng, 0.1, 0.9), narrow, narrow, 2.0, 1.0);
}

static void draw_multiple(double *profile, struct fb_rng *rng)
{
    const double start = draw_start(rng), width = 1.3 * draw_width(rng);
    const unsigned humps = 3 + fb_poisson(rng, 2.0);

    for (unsigned k = 0; k < humps; k++) {
        const double w = width / (double)humps * draw_within(rng, 0.12, 0.6) + 40.0;
        add_hump(profile, start + width * fb_uniform(rng), w, w, 2.0, draw_within(rng, 0.15, 1.0));
    }
}

/*
 * Starts steeply at the quasar's redshift and fades to the blue; with the emission line, a P Cygni profile.
 */
static void draw_attached(double *profile, struct fb_rng *rng)
{
    const double start = draw_within(rng, -300.0, 900.0);
    const double fade = clamp(draw_lognormal(rng, 3000.0, 0.6), 600.0, 9000.0);

    add_hump(profile, start + 0.25 * fade, draw_within(rng, 80.0, 400.0), fade, draw_within(rng, 1.2, 2.5),
             1.0);
}

static void draw_detached(double *profile, struct fb_rng *rng)
{
    const double start = draw_within(rng, 4500.0, 17000.0), width = fmax(1200.0, draw_width(rng));
    const double edge = draw_within(rng, 60.0, 500.0);

    for (int i = 0; i < FB_OUTFLOW_CELLS; i++) {
        const double v = cell_velocity(i);
        profile[i] += 0.25 * (1.0 + tanh((v - start) / edge)) * (1.0 + tanh((start + width - v) / edge));
    }
}

/*
 * A trough with structure: an envelope times a lognormal random walk with a correlation length of a few 100
 * km/s.
 */
static void draw_ragged(double *profile, struct fb_rng *rng)
{
    const double memory = exp(-FB_OUTFLOW_STEP / draw_within(rng, 120.0, 600.0));
    const double swing = draw_within(rng, 0.7, 1.6);
    double g = fb_normal(rng), smooth = g;

    draw_smooth(profile, rng);
    for (int i = 0; i < FB_OUTFLOW_CELLS; i++) {
        g = memory * g + sqrt(1.0 - memory * memory) * fb_normal(rng);
        smooth += 0.25 * (g - smooth);
        profile[i] *= exp(swing * smooth);
    }
}

/* Mostly at wavelengths longer than that of the line. */
static void draw_redward(double *profile, struct fb_rng *rng)
{
    const double width = clamp(draw_lognormal(rng, 1200.0, 0.4), 500.0, 3000.0);

    add_hump(profile, draw_within(rng, -2500.0, -400.0), 0.5 * width, 0.5 * width, draw_within(rng, 1.7, 4.0),
             1.0);
}

static void draw_profile(double *profile, enum fb_trough_shape shape, struct fb_rng *rng)
{
    double largest = 0.0;

    memset(profile, 0, FB_OUTFLOW_CELLS * sizeof *profile);
    switch (shape) {
    case FB_MINI:
        draw_mini(profile, rng);
        break;
    case FB_SMOOTH:
        draw_smooth(profile, rng);
        break;
    case FB_NARROW_BOTTOM:
        draw_narrow_bottom(profile, rng);
        break;
    case FB_MULTIPLE:
        draw_multiple(profile, rng);
        break;
    case FB_ATTACHED:
        draw_attached(profile, rng);
        break;
    case FB_DETACHED:
        draw_detached(profile, rng);
        break;
    case FB_RAGGED:
        draw_ragged(profile, rng);
        break;
    default:
        draw_redward(profile, rng);
        break;
    }
    for (int i = 0; i < FB_OUTFLOW_CELLS; i++)
        largest = fmax(largest, profile[i]);
    for (int i = 0; i < FB_OUTFLOW_CELLS && largest > 0.0; i++)
        profile[i] /= largest;
}

/* ---- the other ions ---- */

/*
 * Median and scatter (of the logarithm) of the optical depth relative to C IV, and the probability of an ion.
 */
static const struct {
    enum fb_ion ion;
    double median, scatter, often;
} high_partners[] = {
    { FB_NV, 1.1, 0.5, 1.0 },
    { FB_OVI, 1.3, 0.5, 1.0 },
    { FB_HI, 0.35, 0.8, 1.0 },
    { FB_SIIV, 0.30, 0.8, 0.75 },
};
static const struct {
    enum fb_ion ion;
    double median, scatter;
} low_partners[] = {
    { FB_ALIII, 0.35, 0.5 }, { FB_MGII, 0.5, 0.6 },  { FB_ALII, 0.15, 0.6 },
    { FB_CII, 0.15, 0.6 },   { FB_SIII, 0.05, 0.6 },
};

static void draw_partners(struct fb_outflow_trough *t, int low_ionization, struct fb_rng *rng)
{
    memset(t->relative_tau, 0, sizeof t->relative_tau);
    for (int i = 0; i < FB_IONS; i++)
        t->relative_covering[i] = clamp(0.9 + 0.12 * fb_normal(rng), 0.4, 1.0);
    t->relative_tau[FB_CIV] = 1.0;
    t->relative_covering[FB_CIV] = 1.0;
    for (size_t k = 0; k < sizeof high_partners / sizeof high_partners[0]; k++) {
        const double tau = draw_lognormal(rng, high_partners[k].median, high_partners[k].scatter);
        if (fb_uniform(rng) < high_partners[k].often)
            t->relative_tau[high_partners[k].ion] = tau;
    }
    if (!low_ionization)
        return;
    t->relative_tau[FB_SIIV] = fmax(t->relative_tau[FB_SIIV], 0.5);
    for (size_t k = 0; k < sizeof low_partners / sizeof low_partners[0]; k++)
        t->relative_tau[low_partners[k].ion] =
            draw_lognormal(rng, low_partners[k].median, low_partners[k].scatter);
}

/* ---- whole outflows ---- */

static enum fb_trough_shape draw_shape(struct fb_rng *rng)
{
    double u = fb_uniform(rng);
    int shape = 0;
    while (shape < FB_RAGGED && u >= shape_share[shape])
        u -= shape_share[shape++];
    return (enum fb_trough_shape)shape;
}

static void draw_trough(struct fb_outflow_trough *t, enum fb_trough_shape shape, int low_ionization,
                        struct fb_rng *rng)
{
    t->shape = shape;
    t->covering = 1.0 - 0.85 * pow(fb_uniform(rng), 1.9);
    t->tau = clamp(draw_lognormal(rng, 1.6, 0.9), 0.15, 20.0);
    draw_partners(t, low_ionization, rng);
    draw_profile(t->profile, t->shape, rng);
}

void fb_outflow_draw(struct fb_outflow *outflow, struct fb_rng *rng)
{
    struct fastbal_line civ;
    do {
        const double u = fb_uniform(rng);
        const int low_ionization = fb_uniform(rng) < 0.12;
        const int redward = fb_uniform(rng) < REDWARD_SHARE;
        outflow->count = u < 0.70 ? 1 : u < 0.93 ? 2 : 3;
        for (int k = 0; k < outflow->count; k++)
            draw_trough(&outflow->troughs[k], draw_shape(rng), low_ionization, rng);
        if (redward) {
            outflow->count += outflow->count < FB_MAX_OUTFLOW_TROUGHS;
            draw_trough(&outflow->troughs[outflow->count - 1], FB_REDWARD, low_ionization, rng);
        }
        fb_outflow_measure(outflow, NULL, &civ);
    } while (civ.ai.index <= 0.0);
    outflow->redshift_error = -MEAN_REDSHIFT_ERROR * log(1.0 - fb_uniform(rng));
}

double fb_outflow_draw_dust(struct fb_rng *rng)
{
    return -MEAN_DUST * log(1.0 - fb_uniform(rng));
}

double fb_dust_transmission(double ebv, double rest_wavelength)
{
    const double micron = rest_wavelength * 1e-4;
    return pow(10.0, -0.4 * ebv * 1.39 * pow(micron, -1.2));
}

/* Optical depth profile at any velocity. */
static double profile_at(const struct fb_outflow_trough *t, double v)
{
    const double x = (v - FB_OUTFLOW_FIRST) / FB_OUTFLOW_STEP;
    if (x < 0.0 || x >= FB_OUTFLOW_CELLS - 1)
        return 0.0;
    const int i = (int)x;
    return t->profile[i] + (x - i) * (t->profile[i + 1] - t->profile[i]);
}

/*
 * Optical depth of an ion at a rest wavelength: the sum of its lines, the strongest with the ion's own
 * optical depth.
 */
static double ion_tau(const struct fb_outflow_trough *t, enum fb_ion ion, double rest_wavelength)
{
    double sum = 0.0, strongest = 0.0;
    for (int k = 0; k < fb_absorption_line_count; k++) {
        const struct fb_absorption_line *line = &fb_absorption_lines[k];
        if (line->ion != ion)
            continue;
        const double weight = line->strength * line->wavelength;
        strongest = fmax(strongest, weight);
        sum += weight * profile_at(t, FASTBAL_LIGHT_SPEED * (1.0 - rest_wavelength / line->wavelength));
    }
    return strongest > 0.0 ? t->tau * t->relative_tau[ion] * sum / strongest : 0.0;
}

static double transmission(const struct fb_outflow_trough *t, enum fb_ion ion, double rest_wavelength)
{
    const double tau = ion_tau(t, ion, rest_wavelength);
    return tau > TAU_NEGLIGIBLE ? 1.0 - t->covering * t->relative_covering[ion] * (1.0 - exp(-tau)) : 1.0;
}

/* Rest wavelengths at which an ion of an outflow can absorb. */
static void ion_range(enum fb_ion ion, double *first, double *last)
{
    const double end = FB_OUTFLOW_FIRST + FB_OUTFLOW_STEP * (FB_OUTFLOW_CELLS - 1);
    *first = 1e9;
    *last = 0.0;
    for (int k = 0; k < fb_absorption_line_count; k++)
        if (fb_absorption_lines[k].ion == ion) {
            *first = fmin(*first, fb_absorption_lines[k].wavelength * (1.0 - end / FASTBAL_LIGHT_SPEED));
            *last = fmax(*last,
                         fb_absorption_lines[k].wavelength * (1.0 - FB_OUTFLOW_FIRST / FASTBAL_LIGHT_SPEED));
        }
}

static size_t fine_index(double wavelength)
{
    return (size_t)clamp(ceil((wavelength - FB_FINE_START) / FB_FINE_STEP), 0.0, FB_FINE_COUNT);
}

void fb_outflow_apply(const struct fb_outflow *outflow, struct fb_sightline *s, double z)
{
    for (int k = 0; k < outflow->count; k++)
        for (int ion = 0; ion < FB_IONS; ion++) {
            const struct fb_outflow_trough *t = &outflow->troughs[k];
            double first, last;
            if (t->relative_tau[ion] <= 0.0)
                continue;
            ion_range((enum fb_ion)ion, &first, &last);
            const size_t end = fine_index(last * (1.0 + z));
            for (size_t i = fine_index(first * (1.0 + z)); i < end; i++)
                s->transmission[i] *= transmission(t, (enum fb_ion)ion, fb_fine_wavelength(i) / (1.0 + z));
        }
}

/* ---- noiseless measurement ---- */

#define GRID_STEP 20.0 /* km/s; grid from SEARCH_END down to 0 */

static double grid_velocity(int i)
{
    return SEARCH_END - GRID_STEP * i;
}

/* Keep the trough of cells [start, end] if it is wide enough, and add it to the index. */
static void keep_trough(struct fastbal_troughs *t, const double *f, int start, int end, double width,
                        int most)
{
    if ((end - start) * GRID_STEP <= width || t->count == most)
        return;
    int deepest = start;
    for (int i = start; i <= end; i++) {
        if (f[i] < f[deepest])
            deepest = i;
        if ((i - start) * GRID_STEP >= width)
            t->index += GRID_STEP * (1.0 - f[i] / 0.9);
    }
    t->vmax[t->count] = grid_velocity(start);
    t->vmin[t->count] = fmax(grid_velocity(end), GRID_STEP);
    t->posmin[t->count] = grid_velocity(deepest);
    t->fmin[t->count] = f[deepest];
    t->count++;
}

static void measure(struct fastbal_troughs *t, const double *f, double first_velocity, double width, int most)
{
    const int n = (int)((SEARCH_END - first_velocity) / GRID_STEP) + 1;
    int start = -1;

    memset(t, 0, sizeof *t);
    for (int i = 0; i < FASTBAL_MAX_AI; i++)
        t->vmin[i] = t->vmax[i] = t->posmin[i] = t->fmin[i] = -1.0;
    for (int i = 0; i < n; i++) {
        const int in = f[i] < 0.9;
        if (in && start < 0)
            start = i;
        if (start >= 0 && (!in || i == n - 1)) {
            keep_trough(t, f, start, in ? i : i - 1, width, most);
            start = -1;
        }
    }
}

static double index_rest_wavelength(double v)
{
    return CIV_INDEX_LINE * (1.0 - v / FASTBAL_LIGHT_SPEED);
}

double fb_index_rest_wavelength(int cell)
{
    return index_rest_wavelength(grid_velocity(cell));
}

void fb_outflow_measure(const struct fb_outflow *outflow, const double *narrow, struct fastbal_line *civ)
{
    double f[FB_INDEX_CELLS];
    for (int i = 0; i < FB_INDEX_CELLS; i++) {
        f[i] = narrow ? narrow[i] : 1.0;
        for (int k = 0; k < outflow->count; k++)
            f[i] *= transmission(&outflow->troughs[k], FB_CIV, fb_index_rest_wavelength(i));
    }
    measure(&civ->ai, f, 0.0, AI_WIDTH, FASTBAL_MAX_AI);
    measure(&civ->bi, f, BI_FIRST, BI_WIDTH, FASTBAL_MAX_BI);
}

void fb_trough_measure(const struct fb_outflow_trough *trough, struct fb_trough_truth *truth)
{
    struct fastbal_line civ;
    struct fb_outflow alone;

    alone.count = 1;
    alone.troughs[0] = *trough;
    fb_outflow_measure(&alone, NULL, &civ);
    *truth = (struct fb_trough_truth){ -1.0, -1.0, 0.0, 1.0, civ.ai.index };
    for (int i = 0; i < FB_OUTFLOW_CELLS; i++) {
        const double v = cell_velocity(i), f = transmission(trough, FB_CIV, index_rest_wavelength(v));
        if (f < truth->fmin) {
            truth->fmin = f;
            truth->posmin = v;
        }
        if (f < 0.9) {
            if (truth->vmin == -1.0)
                truth->vmin = v;
            truth->vmax = v;
        }
    }
}
