/*
 * ranking.c - is BAL_PROB a probability, and how well does it rank the measured quasars? Where it is not
 * filled, AI_CIV takes its place as a ranking. Positive means a true AI > 0.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include "score/figures.h"

struct entry {
    float value; /* BAL_PROB or AI_CIV */
    float snr;
    int positive;
};

struct ranking {
    struct entry *entries; /* owned: descending by value */
    size_t n, npositive;
    struct fb_score_label label;
};

static float value_of(const struct fb_score_pair *pair, int by_ai)
{
    const float p = pair->found->probability;
    return by_ai ? pair->found_ai : p >= 0 ? fminf(p, 1) : 0; /* -99 and NaN: no probability is assigned */
}

/* Does any measured quasar have a BAL_PROB above 0? */
static int is_filled(const struct fb_score_side *side)
{
    for (size_t i = 0; i < side->n; i++)
        if (side->pairs[i].state >= FB_ROW_LOW_SIGNAL && side->pairs[i].found->probability > 0)
            return 1;
    return 0;
}

static int descending(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->value < y->value) - (x->value > y->value);
}

static int collect(struct ranking *r, const struct fb_score_side *side, int by_ai, struct fb_error *err)
{
    r->entries = malloc((side->n + 1) * sizeof *r->entries);
    if (!r->entries)
        return fb_fail(err, "out of memory for %zu quasars", side->n);
    for (size_t i = 0; i < side->n; i++) {
        const struct fb_score_pair *pair = &side->pairs[i];
        if (pair->state < FB_ROW_LOW_SIGNAL)
            continue;
        r->entries[r->n++] = (struct entry){ value_of(pair, by_ai), pair->snr, pair->true_ai > 0 };
        r->npositive += pair->true_ai > 0;
    }
    qsort(r->entries, r->n, sizeof *r->entries, descending);
    return 0;
}

/* ---- calibration ---- */

static int is_in(const struct entry *e, int snr_bin)
{
    return snr_bin < 0 || fb_score_bin(FB_BY_SNR, e->snr) == snr_bin;
}

/* Expected calibration error: the sum over bins of probability of n_bin / n x |mean probability - share of
 * positives|. */
static int add_ece(struct fb_score *score, const struct ranking *r, int snr_bin, struct fb_error *err)
{
    double p[FB_SCORE_BINS] = { 0 }, positive[FB_SCORE_BINS] = { 0 }, value[3] = { NAN, NAN, NAN }, sum = 0;
    int64_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct entry *e = &r->entries[i];
        if (!is_in(e, snr_bin))
            continue;
        const int bin = fb_score_bin(FB_BY_PROBABILITY, e->value);
        p[bin] += (double)e->value;
        positive[bin] += e->positive;
        n++;
    }
    for (int bin = 0; bin < FB_SCORE_BINS; bin++)
        sum += fabs(p[bin] - positive[bin]);
    if (n > 0)
        value[0] = sum / (double)n;
    return fb_score_add_value(score, &r->label, "ece", snr_bin < 0 ? FB_BY_ALL : FB_BY_SNR,
                              snr_bin < 0 ? 0 : snr_bin, n, value, err);
}

static int add_reliability(struct fb_score *score, const struct ranking *r, struct fb_error *err)
{
    double sum[FB_SCORE_BINS] = { 0 };
    int64_t n[FB_SCORE_BINS] = { 0 }, positive[FB_SCORE_BINS] = { 0 };
    for (size_t i = 0; i < r->n; i++) {
        const int bin = fb_score_bin(FB_BY_PROBABILITY, r->entries[i].value);
        sum[bin] += (double)r->entries[i].value;
        positive[bin] += r->entries[i].positive;
        n[bin]++;
    }
    for (int bin = 0; bin < fb_score_bins[FB_BY_PROBABILITY].n; bin++) {
        const double mean[3] = { n[bin] > 0 ? sum[bin] / (double)n[bin] : NAN, NAN, NAN };
        if (fb_score_add_share(score, &r->label, "reliability", FB_BY_PROBABILITY, bin, positive[bin], n[bin],
                               err) != 0 ||
            fb_score_add_value(score, &r->label, "mean", FB_BY_PROBABILITY, bin, n[bin], mean, err) != 0)
            return -1;
    }
    for (int bin = -1; bin < fb_score_bins[FB_BY_SNR].n; bin++)
        if (add_ece(score, r, bin, err) != 0)
            return -1;
    return 0;
}

/* ---- ranking ---- */

/* The end of the entries with the same value, of which i is the first. Adds the number of positive ones to
 * *positive. */
static size_t end_of_ties(const struct ranking *r, size_t i, size_t *positive)
{
    size_t end = i;
    for (; end < r->n && r->entries[end].value >= r->entries[i].value; end++)
        *positive += (size_t)r->entries[end].positive;
    return end;
}

/* Area under the ROC curve: the share of pairs of a positive and a negative in which the positive is ahead;
 * ties count half. Average precision: the mean over positives of the purity of a cut at their value. */
static int add_areas(struct fb_score *score, const struct ranking *r, struct fb_error *err)
{
    const double negatives = (double)(r->n - r->npositive), positives = (double)r->npositive;
    double auc[3] = { NAN, NAN, NAN }, precision[3] = { NAN, NAN, NAN }, ahead = 0, sum = 0;
    size_t end, positive = 0;
    for (size_t i = 0; i < r->n; i = end) {
        const size_t before = positive;
        end = end_of_ties(r, i, &positive);
        const double here = (double)(positive - before),
                     behind = (double)(r->n - end) - (positives - (double)positive);
        ahead += here * (behind + 0.5 * ((double)(end - i) - here));
        sum += here * (double)positive / (double)end;
    }
    if (positives > 0 && negatives > 0)
        auc[0] = ahead / (positives * negatives);
    if (positives > 0)
        precision[0] = sum / positives;
    return fb_score_add_value(score, &r->label, "roc_auc", FB_BY_ALL, 0, (int64_t)r->n, auc, err) != 0 ||
                   fb_score_add_value(score, &r->label, "average_precision", FB_BY_ALL, 0, (int64_t)r->n,
                                      precision, err) != 0
               ? -1
               : 0;
}

/* Find the lowest threshold for which the cut value >= threshold has at least this purity. It must be above
 * 0, since a cut at 0 would take everything. */
static int add_threshold(struct fb_score *score, const struct ranking *r, int bin, struct fb_error *err)
{
    const double least = fb_score_bins[FB_BY_PURITY].edges[bin];
    double threshold[3] = { NAN, NAN, NAN };
    size_t end, positive = 0, found = 0, taken = 0;
    for (size_t i = 0; i < r->n && r->entries[i].value > 0; i = end) {
        end = end_of_ties(r, i, &positive);
        if ((double)positive >= least * (double)end) {
            threshold[0] = (double)r->entries[i].value;
            found = positive;
            taken = end;
        }
    }
    return fb_score_add_value(score, &r->label, "threshold", FB_BY_PURITY, bin, (int64_t)taken, threshold,
                              err) != 0 ||
                   fb_score_add_share(score, &r->label, "completeness", FB_BY_PURITY, bin, (int64_t)found,
                                      (int64_t)r->npositive, err) != 0
               ? -1
               : 0;
}

int fb_score_add_ranking(struct fb_score *score, const struct fb_score_side *side, int *by_ai,
                         struct fb_error *err)
{
    *by_ai = !is_filled(side);
    struct ranking r = { .label = { side->name, "ranking", *by_ai ? "AI_CIV" : "BAL_PROB" } };
    int status = collect(&r, side, *by_ai, err);
    if (status == 0 && !*by_ai)
        status = add_reliability(score, &r, err);
    if (status == 0)
        status = add_areas(score, &r, err);
    for (int bin = 0; status == 0 && bin < fb_score_bins[FB_BY_PURITY].n; bin++)
        status = add_threshold(score, &r, bin, err);
    free(r.entries);
    return status;
}
