/* coadd_rows.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "desi/coadd_rows.h"

/*
 * Parts of an image are read at once if at most this many unwanted bytes lie between them: the unused ends of
 * two neighbouring rows, or one row. Measured on 24 files of 200 rows, 1261 of them wanted, an ext4 disk:
 *
 *     gap      reads   MB read   rows one by one, cold   fetched ahead, cold   in memory, CPU
 *     0        5626    51        0.5 to 1.0 s            0.07 s                25 ms
 *     4096     5124    52        0.7 to 1.2 s                                  28 ms
 *     12000    4102    62        0.5 to 0.9 s            0.06 s
 *     16384    3819    66                                                      25 ms
 *     24000    3092    81        0.35 to 0.5 s
 *     65536    1269    156       0.3 s                                         31 ms
 *     all      72      298       0.2 s                                         40 ms
 *
 * (whole rows are 80 MB). So prefetching matters most, and with it the gap hardly matters. A gap of one row
 * saves a quarter of the requests, which helps if each goes over a network, and still reads less than whole
 * rows.
 */
#define MOST_GAP 12288

/* ---- memory ---- */

void fb_slots_release(struct fb_slots *slots)
{
    for (int c = 0; c < FB_CAMERAS; c++)
        for (int k = 0; k < FB_IMAGES; k++)
            free(slots->pixels[c][k]);
    *slots = (struct fb_slots){ .room = { { 0 } } };
}

int fb_has_mask(const struct fb_fetcher *f, int camera)
{
    return f->masks && f->coadd->camera[camera].hdu[FB_MASK];
}

/* The last image to read; the first is the flux. */
static int last_image(const struct fb_fetcher *f, int camera)
{
    return fb_has_mask(f, camera) ? FB_MASK : FB_IVAR;
}

static int make_room(const struct fb_fetcher *f, int c, struct fb_error *err)
{
    size_t n = f->coadd->camera[c].n;
    for (int k = FB_FLUX; k <= last_image(f, c); k++) {
        void **pixels = &f->slots->pixels[c][k];
        size_t *room = &f->slots->room[c][k];
        if (n <= *room)
            continue;
        free(*pixels);
        *pixels = malloc(FB_SLOTS * n * 4);
        *room = *pixels ? n : 0;
        if (!*pixels)
            return fb_fail(err, "%s: out of memory for %zu pixels", f->coadd->path, n);
    }
    return 0;
}

/* ---- pieces ---- */

/* A part of an image: n pixels, from pixel `from` of the image to pixel `to` in memory. */
struct piece {
    int64_t from;
    size_t to, n;
};

size_t fb_part_pixels(const struct fb_fetcher *f, int camera, const struct fb_part *part, size_t *first)
{
    size_t last;
    fastbal_grid_pixels(f->grid, camera, part->begin, part->end, first, &last);
    return last - *first;
}

static struct piece piece_of(const struct fb_fetcher *f, int c, const struct fb_part *part, int64_t row,
                             size_t slot)
{
    size_t first, n = fb_part_pixels(f, c, part, &first), width = f->coadd->camera[c].n;
    return (struct piece){ row * (int64_t)width + (int64_t)first, slot * width + first, n };
}

/* The pixels between two pieces; -1 if b does not follow a both in the file and in memory. */
static int64_t gap_between(const struct piece *a, const struct piece *b)
{
    int64_t gap = b->from - a->from - (int64_t)a->n;
    return gap >= 0 && gap * 4 <= MOST_GAP ? gap : -1;
}

/* ---- fetching ---- */

static int read_pieces(struct fb_image *image, const struct piece *pieces, size_t n, void *out,
                       struct fb_error *err)
{
    unsigned char *memory = out;
    for (size_t k = 0, end; k < n; k = end) {
        for (end = k + 1; end < n && image->in_place; end++) {
            int64_t gap = gap_between(&pieces[end - 1], &pieces[end]);
            if (gap < 0 || pieces[end].to != pieces[end - 1].to + pieces[end - 1].n + (size_t)gap)
                break;
        }
        size_t count = pieces[end - 1].to + pieces[end - 1].n - pieces[k].to;
        if (fb_image_read(image, pieces[k].from, count, memory + 4 * pieces[k].to, err) != 0)
            return -1;
    }
    return 0;
}

int fb_fetch_camera(const struct fb_fetcher *f, int camera, const struct fb_part *parts, const size_t *slot,
                    size_t n, struct fb_error *err)
{
    struct piece pieces[FB_BATCH];
    size_t used = 0;
    if (make_room(f, camera, err) != 0)
        return -1;
    for (size_t k = 0; k < n; k++) {
        pieces[used] = piece_of(f, camera, &parts[k], parts[k].row, slot[k]);
        used += pieces[used].n > 0;
    }
    for (int k = FB_FLUX; k <= last_image(f, camera); k++)
        if (read_pieces(&f->coadd->camera[camera].image[k], pieces, used, f->slots->pixels[camera][k], err) !=
            0)
            return -1;
    return 0;
}

/* Choose slots. Rows that are close in the file get slots at the same distance, so that one read can fetch
 * them. */
static void place_rows(const struct fb_part *parts, size_t *slot, size_t n)
{
    size_t spare = FB_SLOTS - n;
    slot[0] = 0;
    for (size_t k = 1; k < n; k++) {
        int64_t ahead = parts[k].row - parts[k - 1].row;
        size_t skip = ahead > 1 && ahead <= 4 && (size_t)ahead - 1 <= spare ? (size_t)ahead - 1 : 0;
        slot[k] = slot[k - 1] + 1 + skip;
        spare -= skip;
    }
}

int fb_fetch(const struct fb_fetcher *f, const struct fb_part *parts, size_t *slot, size_t n,
             struct fb_error *err)
{
    place_rows(parts, slot, n);
    for (int c = 0; c < f->coadd->ncameras; c++)
        if (fb_fetch_camera(f, c, parts, slot, n, err) != 0)
            return -1;
    return 0;
}

/* ---- prefetching ---- */

static void want(const struct fb_fetcher *f, int c, const struct piece *piece)
{
    for (int k = FB_FLUX; k <= last_image(f, c) && piece->n > 0; k++) {
        const struct fb_image *image = &f->coadd->camera[c].image[k];
        if (image->in_place)
            fb_file_want(image->file, image->data + 4 * piece->from, 4 * (int64_t)piece->n);
    }
}

static void want_camera(const struct fb_fetcher *f, int c, const struct fb_part *parts, size_t n)
{
    struct piece joined = { 0 };
    for (size_t k = 0; k < n; k++) {
        for (int64_t row = parts[k].row; row >= 0; row = f->coadd->targets.next[row]) {
            struct piece piece = piece_of(f, c, &parts[k], row, 0);
            int64_t gap = gap_between(&joined, &piece);
            if (piece.n == 0)
                continue;
            if (joined.n > 0 && gap >= 0) {
                joined.n += (size_t)gap + piece.n;
                continue;
            }
            want(f, c, &joined);
            joined = piece;
        }
    }
    want(f, c, &joined);
}

/* Are the flux and the ivar of a row in memory, where they are read without conversion? */
static int in_memory(const struct fb_fetcher *f, const struct fb_part *part)
{
    for (int c = 0; c < f->coadd->ncameras; c++) {
        struct piece piece = piece_of(f, c, part, part->row, 0);
        for (int k = FB_FLUX; k <= FB_IVAR && piece.n > 0; k++) {
            const struct fb_image *image = &f->coadd->camera[c].image[k];
            if (image->in_place && !fb_file_in_memory(image->file, image->data + 4 * piece.from))
                return 0;
        }
    }
    return 1;
}

int fb_fetch_ahead(const struct fb_fetcher *f, const struct fb_part *parts, size_t n)
{
    if (n == 0 || (in_memory(f, &parts[0]) && in_memory(f, &parts[n - 1])))
        return 0;
    for (int c = 0; c < f->coadd->ncameras; c++)
        want_camera(f, c, parts, n);
    return 1;
}
