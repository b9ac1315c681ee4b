/*
 * survey.h - the observed pixels of the footprint and their targets, with redshifts, magnitudes and
 * exposures.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SURVEY_H
#define FB_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "desi/tree.h"
#include "fits/error.h"
#include "random.h"

/* The purpose of a stream of random numbers; together with a target or pixel it identifies the stream. */
enum fb_purpose {
    FB_FOR_SURVEY,
    FB_FOR_PIXEL,
    FB_FOR_TARGET,
    FB_FOR_EXPOSURES,
    FB_FOR_LIGHT,
    FB_FOR_PATH,
    FB_FOR_OUTFLOW,
    FB_FOR_NOISE
};
void fb_purpose_seed(struct fb_rng *rng, uint64_t seed, enum fb_purpose purpose, int64_t number);

struct fb_target {
    int64_t targetid, pixel;
    double ra, dec; /* degrees */
    int quasar;     /* 0: some other target */
    double z;       /* of quasars: true */
    double z_catalog, z_error;
    int64_t zwarn;
    double magnitude; /* AB, near 6400 A */
    int exposures;
    double depth; /* effective exposure time, in units of the noise levels of sky.h */
    int32_t fiberstatus;
};

struct fb_survey {
    uint64_t seed;
    const struct fb_tree *tree;
    int quasars, others; /* per pixel */
    int bright;
};

/* Exposures of one target. */
enum { FB_MOST_EXPOSURES = 12 };

/* The number of files that fit into the footprint. */
enum { FB_MOST_PIXELS_16 = 500, FB_MOST_PIXELS_32 = 2500, FB_MOST_PIXELS_64 = 10000 };
long fb_survey_most_pixels(enum fb_scheme scheme);

/* The nside and number of the HEALPix pixel that contains a pixel's targets. For a tile, an arbitrary pixel
 * of nside 32 is used, shared by all petals. */
void fb_survey_place(const struct fb_tree *tree, int64_t pixel, struct fb_tree *place, int64_t *healpix);

/* Choose n distinct pixels of the footprint, ascending. Adaptive pixels have nside 32, 64 and 128 and are
 * disjoint; a tile has three petals. */
int fb_survey_pixels(const struct fb_survey *survey, size_t n, int64_t *pixels, struct fb_error *err);

/* Fill the targets of a pixel, quasars + others of them, in order of TARGETID. */
void fb_survey_targets(const struct fb_survey *survey, int64_t pixel, struct fb_target *targets);

/* Flux density in 1e-17 erg/s/cm^2/A of an AB magnitude. */
double fb_magnitude_to_flux(double magnitude, double wavelength);

#endif
