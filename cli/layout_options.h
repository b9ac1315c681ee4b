/*
 * layout_options.h - the options that select a tree of spectra and a part of it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAYOUT_OPTIONS_H
#define FB_LAYOUT_OPTIONS_H

#include "cli/options.h"
#include "desi/layout.h"
#include "run/settings.h"

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
          .help = "nside of a skimmed tree, with PIX//100/PIX directly in it; default: as its files say" }, \
        { NULL, "--mock", FB_OPT_FLAG, &(o).mock, .old = 1, .help = "a mock: spectra-16, columns RA and DEC" }, \
        { NULL, "--tiles", FB_OPT_LIST, &(o).tile, .metavar = "TILE", .max = 999999999, .seen = &(o).tiles, \
          .help = "tiles instead of pixels: these, or all; @FILE is a file that lists them" }, \
        { NULL, "--night", FB_OPT_INT, &(o).night, .metavar = "YYYYMMDD", .min = 1, .max = 99999999, \
          .help = "with --tiles: the last night of their spectra; default: the latest" }, \
        { "-hp", "--healpix", FB_OPT_LIST, &(o).healpix, .metavar = "PIX", .max = 1e15, .old = 1, .group = FB_GROUP_SEARCH, \
          .help = "pixels to work on, separated by spaces or commas, or @FILE; default: all" }, \
        { NULL, "--uniqpix", FB_OPT_LIST, &(o).uniqpix, .metavar = "PIX", .max = 1e15, .group = FB_GROUP_SEARCH, \
          .help = "the same for adaptive pixels" }, \
        { NULL, "--targetids", FB_OPT_LIST, &(o).targetids, .metavar = "ID", .min = -9.2e18, .max = 9.2e18, .group = FB_GROUP_SEARCH, \
          .help = "targets to work on, separated by spaces or commas, or @FILE; default: all" }
#define FB_MOCKDIR_OPTION(o, is_old) \
        { NULL, "--mockdir", FB_OPT_STRING, &(o).mockdir, .metavar = "DIR", .old = (is_old), .help = "the folder of the mock's spectra-16" }
#define FB_ONLY_OPTION(o) \
        { NULL, "--only", FB_OPT_STRING, &(o).only, .metavar = "WHAT", .group = FB_GROUP_SEARCH, \
          .help = "leave out rows of another survey, program or spectype: one of these words, or several with commas" }
/* clang-format on */

/* If a command was called by its drop-in name and no spectra are given, use the default release of the reference's
 * program, regardless of $SPECPROD, and print a note. called: argv[0]. */
void fb_layout_old_default(const char *command, const char *called, const char *release,
                           struct fb_layout_options *options);

/* Add the settings that must be equal on all ranks: the tree, and what was detected in it. */
void fb_layout_describe(const struct fb_layout *layout, struct fb_settings *settings);

#endif
