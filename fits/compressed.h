/*
 * compressed.h - the packed tiles of a compressed image, looked at before CFITSIO gets them: it reads where their
 * descriptors point, unpacks what gzip packed for as long as no end comes, reads on where a tile packed by RICE ends too
 * early, and takes as many unpacked pixels as there are, whatever the tile has room for.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COMPRESSED_H
#define FB_COMPRESSED_H

#include <stdint.h>
#include "fits/error.h"
#include "fits/file.h"
#include "fits/hdus.h"

/* What the header of a compressed image says, within the limits of fits/guard.c. */
struct fb_tiles {
    int naxis;
    int64_t axis[FB_HDU_AXES], tile[FB_HDU_AXES]; /* pixels */
    int bitpix;                                   /* of the image: ZBITPIX */
    int gzip;                                     /* GZIP_1 or GZIP_2; else RICE_1 */
    int block, size; /* RICE_1: pixels coded in one way, and bytes of a pixel: 1, 2 or 4 */
    int as_floats;   /* tiles hold floating point numbers, not steps of them */
};

/*
 * Does every tile lie in the heap of its table and, unpacked, fill its pixels? Packed by gzip or not at all no more
 * than these either; bytes behind the last pixel of RICE do no harm. Reads the
 * descriptors and the tiles, one after the other. 0, or -1 with a line in err.
 */
int fb_tiles_check(struct fb_file *file, const struct fb_hdus *hdus, const struct fb_hdu *hdu,
                   const struct fb_tiles *tiles, struct fb_error *err);

#endif
