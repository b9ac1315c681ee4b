/*
 * image.h - reading pixels of images: plain or compressed (fits/tiles.h), integer or floating-point, scaled,
 * unsigned, and with blank pixels.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_IMAGE_H
#define FB_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

struct fb_tiles;

/* The type that pixels are converted to: float, double or int32_t. */
enum fb_pixel_type { FB_FLOATS, FB_DOUBLES, FB_INTEGERS };

/* All zeros: not open. */
struct fb_image {
    const char *name;     /* EXTNAME, borrowed from the HDUs; NULL: not open */
    struct fb_file *file; /* borrowed, too */
    int naxis;
    int64_t axis[FB_HDU_AXES]; /* of the image, even if it is compressed; 0 beyond naxis */
    enum fb_pixel_type type;
    int bitpix, unsigned64;
    double scale, zero, blank;
    int has_blank;
    int in_place;           /* the pixels in the file have the type wanted, except for byte order or sign */
    int64_t data;           /* offset of the pixels */
    struct fb_tiles *tiles; /* owned; NULL: not compressed */
    void *pixels;           /* owned: the pixels of the tile read last */
    int64_t tile;
};

/*
 * Open an image of an open file. It may have any number of axes; the caller must check them. Fails if the HDU
 * holds no image, or one that can't be read. Release it in any case, before its HDUs.
 */
int fb_image_open(struct fb_image *image, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                  enum fb_pixel_type type, struct fb_error *err);
void fb_image_release(struct fb_image *image);

/*
 * Read n pixels, starting with pixel `first`, counted from 0. The image must have them all.
 *
 * Blank pixels become NaN, or INT32_MIN as integers. Integers are truncated towards zero and clamped to the
 * range of int32_t, except that unsigned 32-bit integers keep their bits.
 */
int fb_image_read(struct fb_image *image, int64_t first, size_t n, void *pixels, struct fb_error *err);

#endif
