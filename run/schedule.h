/*
 * schedule.h - the pixels of a run done by threads, and with --mpi by several ranks (run/distribute.h): all through one
 * queue, with the next pixel made ready ahead, and with progress. run/ledger.h keeps what becomes of them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SCHEDULE_H
#define FB_SCHEDULE_H

#include "run/ledger.h"

/* Do all pixels, or those that are in hand when a signal asks to stop. -1, on all ranks, if out of memory before
 * anything was done. Release in any case. */
int fb_pixel_run_all(struct fb_pixel_run *run, struct fb_error *err);
/* Numbers of pixels, by descending size, and ascending where sizes are equal; NULL if out of memory. */
size_t *fb_largest_first(const int64_t *sizes, size_t n);

/* How many threads to use for --nproc: 0 means every core; 1 where the file library can't be shared by
 * threads. */
int fb_threads(long nproc);

#endif
