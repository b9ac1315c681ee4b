/*
 * solve.c - solves symmetric equations in a few unknowns, as in least squares (docs/algorithm.md §4).
 *
 * Rows and columns are scaled to a unit diagonal, and Cholesky factorisation solves the equations. The
 * templates of a fit are few and nearly orthogonal, so squaring their condition number does no harm. In
 * singular cases (degenerate templates, hardly any pixels) the solution is composed of the eigenvectors with
 * eigenvalues that are not negligible, found by Jacobi rotations.
 *
 * Every sum runs over one index in increasing order, so the bits are the same from every compiler and
 * processor.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

enum { MAX = FASTBAL_MAX_TEMPLATES, MOST_SWEEPS = 50 };

/* The scaled equations are singular if their reciprocal condition number is at most this; at the limit
 * about four of sixteen digits are correct. Eigenvalues smaller than this, relative to the largest, are
 * negligible. */
#define SINGULAR 1e-12

/* Off-diagonal elements up to this count as zero: the diagonal is 1, and eigenvalues below SINGULAR are
 * dropped. */
#define NEGLIGIBLE 1e-18

/* Scale to a unit diagonal, and fill in the upper triangle. Zero rows stay zero. */
static void scale_equations(int n, const double *matrix, double *scale, double *scaled)
{
    for (int i = 0; i < n; i++)
        scale[i] = matrix[i + i * n] > 0 ? 1 / sqrt(matrix[i + i * n]) : 0;
    for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++)
            scaled[i + j * n] = scaled[j + i * n] = matrix[i + j * n] * (scale[i] * scale[j]);
}

/* ---- Cholesky ---- */

int fb_factorise(int n, double *a)
{
    for (int j = 0; j < n; j++) {
        for (int i = j; i < n; i++)
            for (int k = 0; k < j; k++)
                a[i + j * n] -= a[i + k * n] * a[j + k * n];
        if (!(a[j + j * n] > 0))
            return 0;
        a[j + j * n] = sqrt(a[j + j * n]);
        for (int i = j + 1; i < n; i++)
            a[i + j * n] /= a[j + j * n];
    }
    return 1;
}

void fb_substitute(int n, const double *factor, double *b)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= factor[i + k * n] * b[k];
        b[i] /= factor[i + i * n];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= factor[k + i * n] * b[k];
        b[i] /= factor[i + i * n];
    }
}

/* A cheap sufficient test for regular equations. The diagonal is 1, so the eigenvalues have the sum n, and
 * the product of all but the smallest is below e = 2.71828... Hence the smallest is above determinant / e,
 * and the largest is at most n. The condition number in the norm of column sums is at most n times that of
 * the eigenvalues. */
static int clearly_regular(int n, const double *factor)
{
    double determinant = 1;
    for (int i = 0; i < n; i++)
        determinant *= factor[i + i * n] * factor[i + i * n];
    return determinant > 2.7183 * n * n * SINGULAR;
}

static double sum_of_sizes(int n, const double *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs(x[i]);
    return sum;
}

/* The reciprocal condition number in the norm of column sums, from the columns of the inverse. */
static double reciprocal_condition(int n, const double *a, const double *factor)
{
    double norm = 0, inverse_norm = 0;
    for (int j = 0; j < n; j++) {
        double column[MAX] = { 0 };
        column[j] = 1;
        fb_substitute(n, factor, column);
        inverse_norm = fmax(inverse_norm, sum_of_sizes(n, column));
        norm = fmax(norm, sum_of_sizes(n, a + j * n));
    }
    return 1 / (norm * inverse_norm);
}

/* Solve well-conditioned equations. Returns 0, leaving b unchanged, if they are not. */
static int solve_regular(int n, const double *a, double *b)
{
    double factor[MAX * MAX];
    memcpy(factor, a, (size_t)(n * n) * sizeof *a);
    if (!fb_factorise(n, factor))
        return 0;
    if (!clearly_regular(n, factor) && !(reciprocal_condition(n, a, factor) > SINGULAR))
        return 0;
    fb_substitute(n, factor, b);
    return 1;
}

/* ---- Jacobi ---- */

static void rotate(double *x, double *y, double c, double s)
{
    double before = *x;
    *x = c * before - s * *y;
    *y = s * before + c * *y;
}

/* Rotate axes p and q so that a[p,q] becomes 0. */
static void annihilate(int n, double *a, double *vectors, int p, int q)
{
    double theta = (a[q + q * n] - a[p + p * n]) / (2 * a[p + q * n]);
    double t = copysign(1 / (fabs(theta) + sqrt(theta * theta + 1)), theta);
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < n; i++)
        rotate(&a[i + p * n], &a[i + q * n], c, s);
    for (int i = 0; i < n; i++)
        rotate(&a[p + i * n], &a[q + i * n], c, s);
    for (int i = 0; i < n; i++)
        rotate(&vectors[i + p * n], &vectors[i + q * n], c, s);
    a[p + q * n] = a[q + p * n] = 0;
}

/* Diagonalise a in place: eigenvalues on its diagonal, eigenvectors as the columns of vectors. */
static void diagonalise(int n, double *a, double *vectors)
{
    int rotated = 1;
    memset(vectors, 0, (size_t)(n * n) * sizeof *vectors);
    for (int i = 0; i < n; i++)
        vectors[i + i * n] = 1;
    for (int sweep = 0; rotated && sweep < MOST_SWEEPS; sweep++) {
        rotated = 0;
        for (int q = 1; q < n; q++) {
            for (int p = 0; p < q; p++) {
                if (!(fabs(a[p + q * n]) > NEGLIGIBLE))
                    continue;
                annihilate(n, a, vectors, p, q);
                rotated = 1;
            }
        }
    }
}

/* Replace b by the smallest solution of singular equations. a is overwritten. */
static void solve_singular(int n, double *a, double *b)
{
    double vectors[MAX * MAX], solution[MAX] = { 0 }, largest = 0;
    diagonalise(n, a, vectors);
    for (int k = 0; k < n; k++)
        largest = fmax(largest, a[k + k * n]);
    for (int k = 0; k < n; k++) {
        const double *vector = vectors + k * n;
        double amount = 0;
        if (!(a[k + k * n] > SINGULAR * largest))
            continue;
        for (int i = 0; i < n; i++)
            amount += vector[i] * b[i];
        for (int i = 0; i < n; i++)
            solution[i] += vector[i] * (amount / a[k + k * n]);
    }
    memcpy(b, solution, (size_t)n * sizeof *b);
}

int fb_invert(int n, const double *matrix, double *inverse)
{
    double scaled[MAX * MAX], scale[MAX];

    scale_equations(n, matrix, scale, scaled);
    for (int j = 0; j < n; j++) {
        double *column = inverse + j * n;
        memset(column, 0, (size_t)n * sizeof *column);
        column[j] = 1;
        if (!(scale[j] > 0) || !solve_regular(n, scaled, column))
            return 0;
        for (int i = 0; i < n; i++)
            column[i] *= scale[i] * scale[j];
    }
    return 1;
}

int fb_solve(int n, const double *matrix, const double *rhs, double *x)
{
    double scaled[MAX * MAX], scale[MAX];
    int outcome = FB_FIT_OK;

    for (int i = 0; i < n; i++)
        if (!isfinite(matrix[i + i * n]) || !isfinite(rhs[i]))
            return FB_FIT_FAILED;
    scale_equations(n, matrix, scale, scaled);
    for (int i = 0; i < n; i++)
        x[i] = rhs[i] * scale[i];
    if (!solve_regular(n, scaled, x)) {
        solve_singular(n, scaled, x);
        outcome = FB_FIT_SINGULAR;
    }
    for (int i = 0; i < n; i++) {
        x[i] *= scale[i];
        if (!isfinite(x[i]))
            return FB_FIT_FAILED;
    }
    return outcome;
}
