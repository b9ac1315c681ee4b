/*
 * comparison.c - what two catalogs find in the same quasars: both, one alone, or neither.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdlib.h>
#include "score/figures.h"

/* What the truth says. */
enum { TRUE_BAL, ABSORBED, NOTHING, NTRUTHS };
enum { NEITHER, ONLY_A, ONLY_B, BOTH, NCASES };

struct counts {
    size_t all[NTRUTHS][NCASES], snr[FB_SCORE_BINS][NTRUTHS][NCASES];
};

static void count(struct counts *c, int truth, int bin, int a, int b)
{
    const int which = (a ? ONLY_A : 0) | (b ? ONLY_B : 0);
    c->all[truth][which]++;
    if (bin >= 0)
        c->snr[bin][truth][which]++;
}

/* The p-value of McNemar's exact test: how probable a split of a + b quasars at least this uneven is if both
 * catalogs are equally good. */
static double mcnemar(size_t a, size_t b)
{
    const size_t n = a + b, fewer = a < b ? a : b;
    double term = -(double)n * 0.69314718055994530942, sum = 0; /* log of C(n, k) / 2^n */
    for (size_t k = 0; k <= fewer; k++) {
        sum += exp(term);
        term += log((double)(n - k) / (double)(k + 1));
    }
    return fmin(1, 2 * sum);
}

static int add_counts(struct fb_score *score, const struct fb_score_label *label, enum fb_score_axis by,
                      int bin, const size_t counts[NCASES], struct fb_error *err)
{
    static const char *const names[NCASES] = { "neither", "only_a", "only_b", "both" };
    const size_t n = counts[NEITHER] + counts[ONLY_A] + counts[ONLY_B] + counts[BOTH];
    const double p[3] = { mcnemar(counts[ONLY_A], counts[ONLY_B]), NAN, NAN };
    for (int which = 0; which < NCASES; which++)
        if (fb_score_add_share(score, label, names[which], by, bin, (int64_t)counts[which], (int64_t)n,
                               err) != 0)
            return -1;
    return fb_score_add_value(score, label, "p_value", by, bin, (int64_t)(counts[ONLY_A] + counts[ONLY_B]), p,
                              err);
}

static int add_all(struct fb_score *score, const char *const subjects[NTRUTHS], const struct counts *c,
                   struct fb_error *err)
{
    for (int truth = 0; truth < NTRUTHS; truth++) {
        const struct fb_score_label label = { "A and B", "pairs", subjects[truth] };
        if (!subjects[truth])
            continue;
        if (add_counts(score, &label, FB_BY_ALL, 0, c->all[truth], err) != 0)
            return -1;
        for (int bin = 0; bin < fb_score_bins[FB_BY_SNR].n; bin++)
            if (add_counts(score, &label, FB_BY_SNR, bin, c->snr[bin][truth], err) != 0)
                return -1;
    }
    return 0;
}

struct comparison {
    struct counts ai, bi, troughs;
    struct fb_score_overlaps a, b;
};

static void compare(struct comparison *c, const struct fb_score_side *a, const struct fb_score_pair *x,
                    const struct fb_score_side *b, const struct fb_score_pair *y)
{
    const int bin = fb_score_bin(FB_BY_SNR, x->snr);
    if (x->state == FB_ROW_OUT_OF_RANGE || y->state == FB_ROW_OUT_OF_RANGE)
        return;
    count(&c->ai,
          x->true_ai > 0  ? TRUE_BAL
          : x->absorption ? ABSORBED
                          : NOTHING,
          bin, x->found_ai > 0, y->found_ai > 0);
    count(&c->bi, x->true_bi > 0 ? TRUE_BAL : NOTHING, bin, x->found_bi > 0, y->found_bi > 0);
    fb_score_overlap(&c->a, a, x);
    fb_score_overlap(&c->b, b, y);
    for (int k = 0; k < c->a.ntrue; k++)
        count(&c->troughs, TRUE_BAL, bin, c->a.recovered[k], c->b.recovered[k]);
}

int fb_score_add_comparison(struct fb_score *score, const struct fb_score_side *a,
                            const struct fb_score_side *b, struct fb_error *err)
{
    const int has_bi = a->catalog->has_bi && b->catalog->has_bi && a->truth->has_bi;
    const char *const ai[NTRUTHS] = { "AI true", a->truth->has_all ? "AI other absorption" : NULL,
                                      "AI false" };
    const char *const bi[NTRUTHS] = { "BI true", NULL, "BI false" }, *const troughs[NTRUTHS] = {
        "troughs true"
    };
    struct comparison *c = calloc(1, sizeof *c);
    if (!c)
        return fb_fail(err, "out of memory");
    for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
        const int64_t x = a->pairs[i].found->targetid, y = b->pairs[k].found->targetid;
        if (x == y)
            compare(c, a, &a->pairs[i], b, &b->pairs[k]);
        i += x <= y;
        k += y <= x;
    }
    int status = add_all(score, ai, &c->ai, err) != 0 || (has_bi && add_all(score, bi, &c->bi, err) != 0) ||
                         add_all(score, troughs, &c->troughs, err) != 0
                     ? -1
                     : 0;
    free(c);
    return status;
}
