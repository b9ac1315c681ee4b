/*
 * exposures.h - the exposures of a target, joined into one spectrum (docs/algorithm.md §1). A sum runs over the
 * pixels of one camera; the caller sets it to 0, adds the exposures and divides at the end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_EXPOSURES_H
#define FB_EXPOSURES_H

#include <stddef.h>
#include <stdint.h>

/* Does an exposure with this FIBERSTATUS count in this camera (B, R, Z or BRZ)? */
int fb_exposure_is_good(int64_t fiberstatus, const char *camera);

/* Of one pixel: the sums of ivar * flux and ivar of the exposures where it is not masked, and of those where it is. */
struct fb_exposure_sum {
    double flux, ivar, masked_flux, masked_ivar;
};

/* Add n pixels of an exposure; mask may be NULL. What is no measurement adds nothing. */
void fb_exposure_add(struct fb_exposure_sum *sums, size_t n, const float *flux, const float *ivar,
                     const int32_t *mask);

/* The spectrum: flux is the mean, ivar the sum. Where that is 0, the masked values stand in, and mask is 1 if there are
 * any; mask may be NULL. Flux is 0 where ivar is. */
void fb_exposures_mean(const struct fb_exposure_sum *sums, size_t n, float *flux, float *ivar, int32_t *mask);

#endif
