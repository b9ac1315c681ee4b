/*
 * coadd_rows.h - fetching rows, or parts of rows, of the images of a coadd with few reads. Private to desi/.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COADD_ROWS_H
#define FB_COADD_ROWS_H

#include "fastbal.h"
#include "desi/coadd.h"

/* The most rows fetched at a time. */
enum { FB_BATCH = 16 };

/* The part of a row to fetch: pixels [begin, end) of the joined grid. */
struct fb_part {
    int64_t row;
    size_t begin, end;
    size_t request; /* for the caller's use */
};

/* Memory for rows, kept from file to file. There are more slots than rows in a batch, because an unwanted row
 * that is read between two others takes up a slot too. The last slot is reserved for exposures. Start with
 * all zeros. */
enum { FB_SLOTS = 2 * FB_BATCH, FB_EXPOSURE_SLOT = FB_SLOTS - 1 };
struct fb_slots {
    void *pixels[FB_CAMERAS]
                [FB_IMAGES]; /* owned: FB_SLOTS rows of flux and ivar, as float, and of the mask, as
                                          * int32_t; nonzero means masked */
    size_t room[FB_CAMERAS][FB_IMAGES];
};
void fb_slots_release(struct fb_slots *slots);

/* How the rows of an open file are fetched. */
struct fb_fetcher {
    struct fb_coadd *coadd;
    const fastbal_grid *grid;
    int masks; /* are they needed? */
    struct fb_slots *slots;
};

/* The number of a camera's pixels that a part needs; *first is the first of them in the row. */
size_t fb_part_pixels(const struct fb_fetcher *fetcher, int camera, const struct fb_part *part,
                      size_t *first);
/* Does this camera have a mask, and is it needed? */
int fb_has_mask(const struct fb_fetcher *fetcher, int camera);

/* Read n parts, at most FB_BATCH, of the images of one camera: part k into slot[k]. */
int fb_fetch_camera(const struct fb_fetcher *fetcher, int camera, const struct fb_part *parts,
                    const size_t *slot, size_t n, struct fb_error *err);
/* The same for all cameras; chooses the slots. */
int fb_fetch(const struct fb_fetcher *fetcher, const struct fb_part *parts, size_t *slot, size_t n,
             struct fb_error *err);

/*
 * Announce the rows to be fetched next, any number of them, with all rows of the same targets. If the file is
 * not in memory, the system prefetches them, which is several times as fast from a disk as reading them one
 * by one. Returns 1 if they have to be fetched, 0 if they are in memory.
 */
int fb_fetch_ahead(const struct fb_fetcher *fetcher, const struct fb_part *parts, size_t n);

#endif
