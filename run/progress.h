/*
 * progress.h - shows progress: one live line if stderr is a terminal, or, with -v, lines on stdout; nothing with
 * --quiet.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PROGRESS_H
#define FB_PROGRESS_H

#include <stddef.h>
#include "run/ledger.h"

/* Not thread-safe. */
struct fb_progress {
    const struct fb_pixel_run *run; /* borrowed */
    size_t finished;                /* pixels */
    double start;
    int live;     /* show the live line */
    double drawn; /* when it was last drawn, in seconds since start; 0: never */
};

/* leads: this process prints. */
void fb_progress_start(struct fb_progress *progress, const struct fb_pixel_run *run, int leads);
/* One more pixel is finished and counted. */
void fb_progress_advance(struct fb_progress *progress);
/* Remove the live line. */
void fb_progress_end(struct fb_progress *progress);

#endif
