/* train.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "train/train.h"
#include "train/turn.h"

enum { SPARE_FACTORS = 2 }; /* learnt in addition to ncomponents, so that the rotation has a choice */

static int check(const struct fb_sample *sample, size_t nfactors, struct fb_error *err)
{
    const size_t per_factor = FB_TRAIN_LEAST_PER_FACTOR * nfactors,
                 least = per_factor > FB_TRAIN_LEAST_SPECTRA ? per_factor : FB_TRAIN_LEAST_SPECTRA;
    size_t cell;
    if (sample->n < least)
        return fb_fail(err, "expected at least %zu usable spectra for this many components, found %zu", least,
                       sample->n);
    const size_t fewest = fb_sample_fewest(sample, &cell);
    if (fewest < FB_TRAIN_LEAST_OF_CELL)
        return fb_fail(err,
                       "expected at least %d spectra with data at %.0f A in the rest frame, found %zu of %zu",
                       FB_TRAIN_LEAST_OF_CELL, fb_cell_wavelength((double)cell), fewest, sample->n);
    return 0;
}

int fb_train(struct fb_factors *factors, const struct fb_sample *sample, size_t ncomponents,
             double trough_weight, int nthreads, struct fb_convergence *convergence, struct fb_error *err)
{
    if (check(sample, ncomponents + SPARE_FACTORS, err) != 0 ||
        fb_factors_learn(factors, sample, ncomponents + SPARE_FACTORS, nthreads, convergence, err) != 0 ||
        fb_factors_turn(factors, ncomponents - 1, trough_weight, err) != 0)
        return -1;
    return fb_factors_calibrate(factors, sample, nthreads, err);
}

double *fb_trained_values(const struct fb_factors *f)
{
    const size_t nprior = f->n * (f->n + 1);
    double *values = malloc(((f->n + 3) * FB_TRAIN_CELLS + nprior) * sizeof *values);
    if (!values)
        return NULL;
    double *misfit = values + (f->n + 2) * FB_TRAIN_CELLS, *prior = misfit + FB_TRAIN_CELLS;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        values[i] = fb_cell_wavelength((double)i);
        for (size_t k = 0; k <= f->n; k++)
            values[(k + 1) * FB_TRAIN_CELLS + i] = f->value[i][k];
        misfit[i] = f->misfit[i];
    }
    memcpy(prior, f->mean, f->n * sizeof *prior);
    memcpy(prior + f->n, f->covariance, f->n * f->n * sizeof *prior);
    return values;
}
