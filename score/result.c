/* result.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "score/result.h"

const struct fb_score_bins fb_score_bins[FB_NAXES] = {
    [FB_BY_ALL] = { "all", 1, { -INFINITY, INFINITY } },
    [FB_BY_SNR] = { "SNR_CIV", 5, { -INFINITY, 1, 2, 4, 8, INFINITY } },
    [FB_BY_AI] = { "AI_CIV", 5, { -INFINITY, 200, 500, 1000, 2000, INFINITY } },
    [FB_BY_WIDTH] = { "WIDTH", 4, { -INFINITY, 1000, 2000, 4000, INFINITY } },
    [FB_BY_VELOCITY] = { "VELOCITY", 4, { -INFINITY, 3000, 8000, 15000, INFINITY } },
    [FB_BY_Z] = { "Z", 5, { -INFINITY, 2, 2.5, 3, 3.5, INFINITY } },
    [FB_BY_PROBABILITY] = { "BAL_PROB", 10, { 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, INFINITY } },
    [FB_BY_PURITY] = { "PURITY", 3, { 0.9, 0.95, 0.99, INFINITY } },
};

int fb_score_bin(enum fb_score_axis axis, double value)
{
    const struct fb_score_bins *bins = &fb_score_bins[axis];
    int bin = -1;
    while (bin < bins->n - 1 && (float)value >= (float)bins->edges[bin + 1])
        bin++;
    return bin;
}

const struct fb_score_names *fb_score_names(const struct fb_score *score)
{
    static const struct fb_score_names names[2] = {
        { "completeness", "completeness_searched", "purity", "purity_outflow", "purity_absorption" },
        { "recovered", "recovered_searched", "confirmed", "confirmed_ai", "confirmed_absorption" },
    };
    return &names[score->agreement != 0];
}

const char *fb_score_finds(const struct fb_score_table *table)
{
    return table->by_detector ? "AI_DET > 0" : "AI_CIV > 0";
}

const struct fb_score_figure *fb_score_find(const struct fb_score *score, const char *catalog,
                                            const char *table, const char *subject, const char *figure,
                                            enum fb_score_axis by, int bin)
{
    for (size_t i = 0; i < score->n; i++) {
        const struct fb_score_figure *f = &score->figures[i];
        if (f->by == by && f->bin == bin && strcmp(f->figure, figure) == 0 &&
            strcmp(f->catalog, catalog) == 0 && strcmp(f->table, table) == 0 &&
            strcmp(f->subject, subject) == 0)
            return f;
    }
    return NULL;
}

void fb_score_release(struct fb_score *score)
{
    free(score->figures);
    *score = (struct fb_score){ 0 };
}
