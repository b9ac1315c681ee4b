/*
 * calibrate.h - makes probabilities of logits, with a mixture (train/mixture.h).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CALIBRATE_H
#define FB_CALIBRATE_H

#include "train/mixture.h"

/* A calibrated logit x = slope * logit + intercept, and the probability 1 / (1 + exp(-x)). */
struct fb_logit_line {
    double slope, intercept;
};
double fb_rate(struct fb_logit_line line, double logit);
double fb_probability(struct fb_logit_line line, double logit);

/*
 * The line with the least loss of a mixture's window, found by Newton's method. The line before is its prior, with standard
 * deviations of 0.2 and 0.3, so that a small sample changes it little. Returns -1 if the slope is not above 0.
 */
int fb_calibrate(struct fb_logit_line *line, struct fb_logit_line before, const struct fb_mixture *mixture);

/*
 * The share of outflows in the survey that a sample is from, and the edge of the window, in a few rounds. A round calibrates
 * with the last share and edge; the next edge is where the probability is 0.9; and the share is what is above the edge,
 * each quasar by its probability, relative to the share of injected outflows there. It begins at 1/6, as if 100 more
 * quasars had shown that. Returns -1 if calibration fails.
 */
#define FB_BEFORE_SHARE (1 / 6.0)
int fb_estimate_share(double *share, double *edge, struct fb_logit_line before,
                      const struct fb_judged_sample *sample);

/* The calibration error: the mean of |share of outflows - mean probability| of ten bins, weighted by their numbers. The
 * number of outflows in a bin is that of injected ones times the weight of the mixture. */
struct fb_reliability {
    double real[10], outflows[10], sum[10]; /* of each bin: quasars, outflows, sum of probabilities */
};
void fb_reliability_add(struct fb_reliability *r, struct fb_logit_line line,
                        const struct fb_mixture *mixture);
double fb_calibration_error(const struct fb_reliability *r);

/* The limits of a sample: the scalars of all real quasars but 1 in 1000 at each end. Returns -1 if out of memory. */
int fb_find_limits(struct fastbal_calibration *limits, const struct fb_judged_sample *sample);

#endif
