/* pixel_rows.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/catalog.h"
#include "pipeline/pixel_rows.h"

/* Pixel numbers below this are counted in an array over all numbers; larger ones are sorted. */
#define MOST_COUNTED ((int64_t)1 << 23)

/* CHECKED: rows whose pixel column is compared with their position. At most one in ONE_IN of these may
 * differ: if coordinates were updated after the spectra were grouped, a few rows move to an adjacent
 * pixel. */
enum { CHECKED = 1000, ONE_IN = 100 };

/* ---- the pixel of each row ---- */

static void pixels_of_positions(const struct fb_pixel_rows *s, const struct fb_tree *tree,
                                const struct fb_pixel_map *map, int64_t *pixel)
{
    for (size_t i = 0; i < s->n; i++)
        pixel[i] = map ? fb_pixel_map_find(map, s->rows[i].ra, s->rows[i].dec)
                       : fb_tree_pixel(tree, s->rows[i].ra, s->rows[i].dec);
}

static int pixels_of_tiles(const struct fb_pixel_rows *s, struct fb_table *catalog, int64_t *pixel,
                           struct fb_error *err)
{
    static const char *const tile[] = { "TILEID", NULL }, *const petal[] = { "PETAL_LOC", "PETAL", NULL },
                             *const night[] = { "LASTNIGHT", "LAST_NIGHT", "COADD_LASTNIGHT", "NIGHT", NULL };
    const char *const *const names[3] = { tile, night, petal };
    int64_t *values[3] = { NULL, NULL, NULL };
    int status = 0;
    for (int k = 0; k < 3 && status == 0; k++) {
        values[k] = malloc((s->n + 1) * sizeof **values);
        int found = values[k] ? fb_catalog_read_column(catalog, names[k], values[k], s->n, err)
                              : fb_fail(err, "%s: out of memory for %zu rows", catalog->path, s->n);
        status = found < 0 ? -1
                 : found > 0
                     ? 0
                     : fb_fail(err, "%s: expected a column %s, found none", catalog->path, names[k][0]);
    }
    for (size_t i = 0; i < s->n && status == 0; i++)
        pixel[i] = fb_tile_pixel(values[0][i], values[1][i], values[2][i]);
    for (int k = 0; k < 3; k++)
        free(values[k]);
    return status;
}

/* Compare the pixels with the catalog's column of pixels, if it has one. */
static int check_column(const struct fb_pixel_rows *s, struct fb_table *catalog, const struct fb_tree *tree,
                        const int64_t *pixel, struct fb_error *err)
{
    const char *const name = tree->scheme == FB_SCHEME_UNIQPIX ? "UNIQPIX" : "HPXPIXEL";
    const char *const names[] = { name, NULL };
    int64_t found[CHECKED];
    size_t n = s->n < CHECKED ? s->n : CHECKED, differ = 0, first = 0;
    if (tree->scheme != FB_SCHEME_UNIQPIX && tree->scheme != FB_SCHEME_HEALPIX)
        return 0; /* trees often have another nside than the catalog's column */
    int there = fb_catalog_read_column(catalog, names, found, n, err);
    for (size_t i = 0; i < n && there > 0; i++) {
        if (pixel[i] < 0 || found[i] == pixel[i])
            continue;
        first = differ++ ? first : i;
    }
    if (differ * ONE_IN > n)
        return fb_fail(err,
                       "%s: %s of row %zu: expected %" PRId64 " from its position, found %" PRId64
                       " (%zu of the first %zu rows contradict their positions)",
                       catalog->path, name, first + 1, pixel[first], found[first], differ, n);
    return there < 0 ? -1 : 0;
}

/* ---- sorting ---- */

/* List the distinct pixels, and replace each row's pixel number with its index in the list. */
static int list_by_sorting(struct fb_pixel_rows *s, int64_t *pixel, struct fb_error *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (pixel[i] >= 0 && fb_id_list_add(&s->pixels, pixel[i]) != 0)
            return fb_fail(err, "out of memory for %zu rows", s->n);
    fb_id_list_sort(&s->pixels);
    for (size_t i = 0; i < s->n; i++)
        if (pixel[i] >= 0)
            pixel[i] = (int64_t)fb_id_list_find(&s->pixels, pixel[i]);
    return 0;
}

/* Like list_by_sorting(), but with an array over all pixel numbers, in linear time. */
static int list_by_counting(struct fb_pixel_rows *s, int64_t *pixel, int64_t most, struct fb_error *err)
{
    int32_t *number = calloc((size_t)(most + 2), sizeof *number);
    int status = number ? 0 : fb_fail(err, "out of memory for %zu rows", s->n);
    for (size_t i = 0; i < s->n && status == 0; i++)
        if (pixel[i] >= 0)
            number[pixel[i]] = 1;
    for (int64_t p = 0; p <= most && status == 0; p++) {
        if (!number[p])
            continue;
        number[p] = (int32_t)s->pixels.n;
        if (fb_id_list_add(&s->pixels, p) != 0)
            status = fb_fail(err, "out of memory for %zu rows", s->n);
    }
    for (size_t i = 0; i < s->n && status == 0; i++)
        if (pixel[i] >= 0)
            pixel[i] = number[pixel[i]];
    free(number);
    return status;
}

/* Sort row numbers by pixel: a counting sort. */
static int sort_rows(struct fb_pixel_rows *s, int64_t *pixel, struct fb_error *err)
{
    int64_t most = -1;
    for (size_t i = 0; i < s->n; i++)
        most = pixel[i] > most ? pixel[i] : most;
    if (most < MOST_COUNTED ? list_by_counting(s, pixel, most, err) != 0
                            : list_by_sorting(s, pixel, err) != 0)
        return -1;
    s->order = malloc((s->n + 1) * sizeof *s->order);
    s->begin = calloc(s->pixels.n + 2, sizeof *s->begin);
    if (!s->order || !s->begin)
        return fb_fail(err, "out of memory for %zu rows", s->n);
    size_t *next =
        s->begin + 1; /* shifted by one: after placing the rows, next[p] is where pixel p + 1 begins */
    for (size_t i = 0; i < s->n; i++) {
        s->nowhere += pixel[i] == -1;
        if (pixel[i] >= 0 && (size_t)pixel[i] + 1 < s->pixels.n)
            next[pixel[i] + 1]++;
    }
    for (size_t k = 1; k < s->pixels.n; k++)
        next[k] += next[k - 1];
    for (size_t i = 0; i < s->n; i++)
        if (pixel[i] >= 0)
            s->order[next[pixel[i]]++] = i;
    return 0;
}

/* ---- selection ---- */

/* The pixel of rows that are not selected; unlike -1, it is not counted as nowhere. */
enum { NOT_SELECTED = -2 };

static size_t count_zeros(const unsigned char *seen, size_t n)
{
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++)
        zeros += !seen[i];
    return zeros;
}

static void count_others(struct fb_pixel_rows *s, unsigned marks)
{
    for (int k = 0; k < FB_NMARKS; k++)
        s->nothers[k] += marks >> k & 1;
}

static int select_rows(struct fb_pixel_rows *s, const struct fb_selection *selection,
                       const unsigned char *marks, int64_t *pixel, struct fb_error *err)
{
    const struct fb_id_list *const lists[3] = { &selection->pixels, &selection->tiles,
                                                &selection->targetids };
    unsigned char *seen[3] = { NULL, NULL, NULL }; /* per list: the entries that some row has */
    int status = 0;
    for (int k = 0; k < 3 && status == 0; k++)
        if (!(seen[k] = calloc(lists[k]->n + 1, 1)))
            status = fb_fail(err, "out of memory for a selection");
    for (size_t i = 0; i < s->n && status == 0; i++) {
        int selected =
            fb_selects_pixel(selection, pixel[i]) && fb_selects_target(selection, s->rows[i].targetid);
        if (selected)
            count_others(s, marks[i]);
        if (!selected || (marks[i] & selection->only)) {
            pixel[i] = NOT_SELECTED;
            s->unselected++;
            continue;
        }
        const int64_t values[3] = { pixel[i], fb_tile_of(pixel[i]), s->rows[i].targetid };
        for (int k = 0; k < 3; k++)
            seen[k][fb_id_list_find(lists[k], values[k])] = 1;
    }
    for (int k = 0; k < 3; k++) {
        s->missing += status == 0 ? count_zeros(seen[k], lists[k]->n) : 0;
        free(seen[k]);
    }
    return status;
}

/* Paths of mocks and tiles contain no survey. */
static struct fb_catalog_kind kind_of(const struct fb_tree *tree)
{
    int names_survey = tree->scheme != FB_SCHEME_MOCK && tree->scheme != FB_SCHEME_TILES;
    return (struct fb_catalog_kind){ names_survey ? tree->survey : NULL, names_survey ? tree->program : NULL,
                                     "QSO" };
}

static int find_pixels(struct fb_pixel_rows *s, struct fb_table *catalog, const struct fb_layout *layout,
                       int64_t *pixel, struct fb_error *err)
{
    const struct fb_tree *tree = &layout->tree;
    if (tree->scheme == FB_SCHEME_TILES)
        return pixels_of_tiles(s, catalog, pixel, err);
    pixels_of_positions(s, tree, fb_layout_map(layout), pixel);
    return check_column(s, catalog, tree, pixel, err);
}

int fb_pixel_rows_take(struct fb_pixel_rows *s, struct fb_table *catalog, const struct fb_layout *layout,
                       const struct fb_selection *selection, struct fb_error *err)
{
    const struct fb_catalog_kind kind = kind_of(&layout->tree);
    struct fb_catalog_rows read;
    int64_t *pixel = NULL;

    memset(s, 0, sizeof *s);
    s->only = selection->only;
    int status = fb_catalog_read(&read, catalog, layout->tree.scheme == FB_SCHEME_MOCK, &kind, err);
    s->rows = read.rows;
    s->n = read.n;
    if (status == 0 && !(pixel = malloc((s->n + 1) * sizeof *pixel)))
        status = fb_fail(err, "%s: out of memory for %zu rows", catalog->path, s->n);
    if (status == 0)
        status = find_pixels(s, catalog, layout, pixel, err);
    if (status == 0)
        status = select_rows(s, selection, read.marks, pixel, err);
    if (status == 0)
        status = sort_rows(s, pixel, err);
    free(pixel);
    read.rows = NULL; /* now in s */
    fb_catalog_rows_release(&read);
    return status;
}

int fb_pixel_rows_read(struct fb_pixel_rows *s, const char *path, const struct fb_layout *layout,
                       const struct fb_selection *selection, struct fb_error *err)
{
    struct fb_table catalog;
    memset(s, 0, sizeof *s);
    int failed = fb_catalog_open(&catalog, path, err) != 0 ||
                 fb_pixel_rows_take(s, &catalog, layout, selection, err) != 0;
    fb_table_close(&catalog);
    return failed ? -1 : 0;
}

void fb_pixel_rows_release(struct fb_pixel_rows *s)
{
    free(s->rows);
    free(s->order);
    free(s->begin);
    fb_id_list_release(&s->pixels);
    memset(s, 0, sizeof *s);
}

int fb_pixel_rows_choose(const struct fb_pixel_rows *s, size_t index, struct fb_redshifts *redshifts,
                         struct fb_error *err)
{
    size_t begin = s->begin[index], end = s->begin[index + 1];
    redshifts->rows = malloc((end - begin + 1) * sizeof *redshifts->rows);
    if (!redshifts->rows)
        return fb_fail(err, "pixel %" PRId64 ": out of memory for %zu rows", s->pixels.ids[index],
                       end - begin);
    for (size_t i = begin; i < end; i++) {
        const struct fb_redshift *row = &s->rows[s->order[i]];
        if (fb_in_z_range(row->z))
            redshifts->rows[redshifts->n++] = *row;
    }
    return 0;
}
