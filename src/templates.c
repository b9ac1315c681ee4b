/*
 * templates.c - continuum components and their interpolation (docs/algorithm.md §3).
 *
 * Values are kept wavelength by wavelength, so that finding the segment of a pixel serves all components. It is found from a
 * table over equal steps of wavelength and not from the pixel before, so that pixels don't wait for each other.
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
    size_t padded;      /* nt, rounded up to whole vectors */
    double *table;      /* n x 2 x padded: values, and slopes from wavelength i to i + 1 (the last ones are unused) */
    size_t nsteps;
    double steps_per_wavelength;
    uint32_t *first_segment; /* nsteps + 1: the segment in which a step begins */
};

/* Four components at a time; the compiler makes of it what the processor has. */
enum { VECTOR = 4 };
typedef double vector __attribute__((vector_size(VECTOR * sizeof(double))));

static const double *values_at(const fastbal_templates *t, size_t i)
{
    return t->table + 2 * i * t->padded;
}

static const double *slopes_at(const fastbal_templates *t, size_t i)
{
    return t->table + (2 * i + 1) * t->padded;
}

/* Steps as wide as the narrowest segment, so that a step holds at most one border between segments. */
static int make_steps(fastbal_templates *t)
{
    enum { MOST = 1 << 16 };
    double narrowest = INFINITY, width = t->wavelength[t->n - 1] - t->wavelength[0];
    for (size_t i = 0; i + 1 < t->n; i++)
        narrowest = fmin(narrowest, t->wavelength[i + 1] - t->wavelength[i]);
    t->nsteps = width / narrowest < MOST ? (size_t)(width / narrowest) + 1 : MOST;
    t->steps_per_wavelength = (double)t->nsteps / width;
    t->first_segment = malloc((t->nsteps + 1) * sizeof *t->first_segment);
    if (!t->first_segment)
        return FASTBAL_ENOMEM;
    size_t segment = 0;
    for (size_t k = 0; k <= t->nsteps; k++) {
        /* a little to the left, so that rounding never puts a pixel before its step's segment */
        double begin = t->wavelength[0] + ((double)k - 1e-3) / t->steps_per_wavelength;
        while (segment + 2 < t->n && t->wavelength[segment + 1] <= begin)
            segment++;
        t->first_segment[k] = (uint32_t)segment;
    }
    return FASTBAL_OK;
}

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
    if (nwave > UINT32_MAX || !fb_wavelengths_ok(wavelength, nwave))
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
    t->padded = (nt + VECTOR - 1) / VECTOR * VECTOR;
    t->table = calloc(nwave * 2 * t->padded, sizeof *t->table);
    if (!t->wavelength || !t->table) {
        fastbal_templates_free(t);
        return FASTBAL_ENOMEM;
    }
    memcpy(t->wavelength, wavelength, nwave * sizeof *wavelength);
    for (size_t i = 0; i < nwave; i++) {
        double *value = t->table + 2 * i * t->padded, *slope = value + t->padded;
        for (size_t k = 0; k < nt; k++) {
            value[k] = values[k * nwave + i];
            if (i + 1 < nwave)
                slope[k] = (values[k * nwave + i + 1] - values[k * nwave + i]) / (wavelength[i + 1] - wavelength[i]);
        }
    }
    if (make_steps(t) != FASTBAL_OK) {
        fastbal_templates_free(t);
        return FASTBAL_ENOMEM;
    }
    *out = t;
    return FASTBAL_OK;
}

void fastbal_templates_free(fastbal_templates *t)
{
    if (!t)
        return;
    free(t->wavelength);
    free(t->table);
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
    return values_at(t, i)[component];
}

/* The last segment that begins at or below w, which lies between the first and the last wavelength. */
static inline size_t find_segment(const fastbal_templates *t, double w)
{
    size_t segment = t->first_segment[(size_t)((w - t->wavelength[0]) * t->steps_per_wavelength)];
    /* at most one border lies in a step, mostly: half the pixels are beyond it, so no branch */
    segment += (size_t)(t->wavelength[segment + 1] <= w);
    while (segment + 2 < t->n && t->wavelength[segment + 1] <= w)
        segment++;
    return segment;
}

/* Where pixels are: each one's segment, and how far into it. Pixels beyond the ends sit at the ends. */
static void locate(const fastbal_templates *t, const double *w, size_t n, uint32_t *segment, double *dw)
{
    double first = t->wavelength[0], last = t->wavelength[t->n - 1];
    for (size_t i = 0; i < n; i++) {
        if (w[i] > first && w[i] < last) {
            segment[i] = (uint32_t)find_segment(t, w[i]);
            dw[i] = w[i] - t->wavelength[segment[i]];
        } else {
            segment[i] = w[i] >= last ? (uint32_t)t->n - 1 : 0;
            dw[i] = 0;
        }
    }
}

/* Four components of four pixels, values + slopes * dw, so that out[k] holds component k of all four. */
static inline void interpolate_square(const double *const row[VECTOR], size_t padded, const double *dw, vector *out)
{
    vector r[VECTOR];
    for (int i = 0; i < VECTOR; i++) {
        vector value, slope;
        memcpy(&value, row[i], sizeof value);
        memcpy(&slope, row[i] + padded, sizeof slope);
        r[i] = slope * dw[i] + value;
    }
    vector a = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), b = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
    vector c = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), d = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
    out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    out[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    out[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/* Pixels in fours; n is a multiple of four. */
FB_KERNEL
static void interpolate_pixels(const double *restrict table, size_t nt, size_t padded, const uint32_t *restrict segment,
                               const double *restrict dw, size_t n, double *restrict values, size_t stride)
{
    for (size_t i = 0; i < n; i += VECTOR) {
        const double *row[VECTOR];
        for (size_t l = 0; l < VECTOR; l++)
            row[l] = table + 2 * segment[i + l] * padded;
        for (size_t k = 0; k < nt; k += VECTOR) {
            vector out[VECTOR];
            interpolate_square(row, padded, dw + i, out);
            for (size_t l = 0; l < VECTOR && k + l < nt; l++)
                memcpy(values + (k + l) * stride + i, &out[l], sizeof out[l]);
            for (size_t l = 0; l < VECTOR; l++)
                row[l] += VECTOR;
        }
    }
}

static void interpolate_rest(const fastbal_templates *t, uint32_t segment, double dw, double *values, size_t stride)
{
    for (size_t k = 0; k < (size_t)t->nt; k++)
        values[k * stride] = slopes_at(t, segment)[k] * dw + values_at(t, segment)[k];
}

void fb_templates_interpolate(const fastbal_templates *t, const double *w, size_t n, double *values, size_t stride)
{
    enum { BLOCK = 256 };
    uint32_t segment[BLOCK];
    double dw[BLOCK];

    for (size_t begin = 0; begin < n; begin += BLOCK) {
        size_t count = n - begin < BLOCK ? n - begin : BLOCK, fours = count / VECTOR * VECTOR;
        locate(t, w + begin, count, segment, dw);
        interpolate_pixels(t->table, (size_t)t->nt, t->padded, segment, dw, fours, values + begin, stride);
        for (size_t i = fours; i < count; i++)
            interpolate_rest(t, segment[i], dw[i], values + begin + i, stride);
    }
}

void fastbal_continuum(const fastbal_templates *t, const double *coeffs, double z, size_t n,
                       const double *wavelength, double *continuum)
{
    for (size_t i = 0; i < n; i++) {
        double w = wavelength[i] / (1 + z), dw, sum = 0;
        uint32_t segment;
        locate(t, &w, 1, &segment, &dw);
        const double *value = values_at(t, segment), *slope = slopes_at(t, segment);
        for (int k = 0; k < t->nt; k++)
            sum += coeffs[k] * (slope[k] * dw + value[k]);
        continuum[i] = sum;
    }
}
