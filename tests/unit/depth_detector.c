/*
 * depth_detector.c - see depth_detector.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "depth_detector.h"

#include <string.h>
#include "internal.h"

/* Only the middle tap of the halves' depths has weight; layers pass on what they get. */
void fill_depth_net(struct fb_net *net)
{
    memset(net, 0, sizeof *net);
    for (size_t half = 0; half < 2; half++)
        net->first[0][2 + half][FB_NET_FIRST_TAPS / 2][0] = -0.5F;
    net->cell[0] = (float)DEPTH_SLOPE;
    net->cell_bias = (float)(-DEPTH_SLOPE * DEPTH_LEVEL);
    net->hidden[0][(size_t)2 * FB_NET_WIDTH] = 1; /* the largest logit */
    net->out[0] = 1;
    net->out_bias = -1;
}

fastbal_detector *detector_of(const struct fb_net *net)
{
    const struct fastbal_calibration calibration = { 1, 0, 0, 1, 4, 1 };
    double weights[FB_NET_NUMBERS];
    fastbal_detector *detector;
    for (size_t i = 0; i < FB_NET_NUMBERS; i++)
        weights[i] = (double)((const float *)net)[i];
    fastbal_detector_create(&detector, "depth", FB_NET_NUMBERS, weights, &calibration, NULL);
    return detector;
}

fastbal_detector *depth_detector(void)
{
    struct fb_net net;
    fill_depth_net(&net);
    return detector_of(&net);
}
