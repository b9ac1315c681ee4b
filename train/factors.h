/*
 * factors.h - maximum-likelihood factor analysis of noisy spectra with missing cells, by
 * expectation-maximisation (EM; Rubin & Thayer 1982, Psychometrika 47, 69; with missing data as in Bailey
 * 2012, PASP 124, 1015).
 *
 *     y_ni = a_n (T_0i + sum_k x_nk T_ki + psi_i T_0i e_ni) + noise of variance 1/V_ni,    x_n ~ N(mu, S), e ~ N(0, 1)
 *
 * Here n is a spectrum, i a cell, a_n the scale of a spectrum, T_0 the mean spectrum, T_k the factors, which
 * are deviations from it, and psi the relative misfit of the model. A cell has the weight v = 1 / (1/V + (psi
 * a T_0)^2), or 0 if V is 0.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FACTORS_H
#define FB_FACTORS_H

#include "fits/error.h"
#include "train/sample.h"

enum { FB_MOST_FACTORS = 16, FB_MOST_TERMS = FB_MOST_FACTORS + 1 };

struct fb_factors {
    size_t n;                                             /* factors: deviations, without the mean */
    double value[FB_TRAIN_CELLS][FB_MOST_TERMS];          /* T_0 to T_n of each cell */
    double misfit[FB_TRAIN_CELLS];                        /* psi */
    double mean[FB_MOST_FACTORS];                         /* mu */
    double covariance[FB_MOST_FACTORS * FB_MOST_FACTORS]; /* S, n x n */
};

/* How an EM run ended. */
struct fb_convergence {
    int iterations;
    double change; /* of -2 ln(likelihood) per observed cell, in the last iteration */
    int converged; /* it fell by less than FB_TRAIN_LIMIT, or rose: smoothing costs some likelihood */
};
#define FB_TRAIN_LIMIT 1e-5

/*
 * Learn the mean and n factors, 1 to FB_MOST_FACTORS, with psi = 0.03 everywhere and x ~ N(0, 1). The mean is
 * learnt first; then all are learnt together, starting from smooth waves, in at most 100 iterations. After
 * each iteration the mean and the factors are smoothed with a Gaussian of 1.2 cells. The result is the same
 * for any number of threads. Returns -1 if out of memory.
 */
int fb_factors_learn(struct fb_factors *factors, const struct fb_sample *sample, size_t n, int nthreads,
                     struct fb_convergence *convergence, struct fb_error *err);

/*
 * Keep the mean and the factors, and learn mu, S and psi in ten iterations of EM that start from the given
 * values. psi_i^2 is the excess of squared residuals over the noise, relative to the scaled mean,
 *
 *     psi_i^2 = mean of ((r^2 / 0.7737 + a^2 t' C t) - 1/V) / (a T_0)^2,     weights (a T_0)^4 v^2
 *
 * where r is the residual of the most probable model, C the posterior covariance of x, and t = (T_1, ..). A
 * fit is closer to the spectrum than the truth; a^2 t' C t corrects for this. Residuals beyond 2 sigma are
 * left out, since they are absorption, unusual quasars and the like; 0.7737 corrects for the clipping. psi is
 * smoothed over 5 cells, and is at least 0.01.
 */
int fb_factors_calibrate(struct fb_factors *factors, const struct fb_sample *sample, int nthreads,
                         struct fb_error *err);

#endif
