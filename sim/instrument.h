/*
 * instrument.h - from a spectrum above the atmosphere to what a coadd file holds: camera pixels, line
 * spread, noise, sky residuals, cosmic rays, missing pixels, resolution matrices.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_INSTRUMENT_H
#define FB_INSTRUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "random.h"

enum { FB_SIM_CAMERAS = 3, FB_RESOLUTION_DIAGONALS = 11 };

struct fb_detector {
    char letter;
    size_t n;
    double *wavelength;
    double *level;        /* noise of dark sky between the lines, for the reference exposure */
    double *line_noise;   /* variance of the sky lines relative to level^2 */
    float *sharp, *blunt; /* resolution of the best and the worst fiber: FB_RESOLUTION_DIAGONALS x n */
};

struct fb_instrument {
    struct fb_detector cameras[FB_SIM_CAMERAS];
    size_t total; /* pixels of all cameras */
};

/*
 * Data: the grids of DESI coadds, aligned with each other. Mock: those of quickquasars mocks, which are
 * not.
 */
int fb_instrument_init(struct fb_instrument *instrument, int mock); /* 0, or -1 if out of memory */
void fb_instrument_release(struct fb_instrument *instrument);

/* How one target was observed. */
struct fb_observation {
    double depth;                  /* exposure in units of the reference */
    double blunt;                  /* line spread of its fiber, 0 (best) to 1 (worst) */
    double masked;                 /* share of pixels that cosmic rays took */
    double excess[FB_SIM_CAMERAS]; /* true noise over what ivar claims */
    double level[FB_SIM_CAMERAS];  /* noise of a camera relative to what the depth says */
    double scale[FB_SIM_CAMERAS];  /* flux calibration of a camera, 1 is right */
    double offset[FB_SIM_CAMERAS]; /* left by sky subtraction, in units of the noise level */
    double sky_residual;           /* how badly the lines were subtracted, 1 is typical */
    int gaps;                      /* 1: has runs of missing pixels */
    int lost;                      /* 1: nothing was recorded, all ivar is 0 */
};

void fb_observation_draw(struct fb_observation *o, struct fb_rng *rng, double depth, int allow_gaps);

/* The rows of one target, one pointer a camera. */
struct fb_rows {
    float *flux[FB_SIM_CAMERAS], *ivar[FB_SIM_CAMERAS];
    int32_t *mask[FB_SIM_CAMERAS];
};

/*
 * Integrate a spectrum on the fine grid of sightline.h over pixels with the fiber's line spread; out: all
 * cameras in turn.
 */
void fb_instrument_sample(const struct fb_instrument *instrument, const double *fine, double blunt,
                          double *out);

/* Observe: noise and all defects. pixels is what fb_instrument_sample() left. */
void fb_instrument_observe(const struct fb_instrument *instrument, const struct fb_observation *o,
                           struct fb_rng *rng, const double *pixels, const struct fb_rows *rows);

/* One row of a camera's resolution matrix, FB_RESOLUTION_DIAGONALS x n. */
void fb_instrument_resolution(const struct fb_instrument *instrument, int camera, double blunt, float *out);

#endif
