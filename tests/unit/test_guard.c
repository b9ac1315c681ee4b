/*
 * test_guard.c - what CFITSIO sees of a file is what was looked at; long keywords.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits_bytes.h"
#include "fits/fits.h"
#include "fits/guard.h"

enum { NPIXELS = 30, NROWS = 6 };

static float pixel_of(int row, int i)
{
    return (float)(row * 100 + i);
}

static void put_image(struct fits_bytes *f, const char *name)
{
    put_image_cards(f, name, -32, NPIXELS, NROWS);
    put_end(f);
    for (int row = 0; row < NROWS; row++)
        for (int i = 0; i < NPIXELS; i++)
            put_float(f, pixel_of(row, i));
    put_padding(f);
}

static char *plain_file(void)
{
    struct fits_bytes f = { 0 };
    put_primary(&f);
    put_table_cards(&f, "FIBERMAP", 8, NROWS, 1);
    put_text(&f, "TTYPE1", "TARGETID");
    put_text(&f, "TFORM1", "K");
    put_end(&f);
    for (int row = 0; row < NROWS; row++)
        put_number(&f, 1000 + row, 8);
    put_padding(&f);
    put_image_cards(&f, "BRZ_WAVELENGTH", -64, NPIXELS, 0);
    put_end(&f);
    for (int i = 0; i < NPIXELS; i++)
        put_double(&f, 3600 + 0.8 * i);
    put_padding(&f);
    put_image(&f, "BRZ_FLUX");
    put_image(&f, "BRZ_IVAR");
    return write_file(&f, "guard-plain.fits");
}

/* HDUs that CFITSIO finds elsewhere, or more or fewer of them. */
static void test_agrees(void **state)
{
    (void)state;
    struct fb_error err = { "" };
    struct fb_io_stats io = { 0 };
    struct fb_file file = { 0 };
    struct fb_hdus hdus = { 0 };
    struct fb_fits fits;
    char *path = plain_file();
    assert_int_equal(fb_fits_open(&fits, path, &err), 0);
    assert_int_equal(fb_file_open(&file, path, &io, &err), 0);
    assert_int_equal(fb_guard(&file, &hdus, &err), 0);
    assert_int_equal(fits.nhdus, hdus.n);
    assert_int_equal(fb_guard_agrees(fits.file, &hdus, path, &err), 0);
    hdus.n--;
    assert_int_equal(fb_guard_agrees(fits.file, &hdus, path, &err), -1);
    assert_non_null(strstr(err.text, "its header can be read in more than one way"));
    hdus.n++;
    hdus.hdu[1].data += 2880;
    assert_int_equal(fb_guard_agrees(fits.file, &hdus, path, &err), -1);
    assert_non_null(strstr(err.text, "HDU 1: its header can be read in more than one way"));
    hdus.hdu[1].data -= 2880;
    hdus.hdu[1].size += 2880;
    assert_int_equal(fb_guard_agrees(fits.file, &hdus, path, &err), -1);
    fb_hdus_release(&hdus);
    fb_file_release(&file);
    fb_fits_close(&fits);
    remove_file(path);
}

/* As CFITSIO writes them: short, quoted, continued, a number, and none. */
static void test_text(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "builtin", "it's", "ends in &", "a & b", "\"quoted\"" };
    fitsfile *file;
    char text[1000], wide[600];
    int status = 0;
    size_t size = 2880;
    void *memory = malloc(size);
    fits_create_memfile(&file, &memory, &size, 2880, realloc, &status);
    fits_create_img(file, 8, 0, NULL, &status);
    fits_write_key_longwarn(file, &status);
    for (size_t i = 0; i < sizeof wide; i++)
        wide[i] = i % 68 == 67 ? '\'' : (char)('a' + i % 26);
    wide[sizeof wide - 1] = '\0';
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fits_update_key_longstr(file, "TEXT", texts[i], NULL, &status);
        assert_int_equal(fb_fits_text(file, "TEXT", text, sizeof text, &status), 1);
        assert_string_equal(text, texts[i]);
    }
    for (size_t n = 50; n < sizeof wide; n++) {
        char name[] = "LONG";
        fits_update_key_longstr(file, name, wide + sizeof wide - 1 - n, "a comment", &status);
        assert_int_equal(fb_fits_text(file, name, text, sizeof text, &status), 1);
        assert_string_equal(text, wide + sizeof wide - 1 - n);
        fits_delete_key(file, name, &status);
    }
    fits_update_key_longstr(file, "LONG", wide, NULL, &status);
    assert_int_equal(fb_fits_text(file, "LONG", text, sizeof wide, &status), 1);
    assert_int_equal(fb_fits_text(file, "LONG", text, sizeof wide - 1, &status), 0);
    assert_string_equal(text, "");
    assert_int_equal(fb_fits_text(file, "NAXIS", text, sizeof text, &status), 1);
    assert_string_equal(text, "0");
    assert_int_equal(fb_fits_text(file, "NOTHING", text, sizeof text, &status), 0);
    assert_int_equal(status, 0);
    fits_close_file(file, &status);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_agrees), cmocka_unit_test(test_text) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
