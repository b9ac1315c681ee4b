/* maskplan.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/maskplan.h"
#include "desi/targets.h"
#include "fits/image.h"
#include "fits/system.h"

enum { MOST_PIXELS = 1000000 };

/* A row of the file, and its target. */
struct hit {
    int64_t row;
    size_t target;
};

/* The file, and the rows found in it. */
struct source {
    struct fb_hdus *hdus; /* borrowed, as are the targets */
    const struct fb_mask_target *targets;
    size_t ntargets;
    struct hit *hits; /* owned */
    size_t nhits;
    int64_t nrows;
};

/* ---- targets ---- */

/* Find all rows of every target. */
static int find_hits(struct source *s, const struct fb_targets *targets, struct fb_error *err)
{
    size_t room = 0;
    for (size_t k = 0; k < s->ntargets; k++)
        for (int64_t row = fb_targets_find(targets, s->targets[k].targetid); row >= 0;
             row = targets->next[row]) {
            struct hit *hits = fb_grow(s->hits, &room, s->nhits + 1, sizeof *hits);
            if (!hits)
                return fb_fail(err, "%s: out of memory for its targets", s->hdus->file.path);
            s->hits = hits;
            s->hits[s->nhits++] = (struct hit){ row, k };
        }
    s->nrows = targets->n;
    return 0;
}

static int read_targets(struct source *s, struct fb_error *err)
{
    struct fb_targets targets = { 0 };
    int status = fb_targets_read(&targets, s->hdus, err);
    if (status == 0)
        status = find_hits(s, &targets, err);
    fb_targets_release(&targets);
    return status;
}

/* ---- cameras ---- */

/* The length of the camera's name before _IVAR; 0 if the name does not end in _IVAR. */
static size_t camera_length(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, "_IVAR") == 0 ? length - 5 : 0;
}

static const struct fb_hdu *find_wavelength(const struct source *s, const char *camera, size_t length)
{
    for (size_t i = 1; i < s->hdus->n; i++) {
        const char *name = s->hdus->hdu[i].name;
        if (strncmp(name, camera, length) == 0 && strcmp(name + length, "_WAVELENGTH") == 0)
            return &s->hdus->hdu[i];
    }
    return NULL;
}

/* Read the wavelengths of a camera, to be freed by the caller; NULL with an error. */
static double *read_wavelength(struct source *s, const struct fb_hdu *ivar, struct fb_error *err)
{
    int length = (int)camera_length(ivar->name), n = (int)ivar->axis[0], status = -1;
    const struct fb_hdu *hdu = find_wavelength(s, ivar->name, (size_t)length);
    struct fb_image image = { 0 };
    double *wave = malloc((size_t)n * sizeof *wave);
    if (!hdu)
        fb_fail(err, "%s: has no HDU %.*s_WAVELENGTH", s->hdus->file.path, length, ivar->name);
    else if (!wave)
        fb_fail(err, "%s: out of memory for %d pixels", s->hdus->file.path, n);
    else if (fb_image_open(&image, s->hdus, hdu, FB_DOUBLES, err) == 0)
        status = image.naxis == 1 && image.axis[0] == n
                     ? fb_image_read(&image, 0, (size_t)n, wave, err)
                     : fb_fail(err, "%s: HDU %s: expected %d numbers, one for each pixel of %s",
                               s->hdus->file.path, hdu->name, n, ivar->name);
    fb_image_release(&image);
    if (status == 0)
        return wave;
    free(wave);
    return NULL;
}

static int check_ivar(const struct source *s, const struct fb_hdu *hdu, struct fb_error *err)
{
    struct fb_image image;
    struct fb_error ignored;
    int plain =
        fb_image_open(&image, s->hdus, hdu, hdu->bitpix == -64 ? FB_DOUBLES : FB_FLOATS, &ignored) == 0 &&
        image.in_place && image.naxis == 2;
    fb_image_release(&image);
    if (!plain)
        return fb_fail(
            err, "%s: HDU %s: expected an image of floating-point numbers, neither compressed nor scaled",
            s->hdus->file.path, hdu->name);
    if (hdu->axis[1] != s->nrows || hdu->axis[0] < 1 || hdu->axis[0] > MOST_PIXELS)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of 1 to %d pixels, found %lld of %lld",
                       s->hdus->file.path, hdu->name, (long long)s->nrows, MOST_PIXELS,
                       (long long)hdu->axis[1], (long long)hdu->axis[0]);
    return 0;
}

/* ---- what to mask ---- */

static int add_span(struct fb_spans *spans, struct fb_span span)
{
    struct fb_span *grown = fb_grow(spans->span, &spans->room, spans->n + 1, sizeof *grown);
    if (!grown)
        return -1;
    spans->span = grown;
    spans->span[spans->n++] = span;
    return 0;
}

/* DEVIATION whole-troughs: the reference leaves the last pixel of every trough as it is. */
static int is_in(double wave, const struct fb_mask_target *target)
{
    for (size_t k = 0; k < target->n; k++)
        if (wave >= target->ranges[k].first && wave <= target->ranges[k].last)
            return 1;
    return 0;
}

/* Add the masked pixels of one row as spans. Returns their number, or -1 if out of memory. */
static int64_t mask_row(const struct source *s, size_t number, const double *wave, const struct hit *hit,
                        struct fb_spans *spans)
{
    const struct fb_hdu *hdu = &s->hdus->hdu[number];
    int64_t n = hdu->axis[0], size = hdu->bitpix == -32 ? 4 : 8, masked = 0;
    for (int64_t i = 0, end; i < n; i = end + 1) {
        for (end = i; end < n && is_in(wave[end], &s->targets[hit->target]);)
            end++;
        if (end > i && add_span(spans, (struct fb_span){ number, hdu->data + (hit->row * n + i) * size,
                                                         (end - i) * size }) != 0)
            return -1;
        masked += end - i;
    }
    return masked;
}

/* Mask one camera. masked[target] is set if any of its pixels is masked. */
static int mask_camera(struct source *s, size_t number, struct fb_spans *spans, unsigned char *masked,
                       struct fb_error *err)
{
    const struct fb_hdu *hdu = &s->hdus->hdu[number];
    if (check_ivar(s, hdu, err) != 0)
        return -1;
    double *wave = read_wavelength(s, hdu, err);
    int status = wave ? 0 : -1;
    for (size_t k = 0; status == 0 && k < s->nhits; k++) {
        int64_t n = mask_row(s, number, wave, &s->hits[k], spans);
        if (n < 0)
            status = fb_fail(err, "%s: out of memory", s->hdus->file.path);
        masked[s->hits[k].target] |= n > 0;
    }
    free(wave);
    return status;
}

static void count_targets(const struct source *s, const unsigned char *masked, unsigned char *found,
                          struct fb_mask_count *count)
{
    count->missing = 0;
    for (size_t k = 0; k < s->nhits; k++)
        found[s->hits[k].target] = 1;
    for (size_t k = 0; k < s->ntargets; k++) {
        count->missing += !found[k];
        count->targets += masked[k];
    }
}

/* Plan the masks of all cameras of an open file whose targets have been read. */
static int plan_cameras(struct source *s, struct fb_spans *spans, struct fb_mask_count *count,
                        struct fb_error *err)
{
    unsigned char *marks = calloc(2 * s->ntargets + 1, 1);
    int status = marks ? 0 : fb_fail(err, "%s: out of memory", s->hdus->file.path), ncameras = 0;
    for (size_t i = 1; status == 0 && i < s->hdus->n; i++) {
        if (camera_length(s->hdus->hdu[i].name) == 0)
            continue;
        ncameras++;
        status = mask_camera(s, i, spans, marks, err);
    }
    if (status == 0 && ncameras == 0)
        status = fb_fail(err, "%s: has no HDU B_IVAR, R_IVAR, Z_IVAR or BRZ_IVAR", s->hdus->file.path);
    if (status == 0)
        count_targets(s, marks, marks + s->ntargets, count);
    free(marks);
    return status;
}

/* Spans are sorted and merged, so that pixels masked for two rows of a catalog count once. */
static int compare_spans(const void *a, const void *b)
{
    const struct fb_span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static void join_spans(struct fb_spans *spans)
{
    size_t kept = 0;
    if (spans->n == 0)
        return;
    qsort(spans->span, spans->n, sizeof *spans->span, compare_spans);
    for (size_t i = 1; i < spans->n; i++) {
        struct fb_span *last = &spans->span[kept], *next = &spans->span[i];
        if (next->hdu == last->hdu && next->offset <= last->offset + last->bytes) {
            if (next->offset + next->bytes > last->offset + last->bytes)
                last->bytes = next->offset + next->bytes - last->offset;
        } else {
            spans->span[++kept] = *next;
        }
    }
    spans->n = kept + 1;
}

static int plan(struct source *s, struct fb_spans *spans, struct fb_mask_count *count, struct fb_error *err)
{
    if (s->ntargets > 0 && read_targets(s, err) != 0)
        return -1;
    count->missing = s->ntargets;
    if (s->nhits == 0)
        return 0;
    if (plan_cameras(s, spans, count, err) != 0)
        return -1;
    join_spans(spans);
    for (size_t i = 0; i < spans->n; i++)
        count->values += spans->span[i].bytes / (s->hdus->hdu[spans->span[i].hdu].bitpix == -32 ? 4 : 8);
    return 0;
}

int fb_mask_plan(struct fb_spans *spans, struct fb_hdus *hdus, const struct fb_mask_target *targets, size_t n,
                 struct fb_mask_count *count, struct fb_error *err)
{
    struct source s = { .hdus = hdus, .targets = targets, .ntargets = n };
    *spans = (struct fb_spans){ 0 };
    int status = plan(&s, spans, count, err);
    free(s.hits);
    return status;
}

void fb_spans_release(struct fb_spans *spans)
{
    free(spans->span);
    *spans = (struct fb_spans){ 0 };
}
