/*
 * exposures.h - the exposures of a target, joined into one spectrum (docs/algorithm.md §1). There is one sum
 * for each pixel of a camera. The caller sets the sums to 0, adds the exposures and takes the mean at the
 * end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_EXPOSURES_H
#define FB_EXPOSURES_H

#include <stddef.h>
#include <stdint.h>

/* Is an exposure with this FIBERSTATUS usable in this camera (B, R, Z or BRZ)? */
int fb_exposure_is_good(int64_t fiberstatus, const char *camera);

/* For one pixel, the sums of ivar * flux and of ivar, over the exposures in which it is not masked and over
 * those in which it is. */
struct fb_exposure_sum {
    double flux, ivar, masked_flux, masked_ivar;
};

/* Add n pixels of an exposure; mask may be NULL. Pixels whose flux or ivar is invalid add nothing. */
void fb_exposure_add(struct fb_exposure_sum *sums, size_t n, const float *flux, const float *ivar,
                     const int32_t *mask);

/* Compute the spectrum: the mean flux and the sum of ivar. If that sum is 0, the masked exposures are used
 * instead, and mask is 1 if there are any; mask may be NULL. Flux is 0 where ivar is. */
void fb_exposures_mean(const struct fb_exposure_sum *sums, size_t n, float *flux, float *ivar, int32_t *mask);

#endif
