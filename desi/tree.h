/*
 * tree.h - where files lie: (root, scheme, survey, program, pixel) to paths, and which scheme a tree uses.
 *
 *     healpix   ROOT/healpix/SURVEY/PROGRAM/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits    nested, nside 64
 *     uniqpix   ROOT/spectra/SURVEY/PROGRAM/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits    nested, adaptive
 *     skimmed   ROOT/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits                           nested, any nside
 *     mock      ROOT/spectra-16/PIX//100/PIX/KIND-16-PIX.fits                            nested, nside 16
 *     tiles     ROOT/tiles/cumulative/TILE/NIGHT/KIND-PETAL-TILE-thruNIGHT.fits
 *
 * Each of these may be NAME.fits, or where that is not there NAME.fits.gz or NAME.fits.fz (compressed images), in that
 * order.
 *
 * A pixel is the number of what is in one file: a HEALPix pixel; with adaptive pixels pixel + 4 nside^2 (desi/pixel_map.h);
 * for tiles (tile x 10^8 + night) x 10 + petal.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TREE_H
#define FB_TREE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"

enum fb_scheme { FB_SCHEME_HEALPIX, FB_SCHEME_MOCK, FB_SCHEME_UNIQPIX, FB_SCHEME_SKIMMED, FB_SCHEME_TILES };

struct fb_tree {
    enum fb_scheme scheme;
    const char *root; /* all three borrowed */
    const char *survey;
    const char *program; /* both unused by mocks and tiles */
    long nside;          /* of a skimmed tree */
    long night;          /* of tiles: which to look for; 0: the last there is of each tile */
};

/* Pixels, tiles or TARGETIDs. */
struct fb_id_list {
    int64_t *ids; /* owned */
    size_t n, room;
};

/* "healpix", "mock", ... */
const char *fb_scheme_name(enum fb_scheme scheme);

/* ---- pixels ---- */

/* The nside of all pixels; 0 where they differ, or where files are not of pixels. */
long fb_tree_nside(const struct fb_tree *tree);
/* Pixel of a position in degrees; -1 where it is not on the sky (not finite, declination beyond 90). Not for adaptive
 * pixels and tiles. */
int64_t fb_tree_pixel(const struct fb_tree *tree, double ra, double dec);
/* The nside of one pixel, and its number at that nside; 0 for tiles, and where there is no such pixel. */
long fb_tree_healpix(const struct fb_tree *tree, int64_t pixel, int64_t *healpix);
/* Is there such a pixel, or could there be such a tile? */
int fb_tree_has_pixel(const struct fb_tree *tree, int64_t pixel);

/* The number of what is in a file of a tile; -1 where one of the three can't be. */
int64_t fb_tile_pixel(int64_t tile, int64_t night, int64_t petal);
int64_t fb_tile_of(int64_t pixel);

/* How people call a pixel: its number, or TILE/NIGHT/PETAL. */
enum { FB_PIXEL_TEXT = 48 };
void fb_tree_pixel_text(const struct fb_tree *tree, int64_t pixel, char text[FB_PIXEL_TEXT]);

/* ---- paths ---- */

/* Where the pixels' folders are in the root, for messages: "healpix/main/dark", "PIX//100/PIX". */
char *fb_tree_place(const struct fb_tree *tree);
/* The folder that holds the pixels' folders. Strings are the caller's to free; NULL if out of memory. */
char *fb_tree_folder(const struct fb_tree *tree);
/* The file of a kind ("coadd", "spectra", "zafter", "baltable") for a pixel. */
char *fb_tree_path(const struct fb_tree *tree, const char *kind, int64_t pixel);
/* Look for that file, or where it is not there the same with .gz or .fz appended. 1: one is there, and *path is what it is
 * called; 0: none is, and *path is as it was; -1: the system can't tell. */
int fb_tree_look_for(char **path, struct fb_error *err);
/* "SURVEY-PROGRAM", "mock" or "tiles": how logs are named. */
char *fb_tree_label(const struct fb_tree *tree);

/* ---- what is there ---- */

/* The folders PIX//100 or TILE in the tree, as numbers. A folder that can't be read is an error. */
int fb_tree_groups(const struct fb_tree *tree, struct fb_id_list *groups, struct fb_error *err);
/* Add the pixels in one of them that have a file of this kind. */
int fb_tree_group_pixels(const struct fb_tree *tree, int64_t group, const char *kind,
                         struct fb_id_list *pixels, struct fb_error *err);

/* Add the pixels in one of them that have a folder; not for tiles. */
int fb_tree_group_folders(const struct fb_tree *tree, int64_t group, struct fb_id_list *pixels,
                          struct fb_error *err);

/* Is there any file of this kind? 1 and its pixel, 0, or -1; looks into no more folders than it takes to find one. */
int fb_tree_any(const struct fb_tree *tree, const char *kind, int64_t *pixel, struct fb_error *err);

int fb_id_list_add(struct fb_id_list *list, int64_t pixel); /* -1 if out of memory */
void fb_id_list_sort(struct fb_id_list *list);              /* ascending, each pixel once */
/* The place of a pixel in a sorted list; n where it is not in it. */
size_t fb_id_list_find(const struct fb_id_list *list, int64_t pixel);
void fb_id_list_release(struct fb_id_list *list);

#endif
