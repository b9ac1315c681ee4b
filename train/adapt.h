/*
 * adapt.h - adapts a detector to a survey: the calibration of its logits, and the limits of what it has seen. Its weights
 * stay: they rank by the outflows of simulations, which a survey without labels can't improve on (docs/train.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ADAPT_H
#define FB_ADAPT_H

#include "train/calibrate.h"

enum {
    FB_ADAPT_LEAST = 300,       /* quasars with a simulated outflow */
    FB_ADAPT_LEAST_OF_PART = 20 /* the same, in each fifth */
};

struct fb_adaptation {
    size_t nreal, ninjected;
    double share; /* of outflows in the survey */
    struct fb_logit_line line;
    /* The calibration error before and after, of each fifth of the quasars, calibrated on the others. */
    double error_before, error_after;
};

/* Create the new detector, to be freed by fastbal_detector_free(). */
int fb_adapt_detector(fastbal_detector **detector, const fastbal_detector *from, const char *name,
                      const struct fb_judged_sample *sample, struct fb_adaptation *how, struct fb_error *err);

#endif
