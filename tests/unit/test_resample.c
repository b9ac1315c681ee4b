/*
 * test_resample.c - joining cameras whose pixels don't line up (algorithm, §1): the flux-conserving
 * resampling.
 *
 * The expected numbers come from integrating, output pixel by output pixel, every straight piece of the
 * input: slow, and written without a look at the library.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NMAX = 512 };

struct camera {
    size_t n;
    double w[NMAX];
    float flux[NMAX], ivar[NMAX];
    int32_t mask[NMAX];
};

/* The integral from a to b of the line through (x0, y0) and (x1, y1), counted only between x0 and x1. */
static double piece(double x0, double y0, double x1, double y1, double a, double b)
{
    double from = fmax(a, x0), to = fmin(b, x1);
    if (from >= to)
        return 0;
    double slope = (y1 - y0) / (x1 - x0);
    return (to - from) * (y0 + slope * (0.5 * (from + to) - x0));
}

/* The mean over [a, b] of the input, which falls to zero one step beyond its ends. */
static double mean_over(size_t n, const double *x, const double *y, double a, double b)
{
    double sum = piece(2 * x[0] - x[1], 0, x[0], y[0], a, b);
    for (size_t i = 0; i + 1 < n; i++)
        sum += piece(x[i], y[i], x[i + 1], y[i + 1], a, b);
    sum += piece(x[n - 1], y[n - 1], 2 * x[n - 1] - x[n - 2], 0, a, b);
    return sum / (b - a);
}

static void expected(const struct camera *cameras, int ncameras, int masked, double centre, double *flux,
                     double *ivar)
{
    double sum = 0, weight = 0, y[NMAX];
    for (int c = 0; c < ncameras; c++) {
        const struct camera *k = &cameras[c];
        for (int what = 0; what < 2; what++) {
            for (size_t i = 0; i < k->n; i++) {
                int good =
                    isfinite(k->flux[i]) && isfinite(k->ivar[i]) && k->ivar[i] > 0 && !(masked && k->mask[i]);
                y[i] = !good ? 0 : what ? (double)k->ivar[i] * k->flux[i] : k->ivar[i];
            }
            *(what ? &sum : &weight) += mean_over(k->n, k->w, y, centre - 0.4, centre + 0.4);
        }
    }
    *ivar = weight;
    *flux = weight > 0 ? sum / weight : 0;
}

static fastbal_grid *create(const struct camera *cameras, int n, double start)
{
    struct fastbal_camera list[FASTBAL_MAX_CAMERAS];
    fastbal_grid *grid;
    for (int c = 0; c < n; c++)
        list[c] = (struct fastbal_camera){ cameras[c].w, cameras[c].n };
    assert_int_equal(fastbal_grid_create(&grid, list, n, start, NULL), FASTBAL_OK);
    assert_int_equal(fastbal_grid_resamples(grid), 1);
    return grid;
}

static void join(const fastbal_grid *grid, const struct camera *cameras, int n, int masked, double *flux,
                 double *ivar)
{
    struct fastbal_pixels list[FASTBAL_MAX_CAMERAS];
    for (int c = 0; c < n; c++)
        list[c] =
            (struct fastbal_pixels){ cameras[c].flux, cameras[c].ivar, masked ? cameras[c].mask : NULL };
    fastbal_join(grid, list, flux, ivar);
}

static void check_all(const struct camera *cameras, int n, int masked, double start)
{
    static double flux[4 * NMAX], ivar[4 * NMAX];
    fastbal_grid *grid = create(cameras, n, start);
    const double *w = fastbal_grid_wavelength(grid);
    size_t size = fastbal_grid_size(grid);
    assert_true(size <= 4 * NMAX);
    join(grid, cameras, n, masked, flux, ivar);
    for (size_t i = 0; i < size; i++) {
        double f, iv;
        expected(cameras, n, masked, w[i], &f, &iv);
        check_near(ivar[i], iv, 1e-9 * (iv + 1e-3));
        if (iv > 1e-6) /* where next to nothing is seen, the flux is a ratio of rounding errors */
            check_near(flux[i], f, 1e-8 * (fabs(f) + 1));
        assert_true(isfinite(flux[i]));
        assert_true(ivar[i] >= 0);
    }
    fastbal_grid_free(grid);
}

/* Three cameras as in mocks: every one with its own first pixel and its own step, overlapping. */
static void mock_cameras(struct camera *c, uint64_t seed)
{
    const double first[3] = { 3569.3, 3640.05, 3731.7 }, step[3] = { 0.7, 0.8, 1.1 };
    const size_t n[3] = { 130, 140, 110 };
    memset(c, 0, 3 * sizeof *c);
    for (int j = 0; j < 3; j++) {
        c[j].n = n[j];
        for (size_t i = 0; i < n[j]; i++) {
            c[j].w[i] = first[j] + step[j] * (double)i + 0.05 * uniform(&seed);
            c[j].flux[i] = (float)(2 + uniform(&seed));
            c[j].ivar[i] = (float)(0.1 + uniform(&seed));
            c[j].mask[i] = uniform(&seed) < 0.1;
        }
    }
}

/* Output centres are start + 0.8 k, up to the last wavelength of the last camera. */
static void output_grid(void **state)
{
    (void)state;
    struct camera c[3];
    mock_cameras(c, 1);
    const double starts[2] = { 3600, c[0].w[0] };
    for (int j = 0; j < 2; j++) {
        fastbal_grid *grid = create(c, 3, starts[j]);
        size_t n = (size_t)((c[2].w[c[2].n - 1] - starts[j]) / 0.8) + 1;
        assert_int_equal(fastbal_grid_size(grid), n);
        for (size_t i = 0; i < n; i++)
            check_near(fastbal_grid_wavelength(grid)[i], starts[j] + 0.8 * (double)i, 1e-9);
        fastbal_grid_free(grid);
    }
}

static void against_exact_integral(void **state)
{
    (void)state;
    struct camera c[3];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        mock_cameras(c, seed);
        check_all(c, 3, 0, 3600);
        check_all(c, 3, 0, c[0].w[0]);
    }
}

static void masks_count(void **state)
{
    (void)state;
    struct camera c[3];
    mock_cameras(c, 6);
    check_all(c, 3, 1, 3600);
}

static void nonsense_is_neutralised(void **state)
{
    (void)state;
    struct camera c[3];
    mock_cameras(c, 7);
    c[0].flux[70] = NAN;
    c[0].ivar[80] = NAN;
    c[0].ivar[90] = -2;
    c[1].flux[0] = INFINITY;
    c[1].ivar[20] = INFINITY;
    c[2].ivar[109] = -INFINITY;
    check_all(c, 3, 0, 3600);
    check_all(c, 3, 1, 3600);
}

/* Nothing observed at all: zeros, not NaN. */
static void all_zero_ivar(void **state)
{
    (void)state;
    struct camera c[3];
    mock_cameras(c, 8);
    for (int j = 0; j < 3; j++)
        memset(c[j].ivar, 0, sizeof c[j].ivar);
    static double flux[NMAX * 4], ivar[NMAX * 4];
    fastbal_grid *grid = create(c, 3, 3600);
    join(grid, c, 3, 0, flux, ivar);
    for (size_t i = 0; i < fastbal_grid_size(grid); i++) {
        check_near(ivar[i], 0, 0);
        check_near(flux[i], 0, 0);
    }
    fastbal_grid_free(grid);
}

/*
 * Nothing is lost: the sum over output pixels times 0.8 A is the area of the input, where all of it is
 * inside.
 */
static void flux_is_conserved(void **state)
{
    (void)state;
    static double flux[NMAX * 4], ivar[NMAX * 4];
    struct camera c[3];
    mock_cameras(c, 9);
    for (int j = 0; j < 3; j++) { /* cameras that end in the dark, within the output */
        c[j].ivar[0] = c[j].ivar[c[j].n - 1] = 0;
        for (size_t i = 0; i < c[j].n; i++)
            if (c[j].w[i] < 3605 || c[j].w[i] > c[2].w[c[2].n - 1] - 5)
                c[j].ivar[i] = 0;
    }
    double weight = 0, sum = 0, w = 0, f = 0;
    for (int j = 0; j < 3; j++) {
        const struct camera *k = &c[j];
        for (size_t i = 1; i < k->n; i++) {
            double half = 0.5 * (k->w[i] - k->w[i - 1]);
            weight += half * ((double)k->ivar[i] + k->ivar[i - 1]);
            sum += half * ((double)k->ivar[i] * k->flux[i] + (double)k->ivar[i - 1] * k->flux[i - 1]);
        }
    }
    fastbal_grid *grid = create(c, 3, 3600);
    join(grid, c, 3, 0, flux, ivar);
    for (size_t i = 0; i < fastbal_grid_size(grid); i++) {
        w += 0.8 * ivar[i];
        f += 0.8 * ivar[i] * flux[i];
    }
    check_near(w, weight, 1e-9 * weight);
    check_near(f, sum, 1e-9 * sum);
    fastbal_grid_free(grid);
}

/* A constant stays what it is. */
static void constant_flux(void **state)
{
    (void)state;
    static double flux[NMAX * 4], ivar[NMAX * 4];
    struct camera c[3];
    mock_cameras(c, 10);
    for (int j = 0; j < 3; j++)
        for (size_t i = 0; i < c[j].n; i++)
            c[j].flux[i] = 7;
    fastbal_grid *grid = create(c, 3, 3600);
    join(grid, c, 3, 0, flux, ivar);
    for (size_t i = 0; i < fastbal_grid_size(grid); i++)
        check_near(flux[i], 7, 1e-9);
    fastbal_grid_free(grid);
}

/* A gap between cameras is a stretch of zeros. */
static void gap(void **state)
{
    (void)state;
    static double flux[NMAX * 4], ivar[NMAX * 4];
    struct camera c[3];
    mock_cameras(c, 11);
    for (size_t i = 0; i < c[2].n; i++)
        c[2].w[i] += 100; /* 3752 to 3831 A is not covered */
    fastbal_grid *grid = create(c, 3, 3600);
    join(grid, c, 3, 0, flux, ivar);
    for (size_t i = (size_t)((3755 - 3600) / 0.8); i < (size_t)((3828 - 3600) / 0.8); i++) {
        check_near(flux[i], 0, 0);
        check_near(ivar[i], 0, 0);
    }
    fastbal_grid_free(grid);
    check_all(c, 3, 0, 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_grid),   cmocka_unit_test(against_exact_integral),
        cmocka_unit_test(masks_count),   cmocka_unit_test(nonsense_is_neutralised),
        cmocka_unit_test(all_zero_ivar), cmocka_unit_test(flux_is_conserved),
        cmocka_unit_test(constant_flux), cmocka_unit_test(gap),
    };
    return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
