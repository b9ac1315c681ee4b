/* wavelengths.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include "desi/wavelengths.h"

int fb_check_wavelengths(const char *path, const char *where, const double *wavelength, size_t n,
                         struct fb_error *err)
{
    double before = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(wavelength[i] > before && isfinite(wavelength[i])))
            return fb_fail(
                err, "%s: %s: expected numbers that increase from above 0, found %.10g after %.10g at %zu",
                path, where, wavelength[i], before, i);
        before = wavelength[i];
    }
    return 0;
}
