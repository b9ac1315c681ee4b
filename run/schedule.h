/*
 * schedule.h - the scheduler: processes the pixels of a run in threads, and with --mpi on several ranks
 * (run/distribute.h), prepares the next pixel ahead, and shows progress. run/ledger.h stores the outcomes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCHEDULE_H
#define FB_SCHEDULE_H

#include "run/ledger.h"

/* Process all pixels; after a signal, only finish those in progress. Returns -1, on all ranks, if memory
 * or threads are lacking before anything was done. Release in any case. */
int fb_pixel_run_all(struct fb_pixel_run *run, struct fb_error *err);
/* Indices of pixels by descending size, ascending among equal sizes; NULL if out of memory. */
size_t *fb_largest_first(const int64_t *sizes, size_t n);

/* The number of threads for --nproc, where 0 means all cores; 1 if CFITSIO is not thread-safe. Also prepares
 * CFITSIO for threads. */
int fb_threads(long nproc);

#endif
