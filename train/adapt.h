/*
 * adapt.h - adapts a detector to a survey: the calibration of its logits, and the limits of its training
 * spectra. Its weights stay as they are: they were learnt from simulated outflows, and a survey without
 * labels can't improve their ranking (docs/train.md).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ADAPT_H
#define FB_ADAPT_H

#include "train/calibrate.h"

enum {
    FB_ADAPT_LEAST = 300,       /* least number of quasars with a simulated outflow */
    FB_ADAPT_LEAST_OF_PART = 20 /* the same, in each part */
};

struct fb_adaptation {
    size_t nreal, ninjected;
    double share; /* fraction of the survey's quasars that have outflows */
    struct fb_logit_line line;
    /* The calibration errors before and after, over all parts, each calibrated on the other parts. */
    double error_before, error_after;
};

/* Create the adapted detector, to be freed by fastbal_detector_free(). Returns 0, or -1 with an error and
 * *detector NULL. */
int fb_adapt_detector(fastbal_detector **detector, const fastbal_detector *from, const char *name,
                      const struct fb_judged_sample *sample, struct fb_adaptation *how, struct fb_error *err);

#endif
