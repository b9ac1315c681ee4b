/*
 * ledger.h - the pixels of a run of split, find, append, run, mask or truth: what is to be done with each, and what became
 * of it. run/schedule.h does them; run/report.h says what came of it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LEDGER_H
#define FB_LEDGER_H

#include <stdint.h>
#include "desi/tree.h"
#include "fits/error.h"
#include "pipeline/pixel_result.h"
#include "pipeline/usage.h"
#include "run/ranks.h"

struct fb_pixel_run {
    const char *command;
    const struct fb_pixel_list *pixels;
    const struct fb_tree *tree; /* says how pixels are called */
    int nthreads;
    long chunk; /* -v reports each time that many more pixels are done */
    int verbose;
    const struct fb_ranks *ranks; /* NULL: this process alone */
    const size_t *order;          /* in which several ranks do the pixels; NULL: as they are listed */
    /* Do the index-th pixel; on failure the reason goes to err. What it leaves goes to results[index]. */
    enum fb_pixel_outcome (*work)(void *context, int thread, size_t index, struct fb_error *err);
    /* Get the index-th pixel ready while the one before is done, as by fetching its file. May be NULL. */
    void (*ahead)(void *context, int thread, size_t index);
    /* Put the result's bytes where they belong, on rank 0; a pixel whose result can't be delivered has
     * failed. Several threads do this at a time. May be NULL. */
    int (*deliver)(void *context, const struct fb_pixel_result *result, struct fb_error *err);
    /* Sum up what the threads used, after the last pixel. May be NULL. */
    void (*add_usage)(void *context, struct fb_usage *total);
    void *context;
    /* results, on rank 0 those of all ranks */
    size_t ndone, nkept, nfailed, nleft, nquasars; /* nquasars: of the pixels that are done */
    struct fb_tally tally;                         /* of the results */
    size_t unwritten;                              /* the last so many pixels could not be written */
    int gave_up;                                   /* the run was stopped because of that */
    int signal; /* that stopped the run where there are pixels left, else 0 */
    char **why; /* per pixel: the reason where it failed, else NULL */
    struct fb_pixel_result *results;
    signed char *outcomes; /* fb_pixel_outcome */
    struct fb_usage used;
    int64_t delivering; /* nanoseconds */
};

/* Make room for what becomes of the pixels; -1 if out of memory, with nothing to release. */
int fb_pixel_run_allocate(struct fb_pixel_run *run, struct fb_error *err);
void fb_pixel_run_release(struct fb_pixel_run *run);
/* Has a signal asked to stop, or can nothing be written any more? */
int fb_pixel_run_ends(const struct fb_pixel_run *run);
/* For a pixel that was worked on: deliver its result, and keep the reason where it, or that, failed. */
void fb_pixel_settle(struct fb_pixel_run *run, size_t index, struct fb_error *err);
/* Count a pixel that is settled; by one thread at a time. */
void fb_pixel_count(struct fb_pixel_run *run, size_t index);
/* 1 where every pixel that was reached failed, or there was none. */
int fb_pixel_run_is_empty(const struct fb_pixel_run *run);
/* Where a signal stopped the run, or outputs that could not be written: a line that says so, and what to do next;
 * returns the exit status then, else the one given. */
int fb_pixel_run_stopped(const struct fb_pixel_run *run, const char *next, int status);

#endif
