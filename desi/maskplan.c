/* maskplan.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/maskplan.h"
#include "fits/fits.h"

enum { MOST_PIXELS = 1000000 };

/* A row of the file and the target it is of. */
struct hit {
    int64_t row;
    size_t target;
};

/* The file, and the rows found in it. */
struct source {
    struct fb_file *file; /* borrowed, as are the next two */
    const struct fb_hdus *hdus;
    const struct fb_mask_target *targets; /* by TARGETID */
    size_t ntargets;
    struct hit *hits; /* owned */
    size_t nhits, hit_room;
    int64_t nrows;
    int failed; /* out of memory while rows were taken */
};

/* ---- targets ---- */

/* The first target of this number, or one behind the last. */
static size_t find_target(const struct source *s, int64_t targetid)
{
    size_t lo = 0, hi = s->ntargets;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (s->targets[middle].targetid < targetid)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static void take_target(struct source *s, int64_t row, int64_t targetid)
{
    for (size_t k = find_target(s, targetid); k < s->ntargets && s->targets[k].targetid == targetid; k++) {
        if (s->nhits == s->hit_room) {
            size_t room = 2 * s->hit_room + 64;
            struct hit *grown = realloc(s->hits, room * sizeof *grown);
            if (!grown) {
                s->failed = 1;
                return;
            }
            s->hits = grown;
            s->hit_room = room;
        }
        s->hits[s->nhits++] = (struct hit){ row, k };
    }
}

struct target_rows {
    struct source *source;
    struct fb_column column;
};

static void take_row(void *context, int64_t i, const unsigned char *row)
{
    const struct target_rows *t = context;
    take_target(t->source, i, fb_column_integer(&t->column, row));
}

static const char *const fibermap[] = { "FIBERMAP", NULL };

/* Returns 1, 0 where the table is not plain, -1 on failure. */
static int read_plain_targets(struct source *s, struct fb_error *err)
{
    static const char *const names[] = { "TARGETID" };
    struct target_rows t = { .source = s };
    const struct fb_hdu *table = fb_hdus_table(s->hdus, fibermap);
    if (!table || !fb_hdu_columns(s->hdus, table, names, 1, &t.column) || !fb_column_is_integer(&t.column))
        return 0;
    unsigned char *buffer = malloc(FB_ROWS_BUFFER);
    if (!buffer)
        return fb_fail(err, "%s: out of memory", s->file->path);
    s->nrows = table->axis[1];
    int status = fb_hdu_rows(s->file, table, buffer, take_row, &t, err);
    free(buffer);
    return status == 0 ? 1 : -1;
}

static int read_any_targets(struct source *s, struct fb_error *err)
{
    static const char *const targetid[] = { "TARGETID", NULL };
    struct fb_table table;
    int column;
    if (fb_table_open(&table, s->file->path, fibermap, err) != 0)
        return -1;
    int64_t *ids = malloc(((size_t)table.nrows + 1) * sizeof *ids);
    int status = ids ? 0 : fb_fail(err, "%s: out of memory", s->file->path);
    if (status == 0 && (fb_table_need(&table, targetid, &column, err) != 0 ||
                        fb_table_read_int(&table, column, 0, table.nrows, ids, err) != 0))
        status = -1;
    s->nrows = table.nrows;
    for (int64_t i = 0; status == 0 && i < s->nrows; i++)
        take_target(s, i, ids[i]);
    free(ids);
    fb_table_close(&table);
    return status;
}

static int read_targets(struct source *s, struct fb_error *err)
{
    int status = read_plain_targets(s, err);
    if (status == 0)
        status = read_any_targets(s, err) == 0 ? 1 : -1;
    if (status > 0 && s->failed)
        status = fb_fail(err, "%s: out of memory for its targets", s->file->path);
    return status > 0 ? 0 : -1;
}

/* ---- cameras ---- */

/* The length of what stands before _IVAR in a name; 0 if it does not end so. */
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

/* The wavelengths of a camera, big-endian doubles or floats in the file; NULL after an error. */
static double *read_wavelength(struct source *s, const struct fb_hdu *ivar, struct fb_error *err)
{
    size_t length = camera_length(ivar->name), n = (size_t)ivar->axis[0];
    const struct fb_hdu *hdu = find_wavelength(s, ivar->name, length);
    int single = hdu && fb_hdu_is_plain(hdu, -32, 1);
    if (!hdu || (!single && !fb_hdu_is_plain(hdu, -64, 1)) || hdu->axis[0] != ivar->axis[0])
        return fb_fail(
                   err,
                   "%s: HDU %.*s_WAVELENGTH: expected %zu floating-point numbers, one for each pixel of %s",
                   s->file->path, (int)length, ivar->name, n, ivar->name),
               NULL;
    unsigned char *bytes = malloc(8 * n);
    double *wave = malloc(n * sizeof *wave);
    if (!bytes || !wave)
        fb_fail(err, "%s: out of memory for %zu pixels", s->file->path, n);
    if (!bytes || !wave || fb_file_read(s->file, bytes, n * (single ? 4 : 8), hdu->data, err) != 0) {
        free(bytes);
        free(wave);
        return NULL;
    }
    const struct fb_column number = { .value = single ? 'E' : 'D', .scale = 1 };
    for (size_t i = 0; i < n; i++)
        wave[i] = fb_column_number(&number, bytes + i * (single ? 4 : 8));
    free(bytes);
    return wave;
}

static int check_ivar(const struct source *s, const struct fb_hdu *hdu, struct fb_error *err)
{
    if (!fb_hdu_is_plain(hdu, -32, 2) && !fb_hdu_is_plain(hdu, -64, 2))
        return fb_fail(
            err, "%s: HDU %s: expected an image of floating-point numbers, neither compressed nor scaled",
            s->file->path, hdu->name);
    if (hdu->axis[1] != s->nrows || hdu->axis[0] < 1 || hdu->axis[0] > MOST_PIXELS)
        return fb_fail(err, "%s: HDU %s: expected %lld rows of 1 to %d pixels, found %lld of %lld",
                       s->file->path, hdu->name, (long long)s->nrows, MOST_PIXELS, (long long)hdu->axis[1],
                       (long long)hdu->axis[0]);
    return 0;
}

/* ---- what to mask ---- */

static int add_span(struct fb_spans *spans, struct fb_span span)
{
    if (spans->n == spans->room) {
        size_t room = 2 * spans->room + 64;
        struct fb_span *grown = realloc(spans->span, room * sizeof *grown);
        if (!grown)
            return -1;
        spans->span = grown;
        spans->room = room;
    }
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

/* The pixels of one row, as runs; returns how many, or -1 if out of memory. */
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

/* masked: one a target, set where anything of it is. */
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
            status = fb_fail(err, "%s: out of memory", s->file->path);
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

/* What to mask in an open file; its targets are known. */
static int plan_cameras(struct source *s, struct fb_spans *spans, struct fb_mask_count *count,
                        struct fb_error *err)
{
    unsigned char *marks = calloc(2 * s->ntargets + 1, 1);
    int status = marks ? 0 : fb_fail(err, "%s: out of memory", s->file->path), ncameras = 0;
    for (size_t i = 1; status == 0 && i < s->hdus->n; i++) {
        if (camera_length(s->hdus->hdu[i].name) == 0)
            continue;
        ncameras++;
        status = mask_camera(s, i, spans, marks, err);
    }
    if (status == 0 && ncameras == 0)
        status = fb_fail(err, "%s: has no HDU B_IVAR, R_IVAR, Z_IVAR or BRZ_IVAR", s->file->path);
    if (status == 0)
        count_targets(s, marks, marks + s->ntargets, count);
    free(marks);
    return status;
}

/* Pixels that are masked twice, for two rows of a catalog, count once. */
static int compare_spans(const void *a, const void *b)
{
    const struct fb_span *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static void join_spans(struct fb_spans *spans)
{
    size_t kept = 0;
    if (spans->n == 0)
        return;
    qsort(spans->span, spans->n, sizeof *spans->span, compare_spans);
    for (size_t i = 1; i < spans->n; i++) {
        struct fb_span *last = &spans->span[kept], *next = &spans->span[i];
        if (next->hdu == last->hdu && next->place <= last->place + last->bytes) {
            if (next->place + next->bytes > last->place + last->bytes)
                last->bytes = next->place + next->bytes - last->place;
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

int fb_mask_plan(struct fb_spans *spans, struct fb_file *file, const struct fb_hdus *hdus,
                 const struct fb_mask_target *targets, size_t n, struct fb_mask_count *count,
                 struct fb_error *err)
{
    struct source s = { .file = file, .hdus = hdus, .targets = targets, .ntargets = n };
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
