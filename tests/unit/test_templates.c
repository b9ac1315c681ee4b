/*
 * test_templates.c - template sets: creation, interpolation (algorithm, §3), the built-in set.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

static void create_and_read_back(void **state)
{
    (void)state;
    double w[4] = { 1000, 1001, 1500, 3000 }, v[8] = { 1, 2, 3, 4, -5, 6, -7, 8 };
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 4, w, 2, v), FASTBAL_OK);
    w[2] = v[5] = -1; /* the set has its own copy */
    assert_int_equal(fastbal_templates_count(t), 2);
    assert_int_equal(fastbal_templates_size(t), 4);
    check_near(fastbal_templates_wavelength(t)[2], 1500, 0);
    check_near(fastbal_templates_value(t, 0, 3), 4, 0);
    check_near(fastbal_templates_value(t, 1, 0), -5, 0);
    check_near(fastbal_templates_value(t, 1, 1), 6, 0);
    fastbal_templates_free(t);
    fastbal_templates_free(NULL);
}

static void refuse(size_t n, const double *w, int ntemplates, const double *v, int code)
{
    fastbal_templates *t = (fastbal_templates *)&code;
    assert_int_equal(fastbal_templates_create(&t, n, w, ntemplates, v), code);
    assert_null(t);
}

static void bad_sets(void **state)
{
    (void)state;
    const double w[3] = { 1000, 2000, 3000 }, v[3] = { 1, 2, 3 };
    static const double many[3 * (FASTBAL_MAX_TEMPLATES + 1)];
    refuse(3, NULL, 1, v, FASTBAL_EARGUMENT);
    refuse(3, w, 1, NULL, FASTBAL_EARGUMENT);
    refuse(3, w, 0, v, FASTBAL_EARGUMENT);
    refuse(3, w, FASTBAL_MAX_TEMPLATES + 1, many, FASTBAL_ETEMPLATES);
    assert_int_equal(fastbal_templates_create(NULL, 3, w, 1, v), FASTBAL_EARGUMENT);

    const double wrong[7][3] = { { 1000, 3000, 2000 }, { 2000, 1000, 3000 },     { 1000, 1000, 3000 },
                                 { NAN, 2000, 3000 },  { 1000, 2000, INFINITY }, { 1e-31, 1, 2 },
                                 { 1000, 2000, 1e31 } };
    for (int i = 0; i < 7; i++)
        refuse(3, wrong[i], 1, v, FASTBAL_EWAVELENGTH);

    const double nonsense[3] = { NAN, INFINITY, -INFINITY };
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            double values[3] = { 1, 2, 3 };
            values[j] = nonsense[i];
            refuse(3, w, 1, values, FASTBAL_ETEMPLATES);
        }
    }
    for (size_t n = 0; n < 2; n++) {
        fastbal_templates *t;
        int code = fastbal_templates_create(&t, n, w, 1, v);
        assert_true(code == FASTBAL_EARGUMENT || code == FASTBAL_EWAVELENGTH);
        assert_null(t);
    }

    fastbal_templates *t; /* as many as the limit are fine */
    assert_int_equal(fastbal_templates_create(&t, 3, w, FASTBAL_MAX_TEMPLATES, many), FASTBAL_OK);
    fastbal_templates_free(t);
}

/* A prior comes back as it was given; a set may have none. */
static void prior_read_back(void **state)
{
    (void)state;
    const double w[4] = { 1000, 1001, 1500, 3000 }, v[12] = { 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    double mean[2] = { 0.5, -2 }, covariance[4] = { 4, 1, 1, 9 }, misfit[4] = { 0.01, 0, 0.03, 0.1 };
    const struct fastbal_prior given = { mean, covariance, misfit };
    struct fastbal_prior read;
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create_with_prior(&t, 4, w, 3, v, &given), FASTBAL_OK);
    mean[1] = covariance[3] = misfit[3] = -1; /* the set has its own copy */
    assert_int_equal(fastbal_templates_prior(t, &read), 1);
    assert_true(read.mean[0] == 0.5 && read.mean[1] == -2 && read.covariance[0] == 4);
    assert_true(read.covariance[1] == 1 && read.covariance[3] == 9 && read.misfit[1] == 0 &&
                read.misfit[3] == 0.1);
    check_near(fastbal_templates_value(t, 2, 3), 9, 0);
    fastbal_templates_free(t);
    assert_int_equal(fastbal_templates_create_with_prior(&t, 4, w, 3, v, NULL), FASTBAL_OK);
    assert_int_equal(fastbal_templates_prior(t, &read), 0);
    assert_true(!read.mean && !read.covariance && !read.misfit);
    fastbal_templates_free(t);
}

static void bad_priors(void **state)
{
    (void)state;
    const double w[2] = { 1000, 3000 }, v[6] = { 1, 1, 1, 2, 3, 1 };
    const struct {
        double mean[2], covariance[4], misfit[2];
        int code;
    } cases[] = {
        { { 0, 0 }, { 1, 0, 0, 1 }, { 0, 0 }, FASTBAL_OK },
        { { 0, 0 }, { 1e8, 0, 0, 1e-8 }, { 0, 0 }, FASTBAL_OK },
        { { 0, 0 }, { 1, 0.5, 0.5 + 1e-12, 1 }, { 0, 0 }, FASTBAL_OK },
        { { 0, 0 }, { 1, 0.5, 0.5 + 1e-6, 1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0.5, -0.5, 1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 2, 2, 1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 1, 1, 1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0, 0, 0 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { -1, 0, 0, -1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0, 0, NAN }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, INFINITY }, { 1, 0, 0, 1 }, { 0, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0, 0, 1 }, { 0, -0.01 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0, 0, 1 }, { NAN, 0 }, FASTBAL_EPRIOR },
        { { 0, 0 }, { 1, 0, 0, 1 }, { 0, INFINITY }, FASTBAL_EPRIOR },
    };
    fastbal_templates *t;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct fastbal_prior prior = { cases[k].mean, cases[k].covariance, cases[k].misfit };
        assert_int_equal(fastbal_templates_create_with_prior(&t, 2, w, 3, v, &prior), cases[k].code);
        assert_true((t != NULL) == (cases[k].code == FASTBAL_OK));
        fastbal_templates_free(t);
    }
    /* one template has no ratios to its mean, and a prior has no parts that are missing */
    const struct fastbal_prior whole = { cases[0].mean, cases[0].covariance, cases[0].misfit };
    assert_int_equal(fastbal_templates_create_with_prior(&t, 2, w, 1, v, &whole), FASTBAL_EPRIOR);
    for (int k = 0; k < 3; k++) {
        struct fastbal_prior part = whole;
        *(k == 0 ? &part.mean : k == 1 ? &part.covariance : &part.misfit) = NULL;
        assert_int_equal(fastbal_templates_create_with_prior(&t, 2, w, 3, v, &part), FASTBAL_EARGUMENT);
        assert_null(t);
    }
}

/* Straight lines between wavelengths; beyond the ends the end value is held; wavelengths in any order. */
static void interpolation(void **state)
{
    (void)state;
    const double w[4] = { 1000, 1001, 1500, 3000 }, v[8] = { 1, 2, 3, 4, 10, 0, 10, -20 };
    const double z = 1.5, coeffs[2] = { 2, -1 };
    const double rest[9] = { 3000, 1000.5, 500, 1250.5, 1001, 4000, 1000, 2250, 999.999 };
    const double first[9] = { 4, 1.5, 1, 2.5, 2, 4, 1, 3.5, 1 };
    const double second[9] = { -20, 5, 10, 5, 0, -20, 10, -5, 10 };
    double observed[9], continuum[9];
    for (int i = 0; i < 9; i++)
        observed[i] = rest[i] * (1 + z);
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 4, w, 2, v), FASTBAL_OK);
    fastbal_continuum(t, coeffs, z, 9, observed, continuum);
    for (int i = 0; i < 9; i++)
        check_near(continuum[i], 2 * first[i] - second[i], 1e-9);
    fastbal_continuum(t, coeffs, z, 0, observed, continuum); /* no pixels, nothing done */
    fastbal_templates_free(t);
}

/* What is measured is interpolated the same way: a template with a corner between two of its wavelengths. */
static void measured_with_interpolation(void **state)
{
    (void)state;
    const double w[4] = { 1300, 1350.3, 1700.7, 1800 }, v[4] = { 3, 1, 2, 5 };
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 4, w, 1, v), FASTBAL_OK);
    struct synthetic s = synthetic_create(0.01);
    for (size_t i = 0; i < s.n; i++) {
        double x = s.wavelength[i] / (1 + s.z), y = 0;
        for (int j = 0; j < 3; j++)
            if (x >= w[j] && x <= w[j + 1])
                y = v[j] + (v[j + 1] - v[j]) * (x - w[j]) / (w[j + 1] - w[j]);
        s.flux[i] = 6 * (x < w[0] ? v[0] : x > w[3] ? v[3] : y);
    }
    struct fastbal_result r = measure_with(&s, t);
    check_near(r.coeffs[0], 6, 1e-10);
    check_near(r.chi2, 0, 1e-3); /* the anchor weighs 1e14 times: what is left are rounding errors */
    synthetic_free(&s);
    fastbal_templates_free(t);
}

/* Segments of 1 A with one of 1e-6 A among them: too uneven for a table, and the same function all the same. */
static void uneven(void **state)
{
    (void)state;
    enum { N = 1202 };
    double w[N + 1], even[N], crowded[N + 1], probe[500], a[500], b[500], one = 1;
    fastbal_templates *first, *second;
    for (size_t i = 0; i < N; i++) {
        w[i] = 1200 + (double)i;
        even[i] = sin(0.05 * w[i]);
    }
    assert_int_equal(fastbal_templates_create(&first, N, w, 1, even), FASTBAL_OK);
    /* one more wavelength just after the 600th, on the line between its neighbours */
    for (size_t i = N; i > 600; i--) {
        w[i] = w[i - 1];
        crowded[i] = even[i - 1];
    }
    memcpy(crowded, even, 600 * sizeof *even);
    w[600] = w[599] + 1e-6;
    crowded[600] = even[599] + 1e-6 * (even[600] - even[599]);
    assert_int_equal(fastbal_templates_create(&second, N + 1, w, 1, crowded), FASTBAL_OK);
    for (size_t i = 0; i < 500; i++)
        probe[i] = 1190 + 2.45 * (double)i;
    probe[250] = 1200 + 599; /* a border, and inside the narrow segment */
    probe[251] = 1200 + 599 + 5e-7;
    fastbal_continuum(first, &one, 0, 500, probe, a);
    fastbal_continuum(second, &one, 0, 500, probe, b);
    for (size_t i = 0; i < 500; i++)
        assert_true(fabs(a[i] - b[i]) < 1e-9);
    fastbal_templates_free(first);
    fastbal_templates_free(second);
}

static void builtin(void **state)
{
    (void)state;
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_builtin(&t), FASTBAL_OK);
    int k = fastbal_templates_count(t);
    size_t n = fastbal_templates_size(t);
    const double *w = fastbal_templates_wavelength(t);
    assert_in_range(k, 4, FASTBAL_MAX_TEMPLATES);
    assert_true(w[0] < 1262 && w[n - 1] > 2397); /* the cells wholly within the fit range */
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || w[i] > w[i - 1]);
        for (int j = 0; j < k; j++)
            assert_true(isfinite(fastbal_templates_value(t, j, i)));
    }

    /* They are independent of each other, and they can follow a redder and a bluer mean quasar. */
    for (int slope = -1; slope <= 1; slope++) {
        const double mean[FASTBAL_MAX_TEMPLATES] = { 10 };
        struct synthetic s = synthetic_linear(7781, 3600, 0.8, 2.3);
        fastbal_continuum(t, mean, s.z, s.n, s.wavelength, s.flux);
        for (size_t i = 0; i < s.n; i++) {
            s.flux[i] *= pow(s.wavelength[i] / 6000, 0.4 * slope);
            s.ivar[i] = 1 / (0.05 * 0.05 * s.flux[i] * s.flux[i]);
        }
        struct fastbal_result r = measure_with(&s, t);
        assert_int_equal(r.ntemplates, k);
        assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
        assert_true(r.chi2 < 1); /* within 5 % */
        synthetic_free(&s);
    }
    fastbal_templates_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_and_read_back),
        cmocka_unit_test(bad_sets),
        cmocka_unit_test(prior_read_back),
        cmocka_unit_test(bad_priors),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(measured_with_interpolation),
        cmocka_unit_test(uneven),
        cmocka_unit_test(builtin),
    };
    return cmocka_run_group_tests_name("templates", tests, NULL, NULL);
}
