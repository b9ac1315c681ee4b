/*
 * summary.h - the summaries of commands, except the lines about pixels (run/report.h), and the provenance of catalogs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SUMMARY_H
#define FB_SUMMARY_H

#include "desi/catalog.h"
#include "desi/layout.h"
#include "pipeline/pixel_rows.h"
#include "pipeline/tally.h"
#include "pipeline/usage.h"
#include "run/ledger.h"

/* Print a line each about rows without a pixel, missing selections, and rows of another survey, program or spectral type.
 * Returns non-zero if rows have no pixel or selections are missing. */
int fb_print_row_problems(const struct fb_pixel_rows *sorted, const char *command, const char *path);

/* The path of the log of a run over the pixels of a tree: NAME in the folder, which is NULL for the tree's own; without a name,
 * one made of survey and program. The caller frees it; NULL after a warning. */
char *fb_pixels_log_path(const char *command, const char *folder, const char *name,
                         const struct fb_tree *tree);
/* What to do after a signal stopped a command that keeps what is there. */
const char *fb_goes_on(int clobber);

/* Print one line for each kind of noted files, if there are any. */
void fb_print_noted_files(const char *command, const struct fb_usage *usage);
/* The summary of --dry-run, which replaces all other lines: what would be done, and pixels that would fail. problems: rows
 * or targets would be missed as well. Returns the exit status that the run would have, as far as looking can tell. */
int fb_print_dry_run(const struct fb_pixel_run *run, int problems, int argc, char **argv);
/* The line on files, time and memory. start: fb_seconds() when the command began; ranks: number of processes. */
void fb_print_usage(const char *command, const struct fb_usage *usage, size_t nquasars, double start,
                    int ranks);

/* The tally of all rows of a catalog, after the run over its pixels. */
struct fb_tally fb_catalog_tally(const struct fb_pixel_rows *sorted, const struct fb_pixel_run *run);
/* Is the catalog to be written? Not if nothing was measured, or the run was stopped. */
int fb_catalog_is_due(const struct fb_pixel_run *run, const struct fb_tally *tally);
/* Commit the catalog with its provenance and tally, or discard it if it isn't due. If a signal stops it now, that is noted
 * in the run, and is no failure. */
int fb_catalog_finish(struct fb_balcatalog *catalog, struct fb_pixel_run *run,
                      const struct fb_provenance *made, const struct fb_layout_options *options,
                      const struct fb_tally *tally, struct fb_error *err);

#endif
