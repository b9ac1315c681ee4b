/*
 * mixture.h - how a detector is calibrated although nobody knows which quasars of a survey have outflows.
 *
 * A survey's quasars are a mixture: a share of them have outflows. How those look is known, since the
 * outflows of a simulation can be put into spectra of the survey (train/inject.h); how the others look
 * follows from the difference. A sum over quasars without outflows is therefore the sum over all quasars
 * minus that over injected ones, with a weight that makes their number that of the survey's outflows. The
 * cross-entropy of a calibrated logit x becomes
 *
 *     sum over real of ln(1 + e^x) - weight x sum over injected of x
 *
 * (du Plessis et al. 2015). Nothing depends on what a finder made of the quasars. Samples of quasars in which
 * a finder found nothing lack those that look like outflows, and a detector calibrated on them would be
 * overconfident.
 *
 * Sums are over the window, the quasars that may be either: those whose logit is below an edge. Real quasars
 * above the edge count as outflows.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MIXTURE_H
#define FB_MIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include "fastbal.h"
#include "fits/error.h"

/* Parts: fifths of the quasars, by TARGETID. A set of parts is a sum of bits 1 << part. */
enum { FB_PARTS = 5, FB_PARTS_ALL = (1 << FB_PARTS) - 1 };

/* A quasar as the detector sees it. */
struct fb_judged {
    int64_t targetid;
    unsigned char part, injected;
    float logit, scalar[FASTBAL_DETECTOR_SCALARS];
};

struct fb_judged_sample {
    struct fb_judged *rows; /* owned */
    size_t n, room;
};
int fb_judged_sample_add(struct fb_judged_sample *sample, const struct fb_judged *rows,
                         size_t n); /* -1: out of memory */
void fb_judged_sample_release(struct fb_judged_sample *sample);
/* Sort by all members, so that the order of pixels does not matter. */
void fb_judged_sample_sort(struct fb_judged_sample *sample);

/* Some parts of a sample, as a mixture. */
struct fb_mixture {
    const struct fb_judged_sample *sample; /* borrowed */
    unsigned parts;
    double share, edge;
    size_t nreal, ninjected;
    double weight; /* share x nreal / ninjected */
};
/* Count the quasars of these parts, and compute the weight. edge is a logit of the detector. */
struct fb_mixture fb_mixture_of(const struct fb_judged_sample *sample, unsigned parts, double share,
                                double edge);

/* Is the quasar in one of the mixture's parts? */
static inline int fb_mixture_has(const struct fb_mixture *m, const struct fb_judged *row)
{
    return (m->parts >> row->part & 1) != 0;
}
static inline int fb_mixture_is_open(const struct fb_mixture *m,
                                     const struct fb_judged *row) /* in the window */
{
    return (double)row->logit < m->edge;
}

#endif
