/*
 * result.h - the result of a score: the numbers that fastbal score prints (docs/score.md).
 *
 * Every number is a figure: one row of the ECSV table, one object of the JSON, one cell of the report.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCORE_RESULT_H
#define FB_SCORE_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "score/read.h"

/* What figures are broken down by. */
enum fb_score_axis {
    FB_BY_ALL,
    FB_BY_SNR,      /* SNR_CIV */
    FB_BY_AI,       /* AI_CIV: of the truth in completenesses, of the catalog in purities */
    FB_BY_WIDTH,    /* of the trough */
    FB_BY_VELOCITY, /* middle of the trough */
    FB_BY_Z,
    FB_BY_PROBABILITY, /* BAL_PROB */
    FB_BY_PURITY,      /* the purity required */
    FB_NAXES
};
enum { FB_SCORE_BINS = 10 }; /* at most */

struct fb_score_bins {
    const char *name; /* of the axis */
    int n;
    double edges[FB_SCORE_BINS + 1]; /* a bin includes its lower edge; infinite at an open end */
};
extern const struct fb_score_bins fb_score_bins[FB_NAXES];
/* The bin of a value, or -1 if it is in none or NaN. Compared in single precision, in which tables store most
 * values, so that 0.9 is in the bin from 0.9 on. */
int fb_score_bin(enum fb_score_axis axis, double value);

struct fb_score_figure {
    char catalog[8];     /* "A", "B", or "A and B" */
    const char *table;   /* "rows", "quasars", "troughs", "ratios", "edges", "ranking", "pairs" */
    const char *subject; /* "AI", "BI", "VMIN", ... */
    const char *figure;  /* "completeness", ... */
    enum fb_score_axis by;
    int bin;
    int64_t part, of;           /* counts; -1 where the figure has none */
    double value, lower, upper; /* NaN where there is none */
};

/* The numbers of true BALs and troughs, and of those that the first catalog found, in bins of SNR_CIV and
 * another axis. */
enum fb_score_selection_kind { FB_SELECT_AI, FB_SELECT_WIDTH, FB_SELECT_VELOCITY, FB_NSELECTIONS };
struct fb_score_selection {
    int64_t part[FB_NSELECTIONS][FB_SCORE_BINS][FB_SCORE_BINS],
        of[FB_NSELECTIONS][FB_SCORE_BINS][FB_SCORE_BINS];
};
extern const enum fb_score_axis fb_score_selection_axes[FB_NSELECTIONS];

struct fb_score {
    const struct fb_score_table *truth, *catalogs[2]; /* borrowed; the second may be NULL */
    struct fb_score_figure *figures;                  /* owned */
    size_t n, room;
    int agreement; /* the truth is a catalog, and so nothing is known for sure */
    int by_ai[2];  /* BAL_PROB is not filled: the ranking is by AI_CIV */
    struct fb_score_selection selection;
};

/* Names of figures. Where the truth is a catalog, completeness is "recovered" and purity is "confirmed". */
struct fb_score_names {
    const char *completeness, *searched, *purity, *outflow, *absorption;
};
const struct fb_score_names *fb_score_names(const struct fb_score *score);

/* The condition for a find in the table, such as "AI_CIV > 0". */
const char *fb_score_finds(const struct fb_score_table *table);

void fb_score_release(struct fb_score *score);

/* Find a figure; NULL if there is none. */
const struct fb_score_figure *fb_score_find(const struct fb_score *score, const char *catalog,
                                            const char *table, const char *subject, const char *figure,
                                            enum fb_score_axis by, int bin);

#endif
