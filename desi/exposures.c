/*
 * exposures.c - the mean of exposures, weighted by ivar.
 *
 * DEVIATION joined-exposures: the reference expects coadds. The rules are those of desispec's coaddition,
 * without its rejection of cosmic rays and its rescaling of exposures.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <float.h>
#include <math.h>
#include <string.h>
#include "desi/exposures.h"

/* Bits of FIBERSTATUS (desispec.maskbits.fibermask) that make an exposure unusable in all cameras ... */
enum {
    BROKENFIBER = 1 << 2,
    MISSINGPOSITION = 1 << 8,
    BADPOSITION = 1 << 9,
    BADFIBER = 1 << 16,
    BADTRACE = 1 << 17,
    BADFLAT = 1 << 18,
    BADARC = 1 << 19,
    MANYBADCOL = 1 << 20,
    MANYREJECTED = 1 << 21,
    BAD = BROKENFIBER | MISSINGPOSITION | BADPOSITION | BADFIBER | BADTRACE | BADFLAT | BADARC | MANYBADCOL |
          MANYREJECTED,
    /* ... and in one */
    BADAMPB = 1 << 22,
    BADAMPR = 1 << 23,
    BADAMPZ = 1 << 24
};

int fb_exposure_is_good(int64_t fiberstatus, const char *camera)
{
    int64_t bad = BAD;
    if (strcmp(camera, "B") == 0)
        bad |= BADAMPB;
    else if (strcmp(camera, "R") == 0)
        bad |= BADAMPR;
    else if (strcmp(camera, "Z") == 0)
        bad |= BADAMPZ;
    return (fiberstatus & bad) == 0;
}

void fb_exposure_add(struct fb_exposure_sum *sums, size_t n, const float *flux, const float *ivar,
                     const int32_t *mask)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(flux[i]) <= FLT_MAX && ivar[i] >= 0 && ivar[i] <= FLT_MAX))
            continue;
        int masked = mask && mask[i] != 0;
        *(masked ? &sums[i].masked_flux : &sums[i].flux) += (double)ivar[i] * (double)flux[i];
        *(masked ? &sums[i].masked_ivar : &sums[i].ivar) += (double)ivar[i];
    }
}

void fb_exposures_mean(const struct fb_exposure_sum *sums, size_t n, float *flux, float *ivar, int32_t *mask)
{
    for (size_t i = 0; i < n; i++) {
        int masked = !(sums[i].ivar > 0) && sums[i].masked_ivar > 0;
        double f = masked ? sums[i].masked_flux : sums[i].flux,
               iv = masked ? sums[i].masked_ivar : sums[i].ivar;
        flux[i] = iv > 0 ? (float)(f / iv) : 0;
        ivar[i] = (float)iv;
        if (mask)
            mask[i] = masked;
    }
}
