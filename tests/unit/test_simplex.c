/*
 * test_simplex.c - the simplex search (algorithm, §4): its steps, worked out by hand, its limits, known
 * minima, and the fit that uses it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>

#include "internal.h"

enum { MOST_CALLS = 1200 };

/* A function that returns the values of a list for any arguments, and records the arguments; after the list
 * it returns `then`. */
struct script {
    const double *answers;
    int nanswers, n, calls;
    double then;
    double asked[MOST_CALLS][3];
};

static double by_script(const double *x, const void *context)
{
    struct script *s = *(struct script *const *)context;
    assert_true(s->calls < MOST_CALLS);
    for (int k = 0; k < s->n; k++)
        s->asked[s->calls][k] = x[k];
    return s->calls++ < s->nanswers ? s->answers[s->calls - 1] : s->then;
}

static int search(struct script *s, double *x, double *least)
{
    return fb_simplex(by_script, &s, s->n, x, least);
}

/* Every kind of step, each taken because of its answer. */
static void test_steps(void **state)
{
    (void)state;
    static const struct {
        double answer, x, y;
    } steps[] = {
        { 1, 1, 1 },
        { 2, 1.05, 1 },
        { 3, 1, 1.05 },
        { .5, 1.05, .95 },          /* better than the best: */
        { .4, 1.075, .9 },          /* expanded, even better: taken */
        { .3, 1.025, .9 },          /* better than the best; taken, because */
        { .35, 1.0125, .85 },       /* expanded is worse */
        { .35, 1.1, .8 },           /* in between: taken */
        { .38, 1.05, .8 },          /* would be the worst: */
        { .38, 1.05625, .825 },     /* contracted outside, as good: taken */
        { .5, 1.06875, .875 },      /* worse than the worst: */
        { .36, 1.059375, .8375 },   /* contracted inside, better: taken */
        { .36, 1.065625, .8625 },   /* as bad as the worst: */
        { .36, 1.0609375, .84375 }, /* contracted inside, no better: */
        { .29, 1.0625, .85 },       /* shrunk */
        { .3, 1.0421875, .86875 },  /* as good as the vertex before, so that stays before it: */
        { .5, 1.0453125, .88125 },  /* this one is reflected */
        { .5, 1.04296875, .871875 },
        { .29, 1.04375, .875 },
        { .29, 1.05234375, .859375 },
    };
    enum { NSTEPS = sizeof steps / sizeof *steps };
    double answers[NSTEPS], x[2] = { 1, 1 }, least;
    struct script s = { .answers = answers, .nanswers = NSTEPS, .n = 2, .then = .29 };
    for (int i = 0; i < NSTEPS; i++)
        answers[i] = steps[i].answer;
    /* then it shrinks, four evaluations each, until 0.025 has become less than 1e-4: eight times */
    assert_int_equal(search(&s, x, &least), NSTEPS + 8 * 4);
    assert_int_equal(s.calls, NSTEPS + 8 * 4);
    for (int i = 0; i < NSTEPS; i++) {
        check_near(s.asked[i][0], steps[i].x, 1e-14);
        check_near(s.asked[i][1], steps[i].y, 1e-14);
    }
    check_near(x[0], 1.0625, 1e-14);
    check_near(x[1], 0.85, 1e-14);
    assert_true(least == .29);
}

/* A coordinate that is zero can't be made larger by a twentieth. */
static void test_start_from_zero(void **state)
{
    (void)state;
    double x[3] = { 4, 0, -2 }, least;
    struct script s = { .n = 3 };
    search(&s, x, &least);
    const double expected[4][3] = { { 4, 0, -2 }, { 4.2, 0, -2 }, { 4, .00025, -2 }, { 4, 0, -2.1 } };
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            check_near(s.asked[i][k], expected[i][k], 1e-15);
}

static double falling(const double *x, const void *context)
{
    struct script *s = *(struct script *const *)context;
    return by_script(x, context) - s->calls;
}

/* Every point is better than those before: three evaluations, then two a step, and after 399 one is left,
 * which is spent on a reflection that no expansion can follow. It is forgotten. */
static void test_step_cut_short(void **state)
{
    (void)state;
    double x[2] = { 1, 1 }, least;
    struct script s = { .n = 2 }, *context = &s;
    assert_int_equal(fb_simplex(falling, &context, 2, x, &least), 400);
    assert_int_equal(s.calls, 400);
    assert_true(least == -399);
    assert_true(x[0] == s.asked[398][0] && x[1] == s.asked[398][1]);
}

/* The limit comes when one of two vertices has been shrunk: 5 evaluations, 98 times 4, then 3. What was
 * learnt of that one counts. (Around zero, points that come ever closer stay apart.) */
static void test_shrink_cut_short(void **state)
{
    (void)state;
    double answers[400] = { 0, 1, 2, 1.5, 1 }, x[2] = { 0, 0 }, least;
    for (int i = 5; i < 399; i++)
        answers[i] = 1;
    answers[399] = -5;
    struct script s = { .answers = answers, .nanswers = 400, .n = 2 };
    assert_int_equal(search(&s, x, &least), 400);
    assert_true(least == -5);
    assert_true(x[0] == s.asked[399][0] && x[1] == s.asked[399][1]);
    assert_true(x[0] != 0 || x[1] != 0);
}

/* Ends in any case, with the only point that has a value. */
static void test_nan(void **state)
{
    (void)state;
    const double answers[] = { 7 };
    double x[1] = { 1 }, least;
    struct script s = { .answers = answers, .nanswers = 1, .n = 1, .then = NAN };
    assert_int_equal(search(&s, x, &least), 200);
    assert_true(x[0] == 1 && least == 7);
}

static double rosenbrock(const double *x, const void *context)
{
    (void)context;
    return 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1 - x[0]) * (1 - x[0]);
}

struct ellipsoid {
    int n;
    double centre[5];
};

static double ellipsoid(const double *x, const void *context)
{
    const struct ellipsoid *e = context;
    double sum = 3, together = 0;
    for (int k = 0; k < e->n; k++) {
        sum += (k + 1) * (x[k] - e->centre[k]) * (x[k] - e->centre[k]);
        together += x[k] - e->centre[k];
    }
    return sum + 0.5 * together * together;
}

static void test_known_minima(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int n = 1; n <= 5; n++) {
        struct ellipsoid e = { .n = n };
        double x[5], least;
        for (int k = 0; k < n; k++) {
            e.centre[k] = 6 * uniform(&seed) - 3;
            x[k] = 1;
        }
        int calls = fb_simplex(ellipsoid, &e, n, x, &least);
        assert_in_range(calls, n + 1, 200 * n - 1);
        for (int k = 0; k < n; k++)
            check_near(x[k], e.centre[k], 2e-4);
        check_near(least, 3, 1e-6);
    }
    double x[2] = { -1.2, 1 }, least;
    assert_in_range(fb_simplex(rosenbrock, NULL, 2, x, &least), 100, 399);
    check_near(x[0], 1, 1e-3);
    check_near(x[1], 1, 2e-3);
    check_near(least, 0, 1e-7);
}

/* ---- the fit ---- */

static void same_coeffs(const struct fastbal_result *a, const struct fastbal_result *b, double tolerance)
{
    assert_int_equal(a->ntemplates, b->ntemplates);
    for (int k = 0; k < a->ntemplates; k++)
        check_near(a->coeffs[k], b->coeffs[k], tolerance);
}

static struct fastbal_result measure_by(const struct fastbal_spectrum *spectrum, const fastbal_templates *t,
                                        const struct fastbal_options *options)
{
    fastbal_workspace *work = fastbal_workspace_create();
    struct fastbal_result r;
    assert_int_equal(fastbal_measure(work, t, spectrum, options, &r), FASTBAL_OK);
    fastbal_workspace_free(work);
    return r;
}

static void test_fits(void **state)
{
    (void)state;
    const struct fastbal_options exact = { .size = sizeof(struct fastbal_options), .fit = FASTBAL_FIT_EXACT },
                                 simplex = { .size = sizeof(struct fastbal_options),
                                             .fit = FASTBAL_FIT_SIMPLEX },
                                 unknown = { .size = sizeof(struct fastbal_options),
                                             .fit = FASTBAL_FIT_SIMPLEX + 1 };
    double wave[2] = { 900, 3000 }, values[4] = { 1, 1, -1, 1 };
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, 2, wave, 2, values), FASTBAL_OK);
    struct synthetic s = synthetic_linear(4000, 3600, 1.1, 2.0);
    for (size_t i = 0; i < s.n; i++)
        s.flux[i] = 3 + 0.5 * sin((double)i) - 1e-4 * (double)i;
    struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };

    struct fastbal_result a = measure_by(&spectrum, t, &exact), b = measure_by(&spectrum, t, &simplex),
                          c = measure_by(&spectrum, t, NULL);
    check_same_result(&a, &c);
    /* two unknowns are found, but for the search's tolerance */
    same_coeffs(&a, &b, 2e-4);
    assert_true(b.coeffs[0] != a.coeffs[0]);
    assert_true(b.chi2 > a.chi2);
    check_near(b.chi2, a.chi2, 1e-6 * a.chi2);

    fastbal_workspace *work = fastbal_workspace_create();
    assert_int_equal(fastbal_measure(work, t, &spectrum, &unknown, &c), FASTBAL_EARGUMENT);
    fastbal_workspace_free(work);
    synthetic_free(&s);
    fastbal_templates_free(t);
}

/* As bright as this the search takes all the evaluations it has, and stops far above the minimum. */
static void test_stops_early(void **state)
{
    (void)state;
    enum { NT = 10, NW = 200 };
    const struct fastbal_options simplex = { .size = sizeof(struct fastbal_options),
                                             .fit = FASTBAL_FIT_SIMPLEX };
    double wave[NW], values[NT * NW];
    for (int i = 0; i < NW; i++) {
        wave[i] = 1000 + 8 * i;
        for (int k = 0; k < NT; k++)
            values[k * NW + i] = cos(3.14159265 * k * i / NW);
    }
    fastbal_templates *t;
    assert_int_equal(fastbal_templates_create(&t, NW, wave, NT, values), FASTBAL_OK);
    struct synthetic s = synthetic_linear(4000, 3600, 1.1, 2.0);
    for (size_t i = 0; i < s.n; i++) {
        s.flux[i] = 500 + 100 * sin((double)i / 300);
        s.ivar[i] = 10;
    }
    struct fastbal_spectrum spectrum = { s.n, s.wavelength, s.flux, s.ivar, s.z };
    struct fastbal_result exact = measure_by(&spectrum, t, NULL), early = measure_by(&spectrum, t, &simplex);
    assert_true(early.chi2 > 1.1 * exact.chi2);
    synthetic_free(&s);
    fastbal_templates_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_start_from_zero),
        cmocka_unit_test(test_step_cut_short),
        cmocka_unit_test(test_shrink_cut_short),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_known_minima),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_stops_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
