/*
 * test_exposures.c - coadding exposures: which are included, and the mean.
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

#include "desi/exposures.h"

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
        int masked;
    } pixels[] = {
        { { 1, 2, 3 }, { 1, 1, 2 }, { 0, 0, 0 }, 2.25F, 4, 0 },
        { { 1, 2, 3 }, { 1, 1, 2 }, { 0, 0, 8 }, 1.5F, 2, 0 },
        { { 1, 2, 3 }, { 1, 1, 2 }, { 1, INT32_MIN, 8 }, 2.25F, 4, 1 }, /* better than nothing */
        { { NAN, 2, 3 }, { 1, 1, 3 }, { 1, 1, 1 }, 2.75F, 4, 1 },
        { { 7, 2, 3 }, { 0, 3, 1 }, { 0, 2, 2 }, 2.25F, 4, 1 },
        { { 7, 2, 3 }, { 0, 0, 0 }, { 1, 1, 1 }, 0, 0, 0 },
        { { 7, 2, 3 }, { 0, 0, 0 }, { 0, 0, 0 }, 0, 0, 0 },
        { { NAN, 2, 4 }, { 1, 1, 1 }, { 0, 0, 0 }, 3, 2, 0 },
        { { INFINITY, 2, -INFINITY }, { 1, 3, 1 }, { 0, 0, 0 }, 2, 3, 0 },
        { { 1, 2, 4 }, { NAN, 1, 1 }, { 0, 0, 0 }, 3, 2, 0 },
        { { 1, 2, 4 }, { 1, INFINITY, 1 }, { 0, 0, 0 }, 2.5F, 2, 0 },
        { { 1, 2, 4 }, { 1, -5, 3 }, { 0, 0, 0 }, 3.25F, 4, 0 },
        { { 3e38F, 3e38F, 3e38F }, { 1, 2, 1 }, { 0, 0, 0 }, 3e38F, 4, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        struct fb_exposure_sum sum = { 0 };
        float flux, ivar;
        int32_t mask = -1;
        for (int k = 0; k < 3; k++)
            fb_exposure_add(&sum, 1, &pixels[i].flux[k], &pixels[i].ivar[k], &pixels[i].mask[k]);
        fb_exposures_mean(&sum, 1, &flux, &ivar, &mask);
        assert_true(flux == pixels[i].mean && ivar == pixels[i].sum && mask == pixels[i].masked);
    }
}

static void test_no_masks(void **state)
{
    const float flux[3] = { 1, 2, 3 }, ivar[3] = { 1, 2, 4 };
    static const float mean[3] = { 1, 16.0F / 6, 3 }, sum[3] = { 1, 6, 4 };
    struct fb_exposure_sum sums[3] = { 0 };
    float flux_out[3], ivar_out[3];
    (void)state;
    fb_exposure_add(sums, 3, flux, ivar, NULL);
    fb_exposure_add(sums + 1, 1, flux + 2, ivar + 2, NULL);
    fb_exposures_mean(sums, 3, flux_out, ivar_out, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(flux_out[i] == mean[i] && ivar_out[i] == sum[i]);
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
