/*
 * ranks.h - the processes a command runs in: one, or with --mpi several, of which rank 0 does all talking and
 * writing of catalogs and logs. With one process every function here does nothing.
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

/* One process where mpi is 0; else start MPI and compare the settings of all ranks (NULL: none). Refuses on login nodes,
 * where there is no MPI, and where each of several processes would be the only rank of its own. */
int fb_ranks_start(struct fb_ranks *ranks, int mpi, const struct fb_settings *settings, struct fb_error *err);

/* For a process whose options can't be followed, which it has said: the ranks that may be waiting for it end too. */
void fb_ranks_give_up(int argc, char **argv);

/* The end: the worst exit status of all ranks, on all ranks. */
int fb_ranks_stop(struct fb_ranks *ranks, int status);

/* Is this the process that does the talking? */
int fb_ranks_leads(const struct fb_ranks *ranks);

/* Where any rank failed, -1 on all of them, with the reason of the first, which names the rank unless it is rank 0.
 * All ranks call this at the same point. */
int fb_ranks_agree(const struct fb_ranks *ranks, int failed, struct fb_error *err);

/* Compare each rank's settings with those of rank 0: -1 on all ranks, with a line that names the first rank that
 * differs, and its first setting that does. All ranks call this. */
int fb_ranks_compare(const struct fb_ranks *ranks, const struct fb_settings *settings, struct fb_error *err);

/* Give n bytes of rank 0 to all ranks. All ranks call this. */
void fb_ranks_broadcast(const struct fb_ranks *ranks, void *bytes, size_t n);
/* Give rank 0's array of *n items to all ranks; the others' *array becomes theirs to free. All ranks call
 * this. */
int fb_ranks_share(const struct fb_ranks *ranks, void **array, size_t *n, size_t size, struct fb_error *err);

#endif
