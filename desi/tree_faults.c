/* tree_faults.c - SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/tree_faults.h"
#include "fits/system.h"

enum { MOST_LEVELS = 4 }; /* spectra/SURVEY/PROGRAM/PIX//100 */

/* Sets of schemes. */
enum {
    RELEASE_OR_MOCK = 1 << FB_SCHEME_HEALPIX | 1 << FB_SCHEME_UNIQPIX | 1 << FB_SCHEME_MOCK,
    TILES = 1 << FB_SCHEME_TILES
};

/* ---- names in folders ---- */

enum { MOST_NAMES = 10, COUNT_ROOM = 32 }; /* COUNT_ROOM: bytes for " and N more" */

/* The first names, separated by commas. Starts as { 0 }. */
struct names {
    char text[512];
    size_t n, shown; /* names in all, and in the text: at most MOST_NAMES */
};

static void add(struct names *names, const char *prefix, const char *name)
{
    size_t used = strlen(names->text), room = sizeof names->text - COUNT_ROOM - used;
    size_t length = strlen(prefix) + strlen(name) + sizeof ", /";
    int complete = names->shown == names->n++;
    if (!complete || names->shown == MOST_NAMES || length > room)
        return;
    snprintf(names->text + used, room, "%s%s%s%s", used ? ", " : "", prefix, *prefix ? "/" : "", name);
    names->shown++;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Add the names in a folder, sorted, as PREFIX/NAME, or as NAME if the prefix is empty. With levels > 0, add
 * instead the names that many folders further down, as PREFIX/FOLDER/NAME. Hidden files are left out. A folder
 * that can't be read adds nothing, since the names are only hints. */
static void add_names(struct names *names, const char *folder, const char *prefix, int levels)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        char *inner = levels > 0 ? fb_format("%s/%s", folder, entries[i]->d_name) : NULL;
        char *inner_prefix = levels > 0 ? fb_format("%s/%s", prefix, entries[i]->d_name) : NULL;
        if (inner && inner_prefix)
            add_names(names, inner, inner_prefix, levels - 1);
        else if (levels == 0)
            add(names, prefix, entries[i]->d_name);
        free(inner);
        free(inner_prefix);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* "a, b", "a, b and 7 more", or "nothing". No names can be added afterwards. */
static const char *names_text(struct names *names)
{
    size_t used = strlen(names->text);
    if (names->n == 0)
        return "nothing";
    if (names->shown < names->n)
        snprintf(names->text + used, sizeof names->text - used, "%s%zu more", used ? " and " : "",
                 names->n - names->shown);
    return names->text;
}

/* ---- the folder that was meant ---- */

/* Does root have a folder of one of these schemes, for the survey and program of a tree? */
static int holds(const struct fb_tree *like, const char *root, int schemes)
{
    int found = 0;
    for (int scheme = FB_SCHEME_HEALPIX; scheme <= FB_SCHEME_TILES && !found; scheme++) {
        struct fb_tree tree = *like;
        struct fb_error ignored;
        tree.scheme = (enum fb_scheme)scheme;
        tree.root = root;
        char *folder = schemes & 1 << scheme ? fb_tree_folder(&tree) : NULL;
        found = folder && fb_is_folder(folder, &ignored) > 0;
        free(folder);
    }
    return found;
}

static char *meant_above(const struct fb_tree *tree, int schemes)
{
    for (int levels = 1; levels <= MOST_LEVELS; levels++) {
        char *root = fb_path_above(tree->root, levels);
        if (root && holds(tree, root, schemes))
            return root;
        free(root);
    }
    return NULL;
}

static char *meant_below(const struct fb_tree *tree, int schemes)
{
    struct dirent **entries;
    int n = scandir(tree->root, &entries, NULL, alphasort);
    char *found = NULL;
    for (int i = 0; i < n; i++) {
        char *root =
            found || entries[i]->d_name[0] == '.' ? NULL : fb_format("%s/%s", tree->root, entries[i]->d_name);
        if (root && holds(tree, root, schemes))
            found = root;
        else
            free(root);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return found;
}

/* Set the error: what was expected in the tree, what was found, and the nearby folder that has it, if any. */
static int expected(const struct fb_tree *tree, const char *what, int schemes, struct fb_error *err)
{
    struct names names = { 0 };
    char *meant = meant_above(tree, schemes);
    if (!meant)
        meant = meant_below(tree, schemes);
    add_names(&names, tree->root, "", 0);
    if (meant)
        fb_fail(err, "%s: expected %s in it, found %s: give %s instead", tree->root, what, names_text(&names),
                meant);
    else
        fb_fail(err, "%s: expected %s in it, found %s%s", tree->root, what, names_text(&names),
                schemes != TILES && holds(tree, tree->root, TILES) ? ": give --tiles as well" : "");
    free(meant);
    return -1;
}

/* ---- wrong trees ---- */

/* List the surveys and programs of a release. */
static size_t find_surveys(const struct fb_tree *tree, struct names *names)
{
    static const char *const tops[] = { "healpix", "spectra" };
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
        char *folder = fb_format("%s/%s", tree->root, tops[i]);
        if (folder)
            add_names(names, folder, tops[i], 1);
        free(folder);
    }
    return names->n;
}

int fb_tree_no_scheme(const struct fb_tree *tree, struct fb_error *err)
{
    struct names surveys = { 0 };
    const char *survey = tree->survey, *program = tree->program;
    if (find_surveys(tree, &surveys) > 0)
        return fb_fail(
            err,
            "%s: expected healpix/%s/%s or spectra/%s/%s in it, found %s: choose by --survey and --program",
            tree->root, survey, program, survey, program, names_text(&surveys));
    char *what = fb_format("healpix/%s/%s, spectra/%s/%s, spectra-16 or numbered folders of pixels", survey,
                           program, survey, program);
    int status =
        what ? expected(tree, what, RELEASE_OR_MOCK, err) : fb_fail(err, "%s: out of memory", tree->root);
    free(what);
    return status;
}

int fb_tree_check_folder(const struct fb_tree *tree, struct fb_error *err)
{
    char *folder = fb_tree_folder(tree), *place = fb_tree_place(tree);
    int there = folder && place ? fb_is_folder(folder, err) : fb_fail(err, "%s: out of memory", tree->root);
    if (there == 0)
        there = expected(tree, place, 1 << tree->scheme, err);
    free(folder);
    free(place);
    return there < 0 ? -1 : 0;
}

int fb_tree_check_skimmed(const struct fb_tree *tree, struct fb_error *err)
{
    static const struct {
        enum fb_scheme scheme;
        int levels;
    } wholes[] = { { FB_SCHEME_UNIQPIX, 3 }, { FB_SCHEME_MOCK, 1 } };
    int same = 0;
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0] && same == 0; i++) {
        struct fb_tree whole = *tree;
        char *root = fb_path_above(tree->root, wholes[i].levels);
        whole.root = root;
        whole.scheme = wholes[i].scheme;
        char *folder = root ? fb_tree_folder(&whole) : NULL;
        same = folder ? fb_same_file(folder, tree->root, err) : 0;
        if (same > 0)
            fb_fail(err, "%s: expected a whole tree, found the inside of one: give %s instead", tree->root,
                    root);
        free(folder);
        free(root);
    }
    return same ? -1 : 0;
}

int fb_tree_no_root(const char *root, struct fb_error *err)
{
    struct names names = { 0 };
    struct fb_error ignored;
    char *above = fb_path_above(root, 1);
    if (fb_exists(root)) {
        fb_fail(err, "%s: expected a folder, found a file", root);
    } else if (above && fb_is_folder(above, &ignored) > 0) {
        add_names(&names, above, "", 0);
        fb_fail(err, "%s: no such folder; %s has %s", root, above, names_text(&names));
    } else {
        fb_fail(err, "%s: no such folder%s%s", root, above ? ", nor is there " : "", above ? above : "");
    }
    free(above);
    return -1;
}

/* ---- files ---- */

static int is_number(const struct dirent *entry)
{
    return strspn(entry->d_name, "0123456789") == strlen(entry->d_name);
}

/* The path of the first numbered folder in `folder`, which is freed; NULL if there is none. */
static char *step_down(char *folder)
{
    struct dirent **entries;
    int n = folder ? scandir(folder, &entries, is_number, alphasort) : -1;
    char *inner = n > 0 ? fb_format("%s/%s", folder, entries[0]->d_name) : NULL;
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n >= 0)
        free(entries);
    free(folder);
    return inner;
}

/* List what exists instead: the files of the first pixel or tile, or else other surveys and programs. */
static void find_others(const struct fb_tree *tree, struct names *names)
{
    char *folder = step_down(step_down(fb_tree_folder(tree)));
    if (folder)
        add_names(names, folder, "", 0);
    else
        find_surveys(tree, names);
    free(folder);
}

/* The pattern of the names of files of a kind. */
static char *pattern(const struct fb_tree *tree, const char *kind)
{
    if (tree->scheme == FB_SCHEME_MOCK)
        return fb_format("%s-16-*.fits", kind);
    if (tree->scheme == FB_SCHEME_TILES && tree->night)
        return fb_format("%s-*-thru%08ld.fits", kind, tree->night);
    if (tree->scheme == FB_SCHEME_TILES)
        return fb_format("%s-*.fits", kind);
    return fb_format("%s-%s-%s-*.fits", kind, tree->survey, tree->program);
}

int fb_tree_no_files(const struct fb_tree *tree, const char *kind, const char *what, struct fb_error *err)
{
    struct names others = { 0 };
    char *files = pattern(tree, kind), *place = fb_tree_place(tree);
    find_others(tree, &others);
    if (files && place)
        fb_fail(err, "%s: no %s %s in %s%s%s", tree->root, what, files, place, others.n > 0 ? ", found " : "",
                others.n > 0 ? names_text(&others) : "");
    else
        fb_fail(err, "%s: out of memory", tree->root);
    free(files);
    free(place);
    return -1;
}
