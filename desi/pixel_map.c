/* pixel_map.c - SPDX-License-Identifier: BSD-3-Clause */
#include <chealpix.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "desi/pixel_map.h"
#include "fits/image.h"
#include "fits/system.h"
#include "fits/table.h"

enum { MOST_NSIDE = 8192, MOST_JSON = 1 << 30 };

int fb_nside_ok(long nside)
{
    return nside >= 1 && nside <= MOST_NSIDE && (nside & (nside - 1)) == 0;
}

long fb_uniqpix_nside(int64_t upix)
{
    for (int64_t nside = 1; nside <= MOST_NSIDE; nside *= 2)
        if (upix >= 4 * nside * nside && upix < 16 * nside * nside)
            return (long)nside;
    return 0;
}

int64_t fb_pixel_of(long nside, double ra, double dec)
{
    const double degree = acos(-1.0) / 180;
    long pixel;
    if (nside == 0 || !(fabs(ra) <= 360) || !(fabs(dec) <= 90))
        return -1;
    ang2pix_nest(nside, (90 - dec) * degree, ra * degree, &pixel);
    return pixel;
}

static size_t npixels(long nside)
{
    return 12 * (size_t)nside * (size_t)nside;
}

/* The number of pixels at a finer nside that an adaptive pixel covers; *first is the first of them. */
static size_t covered(int64_t upix, long fine, size_t *first)
{
    int64_t nside = fb_uniqpix_nside(upix), each = (fine / nside) * (fine / nside);
    *first = (size_t)((upix - 4 * nside * nside) * each);
    return (size_t)each;
}

static int make_room(struct fb_pixel_map *map, long nside, struct fb_error *err)
{
    map->nside = nside;
    map->upix = malloc(npixels(nside) * sizeof *map->upix);
    if (!map->upix)
        return fb_fail(err, "%s: out of memory for a map of nside %ld", map->path, nside);
    return 0;
}

/* Check that every pixel is covered by its adaptive pixel. */
static int check_map(const struct fb_pixel_map *map, struct fb_error *err)
{
    for (size_t i = 0; i < npixels(map->nside); i++) {
        int64_t upix = map->upix[i];
        long nside = fb_uniqpix_nside(upix);
        size_t first, n = nside > 0 && nside <= map->nside ? covered(upix, map->nside, &first) : 0;
        if (upix != -1 && (n == 0 || i < first || i >= first + n))
            return fb_fail(
                err, "%s: expected an adaptive pixel that covers pixel %zu of nside %ld, or -1, found %lld",
                map->path, i, map->nside, (long long)upix);
    }
    return 0;
}

/* ---- hpix2upix, FITS ---- */

static int read_pixels(struct fb_pixel_map *map, struct fb_image *image, struct fb_error *err)
{
    enum { PART = 4096 };
    double values[PART];
    size_t n = npixels(map->nside);
    for (size_t first = 0, count; first < n; first += count) {
        count = n - first < PART ? n - first : PART;
        if (fb_image_read(image, (int64_t)first, count, values, err) != 0)
            return -1;
        for (size_t i = 0; i < count; i++) {
            if (!(values[i] >= -1 && values[i] <= INT32_MAX) || values[i] > floor(values[i]))
                return fb_fail(err, "%s: HDU %s: expected numbers of 32 bits, found %.17g at %zu", map->path,
                               image->name, values[i], first + i);
            map->upix[first + i] = (int32_t)values[i];
        }
    }
    return 0;
}

static int check_image(const struct fb_pixel_map *map, const struct fb_image *image,
                       const struct fb_hdus *hdus, const struct fb_hdu *hdu, int64_t *nside,
                       struct fb_error *err)
{
    char nested[8];
    if (image->naxis != 1)
        return fb_fail(err, "%s: HDU %s: expected one axis, found %d", map->path, hdu->name, image->naxis);
    if (fb_hdu_integer(hdus, hdu, "NSIDE", nside) <= 0)
        return fb_fail(err, "%s: expected an image HPIX2UPIX with the keyword NSIDE, found no such keyword",
                       map->path);
    if (*nside > MOST_NSIDE || !fb_nside_ok((long)*nside) || image->axis[0] != (int64_t)npixels((long)*nside))
        return fb_fail(
            err, "%s: expected NSIDE a power of 2 and 12 NSIDE^2 pixels, found NSIDE %lld and %lld pixels",
            map->path, (long long)*nside, (long long)image->axis[0]);
    if (fb_hdu_text(hdus, hdu, "HPXNEST", nested, sizeof nested) > 0 && strcmp(nested, "F") == 0)
        return fb_fail(err, "%s: expected nested pixels, found HPXNEST = F", map->path);
    return 0;
}

static int read_image(struct fb_pixel_map *map, struct fb_hdus *hdus, const struct fb_hdu *hdu,
                      struct fb_error *err)
{
    struct fb_image image = { 0 };
    int64_t nside = 0;
    int failed = fb_image_open(&image, hdus, hdu, FB_DOUBLES, err) != 0 ||
                 check_image(map, &image, hdus, hdu, &nside, err) != 0 ||
                 make_room(map, (long)nside, err) != 0 || read_pixels(map, &image, err) != 0;
    fb_image_release(&image);
    return failed ? -1 : 0;
}

static int read_fits_map(struct fb_pixel_map *map, struct fb_error *err)
{
    struct fb_hdus hdus = { 0 };
    const struct fb_hdu *found = NULL;
    int status = fb_hdus_open(&hdus, map->path, NULL, err);
    for (size_t i = 0; status == 0 && i < hdus.n && !found; i++)
        if (strcasecmp(hdus.hdu[i].name, "HPIX2UPIX") == 0)
            found = &hdus.hdu[i];
    if (status == 0)
        status = found ? read_image(map, &hdus, found, err)
                       : fb_fail(err, "%s: expected an image HPIX2UPIX, found none", map->path);
    fb_hdus_release(&hdus);
    return status;
}

/* ---- hpix2upix, JSON: one object whose NSIDE is a number and whose HPIX2UPIX is an array of numbers ---- */

static char *read_text(const char *path, struct fb_error *err)
{
    int64_t size = fb_file_size(path, err);
    if (size < 0)
        return NULL;
    FILE *file = fopen(path, "rb");
    char *text = file && size < MOST_JSON ? malloc((size_t)size + 1) : NULL;
    size_t got = text ? fread(text, 1, (size_t)size, file) : 0;
    if (!file)
        fb_fail(err, "%s: %s", path, strerror(errno));
    else if (!text || got != (size_t)size) {
        fb_fail(err, "%s: can't read its %lld bytes", path, (long long)size);
        free(text);
        text = NULL;
    } else {
        text[got] = '\0';
    }
    if (file)
        fclose(file);
    return text;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

/* The text after "KEY":, or NULL. */
static const char *json_value(const char *text, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    for (const char *at = strstr(text, quoted); at; at = strstr(at + 1, quoted)) {
        const char *value = skip_blanks(at + strlen(quoted));
        if (*value == ':')
            return skip_blanks(value + 1);
    }
    return NULL;
}

/* Parse a 32-bit integer. Returns the text after it, or NULL if there is none. */
static const char *json_number(const char *text, int32_t *value)
{
    int negative = *text == '-';
    int64_t number = 0;
    const char *first = text + negative, *at = first;
    for (; *at >= '0' && *at <= '9' && number <= INT32_MAX; at++)
        number = 10 * number + (*at - '0');
    *value = (int32_t)(negative ? -number : number);
    return at > first && number <= INT32_MAX ? at : NULL;
}

/* Parse a bracketed list of n numbers. Returns -1 if there is anything else, or another number of them. */
static int json_numbers(const char *text, int32_t *values, size_t n)
{
    if (*text++ != '[')
        return -1;
    for (size_t i = 0; i < n; i++) {
        text = json_number(skip_blanks(text), &values[i]);
        if (!text)
            return -1;
        text = skip_blanks(text);
        if (*text++ != (i + 1 < n ? ',' : ']'))
            return -1;
    }
    return 0;
}

static int read_json_map(struct fb_pixel_map *map, struct fb_error *err)
{
    char *text = read_text(map->path, err), *end = NULL;
    if (!text)
        return -1;
    const char *number = json_value(text, "NSIDE"), *values = json_value(text, "HPIX2UPIX"),
               *nested = json_value(text, "HPXNEST");
    long nside = number ? strtol(number, &end, 10) : 0;
    int failed = 0;
    if (!values || !fb_nside_ok(nside))
        failed = fb_fail(err, "%s: expected NSIDE, a power of 2, and HPIX2UPIX, found %s", map->path,
                         !values  ? "no HPIX2UPIX"
                         : number ? "another NSIDE"
                                  : "no NSIDE");
    else if (nested && strncmp(nested, "false", 5) == 0)
        failed = fb_fail(err, "%s: expected nested pixels, found HPXNEST false", map->path);
    else
        failed = make_room(map, nside, err);
    if (!failed && json_numbers(values, map->upix, npixels(nside)) != 0)
        failed =
            fb_fail(err, "%s: expected 12 NSIDE^2 = %zu whole numbers in HPIX2UPIX, found something else",
                    map->path, npixels(nside));
    free(text);
    return failed;
}

/* ---- the list of adaptive pixels ---- */

static int fill(struct fb_pixel_map *map, const int64_t *list, size_t n, struct fb_error *err)
{
    long finest = 1;
    for (size_t i = 0; i < n; i++) {
        long nside = fb_uniqpix_nside(list[i]);
        if (nside == 0)
            return fb_fail(err, "%s: expected adaptive pixels in UNIQPIX, found %lld", map->path,
                           (long long)list[i]);
        finest = nside > finest ? nside : finest;
    }
    if (make_room(map, finest, err) != 0)
        return -1;
    for (size_t i = 0; i < npixels(finest); i++)
        map->upix[i] = -1;
    for (size_t i = 0; i < n; i++) {
        size_t first, count = covered(list[i], finest, &first);
        for (size_t k = first; k < first + count; k++) {
            if (map->upix[k] != -1)
                return fb_fail(err, "%s: expected adaptive pixels that don't overlap, found %d and %lld",
                               map->path, map->upix[k], (long long)list[i]);
            map->upix[k] = (int32_t)list[i];
        }
    }
    return 0;
}

static int read_list(struct fb_pixel_map *map, struct fb_error *err)
{
    static const char *const tables[] = { "UNIQPIX", "*", NULL }, *const columns[] = { "UNIQPIX", NULL };
    struct fb_table table;
    const struct fb_column *column;
    if (fb_table_open(&table, map->path, tables, err) != 0)
        return -1;
    int64_t *list = malloc(((size_t)table.nrows + 1) * sizeof *list);
    int failed =
        list ? 0 : fb_fail(err, "%s: out of memory for %lld rows", map->path, (long long)table.nrows);
    if (!failed)
        failed = fb_table_find_number(&table, columns, 1, &column, err) != 0 ||
                 fb_table_integers(&table, column, list, table.nrows, err) != 0 ||
                 fill(map, list, (size_t)table.nrows, err) != 0;
    fb_table_close(&table);
    free(list);
    return failed ? -1 : 0;
}

int fb_pixel_map_from_list(struct fb_pixel_map *map, const char *path, const int64_t *list, size_t n,
                           struct fb_error *err)
{
    *map = (struct fb_pixel_map){ .path = fb_format("%s", path) };
    return map->path ? fill(map, list, n, err) : fb_fail(err, "%s: out of memory", path);
}

/* ---- any format ---- */

int fb_pixel_map_read(struct fb_pixel_map *map, const char *folder, const char *survey, const char *program,
                      struct fb_error *err)
{
    static const struct {
        const char *kind, *suffix;
        int (*read)(struct fb_pixel_map *map, struct fb_error *err);
    } files[] = { { "hpix2upix", "fits", read_fits_map },
                  { "hpix2upix", "json", read_json_map },
                  { "uniqpix", "fits", read_list } };
    *map = (struct fb_pixel_map){ 0 };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        free(map->path);
        map->path = fb_format("%s/%s-%s-%s.%s", folder, files[i].kind, survey, program, files[i].suffix);
        if (!map->path)
            return fb_fail(err, "%s: out of memory", folder);
        int there = fb_look_for(map->path, err);
        if (there != 0)
            return there < 0 || files[i].read(map, err) != 0 ? -1 : check_map(map, err);
    }
    return fb_fail(err,
                   "%s: expected the map of adaptive pixels, hpix2upix-%s-%s.fits or .json, or their list, "
                   "uniqpix-%s-%s.fits, found none of them",
                   folder, survey, program, survey, program);
}

void fb_pixel_map_release(struct fb_pixel_map *map)
{
    free(map->upix);
    free(map->path);
    *map = (struct fb_pixel_map){ 0 };
}

int64_t fb_pixel_map_find(const struct fb_pixel_map *map, double ra, double dec)
{
    int64_t pixel = fb_pixel_of(map->nside, ra, dec);
    return pixel >= 0 ? map->upix[pixel] : -1;
}
