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

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shared *s = worker->shared;
    for (;;) {
        pthread_mutex_lock(&s->hand_out);
        size_t item = s->next < s->n ? s->next++ : s->n;
        pthread_mutex_unlock(&s->hand_out);
        if (item == s->n)
            return NULL;
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
