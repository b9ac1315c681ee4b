/*
 * tree.h - where files lie: (root, scheme, survey, program, pixel) to paths, and sky positions to pixels.
 *
 *     healpix   ROOT/healpix/SURVEY/PROGRAM/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits    nested, nside 64
 *     mock      ROOT/spectra-16/PIX//100/PIX/KIND-16-PIX.fits (or .fits.gz)               nested, nside 16
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_H
#define FB_TREE_H

#include <stddef.h>
#include <stdint.h>
#include "io/error.h"

enum fb_scheme { FB_SCHEME_HEALPIX, FB_SCHEME_MOCK };

struct fb_tree {
    enum fb_scheme scheme;
    const char *root; /* all three borrowed */
    const char *survey;
    const char *program; /* both unused by mocks */
};

struct fb_pixel_list {
    int64_t *pixels; /* owned */
    size_t n, room;
};

/* Pixel of a position in degrees; -1 where it is not on the sky (not finite, declination beyond 90). */
int64_t fb_tree_pixel(enum fb_scheme scheme, double ra, double dec);

/* Pixels there are at this scheme's nside. */
int64_t fb_tree_npixels(enum fb_scheme scheme);

/* The folder that holds the pixels' folders. Strings are the caller's to free; NULL if out of memory. */
char *fb_tree_folder(const struct fb_tree *tree);
/* The file of a kind ("coadd", "spectra", "zafter", "baltable") for a pixel. */
char *fb_tree_path(const struct fb_tree *tree, const char *kind, int64_t pixel);
/* "SURVEY-PROGRAM", or "mock": how logs are named. */
char *fb_tree_label(const struct fb_tree *tree);

/* The folders PIX//100 in the tree, as numbers. A folder that can't be read is an error. */
int fb_tree_groups(const struct fb_tree *tree, struct fb_pixel_list *groups, struct fb_error *err);
/* Add the pixels in one of them that have a file of this kind. */
int fb_tree_group_pixels(const struct fb_tree *tree, int64_t group, const char *kind,
                         struct fb_pixel_list *pixels, struct fb_error *err);

int fb_pixel_list_add(struct fb_pixel_list *list, int64_t pixel); /* -1 if out of memory */
void fb_pixel_list_sort(struct fb_pixel_list *list);              /* ascending, each pixel once */
void fb_pixel_list_release(struct fb_pixel_list *list);

#endif
