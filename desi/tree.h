/*
 * tree.h - the paths of the files of a tree, from its root, scheme, survey and program and the pixel.
 *
 *     healpix   ROOT/healpix/SURVEY/PROGRAM/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits    nested, nside 64
 *     uniqpix   ROOT/spectra/SURVEY/PROGRAM/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits    nested, adaptive
 *     skimmed   ROOT/PIX//100/PIX/KIND-SURVEY-PROGRAM-PIX.fits                           nested, any nside
 *     mock      ROOT/spectra-16/PIX//100/PIX/KIND-16-PIX.fits                            nested, nside 16
 *     tiles     ROOT/tiles/cumulative/TILE/NIGHT/KIND-PETAL-TILE-thruNIGHT.fits
 *
 * Each file may be NAME.fits or, if that does not exist, NAME.fits.gz or NAME.fits.fz (compressed images), in
 * that order.
 *
 * The pixel number identifies one file: it is a HEALPix pixel, pixel + 4 nside^2 for adaptive pixels
 * (desi/pixel_map.h), or (tile x 10^8 + night) x 10 + petal for tiles.
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
    long night;          /* of tiles; 0: the last night of each tile */
};

/* Pixels, tiles or TARGETIDs. */
struct fb_id_list {
    int64_t *ids; /* owned */
    size_t n, room;
};

/* "healpix", "mock", ... */
const char *fb_scheme_name(enum fb_scheme scheme);

/* ---- pixels ---- */

/* The nside of all pixels; 0 if they differ, or for tiles. */
long fb_tree_nside(const struct fb_tree *tree);
/* The pixel of a position in degrees; -1 if the position is invalid (not finite, or declination beyond 90).
 * Not for adaptive pixels or tiles. */
int64_t fb_tree_pixel(const struct fb_tree *tree, double ra, double dec);
/* The nside of one pixel, and its HEALPix number at that nside; returns 0 for tiles, and if there is no such
 * pixel. */
long fb_tree_healpix(const struct fb_tree *tree, int64_t pixel, int64_t *healpix);
/* Is this a valid pixel, or a possible tile? */
int fb_tree_has_pixel(const struct fb_tree *tree, int64_t pixel);

/* The pixel number of a petal of a tile; -1 if an argument is out of range. */
int64_t fb_tile_pixel(int64_t tile, int64_t night, int64_t petal);
int64_t fb_tile_of(int64_t pixel);

/* A pixel for display: its number, or TILE/NIGHT/PETAL. */
enum { FB_PIXEL_TEXT = 48 };
void fb_tree_pixel_text(const struct fb_tree *tree, int64_t pixel, char text[FB_PIXEL_TEXT]);

/* ---- paths ---- */

/* The path of the pixels' folders below the root, for messages: "healpix/main/dark", "PIX//100/PIX". */
char *fb_tree_place(const struct fb_tree *tree);
/* The folder that holds the pixels' folders. The caller frees the strings that these functions return; NULL
 * if out of memory. */
char *fb_tree_folder(const struct fb_tree *tree);
/* The file of a kind ("coadd", "spectra", "zafter", "baltable") for a pixel. */
char *fb_tree_path(const struct fb_tree *tree, const char *kind, int64_t pixel);
/* Look for a file, or for the same with .gz or .fz appended. Returns 1 and sets *path to the name that
 * exists; 0 if none exists, leaving *path unchanged; -1 if the system can't tell. */
int fb_tree_look_for(char **path, struct fb_error *err);
/* "SURVEY-PROGRAM", "mock" or "tiles", as in the names of logs. */
char *fb_tree_label(const struct fb_tree *tree);

/* ---- search ---- */

/* The folders PIX//100 or TILE in the tree, as numbers. A folder that can't be read is an error. */
int fb_tree_groups(const struct fb_tree *tree, struct fb_id_list *groups, struct fb_error *err);
/* Add the pixels of a group that have a file of this kind. */
int fb_tree_group_pixels(const struct fb_tree *tree, int64_t group, const char *kind,
                         struct fb_id_list *pixels, struct fb_error *err);

/* Add the pixels of a group that have a folder; not for tiles. */
int fb_tree_group_folders(const struct fb_tree *tree, int64_t group, struct fb_id_list *pixels,
                          struct fb_error *err);

/* Is there any file of this kind? Returns 1 and its pixel, 0, or -1. The search ends at the first file. */
int fb_tree_any(const struct fb_tree *tree, const char *kind, int64_t *pixel, struct fb_error *err);

int fb_id_list_add(struct fb_id_list *list, int64_t pixel); /* -1 if out of memory */
void fb_id_list_sort(struct fb_id_list *list);              /* ascending, each pixel once */
/* The index of a pixel in a sorted list; n if it is not in the list. */
size_t fb_id_list_find(const struct fb_id_list *list, int64_t pixel);
void fb_id_list_release(struct fb_id_list *list);

#endif
