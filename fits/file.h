/*
 * file.h - reading a file at given offsets. A read is complete or an error, its cost is counted, and the
 * system can be told what will be read next. Only open, fstat, pread and close are needed: no mapping and no
 * locks, which some read-only mirrors at computing centres do not support.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FILE_H
#define FB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "fits/error.h"

/* Returns nonzero when work should stop at the next opportunity. Any thread may call it. */
typedef int fb_stop_fn(void);

/* Network file systems sometimes fail for a moment. Given the errno of a failed call and the number of
 * retries so far, wait a little and return 1 if the call should be retried, else 0. EIO and ESTALE are
 * retried three times. A call interrupted by a signal is retried at once, unless work should stop. */
int fb_try_again(int reason, int attempt);
/* Set the function that says when work should stop: once it returns nonzero, nothing is retried. Call this
 * before threads start. */
void fb_file_stops_when(fb_stop_fn *stop);

/* The cost of reading. */
struct fb_io_stats {
    int64_t files, bytes;
    double seconds;
};
void fb_io_stats_add(struct fb_io_stats *sum, const struct fb_io_stats *part);
/* Seconds of a monotonic clock; only differences are meaningful. */
double fb_seconds(void);

/* The first FB_FILE_HEAD bytes are read when a file is opened and kept in memory: headers and small
 * tables. */
enum { FB_FILE_HEAD = 32768 };

/* A part of a gzipped file's contents that was not kept. */
struct fb_gap {
    int64_t begin, end;
};

struct fb_file {
    const char *path; /* borrowed; NULL: not open */
    int descriptor;
    int64_t size;
    struct fb_io_stats stats; /* of all files so far */
    size_t nhead;
    unsigned char *head; /* owned; kept when the file is closed */
    /* Owned: the decompressed bytes except those in the gaps; NULL: not gzipped, or unloaded
     * (fits/unpack.h). */
    unsigned char *contents;
    struct fb_gap *gaps; /* owned; ascending */
    size_t ngaps;
    struct fb_unpacking *unpacking; /* of fits/unpack.c; NULL except while the file is decompressed */
    int unnamed;                    /* the descriptor's file has no name, so it can't be opened again */
};

/* Open a file, after closing the previous one, and read its head. To read FITS files, use fb_hdus_open() of
 * fits/hdus.h. Start with all zeros; the struct can be reused for one file after another. */
int fb_file_open(struct fb_file *file, const char *path, struct fb_error *err);
void fb_file_close(struct fb_file *file);
void fb_file_release(struct fb_file *file); /* closes as well */

/* Read n bytes at an offset. Fewer are an error. */
int fb_file_read(struct fb_file *file, void *bytes, size_t n, int64_t offset, struct fb_error *err);

/* The same for a descriptor. Returns the number of bytes, fewer than n only at the end of the file, or -1
 * with errno after retries. */
ssize_t fb_read_at(int descriptor, void *bytes, size_t n, off_t offset);

/* Returns 1 if this byte is known to be in memory already, so that hints would be wasted. */
int fb_file_in_memory(const struct fb_file *file, int64_t offset);
/* Tell the system that these bytes will be read soon. */
void fb_file_want(const struct fb_file *file, int64_t offset, int64_t n);

/* ---- convert big-endian numbers in memory to this machine's byte order ---- */

void fb_swap4(void *values, size_t n);
void fb_swap8(void *values, size_t n);

/* An unsigned integer of `size` big-endian bytes, at most 8. */
static inline uint64_t fb_big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

enum { FB_FITS_BLOCK = 2880 }; /* bytes: headers and data are padded to whole blocks */

/* n >= 0 bytes, rounded up to whole FITS blocks. */
static inline int64_t fb_whole_blocks(int64_t n)
{
    return (n + FB_FITS_BLOCK - 1) / FB_FITS_BLOCK * FB_FITS_BLOCK;
}

#endif
