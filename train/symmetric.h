/*
 * symmetric.h - small dense symmetric matrices: Cholesky factors, linear equations, eigenvectors. Row-major; none of it
 * allocates.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SYMMETRIC_H
#define FB_SYMMETRIC_H

#include <stddef.h>

/* Replace the lower triangle of a, n x n, by its Cholesky factor L, a = L L'. -1 where a is not positive definite. */
int fb_cholesky(double *a, size_t n);
/* Solve L L' x = b, in place. */
void fb_cholesky_solve(const double *l, size_t n, double *b);
/* (L L')^-1 into inverse, n x n; also 2 sum ln L_ii, the logarithm of the determinant of L L'. */
double fb_cholesky_inverse(const double *l, size_t n, double *inverse);

/* All eigenvalues of a (destroyed), in descending order, and the eigenvectors as rows of vectors: cyclic Jacobi
 * rotations. For n up to a few hundred. */
void fb_eigenvectors(double *a, size_t n, double *values, double *vectors);

#endif
