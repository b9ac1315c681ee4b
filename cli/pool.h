/*
 * pool.h - the worker threads of a command; the only place that knows of threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_POOL_H
#define FB_POOL_H

#include <stddef.h>

/* Cores this process may use, at least 1. */
int fb_pool_cores(void);

struct fb_pool {
    int nthreads;
    /* Do item i; thread is 0 .. nthreads - 1. Runs in several threads at a time. */
    void (*work)(void *context, int thread, size_t item);
    /* Told after each item, by one thread at a time; may be NULL. */
    void (*done)(void *context, size_t item);
    void *context;
};

/* Do items 0 .. n - 1, handed out in order, and return when all are done. With one thread everything happens in the
 * caller's. Where threads can't be started those that could do all the work. */
void fb_pool_run(const struct fb_pool *pool, size_t n);

#endif
