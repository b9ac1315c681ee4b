/* compressed.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "fits/compressed.h"

enum { PACKED, PACKED_BY_GZIP, NOT_PACKED, NCOLUMNS };
static const char *const column_names[NCOLUMNS] = { "COMPRESSED_DATA", "GZIP_COMPRESSED_DATA",
                                                    "UNCOMPRESSED_DATA" };

enum {
    PIECE = 32768,
    GZIP = 16 /* zlib: gzip's header and checksum */
};

struct check {
    struct fb_file *file;
    const struct fb_hdu *hdu;
    const struct fb_tiles *tiles;
    struct fb_column column[NCOLUMNS];
    int64_t heap, size; /* of the heap: place in the file, bytes */
    int64_t used;  /* of it, by the tiles so far: none is another's, or few bytes could be a lot of work */
    z_stream zlib; /* ready for gzip */
    unsigned char *pixels; /* borrowed: a piece of what is unpacked */
    unsigned char *packed; /* owned: a tile */
    size_t room;
    int failed;
    struct fb_error *err;
};

static int refuse(struct check *c, int64_t row, const char *expected, const char *found)
{
    return fb_fail(c->err, "%s: HDU %s: expected %s, found one in row %lld %s", c->file->path, c->hdu->name,
                   expected, (long long)row + 1, found);
}

/* ---- gzip ---- */

/* How many bytes, of at most so many, n bytes are when unpacked; -1 where no end comes, -2 where they are
 * damaged, -3 without memory. */
static int64_t gzip_bytes(struct check *c, int64_t n, int64_t most)
{
    int64_t done = 0;
    int status = inflateReset(&c->zlib);
    c->zlib.next_in = c->packed;
    c->zlib.avail_in = (uInt)n;
    while (status == Z_OK && done <= most) {
        c->zlib.next_out = c->pixels;
        c->zlib.avail_out = PIECE;
        status = inflate(&c->zlib, Z_NO_FLUSH);
        done += PIECE - (int64_t)c->zlib.avail_out;
    }
    if (status == Z_STREAM_END || done > most)
        return done;
    return status == Z_MEM_ERROR ? -3 : status == Z_BUF_ERROR ? -1 : -2;
}

/* Pixels may have been packed as integers that are shorter than those of the image. */
static int right_size(const struct check *c, int kind, int64_t bytes, int64_t npixels)
{
    int size = abs(c->tiles->bitpix) / 8;
    if (kind == PACKED_BY_GZIP || c->tiles->as_floats)
        return size >= 4 && bytes == size * npixels;
    return bytes == npixels || bytes == 2 * npixels || bytes == 4 * npixels;
}

static int check_gzip(struct check *c, int kind, int64_t row, int64_t n, int64_t npixels)
{
    int64_t bytes = gzip_bytes(c, n, 8 * npixels);
    char expected[80];
    snprintf(expected, sizeof expected, "tiles packed by gzip, of %lld pixels", (long long)npixels);
    if (bytes == -3)
        return fb_fail(c->err, "%s: out of memory", c->file->path);
    if (bytes < 0)
        return refuse(c, row, expected, bytes == -1 ? "without an end" : "that is damaged");
    return right_size(c, kind, bytes, npixels) ? 0 : refuse(c, row, expected, "of another length");
}

/* ---- RICE ---- */

struct bits {
    const unsigned char *bytes;
    uint64_t at, n; /* bits */
};

/* The next bits. Where there are none left, at goes beyond n. */
static unsigned take_bits(struct bits *b, int n)
{
    unsigned value = 0;
    for (; n > 0; n--, b->at++)
        value = value << 1 | (b->at < b->n ? (unsigned)b->bytes[b->at / 8] >> (7 - b->at % 8) & 1U : 0U);
    return value;
}

/* Zeros, and the one after them. */
static void skip_zeros(struct bits *b)
{
    unsigned one = 0;
    while (!one && b->at <= b->n) {
        if (b->at % 8 == 0 && b->at < b->n && b->bytes[b->at / 8] == 0)
            b->at += 8;
        else
            one = take_bits(b, 1);
    }
}

/* Are there all bits of so many pixels? The first as it is, then blocks of differences: their code, and bits that it tells
 * the number of (FITS standard 4.0, 10.4.1). */
static int rice_is_whole(const struct check *c, int64_t nbytes, int64_t npixels)
{
    const int size = c->tiles->size, code_bits = size == 4 ? 5 : size == 2 ? 4 : 3;
    const unsigned as_they_are = size == 4 ? 26 : size == 2 ? 15 : 7;
    struct bits b = { c->packed, 8 * (uint64_t)size, 8 * (uint64_t)nbytes };
    for (int64_t i = 0; i < npixels && b.at <= b.n; i += c->tiles->block) {
        int64_t n = npixels - i < c->tiles->block ? npixels - i : c->tiles->block;
        unsigned code = take_bits(&b, code_bits);
        if (code == as_they_are)
            b.at += 8 * (uint64_t)size * (uint64_t)n;
        else if (code > 0) /* else no difference at all */
            for (int64_t k = 0; k < n && b.at <= b.n; k++) {
                skip_zeros(&b);
                b.at += code - 1;
            }
    }
    return b.at <= b.n;
}

/* ---- a row ---- */

static int64_t pixels_of(const struct fb_tiles *t, int64_t row)
{
    int64_t n = 1;
    for (int k = 0; k < t->naxis; k++) {
        int64_t count = (t->axis[k] - 1) / t->tile[k] + 1, left = t->axis[k] - row % count * t->tile[k];
        n *= left < t->tile[k] ? left : t->tile[k];
        row /= count;
    }
    return n;
}

static int read_tile(struct check *c, int64_t place, size_t n)
{
    if (n > c->room) {
        free(c->packed);
        c->packed = malloc(n);
        c->room = c->packed ? n : 0;
    }
    return c->packed ? fb_file_read(c->file, c->packed, n, place, c->err)
                     : fb_fail(c->err, "%s: out of memory for a tile of %zu bytes", c->file->path, n);
}

static int check_tile(struct check *c, int kind, int64_t row, int64_t place, int64_t n)
{
    int64_t npixels = pixels_of(c->tiles, row);
    if (kind == NOT_PACKED)
        return n == npixels ? 0 : refuse(c, row, "tiles of as many numbers as pixels", "of another length");
    if (read_tile(c, place, (size_t)n) != 0)
        return -1;
    if (kind == PACKED_BY_GZIP || c->tiles->gzip)
        return check_gzip(c, kind, row, n, npixels);
    return rice_is_whole(c, n, npixels)
               ? 0
               : refuse(c, row, "tiles packed by RICE_1", "that ends before its pixels do");
}

static void check_row(void *context, int64_t i, const unsigned char *row)
{
    struct check *c = context;
    for (int k = 0; k < NCOLUMNS && !c->failed; k++) {
        const struct fb_column *column = &c->column[k];
        size_t size = column->type == 'Q' ? 8 : 4;
        if (column->type == 0)
            continue;
        uint64_t n = fb_big_endian(row + column->offset, size),
                 place = fb_big_endian(row + column->offset + size, size), bytes;
        if (n > INT32_MAX || (bytes = n * (uint64_t)fb_column_size(column->of)) > (uint64_t)c->size ||
            place > (uint64_t)c->size - bytes)
            c->failed = refuse(c, i, "tiles within their heap", "beyond it");
        else if ((c->used += (int64_t)bytes) > c->size)
            c->failed = refuse(c, i, "tiles of their own", "where others are");
        else if (n > 0)
            c->failed = check_tile(c, k, i, c->heap + (int64_t)place, (int64_t)n);
    }
}

/* ---- all rows ---- */

/* Bytes must be bytes: CFITSIO would take other types, scale them, and replace what TNULL says. */
static int column_is_right(const struct check *c, const struct fb_hdus *hdus, int k)
{
    const struct fb_column *column = &c->column[k];
    char key[20];
    if (!column->type)
        return k != PACKED;
    snprintf(key, sizeof key, "TNULL%-3d", column->number);
    return strchr("PQ", column->type) && column->repeat == 1 && fb_hdu_count(hdus, c->hdu, key) == 0 &&
           column->of && strchr(k == NOT_PACKED ? "BIJED" : "B", column->of);
}

static int find_columns(struct check *c, const struct fb_hdus *hdus, const struct fb_hdu *table)
{
    int ok = fb_hdu_columns(hdus, table, column_names, NCOLUMNS, c->column);
    for (int k = 0; k < NCOLUMNS; k++)
        ok = ok && column_is_right(c, hdus, k);
    if (!ok)
        return fb_fail(c->err, "%s: HDU %s: expected a compressed image with columns of variable length",
                       c->file->path, table->name);
    return 0;
}

/* The heap follows the rows, or begins where THEAP says. */
static int find_heap(struct check *c, const struct fb_hdus *hdus, const struct fb_hdu *table)
{
    int64_t rows = table->axis[0] * table->axis[1], begin = rows;
    if (fb_hdu_integer(hdus, table, "THEAP   ", &begin) < 0 || begin < rows || begin > table->size)
        return fb_fail(
            c->err, "%s: HDU %s: expected a heap between bytes %lld and %lld of the table, found THEAP %lld",
            c->file->path, table->name, (long long)rows, (long long)table->size, (long long)begin);
    c->heap = table->data + begin;
    c->size = table->size - begin;
    return 0;
}

static int check_rows(struct check *c, const struct fb_hdu *table)
{
    int failed;
    unsigned char *buffer = malloc(FB_ROWS_BUFFER), *pixels = malloc(PIECE);
    c->pixels = pixels;
    if (!buffer || !pixels || inflateInit2(&c->zlib, MAX_WBITS + GZIP) != Z_OK) {
        failed = fb_fail(c->err, "%s: out of memory", c->file->path);
    } else {
        failed = fb_hdu_rows(c->file, table, buffer, check_row, c, c->err) != 0 || c->failed;
        inflateEnd(&c->zlib);
    }
    free(c->packed);
    free(pixels);
    free(buffer);
    return failed ? -1 : 0;
}

int fb_tiles_check(struct fb_file *file, const struct fb_hdus *hdus, const struct fb_hdu *hdu,
                   const struct fb_tiles *tiles, struct fb_error *err)
{
    struct fb_hdu table = *hdu;
    struct check c = { .file = file, .hdu = hdu, .tiles = tiles, .err = err };
    table.compressed = 0; /* read its rows, not its image */
    if (find_columns(&c, hdus, &table) != 0 || find_heap(&c, hdus, &table) != 0)
        return -1;
    return check_rows(&c, &table);
}
