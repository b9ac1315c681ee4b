/*
 * tiles.h - tiles of a compressed image (FITS standard 4.0, section 10). The image is a table with a row for
 * each tile, whose bytes are in the table's heap. Private to fits/.
 *
 * Supported are RICE_1, GZIP_1, GZIP_2 and NOCOMPRESS, integers, and floating-point numbers with or without
 * quantization and dithering. HCOMPRESS_1, PLIO_1 and null pixel masks are refused.
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
    const char *name;     /* EXTNAME, borrowed */
    struct fb_file *file; /* borrowed */
    int naxis, bitpix;
    int64_t axis[FB_HDU_AXES], tile[FB_HDU_AXES]; /* pixels */
    int64_t n;                                    /* tiles */
    enum fb_tile_method method;
    int block, size; /* of RICE_1: pixels per block, bytes per pixel */
    enum fb_tile_dither dither;
    int64_t seed;   /* ZDITHER0 */
    float *randoms; /* owned: from fb_dither_randoms(); NULL without dithering */
    int has_blank;
    double scale, zero, blank; /* used where they are not columns */
    struct fb_column column[FB_TILE_COLUMNS];
    int64_t data, row_bytes, heap, heap_bytes;
};

/* Read the header of a compressed image. Release it in any case. Every number is validated, so fb_tile_read()
 * stays within the file. */
int fb_tiles_open(struct fb_tiles *tiles, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                  struct fb_error *err);
void fb_tiles_release(struct fb_tiles *tiles);

/* The number of pixels of a tile, at most FB_MOST_TILE. Tiles at the end of an axis may be smaller. */
size_t fb_tile_pixels(const struct fb_tiles *tiles, int64_t number);

/* Read the pixels of a tile; blank ones are NaN. BSCALE and BZERO are not applied. With unsigned64, 2^63 is
 * added to 64-bit integers. */
int fb_tile_read(const struct fb_tiles *tiles, int64_t number, int unsigned64, double *pixels,
                 struct fb_error *err);

/* Convert big-endian numbers of a FITS file to double. */
void fb_pixels_widen(const unsigned char *bytes, int bitpix, int unsigned64, size_t n, double *pixels);

/* ---- compression methods (fits/tile_codes.c) ---- */

/* Decompress a gzip stream into at most `room` bytes. Returns their number, or -1 if the stream is damaged or
 * incomplete, -2 if it holds more than room, -3 if out of memory. */
int64_t fb_gunzip(const unsigned char *packed, size_t n, unsigned char *out, size_t room);

/* Undo the shuffling of GZIP_2, which stores the most significant bytes of all n pixels first. */
void fb_unshuffle(const unsigned char *shuffled, size_t n, size_t size, unsigned char *out);

/* Decode n pixels of RICE_1. Returns 0, or -1 if there are fewer or a code is invalid. */
int fb_unrice(const unsigned char *packed, size_t nbytes, int size, int block, size_t n, double *pixels);

/* The random numbers of dithering, freed by the caller; NULL if out of memory. */
float *fb_dither_randoms(void);
/* Convert the quantized values of a tile, counted from 0, to numbers in place. */
void fb_unquantize(double *pixels, size_t n, const struct fb_tiles *tiles, int64_t number, double scale,
                   double zero);

#endif
