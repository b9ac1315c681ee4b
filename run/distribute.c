/*
 * distribute.c - who does which pixel, with several ranks.
 *
 * Pixels are done by threads that know nothing of ranks: they take pixels from one queue and put them into
 * another when they are done. The thread that called stands between those queues and the other ranks; it
 * computes nothing, and sleeps most of the time. So it answers at once, whatever the pixels of its rank are
 * doing, and no rank waits for another's arithmetic. A rank has a few pixels in its queue, in order to be
 * busy while it asks for more. While there are plenty it has one more for each thread, so that threads can fetch the
 * next file ahead.
 *
 * A rank that is asked to stop leaves the pixels in its queue as they are and tells so; rank 0 then hands out no
 * more, as when it is asked itself, and the run ends as if all were done.
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

/* From a rank to rank 0. A PIXEL's parcel follows where it has bytes. */
struct message {
    enum kind kind;
    size_t wanted;                /* ASK: how many pixels */
    size_t index, nquasars, size; /* PIXEL: what the parcel has */
    struct fb_tally tally;        /* PIXEL */
    int outcome;
    int signal;             /* PIXEL: that stopped this rank, where it left the pixel */
    struct fb_account used; /* LAST */
    char text[sizeof((struct fb_error *)0)->text]; /* PIXEL: why it failed, or its note */
};

/* And back: no pixels means that there are none left. */
struct answer {
    size_t share; /* of the pixels that are not handed out yet, one rank's */
    size_t n, index[MOST_HANDED];
};

struct desk {
    struct fb_pixel_run *run;
    const struct fb_pool *pool;
    const struct fb_mpi *mpi;
    void *state;
    struct fb_queue *todo, *finished; /* of this rank */
    size_t npixels, given;            /* rank 0: of the run's order, so many are handed out */
    size_t done;                      /* rank 0: pixels of all ranks; else of this rank */
    size_t taken;                     /* pixels this rank was given */
    size_t share;                     /* of the last answer to it */
    int nleft;                        /* rank 0: ranks that haven't sent LAST */
    struct message message;
    struct answer answer;
};

static void nap(void)
{
    const struct timespec pause = { 0, 250000 };
    nanosleep(&pause, NULL);
}

/* How many pixels to ask for at a time, and to keep in the queue of a rank above those that its threads are at. */
static size_t some(const struct desk *desk)
{
    return 1 + (size_t)desk->pool->nthreads / 4;
}

/* How many more, for threads to look ahead: they leave one for each of them in the queue. But what waits here can't be
 * done elsewhere, so towards the end there are no more than one rank's share of what is left. */
static size_t for_looking_ahead(const struct desk *desk)
{
    size_t most = desk->pool->ahead ? (size_t)desk->pool->nthreads + 1 : 0;
    return desk->share < most ? desk->share : most;
}

/* How many this rank would like to have. */
static size_t wanted(const struct desk *desk)
{
    if (desk->taken == 0)
        return (size_t)desk->pool->nthreads + some(desk);
    return fb_queue_length(desk->todo) < some(desk) + for_looking_ahead(desk) ? some(desk) : 0;
}

/* What a rank may have of the pixels that are left. */
static size_t share_of(const struct desk *desk)
{
    size_t size = (size_t)desk->run->ranks->size;
    return (desk->npixels - desk->given + size - 1) / size;
}

/* Take pixels from the run's list: no rank gets more than its share of what is left. */
static void hand_out(struct desk *desk, size_t n, struct answer *answer)
{
    size_t share = share_of(desk);
    answer->n = 0;
    for (; n > 0 && answer->n < share && answer->n < MOST_HANDED; n--) {
        size_t k = desk->given++;
        answer->index[answer->n++] = desk->run->order ? desk->run->order[k] : k;
    }
    answer->share = share_of(desk);
}

static void take(struct desk *desk, const struct answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        fb_queue_put(desk->todo, answer->index[i]);
    desk->taken += answer->n;
    desk->share = answer->share;
}

/* ---- rank 0 ---- */

/* A pixel that another rank has done. */
static void accept(struct desk *desk, int from, struct message *m)
{
    struct fb_pixel_run *run = desk->run;
    struct fb_parcel *parcel = &run->parcels[m->index];
    struct fb_error err = { "" };

    parcel->tally = m->tally;
    parcel->nquasars = m->nquasars;
    parcel->size = m->size;
    if (m->size > 0) {
        parcel->bytes = malloc(m->size);
        if (!parcel->bytes) /* the sender can't be left waiting */
            desk->mpi->abort(desk->state, 1);
        else
            desk->mpi->receive(desk->state, from, parcel->bytes, m->size);
    }
    run->outcomes[m->index] = (signed char)m->outcome;
    if (m->outcome == FB_PIXEL_LEFT)
        run->signal = m->signal;
    if (!fb_pixel_failed(m->outcome) && m->text[0])
        parcel->note = strdup(m->text);
    memcpy(err.text, m->text, sizeof err.text);
    fb_pixel_settle(run, m->index, &err);
    desk->pool->done(desk->pool->context, m->index);
    desk->done++;
}

static void listen_to(struct desk *desk, int from)
{
    struct message *m = &desk->message;
    if (m->kind == ASK) {
        hand_out(desk, m->wanted, &desk->answer);
        desk->mpi->answer(desk->state, from, &desk->answer, sizeof desk->answer);
    } else if (m->kind == PIXEL) {
        accept(desk, from, m);
    } else {
        fb_account_add(&desk->run->used, &m->used);
        desk->nleft--;
    }
}

static void lead(struct desk *desk)
{
    int closed = 0;
    while (desk->nleft > 0 || desk->done < desk->npixels || !closed) {
        size_t index;
        if (desk->run->signal || fb_pixel_run_ends(desk->run))
            desk->npixels = desk->given;
        int from, busy = desk->mpi->heard(desk->state, &from, &desk->message, sizeof desk->message);
        if (busy)
            listen_to(desk, from);
        size_t n = wanted(desk);
        if (n > 0 && desk->given < desk->npixels) {
            hand_out(desk, n, &desk->answer);
            take(desk, &desk->answer);
        }
        if (desk->given == desk->npixels && !closed) {
            fb_queue_close(desk->todo);
            closed = 1;
        }
        for (; fb_queue_take(desk->finished, 0, &index); busy = 1) {
            desk->pool->done(desk->pool->context, index);
            desk->done++;
        }
        if (!busy)
            nap();
    }
}

/* ---- the other ranks ---- */

static void tell(struct desk *desk, size_t index)
{
    struct fb_pixel_run *run = desk->run;
    struct fb_parcel *parcel = &run->parcels[index];
    struct message *m = &desk->message;
    const char *text = fb_pixel_failed(run->outcomes[index]) ? run->why[index] : parcel->note;

    memset(m, 0, sizeof *m);
    m->kind = PIXEL;
    m->index = index;
    m->outcome = run->outcomes[index];
    m->signal = fb_stop_signal();
    m->tally = parcel->tally;
    m->nquasars = parcel->nquasars;
    m->size = fb_pixel_failed(m->outcome) ? 0 : parcel->size; /* none where it was left */
    if (text)
        strncpy(m->text, text, sizeof m->text - 1);
    desk->mpi->message(desk->state, m, sizeof *m);
    if (m->size > 0)
        desk->mpi->send(desk->state, parcel->bytes, m->size);
    fb_parcel_release(parcel);
    desk->done++;
}

static void follow(struct desk *desk)
{
    int asked = 0, closed = 0;
    while (!closed || desk->done < desk->taken) {
        size_t index, n = wanted(desk);
        int busy = 0;
        if (!closed && !asked && n > 0) {
            desk->message = (struct message){ .kind = ASK, .wanted = n };
            desk->mpi->ask(desk->state, &desk->message, sizeof desk->message, &desk->answer,
                           sizeof desk->answer);
            asked = 1;
        }
        if (asked && desk->mpi->answered(desk->state)) {
            asked = 0;
            busy = 1;
            take(desk, &desk->answer);
            closed = desk->answer.n == 0;
            if (closed)
                fb_queue_close(desk->todo);
        }
        for (; fb_queue_take(desk->finished, 0, &index); busy = 1)
            tell(desk, index);
        if (!busy)
            nap();
    }
}

static void say_last(struct desk *desk)
{
    desk->message = (struct message){ .kind = LAST };
    if (desk->run->account)
        desk->run->account(desk->run->context, &desk->message.used);
    desk->mpi->message(desk->state, &desk->message, sizeof desk->message);
}

/* ---- both ---- */

void fb_hand_out_describe(struct fb_settings *settings)
{
    fb_settings_add(settings, "the size of messages", "%zu and %zu bytes", sizeof(struct message),
                    sizeof(struct answer));
}

int fb_hand_out(struct fb_pixel_run *run, const struct fb_pool *pool, struct fb_error *err)
{
    const struct fb_ranks *ranks = run->ranks;
    struct desk *desk = calloc(1, sizeof *desk);
    struct fb_crew *crew = NULL;
    struct fb_queue *todo = fb_queue_create(run->pixels->n), *finished = fb_queue_create(run->pixels->n);

    if (desk && todo && finished)
        crew = fb_crew_start(pool, todo, finished);
    int failed = crew ? 0 : fb_fail(err, "can't start threads");
    failed = fb_ranks_agree(ranks, failed, err);
    int works = crew && !failed;
    if (crew && failed)
        fb_queue_close(todo);
    if (works) {
        *desk = (struct desk){ .run = run,
                               .pool = pool,
                               .mpi = ranks->mpi,
                               .state = ranks->state,
                               .todo = todo,
                               .finished = finished,
                               .npixels = run->pixels->n,
                               .nleft = ranks->size - 1 };
        if (ranks->rank == 0)
            lead(desk);
        else
            follow(desk);
    }
    fb_crew_join(crew);
    if (works && ranks->rank > 0)
        say_last(desk);
    fb_queue_free(todo);
    fb_queue_free(finished);
    free(desk);
    return failed;
}
