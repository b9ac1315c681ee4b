/*
 * test_exposures.c - sums over exposures: what counts, and the mean.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "io/exposures.h"

/* desispec's bits: all cameras, one camera, and those that don't matter. */
static void test_fiberstatus(void **state)
{
    static const struct {
        int bit, b, r, z, brz; /* is the exposure good in these? */
    } bits[] = {
        { 0, 1, 1, 1, 1 },  { 1, 1, 1, 1, 1 },  { 2, 0, 0, 0, 0 },  { 3, 1, 1, 1, 1 },  { 8, 0, 0, 0, 0 },
        { 9, 0, 0, 0, 0 },  { 10, 1, 1, 1, 1 }, { 15, 1, 1, 1, 1 }, { 16, 0, 0, 0, 0 }, { 17, 0, 0, 0, 0 },
        { 18, 0, 0, 0, 0 }, { 19, 0, 0, 0, 0 }, { 20, 0, 0, 0, 0 }, { 21, 0, 0, 0, 0 }, { 22, 0, 1, 1, 1 },
        { 23, 1, 0, 1, 1 }, { 24, 1, 1, 0, 1 }, { 25, 1, 1, 1, 1 }, { 31, 1, 1, 1, 1 },
    };
    (void)state;
    assert_true(fb_exposure_is_good(0, "B"));
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        for (int64_t sign = 0; sign < 2; sign++) { /* 32 bits that were read with their sign */
            int64_t status = ((int64_t)1 << bits[i].bit) - sign * ((int64_t)1 << 32);
            assert_int_equal(fb_exposure_is_good(status, "B"), bits[i].b);
            assert_int_equal(fb_exposure_is_good(status, "R"), bits[i].r);
            assert_int_equal(fb_exposure_is_good(status, "Z"), bits[i].z);
            assert_int_equal(fb_exposure_is_good(status, "BRZ"), bits[i].brz);
        }
}

/* Pixel by pixel: what is no measurement does not count, with whatever it comes. */
static void test_pixels(void **state)
{
    static const struct {
        float flux[3], ivar[3];
        int32_t mask[3];
        float mean, sum;
    } pixels[] = {
        { { 1, 2, 3 }, { 1, 1, 2 }, { 0, 0, 0 }, 2.25F, 4 },
        { { 1, 2, 3 }, { 1, 1, 2 }, { 0, 0, 8 }, 1.5F, 2 },
        { { 1, 2, 3 }, { 1, 1, 2 }, { 1, INT32_MIN, 8 }, 0, 0 },
        { { 7, 2, 3 }, { 0, 0, 0 }, { 0, 0, 0 }, 0, 0 },
        { { NAN, 2, 4 }, { 1, 1, 1 }, { 0, 0, 0 }, 3, 2 },
        { { INFINITY, 2, -INFINITY }, { 1, 3, 1 }, { 0, 0, 0 }, 2, 3 },
        { { 1, 2, 4 }, { NAN, 1, 1 }, { 0, 0, 0 }, 3, 2 },
        { { 1, 2, 4 }, { 1, INFINITY, 1 }, { 0, 0, 0 }, 2.5F, 2 },
        { { 1, 2, 4 }, { 1, -5, 3 }, { 0, 0, 0 }, 3.25F, 4 },
        { { 3e38F, 3e38F, 3e38F }, { 1, 2, 1 }, { 0, 0, 0 }, 3e38F, 4 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        double flux_sum = 0, ivar_sum = 0;
        float flux, ivar;
        for (int k = 0; k < 3; k++)
            fb_exposure_add(1, &pixels[i].flux[k], &pixels[i].ivar[k], &pixels[i].mask[k], &flux_sum,
                            &ivar_sum);
        fb_exposures_mean(1, &flux_sum, &ivar_sum, &flux, &ivar);
        assert_true(flux == pixels[i].mean && ivar == pixels[i].sum);
    }
}

static void test_no_masks(void **state)
{
    const float flux[3] = { 1, 2, 3 }, ivar[3] = { 1, 2, 4 };
    double sums[6] = { 0 };
    (void)state;
    fb_exposure_add(3, flux, ivar, NULL, sums, sums + 3);
    fb_exposure_add(2, flux + 1, ivar + 1, NULL, sums, sums + 3);
    const double expected[6] = { 5, 16, 12, 3, 6, 4 };
    for (int i = 0; i < 6; i++)
        assert_true(sums[i] == expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fiberstatus),
        cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_no_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
