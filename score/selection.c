/*
 * selection.c - the selection function: how complete the first catalog is in bins of signal-to-noise and of
 * AI, trough width or velocity.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "score/figures.h"

const enum fb_score_axis fb_score_selection_axes[FB_NSELECTIONS] = {
    [FB_SELECT_AI] = FB_BY_AI, [FB_SELECT_WIDTH] = FB_BY_WIDTH, [FB_SELECT_VELOCITY] = FB_BY_VELOCITY
};

static void count(struct fb_score_selection *s, enum fb_score_selection_kind kind, double snr, double value,
                  int found)
{
    const int row = fb_score_bin(FB_BY_SNR, snr), column = fb_score_bin(fb_score_selection_axes[kind], value);
    if (row < 0 || column < 0)
        return;
    s->of[kind][row][column]++;
    s->part[kind][row][column] += found;
}

void fb_score_select(struct fb_score_selection *s, const struct fb_score_side *side)
{
    struct fb_score_overlaps o;
    for (size_t i = 0; i < side->n; i++) {
        const struct fb_score_pair *pair = &side->pairs[i];
        if (pair->state == FB_ROW_OUT_OF_RANGE || !(pair->true_ai > 0))
            continue;
        count(s, FB_SELECT_AI, (double)pair->snr, (double)pair->true_ai, pair->found_ai > 0);
        fb_score_overlap(&o, side, pair);
        for (int k = 0; k < o.ntrue; k++) {
            count(s, FB_SELECT_WIDTH, (double)pair->snr, o.width[k], o.recovered[k]);
            count(s, FB_SELECT_VELOCITY, (double)pair->snr, (o.real[k].vmin + o.real[k].vmax) / 2,
                  o.recovered[k]);
        }
    }
}
