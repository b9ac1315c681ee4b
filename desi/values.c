/* values.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include "desi/values.h"

enum { BLOCK = 512 };

void fb_values_sum(const double *values, size_t n, char sum[FB_VALUES_SUM])
{
    unsigned char bytes[BLOCK * sizeof *values];
    unsigned long crc = 0;
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t count = n - i < BLOCK ? n - i : BLOCK;
        for (size_t k = 0; k < count; k++) {
            uint64_t bits;
            memcpy(&bits, &values[i + k], sizeof bits);
            for (size_t b = 0; b < sizeof bits; b++)
                bytes[k * sizeof bits + b] = (unsigned char)(bits >> 8 * b);
        }
        crc = crc32_z(crc, bytes, count * sizeof *values);
    }
    snprintf(sum, FB_VALUES_SUM, "%08lx", crc & 0xffffffffUL);
}

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
