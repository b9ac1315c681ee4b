/*
 * usage.h - what a command used: files, bytes, seconds, memory.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_USAGE_H
#define FB_USAGE_H

#include <stddef.h>
#include <stdint.h>

/* Files of which one line tells. */
struct fb_noted_files {
    size_t n;
    char path[1024]; /* one of them: the first by name */
};

/* Seconds of reading, computing and writing are those of all threads together, and may add up to more than
 * the wall time. */
struct fb_usage {
    size_t files;                      /* files of spectra that were opened */
    struct fb_noted_files joined;      /* of those, files of exposures, which were joined */
    struct fb_noted_files unknown_fit; /* BAL tables that were kept and do not say how they were fitted */
    int64_t bytes; /* read by the process, whatever for; 0 where the system does not tell */
    double reading, computing, writing;
    double cpu;   /* user and system seconds of the process */
    int64_t peak; /* most resident memory, bytes; of several processes the largest */
};

/* Seconds on a clock that only goes forward. */
double fb_seconds(void);

/* Add what a thread or another process used. */
void fb_usage_add(struct fb_usage *total, const struct fb_usage *part);

/* Add what the system knows of this process: bytes, cpu, peak. */
void fb_usage_add_process(struct fb_usage *total);

void fb_note_file(struct fb_noted_files *files, const char *path);

#endif
