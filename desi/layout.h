/*
 * layout.h - which tree of spectra is used, and which part of it, according to the user's options
 * (cli/layout_options.h) and the folders that exist.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAYOUT_H
#define FB_LAYOUT_H

#include "desi/pixel_map.h"
#include "desi/tree.h"
#include "fits/error.h"

/* The user's options. */
struct fb_layout_options {
    const char *release, *tree, *mockdir, *survey, *program; /* survey and program are never NULL */
    const char *only;                                        /* NULL if not given */
    int mock, tiles;
    long nside, night;
    struct fb_id_list healpix, uniqpix, tile, targetids;
};

void fb_layout_options_release(struct fb_layout_options *options);

struct fb_layout {
    struct fb_tree tree;     /* of the spectra; its root is NULL if unknown */
    char *root;              /* owned */
    struct fb_pixel_map map; /* of adaptive pixels, once it has been read */
};

/*
 * Find the tree from --mock, --tiles, --tree and --release and from the folders that exist. A tree that the
 * options name must exist. With must_exist there must be one. Without it, as for split, the tree of $SPECPROD
 * is used if it exists; otherwise the pixels are those of a release's healpix/ tree.
 */
int fb_layout_find(struct fb_layout *layout, const struct fb_layout_options *options, int must_exist,
                   struct fb_error *err);
/* The same for append, which needs no spectra: if neither an option nor $SPECPROD names a tree of spectra, the
 * layout is taken from the tree of BAL tables. A folder without BAL tables of this layout is an error. */
int fb_layout_find_tables(struct fb_layout *layout, const struct fb_layout_options *options,
                          const char *tables, struct fb_error *err);
/* Read the map of adaptive pixels, which is needed to turn positions into pixels. It is in the tree of
 * spectra; if that is unknown, the map is made from the folders of a tree of redshift catalogs or BAL
 * tables. */
int fb_layout_read_map(struct fb_layout *layout, const char *tables, struct fb_error *err);
/* The map that was read; NULL if pixels are not adaptive. */
const struct fb_pixel_map *fb_layout_map(const struct fb_layout *layout);
void fb_layout_release(struct fb_layout *layout);

/* The name of the tree of spectra for BALPROD: that of its folder, such as loa; empty if it was given as "."
 * or "..". */
const char *fb_layout_product(const struct fb_layout *layout);
/* The options that choose spectra and rows, for BALOPTS: "survey=main program=dark only=spectype
 * targetids=12", where 12 is the length of the list. */
void fb_layout_text(const struct fb_layout_options *options, char *text, size_t size);

/* The same layout under another root, such as that of redshift catalogs or BAL tables. root is borrowed. */
struct fb_tree fb_layout_beside(const struct fb_layout *layout, const char *root);

/* Require at least one redshift catalog of this layout. Otherwise the error says which scheme of pixels the
 * folder holds instead, and the options to run split with. The search ends at the first file. */
int fb_layout_need_redshifts(const struct fb_layout *layout, const struct fb_layout_options *options,
                             const char *altzdir, const char *zfileroot, struct fb_error *err);

/* ---- selection ---- */

/* All three lists are sorted; an empty one selects everything. */
struct fb_selection {
    struct fb_id_list pixels, tiles, targetids;
    unsigned only; /* enum fb_catalog_mark: rows with one of these marks are left out */
};
/* Fails if the options select what the tree does not have. Release in any case. */
int fb_selection_make(struct fb_selection *selection, const struct fb_layout *layout,
                      const struct fb_layout_options *options, struct fb_error *err);
void fb_selection_release(struct fb_selection *selection);
int fb_selects_pixel(const struct fb_selection *selection, int64_t pixel);
int fb_selects_target(const struct fb_selection *selection, int64_t targetid);

#endif
