/* tree.c - SPDX-License-Identifier: BSD-3-Clause */
#include <chealpix.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "io/system.h"
#include "io/tree.h"

#define PIXELS_PER_FOLDER 100

static long nside(enum fb_scheme scheme)
{
    return scheme == FB_SCHEME_MOCK ? 16 : 64;
}

int64_t fb_tree_pixel(enum fb_scheme scheme, double ra, double dec)
{
    const double degree = acos(-1.0) / 180;
    long pixel;
    if (!isfinite(ra) || !(fabs(dec) <= 90))
        return -1;
    ang2pix_nest(nside(scheme), (90 - dec) * degree, ra * degree, &pixel);
    return pixel;
}

int64_t fb_tree_npixels(enum fb_scheme scheme)
{
    return nside2npix(nside(scheme));
}

char *fb_tree_folder(const struct fb_tree *tree)
{
    if (tree->scheme == FB_SCHEME_MOCK)
        return fb_format("%s/spectra-16", tree->root);
    return fb_format("%s/healpix/%s/%s", tree->root, tree->survey, tree->program);
}

char *fb_tree_path(const struct fb_tree *tree, const char *kind, int64_t pixel)
{
    int64_t group = pixel / PIXELS_PER_FOLDER;
    if (tree->scheme == FB_SCHEME_MOCK)
        return fb_format("%s/spectra-16/%" PRId64 "/%" PRId64 "/%s-16-%" PRId64 ".fits", tree->root, group,
                         pixel, kind, pixel);
    return fb_format("%s/healpix/%s/%s/%" PRId64 "/%" PRId64 "/%s-%s-%s-%" PRId64 ".fits", tree->root,
                     tree->survey, tree->program, group, pixel, kind, tree->survey, tree->program, pixel);
}

char *fb_tree_label(const struct fb_tree *tree)
{
    if (tree->scheme == FB_SCHEME_MOCK)
        return strdup("mock");
    return fb_format("%s-%s", tree->survey, tree->program);
}

/* Names in a folder that are plain numbers; other names are not ours. */
static int numbered_entries(const char *folder, struct fb_pixel_list *list, struct fb_error *err)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    int status = 0;

    if (!directory)
        return fb_fail(err, "%s: %s", folder, strerror(errno));
    for (errno = 0; status == 0 && (entry = readdir(directory)) != NULL; errno = 0) {
        const char *name = entry->d_name;
        if (strspn(name, "0123456789") != strlen(name) || strlen(name) > 18)
            continue;
        if (fb_pixel_list_add(list, strtoll(name, NULL, 10)) != 0)
            status = fb_fail(err, "%s: out of memory", folder);
    }
    if (status == 0 && errno != 0)
        status = fb_fail(err, "%s: %s", folder, strerror(errno));
    closedir(directory);
    return status;
}

int fb_tree_groups(const struct fb_tree *tree, struct fb_pixel_list *groups, struct fb_error *err)
{
    char *folder = fb_tree_folder(tree);
    if (!folder)
        return fb_fail(err, "%s: out of memory", tree->root);
    int status = numbered_entries(folder, groups, err);
    free(folder);
    fb_pixel_list_sort(groups);
    return status;
}

/* 1, 0, or -1 where that can't be found out. */
static int has_file(const struct fb_tree *tree, const char *kind, int64_t pixel, struct fb_error *err)
{
    char *path = fb_tree_path(tree, kind, pixel);
    char *packed = path ? fb_format("%s.gz", path) : NULL;
    int found = packed ? fb_look_for(path, err) : fb_fail(err, "%s: out of memory", tree->root);
    if (found == 0)
        found = fb_look_for(packed, err);
    free(path);
    free(packed);
    return found;
}

int fb_tree_group_pixels(const struct fb_tree *tree, int64_t group, const char *kind,
                         struct fb_pixel_list *pixels, struct fb_error *err)
{
    struct fb_pixel_list found = { 0 };
    char *top = fb_tree_folder(tree);
    char *folder = top ? fb_format("%s/%" PRId64, top, group) : NULL;
    int status =
        folder ? numbered_entries(folder, &found, err) : fb_fail(err, "%s: out of memory", tree->root);

    fb_pixel_list_sort(&found);
    for (size_t i = 0; i < found.n && status == 0; i++) {
        if (found.pixels[i] / PIXELS_PER_FOLDER != group)
            continue;
        int there = has_file(tree, kind, found.pixels[i], err);
        if (there < 0)
            status = -1;
        else if (there > 0 && fb_pixel_list_add(pixels, found.pixels[i]) != 0)
            status = fb_fail(err, "%s: out of memory", folder);
    }
    fb_pixel_list_release(&found);
    free(folder);
    free(top);
    return status;
}

int fb_pixel_list_add(struct fb_pixel_list *list, int64_t pixel)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        int64_t *grown = realloc(list->pixels, room * sizeof *grown);
        if (!grown)
            return -1;
        list->pixels = grown;
        list->room = room;
    }
    list->pixels[list->n++] = pixel;
    return 0;
}

static int compare_pixels(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void fb_pixel_list_sort(struct fb_pixel_list *list)
{
    size_t kept = 0;
    if (list->n == 0)
        return;
    qsort(list->pixels, list->n, sizeof *list->pixels, compare_pixels);
    for (size_t i = 1; i < list->n; i++)
        if (list->pixels[i] != list->pixels[kept])
            list->pixels[++kept] = list->pixels[i];
    list->n = kept + 1;
}

void fb_pixel_list_release(struct fb_pixel_list *list)
{
    free(list->pixels);
    *list = (struct fb_pixel_list){ 0 };
}
