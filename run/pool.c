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

/* Take the first while more than `spare` are there: 1, else 0. */
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

struct member {
    struct fb_crew *crew;
    int thread;
    pthread_t id;
};

struct fb_crew {
    const struct fb_pool *pool;
    struct fb_queue *todo, *finished; /* finished may be NULL: then the pool's done is called */
    pthread_mutex_t report;
    size_t nmembers;
    struct member *members; /* those that were started as threads */
};

static void report(struct fb_crew *crew, size_t item)
{
    if (crew->finished) {
        fb_queue_put(crew->finished, item);
    } else if (crew->pool->done) {
        pthread_mutex_lock(&crew->report);
        crew->pool->done(crew->pool->context, item);
        pthread_mutex_unlock(&crew->report);
    }
}

/* Take the item after this one and get it ready, unless the other threads need what is left. */
static int look_ahead(const struct member *member, size_t *next)
{
    const struct fb_pool *pool = member->crew->pool;
    if (!pool->ahead || !take(member->crew->todo, 0, (size_t)pool->nthreads, next))
        return 0;
    pool->ahead(pool->context, member->thread, *next);
    return 1;
}

static void *work(void *argument)
{
    const struct member *member = argument;
    struct fb_crew *crew = member->crew;
    size_t item, next;
    int there = take(crew->todo, 1, 0, &item);
    while (there) {
        int ready = look_ahead(member, &next);
        crew->pool->work(crew->pool->context, member->thread, item);
        report(crew, item);
        if (ready)
            item = next;
        else
            there = take(crew->todo, 1, 0, &item);
    }
    return NULL;
}

/* Start n threads, the first of which is called `first`, or as many as the system gives. */
static void start(struct fb_crew *crew, int first, size_t n)
{
    pthread_mutex_init(&crew->report, NULL);
    crew->nmembers = 0;
    crew->members = calloc(n + 1, sizeof *crew->members);
    while (crew->members && crew->nmembers < n) {
        struct member *member = &crew->members[crew->nmembers];
        *member = (struct member){ .crew = crew, .thread = first + (int)crew->nmembers };
        if (pthread_create(&member->id, NULL, work, member) != 0)
            break;
        crew->nmembers++;
    }
}

static void join(struct fb_crew *crew)
{
    for (size_t i = 0; i < crew->nmembers; i++)
        pthread_join(crew->members[i].id, NULL);
    pthread_mutex_destroy(&crew->report);
    free(crew->members);
}

void fb_pool_run(const struct fb_pool *pool, size_t n)
{
    struct fb_queue todo = { .end = n, .closed = 1 };
    struct fb_crew crew = { .pool = pool, .todo = &todo };
    struct member first = { .crew = &crew };
    size_t most = n > 0 ? n - 1 : 0, others = pool->nthreads > 1 ? (size_t)pool->nthreads - 1 : 0;

    prepare_queue(&todo);
    start(&crew, 1, others < most ? others : most);
    work(&first);
    join(&crew);
    release_queue(&todo);
}

struct fb_crew *fb_crew_start(const struct fb_pool *pool, struct fb_queue *todo, struct fb_queue *finished)
{
    struct fb_crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return NULL;
    *crew = (struct fb_crew){ .pool = pool, .todo = todo, .finished = finished };
    start(crew, 0, (size_t)pool->nthreads);
    if (crew->nmembers > 0)
        return crew;
    fb_crew_join(crew);
    return NULL;
}

void fb_crew_join(struct fb_crew *crew)
{
    if (!crew)
        return;
    join(crew);
    free(crew);
}
