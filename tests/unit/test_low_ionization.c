/*
 * test_low_ionization.c - Al III and Mg II at the velocities of a C IV trough (algorithm, §5.2). The continuum is 1; the
 * trough is at 5000 to 9000 km/s.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>

#define ALIII 1857.0
#define MGII 2799.0
#define VMIN 5000.0
#define VMAX 9000.0

enum { NPIXELS = 4000 };

static size_t first_pixel(const struct synthetic *s, double line, double v)
{
    size_t i = 0;
    while (i < s->n && s->wavelength[i] / (1 + s->z) < line * (1 - v / LIGHT))
        i++;
    return i;
}

static void absorb_line(struct synthetic *s, double line, double depth)
{
    for (size_t i = first_pixel(s, line, VMAX), end = first_pixel(s, line, VMIN); i < end; i++)
        s->flux[i] = 1 - depth;
}

/* Rest frame 1200 A to `last`. */
static struct synthetic spectrum_to(double last)
{
    struct synthetic s = synthetic_linear(NPIXELS, 1200 * 3, (last - 1200) * 3 / NPIXELS, 2);
    for (size_t i = 0; i < s.n; i++)
        s.ivar[i] = 400;
    absorb_line(&s, CIV, 0.6);
    return s;
}

static struct fastbal_low_ionization low_of(const struct synthetic *s)
{
    struct fastbal_result r = measure_flat(s);
    assert_true(r.civ.ai.count == 1);
    return r.low;
}

static void high_ionization(void **state)
{
    (void)state;
    struct synthetic s = spectrum_to(2950);
    struct fastbal_low_ionization low = low_of(&s);
    assert_int_equal(low.searched, FASTBAL_ALIII | FASTBAL_MGII);
    assert_int_equal(low.found, 0);
    check_near(low.aliii_depth, 0, 0.02); /* the flat template follows the C IV trough a little */
    check_near(low.mgii_depth, 0, 1e-9);
    synthetic_free(&s);
}

static void each_line(void **state)
{
    (void)state;
    for (int lines = 1; lines <= 3; lines++) {
        struct synthetic s = spectrum_to(2950);
        if (lines & FASTBAL_ALIII)
            absorb_line(&s, ALIII, 0.3);
        if (lines & FASTBAL_MGII)
            absorb_line(&s, MGII, 0.25);
        struct fastbal_low_ionization low = low_of(&s);
        assert_int_equal(low.found, lines);
        check_near(low.aliii_depth, lines & FASTBAL_ALIII ? 0.3 : 0, 0.02);
        check_near(low.mgii_depth, lines & FASTBAL_MGII ? 0.25 : 0, 0.01);
        assert_true(low.aliii_error >= 0.03 && low.aliii_error < 0.04);
        assert_true(low.mgii_error >= 0.06 && low.mgii_error < 0.07);
        synthetic_free(&s);
    }
}

/* Mg II needs the spectrum up to 2900 A in the rest frame. */
static void coverage(void **state)
{
    (void)state;
    struct synthetic s = spectrum_to(2890);
    absorb_line(&s, MGII, 0.5);
    struct fastbal_low_ionization low = low_of(&s);
    assert_int_equal(low.searched, FASTBAL_ALIII);
    assert_int_equal(low.found, 0);
    check_near(low.mgii_error, 0, 0);
    synthetic_free(&s);
}

/* Shallow absorption is not enough, however significant; nor is deep absorption in noise. */
static void limits(void **state)
{
    (void)state;
    struct synthetic s = spectrum_to(2950);
    absorb_line(&s, ALIII, 0.07);
    assert_int_equal(low_of(&s).found, 0);
    absorb_line(&s, ALIII, 0.3);
    for (size_t i = first_pixel(&s, ALIII, VMAX); i < first_pixel(&s, ALIII, VMIN); i++)
        s.ivar[i] = 0.04; /* some 30 pixels of error 5 */
    assert_int_equal(low_of(&s).found, 0);
    synthetic_free(&s);
}

static void nothing_without_troughs(void **state)
{
    (void)state;
    struct synthetic s = spectrum_to(2950);
    absorb_line(&s, CIV, 0);
    absorb_line(&s, ALIII, 0.5);
    struct fastbal_result r = measure_flat(&s);
    assert_int_equal(r.civ.ai.count, 0);
    assert_int_equal(r.low.searched, 0);
    check_near(r.low.aliii_depth, 0, 0);
    synthetic_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(high_ionization),
        cmocka_unit_test(each_line),
        cmocka_unit_test(coverage),
        cmocka_unit_test(limits),
        cmocka_unit_test(nothing_without_troughs),
    };
    return cmocka_run_group_tests_name("low ionization", tests, NULL, NULL);
}
