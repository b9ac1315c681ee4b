/* pixels.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/message.h"
#include "cli/pixels.h"
#include "cli/pool.h"
#include "io/system.h"

/* How far a run is; only touched by one thread at a time. */
struct progress {
    struct fb_pixel_run *run;
    size_t finished;
    size_t *left_in_chunk;
    double start;
    int bar; /* draw a bar: stderr is a terminal and -v was not asked for */
    double drawn;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

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
    if (p->finished == n)
        fprintf(stderr, "\r%90s\r", "");
}

static void report(void *context, size_t index)
{
    struct progress *p = context;
    struct fb_pixel_run *run = p->run;
    size_t n = run->pixels->n, chunk = index / (size_t)run->chunk;
    double elapsed = seconds() - p->start;

    p->finished++;
    if (p->bar)
        draw_bar(p, elapsed);
    if (--p->left_in_chunk[chunk] > 0 || !run->verbose)
        return;
    fb_say("chunk %zu of %zu: %zu of %zu pixels done, %.0f MB in use, %.1f s so far, %.1f s left", chunk + 1,
           (n + (size_t)run->chunk - 1) / (size_t)run->chunk, p->finished, n, memory_in_use(), elapsed,
           elapsed * (double)(n - p->finished) / (double)p->finished);
}

static void do_pixel(void *context, int thread, size_t index)
{
    struct fb_pixel_run *run = ((struct progress *)context)->run;
    struct fb_error err = { "" };
    enum fb_pixel_outcome outcome = run->work(run->context, thread, index, &err);
    if (outcome == FB_PIXEL_FAILED) {
        run->why[index] = strdup(err.text);
        __atomic_fetch_add(&run->nfailed, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_add(outcome == FB_PIXEL_KEPT ? &run->nkept : &run->ndone, 1, __ATOMIC_RELAXED);
    }
}

int fb_pixel_run_all(struct fb_pixel_run *run, struct fb_error *err)
{
    size_t n = run->pixels->n, chunk = (size_t)run->chunk, nchunks = (n + chunk - 1) / chunk;
    struct progress p = { .run = run, .start = seconds(), .bar = !run->verbose && isatty(STDERR_FILENO) };

    run->why = calloc(n + 1, sizeof *run->why);
    p.left_in_chunk = calloc(nchunks + 1, sizeof *p.left_in_chunk);
    if (!run->why || !p.left_in_chunk) {
        free(p.left_in_chunk);
        return fb_fail(err, "out of memory for %zu pixels", n);
    }
    for (size_t i = 0; i < n; i++)
        p.left_in_chunk[i / chunk]++;
    if (run->verbose)
        fb_say("%zu pixels in %zu chunks, %d threads", n, nchunks, run->nthreads);
    struct fb_pool pool = { run->nthreads, do_pixel, report, &p };
    fb_pool_run(&pool, n);
    free(p.left_in_chunk);
    return 0;
}

void fb_pixel_run_release(struct fb_pixel_run *run)
{
    for (size_t i = 0; run->why && i < run->pixels->n; i++)
        free(run->why[i]);
    free(run->why);
    run->why = NULL;
}

void fb_pixel_run_complain(const struct fb_pixel_run *run)
{
    for (size_t i = 0; i < run->pixels->n && run->nfailed > 0; i++)
        if (run->why[i])
            fb_complain(run->command, "%s", run->why[i]);
}

/* ---- logs ---- */

int fb_log_open(struct fb_log *log, const char *path, int argc, char **argv, struct fb_error *err)
{
    char updated[200];
    log->path = strdup(path);
    if (!log->path || fb_make_parent_folders(path, err) != 0) {
        free(log->path);
        log->path = NULL;
        return -1;
    }
    log->file = fopen(path, "a");
    if (!log->file) {
        free(log->path);
        log->path = NULL;
        return fb_fail(err, "%s: can't write to this log: %s", path, strerror(errno));
    }
    fb_last_updated(updated, sizeof updated);
    fprintf(log->file, "%s\n", updated);
    for (int i = 0; i < argc; i++)
        fprintf(log->file, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
    return 0;
}

int fb_log_close(struct fb_log *log, struct fb_error *err)
{
    int status = 0;
    if (!log->file)
        return 0;
    int failed = ferror(log->file);
    if (fclose(log->file) != 0 || failed)
        status = fb_fail(err, "%s: can't write to this log", log->path);
    free(log->path);
    *log = (struct fb_log){ 0 };
    return status;
}

char *fb_log_path(const char *folder, const char *name, const char *label)
{
    const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
    if (!dot || (slash && dot < slash))
        dot = name + strlen(name);
    if (name[0] == '/')
        return fb_format("%.*s-%s%s", (int)(dot - name), name, label, dot);
    return fb_format("%s/%.*s-%s%s", folder, (int)(dot - name), name, label, dot);
}
