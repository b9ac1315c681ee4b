/*
 * test_trough_aware.c - the trough-aware continuum (algorithm, §4): when it is taken, what it makes of troughs, and of
 * spectra that say little. Its numbers are compared with numpy's in tests/cli/test_continuum.py and test_oracle.py.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

enum { NT = 4, NW = 400 };
static const double truth[NT] = { 20, 3, -4, 1 };

static double wave(size_t i)
{
    return 1230 + 3 * (double)i;
}

/* A constant, a slope, and two lines, the second one just where troughs of C IV are. */
static double component(int k, double w)
{
    double line = k == 2 ? 1549 : 1475;
    return k == 0 ? 1 : k == 1 ? (w - 1800) / 600 : exp(-0.5 * (w - line) * (w - line) / (25 * 25));
}

/* Four templates, the last of which is the same as the one before where twins is given. */
static fastbal_templates *make(const struct fastbal_prior *prior, int twins)
{
    static double w[NW], values[NT][NW];
    fastbal_templates *t;
    for (size_t i = 0; i < NW; i++) {
        w[i] = wave(i);
        for (int k = 0; k < NT; k++)
            values[k][i] = component(twins && k == 3 ? 2 : k, w[i]);
    }
    assert_int_equal(fastbal_templates_create_with_prior(&t, NW, w, NT, &values[0][0], prior), FASTBAL_OK);
    return t;
}

/* Lines scatter by 0.3 of the continuum, but the second one only by 0.05. */
static struct fastbal_prior known(void)
{
    static const double mean[3] = { 0, 0, 0 };
    static const double covariance[9] = { 0.09, 0, 0, 0, 0.09, 0, 0, 0, 0.0025 };
    static double misfit[NW];
    for (size_t i = 0; i < NW; i++)
        misfit[i] = 0.02;
    return (struct fastbal_prior){ mean, covariance, misfit };
}

/* z = 2, standard errors of 0.5 to a flux of 20; the true sum of templates without noise. */
static struct synthetic make_spectrum(void)
{
    struct synthetic s = synthetic_linear(5000, 3600, 0.8, 2);
    for (size_t i = 0; i < s.n; i++) {
        s.flux[i] = 0;
        for (int k = 0; k < NT; k++) {
            /* straight between the templates' wavelengths */
            size_t at = (size_t)fmax((s.wavelength[i] / 3 - 1230) / 3, 0);
            double f = (s.wavelength[i] / 3 - wave(at)) / 3;
            double y = component(k, wave(at)) + f * (component(k, wave(at + 1)) - component(k, wave(at)));
            s.flux[i] += truth[k] * y;
        }
        s.ivar[i] = 4;
    }
    return s;
}

static struct fastbal_result measure_by(const struct synthetic *s, const fastbal_templates *t, int fit,
                                        int continuum)
{
    const struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    struct fastbal_result r;
    fastbal_workspace *work = fastbal_workspace_create();
    options.fit = fit;
    options.continuum = continuum;
    assert_int_equal(fastbal_measure(work, t, &spectrum, &options, &r), FASTBAL_OK);
    fastbal_workspace_free(work);
    return r;
}

/* A trough from 5000 to 20000 km/s that leaves 0.4. */
static void absorb_widely(struct synthetic *s)
{
    for (size_t i = 0; i < s->n; i++) {
        double v = -LIGHT * (s->wavelength[i] / (1 + s->z) / CIV - 1);
        if (v > 5000 && v < 20000)
            s->flux[i] *= 0.4;
    }
}

static void defaults(void **state)
{
    (void)state;
    const struct fastbal_prior prior = known();
    fastbal_templates *with = make(&prior, 0), *without = make(NULL, 0);
    struct synthetic s = make_spectrum();
    absorb_widely(&s);
    const struct fastbal_result squares = measure_by(&s, with, 0, FASTBAL_CONTINUUM_LEAST_SQUARES),
                                aware = measure_by(&s, with, 0, FASTBAL_CONTINUUM_TROUGH_AWARE),
                                simplex = measure_by(&s, with, 1, FASTBAL_CONTINUUM_LEAST_SQUARES);
    assert_true(memcmp(squares.coeffs, aware.coeffs, sizeof aware.coeffs) != 0);
    struct fastbal_result r = measure_by(&s, with, 0, FASTBAL_CONTINUUM_DEFAULT);
    check_same_result(&r, &aware);
    r = measure_by(&s, without, 0, FASTBAL_CONTINUUM_DEFAULT);
    check_same_result(&r, &squares);
    r = measure_by(&s, with, 1, FASTBAL_CONTINUUM_DEFAULT);
    check_same_result(&r, &simplex);
    fastbal_templates_free(with);
    fastbal_templates_free(without);
    synthetic_free(&s);
}

/* Without noise and troughs the truth comes back, but for what cells do to a slope and the prior to its scatter. */
static void nothing_absorbed(void **state)
{
    (void)state;
    const struct fastbal_prior prior = known();
    fastbal_templates *with = make(&prior, 0), *without = make(NULL, 0);
    struct synthetic s = make_spectrum();
    struct fastbal_result r = measure_by(&s, without, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    for (int k = 0; k < NT; k++)
        check_near(r.coeffs[k], truth[k], 0.02);
    check_near(r.chi2, 0, 1e-3);
    assert_int_equal(r.iterations, 3); /* the least there are */
    r = measure_by(&s, with, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    for (int k = 0; k < NT; k++)
        check_near(r.coeffs[k], truth[k], k == 3 ? 0.3 : 0.1);
    check_near(r.civ.ai.index, 0, 0);
    fastbal_templates_free(with);
    fastbal_templates_free(without);
    synthetic_free(&s);
}

/* A shallow trough where the second line is, of about its width: least squares follow it so well that they find none. */
static void trough_not_followed(void **state)
{
    (void)state;
    const struct fastbal_prior prior = known();
    fastbal_templates *t = make(&prior, 0);
    struct synthetic s = make_spectrum();
    const double middle = 1475 * (1 + s.z);
    double continuum, expected = 0;
    for (int k = 0; k < NT; k++)
        expected += truth[k] * component(k, 1475);
    for (size_t i = 0; i < s.n; i++)
        if (fabs(s.wavelength[i] / (1 + s.z) - 1475) < 25)
            s.flux[i] *= 0.8;
    struct fastbal_result r = measure_by(&s, t, 0, FASTBAL_CONTINUUM_LEAST_SQUARES);
    fastbal_continuum(t, r.coeffs, s.z, 1, &middle, &continuum);
    assert_true(continuum < 0.9 * expected);
    check_near(r.civ.ai.index, 0, 0);
    r = measure_by(&s, t, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    fastbal_continuum(t, r.coeffs, s.z, 1, &middle, &continuum);
    assert_true(fabs(continuum / expected - 1) < 0.01);
    assert_true(r.civ.ai.index > 1000);
    assert_true(r.chi2 < 0.1); /* absorbed pixels are left out of it */
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* Fewer than 100 cells outside the search: all take part from the start. Templates that can't be told apart there are for
 * the prior to tell apart. */
static void few_cells(void **state)
{
    (void)state;
    const struct fastbal_prior prior = known();
    fastbal_templates *t = make(&prior, 0);
    struct synthetic s = make_spectrum();
    for (size_t i = 0; i < s.n; i++)
        if (s.wavelength[i] > 3 * 1600)
            s.ivar[i] = 0;
    struct fastbal_result r = measure_by(&s, t, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    for (int k = 0; k < NT; k++)
        check_near(r.coeffs[k], truth[k], 2);
    /* hardly more than one of the cells */
    for (size_t i = 0; i < s.n; i++)
        if (fabs(s.wavelength[i] - 3 * 1500) > 3)
            s.ivar[i] = 0;
    r = measure_by(&s, t, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    assert_true(r.coeffs[0] > 10 && r.coeffs[0] < 30);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

static void not_measured(void **state)
{
    (void)state;
    const struct fastbal_prior prior = known();
    fastbal_templates *with = make(&prior, 0), *twins = make(NULL, 1), *known_twins = make(&prior, 1);
    struct synthetic s = make_spectrum();
    struct fastbal_result r = measure_by(&s, twins, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status, FASTBAL_SINGULAR);
    r = measure_by(&s, known_twins, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = i >= 2000 && i < 2000 + NT ? 1 : 0; /* as many pixels as templates */
    r = measure_by(&s, with, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status, FASTBAL_FEW_PIXELS);
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = 0;
    r = measure_by(&s, with, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    assert_int_equal(r.status, FASTBAL_FEW_PIXELS);
    assert_true(r.iterations == 0 && r.coeffs[0] == 0 && r.chi2 == 0);
    fastbal_templates_free(with);
    fastbal_templates_free(twins);
    fastbal_templates_free(known_twins);
    synthetic_free(&s);
}

/* Spectra that are negative, huge or tiny have finite results, and scale with their unit. */
static void any_flux(void **state)
{
    (void)state;
    const double factors[] = { 1e-30, 1e30, -1, 0, 1e80 };
    const struct fastbal_prior prior = known();
    fastbal_templates *t = make(&prior, 0);
    struct synthetic s = make_spectrum();
    absorb_widely(&s);
    const struct fastbal_result expected = measure_by(&s, t, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
    for (size_t k = 0; k < sizeof factors / sizeof *factors; k++) {
        struct synthetic other = make_spectrum();
        absorb_widely(&other);
        for (size_t i = 0; i < s.n; i++) {
            other.flux[i] *= factors[k];
            if (factors[k] > 0 && factors[k] < 1e50)
                other.ivar[i] /= factors[k] * factors[k];
        }
        struct fastbal_result r = measure_by(&other, t, 0, FASTBAL_CONTINUUM_TROUGH_AWARE);
        for (int c = 0; c < NT; c++) {
            assert_true(isfinite(r.coeffs[c]));
            if (factors[k] > 0 && factors[k] < 1e50)
                check_near(r.coeffs[c] / factors[k], expected.coeffs[c], 1e-9);
        }
        assert_true(isfinite(r.chi2));
        synthetic_free(&other);
    }
    fastbal_templates_free(t);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(nothing_absorbed),
        cmocka_unit_test(trough_not_followed),
        cmocka_unit_test(few_cells),
        cmocka_unit_test(not_measured),
        cmocka_unit_test(any_flux),
    };
    return cmocka_run_group_tests_name("trough aware", tests, NULL, NULL);
}
