/*
 * launcher.c - see launcher.h.
 *
 * The launcher of an MPI library counts before Slurm: mpirun starts its daemons with srun, one a node, and what they
 * start inherits the variables of that step.
 *
 * SLURM_NTASKS is of no use. It is set in batch scripts too, where one process runs however many tasks the job may
 * have. Only srun sets SLURM_STEP_NUM_TASKS. Jobs that GNU parallel starts inherit the variables of its own step, but
 * each has its own work.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include "run/launcher.h"

static const struct {
    const char *size, *rank;
} launchers[] = {
    { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK" }, /* Open MPI */
    { "PMI_SIZE", "PMI_RANK" },                         /* MPICH, Intel, Cray */
    { "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK" },   /* MVAPICH */
    { "SLURM_STEP_NUM_TASKS", "SLURM_PROCID" },         /* srun */
};

/* -1 where the variable holds no number. */
static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !isdigit((unsigned char)*text))
        return -1;
    long number = strtol(text, &end, 10);
    return *end == '\0' ? number : -1;
}

/* The step of a batch script has a name, or one of the numbers at the end of 32 bits that stand for names. */
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
