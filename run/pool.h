/*
 * pool.h - the worker threads of a command; the only file that uses threads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_POOL_H
#define FB_POOL_H

#include <stddef.h>

/* The number of cores that this process may use, at least 1. */
int fb_pool_cores(void);

struct fb_pool {
    int nthreads;
    /* Process an item; thread is 0 .. nthreads - 1. Called by several threads concurrently. */
    void (*work)(void *context, int thread, size_t item);
    /* Prepare an item, in the thread that will process it next, before it processes the current one; may be
     * NULL. Called only while more items than threads are queued, so that no thread idles while another holds
     * two items. */
    void (*ahead)(void *context, int thread, size_t item);
    /* Called after each item, by one thread at a time; may be NULL. */
    void (*done)(void *context, size_t item);
    void *context;
};

/* Process items 0 .. n - 1, which are started in order, and return when all are done. The calling thread is
 * one of the threads. If some threads can't be started, the others do all the work. */
void fb_pool_run(const struct fb_pool *pool, size_t n);

/* ---- threads that work while the caller does something else ---- */

/* A FIFO queue of numbers, shared by threads. */
struct fb_queue;
struct fb_queue *
fb_queue_create(size_t most); /* room for `most` numbers over its whole life; NULL if out of memory */
void fb_queue_free(struct fb_queue *queue); /* NULL is allowed */
void fb_queue_put(struct fb_queue *queue, size_t number);
void fb_queue_close(struct fb_queue *queue); /* no number is put after this */
size_t fb_queue_length(struct fb_queue *queue);
/* Take the first number: returns 1, or 0 if the queue is empty. With wait, 0 only once it is also closed. */
int fb_queue_take(struct fb_queue *queue, int wait, size_t *number);

/* Start the pool's threads, which process the items in `todo` until it is closed and empty, and put each item
 * into `finished`. pool and queues must outlive the threads. Returns NULL if no thread can be started.
 * pool->done is not called. */
struct fb_workers;
struct fb_workers *fb_workers_start(const struct fb_pool *pool, struct fb_queue *todo,
                                    struct fb_queue *finished);
void fb_workers_join(struct fb_workers *workers); /* wait for all, and free; NULL is allowed */

#endif
