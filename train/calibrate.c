/* calibrate.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/calibrate.h"
#include <math.h>
#include <stdlib.h>

enum { BINS = 10, STEPS = 100, ROUNDS = 5 };

#define EDGE 0.9        /* the probability at the edge of the window */
#define SLOPE_ERROR 0.2 /* standard deviation of the prior */
#define INTERCEPT_ERROR 0.3
#define SHARE_QUASARS 100 /* number of quasars that FB_BEFORE_SHARE counts like */

double fb_rate(struct fb_logit_line line, double logit)
{
    return line.slope * logit + line.intercept;
}

double fb_probability(struct fb_logit_line line, double logit)
{
    return 1 / (1 + exp(-fb_rate(line, logit)));
}

/* ---- the line ---- */

/* The gradient and the Hessian of the loss. g: by slope, intercept; h: by slope twice, by both, by intercept
 * twice. */
struct quadratic {
    double g[2], h[3];
};

static struct quadratic expand(struct fb_logit_line line, struct fb_logit_line before,
                               const struct fb_mixture *m)
{
    const double stiff[2] = { 1 / (SLOPE_ERROR * SLOPE_ERROR), 1 / (INTERCEPT_ERROR * INTERCEPT_ERROR) };
    struct quadratic q = { { stiff[0] * (line.slope - before.slope),
                             stiff[1] * (line.intercept - before.intercept) },
                           { stiff[0], 0, stiff[1] } };
    for (size_t i = 0; i < m->sample->n; i++) {
        const struct fb_judged *row = &m->sample->rows[i];
        if (!fb_mixture_has(m, row) || !fb_mixture_is_open(m, row))
            continue;
        const double x = (double)row->logit, p = fb_probability(line, x);
        const double g = row->injected ? -m->weight : p, h = row->injected ? 0 : p * (1 - p);
        q.g[0] += g * x;
        q.g[1] += g;
        q.h[0] += h * x * x;
        q.h[1] += h * x;
        q.h[2] += h;
    }
    return q;
}

int fb_calibrate(struct fb_logit_line *line, struct fb_logit_line before, const struct fb_mixture *m)
{
    *line = before;
    for (int k = 0; k < STEPS; k++) {
        const struct quadratic q = expand(*line, before, m);
        const double det = q.h[0] * q.h[2] - q.h[1] * q.h[1];
        const double slope = (q.h[2] * q.g[0] - q.h[1] * q.g[1]) / det;
        const double intercept = (q.h[0] * q.g[1] - q.h[1] * q.g[0]) / det;
        const double largest = fmax(fabs(slope), fabs(intercept)), step = largest > 1 ? 1 / largest : 1;
        line->slope -= step * slope;
        line->intercept -= step * intercept;
        if (!(largest > 1e-12))
            break;
    }
    return line->slope > 0 && isfinite(line->slope) && isfinite(line->intercept) ? 0 : -1;
}

/* ---- the share ---- */

/* The sum of the probabilities of real quasars above the edge; *injected is the fraction of injected ones
 * that are above it. */
static double count_sure(struct fb_logit_line line, const struct fb_mixture *m, double *injected)
{
    double sum = 0, above = 0;
    for (size_t i = 0; i < m->sample->n; i++) {
        const struct fb_judged *row = &m->sample->rows[i];
        if (fb_mixture_is_open(m, row))
            continue;
        if (row->injected)
            above++;
        else
            sum += fb_probability(line, (double)row->logit);
    }
    *injected = m->ninjected > 0 ? above / (double)m->ninjected : 0;
    return sum;
}

/* The logit at which the probability is EDGE. */
static double edge_of(struct fb_logit_line line)
{
    return (log(EDGE / (1 - EDGE)) - line.intercept) / line.slope;
}

int fb_estimate_share(double *share, double *edge, struct fb_logit_line before,
                      const struct fb_judged_sample *sample)
{
    struct fb_logit_line line;
    *share = FB_BEFORE_SHARE;
    *edge = edge_of(before);
    for (int k = 0; k < ROUNDS; k++) {
        const struct fb_mixture m = fb_mixture_of(sample, FB_PARTS_ALL, *share, *edge);
        double injected;
        if (fb_calibrate(&line, before, &m) != 0)
            return -1;
        const double sure = count_sure(line, &m, &injected);
        if (!(injected > 0))
            return 0;
        *share = (sure + SHARE_QUASARS * injected * FB_BEFORE_SHARE) /
                 ((double)(m.nreal + SHARE_QUASARS) * injected);
        *edge = edge_of(line);
    }
    return 0;
}

/* ---- the error ---- */

void fb_reliability_add(struct fb_reliability *r, struct fb_logit_line line, const struct fb_mixture *m)
{
    for (size_t i = 0; i < m->sample->n; i++) {
        const struct fb_judged *row = &m->sample->rows[i];
        if (!fb_mixture_has(m, row))
            continue;
        const double p = fb_probability(line, (double)row->logit);
        const int bin = p < 1 ? (int)(BINS * p) : BINS - 1;
        if (row->injected) {
            r->outflows[bin] += m->weight;
        } else {
            r->real[bin]++;
            r->sum[bin] += p;
        }
    }
}

double fb_calibration_error(const struct fb_reliability *r)
{
    double sum = 0, count = 0;
    for (int k = 0; k < BINS; k++) {
        sum += fabs(r->outflows[k] - r->sum[k]);
        count += r->real[k];
    }
    return count > 0 ? sum / count : 0;
}

/* ---- limits ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A quantile of n > 0 sorted numbers, interpolated linearly between them. */
static double quantile(const double *x, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at, next = i + 1 < n ? i + 1 : i;
    return x[i] + (at - (double)i) * (x[next] - x[i]);
}

int fb_find_limits(struct fastbal_calibration *limits, const struct fb_judged_sample *sample)
{
    enum { SIGNAL, CHI2, MASKED, LIMITED };
    double least[LIMITED], most[LIMITED];
    double *sorted = malloc((sample->n + 1) * sizeof *sorted);
    if (!sorted)
        return -1;
    for (int k = 0; k < LIMITED; k++) {
        size_t n = 0;
        for (size_t i = 0; i < sample->n; i++)
            if (!sample->rows[i].injected)
                sorted[n++] = (double)sample->rows[i].scalar[k];
        qsort(sorted, n, sizeof *sorted, compare);
        least[k] = n > 0 ? quantile(sorted, n, 0.001) : 0;
        most[k] = n > 0 ? quantile(sorted, n, 0.999) : 0;
    }
    free(sorted);
    limits->least_signal = least[SIGNAL];
    limits->most_signal = most[SIGNAL];
    limits->most_chi2 = most[CHI2];
    limits->most_masked = most[MASKED];
    return 0;
}
