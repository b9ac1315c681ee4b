/*
 * tiles.h - the packed tiles of a compressed image, looked at before CFITSIO gets them: it reads where their
 * descriptors point, and unpacks what gzip packed for as long as no end comes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TILES_H
#define FB_TILES_H

#include <stdint.h>
#include "io/error.h"
#include "io/file.h"
#include "io/hdus.h"

/*
 * Does every tile of a compressed image lie in the heap of its table, and does every one that gzip packed end within
 * its pixels, at most 8 bytes each? gzip: 1 where the image is compressed by GZIP_1 or GZIP_2, 0 where gzip packed only
 * the tiles that another way could not. Reads the descriptors, and unpacks tiles in pieces, which are thrown away.
 * 0, or -1 with a line in err.
 */
int fb_tiles_check(struct fb_file *file, const struct fb_hdus *hdus, const struct fb_hdu *hdu, int64_t pixels,
                   int gzip, struct fb_error *err);

#endif
