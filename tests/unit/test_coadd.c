/*
 * test_coadd.c - spectra are the same however their numbers are written, whichever rows and parts are wanted, from one
 * file after the other; exposures of a target are joined; and each row of a redshift catalog gets its spectrum.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits_bytes.h"
#include "desi/joined.h"
#include "desi/spectra.h"

enum { NROWS = 60, NB = 300, NR = 250, NZ = 280 };

/* How a file is written. */
struct form {
    int flux_bits;       /* -32: read in place; -64: converted */
    int wavelength_bits; /* the same */
    int mask_bits;       /* 32: read in place; 64: converted; 0: no masks */
    int unsigned_mask;   /* 32 bits, BZERO 2^31 */
    int float_ids;       /* TARGETID is a D */
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

static struct fb_joined *make_reader(void)
{
    struct fb_joined *reader = calloc(1, sizeof *reader);
    assert_non_null(reader);
    return reader;
}

static void close_reader(struct fb_joined *reader)
{
    fb_joined_release(reader);
    free(reader);
}

static void open_file(struct fb_joined **reader, const char *path)
{
    struct fb_error err = { "" };
    if (!*reader)
        *reader = make_reader();
    if (fb_joined_open(*reader, path, &err) != 0)
        fail_msg("%s", err.text);
}

/* Whole rows. */
static int load_rows(struct fb_joined *reader, const int64_t *rows, size_t n, struct fb_error *err)
{
    struct fb_part parts[FB_BATCH];
    for (size_t k = 0; k < n; k++)
        parts[k] = (struct fb_part){ rows[k], 0, fastbal_grid_size(reader->grid), 0 };
    return fb_joined_load(reader, parts, n, err);
}

/* What one reader has of these parts is what the other has of whole rows. */
static void check_parts(struct fb_joined *a, struct fb_joined *b, const struct fb_part *parts, size_t n)
{
    size_t size = fastbal_grid_size(a->grid);
    double *values = malloc(4 * size * sizeof *values), *flux = values + 2 * size, *ivar = values + 3 * size;
    int64_t rows[FB_BATCH];
    struct fb_error err = { "" };
    assert_non_null(values);
    for (size_t k = 0; k < n; k++)
        rows[k] = parts[k].row;
    fb_joined_ahead(a, parts, n);
    if (fb_joined_load(a, parts, n, &err) != 0 || load_rows(b, rows, n, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t k = 0; k < n; k++) {
        size_t begin = parts[k].begin, end = parts[k].end;
        for (size_t i = 0; i < 2 * size; i++)
            values[i] = -77;
        fb_joined_spectrum(a, k, values, values + size);
        fb_joined_spectrum(b, k, flux, ivar);
        assert_memory_equal(values + begin, flux + begin, (end - begin) * sizeof *values);
        assert_memory_equal(values + size + begin, ivar + begin, (end - begin) * sizeof *values);
        for (size_t i = 0; i < size; i++) /* what was not wanted is not touched */
            assert_int_equal(values[size + i] < -76, i < begin || i >= end);
    }
    free(values);
}

static void check_many_parts(struct fb_joined *a, struct fb_joined *b)
{
    size_t size = fastbal_grid_size(a->grid);
    uint64_t seed = 5;
    for (int trial = 0; trial < 100; trial++) {
        struct fb_part parts[FB_BATCH];
        size_t n = 1 + (size_t)(uniform(&seed) * FB_BATCH);
        int64_t row = (int64_t)(uniform(&seed) * 10);
        for (size_t k = 0; k < n; k++) {
            size_t x = (size_t)(uniform(&seed) * (double)(size + 1)),
                   y = (size_t)(uniform(&seed) * (double)(size + 1));
            parts[k] = (struct fb_part){ row, x < y ? x : y, x < y ? y : x, 0 };
            if (trial % 3 == 0)
                parts[k] = (struct fb_part){ row, 0, size, 0 };
            row = (row + (int64_t)(uniform(&seed) * (trial % 2 ? 2 : 6))) % NROWS;
        }
        check_parts(a, b, parts, n);
    }
}

/* The two files, written in two ways, give the same. */
static void same(const struct form *one, const struct form *other, int resampled)
{
    struct fb_joined *a = NULL, *b = NULL;
    char *path_a = make_file(one, "a.fits"), *path_b = make_file(other, "b.fits");
    open_file(&a, path_a);
    open_file(&b, path_b);
    size_t size = fastbal_grid_size(a->grid);
    assert_int_equal(fastbal_grid_resamples(a->grid), resampled);
    assert_int_equal(fastbal_grid_size(b->grid), size);
    assert_memory_equal(fastbal_grid_wavelength(a->grid), fastbal_grid_wavelength(b->grid),
                        size * sizeof(double));
    check_many_parts(a, b);
    close_reader(a);
    close_reader(b);
    remove_file(path_a);
    remove_file(path_b);
}

static const struct form plain = { .flux_bits = -32, .wavelength_bits = -64 };

static void test_images_in_other_forms(void **state)
{
    struct form f = plain;
    (void)state;
    f.flux_bits = -64;
    same(&plain, &f, 0);
}

static void test_wavelengths_in_other_forms(void **state)
{
    struct form f = plain; /* these wavelengths are exact in 32 bits */
    (void)state;
    f.wavelength_bits = -32;
    same(&plain, &f, 0);
}

static void test_masks_in_other_forms(void **state)
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

static void check_targets(const struct fb_joined *coadd, const struct form *form)
{
    assert_int_equal(coadd->coadd.targets.repeat, form->exposures);
    for (int row = 0; row < NROWS; row++)
        assert_int_equal(fb_targets_find(&coadd->coadd.targets, id_of(form, row)),
                         form->exposures ? row % TARGETS : row);
    assert_int_equal(fb_targets_find(&coadd->coadd.targets, 1005), -1);
    assert_int_equal(fb_targets_find(&coadd->coadd.targets, 0), -1);
    assert_int_equal(fb_targets_find(&coadd->coadd.targets, 5000), -1);
    check_near(coadd->coadd.targets.ra[7], 8.75, 1e-15);
    check_near(coadd->coadd.targets.dec[7], -3.5, 1e-15);
}

static void test_targets(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct form form = plain;
        struct fb_joined *coadd = NULL;
        form.float_ids = i % 2;
        form.exposures = i / 2;
        char *path = make_file(&form, "t.fits");
        open_file(&coadd, path);
        check_targets(coadd, &form);
        close_reader(coadd);
        remove_file(path);
    }
}

/* ---- exposures ---- */

static const struct form exposures = {
    .flux_bits = -32, .wavelength_bits = -64, .mask_bits = 32, .exposures = 1, .status = "FIBERSTATUS"
};

static void test_exposures_in_other_forms(void **state)
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
    struct fb_joined *coadd = NULL;
    struct fb_error err = { "" };
    char *path = make_file(form, "exposures.fits");
    open_file(&coadd, path);
    size_t n = fastbal_grid_size(coadd->grid);
    double *flux = malloc(2 * n * sizeof *flux);
    assert_non_null(flux);
    for (int first = 0; first < TARGETS; first += 10) {
        int64_t rows[10];
        for (int k = 0; k < 10; k++)
            rows[k] = first + k;
        assert_int_equal(load_rows(coadd, rows, 10, &err), 0);
        for (int k = 0; k < 10; k++) {
            fb_joined_spectrum(coadd, (size_t)k, flux, flux + n);
            for (size_t c = 0; c < 3; c++)
                for (int i = alone[c].first; i < alone[c].last; i++)
                    check_joined(form, first + k, alone[c].camera, i - alone[c].pixel, flux[i],
                                 flux[n + (size_t)i]);
        }
    }
    free(flux);
    close_reader(coadd);
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
    struct fb_joined *reader = NULL;
    (void)state;
    shifted.shift = 0.375;
    shifted.mask_bits = 32;
    slow.flux_bits = -64;
    const struct form *const forms[] = { &plain,     &plain, &shifted,   &shifted, &slow,
                                         &exposures, &plain, &exposures, &shifted, &slow };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct fb_joined *fresh = NULL;
        struct fb_error err = { "" };
        char *path = make_file(forms[i], "one.fits");
        int64_t bytes = reader ? reader->coadd.hdus.file.stats.bytes : 0;
        open_file(&reader, path);
        open_file(&fresh, path);
        check_targets(reader, forms[i]);
        check_many_parts(reader, fresh);
        assert_true(reader->coadd.hdus.file.stats.bytes > bytes);
        close_reader(fresh);
        /* a file that can't be read in between */
        if (i % 2)
            assert_int_equal(fb_joined_open(reader, "/no/such/file", &err), -1);
        remove_file(path);
    }
    assert_int_equal(reader->coadd.hdus.file.stats.files, 10);
    close_reader(reader);
}

/* Bytes read are the rows' and little else. */
static void test_bytes(void **state)
{
    struct fb_joined *coadd = NULL;
    struct fb_error err = { "" };
    char *path = make_file(&plain, "bytes.fits");
    int64_t rows[] = { 30, 31, 32, 50 }; /* beyond what was read when the file was opened */
    (void)state;
    open_file(&coadd, path);
    int64_t before = coadd->coadd.hdus.file.stats.bytes;
    assert_int_equal(load_rows(coadd, rows, 4, &err), 0);
    assert_int_equal(coadd->coadd.hdus.file.stats.bytes - before, 4 * 2 * 4 * (NB + NR + NZ));
    close_reader(coadd);
    remove_file(path);
}

static void test_wrong_files(void **state)
{
    struct form off = plain;
    struct fb_joined *reader = make_reader();
    struct fb_error err = { "" };
    struct fits_bytes f = { 0 };
    (void)state;
    off.rows_off = 1;
    char *path = make_file(&off, "off.fits");
    assert_int_equal(fb_joined_open(reader, path, &err), -1);
    assert_non_null(strstr(err.text, "HDU B_FLUX: expected 60 rows of 300 pixels, found 61 of 300"));
    remove_file(path);
    put_primary(&f);
    put_fibermap(&f, &plain);
    path = write_file(&f, "none.fits");
    assert_int_equal(fb_joined_open(reader, path, &err), -1);
    assert_non_null(strstr(err.text, "has no HDU B_WAVELENGTH"));
    close_reader(reader);
    remove_file(path);
}

/* ---- spectra of a redshift catalog ---- */

enum { NREDSHIFTS = 50 };

/* Not in order, some of them twice, some not in the file. */
static struct fb_redshifts make_redshifts(const struct form *form)
{
    static struct fb_redshift rows[NREDSHIFTS];
    struct fb_redshifts redshifts = { .rows = rows, .n = NREDSHIFTS };
    memset(rows, 0, sizeof rows);
    for (int i = 0; i < NREDSHIFTS; i++) {
        rows[i].targetid = i % 9 == 4 ? 5 + i : id_of(form, (i * 17 + i / 25) % NROWS);
        rows[i].z = 1.6 + 0.02 * i; /* C IV is in the spectra */
    }
    return redshifts;
}

static void check_spectrum(struct fb_joined *reader, const struct fb_spectrum *s, double z, int64_t row)
{
    size_t n = fastbal_grid_size(reader->grid), begin, end;
    struct fb_error err = { "" };
    double *flux = malloc(2 * n * sizeof *flux), *ivar = flux + n;
    assert_non_null(flux);
    assert_int_equal(load_rows(reader, &row, 1, &err), 0);
    fb_joined_spectrum(reader, 0, flux, ivar);
    assert_int_equal(s->n, n);
    fastbal_measured_range(n, s->wavelength, z, &begin, &end);
    assert_true(end > begin);
    assert_memory_equal(s->flux + begin, flux + begin, (end - begin) * sizeof *flux);
    assert_memory_equal(s->ivar + begin, ivar + begin, (end - begin) * sizeof *ivar);
    check_near(s->ra, 1.25 * (double)row, 1e-12);
    check_near(s->dec, -0.5 * (double)row, 1e-12);
    free(flux);
}

/* Every redshift row has its turn: those without a spectrum first, then in the order of the file. */
static void check_spectra(struct fb_spectra *spectra, const char *path, const struct fb_redshifts *redshifts)
{
    struct fb_joined *reader = NULL;
    struct fb_spectrum s;
    struct fb_error err = { "" };
    int seen[NREDSHIFTS] = { 0 };
    int64_t before = -1;
    open_file(&reader, path);
    for (size_t k = 0; k < redshifts->n; k++) {
        assert_int_equal(fb_spectra_next(spectra, &s, &err), 1);
        assert_true(s.request < redshifts->n && seen[s.request]++ == 0);
        const struct fb_redshift *redshift = &redshifts->rows[s.request];
        int64_t row = fb_targets_find(&reader->coadd.targets, redshift->targetid);
        assert_int_equal(s.found, row >= 0);
        assert_true(row >= before);
        before = row;
        if (s.found)
            check_spectrum(reader, &s, redshift->z, row);
    }
    assert_int_equal(fb_spectra_next(spectra, &s, &err), 0);
    close_reader(reader);
}

static void test_spectra(void **state)
{
    struct form slow = plain;
    struct fb_spectra *spectra = NULL;
    struct fb_error err = { "" };
    (void)state;
    slow.flux_bits = -64;
    const struct form *const forms[] = { &plain, &exposures, &slow, &plain };
    for (size_t i = 0; i < 4; i++) {
        const struct fb_redshifts redshifts = make_redshifts(forms[i]);
        char *path = make_file(forms[i], "spectra.fits"), *other = make_file(&plain, "other.fits");
        assert_int_equal(fb_spectra_open(&spectra, other, &redshifts, &err), 0);
        fb_spectra_ahead(&spectra, i == 1 ? "/no/such/file" : path, &redshifts);
        check_spectra(spectra, other, &redshifts); /* what is opened ahead does not disturb */
        int64_t files = fb_spectra_io(spectra).files;
        assert_int_equal(fb_spectra_open(&spectra, path, &redshifts, &err), 0);
        assert_int_equal(fb_spectra_io(spectra).files, files + (i == 1));
        assert_true(fb_spectra_io(spectra).seconds > 0);
        assert_int_equal(fb_spectra_has_exposures(spectra), i == 1);
        check_spectra(spectra, path, &redshifts);
        assert_int_equal(fb_spectra_open(&spectra, "/no/such/file", &redshifts, &err), -1);
        remove_file(path);
        remove_file(other);
    }
    fb_spectra_close(spectra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_in_other_forms),
        cmocka_unit_test(test_wavelengths_in_other_forms),
        cmocka_unit_test(test_masks_in_other_forms),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_exposures_in_other_forms),
        cmocka_unit_test(test_exposures),
        cmocka_unit_test(test_one_reader),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_spectra),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
