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
    /* Get item i ready, by the thread that does it next, before it does the one before; may be NULL. It is called while
     * more items wait than there are threads, so that none is without work because another holds two. */
    void (*ahead)(void *context, int thread, size_t item);
    /* Told after each item, by one thread at a time; may be NULL. */
    void (*done)(void *context, size_t item);
    void *context;
};

/* Do items 0 .. n - 1, handed out in order, and return when all are done. With one thread everything happens
 * in the caller's. Where threads can't be started those that could do all the work. */
void fb_pool_run(const struct fb_pool *pool, size_t n);

/* ---- threads that work while the caller does something else ---- */

/* Numbers on their way from thread to thread, first in first out. */
struct fb_queue;
struct fb_queue *fb_queue_create(size_t most); /* for most numbers in all; NULL if out of memory */
void fb_queue_free(struct fb_queue *queue);    /* NULL is allowed */
void fb_queue_put(struct fb_queue *queue, size_t number);
void fb_queue_close(struct fb_queue *queue); /* no more will come */
size_t fb_queue_length(struct fb_queue *queue);
/* Take the first: 1, or 0 where there is none. With wait, 0 only once the queue is closed. */
int fb_queue_take(struct fb_queue *queue, int wait, size_t *number);

/* The pool's threads, which do the items in todo until it is closed, and put each into finished. NULL where
 * no thread can be started. The pool's done is not called. */
struct fb_workers;
struct fb_workers *fb_workers_start(const struct fb_pool *pool, struct fb_queue *todo,
                                    struct fb_queue *finished);
void fb_workers_join(struct fb_workers *workers); /* wait for all, and free; NULL is allowed */

#endif
