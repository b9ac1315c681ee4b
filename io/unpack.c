/* unpack.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "io/unpack.h"

enum {
    IN_BYTES = 1 << 18,
    OUT_BYTES = 1 << 30, /* zlib counts in 32 bits */
    MOST_RATIO = 1032,   /* a deflated bit holds no more than 129 bytes */
    LEAST = 18,          /* bytes of a gzip file without contents */
    BLOCK = 2880,
    GZIP = 16 /* zlib: gzip's header and checksum */
};

int fb_is_packed(const struct fb_file *file)
{
    return file->nhead >= 2 && file->head[0] == 0x1f && file->head[1] == 0x8b;
}

/* What the file says its contents are: its last four bytes. */
static int packed_size(struct fb_file *file, int64_t *size, struct fb_error *err)
{
    unsigned char end[4];
    *size = 0;
    if (file->size < LEAST)
        return fb_fail(err, "%s: expected a file packed by gzip, but it ends after %lld bytes", file->path,
                       (long long)file->size);
    if (fb_file_read(file, end, sizeof end, file->size - (int64_t)sizeof end, err) != 0)
        return -1;
    for (int k = 3; k >= 0; k--)
        *size = *size << 8 | end[k];
    if (*size < BLOCK || *size / MOST_RATIO > file->size)
        return fb_fail(err,
                       "%s: says that %lld bytes were packed into %lld: it was cut short, or is no FITS file",
                       file->path, (long long)*size, (long long)file->size);
    return 0;
}

/* Where unpacking has got to. */
struct unpacking {
    z_stream zlib;
    struct fb_file *file;
    unsigned char *in, *out;
    int64_t taken, size; /* of the file; of the contents */
};

static int refill(struct unpacking *u, struct fb_error *err)
{
    int64_t left = u->file->size - u->taken;
    size_t n = left < IN_BYTES ? (size_t)left : IN_BYTES;
    if (fb_file_read(u->file, u->in, n, u->taken, err) != 0)
        return -1;
    u->taken += (int64_t)n;
    u->zlib.next_in = u->in;
    u->zlib.avail_in = (uInt)n;
    return 0;
}

/* Unpack all there is; the first block tells whether that is worth while. */
static int run(struct unpacking *u, struct fb_error *err)
{
    const char *path = u->file->path;
    int64_t done = 0;
    for (int status = Z_OK; status != Z_STREAM_END;) {
        int64_t left = u->size - done, most = done < BLOCK       ? BLOCK - done
                                              : left < OUT_BYTES ? left
                                                                 : OUT_BYTES;
        if (u->zlib.avail_in == 0 && refill(u, err) != 0)
            return -1;
        u->zlib.next_out = u->out + done;
        u->zlib.avail_out = (uInt)most;
        status = inflate(&u->zlib, Z_NO_FLUSH);
        done += most - (int64_t)u->zlib.avail_out;
        if (done >= BLOCK && memcmp(u->out, "SIMPLE  =", 9) != 0)
            return fb_fail(err, "%s: what was packed is not a FITS file", path);
        if (status == Z_BUF_ERROR && u->zlib.avail_in == 0 && u->taken == u->file->size)
            return fb_fail(err, "%s: expected %lld packed bytes, found %lld: it was cut short", path,
                           (long long)u->size, (long long)done);
        if (status != Z_OK && status != Z_STREAM_END)
            return fb_fail(err, "%s: can't unpack it beyond %lld bytes: %s", path, (long long)done,
                           u->zlib.msg ? u->zlib.msg : "it holds more than it says");
    }
    if (done != u->size || u->zlib.avail_in > 0 || u->taken != u->file->size)
        return fb_fail(err, "%s: expected %lld packed bytes and nothing after them, found %lld%s", path,
                       (long long)u->size, (long long)done, done == u->size ? " and more" : "");
    return 0;
}

static int unpack(struct unpacking *u, struct fb_error *err)
{
    if (inflateInit2(&u->zlib, MAX_WBITS + GZIP) != Z_OK)
        return fb_fail(err, "%s: out of memory", u->file->path);
    int status = run(u, err);
    inflateEnd(&u->zlib);
    return status;
}

int fb_unpack(struct fb_file *file, struct fb_error *err)
{
    struct unpacking u = { .file = file };
    if (packed_size(file, &u.size, err) != 0)
        return -1;
    u.in = malloc(IN_BYTES);
    u.out = malloc((size_t)fb_whole_blocks(u.size));
    int status = u.in && u.out ? unpack(&u, err)
                               : fb_fail(err, "%s: out of memory for the %lld bytes that were packed",
                                         file->path, (long long)u.size);
    free(u.in);
    if (status != 0) {
        free(u.out);
        return -1;
    }
    memset(u.out + u.size, 0, (size_t)(fb_whole_blocks(u.size) - u.size));
    file->contents = u.out;
    file->size = u.size;
    file->nhead = u.size < FB_FILE_HEAD ? (size_t)u.size : FB_FILE_HEAD;
    memcpy(file->head, u.out, file->nhead);
    return 0;
}
