/*
 * retrain.h - adapts a detector to a survey: its head and its calibration.
 *
 * The head is trained on two fifths of the quasars and stops by a third one. On the other two, it is compared with the
 * head as it was, both calibrated on one fifth and judged on the other: it is kept only if its loss is lower by more than
 * two standard errors. A new head is then calibrated on these two fifths, the old one on all.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_RETRAIN_H
#define FB_RETRAIN_H

#include "train/calibrate.h"

enum {
    FB_RETRAIN_LEAST = 300,       /* quasars with a simulated outflow */
    FB_RETRAIN_LEAST_OF_PART = 20 /* the same, in each fifth */
};

struct fb_retraining {
    size_t nreal, ninjected;
    double share; /* of outflows in the survey */
    struct fb_head_training head;
    double gain, gain_error; /* of the loss on quasars that the training did not see */
    int kept;                /* the new head */
    struct fb_logit_line line;
    /* The calibration error before and after, of quasars that the line was not fitted to. */
    double error_before, error_after;
    size_t njudged, ninjected_judged;
};

/* Create the new detector, to be freed by fastbal_detector_free(). */
int fb_retrain(fastbal_detector **detector, const fastbal_detector *from, const char *name,
               const struct fb_judged_sample *sample, struct fb_retraining *how, struct fb_error *err);

#endif
