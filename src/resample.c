/*
 * resample.c - flux-conserving resampling (docs/algorithm.md §1): the average over each output pixel of the
 * piecewise-linear function through the input pixels, which falls to zero one node beyond either end.
 *
 * The average is linear in the input, so its weights are computed once for a pair of grids. The weight of an
 * input node is the integral of its hat function over the output pixel, divided by the pixel's width.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* The position of input node j, from -1 to n: one node of value 0 is added on each side. */
static double node_position(const double *x, size_t n, ptrdiff_t j)
{
    if (j < 0)
        return 2 * x[0] - x[1];
    if ((size_t)j >= n)
        return 2 * x[n - 1] - x[n - 2];
    return x[j];
}

static double pixel_edge(const double *xout, size_t nout, size_t i)
{
    if (i == 0)
        return 1.5 * xout[0] - 0.5 * xout[1];
    if (i == nout)
        return 1.5 * xout[nout - 1] - 0.5 * xout[nout - 2];
    return 0.5 * (xout[i] + xout[i - 1]);
}

/* Ensure capacity for k more weights. The array at least doubles when it grows. */
static int reserve(struct fb_resampler *r, size_t used, size_t k, size_t *room)
{
    if (used + k <= *room)
        return FASTBAL_OK;
    size_t wanted = 2 * *room + k;
    double *grown = realloc(r->weight, wanted * sizeof *grown);
    if (!grown)
        return FASTBAL_ENOMEM;
    r->weight = grown;
    *room = wanted;
    return FASTBAL_OK;
}

/* Compute the weights of input nodes first .. last for one output pixel [a, b], whose first overlapping
 * segment starts at node j. */
static void pixel_weights(const double *x, size_t n, double a, double b, ptrdiff_t j, ptrdiff_t first,
                          ptrdiff_t last, double *weight)
{
    memset(weight, 0, (size_t)(last - first + 1) * sizeof *weight);
    for (; j < (ptrdiff_t)n && node_position(x, n, j) < b; j++) {
        double x0 = node_position(x, n, j), x1 = node_position(x, n, j + 1);
        double p = fmax(a, x0), q = fmin(b, x1);
        if (q <= p)
            continue;
        double middle = 0.5 * (p + q), share = (q - p) / ((x1 - x0) * (b - a));
        if (j >= first && j <= last)
            weight[j - first] += share * (x1 - middle);
        if (j + 1 >= first && j + 1 <= last)
            weight[j + 1 - first] += share * (middle - x0);
    }
}

static int fill_weights(struct fb_resampler *r, const double *x, size_t n, const double *xout)
{
    size_t used = 0, room = 0;
    ptrdiff_t j =
        -1; /* the segment from node j to j + 1 that holds the pixel's lower edge, or the first above it */

    for (size_t i = 0; i < r->nout; i++) {
        double a = pixel_edge(xout, r->nout, i), b = pixel_edge(xout, r->nout, i + 1);
        while (j < (ptrdiff_t)n - 1 && node_position(x, n, j + 1) <= a)
            j++;
        ptrdiff_t end = j; /* one past the last segment that begins below b */
        while (end < (ptrdiff_t)n && node_position(x, n, end) < b)
            end++;
        ptrdiff_t first = j < 0 ? 0 : j, last = end >= (ptrdiff_t)n ? (ptrdiff_t)n - 1 : end;
        size_t k = last >= first && end > j ? (size_t)(last - first + 1) : 0;
        if (reserve(r, used, k, &room) != FASTBAL_OK)
            return FASTBAL_ENOMEM;
        r->first_weight[i] = used;
        r->node[i] = (size_t)first;
        if (k > 0)
            pixel_weights(x, n, a, b, j, first, last, r->weight + used);
        used += k;
    }
    r->first_weight[r->nout] = used;
    return FASTBAL_OK;
}

int fb_resampler_create(struct fb_resampler *r, const double *x, size_t n, const double *xout, size_t nout)
{
    r->nout = nout;
    r->weight = NULL;
    r->first_weight = malloc((nout + 1) * sizeof *r->first_weight);
    r->node = malloc(nout * sizeof *r->node);
    if (!r->first_weight || !r->node || fill_weights(r, x, n, xout) != FASTBAL_OK) {
        fb_resampler_release(r);
        return FASTBAL_ENOMEM;
    }
    return FASTBAL_OK;
}

void fb_resampler_release(struct fb_resampler *r)
{
    free(r->first_weight);
    free(r->node);
    free(r->weight);
    memset(r, 0, sizeof *r);
}
