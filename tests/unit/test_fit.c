/*
 * test_fit.c - the range and the exactness of the continuum fit (algorithm, §3 and §4).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { NT = 5, NW = 300 };

static double rest_wavelength(size_t i)
{
    double x = (double)i / (NW - 1);
    return 1200 + 1300 * x * (0.8 + 0.2 * x); /* uneven steps */
}

/* Five unlike components: constant, slope, curvature, two lines. */
static double component(int k, double w)
{
    double x = (w - 1800) / 600;
    switch (k) {
    case 0:
        return 1;
    case 1:
        return x;
    case 2:
        return x * x - 0.3;
    case 3:
        return exp(-0.5 * (w - 1549) * (w - 1549) / (30 * 30));
    default:
        return exp(-0.5 * (w - 1909) * (w - 1909) / (50 * 50));
    }
}

static double node[NW], values[NT][NW];

static fastbal_templates *five_templates(void)
{
    fastbal_templates *t;
    for (size_t i = 0; i < NW; i++) {
        node[i] = rest_wavelength(i);
        for (int k = 0; k < NT; k++)
            values[k][i] = component(k, node[i]);
    }
    assert_int_equal(fastbal_templates_create(&t, NW, node, NT, &values[0][0]), FASTBAL_OK);
    return t;
}

/* Template k at w, straight between the nodes. */
static double template_at(int k, double w)
{
    size_t i = 0;
    while (i < NW - 2 && node[i + 1] < w)
        i++;
    double f = (w - node[i]) / (node[i + 1] - node[i]);
    return values[k][i] + f * (values[k][i + 1] - values[k][i]);
}

/*
 * A spectrum that is the sum of the templates, everywhere brighter than its noise so that no trough is found.
 */
static struct synthetic sum_of_templates(const double *a)
{
    struct synthetic s = synthetic_linear(4000, 3600, 1.1, 2.0);
    uint64_t seed = 1;
    for (size_t i = 0; i < s.n; i++) {
        s.flux[i] = 0;
        for (int k = 0; k < NT; k++)
            s.flux[i] += a[k] * template_at(k, s.wavelength[i] / (1 + s.z));
        s.ivar[i] = 0.5 + 2 * uniform(&seed);
    }
    return s;
}

static const double truth[NT] = { 20, -3, 1.5, 8, 4 };

static void recovers_the_coefficients(void **state)
{
    (void)state;
    fastbal_templates *t = five_templates();
    const double scale[3] = { 1, 1e-17, 1e6 }; /* the unit of flux doesn't matter */
    for (int j = 0; j < 3; j++) {
        struct synthetic s = sum_of_templates(truth);
        for (size_t i = 0; i < s.n; i++) {
            s.flux[i] *= scale[j];
            s.ivar[i] /= scale[j] * scale[j];
        }
        struct fastbal_result r = measure_with(&s, t);
        assert_int_equal(r.status, 0);
        assert_int_equal(r.ntemplates, NT);
        for (int k = 0; k < NT; k++)
            check_near(r.coeffs[k] / scale[j], truth[k], 1e-10 * 20);
        check_near(r.chi2, 0, 1e-18);
        synthetic_free(&s);
    }
    fastbal_templates_free(t);
}

/* The pixel nearest to a rest wavelength. */
static size_t nearest(const struct synthetic *s, double wavelength)
{
    size_t best = 0;
    for (size_t i = 1; i < s->n; i++)
        if (fabs(s->wavelength[i] / (1 + s->z) - wavelength) <=
            fabs(s->wavelength[best] / (1 + s->z) - wavelength))
            best = i;
    return best;
}

/*
 * At the minimum of chi-square the residuals, weighted, are orthogonal to every template; and chi-square is
 * what it says.
 */
static void is_the_minimum(void **state)
{
    (void)state;
    fastbal_templates *t = five_templates();
    struct synthetic s = sum_of_templates(truth);
    uint64_t seed = 2;
    for (size_t i = 0; i < s.n; i++) /* noise with tails, but not enough for troughs */
        s.flux[i] += (uniform(&seed) + uniform(&seed) + uniform(&seed) - 1.5) / sqrt(s.ivar[i]);
    struct fastbal_result r = measure_with(&s, t);
    assert_int_equal(r.civ.ai.count + r.siiv.ai.count, 0);

    double gradient[NT] = { 0 }, norm[NT] = { 0 }, chi2 = 0;
    size_t from = nearest(&s, 1261) + 1, to = nearest(&s, 2399) - 1;
    for (size_t i = from; i < to; i++) {
        double residual = -s.flux[i], component_here[NT];
        for (int k = 0; k < NT; k++) {
            component_here[k] = template_at(k, s.wavelength[i] / (1 + s.z));
            residual += r.coeffs[k] * component_here[k];
        }
        chi2 += residual * residual * s.ivar[i];
        for (int k = 0; k < NT; k++) {
            gradient[k] += residual * s.ivar[i] * component_here[k];
            norm[k] += fabs(residual * s.ivar[i] * component_here[k]);
        }
    }
    for (int k = 0; k < NT; k++)
        check_near(gradient[k] / norm[k], 0, 1e-10);
    check_near(r.chi2, chi2 / (double)(to - from - NT), 1e-10 * r.chi2);
    synthetic_free(&s);
    fastbal_templates_free(t);
}

/*
 * Pixels with ivar 0 weigh nothing, whatever their flux, but count in the denominator of the reduced
 * chi-square.
 */
static void unobserved_pixels(void **state)
{
    (void)state;
    struct synthetic s =
        synthetic_linear(800, 1300.5, 1, 0); /* 1300.5 to 2099.5 A: the fit uses the first 799 */
    for (size_t i = 0; i < s.n; i++)
        s.flux[i] = 10 + (i % 2 ? 1 : -1);
    s.flux[798] = 10; /* 399 above, 399 below, one at 10 */
    struct fastbal_result r = measure_flat(&s);
    check_near(r.coeffs[0], 10, 1e-12);
    check_near(r.chi2, 798.0 / (799 - 1), 1e-12);

    for (size_t i = 400; i < 500; i++) { /* 50 above, 50 below */
        s.flux[i] = -1e6;
        s.ivar[i] = 0;
    }
    r = measure_flat(&s);
    check_near(r.coeffs[0], 10, 1e-12);
    check_near(r.chi2, 698.0 / (799 - 1), 1e-12);
    synthetic_free(&s);
}

/*
 * Which pixels are fitted: with flux 10 everywhere but one pixel of 11 (too little for a trough), the one
 * flat template is 10 + 1/N where that pixel is one of the N fitted ones, and 10 where it isn't.
 */
static void check_range(size_t n, double first, double step, size_t from, size_t to)
{
    const size_t around[6] = { from - 1, from, from + 1, to - 2, to - 1, to };
    for (int j = 0; j < 6; j++) {
        struct synthetic s = synthetic_linear(n, first, step, 0);
        size_t i = around[j];
        for (size_t k = 0; k < n; k++)
            s.flux[k] = 10;
        if (i < n) {
            s.flux[i] = 11;
            struct fastbal_result r = measure_flat(&s);
            assert_int_equal(r.status, 0);
            int inside = i >= from && i < to;
            check_near(r.coeffs[0], 10 + (inside ? 1.0 / (double)(to - from) : 0), 1e-9);
        }
        synthetic_free(&s);
    }
}

static void fit_range(void **state)
{
    (void)state;
    /* The whole spectrum is within 1261 to 2399 A: all but its last pixel. */
    check_range(800, 1300.5, 1, 0, 799);
    check_range(800, 1261, 1, 0, 799);
    /* It reaches beyond both: from nearest(1261) + 1 to before nearest(2399) - 1. */
    check_range(1400, 1200.3, 1, 62, 1198); /* nearest are 1261.3 (61) and 2399.3 (1199) */
    check_range(1400, 1200.7, 1, 61, 1197); /* 1260.7 (60) and 2398.7 (1198) */
    check_range(1400, 1200.5, 1, 62, 1198); /* halfway: the upper one, 1261.5 (61) and 2399.5 (1199) */
    check_range(1400, 1200, 1, 62, 1198);   /* 1261 (61) and 2399 (1199) exactly */
    /* The last pixel just at, and just above, the limit. */
    check_range(1100, 1300, 1, 0, 1099); /* up to 2399: not above, so all but the last */
    check_range(1101, 1300, 1, 0, 1098); /* up to 2400: nearest to 2399 is 1099 */
}

static void degenerate_templates(void **state)
{
    (void)state;
    const double w[3] = { 1000, 1700, 3000 };
    const double sets[4][9] = {
        { 1, 2, 3, 1, 2, 3, 1, 1, 1 }, /* the same twice */
        { 1, 2, 3, 2, 4, 6, 1, 1, 1 }, /* a multiple */
        { 1, 2, 3, 0, 0, 0, 1, 1, 1 }, /* nothing */
        { 1, 2, 3, 1, 1, 1, 3, 5, 7 }, /* a sum: 2 x the first + the second */
    };
    for (int j = 0; j < 4; j++) {
        fastbal_templates *t;
        assert_int_equal(fastbal_templates_create(&t, 3, w, 3, sets[j]), FASTBAL_OK);
        struct synthetic s = synthetic_linear(800, 1300.5, 1, 0);
        struct fastbal_result r = measure_with(&s, t);
        assert_int_equal(r.status & FASTBAL_NOT_MEASURED, FASTBAL_SINGULAR);
        check_near(r.chi2, 0, 0);
        for (int k = 0; k < 3; k++)
            check_near(r.coeffs[k], 0, 0);
        assert_int_equal(r.iterations, 0);
        check_none(&r.civ.ai, FASTBAL_MAX_AI);
        check_near(r.snr_civ, -1, 0);
        check_near(r.snr_redside, -1, 0);
        check_near(r.snr_forest, -1, 0);
        synthetic_free(&s);
        fastbal_templates_free(t);
    }
}

/* Degenerate only where there are good pixels. */
static void degenerate_on_the_good_pixels(void **state)
{
    (void)state;
    const double w[4] = { 1000, 1600, 1601, 3000 }, v[8] = { 1, 1, 1, 1, 1, 1, 2, 2 };
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 4, w, 2, v), FASTBAL_OK);
    struct synthetic s = synthetic_linear(800, 1300.5, 1, 0);
    struct fastbal_result r = measure_with(&s, t);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    for (size_t i = 295; i < s.n; i++) /* what is left is blueward of 1600 A, where both are 1 */
        s.ivar[i] = 0;
    r = measure_with(&s, t);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, FASTBAL_SINGULAR);
    synthetic_free(&s);
    fastbal_templates_free(t);
}

/*
 * Alike is not the same: components that differ by 1e-4 are told apart, and the continuum is as good as ever.
 */
static void nearly_degenerate(void **state)
{
    (void)state;
    const double w[3] = { 1000, 1700, 3000 }, v[6] = { 1, 1, 1, 1, 1.0001, 1 };
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 3, w, 2, v), FASTBAL_OK);
    struct synthetic s = synthetic_linear(800, 1300.5, 1, 0);
    for (size_t i = 0; i < s.n; i++) {
        double x = s.wavelength[i];
        double second = x < 1700 ? 1 + 1e-4 * (x - 1000) / 700 : 1.0001 - 1e-4 * (x - 1700) / 1300;
        s.flux[i] = 3 + 2 * second;
    }
    struct fastbal_result r = measure_with(&s, t);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    check_near(r.chi2, 0, 1e-16);
    check_near(r.coeffs[0] + r.coeffs[1], 5, 1e-8);
    check_near(r.coeffs[0], 3, 1e-4); /* rounding errors times the square of the condition number, 5e4 */
    synthetic_free(&s);
    fastbal_templates_free(t);
}

static void few_pixels(void **state)
{
    (void)state;
    fastbal_templates *t = five_templates();
    for (int good = 0; good <= NT + 2; good++) {
        struct synthetic s = sum_of_templates(truth);
        for (size_t i = 0; i < s.n; i++)
            s.ivar[i] = 0;
        for (int k = 0; k < good; k++)
            s.ivar[500 + 400 * k] = 1; /* 1383 to 2260 A, far apart: independent */
        struct fastbal_result r = measure_with(&s, t);
        assert_int_equal(r.status & FASTBAL_NOT_MEASURED, good <= NT ? FASTBAL_FEW_PIXELS : 0);
        assert_int_equal(r.iterations == 0, good <= NT);
        if (good <= NT) {
            check_near(r.coeffs[0], 0, 0);
            check_near(r.chi2, 0, 0);
            check_none(&r.civ.ai, FASTBAL_MAX_AI);
            check_none(&r.siiv.bi, FASTBAL_MAX_BI);
        } else {
            assert_true(isfinite(r.chi2) && isfinite(r.coeffs[0]));
        }
        synthetic_free(&s);
    }
    fastbal_templates_free(t);
}

/* A fit with changed weights updates the equations of the previous fit; the result must equal that of a new
 * fit. The masks are like those of troughs: a few pixels, several ranges, everything again, and nearly
 * everything (which rebuilds the equations). */
static void from_fit_to_fit(void **state)
{
    (void)state;
    enum { N = 2000, FITS = 6 };
    static const double faint = 1e-6;
    static double fraction[N], flux[N], weight[FITS][N], spare[N], w[N], nodes[FB_NODE_ARRAYS * (NW + 2)];
    static uint32_t segment[N];
    static struct fb_equations kept, own;
    fastbal_templates *t = five_templates();
    uint64_t seed = 3;
    for (size_t i = 0; i < N; i++) {
        w[i] = 1250 + 0.6 * (double)i;
        flux[i] = 10 + uniform(&seed);
        for (int k = 0; k < FITS; k++) {
            int few = i > 400 && i < 430, places = few || (i > 700 && i < 800) || i == 1500,
                most = i % 100 != 0;
            const int masked[FITS] = { 0, few, places, 0, most, most };
            weight[k][i] = masked[k] ? 0 : 0.5 + 0.001 * (double)(i % 7);
        }
        if (i % 100 != 0)
            for (int k = 0; k < 4; k++)
                weight[k][i] *= 1e12; /* so that hardly a digit of what is left would be right */
        weight[5][i] *= 1 + faint;
    }
    fb_templates_locate(t, w, N, segment, fraction);
    struct fb_design d = { t, N, segment, fraction, flux, NULL, NULL, &kept, nodes, spare };
    for (int k = 0; k < FITS; k++) {
        double coeffs[NT], expected[NT], least, expected_least;
        d.weight_before = k > 0 ? weight[k - 1] : NULL;
        d.weight = weight[k];
        assert_int_equal(fb_fit(&d, coeffs, &least), FB_FIT_OK);
        struct fb_design alone = d;
        alone.weight_before = NULL;
        alone.equations = &own;
        assert_int_equal(fb_fit(&alone, expected, &expected_least), FB_FIT_OK);
        for (int c = 0; c < NT; c++)
            check_near(coeffs[c], expected[c], 1e-9 * (1 + fabs(expected[c])));
        check_near(least, expected_least, 1e-9 * expected_least);
    }
    fastbal_templates_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recovers_the_coefficients), cmocka_unit_test(is_the_minimum),
        cmocka_unit_test(unobserved_pixels),         cmocka_unit_test(fit_range),
        cmocka_unit_test(degenerate_templates),      cmocka_unit_test(degenerate_on_the_good_pixels),
        cmocka_unit_test(nearly_degenerate),         cmocka_unit_test(few_pixels),
        cmocka_unit_test(from_fit_to_fit),
    };
    return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
