/*
 * values.h - the checksum of a file's numbers, and a check of its wavelengths.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_VALUES_H
#define FB_VALUES_H

#include <stddef.h>
#include "fits/error.h"

/* The checksum that headers have: CRC-32 of the numbers as little-endian doubles, in hexadecimal. */
enum { FB_VALUES_SUM = 9 }; /* characters, with the NUL */
void fb_values_sum(const double *values, size_t n, char sum[FB_VALUES_SUM]);

/* Fail unless wavelengths are finite, positive and increasing. Returns 0 if all n are valid. `where` names
 * their HDU or column. */
int fb_check_wavelengths(const char *path, const char *where, const double *wavelength, size_t n,
                         struct fb_error *err);

#endif
