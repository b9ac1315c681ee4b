/*
 * cmd_split.c - fastbal split: splits a QSO catalog into one redshift catalog per pixel.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include "cli/command.h"
#include "cli/layout_options.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/pixel_rows.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"

enum { WRITERS = 32 };

struct split {
    const char *qsocat, *altzdir, *zfileroot, *logfile;
    struct fb_layout_options layout_options;
    int clobber, verbose;
    long nproc, chunk;
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_tree tree; /* of the redshift catalogs */
    struct fb_pixel_rows sorted;
    struct fb_header_template header_template;
    struct fb_pixel_run run;
};

/* Returns 1 if a complete redshift catalog with these rows exists; 0 if not, with a note if an existing one is
 * unsuitable; -1 on failure. */
static int keeps(const struct split *split, const char *path, const size_t *order, size_t n, char **note,
                 struct fb_error *err)
{
    struct fb_error why;
    struct stat info;
    int there =
        split->clobber ? 0 : fb_look_at(path, &info, err); /* a dangling symbolic link is written through */
    if (there <= 0)
        return there;
    if (fb_redshifts_compare(path, split->sorted.rows, order, n, &why) == 0)
        return 1;
    if (split->selection.targetids.n > 0)
        return fb_fail(err, "%.800s; with --targetids only --clobber replaces it", why.text);
    *note = fb_format("%s; it is written again", why.text);
    return 0;
}

static enum fb_pixel_outcome split_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct split *split = context;
    const struct fb_pixel_rows *s = &split->sorted;
    const size_t *order = s->order + s->begin[index];
    size_t n = s->begin[index + 1] - s->begin[index];
    char *path = fb_tree_path(&split->tree, split->zfileroot, s->pixels.ids[index]);
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;

    (void)thread;
    if (!path) {
        fb_fail(err, "pixel %" PRId64 ": out of memory", s->pixels.ids[index]);
        return outcome;
    }
    fb_temporary_sweep(path);
    int kept = keeps(split, path, order, n, &split->run.results[index].note, err);
    if (kept > 0)
        outcome = FB_PIXEL_KEPT;
    else if (kept == 0)
        outcome = fb_redshifts_write(&split->header_template, path, s->rows, order, n, err) == 0
                      ? FB_PIXEL_DONE
                      : FB_PIXEL_UNWRITTEN;
    free(path);
    return outcome;
}

/* Threads of split mostly wait for the disk, which handles many requests concurrently, so without --nproc there are more
 * threads than cores. */
static int writers(long nproc)
{
    int threads = fb_threads(nproc);
    return nproc > 0 || threads > WRITERS ? threads : WRITERS;
}

static int log_files(const void *context, FILE *log)
{
    const struct split *split = context;
    const struct fb_pixel_rows *s = &split->sorted;
    for (size_t i = 0; i < s->pixels.n; i++) {
        int outcome = split->run.results[i].outcome;
        if (outcome != FB_PIXEL_DONE && outcome != FB_PIXEL_KEPT)
            continue;
        char *file = fb_tree_path(&split->tree, split->zfileroot, s->pixels.ids[i]);
        if (!file) {
            errno = ENOMEM;
            return -1;
        }
        fprintf(log, "%s: %zu\n", file, s->begin[i + 1] - s->begin[i]);
        free(file);
    }
    return 0;
}

/* Print the summary after the last pixel; returns the exit status. */
static int report_split(const struct split *split, int argc, char **argv)
{
    const struct fb_pixel_run *run = &split->run;
    const struct fb_pixel_rows *s = &split->sorted;
    int status = run->nfailed ? FB_EXIT_PARTLY : FB_EXIT_DONE;
    struct fb_report report;

    fb_report_start(&report, run, argc, argv);
    fb_report_pixels(&report, fb_pixels_log_path("split", split->altzdir, split->logfile, &split->tree));
    if (fb_print_row_problems(s, "split", split->qsocat))
        status = FB_EXIT_PARTLY;
    if (!run->signal && fb_pixel_run_is_empty(run))
        status = FB_EXIT_UNUSABLE;
    fb_report_print(&report, "split: %zu row%s; %zu pixel%s written, %zu kept, %zu failed", s->n, fb_s(s->n),
                    run->ndone, fb_s(run->ndone), run->nkept, run->nfailed);
    fb_report_end(&report, log_files, split);
    return fb_pixel_run_stopped(run, fb_goes_on(split->clobber), status);
}

static int split_catalog(struct split *split, int argc, char **argv, struct fb_error *err)
{
    struct fb_pixel_rows *s = &split->sorted;
    struct fb_pixel_run *run = &split->run;
    int status = FB_EXIT_UNUSABLE;

    if (fb_layout_find(&split->layout, &split->layout_options, 0, err) != 0 ||
        fb_layout_read_map(&split->layout, split->altzdir, err) != 0 ||
        fb_selection_make(&split->selection, &split->layout, &split->layout_options, err) != 0)
        return status;
    split->tree = fb_layout_beside(&split->layout, split->altzdir);
    if (fb_pixel_rows_read(s, split->qsocat, &split->layout, &split->selection, err) != 0 ||
        fb_make_folders(split->altzdir, err) != 0 || fb_redshifts_header(&split->header_template, err) != 0)
        return status;
    *run = (struct fb_pixel_run){ .command = "split",
                                  .pixels = &s->pixels,
                                  .tree = &split->tree,
                                  .nthreads = writers(split->nproc),
                                  .chunk = split->chunk,
                                  .verbose = split->verbose,
                                  .work = split_pixel,
                                  .context = split };
    if (fb_pixel_run_all(run, err) == 0)
        status = report_split(split, argc, argv);
    fb_pixel_run_release(run);
    return status;
}

static const struct fb_command_help split_help = {
    .command = "split",
    .usage = "-q FILE -a DIR [options]",
    .summary = "Split a QSO catalog into one redshift catalog per pixel.",
    .example = "fastbal split -q QSO_cat_loa_main_dark_healpix_v2.fits -a $PSCRATCH/bal",
};

int fb_cmd_split(int argc, char **argv)
{
    struct split split = { .zfileroot = "zafter",
                           .layout_options = { .survey = "main", .program = "dark" },
                           .chunk = 1000 };
    struct fb_option table[] = {
        FB_QSOCAT_OPTION(split.qsocat, 1, "QSO catalog"),
        { "-a", "--altzdir", FB_OPT_STRING, &split.altzdir, .metavar = "DIR", .required = 1, .old = 1,
          .help = "where the redshift catalogs go" },
        { "-z", "--zfileroot", FB_OPT_STRING, &split.zfileroot, .metavar = "NAME", .old = 1,
          .help = "first part of their file names" },
        FB_LAYOUT_OPTIONS(split.layout_options),
        FB_ONLY_OPTION(split.layout_options),
        FB_PIXELS_OPTIONS(split, 1, "log, in --altzdir; default: logfile-SURVEY-PROGRAM.txt",
                          "existing redshift catalogs"),
        { NULL, "--nproc", FB_OPT_THREADS, &split.nproc, .metavar = "N", .max = 4096, .old = 1,
          .help = "worker threads; default: 32, since they mostly wait for the disk" },
        FB_CHUNK_OPTION(split.chunk, 1),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = fb_options_parse_writer(&split_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    fb_stop_watch("split");
    int status = fb_command_ends("split", split_catalog(&split, argc, argv, &err), &err);
    fb_header_template_release(&split.header_template);
    fb_pixel_rows_release(&split.sorted);
    fb_selection_release(&split.selection);
    fb_layout_release(&split.layout);
    fb_layout_options_release(&split.layout_options);
    return status;
}
