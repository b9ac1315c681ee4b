/*
 * values_sum.h - the checksum of numbers that headers have: CRC-32 of them as little-endian doubles, in hexadecimal.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_VALUES_SUM_H
#define FB_VALUES_SUM_H

#include <stddef.h>

enum { FB_VALUES_SUM = 9 }; /* characters, with the NUL */
void fb_values_sum(const double *values, size_t n, char sum[FB_VALUES_SUM]);

#endif
