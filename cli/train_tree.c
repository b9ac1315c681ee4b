/* train_tree.c - SPDX-License-Identifier: BSD-3-Clause */
#include "cli/train_tree.h"
#include <stdio.h>
#include <string.h>
#include "cli/command.h"
#include "cli/summary.h"
#include "fits/system.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"

#define NAME "train"
enum { CHUNK = 50 };

int fb_train_tree_find(struct fb_train_tree *tree, const struct fb_train_options *o, struct fb_error *err)
{
    tree->options = o;
    if (fb_check_sink(o->out, NULL, o->clobber, o->qsocat, o->bals, err) != 0 ||
        fb_layout_find(&tree->layout, &o->layout, 1, err) != 0 ||
        fb_layout_read_map(&tree->layout, NULL, err) != 0 ||
        fb_selection_make(&tree->selection, &tree->layout, &o->layout, err) != 0)
        return -1;
    return fb_pixel_rows_read(&tree->rows, o->qsocat, &tree->layout, &tree->selection, err);
}

static enum fb_pixel_outcome collect_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct fb_train_tree *tree = context;
    if (fb_collect_pixel(&tree->collection, thread, index, err) != 0)
        return FB_PIXEL_FAILED;
    tree->run.results[index].nquasars = tree->collection.counts[index][FB_ROW_USED];
    return FB_PIXEL_DONE;
}

/* "312 spectra used; left out: 12 outside the redshift range", for each reason. */
static void print_counts(const struct fb_train_tree *tree)
{
    const struct fb_train_options *o = tree->options;
    const char *const words[FB_ROW_USES] = {
        [FB_ROW_OUTSIDE] = "outside the redshift range",
        [FB_ROW_WARNED] = "with a redshift warning",
        [FB_ROW_MISSING] = "not in their pixel's file",
        [FB_ROW_SHORT] = o->detector ? "whose spectra do not cover C IV"
                                     : "whose spectra do not reach from 1261 to 2399 A in the rest frame",
        [FB_ROW_NOISY] = "with a signal-to-noise below"
    };
    char text[600] = "";
    size_t used = 0;
    for (int k = FB_ROW_USED + 1; k < FB_ROW_USES; k++)
        if (tree->counts[k] > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %zu %s",
                                     used ? "," : "; left out:", tree->counts[k], words[k]);
    if (tree->counts[FB_ROW_NOISY] > 0)
        snprintf(text + used, sizeof text - used, " %g", o->min_snr);
    fb_print(NAME ": %zu spectra used%s", tree->counts[FB_ROW_USED], text);
}

int fb_train_tree_read(struct fb_train_tree *tree, struct fb_error *err)
{
    const struct fb_train_options *o = tree->options;
    const int nthreads = fb_threads(o->nproc);
    tree->collection.tree = &tree->layout.tree;
    tree->collection.rows = &tree->rows;
    tree->collection.nthreads = nthreads;
    tree->run = (struct fb_pixel_run){ .command = NAME,
                                       .pixels = &tree->rows.pixels,
                                       .tree = &tree->layout.tree,
                                       .nthreads = nthreads,
                                       .chunk = CHUNK,
                                       .verbose = o->verbose,
                                       .work = collect_pixel,
                                       .context = tree };
    if (fb_collection_start(&tree->collection, err) != 0 || fb_pixel_run_all(&tree->run, err) != 0)
        return -1;
    struct fb_report report;
    fb_report_start(&report, &tree->run, 0, NULL);
    fb_report_pixels(&report, NULL);
    fb_report_end(&report, NULL, NULL);
    fb_collection_count(&tree->collection, tree->counts);
    if (tree->run.signal)
        return fb_pixel_run_stopped(&tree->run, "the same command starts again", -1);
    print_counts(tree);
    return 0;
}

struct fb_training fb_train_origin(const struct fb_train_tree *tree)
{
    const struct fb_train_options *o = tree->options;
    struct fb_training origin = { .nspectra = tree->counts[FB_ROW_USED],
                                  .catalog = fb_base_name(o->qsocat),
                                  .product = fb_layout_product(&tree->layout) };
    fb_layout_text(&o->layout, origin.options, sizeof origin.options);
    return origin;
}

int fb_train_tree_status(const struct fb_train_tree *tree)
{
    const int problems = fb_print_row_problems(&tree->rows, NAME, tree->options->qsocat);
    return problems || tree->run.nfailed > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

void fb_train_tree_release(struct fb_train_tree *tree)
{
    fb_collection_release(&tree->collection);
    fb_pixel_run_release(&tree->run);
    fb_pixel_rows_release(&tree->rows);
    fb_selection_release(&tree->selection);
    fb_layout_release(&tree->layout);
}
