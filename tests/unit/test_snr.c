/*
 * test_snr.c - signal-to-noise medians (algorithm, §2 and §5) and where they exist.
 *
 * Pixels that weren't observed have an error of the largest double, so that a signal of "0" may be 1e-308.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdlib.h>

/* Signal-to-noise of pixel i in these tests: all different, in no order. */
static double signal(size_t i)
{
    return 20 + (double)((i * 7919) % 1009) / 100;
}

/* n pixels of rest wavelength first + step i at z = 0, flux/sigma = signal(i), with flux 1: no troughs. */
static struct synthetic ramp(size_t n, double first, double step)
{
    struct synthetic s = synthetic_linear(n, first, step, 0);
    for (size_t i = 0; i < n; i++)
        s.ivar[i] = signal(i) * signal(i);
    return s;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of signal() over pixels [from, to). */
static double median_of(size_t from, size_t to)
{
    double x[4096];
    size_t n = to - from;
    assert_true(to > from && n <= 4096);
    for (size_t i = 0; i < n; i++)
        x[i] = signal(from + i);
    qsort(x, n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

static void forest(void **state)
{
    (void)state;
    /* 1000.25 A + i: pixels with 1040 <= w < 1205 are 40 to 204, 165 of them: odd */
    struct synthetic s = ramp(800, 1000.25, 1);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.snr_forest, median_of(40, 205), 1e-10);
    synthetic_free(&s);

    /* 1000 A + 2 i: 20 (1040 itself) to 102 (1204): 83; and 1000 A + 1.5 i: 27 to 136: 110, even */
    s = ramp(400, 1000, 2);
    r = measure_flat(&s);
    check_near(r.snr_forest, median_of(20, 103), 1e-10);
    synthetic_free(&s);
    s = ramp(500, 1000, 1.5);
    r = measure_flat(&s);
    check_near(r.snr_forest, median_of(27, 137), 1e-10);
    synthetic_free(&s);
}

/* The forest may be covered in part, but for at least 50 A. */
static void forest_edges(void **state)
{
    (void)state;
    const struct {
        double first;
        int covered;
        size_t to;
    } cases[5] = {
        { 1100.5, 1, 105 }, { 1154.9, 1, 51 }, { 1155, 1, 50 }, { 1155.1, 0, 0 }, { 1210, 0, 0 },
    };
    for (int j = 0; j < 5; j++) {
        struct synthetic s = ramp(800, cases[j].first, 1);
        struct fastbal_result r = measure_flat(&s);
        check_near(r.snr_forest, cases[j].covered ? median_of(0, cases[j].to) : -1, 1e-10);
        synthetic_free(&s);
    }
}

static void redside(void **state)
{
    (void)state;
    struct synthetic s = ramp(800, 1300.5, 1); /* 1420.5 (120) to 1479.5 (179): 60, even */
    struct fastbal_result r = measure_flat(&s);
    check_near(r.snr_redside, median_of(120, 180), 1e-10);
    check_near(r.snr_forest, -1, 0);
    synthetic_free(&s);

    s = ramp(800, 1300, 1); /* 1420 (120) counts, 1480 (180) doesn't */
    r = measure_flat(&s);
    check_near(r.snr_redside, median_of(120, 180), 1e-10);
    synthetic_free(&s);

    s = ramp(300, 1301, 1.6); /* 1421 (75) to 1478.6 (111): 37, odd */
    r = measure_flat(&s);
    check_near(r.snr_redside, median_of(75, 112), 1e-10);
    synthetic_free(&s);
}

/* It needs all of 1420 to 1480 A. */
static void redside_edges(void **state)
{
    (void)state;
    const double first[4] = { 1419.5, 1420, 1420.5, 1470 };
    for (int j = 0; j < 4; j++) {
        struct synthetic s = ramp(800, first[j], 1);
        struct fastbal_result r = measure_flat(&s);
        int covered = first[j] <= 1420;
        check_near(r.snr_redside, covered ? median_of(first[j] < 1420, 60 + (first[j] < 1420)) : -1, 1e-10);
        synthetic_free(&s);
    }
}

/* Of the C IV search, -25000 <= v < 0 km/s; and pixels that weren't observed have signal-to-noise 0. */
static void civ(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.5);
    for (int k = K_BLUE - 50; k <= K_AI_END + 50; k++)
        s.ivar[pixel(k)] = pow(signal(pixel(k)), 2);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.snr_civ, median_of(pixel(K_BLUE), pixel(K_AI_END) + 1), 1e-9);

    for (int k = K_BLUE; k < K_BLUE + 130; k++) /* more than half of 258 */
        s.ivar[pixel(k)] = 0;
    r = measure_flat(&s);
    check_near(r.snr_civ, 0, 1e-300);
    synthetic_free(&s);
}

/* Zeros are counted, not left out, away from C IV as well; negative flux makes negative signal. */
static void zeros_and_negatives(void **state)
{
    (void)state;
    struct synthetic s = ramp(800, 1000.25, 1);
    for (size_t i = 40; i < 130; i++) /* 90 of the 165 forest pixels */
        s.ivar[i] = 0;
    for (size_t i = 420; i < 480; i++) /* all 60 of the red side */
        s.flux[i] = -1;
    struct fastbal_result r = measure_flat(&s);
    check_near(r.snr_forest, 0, 1e-300);
    check_near(r.snr_redside, -median_of(420, 480), 1e-10);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forest),  cmocka_unit_test(forest_edges),
        cmocka_unit_test(redside), cmocka_unit_test(redside_edges),
        cmocka_unit_test(civ),     cmocka_unit_test(zeros_and_negatives),
    };
    return cmocka_run_group_tests_name("signal-to-noise", tests, NULL, NULL);
}
