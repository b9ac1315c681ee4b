/* ranks.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run/exit_status.h"
#include "run/launcher.h"
#include "run/ranks.h"

int fb_ranks_start(struct fb_ranks *ranks, int mpi, const struct fb_settings *settings, struct fb_error *err)
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
        return fb_fail(err, "option --mpi: the MPI library can't be started, or does not support threads "
                            "(MPI_THREAD_FUNNELED)");
    ranks->mpi = functions;
    struct fb_launched launched = fb_launched();
    if (ranks->size == 1 && launched.size > 1) {
        fb_ranks_stop(ranks, 0);
        ranks->rank = (int)launched.rank; /* only the first prints the error */
        fb_launched_wait_for_first(launched.rank);
        return fb_fail(
            err,
            "option --mpi: MPI finds one process, but %ld were started together (%s=%ld): the MPI library "
            "(fastbal --version) and the launcher don't match; use the launcher of that library",
            launched.size, launched.variable, launched.size);
    }
    return settings ? fb_ranks_compare(ranks, settings, err) : 0;
}

void fb_ranks_give_up(struct fb_error *why)
{
    struct fb_ranks ranks;
    struct fb_error err;
    if (fb_ranks_start(&ranks, 1, NULL, &err) != 0)
        return;
    fb_ranks_agree(&ranks, 1, why);
    fb_ranks_stop(&ranks, FB_EXIT_UNUSABLE);
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
    if (first > 0 && first == ranks->rank && err->text[0]) {
        struct fb_error reason = *err;
        fb_fail(err, "rank %d: %s", first, reason.text);
    }
    ranks->mpi->broadcast(ranks->state, err->text, sizeof err->text, first);
    return -1;
}

void fb_ranks_broadcast(const struct fb_ranks *ranks, void *bytes, size_t n)
{
    if (ranks->mpi)
        ranks->mpi->broadcast(ranks->state, bytes, n, 0);
}

/* The length is sent as text too: the byte order of the other ranks is not known yet. */
int fb_ranks_compare(const struct fb_ranks *ranks, const struct fb_settings *settings, struct fb_error *err)
{
    struct fb_settings of_rank_0 = { 0 };
    char size[24] = "";

    if (!ranks->mpi)
        return 0;
    if (fb_ranks_agree(ranks, settings->failed ? fb_fail(err, "out of memory") : 0, err) != 0)
        return -1;
    snprintf(size, sizeof size, "%zu", settings->size);
    fb_ranks_broadcast(ranks, size, sizeof size);
    of_rank_0.size = (size_t)strtoull(size, NULL, 10);
    of_rank_0.text = malloc(of_rank_0.size + 1);
    int failed = fb_ranks_agree(ranks, of_rank_0.text ? 0 : fb_fail(err, "out of memory"), err);
    if (!failed && of_rank_0.text) { /* all ranks have it */
        if (ranks->rank == 0)
            memcpy(of_rank_0.text, settings->text, settings->size);
        fb_ranks_broadcast(ranks, of_rank_0.text, of_rank_0.size);
        of_rank_0.text[of_rank_0.size] = '\0';
        failed = fb_ranks_agree(ranks, fb_settings_compare(settings, &of_rank_0, err), err);
    }
    fb_settings_release(&of_rank_0);
    return failed;
}

int fb_ranks_share(const struct fb_ranks *ranks, void **array, size_t *n, size_t size, struct fb_error *err)
{
    int failed = 0;
    if (!ranks->mpi)
        return 0;
    fb_ranks_broadcast(ranks, n, sizeof *n);
    if (ranks->rank > 0) {
        *array = malloc((*n + 1) * size);
        failed = *array ? 0 : fb_fail(err, "out of memory for %zu rows", *n);
    }
    if (fb_ranks_agree(ranks, failed, err) != 0)
        return -1;
    fb_ranks_broadcast(ranks, *array, *n * size);
    return 0;
}
