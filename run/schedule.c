/* schedule.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "fits/system.h"
#include "run/distribute.h"
#include "run/pool.h"
#include "run/progress.h"
#include "run/schedule.h"
#include "run/stop.h"

/* A run and its progress. */
struct schedule {
    struct fb_pixel_run *run;
    struct fb_progress progress;
};

int fb_threads(long nproc)
{
    if (!fb_files_prepare())
        return 1;
    return nproc > 0 ? (int)nproc : fb_pool_cores();
}

static void report(void *context, size_t index)
{
    struct schedule *s = context;
    if (s->run->results[index].outcome == FB_PIXEL_LEFT)
        return;
    fb_pixel_count(s->run, index);
    fb_progress_advance(&s->progress);
}

static void do_pixel(void *context, int thread, size_t index)
{
    struct fb_pixel_run *run = ((struct schedule *)context)->run;
    struct fb_error err = { "" };
    if (fb_pixel_run_ends(run))
        return;
    enum fb_pixel_outcome outcome = run->work(run->context, thread, index, &err);
    /* it may have failed because it was interrupted, so leave it to the next run */
    if (outcome == FB_PIXEL_FAILED && fb_stop_signal()) {
        run->results[index].tally = (struct fb_tally){ 0 };
        return;
    }
    run->results[index].outcome = outcome;
    fb_pixel_settle(run, index, &err);
}

static void look_ahead(void *context, int thread, size_t index)
{
    struct fb_pixel_run *run = ((struct schedule *)context)->run;
    if (!fb_pixel_run_ends(run))
        run->ahead(run->context, thread, index);
}

int fb_pixel_run_all(struct fb_pixel_run *run, struct fb_error *err)
{
    size_t n = run->pixels->n;
    int several = run->ranks && run->ranks->size > 1, leads = !several || fb_ranks_leads(run->ranks);
    struct schedule s = { .run = run };
    struct fb_pool pool = { run->nthreads, do_pixel, run->ahead ? look_ahead : NULL, report, &s };
    int failed = fb_pixel_run_allocate(run, err);

    if (several)
        failed = fb_ranks_agree(run->ranks, failed, err);
    if (failed)
        return -1;
    fb_progress_start(&s.progress, run, leads);
    if (!several)
        fb_pool_run(&pool, n);
    else if (fb_distribute(run, &pool, err) != 0)
        return -1;
    fb_progress_end(&s.progress);
    run->nleft = n - run->ndone - run->nkept - run->nfailed;
    if (run->nleft == 0)
        run->signal = run->gave_up = 0;
    else if (run->signal == 0)
        run->signal = fb_stop_signal();
    if (run->add_usage)
        run->add_usage(run->context, &run->used);
    run->used.writing += 1e-9 * (double)run->delivering;
    return 0;
}

/* ---- order by size ---- */

struct sized {
    int64_t size;
    size_t number;
};

static int compare_sizes(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

size_t *fb_largest_first(const int64_t *sizes, size_t n)
{
    struct sized *sorted = malloc((n + 1) * sizeof *sorted);
    size_t *order = malloc((n + 1) * sizeof *order);
    if (sorted && order) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = (struct sized){ sizes[i], i };
        qsort(sorted, n, sizeof *sorted, compare_sizes);
        for (size_t i = 0; i < n; i++)
            order[i] = sorted[i].number;
    } else {
        free(order);
        order = NULL;
    }
    free(sorted);
    return order;
}
