/*
 * maskplan.h - which bytes of a coadd to set to 0 to mask the troughs of some targets. Private to desi/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MASKPLAN_H
#define FB_MASKPLAN_H

#include "desi/mask_lines.h"
#include "fits/file.h"
#include "fits/hdus.h"

/* A target and the wavelengths to mask in each of its spectra. A target may be listed several times. */
struct fb_mask_target {
    int64_t targetid;
    const struct fb_wave_range *ranges; /* borrowed */
    size_t n;
};

struct fb_mask_count {
    size_t missing; /* targets that are not in the file */
    size_t targets; /* targets with masked pixels */
    int64_t values; /* ivar values set to 0 */
    int begun;      /* writing has begun: later failures concern the copy, not the original */
    int written;
};

/* A run of bytes in an HDU, at an offset in the file. */
struct fb_span {
    size_t hdu;
    int64_t offset, bytes;
};

/* Sorted by offset; no two of them touch. Start with all zeros. */
struct fb_spans {
    struct fb_span *span; /* owned */
    size_t n, room;
};
void fb_spans_release(struct fb_spans *spans);

/*
 * Find the bytes to mask in the ivar of all cameras of an open file. Also counts targets and values. Release
 * the spans in any case.
 */
int fb_mask_plan(struct fb_spans *spans, struct fb_hdus *hdus, const struct fb_mask_target *targets, size_t n,
                 struct fb_mask_count *count, struct fb_error *err);

#endif
