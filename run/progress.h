/*
 * progress.h - how far a run is: one live line on a terminal, plain lines with -v, nothing where stderr is redirected.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PROGRESS_H
#define FB_PROGRESS_H

#include <stddef.h>
#include "run/ledger.h"

/* For one thread at a time. */
struct fb_progress {
    const struct fb_pixel_run *run; /* borrowed */
    size_t finished;                /* pixels */
    double start;
    int live;     /* the live line is wanted */
    double drawn; /* seconds after start when it was drawn last; 0: never */
};

/* leads: this process does the talking. */
void fb_progress_start(struct fb_progress *progress, const struct fb_pixel_run *run, int leads);
/* One more pixel is finished and counted. */
void fb_progress_advance(struct fb_progress *progress);
/* Remove the live line. */
void fb_progress_end(struct fb_progress *progress);

#endif
