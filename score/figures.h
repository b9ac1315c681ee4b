/*
 * figures.h - the parts of a score, which turn matched quasars into figures. Private to score/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCORE_FIGURES_H
#define FB_SCORE_FIGURES_H

#include "score/result.h"

/* What became of a quasar in a catalog. It was measured if its state is FB_ROW_LOW_SIGNAL or a later one. */
enum fb_score_state {
    FB_ROW_OUT_OF_RANGE,
    FB_ROW_NO_TABLE,
    FB_ROW_Z_DIFFERS,
    FB_ROW_NOT_MEASURED,
    FB_ROW_LOW_SIGNAL,
    FB_ROW_BAD_FIT,
    FB_ROW_NEGATIVE_MODEL,
    FB_ROW_SEARCHED,
    FB_NROW_STATES
};

/* A quasar of a catalog, and what the truth says about it. */
struct fb_score_pair {
    const struct fb_score_row *found, *truth; /* truth: NULL if a mock's truth does not list it */
    enum fb_score_state state;
    float snr;                /* NaN where unknown */
    float found_ai, found_bi; /* 0 where not measured */
    float true_ai, true_bi;
    int absorption; /* the truth has C IV absorption, of an outflow or not */
    double shift;   /* what is added to true velocities to refer them to the catalog's redshift, km/s */
};

/* One catalog against the truth. */
struct fb_score_side {
    const char *name; /* "A" or "B" */
    const struct fb_score_table *catalog, *truth;
    struct fb_score_pair *pairs; /* owned: by TARGETID */
    size_t n;
    size_t only_catalog, only_truth; /* rows without a partner */
    size_t truth_not_searched;       /* quasars left out: not searched in a catalog taken as truth */
};

/* Pair the catalog's quasars with those of the truth, into side->pairs, which the caller frees. Returns 0, or
 * -1 with an error, also if no TARGETID is in both. */
int fb_score_match(struct fb_score_side *side, struct fb_error *err);

/* How the troughs of a pair match: does each overlap one of the other side? */
enum { FB_SCORE_TROUGHS = 128 };
struct fb_score_overlaps {
    int nfound, ntrue;
    struct fb_score_trough found[FB_SCORE_TROUGHS], real[FB_SCORE_TROUGHS]; /* at the catalog's redshift */
    double width[FB_SCORE_TROUGHS];            /* of true troughs, before the shift, which would round it */
    unsigned char recovered[FB_SCORE_TROUGHS]; /* true troughs */
    unsigned char outflow[FB_SCORE_TROUGHS];   /* found troughs that overlap a true one */
    unsigned char absorbed[FB_SCORE_TROUGHS];  /* found troughs that overlap any absorption */
    int partner[FB_SCORE_TROUGHS]; /* of true troughs: the found trough whose edges are compared, or -1 */
};
/* Compare the troughs of a pair of this side. */
void fb_score_overlap(struct fb_score_overlaps *o, const struct fb_score_side *side,
                      const struct fb_score_pair *pair);

/* ---- adding figures; -1 and a line in err if out of memory ---- */

/* Parts and wholes in every bin of every axis. */
struct fb_score_tally {
    int64_t part[FB_NAXES][FB_SCORE_BINS], of[FB_NAXES][FB_SCORE_BINS];
};
/* Count a quasar or trough under its values by axis, and also in the part if `part` is 1. A NaN is not
 * counted under its axis; the value of FB_BY_ALL is ignored. */
void fb_score_tally_add(struct fb_score_tally *tally, const double values[FB_NAXES], int part);

struct fb_score_label {
    const char *catalog, *table, *subject;
};
/* A share with its Wilson interval; without a value where `of` is 0. */
int fb_score_add_share(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       enum fb_score_axis by, int bin, int64_t part, int64_t of, struct fb_error *err);
/* A value with the lower and upper end of its range; `of` is the number of things that it is made from. */
int fb_score_add_value(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       enum fb_score_axis by, int bin, int64_t of, const double value[3],
                       struct fb_error *err);
/* The shares of a tally along some axes, a sum of bits 1 << axis. */
int fb_score_add_tally(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                       const struct fb_score_tally *tally, unsigned axes, struct fb_error *err);

/* Numbers whose median and 16 to 84 % range become figures, over all and by SNR_CIV. */
struct fb_score_samples {
    double *values; /* owned */
    float *snr;     /* owned */
    size_t n, room;
};
/* Add a number. Returns -1 if out of memory. */
int fb_score_sample(struct fb_score_samples *samples, double value, float snr);
void fb_score_samples_release(struct fb_score_samples *samples);
/* Add the figures of the numbers. */
int fb_score_add_samples(struct fb_score *score, const struct fb_score_label *label, const char *figure,
                         struct fb_score_samples *samples, struct fb_error *err);

/* ---- the tables ---- */

/* Add the figures of a side's quasars, troughs and ranking, or of the comparison of two sides. *by_ai is 1 if
 * the ranking is by AI_CIV, else 0. Returns 0, or -1 with an error. fb_score_select() counts for the
 * selection function. */
int fb_score_add_quasars(struct fb_score *score, const struct fb_score_side *side, struct fb_error *err);
void fb_score_select(struct fb_score_selection *selection, const struct fb_score_side *side);
int fb_score_add_troughs(struct fb_score *score, const struct fb_score_side *side, struct fb_error *err);
int fb_score_add_ranking(struct fb_score *score, const struct fb_score_side *side, int *by_ai,
                         struct fb_error *err);
int fb_score_add_comparison(struct fb_score *score, const struct fb_score_side *a,
                            const struct fb_score_side *b, struct fb_error *err);

#endif
