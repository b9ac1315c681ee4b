/*
 * test_measure.c - the call as a whole: what it refuses, what it survives, and that it repeats itself.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

static void version_and_messages(void **state)
{
    (void)state;
    const char *seen[8];
    assert_string_equal(fastbal_version(), FASTBAL_VERSION);
    for (int code = -1; code < 7; code++) { /* one before and one after the known codes too */
        const char *text = fastbal_strerror(code);
        assert_non_null(text);
        size_t n = strlen(text);
        assert_true(n > 0 && text[n - 1] != '.');
        seen[code + 1] = text;
        for (int other = FASTBAL_OK; other < code && code <= FASTBAL_EPRIOR; other++)
            assert_string_not_equal(text, seen[other + 1]);
    }
}

static void check_not_measured(const struct fastbal_result *r, int ntemplates, uint32_t status)
{
    assert_int_equal(r->status, status);
    assert_int_equal(r->ntemplates, ntemplates);
    assert_int_equal(r->iterations, 0);
    for (int k = 0; k < ntemplates; k++)
        check_near(r->coeffs[k], 0, 0);
    check_near(r->chi2, 0, 0);
    check_none(&r->civ.ai, FASTBAL_MAX_AI);
    check_none(&r->civ.bi, FASTBAL_MAX_BI);
    check_none(&r->siiv.ai, FASTBAL_MAX_AI);
    check_none(&r->siiv.bi, FASTBAL_MAX_BI);
    check_near(r->snr_civ, -1, 0);
    check_near(r->snr_redside, -1, 0);
    check_near(r->snr_forest, -1, 0);
}

static void cleared_result(void **state)
{
    (void)state;
    struct fastbal_result r;
    memset(&r, 0x5a, sizeof r);
    fastbal_result_clear(&r, 4, FASTBAL_NO_SPECTRUM);
    check_not_measured(&r, 4, FASTBAL_NO_SPECTRUM);
}

/* The spectrum must reach from below 1549 A to above. */
static void civ_not_covered(void **state)
{
    (void)state;
    const struct {
        double first, last;
        int measured;
    } cases[6] = {
        { 1600.5, 2200, 0 },                                             /* all redward */
        { 1549.5, 2200, 0 }, { 1263.5, 1548.5, 0 }, { 1270.5, 1400, 0 }, /* all blueward */
        { 1500.5, 2200, 1 }, { 1300.5, 1600, 1 },
    };
    for (int j = 0; j < 6; j++) {
        size_t n = (size_t)(cases[j].last - cases[j].first) + 1;
        struct synthetic s = synthetic_linear(n, cases[j].first, 1, 0);
        struct fastbal_result r = measure_flat(&s);
        if (cases[j].measured)
            assert_int_equal(r.status & FASTBAL_NOT_MEASURED, 0);
        else
            check_not_measured(&r, 1, FASTBAL_NO_CIV);
        synthetic_free(&s);
    }
}

/* Where nothing is left of the fit range, the spectrum is flagged and the call succeeds. */
static void outside_the_fit_range(void **state)
{
    (void)state;
    for (int j = 0; j < 2; j++) {
        struct synthetic s = synthetic_linear(500, j ? 2500 : 700, 1, 0);
        struct fastbal_result r = measure_flat(&s);
        assert_true(r.status & FASTBAL_NOT_MEASURED);
        synthetic_free(&s);
    }
}

static void bad_wavelengths(void **state)
{
    (void)state;
    fastbal_templates *t = flat_template();
    const double nonsense[4] = { NAN, INFINITY, -1, 4000 }; /* 4000 A is out of order in all three places */
    struct fastbal_result r;
    for (int j = 0; j < 4; j++) {
        for (int where = 0; where < 3; where++) {
            struct synthetic s = synthetic_create(0.1);
            size_t i = where == 0 ? 0 : where == 1 ? s.n / 2 : s.n - 1;
            s.wavelength[i] = nonsense[j];
            assert_int_equal(measure_status(&s, t, &r), FASTBAL_EWAVELENGTH);
            synthetic_free(&s);
        }
    }
    struct synthetic s = synthetic_create(0.1);
    s.wavelength[100] = s.wavelength[99];
    assert_int_equal(measure_status(&s, t, &r), FASTBAL_EWAVELENGTH);
    synthetic_free(&s);
    fastbal_templates_free(t);
}

static void bad_arguments(void **state)
{
    (void)state;
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    struct synthetic s = synthetic_create(0.1);
    struct fastbal_spectrum good = { s.n, s.wavelength, s.flux, s.ivar, s.z }, bad;
    struct fastbal_result r;

    assert_int_equal(fastbal_measure(NULL, t, &good, NULL, &r), FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_measure(work, NULL, &good, NULL, &r), FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_measure(work, t, NULL, NULL, &r), FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_measure(work, t, &good, NULL, NULL), FASTBAL_EARGUMENT);
    bad = good, bad.wavelength = NULL;
    assert_int_equal(fastbal_measure(work, t, &bad, NULL, &r), FASTBAL_EARGUMENT);
    bad = good, bad.flux = NULL;
    assert_int_equal(fastbal_measure(work, t, &bad, NULL, &r), FASTBAL_EARGUMENT);
    bad = good, bad.ivar = NULL;
    assert_int_equal(fastbal_measure(work, t, &bad, NULL, &r), FASTBAL_EARGUMENT);
    const double z[4] = { NAN, INFINITY, -1, -2 };
    for (int j = 0; j < 4; j++) {
        bad = good, bad.z = z[j];
        assert_int_equal(fastbal_measure(work, t, &bad, NULL, &r), FASTBAL_EARGUMENT);
    }
    for (size_t n = 0; n < 2; n++) { /* too short */
        bad = good, bad.n = n;
        int code = fastbal_measure(work, t, &bad, NULL, &r);
        assert_true(code == FASTBAL_EARGUMENT || code == FASTBAL_EWAVELENGTH ||
                    (code == FASTBAL_OK && r.status));
    }
    assert_int_equal(fastbal_measure(work, t, &good, NULL, &r),
                     FASTBAL_OK); /* the workspace survived all that */
    assert_int_equal(r.status, 0);

    fastbal_workspace_free(work);
    fastbal_workspace_free(NULL);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* Redshifts at both ends of the range, on the grid of DESI. */
static void redshift_limits(void **state)
{
    (void)state;
    const double z[2] = { FASTBAL_Z_MIN, FASTBAL_Z_MAX };
    for (int j = 0; j < 2; j++) {
        struct synthetic s = synthetic_linear(7781, 3600, 0.8, z[j]);
        for (size_t i = 0; i < s.n; i++)
            s.ivar[i] = 100;
        /* a trough at 10000 to 15000 km/s in either */
        double from = CIV * (1 - 15000 / LIGHT) * (1 + z[j]), to = CIV * (1 - 10000 / LIGHT) * (1 + z[j]);
        for (size_t i = 0; i < s.n; i++)
            if (s.wavelength[i] > from && s.wavelength[i] < to)
                s.flux[i] = 0.2;
        struct fastbal_result r = measure_flat(&s);
        assert_int_equal(r.status, 0);
        assert_int_equal(r.civ.ai.count, 1);
        assert_int_equal(r.civ.bi.count, 1);
        double pixel_width = 0.8 / (CIV * (1 + z[j])) * LIGHT; /* km/s */
        check_near(r.civ.ai.vmax[0], 15000, pixel_width);
        check_near(r.civ.ai.vmin[0], 10000, pixel_width);
        check_near(r.civ.bi.index, (5000 - 2000) * (1 - 0.2 / 0.9), 3 * pixel_width);
        assert_int_equal(r.siiv.ai.count, 0);
        check_near(r.snr_redside, 10, 1e-9);
        if (j == 0)
            check_near(r.snr_forest, -1, 0); /* 1040 to 1205 A are too blue */
        else
            check_near(r.snr_forest, 10, 1e-9);
        synthetic_free(&s);
    }
}

/* Pixels that are no measurement count as flux = ivar = 0. */
static void nonsense_is_neutralised(void **state)
{
    (void)state;
    const double bad[6][2] = { { NAN, 1e4 }, { INFINITY, 1e4 }, { -INFINITY, 1e4 },
                               { 1, NAN },   { 1, INFINITY },   { 1, -5 } };
    for (int j = 0; j < 6; j++) {
        struct synthetic a = synthetic_create(0.01), b = synthetic_create(0.01);
        absorb(&a, -100, 40, 0.3);
        absorb(&b, -100, 40, 0.3);
        for (int k = -180; k < 60; k += 7) {
            a.flux[pixel(k)] = bad[j][0];
            a.ivar[pixel(k)] = bad[j][1];
            b.flux[pixel(k)] = b.ivar[pixel(k)] = 0;
        }
        const double *flux = a.flux; /* the caller's arrays are not changed */
        struct fastbal_result ra = measure_flat(&a), rb = measure_flat(&b);
        assert_true(isnan(bad[j][0]) ? isnan(flux[pixel(-180)]) : flux[pixel(-180)] == bad[j][0]);
        check_same_result(&ra, &rb);
        assert_int_equal(ra.status & FASTBAL_NOT_MEASURED, 0);
        assert_true(isfinite(ra.civ.ai.error) && isfinite(ra.civ.bi.error) && isfinite(ra.snr_civ));
        synthetic_free(&a);
        synthetic_free(&b);
    }
}

static void nothing_observed(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    memset(s.ivar, 0, s.n * sizeof *s.ivar);
    struct fastbal_result r = measure_flat(&s);
    check_not_measured(&r, 1, r.status);
    assert_int_equal(r.status & FASTBAL_NOT_MEASURED, FASTBAL_FEW_PIXELS);
    synthetic_free(&s);
}

/* Extreme but legal numbers give finite answers. */
static void extreme_values(void **state)
{
    (void)state;
    const double scale[4] = { 1e-30, 1e-17, 1e17, 1e30 };
    struct synthetic s = synthetic_create(0.01);
    absorb(&s, -100, 40, 0.3);
    struct fastbal_result plain = measure_flat(&s);
    synthetic_free(&s);
    for (int j = 0; j < 4; j++) {
        s = synthetic_create(0.01);
        absorb(&s, -100, 40, 0.3);
        for (size_t i = 0; i < s.n; i++) {
            s.flux[i] *= scale[j];
            s.ivar[i] /= scale[j] * scale[j];
        }
        struct fastbal_result r = measure_flat(&s);
        assert_int_equal(r.status, 0);
        check_near(r.coeffs[0] / scale[j], 1, 1e-9);
        check_near(r.civ.ai.index, plain.civ.ai.index, 1e-6);
        check_near(r.civ.ai.error, plain.civ.ai.error, 1e-6);
        check_near(r.civ.bi.index, plain.civ.bi.index, 1e-6);
        check_near(r.snr_civ, plain.snr_civ, 1e-6);
        synthetic_free(&s);
    }
}

/* One workspace for spectra that grow and shrink: no answer depends on what came before. */
static void workspace_is_reused(void **state)
{
    (void)state;
    const size_t length[8] = { 700, 1471, 1000, 1471, 640, 1200, 1471, 700 };
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    uint64_t seed = 5;
    for (int j = 0; j < 8; j++) {
        struct synthetic s = synthetic_create(0.05);
        absorb(&s, -200 + 10 * j, 30 + j, 0.1 * j);
        for (size_t i = 0; i < s.n; i++)
            s.flux[i] += 0.1 * (uniform(&seed) - 0.5);
        s.n = length[j];
        struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
        struct fastbal_result reused, fresh = measure_with(&s, t), again = measure_with(&s, t);
        memset(&reused, 0x5a, sizeof reused);
        assert_int_equal(fastbal_measure(work, t, &spectrum, NULL, &reused), FASTBAL_OK);
        check_same_result(&reused, &fresh);
        check_same_result(&again, &fresh);
        assert_int_equal(fresh.status & FASTBAL_NOT_MEASURED, 0);
        synthetic_free(&s);
    }
    fastbal_workspace_free(work);
    fastbal_templates_free(t);
}

/* And for template sets of different sizes. */
static void workspace_with_other_templates(void **state)
{
    (void)state;
    fastbal_templates *flat = flat_template(), *builtin;
    fastbal_workspace *work = fastbal_workspace_create();
    assert_int_equal(fastbal_templates_builtin(&builtin), FASTBAL_OK);
    struct synthetic s = synthetic_linear(7781, 3600, 0.8, 2.5);
    struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = 100;
    for (int j = 0; j < 4; j++) {
        const fastbal_templates *t = j % 2 ? builtin : flat;
        struct fastbal_result r, fresh = measure_with(&s, t);
        assert_int_equal(fastbal_measure(work, t, &spectrum, NULL, &r), FASTBAL_OK);
        check_same_result(&r, &fresh);
    }
    synthetic_free(&s);
    fastbal_workspace_free(work);
    fastbal_templates_free(flat);
    fastbal_templates_free(builtin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_and_messages), cmocka_unit_test(cleared_result),
        cmocka_unit_test(civ_not_covered),      cmocka_unit_test(outside_the_fit_range),
        cmocka_unit_test(bad_wavelengths),      cmocka_unit_test(bad_arguments),
        cmocka_unit_test(redshift_limits),      cmocka_unit_test(nonsense_is_neutralised),
        cmocka_unit_test(nothing_observed),     cmocka_unit_test(extreme_values),
        cmocka_unit_test(workspace_is_reused),  cmocka_unit_test(workspace_with_other_templates),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
