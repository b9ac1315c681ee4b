/*
 * test_median.c - medians, which the library finds by shortcuts, against sorting. They are no part of the
 * public header.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { NMAX = 2000, NPATTERNS = 9 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_median(const double *x, size_t n)
{
    static double sorted[NMAX];
    memcpy(sorted, x, n * sizeof *x);
    qsort(sorted, n, sizeof *sorted, ascending);
    return n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

/* Values that shortcuts could stumble over. */
static double value(int pattern, size_t i, size_t n, uint64_t *seed)
{
    switch (pattern) {
    case 0: /* noise */
        return uniform(seed) - 0.5;
    case 1: /* noise on a slope */
        return (double)i / (double)n + 0.01 * uniform(seed);
    case 2: /* falling */
        return -(double)i;
    case 3: /* many equal values */
        return floor(4 * uniform(seed));
    case 4: /* all equal */
        return 3;
    case 5: /* errors: a part of them the largest double */
        return uniform(seed) < 0.45 ? DBL_MAX : 1 + uniform(seed);
    case 6: /* more than half */
        return uniform(seed) < 0.55 ? DBL_MAX : 1 + uniform(seed);
    case 7: /* periodic: evenly spaced samples see a part of the values only */
        return (double)(i % 16) + 1e-3 * uniform(seed);
    default: /* low values at both ends and high ones between, most of them far away */
        return i < n / 5 || i > n - n / 5 ? uniform(seed) : 1e6 * (1 + uniform(seed));
    }
}

static const size_t sizes[] = { 1,   2,   3,   4,   5,    8,    15,   16,   31,   32,   33,
                                63,  64,  65,  100, 127,  128,  129,  255,  256,  257,  258,
                                511, 512, 513, 777, 1000, 1023, 1024, 1025, 1536, 1999, 2000 };
enum { NSIZES = sizeof sizes / sizeof sizes[0] };

static void against_sorting(void **state)
{
    (void)state;
    static double x[NMAX], before[NMAX], scratch[NMAX];
    uint64_t seed = 1;
    for (int repeat = 0; repeat < 20; repeat++) {
        for (int s = 0; s < NSIZES; s++) {
            for (int pattern = 0; pattern < NPATTERNS; pattern++) {
                size_t n = sizes[s];
                for (size_t i = 0; i < n; i++)
                    x[i] = value(pattern, i, n, &seed);
                memcpy(before, x, sizeof x);
                double median = fb_median(x, n, scratch), expected = sorted_median(x, n);
                if (isinf(expected))
                    assert_true(isinf(median)); /* half of two largest doubles, added first */
                else
                    check_near(median, expected, 0);
                assert_memory_equal(x, before, n * sizeof *x);
            }
        }
    }
}

static void which_is_larger(void **state)
{
    (void)state;
    static double a[NMAX], b[NMAX], scratch[NMAX];
    uint64_t seed = 2;
    int larger = 0, count = 0;
    for (int s = 0; s < NSIZES; s++) {
        for (int pa = 0; pa < NPATTERNS; pa++) {
            for (int pb = 0; pb < NPATTERNS; pb++) {
                for (int step = -2; step <= 2; step++) { /* far apart, close together, the same */
                    size_t n = sizes[s];
                    for (size_t i = 0; i < n; i++) {
                        a[i] = value(pa, i, n, &seed);
                        b[i] = value(pb, i, n, &seed);
                    }
                    double shift = sorted_median(a, n) - sorted_median(b, n);
                    if (fabs(shift) < 1e7)
                        for (size_t i = 0; i < n; i++)
                            b[i] += shift + 1e-3 * step;
                    int expected = sorted_median(a, n) > sorted_median(b, n);
                    assert_int_equal(fb_median_exceeds(a, b, n, scratch), expected);
                    larger += expected;
                    count++;
                }
            }
        }
    }
    assert_in_range(larger, count / 5, count - count / 5); /* both answers were asked for */
    for (size_t i = 0; i < NMAX; i++)
        a[i] = 7;
    for (int s = 0; s < NSIZES; s++)
        assert_int_equal(fb_median_exceeds(a, a, sizes[s], scratch), 0); /* equal is not larger */
}

static void no_median(void **state)
{
    (void)state;
    static double x[NMAX], low[NMAX], high[NMAX], scratch[NMAX];
    uint64_t seed = 3;
    assert_true(isnan(fb_median(x, 0, scratch)));
    for (int s = 0; s < NSIZES; s++) {
        size_t n = sizes[s];
        for (int where = 0; where < 5; where++) {
            for (size_t i = 0; i < n; i++) {
                x[i] = uniform(&seed);
                low[i] = -1;
                high[i] = 2;
            }
            x[(size_t)where * (n - 1) / 4] = NAN;
            assert_true(isnan(fb_median(x, n, scratch)));
            assert_int_equal(fb_median_exceeds(x, low, n, scratch), 0);
            assert_int_equal(fb_median_exceeds(high, x, n, scratch), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_sorting),
        cmocka_unit_test(which_is_larger),
        cmocka_unit_test(no_median),
    };
    return cmocka_run_group_tests_name("medians", tests, NULL, NULL);
}
