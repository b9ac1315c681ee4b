/*
 * mpi.h - the MPI operations that fastbal uses, as a table of functions. They are in a separate module,
 * run/mpi.c, which is loaded only with --mpi. Without --mpi, no MPI library is loaded, started or needed.
 *
 * Only the thread that called start() may call the others (MPI_THREAD_FUNNELED), and an error inside MPI ends
 * all ranks.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MPI_H
#define FB_MPI_H

#include <stddef.h>
#include "fits/error.h"

struct fb_mpi {
    /* The library's name and version; may be called before start. */
    void (*version)(char *text, size_t size);
    /* Start MPI; -1 if it can't be used. */
    int (*start)(void **state, int *rank, int *size);
    void (*stop)(void *state);
    /* End all ranks at once. */
    void (*abort)(void *state, int status);

    /* Collective operations; ranks sleep while they wait. */
    int (*largest)(void *state, int value);
    void (*broadcast)(void *state, void *bytes, size_t n, int from);

    /*
     * Point-to-point operations, between rank 0 and another rank. Rank 0 polls for messages, all of the same
     * length, with heard(), which returns 1 and the sender if there was one. The payload of a message follows
     * with send() and receive(). ask() sends a message that rank 0 answers with answer(); answered() is 1
     * once the answer has arrived.
     */
    void (*message)(void *state, const void *message, size_t n);
    void (*send)(void *state, const void *bytes, size_t n);
    void (*ask)(void *state, const void *message, size_t n, void *answer, size_t room);
    int (*answered)(void *state);
    int (*heard)(void *state, int *from, void *message, size_t n);
    void (*receive)(void *state, int from, void *bytes, size_t n);
    void (*answer)(void *state, int to, const void *bytes, size_t n);
};

/* The name of the table in the module. */
#define FB_MPI_SYMBOL "fb_mpi_functions"
extern const struct fb_mpi fb_mpi_functions;

/* Load the module; NULL if this build has none or it can't be loaded. */
const struct fb_mpi *fb_mpi_load(struct fb_error *err);

#endif
