/* tiles.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/tiles.h"

/* The first three columns hold tiles: compressed as ZCMPTYPE says, gzipped because they could not be
 * quantized, or uncompressed. */
enum { PACKED, BY_GZIP, NOT_PACKED, SCALE, ZERO, BLANK, NULL_MASK };
static const char *const column_names[FB_TILE_COLUMNS] = {
    "COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA", "ZSCALE", "ZZERO",
    "ZBLANK",          "NULL_PIXEL_MASK"
};

/* The header being read. */
struct look {
    const struct fb_hdus *hdus;
    const struct fb_hdu *hdu;
    struct fb_error *err;
};

static int refuse(const struct look *look, const char *expected, const char *found)
{
    return fb_fail(look->err,
                   "%s: HDU %s: expected a compressed image with %s, found %s (funpack makes a plain file)",
                   look->hdus->file.path, look->hdu->name, expected, found);
}

/* ---- header ---- */

/* Read an integer from least to most that occurs at most once. *value is `missing` if it does not occur. */
static int take(const struct look *look, const char *key, int64_t least, int64_t most, int64_t missing,
                int64_t *value)
{
    char expected[80], found[40];
    *value = missing;
    int count = fb_hdu_integer(look->hdus, look->hdu, key, value);
    if (count >= 0 && *value >= least && *value <= most)
        return 0;
    snprintf(expected, sizeof expected, "one %s from %lld to %lld", key, (long long)least, (long long)most);
    snprintf(found, sizeof found, "%lld", (long long)*value);
    return refuse(look, expected, count < 0 ? "two, or no whole number" : found);
}

/* Read a string that occurs at most once; empty if it does not occur. */
static int take_text(const struct look *look, const char *key, char *text, size_t size)
{
    char expected[40];
    text[0] = '\0';
    if (fb_hdu_count(look->hdus, look->hdu, key) <= 1 &&
        fb_hdu_text(look->hdus, look->hdu, key, text, size) >= 0)
        return 0;
    snprintf(expected, sizeof expected, "one short text %s", key);
    return refuse(look, expected, "it repeated or too long");
}

static int take_axes(const struct look *look, struct fb_tiles *t)
{
    int64_t naxis, pixels = 1;
    if (take(look, "ZNAXIS", 1, FB_HDU_AXES, 0, &naxis) != 0)
        return -1;
    t->naxis = (int)naxis;
    t->n = 1;
    for (int k = 0; k < t->naxis; k++) {
        char axis_key[9], tile_key[9];
        snprintf(axis_key, sizeof axis_key, "ZNAXIS%d", k + 1);
        snprintf(tile_key, sizeof tile_key, "ZTILE%d", k + 1);
        if (take(look, axis_key, 1, INT32_MAX, 0, &t->axis[k]) != 0 ||
            take(look, tile_key, 1, t->axis[k], k == 0 ? t->axis[0] : 1, &t->tile[k]) != 0)
            return -1;
        if (__builtin_mul_overflow(t->n, (t->axis[k] - 1) / t->tile[k] + 1, &t->n) ||
            __builtin_mul_overflow(pixels, t->tile[k], &pixels) || pixels > FB_MOST_TILE)
            return refuse(look, "tiles of at most 16777216 pixels", tile_key);
    }
    return t->n == look->hdu->axis[1] ? 0 : refuse(look, "a row for each tile", "another number of them");
}

/* Find BLOCKSIZE and BYTEPIX among the pairs ZNAMEn, ZVALn. */
static int take_rice(const struct look *look, struct fb_tiles *t)
{
    enum { MOST_PAIRS = 9, MOST_BLOCK = 1024 };
    int64_t value;
    t->block = 32;
    t->size = 4;
    for (int i = 1; i <= MOST_PAIRS; i++) {
        char name_key[9], value_key[9], name[80];
        snprintf(name_key, sizeof name_key, "ZNAME%d", i);
        snprintf(value_key, sizeof value_key, "ZVAL%d", i);
        if (take_text(look, name_key, name, sizeof name) != 0)
            return -1;
        if (strcmp(name, "BLOCKSIZE") == 0) {
            if (take(look, value_key, 1, MOST_BLOCK, 0, &value) != 0)
                return -1;
            t->block = (int)value;
        } else if (strcmp(name, "BYTEPIX") == 0) {
            if (take(look, value_key, 1, 4, 0, &value) != 0)
                return -1;
            t->size = (int)value;
        }
    }
    return t->size != 3 ? 0 : refuse(look, "BYTEPIX 1, 2 or 4", "3");
}

static int take_method(const struct look *look, struct fb_tiles *t)
{
    static const char *const methods[] = { "NOCOMPRESS", "GZIP_1", "GZIP_2", "RICE_1" };
    char method[80];
    int64_t bitpix;
    unsigned k = 0;
    if (take_text(look, "ZCMPTYPE", method, sizeof method) != 0 ||
        take(look, "ZBITPIX", -64, 64, 0, &bitpix) != 0)
        return -1;
    while (k < 4 && strcmp(method, methods[k]) != 0)
        k++;
    if (k == 4)
        return refuse(look, "RICE_1, GZIP_1 or GZIP_2", *method ? method : "no ZCMPTYPE");
    if (bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != 64 && bitpix != -32 && bitpix != -64)
        return refuse(look, "ZBITPIX 8, 16, 32, 64, -32 or -64", "another");
    t->method = (enum fb_tile_method)k;
    t->bitpix = (int)bitpix;
    return k == FB_RICE_1 ? take_rice(look, t) : 0;
}

/* Read the quantization. Floating-point numbers are quantized if there are ZSCALE and ZZERO. */
static int take_steps(const struct look *look, struct fb_tiles *t)
{
    static const char *const dithers[] = { "NONE", "NO_DITHER", "SUBTRACTIVE_DITHER_1",
                                           "SUBTRACTIVE_DITHER_2" };
    int scale = fb_hdu_real(look->hdus, look->hdu, "ZSCALE", &t->scale),
        zero = fb_hdu_real(look->hdus, look->hdu, "ZZERO", &t->zero);
    char dither[80];
    unsigned k = FB_NO_DITHER;
    if (scale < 0 || zero < 0)
        return refuse(look, "one number ZSCALE and ZZERO", "one repeated or not a number");
    scale |= t->column[SCALE].type != 0;
    zero |= t->column[ZERO].type != 0;
    if (take_text(look, "ZQUANTIZ", dither, sizeof dither) != 0 ||
        take(look, "ZDITHER0", 1, 10000, 1, &t->seed) != 0)
        return -1;
    if (*dither)
        for (k = 0; k < 4 && strcmp(dither, dithers[k]) != 0;)
            k++;
    if (k == 4)
        return refuse(look, "NO_DITHER, SUBTRACTIVE_DITHER_1 or SUBTRACTIVE_DITHER_2", dither);
    t->dither = scale && zero ? (enum fb_tile_dither)k : FB_NOT_QUANTIZED;
    if (t->dither != FB_NOT_QUANTIZED && t->bitpix > 0)
        return refuse(look, "ZSCALE and ZZERO only for floating-point pixels", "them with integer pixels");
    if (t->dither > FB_NO_DITHER && !(t->randoms = fb_dither_randoms()))
        return fb_fail(look->err, "%s: out of memory", look->hdus->file.path);
    return 0;
}

/* Read ZBLANK, or BLANK for integers. */
static int take_blank(const struct look *look, struct fb_tiles *t)
{
    int64_t blank = 0;
    int found = fb_hdu_integer(look->hdus, look->hdu, "ZBLANK", &blank);
    if (found == 0 && t->bitpix > 0)
        found = fb_hdu_integer(look->hdus, look->hdu, "BLANK", &blank);
    t->has_blank = found > 0;
    t->blank = (double)blank;
    return found < 0 ? refuse(look, "one whole number ZBLANK", "it repeated or not whole") : 0;
}

/* Find the columns, and the heap: it follows the rows, or begins at THEAP. */
static int take_table(const struct look *look, struct fb_tiles *t)
{
    struct fb_hdu table = *look->hdu;
    int64_t rows = table.axis[0] * table.axis[1], begin = rows;
    int tiles = 0;
    table.compressed = 0; /* so that it is read as a table, not as an image */
    int ok = fb_hdu_columns(look->hdus, &table, column_names, FB_TILE_COLUMNS, t->column);
    for (int k = 0; ok && k < FB_TILE_COLUMNS; k++) {
        const struct fb_column *column = &t->column[k];
        tiles += k <= NOT_PACKED && column->type;
        if (column->type && k <= NOT_PACKED)
            ok = strchr("PQ", column->type) && column->repeat == 1 && column->of &&
                 strchr(k == NOT_PACKED ? "BIJKED" : "B", column->of);
        else if (column->type && k < NULL_MASK)
            ok = fb_column_is_number(column);
    }
    if (!ok || tiles == 0)
        return refuse(look, "columns of variable length and of numbers", "another table");
    if (t->column[NULL_MASK].type)
        return refuse(look, "blank pixels marked by ZBLANK", "a column NULL_PIXEL_MASK");
    if (fb_hdu_integer(look->hdus, look->hdu, "THEAP", &begin) < 0 || begin < rows || begin > table.size)
        return refuse(look, "a heap between its rows and its end", "another THEAP");
    t->data = table.data;
    t->row_bytes = table.axis[0];
    t->heap = table.data + begin;
    t->heap_bytes = table.size - begin;
    return 0;
}

int fb_tiles_open(struct fb_tiles *tiles, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                  struct fb_error *err)
{
    const struct look look = { hdus, hdu, err };
    *tiles = (struct fb_tiles){ .name = hdu->name, .file = &hdus->file };
    return take_method(&look, tiles) != 0 || take_axes(&look, tiles) != 0 || take_table(&look, tiles) != 0 ||
                   take_steps(&look, tiles) != 0 || take_blank(&look, tiles) != 0
               ? -1
               : 0;
}

void fb_tiles_release(struct fb_tiles *tiles)
{
    free(tiles->randoms);
    tiles->randoms = NULL;
}

/* ---- tiles ---- */

size_t fb_tile_pixels(const struct fb_tiles *t, int64_t number)
{
    int64_t n = 1;
    for (int k = 0; k < t->naxis; k++) {
        int64_t count = (t->axis[k] - 1) / t->tile[k] + 1, left = t->axis[k] - number % count * t->tile[k];
        n *= left < t->tile[k] ? left : t->tile[k];
        number /= count;
    }
    return (size_t)n;
}

/* The tile being read: its row of the table, and its bytes in the heap. */
struct packed {
    const struct fb_tiles *tiles;
    int64_t number;
    size_t npixels;
    int kind; /* PACKED, BY_GZIP or NOT_PACKED */
    size_t nbytes;
    unsigned char *row, *bytes, *unpacked; /* owned */
    int unsigned64;
    struct fb_error *err;
};

static int damaged(const struct packed *p, const char *expected, const char *found)
{
    return fb_fail(p->err, "%s: HDU %s: expected %s, found one in row %lld %s", p->tiles->file->path,
                   p->tiles->name, expected, (long long)p->number + 1, found);
}

static int no_memory(const struct packed *p)
{
    return fb_fail(p->err, "%s: HDU %s: out of memory for a tile of %zu pixels", p->tiles->file->path,
                   p->tiles->name, p->npixels);
}

/* Read the compressed tile. The first column that is not empty in this row tells how it is compressed. */
static int fetch(struct packed *p)
{
    const struct fb_tiles *t = p->tiles;
    if (!(p->row = malloc((size_t)t->row_bytes)))
        return no_memory(p);
    if (fb_file_read(p->tiles->file, p->row, (size_t)t->row_bytes, t->data + p->number * t->row_bytes,
                     p->err) != 0)
        return -1;
    for (p->kind = PACKED; p->kind <= NOT_PACKED; p->kind++) {
        const struct fb_column *column = &t->column[p->kind];
        size_t size = column->type == 'Q' ? 8 : 4;
        uint64_t n = column->type ? fb_big_endian(p->row + column->offset, size) : 0, offset, bytes;
        if (n == 0)
            continue;
        offset = fb_big_endian(p->row + column->offset + size, size);
        bytes = n <= INT32_MAX ? n * (uint64_t)fb_column_size(column->of) : UINT64_MAX;
        if (bytes > (uint64_t)t->heap_bytes || offset > (uint64_t)t->heap_bytes - bytes)
            return damaged(p, "tiles within their heap", "beyond it");
        p->nbytes = (size_t)bytes;
        if (!(p->bytes = malloc(p->nbytes)))
            return no_memory(p);
        return fb_file_read(p->tiles->file, p->bytes, p->nbytes, t->heap + (int64_t)offset, p->err);
    }
    return damaged(p, "tiles with data", "that is empty");
}

/* BITPIX of the numbers in a tile; 0: integers, which may be smaller than the image's pixels. steps: the tile
 * is quantized. */
static int bitpix_of(const struct packed *p, int steps)
{
    if (p->kind == PACKED && (steps || p->tiles->bitpix > 0))
        return 0;
    if (p->kind != NOT_PACKED)
        return p->tiles->bitpix;
    const char type = p->tiles->column[NOT_PACKED].of;
    return (type == 'E' || type == 'D' ? -8 : 8) * fb_column_size(type);
}

static int widen(const struct packed *p, const unsigned char *bytes, size_t nbytes, int steps, double *pixels)
{
    size_t size = nbytes / p->npixels, most = p->tiles->bitpix == 64 ? 8 : 4;
    int bitpix = bitpix_of(p, steps);
    int right = bitpix ? size == (size_t)abs(bitpix) / 8
                       : size <= most && (size & (size - 1)) == 0 && (!p->unsigned64 || size == 8);
    if (size == 0 || nbytes % p->npixels != 0 || !right)
        return damaged(p, "tiles of as many numbers as pixels", "of another length");
    fb_pixels_widen(bytes, bitpix ? bitpix : 8 * (int)size, p->unsigned64, p->npixels, pixels);
    return 0;
}

static int gunzip(struct packed *p, int steps, double *pixels)
{
    int shuffled = p->kind == PACKED && p->tiles->method == FB_GZIP_2;
    size_t most = p->npixels * (abs(p->tiles->bitpix) == 64 ? 8 : 4);
    if (!(p->unpacked = malloc(2 * most)))
        return no_memory(p);
    int64_t n = fb_gunzip(p->bytes, p->nbytes, p->unpacked, most);
    if (n == -3)
        return no_memory(p);
    if (n == -1)
        return damaged(p, "tiles packed by gzip", "that is damaged or has no end");
    if (n == -2 || (size_t)n % p->npixels != 0)
        return damaged(p, "tiles of as many numbers as pixels", "of another length");
    if (shuffled)
        fb_unshuffle(p->unpacked, p->npixels, (size_t)n / p->npixels, p->unpacked + most);
    return widen(p, p->unpacked + (shuffled ? most : 0), (size_t)n, steps, pixels);
}

static int unpack(struct packed *p, int steps, double *pixels)
{
    const struct fb_tiles *t = p->tiles;
    if (p->kind == NOT_PACKED || (p->kind == PACKED && t->method == FB_NOCOMPRESS))
        return widen(p, p->bytes, p->nbytes, steps, pixels);
    if (p->kind == BY_GZIP || t->method != FB_RICE_1)
        return gunzip(p, steps, pixels);
    if (t->bitpix < 0 && !steps)
        return damaged(p, "integers or quantized numbers in tiles packed by RICE_1",
                       "of floating-point numbers that are not quantized");
    if (p->unsigned64)
        return damaged(p, "tiles of 8 bytes a pixel", "packed by RICE_1");
    return fb_unrice(p->bytes, p->nbytes, t->size, t->block, p->npixels, pixels) == 0
               ? 0
               : damaged(p, "tiles packed by RICE_1", "that is damaged or ends before its pixels do");
}

/* A number from its column, or `otherwise` from the header. */
static double number_of(const struct packed *p, int column, double otherwise)
{
    const struct fb_column *c = &p->tiles->column[column];
    return c->type ? fb_column_number(c, p->row) : otherwise;
}

static int decode(struct packed *p, double *pixels)
{
    const struct fb_tiles *t = p->tiles;
    if (fetch(p) != 0)
        return -1;
    int steps = t->dither != FB_NOT_QUANTIZED && p->kind == PACKED, integers = steps || t->bitpix > 0;
    if (unpack(p, steps, pixels) != 0)
        return -1;
    double blank = number_of(p, BLANK, t->blank) + (p->unsigned64 ? 9223372036854775808.0 : 0);
    for (size_t i = 0; integers && (t->has_blank || t->column[BLANK].type) && i < p->npixels; i++)
        if (pixels[i] >= blank && pixels[i] <= blank)
            pixels[i] = NAN;
    if (steps)
        fb_unquantize(pixels, p->npixels, t, p->number, number_of(p, SCALE, t->scale),
                      number_of(p, ZERO, t->zero));
    return 0;
}

int fb_tile_read(const struct fb_tiles *tiles, int64_t number, int unsigned64, double *pixels,
                 struct fb_error *err)
{
    struct packed p = { .tiles = tiles,
                        .number = number,
                        .npixels = fb_tile_pixels(tiles, number),
                        .unsigned64 = unsigned64,
                        .err = err };
    int status = decode(&p, pixels);
    free(p.row);
    free(p.bytes);
    free(p.unpacked);
    return status;
}
