/*
 * factors.c - the two steps of EM. The first step computes x_n and a_n of each spectrum, as moments of (1,
 * x). The second step solves a linear regression of the spectra on these moments for each cell. Threads share
 * no sums, so their number does not change the result.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "train/factors.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "run/pool.h"
#include "train/symmetric.h"

enum {
    MOST_PAIRS = FB_MOST_TERMS * (FB_MOST_TERMS + 1) / 2,
    SPECTRA = 32, /* spectra per work item */
    CELLS = 28,   /* cells per work item; divides FB_TRAIN_CELLS */
    MEAN_ITERATIONS = 5,
    MOST_ITERATIONS = 100,
    CALIBRATIONS = 10
};
#define FIRST_MISFIT 0.03
#define LEAST_MISFIT 0.01
#define FIRST_FACTOR 0.05
#define LEAST_SCALE 1e-3  /* least scale, relative to the spectrum's mean flux */
#define SMOOTH_VALUES 1.2 /* cells */
#define SMOOTH_MISFIT 5.0
#define CLIP 2.0                /* sigma */
#define CLIPPED_VARIANCE 0.7737 /* variance of a unit Gaussian truncated at 2 sigma */

struct em {
    const struct fb_sample *sample;
    struct fb_factors *factors;
    int nthreads;
    size_t nterms, npairs;
    double (*pairs)[MOST_PAIRS]; /* of a cell: T_j T_k, k <= j */
    double precision[FB_MOST_FACTORS * FB_MOST_FACTORS], pull[FB_MOST_FACTORS]; /* S^-1, S^-1 mu */
    /* of a spectrum */
    double *scale;
    double (
        *moments)[MOST_PAIRS]; /* of (1, x): the means of products j, k, k <= j; k = 0 gives the means of x */
    double *objective;         /* -2 ln(likelihood) up to a constant */
    double *misfit;            /* of a cell: the next psi^2 */
};

static size_t pair(size_t j, size_t k)
{
    return j * (j + 1) / 2 + k;
}

static double cell_weight(double ivar, double misfit)
{
    return ivar / (1 + ivar * misfit * misfit);
}

static void add_scaled(double *restrict sum, const double *restrict terms, double weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += weight * terms[i];
}

/* ---- spectra ---- */

/* The normal equations of one spectrum: the sums of v T_j T_k, of v T_j y, of v y^2 and of ln v, and the
 * number of cells with data. */
struct equations {
    double matrix[MOST_PAIRS], vector[FB_MOST_TERMS], square, logs;
    size_t ncells;
};

static void add_cells(const struct em *em, size_t spectrum, struct equations *e)
{
    const struct fb_factors *f = em->factors;
    const float *flux = em->sample->flux + spectrum * FB_TRAIN_CELLS;
    const float *ivar = em->sample->weight + spectrum * FB_TRAIN_CELLS;

    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        if (!(ivar[i] > 0))
            continue;
        const double v = cell_weight(ivar[i], f->misfit[i] * em->scale[spectrum] * f->value[i][0]);
        add_scaled(e->matrix, em->pairs[i], v, em->npairs);
        add_scaled(e->vector, f->value[i], v * flux[i], em->nterms);
        e->square += v * flux[i] * flux[i];
        e->logs += log(v);
        e->ncells++;
    }
}

/* Set the moments of (1, x) of a spectrum, from the mean m and covariance C of x: C + m m'. */
static void set_moments(const struct em *em, size_t spectrum, const double *mean, const double *covariance)
{
    double *moments = em->moments[spectrum];
    const size_t n = em->factors->n;
    moments[0] = 1;
    for (size_t j = 0; j < n; j++) {
        moments[pair(j + 1, 0)] = mean[j];
        for (size_t k = 0; k <= j; k++)
            moments[pair(j + 1, k + 1)] = covariance[j * n + k] + mean[j] * mean[k];
    }
}

/* The scale at which the most probable spectrum fits best. */
static double best_scale(const struct em *em, const struct equations *e, const double *mean)
{
    double x[FB_MOST_TERMS] = { 1 }, up = 0, down = 0;
    memcpy(x + 1, mean, em->factors->n * sizeof *x);
    for (size_t j = 0; j < em->nterms; j++) {
        up += x[j] * e->vector[j];
        for (size_t k = 0; k <= j; k++)
            down += (j == k ? 1 : 2) * x[j] * x[k] * e->matrix[pair(j, k)];
    }
    return down > 0 ? fmax(up / down, LEAST_SCALE) : LEAST_SCALE;
}

/* Compute x for the current scale, then the scale for this x. */
static void locate(const struct em *em, size_t spectrum)
{
    const size_t n = em->factors->n;
    const double a = em->scale[spectrum];
    double matrix[FB_MOST_FACTORS * FB_MOST_FACTORS],
        covariance[FB_MOST_FACTORS * FB_MOST_FACTORS] = { 0 }, mean[FB_MOST_FACTORS] = { 0 };
    struct equations e;

    add_cells(em, spectrum, &e);
    double objective = e.square - e.logs - 2 * a * e.vector[0] + a * a * e.matrix[0];
    for (size_t j = 0; j < n; j++) {
        mean[j] = a * e.vector[j + 1] - a * a * e.matrix[pair(j + 1, 0)] + em->pull[j];
        for (size_t k = 0; k < n; k++)
            matrix[j * n + k] =
                (j >= k ? a * a * e.matrix[pair(j + 1, k + 1)] : 0) + em->precision[j * n + k];
    }
    double projected[FB_MOST_FACTORS];
    memcpy(projected, mean, sizeof mean);
    if (fb_cholesky(matrix, n) == 0) { /* always true, given the prior and the weights */
        objective += fb_cholesky_inverse(matrix, n, covariance);
        fb_cholesky_solve(matrix, n, mean);
    }
    for (size_t j = 0; j < n; j++)
        objective -= projected[j] * mean[j];
    em->objective[spectrum] = objective / (double)(e.ncells ? e.ncells : 1);
    set_moments(em, spectrum, mean, covariance);
    em->scale[spectrum] = best_scale(em, &e, mean);
}

static void locate_spectra(void *context, int thread, size_t item)
{
    const struct em *em = context;
    const size_t begin = item * SPECTRA, n = em->sample->n, end = n - begin < SPECTRA ? n : begin + SPECTRA;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        locate(em, i);
}

/* ---- cells ---- */

/* Solve the regression of one cell's fluxes on the moments. A cell without data keeps its values. */
static void solve_cell(const struct em *em, size_t cell, const double *sums, double *vector)
{
    const size_t n = em->nterms;
    double matrix[FB_MOST_TERMS * FB_MOST_TERMS] = { 0 }, trace = 0;
    for (size_t j = 0; j < n; j++) {
        trace += sums[pair(j, j)];
        for (size_t k = 0; k <= j; k++)
            matrix[j * n + k] = sums[pair(j, k)];
    }
    for (size_t j = 0; j < n; j++)
        matrix[j * n + j] += 1e-9 * trace;
    if (fb_cholesky(matrix, n) != 0)
        return;
    fb_cholesky_solve(matrix, n, vector);
    memcpy(em->factors->value[cell], vector, n * sizeof *vector);
}

static void regress_cells(void *context, int thread, size_t item)
{
    const struct em *em = context;
    const struct fb_sample *sample = em->sample;
    double sums[CELLS][MOST_PAIRS] = { { 0 } }, vectors[CELLS][FB_MOST_TERMS] = { { 0 } };
    const size_t first = item * CELLS;

    (void)thread;
    for (size_t n = 0; n < sample->n; n++) {
        const float *flux = sample->flux + n * FB_TRAIN_CELLS + first,
                    *ivar = sample->weight + n * FB_TRAIN_CELLS + first;
        const double a = em->scale[n];
        double x[FB_MOST_TERMS];
        for (size_t j = 0; j < em->nterms; j++)
            x[j] = em->moments[n][pair(j, 0)];
        for (size_t i = 0; i < CELLS; i++) {
            const struct fb_factors *f = em->factors;
            const double v = cell_weight(ivar[i], f->misfit[first + i] * a * f->value[first + i][0]);
            add_scaled(sums[i], em->moments[n], v * a * a, em->npairs);
            add_scaled(vectors[i], x, v * a * flux[i], em->nterms);
        }
    }
    for (size_t i = 0; i < CELLS; i++)
        solve_cell(em, first + i, sums[i], vectors[i]);
}

/* Add one spectrum's contribution to psi^2 of a cell: see factors.h. */
static void add_excess(const struct em *em, size_t spectrum, size_t cell, double *sum, double *weights)
{
    const struct fb_factors *f = em->factors;
    const double ivar = em->sample->weight[spectrum * FB_TRAIN_CELLS + cell], a = em->scale[spectrum];
    const double *moments = em->moments[spectrum], *t = f->value[cell];
    double model = t[0], square = 0; /* t' C t + (t' m)^2 */
    for (size_t j = 1; j < em->nterms; j++) {
        double row = 0;
        for (size_t k = 1; k < j; k++)
            row += moments[pair(j, k)] * t[k];
        model += moments[pair(j, 0)] * t[j];
        square += t[j] * (2 * row + moments[pair(j, j)] * t[j]);
    }
    const double level = a * t[0], spread = a * a * (square - (model - t[0]) * (model - t[0]));
    const double variance = 1 / ivar + f->misfit[cell] * f->misfit[cell] * level * level;
    const double r = em->sample->flux[spectrum * FB_TRAIN_CELLS + cell] - a * model;
    if (!(level > 0) || r * r > CLIP * CLIP * (variance - spread))
        return;
    const double weight = level * level / variance;
    *sum += weight * weight * (r * r / CLIPPED_VARIANCE + spread - 1 / ivar) / (level * level);
    *weights += weight * weight;
}

static void excess_of_cells(void *context, int thread, size_t item)
{
    const struct em *em = context;
    (void)thread;
    for (size_t i = item * CELLS; i < (item + 1) * CELLS; i++) {
        double sum = 0, weights = 0;
        for (size_t n = 0; n < em->sample->n; n++)
            if (em->sample->weight[n * FB_TRAIN_CELLS + i] > 0)
                add_excess(em, n, i, &sum, &weights);
        em->misfit[i] = weights > 0 ? sum / weights : FIRST_MISFIT * FIRST_MISFIT;
    }
}

/* ---- an iteration ---- */

static void in_threads(struct em *em, void (*work)(void *, int, size_t), size_t items)
{
    const struct fb_pool pool = { .nthreads = em->nthreads, .work = work, .context = em };
    fb_pool_run(&pool, items);
}

/* Compute S^-1 and S^-1 mu. */
static void set_prior(struct em *em)
{
    const struct fb_factors *f = em->factors;
    double l[FB_MOST_FACTORS * FB_MOST_FACTORS];
    memcpy(l, f->covariance, sizeof l);
    memset(em->precision, 0, sizeof em->precision);
    if (fb_cholesky(l, f->n) == 0)
        fb_cholesky_inverse(l, f->n, em->precision);
    memcpy(em->pull, f->mean, sizeof em->pull);
    fb_cholesky_solve(l, f->n, em->pull);
}

/* The first step. Returns the mean objective of the spectra. */
static double expect(struct em *em)
{
    double sum = 0;
    set_prior(em);
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        for (size_t j = 0; j < em->nterms; j++)
            for (size_t k = 0; k <= j; k++)
                em->pairs[i][pair(j, k)] = em->factors->value[i][j] * em->factors->value[i][k];
    in_threads(em, locate_spectra, (em->sample->n + SPECTRA - 1) / SPECTRA);
    for (size_t n = 0; n < em->sample->n; n++)
        sum += em->objective[n];
    return sum / (double)em->sample->n;
}

/* Convolve a column, whose cells are `stride` apart, with a Gaussian truncated at 4 sigma (in cells). The
 * ends are reflected. */
static void smooth(double *column, size_t stride, double sigma)
{
    double from[FB_TRAIN_CELLS];
    const long n = FB_TRAIN_CELLS, radius = (long)(4 * sigma + 0.5);
    for (long i = 0; i < n; i++)
        from[i] = column[(size_t)i * stride];
    for (long i = 0; i < n; i++) {
        double sum = 0, weights = 0;
        for (long d = -radius; d <= radius; d++) {
            const double weight = exp(-0.5 * (double)(d * d) / (sigma * sigma));
            const long k = i + d < 0 ? -1 - i - d : i + d >= n ? 2 * n - 1 - i - d : i + d;
            sum += weight * from[k];
            weights += weight;
        }
        column[(size_t)i * stride] = sum / weights;
    }
}

/* Compute the means over spectra of the products x_j x_k, n x n, and of x. */
static void mean_moments(const struct em *em, double *products, double *mean)
{
    const size_t n = em->factors->n;
    double sums[MOST_PAIRS] = { 0 };
    for (size_t i = 0; i < em->sample->n; i++)
        add_scaled(sums, em->moments[i], 1 / (double)em->sample->n, em->npairs);
    for (size_t j = 0; j < n; j++) {
        mean[j] = sums[pair(j + 1, 0)];
        for (size_t k = 0; k < n; k++)
            products[j * n + k] = sums[j >= k ? pair(j + 1, k + 1) : pair(k + 1, j + 1)];
    }
}

/* Restore the unit covariance of x: T becomes T L, where L L' is the mean of x x'. */
static void whiten(struct em *em)
{
    const size_t n = em->factors->n;
    double l[FB_MOST_FACTORS * FB_MOST_FACTORS], ignored[FB_MOST_FACTORS];
    mean_moments(em, l, ignored);
    if (fb_cholesky(l, n) != 0)
        return;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        double *t = em->factors->value[i] + 1;
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = j; k < n; k++)
                sum += t[k] * l[k * n + j];
            t[j] = sum;
        }
    }
}

/* The second step: update the mean and the factors. */
static void maximise(struct em *em)
{
    in_threads(em, regress_cells, FB_TRAIN_CELLS / CELLS);
    for (size_t j = 0; j < em->nterms; j++)
        smooth(&em->factors->value[0][j], FB_MOST_TERMS, SMOOTH_VALUES);
    whiten(em);
}

/* The second step with fixed mean and factors: update the prior and the misfit. */
static void recalibrate(struct em *em)
{
    struct fb_factors *f = em->factors;
    mean_moments(em, f->covariance, f->mean);
    for (size_t j = 0; j < f->n; j++)
        for (size_t k = 0; k < f->n; k++)
            f->covariance[j * f->n + k] -= f->mean[j] * f->mean[k];
    in_threads(em, excess_of_cells, FB_TRAIN_CELLS / CELLS);
    smooth(em->misfit, 1, SMOOTH_MISFIT);
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        f->misfit[i] = sqrt(fmax(em->misfit[i], LEAST_MISFIT * LEAST_MISFIT));
}

/* ---- calls ---- */

static void release(struct em *em)
{
    free(em->pairs);
    free(em->scale);
    free(em->moments);
    free(em->objective);
    free(em->misfit);
}

static int prepare(struct em *em, struct fb_error *err)
{
    const size_t n = em->sample->n;
    em->pairs = calloc(FB_TRAIN_CELLS, sizeof *em->pairs);
    em->scale = malloc((n + 1) * sizeof *em->scale);
    em->moments = calloc(n + 1, sizeof *em->moments);
    em->objective = calloc(n + 1, sizeof *em->objective);
    em->misfit = calloc(FB_TRAIN_CELLS, sizeof *em->misfit);
    if (!em->pairs || !em->scale || !em->moments || !em->objective || !em->misfit)
        return fb_fail(err, "out of memory for %zu spectra", n);
    for (size_t i = 0; i < n; i++)
        em->scale[i] = 1;
    return 0;
}

static void set_number(struct em *em, size_t n)
{
    em->factors->n = n;
    em->nterms = n + 1;
    em->npairs = em->nterms * (em->nterms + 1) / 2;
}

/* Start with x ~ N(0, 1) and, as factors, waves of 1, 2, 3, .. half periods. */
static void begin_factors(struct em *em, size_t n)
{
    struct fb_factors *f = em->factors;
    set_number(em, n);
    for (size_t j = 0; j < n; j++) {
        f->covariance[j * n + j] = 1;
        for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
            f->value[i][j + 1] =
                FIRST_FACTOR * f->value[i][0] * cos(acos(-1) * (double)(j + 1) * (double)i / FB_TRAIN_CELLS);
    }
}

static void learn(struct em *em, size_t n, struct fb_convergence *c)
{
    for (int i = 0; i < MEAN_ITERATIONS; i++) {
        expect(em);
        maximise(em);
    }
    begin_factors(em, n);
    double last = expect(em);
    *c = (struct fb_convergence){ 0 };
    while (c->iterations < MOST_ITERATIONS && !c->converged) {
        maximise(em);
        const double now = expect(em);
        c->iterations++;
        c->change = now - last;
        c->converged = c->change > -FB_TRAIN_LIMIT;
        last = now;
    }
}

int fb_factors_learn(struct fb_factors *factors, const struct fb_sample *sample, size_t n, int nthreads,
                     struct fb_convergence *convergence, struct fb_error *err)
{
    struct em em = { .sample = sample, .factors = factors, .nthreads = nthreads };
    int status = prepare(&em, err);
    memset(factors, 0, sizeof *factors);
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        factors->value[i][0] = 1;
        factors->misfit[i] = FIRST_MISFIT;
    }
    set_number(&em, 0);
    if (status == 0)
        learn(&em, n, convergence);
    release(&em);
    return status;
}

int fb_factors_calibrate(struct fb_factors *factors, const struct fb_sample *sample, int nthreads,
                         struct fb_error *err)
{
    struct em em = { .sample = sample, .factors = factors, .nthreads = nthreads };
    int status = prepare(&em, err);
    set_number(&em, factors->n);
    for (int i = 0; status == 0 && i < CALIBRATIONS; i++) {
        expect(&em);
        recalibrate(&em);
    }
    release(&em);
    return status;
}
