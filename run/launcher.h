/*
 * launcher.h - detects from the environment whether srun or mpirun started this process as one of several.
 * This needs no MPI library.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAUNCHER_H
#define FB_LAUNCHER_H

struct fb_launched {
    long size;            /* number of processes started together; 1 without a launcher */
    long rank;            /* index of this process, from 0; 0 if the launcher doesn't set it */
    const char *variable; /* environment variable that holds the size; NULL without a launcher */
};

/* Ask the environment. */
struct fb_launched fb_launched(void);
/* Call this before exiting with an error that only rank 0 reports. Launchers kill all processes as soon as
 * one of them fails, so ranks other than 0 wait for a second, in which rank 0 prints its message. */
void fb_launched_wait_for_first(long rank);

#endif
