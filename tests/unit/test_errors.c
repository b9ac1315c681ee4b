/*
 * test_errors.c - the library's errors for bad input, and options of any size.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- wavelengths ---- */

struct wrong {
    size_t at, n;
    double value;
    const char *text; /* without what owns the wavelengths */
};

static const struct wrong wrongs[] = {
    { 0, 9, -3600, "wavelength[0] = -3600: expected a finite number above 0" },
    { 0, 9, NAN, "wavelength[0] = nan: expected a finite number above 0" },
    { 4, 9, NAN, "wavelength[4] = nan: expected a finite number above 0" },
    { 8, 9, INFINITY, "wavelength[8] = inf: expected a finite number above 0" },
    { 4, 9, 3603, "wavelength[4] = 3603: expected more than the 3603 before it" },
    { 8, 9, 3600.125, "wavelength[8] = 3600.125: expected more than the 3607 before it" },
    { 5, 9, 1e9, "wavelength[6] = 3606: expected more than the 1000000000 before it" },
    { 0, 1, 3600, "n = 1: expected at least 2 wavelengths" },
    { 0, 0, 3600, "n = 0: expected at least 2 wavelengths" },
};

static void wrong_wavelengths(const struct wrong *wrong, double *wavelength)
{
    for (size_t i = 0; i < 9; i++)
        wavelength[i] = 3600 + (double)i;
    wavelength[wrong->at] = wrong->value;
}

static void expect(const char *found, const char *owner, const char *text)
{
    char expected[200];
    snprintf(expected, sizeof expected, "%s%s", owner, text);
    assert_string_equal(found, expected);
}

static void bad_wavelengths(void **state)
{
    (void)state;
    double good[9] = { 3600, 3601, 3602, 3603, 3604, 3605, 3606, 3607, 3608 }, bad[9], values[9] = { 0 };
    fastbal_templates *templates = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    for (size_t k = 0; k < sizeof wrongs / sizeof *wrongs; k++) {
        struct fastbal_camera cameras[3] = { { good, 9 }, { bad, wrongs[k].n }, { good, 9 } };
        struct fastbal_spectrum spectrum = { wrongs[k].n, bad, values, values, 2 };
        struct fastbal_message message;
        struct fastbal_result result;
        fastbal_grid *grid;
        wrong_wavelengths(&wrongs[k], bad);
        assert_int_equal(fastbal_grid_create(&grid, cameras, 3, 3600, &message), FASTBAL_EWAVELENGTH);
        assert_null(grid);
        expect(message.text, "cameras[1].", wrongs[k].text);
        assert_int_equal(fastbal_measure(work, templates, &spectrum, NULL, &result), FASTBAL_EWAVELENGTH);
        expect(fastbal_error(work), "spectrum->", wrongs[k].text);
    }
    fastbal_workspace_free(work);
    fastbal_templates_free(templates);
}

static void bad_grids(void **state)
{
    (void)state;
    double a[3] = { 3600, 3601, 3602 }, b[3] = { 3600.5, 3601.5, 3602.5 }, far[3] = { 1e18, 2e18, 3e18 };
    struct fastbal_camera cameras[2] = { { a, 3 }, { b, 3 } };
    struct fastbal_message message;
    fastbal_grid *grid;

    fastbal_grid_create(NULL, cameras, 2, 3600, &message);
    assert_string_equal(message.text, "grid is NULL");
    fastbal_grid_create(&grid, NULL, 2, 3600, &message);
    assert_string_equal(message.text, "cameras is NULL");
    fastbal_grid_create(&grid, cameras, 9, 3600, &message);
    assert_string_equal(message.text, "ncameras = 9: expected 1 to 8");
    assert_int_equal(fastbal_grid_create(&grid, cameras, 2, 5000, &message), FASTBAL_EWAVELENGTH);
    assert_string_equal(message.text,
                        "can't resample from start = 5000 to the 3602.5 where the last camera ends: "
                        "expected 2 to 1000000 pixels of 0.8");
    assert_int_equal(fastbal_grid_create(&grid, cameras, 2, 3600, &message), FASTBAL_OK);
    assert_string_equal(message.text, "");
    fastbal_grid_free(grid);
    cameras[1].wavelength = NULL;
    fastbal_grid_create(&grid, cameras, 2, 3600, &message);
    assert_string_equal(message.text, "cameras[1].wavelength is NULL");
    /* steps of 0.8 A that vanish beside the wavelength */
    double near[3] = { 1e18, 1e18 + 1e3, 1e18 + 1e5 };
    cameras[0].wavelength = far;
    cameras[1].wavelength = near;
    assert_int_equal(fastbal_grid_create(&grid, cameras, 2, 1e18, NULL), FASTBAL_EWAVELENGTH);
    assert_null(grid);
}

/* ---- arguments of fastbal_measure() ---- */

static void bad_arguments(void **state)
{
    (void)state;
    struct synthetic s = synthetic_create(0.1);
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    const struct fastbal_spectrum good = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    struct fastbal_spectrum bad;
    struct fastbal_result r, before;

    assert_string_equal(fastbal_error(NULL), "the workspace is NULL");
    assert_string_equal(fastbal_error(work), "");
    memset(&r, 0x5a, sizeof r);
    memcpy(&before, &r, sizeof r);
    fastbal_measure(work, NULL, &good, NULL, &r);
    assert_string_equal(fastbal_error(work), "templates is NULL");
    fastbal_measure(work, t, NULL, NULL, &r);
    assert_string_equal(fastbal_error(work), "spectrum is NULL");
    fastbal_measure(work, t, &good, NULL, NULL);
    assert_string_equal(fastbal_error(work), "result is NULL");
    bad = good, bad.wavelength = NULL;
    fastbal_measure(work, t, &bad, NULL, &r);
    assert_string_equal(fastbal_error(work), "spectrum->wavelength is NULL");
    bad = good, bad.flux = NULL;
    fastbal_measure(work, t, &bad, NULL, &r);
    assert_string_equal(fastbal_error(work), "spectrum->flux is NULL");
    bad = good, bad.ivar = NULL;
    fastbal_measure(work, t, &bad, NULL, &r);
    assert_string_equal(fastbal_error(work), "spectrum->ivar is NULL");
    bad = good, bad.z = -1.5;
    fastbal_measure(work, t, &bad, NULL, &r);
    assert_string_equal(fastbal_error(work), "spectrum->z = -1.5: expected a finite number above -1");
    assert_memory_equal(&r, &before, sizeof r);
    assert_int_equal(fastbal_measure(work, t, &good, NULL, &r), FASTBAL_OK);
    assert_string_equal(fastbal_error(work), "");
    fastbal_workspace_free(work);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* ---- options ---- */

struct longer {
    struct fastbal_options options;
    int more;
};

/* Options of any size beside those of today: status, and whether `rules` arrives. */
static void options_of_any_size(void **state)
{
    (void)state;
    const struct {
        size_t size;
        int status, has_fit, has_rules, has_continuum;
    } cases[] = {
        { 0, FASTBAL_EARGUMENT, 0, 0, 0 },
        { sizeof(size_t) - 1, FASTBAL_EARGUMENT, 0, 0, 0 },
        { offsetof(struct fastbal_options, fit), FASTBAL_OK, 0, 0, 0 },
        { offsetof(struct fastbal_options, rules), FASTBAL_OK, 1, 0, 0 },
        { offsetof(struct fastbal_options, continuum), FASTBAL_OK, 1, 1, 0 },
        { offsetof(struct fastbal_options, detector), FASTBAL_OK, 1, 1, 1 },
        { sizeof(struct fastbal_options), FASTBAL_OK, 1, 1, 1 },
        { sizeof(struct longer), FASTBAL_EARGUMENT, 0, 0, 0 },
        { SIZE_MAX, FASTBAL_EARGUMENT, 0, 0, 0 },
    };
    struct synthetic s = synthetic_create(0.1);
    fastbal_templates *t = flat_template();
    fastbal_workspace *work = fastbal_workspace_create();
    const struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fastbal_result r;
        /* an invalid value is an error only if the member is used */
        struct longer bad_fit = { { cases[k].size, 99, FASTBAL_RULES_MAIN, 0, NULL }, 0 };
        struct longer bad_rules = { { cases[k].size, FASTBAL_FIT_EXACT, 99, 0, NULL }, 0 };
        struct longer bad_continuum = { { cases[k].size, FASTBAL_FIT_EXACT, FASTBAL_RULES_MAIN, 99, NULL },
                                        0 };
        struct longer good = { { cases[k].size, FASTBAL_FIT_SIMPLEX, FASTBAL_RULES_OPTIMIZE,
                                 FASTBAL_CONTINUUM_LEAST_SQUARES, NULL },
                               0 };
        assert_int_equal(fastbal_measure(work, t, &spectrum, &good.options, &r), cases[k].status);
        assert_int_equal(fastbal_measure(work, t, &spectrum, &bad_fit.options, &r),
                         cases[k].has_fit ? FASTBAL_EARGUMENT : cases[k].status);
        assert_int_equal(fastbal_measure(work, t, &spectrum, &bad_rules.options, &r),
                         cases[k].has_rules ? FASTBAL_EARGUMENT : cases[k].status);
        assert_int_equal(fastbal_measure(work, t, &spectrum, &bad_continuum.options, &r),
                         cases[k].has_continuum ? FASTBAL_EARGUMENT : cases[k].status);
    }
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
    struct fastbal_result r;
    assert_int_equal(options.size, sizeof options);
    assert_true(options.fit == FASTBAL_FIT_EXACT && options.rules == FASTBAL_RULES_MAIN &&
                options.continuum == FASTBAL_CONTINUUM_DEFAULT);
    options.rules = -1;
    fastbal_measure(work, t, &spectrum, &options, &r);
    assert_string_equal(fastbal_error(work),
                        "options->rules = -1: expected 0 (main), 1 (optimize) or 2 (fastbal)");
    options = (struct fastbal_options)FASTBAL_OPTIONS_INIT;
    options.continuum = -1;
    fastbal_measure(work, t, &spectrum, &options, &r);
    assert_string_equal(
        fastbal_error(work),
        "options->continuum = -1: expected 0 (default), 1 (least squares) or 2 (trough-aware)");
    options.continuum = FASTBAL_CONTINUUM_TROUGH_AWARE;
    options.fit = FASTBAL_FIT_SIMPLEX;
    assert_int_equal(fastbal_measure(work, t, &spectrum, &options, &r), FASTBAL_EARGUMENT);
    assert_string_equal(fastbal_error(work),
                        "options->continuum = 2 (trough-aware): expected options->fit = 0 "
                        "(exact), found 1 (simplex)");
    options.size = 4096;
    fastbal_measure(work, t, &spectrum, &options, &r);
    assert_non_null(
        strstr(fastbal_error(work), "options->size = 4096: expected sizeof(struct fastbal_options)"));
    fastbal_workspace_free(work);
    fastbal_templates_free(t);
    synthetic_free(&s);
}

/* The numbers are those of the text. */
static void version(void **state)
{
    (void)state;
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", FASTBAL_VERSION_MAJOR, FASTBAL_VERSION_MINOR,
             FASTBAL_VERSION_PATCH);
    assert_string_equal(text, FASTBAL_VERSION);
    assert_string_equal(text, fastbal_version());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_wavelengths),     cmocka_unit_test(bad_grids), cmocka_unit_test(bad_arguments),
        cmocka_unit_test(options_of_any_size), cmocka_unit_test(version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
