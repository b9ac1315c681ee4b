/* file.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* preadv2 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "fits/clones.h"
#include "fits/file.h"

enum { RETRIES = 3 };

void fb_io_stats_add(struct fb_io_stats *sum, const struct fb_io_stats *part)
{
    sum->files += part->files;
    sum->bytes += part->bytes;
    sum->seconds += part->seconds;
}

double fb_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static fb_stop_fn *stop_fn;

void fb_file_stops_when(fb_stop_fn *stop)
{
    stop_fn = stop;
}

static int asked_to_stop(void)
{
    return stop_fn && stop_fn();
}

/* Waits 10, 100 and 1000 ms, in naps of 10 ms, between which a request to stop is noticed. */
int fb_try_again(int reason, int attempt)
{
    static const int naps[RETRIES] = { 1, 10, 100 };
    const struct timespec nap = { 0, 10000000L };
    if (reason == EINTR)
        return !asked_to_stop();
    if (attempt >= RETRIES || (reason != EIO && reason != ESTALE))
        return 0;
    for (int i = 0; i < naps[attempt] && !asked_to_stop(); i++)
        nanosleep(&nap, NULL);
    return !asked_to_stop();
}

static int open_descriptor(const char *path)
{
    for (int attempt = 0;;) {
        int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a pipe must not block */
        if (descriptor >= 0)
            return descriptor;
        if (!fb_try_again(errno, attempt++))
            return -1;
    }
}

/* A stale handle stays stale until the file is reopened. */
static void reopen(struct fb_file *file)
{
    int descriptor = file->unnamed ? -1 : open_descriptor(file->path);
    if (descriptor < 0)
        return; /* the old descriptor gives the error */
    dup2(descriptor, file->descriptor);
    close(descriptor);
}

/* Read up to n bytes; fewer only at the end of the file. -1 with errno on failure. */
static ssize_t read_at(struct fb_file *file, unsigned char *bytes, size_t n, int64_t offset)
{
    size_t done = 0;
    for (int attempt = 0; done < n;) {
        ssize_t got = pread(file->descriptor, bytes + done, n - done, (off_t)(offset + (int64_t)done));
        if (got == 0)
            break;
        if (got > 0) {
            done += (size_t)got;
            continue;
        }
        int reason = errno;
        if (!fb_try_again(reason, attempt++)) {
            errno = reason;
            return -1;
        }
        if (reason == ESTALE && file->path)
            reopen(file);
    }
    file->stats.bytes += (int64_t)done;
    return (ssize_t)done;
}

ssize_t fb_read_at(int descriptor, void *bytes, size_t n, off_t offset)
{
    struct fb_file file = { .descriptor = descriptor };
    return read_at(&file, bytes, n, (int64_t)offset);
}

static int look_at(struct fb_file *file, struct fb_error *err)
{
    struct stat info;
    for (int attempt = 0; fstat(file->descriptor, &info) != 0; reopen(file))
        if (!fb_try_again(errno, attempt++))
            return fb_fail(err, "%s: %s", file->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fb_fail(err, "%s: not a regular file", file->path);
    if (info.st_size == 0)
        return fb_fail(err, "%s: the file is empty", file->path);
    file->size = info.st_size;
    /* The rows that are read are far apart, so the system's own read-ahead would be wasted. fb_file_want()
     * requests what is needed. */
#ifdef POSIX_FADV_RANDOM
    posix_fadvise(file->descriptor, 0, 0, POSIX_FADV_RANDOM);
#endif
    if (!file->head && !(file->head = malloc(FB_FILE_HEAD)))
        return fb_fail(err, "%s: out of memory", file->path);
    ssize_t got = read_at(file, file->head, FB_FILE_HEAD, 0);
    if (got < 0)
        return fb_fail(err, "%s: can't read its beginning: %s", file->path, strerror(errno));
    file->nhead = (size_t)got;
    return 0;
}

int fb_file_open(struct fb_file *file, const char *path, struct fb_error *err)
{
    fb_file_close(file);
    *file = (struct fb_file){ .path = path, .stats = file->stats, .head = file->head };
    file->descriptor = open_descriptor(path);
    if (file->descriptor < 0) {
        file->path = NULL;
        return fb_fail(err, "%s: %s", path,
                       errno == EINTR ? "stopped while it was opened: the same command starts again"
                                      : strerror(errno));
    }
    if (look_at(file, err) != 0) {
        fb_file_close(file);
        return -1;
    }
    file->stats.files++;
    return 0;
}

void fb_file_close(struct fb_file *file)
{
    if (file->path)
        close(file->descriptor);
    free(file->contents);
    free(file->gaps);
    file->contents = NULL;
    file->gaps = NULL;
    file->ngaps = 0;
    file->path = NULL;
}

void fb_file_release(struct fb_file *file)
{
    fb_file_close(file);
    free(file->head);
    *file = (struct fb_file){ 0 };
}

/* Read from the contents of a gzipped file. */
static int read_contents(const struct fb_file *file, void *bytes, size_t n, int64_t offset,
                         struct fb_error *err)
{
    int64_t left_out = 0;
    if (offset < 0 || offset > file->size || n > (uint64_t)(file->size - offset))
        return fb_fail(err, "%s: expected %zu bytes at %lld, but its contents end at %lld", file->path, n,
                       (long long)offset, (long long)file->size);
    for (size_t i = 0; i < file->ngaps && file->gaps[i].begin < offset + (int64_t)n; i++) {
        if (offset < file->gaps[i].end)
            return fb_fail(err, "%s: internal error: %zu bytes at %lld were left out when it was unpacked",
                           file->path, n, (long long)offset);
        left_out += file->gaps[i].end - file->gaps[i].begin;
    }
    memcpy(bytes, file->contents + (offset - left_out), n);
    return 0;
}

int fb_file_read(struct fb_file *file, void *bytes, size_t n, int64_t offset, struct fb_error *err)
{
    if (offset >= 0 && (uint64_t)offset + n <= file->nhead) {
        memcpy(bytes, file->head + offset, n);
        return 0;
    }
    if (file->contents)
        return read_contents(file, bytes, n, offset, err);
    ssize_t got = read_at(file, bytes, n, offset);
    if (got < 0)
        return fb_fail(err, "%s: can't read %zu bytes at %lld: %s", file->path, n, (long long)offset,
                       strerror(errno));
    if ((size_t)got < n)
        return fb_fail(err, "%s: expected %zu bytes at %lld, but the file ends after %zd", file->path, n,
                       (long long)offset, got);
    return 0;
}

int fb_file_in_memory(const struct fb_file *file, int64_t offset)
{
    if (file->contents)
        return 1;
#ifdef RWF_NOWAIT
    unsigned char byte;
    struct iovec one = { &byte, 1 };
    return preadv2(file->descriptor, &one, 1, (off_t)offset, RWF_NOWAIT) == 1;
#else
    (void)file;
    (void)offset;
    return 0;
#endif
}

void fb_file_want(const struct fb_file *file, int64_t offset, int64_t n)
{
    if (file->contents)
        return;
#ifdef POSIX_FADV_WILLNEED
    posix_fadvise(file->descriptor, (off_t)offset, (off_t)n, POSIX_FADV_WILLNEED);
#else
    (void)file;
    (void)offset;
    (void)n;
#endif
}

/* ---- byte order ---- */

enum { SWAPS = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ };

FB_CLONES
void fb_swap4(void *values, size_t n)
{
    uint32_t *numbers = values;
    for (size_t i = 0; SWAPS && i < n; i++)
        numbers[i] = __builtin_bswap32(numbers[i]);
}

FB_CLONES
void fb_swap8(void *values, size_t n)
{
    uint64_t *numbers = values;
    for (size_t i = 0; SWAPS && i < n; i++)
        numbers[i] = __builtin_bswap64(numbers[i]);
}
