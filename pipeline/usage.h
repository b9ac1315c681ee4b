/*
 * usage.h - the resources that a command used: files, bytes, seconds, memory.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_USAGE_H
#define FB_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/file.h" /* fb_seconds() */

/* Files that are summarised in one line. */
struct fb_noted_files {
    size_t n;
    char path[1024]; /* the first of them in alphabetical order */
};

/* The seconds of reading, computing and writing are summed over threads, and may exceed the wall time. */
struct fb_usage {
    size_t files;                      /* spectra files opened */
    struct fb_noted_files joined;      /* spectra files whose exposures were coadded */
    struct fb_noted_files unknown_fit; /* BAL tables that were kept although they don't record their fit */
    int64_t bytes;                     /* all bytes read by the process; 0 if unknown */
    double reading, computing, writing;
    double cpu;   /* user and system seconds of the process */
    int64_t peak; /* peak resident memory in bytes; the largest of several processes */
};

/* Add the usage of a thread or another process. */
void fb_usage_add(struct fb_usage *total, const struct fb_usage *part);

/* Add the usage of this process according to the system: bytes, cpu, peak. */
void fb_usage_add_process(struct fb_usage *total);

/* Count a file; its path is copied. */
void fb_note_file(struct fb_noted_files *files, const char *path);

#endif
