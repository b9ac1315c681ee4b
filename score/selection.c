/*
 * selection.c - the selection function: how complete the first catalog is in bins of signal-to-noise and of AI, width or
 * velocity.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <math.h>
#include "fastbal.h"
#include "run/binomial.h"
#include "run/json.h"
#include "score/figures.h"
#include "score/report.h"

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

static void put_edges(FILE *out, enum fb_score_axis axis, int bin)
{
    const double *edge = fb_score_bins[axis].edges + bin;
    for (int k = 0; k < 2; k++)
        if (isinf(edge[k]))
            fputs(edge[k] > 0 ? " inf" : " -inf", out);
        else
            fprintf(out, " %g", edge[k]);
}

static void put_row(FILE *out, const struct fb_score_selection *s, enum fb_score_selection_kind kind, int row,
                    int column)
{
    const enum fb_score_axis axis = fb_score_selection_axes[kind];
    const int64_t part = s->part[kind][row][column], of = s->of[kind][row][column];
    fprintf(out, "\n%s", kind == FB_SELECT_AI ? "quasars" : "troughs");
    put_edges(out, FB_BY_SNR, row);
    fprintf(out, " %s", fb_score_bins[axis].name);
    put_edges(out, axis, column);
    fprintf(out, " %" PRId64 " %" PRId64, part, of);
    const struct fb_share share = fb_share_of((size_t)part, (size_t)of);
    if (of == 0)
        fputs(" nan nan nan", out);
    else
        fprintf(out, " %.6g %.6g %.6g", share.value, share.lower, share.upper);
}

void fb_score_print_selection(FILE *out, const struct fb_score *score)
{
    static const char *const columns[][2] = {
        { "of", "string" },     { "snr_low", "float64" }, { "snr_high", "float64" },
        { "by", "string" },     { "low", "float64" },     { "high", "float64" },
        { "found", "int64" },   { "true", "int64" },      { "completeness", "float64" },
        { "lower", "float64" }, { "upper", "float64" }
    };
    enum { NCOLUMNS = sizeof columns / sizeof *columns };
    fputs("# %ECSV 1.0\n# ---\n# datatype:\n", out);
    for (int i = 0; i < NCOLUMNS; i++)
        fprintf(out, "# - {name: %s, datatype: %s}\n", columns[i][0], columns[i][1]);
    fprintf(out, "# meta:\n#   program: fastbal %s\n#   finds: %s\n#   truth: ", fastbal_version(),
            score->catalogs[0]->by_detector ? "AI_DET > 0" : "AI_CIV > 0");
    fb_json_text(out, score->truth->path);
    fputs("\n#   catalog: ", out);
    fb_json_text(out, score->catalogs[0]->path);
    fputs("\n# schema: astropy-2.0\n", out);
    for (int i = 0; i < NCOLUMNS; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", columns[i][0]);
    for (int kind = 0; kind < FB_NSELECTIONS; kind++)
        for (int row = 0; row < fb_score_bins[FB_BY_SNR].n; row++)
            for (int column = 0; column < fb_score_bins[fb_score_selection_axes[kind]].n; column++)
                put_row(out, &score->selection, (enum fb_score_selection_kind)kind, row, column);
    fputs("\n", out);
}
