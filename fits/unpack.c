/* unpack.c - SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "fits/system.h"
#include "fits/unpack.h"

enum {
    IN_BYTES = 1 << 18,
    SKIP_BYTES = 1 << 18,
    FIRST_ROOM = 1 << 20,
    OUT_BYTES = 1 << 30, /* zlib counts in 32 bits */
    MOST_RATIO = 1032,   /* a deflated bit holds no more than 129 bytes */
    LEAST = 18,          /* bytes of a gzipped file without contents */
    GZIP = 16            /* zlib: gzip's header and checksum */
};

static const int64_t WRAP = (int64_t)1 << 32; /* gzip counts its contents modulo this */

int64_t fb_unpack_limit = (int64_t)1 << 30;

/* The state of decompression. file->size counts all bytes decompressed; file->contents holds those that were
 * kept. */
struct fb_unpacking {
    z_stream zlib;
    struct fb_file packed; /* the same file, without decompression */
    fb_keep_fn *keep;
    unsigned char *in, *skipped; /* owned: IN_BYTES, SKIP_BYTES */
    int64_t room;                /* capacity of file->contents, bytes */
    int64_t taken;               /* bytes read of the compressed file */
    int64_t said;                /* length of the contents by the file's last four bytes, plus k 2^32 */
    int64_t most;                /* the limit on that length */
    int64_t left_out;            /* bytes of the contents so far that were not kept */
    int ended, failed;
};

/* ---- limits ---- */

static void limit_text(int64_t bytes, char text[32])
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    size_t k = 0;
    for (; k < 4 && bytes % 1024 == 0; k++)
        bytes /= 1024;
    snprintf(text, 32, "%lld %s", (long long)bytes, units[k]);
}

static int64_t kept(const struct fb_file *file)
{
    return file->size - file->unpacking->left_out;
}

static int too_much(const struct fb_file *file, int64_t found, const char *hint, struct fb_error *err)
{
    char limit[32];
    limit_text(fb_unpack_limit, limit);
    return fb_fail(err,
                   "%s: unpacked it takes more than %s; --max-unpacked SIZE allows more (found at least %lld "
                   "bytes%s)",
                   file->path, limit, (long long)found, hint);
}

static int too_much_left_out(const struct fb_file *file, int64_t found, struct fb_error *err)
{
    char limit[32];
    limit_text(FB_LEFT_OUT * fb_unpack_limit, limit);
    return fb_fail(err,
                   "%s: unpacked, the HDUs that are not needed take more than %s, %d times --max-unpacked "
                   "(found at least %lld bytes)",
                   file->path, limit, FB_LEFT_OUT, (long long)found);
}

/* Could the contents be this long? */
static int possible(const struct fb_unpacking *u, int64_t size)
{
    return size >= FB_FITS_BLOCK && size <= u->most && size / MOST_RATIO <= u->packed.size;
}

/* Read the length of the contents modulo 2^32 from the last four bytes of the file. */
static int take_said(struct fb_unpacking *u, struct fb_error *err)
{
    unsigned char end[4];
    struct fb_file *packed = &u->packed;
    if (packed->size < LEAST)
        return fb_fail(err, "%s: expected a file packed by gzip, but it ends after %lld bytes", packed->path,
                       (long long)packed->size);
    if (fb_file_read(packed, end, sizeof end, packed->size - (int64_t)sizeof end, err) != 0)
        return -1;
    for (int k = 3; k >= 0; k--)
        u->said = u->said << 8 | end[k];
    if (u->said / MOST_RATIO > packed->size || (u->said < FB_FITS_BLOCK && !possible(u, u->said + WRAP)))
        return fb_fail(err,
                       "%s: says that %lld bytes were packed into %lld: it was cut short, or is no FITS file",
                       packed->path, (long long)u->said, (long long)packed->size);
    if (u->said > u->most)
        return too_much(packed, u->said,
                        " according to its last four bytes, which are wrong if it was cut short", err);
    return 0;
}

/* ---- the stream ---- */

static int refill(struct fb_unpacking *u, struct fb_error *err)
{
    int64_t left = u->packed.size - u->taken;
    size_t n = left < IN_BYTES ? (size_t)left : IN_BYTES;
    if (fb_file_read(&u->packed, u->in, n, u->taken, err) != 0)
        return -1;
    u->taken += (int64_t)n;
    u->zlib.next_in = u->in;
    u->zlib.avail_in = (uInt)n;
    return 0;
}

/* There is more than the file stated: add 2^32 bytes, if that is possible. */
static int say_more(const struct fb_file *file, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    int64_t said = u->said;
    u->said += WRAP;
    if (u->said / MOST_RATIO > u->packed.size)
        return fb_fail(err, "%s: can't unpack it beyond %lld bytes: it holds more than it says", file->path,
                       (long long)said);
    return u->said > u->most ? too_much(file, u->said, "", err) : 0;
}

/* Inflate up to n bytes, n >= 1, into out: none, perhaps, at the end of the stream. */
static int inflate_some(struct fb_file *file, unsigned char *out, int64_t n, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    if (u->zlib.avail_in == 0 && refill(u, err) != 0)
        return -1;
    u->zlib.next_out = out;
    u->zlib.avail_out = (uInt)n;
    int status = inflate(&u->zlib, Z_NO_FLUSH);
    file->size += n - (int64_t)u->zlib.avail_out;
    while (file->size > u->said)
        if (say_more(file, err) != 0)
            return -1;
    if (status == Z_BUF_ERROR && u->zlib.avail_in == 0 && u->taken == u->packed.size)
        return fb_fail(err, "%s: the gzip stream ends early, after %lld unpacked bytes: it was cut short",
                       file->path, (long long)file->size);
    if (status != Z_OK && status != Z_STREAM_END)
        return fb_fail(err, "%s: can't unpack it beyond %lld bytes: %s", file->path, (long long)file->size,
                       u->zlib.msg ? u->zlib.msg : zError(status));
    u->ended = status == Z_STREAM_END;
    return 0;
}

/* Make room for n more bytes of contents, or for the limit and one byte. */
static int make_room(struct fb_file *file, int64_t n, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    int64_t needed = kept(file) + n, room = 2 * u->room;
    if (needed <= u->room)
        return 0;
    room = room > needed ? room : needed;
    room = room > FIRST_ROOM ? room : FIRST_ROOM;
    room = room < fb_unpack_limit + 1 ? room : fb_unpack_limit + 1;
    unsigned char *grown = realloc(file->contents, (size_t)room);
    if (!grown)
        return fb_fail(err, "%s: out of memory for the %lld bytes that were packed", file->path,
                       (long long)u->said);
    file->contents = grown;
    u->room = room;
    return 0;
}

static int unpack_to(struct fb_file *file, int64_t end, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    while (!u->ended && file->size < end) {
        int64_t n = end - file->size < OUT_BYTES ? end - file->size : OUT_BYTES;
        if (make_room(file, n < FIRST_ROOM ? n : FIRST_ROOM, err) != 0)
            return -1;
        int64_t left = u->room - kept(file);
        if (inflate_some(file, file->contents + kept(file), n < left ? n : left, err) != 0)
            return -1;
        if (kept(file) > fb_unpack_limit)
            return too_much(file, kept(file), "", err);
    }
    return 0;
}

/* Decompress up to offset `end` without keeping the bytes. */
static int leave_out(struct fb_file *file, int64_t end, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    struct fb_gap *grown = realloc(file->gaps, (file->ngaps + 1) * sizeof *grown);
    if (grown)
        file->gaps = grown;
    if (!u->skipped)
        u->skipped = malloc(SKIP_BYTES);
    if (!grown || !u->skipped)
        return fb_fail(err, "%s: out of memory", file->path);
    struct fb_gap *gap = &file->gaps[file->ngaps++];
    *gap = (struct fb_gap){ file->size, file->size };
    while (!u->ended && file->size < end) {
        int64_t left = end - file->size;
        if (inflate_some(file, u->skipped, left < SKIP_BYTES ? left : SKIP_BYTES, err) != 0)
            return -1;
        u->left_out += file->size - gap->end;
        gap->end = file->size;
    }
    return 0;
}

static int unpack_data(struct fb_file *file, const char *extname, int64_t end, struct fb_error *err)
{
    const struct fb_unpacking *u = file->unpacking;
    /* if the header exceeds the stated length, the end of the stream will show which is wrong */
    int64_t last = end <= u->said || possible(u, u->said + WRAP) ? end : u->said;
    if (end <= file->size)
        return 0;
    if (!u->keep || !extname || u->keep(extname))
        return last - u->left_out > fb_unpack_limit ? too_much(file, last - u->left_out, "", err)
                                                    : unpack_to(file, end, err);
    return last - kept(file) > FB_LEFT_OUT * fb_unpack_limit ? too_much_left_out(file, last - kept(file), err)
                                                             : leave_out(file, end, err);
}

static int remember(struct fb_unpacking *u, int status)
{
    u->failed |= status != 0;
    return status;
}

int fb_unpack_to(struct fb_file *file, int64_t end, struct fb_error *err)
{
    return remember(file->unpacking, unpack_to(file, end, err));
}

int fb_unpack_data(struct fb_file *file, const char *extname, int64_t end, struct fb_error *err)
{
    return remember(file->unpacking, unpack_data(file, extname, end, err));
}

int fb_unpack_rest(struct fb_file *file, struct fb_error *err)
{
    int64_t found = file->unpacking->said - file->unpacking->left_out;
    return remember(file->unpacking, found > fb_unpack_limit ? too_much(file, found, "", err) : 0);
}

/* ---- a file ---- */

static int begin(struct fb_file *file, struct fb_error *err)
{
    struct fb_unpacking *u = file->unpacking;
    if (take_said(u, err) != 0)
        return -1;
    u->in = malloc(IN_BYTES);
    if (!u->in || inflateInit2(&u->zlib, MAX_WBITS + GZIP) != Z_OK)
        return fb_fail(err, "%s: out of memory", file->path);
    file->size = 0;
    if (unpack_to(file, FB_FITS_BLOCK, err) != 0)
        return -1;
    if (file->size < FB_FITS_BLOCK || memcmp(file->contents, "SIMPLE  =", 9) != 0)
        return fb_fail(err, "%s: what was packed is not a FITS file", file->path);
    if (unpack_to(file, FB_FILE_HEAD, err) != 0)
        return -1;
    file->nhead = file->size < FB_FILE_HEAD ? (size_t)file->size : FB_FILE_HEAD;
    memcpy(file->head, file->contents, file->nhead);
    u->packed.nhead = 0; /* its head was in the buffer that now has the head of the contents */
    return 0;
}

static void release(struct fb_file *file)
{
    struct fb_unpacking *u = file->unpacking;
    file->stats = u->packed.stats;
    inflateEnd(&u->zlib);
    free(u->in);
    free(u->skipped);
    free(u);
    file->unpacking = NULL;
}

int fb_unpack_begin(struct fb_file *file, fb_keep_fn *keep, struct fb_error *err)
{
    if (file->nhead < 2 || file->head[0] != 0x1f || file->head[1] != 0x8b)
        return 0;
    struct fb_unpacking *u = file->unpacking = calloc(1, sizeof *u);
    if (!u)
        return fb_fail(err, "%s: out of memory", file->path);
    u->packed = *file;
    u->keep = keep;
    u->most = keep ? (1 + FB_LEFT_OUT) * fb_unpack_limit : fb_unpack_limit;
    if (begin(file, err) == 0)
        return 0;
    release(file);
    return -1;
}

/* Check that the stream ends with the file, and free unused memory. */
static int finish(struct fb_file *file, struct fb_error *err)
{
    const struct fb_unpacking *u = file->unpacking;
    if (u->zlib.avail_in > 0 || u->taken != u->packed.size)
        return fb_fail(err, "%s: expected %lld packed bytes and nothing after them, found %lld and more",
                       file->path, (long long)u->said, (long long)file->size);
    size_t used = (size_t)kept(file);
    unsigned char *exact = realloc(file->contents, used);
    if (!exact)
        return fb_fail(err, "%s: out of memory for the %zu bytes that were packed", file->path, used);
    file->contents = exact;
    return 0;
}

/* The headers are wrong. If the rest of the stream is damaged too, report that instead, since it is the
 * cause. */
static int blame(struct fb_file *file, struct fb_error *err)
{
    struct fb_error of_stream = { "" };
    if (!file->unpacking->failed && leave_out(file, file->size + fb_unpack_limit, &of_stream) != 0)
        *err = of_stream;
    return -1;
}

int fb_unpack_end(struct fb_file *file, int failed, struct fb_error *err)
{
    int status = failed ? blame(file, err) : finish(file, err);
    release(file);
    return status;
}

int fb_file_unload(struct fb_file *file, int descriptor, struct fb_error *err)
{
    if (descriptor < 0 || fb_write_all(descriptor, file->contents, (size_t)file->size) != 0) {
        fb_fail(err, "%s: can't write its contents to a temporary file: %s", file->path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return -1;
    }
    close(file->descriptor);
    free(file->contents);
    file->descriptor = descriptor;
    file->contents = NULL;
    file->unnamed = 1;
    return 0;
}
