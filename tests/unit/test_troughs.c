/*
 * test_troughs.c - which pixels form a trough, and the resulting numbers (algorithm, §5).
 *
 * Notation: a trough of k pixels "in" has its start at the first and its end at the last of them. Its width
 * is 97 (k - 1) km/s. The integral walks pixels start .. end - 1 and counts the steps once the width walked
 * reaches the minimum, so that k pixels of flux f give an AI of 97 (k - 6) (1 - f/0.9) and a BI of 97 (k -
 * 22) (1 - f/0.9).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <float.h>
#include <math.h>

#define SIGMA 0.01

static double ai(int pixels, double flux)
{
    return STEP * (pixels - 6) * (1 - flux / 0.9);
}

static double bi(int pixels, double flux)
{
    return STEP * (pixels - 22) * (1 - flux / 0.9);
}

static void no_absorption(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.status, 0);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);
    check_none(&r.siiv.ai, FASTBAL_MAX_AI);
    check_none(&r.siiv.bi, FASTBAL_MAX_BI);
    synthetic_free(&s);
}

static void one_trough(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    int first = -150, k = 40, last = first + k - 1;
    absorb(&s, first, k, 0.3);
    absorb(&s, -140, 2, 0.2);  /* deepest, twice: the first of the two is reported */
    absorb(&s, last, 1, 0.05); /* deeper still, but the end pixel is left out */
    struct fastbal_result r = measure_flat(&s);
    const struct fastbal_troughs *a = &r.civ.ai, *b = &r.civ.bi;

    assert_int_equal(a->count, 1);
    assert_int_equal(b->count, 1);
    check_near(a->index, ai(k, 0.3) + STEP * 2 * (0.3 - 0.2) / 0.9, 1e-5);
    check_near(b->index, bi(k, 0.3), 1e-5); /* the deep pixels come before 2000 km/s */
    check_near(a->error, sqrt(STEP * (k - 6) * SIGMA * SIGMA / 0.81), 1e-6);
    check_near(b->error, sqrt(STEP * (k - 22) * SIGMA * SIGMA / 0.81), 1e-6);
    const struct fastbal_troughs *both[2] = { a, b };
    for (int j = 0; j < 2; j++) {
        check_near(both[j]->vmax[0], blue_edge(first), 1e-6);
        check_near(both[j]->vmin[0], red_edge(last), 1e-6);
        check_near(both[j]->posmin[0], -velocity(-140), 1e-6);
        check_near(both[j]->fmin[0], 0.2, 1e-8);
    }
    check_unused(a, 1, FASTBAL_MAX_AI);
    check_unused(b, 1, FASTBAL_MAX_BI);
    check_none(&r.siiv.ai, FASTBAL_MAX_AI);
    assert_int_equal(r.status, 0);
    synthetic_free(&s);
}

/*
 * The integral starts with the step at which the width walked reaches the minimum, one step before it is
 * exceeded.
 */
static void minimum_width_ai(void **state)
{
    (void)state;
    for (int k = 3; k <= 9; k++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -100, k, 0.4);
        struct fastbal_result r = measure_flat(&s);
        if (k <= 6) { /* 5 pixels are too narrow; 6 are wide enough but nothing is left to integrate */
            check_none(&r.civ.ai, FASTBAL_MAX_AI);
        } else {
            assert_int_equal(r.civ.ai.count, 1);
            check_near(r.civ.ai.index, ai(k, 0.4), 1e-6);
        }
        check_none(&r.civ.bi, FASTBAL_MAX_BI);
        synthetic_free(&s);
    }
}

static void minimum_width_bi(void **state)
{
    (void)state;
    for (int k = 20; k <= 25; k++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -100, k, 0.4);
        struct fastbal_result r = measure_flat(&s);
        check_near(r.civ.ai.index, ai(k, 0.4), 1e-6);
        if (k <= 22) {
            check_none(&r.civ.bi, FASTBAL_MAX_BI);
        } else {
            assert_int_equal(r.civ.bi.count, 1);
            check_near(r.civ.bi.index, bi(k, 0.4), 1e-6);
        }
        synthetic_free(&s);
    }
}

/* A trough just wide enough counts, with nothing to integrate, as long as another one has an index. */
static void narrow_trough_beside_a_wide_one(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 6, 0.4);
    absorb(&s, -150, 5, 0.4); /* too narrow */
    absorb(&s, -100, 10, 0.4);
    struct fastbal_result r = measure_flat(&s);
    const struct fastbal_troughs *a = &r.civ.ai;
    assert_int_equal(a->count, 2);
    check_near(a->index, ai(10, 0.4), 1e-6);
    check_near(a->vmax[0], blue_edge(-200), 1e-6);
    check_near(a->vmin[0], red_edge(-195), 1e-6);
    check_near(a->vmax[1], blue_edge(-100), 1e-6);
    check_near(a->vmin[1], red_edge(-91), 1e-6);
    check_unused(a, 2, FASTBAL_MAX_AI);
    synthetic_free(&s);
}

static void single_spike_is_bridged(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 31, 0.3);
    absorb(&s, -85, 1, 1.0);
    struct fastbal_result r = measure_flat(&s);
    const struct fastbal_troughs *both[2] = { &r.civ.ai, &r.civ.bi };
    double lost = STEP * (1.0 - 0.3) / 0.9; /* what the spike takes off the index */
    double expected[2] = { ai(31, 0.3) - lost, bi(31, 0.3) /* the spike comes before 2000 km/s */ };
    for (int j = 0; j < 2; j++) {
        assert_int_equal(both[j]->count, 1);
        check_near(both[j]->vmax[0], blue_edge(-100), 1e-6);
        check_near(both[j]->vmin[0], red_edge(-70), 1e-6);
        check_near(both[j]->index, expected[j], 1e-5);
    }
    synthetic_free(&s);
}

static void two_pixel_gap_ends_a_trough(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 60, 0.3);
    absorb(&s, -72, 2, 1.0);
    struct fastbal_result r = measure_flat(&s);
    const struct fastbal_troughs *both[2] = { &r.civ.ai, &r.civ.bi };
    for (int j = 0; j < 2; j++) {
        assert_int_equal(both[j]->count, 2);
        check_near(both[j]->vmax[0], blue_edge(-100), 1e-6);
        check_near(both[j]->vmin[0], red_edge(-73), 1e-6);
        check_near(both[j]->vmax[1], blue_edge(-70), 1e-6);
        check_near(both[j]->vmin[1], red_edge(-41), 1e-6);
    }
    check_near(r.civ.ai.index, ai(28, 0.3) + ai(30, 0.3), 1e-5);
    check_near(r.civ.bi.index, bi(28, 0.3) + bi(30, 0.3), 1e-5);
    synthetic_free(&s);
}

/* AI bridges a spike only after two pixels in; BI after one. */
static void spike_after_a_lone_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 40, 0.3);
    absorb(&s, -99, 1, 1.0);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.civ.ai.vmax[0], blue_edge(-98), 1e-6);
    check_near(r.civ.ai.index, ai(38, 0.3), 1e-5);
    check_near(r.civ.bi.vmax[0], blue_edge(-100), 1e-6);
    check_near(r.civ.bi.index, bi(40, 0.3), 1e-5);
    synthetic_free(&s);
}

/* Every other pixel in: one long trough for BI, none for AI. */
static void comb(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    for (int j = 0; j < 30; j++)
        absorb(&s, -100 + 2 * j, 1, 0.3);
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    assert_int_equal(r.civ.bi.count, 1);
    check_near(r.civ.bi.vmax[0], blue_edge(-100), 1e-6);
    check_near(r.civ.bi.vmin[0], red_edge(-42), 1e-6);
    /* 59 pixels: steps that end at pixels 21 .. 57 of the trough; odd ones are continuum */
    check_near(r.civ.bi.index, STEP * (18 * (1 - 0.3 / 0.9) + 19 * (1 - 1 / 0.9)), 1e-5);
    synthetic_free(&s);
}

/* A trough may reach the last pixel of the search; what lies beyond it is not looked at. */
static void trough_at_the_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 40, 0.3); /* goes on to positive velocities */
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmax[0], blue_edge(K_AI_END - 19), 1e-6);
    check_near(r.civ.ai.vmin[0], red_edge(K_AI_END), 1e-6);
    check_near(r.civ.ai.index, ai(20, 0.3), 1e-5);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);
    synthetic_free(&s);
}

/* BI ends at -3000 km/s: the part of a trough that is redder counts for AI alone. */
static void trough_across_the_end_of_bi(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, K_BI_END - 29, 45, 0.3);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.civ.ai.vmin[0], red_edge(K_BI_END + 15), 1e-6);
    check_near(r.civ.ai.index, ai(45, 0.3), 1e-5);
    assert_int_equal(r.civ.bi.count, 1);
    check_near(r.civ.bi.vmin[0], red_edge(K_BI_END), 1e-6);
    check_near(r.civ.bi.index, bi(30, 0.3), 1e-5);
    synthetic_free(&s);
}

/* And both start at -25000 km/s. */
static void trough_across_the_blue_limit(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, K_BLUE - 15, 45, 0.3);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.civ.ai.vmax[0], blue_edge(K_BLUE), 1e-6);
    check_near(r.civ.ai.index, ai(30, 0.3), 1e-5);
    check_near(r.civ.bi.vmax[0], blue_edge(K_BLUE), 1e-6);
    check_near(r.civ.bi.index, bi(30, 0.3), 1e-5);
    synthetic_free(&s);
}

/* A spike is bridged at the third pixel from the end, not at the last but one. */
static void spike_near_the_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 20, 0.3);
    absorb(&s, K_AI_END - 2, 1, 1.0);
    struct fastbal_result r = measure_flat(&s);
    check_near(r.civ.ai.vmin[0], red_edge(K_AI_END), 1e-6);
    synthetic_free(&s);

    s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 20, 0.3);
    absorb(&s, K_AI_END - 1, 1, 1.0);
    r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], red_edge(K_AI_END - 2), 1e-6);
    synthetic_free(&s);
}

/*
 * The reference looks at the end of the array for the pixels before the first: a lone pixel in, then a spike
 * at the second pixel, is bridged for AI where the last pixel of the search is in as well.
 */
static void spike_at_the_second_pixel(void **state)
{
    (void)state;
    for (int last_in = 0; last_in < 2; last_in++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, K_BLUE, 20, 0.3);
        absorb(&s, K_BLUE + 1, 1, 1.0);
        if (last_in)
            absorb(&s, K_AI_END, 1, 0.3);
        struct fastbal_result r = measure_flat(&s);
        assert_int_equal(r.civ.ai.count, 1);
        check_near(r.civ.ai.vmax[0], blue_edge(last_in ? K_BLUE : K_BLUE + 2), 1e-6);
        synthetic_free(&s);
    }
}

/* From the third pixel on both pixels before the spike are in the search. */
static void spike_at_the_third_pixel(void **state)
{
    (void)state;
    for (int in = 0; in < 2; in++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, K_BLUE + !in, 20, 0.3);
        absorb(&s, K_BLUE + 2, 1, 1.0);
        struct fastbal_result r = measure_flat(&s);
        assert_int_equal(r.civ.ai.count, 1);
        check_near(r.civ.ai.vmax[0], blue_edge(in ? K_BLUE : K_BLUE + 3), 1e-6);
        synthetic_free(&s);
    }
}

/*
 * Just below the threshold of 0.9 (1 - 0.5 sigma) a shallow AI trough must also be significant as a whole:
 * the mean of its flux (its last pixel and the one after it left out) plus three standard errors below 0.9.
 * With sigma 0.1 and flux 0.854, that takes (0.3/0.046)^2 = 42.5 pixels. BI has no such test.
 */
static void significance(void **state)
{
    (void)state;
    for (int k = 42; k <= 45; k++) {
        struct synthetic s = synthetic_create(0.1);
        absorb(&s, -200, k, 0.854);
        struct fastbal_result r = measure_flat(&s);
        assert_int_equal(r.civ.ai.count, k - 1 >= 43);
        if (k - 1 >= 43)
            check_near(r.civ.ai.index, ai(k, 0.854), 1e-5);
        else
            check_none(&r.civ.ai, FASTBAL_MAX_AI);
        assert_int_equal(r.civ.bi.count, 1);
        check_near(r.civ.bi.index, bi(k, 0.854), 1e-5);
        synthetic_free(&s);
    }
}

static void significance_leaves_out_the_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    absorb(&s, -200, 43, 0.854);
    absorb(&s, -200 + 42, 1, -5.0); /* would make it significant */
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    synthetic_free(&s);
}

/* At the last pixel of the search a trough is recorded without that test. */
static void no_significance_at_the_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    absorb(&s, K_AI_END - 19, 20, 0.854);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.index, ai(20, 0.854), 1e-5);
    synthetic_free(&s);
}

/* A pixel is in where 1 - f/0.9 is more than half its error. */
static void threshold_of_a_pixel(void **state)
{
    (void)state;
    const double limit = 0.9 * (1 - 0.5 * 0.1);
    struct synthetic s = synthetic_create(0.1);
    absorb(&s, -200, 100, limit + 1e-6);
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);
    absorb(&s, -200, 100, limit - 1e-6);
    r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    assert_int_equal(r.civ.bi.count, 1);
    synthetic_free(&s);
}

static void at_most_17_ai_troughs(void **state)
{
    (void)state;
    for (int made = 16; made <= 20; made++) {
        struct synthetic s = synthetic_create(SIGMA);
        for (int j = 0; j < made; j++)
            absorb(&s, -250 + 10 * j, 8, 0.3);
        struct fastbal_result r = measure_flat(&s);
        int kept = made < FASTBAL_MAX_AI ? made : FASTBAL_MAX_AI;
        assert_int_equal(r.civ.ai.count, kept);
        assert_int_equal(!!(r.status & FASTBAL_MORE_TROUGHS), made > FASTBAL_MAX_AI);
        check_near(r.civ.ai.index, kept * ai(8, 0.3), 1e-4);
        for (int j = 0; j < kept; j++) /* the bluest are kept, in order */
            check_near(r.civ.ai.vmax[j], blue_edge(-250 + 10 * j), 1e-6);
        check_unused(&r.civ.ai, kept, FASTBAL_MAX_AI);
        synthetic_free(&s);
    }
}

static void at_most_5_bi_troughs(void **state)
{
    (void)state;
    for (int made = 4; made <= 7; made++) {
        struct synthetic s = synthetic_create(SIGMA);
        for (int j = 0; j < made; j++)
            absorb(&s, -250 + 28 * j, 25, 0.3);
        struct fastbal_result r = measure_flat(&s);
        int kept = made < FASTBAL_MAX_BI ? made : FASTBAL_MAX_BI;
        assert_int_equal(r.civ.bi.count, kept);
        assert_int_equal(r.civ.ai.count, made);
        assert_int_equal(!!(r.status & FASTBAL_MORE_TROUGHS), made > FASTBAL_MAX_BI);
        check_near(r.civ.bi.index, kept * bi(25, 0.3), 1e-4);
        for (int j = 0; j < kept; j++)
            check_near(r.civ.bi.vmax[j], blue_edge(-250 + 28 * j), 1e-6);
        check_unused(&r.civ.bi, kept, FASTBAL_MAX_BI);
        synthetic_free(&s);
    }
}

/* A trough whose integral is negative counts as 0, value and error. */
static void negative_trough(void **state)
{
    (void)state;
    const double flux[10] = { 0, 0, 0, 0, 0, 0.8, 0.8, 4.0, 0.8, 0.8 };
    struct synthetic s = synthetic_create(SIGMA);
    for (int j = 0; j < 10; j++)
        absorb(&s, -200 + j, 1, flux[j]);
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI); /* alone it leaves nothing */

    absorb(&s, -100, 10, 0.3);
    r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 2);
    check_near(r.civ.ai.vmax[0], blue_edge(-200), 1e-6);
    check_near(r.civ.ai.vmin[0], red_edge(-191), 1e-6);
    check_near(r.civ.ai.index, ai(10, 0.3), 1e-5);
    check_near(r.civ.ai.error, sqrt(STEP * 4 * SIGMA * SIGMA / 0.81), 1e-6);
    synthetic_free(&s);
}

/*
 * Errors include D, the mean |model - flux| of the pixels of the AI search outside AI troughs, end pixels
 * included in the troughs. Two pixels of 1.5 among 258 - 60 make it 1/198. BI uses the same D.
 */
static void error_includes_the_mean_difference(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 60, 0.3);
    absorb(&s, -50, 2, 1.5);
    struct fastbal_result r = measure_flat(&s);
    double d = 2 * 0.5 / (K_AI_END - K_BLUE + 1 - 60);
    check_near(r.civ.ai.error, sqrt(STEP * (60 - 6) * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    check_near(r.civ.bi.error, sqrt(STEP * (60 - 22) * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    synthetic_free(&s);
}

/*
 * A pixel that was not observed is never in, and is bridged like a spike. Its error is infinite in principle;
 * it is left out of the sum. AI's significance test fails with such a pixel inside, so AI has the trough only
 * at the last pixel.
 */
static void unobserved_pixel_in_a_trough(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 40, 0.3);
    s.ivar[pixel(-75)] = 0; /* within the integral of BI */
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    assert_int_equal(r.civ.bi.count, 1);
    check_near(r.civ.bi.index, bi(40, 0.3), 1e-5); /* the flux of the pixel still counts */
    /* no AI trough, so the 40 pixels count in D */
    double d = 40 * 0.7 / (K_AI_END - K_BLUE + 1);
    check_near(r.civ.bi.error, sqrt(STEP * (17 * SIGMA * SIGMA + 18 * d * d) / 0.81), 1e-4);
    synthetic_free(&s);

    s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 20, 0.3);
    s.ivar[pixel(K_AI_END - 6)] = 0;
    r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.index, ai(20, 0.3), 1e-5);
    check_near(r.civ.ai.error, sqrt(STEP * 13 * SIGMA * SIGMA / 0.81), 1e-6);
    assert_true(isfinite(r.civ.ai.error));
    synthetic_free(&s);
}

/* Si IV: the same rules at 1398 A, where the spectrum covers 25000 km/s blueward of it. */
static void siiv_trough(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    const double step = STEP * CIV / SIIV; /* the same pixels, in velocities of Si IV */
    int first = -400, k = 30;
    absorb(&s, first, k, 0.3);
    struct fastbal_result r = measure_flat(&s);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    assert_int_equal(r.siiv.ai.count, 1);
    assert_int_equal(r.siiv.bi.count, 1);
    double v[2];
    for (int j = 0; j < 2; j++) {
        double w = CIV * (1 + velocity(j ? first + k - 1 : first) / LIGHT);
        v[j] = -LIGHT * (w - SIIV) / SIIV;
    }
    check_near(r.siiv.ai.vmax[0], v[0] * (1 + 8e-6) + 8e-5, 1e-6);
    check_near(r.siiv.ai.vmin[0], v[1] * (1 - 8e-6) - 8e-5, 1e-6);
    /* steps of 107.5 km/s: 450 km/s are reached at the 5th step, 2000 at the 19th */
    check_near(r.siiv.ai.index, step * (k - 6) * (1 - 0.3 / 0.9), 1e-5);
    check_near(r.siiv.bi.index, step * (k - 20) * (1 - 0.3 / 0.9), 1e-5);
    synthetic_free(&s);
}

static void siiv_needs_coverage(void **state)
{
    (void)state;
    const double limit = SIIV * (1 - 25000 / LIGHT);
    for (int cut = 30; cut <= 40; cut++) { /* the spectrum starts at pixel K_FIRST + cut */
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -400, 30, 0.3);
        struct synthetic t = { s.n - (size_t)cut, s.z, s.wavelength + cut, s.flux + cut, s.ivar + cut };
        struct fastbal_result r = measure_flat(&t);
        int covered = CIV * (1 + velocity(K_FIRST + cut) / LIGHT) <= limit;
        assert_int_equal(r.siiv.ai.count, covered);
        if (!covered) {
            check_none(&r.siiv.ai, FASTBAL_MAX_AI);
            check_none(&r.siiv.bi, FASTBAL_MAX_BI);
        }
        synthetic_free(&s);
    }
}

/* No search where the median flux is not above the median error. */
static void low_signal(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(1.01);
    absorb(&s, -200, 60, -3.0);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.status, FASTBAL_LOW_SIGNAL);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);
    check_near(r.snr_civ, 1 / 1.01, 1e-9); /* still a median of the search range */
    synthetic_free(&s);

    s = synthetic_create(0.99);
    absorb(&s, -200, 60, -3.0);
    r = measure_flat(&s);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.civ.ai.count, 1);
    synthetic_free(&s);

    s = synthetic_create(SIGMA); /* more than half of the search range was not observed */
    absorb(&s, -60, 30, 0.3);
    for (int k = K_BLUE; k < K_BLUE + 140; k++)
        s.ivar[pixel(k)] = 0;
    r = measure_flat(&s);
    assert_true(r.status & FASTBAL_LOW_SIGNAL);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    synthetic_free(&s);
}

/*
 * The median flux has to be above the median error as they are, and over the continuum as well. The continuum
 * is 1, 10 and 100 in the three thirds of the search range, so that the two comparisons can come out
 * differently. Pixels of nf = -1 would be a trough if there were a search.
 */
static void both_medians_count(void **state)
{
    (void)state;
    const double model[3] = { 1, 10, 100 };
    const struct {
        double flux[3], sigma[3];
        int searched;
    } cases[3] = {
        { { 1, 50, 40 }, { 2, 30, 300 }, 0 }, /* 40 > 30, but 1 < 3 over the continuum */
        { { 2, 30, 300 }, { 1, 50, 40 }, 0 }, /* 30 < 40, though 3 > 1 */
        { { 2, 50, 300 }, { 1, 30, 40 }, 1 }, /* 50 > 30 and 3 > 1 */
    };
    /* Steps of the continuum between pixels K_BLUE + 85 and + 86, and + 171 and + 172. */
    double node[6], value[6];
    for (int j = 0; j < 3; j++) {
        node[2 * j] = j == 0 ? 1000 : CIV * (1 + (velocity(K_BLUE + 86 * j) - 10) / LIGHT);
        node[2 * j + 1] = j == 2 ? 3000 : CIV * (1 + (velocity(K_BLUE + 86 * (j + 1)) - 20) / LIGHT);
        value[2 * j] = value[2 * j + 1] = model[j];
    }
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 6, node, 1, value), FASTBAL_OK);
    for (int j = 0; j < 3; j++) {
        struct synthetic s = synthetic_create(SIGMA);
        for (int k = K_FIRST; k <= K_LAST; k++) {
            int third = k < K_BLUE + 86 ? 0 : k < K_BLUE + 172 ? 1 : 2;
            s.flux[pixel(k)] = k > K_ANCHOR ? 100 : cases[j].flux[third];
            s.ivar[pixel(k)] = k > K_ANCHOR ? 1e14 : 1 / (cases[j].sigma[third] * cases[j].sigma[third]);
        }
        absorb(&s, K_BLUE + 200, 30, -100);
        struct fastbal_result r = measure_with(&s, t);
        check_near(r.coeffs[0], 1, 1e-9);
        assert_int_equal(r.civ.ai.count, cases[j].searched);
        assert_int_equal(r.status, cases[j].searched ? 0 : FASTBAL_LOW_SIGNAL);
        synthetic_free(&s);
    }
    fastbal_templates_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_absorption),
        cmocka_unit_test(one_trough),
        cmocka_unit_test(minimum_width_ai),
        cmocka_unit_test(minimum_width_bi),
        cmocka_unit_test(narrow_trough_beside_a_wide_one),
        cmocka_unit_test(single_spike_is_bridged),
        cmocka_unit_test(two_pixel_gap_ends_a_trough),
        cmocka_unit_test(spike_after_a_lone_pixel),
        cmocka_unit_test(comb),
        cmocka_unit_test(trough_at_the_last_pixel),
        cmocka_unit_test(trough_across_the_end_of_bi),
        cmocka_unit_test(trough_across_the_blue_limit),
        cmocka_unit_test(spike_near_the_last_pixel),
        cmocka_unit_test(spike_at_the_second_pixel),
        cmocka_unit_test(spike_at_the_third_pixel),
        cmocka_unit_test(significance),
        cmocka_unit_test(significance_leaves_out_the_last_pixel),
        cmocka_unit_test(no_significance_at_the_last_pixel),
        cmocka_unit_test(threshold_of_a_pixel),
        cmocka_unit_test(at_most_17_ai_troughs),
        cmocka_unit_test(at_most_5_bi_troughs),
        cmocka_unit_test(negative_trough),
        cmocka_unit_test(error_includes_the_mean_difference),
        cmocka_unit_test(unobserved_pixel_in_a_trough),
        cmocka_unit_test(siiv_trough),
        cmocka_unit_test(siiv_needs_coverage),
        cmocka_unit_test(low_signal),
        cmocka_unit_test(both_medians_count),
    };
    return cmocka_run_group_tests_name("troughs", tests, NULL, NULL);
}
