/* sum.c - SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "fits/clones.h"
#include "fits/sum.h"

static uint32_t fold(uint64_t sum)
{
    while (sum >> 32)
        sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)sum;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* There are at most 2^32 words, so that 64 bits hold their sum. */
FB_CLONES
static uint64_t sum_words(const unsigned char *bytes, size_t nwords)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < nwords; i++)
        sum += big_endian(bytes + 4 * i);
    return sum;
}

uint32_t fb_sum_add(uint32_t sum, const unsigned char *bytes, size_t n)
{
    unsigned char last[4] = { 0 };
    memcpy(last, bytes + n / 4 * 4, n % 4);
    return fold(sum_words(bytes, n / 4) + sum + big_endian(last));
}

uint32_t fb_sum_add_at(uint32_t sum, const unsigned char *bytes, size_t n, uint64_t offset)
{
    return fb_sum_join(sum, fb_sum_shift(fb_sum_add(0, bytes, n), offset));
}

/* Moving a byte to the next place within its word divides its value by 2^8. Carries wrap around, so the sum
 * is rotated. */
uint32_t fb_sum_shift(uint32_t sum, uint64_t offset)
{
    unsigned shift = 8 * (unsigned)(offset % 4);
    return shift ? sum >> shift | sum << (32 - shift) : sum;
}

uint32_t fb_sum_join(uint32_t a, uint32_t b)
{
    return fold((uint64_t)a + b);
}
