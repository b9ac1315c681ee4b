/*
 * distribute.h - distributes the pixels of a run over several ranks, each with its threads. Rank 0 hands out
 * pixels on demand to all ranks, including itself, and collects the results.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DISTRIBUTE_H
#define FB_DISTRIBUTE_H

#include "run/ledger.h"
#include "run/pool.h"

/*
 * Like fb_pool_run(), but over all ranks, in run->order. Collective: all ranks call it. The outcome, reason
 * and result of every pixel end up in rank 0's run, and pool->done is called there. The usage of the other
 * ranks is added to rank 0's run->used. Returns -1, on all ranks, if nothing was done.
 */
int fb_distribute(struct fb_pixel_run *run, const struct fb_pool *pool, struct fb_error *err);

/* Add the settings that must be equal on all ranks before they can exchange messages. */
void fb_distribute_describe(struct fb_settings *settings);

#endif
