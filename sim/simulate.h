/*
 * simulate.h - writes a tree of simulated coadds, the catalog of their quasars, and the truth about their
 * troughs.
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
    long pixels, quasars, others; /* quasars, others: per pixel */
    uint64_t seed;
    double bal_fraction;
    int bright;            /* a sample with three times the signal-to-noise */
    int gaps;              /* runs of missing pixels in some spectra */
    int narrow_systems;    /* narrow absorption by metals, besides outflows */
    enum fb_scheme scheme; /* grouping of files; mocks have the format of quickquasars */
    int aligned;           /* mocks: camera grids are aligned, as in data */
    int resolution;        /* write resolution matrices */
    int true_spectra;      /* write continua and transmissions */

    /* Called after each pixel; may be NULL. */
    void (*progress)(void *context, size_t done, size_t all, const char *path);
    void *context;
    /* Polled before each pixel; non-zero stops with an error. May be NULL. */
    int (*stop)(void);
};

/* The path of the tree of spectra below the folder. */
const char *fb_simulation_tree(enum fb_scheme scheme);

struct fb_simulation_summary {
    size_t pixels, quasars, bals, troughs, others;
    int64_t bytes;
};

/*
 * Simulate. Existing files with the same names are replaced. Returns 0, or -1 with *err set; summary->pixels
 * is the number of pixels completed.
 */
int fb_simulate(const struct fb_simulation *simulation, struct fb_simulation_summary *summary,
                struct fb_error *err);

#endif
