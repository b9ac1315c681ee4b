/*
 * finder_options.h - the options of commands that measure, and the finder made from them, on all ranks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FINDER_OPTIONS_H
#define FB_FINDER_OPTIONS_H

#include "cli/options.h"
#include "pipeline/finder.h"
#include "run/ranks.h"

/* The user's choices; begin with FB_FINDER_DEFAULTS, or with zeros and fb_finder_follow(). Without a detector's name there is
 * none. */
struct fb_finder_options {
    const char *templates, *fit, *rules, *continuum, *detector; /* names */
    int alttemp;
    long nproc;
};
/* clang-format off */
#define FB_FINDER_DEFAULTS { .fit = "exact", .rules = "main", .continuum = "default", .detector = "on" }

/* Rows of a command's option table; o is a struct fb_finder_options. follows: what is not given is as in a catalog's header. */
#define FB_FINDER_OPTIONS(o, is_old, follows) \
        { "-t", "--alttemp", FB_OPT_FLAG, &(o).alttemp, .old = (is_old), .group = FB_GROUP_SEARCH, \
          .help = "the same as --templates brodzeller" }, \
        { NULL, "--templates", FB_OPT_STRING, &(o).templates, .metavar = "NAME", .group = FB_GROUP_SEARCH, \
          .help = (follows) ? "guo, brodzeller, builtin, or a FITS file; default: as in the catalog's header, or else as for run" \
                            : "guo, brodzeller, builtin, or a FITS file; default: guo, or builtin where guo is not found" }, \
        { NULL, "--continuum", FB_OPT_STRING, &(o).continuum, .metavar = "NAME", .group = FB_GROUP_SEARCH, \
          .help = (follows) ? "trough-aware, or least-squares; default: as in the catalog's header, or else as for run" \
                            : "trough-aware, least-squares, or default: trough-aware for templates with a prior" }, \
        { NULL, "--fit", FB_OPT_STRING, &(o).fit, .metavar = "NAME", .group = FB_GROUP_SEARCH, \
          .help = (follows) ? "exact or simplex; default: as in the catalog's header, or else exact" \
                            : "exact, or simplex: the published catalogs' search, which stops early on bright quasars" }, \
        { NULL, "--rules", FB_OPT_STRING, &(o).rules, .metavar = "NAME", .group = FB_GROUP_SEARCH, \
          .help = (follows) ? "main, optimize or fastbal; default: as in the catalog's header, or else main" \
                            : "whose definition of a trough: main, optimize (the reference's branches) or fastbal " \
                              "(masked pixels are left out)" }
/* The same for commands that write what is found. */
#define FB_DETECTOR_OPTION(o) \
        { NULL, "--detector", FB_OPT_STRING, &(o).detector, .metavar = "on|off|FILE", .group = FB_GROUP_SEARCH, \
          .help = "fill BAL_PROB and the detector's own columns, by the built-in detector or one of train --detector; " \
                  "off: leave them 0" }
/* clang-format on */

/* The drop-in names do as the reference does: least squares and no detector, unless the user says otherwise. Call it before
 * options are parsed. */
void fb_finder_old_default(struct fb_finder_options *options);

/* Set what the user did not choose, NULL, to the settings that a catalog was made with, as far as its header says, or else
 * to the defaults. made is borrowed. */
void fb_finder_follow(struct fb_finder_options *options, const struct fb_provenance *made);

/* Check the options, of which NULL is valid; prints an error if they are invalid. */
int fb_finder_options_check(const char *command, const struct fb_finder_options *options);

/*
 * Prepare the finder; the options must have been checked. fb_finder_prepare(), on rank 0 only, reads the templates of
 * --templates or --alttemp, or the default, and the detector, and makes the headers of BAL tables. fb_finder_share(), which
 * all ranks call afterwards, sends templates, detector and headers to the other ranks. Release in any case.
 */
int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options,
                      struct fb_error *err);
int fb_finder_share(struct fb_finder *finder, const struct fb_finder_options *options,
                    const struct fb_ranks *ranks, struct fb_error *err);

#endif
