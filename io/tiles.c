/* tiles.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "io/tiles.h"

enum { PACKED, PACKED_BY_GZIP, NOT_PACKED, NCOLUMNS };
static const char *const column_names[NCOLUMNS] = { "COMPRESSED_DATA", "GZIP_COMPRESSED_DATA",
                                                    "UNCOMPRESSED_DATA" };

enum {
    PIECE = 32768,
    GZIP = 16, /* zlib: gzip's header and checksum */
    PIXEL = 8  /* bytes that one takes at most */
};

struct tiles {
    struct fb_file *file;
    const struct fb_hdu *hdu;
    struct fb_column column[NCOLUMNS];
    int gzip[NCOLUMNS];      /* packed by gzip */
    int64_t heap, size;      /* of the heap: place in the file, bytes */
    int64_t most;            /* bytes of an unpacked tile */
    z_stream zlib;           /* ready for gzip */
    unsigned char *in, *out; /* a piece each */
    int failed;
    struct fb_error *err;
};

/* Unpack n bytes from a place. */
static int check_gzip(struct tiles *t, int64_t row, int64_t place, int64_t n)
{
    int64_t done = 0;
    int status = inflateReset(&t->zlib);
    t->zlib.avail_in = 0;
    while (status == Z_OK && done <= t->most) {
        if (t->zlib.avail_in == 0 && n > 0) {
            size_t piece = n < PIECE ? (size_t)n : PIECE;
            if (fb_file_read(t->file, t->in, piece, place, t->err) != 0)
                return -1;
            t->zlib.next_in = t->in;
            t->zlib.avail_in = (uInt)piece;
            place += (int64_t)piece;
            n -= (int64_t)piece;
        }
        t->zlib.next_out = t->out;
        t->zlib.avail_out = PIECE;
        status = inflate(&t->zlib, Z_NO_FLUSH);
        done += PIECE - (int64_t)t->zlib.avail_out;
    }
    if (status == Z_STREAM_END && done <= t->most)
        return 0;
    if (status == Z_MEM_ERROR)
        return fb_fail(t->err, "%s: out of memory", t->file->path);
    return fb_fail(
        t->err, "%s: HDU %s: expected tiles packed by gzip, of at most %lld bytes, found one in row %lld %s",
        t->file->path, t->hdu->name, (long long)t->most, (long long)row + 1,
        status == Z_DATA_ERROR || status == Z_NEED_DICT ? "that is damaged"
        : done > t->most                                ? "that is longer"
                                                        : "without an end");
}

static void check_row(void *context, int64_t i, const unsigned char *row)
{
    struct tiles *t = context;
    for (int k = 0; k < NCOLUMNS && !t->failed; k++) {
        const struct fb_column *c = &t->column[k];
        size_t size = c->type == 'Q' ? 8 : 4;
        if (c->type == 0)
            continue;
        uint64_t length = fb_big_endian(row + c->offset, size),
                 place = fb_big_endian(row + c->offset + size, size);
        if (length > (uint64_t)t->size || place > (uint64_t)t->size - length)
            t->failed = fb_fail(
                t->err, "%s: HDU %s: expected tiles in a heap of %lld bytes, found one beyond it in row %lld",
                t->file->path, t->hdu->name, (long long)t->size, (long long)i + 1);
        else if (t->gzip[k] && length > 0)
            t->failed = check_gzip(t, i, t->heap + (int64_t)place, (int64_t)length);
    }
}

static int find_columns(struct tiles *t, const struct fb_hdus *hdus, const struct fb_hdu *table)
{
    int ok = fb_hdu_columns(hdus, table, column_names, NCOLUMNS, t->column);
    for (int k = 0; k < NCOLUMNS; k++)
        ok = ok && (t->column[k].type ? strchr("PQ", t->column[k].type) && t->column[k].repeat == 1 : k > 0);
    return ok ? 0
              : fb_fail(t->err, "%s: HDU %s: expected a compressed image with columns of variable length",
                        t->file->path, table->name);
}

/* The heap follows the rows, or begins where THEAP says. */
static int find_heap(struct tiles *t, const struct fb_hdus *hdus, const struct fb_hdu *table)
{
    int64_t rows = table->axis[0] * table->axis[1], begin = rows;
    if (fb_hdu_integer(hdus, table, "THEAP   ", &begin) < 0 || begin < rows || begin > table->size)
        return fb_fail(
            t->err, "%s: HDU %s: expected a heap between bytes %lld and %lld of the table, found THEAP %lld",
            t->file->path, table->name, (long long)rows, (long long)table->size, (long long)begin);
    t->heap = table->data + begin;
    t->size = table->size - begin;
    return 0;
}

static int check_rows(struct tiles *t, const struct fb_hdu *table)
{
    unsigned char *buffer = malloc(FB_ROWS_BUFFER + 2 * PIECE);
    if (!buffer)
        return fb_fail(t->err, "%s: out of memory", t->file->path);
    t->in = buffer + FB_ROWS_BUFFER;
    t->out = t->in + PIECE;
    int failed;
    if (inflateInit2(&t->zlib, MAX_WBITS + GZIP) != Z_OK) {
        failed = fb_fail(t->err, "%s: out of memory", t->file->path);
    } else {
        failed = fb_hdu_rows(t->file, table, buffer, check_row, t, t->err) != 0 || t->failed;
        inflateEnd(&t->zlib);
    }
    free(buffer);
    return failed ? -1 : 0;
}

int fb_tiles_check(struct fb_file *file, const struct fb_hdus *hdus, const struct fb_hdu *hdu, int64_t pixels,
                   int gzip, struct fb_error *err)
{
    struct fb_hdu table = *hdu;
    struct tiles t = { .file = file, .hdu = hdu, .most = pixels * PIXEL, .err = err };
    table.compressed = 0; /* read its rows, not its image */
    t.gzip[PACKED] = gzip;
    t.gzip[PACKED_BY_GZIP] = 1;
    if (find_columns(&t, hdus, &table) != 0 || find_heap(&t, hdus, &table) != 0)
        return -1;
    return check_rows(&t, &table);
}
