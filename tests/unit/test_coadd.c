/*
 * test_coadd.c - spectra read straight from their place are those that CFITSIO reads, whichever rows and
 * parts are wanted, from one file after the other; exposures of a target are joined.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits_bytes.h"
#include "desi/coadd.h"

enum { NROWS = 60, NB = 300, NR = 250, NZ = 280 };

/* How a file is written. */
struct form {
    int flux_bits;       /* -32: plain; -64: CFITSIO must read it */
    int wavelength_bits; /* the same */
    int mask_bits;       /* 32: plain; 64 not; 0: no masks */
    int unsigned_mask;   /* 32 bits, BZERO 2^31 */
    int float_ids;       /* TARGETID is a D: the table is CFITSIO's */
    double shift;        /* of the second camera's wavelengths, in pixels: they line up or not */
    int rows_off;        /* images have so many rows more */
    int exposures;       /* targets have three rows each */
    const char *status;  /* name of the column FIBERSTATUS; NULL: there is none */
    int float_status;    /* it is a D */
};

static double wavelength_of(const struct form *form, int camera, int i)
{
    static const int start[3] = { 0, 270, 480 };
    return 3600 + 0.5 * (start[camera] + (camera == 1 ? form->shift : 0) + i);
}

static void put_floating(struct fits_bytes *f, int bits, double value)
{
    if (bits == -32)
        put_float(f, (float)value);
    else
        put_double(f, value);
}

static void put_wavelength(struct fits_bytes *f, const struct form *form, int camera, int n)
{
    char name[20];
    snprintf(name, sizeof name, "%c_WAVELENGTH", "BRZ"[camera]);
    put_image_cards(f, name, form->wavelength_bits, n, 0);
    put_end(f);
    for (int i = 0; i < n; i++)
        put_floating(f, form->wavelength_bits, wavelength_of(form, camera, i));
    put_padding(f);
}

static double flux_of(int row, int camera, int i)
{
    return (double)(row * 4096 + i + camera * 1024) / 8;
}

static double ivar_of(int row, int i)
{
    return (double)(1 + (row + i) % 13) / 4;
}

static int64_t mask_of(int row, int i)
{
    return (row + i) % 17 == 0 ? 4 : (row + i) % 29 == 0 ? (int64_t)1 << 31 : 0;
}

/* One exposure is useless, one in R, and one has bits that don't matter. */
static int64_t fiberstatus_of(int row)
{
    return row == 25 ? 1 << 9 : row == 46 ? 1 << 23 : row == 7 ? 1 << 3 | 1 << 10 : 0;
}

static void put_image(struct fits_bytes *f, const struct form *form, int camera, int n, const char *what)
{
    char name[20];
    snprintf(name, sizeof name, "%c_%s", "BRZ"[camera], what);
    put_image_cards(f, name, form->flux_bits, n, NROWS + form->rows_off);
    put_end(f);
    for (int row = 0; row < NROWS + form->rows_off; row++)
        for (int i = 0; i < n; i++)
            put_floating(f, form->flux_bits, what[0] == 'F' ? flux_of(row, camera, i) : ivar_of(row, i));
    put_padding(f);
}

static void put_mask(struct fits_bytes *f, const struct form *form, int camera, int n)
{
    char name[20];
    snprintf(name, sizeof name, "%c_MASK", "BRZ"[camera]);
    put_image_cards(f, name, form->mask_bits, n, NROWS);
    if (form->unsigned_mask) {
        put_card(f, "BZERO   = %20s", "2147483648");
        put_card(f, "BSCALE  = %20s", "1");
    }
    put_end(f);
    for (int row = 0; row < NROWS; row++)
        for (int i = 0; i < n; i++) {
            int64_t mask = mask_of(row, i);
            put_number(f, form->unsigned_mask ? mask - ((int64_t)1 << 31) : mask,
                       (size_t)form->mask_bits / 8);
        }
    put_padding(f);
}

/* TARGETIDs go up by 10 from 1000; exposures of one target are TARGETS rows apart. */
enum { TARGETS = NROWS / 3 };

static int64_t id_of(const struct form *form, int row)
{
    return 1000 + 10 * (form->exposures ? row % TARGETS : row);
}

static void put_fibermap(struct fits_bytes *f, const struct form *form)
{
    const char *const names[] = { "OTHER", "TARGETID", "TARGET_RA", "TARGET_DEC", form->status };
    const char *const forms[] = { "3A", form->float_ids ? "D" : "K", "D", "E",
                                  form->float_status ? "D" : "J" };
    int columns = form->status ? 5 : 4, width = form->status ? form->float_status ? 8 : 4 : 0;
    put_table_cards(f, "FIBERMAP", 3 + 8 + 8 + 4 + width, NROWS, columns);
    for (int i = 0; i < columns; i++) {
        put_card(f, "TTYPE%-3d= '%-8s'", i + 1, names[i]);
        put_card(f, "TFORM%-3d= '%-8s'", i + 1, forms[i]);
    }
    put_end(f);
    for (int row = 0; row < NROWS; row++) {
        put_bytes(f, "abc", 3);
        if (form->float_ids)
            put_double(f, (double)id_of(form, row));
        else
            put_number(f, id_of(form, row), 8);
        put_double(f, 1.25 * row);
        put_float(f, -0.5f * (float)row);
        if (width == 8)
            put_double(f, (double)fiberstatus_of(row));
        else if (width == 4)
            put_number(f, fiberstatus_of(row), 4);
    }
    put_padding(f);
}

static char *make_file(const struct form *form, const char *name)
{
    static const int n[3] = { NB, NR, NZ };
    struct fits_bytes f = { 0 };
    put_primary(&f);
    for (int c = 0; c < 3; c++) {
        put_wavelength(&f, form, c, n[c]);
        put_image(&f, form, c, n[c], "FLUX");
        put_image(&f, form, c, n[c], "IVAR");
        if (form->mask_bits)
            put_mask(&f, form, c, n[c]);
    }
    put_fibermap(&f, form);
    return write_file(&f, name);
}

static void open_file(struct fb_coadd **coadd, const char *path)
{
    struct fb_error err = { "" };
    if (fb_coadd_open(coadd, path, &err) != 0)
        fail_msg("%s", err.text);
}

/* What one reader has of these parts is what the other has of whole rows. */
static void check_parts(struct fb_coadd *a, struct fb_coadd *b, const struct fb_coadd_row *parts, size_t n)
{
    size_t size = fastbal_grid_size(fb_coadd_grid(a));
    double *values = malloc(4 * size * sizeof *values), *flux = values + 2 * size, *ivar = values + 3 * size;
    int64_t rows[FB_COADD_BATCH];
    struct fb_error err = { "" };
    assert_non_null(values);
    for (size_t k = 0; k < n; k++)
        rows[k] = parts[k].row;
    fb_coadd_prefetch(a, parts, n);
    if (fb_coadd_load_parts(a, parts, n, &err) != 0 || fb_coadd_load(b, rows, n, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t k = 0; k < n; k++) {
        size_t begin = parts[k].begin, end = parts[k].end;
        for (size_t i = 0; i < 2 * size; i++)
            values[i] = -77;
        fb_coadd_spectrum(a, k, values, values + size);
        fb_coadd_spectrum(b, k, flux, ivar);
        assert_memory_equal(values + begin, flux + begin, (end - begin) * sizeof *values);
        assert_memory_equal(values + size + begin, ivar + begin, (end - begin) * sizeof *values);
        for (size_t i = 0; i < size; i++) /* what was not wanted is not touched */
            assert_int_equal(values[size + i] < -76, i < begin || i >= end);
    }
    free(values);
}

static void check_many_parts(struct fb_coadd *a, struct fb_coadd *b)
{
    size_t size = fastbal_grid_size(fb_coadd_grid(a));
    uint64_t seed = 5;
    for (int trial = 0; trial < 100; trial++) {
        struct fb_coadd_row parts[FB_COADD_BATCH];
        size_t n = 1 + (size_t)(uniform(&seed) * FB_COADD_BATCH);
        int64_t row = (int64_t)(uniform(&seed) * 10);
        for (size_t k = 0; k < n; k++) {
            size_t x = (size_t)(uniform(&seed) * (double)(size + 1)),
                   y = (size_t)(uniform(&seed) * (double)(size + 1));
            parts[k] = (struct fb_coadd_row){ row, x < y ? x : y, x < y ? y : x };
            if (trial % 3 == 0)
                parts[k] = (struct fb_coadd_row){ row, 0, size };
            row = (row + (int64_t)(uniform(&seed) * (trial % 2 ? 2 : 6))) % NROWS;
        }
        check_parts(a, b, parts, n);
    }
}

/* The two files, written in two ways, give the same. */
static void same(const struct form *one, const struct form *other, int resampled)
{
    struct fb_coadd *a = NULL, *b = NULL;
    char *path_a = make_file(one, "a.fits"), *path_b = make_file(other, "b.fits");
    open_file(&a, path_a);
    open_file(&b, path_b);
    size_t size = fastbal_grid_size(fb_coadd_grid(a));
    assert_int_equal(fastbal_grid_resamples(fb_coadd_grid(a)), resampled);
    assert_int_equal(fastbal_grid_size(fb_coadd_grid(b)), size);
    assert_memory_equal(fastbal_grid_wavelength(fb_coadd_grid(a)), fastbal_grid_wavelength(fb_coadd_grid(b)),
                        size * sizeof(double));
    check_many_parts(a, b);
    fb_coadd_close(a);
    fb_coadd_close(b);
    remove_file(path_a);
    remove_file(path_b);
}

static const struct form plain = { .flux_bits = -32, .wavelength_bits = -64 };

static void test_images_like_cfitsio(void **state)
{
    struct form f = plain;
    (void)state;
    f.flux_bits = -64;
    same(&plain, &f, 0);
}

static void test_wavelengths_like_cfitsio(void **state)
{
    struct form f = plain; /* these wavelengths are exact in 32 bits */
    (void)state;
    f.wavelength_bits = -32;
    same(&plain, &f, 0);
}

static void test_masks_like_cfitsio(void **state)
{
    struct form a = plain, b = plain, c;
    (void)state;
    a.shift = b.shift = 0.375;
    a.mask_bits = 32;
    b.mask_bits = 64;
    b.flux_bits = -64;
    c = a;
    c.unsigned_mask = 1;
    same(&a, &b, 1);
    same(&c, &b, 1);
}

/* ---- targets ---- */

static void check_targets(const struct fb_coadd *coadd, const struct form *form)
{
    double ra, dec;
    assert_int_equal(fb_coadd_has_exposures(coadd), form->exposures);
    for (int row = 0; row < NROWS; row++)
        assert_int_equal(fb_coadd_find(coadd, id_of(form, row)), form->exposures ? row % TARGETS : row);
    assert_int_equal(fb_coadd_find(coadd, 1005), -1);
    assert_int_equal(fb_coadd_find(coadd, 0), -1);
    assert_int_equal(fb_coadd_find(coadd, 5000), -1);
    fb_coadd_position(coadd, 7, &ra, &dec);
    assert_true(fabs(ra - 8.75) < 1e-15 && fabs(dec + 3.5) < 1e-15);
}

static void test_targets(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct form form = plain;
        struct fb_coadd *coadd = NULL;
        form.float_ids = i % 2;
        form.exposures = i / 2;
        char *path = make_file(&form, "t.fits");
        open_file(&coadd, path);
        check_targets(coadd, &form);
        fb_coadd_close(coadd);
        remove_file(path);
    }
}

/* ---- exposures ---- */

static const struct form exposures = {
    .flux_bits = -32, .wavelength_bits = -64, .mask_bits = 32, .exposures = 1, .status = "FIBERSTATUS"
};

static void test_exposures_like_cfitsio(void **state)
{
    struct form a = exposures, b = exposures;
    (void)state;
    b.flux_bits = -64;
    b.mask_bits = 64;
    b.float_ids = b.float_status = 1;
    same(&a, &b, 0);
    a.shift = b.shift = 0.375;
    same(&a, &b, 1);
    a.status = "COADD_FIBERSTATUS"; /* is taken where there is no other */
    same(&a, &b, 1);
}

/* The sums of a target in a pixel that one camera alone sees, worked out again. */
static void check_joined(const struct form *form, int target, int camera, int i, double flux, double ivar)
{
    double f[2] = { 0 }, iv[2] = { 0 }; /* of pixels that are not masked, and of those that are */
    for (int row = target; row < NROWS; row += TARGETS) {
        int masked = form->mask_bits && mask_of(row, i) != 0;
        if (form->status && (row == 25 || (row == 46 && camera == 1)))
            continue;
        f[masked] += ivar_of(row, i) * flux_of(row, camera, i);
        iv[masked] += ivar_of(row, i);
    }
    int k = iv[0] > 0 ? 0 : 1;
    assert_true(iv[k] > 0 && fabs(ivar - iv[k]) < 1e-6 * iv[k] &&
                fabs(flux - f[k] / iv[k]) < 1e-6 * flux + 1e-12);
}

static void check_exposures(const struct form *form)
{
    static const struct {
        int camera, first, last, pixel;
    } alone[] = { { 0, 0, 270, 0 }, { 1, 300, 480, 270 }, { 2, 520, 760, 480 } };
    struct fb_coadd *coadd = NULL;
    struct fb_error err = { "" };
    char *path = make_file(form, "exposures.fits");
    open_file(&coadd, path);
    size_t n = fastbal_grid_size(fb_coadd_grid(coadd));
    double *flux = malloc(2 * n * sizeof *flux);
    assert_non_null(flux);
    for (int first = 0; first < TARGETS; first += 10) {
        int64_t rows[10];
        for (int k = 0; k < 10; k++)
            rows[k] = first + k;
        assert_int_equal(fb_coadd_load(coadd, rows, 10, &err), 0);
        for (int k = 0; k < 10; k++) {
            fb_coadd_spectrum(coadd, (size_t)k, flux, flux + n);
            for (size_t c = 0; c < 3; c++)
                for (int i = alone[c].first; i < alone[c].last; i++)
                    check_joined(form, first + k, alone[c].camera, i - alone[c].pixel, flux[i],
                                 flux[n + (size_t)i]);
        }
    }
    free(flux);
    fb_coadd_close(coadd);
    remove_file(path);
}

static void test_exposures(void **state)
{
    struct form form = exposures;
    (void)state;
    check_exposures(&form);
    form.mask_bits = 0;
    check_exposures(&form);
    form.status = NULL;
    check_exposures(&form);
}

/* ---- one reader, many files ---- */

static void test_one_reader(void **state)
{
    struct form shifted = plain, slow = plain;
    struct fb_coadd *reader = NULL;
    (void)state;
    shifted.shift = 0.375;
    shifted.mask_bits = 32;
    slow.flux_bits = -64;
    const struct form *const forms[] = { &plain,     &plain, &shifted,   &shifted, &slow,
                                         &exposures, &plain, &exposures, &shifted, &slow };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct fb_coadd *fresh = NULL;
        struct fb_error err = { "" };
        char *path = make_file(forms[i], "one.fits");
        int64_t bytes = reader ? fb_coadd_io(reader)->bytes : 0;
        open_file(&reader, path);
        open_file(&fresh, path);
        check_targets(reader, forms[i]);
        check_many_parts(reader, fresh);
        assert_true(fb_coadd_io(reader)->bytes > bytes);
        fb_coadd_close(fresh);
        /* a file that can't be read in between */
        struct fb_coadd *before = reader;
        if (i % 2) {
            assert_int_equal(fb_coadd_open(&reader, "/no/such/file", &err), -1);
            assert_ptr_equal(reader, before);
        }
        remove_file(path);
    }
    assert_int_equal(fb_coadd_io(reader)->files, 10);
    fb_coadd_close(reader);
}

/* Bytes read are the rows' and little else. */
static void test_bytes(void **state)
{
    struct fb_coadd *coadd = NULL;
    struct fb_error err = { "" };
    char *path = make_file(&plain, "bytes.fits");
    int64_t rows[] = { 30, 31, 32, 50 }; /* beyond what was read when the file was opened */
    (void)state;
    open_file(&coadd, path);
    int64_t before = fb_coadd_io(coadd)->bytes;
    assert_int_equal(fb_coadd_load(coadd, rows, 4, &err), 0);
    assert_int_equal(fb_coadd_io(coadd)->bytes - before, 4 * 2 * 4 * (NB + NR + NZ));
    assert_true(fb_coadd_io(coadd)->seconds > 0);
    fb_coadd_close(coadd);
    remove_file(path);
}

static void test_wrong_files(void **state)
{
    struct form off = plain;
    struct fb_coadd *coadd = NULL;
    struct fb_error err = { "" };
    struct fits_bytes f = { 0 };
    (void)state;
    off.rows_off = 1;
    char *path = make_file(&off, "off.fits");
    assert_int_equal(fb_coadd_open(&coadd, path, &err), -1);
    assert_null(coadd);
    assert_non_null(strstr(err.text, "HDU B_FLUX: expected 60 rows of 300 pixels, found 61 of 300"));
    remove_file(path);
    put_primary(&f);
    put_fibermap(&f, &plain);
    path = write_file(&f, "none.fits");
    assert_int_equal(fb_coadd_open(&coadd, path, &err), -1);
    assert_non_null(strstr(err.text, "has no HDU B_WAVELENGTH"));
    remove_file(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_like_cfitsio),
        cmocka_unit_test(test_wavelengths_like_cfitsio),
        cmocka_unit_test(test_masks_like_cfitsio),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_exposures_like_cfitsio),
        cmocka_unit_test(test_exposures),
        cmocka_unit_test(test_one_reader),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
