/*
 * others.h - targets that are not quasars: stars, galaxies and empty fibers. They are only roughly realistic.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OTHERS_H
#define FB_OTHERS_H

#include "instrument.h"
#include "random.h"

/* Draw one and compute it on the concatenated pixels of all cameras, 1e-17 erg/s/cm^2/A. */
void fb_other_draw(const struct fb_instrument *instrument, struct fb_rng *rng, double magnitude,
                   double *pixels);

#endif
