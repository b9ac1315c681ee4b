/*
 * depth_detector.h - a detector whose net is so simple that what it says can be computed by hand.
 *
 * The logit of a cell is DEPTH_SLOPE (d - DEPTH_LEVEL), where d is the mean depth of its halves, about 1 - flux / continuum
 * where there is little noise. The logit of the quasar is the largest of these, or 0, minus 1.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef DEPTH_DETECTOR_H
#define DEPTH_DETECTOR_H

#include "fastbal.h"

#define DEPTH_LEVEL 0.2
#define DEPTH_SLOPE 30.0

/* Any detector: its weights are numbers of a struct fb_net; the caller frees it. NULL if it can't be created. */
struct fb_net;
fastbal_detector *detector_of(const struct fb_net *net);
fastbal_detector *depth_detector(void);
void fill_depth_net(struct fb_net *net);

#endif
