/*
 * test_iteration.c - fit, find troughs, mask them, fit again (algorithm, §6).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

/* A spectrum whose pixels all weigh the same, so that troughs pull the first fit down. */
static struct synthetic even(double sigma)
{
    struct synthetic s = synthetic_create(sigma);
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = 1 / (sigma * sigma);
    return s;
}

/* The mean flux of the fitted pixels (all but the last) that are not in [k0, k0 + n0) or [k1, k1 + n1). */
static double mean_without(const struct synthetic *s, int k0, int n0, int k1, int n1)
{
    double sum = 0;
    int n = 0;
    for (int k = K_FIRST; k < K_LAST; k++) {
        if ((k >= k0 && k < k0 + n0) || (k >= k1 && k < k1 + n1))
            continue;
        sum += s->flux[pixel(k)];
        n++;
    }
    return sum / n;
}

/* Chi-square of a constant over the same pixels. */
static double chi2_without(const struct synthetic *s, double a, int k0, int n0, int k1, int n1)
{
    double sum = 0;
    int n = 0;
    for (int k = K_FIRST; k < K_LAST; k++) {
        if ((k >= k0 && k < k0 + n0) || (k >= k1 && k < k1 + n1))
            continue;
        sum += pow(s->flux[pixel(k)] - a, 2) * s->ivar[pixel(k)];
        n++;
    }
    return sum / (n - 1);
}

static void nothing_to_mask(void **state)
{
    (void)state;
    struct synthetic s = even(0.1);
    struct fastbal_result r = measure_flat(&s);
    assert_in_range(r.iterations, 1, 2); /* a second fit would be of the same pixels as the first */
    check_near(r.coeffs[0], 1, 1e-12);
    assert_int_equal(r.status, 0);
    synthetic_free(&s);
}

/* A trough is left out of the second fit, all but its end pixel. */
static void one_trough_is_masked(void **state)
{
    (void)state;
    struct synthetic s = even(0.1);
    int first = -150, k = 60;
    absorb(&s, first, k, 0.2);
    struct fastbal_result r = measure_flat(&s);
    double a = mean_without(&s, first, k - 1, 0, 0);
    assert_int_equal(r.iterations, 2);
    check_near(r.coeffs[0], a, 1e-12);
    check_near(r.chi2, chi2_without(&s, a, first, k - 1, 0, 0), 1e-9);
    /* the last troughs are measured against the last continuum */
    check_near(r.civ.ai.fmin[0], 0.2 / a, 1e-12);
    check_near(r.civ.ai.index, STEP * (k - 6) * (1 - 0.2 / a / 0.9), 1e-6);
    synthetic_free(&s);
}

/* The mean difference of the errors is that of the last continuum too. */
static void error_of_the_last_fit(void **state)
{
    (void)state;
    struct synthetic s = even(0.1);
    int first = -150, k = 60;
    absorb(&s, first, k, 0.2);
    struct fastbal_result r = measure_flat(&s);
    double a = mean_without(&s, first, k - 1, 0, 0);
    double d = fabs(a - 1); /* every pixel outside the trough is 1 */
    double noise = 0.1 / a;
    check_near(r.civ.ai.error, sqrt(STEP * (k - 6) * (noise * noise + d * d / (a * a)) / 0.81), 1e-6);
    synthetic_free(&s);
}

/* A deep trough hides a shallow one from the first fit; the second finds both, the third confirms. */
static void a_second_trough_appears(void **state)
{
    (void)state;
    struct synthetic s = even(0.01);
    int deep = -250, ndeep = 120, shallow = -80, nshallow = 60;
    absorb(&s, deep, ndeep, 0.0);
    absorb(&s, shallow, nshallow, 0.85);
    /* With everything: mean 0.91, so that 0.85 is 0.93 of it. Without the deep one: 0.993, 0.86 of it. */
    check_near(mean_without(&s, 0, 0, 0, 0), 0.912, 0.001);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.iterations, 3);
    assert_int_equal(r.civ.ai.count, 2);
    double a = mean_without(&s, deep, ndeep - 1, shallow, nshallow - 1);
    check_near(r.coeffs[0], a, 1e-12);
    check_near(r.chi2, chi2_without(&s, a, deep, ndeep - 1, shallow, nshallow - 1), 1e-9);
    synthetic_free(&s);
}

/* Si IV troughs are masked as well. */
static void siiv_is_masked(void **state)
{
    (void)state;
    struct synthetic s = even(0.1);
    int civ = -150, siiv = -400, k = 30;
    absorb(&s, civ, k, 0.2);
    absorb(&s, siiv, k, 0.2);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    assert_int_equal(r.siiv.ai.count, 1);
    check_near(r.coeffs[0], mean_without(&s, civ, k - 1, siiv, k - 1), 1e-12);
    synthetic_free(&s);
}

/* A trough too narrow to be kept isn't masked; nor is one with nothing to integrate. */
static void narrow_troughs_are_not_masked(void **state)
{
    (void)state;
    struct synthetic s = even(0.1);
    absorb(&s, -150, 6, 0.2);
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    check_near(r.coeffs[0], mean_without(&s, 0, 0, 0, 0), 1e-12);
    synthetic_free(&s);
}

/*
 * A mask that never settles. The trough is two pixels in of 0.8 for each bridged spike of 1.2, and the spikes
 * weigh so much that they set the continuum while they are fitted: 1.2, and 0.8 is below it. Masked, the
 * continuum falls to the 0.85 of the pixels redward of C IV, 0.8 isn't below it any more, and the mask is
 * empty again. All other pixels of the search are too bright to be in.
 */
static void limit_of_iterations(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.01);
    for (int k = K_FIRST; k <= K_LAST; k++) {
        s.flux[pixel(k)] = k > K_ANCHOR ? 0.85 : 1.3;
        s.ivar[pixel(k)] = k > K_ANCHOR ? 1e6 : 1e4;
    }
    int first = -200, k = 60; /* in, in, spike, in, in, spike ... in, in, and one more in to end it */
    for (int j = 0; j < k; j++) {
        int spike = j % 3 == 2 && j < k - 1;
        absorb(&s, first + j, 1, spike ? 1.2 : 0.8);
        s.ivar[pixel(first + j)] = spike ? 1e14 : 1e4;
    }
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.iterations, 10);
    assert_int_equal(r.status, FASTBAL_NOT_CONVERGED);
    /* Odd fits find the trough, even ones don't: the tenth is the result. */
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    check_near(r.coeffs[0], 0.85, 0.01);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_mask),       cmocka_unit_test(one_trough_is_masked),
        cmocka_unit_test(error_of_the_last_fit), cmocka_unit_test(a_second_trough_appears),
        cmocka_unit_test(siiv_is_masked),        cmocka_unit_test(narrow_troughs_are_not_masked),
        cmocka_unit_test(limit_of_iterations),
    };
    return cmocka_run_group_tests_name("iteration", tests, NULL, NULL);
}
