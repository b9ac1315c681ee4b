/*
 * test_unpack.c - gzipped files are read correctly, and those whose contents contradict their headers are
 * rejected.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "fits_bytes.h"
#include "fits/hdus.h"
#include "fits/table.h"
#include "fits/unpack.h"

enum { NROWS = 20000 };

/* Pack what was put together. */
static void pack(struct fits_bytes *f)
{
    enum { GZIP = 16 };
    struct fits_bytes packed = { 0 };
    z_stream stream = { .next_in = f->bytes, .avail_in = (uInt)f->n };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY), Z_OK);
    packed.room = deflateBound(&stream, f->n) + 100;
    packed.bytes = malloc(packed.room);
    assert_non_null(packed.bytes);
    stream.next_out = packed.bytes;
    stream.avail_out = (uInt)packed.room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.n = stream.total_out;
    deflateEnd(&stream);
    free(f->bytes);
    *f = packed;
}

static void put_file(struct fits_bytes *f)
{
    put_primary(f);
    put_table_cards(f, "ANY", 8, NROWS, 1);
    put_text(f, "TTYPE1", "X");
    put_text(f, "TFORM1", "D");
    put_end(f);
    for (int i = 0; i < NROWS; i++)
        put_double(f, i * 0.37);
    put_padding(f);
}

static void test_contents(void **state)
{
    struct fits_bytes f = { 0 };
    struct fb_hdus hdus = { 0 };
    struct fb_error err;
    unsigned char bytes[16];
    (void)state;
    put_file(&f);
    int64_t size = (int64_t)f.n;
    pack(&f);
    char *path = write_file(&f, "packed.fits");
    assert_int_equal(fb_hdus_open(&hdus, path, NULL, &err), 0);
    assert_int_equal(hdus.file.size, size);
    assert_int_equal(hdus.n, 2);
    /* beyond the head as well */
    int64_t place = hdus.hdu[1].data + 8 * 15000;
    assert_int_equal(fb_file_read(&hdus.file, bytes, 8, place, &err), 0);
    fb_swap8(bytes, 1);
    double value;
    memcpy(&value, bytes, 8);
    assert_true(value == 15000 * 0.37);
    assert_int_equal(fb_file_in_memory(&hdus.file, place), 1);
    assert_int_equal(fb_file_read(&hdus.file, bytes, 8, size - 8, &err), 0);
    assert_int_equal(fb_file_read(&hdus.file, bytes, 9, size - 8, &err), -1);
    assert_non_null(strstr(err.text, "contents end"));
    fb_hdus_release(&hdus);
    remove_file(path);
}

/* Whatever the file is called. */
static void test_table(void **state)
{
    struct fits_bytes f = { 0 };
    static double values[NROWS];
    struct fb_table table;
    struct fb_error err;
    (void)state;
    put_file(&f);
    pack(&f);
    char *path = write_file(&f, "packed[1][#row<3].fits.gz");
    assert_int_equal(fb_table_open(&table, path, NULL, &err), 0);
    assert_int_equal(table.nrows, NROWS);
    assert_true(fb_table_is_packed(&table));
    assert_int_equal(fb_table_numbers(&table, &table.columns[0], values, NROWS, &err), 0);
    for (int i = 0; i < NROWS; i++)
        assert_true(values[i] == i * 0.37);
    fb_table_close(&table);
    remove_file(path);
}

static int is_not_big(const char *extname)
{
    return strcmp(extname, "BIG") != 0;
}

/* Parts that a reader does not need are skipped, and everything else is at the right offset. */
static void test_parts(void **state)
{
    enum { BIG = 300000 };
    struct fits_bytes f = { 0 };
    struct fb_hdus hdus = { 0 };
    struct fb_error err;
    unsigned char bytes[16];
    (void)state;
    put_primary(&f);
    for (int k = 0; k < 4; k++) {
        put_image_cards(&f, k % 2 ? "SMALL" : "BIG", -64, BIG, 0);
        put_end(&f);
        for (int i = 0; i < BIG; i++)
            put_double(&f, k * BIG + i);
        put_padding(&f);
    }
    int64_t size = (int64_t)f.n;
    pack(&f);
    char *path = write_file(&f, "parts.fits.gz");
    assert_int_equal(fb_hdus_open(&hdus, path, is_not_big, &err), 0);
    assert_int_equal(hdus.file.size, size);
    assert_int_equal(hdus.file.ngaps, 2);
    assert_int_equal(hdus.n, 5);
    for (int k = 0; k < 4; k++) {
        int64_t data = hdus.hdu[k + 1].data;
        for (int i = 0; i < BIG; i += i < BIG - 1000 ? 997 : 1) {
            int status = fb_file_read(&hdus.file, bytes, 8, data + 8 * i, &err);
            double value;
            if (k % 2 == 0 && 8 * i > 3 * FB_FILE_HEAD) { /* what comes with the header may be there */
                assert_int_equal(status, -1);
                assert_non_null(strstr(err.text, "left out"));
            } else if (status == 0) {
                fb_swap8(bytes, 1);
                memcpy(&value, bytes, 8);
                assert_true(value == k * BIG + i);
            } else {
                assert_int_equal(k % 2, 0);
            }
        }
        assert_int_equal(fb_file_read(&hdus.file, bytes, 16, data + 8 * BIG - 8, &err), k % 2 ? 0 : -1);
        assert_int_equal(fb_file_read(&hdus.file, bytes, 16, hdus.file.gaps[k / 2].begin - 8, &err), -1);
        assert_int_equal(fb_file_read(&hdus.file, bytes, 8, hdus.file.gaps[k / 2].begin - 8, &err), 0);
        assert_int_equal(fb_file_read(&hdus.file, bytes, 8, hdus.file.gaps[k / 2].end, &err), 0);
    }
    assert_int_equal(fb_file_read(&hdus.file, bytes, 9, size - 8, &err), -1);
    assert_non_null(strstr(err.text, "contents end"));
    fb_hdus_release(&hdus);
    remove_file(path);
}

static void refuse(struct fits_bytes *f, const char *words)
{
    struct fb_table table;
    struct fb_error err;
    char *path = write_file(f, "packed-badly.fits.gz");
    assert_int_equal(fb_table_open(&table, path, NULL, &err), -1);
    if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, words))
        fail_msg("expected \"%s\", found \"%s\"", words, err.text);
    remove_file(path);
}

static void set_size(struct fits_bytes *f, uint32_t size)
{
    for (int k = 0; k < 4; k++)
        f->bytes[f->n - 4 + (size_t)k] = (unsigned char)(size >> (8 * k));
}

static void test_refused(void **state)
{
    struct fits_bytes f = { 0 };
    (void)state;
    put_file(&f);
    size_t size = f.n;
    pack(&f);
    size_t packed = f.n;
    /* cut short: the last bytes are no size any more, or there are too few */
    for (size_t n = 2; n < packed; n += packed / 37 + 1) {
        f.n = n;
        refuse(&f, "");
        put_file(&f);
        pack(&f);
    }
    set_size(&f, (uint32_t)size + 1);
    refuse(&f, "incorrect length check");
    put_file(&f), pack(&f);
    set_size(&f, (uint32_t)size - 1);
    refuse(&f, "more than it says");
    put_file(&f), pack(&f);
    set_size(&f, UINT32_MAX);
    refuse(&f, "cut short");
    put_file(&f), pack(&f);
    f.bytes[f.n - 8] ^= 1;
    refuse(&f, "incorrect data check");
    put_file(&f), pack(&f);
    put_bytes(&f, f.bytes + f.n - 8, 8);
    refuse(&f, "and more");
    put_file(&f), pack(&f);
    memset(f.bytes + f.n / 2, 0xff, 20);
    refuse(&f, "can't unpack it");
}

/* A small file that unpacks to hundreds of MB of nothing is known by its first block. */
static void test_bomb(void **state)
{
    struct fits_bytes f = { 0 };
    (void)state;
    f.n = f.room = (size_t)1 << 28;
    f.bytes = calloc(f.n, 1);
    assert_non_null(f.bytes);
    pack(&f);
    refuse(&f, "not a FITS file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents), cmocka_unit_test(test_table), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
