/* pool.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include "cli/pool.h"

struct shared {
    const struct fb_pool *pool;
    size_t n, next;
    pthread_mutex_t hand_out, report;
};

struct worker {
    struct shared *shared;
    int thread;
    pthread_t id;
    int started;
};

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

/* The next item while more than `spare` are left, else n. */
static size_t take_item(struct shared *s, size_t spare)
{
    pthread_mutex_lock(&s->hand_out);
    size_t item = s->n - s->next > spare ? s->next++ : s->n;
    pthread_mutex_unlock(&s->hand_out);
    return item;
}

/* Take the item after this one and get it ready, unless the other threads need what is left. */
static size_t look_ahead(struct worker *worker)
{
    struct shared *s = worker->shared;
    if (!s->pool->ahead)
        return s->n;
    size_t next = take_item(s, (size_t)s->pool->nthreads);
    if (next < s->n)
        s->pool->ahead(s->pool->context, worker->thread, next);
    return next;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shared *s = worker->shared;
    size_t next = s->n;
    for (;;) {
        size_t item = next < s->n ? next : take_item(s, 0);
        if (item == s->n)
            return NULL;
        next = look_ahead(worker);
        s->pool->work(s->pool->context, worker->thread, item);
        if (s->pool->done) {
            pthread_mutex_lock(&s->report);
            s->pool->done(s->pool->context, item);
            pthread_mutex_unlock(&s->report);
        }
    }
}

void fb_pool_run(const struct fb_pool *pool, size_t n)
{
    struct shared shared = { .pool = pool, .n = n };
    struct worker first = { .shared = &shared };
    size_t others = pool->nthreads > 1 && n > 1 ? (size_t)pool->nthreads - 1 : 0;
    if (others > n - (n > 0))
        others = n - 1;
    struct worker *workers = others ? calloc(others, sizeof *workers) : NULL;

    pthread_mutex_init(&shared.hand_out, NULL);
    pthread_mutex_init(&shared.report, NULL);
    for (size_t i = 0; workers && i < others; i++) {
        workers[i] = (struct worker){ .shared = &shared, .thread = (int)i + 1 };
        workers[i].started = pthread_create(&workers[i].id, NULL, work, &workers[i]) == 0;
    }
    work(&first);
    for (size_t i = 0; workers && i < others; i++)
        if (workers[i].started)
            pthread_join(workers[i].id, NULL);
    pthread_mutex_destroy(&shared.hand_out);
    pthread_mutex_destroy(&shared.report);
    free(workers);
}

/* ---- queues ---- */

struct fb_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begin, end, most;
    int closed;
    size_t numbers[];
};

struct fb_queue *fb_queue_create(size_t most)
{
    struct fb_queue *queue = calloc(1, sizeof *queue + most * sizeof queue->numbers[0]);
    if (!queue)
        return NULL;
    queue->most = most;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    return queue;
}

void fb_queue_free(struct fb_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->changed);
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

int fb_queue_take(struct fb_queue *queue, int wait, size_t *number)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && queue->begin == queue->end && !queue->closed)
        pthread_cond_wait(&queue->changed, &queue->lock);
    int there = queue->begin < queue->end;
    if (there)
        *number = queue->numbers[queue->begin++];
    pthread_mutex_unlock(&queue->lock);
    return there;
}

/* ---- crews ---- */

struct member {
    struct fb_crew *crew;
    int thread;
    pthread_t id;
};

struct fb_crew {
    const struct fb_pool *pool;
    struct fb_queue *todo, *finished;
    size_t nmembers;
    struct member members[];
};

static void *serve(void *argument)
{
    const struct member *member = argument;
    const struct fb_crew *crew = member->crew;
    size_t item;
    while (fb_queue_take(crew->todo, 1, &item)) {
        crew->pool->work(crew->pool->context, member->thread, item);
        fb_queue_put(crew->finished, item);
    }
    return NULL;
}

struct fb_crew *fb_crew_start(const struct fb_pool *pool, struct fb_queue *todo, struct fb_queue *finished)
{
    size_t n = (size_t)pool->nthreads;
    struct fb_crew *crew = calloc(1, sizeof *crew + n * sizeof crew->members[0]);
    if (!crew)
        return NULL;
    *crew = (struct fb_crew){ .pool = pool, .todo = todo, .finished = finished };
    for (size_t i = 0; i < n; i++) {
        struct member *member = &crew->members[crew->nmembers];
        *member = (struct member){ .crew = crew, .thread = (int)i };
        if (pthread_create(&member->id, NULL, serve, member) != 0)
            break;
        crew->nmembers++;
    }
    if (crew->nmembers == 0) {
        free(crew);
        return NULL;
    }
    return crew;
}

void fb_crew_join(struct fb_crew *crew)
{
    if (!crew)
        return;
    for (size_t i = 0; i < crew->nmembers; i++)
        pthread_join(crew->members[i].id, NULL);
    free(crew);
}
