/*
 * fit.c - the continuum fit (docs/algorithm.md §4): weighted linear least squares in a few unknowns.
 *
 * DEVIATION exact-fit: the reference looks for this minimum with a simplex search, which stops early on bright
 * quasars. Here the normal equations are scaled to a unit diagonal and solved by Cholesky's factorisation. Templates are few and
 * nearly orthogonal, so the squared condition number is harmless; where it is not (degenerate templates, hardly any
 * pixels), the smallest solution is taken from the eigenvectors and the fit is called singular.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include <lapacke.h>
#include "internal.h"

/* Sums run in LANES partial sums, so that additions need not wait for each other. BLOCK pixels of the templates stay in the
 * nearest caches. */
enum { MAX = FASTBAL_MAX_TEMPLATES, LANES = 32, BLOCK = 1024 };

/* Reciprocal condition number of the scaled equations below which they count as singular: with it about four of the
 * sixteen digits are still right. */
#define SINGULAR 1e-12

/* The sum of the lanes, halves onto halves. */
static inline double add_lanes(double *lane)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

FB_KERNEL
static double dot(const double *a, const double *b, size_t n)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum + add_lanes(lane);
}

FB_KERNEL
static void multiply(const double *a, const double *b, size_t n, double *product)
{
    for (size_t i = 0; i < n; i++)
        product[i] = a[i] * b[i];
}

/* Lower triangle of the normal matrix (column-major, leading dimension nt) and the right-hand side. */
static void normal_equations(const struct fb_design *d, double *matrix, double *rhs)
{
    double weighted[BLOCK];
    memset(matrix, 0, (size_t)d->nt * (size_t)d->nt * sizeof *matrix);
    memset(rhs, 0, (size_t)d->nt * sizeof *rhs);
    for (size_t begin = 0; begin < d->n; begin += BLOCK) {
        size_t n = d->n - begin < BLOCK ? d->n - begin : BLOCK;
        for (int j = 0; j < d->nt; j++) {
            multiply(d->templates + (size_t)j * d->stride + begin, d->weight + begin, n, weighted);
            rhs[j] += dot(weighted, d->flux + begin, n);
            for (int i = j; i < d->nt; i++)
                matrix[i + j * d->nt] += dot(weighted, d->templates + (size_t)i * d->stride + begin, n);
        }
    }
}

/* Divide rows and columns by the square roots of the diagonal. A template that is zero on all pixels keeps its zeros. */
static void scale_equations(int nt, double *matrix, double *rhs, double *scale)
{
    for (int i = 0; i < nt; i++)
        scale[i] = matrix[i + i * nt] > 0 ? 1 / sqrt(matrix[i + i * nt]) : 0;
    for (int j = 0; j < nt; j++) {
        rhs[j] *= scale[j];
        for (int i = j; i < nt; i++)
            matrix[i + j * nt] *= scale[i] * scale[j];
    }
}

/* Solve well-conditioned equations in place; 0 if they are not. matrix is overwritten. */
static int solve_cholesky(int nt, double *matrix, double *rhs)
{
    double work[3 * MAX], rcond, norm = 0;
    lapack_int iwork[MAX];

    for (int j = 0; j < nt; j++) {
        double column = 0;
        for (int i = 0; i < nt; i++)
            column += fabs(matrix[i >= j ? i + j * nt : j + i * nt]);
        norm = fmax(norm, column);
    }
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', nt, matrix, nt) != 0)
        return 0;
    if (LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'L', nt, matrix, nt, norm, &rcond, work, iwork) != 0)
        return 0;
    if (!(rcond > SINGULAR))
        return 0;
    return LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', nt, 1, matrix, nt, rhs, nt) == 0;
}

/* The smallest solution of singular equations, from the eigenvectors with eigenvalues that are not negligible. */
static int solve_eigen(int nt, double *matrix, double *rhs)
{
    double value[MAX], work[34 * MAX], solution[MAX] = { 0 };
    if (LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'V', 'L', nt, matrix, nt, value, work, 34 * MAX) != 0)
        return 0;
    for (int k = 0; k < nt; k++) {
        if (!(value[k] > SINGULAR * value[nt - 1]))
            continue;
        double amount = 0;
        for (int i = 0; i < nt; i++)
            amount += matrix[i + k * nt] * rhs[i];
        for (int i = 0; i < nt; i++)
            solution[i] += matrix[i + k * nt] * amount / value[k];
    }
    memcpy(rhs, solution, (size_t)nt * sizeof *rhs);
    return 1;
}

int fb_fit(const struct fb_design *design, double *coeffs)
{
    double matrix[MAX * MAX], factor[MAX * MAX], rhs[MAX], scale[MAX];
    int nt = design->nt, outcome = FB_FIT_OK;

    normal_equations(design, matrix, rhs);
    for (int i = 0; i < nt; i++)
        if (!isfinite(matrix[i + i * nt]) || !isfinite(rhs[i]))
            return FB_FIT_FAILED;
    scale_equations(nt, matrix, rhs, scale);
    memcpy(factor, matrix, (size_t)nt * (size_t)nt * sizeof *factor);
    memcpy(coeffs, rhs, (size_t)nt * sizeof *coeffs);
    if (!solve_cholesky(nt, factor, coeffs)) {
        memcpy(coeffs, rhs, (size_t)nt * sizeof *coeffs);
        if (!solve_eigen(nt, matrix, coeffs))
            return FB_FIT_FAILED;
        outcome = FB_FIT_SINGULAR;
    }
    for (int i = 0; i < nt; i++)
        coeffs[i] *= scale[i];
    return outcome;
}

FB_KERNEL
static void add_scaled(double a, const double *x, size_t n, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += a * x[i];
}

void fb_model(const struct fb_design *d, const double *coeffs, size_t begin, size_t end, double *model)
{
    memset(model + begin, 0, (end - begin) * sizeof *model);
    for (int k = 0; k < d->nt; k++)
        add_scaled(coeffs[k], d->templates + (size_t)k * d->stride + begin, end - begin, model + begin);
}

FB_KERNEL
double fb_chi2(const struct fb_design *d, const double *model)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + LANES <= d->n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double r = model[i + l] - d->flux[i + l];
            lane[l] += r * r * d->weight[i + l];
        }
    }
    for (; i < d->n; i++) {
        double r = model[i] - d->flux[i];
        sum += r * r * d->weight[i];
    }
    return sum + add_lanes(lane);
}
