/*
 * quasars.h - the quasars of a catalog or a coadd file that a user picks, measured one after the other as find and run
 * measure them: what the commands continuum, plot and report share. Settings that the user does not choose are those that
 * the catalog was made with.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_QUASARS_H
#define FB_QUASARS_H

#include <stddef.h>
#include "cli/finder_options.h"
#include "cli/layout_options.h"
#include "desi/continuum_file.h"
#include "desi/layout.h"
#include "fits/error.h"
#include "pipeline/finder.h"
#include "pipeline/pixel_rows.h"

/* The user's choices; begin with FB_QUASARS_DEFAULTS. fb_quasars_prepare() sets those that are left open. */
struct fb_quasars_options {
    const char *qsocat;
    struct fb_layout_options layout;
    struct fb_finder_options finder;
};
/* clang-format off */
#define FB_QUASARS_DEFAULTS { .layout = { .survey = "main", .program = "dark" } }

/* Rows of a command's option table; o is a struct fb_quasars_options. Needs fits/unpack.h. */
#define FB_QUASARS_OPTIONS(o) \
        FB_LAYOUT_OPTIONS((o).layout), \
        FB_MOCKDIR_OPTION((o).layout, 0), \
        FB_FINDER_OPTIONS((o).finder, 0, 1), \
        FB_MAX_UNPACKED_OPTION
/* clang-format on */

/* Initialise command, options and, where wanted, take, context and chosen; the rest with zeros. */
struct fb_quasars {
    const char *command;
    struct fb_quasars_options *options;
    fb_take_result *take; /* is handed every spectrum as well; may be NULL */
    void *context;
    struct fb_id_list chosen; /* owned, sorted: of those selected, these alone; empty: all */

    struct fb_table catalog;   /* opened by fb_quasars_prepare(), unless the caller has opened it */
    struct fb_provenance made; /* what the catalog's header says */
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_pixel_rows sorted;
    struct fb_finder finder;
    struct fb_continua continua; /* what was measured */
    size_t nmeasured, nfailed;   /* quasars; pixels */
};

/* Read templates, and the catalog's rows. For a single file, fb_quasars_prepare_finder() reads the templates alone. */
int fb_quasars_prepare(struct fb_quasars *quasars, struct fb_error *err);
int fb_quasars_prepare_finder(struct fb_quasars *quasars, const char *product, struct fb_error *err);
/* Measure. A pixel that can't be read is reported and counted, and the others are measured; a signal stops the run. */
void fb_quasars_measure(struct fb_quasars *quasars);
/* Measure the quasars of one file; of the redshifts those that are chosen stay. */
int fb_quasars_measure_file(struct fb_quasars *quasars, const char *path, struct fb_redshifts *redshifts,
                            struct fb_error *err);

/* The frame of a command: check the options of the finder, let the command work, which returns the exit status, print its
 * error, and release quasars and their options. Returns the exit status. context: the command's struct. */
int fb_quasars_main(struct fb_quasars *quasars, enum fb_options_outcome outcome,
                    int (*work)(void *context, struct fb_error *err), void *context);

#endif
