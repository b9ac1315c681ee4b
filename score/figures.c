/* figures.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "run/binomial.h"
#include "score/figures.h"

/* ---- figures ---- */

static struct fb_score_figure *add(struct fb_score *score, const struct fb_score_label *label,
                                   const char *figure, enum fb_score_axis by, int bin, struct fb_error *err)
{
    if (score->n == score->room) {
        size_t room = 2 * score->room + 256;
        struct fb_score_figure *grown = realloc(score->figures, room * sizeof *grown);
        if (!grown) {
            fb_error_set(err, "out of memory for %zu figures", room);
            return NULL;
        }
        score->figures = grown;
        score->room = room;
    }
    struct fb_score_figure *f = &score->figures[score->n++];
    *f = (struct fb_score_figure){ .table = label->table,
                                   .subject = label->subject,
                                   .figure = figure,
                                   .by = by,
                                   .bin = bin,
                                   .part = -1,
                                   .of = -1,
                                   .value = NAN,
                                   .lower = NAN,
                                   .upper = NAN };
    snprintf(f->catalog, sizeof f->catalog, "%s", label->catalog);
    return f;
}

int fb_score_add_share(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       enum fb_score_axis by, int bin, int64_t part, int64_t of, struct fb_error *err)
{
    struct fb_score_figure *f = add(score, label, figure, by, bin, err);
    if (!f)
        return -1;
    f->part = part;
    f->of = of;
    const struct fb_share share = fb_share_of((size_t)part, (size_t)of);
    f->value = share.value;
    f->lower = share.lower;
    f->upper = share.upper;
    return 0;
}

int fb_score_add_value(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       enum fb_score_axis by, int bin, int64_t of, const double value[3],
                       struct fb_error *err)
{
    struct fb_score_figure *f = add(score, label, figure, by, bin, err);
    if (!f)
        return -1;
    f->of = of;
    f->value = value[0];
    f->lower = value[1];
    f->upper = value[2];
    return 0;
}

/* ---- tallies ---- */

void fb_score_tally_add(struct fb_score_tally *tally, const double values[FB_NAXES], int part)
{
    for (int by = 0; by < FB_NAXES; by++) {
        const int bin = by == FB_BY_ALL ? 0 : fb_score_bin((enum fb_score_axis)by, values[by]);
        if (bin >= 0) {
            tally->of[by][bin]++;
            tally->part[by][bin] += part;
        }
    }
}

int fb_score_add_tally(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       const struct fb_score_tally *tally, unsigned axes, struct fb_error *err)
{
    for (int by = 0; by < FB_NAXES; by++)
        for (int bin = 0; axes >> by & 1 && bin < fb_score_bins[by].n; bin++)
            if (fb_score_add_share(score, label, figure, (enum fb_score_axis)by, bin, tally->part[by][bin],
                                   tally->of[by][bin], err) != 0)
                return -1;
    return 0;
}

/* ---- samples ---- */

int fb_score_sample(struct fb_score_samples *s, double value, float snr)
{
    if (s->n == s->room) {
        size_t room = 2 * s->room + 256;
        double *values = realloc(s->values, room * sizeof *values);
        if (values)
            s->values = values;
        float *snrs = realloc(s->snr, room * sizeof *snrs);
        if (snrs)
            s->snr = snrs;
        if (!values || !snrs)
            return -1;
        s->room = room;
    }
    s->values[s->n] = value;
    s->snr[s->n++] = snr;
    return 0;
}

void fb_score_samples_release(struct fb_score_samples *s)
{
    free(s->values);
    free(s->snr);
    *s = (struct fb_score_samples){ 0 };
}

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A quantile, interpolated linearly between sorted values, of which the first is quantile 0 and the last is
 * quantile 1. */
static double quantile(const double *sorted, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

int fb_score_add_samples(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                         struct fb_score_samples *s, struct fb_error *err)
{
    double *chosen = malloc((s->n + 1) * sizeof *chosen);
    int status = chosen ? 0 : fb_fail(err, "out of memory for %zu numbers", s->n);
    for (int bin = -1; status == 0 && bin < fb_score_bins[FB_BY_SNR].n; bin++) { /* -1: all */
        double value[3] = { NAN, NAN, NAN };
        size_t n = 0;
        for (size_t i = 0; i < s->n; i++)
            if (bin < 0 || fb_score_bin(FB_BY_SNR, s->snr[i]) == bin)
                chosen[n++] = s->values[i];
        if (n > 0) {
            qsort(chosen, n, sizeof *chosen, compare_numbers);
            value[0] = quantile(chosen, n, 0.5);
            value[1] = quantile(chosen, n, 0.16);
            value[2] = quantile(chosen, n, 0.84);
        }
        status = fb_score_add_value(score, label, figure, bin < 0 ? FB_BY_ALL : FB_BY_SNR, bin < 0 ? 0 : bin,
                                    (int64_t)n, value, err);
    }
    free(chosen);
    return status;
}
