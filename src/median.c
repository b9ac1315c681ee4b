/*
 * median.c - medians by counting.
 *
 * Selection algorithms that partition the values branch on the data, which would make medians the most
 * expensive step of a measurement. Here the values stay in place. Branchless passes count the values at or
 * below a limit. Each new limit is interpolated between the two before it, and after a few of them only a
 * handful of values are left to step through. To tell which of two medians is larger, counting on both sides
 * of one limit between them is usually enough.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "kernels.h"

/* FEW: values in a sample. MOST_COUNTS: interpolated limits before stepping through values. MOST_STEPS: steps
 * before select_kth() takes over. SMALL: with fewer values, it is used at once. LANES: of a minimum. */
enum { FEW = 15, MOST_COUNTS = 12, MOST_STEPS = 6, SMALL = 64, LANES = 32 };

static inline void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

/* Hoare's selection: afterwards x[k] is the k-th smallest value, none before it is larger and none after it
 * is smaller. Values must not be NaN. */
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

static size_t count_at_most(const double *x, size_t n, double limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += x[i] <= limit;
    return count;
}

/* The smallest value above a limit; infinity if there is none. */
static double least_above(const double *x, size_t n, double limit)
{
    double lane[LANES], least = INFINITY;
    size_t i = 0;
    for (size_t l = 0; l < LANES; l++)
        lane[l] = INFINITY;
    for (; i + LANES <= n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double value = x[i + l] > limit ? x[i + l] : INFINITY;
            lane[l] = value < lane[l] ? value : lane[l];
        }
    }
    for (; i < n; i++)
        least = x[i] > limit && x[i] < least ? x[i] : least;
    for (size_t l = 0; l < LANES; l++)
        least = lane[l] < least ? lane[l] : least;
    return least;
}

/* ---- the k-th smallest value, k from 0 ---- */

static double kth_by_selection(const double *x, size_t n, size_t k, double *scratch)
{
    memcpy(scratch, x, n * sizeof *x);
    select_kth(scratch, n, k);
    return scratch[k];
}

/* The k-th value is above lo and at most hi: n_lo values, n_lo <= k, are at most lo, and n_hi values, n_hi >
 * k, are at most hi. */
struct bracket {
    double lo, hi;
    size_t n_lo, n_hi;
};

static void cut(struct bracket *b, double limit, size_t count, size_t k)
{
    if (count > k) {
        b->hi = limit;
        b->n_hi = count;
    } else {
        b->lo = limit;
        b->n_lo = count;
    }
}

/* Bracket the k-th value by two neighbours in a small sorted sample. Returns 0 if it is outside the
 * sample. */
static int sample_bracket(const double *x, size_t n, size_t k, struct bracket *b)
{
    double sample[FEW];
    int i = FEW / 2;
    take_sample(x, n, sample, FEW);
    size_t count = count_at_most(x, n, sample[i]);
    int step = count > k ? -1 : 1;
    cut(b, sample[i], count, k);
    do {
        i += step;
        if (i < 0 || i == FEW)
            return 0;
        count = count_at_most(x, n, sample[i]);
        cut(b, sample[i], count, k);
    } while ((count > k) == (step < 0));
    return 1;
}

static double kth_smallest(const double *x, size_t n, size_t k, double *scratch)
{
    struct bracket b = { 0 };
    if (n < SMALL || !sample_bracket(x, n, k, &b))
        return kth_by_selection(x, n, k, scratch);
    for (int i = 0; i < MOST_COUNTS && b.n_hi - b.n_lo > MOST_STEPS; i++) {
        double share = ((double)(k - b.n_lo) + 0.5) / (double)(b.n_hi - b.n_lo);
        double limit = b.lo + share * (b.hi - b.lo);
        if (!(limit > b.lo && limit < b.hi))
            break;
        cut(&b, limit, count_at_most(x, n, limit), k);
    }
    for (int i = 0; i < MOST_STEPS; i++) {
        double value = least_above(x, n, b.lo);
        size_t count = count_at_most(x, n, value);
        if (count > k)
            return value;
        cut(&b, value, count, k);
    }
    return kth_by_selection(x, n, k, scratch);
}

double fb_median(const double *x, size_t n, double *scratch)
{
    /* values that are NaN are not counted */
    if (n == 0 || count_at_most(x, n, INFINITY) < n)
        return NAN;
    double below = kth_smallest(x, n, (n - 1) / 2, scratch), above = below;
    if (n % 2 == 1)
        return below;
    if (count_at_most(x, n, below) <= n / 2)
        above = least_above(x, n, below);
    return 0.5 * (below + above);
}

static double middle_of(double a, double b, double c)
{
    double low = a < b ? a : b, high = a < b ? b : a;
    double inner = c < high ? c : high;
    return inner > low ? inner : low;
}

/* Roughly the median, from nine values: the median of the medians of three. */
static double guess_median(const double *x, size_t n)
{
    double third[3];
    for (size_t i = 0; i < 3; i++)
        third[i] = middle_of(x[(2 * i + 1) * n / 18], x[(2 * i + 7) * n / 18], x[(2 * i + 13) * n / 18]);
    return middle_of(third[0], third[1], third[2]);
}

/* The numbers of values below a limit, at most equal to it, and above it. */
struct sides {
    size_t below, at_most, above;
};

static struct sides count_sides(const double *x, size_t n, double limit)
{
    struct sides sides = { 0 };
    for (size_t i = 0; i < n; i++) {
        sides.below += x[i] < limit;
        sides.at_most += x[i] <= limit;
        sides.above += x[i] > limit;
    }
    return sides;
}

int fb_median_exceeds(const double *a, const double *b, size_t n, double *scratch)
{
    if (n >= SMALL) {
        double limit = 0.5 * guess_median(a, n) + 0.5 * guess_median(b, n);
        size_t most = n / 2 + 1; /* with this many values on one side, the median is on that side too */
        struct sides of_a = count_sides(a, n, limit), of_b = count_sides(b, n, limit);
        if (of_a.below >= most && of_b.above >= most)
            return 0;
        /* the sums exclude NaN, for which the answer is 0 */
        if (of_a.above >= most && of_b.below >= most && of_a.above + of_a.at_most == n &&
            of_b.above + of_b.at_most == n)
            return 1;
    }
    return fb_median(a, n, scratch) > fb_median(b, n, scratch);
}
