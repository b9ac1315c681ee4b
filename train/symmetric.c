/* symmetric.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>
#include "train/symmetric.h"

int fb_cholesky(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0))
                return -1;
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
    }
    return 0;
}

void fb_cholesky_solve(const double *l, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

double fb_cholesky_inverse(const double *l, size_t n, double *inverse)
{
    double determinant = 0;
    memset(inverse, 0, n * n * sizeof *inverse);
    for (size_t i = 0; i < n; i++) {
        inverse[i * n + i] = 1;
        fb_cholesky_solve(l, n, inverse + i * n);
        determinant += 2 * log(l[i * n + i]);
    }
    return determinant;
}

/* Rotate two rows or columns of n numbers, `step` apart. */
static void rotate_pair(double *x, double *y, size_t n, size_t step, double c, double s)
{
    for (size_t k = 0; k < n * step; k += step) {
        const double u = x[k], v = y[k];
        x[k] = c * u - s * v;
        y[k] = s * u + c * v;
    }
}

/* Make a[p][q] 0 by rotating rows and columns p and q, and rows p and q of the vectors. */
static void rotate(double *a, double *vectors, size_t n, size_t p, size_t q)
{
    const double apq = a[p * n + q];
    if (apq == 0)
        return;
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    rotate_pair(a + p, a + q, n, n, c, s);
    rotate_pair(a + p * n, a + q * n, n, 1, c, s);
    rotate_pair(vectors + p * n, vectors + q * n, n, 1, c, s);
}

static double off_diagonal(const double *a, size_t n)
{
    double sum = 0;
    for (size_t p = 0; p < n; p++)
        for (size_t q = p + 1; q < n; q++)
            sum += a[p * n + q] * a[p * n + q];
    return sum;
}

static void sort(double *values, double *vectors, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t largest = i;
        for (size_t k = i + 1; k < n; k++)
            if (values[k] > values[largest])
                largest = k;
        const double value = values[i];
        values[i] = values[largest];
        values[largest] = value;
        for (size_t k = 0; k < n; k++) {
            const double x = vectors[i * n + k];
            vectors[i * n + k] = vectors[largest * n + k];
            vectors[largest * n + k] = x;
        }
    }
}

void fb_eigenvectors(double *a, size_t n, double *values, double *vectors)
{
    double all = 0;
    for (size_t i = 0; i < n * n; i++) {
        all += a[i] * a[i];
        vectors[i] = i % (n + 1) == 0;
    }
    for (int sweep = 0; sweep < 50 && off_diagonal(a, n) > 1e-30 * all; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                rotate(a, vectors, n, p, q);
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    sort(values, vectors, n);
}
