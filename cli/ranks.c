/* ranks.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "cli/ranks.h"

int fb_ranks_start(struct fb_ranks *ranks, int mpi, struct fb_error *err)
{
    *ranks = (struct fb_ranks){ .rank = 0, .size = 1 };
    if (!mpi)
        return 0;
    if (getenv("NERSC_HOST") && !getenv("SLURM_JOB_NAME"))
        return fb_fail(err,
                       "option --mpi: NERSC_HOST is set and SLURM_JOB_NAME is not: this is a login node; "
                       "MPI needs a job (salloc or sbatch, then srun)");
    const struct fb_mpi *functions = fb_mpi_load(err);
    if (!functions)
        return -1;
    if (functions->start(&ranks->state, &ranks->rank, &ranks->size) != 0)
        return fb_fail(err, "option --mpi: MPI can't be started, or not in a program with threads");
    ranks->mpi = functions;
    return 0;
}

int fb_ranks_stop(struct fb_ranks *ranks, int status)
{
    if (!ranks->mpi)
        return status;
    int worst = ranks->mpi->largest(ranks->state, status);
    ranks->mpi->stop(ranks->state);
    ranks->mpi = NULL;
    return worst;
}

int fb_ranks_leads(const struct fb_ranks *ranks)
{
    return ranks->rank == 0;
}

int fb_ranks_agree(const struct fb_ranks *ranks, int failed, struct fb_error *err)
{
    if (!ranks->mpi)
        return failed ? -1 : 0;
    int first = ranks->size - ranks->mpi->largest(ranks->state, failed ? ranks->size - ranks->rank : 0);
    if (first == ranks->size)
        return 0;
    ranks->mpi->broadcast(ranks->state, err->text, sizeof err->text, first);
    return -1;
}

int fb_ranks_share(const struct fb_ranks *ranks, void **array, size_t *n, size_t size, struct fb_error *err)
{
    int failed = 0;
    if (!ranks->mpi)
        return 0;
    ranks->mpi->broadcast(ranks->state, n, sizeof *n, 0);
    if (ranks->rank > 0) {
        *array = malloc((*n + 1) * size);
        failed = *array ? 0 : fb_fail(err, "out of memory for %zu rows", *n);
    }
    if (fb_ranks_agree(ranks, failed, err) != 0)
        return -1;
    ranks->mpi->broadcast(ranks->state, *array, *n * size, 0);
    return 0;
}
