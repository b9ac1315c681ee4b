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

/* Add n pixels of an exposure: ivar * flux to flux_sum, ivar to ivar_sum. Pixels that are masked (mask may be NULL)
 * or are no measurement add nothing. */
void fb_exposure_add(size_t n, const float *flux, const float *ivar, const int32_t *mask, double *flux_sum,
                     double *ivar_sum);

/* The spectrum: the mean of the flux and the sum of ivar; both are 0 where nothing was added. */
void fb_exposures_mean(size_t n, const double *flux_sum, const double *ivar_sum, float *flux, float *ivar);

#endif
