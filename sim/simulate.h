/*
 * simulate.h - write a tree of simulated coadds with the catalog of their quasars and the truth about
 * their troughs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SIMULATE_H
#define FB_SIMULATE_H

#include <stddef.h>
#include <stdint.h>

#include "desi/tree.h"
#include "fits/error.h"

#define FB_BAL_FRACTION (1.0 / 6.0) /* quasars with an absorption index above 0 */

struct fb_simulation {
    const char *folder;
    long pixels, quasars, others; /* the last two: a pixel */
    uint64_t seed;
    double bal_fraction;
    int bright;            /* a sample with three times the signal-to-noise */
    int gaps;              /* runs of missing pixels in some spectra */
    enum fb_scheme scheme; /* how files are grouped; mocks have the form of quickquasars' */
    int aligned;           /* mocks whose camera grids line up, as those of data do */
    int resolution;        /* write resolution matrices */

    /* Called after each pixel; may be NULL. */
    void (*progress)(void *context, size_t done, size_t all, const char *path);
    void *context;
    /* Asked before each pixel; not 0: stop, with an error. May be NULL. */
    int (*stop)(void);
};

/* Where below the folder the tree of spectra is. */
const char *fb_simulation_tree(enum fb_scheme scheme);

struct fb_simulation_summary {
    size_t pixels, quasars, bals, troughs, others;
    int64_t bytes;
};

/*
 * Simulate. Existing files of the same names are replaced. Returns 0, or -1 with *err set;
 * summary->pixels then tells how many pixels were completed.
 */
int fb_simulate(const struct fb_simulation *simulation, struct fb_simulation_summary *summary,
                struct fb_error *err);

#endif
