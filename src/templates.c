/*
 * templates.c - continuum components and their interpolation (docs/algorithm.md §3).
 *
 * Values are kept wavelength by wavelength, so that one step along the wavelengths serves all components.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct fastbal_templates {
    size_t n;
    int nt;
    double *wavelength; /* n */
    double *value;      /* n x nt */
    double *slope;      /* (n - 1) x nt: from wavelength i to i + 1 */
};

int fastbal_templates_create(fastbal_templates **out, size_t nwave, const double *wavelength, int ntemplates,
                             const double *values)
{
    if (!out)
        return FASTBAL_EARGUMENT;
    *out = NULL;
    if (!wavelength || !values || ntemplates < 1)
        return FASTBAL_EARGUMENT;
    if (ntemplates > FASTBAL_MAX_TEMPLATES)
        return FASTBAL_ETEMPLATES;
    if (!fb_wavelengths_ok(wavelength, nwave))
        return FASTBAL_EWAVELENGTH;
    size_t nt = (size_t)ntemplates;
    for (size_t i = 0; i < nwave * nt; i++)
        if (!isfinite(values[i]))
            return FASTBAL_ETEMPLATES;

    fastbal_templates *t = calloc(1, sizeof *t);
    if (!t)
        return FASTBAL_ENOMEM;
    t->n = nwave;
    t->nt = ntemplates;
    t->wavelength = malloc(nwave * sizeof *t->wavelength);
    t->value = malloc(nwave * nt * sizeof *t->value);
    t->slope = malloc(nwave * nt * sizeof *t->slope);
    if (!t->wavelength || !t->value || !t->slope) {
        fastbal_templates_free(t);
        return FASTBAL_ENOMEM;
    }
    memcpy(t->wavelength, wavelength, nwave * sizeof *wavelength);
    for (size_t k = 0; k < nt; k++)
        for (size_t i = 0; i < nwave; i++)
            t->value[i * nt + k] = values[k * nwave + i];
    for (size_t i = 0; i + 1 < nwave; i++)
        for (size_t k = 0; k < nt; k++)
            t->slope[i * nt + k] = (t->value[(i + 1) * nt + k] - t->value[i * nt + k]) /
                                   (wavelength[i + 1] - wavelength[i]);
    *out = t;
    return FASTBAL_OK;
}

void fastbal_templates_free(fastbal_templates *t)
{
    if (!t)
        return;
    free(t->wavelength);
    free(t->value);
    free(t->slope);
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
    return t->value[i * (size_t)t->nt + (size_t)component];
}

/* All components at one wavelength; the segment is the last one that begins at or below it. */
static void hold_or_interpolate(const fastbal_templates *t, size_t segment, double w, double *values, size_t stride)
{
    size_t nt = (size_t)t->nt;
    if (w <= t->wavelength[0] || w >= t->wavelength[t->n - 1]) {
        const double *end = t->value + (w <= t->wavelength[0] ? 0 : (t->n - 1) * nt);
        for (size_t k = 0; k < nt; k++)
            values[k * stride] = end[k];
        return;
    }
    double dw = w - t->wavelength[segment];
    const double *value = t->value + segment * nt, *slope = t->slope + segment * nt;
    for (size_t k = 0; k < nt; k++)
        values[k * stride] = slope[k] * dw + value[k];
}

void fb_templates_interpolate(const fastbal_templates *t, const double *w, size_t n, double *values, size_t stride)
{
    size_t segment = 0;
    for (size_t i = 0; i < n; i++) {
        while (segment + 2 < t->n && t->wavelength[segment + 1] <= w[i])
            segment++;
        hold_or_interpolate(t, segment, w[i], values + i, stride);
    }
}

void fastbal_continuum(const fastbal_templates *t, const double *coeffs, double z, size_t n,
                       const double *wavelength, double *continuum)
{
    double values[FASTBAL_MAX_TEMPLATES];
    for (size_t i = 0; i < n; i++) {
        double w = wavelength[i] / (1 + z), sum = 0;
        size_t above = fb_first_at_least(t->wavelength, t->n, w);
        size_t segment = above < t->n && t->wavelength[above] <= w ? above : above - (above > 0);
        hold_or_interpolate(t, segment, w, values, 1);
        for (int k = 0; k < t->nt; k++)
            sum += coeffs[k] * values[k];
        continuum[i] = sum;
    }
}
