/* image.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fits/image.h"
#include "fits/tiles.h"

static const double two_31 = 2147483648.0, two_63 = 9223372036854775808.0;

static int equal(double a, double b)
{
    return a >= b && a <= b;
}

static size_t bytes_of(enum fb_pixel_type type)
{
    return type == FB_DOUBLES ? sizeof(double) : 4;
}

/* ---- numbers ---- */

static double number_of(const unsigned char *bytes, int bitpix, int unsigned64)
{
    uint64_t bits = fb_big_endian(bytes, (size_t)abs(bitpix) / 8);
    uint32_t low = (uint32_t)bits;
    float single;
    double value;
    switch (bitpix) {
    case 8:
        return (double)bits;
    case 16:
        return (double)(int16_t)bits;
    case 32:
        return (double)(int32_t)bits;
    case 64:
        return unsigned64 ? (double)(bits ^ (uint64_t)1 << 63) : (double)(int64_t)bits;
    case -32:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

void fb_pixels_widen(const unsigned char *bytes, int bitpix, int unsigned64, size_t n, double *pixels)
{
    size_t size = (size_t)abs(bitpix) / 8;
    for (size_t i = 0; i < n; i++)
        pixels[i] = number_of(bytes + size * i, bitpix, unsigned64);
}

static int32_t integer_of(double value)
{
    if (!(value > -two_31)) /* NaN */
        return INT32_MIN;
    return value < two_31 ? (int32_t)value : INT32_MAX;
}

/* Scale pixels and convert them to the type wanted. */
static void narrow(const struct fb_image *image, const double *from, size_t n, void *to)
{
    int scaled = !equal(image->scale, 1) || !equal(image->zero, 0);
    int bits = equal(image->zero, two_31) && equal(image->scale, 1) && image->bitpix == 32;
    for (size_t i = 0; i < n; i++) {
        double value = scaled ? from[i] * image->scale + image->zero : from[i];
        if (image->type == FB_DOUBLES)
            ((double *)to)[i] = value;
        else if (image->type == FB_FLOATS)
            ((float *)to)[i] = (float)value;
        else
            ((int32_t *)to)[i] = bits && value >= two_31 ? (int32_t)(value - 2 * two_31) : integer_of(value);
    }
}

/* ---- opening ---- */

static int no_image(const struct fb_image *image, const struct fb_hdu *hdu, const char *found,
                    struct fb_error *err)
{
    return fb_fail(err, "%s: HDU %s: expected an image, found %s", image->file->path, hdu->name, found);
}

/* BLANK of a compressed image is handled by fits/tiles.c. */
static int take_scale(struct fb_image *image, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                      struct fb_error *err)
{
    int64_t blank = 0;
    image->scale = 1;
    if (fb_hdu_real(hdus, hdu, "BSCALE", &image->scale) < 0 ||
        fb_hdu_real(hdus, hdu, "BZERO", &image->zero) < 0)
        return fb_fail(
            err,
            "%s: HDU %s: expected BSCALE and BZERO once each, as numbers, found one repeated or not a number",
            image->file->path, hdu->name);
    image->has_blank = image->bitpix > 0 ? fb_hdu_integer(hdus, hdu, "BLANK", &blank) : 0;
    if (image->has_blank < 0)
        return fb_fail(err,
                       "%s: HDU %s: expected BLANK once, as a whole number, found it repeated or not whole",
                       image->file->path, hdu->name);
    image->unsigned64 = image->bitpix == 64 && equal(image->scale, 1) && equal(image->zero, two_63);
    if (image->unsigned64)
        image->zero = 0;
    image->blank = (double)blank + (image->unsigned64 ? two_63 : 0);
    return 0;
}

static int open_plain(struct fb_image *image, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                      struct fb_error *err)
{
    static const int bits[] = { [FB_FLOATS] = -32, [FB_DOUBLES] = -64, [FB_INTEGERS] = 32 };
    if (hdu->kind != FB_HDU_IMAGE || hdu->pcount != 0 || hdu->gcount != 1)
        return no_image(image, hdu, hdu->kind == FB_HDU_IMAGE ? "groups" : "a table", err);
    image->naxis = hdu->naxis;
    image->bitpix = hdu->bitpix;
    image->data = hdu->data;
    memcpy(image->axis, hdu->axis, sizeof image->axis);
    if (take_scale(image, hdus, hdu, err) != 0)
        return -1;
    image->in_place = image->bitpix == bits[image->type] && !image->has_blank && equal(image->scale, 1) &&
                      (equal(image->zero, 0) || (image->type == FB_INTEGERS && equal(image->zero, two_31)));
    return 0;
}

static int open_compressed(struct fb_image *image, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                           struct fb_error *err)
{
    image->tiles = calloc(1, sizeof *image->tiles);
    if (!image->tiles)
        return fb_fail(err, "%s: out of memory", image->file->path);
    if (fb_tiles_open(image->tiles, hdus, hdu, err) != 0)
        return -1;
    image->naxis = image->tiles->naxis;
    image->bitpix = image->tiles->bitpix;
    memcpy(image->axis, image->tiles->axis, sizeof image->axis);
    image->tile = -1;
    return take_scale(image, hdus, hdu, err);
}

int fb_image_open(struct fb_image *image, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                  enum fb_pixel_type type, struct fb_error *err)
{
    *image = (struct fb_image){ .name = hdu->name, .file = &hdus->file, .type = type };
    return hdu->compressed && hdu->kind == FB_HDU_TABLE ? open_compressed(image, hdus, hdu, err)
                                                        : open_plain(image, hdus, hdu, err);
}

void fb_image_release(struct fb_image *image)
{
    if (image->tiles)
        fb_tiles_release(image->tiles);
    free(image->tiles);
    free(image->pixels);
    *image = (struct fb_image){ 0 };
}

/* ---- pixels ---- */

static int read_in_place(const struct fb_image *image, int64_t first, size_t n, void *pixels,
                         struct fb_error *err)
{
    size_t size = bytes_of(image->type);
    if (fb_file_read(image->file, pixels, n * size, image->data + first * (int64_t)size, err) != 0)
        return -1;
    if (size == 8)
        fb_swap8(pixels, n);
    else
        fb_swap4(pixels, n);
    uint32_t *bits = pixels;
    for (size_t i = 0; equal(image->zero, two_31) && i < n; i++)
        bits[i] ^= 1U << 31;
    return 0;
}

/* Read pixels that need conversion, a buffer at a time. */
static int read_plain(const struct fb_image *image, int64_t first, size_t n, void *pixels,
                      struct fb_error *err)
{
    enum { SOME = 1024 };
    unsigned char bytes[8 * SOME];
    double values[SOME];
    size_t size = (size_t)abs(image->bitpix) / 8;
    for (size_t done = 0, count; done < n; done += count) {
        count = n - done < SOME ? n - done : SOME;
        if (fb_file_read(image->file, bytes, count * size,
                         image->data + (first + (int64_t)done) * (int64_t)size, err) != 0)
            return -1;
        fb_pixels_widen(bytes, image->bitpix, image->unsigned64, count, values);
        for (size_t i = 0; image->has_blank && i < count; i++)
            values[i] = equal(values[i], image->blank) ? NAN : values[i];
        narrow(image, values, count, (unsigned char *)pixels + done * bytes_of(image->type));
    }
    return 0;
}

static int fetch_tile(struct fb_image *image, int64_t number, struct fb_error *err)
{
    size_t n = fb_tile_pixels(image->tiles, number);
    double *values = malloc(n * sizeof *values);
    free(image->pixels);
    image->tile = -1;
    image->pixels = malloc(n * bytes_of(image->type));
    int status = values && image->pixels ? fb_tile_read(image->tiles, number, image->unsigned64, values, err)
                                         : fb_fail(err, "%s: HDU %s: out of memory for %zu pixels",
                                                   image->file->path, image->name, n);
    if (status == 0) {
        narrow(image, values, n, image->pixels);
        image->tile = number;
    }
    free(values);
    return status;
}

/* Find the tile of a pixel, the pixel's offset in it, and the number of pixels up to the end of the tile's
 * row. */
static size_t find_run(const struct fb_tiles *t, int64_t pixel, int64_t *tile, size_t *offset)
{
    int64_t tiles = 1, pixels = 1, run = 0;
    *tile = 0;
    *offset = 0;
    for (int k = 0; k < t->naxis; k++) {
        int64_t at = pixel % t->axis[k], begin = at / t->tile[k] * t->tile[k], left = t->axis[k] - begin;
        int64_t length = left < t->tile[k] ? left : t->tile[k];
        *tile += at / t->tile[k] * tiles;
        *offset += (size_t)((at - begin) * pixels);
        run = k == 0 ? begin + length - at : run;
        tiles *= (t->axis[k] - 1) / t->tile[k] + 1;
        pixels *= length;
        pixel /= t->axis[k];
    }
    return (size_t)run;
}

static int read_tiles(struct fb_image *image, int64_t first, size_t n, void *pixels, struct fb_error *err)
{
    size_t size = bytes_of(image->type);
    for (size_t done = 0, count; done < n; done += count) {
        int64_t tile;
        size_t offset;
        count = find_run(image->tiles, first + (int64_t)done, &tile, &offset);
        count = n - done < count ? n - done : count;
        if (tile != image->tile && fetch_tile(image, tile, err) != 0)
            return -1;
        memcpy((unsigned char *)pixels + done * size, (unsigned char *)image->pixels + offset * size,
               count * size);
    }
    return 0;
}

int fb_image_read(struct fb_image *image, int64_t first, size_t n, void *pixels, struct fb_error *err)
{
    if (image->tiles)
        return read_tiles(image, first, n, pixels, err);
    return image->in_place ? read_in_place(image, first, n, pixels, err)
                           : read_plain(image, first, n, pixels, err);
}
