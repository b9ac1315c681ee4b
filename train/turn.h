/*
 * turn.h - turns factors away from the shapes of troughs, so that a continuum made of them can't follow one.
 *
 * In units of the square root of the mean spectrum (photon noise), and after the part along the mean is taken out, let C
 * be the covariance of the population, and B that of what 1000 outflows (train/absorbed.h)
 * absorb of the mean spectrum. The new factors are the leading eigenvectors of
 *
 *     C / tr C - 0.2 B / tr B.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TURN_H
#define FB_TURN_H

#include "fits/error.h"
#include "train/factors.h"

/*
 * Replace factors whose x ~ N(0, 1) by n of their turned combinations, at most as many as there are. The mean becomes 1 on
 * average over cells; a factor has a root mean square of 1 in units of the root of the mean. mu becomes 0, and S that of
 * the population in the new factors. -1 where less than n have a positive eigenvalue, or out of memory.
 */
int fb_factors_turn(struct fb_factors *factors, size_t n, struct fb_error *err);

#endif
