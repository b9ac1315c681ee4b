/*
 * ledger.h - the pixels of a run of a command, the work on each, and its outcome. run/schedule.h does the
 * work; run/report.h reports the outcomes.
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
    const struct fb_id_list *pixels;
    const struct fb_tree *tree; /* names the pixels */
    int nthreads;
    long chunk; /* with -v, progress is reported after every `chunk` pixels */
    int verbose;
    const struct fb_ranks *ranks; /* NULL: a single process */
    const size_t *order;          /* the order in which several ranks process the pixels; NULL: as listed */
    /* Process the index-th pixel, into results[index]; on failure, set err. */
    enum fb_pixel_outcome (*work)(void *context, int thread, size_t index, struct fb_error *err);
    /* Prepare the index-th pixel, e.g. prefetch its file, before the previous one is processed. May be
     * NULL. */
    void (*ahead)(void *context, int thread, size_t index);
    /* Write the result's bytes to the output, on rank 0; on failure, the pixel has failed. Called by several
     * threads concurrently. May be NULL. */
    int (*deliver)(void *context, const struct fb_pixel_result *result, struct fb_error *err);
    /* Add the usage of the threads, after the last pixel. May be NULL. */
    void (*add_usage)(void *context, struct fb_usage *total);
    void *context;
    /* results; on rank 0, of all ranks */
    size_t ndone, nkept, nfailed, nleft, nquasars; /* nquasars: in pixels that are done */
    struct fb_tally tally;                         /* of the results */
    size_t unwritten;                /* how many of the latest pixels, in a row, could not be written */
    int gave_up;                     /* the run was stopped because of these failures */
    int signal;                      /* the signal that stopped the run with pixels left, else 0 */
    struct fb_pixel_result *results; /* owned: one per pixel */
    struct fb_usage used;
    int64_t delivering; /* nanoseconds spent in deliver() */
};

/* Free the bytes, but not the texts. */
void fb_pixel_result_release(struct fb_pixel_result *result);

/* Allocate the results; -1 if out of memory, with nothing to release. */
int fb_pixel_run_allocate(struct fb_pixel_run *run, struct fb_error *err);
void fb_pixel_run_release(struct fb_pixel_run *run);
/* Returns 1 once a signal has asked to stop, or outputs can no longer be written. */
int fb_pixel_run_ends(const struct fb_pixel_run *run);
/* Deliver the result of a processed pixel; store the reason if the pixel or its delivery failed. */
void fb_pixel_settle(struct fb_pixel_run *run, size_t index, struct fb_error *err);
/* Count a settled pixel; one thread at a time. */
void fb_pixel_count(struct fb_pixel_run *run, size_t index);
/* Returns 1 if no pixel was done or kept. */
int fb_pixel_run_is_empty(const struct fb_pixel_run *run);
/* If a signal or unwritable outputs stopped the run, print an error that ends in the remedy `next`, and
 * return the exit status; otherwise return `status`. */
int fb_pixel_run_stopped(const struct fb_pixel_run *run, const char *next, int status);

#endif
