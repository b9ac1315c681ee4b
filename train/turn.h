/*
 * turn.h - rotates factors away from the shapes of troughs, so that a continuum made of them can't follow a
 * trough.
 *
 * Spectra are divided by the square root of the mean spectrum (photon noise), and their component along the
 * mean is removed. Let C be the covariance of the population, and B that of the light that 1000 outflows
 * (train/absorbed.h) absorb from the mean spectrum. The new factors are the leading eigenvectors of
 *
 *     C / tr C - weight B / tr B.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TURN_H
#define FB_TURN_H

#include "fits/error.h"
#include "train/factors.h"

/*
 * Replace factors whose x ~ N(0, 1) by n linear combinations of them; n is at most their number. weight is
 * that of the troughs in the formula above. The mean is normalised to an average of 1 over cells, and each
 * factor to a root mean square of 1 in units of the square root of the mean. mu becomes 0, and S is the
 * population's covariance in the new factors. Returns -1 if fewer than n eigenvalues are positive, if spectra
 * deviate from their mean by less than 0.1 % (root mean square), or if out of memory.
 */
int fb_factors_turn(struct fb_factors *factors, size_t n, double weight, struct fb_error *err);

#endif
