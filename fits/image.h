/*
 * image.h - pixels of images: plain or compressed (fits/tiles.h), of integers or floating-point numbers, scaled, unsigned
 * and with blank pixels.
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

/* What pixels become: float, double or int32_t. */
enum fb_pixel_type { FB_FLOATS, FB_DOUBLES, FB_INTEGERS };

/* All zero is an image that is not open. */
struct fb_image {
    const char *name; /* EXTNAME, borrowed from the HDUs; NULL: not open */
    int naxis;
    int64_t axis[FB_HDU_AXES]; /* of the image, also where it is compressed; 0 where there are fewer */
    enum fb_pixel_type type;
    int bitpix, unsigned64;
    double scale, zero, blank;
    int has_blank;
    int in_place;           /* the pixels in the file are those wanted, but for the byte order or the sign */
    int64_t data;           /* where they begin */
    struct fb_tiles *tiles; /* owned; NULL: not compressed */
    void *pixels;           /* owned: those of the tile that was read last */
    int64_t tile;
};

/*
 * Open an image of an open file. It may have any number of axes; who reads from it looks at them first. Release it in any
 * case, before its HDUs. It fails where the HDU holds no image, or one that can't be read.
 */
int fb_image_open(struct fb_image *image, const struct fb_file *file, const struct fb_hdus *hdus,
                  const struct fb_hdu *hdu, enum fb_pixel_type type, struct fb_error *err);
void fb_image_release(struct fb_image *image);

/*
 * Read n pixels from the first-th on, counted from 0 through the image, which has them.
 *
 * Blank pixels are NaN, as integers INT32_MIN. Integers are cut towards zero, and to the range of int32_t; but those of 32
 * bits without sign keep their bits.
 */
int fb_image_read(struct fb_image *image, struct fb_file *file, int64_t first, size_t n, void *pixels,
                  struct fb_error *err);

#endif
