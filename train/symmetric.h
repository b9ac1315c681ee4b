/*
 * symmetric.h - small dense symmetric matrices: Cholesky factors, linear equations, eigenvectors. Matrices
 * are row-major. Nothing here allocates memory.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SYMMETRIC_H
#define FB_SYMMETRIC_H

#include <stddef.h>

/* Replace the lower triangle of a, n x n, by its Cholesky factor L, a = L L'. Returns -1 if a is not positive
 * definite. */
int fb_cholesky(double *a, size_t n);
/* Solve L L' x = b, in place. */
void fb_cholesky_solve(const double *l, size_t n, double *b);
/* Compute the inverse of L L', n x n. Returns the logarithm of the determinant of L L'. */
double fb_cholesky_inverse(const double *l, size_t n, double *inverse);

/* Compute all eigenvalues of a in descending order, and the eigenvectors as rows of vectors, with cyclic
 * Jacobi rotations. a is overwritten. Suitable for n up to a few hundred. */
void fb_eigenvectors(double *a, size_t n, double *values, double *vectors);

#endif
