/*
 * train_tree.h - what both forms of fastbal train share: the options, and reading a survey's spectra.
 * cli/train_templates.c learns templates from them, cli/train_detector.c trains a detector.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TRAIN_TREE_H
#define FB_TRAIN_TREE_H

#include "cli/layout_options.h"
#include "desi/training.h"
#include "fits/temporary.h"
#include "run/ledger.h"
#include "train/collect.h"

struct fb_train_options {
    struct fb_layout_options layout;
    const char *qsocat, *bals, *out;
    double min_snr;
    long components, nproc;
    int detector, clobber, verbose;
};

/* Learn, write and report; returns the exit status. */
int fb_train_templates(const struct fb_train_options *options, struct fb_error *err);
int fb_train_detector(const struct fb_train_options *options, struct fb_error *err);

struct fb_train_tree {
    const struct fb_train_options *options; /* borrowed */
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_pixel_rows rows;
    struct fb_collection collection;
    struct fb_pixel_run run;
    fb_row_counts counts; /* of all pixels */
};

/* Check the output, and list the spectra. The caller then sets whole, take and context of the
 * collection. Release in any case. */
int fb_train_tree_find(struct fb_train_tree *tree, const struct fb_train_options *options,
                       struct fb_error *err);
/* Read all spectra, and print how many were used. A signal makes it fail, after a line that says so. */
int fb_train_tree_read(struct fb_train_tree *tree, struct fb_error *err);
/* What the header says about it. */
struct fb_training fb_train_origin(const struct fb_train_tree *tree);
/* Print what is wrong with rows of the catalog; returns the exit status. */
int fb_train_tree_status(const struct fb_train_tree *tree);
void fb_train_tree_release(struct fb_train_tree *tree);

#endif
