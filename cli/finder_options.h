/*
 * finder_options.h - the options that say what find and run measure with, and the finder they make, on all ranks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FINDER_OPTIONS_H
#define FB_FINDER_OPTIONS_H

#include "pipeline/finder.h"
#include "run/ranks.h"

/* What the user chooses; NULL and 0 where nothing is said. */
struct fb_finder_options {
    const char *templates, *fit, *rules; /* names */
    int alttemp;
    long nproc;
};

/* Can the options be followed? A line is printed where they can't. */
int fb_finder_options_check(const char *command, const struct fb_finder_options *options);

/*
 * Get everything ready that threads need; options have been checked. Templates, those of --templates, or --alttemp, or
 * the default, are read by rank 0 alone, and so is the form of BAL tables made there: fb_finder_prepare() is for rank 0,
 * and fb_finder_share(), which all ranks call after it, gives the others the same. Release in any case.
 */
int fb_finder_prepare(struct fb_finder *finder, const struct fb_finder_options *options,
                      struct fb_error *err);
int fb_finder_share(struct fb_finder *finder, const struct fb_finder_options *options,
                    const struct fb_ranks *ranks, struct fb_error *err);

#endif
