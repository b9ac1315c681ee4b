/*
 * pixel_result.h - the outcome of one pixel, and its results other than files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_PIXEL_RESULT_H
#define FB_PIXEL_RESULT_H

#include <stddef.h>
#include "pipeline/tally.h"

enum fb_pixel_outcome {
    FB_PIXEL_UNWRITTEN = -2, /* failed because its output could not be written */
    FB_PIXEL_FAILED = -1,    /* failed for another reason */
    FB_PIXEL_DONE = 0,
    FB_PIXEL_KEPT = 1, /* its output existed */
    FB_PIXEL_LEFT = 2  /* not started, or failed, after the run was asked to stop */
};

static inline int fb_pixel_failed(int outcome)
{
    return outcome < 0;
}

/* Initialise with zeros. */
struct fb_pixel_result {
    enum fb_pixel_outcome outcome;
    struct fb_tally tally; /* of its quasars */
    size_t nquasars;       /* measured, or masked */
    size_t nmatched;       /* catalog rows that are in a BAL table */
    char *why;             /* the reason if the pixel failed; owned, may be NULL */
    char *note;            /* a line to print; owned, may be NULL */
    void *bytes;           /* results for another rank; owned, may be NULL */
    size_t size;
};

#endif
