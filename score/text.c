/* text.c - the report. SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "score/report.h"

enum { LABEL = 12, SHARE = 15, COUNT = 9 };

struct report {
    FILE *out;
    const struct fb_score *score;
    int nsides;
};

static const char *const sides[] = { "A", "B" };

/* ---- cells ---- */

/* "59.2+2.0-2.1", in percent; "-" where there is nothing to divide by. */
static void share_text(char text[40], const struct fb_score_figure *f)
{
    if (!f || isnan(f->value))
        snprintf(text, 40, "-");
    else
        snprintf(text, 40, "%.1f+%.1f-%.1f", 100 * f->value, fabs(100 * (f->upper - f->value)),
                 fabs(100 * (f->value - f->lower)));
}

static void print_share(const struct report *r, const struct fb_score_figure *f)
{
    char text[40];
    share_text(text, f);
    fprintf(r->out, "%*s", SHARE, text);
}

static void print_count(const struct report *r, const struct fb_score_figure *f)
{
    if (f)
        fprintf(r->out, "%*" PRId64, COUNT, f->of);
    else
        fprintf(r->out, "%*s", COUNT, "-");
}

static void print_number(const struct report *r, int width, int digits, double value)
{
    if (isnan(value))
        fprintf(r->out, "%*s", width, "-");
    else
        fprintf(r->out, "%*.*f", width, digits, value);
}

/* "all", "< 1", "1-2", "> 8" */
static void bin_text(char text[40], enum fb_score_axis by, int bin)
{
    const double *edges = &fb_score_bins[by].edges[bin];
    if (by == FB_BY_ALL)
        snprintf(text, 40, "all");
    else if (isinf(edges[0]))
        snprintf(text, 40, " < %g", edges[1]);
    else if (isinf(edges[1]))
        snprintf(text, 40, " > %g", edges[0]);
    else
        snprintf(text, 40, " %g-%g", edges[0], edges[1]);
}

static void print_label(const struct report *r, enum fb_score_axis by, int bin, int side)
{
    char text[40] = "";
    if (side == 0)
        bin_text(text, by, bin);
    fprintf(r->out, "%-*s%-1s", LABEL, text, r->nsides > 1 ? sides[side] : "");
}

/* ---- quasars and troughs ---- */

static void print_shares_row(const struct report *r, const char *table, const char *subject,
                             enum fb_score_axis by, int bin, int side)
{
    const struct fb_score_names *names = fb_score_names(r->score);
    const char *const shown[] = { names->completeness, names->searched, names->purity, names->absorption };
    print_label(r, by, bin, side);
    for (int k = 0; k < 4; k++) {
        const struct fb_score_figure *f =
            fb_score_find(r->score, sides[side], table, subject, shown[k], by, bin);
        if (k < 3)
            print_count(r, f);
        if (k < 3 || r->score->truth->has_all)
            print_share(r, f);
    }
    fputs("\n", r->out);
}

static void print_shares(const struct report *r, const char *title, const char *table, const char *subject,
                         const char *purity, const enum fb_score_axis *axes, int naxes)
{
    const int agreement = r->score->agreement;
    if (!fb_score_find(r->score, "A", table, subject, fb_score_names(r->score)->completeness, FB_BY_ALL, 0))
        return;
    fprintf(r->out, "\n%s\n%*s%*s%*s%*s%*s%*s", title, LABEL + 1 + COUNT, agreement ? "in truth" : "true",
            SHARE, agreement ? "recovered" : "completeness", COUNT, "searched", SHARE,
            agreement ? "recovered" : "completeness", COUNT, "found", SHARE,
            agreement ? "confirmed" : purity);
    if (r->score->truth->has_all)
        fprintf(r->out, "%*s", SHARE, "absorption");
    fputs("\n", r->out);
    for (int k = 0; k < naxes; k++) {
        if (axes[k] != FB_BY_ALL)
            fprintf(r->out, "%s\n", fb_score_bins[axes[k]].name);
        for (int bin = 0; bin < fb_score_bins[axes[k]].n; bin++)
            for (int side = 0; side < r->nsides; side++)
                print_shares_row(r, table, subject, axes[k], bin, side);
    }
}

static void print_samples(const struct report *r, const char *title, const char *table, int digits,
                          const char *first, const char *second)
{
    const char *const subjects[] = { first, second };
    fprintf(r->out, "\n%s\n%*s", title, LABEL + 1, "");
    for (int k = 0; k < 2; k++)
        fprintf(r->out, "%*s%*s%*s%*s", COUNT, subjects[k], 10, "median", 10, "16 %", 10, "84 %");
    fputs("\n", r->out);
    for (int bin = -1; bin < fb_score_bins[FB_BY_SNR].n; bin++) {
        const enum fb_score_axis by = bin < 0 ? FB_BY_ALL : FB_BY_SNR;
        if (bin == 0)
            fputs("SNR_CIV\n", r->out);
        for (int side = 0; side < r->nsides; side++) {
            print_label(r, by, bin < 0 ? 0 : bin, side);
            for (int k = 0; k < 2; k++) {
                const struct fb_score_figure *f =
                    fb_score_find(r->score, sides[side], table, subjects[k], "median", by, bin < 0 ? 0 : bin);
                print_count(r, f);
                print_number(r, 10, digits, f ? f->value : NAN);
                print_number(r, 10, digits, f ? f->lower : NAN);
                print_number(r, 10, digits, f ? f->upper : NAN);
            }
            fputs("\n", r->out);
        }
    }
}

/* ---- rows ---- */

static const struct fb_score_figure *rows_figure(const struct report *r, int side, const char *subject,
                                                 const char *name)
{
    return fb_score_find(r->score, sides[side], "rows", subject, name, FB_BY_ALL, 0);
}

static void print_rows(const struct report *r)
{
    static const struct {
        const char *subject, *figure, *text;
    } lines[] = {
        { "quasars", "compared", "in the catalog and the truth" },
        { "rows", "repeated", "  left out: TARGETID repeated in the catalog" },
        { "rows", "repeated_in_truth", "  left out: TARGETID repeated in the truth" },
        { "rows", "only_in_catalog", "  left out: only in the catalog" },
        { "rows", "only_in_truth", "  left out: only in the truth" },
        { "rows", "not_searched_in_truth", "  left out: not searched in the truth" },
        { "quasars", "out_of_range", "outside the redshift range" },
        { "quasars", "in_range", "in the redshift range" },
        { "quasars", "searched", "  searched" },
        { "quasars", "no_bal_table", "  not in a BAL table" },
        { "quasars", "redshift_differs", "  redshift differs from the BAL table's" },
        { "quasars", "not_measured", "  not measured" },
        { "quasars", "low_signal", "  not searched: signal too low" },
        { "quasars", "bad_fit", "  not searched: fit too bad" },
        { "quasars", "negative_model", "  not searched: negative continuum" },
    };
    fprintf(r->out, "\n%-44s", "Quasars");
    for (int side = 0; side < r->nsides; side++)
        fprintf(r->out, "%10s%14s", r->nsides > 1 ? sides[side] : "",
                r->score->agreement ? "its AI > 0" : "true AI > 0");
    fputs("\n", r->out);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const struct fb_score_figure *f[2] = { rows_figure(r, 0, lines[i].subject, lines[i].figure),
                                               r->nsides > 1
                                                   ? rows_figure(r, 1, lines[i].subject, lines[i].figure)
                                                   : NULL };
        if (lines[i].text[0] == ' ' && strcmp(lines[i].figure, "searched") != 0 && f[0]->of == 0 &&
            (!f[1] || f[1]->of == 0))
            continue;
        fprintf(r->out, "%-44s", lines[i].text);
        for (int side = 0; side < r->nsides; side++) {
            fprintf(r->out, "%10" PRId64, f[side]->of);
            if (f[side]->part >= 0)
                fprintf(r->out, "%14" PRId64, f[side]->part);
            else if (side + 1 < r->nsides)
                fprintf(r->out, "%14s", "");
        }
        fputs("\n", r->out);
    }
    fputs("Shares are in percent, with 68 % (Wilson) intervals. The first completeness is of the redshift\n"
          "range, the second of the quasars that were searched: not searched is not \"no BAL\".\n",
          r->out);
}

/* Say which figures have nothing to count. */
static void print_missing(const struct report *r)
{
    const struct fb_score_names *names = fb_score_names(r->score);
    if (fb_score_find(r->score, "A", "quasars", "AI", names->completeness, FB_BY_ALL, 0)->of == 0)
        fprintf(r->out, "\nThe truth has no BALs in the redshift range: there is no completeness.\n");
    for (int side = 0; side < r->nsides; side++)
        if (fb_score_find(r->score, sides[side], "quasars", "AI", names->purity, FB_BY_ALL, 0)->of == 0)
            fprintf(r->out, "\nNo BALs were found in %s: there is no purity.\n",
                    r->score->catalogs[side]->path);
    if (!r->score->truth->has_all && !r->score->agreement)
        fprintf(r->out,
                "\nThe truth does not tell narrow absorption from none: only outflows count as true.\n");
}

/* ---- ranking ---- */

static const struct fb_score_figure *ranking_figure(const struct report *r, int side, const char *name,
                                                    enum fb_score_axis by, int bin)
{
    return fb_score_find(r->score, sides[side], "ranking", r->score->by_ai[side] ? "AI_CIV" : "BAL_PROB",
                         name, by, bin);
}

static void print_reliability(const struct report *r, int side)
{
    fprintf(r->out, "%*s%10s%*s\n", LABEL + COUNT, "quasars", "mean", SHARE + 2, "true AI > 0 %");
    for (int bin = 0; bin < fb_score_bins[FB_BY_PROBABILITY].n; bin++) {
        const struct fb_score_figure *f = ranking_figure(r, side, "reliability", FB_BY_PROBABILITY, bin);
        char text[40];
        bin_text(text, FB_BY_PROBABILITY, bin);
        fprintf(r->out, "%-*s", LABEL, text);
        print_count(r, f);
        print_number(r, 10, 3, ranking_figure(r, side, "mean", FB_BY_PROBABILITY, bin)->value);
        fputs("  ", r->out);
        print_share(r, f);
        fputs("\n", r->out);
    }
    fputs("Expected calibration error\n  all      ", r->out);
    print_number(r, 0, 3, ranking_figure(r, side, "ece", FB_BY_ALL, 0)->value);
    fputs("\n  SNR_CIV", r->out);
    for (int bin = 0; bin < fb_score_bins[FB_BY_SNR].n; bin++) {
        char text[40];
        bin_text(text, FB_BY_SNR, bin);
        fprintf(r->out, "%s%s: ", bin > 0 ? "," : " ", text);
        print_number(r, 0, 3, ranking_figure(r, side, "ece", FB_BY_SNR, bin)->value);
    }
    fputs("\n", r->out);
}

static void print_ranking(const struct report *r, int side)
{
    const int by_ai = r->score->by_ai[side];
    fprintf(r->out, "\n%s%s%s\n",
            by_ai ? "BAL_PROB is not filled: measured quasars ranked by AI_CIV"
                  : "BAL_PROB of measured quasars",
            r->nsides > 1 ? ", " : "", r->nsides > 1 ? sides[side] : "");
    if (!by_ai)
        print_reliability(r, side);
    fputs("Ranking: area under the ROC curve ", r->out);
    print_number(r, 0, 3, ranking_figure(r, side, "roc_auc", FB_BY_ALL, 0)->value);
    fputs(", average precision ", r->out);
    print_number(r, 0, 3, ranking_figure(r, side, "average_precision", FB_BY_ALL, 0)->value);
    fputs("\n", r->out);
    for (int bin = 0; bin < fb_score_bins[FB_BY_PURITY].n; bin++) {
        const struct fb_score_figure *threshold = ranking_figure(r, side, "threshold", FB_BY_PURITY, bin);
        char text[40];
        share_text(text, ranking_figure(r, side, "completeness", FB_BY_PURITY, bin));
        fprintf(r->out, "  purity %2.0f %%: ", 100 * fb_score_bins[FB_BY_PURITY].edges[bin]);
        if (isnan(threshold->value))
            fputs("no cut reaches it\n", r->out);
        else
            fprintf(r->out, "%s >= %.*f, %" PRId64 " found, completeness %s %%\n",
                    by_ai ? "AI_CIV" : "BAL_PROB", by_ai ? 0 : 4, threshold->value, threshold->of, text);
    }
}

/* ---- two catalogs ---- */

static void print_pairs_row(const struct report *r, const char *subject, enum fb_score_axis by, int bin)
{
    static const char *const names[] = { "both", "only_a", "only_b", "neither" };
    char text[40];
    bin_text(text, by, bin);
    fprintf(r->out, "%-22s", by == FB_BY_ALL ? subject : text);
    for (int k = 0; k < 4; k++)
        fprintf(r->out, "%10" PRId64,
                fb_score_find(r->score, "A and B", "pairs", subject, names[k], by, bin)->part);
    fprintf(r->out, "%12.2g\n",
            fb_score_find(r->score, "A and B", "pairs", subject, "p_value", by, bin)->value);
}

static void print_pairs(const struct report *r)
{
    static const char *const subjects[] = { "AI true",  "AI other absorption", "AI false", "BI true",
                                            "BI false", "troughs true" };
    fprintf(r->out, "\nFound in A and B\n%-22s%10s%10s%10s%10s%12s\n", "", "both", "only A", "only B",
            "neither", "McNemar p");
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        if (!fb_score_find(r->score, "A and B", "pairs", subjects[i], "both", FB_BY_ALL, 0))
            continue;
        print_pairs_row(r, subjects[i], FB_BY_ALL, 0);
        for (int bin = 0; i == 0 && bin < fb_score_bins[FB_BY_SNR].n; bin++)
            print_pairs_row(r, subjects[i], FB_BY_SNR, bin);
    }
}

/* ---- the whole ---- */

static void print_heading(const struct report *r)
{
    static const char *const kinds[] = { "a catalog: agreement, since nobody knows the truth",
                                         "simulated quasars",
                                         "a mock's BALs: whoever is not listed has none" };
    for (int side = 0; side < r->nsides; side++) {
        const struct fb_score_table *t = r->score->catalogs[side];
        fprintf(r->out, "%-6s %s: %s, %zu rows%s\n", r->nsides > 1 ? sides[side] : "score", t->path, t->hdu,
                t->n + t->nrepeated, t->by_detector ? ", the detector's finds" : "");
    }
    fprintf(r->out, "truth  %s: %s, %zu rows (%s)\n", r->score->truth->path, r->score->truth->hdu,
            r->score->truth->n + r->score->truth->nrepeated, kinds[r->score->truth->kind]);
}

void fb_score_print_text(FILE *out, const struct fb_score *score)
{
    static const enum fb_score_axis quasars[] = { FB_BY_ALL, FB_BY_SNR, FB_BY_AI, FB_BY_Z },
                                    troughs[] = { FB_BY_ALL, FB_BY_SNR, FB_BY_WIDTH, FB_BY_VELOCITY,
                                                  FB_BY_Z };
    const struct report r = { out, score, score->catalogs[1] ? 2 : 1 };
    print_heading(&r);
    print_rows(&r);
    print_missing(&r);
    print_shares(&r, "Quasars with AI > 0", "quasars", "AI", "outflow", quasars, 4);
    print_shares(&r, "Quasars with BI > 0", "quasars", "BI", "BI > 0", quasars, 4);
    print_shares(&r, "C IV troughs wider than 450 km/s, which match if they share half of the narrower one",
                 "troughs", "CIV_450", "outflow", troughs, 5);
    print_samples(&r, "Found / true, of quasars in both", "ratios", 3, "AI", "BI");
    print_samples(&r, "Found - true edges of matched troughs, km/s", "edges", 0, "VMIN", "VMAX");
    for (int side = 0; side < r.nsides; side++)
        print_ranking(&r, side);
    if (r.nsides > 1)
        print_pairs(&r);
}

/* One line of the short form: a share with its counts, for each side. */
static void print_line(const struct report *r, const char *text, const char *table, const char *subject,
                       const char *figure, enum fb_score_axis by, int bin)
{
    if (!fb_score_find(r->score, "A", table, subject, figure, by, bin))
        return;
    fprintf(r->out, "%-34s", text);
    for (int side = 0; side < r->nsides; side++) {
        const struct fb_score_figure *f =
            fb_score_find(r->score, sides[side], table, subject, figure, by, bin);
        char share[40];
        share_text(share, f);
        print_count(r, f);
        fprintf(r->out, "%*s", SHARE, share);
    }
    fputs("\n", r->out);
}

void fb_score_print_short(FILE *out, const struct fb_score *score)
{
    const struct report r = { out, score, score->catalogs[1] ? 2 : 1 };
    const struct fb_score_names *names = fb_score_names(score);
    const int agreement = score->agreement;
    print_heading(&r);
    fprintf(out, "%-34s", "");
    for (int side = 0; side < r.nsides; side++)
        fprintf(out, "%*s%*s", COUNT, "of", SHARE, r.nsides > 1 ? (side == 0 ? "A, %" : "B, %") : "%");
    fputs("\n", out);
    print_line(&r, agreement ? "AI > 0 recovered" : "AI > 0 completeness", "quasars", "AI",
               names->completeness, FB_BY_ALL, 0);
    print_line(&r, "  at SNR_CIV 4-8", "quasars", "AI", names->completeness, FB_BY_SNR, 3);
    print_line(&r, "  of those searched", "quasars", "AI", names->searched, FB_BY_ALL, 0);
    print_line(&r, agreement ? "AI > 0 confirmed" : "AI > 0 purity: an outflow", "quasars", "AI",
               names->purity, FB_BY_ALL, 0);
    print_line(&r, "  any absorption", "quasars", "AI", names->absorption, FB_BY_ALL, 0);
    print_line(&r, agreement ? "BI > 0 recovered" : "BI > 0 completeness", "quasars", "BI",
               names->completeness, FB_BY_ALL, 0);
    print_line(&r, agreement ? "BI > 0 confirmed" : "BI > 0 purity", "quasars", "BI", names->purity,
               FB_BY_ALL, 0);
    print_line(&r, agreement ? "troughs recovered" : "troughs completeness", "troughs", "CIV_450",
               names->completeness, FB_BY_ALL, 0);
    print_line(&r, agreement ? "troughs confirmed" : "troughs purity: an outflow", "troughs", "CIV_450",
               names->purity, FB_BY_ALL, 0);
    fprintf(out, "%-34s", "average precision");
    for (int side = 0; side < r.nsides; side++) {
        fprintf(out, "%*s", COUNT, score->by_ai[side] ? "AI_CIV" : "BAL_PROB");
        print_number(&r, SHARE, 3, ranking_figure(&r, side, "average_precision", FB_BY_ALL, 0)->value);
    }
    fputs("\n", out);
}
