/*
 * calibrate.h - turns logits into probabilities, calibrated with a mixture (train/mixture.h).
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
 * Find the line with the least loss in a mixture's window, by Newton's method. The line `before` is the mean
 * of a prior with standard deviations of 0.2 (slope) and 0.3 (intercept), so that a small sample changes it
 * little. Returns -1 if the slope is not above 0.
 */
int fb_calibrate(struct fb_logit_line *line, struct fb_logit_line before, const struct fb_mixture *mixture);

/*
 * Estimate the share of outflows in the survey that a sample is from, and the edge of the window, in a few
 * rounds. Each round calibrates with the last share and edge. The next share is the sum of the probabilities
 * of real quasars above the edge, divided by the number of real quasars and by the fraction of injected
 * outflows that are above the edge. The next edge is the logit at which the probability is 0.9. The share
 * begins at 1/6, which counts like 100 more quasars in every round. Returns -1 if calibration fails.
 */
#define FB_BEFORE_SHARE (1 / 6.0)
int fb_estimate_share(double *share, double *edge, struct fb_logit_line before,
                      const struct fb_judged_sample *sample);

/* The calibration error: the mean of |share of outflows - mean probability| over ten bins of probability,
 * weighted by their numbers of quasars. The number of outflows in a bin is that of injected ones times the
 * weight of the mixture. */
struct fb_reliability {
    double real[10], outflows[10], sum[10]; /* of each bin: quasars, outflows, sum of probabilities */
};
void fb_reliability_add(struct fb_reliability *r, struct fb_logit_line line,
                        const struct fb_mixture *mixture);
double fb_calibration_error(const struct fb_reliability *r);

/* Find the limits of a sample: the range of the scalars of its real quasars, without 1 in 1000 at each end.
 * Returns -1 if out of memory. */
int fb_find_limits(struct fastbal_calibration *limits, const struct fb_judged_sample *sample);

#endif
