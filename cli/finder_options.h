/*
 * finder_options.h - the options of find and run for measuring, and the finder made from them, on all ranks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FINDER_OPTIONS_H
#define FB_FINDER_OPTIONS_H

#include "pipeline/finder.h"
#include "run/ranks.h"

/* The user's choices; NULL and 0 by default. */
struct fb_finder_options {
    const char *templates, *fit, *rules; /* names */
    int alttemp;
    long nproc;
};

/* Check the options; prints an error if they are invalid. */
int fb_finder_options_check(const char *command, const struct fb_finder_options *options);

/*
 * Prepare the finder; the options must have been checked. fb_finder_prepare(), on rank 0 only, reads the templates of
 * --templates or --alttemp, or the default, and makes the form of BAL tables. fb_finder_share(), which all ranks call
 * afterwards, sends both to the other ranks. Release in any case.
 */
int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options,
                      struct fb_error *err);
int fb_finder_share(struct fb_finder *finder, const struct fb_finder_options *options,
                    const struct fb_ranks *ranks, struct fb_error *err);

#endif
