/*
 * sum.h - the arithmetic of FITS checksums.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SUM_H
#define FB_SUM_H

#include <stddef.h>
#include <stdint.h>

/* ---- FITS checksums: sums of big-endian 32-bit words with the carry added back, in any order ---- */

/* Add bytes, whose number is rounded up to whole words with zeros, to a sum. */
uint32_t fb_sum_add(uint32_t sum, const unsigned char *bytes, size_t n);
/* The same where the first byte has that offset in the data: it need not begin a word. */
uint32_t fb_sum_add_at(uint32_t sum, const unsigned char *bytes, size_t n, uint64_t offset);
/* The sum of bytes that begin at this offset in the data. */
uint32_t fb_sum_shift(uint32_t sum, uint64_t offset);
uint32_t fb_sum_join(uint32_t a, uint32_t b);

#endif
