/*
 * test_rules.c - where the rules of the optimised branch differ from those of main (algorithm, §8), and the
 * chi-square limit of main. What both have in common is in test_troughs.c and test_iteration.c.
 *
 * Under these rules k pixels of flux f, 97 km/s apart, have the same indices as under those of main, 97 (k - 6)
 * (1 - f/0.9) and 97 (k - 22) (1 - f/0.9): the first step counts later, and the last pixel counts as well.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

#define SIGMA 0.01

static const struct fastbal_options optimize = { .size = sizeof(struct fastbal_options),
                                                 .rules = FASTBAL_RULES_OPTIMIZE };

static struct fastbal_result measure_by(const struct synthetic *s, const fastbal_templates *templates,
                                        const struct fastbal_options *options)
{
    struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    struct fastbal_result r;
    fastbal_workspace *work = fastbal_workspace_create();
    assert_non_null(work);
    memset(&r, 0x5a, sizeof r);
    assert_int_equal(fastbal_measure(work, templates, &spectrum, options, &r), FASTBAL_OK);
    fastbal_workspace_free(work);
    return r;
}

static struct fastbal_result flat_by(const struct synthetic *s, const struct fastbal_options *options)
{
    fastbal_templates *t = flat_template();
    struct fastbal_result r = measure_by(s, t, options);
    fastbal_templates_free(t);
    return r;
}

static struct fastbal_result flat_optimize(const struct synthetic *s)
{
    return flat_by(s, &optimize);
}

/* A continuum of 1, but `value` at pixel k. */
static fastbal_templates *notched_template(int k, double value)
{
    const double offset[4] = { -20, -10, 10, 20 }; /* km/s */
    double wave[6] = { 900, 0, 0, 0, 0, 3000 }, values[6] = { 1, 1, value, value, 1, 1 };
    fastbal_templates *t;
    for (int j = 0; j < 4; j++)
        wave[j + 1] = CIV * (1 + (velocity(k) + offset[j]) / LIGHT);
    assert_int_equal(fastbal_templates_create(&t, 6, wave, 1, values), FASTBAL_OK);
    return t;
}

static struct fastbal_result notched_by(const struct synthetic *s, int k, double value,
                                        const struct fastbal_options *options)
{
    fastbal_templates *t = notched_template(k, value);
    struct fastbal_result r = measure_by(s, t, options);
    fastbal_templates_free(t);
    return r;
}

static double ai(int pixels, double flux)
{
    return STEP * (pixels - 6) * (1 - flux / 0.9);
}

static double bi(int pixels, double flux)
{
    return STEP * (pixels - 22) * (1 - flux / 0.9);
}

static void unknown_rules(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    struct fastbal_result r;
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    for (int rules = -1; rules <= 3; rules++) {
        struct fastbal_options options = { .size = sizeof(struct fastbal_options), .rules = rules };
        int known = rules >= FASTBAL_RULES_MAIN && rules <= FASTBAL_RULES_FASTBAL;
        assert_int_equal(fastbal_measure(work, t, &spectrum, &options, &r),
                         known ? FASTBAL_OK : FASTBAL_EARGUMENT);
    }
    fastbal_workspace_free(work);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* The last pixel takes part in the index and may be the deepest; the pixel at which the minimum width is reached does
 * not count yet. */
static void pixels_of_an_index(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    int first = -150, k = 40, last = first + k - 1;
    absorb(&s, first, k, 0.3);
    absorb(&s, first + 5, 1, 0.2);  /* main: the first that counts for AI */
    absorb(&s, first + 21, 1, 0.1); /* and for BI */
    absorb(&s, last, 1, 0.05);
    struct fastbal_result r = flat_optimize(&s);
    double deep = STEP * (0.3 - 0.05) / 0.9, both = deep + STEP * (0.3 - 0.1) / 0.9;
    check_near(r.civ.ai.index, ai(k, 0.3) + both, 1e-5);
    check_near(r.civ.bi.index, bi(k, 0.3) + deep, 1e-5);
    check_near(r.civ.ai.error, sqrt(STEP * (k - 6) * SIGMA * SIGMA / 0.81), 1e-6);
    const struct fastbal_troughs *kinds[2] = { &r.civ.ai, &r.civ.bi };
    for (int j = 0; j < 2; j++) {
        assert_int_equal(kinds[j]->count, 1);
        check_near(kinds[j]->vmax[0], blue_edge(first), 1e-6);
        check_near(kinds[j]->vmin[0], red_edge(last), 1e-6);
        check_near(kinds[j]->posmin[0], -velocity(last), 1e-6);
        check_near(kinds[j]->fmin[0], 0.05, 1e-8);
    }
    synthetic_free(&s);
}

/* A trough with nothing to integrate stays, and is left out of D. */
static void empty_trough_stays(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -200, 6, 0.4);
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.index, 0, 0);
    check_near(r.civ.ai.error, 0, 0);
    check_near(r.civ.ai.vmax[0], blue_edge(-200), 1e-6);
    check_near(r.civ.ai.vmin[0], red_edge(-195), 1e-6);
    check_near(r.civ.ai.posmin[0], -velocity(-200), 1e-6);
    check_near(r.civ.ai.fmin[0], 0.4, 1e-8);
    check_unused(&r.civ.ai, 1, FASTBAL_MAX_AI);
    check_none(&r.civ.bi, FASTBAL_MAX_BI);

    absorb(&s, -100, 10, 0.3);
    r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 2);
    check_near(r.civ.ai.error, sqrt(STEP * 4 * SIGMA * SIGMA / 0.81), 1e-6);
    synthetic_free(&s);
}

/* So does one whose integral is negative. */
static void negative_trough_stays(void **state)
{
    (void)state;
    const double flux[10] = { 0, 0, 0, 0, 0, 0.8, 0.8, 4.0, 0.8, 0.8 };
    struct synthetic s = synthetic_create(SIGMA);
    for (int j = 0; j < 10; j++)
        absorb(&s, -200 + j, 1, flux[j]);
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.index, 0, 0);
    check_near(r.civ.ai.error, 0, 0);
    check_near(r.civ.ai.vmin[0], red_edge(-191), 1e-6);
    synthetic_free(&s);
}

/* Both ends of a trough are masked, and empty troughs as well. */
static void both_ends_are_masked(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    for (size_t i = 0; i < s.n; i++) {
        s.ivar[i] = 100;
        s.flux[i] = 1 + 0.01 * sin((double)i);
    }
    absorb(&s, -150, 60, 0.2);
    absorb(&s, -250, 6, 0.2);
    double sum = 0, n = 0;
    for (int k = K_FIRST; k < K_LAST; k++) {
        if ((k >= -150 && k < -90) || (k >= -250 && k < -244))
            continue;
        sum += s.flux[pixel(k)];
        n++;
    }
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 2);
    check_near(r.coeffs[0], sum / n, 1e-12);
    synthetic_free(&s);
}

/* A spike at the last but one pixel of a search is bridged; the last pixel can't be. */
static void spike_near_the_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 20, 0.3);
    absorb(&s, K_AI_END - 1, 1, 1.0);
    absorb(&s, K_BI_END - 39, 40, 0.3);
    absorb(&s, K_BI_END - 1, 1, 1.0);
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 2);
    check_near(r.civ.ai.vmin[1], red_edge(K_AI_END), 1e-6);
    assert_int_equal(r.civ.bi.count, 1);
    check_near(r.civ.bi.vmin[0], red_edge(K_BI_END), 1e-6);
    synthetic_free(&s);

    s = synthetic_create(SIGMA);
    absorb(&s, K_AI_END - 19, 19, 0.3);
    r = flat_optimize(&s);
    check_near(r.civ.ai.vmin[0], red_edge(K_AI_END - 1), 1e-6);
    synthetic_free(&s);
}

/* A trough may reach the last pixel, and is then recorded without the test of its significance. */
static void trough_reaches_the_end(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    absorb(&s, K_AI_END - 19, 40, 0.854);
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], red_edge(K_AI_END), 1e-6);
    check_near(r.civ.ai.index, ai(20, 0.854), 1e-5);
    synthetic_free(&s);
}

/* Before the first pixel of a search there is nothing: no spike is bridged at the first two. */
static void no_wrap_around(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, K_BLUE, 20, 0.3);
        absorb(&s, K_BLUE + at, 1, 1.0);
        absorb(&s, K_AI_END - 1, 2, 0.3); /* where main looks */
        struct fastbal_result r = flat_optimize(&s);
        assert_int_equal(r.civ.ai.count, 1);
        check_near(r.civ.ai.vmax[0], blue_edge(at < 2 ? K_BLUE + at + 1 : K_BLUE), 1e-6);
        synthetic_free(&s);
    }
}

/* A last pixel wider than 450 km/s is no trough. Under main the trough that ended before is found once more. */
static void wide_last_pixel(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 10, 0.3);
    absorb(&s, 0, 1, 0.3);
    size_t gap = 5, from = pixel(0), tail = (s.n - from) * sizeof(double);
    memmove(s.wavelength + from - gap, s.wavelength + from, tail);
    memmove(s.flux + from - gap, s.flux + from, tail);
    memmove(s.ivar + from - gap, s.ivar + from, tail);
    s.n -= gap;
    assert_int_equal(flat_by(&s, NULL).civ.ai.count, 2);
    struct fastbal_result r = flat_optimize(&s);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], red_edge(-91), 1e-6);
    synthetic_free(&s);
}

/* The mean of a trough includes its last pixel: 43 pixels of these do, where main takes 44. */
static void significance(void **state)
{
    (void)state;
    for (int k = 41; k <= 44; k++) {
        struct synthetic s = synthetic_create(0.1);
        absorb(&s, -200, k, 0.854);
        struct fastbal_result r = flat_optimize(&s);
        assert_int_equal(r.civ.ai.count, k >= 43);
        assert_int_equal(r.civ.bi.count, 1);
        absorb(&s, -200 + k - 1, 1, -5.0);
        assert_int_equal(flat_optimize(&s).civ.ai.count, 1);
        synthetic_free(&s);
    }
}

/* The median flux is compared with the median error over the continuum alone. The continuum is 1, 10 and 100 in the
 * thirds of the search. */
static void median_over_the_continuum(void **state)
{
    (void)state;
    const double model[3] = { 1, 10, 100 };
    const struct {
        double flux[3], sigma[3];
        int searched;
    } cases[3] = {
        { { 1, 50, 40 }, { 2, 30, 300 }, 0 }, /* 1 < 3 */
        { { 2, 30, 300 }, { 1, 50, 40 }, 1 }, /* 3 > 1, though 30 < 50 as they are */
        { { 2, 50, 300 }, { 1, 30, 40 }, 1 },
    };
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
        struct fastbal_result r = measure_by(&s, t, &optimize);
        assert_int_equal(r.civ.ai.count, cases[j].searched);
        assert_int_equal(r.status, cases[j].searched ? 0 : FASTBAL_LOW_SIGNAL);
        synthetic_free(&s);
    }
    fastbal_templates_free(t);
}

/* D leaves out all troughs, also those beyond the 17 that are kept. */
static void difference_without_any_trough(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    for (int j = 0; j < 19; j++)
        absorb(&s, -250 + 10 * j, 8, 0.3);
    absorb(&s, -40, 2, 1.5);
    struct fastbal_result r = flat_optimize(&s);
    double d = 2 * 0.5 / (K_AI_END - K_BLUE + 1 - 19 * 8);
    assert_int_equal(r.status, FASTBAL_MORE_TROUGHS);
    assert_int_equal(r.civ.ai.count, FASTBAL_MAX_AI);
    check_near(r.civ.ai.index, FASTBAL_MAX_AI * ai(8, 0.3), 1e-4);
    check_near(r.civ.ai.error, sqrt(FASTBAL_MAX_AI * STEP * 2 * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    synthetic_free(&s);
}

/* Si IV's errors have the D of C IV. */
static void difference_of_civ_for_siiv(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    const double step = STEP * CIV / SIIV; /* 107.5 km/s: 450 are reached after 5 steps, 2000 after 19 */
    int k = 30;
    absorb(&s, -400, k, 0.3);
    absorb(&s, -450, 2, 1.5); /* in Si IV's search: has no part in it */
    absorb(&s, -50, 4, 1.5);
    struct fastbal_result r = flat_optimize(&s);
    double d = 4 * 0.5 / (K_AI_END - K_BLUE + 1);
    assert_int_equal(r.siiv.ai.count, 1);
    check_near(r.siiv.ai.index, step * (k - 6) * (1 - 0.3 / 0.9), 1e-5);
    check_near(r.siiv.bi.index, step * (k - 20) * (1 - 0.3 / 0.9), 1e-5);
    check_near(r.siiv.ai.error, sqrt(step * (k - 6) * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    check_near(r.siiv.bi.error, sqrt(step * (k - 20) * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    synthetic_free(&s);
}

/* A line is not searched where the continuum is negative within its AI search, not for BI either. */
static void negative_model(void **state)
{
    (void)state;
    const struct {
        int at, civ, siiv;
    } cases[] = { { K_BLUE - 1, 1, 1 }, { K_BLUE, 0, 0 },       { K_BI_END + 3, 0, 0 },
                  { K_AI_END, 0, 0 },   { K_AI_END + 1, 1, 1 }, { -450, 1, 0 } };
    for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -100, 40, 0.3);
        if (cases[j].civ)
            absorb(&s, -400, 40, 0.3);
        struct fastbal_result r = notched_by(&s, cases[j].at, -0.01, &optimize);
        assert_int_equal(r.civ.ai.count, cases[j].civ);
        assert_int_equal(r.civ.bi.count, cases[j].civ);
        assert_int_equal(r.siiv.ai.count, cases[j].siiv);
        assert_int_equal(r.siiv.bi.count, cases[j].siiv);
        assert_int_equal(r.status, cases[j].civ ? 0 : FASTBAL_NEGATIVE_MODEL);
        check_near(r.snr_civ, cases[j].civ ? 100 : -1, 1e-6);
        check_near(r.coeffs[0], 1, 1e-8);
        if (!cases[j].civ) {
            check_none(&r.civ.ai, FASTBAL_MAX_AI);
            check_none(&r.civ.bi, FASTBAL_MAX_BI);
        }
        assert_int_equal(notched_by(&s, cases[j].at, -0.01, NULL).status & FASTBAL_NEGATIVE_MODEL, 0);
        synthetic_free(&s);
    }
}

/* Troughs of Si IV can't be measured without C IV's D. */
static void no_difference(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    struct fastbal_result clear;
    absorb(&s, -400, 10, 0.3); /* AI alone */
    struct fastbal_result r = notched_by(&s, -200, -0.01, &optimize);
    fastbal_result_clear(&clear, 1, FASTBAL_NO_DIFFERENCE);
    check_same_result(&r, &clear);
    assert_true(r.status & FASTBAL_NOT_MEASURED);
    r = notched_by(&s, -200, -0.01, NULL);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    assert_int_equal(r.siiv.ai.count, 1);
    synthetic_free(&s);
}

/* Where the continuum is 0 the flux over it counts as 1, with an endless error; it is left out of the sum of errors. */
static void zero_model(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    absorb(&s, -100, 40, 0.3);
    struct fastbal_result r = notched_by(&s, -75, 0, &optimize);
    double d = (39 * 0.7 + 0.3) / (K_AI_END - K_BLUE + 1); /* there is no AI trough: it is not significant */
    assert_int_equal(r.status, 0);
    check_none(&r.civ.ai, FASTBAL_MAX_AI);
    assert_int_equal(r.civ.bi.count, 1);
    check_near(r.civ.bi.index, bi(40, 0.3) - STEP * (1 - 0.3) / 0.9, 1e-5);
    check_near(r.civ.bi.error, sqrt(STEP * 17 * (SIGMA * SIGMA + d * d) / 0.81), 1e-6);
    synthetic_free(&s);
}

/* The fit range ends before the spectrum's last pixel. Where only that one is redward of C IV, the search ends with the
 * fit range; under main C IV is not covered. */
static void search_ends_with_the_fit_range(void **state)
{
    (void)state;
    for (int last = 0; last <= 2; last++) {
        struct synthetic s = synthetic_create(SIGMA);
        absorb(&s, -100, 40, 0.3);
        s.n = pixel(last) + 1;
        struct fastbal_result r = flat_optimize(&s);
        assert_int_equal(r.status, last == 0 ? FASTBAL_NO_CIV : 0);
        if (last > 0) {
            check_near(r.civ.ai.index, ai(40, 0.3), 1e-5);
            check_near(r.snr_civ, 100, 1e-6);
        }
        assert_int_equal(flat_by(&s, NULL).status, last < 2 ? FASTBAL_NO_CIV : 0);
        synthetic_free(&s);
    }
}

/* Under main a reduced chi-square above 1498.5 leaves no troughs, whatever the fit; one that is not above it does. */
static void chi2_limit(void **state)
{
    (void)state;
    enum { NTROUGHS = 19, WIDTH = 8 };
    struct synthetic s = synthetic_create(SIGMA);
    for (int j = 0; j < NTROUGHS; j++)
        absorb(&s, -250 + 10 * j, WIDTH, 0.3);
    /* what is left of the troughs in the last fit: the ends of 17, and two whole ones */
    int left = FASTBAL_MAX_AI + WIDTH * (NTROUGHS - FASTBAL_MAX_AI);
    double degrees = K_LAST - K_FIRST - FASTBAL_MAX_AI * (WIDTH - 1) - 1;
    for (int above = 0; above < 2; above++) {
        double chi2 = 1498.5 * (above ? 1.0001 : 0.9999);
        s.flux[pixel(50)] = 1 + SIGMA * sqrt(chi2 * degrees - left * pow(0.7 / SIGMA, 2));
        for (int fit = FASTBAL_FIT_EXACT; fit <= FASTBAL_FIT_SIMPLEX; fit++) {
            struct fastbal_options main_rules = { .size = sizeof(struct fastbal_options), .fit = fit };
            struct fastbal_result r = flat_by(&s, &main_rules);
            check_near(r.chi2, chi2, 1e-3);
            check_near(r.coeffs[0], 1, 1e-8);
            check_near(r.snr_civ, 30, 1e-6); /* more than half of the search is in troughs */
            assert_int_equal(r.status, above ? FASTBAL_CHI2_LIMIT : FASTBAL_MORE_TROUGHS);
            if (above) {
                check_none(&r.civ.ai, FASTBAL_MAX_AI);
                check_none(&r.civ.bi, FASTBAL_MAX_BI);
            } else {
                assert_int_equal(r.civ.ai.count, FASTBAL_MAX_AI);
            }
        }
    }
    s.flux[pixel(50)] = 1000; /* there is no such limit under the other rules */
    for (int fit = FASTBAL_FIT_EXACT; fit <= FASTBAL_FIT_SIMPLEX; fit++) {
        struct fastbal_options others = { .size = sizeof(struct fastbal_options),
                                          .fit = fit,
                                          .rules = FASTBAL_RULES_OPTIMIZE };
        struct fastbal_result r = flat_by(&s, &others);
        assert_true(r.chi2 > 1e6);
        assert_int_equal(r.status, FASTBAL_MORE_TROUGHS);
        assert_int_equal(r.civ.ai.count, FASTBAL_MAX_AI);
    }
    synthetic_free(&s);
}

/* An edge that is less than the margin from 0 stays positive: programs that mask skip others. */
static void edge_near_zero(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(SIGMA);
    s.z = (1 + s.z) * (1 + velocity(0) / LIGHT) / (1 - 0.05 / LIGHT) - 1;
    absorb(&s, -59, 60, 0.2);
    const struct fastbal_options ours = { .size = sizeof ours, .rules = FASTBAL_RULES_FASTBAL };
    struct fastbal_result r = flat_by(&s, NULL);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], 0.05 * (1 - 8e-6) - 8e-5, 1e-6);
    r = flat_by(&s, &ours);
    assert_int_equal(r.civ.ai.count, 1);
    check_near(r.civ.ai.vmin[0], 0.025, 1e-6);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_rules),
        cmocka_unit_test(pixels_of_an_index),
        cmocka_unit_test(empty_trough_stays),
        cmocka_unit_test(negative_trough_stays),
        cmocka_unit_test(both_ends_are_masked),
        cmocka_unit_test(spike_near_the_last_pixel),
        cmocka_unit_test(trough_reaches_the_end),
        cmocka_unit_test(no_wrap_around),
        cmocka_unit_test(wide_last_pixel),
        cmocka_unit_test(significance),
        cmocka_unit_test(median_over_the_continuum),
        cmocka_unit_test(difference_without_any_trough),
        cmocka_unit_test(difference_of_civ_for_siiv),
        cmocka_unit_test(negative_model),
        cmocka_unit_test(no_difference),
        cmocka_unit_test(zero_model),
        cmocka_unit_test(search_ends_with_the_fit_range),
        cmocka_unit_test(chi2_limit),
        cmocka_unit_test(edge_near_zero),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
