/*
 * median.c - medians by selection.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "internal.h"

static inline void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's selection: afterwards x[k] is the k-th smallest, none before it is larger and none after it smaller.
 * Values must not be NaN. */
static void select_kth(double *x, size_t n, size_t k)
{
    ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1;

    while (lo < hi) {
        double pivot = x[lo + (hi - lo) / 2];
        ptrdiff_t i = lo - 1, j = hi + 1;
        for (;;) {
            do
                i++;
            while (x[i] < pivot);
            do
                j--;
            while (x[j] > pivot);
            if (i >= j)
                break;
            swap(&x[i], &x[j]);
        }
        /* x[lo..j] <= pivot <= x[j + 1..hi], and j < hi */
        if ((ptrdiff_t)k <= j)
            hi = j;
        else
            lo = j + 1;
    }
}

double fb_median(double *x, size_t n)
{
    if (n == 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return NAN;
    size_t middle = n / 2;
    select_kth(x, n, middle);
    if (n % 2 == 1)
        return x[middle];
    double below = x[0];
    for (size_t i = 1; i < middle; i++)
        below = x[i] > below ? x[i] : below;
    return 0.5 * (below + x[middle]);
}
