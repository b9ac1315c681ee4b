/*
 * test_gaps.c - parts of rows are right whatever lies between them in the file, and what lies between is read with them up
 * to 12,288 bytes (3,072 pixels), and not beyond.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <stdlib.h>
#include <string.h>
#include "fits_bytes.h"
#include "desi/joined.h"

enum { NROWS = 40, MOST_GAP = 3072, MOST_DISTANCE = 4 /* of rows that one read may fetch */ };

static double flux_of(int64_t row, size_t i)
{
    return (double)(row * 4096 + (int64_t)i);
}

static double ivar_of(int64_t row, size_t i)
{
    return (double)(1 + (row * 7 + (int64_t)i) % 1021);
}

/* A coadd of one camera. */
static char *make_file(size_t width)
{
    struct fits_bytes f = { 0 };
    put_primary(&f);
    put_image_cards(&f, "B_WAVELENGTH", -64, (int)width, 0);
    put_end(&f);
    for (size_t i = 0; i < width; i++)
        put_double(&f, 3600 + 0.8 * (double)i);
    put_padding(&f);
    for (int k = 0; k < 2; k++) {
        put_image_cards(&f, k == 0 ? "B_FLUX" : "B_IVAR", -32, (int)width, NROWS);
        put_end(&f);
        for (int64_t row = 0; row < NROWS; row++)
            for (size_t i = 0; i < width; i++)
                put_float(&f, (float)(k == 0 ? flux_of(row, i) : ivar_of(row, i)));
        put_padding(&f);
    }
    put_table_cards(&f, "FIBERMAP", 8, NROWS, 1);
    put_card(&f, "TTYPE1  = 'TARGETID'");
    put_card(&f, "TFORM1  = 'K       '");
    put_end(&f);
    for (int row = 0; row < NROWS; row++)
        put_number(&f, 1000 + row, 8);
    put_padding(&f);
    return write_file(&f, "gaps.fits");
}

static void check_values(struct fb_joined *reader, const struct fb_part *parts, size_t n, double *values)
{
    size_t width = fastbal_grid_size(reader->grid);
    for (size_t k = 0; k < n; k++) {
        fb_joined_spectrum(reader, k, values, values + width);
        for (size_t i = parts[k].begin; i < parts[k].end; i++)
            if (values[i] != flux_of(parts[k].row, i) || values[width + i] != ivar_of(parts[k].row, i))
                fail_msg("row %d, pixel %zu: %g and %g", (int)parts[k].row, i, values[i], values[width + i]);
    }
}

/* Three parts: the second follows `distance` rows after the first, with `gap` pixels between them, and so does the third,
 * with one pixel less where there is one. */
static void check_gap(struct fb_joined *reader, double *values, size_t distance, size_t gap)
{
    size_t width = fastbal_grid_size(reader->grid), rows = (distance - 1) * width;
    if (gap < rows || gap - rows > width)
        return;
    size_t end = width - (gap - rows) / 2, begin = gap - rows - (width - end);
    size_t next = begin > 0 ? begin - 1 : 0, gaps[2] = { gap, rows + (width - end) + next }, expected = 0;
    const struct fb_part parts[3] = { { 20, 0, end, 0 },
                                      { 20 + (int64_t)distance, begin, end, 0 },
                                      { 20 + 2 * (int64_t)distance, next, width, 0 } };
    struct fb_error err = { "" };
    if (begin >= end)
        return;
    for (size_t k = 0; k < 3; k++)
        expected += parts[k].end - parts[k].begin;
    for (size_t k = 0; k < 2; k++)
        expected += gaps[k] <= MOST_GAP && distance <= MOST_DISTANCE ? gaps[k] : 0;
    int64_t before = reader->coadd.hdus.file.stats.bytes;
    if (fb_joined_load(reader, parts, 3, &err) != 0)
        fail_msg("%s", err.text);
    if (reader->coadd.hdus.file.stats.bytes - before != (int64_t)(2 * 4 * expected))
        fail_msg("%zu rows on, gap %zu: %d bytes were read, expected %zu", distance, gap,
                 (int)(reader->coadd.hdus.file.stats.bytes - before), 2 * 4 * expected);
    check_values(reader, parts, 3, values);
}

static void test_gaps(void **state)
{
    static const size_t widths[] = { 610, 1700, 3072, 4000 };
    (void)state;
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        struct fb_joined *reader = calloc(1, sizeof *reader);
        double *values = malloc(2 * widths[w] * sizeof *values);
        struct fb_error err = { "" };
        char *path = make_file(widths[w]);
        assert_true(reader && values);
        if (fb_joined_open(reader, path, &err) != 0)
            fail_msg("%s", err.text);
        for (size_t distance = 1; distance <= 6; distance++) {
            for (size_t gap = 0; gap < 6 * widths[w]; gap += 1 + gap % 37)
                check_gap(reader, values, distance, gap);
            for (size_t gap = MOST_GAP - 3; gap <= MOST_GAP + 3; gap++)
                check_gap(reader, values, distance, gap);
        }
        fb_joined_release(reader);
        free(reader);
        free(values);
        remove_file(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_gaps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
