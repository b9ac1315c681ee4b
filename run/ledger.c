/* ledger.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "run/exit_status.h"
#include "run/ledger.h"
#include "run/message.h"
#include "run/stop.h"

/* After this many unwritable pixels in a row, the disk is assumed to be full or read-only. */
enum { MOST_UNWRITTEN = 5 };

void fb_pixel_result_release(struct fb_pixel_result *result)
{
    free(result->bytes);
    result->bytes = NULL;
    result->size = 0;
}

int fb_pixel_run_allocate(struct fb_pixel_run *run, struct fb_error *err)
{
    size_t n = run->pixels->n;
    run->results = calloc(n + 1, sizeof *run->results);
    if (!run->results)
        return fb_fail(err, "out of memory for %zu pixels", n);
    for (size_t i = 0; i < n; i++)
        run->results[i].outcome = FB_PIXEL_LEFT;
    return 0;
}

void fb_pixel_run_release(struct fb_pixel_run *run)
{
    for (size_t i = 0; run->results && i < run->pixels->n; i++) {
        free(run->results[i].why);
        free(run->results[i].note);
        free(run->results[i].bytes);
    }
    free(run->results);
    run->results = NULL;
}

int fb_pixel_run_ends(const struct fb_pixel_run *run)
{
    return fb_stop_signal() || __atomic_load_n(&run->gave_up, __ATOMIC_RELAXED);
}

static int deliver(struct fb_pixel_run *run, size_t index, struct fb_error *err)
{
    struct fb_pixel_result *result = &run->results[index];
    double start = fb_seconds();
    int status = result->size > 0 ? run->deliver(run->context, result, err) : 0;
    fb_pixel_result_release(result);
    __atomic_fetch_add(&run->delivering, (int64_t)(1e9 * (fb_seconds() - start)), __ATOMIC_RELAXED);
    return status;
}

void fb_pixel_settle(struct fb_pixel_run *run, size_t index, struct fb_error *err)
{
    struct fb_pixel_result *result = &run->results[index];
    int here = !run->ranks || fb_ranks_leads(run->ranks), left = result->outcome == FB_PIXEL_LEFT;
    if (!fb_pixel_failed(result->outcome) && !left && here && run->deliver && deliver(run, index, err) != 0) {
        result->outcome = FB_PIXEL_UNWRITTEN;
        result->tally = (struct fb_tally){ 0 };
    }
    if (fb_pixel_failed(result->outcome))
        result->why = strdup(err->text);
}

void fb_pixel_count(struct fb_pixel_run *run, size_t index)
{
    enum fb_pixel_outcome outcome = run->results[index].outcome;
    size_t *counter = fb_pixel_failed(outcome)   ? &run->nfailed
                      : outcome == FB_PIXEL_KEPT ? &run->nkept
                                                 : &run->ndone;
    ++*counter;
    if (outcome == FB_PIXEL_DONE)
        run->nquasars += run->results[index].nquasars;
    fb_tally_add(&run->tally, &run->results[index].tally);
    if (run->gave_up) /* pixels that were still in progress */
        return;
    run->unwritten = outcome == FB_PIXEL_UNWRITTEN ? run->unwritten + 1 : 0;
    if (run->unwritten == MOST_UNWRITTEN)
        __atomic_store_n(&run->gave_up, 1, __ATOMIC_RELAXED);
}

int fb_pixel_run_is_empty(const struct fb_pixel_run *run)
{
    return run->ndone + run->nkept == 0;
}

int fb_pixel_run_stopped(const struct fb_pixel_run *run, const char *next, int status)
{
    if (run->signal) {
        fb_print_error(run->command, "stopped by %s, %zu of %zu pixels left: %s", fb_stop_name(run->signal),
                       run->nleft, run->pixels->n, next);
        return fb_stop_status(run->signal);
    }
    if (!run->gave_up)
        return status;
    fb_print_error(run->command,
                   "stopped because %zu pixels in a row could not be written, %zu of %zu pixels left: %s",
                   run->unwritten, run->nleft, run->pixels->n, next);
    return fb_pixel_run_is_empty(run) ? FB_EXIT_UNUSABLE : status;
}
