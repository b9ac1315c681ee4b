/*
 * test_tiles.c - compressed images of coadds: what is read is what was written, or it is refused with a line that says
 * what is wrong. Headers and tiles that lie.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <fitsio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "fits_bytes.h"
#include "desi/joined.h"

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
    return write_file(&f, "tiles-plain.fits");
}

/* How to quantize: not at all; by a step; by a part of the noise, of which there is none, so that CFITSIO
 * can't and gives the tiles to gzip. */
static const float not_quantized = 0, by_step = -0.5f, by_noise = 4;

/* The same with its images compressed. */
static void compressed_bytes(struct fits_bytes *f, int method, float quantize)
{
    char *path = plain_file();
    void *memory = NULL;
    size_t size = 0;
    fitsfile *in, *out;
    int status = 0, type, naxis = 0;
    fits_open_diskfile(&in, path, READONLY, &status);
    fits_create_memfile(&out, &memory, &size, 2880, realloc, &status);
    for (int hdu = 1; hdu <= 5; hdu++) {
        fits_movabs_hdu(in, hdu, &type, &status);
        /* CFITSIO forgets them after each image */
        fits_set_compression_type(out, method, &status);
        fits_set_quantize_level(out, quantize, &status);
        if (type == IMAGE_HDU)
            fits_get_img_dim(in, &naxis, &status);
        if (type == IMAGE_HDU && naxis == 2)
            fits_img_compress(in, out, &status);
        else
            fits_copy_hdu(in, out, 0, &status);
    }
    LONGLONG end = 0;
    fits_get_hduaddrll(out, NULL, NULL, &end, &status);
    fits_flush_file(out, &status);
    assert_int_equal(status, 0);
    put_bytes(f, memory, (size_t)end);
    fits_close_file(out, &status);
    fits_close_file(in, &status);
    free(memory);
    remove_file(path);
}

static unsigned char *last_card(const struct fits_bytes *f, const char *key)
{
    for (size_t at = f->n / 80; at-- > 0;)
        if (memcmp(f->bytes + 80 * at, key, 8) == 0)
            return f->bytes + 80 * at;
    fail_msg("no card %s", key);
    abort(); /* not reached */
}

/* The last card of a keyword gets another value. */
static void set_card(struct fits_bytes *f, const char *key, const char *value)
{
    char text[81];
    snprintf(text, sizeof text, "%s= %20s%50s", key, value, "");
    memcpy(last_card(f, key), text, 80);
}

/* Open it, and read what it has to hold: within a tolerance, or a negative one: anything. */
static int open_bytes(struct fits_bytes *f, struct fb_error *err, double tolerance)
{
    struct fb_joined *reader = calloc(1, sizeof *reader);
    double flux[NPIXELS], ivar[NPIXELS];
    char *path = write_file(f, "tiles.fits");
    assert_non_null(reader);
    int status = fb_joined_open(reader, path, err);
    for (int64_t row = 0; status == 0 && row < NROWS; row++) {
        const struct fb_part part = { row, 0, NPIXELS, 0 };
        status = fb_joined_load(reader, &part, 1, err);
        if (status == 0)
            fb_joined_spectrum(reader, 0, flux, ivar);
        for (int i = 0; status == 0 && tolerance >= 0 && i < NPIXELS; i++)
            check_near(flux[i], (double)pixel_of((int)row, i), tolerance);
    }
    fb_joined_release(reader);
    free(reader);
    remove_file(path);
    return status;
}

static void test_read(void **state)
{
    const struct {
        int method;
        float quantize, tolerance;
    } ways[] = { { GZIP_1, not_quantized, 0 },
                 { GZIP_2, not_quantized, 0 },
                 { RICE_1, by_step, 0.5f },
                 { RICE_1, by_noise, 0 },
                 { GZIP_2, by_noise, 0 } };
    (void)state;
    for (int k = 0; k < 5; k++) {
        struct fits_bytes f = { 0 };
        struct fb_error err = { "" };
        compressed_bytes(&f, ways[k].method, ways[k].quantize);
        if (open_bytes(&f, &err, ways[k].tolerance) != 0)
            fail_msg("%s", err.text);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *key, *value, *words;
    } lies[] = {
        { "ZTILE1  ", "0", "ZTILE1" },
        { "ZTILE1  ", "-30", "ZTILE1" },
        { "ZTILE1  ", "31", "ZTILE1" },
        { "ZTILE2  ", "2", "a row for each tile" },
        { "ZTILE2  ", "1.5", "no whole number" },
        { "ZNAXIS  ", "0", "ZNAXIS" },
        { "ZNAXIS  ", "7", "ZNAXIS" },
        { "ZNAXIS1 ", "0", "ZNAXIS1" },
        { "ZNAXIS1 ", "3000000000", "ZNAXIS1" },
        { "ZNAXIS2 ", "5", "a row for each tile" },
        { "ZBITPIX ", "63", "ZBITPIX" },
        { "ZCMPTYPE", "'HCOMPRESS_1'", "HCOMPRESS_1" },
        { "ZCMPTYPE", "'PLIO_1'", "PLIO_1" },
        { "ZCMPTYPE", "'?'", "RICE_1" },
        { "ZVAL1   ", "0", "ZVAL1" },
        { "ZVAL2   ", "3", "BYTEPIX" },
        { "ZVAL2   ", "8", "ZVAL2" },
        { "ZVAL1   ", "'a text of more than 29 characters'", "ZVAL1" },
        { "ZDITHER0", "'a text of more than 29 characters'", "ZDITHER0" },
        { "ZDITHER0", "0", "ZDITHER0" },
        { "TFORM1  ", "'8A'", "variable length" },
        { "TFORM1  ", "'1PE(92)'", "variable length" },
        { "TTYPE1  ", "'OTHER'", "variable length" },
    };
    (void)state;
    for (size_t k = 0; k < sizeof lies / sizeof lies[0]; k++) {
        struct fits_bytes f = { 0 };
        struct fb_error err = { "" };
        compressed_bytes(&f, RICE_1, by_step);
        set_card(&f, lies[k].key, lies[k].value);
        if (open_bytes(&f, &err, -1) == 0 || !strstr(err.text, lies[k].words))
            fail_msg("%s = %s: \"%s\"", lies[k].key, lies[k].value, err.text);
    }
}

/* The table of the last compressed image. */
static unsigned char *last_table(struct fits_bytes *f)
{
    size_t data = 0;
    for (size_t at = 0; at + 80 <= f->n; at += 80)
        if (memcmp(f->bytes + at, "END     ", 8) == 0)
            data = (at / 2880 + 1) * 2880;
    return f->bytes + data;
}

static size_t row_bytes(const struct fits_bytes *f)
{
    return strtoul((const char *)last_card(f, "NAXIS1  ") + 10, NULL, 10);
}

/* The descriptor in the first row of the last column, which has the tiles: a length, and an offset in the
 * heap. */
static unsigned char *descriptor(struct fits_bytes *f)
{
    return last_table(f) + row_bytes(f) - 8;
}

static uint32_t tile_bytes(struct fits_bytes *f)
{
    return (uint32_t)fb_big_endian(descriptor(f), 4);
}

static unsigned char *tile(struct fits_bytes *f)
{
    return last_table(f) + NROWS * row_bytes(f) + fb_big_endian(descriptor(f) + 4, 4);
}

static void set_descriptor(struct fits_bytes *f, uint32_t length, uint32_t place)
{
    for (int b = 0; b < 4; b++) {
        descriptor(f)[b] = (unsigned char)(length >> (24 - 8 * b));
        descriptor(f)[4 + b] = (unsigned char)(place >> (24 - 8 * b));
    }
}

static void check_refused(struct fits_bytes *f, const char *words)
{
    struct fb_error err = { "" };
    if (open_bytes(f, &err, -1) == 0 || !strstr(err.text, words))
        fail_msg("expected \"%s\", found \"%s\"", words, err.text);
}

/* Tiles whose descriptors point outside the heap, and a heap outside the table. */
static void test_heap(void **state)
{
    static const uint32_t lies[][2] = { { 0x7fffffff, 0 }, { 1, 0xfffffff0 }, { 0xffffffff, 0 } };
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct fits_bytes f = { 0 };
        compressed_bytes(&f, GZIP_1, not_quantized);
        set_descriptor(&f, lies[k][0], lies[k][1]);
        check_refused(&f, "expected tiles within their heap, found one in row 1 beyond it");
    }
    static const char *const heaps[] = { "0", "47", "99999999", "-1" };
    for (int k = 0; k < 4; k++) {
        struct fits_bytes f = { 0 };
        compressed_bytes(&f, GZIP_1, not_quantized);
        memcpy(last_card(&f, "ZTENSION"), "THEAP   ", 8);
        set_card(&f, "THEAP   ", heaps[k]);
        check_refused(&f, "a heap between its rows and its end");
    }
}

/* A first tile of n zeros, packed. */
static void put_zeros(struct fits_bytes *f, unsigned n)
{
    static unsigned char zeros[100000];
    z_stream zlib = { .next_in = zeros, .avail_in = n, .avail_out = 300 };
    zlib.next_out = last_table(f) + NROWS * row_bytes(f);
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    set_descriptor(f, (uint32_t)zlib.total_out, 0);
    deflateEnd(&zlib);
}

/* Tiles packed by gzip that have no end, or that are none. */
static void test_streams(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const int method = k == 0 ? GZIP_1 : k == 1 ? GZIP_2 : RICE_1;
        struct fits_bytes files[7] = { 0 };
        for (int i = 0; i < 7; i++)
            compressed_bytes(&files[i], method, method == RICE_1 ? by_noise : not_quantized);
        set_descriptor(&files[0], tile_bytes(&files[0]) - 9, 0);
        check_refused(&files[0], "packed by gzip, found one in row 1 that is damaged or has no end");
        tile(&files[1])[tile_bytes(&files[1]) - 6] ^= 1; /* its CRC, before its length */
        check_refused(&files[1], "found one in row 1 that is damaged or has no end");
        tile(&files[2])[0] = 0; /* not gzip's header */
        check_refused(&files[2], "found one in row 1 that is damaged");
        static const unsigned lengths[] = { 100000, 240, 121, 60 }; /* bytes; 30 pixels have 120 */
        for (int i = 0; i < 4; i++) {
            put_zeros(&files[3 + i], lengths[i]);
            check_refused(&files[3 + i], "found one in row 1 of another length");
        }
    }
}

/* Tiles with too few or too many bytes for their pixels. */
static void test_lengths(void **state)
{
    (void)state;
    struct fits_bytes files[4] = { 0 };
    for (int i = 0; i < 4; i++)
        compressed_bytes(&files[i], RICE_1, i == 0 || i == 3 ? by_step : by_noise);
    last_table(&files[0])[3]--; /* the length of the first */
    check_refused(&files[0], "found one in row 1 that is damaged or ends before its pixels do");
    set_card(&files[1], "TTYPE4  ", "'UNCOMPRESSED_DATA'");
    set_card(&files[1], "TFORM4  ", "'1PB(92)'");
    check_refused(&files[1],
                  "expected tiles of as many numbers as pixels, found one in row 1 of another length");
    memset(descriptor(&files[2]), 0, 8);
    check_refused(&files[2], "expected tiles with data, found one in row 1 that is empty");
    set_card(&files[3], "ZQUANTIZ", "'NONE'");
    check_refused(&files[3], "integers or quantized numbers in tiles packed by RICE_1, found one in row 1");
}

/* Some images quantized, others not: BRZ_FLUX is, of BRZ_IVAR nothing could be. */
static void test_mixed(void **state)
{
    (void)state;
    struct fits_bytes f = { 0 };
    struct fb_error err = { "" };
    compressed_bytes(&f, RICE_1, by_noise);
    set_card(&f, "ZQUANTIZ", "'NONE'");
    if (open_bytes(&f, &err, 0) != 0)
        fail_msg("%s", err.text);
}

/* Other cards beside those that count, and more of those: the pixels are right, or the file is refused. */
static void test_cards(void **state)
{
    (void)state;
    static const struct {
        const char *card, *words; /* NULL: read */
    } cards[] = {
        { "NAXIS1  =                    0", NULL },
        { "PCOUNT  =                    0", "one keyword PCOUNT" },
        { "THEAP   = 'a text of more than 29 characters'", "another THEAP" },
        { "THEAP   =                   49", "another THEAP" },
        { "ZTILE2 x=                    0", NULL },
        { "ztile2  = 0", NULL },
        { "ZTILE2  =0 ", "ZTILE2" },
        { "ZTILE2  = 2", "ZTILE2" },
        { "ZTILE2=   0", NULL },
        { "ZTILE2     = 0", "ZTILE2" },
        { "HIERARCH ZTILE2 = 0", NULL },
        { "ZTILE2  = \1 1", "ZTILE2" },
        { "COMMENT ZTILE2 = 0", NULL },
        { "ZVAL2   =                    1", "ZVAL2" },
        { "ZCMPTYPE= 'GZIP_1'", "ZCMPTYPE" },
        { "ZQUANTIZ= 'NONE'", "ZQUANTIZ" },
        { "ZSCALE  =                  0.1", NULL },
        { "BSCALE  =                 some", "BSCALE" },
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        struct fits_bytes f = { 0 };
        struct fb_error err = { "" };
        compressed_bytes(&f, RICE_1, by_step);
        unsigned char *card = last_card(&f, "ZTENSION");
        memset(card, ' ', 80);
        memcpy(card, cards[i].card, strlen(cards[i].card));
        int status = open_bytes(&f, &err, cards[i].words ? -1 : 0.5);
        if (cards[i].words ? status == 0 || !strstr(err.text, cards[i].words) : status != 0)
            fail_msg("%s: \"%s\"", cards[i].card, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),    cmocka_unit_test(test_refused), cmocka_unit_test(test_heap),
        cmocka_unit_test(test_streams), cmocka_unit_test(test_lengths), cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
