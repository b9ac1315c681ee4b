/*
 * launcher.c - see launcher.h.
 *
 * The launcher of an MPI library takes precedence over Slurm: mpirun starts one daemon per node with srun,
 * and the daemon's children inherit the variables of that step.
 *
 * SLURM_NTASKS can't be used: it is also set in batch scripts, where a single process runs whatever the
 * number of tasks. Only srun sets SLURM_STEP_NUM_TASKS. Jobs started by GNU parallel inherit the variables of
 * the step it runs in, but are independent of each other.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include "run/launcher.h"

static const struct {
    const char *size, *rank;
} launchers[] = {
    { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK" }, /* Open MPI */
    { "PMI_SIZE", "PMI_RANK" },                         /* MPICH, Intel, Cray */
    { "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK" },   /* MVAPICH */
    { "SLURM_STEP_NUM_TASKS", "SLURM_PROCID" },         /* srun */
};

/* Returns -1 if the variable holds no number. */
static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !isdigit((unsigned char)*text))
        return -1;
    long number = strtol(text, &end, 10);
    return *end == '\0' ? number : -1;
}

/* Batch steps have a name, or one of the reserved numbers at the top of the 32-bit range. */
static int in_batch_step(void)
{
    const char *step = getenv("SLURM_STEP_ID");
    return step && (number_in("SLURM_STEP_ID") < 0 || number_in("SLURM_STEP_ID") >= 0xfffffff0L);
}

struct fb_launched fb_launched(void)
{
    struct fb_launched alone = { 1, 0, NULL };
    if (getenv("PARALLEL_SEQ"))
        return alone;
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++) {
        struct fb_launched found = { number_in(launchers[i].size), number_in(launchers[i].rank),
                                     launchers[i].size };
        int slurm = launchers[i].size[0] == 'S';
        if (found.rank < 0)
            found.rank = number_in("PMIX_RANK");
        if (found.size < 1 || (slurm && (found.rank < 0 || in_batch_step())))
            continue;
        if (found.rank < 0)
            found.rank = 0;
        return found;
    }
    return alone;
}

void fb_launched_wait_for_first(long rank)
{
    const struct timespec second = { .tv_sec = 1 };
    if (rank > 0)
        nanosleep(&second, NULL);
}
