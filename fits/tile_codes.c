/*
 * tile_codes.c - decoding the tiles of compressed images: gzip, RICE (FITS standard 4.0, 10.4.1), shuffled
 * bytes (10.4.2), and quantized floating-point numbers with dithering (10.2, appendix I).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <zlib.h>
#include "fits/tiles.h"

int64_t fb_gunzip(const unsigned char *packed, size_t n, unsigned char *out, size_t room)
{
    enum { GZIP = 16 /* zlib: gzip's header and checksum */ };
    unsigned char more;
    z_stream zlib = { .avail_in = (uInt)n, .avail_out = (uInt)room };
    if (inflateInit2(&zlib, MAX_WBITS + GZIP) != Z_OK)
        return -3;
    zlib.next_in = (unsigned char *)packed; /* zlib does not write there */
    zlib.next_out = out;
    int status = inflate(&zlib, Z_NO_FLUSH);
    int64_t done = (int64_t)(room - zlib.avail_out);
    if (status == Z_OK && zlib.avail_out == 0) { /* is this the end, or is there another byte? */
        zlib.next_out = &more;
        zlib.avail_out = 1;
        status = inflate(&zlib, Z_NO_FLUSH);
        if (zlib.avail_out == 0)
            done = -2;
    }
    inflateEnd(&zlib);
    return status == Z_MEM_ERROR ? -3 : status == Z_STREAM_END || done == -2 ? done : -1;
}

void fb_unshuffle(const unsigned char *shuffled, size_t n, size_t size, unsigned char *out)
{
    for (size_t b = 0; b < size; b++)
        for (size_t i = 0; i < n; i++)
            out[size * i + b] = shuffled[b * n + i];
}

/* ---- RICE ---- */

/* A bit stream. The next bits are the highest n of word. Zeros follow the last byte, and `beyond` counts
 * them. */
struct bits {
    const unsigned char *next, *end;
    uint64_t word;
    int n, beyond;
};

static void refill(struct bits *b)
{
    for (; b->n <= 56; b->n += 8) {
        if (b->next < b->end)
            b->word |= (uint64_t)*b->next++ << (56 - b->n);
        else
            b->beyond += 8;
    }
}

/* Take 1 to 32 bits. */
static uint32_t take_bits(struct bits *b, int n)
{
    refill(b);
    uint32_t value = (uint32_t)(b->word >> (64 - n));
    b->word <<= n;
    b->n -= n;
    return value;
}

/* Count and take the zero bits before the next 1 bit, and take that bit too; -1 if there is none. */
static int64_t take_zeros(struct bits *b)
{
    int64_t zeros = 0;
    for (refill(b); b->word == 0; refill(b)) {
        if (b->next >= b->end)
            return -1;
        zeros += b->n;
        b->n = 0;
    }
    int more = __builtin_clzll(b->word);
    b->word = b->word << more << 1;
    b->n -= more + 1;
    return zeros + more;
}

/* Codes 0, 1, 2, 3, 4 are the differences 0, -1, 1, -2, 2. */
static uint32_t unfold(uint32_t code)
{
    return code & 1 ? ~(code >> 1) : code >> 1;
}

/* The pixel of a value of 1, 2 or 4 bytes, which has wrapped around. One-byte values are unsigned. */
static double value_of(uint32_t value, int size)
{
    return size == 1 ? (double)(uint8_t)value : size == 2 ? (double)(int16_t)value : (double)(int32_t)value;
}

/* The stream holds the first value and then blocks of differences. A block begins with a code for the number
 * of low bits. Each difference has its high bits in unary, as zeros, and then the low bits. */
int fb_unrice(const unsigned char *packed, size_t nbytes, int size, int block, size_t n, double *pixels)
{
    const int code_bits = size == 4 ? 5 : size == 2 ? 4 : 3;
    const int all_bits = size == 4 ? 26 : size == 2 ? 15 : 7;
    struct bits b = { .next = packed, .end = packed + nbytes };
    uint32_t last = take_bits(&b, 8 * size);
    for (size_t i = 0; i < n && b.beyond <= b.n;) {
        size_t end = n - i < (size_t)block ? n : i + (size_t)block;
        int code = (int)take_bits(&b, code_bits);
        if (code > all_bits)
            return -1;
        for (; i < end; i++) {
            int64_t high = code > 0 && code < all_bits ? take_zeros(&b) : 0;
            if (high < 0)
                return -1;
            if (code == all_bits)
                last += unfold(take_bits(&b, 8 * size));
            else if (code > 0)
                last += unfold((uint32_t)high << (code - 1) | (code > 1 ? take_bits(&b, code - 1) : 0));
            pixels[i] = value_of(last, size);
        }
    }
    return b.beyond <= b.n ? 0 : -1;
}

/* ---- quantization ---- */

/* The standard defines the random numbers of dithering, a sequence of 10000. A tile uses them from an offset
 * that is itself taken from the sequence. */
enum { RANDOMS = 10000 };

float *fb_dither_randoms(void)
{
    const uint64_t factor = 16807, modulus = 2147483647;
    uint64_t seed = 1;
    float *randoms = malloc(RANDOMS * sizeof *randoms);
    for (int i = 0; randoms && i < RANDOMS; i++) {
        seed = factor * seed % modulus;
        randoms[i] = (float)((double)seed / (double)modulus);
    }
    return randoms;
}

static int start_of(const float *randoms, int64_t turn)
{
    return (int)(randoms[turn % RANDOMS] * 500);
}

void fb_unquantize(double *pixels, size_t n, const struct fb_tiles *tiles, int64_t number, double scale,
                   double zero)
{
    /* 0 in DITHER_2; the standard says -2147483647, but all programs write this */
    const double exact_zero = -2147483646;
    const float *randoms = tiles->randoms;
    int64_t turn = number + tiles->seed - 1;
    if (tiles->dither == FB_NO_DITHER) {
        for (size_t i = 0; i < n; i++)
            pixels[i] = pixels[i] * scale + zero;
        return;
    }
    int next = start_of(randoms, turn);
    for (size_t i = 0; i < n; i++) {
        int is_zero = tiles->dither == FB_DITHER_2 && pixels[i] >= exact_zero && pixels[i] <= exact_zero;
        pixels[i] = is_zero ? 0 : (pixels[i] - (double)randoms[next] + 0.5) * scale + zero;
        if (++next == RANDOMS)
            next = start_of(randoms, ++turn);
    }
}
