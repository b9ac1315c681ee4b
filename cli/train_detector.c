/*
 * train_detector.c - fastbal train --detector: adapts the built-in detector to the spectra of a tree.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/train_tree.h"
#include "desi/detector_file.h"
#include "fits/system.h"
#include "run/message.h"
#include "run/schedule.h"
#include "train/adapt.h"
#include "train/detector_sample.h"

#define NAME "train"

struct train {
    struct fb_train_tree tree;
    fastbal_detector *builtin, *adapted;
    struct fb_detector_taker taker;
    struct fb_judged_sample all;
    struct fb_adaptation how;
};

static int read_tree(struct train *train, const struct fb_train_options *o, struct fb_error *err)
{
    struct fb_train_tree *tree = &train->tree;
    if (fb_train_tree_find(tree, o, err) != 0)
        return -1;
    train->taker =
        (struct fb_detector_taker){ train->builtin,
                                    calloc((size_t)fb_threads(o->nproc), sizeof *train->taker.judges),
                                    calloc(tree->rows.pixels.n + 1, sizeof *train->taker.parts) };
    if (!train->taker.judges || !train->taker.parts)
        return fb_fail(err, "out of memory for %zu pixels", tree->rows.pixels.n);
    tree->collection.whole = 1;
    tree->collection.take = fb_detector_take;
    tree->collection.context = &train->taker;
    return fb_train_tree_read(tree, err);
}

/* The detector is called as its file, without suffixes and characters that a header can't have. */
static void make_name(const char *path, char name[FB_DETECTOR_NAME])
{
    snprintf(name, FB_DETECTOR_NAME, "%.*s", (int)strcspn(fb_base_name(path), "."), fb_base_name(path));
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_+", *c))
            *c = '_';
    if (!name[0])
        snprintf(name, FB_DETECTOR_NAME, "detector");
}

static void print_adaptation(const struct fb_adaptation *how)
{
    fb_print(NAME
             ": a simulated outflow was put into %zu of them; the share of outflows among them is about %.3f",
             how->ninjected, how->share);
    fb_print(NAME ": calibration: slope %.3f, intercept %.3f", how->line.slope, how->line.intercept);
    fb_print(NAME ": calibration error %.4f before and %.4f after, of each fifth of the spectra, calibrated "
                  "with the others",
             how->error_before, how->error_after);
}

static int write_detector(const struct train *train, struct fb_error *err)
{
    const struct fb_train_options *o = train->tree.options;
    struct fb_detector_training origin = { .on = fb_train_origin(&train->tree),
                                           .ninjected = train->how.ninjected,
                                           .share = train->how.share };
    origin.on.seed = FB_INJECT_SEED;
    if (fb_detector_write(o->out, fb_replacing(o->clobber), train->adapted, &origin, err) != 0)
        return -1;
    fb_print(NAME ": %s: detector %s", o->out, fastbal_detector_name(train->adapted));
    return 0;
}

static int train_detector(struct train *train, const struct fb_train_options *o, struct fb_error *err)
{
    const struct fb_train_tree *tree = &train->tree;
    char name[FB_DETECTOR_NAME];
    if (read_tree(train, o, err) != 0)
        return FB_EXIT_UNUSABLE;
    make_name(o->out, name);
    if (fb_judged_sample_join(&train->all, train->taker.parts, &tree->collection, err) != 0 ||
        fb_adapt_detector(&train->adapted, train->builtin, name, &train->all, &train->how, err) != 0)
        return FB_EXIT_UNUSABLE;
    print_adaptation(&train->how);
    return write_detector(train, err) == 0 ? fb_train_tree_status(tree) : FB_EXIT_UNUSABLE;
}

int fb_train_detector(const struct fb_train_options *options, struct fb_error *err)
{
    struct train train = { 0 };
    int status = FB_EXIT_UNUSABLE;
    if (fastbal_detector_builtin(&train.builtin) == FASTBAL_OK)
        status = train_detector(&train, options, err);
    else
        fb_fail(err, "out of memory for the detector");
    for (int i = 0; train.taker.judges && i < train.tree.collection.nthreads; i++)
        fb_judge_release(&train.taker.judges[i]);
    for (size_t i = 0; train.taker.parts && i < train.tree.rows.pixels.n; i++)
        fb_judged_sample_release(&train.taker.parts[i]);
    free(train.taker.judges);
    free(train.taker.parts);
    fb_judged_sample_release(&train.all);
    fastbal_detector_free(train.builtin);
    fastbal_detector_free(train.adapted);
    fb_train_tree_release(&train.tree);
    return status;
}
