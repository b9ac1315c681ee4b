/* curve.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "plot/cairo/curve.h"

/* The rest-frame range that is shown unless the user says otherwise: from Ly-alpha to He II, A. */
#define REST_BEGIN 1200.0
#define REST_END 1700.0
/* Axes hold all but these fractions of the smoothed pixels, so that no bad pixel sets them. */
#define LOWEST 0.005
#define HIGHEST 0.998
#define MARGIN 0.08 /* of the range, above */
#define LEAST_RATIO 1.5
#define MOST_RATIO 2.6

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which this fraction of the finite values is; `otherwise` where there are none. */
static double percentile(const double *values, size_t n, double fraction, double *scratch, double otherwise)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            scratch[m++] = values[i];
    if (m == 0)
        return otherwise;
    qsort(scratch, m, sizeof *scratch, ascending);
    return scratch[(size_t)(fraction * (double)(m - 1) + 0.5)];
}

static int is_good(const struct fb_plot_figure *f, size_t i)
{
    return f->ivar[i] > 0 && isfinite(f->ivar[i]) && isfinite(f->flux[i]);
}

/* The range of the axis: what is asked for, or the usual one where the spectrum covers it. */
static void choose_range(struct fb_curve *c, const struct fb_plot_figure *f, const struct fb_plot_style *s)
{
    size_t first = 0, last = f->n;
    while (first < last && !is_good(f, first))
        first++;
    while (last > first && !is_good(f, last - 1))
        last--;
    c->frame = s->observed ? 1 + f->z : 1;
    c->begin = s->begin;
    c->end = s->end;
    if (s->end > s->begin)
        return;
    c->begin = REST_BEGIN * c->frame;
    c->end = REST_END * c->frame;
    if (last == first)
        return;
    double scale = c->frame / (1 + f->z), from = f->wavelength[first] * scale,
           to = f->wavelength[last - 1] * scale;
    if (from > c->begin && from < c->end)
        c->begin = from;
    if (to < c->end && to > c->begin)
        c->end = to;
}

/* The mean of the good pixels around pixel i, weighted with their inverse variances. */
static void smooth_pixel(struct fb_curve *c, const struct fb_plot_figure *f, size_t i, size_t half, size_t k)
{
    double weights = 0, sum = 0;
    size_t from = i > half ? i - half : 0, to = i + half < f->n ? i + half : f->n - 1;
    for (size_t j = from; j <= to; j++) {
        if (!is_good(f, j))
            continue;
        weights += f->ivar[j];
        sum += f->ivar[j] * f->flux[j];
    }
    c->flux[k] = sum / weights;
    c->error[k] = 1 / sqrt(weights);
    if (f->continuum[i] > 0) {
        c->ratio[k] = c->flux[k] / f->continuum[i];
        c->ratio_error[k] = c->error[k] / f->continuum[i];
    }
}

/* The largest running median: the top of the highest line, but not of a spike. */
static double highest_line(const double *values, size_t n)
{
    enum { WIDTH = 11 };
    double scratch[WIDTH], highest = -HUGE_VAL;
    for (size_t i = 0; i + WIDTH <= n; i++)
        highest = fmax(highest, percentile(values + i, WIDTH, 0.5, scratch, -HUGE_VAL));
    return highest;
}

static void choose_axes(struct fb_curve *c, double *scratch)
{
    double low = percentile(c->flux, c->n, LOWEST, scratch, 0),
           high = percentile(c->flux, c->n, HIGHEST, scratch, 1),
           top = percentile(c->continuum, c->n, 1, scratch, high);
    double most = percentile(c->ratio, c->n, HIGHEST, scratch, LEAST_RATIO);
    high = fmax(fmax(top, high), highest_line(c->flux, c->n));
    low = low < 0 ? low : 0;
    if (!(high > low))
        high = low + 1;
    c->high = high + MARGIN * (high - low);
    c->low = low - MARGIN / 2 * (high - low);
    c->ratio_high = fmin(fmax(1.05 * most, LEAST_RATIO), MOST_RATIO);
}

int fb_curve_make(struct fb_curve *c, const struct fb_plot_figure *f, const struct fb_plot_style *s)
{
    enum { COUNT = 6 };
    double **const arrays[COUNT] = { &c->x, &c->flux, &c->error, &c->continuum, &c->ratio, &c->ratio_error };
    memset(c, 0, sizeof *c);
    double *numbers = malloc((COUNT + 1) * (f->n + 1) * sizeof *numbers), *scratch = numbers;
    if (!numbers)
        return -1;
    for (size_t a = 0; a < COUNT; a++, scratch += f->n + 1)
        *arrays[a] = scratch;
    choose_range(c, f, s);
    for (size_t i = 0; i < f->n; i++) {
        double x = f->wavelength[i] * c->frame / (1 + f->z);
        if (x < c->begin || x > c->end)
            continue;
        size_t k = c->n++;
        c->x[k] = x;
        c->continuum[k] = f->continuum[i];
        c->flux[k] = c->error[k] = c->ratio[k] = c->ratio_error[k] = NAN;
        if (is_good(f, i))
            smooth_pixel(c, f, i, s->smooth / 2, k);
    }
    choose_axes(c, scratch);
    return 0;
}

void fb_curve_free(struct fb_curve *c)
{
    free(c->x); /* the others are behind it */
    memset(c, 0, sizeof *c);
}

double fb_tick_step(double range, int most)
{
    double step = pow(10, floor(log10(range / most)));
    const double factors[] = { 1, 2, 5, 10 };
    for (int k = 0; k < 4; k++)
        if (range / (factors[k] * step) <= most)
            return factors[k] * step;
    return 10 * step;
}
