/*
 * coadd_rows.h - rows of the images of a coadd, or parts of them, fetched with as few reads as possible. Private to desi/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COADD_ROWS_H
#define FB_COADD_ROWS_H

#include "fastbal.h"
#include "desi/coadd.h"

/* Most rows that are fetched at a time. */
enum { FB_BATCH = 16 };

/* The part of a row that is wanted: pixels [begin, end) of the joined grid. */
struct fb_part {
    int64_t row;
    size_t begin, end;
    size_t request; /* the caller's */
};

/* Memory for rows, which outlives the file. It has room for the rows between those of a batch, too: a row that is read
 * across takes up one slot as well. The last slot is free for exposures. All zero is a good start. */
enum { FB_SLOTS = 2 * FB_BATCH, FB_EXPOSURE_SLOT = FB_SLOTS - 1 };
struct fb_slots {
    float *flux[FB_CAMERAS], *ivar[FB_CAMERAS]; /* owned: FB_SLOTS rows */
    int32_t *mask[FB_CAMERAS];                  /* the same; not 0: masked */
    size_t room[FB_CAMERAS], mask_room[FB_CAMERAS];
};
void fb_slots_release(struct fb_slots *slots);

/* How the rows of an open file are fetched. */
struct fb_fetcher {
    struct fb_coadd *coadd;
    const fastbal_grid *grid;
    int masks; /* are they needed? */
    struct fb_slots *slots;
};

/* The pixels of a camera that a part takes: the first of them in the row, and how many. */
size_t fb_part_pixels(const struct fb_fetcher *fetcher, int camera, const struct fb_part *part,
                      size_t *first);
/* Is there a mask of this camera, and is it needed? */
int fb_has_mask(const struct fb_fetcher *fetcher, int camera);

/* Put n parts, at most FB_BATCH, of the images of one camera where they belong: part k into slot[k]. */
int fb_fetch_camera(const struct fb_fetcher *fetcher, int camera, const struct fb_part *parts,
                    const size_t *slot, size_t n, struct fb_error *err);
/* The same of all cameras; chooses the slots. */
int fb_fetch(const struct fb_fetcher *fetcher, const struct fb_part *parts, size_t *slot, size_t n,
             struct fb_error *err);

/*
 * Say which rows, any number, with all rows of the same targets, will be fetched next: where the file is not in memory,
 * the system fetches them all meanwhile. From a disk that is several times as fast as reading one after the other. Returns
 * 1 where they have to be fetched, 0 where they are in memory.
 */
int fb_fetch_ahead(const struct fb_fetcher *fetcher, const struct fb_part *parts, size_t n);

#endif
