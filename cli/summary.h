/*
 * summary.h - what commands say at their end, beside the lines about pixels (run/report.h), and what catalogs say of
 * themselves.
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

/* One line each about rows that are nowhere, what is missing, and rows of another survey, program or spectral type.
 * Returns non-zero where rows are nowhere or something is missing. */
int fb_print_row_problems(const struct fb_pixel_rows *sorted, const char *command, const char *path);

/* At most a line for each kind of files that were noted. */
void fb_print_noted_files(const char *command, const struct fb_usage *usage);
/* The end of --dry-run, instead of all other lines: what would be done, and the pixels that can't be. Returns the exit
 * status. */
int fb_print_dry_run(const struct fb_pixel_run *run, int argc, char **argv);
/* The line on files, time and memory. start: fb_seconds() when the command began; ranks: processes it ran in. */
void fb_print_usage(const char *command, const struct fb_usage *usage, size_t nquasars, double start,
                    int ranks);

/* What became of all rows of a catalog, once the run over its pixels has ended. */
struct fb_tally fb_catalog_tally(const struct fb_pixel_rows *sorted, const struct fb_pixel_run *run);
/* Say in the header of a catalog, before it is committed, what it was made with and what is in it. */
void fb_catalog_describe(struct fb_balcatalog *catalog, const struct fb_provenance *made,
                         const struct fb_layout_options *options, const struct fb_tally *tally);

#endif
