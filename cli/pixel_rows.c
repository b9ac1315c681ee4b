/* pixel_rows.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "cli/pixel_rows.h"
#include "io/catalog.h"

/* Sort row numbers by pixel with one count over all pixels of the sky, in time linear in rows. */
static int sort_rows(struct fb_pixel_rows *s, const int32_t *pixel, size_t npixels, struct fb_error *err)
{
    const size_t n = s->n;
    size_t *start = calloc(npixels + 1, sizeof *start);
    s->order = malloc((n + 1) * sizeof *s->order);
    int status = start && s->order ? 0 : fb_fail(err, "out of memory for %zu rows", n);

    for (size_t i = 0; status == 0 && i < n; i++) {
        if (pixel[i] >= 0)
            start[pixel[i] + 1]++;
        else
            s->nowhere++;
    }
    for (size_t p = 0; status == 0 && p < npixels; p++) {
        if (start[p + 1] > 0 && fb_pixel_list_add(&s->pixels, (int64_t)p) != 0)
            status = fb_fail(err, "out of memory for %zu pixels", npixels);
        start[p + 1] += start[p];
    }
    s->begin = malloc((s->pixels.n + 1) * sizeof *s->begin);
    if (!s->begin)
        status = fb_fail(err, "out of memory for %zu pixels", npixels);
    if (status == 0) {
        for (size_t k = 0; k < s->pixels.n; k++)
            s->begin[k] = start[s->pixels.pixels[k]];
        s->begin[s->pixels.n] = start[npixels];
        for (size_t i = 0; i < n; i++)
            if (pixel[i] >= 0)
                s->order[start[pixel[i]]++] = i;
    }
    free(start);
    return status;
}

int fb_pixel_rows_read(struct fb_pixel_rows *s, const char *path, enum fb_scheme scheme, struct fb_error *err)
{
    memset(s, 0, sizeof *s);
    if (fb_catalog_read(path, scheme == FB_SCHEME_MOCK, &s->rows, &s->n, err) != 0)
        return -1;
    const size_t n = s->n;
    int32_t *pixel = malloc((n + 1) * sizeof *pixel);
    if (!pixel)
        return fb_fail(err, "%s: out of memory for %zu rows", path, n);
    for (size_t i = 0; i < n; i++)
        pixel[i] = (int32_t)fb_tree_pixel(scheme, s->rows[i].ra, s->rows[i].dec);
    int status = sort_rows(s, pixel, (size_t)fb_tree_npixels(scheme), err);
    free(pixel);
    return status;
}

void fb_pixel_rows_release(struct fb_pixel_rows *s)
{
    free(s->rows);
    free(s->order);
    free(s->begin);
    fb_pixel_list_release(&s->pixels);
    memset(s, 0, sizeof *s);
}
