/*
 * distribute.c - assigns pixels to ranks.
 *
 * Worker threads know nothing of ranks: they take pixels from one queue and put them into another when they
 * are done. The calling thread connects these queues with the other ranks. It computes nothing and mostly
 * sleeps, so it answers at once, and no rank waits for another's computation. Each rank queues a few pixels,
 * so that it stays busy while it asks for more. While many pixels are left, it queues one more per thread, so
 * that threads can prefetch the next file.
 *
 * A rank that is asked to stop skips the pixels in its queue and reports the signal. Rank 0 then hands out no
 * more, as it does when it receives a signal itself, and the run ends as if all pixels were done.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "run/distribute.h"
#include "run/ranks.h"
#include "run/stop.h"

enum { MOST_HANDED = 256 }; /* pixels in one answer */

enum kind { ASK, PIXEL, LAST };

/* From a rank to rank 0. A PIXEL is followed by the bytes of its result, if any. */
struct message {
    enum kind kind;
    size_t request;               /* ASK: number of pixels */
    size_t index, nquasars, size; /* PIXEL: of the result */
    struct fb_tally tally;        /* PIXEL */
    enum fb_pixel_outcome outcome;
    int signal;           /* PIXEL: the signal that stopped this rank, if it skipped the pixel */
    struct fb_usage used; /* LAST */
    char text[sizeof((struct fb_error *)0)->text]; /* PIXEL: why it failed, or its note */
};

/* From rank 0 to a rank; n = 0 if no pixels are left. */
struct answer {
    size_t share; /* one rank's share of the pixels not handed out yet */
    size_t n, index[MOST_HANDED];
};

struct distributor {
    struct fb_pixel_run *run;
    const struct fb_pool *pool;
    const struct fb_mpi *mpi;
    void *state;
    struct fb_queue *todo, *finished; /* of this rank */
    size_t npixels, given;            /* rank 0: the first `given` of npixels are handed out */
    size_t done;                      /* pixels done: on rank 0 by all ranks, else by this rank */
    size_t taken;                     /* pixels handed to this rank */
    size_t share;                     /* in the latest answer to this rank */
    int nleft;                        /* rank 0: ranks that haven't sent LAST */
    struct message message;
    struct answer answer;
};

static void nap(void)
{
    const struct timespec pause = { 0, 250000 };
    nanosleep(&pause, NULL);
}

/* The number of pixels to ask for at a time, and to keep queued beyond those in progress. */
static size_t batch_size(const struct distributor *d)
{
    return 1 + (size_t)d->pool->nthreads / 4;
}

/* The number of further pixels to queue for prefetching, which leaves one per thread in the queue. Queued
 * pixels can't be done by other ranks, so towards the end this is limited to one rank's share of the
 * remaining pixels. */
static size_t prefetch_size(const struct distributor *d)
{
    size_t most = d->pool->ahead ? (size_t)d->pool->nthreads + 1 : 0;
    return d->share < most ? d->share : most;
}

/* The number of pixels to request now. */
static size_t request_size(const struct distributor *d)
{
    if (d->taken == 0)
        return (size_t)d->pool->nthreads + batch_size(d);
    return fb_queue_length(d->todo) < batch_size(d) + prefetch_size(d) ? batch_size(d) : 0;
}

/* One rank's share of the remaining pixels. */
static size_t share_of(const struct distributor *d)
{
    size_t size = (size_t)d->run->ranks->size;
    return (d->npixels - d->given + size - 1) / size;
}

/* Hand out up to n pixels, but no more than one rank's share of the remaining ones. */
static void assign(struct distributor *d, size_t n, struct answer *answer)
{
    size_t share = share_of(d);
    answer->n = 0;
    for (; n > 0 && answer->n < share && answer->n < MOST_HANDED; n--) {
        size_t k = d->given++;
        answer->index[answer->n++] = d->run->order ? d->run->order[k] : k;
    }
    answer->share = share_of(d);
}

static void enqueue(struct distributor *d, const struct answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        fb_queue_put(d->todo, answer->index[i]);
    d->taken += answer->n;
    d->share = answer->share;
}

/* ---- rank 0 ---- */

/* Store and settle the result of a pixel done by another rank. */
static void accept_result(struct distributor *d, int from, struct message *m)
{
    struct fb_pixel_run *run = d->run;
    struct fb_pixel_result *result = &run->results[m->index];
    struct fb_error err = { "" };

    result->tally = m->tally;
    result->nquasars = m->nquasars;
    result->size = m->size;
    if (m->size > 0) {
        result->bytes = malloc(m->size);
        if (!result->bytes) /* the sender can't be left waiting */
            d->mpi->abort(d->state, 1);
        else
            d->mpi->receive(d->state, from, result->bytes, m->size);
    }
    result->outcome = m->outcome;
    if (m->outcome == FB_PIXEL_LEFT)
        run->signal = m->signal;
    if (!fb_pixel_failed(m->outcome) && m->text[0])
        result->note = strdup(m->text);
    memcpy(err.text, m->text, sizeof err.text);
    fb_pixel_settle(run, m->index, &err);
    d->pool->done(d->pool->context, m->index);
    d->done++;
}

static void handle_message(struct distributor *d, int from)
{
    struct message *m = &d->message;
    if (m->kind == ASK) {
        assign(d, m->request, &d->answer);
        d->mpi->answer(d->state, from, &d->answer, sizeof d->answer);
    } else if (m->kind == PIXEL) {
        accept_result(d, from, m);
    } else {
        fb_usage_add(&d->run->used, &m->used);
        d->nleft--;
    }
}

static void serve_ranks(struct distributor *d)
{
    int closed = 0;
    while (d->nleft > 0 || d->done < d->npixels || !closed) {
        size_t index;
        if (d->run->signal || fb_pixel_run_ends(d->run))
            d->npixels = d->given;
        int from, busy = d->mpi->heard(d->state, &from, &d->message, sizeof d->message);
        if (busy)
            handle_message(d, from);
        size_t n = request_size(d);
        if (n > 0 && d->given < d->npixels) {
            assign(d, n, &d->answer);
            enqueue(d, &d->answer);
        }
        if (d->given == d->npixels && !closed) {
            fb_queue_close(d->todo);
            closed = 1;
        }
        for (; fb_queue_take(d->finished, 0, &index); busy = 1) {
            d->pool->done(d->pool->context, index);
            d->done++;
        }
        if (!busy)
            nap();
    }
}

/* ---- the other ranks ---- */

static void send_result(struct distributor *d, size_t index)
{
    struct fb_pixel_run *run = d->run;
    struct fb_pixel_result *result = &run->results[index];
    struct message *m = &d->message;
    const char *text = fb_pixel_failed(result->outcome) ? result->why : result->note;

    memset(m, 0, sizeof *m);
    m->kind = PIXEL;
    m->index = index;
    m->outcome = result->outcome;
    m->signal = fb_stop_signal();
    m->tally = result->tally;
    m->nquasars = result->nquasars;
    m->size = fb_pixel_failed(m->outcome) ? 0 : result->size; /* 0 if the pixel was skipped */
    if (text)
        strncpy(m->text, text, sizeof m->text - 1);
    d->mpi->message(d->state, m, sizeof *m);
    if (m->size > 0)
        d->mpi->send(d->state, result->bytes, m->size);
    fb_pixel_result_release(result);
    d->done++;
}

static void serve_rank_0(struct distributor *d)
{
    int asked = 0, closed = 0;
    while (!closed || d->done < d->taken) {
        size_t index, n = request_size(d);
        int busy = 0;
        if (!closed && !asked && n > 0) {
            d->message = (struct message){ .kind = ASK, .request = n };
            d->mpi->ask(d->state, &d->message, sizeof d->message, &d->answer, sizeof d->answer);
            asked = 1;
        }
        if (asked && d->mpi->answered(d->state)) {
            asked = 0;
            busy = 1;
            enqueue(d, &d->answer);
            closed = d->answer.n == 0;
            if (closed)
                fb_queue_close(d->todo);
        }
        for (; fb_queue_take(d->finished, 0, &index); busy = 1)
            send_result(d, index);
        if (!busy)
            nap();
    }
}

static void send_usage(struct distributor *d)
{
    d->message = (struct message){ .kind = LAST };
    if (d->run->add_usage)
        d->run->add_usage(d->run->context, &d->message.used);
    d->mpi->message(d->state, &d->message, sizeof d->message);
}

/* ---- both ---- */

void fb_distribute_describe(struct fb_settings *settings)
{
    fb_settings_add(settings, "the size of messages", "%zu and %zu bytes", sizeof(struct message),
                    sizeof(struct answer));
}

int fb_distribute(struct fb_pixel_run *run, const struct fb_pool *pool, struct fb_error *err)
{
    const struct fb_ranks *ranks = run->ranks;
    struct distributor *d = calloc(1, sizeof *d);
    struct fb_workers *workers = NULL;
    struct fb_queue *todo = fb_queue_create(run->pixels->n), *finished = fb_queue_create(run->pixels->n);

    if (d && todo && finished)
        workers = fb_workers_start(pool, todo, finished);
    int failed =
        workers
            ? 0
            : fb_fail(err, "can't start %d threads: no memory, or too many processes; try a smaller --nproc",
                      pool->nthreads);
    failed = fb_ranks_agree(ranks, failed, err);
    int works = workers && !failed;
    if (workers && failed)
        fb_queue_close(todo);
    if (works) {
        *d = (struct distributor){ .run = run,
                                   .pool = pool,
                                   .mpi = ranks->mpi,
                                   .state = ranks->state,
                                   .todo = todo,
                                   .finished = finished,
                                   .npixels = run->pixels->n,
                                   .nleft = ranks->size - 1 };
        if (ranks->rank == 0)
            serve_ranks(d);
        else
            serve_rank_0(d);
    }
    fb_workers_join(workers);
    if (works && ranks->rank > 0)
        send_usage(d);
    fb_queue_free(todo);
    fb_queue_free(finished);
    free(d);
    return failed;
}
