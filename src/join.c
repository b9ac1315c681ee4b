/*
 * join.c - joins the pixels of one target's cameras on a grid made by cameras.c (docs/algorithm.md §1).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "kernels.h"

/* DEVIATION clean-pixels: the reference lets NaN, inf and negative ivar through. */
static inline int pixel_ok(float flux, float ivar)
{
    return fabsf(flux) <= FLT_MAX && ivar >= 0 && ivar <= FLT_MAX;
}

static void copy_pixels(size_t n, const float *flux, const float *ivar, double *flux_out, double *ivar_out)
{
    for (size_t i = 0; i < n; i++) {
        int ok = pixel_ok(flux[i], ivar[i]);
        float f = ok ? flux[i] : 0.0F, iv = ok ? ivar[i] : 0.0F;
        flux_out[i] = (double)f;
        ivar_out[i] = (double)iv;
    }
}

static void add_pixels(size_t n, const float *flux, const float *ivar, double *sum, double *ivar_out)
{
    for (size_t i = 0; i < n; i++) {
        int ok = pixel_ok(flux[i], ivar[i]);
        float f = ok ? flux[i] : 0.0F, iv = ok ? ivar[i] : 0.0F;
        sum[i] += (double)iv * (double)f;
        ivar_out[i] += (double)iv;
    }
}

static void divide(size_t n, double *sum, const double *ivar)
{
    for (size_t i = 0; i < n; i++)
        sum[i] = sum[i] / (ivar[i] > 0 ? ivar[i] : 1.0);
}

static void join_aligned(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t first,
                         size_t last, double *flux, double *ivar)
{
    for (int k = 0; k < grid->nruns; k++) {
        const struct fb_run *run = &grid->runs[k];
        size_t begin = run->begin > first ? run->begin : first, end = run->end < last ? run->end : last;
        if (begin >= end)
            continue;
        size_t n = end - begin, skip = begin - run->begin;
        double *f = flux + begin, *iv = ivar + begin;
        if (run->ncameras == 1) {
            const struct fastbal_pixels *p = &cameras[run->camera[0]];
            copy_pixels(n, p->flux + run->offset[0] + skip, p->ivar + run->offset[0] + skip, f, iv);
            continue;
        }
        memset(f, 0, n * sizeof *f);
        memset(iv, 0, n * sizeof *iv);
        for (int c = 0; c < run->ncameras; c++) {
            const struct fastbal_pixels *p = &cameras[run->camera[c]];
            add_pixels(n, p->flux + run->offset[c] + skip, p->ivar + run->offset[c] + skip, f, iv);
        }
        divide(n, f, iv);
    }
}

static void add_resampled(const struct fb_resampler *r, const struct fastbal_pixels *p, size_t begin,
                          size_t end, double *sum, double *ivar)
{
    for (size_t i = begin; i < end; i++) {
        size_t pixel = r->node[i];
        double weights = 0, values = 0;
        for (size_t k = r->first_weight[i]; k < r->first_weight[i + 1]; k++, pixel++) {
            float iv = p->ivar[pixel], f = p->flux[pixel];
            if (!pixel_ok(f, iv) || (p->mask && p->mask[pixel] != 0))
                continue;
            weights += r->weight[k] * (double)iv;
            values += r->weight[k] * ((double)iv * (double)f);
        }
        ivar[i] += weights;
        sum[i] += values;
    }
}

void fb_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin, size_t end,
             double *flux, double *ivar)
{
    if (begin >= end)
        return;
    if (!grid->resamples) {
        join_aligned(grid, cameras, begin, end, flux, ivar);
        return;
    }
    memset(flux + begin, 0, (end - begin) * sizeof *flux);
    memset(ivar + begin, 0, (end - begin) * sizeof *ivar);
    for (int c = 0; c < grid->ncameras; c++)
        add_resampled(&grid->resampler[c], &cameras[c], begin, end, flux, ivar);
    divide(end - begin, flux + begin, ivar + begin);
}
