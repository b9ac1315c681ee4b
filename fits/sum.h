/*
 * sum.h - the arithmetic of FITS checksums.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SUM_H
#define FB_SUM_H

#include <stddef.h>
#include <stdint.h>

/* ---- FITS checksums: one's complement sums of big-endian 32-bit words ---- */

/* Add n bytes, padded with zeros to whole words, to a sum. */
uint32_t fb_sum_add(uint32_t sum, const unsigned char *bytes, size_t n);
/* The same for bytes at an offset in the data that need not be a multiple of 4. */
uint32_t fb_sum_add_at(uint32_t sum, const unsigned char *bytes, size_t n, uint64_t offset);
/* Convert a sum taken from offset 0 to the sum of the same bytes at this offset in the data. */
uint32_t fb_sum_shift(uint32_t sum, uint64_t offset);
/* The sum of the bytes that two sums were taken of. */
uint32_t fb_sum_join(uint32_t a, uint32_t b);

#endif
