/*
 * mpi.c - the only file that calls MPI; built as a separate module (see mpi.h).
 *
 * No call here waits for a rank that may be computing. Ranks other than 0 wait only for rank 0, whose calling
 * thread does nothing but poll for messages until all ranks are done (run/distribute.c). Rank 0 never waits:
 * answer() matches a receive that ask() posted before its message, and receive() matches a send that is
 * already in progress. One-sided counters would need no such thread, but without hardware support they
 * progress only when their owner calls MPI.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "run/mpi.h"

enum { TAG_MESSAGE = 1, TAG_BYTES = 2, TAG_ANSWER = 3 };
#define LONGEST ((size_t)1 << 30) /* bytes per transfer; MPI counts in int */

struct state {
    MPI_Comm comm;
    MPI_Request answer;
};

static void version(char *text, size_t size)
{
    char name[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(name, &length);
    name[strcspn(name, ",\n")] = '\0';
    snprintf(text, size, "%s", name);
}

static int start(void **out, int *rank, int *size)
{
    int provided = MPI_THREAD_SINGLE;
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return -1;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        provided < MPI_THREAD_FUNNELED) {
        free(state);
        return -1;
    }
    state->comm = MPI_COMM_WORLD;
    state->answer = MPI_REQUEST_NULL;
    MPI_Comm_rank(state->comm, rank);
    MPI_Comm_size(state->comm, size);
    *out = state;
    return 0;
}

static void stop(void *state)
{
    MPI_Finalize();
    free(state);
}

static void end_all(void *state, int status)
{
    MPI_Abort(((struct state *)state)->comm, status);
}

/* MPI libraries busy-wait, which takes a core from the worker threads; this sleeps between polls. */
static void wait_for(MPI_Request *request)
{
    const struct timespec nap = { 0, 200000 };
    int done = 0;
    while (MPI_Test(request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done)
        nanosleep(&nap, NULL);
}

static int largest(void *context, int value)
{
    struct state *state = context;
    MPI_Request request;
    int result = value;
    MPI_Iallreduce(&value, &result, 1, MPI_INT, MPI_MAX, state->comm, &request);
    wait_for(&request);
    return result;
}

static void broadcast(void *context, void *bytes, size_t n, int from)
{
    struct state *state = context;
    MPI_Request request;
    char *p = bytes;
    for (size_t part; n > 0; n -= part, p += part) {
        part = n < LONGEST ? n : LONGEST;
        MPI_Ibcast(p, (int)part, MPI_BYTE, from, state->comm, &request);
        wait_for(&request);
    }
}

static void message(void *context, const void *bytes, size_t n)
{
    struct state *state = context;
    MPI_Send(bytes, (int)n, MPI_BYTE, 0, TAG_MESSAGE, state->comm);
}

static void send_bytes(void *context, const void *bytes, size_t n)
{
    struct state *state = context;
    const char *p = bytes;
    for (size_t part; n > 0; n -= part, p += part) {
        part = n < LONGEST ? n : LONGEST;
        MPI_Send(p, (int)part, MPI_BYTE, 0, TAG_BYTES, state->comm);
    }
}

static void ask(void *context, const void *question, size_t n, void *answer, size_t room)
{
    struct state *state = context;
    MPI_Irecv(answer, (int)room, MPI_BYTE, 0, TAG_ANSWER, state->comm, &state->answer);
    message(state, question, n);
}

static int answered(void *context)
{
    struct state *state = context;
    int done = 0;
    MPI_Test(&state->answer, &done, MPI_STATUS_IGNORE);
    return done;
}

static int heard(void *context, int *from, void *bytes, size_t n)
{
    struct state *state = context;
    MPI_Status status;
    int there = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_MESSAGE, state->comm, &there, &status);
    if (!there)
        return 0;
    *from = status.MPI_SOURCE;
    MPI_Recv(bytes, (int)n, MPI_BYTE, *from, TAG_MESSAGE, state->comm, MPI_STATUS_IGNORE);
    return 1;
}

static void receive(void *context, int from, void *bytes, size_t n)
{
    struct state *state = context;
    char *p = bytes;
    for (size_t part; n > 0; n -= part, p += part) {
        part = n < LONGEST ? n : LONGEST;
        MPI_Recv(p, (int)part, MPI_BYTE, from, TAG_BYTES, state->comm, MPI_STATUS_IGNORE);
    }
}

static void answer_rank(void *context, int to, const void *bytes, size_t n)
{
    struct state *state = context;
    MPI_Send(bytes, (int)n, MPI_BYTE, to, TAG_ANSWER, state->comm);
}

const struct fb_mpi fb_mpi_functions = {
    .version = version,
    .start = start,
    .stop = stop,
    .abort = end_all,
    .largest = largest,
    .broadcast = broadcast,
    .message = message,
    .send = send_bytes,
    .ask = ask,
    .answered = answered,
    .heard = heard,
    .receive = receive,
    .answer = answer_rank,
};
