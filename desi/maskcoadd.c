/*
 * maskcoadd.c - masks a copy of a coadd. Files have up to 6 GB, of which a few kB change. So the file is
 * copied as a whole, by the system if it can, and then zeros are written into the copy.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* copy_file_range */
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "desi/maskcoadd.h"
#include "desi/maskplan.h"
#include "fits/card.h"
#include "fits/file.h"
#include "fits/hdus.h"
#include "fits/header_template.h"
#include "fits/sum.h"
#include "fits/system.h"

enum { BLOCK_BYTES = 1 << 22 };

/* ---- the copy ---- */

static int write_at(const struct fb_temporary *copy, const unsigned char *bytes, int64_t n, int64_t offset,
                    struct fb_error *err)
{
    return fb_write_at(copy->descriptor, bytes, (size_t)n, (off_t)offset) == 0
               ? 0
               : fb_fail(err, "%s: can't write it: %s", copy->path, strerror(errno));
}

static int read_at(const struct fb_temporary *copy, unsigned char *bytes, int64_t n, int64_t offset,
                   struct fb_error *err)
{
    ssize_t got = fb_read_at(copy->descriptor, bytes, (size_t)n, (off_t)offset);
    return got == n ? 0
                    : fb_fail(err, "%s: can't read it again: %s", copy->path,
                              got < 0 ? strerror(errno) : "it is too short");
}

/* Let the system copy as much as it can, which on some file systems only shares blocks. Returns the bytes
 * copied. Errors show up when the rest is copied. */
static int64_t copy_by_system(const struct fb_temporary *copy, const struct fb_file *in)
{
    int64_t done = 0;
#ifdef __linux__
    while (done < in->size) {
        off_t from = (off_t)done, to = (off_t)done;
        ssize_t n =
            copy_file_range(in->descriptor, &from, copy->descriptor, &to, (size_t)(in->size - done), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += n;
    }
#else
    (void)copy;
    (void)in;
#endif
    return done;
}

static int copy_file(const struct fb_temporary *copy, struct fb_file *in, struct fb_error *err)
{
    int64_t done = in->contents ? 0 : copy_by_system(copy, in), n;
    unsigned char *bytes = done < in->size ? malloc(BLOCK_BYTES) : NULL;
    int status = done < in->size && !bytes ? fb_fail(err, "%s: out of memory", in->path) : 0;
    for (; status == 0 && done < in->size; done += n) {
        n = in->size - done < BLOCK_BYTES ? in->size - done : BLOCK_BYTES;
        if (!in->contents)
            fb_file_want(in, done + n, BLOCK_BYTES);
        if (fb_file_read(in, bytes, (size_t)n, done, err) != 0 || write_at(copy, bytes, n, done, err) != 0)
            status = -1;
    }
    free(bytes);
    return status;
}

/* ---- the mask, in the copy ---- */

static int write_zeros(const struct fb_temporary *copy, const struct fb_spans *spans, struct fb_error *err)
{
    static const unsigned char zeros[65536];
    for (size_t i = 0; i < spans->n; i++) {
        const struct fb_span *span = &spans->span[i];
        for (int64_t done = 0, n; done < span->bytes; done += n) {
            n = span->bytes - done < (int64_t)sizeof zeros ? span->bytes - done : (int64_t)sizeof zeros;
            if (write_at(copy, zeros, n, span->offset + done, err) != 0)
                return -1;
        }
    }
    return 0;
}

static int sum_data(const struct fb_temporary *copy, const struct fb_hdu *hdu, unsigned char *bytes,
                    uint32_t *sum, struct fb_error *err)
{
    int64_t size = fb_whole_blocks(hdu->size);
    *sum = 0;
    for (int64_t done = 0, n; done < size; done += n) {
        n = size - done < BLOCK_BYTES ? size - done : BLOCK_BYTES;
        if (read_at(copy, bytes, n, hdu->data + done, err) != 0)
            return -1;
        *sum = fb_sum_add(*sum, bytes, (size_t)n);
    }
    return 0;
}

/* Update CHECKSUM and DATASUM of an HDU, if it has them. */
static int update_sums(const struct fb_temporary *copy, const struct fb_hdus *hdus, size_t number,
                       unsigned char *bytes, struct fb_error *err)
{
    const struct fb_hdu *hdu = &hdus->hdu[number];
    int64_t size = fb_whole_blocks((int64_t)(FB_CARD * (hdu->ncards + 1)));
    char value[FB_CARD];
    uint32_t sum;
    if (fb_hdu_text(hdus, hdu, "CHECKSUM", value, sizeof value) == 0 &&
        fb_hdu_text(hdus, hdu, "DATASUM", value, sizeof value) == 0)
        return 0;
    if (sum_data(copy, hdu, bytes, &sum, err) != 0)
        return -1;
    unsigned char *header = malloc((size_t)size);
    int status = header ? read_at(copy, header, size, hdu->data - size, err)
                        : fb_fail(err, "%s: out of memory", copy->path);
    if (status == 0) {
        fb_header_put_sums(header, (size_t)size, sum);
        status = write_at(copy, header, size, hdu->data - size, err);
    }
    free(header);
    return status;
}

static int mask_copy(const struct fb_temporary *copy, const struct fb_hdus *hdus,
                     const struct fb_spans *spans, struct fb_error *err)
{
    if (spans->n == 0)
        return 0;
    unsigned char *bytes = malloc(BLOCK_BYTES);
    int status = bytes ? write_zeros(copy, spans, err) : fb_fail(err, "%s: out of memory", copy->path);
    for (size_t i = 0; status == 0 && i < spans->n; i++)
        if (i == 0 || spans->span[i].hdu != spans->span[i - 1].hdu)
            status = update_sums(copy, hdus, spans->span[i].hdu, bytes, err);
    free(bytes);
    return status;
}

/* ---- a file ---- */

static int mask_source(struct fb_hdus *hdus, const struct fb_spans *spans, const char *path,
                       enum fb_replace replace, struct fb_error *err)
{
    struct fb_temporary copy = { .descriptor = -1 };
    int failed = fb_make_parent_folders(path, err) != 0 ||
                 fb_temporary_prepare(&copy, path, replace, err) != 0 || fb_temporary_open(&copy, err) != 0 ||
                 copy_file(&copy, &hdus->file, err) != 0 || mask_copy(&copy, hdus, spans, err) != 0 ||
                 fb_temporary_publish(&copy, FB_FILE_ONLY, err) != 0;
    fb_temporary_discard(&copy);
    return failed ? -1 : 0;
}

int fb_mask_coadd(const char *path, enum fb_replace replace, const char *in,
                  const struct fb_mask_target *targets, size_t n, int copy_all, struct fb_mask_count *count,
                  struct fb_error *err)
{
    struct fb_hdus hdus = { 0 };
    struct fb_spans spans = { 0 };

    *count = (struct fb_mask_count){ 0 };
    int status = fb_hdus_open(&hdus, in, NULL, err);
    if (status == 0)
        status = fb_mask_plan(&spans, &hdus, targets, n, count, err);
    if (status == 0 && (spans.n > 0 || copy_all)) {
        count->begun = 1;
        status = mask_source(&hdus, &spans, path, replace, err);
        count->written = status == 0;
    }
    fb_spans_release(&spans);
    fb_hdus_release(&hdus);
    return status;
}
