/*
 * ranks.h - the processes of a command: one, or several with --mpi. Rank 0 prints, and writes catalogs and
 * logs. With one process there is nothing to exchange, and functions return at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_RANKS_H
#define FB_RANKS_H

#include <stddef.h>
#include "fits/error.h"
#include "run/mpi.h"
#include "run/settings.h"

struct fb_ranks {
    int rank, size;
    const struct fb_mpi *mpi; /* NULL: one process, no MPI */
    void *state;
};

/* A single process if mpi is 0; else start MPI and compare the settings of all ranks (NULL: none). Fails on
 * login nodes, if the MPI module can't be loaded, and if each of several processes would be the only rank of
 * its own job. */
int fb_ranks_start(struct fb_ranks *ranks, int mpi, const struct fb_settings *settings, struct fb_error *err);

/* For one of several processes whose options are unusable: end the ranks that may be waiting for it. Rank 0 reports `why`,
 * or has reported it if its own options are unusable. */
void fb_ranks_give_up(struct fb_error *why);

/* Stop MPI; returns the largest exit status of all ranks, on all ranks. */
int fb_ranks_stop(struct fb_ranks *ranks, int status);

/* Returns 1 if this process prints (rank 0). */
int fb_ranks_leads(const struct fb_ranks *ranks);

/* If any rank failed, return -1 on all ranks, with the reason of the lowest one, prefixed with its number
 * unless it is rank 0. Collective. */
int fb_ranks_agree(const struct fb_ranks *ranks, int failed, struct fb_error *err);

/* Compare each rank's settings with those of rank 0; if any differ, return -1 on all ranks, with an error
 * that names the first such rank and its first such setting. Collective. */
int fb_ranks_compare(const struct fb_ranks *ranks, const struct fb_settings *settings, struct fb_error *err);

/* Broadcast n bytes from rank 0. Collective. */
void fb_ranks_broadcast(const struct fb_ranks *ranks, void *bytes, size_t n);
/* Broadcast rank 0's array of *n items; on the other ranks *array is allocated, and the caller frees it.
 * Collective. */
int fb_ranks_share(const struct fb_ranks *ranks, void **array, size_t *n, size_t size, struct fb_error *err);

#endif
