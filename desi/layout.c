/* layout.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desi/layout.h"
#include "desi/spectra_paths.h"
#include "desi/tree_faults.h"
#include "desi/tree_scheme.h"
#include "fits/system.h"

void fb_layout_options_release(struct fb_layout_options *options)
{
    fb_id_list_release(&options->healpix);
    fb_id_list_release(&options->uniqpix);
    fb_id_list_release(&options->tile);
    fb_id_list_release(&options->targetids);
}

/* ---- the tree ---- */

/* Refuse contradictory options. */
static int check_options(const struct fb_layout_options *o, struct fb_error *err)
{
    if (o->mock && o->tiles)
        return fb_fail(err, "options --mock and --tiles exclude each other");
    if (o->tree && o->release)
        return fb_fail(err, "options --tree and --release exclude each other");
    if (o->tree && o->mockdir)
        return fb_fail(err, "options --tree and --mockdir exclude each other");
    if (o->nside && (o->mock || o->tiles))
        return fb_fail(err, "option --nside is for skimmed trees, not for --mock or --tiles");
    if (o->night && !o->tiles)
        return fb_fail(err, "option --night goes with --tiles");
    return 0;
}

/* Find the root of the spectra. Returns 1, 0 if no option names it, -1 on failure. */
static int find_root(struct fb_layout *layout, const struct fb_layout_options *o, int must_exist,
                     struct fb_error *err)
{
    const char *given = o->tree ? o->tree : o->mock ? o->mockdir : NULL;
    if (given)
        layout->root = fb_format("%s", given);
    else if (must_exist || (o->release && !o->mock))
        layout->root = fb_spectra_root(o->mock, o->mockdir, o->release, err);
    else
        return 0;
    if (!layout->root)
        return err->text[0] ? -1 : fb_fail(err, "out of memory");
    for (size_t n = strlen(layout->root); n > 1 && layout->root[n - 1] == '/'; n--)
        layout->root[n - 1] = '\0';
    layout->tree.root = layout->root;
    return 1;
}

/* Determine the scheme of a tree that must exist. */
static int look(struct fb_layout *layout, const struct fb_layout_options *o, struct fb_error *err)
{
    int there = fb_is_folder(layout->root, err);
    if (there <= 0)
        return there < 0 ? -1 : fb_tree_no_root(layout->root, err);
    if (o->mock || o->tiles)
        return fb_tree_check_folder(&layout->tree, err);
    if (fb_tree_identify(&layout->tree, err) != 0)
        return -1;
    if (layout->tree.scheme == FB_SCHEME_SKIMMED)
        return fb_tree_find_nside(&layout->tree, err);
    if (o->nside)
        return fb_fail(err, "%s: option --nside is for skimmed trees, found %s", layout->root,
                       fb_scheme_name(layout->tree.scheme));
    return 0;
}

static void start(struct fb_layout *layout, const struct fb_layout_options *o)
{
    enum fb_scheme scheme = o->mock    ? FB_SCHEME_MOCK
                            : o->tiles ? FB_SCHEME_TILES
                            : o->nside ? FB_SCHEME_SKIMMED
                                       : FB_SCHEME_HEALPIX;
    *layout = (struct fb_layout){ .tree = { .scheme = scheme,
                                            .survey = o->survey,
                                            .program = o->program,
                                            .nside = o->nside,
                                            .night = o->night } };
}

/* No option names a tree, but the environment names an existing release: use its scheme. */
static int look_at_environment(struct fb_layout *layout, const struct fb_layout_options *o,
                               struct fb_error *err)
{
    const char *release = getenv("SPECPROD");
    struct fb_error ignored;
    if (!release || !*release || o->mock || o->tiles || o->nside)
        return 0;
    layout->tree.root = layout->root = fb_spectra_root(0, NULL, NULL, &ignored);
    int there = layout->root ? fb_look_for(layout->root, err) : 0;
    int known = there > 0 ? fb_tree_identify(&layout->tree, err) : there;
    if (known < 0)
        return -1;
    if (there == 0 || known > 0 || layout->tree.scheme == FB_SCHEME_MOCK ||
        layout->tree.scheme == FB_SCHEME_SKIMMED) {
        free(layout->root);
        start(layout, o);
        err->text[0] = '\0';
    }
    return 0;
}

int fb_layout_find(struct fb_layout *layout, const struct fb_layout_options *o, int must_exist,
                   struct fb_error *err)
{
    start(layout, o);
    err->text[0] = '\0';
    if (check_options(o, err) != 0)
        return -1;
    if (o->nside && !fb_nside_ok(o->nside))
        return fb_fail(err, "option --nside: expected a power of 2, found %ld", o->nside);
    int known = find_root(layout, o, must_exist, err);
    if (known == 0)
        return look_at_environment(layout, o, err);
    return known > 0 ? look(layout, o, err) : known;
}

/* No option names a tree: determine the scheme from the BAL tables. */
static int look_at_tables(struct fb_layout *layout, const struct fb_layout_options *o, const char *tables,
                          struct fb_error *err)
{
    if (layout->root || o->mock || o->tiles || o->nside)
        return 0;
    struct fb_tree tree = fb_layout_beside(layout, tables);
    int known = fb_tree_identify(&tree, err);
    if (known < 0)
        return -1;
    if (known == 0) {
        if (tree.scheme == FB_SCHEME_SKIMMED)
            return fb_fail(err, "%s: pixels of a skimmed tree: option --tree or --nside is required", tables);
        layout->tree.scheme = tree.scheme;
        return 0;
    }
    tree.scheme = FB_SCHEME_TILES;
    char *folder = fb_tree_folder(&tree);
    int there = folder ? fb_look_for(folder, err) : fb_fail(err, "%s: out of memory", tables);
    if (there > 0)
        layout->tree.scheme = FB_SCHEME_TILES;
    free(folder);
    if (there < 0)
        return -1;
    err->text[0] = '\0';
    return 0;
}

/* Make the map from the existing folders of adaptive pixels. */
static int map_of_folders(struct fb_layout *layout, const struct fb_tree *tree, struct fb_error *err)
{
    struct fb_id_list groups = { 0 }, pixels = { 0 };
    int status = fb_tree_groups(tree, &groups, err);
    for (size_t i = 0; i < groups.n && status == 0; i++)
        status = fb_tree_group_folders(tree, groups.ids[i], &pixels, err);
    char *folder = status == 0 ? fb_tree_folder(tree) : NULL;
    if (status == 0)
        status = folder ? fb_pixel_map_from_list(&layout->map, folder, pixels.ids, pixels.n, err)
                        : fb_fail(err, "%s: out of memory", tree->root);
    free(folder);
    fb_id_list_release(&groups);
    fb_id_list_release(&pixels);
    return status;
}

int fb_layout_read_map(struct fb_layout *layout, const char *tables, struct fb_error *err)
{
    if (layout->tree.scheme != FB_SCHEME_UNIQPIX)
        return 0;
    if (!layout->root) {
        struct fb_tree tree = fb_layout_beside(layout, tables);
        return map_of_folders(layout, &tree, err);
    }
    char *folder = fb_tree_folder(&layout->tree);
    int status = folder
                     ? fb_pixel_map_read(&layout->map, folder, layout->tree.survey, layout->tree.program, err)
                     : fb_fail(err, "%s: out of memory", layout->root);
    free(folder);
    return status;
}

const struct fb_pixel_map *fb_layout_map(const struct fb_layout *layout)
{
    return layout->map.upix ? &layout->map : NULL;
}

void fb_layout_release(struct fb_layout *layout)
{
    fb_pixel_map_release(&layout->map);
    free(layout->root);
    *layout = (struct fb_layout){ 0 };
}

const char *fb_layout_product(const struct fb_layout *layout)
{
    const char *name = layout->root ? fb_base_name(layout->root) : "";
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? "" : name;
}

static void add_text(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add_text(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

void fb_layout_text(const struct fb_layout_options *o, char *text, size_t size)
{
    const struct {
        const char *name;
        size_t n;
    } lists[] = { { "healpix", o->healpix.n },
                  { "uniqpix", o->uniqpix.n },
                  { "tiles", o->tile.n },
                  { "targetids", o->targetids.n } };

    text[0] = '\0';
    if (o->mock)
        add_text(text, size, " mock");
    else
        add_text(text, size, " survey=%s program=%s", o->survey, o->program);
    if (o->only)
        add_text(text, size, " only=%s", o->only);
    if (o->night)
        add_text(text, size, " night=%ld", o->night);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        if (lists[k].n > 0)
            add_text(text, size, " %s=%zu", lists[k].name, lists[k].n);
    memmove(text, text + 1, strlen(text));
}

struct fb_tree fb_layout_beside(const struct fb_layout *layout, const char *root)
{
    struct fb_tree tree = layout->tree;
    tree.root = root;
    return tree;
}

/* ---- files of earlier steps ---- */

struct step {
    const char *kind, *what;    /* its files: "baltable", "BAL tables" */
    const char *name, *command; /* "find", "find -a" */
};

static const char *pixels_of(enum fb_scheme scheme)
{
    static const char *const names[] = { [FB_SCHEME_HEALPIX] = "pixels of nside 64",
                                         [FB_SCHEME_MOCK] = "pixels of mocks",
                                         [FB_SCHEME_UNIQPIX] = "adaptive pixels",
                                         [FB_SCHEME_SKIMMED] = "pixels of a skimmed tree",
                                         [FB_SCHEME_TILES] = "tiles" };
    return names[scheme];
}

/* The options of this command line that choose the tree, as text; NULL if out of memory. */
static char *tree_options(const struct fb_layout_options *o)
{
    const char *release = o->release ? o->release : getenv("SPECPROD");
    if (o->night)
        return fb_format(" --tiles --night %ld", o->night);
    if (o->mock || o->tiles)
        return fb_format(" %s", o->mock ? "--mock" : "--tiles");
    if (o->tree && o->nside)
        return fb_format(" --tree %s --nside %ld", o->tree, o->nside);
    if (o->tree)
        return fb_format(" --tree %s", o->tree);
    return release && *release ? fb_format(" --specprod %s", release) : strdup("");
}

/* Set the tree's scheme to the first one that has files of this kind. Returns 0 if none has. */
static int find_other_scheme(struct fb_tree *tree, const char *kind)
{
    int found = 0;
    for (int scheme = FB_SCHEME_HEALPIX; scheme <= FB_SCHEME_TILES && !found; scheme++) {
        struct fb_error ignored;
        int64_t pixel;
        tree->scheme = (enum fb_scheme)scheme;
        found = fb_tree_any(tree, kind, &pixel, &ignored) > 0;
    }
    return found;
}

/* Set the error: the step's files exist, but for another scheme of pixels. */
static int say_scheme(const struct fb_layout *layout, const struct fb_tree *found, const struct step *step,
                      const char *options, struct fb_error *err)
{
    const struct fb_tree *tree = &layout->tree;
    char *there = fb_tree_place(found), *wanted = fb_tree_place(tree);
    if (there && wanted)
        fb_fail(err, "%s: holds %s by %s (%s), but the spectra of %s are by %s (%s): run %s again with%s%s",
                found->root, step->what, pixels_of(found->scheme), there, tree->root, pixels_of(tree->scheme),
                wanted, step->name, options,
                found->scheme == FB_SCHEME_TILES ? ", or give --tiles here as well" : "");
    else
        fb_fail(err, "%s: out of memory", found->root);
    free(there);
    free(wanted);
    return -1;
}

/* Set the error: the step has not been run, or only with another survey or program. */
static int say_first(const struct fb_tree *tree, const struct step *step, const char *options,
                     struct fb_error *err)
{
    struct fb_error found;
    int named = tree->scheme != FB_SCHEME_MOCK && tree->scheme != FB_SCHEME_TILES;
    fb_tree_no_files(tree, step->kind, step->what, &found);
    char *names = !named || (strcmp(tree->survey, "main") == 0 && strcmp(tree->program, "dark") == 0)
                      ? strdup("")
                      : fb_format(" -s %s -m %s", tree->survey, tree->program);
    fb_fail(err, "%s: run 'fastbal %s %s%s%s' first", found.text, step->command, tree->root,
            names ? names : "", options);
    free(names);
    return -1;
}

static int need_files(const struct fb_layout *layout, const struct fb_layout_options *o, const char *root,
                      const struct step *step, struct fb_error *err)
{
    struct fb_tree tree = fb_layout_beside(layout, root);
    struct fb_tree other = tree;
    int64_t pixel;
    int there = fb_tree_any(&tree, step->kind, &pixel, err);
    if (there != 0)
        return there < 0 ? -1 : 0;
    char *options = tree_options(o);
    if (!options)
        return fb_fail(err, "%s: out of memory", root);
    if (layout->root && find_other_scheme(&other, step->kind))
        say_scheme(layout, &other, step, options, err);
    else
        say_first(&tree, step, options, err);
    free(options);
    return -1;
}

int fb_layout_need_redshifts(const struct fb_layout *layout, const struct fb_layout_options *options,
                             const char *altzdir, const char *zfileroot, struct fb_error *err)
{
    char *command = strcmp(zfileroot, "zafter") == 0 ? strdup("split -q CATALOG -a")
                                                     : fb_format("split -q CATALOG -z %s -a", zfileroot);
    const struct step split = { zfileroot, "redshift catalogs", "split", command };
    int status = command ? need_files(layout, options, altzdir, &split, err) : fb_fail(err, "out of memory");
    free(command);
    return status;
}

int fb_layout_find_tables(struct fb_layout *layout, const struct fb_layout_options *options,
                          const char *tables, struct fb_error *err)
{
    static const struct step find = { "baltable", "BAL tables", "find", "find -a" };
    if (fb_layout_find(layout, options, 0, err) != 0 || look_at_tables(layout, options, tables, err) != 0)
        return -1;
    return need_files(layout, options, tables, &find, err);
}

/* ---- selection ---- */

static int copy_sorted(struct fb_id_list *list, const struct fb_id_list *values, struct fb_error *err)
{
    for (size_t i = 0; i < values->n; i++)
        if (fb_id_list_add(list, values->ids[i]) != 0)
            return fb_fail(err, "out of memory");
    fb_id_list_sort(list);
    return 0;
}

/* The marks of the rows that --only leaves out. */
static int parse_only(const char *text, unsigned *only, struct fb_error *err)
{
    static const char *const words[] = { "survey", "program", "spectype" }; /* as enum fb_catalog_mark */
    for (const char *word = text; word && *word;) {
        size_t length = strcspn(word, ", "), k = 0;
        while (k < 3 && (strlen(words[k]) != length || strncmp(words[k], word, length) != 0))
            k++;
        if (k == 3 && length > 0)
            return fb_fail(err, "option --only: expected survey, program or spectype, found '%s'", text);
        *only |= length > 0 ? 1U << k : 0;
        word += length;
        word += strspn(word, ", ");
    }
    if (text && *only == 0)
        return fb_fail(err, "option --only: expected survey, program or spectype, found '%s'", text);
    return 0;
}

int fb_selection_make(struct fb_selection *selection, const struct fb_layout *layout,
                      const struct fb_layout_options *o, struct fb_error *err)
{
    const struct fb_tree *tree = &layout->tree;
    const char *name = fb_scheme_name(tree->scheme);
    int adaptive = tree->scheme == FB_SCHEME_UNIQPIX, tiles = tree->scheme == FB_SCHEME_TILES;
    const struct fb_id_list *pixels = adaptive ? &o->uniqpix : &o->healpix;

    *selection = (struct fb_selection){ 0 };
    if (o->healpix.n > 0 && (adaptive || tiles))
        return fb_fail(err, "option --healpix: expected a tree of equal pixels, found %s; give %s instead",
                       name, adaptive ? "--uniqpix" : "--tiles");
    if (o->uniqpix.n > 0 && !adaptive)
        return fb_fail(err, "option --uniqpix: expected a tree of adaptive pixels, found %s", name);
    for (size_t i = 0; i < pixels->n; i++)
        if (!fb_tree_has_pixel(tree, pixels->ids[i]))
            return fb_fail(err, "option --%s: there is no pixel %" PRId64, adaptive ? "uniqpix" : "healpix",
                           pixels->ids[i]);
    if (parse_only(o->only, &selection->only, err) != 0)
        return -1;
    if (copy_sorted(&selection->pixels, pixels, err) != 0 ||
        copy_sorted(&selection->tiles, &o->tile, err) != 0 ||
        copy_sorted(&selection->targetids, &o->targetids, err) != 0)
        return -1;
    return 0;
}

void fb_selection_release(struct fb_selection *selection)
{
    fb_id_list_release(&selection->pixels);
    fb_id_list_release(&selection->tiles);
    fb_id_list_release(&selection->targetids);
}

static int selects(const struct fb_id_list *list, int64_t value)
{
    return list->n == 0 || fb_id_list_find(list, value) < list->n;
}

int fb_selects_pixel(const struct fb_selection *selection, int64_t pixel)
{
    return selects(&selection->pixels, pixel) && selects(&selection->tiles, fb_tile_of(pixel));
}

int fb_selects_target(const struct fb_selection *selection, int64_t targetid)
{
    return selects(&selection->targetids, targetid);
}
