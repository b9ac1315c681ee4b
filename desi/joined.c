/* joined.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/joined.h"
#include "desi/values.h"

/* There are more slots than rows in a batch, because an unwanted row that is read between two others takes up
 * a slot too. The last slot takes single exposures, in files that have several rows for a target. */
enum { SLOTS = 2 * FB_BATCH, EXPOSURE_SLOT = SLOTS - 1 };

/*
 * Parts of an image are read together if at most this many unwanted bytes lie between them: the unused ends
 * of two neighbouring rows, or one row. Measured on 24 files of 200 rows, 1261 of them wanted, an ext4 disk:
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

/* ---- grid ---- */

/* Does the open file have the wavelengths of the grid? Files of one survey have the same, and so share the
 * grid. */
static int is_same(const struct fb_joined *j)
{
    const struct fb_coadd *coadd = &j->coadd;
    if (!j->grid || j->ncameras != coadd->ncameras || j->has_resolution != coadd->has_resolution)
        return 0;
    for (int c = 0; c < j->ncameras; c++)
        if (j->n[c] != coadd->camera[c].n || /* NOLINTNEXTLINE(*-memory-comparison): NaN is NaN */
            memcmp(j->wavelength[c], coadd->camera[c].wavelength, j->n[c] * sizeof(double)) != 0)
            return 0;
    return 1;
}

/* Set the error for a grid that can't be made. */
static int grid_fail(const struct fb_joined *j, int status, double start, const char *why,
                     struct fb_error *err)
{
    const char *path = j->coadd.path;
    for (int c = 0; c < j->ncameras; c++) {
        char where[32];
        snprintf(where, sizeof where, "HDU %s_WAVELENGTH", j->coadd.camera[c].name);
        if (fb_check_wavelengths(path, where, j->wavelength[c], j->n[c], err) != 0)
            return -1;
    }
    int last = j->ncameras - 1;
    if (status == FASTBAL_EWAVELENGTH)
        return fb_fail(err, "%s: can't put its cameras on one grid from %.10g to %.10g A", path, start,
                       j->wavelength[last][j->n[last] - 1]);
    return fb_fail(err, "%s: can't join its cameras: %s", path, why);
}

static int make_grid(struct fb_joined *j, struct fb_error *err)
{
    struct fastbal_camera cameras[FB_CAMERAS];
    fastbal_grid_free(j->grid);
    j->grid = NULL;
    j->ncameras = j->coadd.ncameras;
    j->has_resolution = j->coadd.has_resolution;
    for (int c = 0; c < j->ncameras; c++) {
        struct fb_camera *camera = &j->coadd.camera[c];
        free(j->wavelength[c]);
        j->wavelength[c] = camera->wavelength;
        camera->wavelength = NULL;
        j->n[c] = camera->n;
        cameras[c] = (struct fastbal_camera){ j->wavelength[c], j->n[c] };
    }
    double start = j->has_resolution ? j->wavelength[0][0] : 3600.0;
    struct fastbal_message why;
    int status = fastbal_grid_create(&j->grid, cameras, j->ncameras, start, &why);
    return status == FASTBAL_OK ? 0 : grid_fail(j, status, start, why.text, err);
}

static int make_sums(struct fb_joined *j, struct fb_error *err)
{
    size_t longest = 0;
    for (int c = 0; c < j->ncameras; c++)
        longest = j->n[c] > longest ? j->n[c] : longest;
    free(j->sums);
    j->sums = malloc((longest + 1) * sizeof *j->sums);
    return j->sums ? 0 : fb_fail(err, "%s: out of memory for %zu pixels", j->coadd.path, longest);
}

/* ---- the file ---- */

int fb_joined_open(struct fb_joined *j, const char *path, struct fb_error *err)
{
    if (fb_coadd_open(&j->coadd, path, err) != 0 || (!is_same(j) && make_grid(j, err) != 0))
        return -1;
    /* masks are needed where pixels are averaged */
    j->masks = j->coadd.targets.repeat || fastbal_grid_resamples(j->grid);
    return j->coadd.targets.repeat ? make_sums(j, err) : 0;
}

void fb_joined_release(struct fb_joined *j)
{
    fb_coadd_release(&j->coadd);
    fastbal_grid_free(j->grid);
    for (int c = 0; c < FB_CAMERAS; c++) {
        free(j->wavelength[c]);
        for (int k = 0; k < FB_IMAGES; k++)
            free(j->pixels[c][k]);
    }
    free(j->sums);
    *j = (struct fb_joined){ .ncameras = 0 };
}

/* ---- memory ---- */

/* Does this camera have a mask that is needed? */
static int has_mask(const struct fb_joined *j, int camera)
{
    return j->masks && j->coadd.camera[camera].hdu[FB_MASK];
}

/* The last image to read; the first is the flux. */
static int last_image(const struct fb_joined *j, int camera)
{
    return has_mask(j, camera) ? FB_MASK : FB_IVAR;
}

static int make_room(struct fb_joined *j, int c, struct fb_error *err)
{
    size_t n = j->coadd.camera[c].n;
    for (int k = FB_FLUX; k <= last_image(j, c); k++) {
        void **pixels = &j->pixels[c][k];
        size_t *room = &j->room[c][k];
        if (n <= *room)
            continue;
        free(*pixels);
        *pixels = malloc(SLOTS * n * 4);
        *room = *pixels ? n : 0;
        if (!*pixels)
            return fb_fail(err, "%s: out of memory for %zu pixels", j->coadd.path, n);
    }
    return 0;
}

/* ---- pieces ---- */

/* A part of an image: n pixels, from pixel `from` of the image to pixel `to` in memory. */
struct piece {
    int64_t from;
    size_t to, n;
};

/* The number of a camera's pixels that a part needs; *first is the first of them in the row. */
static size_t part_pixels(const struct fb_joined *j, int camera, const struct fb_part *part, size_t *first)
{
    size_t last;
    fastbal_grid_pixels(j->grid, camera, part->begin, part->end, first, &last);
    return last - *first;
}

static struct piece piece_of(const struct fb_joined *j, int c, const struct fb_part *part, int64_t row,
                             size_t slot)
{
    size_t first, n = part_pixels(j, c, part, &first), width = j->coadd.camera[c].n;
    return (struct piece){ row * (int64_t)width + (int64_t)first, slot * width + first, n };
}

/* The number of pixels between two pieces in the file; -1 if b does not follow a, or the gap is larger than
 * MOST_GAP. */
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

/* Read n parts, at most FB_BATCH, of the images of one camera: part k into slot[k]. */
static int fetch_camera(struct fb_joined *j, int camera, const struct fb_part *parts, const size_t *slot,
                        size_t n, struct fb_error *err)
{
    struct piece pieces[FB_BATCH];
    size_t used = 0;
    if (make_room(j, camera, err) != 0)
        return -1;
    for (size_t k = 0; k < n; k++) {
        pieces[used] = piece_of(j, camera, &parts[k], parts[k].row, slot[k]);
        used += pieces[used].n > 0;
    }
    for (int k = FB_FLUX; k <= last_image(j, camera); k++)
        if (read_pieces(&j->coadd.camera[camera].image[k], pieces, used, j->pixels[camera][k], err) != 0)
            return -1;
    return 0;
}

/* Choose slots. Rows that are close in the file get slots at the same distance, so that one read can fetch
 * them. */
static void place_rows(const struct fb_part *parts, size_t *slot, size_t n)
{
    size_t spare = SLOTS - n;
    slot[0] = 0;
    for (size_t k = 1; k < n; k++) {
        int64_t ahead = parts[k].row - parts[k - 1].row;
        size_t skip = ahead > 1 && ahead <= 4 && (size_t)ahead - 1 <= spare ? (size_t)ahead - 1 : 0;
        slot[k] = slot[k - 1] + 1 + skip;
        spare -= skip;
    }
}

/* Read n parts for all cameras, as fetch_camera() does, into slots that are chosen here. */
static int fetch(struct fb_joined *j, const struct fb_part *parts, size_t *slot, size_t n,
                 struct fb_error *err)
{
    place_rows(parts, slot, n);
    for (int c = 0; c < j->coadd.ncameras; c++)
        if (fetch_camera(j, c, parts, slot, n, err) != 0)
            return -1;
    return 0;
}

/* ---- prefetching ---- */

static void want(const struct fb_joined *j, int c, const struct piece *piece)
{
    for (int k = FB_FLUX; k <= last_image(j, c) && piece->n > 0; k++) {
        const struct fb_image *image = &j->coadd.camera[c].image[k];
        if (image->in_place)
            fb_file_want(image->file, image->data + 4 * piece->from, 4 * (int64_t)piece->n);
    }
}

static void want_camera(const struct fb_joined *j, int c, const struct fb_part *parts, size_t n)
{
    struct piece joined = { 0 };
    for (size_t k = 0; k < n; k++) {
        for (int64_t row = parts[k].row; row >= 0; row = j->coadd.targets.next[row]) {
            struct piece piece = piece_of(j, c, &parts[k], row, 0);
            int64_t gap = gap_between(&joined, &piece);
            if (piece.n == 0)
                continue;
            if (joined.n > 0 && gap >= 0) {
                joined.n += (size_t)gap + piece.n;
                continue;
            }
            want(j, c, &joined);
            joined = piece;
        }
    }
    want(j, c, &joined);
}

/* Are the flux and ivar of a row in memory? Images that need conversion are not prefetched, and count as in
 * memory. */
static int in_memory(const struct fb_joined *j, const struct fb_part *part)
{
    for (int c = 0; c < j->coadd.ncameras; c++) {
        struct piece piece = piece_of(j, c, part, part->row, 0);
        for (int k = FB_FLUX; k <= FB_IVAR && piece.n > 0; k++) {
            const struct fb_image *image = &j->coadd.camera[c].image[k];
            if (image->in_place && !fb_file_in_memory(image->file, image->data + 4 * piece.from))
                return 0;
        }
    }
    return 1;
}

int fb_joined_ahead(const struct fb_joined *j, const struct fb_part *parts, size_t n)
{
    if (n == 0 || (in_memory(j, &parts[0]) && in_memory(j, &parts[n - 1])))
        return 0;
    for (int c = 0; c < j->coadd.ncameras; c++)
        want_camera(j, c, parts, n);
    return 1;
}

/* ---- rows ---- */

struct pixels {
    float *flux, *ivar;
    int32_t *mask; /* NULL: none */
};

/* The pixels in memory from this index in the camera's slots on. */
static struct pixels pixels_at(const struct fb_joined *j, int c, size_t index)
{
    void *const *pixels = j->pixels[c];
    return (struct pixels){ (float *)pixels[FB_FLUX] + index, (float *)pixels[FB_IVAR] + index,
                            has_mask(j, c) ? (int32_t *)pixels[FB_MASK] + index : NULL };
}

/* Join the exposures of a target into its slot, camera by camera. */
static int load_exposures(struct fb_joined *j, const struct fb_part *part, size_t slot, struct fb_error *err)
{
    const struct fb_targets *targets = &j->coadd.targets;
    const size_t exposure_slot = EXPOSURE_SLOT;
    for (int c = 0; c < j->ncameras; c++) {
        struct fb_part exposure = *part;
        size_t first, n = part_pixels(j, c, part, &first);
        memset(j->sums, 0, n * sizeof *j->sums);
        if (make_room(j, c, err) != 0) /* needed even if no exposure is good */
            return -1;
        const struct pixels from = pixels_at(j, c, exposure_slot * j->n[c] + first),
                            to = pixels_at(j, c, slot * j->n[c] + first);
        for (int64_t row = part->row; row >= 0; row = targets->next[row]) {
            exposure.row = row;
            if (!fb_exposure_is_good(targets->status[row], j->coadd.camera[c].name))
                continue;
            if (fetch_camera(j, c, &exposure, &exposure_slot, 1, err) != 0)
                return -1;
            fb_exposure_add(j->sums, n, from.flux, from.ivar, from.mask);
        }
        fb_exposures_mean(j->sums, n, to.flux, to.ivar, to.mask);
    }
    return 0;
}

int fb_joined_load(struct fb_joined *j, const struct fb_part *parts, size_t n, struct fb_error *err)
{
    memcpy(j->part, parts, n * sizeof *parts);
    if (!j->coadd.targets.repeat)
        return fetch(j, parts, j->slot, n, err);
    for (size_t k = 0; k < n; k++) {
        j->slot[k] = k;
        if (load_exposures(j, &parts[k], k, err) != 0)
            return -1;
    }
    return 0;
}

void fb_joined_spectrum(struct fb_joined *j, size_t k, double *flux, double *ivar)
{
    struct fastbal_pixels pixels[FB_CAMERAS];
    for (int c = 0; c < j->ncameras; c++) {
        const struct pixels row = pixels_at(j, c, j->slot[k] * j->n[c]);
        pixels[c] = (struct fastbal_pixels){ row.flux, row.ivar, row.mask };
    }
    fastbal_join_range(j->grid, pixels, j->part[k].begin, j->part[k].end, flux, ivar);
}
