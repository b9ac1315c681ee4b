/*
 * templates.c - sets of continuum components, and the table for locating pixels on their grid
 * (docs/algorithm.md §3).
 *
 * A pixel's segment is looked up in a table over equal steps of wavelength, not found from the previous
 * pixel's, so that pixels are independent of each other.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define MOST_STEPS 1e6

/* Between these limits, segment widths and their reciprocals neither overflow nor underflow. */
#define LEAST_WAVELENGTH 1e-30
#define MOST_WAVELENGTH 1e30

/* Create the table. Steps are a little narrower than the narrowest segment, so that each contains at most one
 * border between segments. */
static int make_steps(fastbal_templates *t)
{
    double narrowest = INFINITY, width = t->wavelength[t->n - 1] - t->wavelength[0];
    for (size_t i = 0; i + 1 < t->n; i++)
        narrowest = fmin(narrowest, t->wavelength[i + 1] - t->wavelength[i]);
    double steps = 1.01 * width / narrowest + 1;
    if (!(steps < MOST_STEPS))
        return FASTBAL_OK; /* too uneven for a table: segments are found by bisection */
    t->nsteps = (size_t)steps;
    t->steps_per_wavelength = (double)t->nsteps / width;
    t->first_segment = malloc((t->nsteps + 1) * sizeof *t->first_segment);
    if (!t->first_segment)
        return FASTBAL_ENOMEM;
    size_t segment = 0;
    for (size_t k = 0; k <= t->nsteps; k++) {
        /* a little blueward, so that rounding never puts a pixel before its step's segment */
        double begin = t->wavelength[0] + ((double)k - 1e-3) / t->steps_per_wavelength;
        while (segment + 2 < t->n && t->wavelength[segment + 1] <= begin)
            segment++;
        t->first_segment[k] = (uint32_t)segment;
    }
    return FASTBAL_OK;
}

/* ---- priors ---- */

static int all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* Elements that should be equal may differ by rounding. */
static int is_symmetric(const double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (!(fabs(a[i * n + j] - a[j * n + i]) <= 1e-9 * sqrt(a[i * n + i] * a[j * n + j])))
                return 0;
    return 1;
}

static int prior_ok(const struct fastbal_prior *p, size_t nwave, size_t n)
{
    double inverse[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES];
    if (n < 1 || !all_finite(p->mean, n) || !all_finite(p->covariance, n * n) ||
        !all_finite(p->misfit, nwave))
        return 0;
    for (size_t i = 0; i < nwave; i++)
        if (p->misfit[i] < 0)
            return 0;
    return is_symmetric(p->covariance, n) && fb_invert((int)n, p->covariance, inverse);
}

/* The number of values of the prior before the misfit: mean and covariance. */
static size_t prior_values(const fastbal_templates *t)
{
    size_t n = (size_t)t->nt - 1;
    return n + n * n;
}

static int copy_prior(fastbal_templates *t, const struct fastbal_prior *prior)
{
    size_t n = (size_t)t->nt - 1;
    t->prior = malloc((prior_values(t) + t->n) * sizeof *t->prior);
    if (!t->prior)
        return FASTBAL_ENOMEM;
    memcpy(t->prior, prior->mean, n * sizeof *t->prior);
    memcpy(t->prior + n, prior->covariance, n * n * sizeof *t->prior);
    memcpy(t->prior + n + n * n, prior->misfit, t->n * sizeof *t->prior);
    return FASTBAL_OK;
}

int fastbal_templates_prior(const fastbal_templates *t, struct fastbal_prior *prior)
{
    *prior = (struct fastbal_prior){ 0 };
    if (!t->prior)
        return 0;
    *prior = (struct fastbal_prior){ t->prior, t->prior + t->nt - 1, t->prior + prior_values(t) };
    return 1;
}

/* ---- sets ---- */

int fastbal_templates_create(fastbal_templates **out, size_t nwave, const double *wavelength, int ntemplates,
                             const double *values)
{
    return fastbal_templates_create_with_prior(out, nwave, wavelength, ntemplates, values, NULL);
}

int fastbal_templates_create_with_prior(fastbal_templates **out, size_t nwave, const double *wavelength,
                                        int ntemplates, const double *values,
                                        const struct fastbal_prior *prior)
{
    if (!out)
        return FASTBAL_EARGUMENT;
    *out = NULL;
    if (!wavelength || !values || ntemplates < 1)
        return FASTBAL_EARGUMENT;
    if (prior && (!prior->mean || !prior->covariance || !prior->misfit))
        return FASTBAL_EARGUMENT;
    if (ntemplates > FASTBAL_MAX_TEMPLATES)
        return FASTBAL_ETEMPLATES;
    if (nwave > UINT32_MAX || !fb_wavelengths_ok(wavelength, nwave))
        return FASTBAL_EWAVELENGTH;
    if (wavelength[0] < LEAST_WAVELENGTH || wavelength[nwave - 1] > MOST_WAVELENGTH)
        return FASTBAL_EWAVELENGTH;
    size_t nt = (size_t)ntemplates;
    if (!all_finite(values, nwave * nt))
        return FASTBAL_ETEMPLATES;
    if (prior && !prior_ok(prior, nwave, nt - 1))
        return FASTBAL_EPRIOR;

    fastbal_templates *t = calloc(1, sizeof *t);
    if (!t)
        return FASTBAL_ENOMEM;
    t->n = nwave;
    t->nt = ntemplates;
    t->wavelength = malloc(nwave * sizeof *t->wavelength);
    t->per_width = malloc(nwave * sizeof *t->per_width);
    t->value = calloc(nt * (nwave + 2), sizeof *t->value);
    if (!t->wavelength || !t->per_width || !t->value) {
        fastbal_templates_free(t);
        return FASTBAL_ENOMEM;
    }
    memcpy(t->wavelength, wavelength, nwave * sizeof *wavelength);
    for (size_t i = 0; i + 1 < nwave; i++)
        t->per_width[i] = 1 / (wavelength[i + 1] - wavelength[i]);
    for (size_t k = 0; k < nt; k++)
        memcpy(t->value + k * (nwave + 2) + 1, values + k * nwave, nwave * sizeof *values);
    int status = make_steps(t);
    if (status == FASTBAL_OK && prior)
        status = copy_prior(t, prior);
    if (status == FASTBAL_OK)
        status = fb_cells_create(t);
    if (status != FASTBAL_OK) {
        fastbal_templates_free(t);
        return status;
    }
    *out = t;
    return FASTBAL_OK;
}

void fastbal_templates_free(fastbal_templates *t)
{
    if (!t)
        return;
    free(t->wavelength);
    free(t->per_width);
    free(t->value);
    free(t->prior);
    free(t->cells);
    free(t->first_segment);
    free(t);
}

int fastbal_templates_count(const fastbal_templates *t)
{
    return t->nt;
}

size_t fastbal_templates_size(const fastbal_templates *t)
{
    return t->n;
}

const double *fastbal_templates_wavelength(const fastbal_templates *t)
{
    return t->wavelength;
}

double fastbal_templates_value(const fastbal_templates *t, int component, size_t i)
{
    return fb_templates_values(t, component)[i];
}

const double *fb_templates_values(const fastbal_templates *t, int component)
{
    return t->value + (size_t)component * (t->n + 2) + 1;
}

void fastbal_continuum(const fastbal_templates *t, const double *coeffs, double z, size_t n,
                       const double *wavelength, double *continuum)
{
    for (size_t i = 0; i < n; i++) {
        double w = wavelength[i] / (1 + z), fraction, sum = 0;
        uint32_t k;
        fb_templates_locate(t, &w, 1, &k, &fraction);
        for (int c = 0; c < t->nt; c++) {
            const double *value = fb_templates_values(t, c);
            sum += coeffs[c] * (value[k] + fraction * (value[k + 1] - value[k]));
        }
        continuum[i] = sum;
    }
}
