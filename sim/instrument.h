/*
 * instrument.h - converts a spectrum above the atmosphere to the contents of a coadd: camera pixels, line
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
 * Data: the grids of DESI coadds, aligned between cameras. Mock: the grids of quickquasars mocks, not
 * aligned.
 */
int fb_instrument_init(struct fb_instrument *instrument, int mock); /* 0, or -1 if out of memory */
void fb_instrument_release(struct fb_instrument *instrument);

/* The observing conditions of one target. */
struct fb_observation {
    double depth;                  /* exposure time in units of the reference */
    double blunt;                  /* line spread of its fiber, 0 (best) to 1 (worst) */
    double masked;                 /* fraction of pixels masked as cosmic rays */
    double excess[FB_SIM_CAMERAS]; /* ratio of true noise to the noise from ivar */
    double level[FB_SIM_CAMERAS];  /* noise of a camera relative to that expected from depth */
    double scale[FB_SIM_CAMERAS];  /* flux calibration factor of a camera, 1 if correct */
    double offset[FB_SIM_CAMERAS]; /* error of sky subtraction, in units of the noise level */
    double sky_residual;           /* amplitude of sky line residuals, 1 if typical */
    int gaps;                      /* 1: has runs of missing pixels */
    int lost;                      /* 1: no data, all ivar is 0 */
};

void fb_observation_draw(struct fb_observation *o, struct fb_rng *rng, double depth, int allow_gaps);

/* The rows of one target, one pointer per camera. */
struct fb_rows {
    float *flux[FB_SIM_CAMERAS], *ivar[FB_SIM_CAMERAS];
    int32_t *mask[FB_SIM_CAMERAS];
};

/*
 * Integrate a spectrum on the fine grid of sightline.h over pixels with the fiber's line spread; out: the
 * cameras concatenated.
 */
void fb_instrument_sample(const struct fb_instrument *instrument, const double *fine, double blunt,
                          double *out);

/* Observe: add noise and all defects. pixels: the output of fb_instrument_sample(). */
void fb_instrument_observe(const struct fb_instrument *instrument, const struct fb_observation *o,
                           struct fb_rng *rng, const double *pixels, const struct fb_rows *rows);

/* One row of a camera's resolution matrix, FB_RESOLUTION_DIAGONALS x n. */
void fb_instrument_resolution(const struct fb_instrument *instrument, int camera, double blunt, float *out);

#endif
