/*
 * train_templates.c - fastbal train: learns a set of templates, with a prior and a misfit, from the spectra of a tree.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/train_tree.h"
#include "desi/template_file.h"
#include "fits/system.h"
#include "run/message.h"
#include "train/absorbed.h"
#include "train/template_sample.h"
#include "train/train.h"

#define NAME "train"

struct train {
    struct fb_train_tree tree;
    struct fb_known_troughs known;
    struct fb_template_taker taker;
    struct fb_template_sample all;
    struct fb_factors factors;
    struct fb_convergence convergence;
};

/* The catalog of troughs that are left out; NULL: none. */
static const char *trough_catalog(const struct fb_train_options *o)
{
    if (!o->bals)
        return o->qsocat;
    return strcmp(o->bals, "none") == 0 ? NULL : o->bals;
}

/* ---- the sample ---- */

/* Troughs that stay in the sample would be learnt as a form that continua have. */
static int read_troughs(struct train *train, struct fb_error *err)
{
    const struct fb_train_options *o = train->tree.options;
    struct fb_error why;
    if (!trough_catalog(o) ||
        fb_known_troughs_read(&train->known, trough_catalog(o), o->layout.mock, &why) == 0)
        return 0;
    return fb_fail(err, "%.800s%s", why.text,
                   o->bals ? "" : "; expected a catalog from fastbal run, or --mask-bals FILE, or none");
}

static int read_tree(struct train *train, const struct fb_train_options *o, struct fb_error *err)
{
    struct fb_train_tree *tree = &train->tree;
    if (fb_train_tree_find(tree, o, err) != 0 || read_troughs(train, err) != 0)
        return -1;
    train->taker = (struct fb_template_taker){ &train->known, o->min_snr,
                                               calloc(tree->rows.pixels.n + 1, sizeof *train->taker.parts) };
    if (!train->taker.parts)
        return fb_fail(err, "out of memory for %zu pixels", tree->rows.pixels.n);
    tree->collection.take = fb_template_take;
    tree->collection.context = &train->taker;
    return fb_train_tree_read(tree, err);
}

/* What is left out of spectra; an error where the catalog of troughs is of other quasars. */
static int report_troughs(const struct train *train, struct fb_error *err)
{
    const struct fb_train_options *o = train->tree.options;
    const struct fb_template_sample *all = &train->all;
    const char *bals = trough_catalog(o);
    if (bals && all->sample.n > 0 && all->nknown == 0)
        return fb_fail(err, "%s: has none of the %zu quasars of %s that are used", bals, all->sample.n,
                       o->qsocat);
    if (bals)
        fb_print(NAME ": troughs of %zu of them are left out, as in %s", all->nmasked, bals);
    else
        fb_print(NAME ": no troughs are left out");
    if (bals && all->nknown < all->sample.n)
        fb_print_error(NAME, "%s: has only %zu of the %zu quasars that are used", bals, all->nknown,
                       all->sample.n);
    return 0;
}

/* ---- the set ---- */

static int write_set(const struct train *train, struct fb_error *err)
{
    const struct fb_train_options *o = train->tree.options;
    struct fb_template_training origin = { .on = fb_train_origin(&train->tree),
                                           .bals =
                                               trough_catalog(o) ? fb_base_name(trough_catalog(o)) : "none",
                                           .nmasked = train->all.nmasked,
                                           .min_snr = o->min_snr,
                                           .iterations = train->convergence.iterations };
    struct fb_template_set set = { 0 };
    double *values = fb_trained_values(&train->factors);
    origin.on.seed = FB_ABSORBED_SEED;
    int status = values ? fb_template_set_create(&set, fb_base_name(o->out), FB_TRAIN_CELLS,
                                                 (int)o->components, 1, values, err)
                        : fb_fail(err, "%s: out of memory", o->out);
    if (status == 0)
        status = fb_template_set_write(o->out, fb_replacing(o->clobber), &set, &origin, err);
    if (status == 0)
        fb_print(NAME ": %s: %ld components, checksum %s", o->out, o->components, set.sum);
    fb_template_set_release(&set);
    free(values);
    return status;
}

static void print_convergence(const struct fb_convergence *c)
{
    fb_print(NAME ": %d iterations, the last of which changed -2 ln(likelihood) by %.2g a cell",
             c->iterations, c->change);
    if (!c->converged)
        fb_print_error(NAME, "not converged after %d iterations: expected a change below %g, found %.2g",
                       c->iterations, FB_TRAIN_LIMIT, c->change);
}

/* ---- all of it ---- */

static int train_set(struct train *train, const struct fb_train_options *o, struct fb_error *err)
{
    const struct fb_train_tree *tree = &train->tree;
    if (read_tree(train, o, err) != 0)
        return FB_EXIT_UNUSABLE;
    if (fb_template_sample_join(&train->all, train->taker.parts, &tree->collection, err) != 0 ||
        report_troughs(train, err) != 0 ||
        fb_train(&train->factors, &train->all.sample, (size_t)o->components, FB_TRAIN_TROUGH_WEIGHT,
                 tree->run.nthreads, &train->convergence, err) != 0)
        return FB_EXIT_UNUSABLE;
    print_convergence(&train->convergence);
    if (write_set(train, err) != 0)
        return FB_EXIT_UNUSABLE;
    const int status = fb_train_tree_status(tree);
    return train->convergence.converged ? status : FB_EXIT_PARTLY;
}

int fb_train_templates(const struct fb_train_options *options, struct fb_error *err)
{
    struct train train = { 0 };
    const int status = train_set(&train, options, err);
    for (size_t i = 0; train.taker.parts && i < train.tree.rows.pixels.n; i++)
        fb_template_sample_release(&train.taker.parts[i]);
    free(train.taker.parts);
    fb_template_sample_release(&train.all);
    fb_known_troughs_release(&train.known);
    fb_train_tree_release(&train.tree);
    return status;
}
