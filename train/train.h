/*
 * train.h - learns templates with a prior and a misfit from spectra: factor analysis, rotation away from
 * troughs, and calibration.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRAIN_H
#define FB_TRAIN_H

#include "fits/error.h"
#include "train/factors.h"

enum {
    FB_TRAIN_LEAST_SPECTRA = 100,   /* fewer spectra do not show how quasars vary */
    FB_TRAIN_LEAST_PER_FACTOR = 10, /* the same, per factor */
    FB_TRAIN_LEAST_OF_CELL = 50,    /* least number of spectra with data in each cell */
    FB_TRAIN_LEAST_COMPONENTS = 3,
    FB_TRAIN_MOST_COMPONENTS = FB_MOST_FACTORS - 2,
    FB_TRAIN_COMPONENTS = 8
};

/* The weight of troughs (train/turn.h) for spectra with noise, which follow troughs more readily than the
 * noiseless quasars of the built-in set. */
#define FB_TRAIN_TROUGH_WEIGHT 0.2

/*
 * Learn a set of ncomponents, including the mean: learn more factors than are needed, and rotate them into
 * ncomponents - 1. The result has the same bytes for any number of threads. Returns -1 with an error if there
 * are too few spectra, too few with data in some cell, or too little variation among them, or if out of
 * memory.
 */
int fb_train(struct fb_factors *factors, const struct fb_sample *sample, size_t ncomponents,
             double trough_weight, int nthreads, struct fb_convergence *convergence, struct fb_error *err);

/* The set in the format of fb_template_set_create(): wavelengths, components, and the prior's misfit, mean
 * and covariance. The caller frees it; NULL if out of memory. */
double *fb_trained_values(const struct fb_factors *factors);

#endif
