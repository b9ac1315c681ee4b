/* tree.c - SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/pixel_map.h"
#include "desi/tree.h"
#include "fits/hdus.h"
#include "fits/system.h"

enum { PIXELS_PER_FOLDER = 100, PETALS = 10 };

/* NIGHT is YYYYMMDD; tiles have up to 6 digits today. */
static const int64_t NIGHTS = 100000000, MOST_TILES = 1000000000;

/* ---- pixels ---- */

const char *fb_scheme_name(enum fb_scheme scheme)
{
    static const char *const names[] = { "healpix", "mock", "uniqpix", "skimmed", "tiles" };
    return names[scheme];
}

long fb_tree_nside(const struct fb_tree *tree)
{
    switch (tree->scheme) {
    case FB_SCHEME_HEALPIX:
        return 64;
    case FB_SCHEME_MOCK:
        return 16;
    case FB_SCHEME_SKIMMED:
        return tree->nside;
    default:
        return 0;
    }
}

int64_t fb_tree_pixel(const struct fb_tree *tree, double ra, double dec)
{
    return fb_pixel_of(fb_tree_nside(tree), ra, dec);
}

long fb_tree_healpix(const struct fb_tree *tree, int64_t pixel, int64_t *healpix)
{
    long nside = tree->scheme == FB_SCHEME_UNIQPIX ? fb_uniqpix_nside(pixel) : fb_tree_nside(tree);
    *healpix = tree->scheme == FB_SCHEME_UNIQPIX ? pixel - 4 * (int64_t)nside * nside : pixel;
    return *healpix >= 0 && *healpix < 12 * (int64_t)nside * nside ? nside : 0;
}

int fb_tree_has_pixel(const struct fb_tree *tree, int64_t pixel)
{
    int64_t healpix;
    return tree->scheme == FB_SCHEME_TILES ? pixel >= 0 : fb_tree_healpix(tree, pixel, &healpix) > 0;
}

int64_t fb_tile_pixel(int64_t tile, int64_t night, int64_t petal)
{
    if (tile < 0 || tile >= MOST_TILES || night < 0 || night >= NIGHTS || petal < 0 || petal >= PETALS)
        return -1;
    return (tile * NIGHTS + night) * PETALS + petal;
}

int64_t fb_tile_of(int64_t pixel)
{
    return pixel / PETALS / NIGHTS;
}

static int64_t night_of(int64_t pixel)
{
    return pixel / PETALS % NIGHTS;
}

void fb_tree_pixel_text(const struct fb_tree *tree, int64_t pixel, char text[FB_PIXEL_TEXT])
{
    if (tree->scheme == FB_SCHEME_TILES)
        snprintf(text, FB_PIXEL_TEXT, "%" PRId64 "/%" PRId64 "/%" PRId64, fb_tile_of(pixel), night_of(pixel),
                 pixel % PETALS);
    else
        snprintf(text, FB_PIXEL_TEXT, "%" PRId64, pixel);
}

/* ---- paths ---- */

char *fb_tree_place(const struct fb_tree *tree)
{
    switch (tree->scheme) {
    case FB_SCHEME_MOCK:
        return strdup("spectra-16");
    case FB_SCHEME_SKIMMED:
        return strdup("PIX//100/PIX");
    case FB_SCHEME_TILES:
        return strdup("tiles/cumulative");
    case FB_SCHEME_UNIQPIX:
        return fb_format("spectra/%s/%s", tree->survey, tree->program);
    default:
        return fb_format("healpix/%s/%s", tree->survey, tree->program);
    }
}

char *fb_tree_folder(const struct fb_tree *tree)
{
    if (tree->scheme == FB_SCHEME_SKIMMED)
        return strdup(tree->root);
    char *place = fb_tree_place(tree);
    char *folder = place ? fb_format("%s/%s", tree->root, place) : NULL;
    free(place);
    return folder;
}

static char *file_name(const struct fb_tree *tree, const char *kind, int64_t pixel)
{
    switch (tree->scheme) {
    case FB_SCHEME_MOCK:
        return fb_format("%s-16-%" PRId64 ".fits", kind, pixel);
    case FB_SCHEME_TILES:
        return fb_format("%s-%" PRId64 "-%" PRId64 "-thru%08" PRId64 ".fits", kind, pixel % PETALS,
                         fb_tile_of(pixel), night_of(pixel));
    default:
        return fb_format("%s-%s-%s-%" PRId64 ".fits", kind, tree->survey, tree->program, pixel);
    }
}

char *fb_tree_path(const struct fb_tree *tree, const char *kind, int64_t pixel)
{
    char *folder = fb_tree_folder(tree), *name = file_name(tree, kind, pixel), *path = NULL;
    if (folder && name && tree->scheme == FB_SCHEME_TILES)
        path = fb_format("%s/%" PRId64 "/%08" PRId64 "/%s", folder, fb_tile_of(pixel), night_of(pixel), name);
    else if (folder && name)
        path = fb_format("%s/%" PRId64 "/%" PRId64 "/%s", folder, pixel / PIXELS_PER_FOLDER, pixel, name);
    free(folder);
    free(name);
    return path;
}

int fb_tree_look_for(char **path, struct fb_error *err)
{
    static const char *const endings[] = { "", ".gz", ".fz" };
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        char *packed = fb_format("%s%s", *path, endings[k]);
        int found = packed ? fb_look_for(packed, err) : fb_fail(err, "%s: out of memory", *path);
        if (found > 0) {
            free(*path);
            *path = packed;
            return 1;
        }
        free(packed);
        if (found < 0)
            return -1;
    }
    return 0;
}

char *fb_tree_label(const struct fb_tree *tree)
{
    if (tree->scheme == FB_SCHEME_MOCK || tree->scheme == FB_SCHEME_TILES)
        return strdup(fb_scheme_name(tree->scheme));
    return fb_format("%s-%s", tree->survey, tree->program);
}

/* ---- search ---- */

/* List the names in a folder that are plain numbers; others are ignored. */
static int numbered_entries(const char *folder, struct fb_id_list *list, struct fb_error *err)
{
    DIR *directory = fb_open_folder(folder, err);
    struct dirent *entry;
    int status = 0;

    if (!directory)
        return -1;
    for (errno = 0; status == 0 && (entry = readdir(directory)) != NULL; errno = 0) {
        const char *name = entry->d_name;
        if (strspn(name, "0123456789") != strlen(name) || strlen(name) > 18)
            continue;
        if (fb_id_list_add(list, strtoll(name, NULL, 10)) != 0)
            status = fb_fail(err, "%s: out of memory", folder);
    }
    if (status == 0 && errno != 0)
        status = fb_fail(err, "%s: %s", folder, strerror(errno));
    closedir(directory);
    return status;
}

int fb_tree_groups(const struct fb_tree *tree, struct fb_id_list *groups, struct fb_error *err)
{
    char *folder = fb_tree_folder(tree);
    if (!folder)
        return fb_fail(err, "%s: out of memory", tree->root);
    int status = numbered_entries(folder, groups, err);
    free(folder);
    fb_id_list_sort(groups);
    return status;
}

/* Add the pixels that have a file of this kind. */
static int add_with_file(const struct fb_tree *tree, const char *kind, const int64_t *found, size_t n,
                         struct fb_id_list *pixels, struct fb_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char *path = fb_tree_path(tree, kind, found[i]);
        int there = path ? fb_tree_look_for(&path, err) : fb_fail(err, "%s: out of memory", tree->root);
        free(path);
        if (there < 0)
            return -1;
        if (there > 0 && fb_id_list_add(pixels, found[i]) != 0)
            return fb_fail(err, "%s: out of memory", tree->root);
    }
    return 0;
}

/* Add the petals of a tile, from the chosen night or the last one. */
static int tile_pixels(const struct fb_tree *tree, int64_t tile, const char *kind,
                       const struct fb_id_list *nights, struct fb_id_list *pixels, struct fb_error *err)
{
    int64_t petals[PETALS], night = -1;
    for (size_t i = 0; i < nights->n; i++)
        if (nights->ids[i] < NIGHTS && (tree->night == 0 || nights->ids[i] == tree->night))
            night = nights->ids[i]; /* in ascending order */
    if (night < 0 || tile >= MOST_TILES)
        return 0;
    for (int64_t petal = 0; petal < PETALS; petal++)
        petals[petal] = fb_tile_pixel(tile, night, petal);
    return add_with_file(tree, kind, petals, PETALS, pixels, err);
}

/* List the numbered entries of a group's folder. */
static int group_entries(const struct fb_tree *tree, int64_t group, struct fb_id_list *found,
                         struct fb_error *err)
{
    char *top = fb_tree_folder(tree);
    char *folder = top ? fb_format("%s/%" PRId64, top, group) : NULL;
    int status =
        folder ? numbered_entries(folder, found, err) : fb_fail(err, "%s: out of memory", tree->root);
    fb_id_list_sort(found);
    free(folder);
    free(top);
    return status;
}

int fb_tree_group_folders(const struct fb_tree *tree, int64_t group, struct fb_id_list *pixels,
                          struct fb_error *err)
{
    struct fb_id_list found = { 0 };
    int status = group_entries(tree, group, &found, err);
    for (size_t i = 0; i < found.n && status == 0; i++)
        if (found.ids[i] / PIXELS_PER_FOLDER == group && fb_id_list_add(pixels, found.ids[i]) != 0)
            status = fb_fail(err, "%s: out of memory", tree->root);
    fb_id_list_release(&found);
    return status;
}

int fb_tree_group_pixels(const struct fb_tree *tree, int64_t group, const char *kind,
                         struct fb_id_list *pixels, struct fb_error *err)
{
    struct fb_id_list found = { 0 };
    int tiles = tree->scheme == FB_SCHEME_TILES;
    int status =
        tiles ? group_entries(tree, group, &found, err) : fb_tree_group_folders(tree, group, &found, err);
    if (status == 0)
        status = tiles ? tile_pixels(tree, group, kind, &found, pixels, err)
                       : add_with_file(tree, kind, found.ids, found.n, pixels, err);
    fb_id_list_release(&found);
    return status;
}

int fb_tree_any(const struct fb_tree *tree, const char *kind, int64_t *pixel, struct fb_error *err)
{
    struct fb_id_list groups = { 0 }, pixels = { 0 };
    char *folder = fb_tree_folder(tree);
    int there = folder ? fb_is_folder(folder, err) : fb_fail(err, "%s: out of memory", tree->root);
    if (there > 0)
        there = fb_tree_groups(tree, &groups, err);
    for (size_t i = 0; i < groups.n && pixels.n == 0 && there == 0; i++)
        there = fb_tree_group_pixels(tree, groups.ids[i], kind, &pixels, err);
    if (there == 0 && pixels.n > 0) {
        *pixel = pixels.ids[0];
        there = 1;
    }
    fb_id_list_release(&groups);
    fb_id_list_release(&pixels);
    free(folder);
    return there;
}

/* ---- lists ---- */

int fb_id_list_add(struct fb_id_list *list, int64_t pixel)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        int64_t *grown = realloc(list->ids, room * sizeof *grown);
        if (!grown)
            return -1;
        list->ids = grown;
        list->room = room;
    }
    list->ids[list->n++] = pixel;
    return 0;
}

static int compare_pixels(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void fb_id_list_sort(struct fb_id_list *list)
{
    size_t kept = 0;
    if (list->n == 0)
        return;
    qsort(list->ids, list->n, sizeof *list->ids, compare_pixels);
    for (size_t i = 1; i < list->n; i++)
        if (list->ids[i] != list->ids[kept])
            list->ids[++kept] = list->ids[i];
    list->n = kept + 1;
}

size_t fb_id_list_find(const struct fb_id_list *list, int64_t pixel)
{
    size_t lo = 0, hi = list->n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (list->ids[middle] < pixel)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < list->n && list->ids[lo] == pixel ? lo : list->n;
}

void fb_id_list_release(struct fb_id_list *list)
{
    free(list->ids);
    *list = (struct fb_id_list){ 0 };
}
