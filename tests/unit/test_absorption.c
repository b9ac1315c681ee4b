/*
 * test_absorption.c - what is measured over whole troughs (algorithm, §5.1), and the rules that leave masked pixels out
 * (§8), against values worked out by hand. Pixels are 97 km/s apart, so that a trough of k pixels is 97 k wide.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

#define SIGMA 0.01
#define PER_KMS (CIV / LIGHT) /* A a km/s */

static struct fastbal_result flat_by(const struct synthetic *s, int rules)
{
    struct fastbal_options options = { .size = sizeof options, .rules = rules };
    struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    struct fastbal_result r;
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    assert_non_null(work);
    assert_int_equal(fastbal_measure(work, t, &spectrum, &options, &r), FASTBAL_OK);
    fastbal_workspace_free(work);
    fastbal_templates_free(t);
    return r;
}

static void mask(struct synthetic *s, int k, int count)
{
    for (int i = 0; i < count; i++) {
        s->ivar[pixel(k + i)] = 0;
        s->flux[pixel(k + i)] = 7; /* whatever it is, it must not count */
    }
}

static void check_whole(const struct fastbal_result *r, int trough, int pixels, double flux)
{
    const struct fastbal_troughs *t = &r->civ.ai;
    double noise = sqrt(pixels) * STEP * SIGMA;
    check_near(t->ew[trough], STEP * PER_KMS * pixels * (1 - flux), 1e-6);
    check_near(t->ew_error[trough], noise * PER_KMS, 1e-6);
    check_near(t->depth[trough], 1 - flux, 1e-8);
    check_near(t->depth_error[trough], noise / (STEP * pixels), 1e-8);
}

/* Two troughs: each by itself, and both together. */
static void whole_troughs(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    int wide = 60, narrow = 8;
    absorb(&s, -200, wide, 0.2);
    absorb(&s, -50, narrow, 0.6);
    struct fastbal_result r = flat_by(&s, FASTBAL_RULES_FASTBAL);
    assert_int_equal(r.civ.ai.count, 2);
    check_whole(&r, 0, wide, 0.2);
    check_whole(&r, 1, narrow, 0.6);
    const struct fastbal_absorption *a = &r.absorption;
    double noise = sqrt(wide + narrow) * STEP * SIGMA, lost = wide * (1 - 0.2) + narrow * (1 - 0.6);
    check_near(a->ai_total, STEP * (wide * (1 - 0.2 / 0.9) + narrow * (1 - 0.6 / 0.9)), 1e-5);
    check_near(a->ai_total_error, noise / 0.9, 1e-5);
    check_near(a->ew, STEP * PER_KMS * lost, 1e-6);
    check_near(a->ew_error, noise * PER_KMS, 1e-6);
    check_near(a->depth, lost / (wide + narrow), 1e-8);
    check_near(a->depth_error, noise / (STEP * (wide + narrow)), 1e-8);
    check_near(a->bi0, r.civ.bi.index, 1e-9);
    check_near(a->bi0_error, r.civ.bi.error, 1e-9);
    synthetic_free(&s);
}

/* Main leaves the last pixel of a trough out here too, as in its indices. */
static void last_pixel_of_main(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 60, 0.2);
    struct fastbal_result r = flat_by(&s, FASTBAL_RULES_MAIN);
    check_whole(&r, 0, 59, 0.2);
    synthetic_free(&s);
}

/* A trough within 3000 km/s of the line counts for BI0 alone. */
static void bi_from_zero(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    int first = -28, k = 25;
    absorb(&s, first, k, 0.4);
    struct fastbal_result r = flat_by(&s, FASTBAL_RULES_FASTBAL);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);
    check_near(r.absorption.bi0, STEP * (k - 22) * (1 - 0.4 / 0.9), 1e-5);
    assert_true(r.absorption.bi0_error > 0);
    synthetic_free(&s);
}

static void none_without_troughs(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    struct fastbal_result r = flat_by(&s, FASTBAL_RULES_FASTBAL), clear;
    fastbal_result_clear(&clear, 1, 0);
    assert_memory_equal(&r.absorption, &clear.absorption, sizeof clear.absorption);
    check_near(r.absorption.detachment, -1, 0);
    check_near(r.absorption.ai_total, 0, 0);
    synthetic_free(&s);
}

/* The continuum is a triangle on 1: it rises from 1540 to 2 at 1550 A and falls to 1 at 1580 A. */
static void detachment(void **state)
{
    (void)state;
    const double wave[5] = { 900, 1540, 1550, 1580, 3000 }, values[5] = { 1, 1, 2, 1, 1 };
    struct synthetic s = synthetic_create(SIGMA);
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 5, wave, 1, values), FASTBAL_OK);
    for (size_t i = 0; i < s.n; i++)
        fastbal_continuum(t, (double[]){ 1 }, s.z, 1, &s.wavelength[i], &s.flux[i]);
    absorb(&s, -200, 60, 0.2);
    absorb(&s, -120, 30, 0.2);
    struct fastbal_result r = measure_with(&s, t);
    assert_int_equal(r.civ.ai.count, 2);
    double half_width = LIGHT * 15 / CIV;
    check_near(r.absorption.detachment, r.civ.ai.vmin[1] / half_width, 0.1); /* to a pixel */
    check_near(r.absorption.detachment_error, STEP / half_width, 0.005);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* Runs of masked pixels neither end a trough nor change it, if both sides are in. */
static void masked_runs(void **state)
{
    (void)state;
    for (int run = 1; run <= 13; run++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -200, 60, 0.2);
        struct fastbal_result whole = flat_by(&s, FASTBAL_RULES_FASTBAL);
        mask(&s, -180, run);
        struct fastbal_result r = flat_by(&s, FASTBAL_RULES_FASTBAL);
        int bridged = run <= 11;
        assert_int_equal(r.civ.ai.count, bridged ? 1 : 2);
        if (bridged) {
            check_near(r.civ.ai.index, whole.civ.ai.index, 1e-6);
            check_near(r.civ.bi.index, whole.civ.bi.index, 1e-6);
            check_near(r.absorption.ai_total, whole.absorption.ai_total, 1e-6);
            check_near(r.civ.ai.vmin[0], whole.civ.ai.vmin[0], 0);
            check_near(r.civ.ai.vmax[0], whole.civ.ai.vmax[0], 0);
            check_near(r.civ.ai.depth_error[0], sqrt(60 - run) * SIGMA / 60, 1e-8);
        }
        synthetic_free(&s);
    }
}

/* The reference's rules end a trough at two of them. */
static void masked_pair_of_main(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 60, 0.2);
    mask(&s, -180, 2);
    struct fastbal_result main = flat_by(&s, FASTBAL_RULES_MAIN), ours = flat_by(&s, FASTBAL_RULES_FASTBAL);
    assert_int_equal(main.civ.ai.count, 2);
    assert_int_equal(ours.civ.ai.count, 1);
    synthetic_free(&s);
}

/* Beside a trough they stay outside: its edge is the last good pixel that is in. */
static void masked_edge(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 60, 0.2);
    mask(&s, -145, 9); /* to -137, over the edge at -141 */
    struct fastbal_result r = flat_by(&s, FASTBAL_RULES_FASTBAL);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], -velocity(-146) * (1 - 8e-6) - 0.1, 1e-6);
    synthetic_free(&s);
}

/* A shallow trough is significant by its good pixels; the endless errors of others do not count. */
static void significance(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.05);
    absorb(&s, -200, 20, 0.8);
    mask(&s, -190, 1);
    struct fastbal_result ours = flat_by(&s, FASTBAL_RULES_FASTBAL), main = flat_by(&s, FASTBAL_RULES_MAIN);
    assert_int_equal(ours.civ.ai.count, 1);
    assert_int_equal(main.civ.ai.count, 0);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_troughs),       cmocka_unit_test(last_pixel_of_main),
        cmocka_unit_test(bi_from_zero),        cmocka_unit_test(none_without_troughs),
        cmocka_unit_test(detachment),          cmocka_unit_test(masked_runs),
        cmocka_unit_test(masked_pair_of_main), cmocka_unit_test(masked_edge),
        cmocka_unit_test(significance),
    };
    return cmocka_run_group_tests_name("absorption", tests, NULL, NULL);
}
