/*
 * measuring.h - what find and run share: their options, the ranks, and the job on each pixel (pipeline/job.h).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MEASURING_H
#define FB_MEASURING_H

#include "cli/finder_options.h"
#include "cli/layout_options.h"
#include "pipeline/job.h"
#include "run/ledger.h"
#include "run/ranks.h"

/* The user's choices; begin with FB_MEASURING_DEFAULTS. */
struct fb_measuring_options {
    struct fb_layout_options layout;
    struct fb_finder_options finder;
    const char *logfile;
    int clobber, verbose, mpi, dry;
    long chunk;
};
/* clang-format off */
#define FB_MEASURING_DEFAULTS \
    .layout = { .survey = "main", .program = "dark" }, .finder = FB_FINDER_DEFAULTS, .chunk = 50

/* Rows of a command's option table; o is a struct fb_measuring_options. */
#define FB_MEASURING_OPTIONS(o, is_old) \
        FB_FINDER_OPTIONS((o).finder, is_old, 0), \
        FB_DETECTOR_OPTION((o).finder), \
        { NULL, "--dry-run", FB_OPT_FLAG, &(o).dry, .group = FB_GROUP_RUN, \
          .help = "say what would be measured or kept, and what is missing, and stop" }, \
        { NULL, "--mpi", FB_OPT_FLAG, &(o).mpi, .several = 1, .group = FB_GROUP_RUN, \
          .help = "run as one of several MPI ranks, as started by srun -n N or mpirun -n N" }
/* clang-format on */

/* Initialise command, options, argc, argv and start; the rest with zeros. */
struct fb_measuring {
    const char *command;
    struct fb_measuring_options options;
    int argc;
    char **argv;
    double start; /* fb_seconds() */

    int several; /* this is one of several ranks */
    struct fb_error
        refusal; /* if this is not rank 0: why its options were refused, kept instead of printed */
    struct fb_settings settings; /* of the options, to be compared between ranks */
    struct fb_ranks ranks;
    struct fb_layout layout; /* of the spectra */
    struct fb_selection selection;
    struct fb_finder finder;
    struct fb_job job;
    struct fb_pixel_run run;
    size_t *order; /* owned: largest pixels first; NULL: as they come */
};

/* A step of a command; returns 0, or -1 with an error. context: the command's struct. */
typedef int fb_measuring_step(void *context, struct fb_error *err);

/* Call it before options are parsed: of several ranks that refuse them, only the first one prints why. */
void fb_measuring_begin(struct fb_measuring *m);
/* Check and describe the options that have been parsed; returns FB_OPTIONS_RUN, or FB_OPTIONS_BAD after an error. */
enum fb_options_outcome fb_measuring_check(struct fb_measuring *m, const struct fb_option *table);
/* Start the ranks if the command runs, let it work, which returns the exit status, print its error, and release m. Returns
 * the exit status. */
int fb_measuring_main(struct fb_measuring *m, enum fb_options_outcome outcome, fb_measuring_step *work,
                      void *context);

/* Check that all ranks found the same tree and were given the same folder, which messages call `what`. failed: this rank
 * found no tree. */
int fb_measuring_compare(struct fb_measuring *m, int failed, const char *what, const char *folder,
                         struct fb_error *err);
/* Read the templates and the detector. */
int fb_measuring_read_finder(struct fb_measuring *m, struct fb_error *err);
/* On rank 0, call prepare(), which must prepare the finder; then share the finder with all ranks. Fails on all ranks or on
 * none. */
int fb_measuring_prepare(struct fb_measuring *m, fb_measuring_step *prepare, void *context,
                         struct fb_error *err);
/* Process all pixels. The caller has set the job's inputs and outputs. */
int fb_measuring_run(struct fb_measuring *m, struct fb_error *err);
/* What the finder and the process have used; context is m. */
void fb_measuring_usage(void *context, struct fb_usage *total);

#endif
