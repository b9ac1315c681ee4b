/*
 * pixel_map.h - adaptive pixels: which of them covers a position (desidatamodel, hpix2upix and uniqpix files).
 *
 * An adaptive pixel is a nested HEALPix pixel of some nside, and its number is pixel + 4 nside^2, from which both follow.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PIXEL_MAP_H
#define FB_PIXEL_MAP_H

#include <stdint.h>
#include "fits/error.h"

struct fb_pixel_map {
    long nside;    /* the finest there is */
    int32_t *upix; /* owned, 12 nside^2: the adaptive pixel that covers a pixel of that nside, or -1 */
    char *path;    /* owned: the file it comes from */
};

/* Powers of 2 up to 8192. */
int fb_nside_ok(long nside);
/* The nside of an adaptive pixel; 0 where no pixel has that number. */
long fb_uniqpix_nside(int64_t upix);

/*
 * Read the map of a tree of adaptive pixels from its folder: hpix2upix-SURVEY-PROGRAM.fits (image HPIX2UPIX, keyword
 * NSIDE), or the same as .json, or the list uniqpix-SURVEY-PROGRAM.fits (table UNIQPIX, column UNIQPIX), whichever is
 * there first. A map that is not nested, has not 12 nside^2 pixels, or gives a pixel to one that does not cover it is an
 * error. Release in any case.
 */
int fb_pixel_map_read(struct fb_pixel_map *map, const char *folder, const char *survey, const char *program,
                      struct fb_error *err);
/* Make the map of a list of adaptive pixels, which must not overlap; path says in errors where they are from. */
int fb_pixel_map_from_list(struct fb_pixel_map *map, const char *path, const int64_t *list, size_t n,
                           struct fb_error *err);
void fb_pixel_map_release(struct fb_pixel_map *map);

/* The adaptive pixel of a position in degrees; -1 where there is none, or the position is not on the sky. */
int64_t fb_pixel_map_find(const struct fb_pixel_map *map, double ra, double dec);

#endif
