/*
 * pixel_map.h - finds the adaptive pixel that covers a position (desidatamodel, hpix2upix and uniqpix files).
 *
 * An adaptive pixel is a nested HEALPix pixel of some nside. Its number is pixel + 4 nside^2, which
 * determines both.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PIXEL_MAP_H
#define FB_PIXEL_MAP_H

#include <stdint.h>
#include "fits/error.h"

struct fb_pixel_map {
    long nside;    /* the largest nside of any pixel */
    int32_t *upix; /* owned, 12 nside^2: the adaptive pixel that covers a pixel of that nside, or -1 */
    char *path;    /* owned: the file it was read from */
};

/* Is nside a power of 2 up to 8192? */
int fb_nside_ok(long nside);
/* The nside of an adaptive pixel; 0 if there is no such pixel. */
long fb_uniqpix_nside(int64_t upix);
/* The nested HEALPix pixel of a position in degrees; -1 if the position is invalid, or nside is 0. */
int64_t fb_pixel_of(long nside, double ra, double dec);

/*
 * Read the map of a tree of adaptive pixels from its folder: hpix2upix-SURVEY-PROGRAM.fits (image HPIX2UPIX,
 * keyword NSIDE), or the same as .json, or the list uniqpix-SURVEY-PROGRAM.fits (table UNIQPIX, column
 * UNIQPIX); the first that exists is used. A map is invalid if it is not nested, does not have 12 nside^2
 * pixels, or assigns a pixel to an adaptive pixel that does not cover it. Release in any case.
 */
int fb_pixel_map_read(struct fb_pixel_map *map, const char *folder, const char *survey, const char *program,
                      struct fb_error *err);
/* Make the map from a list of adaptive pixels, which must not overlap. path names their source in errors. */
int fb_pixel_map_from_list(struct fb_pixel_map *map, const char *path, const int64_t *list, size_t n,
                           struct fb_error *err);
void fb_pixel_map_release(struct fb_pixel_map *map);

/* The adaptive pixel of a position in degrees; -1 if there is none, or if the position is invalid. */
int64_t fb_pixel_map_find(const struct fb_pixel_map *map, double ra, double dec);

#endif
