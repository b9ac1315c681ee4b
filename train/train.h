/*
 * train.h - templates with a prior and a misfit, learnt from spectra: factor analysis, turned away from troughs, calibrated.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRAIN_H
#define FB_TRAIN_H

#include "fits/error.h"
#include "train/factors.h"

enum {
    FB_TRAIN_LEAST_SPECTRA = 100,   /* fewer do not say how spectra differ, */
    FB_TRAIN_LEAST_PER_FACTOR = 10, /* nor do fewer a factor */
    FB_TRAIN_LEAST_OF_CELL = 50,    /* the same for the spectra that have data in a cell */
    FB_TRAIN_LEAST_COMPONENTS = 3,
    FB_TRAIN_MOST_COMPONENTS = FB_MOST_FACTORS - 2,
    FB_TRAIN_COMPONENTS = 8
};

/*
 * Learn a set of ncomponents, the mean being one of them: ncomponents + 2 factors, turned into ncomponents - 1. The same
 * bytes for any number of threads. -1 and a line where there are too few spectra, or too few with data in some cell, or
 * where they are too alike, or out of memory.
 */
int fb_train(struct fb_factors *factors, const struct fb_sample *sample, size_t ncomponents, int nthreads,
             struct fb_convergence *convergence, struct fb_error *err);

/* The set as fb_template_set_create() takes it, with a prior: wavelengths, components, misfit, mean and covariance of the
 * prior. The caller frees it; NULL if out of memory. */
double *fb_trained_values(const struct fb_factors *factors);

#endif
