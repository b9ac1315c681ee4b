/*
 * layout.h - which tree a command works on and which part of it: the options that say so, the same for split, find,
 * append and run, and what is found by looking.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAYOUT_H
#define FB_LAYOUT_H

#include "cli/options.h"
#include "fits/error.h"
#include "desi/pixel_map.h"
#include "desi/tree.h"

/* What the user says. */
struct fb_layout_options {
    const char *release, *tree, *mockdir, *survey, *program; /* survey and program are never NULL */
    const char *only;                                        /* NULL where it was not given */
    int mock, tiles;
    long nside, night;
    struct fb_int_list healpix, uniqpix, tile, targetids;
};

/* clang-format off */
/* Rows of a command's option table; o is a struct fb_layout_options. */
#define FB_LAYOUT_OPTIONS(o) \
        { "-s", "--survey", FB_OPT_STRING, &(o).survey, .metavar = "NAME", .old = 1, .help = "survey" }, \
        { "-m", "--moon --program", FB_OPT_STRING, &(o).program, .metavar = "NAME", .old = 1, .help = "observing program" }, \
        { "-r", "--release --specprod", FB_OPT_STRING, &(o).release, .metavar = "NAME", .old = 1, \
          .help = "spectroscopic reduction: a folder in $DESI_SPECTRO_REDUX, or a path; default $SPECPROD" }, \
        { NULL, "--tree", FB_OPT_STRING, &(o).tree, .metavar = "DIR", \
          .help = "the tree of spectra instead of a release's: a mock's, or one that was skimmed" }, \
        { NULL, "--nside", FB_OPT_INT, &(o).nside, .metavar = "N", .min = 1, .max = 8192, \
          .help = "of a skimmed tree's pixels, PIX//100/PIX right in it; default: as its files say" }, \
        { NULL, "--mock", FB_OPT_FLAG, &(o).mock, .old = 1, .help = "a mock: spectra-16, columns RA and DEC" }, \
        { NULL, "--tiles", FB_OPT_LIST, &(o).tile, .metavar = "TILE", .max = 999999999, .seen = &(o).tiles, \
          .help = "tiles instead of pixels: these, or all; @FILE is a file that lists them" }, \
        { NULL, "--night", FB_OPT_INT, &(o).night, .metavar = "YYYYMMDD", .min = 1, .max = 99999999, \
          .help = "of tiles: the last night of their spectra; default: the last there is" }, \
        { "-hp", "--healpix", FB_OPT_LIST, &(o).healpix, .metavar = "PIX", .max = 1e15, .old = 1, \
          .help = "pixels to work on, separated by spaces or commas, or @FILE; default: all" }, \
        { NULL, "--uniqpix", FB_OPT_LIST, &(o).uniqpix, .metavar = "PIX", .max = 1e15, \
          .help = "the same for adaptive pixels" }, \
        { NULL, "--targetids", FB_OPT_LIST, &(o).targetids, .metavar = "ID", .min = -9.2e18, .max = 9.2e18, \
          .help = "targets to work on, separated by spaces or commas, or @FILE; default: all" }
#define FB_ONLY_OPTION(o) \
        { NULL, "--only", FB_OPT_STRING, &(o).only, .metavar = "WHAT", \
          .help = "leave out rows of another survey, program or spectype: one of these words, or several with commas" }
/* clang-format on */

void fb_layout_options_release(struct fb_layout_options *options);
/* Where a command was called by the name of the reference's program and no spectra were named: take the release that the
 * program takes then, whatever $SPECPROD is, and say so. called: argv[0]. */
void fb_layout_old_default(const char *command, const char *called, const char *release,
                           struct fb_layout_options *options);

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

/* Add what has to be the same on all ranks: which tree it is, and what was found by looking at it. */
void fb_layout_describe(const struct fb_layout *layout, struct fb_settings *settings);

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
    struct fb_pixel_list pixels, tiles, targetids;
    unsigned only; /* enum fb_catalog_mark: rows with one of these marks are left out */
};
/* An error where the options select what the tree does not have. Release in any case. */
int fb_selection_make(struct fb_selection *selection, const struct fb_layout *layout,
                      const struct fb_layout_options *options, struct fb_error *err);
void fb_selection_release(struct fb_selection *selection);
int fb_selects_pixel(const struct fb_selection *selection, int64_t pixel);
int fb_selects_target(const struct fb_selection *selection, int64_t targetid);

#endif
