/*
 * layout.h - which tree of spectra is meant and which part of it: what the user says (cli/layout_options.h) and what is
 * found by looking.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAYOUT_H
#define FB_LAYOUT_H

#include "desi/pixel_map.h"
#include "desi/tree.h"
#include "fits/error.h"

/* What the user says. */
struct fb_layout_options {
    const char *release, *tree, *mockdir, *survey, *program; /* survey and program are never NULL */
    const char *only;                                        /* NULL where it was not given */
    int mock, tiles;
    long nside, night;
    struct fb_id_list healpix, uniqpix, tile, targetids;
};

void fb_layout_options_release(struct fb_layout_options *options);

struct fb_layout {
    struct fb_tree tree;     /* of the spectra; its root is NULL where nobody said where they are */
    char *root;              /* owned */
    struct fb_pixel_map map; /* of adaptive pixels, once read */
};

/*
 * Find the tree: what --mock, --tiles, --tree and --release say, and looking. With must_exist a tree that is not there
 * is an error; without, as for split, pixels are those of a release's healpix/ tree where nothing else is known.
 */
int fb_layout_find(struct fb_layout *layout, const struct fb_layout_options *options, int must_exist,
                   struct fb_error *err);
/* The same for append, which needs no spectra: where nobody says which they are, it looks at the BAL tables' tree.
 * A folder without BAL tables of this layout is an error. */
int fb_layout_find_tables(struct fb_layout *layout, const struct fb_layout_options *options,
                          const char *tables, struct fb_error *err);
/* Get what positions need to be turned into pixels: the map of adaptive pixels, from the tree of spectra, or where that
 * is not known from the folders of a tree of redshift catalogs or BAL tables. */
int fb_layout_read_map(struct fb_layout *layout, const char *tables, struct fb_error *err);
/* NULL where pixels are not adaptive. */
const struct fb_pixel_map *fb_layout_map(const struct fb_layout *layout);
void fb_layout_release(struct fb_layout *layout);

/* What the tree of spectra is called, for BALPROD: its folder's name, as loa; empty where that was given as "." or "..". */
const char *fb_layout_product(const struct fb_layout *layout);
/* The options that choose spectra and rows, for BALOPTS: "survey=main program=dark only=spectype targetids=12". */
void fb_layout_text(const struct fb_layout_options *options, char *text, size_t size);

/* The same tree elsewhere, as that of redshift catalogs and BAL tables. */
struct fb_tree fb_layout_beside(const struct fb_layout *layout, const char *root);

/* Is there any redshift catalog of this layout? Where there is none, an error says which scheme of pixels the
 * folder holds instead, and with which options split has to be run. Looks into no more folders than it takes to find
 * one file. */
int fb_layout_need_redshifts(const struct fb_layout *layout, const struct fb_layout_options *options,
                             const char *altzdir, const char *zfileroot, struct fb_error *err);

/* ---- which part of it ---- */

/* All three lists are sorted; an empty one selects everything. */
struct fb_selection {
    struct fb_id_list pixels, tiles, targetids;
    unsigned only; /* enum fb_catalog_mark: rows with one of these marks are left out */
};
/* An error where the options select what the tree does not have. Release in any case. */
int fb_selection_make(struct fb_selection *selection, const struct fb_layout *layout,
                      const struct fb_layout_options *options, struct fb_error *err);
void fb_selection_release(struct fb_selection *selection);
int fb_selects_pixel(const struct fb_selection *selection, int64_t pixel);
int fb_selects_target(const struct fb_selection *selection, int64_t targetid);

#endif
