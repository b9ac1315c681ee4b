/*
 * file.h - reading a file at given places: whole reads or a clear error, what is known of them counted, and a
 * hint to the system about what comes next. Nothing but open, fstat, read and close at a place: no mapping
 * and no locks, which the read-only mirrors at computing centres lack.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FILE_H
#define FB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"

/* Not 0: whoever waits has lost interest, stop at the next occasion. Any thread may call such a function. */
typedef int fb_stop_fn(void);

/* Network file systems fail now and then for a moment. After a call that failed for that reason: wait a little and
 * return 1 where it is worth another try, attempts counted from 0; else 0. A call that a signal interrupted is worth
 * one every time. */
int fb_try_again(int reason, int attempt);
/* Once this function returns other than 0, nothing is tried again. Set it before threads start. */
void fb_file_stops_when(fb_stop_fn *stop);

/* What reading cost; each thread counts for itself. */
struct fb_io_stats {
    int64_t files, bytes;
    double seconds;
};
void fb_io_stats_add(struct fb_io_stats *sum, const struct fb_io_stats *part);
/* Seconds of a clock that only goes forward, to take differences of. */
double fb_clock(void);

/* Reads within the first FB_FILE_HEAD bytes come from memory: headers and small tables are read at once. */
enum { FB_FILE_HEAD = 32768 };

/* A part of a packed file that was not kept. */
struct fb_gap {
    int64_t begin, end;
};

struct fb_file;

/* What a walk through the headers of a file asks for while the file is unpacked; fits/unpack.c has it. */
struct fb_unpacker {
    /* Unpack up to an offset, or to the end of the contents. file->size is how far that got. */
    int (*to)(struct fb_file *file, int64_t end, struct fb_error *err);
    /* The data of an extension (NULL: of the primary HDU) come next, up to end: unpack them, or pass over them. */
    int (*data)(struct fb_file *file, const char *extname, int64_t end, struct fb_error *err);
    /* There are no HDUs any more: is there room for what else the file says it holds? */
    int (*rest)(struct fb_file *file, struct fb_error *err);
};

struct fb_file {
    const char *path; /* borrowed; NULL: not open */
    int descriptor;
    int64_t size;
    struct fb_io_stats *stats; /* borrowed */
    size_t nhead;
    unsigned char *head; /* owned; kept when the file is closed */
    /* Of a file that was packed, owned: all its bytes but those in the gaps; NULL: not
     * packed. */
    unsigned char *contents;
    struct fb_gap *gaps; /* owned; ascending */
    size_t ngaps;
    const struct fb_unpacker *unpacker;
    struct fb_unpacking *unpacking; /* borrowed; NULL but while fb_unpack() works */
};

/* Open for reading as it is, packed or not, and read the head; fits/unpack.h opens files to be read. All zero is a good
 * start; a struct may be used for one file after the other. */
int fb_file_open_raw(struct fb_file *file, const char *path, struct fb_io_stats *stats, struct fb_error *err);
void fb_file_close(struct fb_file *file);
void fb_file_release(struct fb_file *file); /* closes as well */

/* Read n bytes from a place. Fewer are an error. */
int fb_file_read(struct fb_file *file, void *bytes, size_t n, int64_t offset, struct fb_error *err);

/* How many of n bytes there are from an offset on. Only while the file is unpacked can this fail, with -1. */
int64_t fb_file_ahead(struct fb_file *file, int64_t offset, int64_t n, struct fb_error *err);

/* 1 if this byte is known to be in memory already, so that hints are not worth their time. */
int fb_file_in_memory(const struct fb_file *file, int64_t offset);
/* These bytes will be read soon: let the system fetch them meanwhile. */
void fb_file_want(const struct fb_file *file, int64_t offset, int64_t n);

/* ---- big-endian numbers in memory, to this machine's order ---- */

void fb_swap4(void *values, size_t n);
void fb_swap8(void *values, size_t n);

static inline uint64_t fb_big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

enum { FB_FITS_BLOCK = 2880 }; /* bytes: headers and data are filled up to whole blocks */

/* n bytes of FITS, n >= 0, and what fills their last block. */
static inline int64_t fb_whole_blocks(int64_t n)
{
    return (n + FB_FITS_BLOCK - 1) / FB_FITS_BLOCK * FB_FITS_BLOCK;
}

#endif
