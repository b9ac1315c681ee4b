/*
 * median.c - medians by selection.
 *
 * Medians are the costliest step of a measurement after reading it, because selection branches on the data.
 * So the values are first thinned out without branches: a small sample gives two limits that the median most
 * likely lies between, and only what lies between them is searched. And where only the larger of two medians
 * is asked for, counting values on either side of a limit between them mostly answers it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

enum { SAMPLE = 31, MARGIN = 6, FEW = 15, SMALL = 128 };

static inline void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's selection: afterwards x[k] is the k-th smallest, none before it is larger and none after it
 * smaller. Values must not be NaN. */
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

/* The middle of n values, or the mean of the two, where the upper middle is the k-th smallest of x[0..m-1].
 */
static double middle_of(double *x, size_t m, size_t k, size_t n)
{
    select_kth(x, m, k);
    if (n % 2 == 1)
        return x[k];
    double below = x[0];
    for (size_t i = 1; i < k; i++)
        below = x[i] > below ? x[i] : below;
    return 0.5 * (below + x[k]);
}

/* `count` evenly spaced values in ascending order; n >= count. */
static void take_sample(const double *x, size_t n, double *sample, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = x[(2 * i + 1) * n / (2 * count)];
        size_t k = i;
        for (; k > 0 && value < sample[k - 1]; k--)
            sample[k] = sample[k - 1];
        sample[k] = value;
    }
}

static double median_by_selection(const double *x, size_t n, double *scratch)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return NAN;
    memcpy(scratch, x, n * sizeof *x);
    return middle_of(scratch, n, n / 2, n);
}

double fb_median(const double *x, size_t n, double *scratch)
{
    double sample[SAMPLE];
    size_t kept = 0, below = 0, above = 0, k = n / 2;

    if (n == 0)
        return NAN;
    if (n < SMALL)
        return median_by_selection(x, n, scratch);
    take_sample(x, n, sample, SAMPLE);
    double lo = sample[SAMPLE / 2 - MARGIN], hi = sample[SAMPLE / 2 + MARGIN];
    for (size_t i = 0; i < n; i++) {
        double value = x[i];
        scratch[kept] = value;
        kept += (size_t)(value >= lo) & (size_t)(value <= hi);
        below += (size_t)(value < lo);
        above += (size_t)(value > hi);
    }
    /* both middle values must have been kept, and no value may have been NaN */
    if (below + kept + above != n || k < below + 1 || k >= below + kept)
        return median_by_selection(x, n, scratch);
    return middle_of(scratch, kept, k - below, n);
}

FB_KERNEL
static size_t count_above(const double *x, size_t n, double limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] > limit;
    return count;
}

FB_KERNEL
static size_t count_at_most(const double *x, size_t n, double limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] <= limit;
    return count;
}

FB_KERNEL
static size_t count_below(const double *x, size_t n, double limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] < limit;
    return count;
}

int fb_median_exceeds(const double *a, const double *b, size_t n, double *scratch)
{
    double sample_a[FEW], sample_b[FEW];

    if (n >= SMALL) {
        take_sample(a, n, sample_a, FEW);
        take_sample(b, n, sample_b, FEW);
        double limit = 0.5 * sample_a[FEW / 2] + 0.5 * sample_b[FEW / 2];
        size_t most = n / 2 + 1; /* so many on one side and the median is there as well */
        if (count_below(a, n, limit) >= most && count_above(b, n, limit) >= most)
            return 0;
        /* with a NaN there is no median and nothing exceeds it; one would be missing in these sums */
        if (count_above(a, n, limit) >= most && count_below(b, n, limit) >= most &&
            count_above(a, n, limit) + count_at_most(a, n, limit) == n &&
            count_above(b, n, limit) + count_at_most(b, n, limit) == n)
            return 1;
    }
    return fb_median(a, n, scratch) > fb_median(b, n, scratch);
}
