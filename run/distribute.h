/*
 * distribute.h - the pixels of a run done by several ranks, each with its threads. Rank 0 hands out pixels to
 * all ranks, itself among them, as they need them, and gathers what they have to say.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DISTRIBUTE_H
#define FB_DISTRIBUTE_H

#include "run/ledger.h"
#include "run/pool.h"

/*
 * Like fb_pool_run(), over all ranks of the run, in its order of pixels; all ranks call it. The outcome,
 * reason and result of every pixel end up in rank 0's run, and pool->done is called there. What the other
 * ranks used is added to rank 0's run->used. -1, on all ranks, where nothing was done.
 */
int fb_distribute(struct fb_pixel_run *run, const struct fb_pool *pool, struct fb_error *err);

/* What has to be the same on all ranks for them to understand each other. */
void fb_distribute_describe(struct fb_settings *settings);

#endif
