/*
 * binomial.h - a binomial share with its confidence interval.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_BINOMIAL_H
#define FB_BINOMIAL_H

#include <stddef.h>

/* The share k / n, and its 68.3 % interval (Wilson 1927); NaN where n is 0. */
struct fb_share {
    double value, lower, upper;
};
struct fb_share fb_share_of(size_t k, size_t n);

#endif
