/*
 * test_hdus.c - finding HDUs and columns by their headers, also where headers lie or the file is cut; reads
 * at known places; byte order.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fits_bytes.h"
#include "fits/file.h"
#include "fits/hdus.h"
#include "fits/image.h"

/* A file that is open, and its HDUs. */
struct opened {
    char *path;
    struct fb_hdus hdus;
    struct fb_error err;
    int status; /* of fb_hdus_open() */
};

static void open_bytes(struct opened *o, struct fits_bytes *f)
{
    memset(o, 0, sizeof *o);
    o->path = write_file(f, "hdus.fits");
    o->status = fb_hdus_open(&o->hdus, o->path, NULL, &o->err);
}

static void close_bytes(struct opened *o)
{
    fb_hdus_release(&o->hdus);
    remove_file(o->path);
}

/* The file is refused with a line that names it and says this. */
static void refused(struct fits_bytes *f, const char *words)
{
    struct opened o;
    open_bytes(&o, f);
    assert_int_equal(o.status, -1);
    assert_int_equal(strncmp(o.err.text, o.path, strlen(o.path)), 0);
    if (!strstr(o.err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", o.err.text, words);
    close_bytes(&o);
}

static void put_image(struct fits_bytes *f, const char *name, int width, int height)
{
    put_image_cards(f, name, -32, width, height);
    put_end(f);
    for (int i = 0; i < width * height; i++)
        put_float(f, (float)i);
    put_padding(f);
}

/* Is the first extension an image whose pixels need no conversion to a type with this BITPIX? */
static int is_plain(struct opened *o, int bitpix)
{
    struct fb_image image;
    enum fb_pixel_type type = bitpix == 32 ? FB_INTEGERS : bitpix == -32 ? FB_FLOATS : FB_DOUBLES;
    int plain = fb_image_open(&image, &o->hdus, &o->hdus.hdu[1], type, &o->err) == 0 && image.in_place;
    fb_image_release(&image);
    return plain;
}

/* ---- headers ---- */

static void test_images(void **state)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    put_primary(&f);
    put_image(&f, "B_FLUX", 7, 300);
    put_image(&f, "it''s", 5, 1);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_int_equal(o.hdus.n, 3);
    const struct fb_hdu *flux = &o.hdus.hdu[1];
    assert_string_equal(flux->name, "B_FLUX");
    assert_int_equal(flux->kind, FB_HDU_IMAGE);
    assert_int_equal(flux->axis[0], 7);
    assert_int_equal(flux->axis[1], 300);
    assert_int_equal(flux->data, 2 * 2880);
    assert_int_equal(flux->size, 4 * 7 * 300);
    assert_true(is_plain(&o, -32));
    assert_false(is_plain(&o, -64));
    assert_string_equal(o.hdus.hdu[2].name, "it's");
    assert_int_equal(o.hdus.hdu[2].data, 6 * 2880);
    close_bytes(&o);
}

/* What makes an image unusual. */
static void not_plain(const char *card, int bitpix, int plain)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    put_primary(&f);
    put_image_cards(&f, "X", bitpix, 10, 10);
    put_card(&f, "%s", card);
    put_end(&f);
    for (int i = 0; i < 100; i++)
        put_number(&f, i, 4);
    put_padding(&f);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_int_equal(is_plain(&o, bitpix), plain);
    close_bytes(&o);
}

static void test_scaling(void **state)
{
    (void)state;
    not_plain("BSCALE  =                  1.0 / nothing", -32, 1);
    not_plain("BZERO   =                    0", -32, 1);
    not_plain("BSCALE  =                  0.5", -32, 0);
    not_plain("BSCALE  =                rubbish", -32, 0);
    not_plain("BZERO   =                  1E3", -32, 0);
    not_plain("BZERO   =           2147483648", 32, 1);
    not_plain("BZERO   =           2147483648", -32, 0);
    not_plain("BZERO   =                32768", 32, 0);
}

static void test_compressed_image(void **state)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    put_primary(&f);
    put_table_cards(&f, "B_FLUX", 8, 3, 1);
    put_card(&f, "ZIMAGE  =                    T");
    put_end(&f);
    put_bytes(&f, "twenty-four bytes here..", 24);
    put_padding(&f);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_true(o.hdus.hdu[1].compressed);
    assert_false(is_plain(&o, -32));
    close_bytes(&o);
}

/* A header of many blocks, longer than what is read at once; and a file of many HDUs. */
static void test_long_headers(void **state)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    put_primary(&f);
    put_image_cards(&f, "LONG", -32, 3, 1);
    for (int i = 0; i < 5000; i++)
        put_card(&f, "HISTORY number %d", i);
    put_end(&f);
    put_bytes(&f, "twelve bytes", 12);
    put_padding(&f);
    for (int i = 0; i < 200; i++)
        put_image(&f, "MANY", 2, 1);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_int_equal(o.hdus.n, 202);
    assert_int_equal(o.hdus.hdu[1].data % 2880, 0);
    assert_int_equal(o.hdus.hdu[1].data, 2880 + 140 * 2880);
    assert_string_equal(o.hdus.hdu[201].name, "MANY");
    close_bytes(&o);
}

static void test_other_files(void **state)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    put_bytes(&f,
              "\x1f\x9d\x90 packed by compress, and long enough to hold a card if there were one; there is "
              "none, though",
              80);
    refused(&f, "not a FITS file");
    put_bytes(&f, "short", 5);
    refused(&f, "not a FITS file");
    /* after the last HDU anything may follow */
    put_primary(&f);
    put_bytes(&f,
              "special records, which are nobody's business but must not be taken for a "
              "header.....................",
              90);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_int_equal(o.hdus.n, 1);
    close_bytes(&o);
}

/* ---- lies ---- */

static void lie(const char *key, const char *value, const char *words)
{
    static const char *const keys[] = {
        "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT"
    };
    static const char *const values[] = { "'IMAGE   '", "-32", "2", "10", "10", "0", "1" };
    struct fits_bytes f = { 0 };
    put_primary(&f);
    for (int i = 0; i < 7; i++)
        if (strcmp(keys[i], key) != 0)
            put_card(&f, "%-8s= %20s", keys[i], values[i]);
        else if (value)
            put_card(&f, "%-8s= %20s", keys[i], value);
    put_end(&f);
    for (int i = 0; i < 100; i++)
        put_float(&f, 1);
    put_padding(&f);
    refused(&f, words);
}

static void test_lies(void **state)
{
    (void)state;
    lie("BITPIX", "12", "expected BITPIX 8, 16, 32, 64, -32 or -64, found 12");
    lie("BITPIX", "-32.5", "BITPIX");
    lie("BITPIX", NULL, "BITPIX");
    lie("NAXIS", "-1", "NAXIS");
    lie("NAXIS", "1000", "NAXIS");
    lie("NAXIS", "3", "NAXIS3");
    lie("NAXIS1", NULL, "NAXIS1");
    lie("NAXIS1", "-5", "NAXIS1, found -5");
    lie("NAXIS1", "many", "NAXIS1");
    lie("NAXIS2", "1000000", "expected 40000000 bytes of data at 5760, but the file ends at 8640");
    lie("NAXIS2", "9223372036854775807", "64 bits");
    lie("NAXIS2", "99999999999999999999", "NAXIS2");
    lie("NAXIS2", "230584300921369396", "64 bits");
    lie("NAXIS2", "230584300921369395", "but the file ends");
    lie("PCOUNT", "-1", "PCOUNT");
    lie("PCOUNT", "9223372036854775807", "64 bits");
    lie("GCOUNT", "-1", "GCOUNT");
    lie("GCOUNT", "9223372036854775807", "64 bits");
}

/* Cut anywhere but between two HDUs, a file is refused. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t size = 80; size < 5 * 2880; size += 379) {
        struct fits_bytes f = { 0 };
        put_primary(&f);
        put_image(&f, "X", 20, 50);
        assert_int_equal(f.n, 4 * 2880);
        if (size >= f.n || (size >= 2880 && size < 2880 + 80)) {
            free(f.bytes);
            continue;
        }
        f.n = size;
        refused(&f, size < 2880 ? "" : "HDU 1");
    }
}

static void test_header_without_end(void **state)
{
    struct fits_bytes f = { 0 };
    (void)state;
    put_primary(&f);
    put_image_cards(&f, "X", -32, 1, 1);
    for (int i = 0; i < 200; i++)
        put_card(&f, "COMMENT and so on");
    refused(&f, "END");
}

/* ---- tables ---- */

static void put_table(struct fits_bytes *f, long long row)
{
    static const char *const types[] = { "IDS",  "K",   "text",   "7A", "Small",   "I",      "BYTE",  "1B",
                                         "X",    "11X", "FLOAT",  "E",  "V",       "1PE(9)", "THREE", "3J",
                                         "LAST", "D",   "SCALED", "J",  "TRIVIAL", "J" };
    put_table_cards(f, "Table", row, 4, 11);
    for (int i = 0; i < 11; i++) {
        put_card(f, "TTYPE%-3d= '%-8s'", i + 1, types[2 * i]);
        put_card(f, "TFORM%-3d= '%-8s' / form", i + 1, types[2 * i + 1]);
    }
    put_card(f, "TSCAL10 =                  2.0");
    put_card(f, "TSCAL11 =                  1.0");
    put_card(f, "TZERO11 =                  0.0");
    put_end(f);
    for (int i = 0; i < 4; i++) {
        put_number(f, -1 - ((int64_t)i << 60), 8);
        put_bytes(f, "QSO  \0x", 7);
        put_number(f, -300 - i, 2);
        put_number(f, 200 + i, 1);
        put_bytes(f, "\xff\xff", 2);
        put_float(f, 1.5f + (float)i);
        put_number(f, 0, 8);
        put_bytes(f, "123456789012", 12);
        put_double(f, -2.25 * i);
        put_number(f, i, 4);
        put_number(f, -i, 4);
    }
    put_padding(f);
}

enum { TABLE_ROW = 8 + 7 + 2 + 1 + 2 + 4 + 8 + 12 + 8 + 4 + 4 };

struct seen {
    const struct fb_column *columns;
    int rows;
};

static void check_row(void *context, int64_t i, const unsigned char *row)
{
    struct seen *seen = context;
    const struct fb_column *c = seen->columns;
    assert_int_equal(i, seen->rows++);
    assert_true(fb_column_integer(&c[0], row) == -1 - (i << 60));
    assert_int_equal(fb_column_integer(&c[1], row), -300 - i);
    assert_int_equal(fb_column_integer(&c[2], row), 200 + i);
    assert_true(fabs(fb_column_number(&c[3], row) - (1.5 + (double)i)) < 1e-15);
    assert_true(fabs(fb_column_number(&c[4], row) + 2.25 * (double)i) < 1e-15);
    assert_true(fabs(fb_column_number(&c[1], row) - (double)(-300 - i)) < 1e-15);
    assert_memory_equal(row + c[5].offset, "QSO  ", 5);
    assert_int_equal(fb_column_integer(&c[6], row), -i);
}

static void test_columns(void **state)
{
    static const char *const names[] = { "ids",  "SMALL",   "byte",    "Float", "last",
                                         "TEXT", "trivial", "missing", "three" };
    static const char *const wanted[] = { "nothing", "TABLE", NULL };
    static const char *const scaled[] = { "SCALED" }, *const none[] = { "nothing", NULL };
    static unsigned char buffer[FB_ROWS_BUFFER];
    struct fb_column columns[9], one;
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    put_primary(&f);
    put_table(&f, TABLE_ROW);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    const struct fb_hdu *table = fb_hdus_table(&o.hdus, wanted);
    assert_non_null(table);
    assert_null(fb_hdus_table(&o.hdus, none));
    assert_true(fb_hdu_columns(&o.hdus, table, names, 9, columns));
    assert_false(fb_hdu_columns(&o.hdus, table, scaled, 1, &one));
    assert_int_equal(columns[7].type, 0);
    for (int k = 0; k < 7; k++)
        assert_int_equal(fb_column_is_number(&columns[k]), k != 5);
    for (int k = 0; k < 9; k++)
        assert_int_equal(fb_column_is_integer(&columns[k]), k < 3 || k == 6);
    struct seen seen = { columns, 0 };
    assert_int_equal(fb_file_read(&o.hdus.file, buffer, (size_t)(4 * table->axis[0]), table->data, &o.err),
                     0);
    for (int64_t i = 0; i < table->axis[1]; i++)
        check_row(&seen, i, buffer + i * table->axis[0]);
    assert_int_equal(seen.rows, 4);
    close_bytes(&o);
}

/* A row of another length than its columns add up to is not plain, and neither is a name that comes twice. */
static void test_unusual_tables(void **state)
{
    static const char *const wanted[] = { "*", NULL }, *const ids[] = { "IDS" }, *const twice[] = { "A" };
    struct fb_column column;
    struct fits_bytes f = { 0 };
    struct opened o;
    (void)state;
    for (int off = -1; off <= 1; off += 2) {
        put_primary(&f);
        put_table(&f, TABLE_ROW + off);
        open_bytes(&o, &f);
        assert_int_equal(o.status, 0);
        assert_false(fb_hdu_columns(&o.hdus, fb_hdus_table(&o.hdus, wanted), ids, 1, &column));
        close_bytes(&o);
    }
    put_primary(&f);
    put_table_cards(&f, "T", 8, 2, 2);
    for (int i = 1; i <= 2; i++) {
        put_card(&f, "TTYPE%-3d= '%s'", i, i == 1 ? "A" : "a");
        put_card(&f, "TFORM%-3d= 'J'", i);
    }
    put_end(&f);
    put_bytes(&f, "sixteen bytes...", 16);
    put_padding(&f);
    open_bytes(&o, &f);
    assert_int_equal(o.status, 0);
    assert_false(fb_hdu_columns(&o.hdus, fb_hdus_table(&o.hdus, wanted), twice, 1, &column));
    close_bytes(&o);
}

/* ---- reads ---- */

static void test_reads(void **state)
{
    struct fits_bytes f = { 0 };
    struct opened o;
    unsigned char *expected = malloc(200000), *bytes = malloc(200000);
    (void)state;
    assert_non_null(expected);
    assert_non_null(bytes);
    for (int i = 0; i < 200000; i++)
        expected[i] = (unsigned char)(i % 251);
    put_bytes(&f, expected, 200000);
    open_bytes(&o, &f);
    assert_int_equal(o.status, -1);
    assert_non_null(strstr(o.err.text, "not a FITS file"));
    assert_int_equal(o.hdus.file.size, 200000);
    assert_int_equal(o.hdus.file.stats.bytes, FB_FILE_HEAD);
    static const int places[][2] = { { 0, 10 },     { 32000, 768 }, { 32000, 769 },
                                     { 0, 200000 }, { 199999, 1 },  { 777, 0 } };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        memset(bytes, 1, 200000);
        assert_int_equal(fb_file_read(&o.hdus.file, bytes, (size_t)places[i][1], places[i][0], &o.err), 0);
        assert_memory_equal(bytes, expected + places[i][0], (size_t)places[i][1]);
    }
    assert_int_equal(o.hdus.file.stats.bytes, FB_FILE_HEAD + 769 + 200000 + 1);
    assert_int_equal(fb_file_read(&o.hdus.file, bytes, 2, 199999, &o.err), -1);
    assert_non_null(strstr(o.err.text, "expected 2 bytes at 199999, but the file ends after 1"));
    fb_file_want(&o.hdus.file, 0, 200000);
    fb_file_in_memory(&o.hdus.file, 100000); /* may say either */
    free(bytes);
    free(expected);
    close_bytes(&o);
}

static void test_files_that_are_none(void **state)
{
    struct fb_file file = { 0 };
    struct fb_error err;
    (void)state;
    assert_int_equal(fb_file_open(&file, "/no/such/file", &err), -1);
    assert_non_null(strstr(err.text, "/no/such/file: No such file"));
    assert_int_equal(fb_file_open(&file, "/", &err), -1);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(file.stats.files, 0);
    fb_file_release(&file);
}

static void test_byte_order(void **state)
{
    enum { N = 1000 };
    static unsigned char four[4 * N + 4], eight[8 * N];
    (void)state;
    for (size_t n = 0; n <= N; n = n < 40 ? n + 1 : n + 480) {
        for (size_t i = 0; i < n; i++) {
            uint32_t a = (uint32_t)(i * 2654435761u);
            uint64_t b = (uint64_t)i * 0x9E3779B97F4A7C15u;
            for (int k = 0; k < 4; k++)
                four[4 * i + (size_t)k] = (unsigned char)(a >> (24 - 8 * k));
            for (int k = 0; k < 8; k++)
                eight[8 * i + (size_t)k] = (unsigned char)(b >> (56 - 8 * k));
            assert_true(fb_big_endian(four + 4 * i, 4) == a);
            assert_true(fb_big_endian(eight + 8 * i, 8) == b);
        }
        memset(four + 4 * n, 77, 4);
        fb_swap4(four, n);
        fb_swap8(eight, n);
        for (size_t i = 0; i < n; i++) {
            uint32_t a;
            uint64_t b;
            memcpy(&a, four + 4 * i, 4);
            memcpy(&b, eight + 8 * i, 8);
            assert_true(a == (uint32_t)(i * 2654435761u));
            assert_true(b == (uint64_t)i * 0x9E3779B97F4A7C15u);
        }
        assert_int_equal(four[4 * n], 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_compressed_image),
        cmocka_unit_test(test_long_headers),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_header_without_end),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_unusual_tables),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
