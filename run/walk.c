/* walk.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "run/pool.h"
#include "run/walk.h"

/* The walk through one tree. Each folder PIX//100 or TILE is an item of the pool. */
struct walk {
    const struct fb_tree *tree;
    const char *kind;
    struct fb_id_list groups;
    struct found {
        struct fb_id_list pixels;
        struct fb_error err; /* empty text on success */
    } * found;               /* one per group */
};

static void walk_group(void *context, int thread, size_t i)
{
    struct walk *walk = context;
    (void)thread;
    fb_tree_group_pixels(walk->tree, walk->groups.ids[i], walk->kind, &walk->found[i].pixels,
                         &walk->found[i].err);
}

static int collect(struct walk *walk, struct fb_id_list *pixels, struct fb_error *err)
{
    int status = 0;
    for (size_t i = 0; i < walk->groups.n && status == 0; i++) {
        if (walk->found[i].err.text[0])
            status = fb_fail(err, "%s", walk->found[i].err.text);
        for (size_t k = 0; k < walk->found[i].pixels.n && status == 0; k++)
            if (fb_id_list_add(pixels, walk->found[i].pixels.ids[k]) != 0)
                status = fb_fail(err, "%s: out of memory", walk->tree->root);
    }
    return status;
}

int fb_walk_tree(const struct fb_tree *tree, const char *kind, long workers, struct fb_id_list *pixels,
                 struct fb_error *err)
{
    struct walk walk = { .tree = tree, .kind = kind };
    int status = fb_tree_groups(tree, &walk.groups, err);
    if (status == 0) {
        walk.found = calloc(walk.groups.n + 1, sizeof *walk.found);
        if (!walk.found)
            status = fb_fail(err, "%s: out of memory", tree->root);
    }
    if (status == 0) {
        struct fb_pool pool = { .nthreads = (int)workers, .work = walk_group, .context = &walk };
        fb_pool_run(&pool, walk.groups.n);
        status = collect(&walk, pixels, err);
    }
    for (size_t i = 0; walk.found && i < walk.groups.n; i++)
        fb_id_list_release(&walk.found[i].pixels);
    free(walk.found);
    fb_id_list_release(&walk.groups);
    return status;
}
