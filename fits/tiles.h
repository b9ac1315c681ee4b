/*
 * tiles.h - tiles of a compressed image (FITS standard 4.0, section 10). The image is a table with a row for each tile,
 * and the tile is in the heap of that table. Private to fits/.
 *
 * What is read: RICE_1, GZIP_1, GZIP_2 and NOCOMPRESS; integers, and floating-point numbers with or without
 * quantization and dithering. HCOMPRESS_1, PLIO_1 and masks of null pixels are refused.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TILES_H
#define FB_TILES_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

enum fb_tile_method { FB_NOCOMPRESS, FB_GZIP_1, FB_GZIP_2, FB_RICE_1 };
enum fb_tile_dither { FB_NOT_QUANTIZED, FB_NO_DITHER, FB_DITHER_1, FB_DITHER_2 };
enum { FB_TILE_COLUMNS = 7, FB_MOST_TILE = 1 << 24 /* pixels */ };

struct fb_tiles {
    const char *name; /* EXTNAME, borrowed */
    int naxis, bitpix;
    int64_t axis[FB_HDU_AXES], tile[FB_HDU_AXES]; /* pixels */
    int64_t n;                                    /* tiles */
    enum fb_tile_method method;
    int block, size; /* RICE_1: pixels of a block, bytes of a pixel */
    enum fb_tile_dither dither;
    int64_t seed;   /* ZDITHER0 */
    float *randoms; /* owned; NULL where there is no dithering */
    int has_blank;
    double scale, zero, blank; /* where they are not columns */
    struct fb_column column[FB_TILE_COLUMNS];
    int64_t data, row_bytes, heap, heap_bytes;
};

/* Read the header of a compressed image, to be released in any case. No number in it makes fb_tile_read() go beyond what
 * there is. */
int fb_tiles_open(struct fb_tiles *tiles, const struct fb_file *file, const struct fb_hdus *hdus,
                  const struct fb_hdu *hdu, struct fb_error *err);
void fb_tiles_release(struct fb_tiles *tiles);

/* Pixels of a tile, at most FB_MOST_TILE; those at the end of an axis may have fewer than others. */
size_t fb_tile_pixels(const struct fb_tiles *tiles, int64_t number);

/* The pixels of a tile, NaN where they are blank. BSCALE and BZERO are not applied; where `unsigned64`, 64-bit integers
 * are shifted up by 2^63. */
int fb_tile_read(const struct fb_tiles *tiles, struct fb_file *file, int64_t number, int unsigned64,
                 double *pixels, struct fb_error *err);

/* Numbers as FITS has them to double. */
void fb_pixels_widen(const unsigned char *bytes, int bitpix, int unsigned64, size_t n, double *pixels);

/* ---- what one tile is packed by (fits/tile_codes.c) ---- */

/* Unpack a gzip stream into at most `room` bytes. Returns how many, or -1: damaged or without an end; -2: more than room;
 * -3: out of memory. */
int64_t fb_gunzip(const unsigned char *packed, size_t n, unsigned char *out, size_t room);

/* Bytes of n pixels, the most significant of all first: to the bytes of one pixel after the other. */
void fb_unshuffle(const unsigned char *shuffled, size_t n, size_t size, unsigned char *out);

/* n pixels packed by RICE_1; 0, or -1 where there are fewer or a code is unknown. */
int fb_unrice(const unsigned char *packed, size_t nbytes, int size, int block, size_t n, double *pixels);

/* The numbers that steps are dithered with, to be freed; NULL if out of memory. */
float *fb_dither_randoms(void);
/* Steps to numbers, in place: those of a tile counted from 0. */
void fb_unquantize(double *pixels, size_t n, const struct fb_tiles *tiles, int64_t number, double scale,
                   double zero);

#endif
