/*
 * print_image.c - the pixels of all images of a file, as our reader and as CFITSIO have them, for tests/cli/test_images.py.
 *
 * usage: print_image FILE
 *
 * Writes to stdout, for every extension, which is an image, five answers: ours as floats, doubles and integers, then
 * CFITSIO's as floats and doubles. An answer is the number of pixels as int64_t and the pixels, all in the byte order of this machine; -1 is a
 * failure, which is explained on stderr. Ours are read in parts as well, which have to be the same.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fitsio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/image.h"

static void put_answer(int64_t n, const void *pixels, size_t size)
{
    fwrite(&n, sizeof n, 1, stdout);
    if (n > 0)
        fwrite(pixels, size, (size_t)n, stdout);
}

/* ---- ours ---- */

static int compare_parts(struct fb_image *image, const unsigned char *pixels, size_t n, size_t size,
                         struct fb_error *err)
{
    unsigned char *part = malloc(n * size + 1);
    int status = part ? 0 : fb_fail(err, "out of memory");
    for (size_t trial = 0; status == 0 && trial < 40 && n > 0; trial++) {
        size_t first = trial * 7919 % n, count = 1 + trial * 104729 % (n - first);
        status = fb_image_read(image, (int64_t)first, count, part, err);
        if (status == 0 && memcmp(part, pixels + size * first, size * count) != 0)
            status = fb_fail(err, "%zu pixels from %zu on are not those of the whole", count, first);
    }
    free(part);
    return status;
}

static void ours(struct fb_hdus *hdus, const struct fb_hdu *hdu, enum fb_pixel_type type)
{
    struct fb_image image = { 0 };
    struct fb_error err = { "" };
    size_t size = type == FB_DOUBLES ? 8 : 4;
    int64_t n = 1;
    void *pixels = NULL;
    int status = fb_image_open(&image, hdus, hdu, type, &err);
    for (int k = 0; k < image.naxis; k++)
        n *= image.axis[k];
    if (status == 0)
        status = (pixels = malloc((size_t)n * size + 1)) ? 0 : fb_fail(&err, "out of memory");
    if (status == 0)
        status = fb_image_read(&image, 0, (size_t)n, pixels, &err);
    if (status == 0)
        status = compare_parts(&image, pixels, (size_t)n, size, &err);
    if (status != 0)
        fprintf(stderr, "%s\n", err.text);
    put_answer(status == 0 ? n : -1, pixels, size);
    free(pixels);
    fb_image_release(&image);
}

/* ---- CFITSIO ---- */

static void cfitsio(fitsfile *file, int hdu, enum fb_pixel_type type)
{
    int status = 0, naxis = 0, kind, blanks;
    LONGLONG axis[3] = { 1, 1, 1 };
    double no_double = (double)NAN;
    float no_float = NAN;
    void *blank = type == FB_DOUBLES ? (void *)&no_double : (void *)&no_float;
    size_t size = type == FB_DOUBLES ? 8 : 4;
    fits_movabs_hdu(file, hdu, &kind, &status);
    fits_get_img_dim(file, &naxis, &status);
    fits_get_img_sizell(file, 3, axis, &status);
    LONGLONG n = status ? 0 : axis[0] * axis[1] * axis[2];
    void *pixels = calloc((size_t)n + 1, size);
    fits_read_img(file, type == FB_DOUBLES ? TDOUBLE : TFLOAT, 1, n, blank, pixels, &blanks, &status);
    fits_report_error(stderr, status);
    put_answer(status ? -1 : n, pixels, size);
    free(pixels);
}

int main(int argc, char **argv)
{
    struct fb_hdus hdus = { 0 };
    struct fb_error err = { "expected a file" };
    fitsfile *fits;
    int status = 0;
    if (argc != 2 || fb_hdus_open(&hdus, argv[1], NULL, &err) != 0 ||
        fits_open_diskfile(&fits, argv[1], READONLY, &status)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    for (size_t i = 1; i < hdus.n; i++) {
        for (int type = FB_FLOATS; type <= FB_INTEGERS; type++)
            ours(&hdus, &hdus.hdu[i], (enum fb_pixel_type)type);
        for (int type = FB_FLOATS; type <= FB_DOUBLES; type++)
            cfitsio(fits, (int)i + 1, (enum fb_pixel_type)type);
    }
    fits_close_file(fits, &status);
    fb_hdus_release(&hdus);
    return 0;
}
