/* tree_scheme.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/pixel_map.h"
#include "desi/tree_faults.h"
#include "desi/tree_scheme.h"
#include "fits/file.h"
#include "fits/hdus.h"
#include "fits/system.h"

/* The scheme of a known release, by the name of its folder. */
static int known_scheme(const char *root, enum fb_scheme *scheme)
{
    static const struct {
        const char *name;
        enum fb_scheme scheme;
    } known[] = { { "fuji", FB_SCHEME_HEALPIX },      { "guadalupe", FB_SCHEME_HEALPIX },
                  { "himalayas", FB_SCHEME_HEALPIX }, { "iron", FB_SCHEME_HEALPIX },
                  { "jura", FB_SCHEME_HEALPIX },      { "kibo", FB_SCHEME_HEALPIX },
                  { "loa", FB_SCHEME_HEALPIX },       { "matterhorn", FB_SCHEME_UNIQPIX },
                  { "nevis", FB_SCHEME_UNIQPIX } };
    size_t length = strlen(root);
    while (length > 0 && root[length - 1] == '/')
        length--;
    const char *name = root + length;
    while (name > root && name[-1] != '/')
        name--;
    length -= (size_t)(name - root);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == length && strncmp(known[i].name, name, length) == 0) {
            *scheme = known[i].scheme;
            return 1;
        }
    }
    return 0;
}

/* Does the tree have the folder of this scheme? Returns 1, 0, or -1 if the system can't tell. */
static int looks_like(const struct fb_tree *tree, enum fb_scheme scheme, struct fb_error *err)
{
    struct fb_tree other = *tree;
    struct fb_id_list groups = { 0 };
    other.scheme = scheme;
    char *folder = fb_tree_folder(&other);
    int there = folder ? fb_look_for(folder, err) : fb_fail(err, "%s: out of memory", tree->root);
    if (there > 0 && scheme == FB_SCHEME_SKIMMED)
        there = fb_tree_groups(&other, &groups, err) == 0 ? groups.n > 0 : -1;
    fb_id_list_release(&groups);
    free(folder);
    return there;
}

int fb_tree_identify(struct fb_tree *tree, struct fb_error *err)
{
    static const enum fb_scheme schemes[] = { FB_SCHEME_HEALPIX, FB_SCHEME_UNIQPIX, FB_SCHEME_MOCK,
                                              FB_SCHEME_SKIMMED };
    enum fb_scheme found[4], known;
    size_t n = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        int there = looks_like(tree, schemes[i], err);
        if (there < 0)
            return -1;
        if (there)
            found[n++] = schemes[i];
    }
    if (n == 2 && known_scheme(tree->root, &known) && (found[0] == known || found[1] == known)) {
        found[0] = known;
        n = 1;
    }
    if (n == 1) {
        tree->scheme = found[0];
        return found[0] == FB_SCHEME_SKIMMED ? fb_tree_check_skimmed(tree, err) : 0;
    }
    if (n == 0)
        fb_tree_no_scheme(tree, err);
    else
        fb_fail(err, "%s: expected one scheme of pixels, found two: %s and %s", tree->root,
                fb_scheme_name(found[0]), fb_scheme_name(found[1]));
    return 1;
}

/* The first file of spectra of the tree; NULL on failure. */
static char *any_file(const struct fb_tree *tree, struct fb_error *err)
{
    int64_t pixel;
    int there = fb_tree_any(tree, "coadd", &pixel, err);
    char *path = there > 0 ? fb_tree_path(tree, "coadd", pixel) : NULL;
    if (there == 0)
        fb_tree_no_files(tree, "coadd", "spectra", err);
    else if (there > 0 && !path)
        fb_fail(err, "%s: out of memory", tree->root);
    if (path && fb_tree_look_for(&path, err) < 0) {
        free(path);
        path = NULL;
    }
    return path;
}

static int no_data(const char *extname)
{
    (void)extname;
    return 0;
}

/* Read HPXNSIDE from a file's primary header. Returns 1, 0 if there is none, -1 on failure. */
static int read_nside(const char *path, int64_t *nside, struct fb_error *err)
{
    struct fb_hdus hdus = { 0 };
    int status = fb_hdus_open(&hdus, path, no_data, err);
    if (status == 0 && (status = fb_hdu_integer(&hdus, &hdus.hdu[0], "HPXNSIDE", nside)) < 0)
        fb_fail(err, "%s: expected one whole number HPXNSIDE, found another", path);
    fb_hdus_release(&hdus);
    return status;
}

int fb_tree_find_nside(struct fb_tree *tree, struct fb_error *err)
{
    int64_t found = 0;
    char *path = any_file(tree, err);
    if (!path)
        return -1;
    int status = read_nside(path, &found, err);
    if (status == 0 && tree->nside == 0)
        status = fb_fail(err, "%s: expected the keyword HPXNSIDE, found none; give --nside", path);
    else if (status > 0 && (found > INT32_MAX || !fb_nside_ok((long)found)))
        status = fb_fail(err, "%s: expected a power of 2 as HPXNSIDE, found %lld", path, (long long)found);
    else if (status > 0 && tree->nside != 0 && tree->nside != found)
        status =
            fb_fail(err, "%s: expected nside %ld, found HPXNSIDE %lld", path, tree->nside, (long long)found);
    else if (status > 0)
        tree->nside = (long)found;
    free(path);
    return status < 0 ? -1 : 0;
}
