/*
 * absorption.c - quantities of whole troughs, and the width of the emission line (docs/algorithm.md §5.1).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

void fb_absorption_clear(struct fastbal_absorption *absorption)
{
    memset(absorption, 0, sizeof *absorption);
    absorption->detachment = -1;
}

/* The width of a pixel: half the distance between its neighbours. */
static double width_of(const double *w, size_t n, size_t i)
{
    size_t before = i > 0 ? i - 1 : i, after = i + 1 < n ? i + 1 : i;
    return (w[after] - w[before]) / 2;
}

void fb_whole_add(struct fb_whole *sum, const struct fb_pixels_in *p, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        double dw = width_of(p->w, p->n, i), dv = FASTBAL_LIGHT_SPEED * dw / p->line;
        double noise = p->sigma[i] == FB_NO_ERROR ? 0 : p->ns[i], off = fabs(p->off / p->model[i]);
        sum->width += dv;
        sum->ai += dv * (1 - p->nf[i] / FB_CONTINUUM);
        sum->ew += dw * (1 - p->nf[i]);
        sum->depth += dv * (1 - p->nf[i]);
        sum->ai_noise += (dv * noise / FB_CONTINUUM) * (dv * noise / FB_CONTINUUM);
        sum->ew_noise += dw * noise * (dw * noise);
        sum->depth_noise += dv * noise * (dv * noise);
        sum->ai_off += dv * off / FB_CONTINUUM;
        sum->ew_off += dw * off;
        sum->depth_off += dv * off;
    }
}

static void quote(double value, double noise, double off, double *result, double *error)
{
    int good = isfinite(value) && isfinite(noise) && isfinite(off);
    *result = good ? value : 0;
    *error = good ? sqrt(noise + off * off) : 0;
}

void fb_whole_ew(const struct fb_whole *sum, double *ew, double *error)
{
    quote(sum->ew, sum->ew_noise, sum->ew_off, ew, error);
}

void fb_whole_depth(const struct fb_whole *sum, double *depth, double *error)
{
    double width = sum->width > 0 ? sum->width : 1;
    quote(sum->depth / width, sum->depth_noise / (width * width), sum->depth_off / width, depth, error);
}

void fb_whole_ai(const struct fb_whole *sum, double *ai, double *error)
{
    quote(sum->ai, sum->ai_noise, sum->ai_off, ai, error);
}

/* ---- the emission line ---- */

static double mean_between(size_t n, const double *w, const double *model, double from, double to)
{
    double sum = 0;
    size_t begin = fb_first_at_least(w, n, from), end = fb_first_at_least(w, n, to);
    for (size_t i = begin; i < end; i++)
        sum += model[i];
    return end > begin ? sum / (double)(end - begin) : NAN;
}

/* The height of the model at pixel i above the straight line from `blue` at 1450 A to `red` at 1700 A. */
static double above(const double *w, const double *model, size_t i, double blue, double red)
{
    return model[i] - (blue + (red - blue) * (w[i] - 1450) / (1700 - 1450));
}

double fb_half_width(size_t n, const double *w, const double *model)
{
    double blue = mean_between(n, w, model, FB_LINE_BLUE, 1460),
           red = mean_between(n, w, model, 1690, FB_LINE_RED);
    size_t begin = fb_first_at_least(w, n, 1530), end = fb_first_at_least(w, n, 1565), peak = begin;
    if (begin == end || !isfinite(blue) || !isfinite(red))
        return 0;
    for (size_t i = begin; i < end; i++)
        if (above(w, model, i, blue, red) > above(w, model, peak, blue, red))
            peak = i;
    double half = above(w, model, peak, blue, red) / 2;
    if (!(half > 0))
        return 0;
    size_t i = peak;
    while (i + 1 < n && w[i] < 1690 && above(w, model, i, blue, red) > half)
        i++;
    if (i == peak || w[i] >= 1690)
        return 0;
    double before = above(w, model, i - 1, blue, red), here = above(w, model, i, blue, red);
    double crossing = w[i - 1] + (before - half) / (before - here) * (w[i] - w[i - 1]);
    return FASTBAL_LIGHT_SPEED * (crossing - w[peak]) / FB_CIV;
}
