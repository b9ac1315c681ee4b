/*
 * test_cameras.c - joining cameras whose pixels lie on one grid (algorithm, §1). For grids that don't line up
 * see test_resample.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <string.h>

/* Three cameras in steps of 0.8 A: 10 pixels, 8 with an overlap of 3, 6 with an overlap of 2; 19 joined. */
enum { NB = 10, NR = 8, NZ = 6, RSTART = 7, ZSTART = 13, NJOINED = 19 };

struct three {
    double wb[NB], wr[NR], wz[NZ];
    float fb[NB], fr[NR], fz[NZ], ib[NB], ir[NR], iz[NZ];
    struct fastbal_camera cameras[3];
    struct fastbal_pixels pixels[3];
};

static void fill(double *w, float *f, float *iv, int n, int start, float flux, float ivar)
{
    for (int i = 0; i < n; i++) {
        w[i] = 3600 + 0.8 * (start + i);
        f[i] = flux + 0.25f * (float)i;
        iv[i] = ivar + 0.5f * (float)i;
    }
}

static void three_cameras(struct three *t)
{
    fill(t->wb, t->fb, t->ib, NB, 0, 10, 1);
    fill(t->wr, t->fr, t->ir, NR, RSTART, 20, 2);
    fill(t->wz, t->fz, t->iz, NZ, ZSTART, 30, 3);
    t->cameras[0] = (struct fastbal_camera){ t->wb, NB };
    t->cameras[1] = (struct fastbal_camera){ t->wr, NR };
    t->cameras[2] = (struct fastbal_camera){ t->wz, NZ };
    t->pixels[0] = (struct fastbal_pixels){ t->fb, t->ib, NULL };
    t->pixels[1] = (struct fastbal_pixels){ t->fr, t->ir, NULL };
    t->pixels[2] = (struct fastbal_pixels){ t->fz, t->iz, NULL };
}

static fastbal_grid *create(const struct fastbal_camera *cameras, int n)
{
    fastbal_grid *grid;
    assert_int_equal(fastbal_grid_create(&grid, cameras, n, 3600, NULL), FASTBAL_OK);
    assert_non_null(grid);
    return grid;
}

/* Flux and ivar of joined pixel i, from the definition. */
static void expected(const struct three *t, int i, double *flux, double *ivar)
{
    const struct {
        const float *f, *iv;
        int start, n;
    } cameras[3] = { { t->fb, t->ib, 0, NB }, { t->fr, t->ir, RSTART, NR }, { t->fz, t->iz, ZSTART, NZ } };
    double sum = 0, weight = 0, only = 0;
    int seen = 0;
    for (int c = 0; c < 3; c++) {
        int j = i - cameras[c].start;
        if (j < 0 || j >= cameras[c].n)
            continue;
        seen++;
        only = cameras[c].f[j];
        weight += cameras[c].iv[j];
        sum += (double)cameras[c].iv[j] * cameras[c].f[j];
    }
    *ivar = weight;
    *flux = seen == 1 ? only : weight > 0 ? sum / weight : 0;
}

static void check_join(const fastbal_grid *grid, const struct three *t)
{
    double flux[NJOINED], ivar[NJOINED];
    memset(flux, 0x5a, sizeof flux);
    memset(ivar, 0x5a, sizeof ivar);
    fastbal_join(grid, t->pixels, flux, ivar);
    for (int i = 0; i < NJOINED; i++) {
        double f, iv;
        expected(t, i, &f, &iv);
        check_near(flux[i], f, 1e-12 * fabs(f));
        check_near(ivar[i], iv, 1e-12 * iv);
    }
}

static void grid_of_three(void **state)
{
    (void)state;
    struct three t;
    three_cameras(&t);
    fastbal_grid *grid = create(t.cameras, 3);
    assert_int_equal(fastbal_grid_resamples(grid), 0);
    assert_int_equal(fastbal_grid_size(grid), NJOINED);
    memset(t.wb, 0, sizeof t.wb); /* the cameras' arrays need not outlive the call */
    memset(t.wr, 0, sizeof t.wr);
    memset(t.wz, 0, sizeof t.wz);
    for (int i = 0; i < NJOINED; i++)
        check_near(fastbal_grid_wavelength(grid)[i], 3600 + 0.8 * i, 1e-9);
    check_join(grid, &t);
    check_join(grid, &t); /* a grid can be used again */
    fastbal_grid_free(grid);
}

/* Real DESI grids: 2751, 2326 and 2881 pixels make 7781. */
static void desi_grid(void **state)
{
    (void)state;
    static double w[3][2881];
    const double first[3] = { 3600, 5760, 7520 };
    const size_t n[3] = { 2751, 2326, 2881 };
    struct fastbal_camera cameras[3];
    for (int c = 0; c < 3; c++) {
        for (size_t i = 0; i < n[c]; i++)
            w[c][i] = first[c] + 0.8 * (double)i;
        cameras[c] = (struct fastbal_camera){ w[c], n[c] };
    }
    fastbal_grid *grid = create(cameras, 3);
    assert_int_equal(fastbal_grid_size(grid), 7781);
    assert_int_equal(fastbal_grid_resamples(grid), 0);
    check_near(fastbal_grid_wavelength(grid)[7780], 9824, 1e-6);
    fastbal_grid_free(grid);
}

static void zero_ivar(void **state)
{
    (void)state;
    struct three t;
    three_cameras(&t);
    fastbal_grid *grid = create(t.cameras, 3);
    double flux[NJOINED], ivar[NJOINED];
    t.ib[2] = 0;          /* one camera: the flux is kept */
    t.ib[RSTART] = 0;     /* two cameras, one good: the good one alone */
    t.ib[RSTART + 1] = 0; /* two cameras, none good: flux 0 */
    t.ir[1] = 0;
    check_join(grid, &t);
    fastbal_join(grid, t.pixels, flux, ivar);
    check_near(flux[2], 10.5, 0);
    check_near(ivar[2], 0, 0);
    check_near(flux[RSTART], 20, 1e-12);
    check_near(ivar[RSTART], 2, 1e-12);
    check_near(flux[RSTART + 1], 0, 0);
    check_near(ivar[RSTART + 1], 0, 0);
    fastbal_grid_free(grid);
}

/* What isn't a measurement counts as flux = ivar = 0, and doesn't touch the other camera. */
static void nonsense_is_neutralised(void **state)
{
    (void)state;
    const float bad[6][2] = { { NAN, 1 }, { INFINITY, 1 }, { -INFINITY, 1 },
                              { 5, NAN }, { 5, INFINITY }, { 5, -1 } };
    for (int i = 0; i < 6; i++) {
        struct three t;
        three_cameras(&t);
        fastbal_grid *grid = create(t.cameras, 3);
        double flux[NJOINED], ivar[NJOINED];
        t.fb[3] = t.fb[RSTART] = bad[i][0];
        t.ib[3] = t.ib[RSTART] = bad[i][1];
        t.fz[NZ - 1] = bad[i][0];
        t.iz[NZ - 1] = bad[i][1];
        fastbal_join(grid, t.pixels, flux, ivar);
        check_near(flux[3], 0, 0);
        check_near(ivar[3], 0, 0);
        check_near(flux[RSTART], 20, 1e-12);
        check_near(ivar[RSTART], 2, 1e-12);
        check_near(flux[NJOINED - 1], 0, 0);
        check_near(ivar[NJOINED - 1], 0, 0);
        check_near(flux[4], 11, 1e-12); /* the neighbours are as they were */
        fastbal_grid_free(grid);
    }
}

static void masks_play_no_part(void **state)
{
    (void)state;
    struct three t;
    three_cameras(&t);
    fastbal_grid *grid = create(t.cameras, 3);
    int32_t mask[NB] = { 0, 1, 2, 4, 8, 0, 0, 1, 1, 1 };
    t.pixels[0].mask = mask;
    check_join(grid, &t);
    fastbal_grid_free(grid);
}

static void one_camera(void **state)
{
    (void)state;
    const double w[5] = { 3600, 3601.5, 3602, 3604, 3610 }; /* used as it is, even where uneven */
    const float f[5] = { 1, 2, NAN, 4, 5 }, iv[5] = { 1, 0, 1, -1, 2 };
    const double fout[5] = { 1, 2, 0, 0, 5 }, ivout[5] = { 1, 0, 0, 0, 2 };
    struct fastbal_camera camera = { w, 5 };
    struct fastbal_pixels pixels = { f, iv, NULL };
    double flux[5], ivar[5];
    fastbal_grid *grid = create(&camera, 1);
    assert_int_equal(fastbal_grid_size(grid), 5);
    assert_int_equal(fastbal_grid_resamples(grid), 0);
    fastbal_join(grid, &pixels, flux, ivar);
    for (int i = 0; i < 5; i++) {
        check_near(fastbal_grid_wavelength(grid)[i], w[i], 0);
        check_near(flux[i], fout[i], 0);
        check_near(ivar[i], ivout[i], 0);
    }
    fastbal_grid_free(grid);
}

/* Two cameras, and a gap between cameras. */
static void missing_cameras(void **state)
{
    (void)state;
    struct three t;
    double flux[NB + NZ], ivar[NB + NZ];
    three_cameras(&t);
    fastbal_grid *grid = create(t.cameras, 2);
    assert_int_equal(fastbal_grid_size(grid), RSTART + NR);
    fastbal_grid_free(grid);

    struct fastbal_camera bz[2] = { t.cameras[0], t.cameras[2] };
    struct fastbal_pixels pixels[2] = { t.pixels[0], t.pixels[2] };
    grid = create(bz, 2);
    assert_int_equal(fastbal_grid_resamples(grid), 0);
    assert_int_equal(fastbal_grid_size(grid), NB + NZ);
    fastbal_join(grid, pixels, flux, ivar);
    check_near(fastbal_grid_wavelength(grid)[NB], t.wz[0], 0);
    check_near(flux[NB - 1], t.fb[NB - 1], 0);
    check_near(flux[NB], t.fz[0], 0);
    check_near(ivar[NB + NZ - 1], t.iz[NZ - 1], 0);
    fastbal_grid_free(grid);
}

/* Pixels count as the same within 1e-4 A. */
static void alignment_tolerance(void **state)
{
    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        struct three t;
        three_cameras(&t);
        for (int i = 0; i < NR; i++)
            t.wr[i] += apart ? 2e-4 : 5e-5;
        fastbal_grid *grid = create(t.cameras, 3);
        assert_int_equal(fastbal_grid_resamples(grid), apart);
        if (!apart) {
            assert_int_equal(fastbal_grid_size(grid), NJOINED);
            check_join(grid, &t);
        }
        fastbal_grid_free(grid);
    }

    struct three t; /* one pixel off is enough */
    three_cameras(&t);
    t.wr[1] += 0.01;
    fastbal_grid *grid = create(t.cameras, 3);
    assert_int_equal(fastbal_grid_resamples(grid), 1);
    fastbal_grid_free(grid);
}

static void refuse(const struct fastbal_camera *cameras, int n, double start, int code)
{
    fastbal_grid *grid = (fastbal_grid *)&code; /* must be overwritten */
    assert_int_equal(fastbal_grid_create(&grid, cameras, n, start, NULL), code);
    assert_null(grid);
}

static void bad_wavelengths(void **state)
{
    (void)state;
    struct three t;
    const double nonsense[4] = { NAN, INFINITY, -3605, 3600 };
    for (int i = 0; i < 4; i++) {
        for (int c = 0; c < 3; c++) { /* the first camera and the last count as much as the one between */
            three_cameras(&t);
            double *w = c == 0 ? t.wb : c == 1 ? t.wr : t.wz;
            w[3] = nonsense[i];
            refuse(t.cameras, 3, 3600, FASTBAL_EWAVELENGTH);
        }
    }
    three_cameras(&t);
    t.wb[4] = t.wb[3]; /* increasing means strictly */
    refuse(t.cameras, 3, 3600, FASTBAL_EWAVELENGTH);
    const double first[3] = { NAN, 0, -1 };
    for (int i = 0; i < 3; i++) {
        three_cameras(&t);
        t.wb[0] = first[i];
        refuse(t.cameras, 3, 3600, FASTBAL_EWAVELENGTH);
    }
    three_cameras(&t);
    t.wz[NZ - 1] = NAN;
    refuse(t.cameras, 3, 3600, FASTBAL_EWAVELENGTH);
}

static void most_cameras(void **state)
{
    (void)state;
    double w[FASTBAL_MAX_CAMERAS][4];
    float f[FASTBAL_MAX_CAMERAS][4], iv[FASTBAL_MAX_CAMERAS][4];
    struct fastbal_camera cameras[FASTBAL_MAX_CAMERAS];
    struct fastbal_pixels pixels[FASTBAL_MAX_CAMERAS];
    for (int c = 0; c < FASTBAL_MAX_CAMERAS; c++) { /* each shares its last pixel with the next one */
        fill(w[c], f[c], iv[c], 4, 3 * c, (float)c, 1);
        cameras[c] = (struct fastbal_camera){ w[c], 4 };
        pixels[c] = (struct fastbal_pixels){ f[c], iv[c], NULL };
    }
    fastbal_grid *grid = create(cameras, FASTBAL_MAX_CAMERAS);
    assert_int_equal(fastbal_grid_size(grid), 3 * FASTBAL_MAX_CAMERAS + 1);
    double flux[3 * FASTBAL_MAX_CAMERAS + 1], ivar[3 * FASTBAL_MAX_CAMERAS + 1];
    fastbal_join(grid, pixels, flux, ivar);
    check_near(flux[3 * FASTBAL_MAX_CAMERAS], f[FASTBAL_MAX_CAMERAS - 1][3], 0);
    check_near(ivar[3], 2.5 + 1, 1e-12); /* the last pixel of the first and the first of the second */
    fastbal_grid_free(grid);
}

/* Where the resampled grid starts has to leave at least one pixel, and not endless ones. */
static void bad_start(void **state)
{
    (void)state;
    const double starts[5] = { NAN, INFINITY, 0, -3600, 1e5 };
    for (int i = 0; i < 5; i++) {
        struct three t;
        three_cameras(&t);
        t.wr[1] += 0.01; /* not aligned */
        refuse(t.cameras, 3, starts[i], FASTBAL_EWAVELENGTH);
    }
}

static void bad_arguments(void **state)
{
    (void)state;
    struct three t;
    three_cameras(&t);
    refuse(t.cameras, 0, 3600, FASTBAL_EARGUMENT);
    refuse(t.cameras, -1, 3600, FASTBAL_EARGUMENT);
    refuse(t.cameras, FASTBAL_MAX_CAMERAS + 1, 3600, FASTBAL_EARGUMENT);
    refuse(NULL, 3, 3600, FASTBAL_EARGUMENT);
    assert_int_equal(fastbal_grid_create(NULL, t.cameras, 3, 3600, NULL), FASTBAL_EARGUMENT);
    t.cameras[1].wavelength = NULL;
    refuse(t.cameras, 3, 3600, FASTBAL_EARGUMENT);
    for (size_t n = 0; n < 2; n++) { /* too short to have a step */
        three_cameras(&t);
        t.cameras[1].n = n;
        fastbal_grid *grid = NULL;
        int code = fastbal_grid_create(&grid, t.cameras, 3, 3600, NULL);
        assert_true(code == FASTBAL_EARGUMENT || code == FASTBAL_EWAVELENGTH);
        assert_null(grid);
    }
    fastbal_grid_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_of_three),      cmocka_unit_test(desi_grid),
        cmocka_unit_test(zero_ivar),          cmocka_unit_test(nonsense_is_neutralised),
        cmocka_unit_test(masks_play_no_part), cmocka_unit_test(one_camera),
        cmocka_unit_test(missing_cameras),    cmocka_unit_test(alignment_tolerance),
        cmocka_unit_test(bad_wavelengths),    cmocka_unit_test(most_cameras),
        cmocka_unit_test(bad_start),          cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests_name("cameras", tests, NULL, NULL);
}
