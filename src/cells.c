/*
 * cells.c - templates on the cells of the trough-aware continuum (docs/algorithm.md §4), computed once when a
 * set is created.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define FIRST_CELL 1258.0 /* A, its centre; the centre of the last cell is 2402 */
/* The ratio of neighbouring centres: (2402 / 1258)^(1 / (FB_CELLS - 1)). Centres and edges are computed by
 * multiplication, because logarithms differ between machines in the last digit. */
#define STEP 1.0005886887373383
#define HALF_STEP 1.0002943010621117 /* the square root of STEP */

#define WIDER 1.5           /* factor by which the prior's covariance is enlarged */
#define DEFAULT_MISFIT 0.03 /* of templates without a prior */

static void place_cells(struct fb_cells *cells, double middle[FB_CELLS])
{
    cells->edge[0] = FIRST_CELL / HALF_STEP;
    middle[0] = FIRST_CELL;
    for (size_t i = 0; i < FB_CELLS; i++)
        cells->edge[i + 1] = cells->edge[i] * STEP;
    for (size_t i = 1; i < FB_CELLS; i++)
        middle[i] = middle[i - 1] * STEP;
}

/* Interpolate templates and misfit linearly to the centres of the cells. */
static void interpolate(const fastbal_templates *t, const double middle[FB_CELLS], const double *misfit,
                        struct fb_cells *cells)
{
    uint32_t segment[FB_CELLS];
    double fraction[FB_CELLS];
    fb_templates_locate(t, middle, FB_CELLS, segment, fraction);
    for (int k = 0; k < t->nt; k++) {
        const double *value = fb_templates_values(t, k);
        for (size_t i = 0; i < FB_CELLS; i++)
            cells->value[k][i] =
                value[segment[i]] + fraction[i] * (value[segment[i] + 1] - value[segment[i]]);
    }
    for (size_t i = 0; i < FB_CELLS; i++) {
        const double *m = misfit ? misfit + segment[i] : NULL;
        double here = m ? m[0] + fraction[i] * (m[1] - m[0]) : DEFAULT_MISFIT;
        cells->variance[i] = here * here;
    }
}

/* Compute the lower triangle of Q, as in struct fb_equations, for which (x - mean)' P (x - mean) = c' Q c /
 * c_0^2, where x_k = c_k / c_0 and P is the inverse of the enlarged covariance. Returns 0 if there is no
 * inverse. */
static int make_precision(const fastbal_templates *t, const struct fastbal_prior *prior,
                          struct fb_cells *cells)
{
    int nt = t->nt, n = nt - 1;
    double wider[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES],
        p[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES];
    double *q = cells->precision;

    for (int i = 0; i < n * n; i++)
        wider[i] = WIDER * prior->covariance[i];
    if (!fb_invert(n, wider, p))
        return 0;
    for (int j = 0; j < n; j++) {
        double product = 0;
        for (int i = 0; i < n; i++)
            product += p[i + j * n] * prior->mean[i];
        q[0] += prior->mean[j] * product;
        q[j + 1] = -product;
        for (int i = j; i < n; i++)
            q[i + 1 + (j + 1) * nt] = p[i + j * n];
        cells->typical[j + 1] = prior->mean[j];
    }
    return 1;
}

/* FNV-1a */
uint64_t fb_hash(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ b[i]) * UINT64_C(1099511628211);
    return sum;
}

static void identify(struct fb_cells *cells, int nt)
{
    uint64_t sum =
        fb_hash(UINT64_C(14695981039346656037), cells->value[0], (size_t)nt * sizeof cells->value[0]);
    sum = fb_hash(sum, cells->variance, sizeof cells->variance);
    sum = fb_hash(sum, cells->typical, sizeof cells->typical);
    cells->sum = fb_hash(sum, cells->precision, sizeof cells->precision);
}

int fb_cells_create(fastbal_templates *t)
{
    size_t size = sizeof(struct fb_cells) + (size_t)t->nt * sizeof t->cells->value[0];
    double middle[FB_CELLS];
    struct fastbal_prior prior;
    struct fb_cells *cells = aligned_alloc(64, size);

    t->cells = cells;
    if (!cells)
        return FASTBAL_ENOMEM;
    memset(cells, 0, size);
    place_cells(cells, middle);
    cells->has_prior = fastbal_templates_prior(t, &prior);
    interpolate(t, middle, prior.misfit, cells);
    cells->typical[0] = 1;
    if (cells->has_prior && !make_precision(t, &prior, cells))
        return FASTBAL_EPRIOR;
    identify(cells, t->nt);
    return FASTBAL_OK;
}
