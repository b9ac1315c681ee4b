/* pool.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include "run/pool.h"

int fb_pool_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (int)cores : 1;
}

/* ---- queues ---- */

struct fb_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begin, end, most;
    int closed;
    size_t *numbers; /* NULL: 0, 1, 2 and so on */
};

static void prepare_queue(struct fb_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
}

static void release_queue(struct fb_queue *queue)
{
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->changed);
}

struct fb_queue *fb_queue_create(size_t most)
{
    struct fb_queue *queue = calloc(1, sizeof *queue + (most + 1) * sizeof *queue->numbers);
    if (!queue)
        return NULL;
    queue->most = most;
    queue->numbers = (size_t *)(queue + 1);
    prepare_queue(queue);
    return queue;
}

void fb_queue_free(struct fb_queue *queue)
{
    if (!queue)
        return;
    release_queue(queue);
    free(queue);
}

void fb_queue_put(struct fb_queue *queue, size_t number)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->end < queue->most)
        queue->numbers[queue->end++] = number;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void fb_queue_close(struct fb_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = 1;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

size_t fb_queue_length(struct fb_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->end - queue->begin;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

/* Take the first number if more than `spare` are queued. Returns 1, or 0 if none was taken. */
static int take(struct fb_queue *queue, int wait, size_t spare, size_t *number)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && queue->begin == queue->end && !queue->closed)
        pthread_cond_wait(&queue->changed, &queue->lock);
    int there = queue->end - queue->begin > spare;
    if (there) {
        *number = queue->numbers ? queue->numbers[queue->begin] : queue->begin;
        queue->begin++;
    }
    pthread_mutex_unlock(&queue->lock);
    return there;
}

int fb_queue_take(struct fb_queue *queue, int wait, size_t *number)
{
    return take(queue, wait, 0, number);
}

/* ---- threads ---- */

struct worker {
    struct fb_workers *workers;
    int thread;
    pthread_t id;
};

struct fb_workers {
    const struct fb_pool *pool;
    struct fb_queue *todo, *finished; /* finished may be NULL: then pool->done is called */
    pthread_mutex_t report;
    size_t nthreads;
    struct worker *threads; /* without the calling thread */
};

static void report(struct fb_workers *workers, size_t item)
{
    if (workers->finished) {
        fb_queue_put(workers->finished, item);
    } else if (workers->pool->done) {
        pthread_mutex_lock(&workers->report);
        workers->pool->done(workers->pool->context, item);
        pthread_mutex_unlock(&workers->report);
    }
}

/* Take and prepare the next item, unless the other threads need the remaining ones. */
static int look_ahead(const struct worker *worker, size_t *next)
{
    const struct fb_pool *pool = worker->workers->pool;
    if (!pool->ahead || !take(worker->workers->todo, 0, (size_t)pool->nthreads, next))
        return 0;
    pool->ahead(pool->context, worker->thread, *next);
    return 1;
}

static void *work(void *argument)
{
    const struct worker *worker = argument;
    struct fb_workers *workers = worker->workers;
    size_t item, next;
    int there = take(workers->todo, 1, 0, &item);
    while (there) {
        int ready = look_ahead(worker, &next);
        workers->pool->work(workers->pool->context, worker->thread, item);
        report(workers, item);
        if (ready)
            item = next;
        else
            there = take(workers->todo, 1, 0, &item);
    }
    return NULL;
}

/* Start n threads, or as many as the system allows, numbered from `first`. */
static void start(struct fb_workers *workers, int first, size_t n)
{
    pthread_mutex_init(&workers->report, NULL);
    workers->nthreads = 0;
    workers->threads = calloc(n + 1, sizeof *workers->threads);
    while (workers->threads && workers->nthreads < n) {
        struct worker *worker = &workers->threads[workers->nthreads];
        *worker = (struct worker){ .workers = workers, .thread = first + (int)workers->nthreads };
        if (pthread_create(&worker->id, NULL, work, worker) != 0)
            break;
        workers->nthreads++;
    }
}

static void join(struct fb_workers *workers)
{
    for (size_t i = 0; i < workers->nthreads; i++)
        pthread_join(workers->threads[i].id, NULL);
    pthread_mutex_destroy(&workers->report);
    free(workers->threads);
}

void fb_pool_run(const struct fb_pool *pool, size_t n)
{
    struct fb_queue todo = { .end = n, .closed = 1 };
    struct fb_workers workers = { .pool = pool, .todo = &todo };
    struct worker first = { .workers = &workers };
    size_t most = n > 0 ? n - 1 : 0, others = pool->nthreads > 1 ? (size_t)pool->nthreads - 1 : 0;

    prepare_queue(&todo);
    start(&workers, 1, others < most ? others : most);
    work(&first);
    join(&workers);
    release_queue(&todo);
}

struct fb_workers *fb_workers_start(const struct fb_pool *pool, struct fb_queue *todo,
                                    struct fb_queue *finished)
{
    struct fb_workers *workers = calloc(1, sizeof *workers);
    if (!workers)
        return NULL;
    *workers = (struct fb_workers){ .pool = pool, .todo = todo, .finished = finished };
    start(workers, 0, (size_t)pool->nthreads);
    if (workers->nthreads > 0)
        return workers;
    fb_workers_join(workers);
    return NULL;
}

void fb_workers_join(struct fb_workers *workers)
{
    if (!workers)
        return;
    join(workers);
    free(workers);
}
