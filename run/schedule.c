/* schedule.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "fits/system.h"
#include "run/distribute.h"
#include "run/message.h"
#include "run/pool.h"
#include "run/schedule.h"
#include "run/stop.h"

/* How far a run is; only touched by one thread at a time. */
struct progress {
    struct fb_pixel_run *run;
    size_t finished;
    double start;
    int bar; /* draw a bar: stderr is a terminal and -v was not asked for */
    double drawn;
};

/* Resident memory in MB; 0 where the system does not tell. */
static double memory_in_use(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

int fb_threads(long nproc)
{
    if (!fb_files_prepare())
        return 1;
    return nproc > 0 ? (int)nproc : fb_pool_cores();
}

static void draw_bar(struct progress *p, double elapsed)
{
    enum { WIDTH = 40 };
    size_t n = p->run->pixels->n;
    int filled = (int)(WIDTH * p->finished / n);
    double left = elapsed * (double)(n - p->finished) / (double)p->finished;
    if (p->finished < n && elapsed - p->drawn < 0.1)
        return;
    p->drawn = elapsed;
    fprintf(stderr, "\rfastbal %s [%.*s%*s] %zu/%zu, %.0f s left ", p->run->command, filled,
            "########################################", WIDTH - filled, "", p->finished, n, left);
}

static void clear_bar(void)
{
    fprintf(stderr, "\r%90s\r", "");
}

static void report(void *context, size_t index)
{
    struct progress *p = context;
    struct fb_pixel_run *run = p->run;
    size_t n = run->pixels->n, chunk = (size_t)run->chunk;
    double elapsed = fb_seconds() - p->start;

    if (run->outcomes[index] == FB_PIXEL_LEFT)
        return;
    fb_pixel_count(run, index);
    p->finished++;
    if (p->bar)
        draw_bar(p, elapsed);
    if (!run->verbose || (p->finished % chunk > 0 && p->finished < n))
        return;
    fb_print("chunk %zu of %zu: %zu of %zu pixels done, %.0f MB in use, %.1f s so far, %.1f s left",
             (p->finished + chunk - 1) / chunk, (n + chunk - 1) / chunk, p->finished, n, memory_in_use(),
             elapsed, elapsed * (double)(n - p->finished) / (double)p->finished);
}

static void do_pixel(void *context, int thread, size_t index)
{
    struct fb_pixel_run *run = ((struct progress *)context)->run;
    struct fb_error err = { "" };
    if (fb_pixel_run_ends(run))
        return;
    enum fb_pixel_outcome outcome = run->work(run->context, thread, index, &err);
    /* it may have failed because it was interrupted: the next run tells */
    if (outcome == FB_PIXEL_FAILED && fb_stop_signal()) {
        run->results[index].tally = (struct fb_tally){ 0 };
        return;
    }
    run->outcomes[index] = (signed char)outcome;
    fb_pixel_settle(run, index, &err);
}

static void look_ahead(void *context, int thread, size_t index)
{
    struct fb_pixel_run *run = ((struct progress *)context)->run;
    if (!fb_pixel_run_ends(run))
        run->ahead(run->context, thread, index);
}

int fb_pixel_run_all(struct fb_pixel_run *run, struct fb_error *err)
{
    size_t n = run->pixels->n, chunk = (size_t)run->chunk;
    int several = run->ranks && run->ranks->size > 1, leads = !several || fb_ranks_leads(run->ranks);
    struct progress p = { .run = run,
                          .start = fb_seconds(),
                          .bar = leads && !run->verbose && isatty(STDERR_FILENO) };
    struct fb_pool pool = { run->nthreads, do_pixel, run->ahead ? look_ahead : NULL, report, &p };
    int failed = fb_pixel_run_allocate(run, err);

    if (several)
        failed = fb_ranks_agree(run->ranks, failed, err);
    if (failed)
        return -1;
    if (run->verbose && leads)
        fb_print("%zu pixel%s in %zu chunk%s, %d thread%s%s", n, fb_s(n), (n + chunk - 1) / chunk,
                 fb_s((n + chunk - 1) / chunk), run->nthreads, fb_s((size_t)run->nthreads),
                 several ? " a rank" : "");
    if (!several)
        fb_pool_run(&pool, n);
    else if (fb_distribute(run, &pool, err) != 0)
        return -1;
    if (p.bar && p.drawn > 0)
        clear_bar();
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

/* ---- the largest first ---- */

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
