/*
 * launcher.h - whether this process is one of several that srun or mpirun started together, as far as the environment
 * tells. No MPI library is needed for that.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_LAUNCHER_H
#define FB_LAUNCHER_H

struct fb_launched {
    long size;            /* processes that were started together; 1 where there is no launcher */
    long rank;            /* which of them this is, from 0; 0 where the launcher does not say */
    const char *variable; /* that says so; NULL where there is no launcher */
};

struct fb_launched fb_launched(void);

#endif
