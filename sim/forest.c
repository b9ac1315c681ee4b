/*
 * forest.c - the Lyman-alpha forest as a lognormal field, and stronger absorbers individually.
 *
 * Diffuse gas: tau(z) = A(z) exp(sigma g), where g is a Gaussian field with unit variance along the line of
 * sight (the lognormal approximation of Bi & Davidsen 1997, ApJ 479, 523, which survey mocks also use). A(z)
 * is chosen so that the mean transmission is exp(-tau_eff) with tau_eff = 2.46e-3 (1 + z)^3.62 (Turner et al.
 * 2024, ApJ 976, 143, from DESI). The higher Lyman lines absorb in proportion to f lambda.
 *
 * Absorbers above 10^15.5 cm^-2 are drawn individually, with rates per redshift near those of Prochaska et
 * al. (2010, ApJ 718, 392) and Ho et al. (2020, MNRAS 496, 5436).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"
#include "forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_Z 1.88    /* Lyman-alpha enters the fine grid */
#define MODEL_STEP 0.05 /* redshift step of the model table */
#define SCATTER 2.1     /* sigma: standard deviation of ln(tau) */
#define CELL 20.0       /* km/s */
#define STRONG_SHARE \
    0.995                /* mean transmission of the partial Lyman-limit systems that are drawn separately */
#define PROXIMITY 1500.0 /* km/s: where the quasar's own light doubles the ionisation */
#define LIMIT_CROSS_SECTION 6.30e-18 /* cm^2, at the Lyman limit */

enum { SCALES = 3 };

/*
 * The field is a sum of smoothed white noise on three scales (full widths in cells, 100 to 1400 km/s) and
 * these shares of variance.
 */
static const struct {
    int width;
    double share;
} scales[SCALES] = { { 5, 0.55 }, { 17, 0.30 }, { 71, 0.15 } };

/* Mean of exp(-a exp(SCATTER g)) over a unit normal g. */
static double mean_transmission(double a)
{
    double sum = 0.0, weight = 0.0;
    for (int i = -60; i <= 60; i++) {
        const double g = i / 12.0, w = exp(-0.5 * g * g);
        sum += w * exp(-a * exp(SCATTER * g));
        weight += w;
    }
    return sum / weight;
}

void fb_forest_model_init(struct fb_forest_model *model)
{
    for (int i = 0; i < FB_FOREST_STEPS; i++) {
        const double z = FIRST_Z + MODEL_STEP * i;
        const double goal = exp(-2.46e-3 * pow(1.0 + z, 3.62)) / STRONG_SHARE;
        double low = log(1e-5), high = log(1e3);
        for (int k = 0; k < 50; k++) {
            const double middle = 0.5 * (low + high);
            if (mean_transmission(exp(middle)) > goal)
                low = middle;
            else
                high = middle;
        }
        model->amplitude[i] = exp(0.5 * (low + high));
    }
}

static double amplitude(const struct fb_forest_model *model, double z)
{
    const double x = (z - FIRST_Z) / MODEL_STEP;
    const int i = x < 0.0 ? 0 : x >= FB_FOREST_STEPS - 2 ? FB_FOREST_STEPS - 2 : (int)x;
    return model->amplitude[i] + (x - i) * (model->amplitude[i + 1] - model->amplitude[i]);
}

/* Running mean over width (odd) cells, treating the field as periodic. */
static void running_mean(size_t n, const double *in, double *out, int width)
{
    const size_t half = (size_t)width / 2;
    double sum = 0.0;
    for (size_t k = 0; k < (size_t)width; k++)
        sum += in[(n - half + k) % n];
    for (size_t i = 0; i < n; i++) {
        out[i] = sum / width;
        sum += in[(i + half + 1) % n] - in[(i + n - half) % n];
    }
}

/*
 * Standard deviation of unit white noise after three running means: the norm of their impulse response.
 */
static double smoothed_deviation(int width)
{
    enum { LENGTH = 256 };
    double a[LENGTH] = { 0.0 }, b[LENGTH];
    double sum = 0.0;

    a[LENGTH / 2] = 1.0;
    running_mean(LENGTH, a, b, width);
    running_mean(LENGTH, b, a, width);
    running_mean(LENGTH, a, b, width);
    for (int i = 0; i < LENGTH; i++)
        sum += b[i] * b[i];
    return sqrt(sum);
}

/* field[n] = Gaussian field of unit variance; scratch is 2n long. n is at least 256. */
static void draw_field(struct fb_rng *rng, size_t n, double *field, double *scratch)
{
    double *a = scratch, *b = scratch + n;

    memset(field, 0, n * sizeof *field);
    for (int k = 0; k < SCALES; k++) {
        const double gain = sqrt(scales[k].share) / smoothed_deviation(scales[k].width);
        for (size_t i = 0; i < n; i++)
            a[i] = fb_normal(rng);
        running_mean(n, a, b, scales[k].width);
        running_mean(n, b, a, scales[k].width);
        running_mean(n, a, b, scales[k].width);
        for (size_t i = 0; i < n; i++)
            field[i] += gain * b[i];
    }
}

/*
 * Convert the field to the optical depth of Lyman-alpha in each cell; the quasar's light ionises the gas near
 * it.
 */
static void field_to_tau(const struct fb_forest_model *model, size_t n, double *field, double z)
{
    for (size_t i = 0; i < n; i++) {
        const double cell_z = (1.0 + FIRST_Z) * exp((double)i * CELL / FASTBAL_LIGHT_SPEED) - 1.0;
        const double v = fmax(0.0, FASTBAL_LIGHT_SPEED * (z - cell_z) / (1.0 + z));
        field[i] = amplitude(model, cell_z) * exp(SCATTER * field[i]) / (1.0 + PROXIMITY / (v + 200.0));
    }
}

/* Add Lyman line k of the diffuse gas; tau is that of Lyman-alpha in n cells from FIRST_Z to the quasar. */
static void add_series_line(struct fb_sightline *s, int k, size_t n, const double *tau)
{
    const struct fb_absorption_line *line = &fb_absorption_lines[k], *alpha = &fb_absorption_lines[0];
    const double ratio = line->strength * line->wavelength / (alpha->strength * alpha->wavelength);
    const double origin = log(line->wavelength * (1.0 + FIRST_Z));

    for (size_t i = 0; i < FB_FINE_COUNT; i++) {
        const double x = (s->log_wavelength[i] - origin) * (FASTBAL_LIGHT_SPEED / CELL);
        if (x < 0.0)
            continue;
        if (x >= (double)(n - 1))
            break;
        const size_t j = (size_t)x;
        s->tau[i] += ratio * (tau[j] + (x - (double)j) * (tau[j + 1] - tau[j]));
    }
}

static int add_diffuse(struct fb_sightline *s, const struct fb_forest_model *model, struct fb_rng *rng,
                       double z)
{
    const double length = log((1.0 + z) / (1.0 + FIRST_Z)) * FASTBAL_LIGHT_SPEED / CELL;
    if (length < 2.0)
        return 0;
    const size_t used = (size_t)length + 1, n = used < 256 ? 256 : used;
    double *memory = malloc(3 * n * sizeof *memory);

    if (!memory)
        return -1;
    draw_field(rng, n, memory, memory + n);
    field_to_tau(model, n, memory, z);
    for (int k = 0; k < FB_LYMAN_LINES; k++)
        add_series_line(s, k, used, memory);
    free(memory);
    return 0;
}

/*
 * Bound-free absorption of one system below its Lyman limit, including the blended high-order lines just
 * above it.
 */
static void add_lyman_limit(struct fb_sightline *s, double z, double column)
{
    const double edge = 914.0 * (1.0 + z);
    for (size_t i = 0; i < FB_FINE_COUNT && fb_fine_wavelength(i) < edge; i++) {
        const double x = fb_fine_wavelength(i) / (FB_LYMAN_LIMIT * (1.0 + z));
        s->tau[i] += LIMIT_CROSS_SECTION * column * pow(x, 2.75);
    }
}

/*
 * A class of absorbers: rate per unit redshift at z = 3, its evolution, and a power law between two
 * columns.
 */
struct population {
    double rate, evolution;
    double log_low, log_high;
    double slope; /* d log10(number per log10 N) / d log10 N */
};

static const struct population partial_limit = { 5.0, 2.0, 15.5, 17.2, -0.45 };
static const struct population limit = { 1.2, 1.5, 17.2, 20.3, -0.25 };
static const struct population damped = { 0.25, 1.2, 20.3, 22.0, -1.0 };

static double draw_log_column(const struct population *p, struct fb_rng *rng)
{
    const double a = pow(10.0, p->slope * p->log_low), b = pow(10.0, p->slope * p->log_high);
    return log10(a + fb_uniform(rng) * (b - a)) / p->slope;
}

static void add_population(struct fb_sightline *s, const struct population *p, struct fb_rng *rng, double z,
                           struct fb_dlas *dlas)
{
    const double highest = p->rate * pow((1.0 + z) / 4.0, p->evolution);
    const unsigned n = fb_poisson(rng, highest * (z - FIRST_Z));

    for (unsigned i = 0; i < n; i++) {
        const double zi = FIRST_Z + (z - FIRST_Z) * fb_uniform(rng);
        const double log_column = draw_log_column(p, rng), column = pow(10.0, log_column);
        const double b = 18.0 + 17.0 * fb_uniform(rng);
        if (fb_uniform(rng) > pow((1.0 + zi) / (1.0 + z), p->evolution))
            continue;
        for (int k = 0; k < FB_LYMAN_LINES; k++)
            fb_sightline_add_cloud(s, &fb_absorption_lines[k], zi, column, b);
        add_lyman_limit(s, zi, column);
        if (log_column >= 20.3 && dlas->count < FB_MAX_DLAS)
            dlas->dla[dlas->count++] = (struct fb_dla){ zi, log_column };
    }
}

int fb_forest_add(struct fb_sightline *s, const struct fb_forest_model *model, struct fb_rng *rng, double z,
                  struct fb_dlas *dlas)
{
    dlas->count = 0;
    if (z <= FIRST_Z)
        return 0;
    if (add_diffuse(s, model, rng, z) < 0)
        return -1;
    add_population(s, &partial_limit, rng, z, dlas);
    add_population(s, &limit, rng, z, dlas);
    add_population(s, &damped, rng, z, dlas);
    return 0;
}
