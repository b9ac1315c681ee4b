/* shares.c - the tables of quasars and of troughs. SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include "score/figures.h"

/* Set the values by which a quasar is counted; NaN: not along this axis. */
static void place(double values[FB_NAXES], const struct fb_score_pair *pair, double ai)
{
    for (int by = 0; by < FB_NAXES; by++)
        values[by] = NAN;
    values[FB_BY_SNR] = pair->snr;
    values[FB_BY_AI] = ai;
    values[FB_BY_Z] = pair->found->z;
}

/* ---- quasars ---- */

static int add_count(struct fb_score *score, const struct fb_score_side *side, const char *figure,
                     size_t bals, size_t of, struct fb_error *err)
{
    const struct fb_score_label label = { side->name, "rows", "quasars" };
    return fb_score_add_share(score, &label, figure, FB_BY_ALL, 0, (int64_t)bals, (int64_t)of, err);
}

/* Add the numbers of quasars, and why some were not searched. Each figure's part is the number with true
 * BALs. */
static int add_rows(struct fb_score *score, const struct fb_score_side *side, struct fb_error *err)
{
    static const char *const names[FB_NROW_STATES] = { "out_of_range",   "no_bal_table", "redshift_differs",
                                                       "not_measured",   "low_signal",   "bad_fit",
                                                       "negative_model", "searched" };
    const struct fb_score_label label = { side->name, "rows", "rows" };
    const struct {
        const char *name;
        size_t n;
    } counts[] = { { "repeated", side->catalog->nrepeated },
                   { "repeated_in_truth", side->truth->nrepeated },
                   { "only_in_catalog", side->only_catalog },
                   { "only_in_truth", side->only_truth },
                   { "not_searched_in_truth", side->truth_not_searched } };
    const double none[3] = { NAN, NAN, NAN };
    size_t n[FB_NROW_STATES] = { 0 }, bals[FB_NROW_STATES] = { 0 }, all = 0;
    for (size_t i = 0; i < side->n; i++) {
        n[side->pairs[i].state]++;
        bals[side->pairs[i].state] += side->pairs[i].true_ai > 0;
        all += side->pairs[i].true_ai > 0;
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (fb_score_add_value(score, &label, counts[i].name, FB_BY_ALL, 0, (int64_t)counts[i].n, none,
                               err) != 0)
            return -1;
    if (add_count(score, side, "compared", all, side->n, err) != 0 ||
        add_count(score, side, "in_range", all - bals[FB_ROW_OUT_OF_RANGE], side->n - n[FB_ROW_OUT_OF_RANGE],
                  err) != 0)
        return -1;
    for (int state = 0; state < FB_NROW_STATES; state++)
        if (add_count(score, side, names[state], bals[state], n[state], err) != 0)
            return -1;
    return 0;
}

enum { COMPLETENESS, SEARCHED, PURITY, OUTFLOW, ABSORPTION, NSHARES };

static int add_shares(struct fb_score *score, const struct fb_score_label *label,
                      const struct fb_score_tally tallies[NSHARES], unsigned axes, int outflow,
                      struct fb_error *err)
{
    const struct fb_score_names *names = fb_score_names(score);
    return fb_score_add_tally(score, label, names->completeness, &tallies[COMPLETENESS], axes, err) != 0 ||
                   fb_score_add_tally(score, label, names->searched, &tallies[SEARCHED], axes, err) != 0 ||
                   fb_score_add_tally(score, label, names->purity, &tallies[PURITY], axes, err) != 0 ||
                   (outflow &&
                    fb_score_add_tally(score, label, names->outflow, &tallies[OUTFLOW], axes, err) != 0) ||
                   (score->truth->has_all &&
                    fb_score_add_tally(score, label, names->absorption, &tallies[ABSORPTION], axes, err) != 0)
               ? -1
               : 0;
}

static int add_index(struct fb_score *score, const struct fb_score_side *side, int bi, struct fb_error *err)
{
    const struct fb_score_label label = { side->name, "quasars", bi ? "BI" : "AI" };
    const struct fb_score_label ratio = { side->name, "ratios", bi ? "BI" : "AI" };
    struct fb_score_tally tallies[NSHARES] = { 0 };
    struct fb_score_samples ratios = { 0 };
    double values[FB_NAXES];
    int status = 0;
    for (size_t i = 0; status == 0 && i < side->n; i++) {
        const struct fb_score_pair *pair = &side->pairs[i];
        const float found = bi ? pair->found_bi : pair->found_ai, real = bi ? pair->true_bi : pair->true_ai;
        if (pair->state == FB_ROW_OUT_OF_RANGE)
            continue;
        place(values, pair, pair->true_ai);
        if (real > 0)
            fb_score_tally_add(&tallies[COMPLETENESS], values, found > 0);
        if (real > 0 && pair->state == FB_ROW_SEARCHED)
            fb_score_tally_add(&tallies[SEARCHED], values, found > 0);
        if (real > 0 && found > 0 && fb_score_sample(&ratios, (double)found / (double)real, pair->snr) != 0)
            status = fb_fail(err, "out of memory for %zu ratios", ratios.n);
        if (!(found > 0))
            continue;
        values[FB_BY_AI] = pair->found_ai;
        fb_score_tally_add(&tallies[PURITY], values, real > 0);
        fb_score_tally_add(&tallies[OUTFLOW], values, pair->true_ai > 0);
        fb_score_tally_add(&tallies[ABSORPTION], values, pair->absorption);
    }
    const unsigned axes = 1U << FB_BY_ALL | 1U << FB_BY_SNR | 1U << FB_BY_AI | 1U << FB_BY_Z;
    if (status == 0)
        status = add_shares(score, &label, tallies, axes, bi, err);
    if (status == 0)
        status = fb_score_add_samples(score, &ratio, "median", &ratios, err);
    fb_score_samples_release(&ratios);
    return status;
}

int fb_score_add_quasars(struct fb_score *score, const struct fb_score_side *side, struct fb_error *err)
{
    const int has_bi = side->catalog->has_bi && side->truth->has_bi;
    return add_rows(score, side, err) != 0 || add_index(score, side, 0, err) != 0 ||
                   (has_bi && add_index(score, side, 1, err) != 0)
               ? -1
               : 0;
}

/* ---- troughs ---- */

static void place_trough(double values[FB_NAXES], struct fb_score_trough trough, double width)
{
    values[FB_BY_WIDTH] = width;
    values[FB_BY_VELOCITY] = (trough.vmin + trough.vmax) / 2;
}

struct trough_counts {
    struct fb_score_tally tallies[NSHARES];
    struct fb_score_samples edges[2]; /* found - true VMIN and VMAX */
};

static int count_troughs(struct trough_counts *counts, const struct fb_score_pair *pair,
                         const struct fb_score_overlaps *o)
{
    double values[FB_NAXES];
    place(values, pair, NAN);
    for (int k = 0; k < o->ntrue; k++) {
        const int partner = o->partner[k];
        place_trough(values, o->real[k], o->width[k]);
        fb_score_tally_add(&counts->tallies[COMPLETENESS], values, o->recovered[k]);
        if (pair->state == FB_ROW_SEARCHED)
            fb_score_tally_add(&counts->tallies[SEARCHED], values, o->recovered[k]);
        if (partner >= 0 &&
            (fb_score_sample(&counts->edges[0], o->found[partner].vmin - o->real[k].vmin, pair->snr) != 0 ||
             fb_score_sample(&counts->edges[1], o->found[partner].vmax - o->real[k].vmax, pair->snr) != 0))
            return -1;
    }
    for (int i = 0; i < o->nfound; i++) {
        place_trough(values, o->found[i], o->found[i].vmax - o->found[i].vmin);
        fb_score_tally_add(&counts->tallies[PURITY], values, o->outflow[i]);
        fb_score_tally_add(&counts->tallies[ABSORPTION], values, o->absorbed[i]);
    }
    return 0;
}

int fb_score_add_troughs(struct fb_score *score, const struct fb_score_side *side, struct fb_error *err)
{
    const struct fb_score_label label = { side->name, "troughs", "CIV_450" };
    const struct fb_score_label vmin = { side->name, "edges", "VMIN" },
                                vmax = { side->name, "edges", "VMAX" };
    const unsigned axes =
        1U << FB_BY_ALL | 1U << FB_BY_SNR | 1U << FB_BY_WIDTH | 1U << FB_BY_VELOCITY | 1U << FB_BY_Z;
    struct trough_counts *counts = calloc(1, sizeof *counts);
    struct fb_score_overlaps overlaps;
    int status = counts ? 0 : fb_fail(err, "out of memory");
    for (size_t i = 0; status == 0 && i < side->n; i++) {
        if (side->pairs[i].state == FB_ROW_OUT_OF_RANGE)
            continue;
        fb_score_overlap(&overlaps, side, &side->pairs[i]);
        if (count_troughs(counts, &side->pairs[i], &overlaps) != 0)
            status = fb_fail(err, "out of memory for the edges of troughs");
    }
    if (status == 0 && (add_shares(score, &label, counts->tallies, axes, 0, err) != 0 ||
                        fb_score_add_samples(score, &vmin, "median", &counts->edges[0], err) != 0 ||
                        fb_score_add_samples(score, &vmax, "median", &counts->edges[1], err) != 0))
        status = -1;
    if (counts) {
        fb_score_samples_release(&counts->edges[0]);
        fb_score_samples_release(&counts->edges[1]);
    }
    free(counts);
    return status;
}
