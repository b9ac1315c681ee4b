/*
 * cmd_run.c - fastbal run: split, find and append in one pass. Pixels come from the catalog, each spectra file is
 * opened once, and results are written directly to the catalog with BAL columns.
 *
 * With --baldir, a BAL table is also written for each pixel, and an interrupted run resumes from these: a table
 * with the same rows is read instead of measured again.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/finder_options.h"
#include "cli/layout_options.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "desi/catalog.h"
#include "desi/spectra_paths.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/deliver.h"
#include "pipeline/job.h"
#include "pipeline/pixel_rows.h"
#include "run/distribute.h"
#include "run/message.h"
#include "run/ranks.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"

struct run_options {
    const char *qsocat, *outcatfile, *troughs, *baldir, *logfile;
    struct fb_layout_options layout;
    struct fb_finder_options finder;
    int clobber, verbose, mpi, dry;
    long chunk;
    struct fb_settings settings; /* for --mpi */
};

/* With several ranks, only rank 0 reads the catalog; its rows are broadcast. */
struct run {
    const struct run_options *options;
    struct fb_ranks ranks;
    struct fb_layout layout; /* of the spectra */
    struct fb_selection selection;
    struct fb_tree tables; /* root is NULL without --baldir */
    struct fb_pixel_rows sorted;
    struct fb_finder finder;
    struct fb_balcatalog *catalog;
    struct fb_job job;
    struct fb_pixel_run pixels;
    size_t *order;         /* largest pixels first */
    struct fb_tally tally; /* of the catalog's rows */
    double start;
};

/* ---- one pixel ---- */

static enum fb_pixel_outcome run_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct run *run = context;
    return fb_job_do(&run->job, thread, index, &run->pixels.results[index], err);
}

static void run_ahead(void *context, int thread, size_t index)
{
    fb_job_ahead(&((struct run *)context)->job, thread, index);
}

static int receive_rows(void *context, const struct fb_pixel_result *result, struct fb_error *err)
{
    return fb_job_receive(&((struct run *)context)->job, result, err);
}

static void add_usage(void *context, struct fb_usage *total)
{
    struct run *run = context;
    fb_finder_usage(&run->finder, total);
    fb_usage_add_process(total);
}

/* ---- the command ---- */

static int create_catalog(struct run *run, struct fb_error *err)
{
    const struct run_options *o = run->options;
    const struct fb_balcatalog_plan plan = { .path = o->outcatfile,
                                             .source = o->qsocat,
                                             .replace = fb_replacing(o->clobber),
                                             .ntemplates = run->finder.ntemplates,
                                             .troughs = o->troughs,
                                             .stop = fb_stop_signal };
    return fb_deliver_start(&run->catalog, plan, &run->sorted, err);
}

static int start_run_job(struct run *run, struct fb_error *err)
{
    run->job = (struct fb_job){ .finder = &run->finder,
                                .spectra = run->layout.tree,
                                .pixels = &run->sorted.pixels,
                                .rows = &run->sorted,
                                .tables = run->tables,
                                .clobber = run->options->clobber,
                                .dry = run->options->dry,
                                .catalog = run->catalog };
    return fb_ranks_agree(&run->ranks, fb_job_start(&run->job, err), err);
}

/* Checks before anything is read. */
static int check_outputs(const struct run *run, struct fb_error *err)
{
    const struct run_options *o = run->options;
    if (fb_deliver_check(o->outcatfile, o->troughs, o->qsocat, fb_replacing(o->clobber), err) != 0)
        return -1;
    return o->baldir && !o->dry ? fb_make_folders(o->baldir, err) : 0;
}

static int order_pixels(struct run *run, struct fb_error *err)
{
    const struct fb_pixel_rows *s = &run->sorted;
    int64_t *sizes = calloc(s->pixels.n + 1, sizeof *sizes);
    if (sizes) {
        for (size_t k = 0; k < s->pixels.n; k++)
            for (size_t i = s->begin[k]; i < s->begin[k + 1]; i++)
                sizes[k] += fb_in_z_range(s->rows[s->order[i]].z);
        run->order = fb_largest_first(sizes, s->pixels.n);
        free(sizes);
    }
    return run->order ? 0 : fb_fail(err, "out of memory for %zu pixels", s->pixels.n);
}

/* Preparations on rank 0 only. */
static int prepare_catalog(struct run *run, struct fb_error *err)
{
    const struct run_options *o = run->options;
    if (run->finder.templates.note[0])
        fb_print_error("run", "%s", run->finder.templates.note);
    if (fb_layout_read_map(&run->layout, NULL, err) != 0 ||
        fb_selection_make(&run->selection, &run->layout, &o->layout, err) != 0 ||
        fb_pixel_rows_read(&run->sorted, o->qsocat, &run->layout, &run->selection, err) != 0 ||
        order_pixels(run, err) != 0)
        return -1;
    return o->dry ? 0 : create_catalog(run, err);
}

static int share_rows(struct run *run, struct fb_error *err)
{
    struct fb_pixel_rows *s = &run->sorted;
    size_t npixels = s->pixels.n, nbegin = npixels + 1, nplaced = s->begin ? s->begin[npixels] : 0;
    void *rows = s->rows, *pixels = s->pixels.ids, *begin = s->begin, *order = s->order;
    int failed = fb_ranks_share(&run->ranks, &rows, &s->n, sizeof *s->rows, err) != 0 ||
                 fb_ranks_share(&run->ranks, &pixels, &s->pixels.n, sizeof *s->pixels.ids, err) != 0 ||
                 fb_ranks_share(&run->ranks, &begin, &nbegin, sizeof *s->begin, err) != 0 ||
                 fb_ranks_share(&run->ranks, &order, &nplaced, sizeof *s->order, err) != 0;
    s->rows = rows;
    s->pixels.ids = pixels;
    s->begin = begin;
    s->order = order;
    return failed ? -1 : 0;
}

/* Prepare everything before the first pixel; fails on all ranks or on none. */
static int prepare_run(struct run *run, struct fb_error *err)
{
    const struct run_options *o = run->options;
    int failed = 0;
    run->finder.part = o->layout.targetids.n > 0;
    run->finder.with_troughs = o->troughs != NULL;
    snprintf(run->finder.made.product, sizeof run->finder.made.product, "%s",
             fb_layout_product(&run->layout));
    if (fb_ranks_leads(&run->ranks))
        failed = check_outputs(run, err) != 0 || fb_finder_prepare(&run->finder, &o->finder, err) != 0 ||
                 prepare_catalog(run, err) != 0;
    if (fb_ranks_agree(&run->ranks, failed, err) != 0 ||
        fb_finder_share(&run->finder, &o->finder, &run->ranks, err) != 0)
        return -1;
    return share_rows(run, err);
}

/* With --baldir, a log is always written, named like those of split and append; without it, only with --logfile. */
static char *run_log_path(const struct run *run)
{
    const struct run_options *o = run->options;
    if (!o->logfile && !o->baldir)
        return NULL;
    return fb_pixels_log_path("run", o->baldir ? o->baldir : ".", o->logfile, &run->layout.tree);
}

/* The remedy after a signal. */
static const char *what_next(const struct run_options *o)
{
    if (!o->baldir)
        return "nothing is kept (--baldir would have kept the BAL tables)";
    return o->clobber ? "the same command without --clobber goes on from the BAL tables"
                      : "the same command goes on from here";
}

/* The catalog is not written if nothing was measured or the run was stopped. */
static int run_has_catalog(const struct run *run)
{
    const struct fb_pixel_run *p = &run->pixels;
    return !p->signal && !p->gave_up && !fb_pixel_run_is_empty(p) && !fb_tally_is_empty(&run->tally);
}

/* Print the summary, whether or not the catalog was written; returns the exit status. */
static int report_run(struct run *run, int argc, char **argv)
{
    const struct fb_pixel_run *p = &run->pixels;
    struct fb_report report;
    int written = run_has_catalog(run), status = FB_EXIT_DONE;

    fb_report_start(&report, p, argc, argv);
    fb_report_pixels(&report, run_log_path(run));
    fb_print_noted_files("run", &p->used);
    if (fb_print_row_problems(&run->sorted, "run", run->options->qsocat) || p->nfailed > 0 ||
        fb_tally_lost(&run->tally) > 0)
        status = FB_EXIT_PARTLY;
    fb_report_tally(&report, &run->tally, run->finder.templates.name);
    const struct run_options *o = run->options;
    fb_report_print(&report, "run: %zu pixel%s done, %zu kept, %zu failed; %s%s%s%s", p->ndone,
                    fb_s(p->ndone), p->nkept, p->nfailed, o->outcatfile, written ? "" : " was not written",
                    written && o->troughs ? ", troughs in " : "", written && o->troughs ? o->troughs : "");
    fb_print_usage("run", &p->used, p->nquasars, run->start, run->ranks.size);
    if (!written && p->gave_up)
        status = FB_EXIT_UNUSABLE;
    else if (!written && !p->signal)
        status = fb_nothing_measured("run", &run->tally, run->options->outcatfile);
    fb_report_end(&report, NULL, NULL);
    return fb_pixel_run_stopped(p, what_next(run->options), status);
}

/* Commit the catalog, unless nothing was measured. */
static int commit_run(struct run *run, struct fb_error *err)
{
    double start = fb_seconds();
    int status = 0;
    run->tally = fb_catalog_tally(&run->sorted, &run->pixels);
    if (run_has_catalog(run)) {
        fb_catalog_describe(run->catalog, &run->finder.made, &run->options->layout, &run->tally);
        status = fb_balcatalog_commit(run->catalog, err);
    } else
        fb_balcatalog_discard(run->catalog);
    run->catalog = NULL;
    run->pixels.used.writing += fb_seconds() - start;
    if (status != 0 && fb_stop_signal()) { /* all pixels are done */
        run->pixels.signal = fb_stop_signal();
        status = 0;
    }
    return status;
}

static int report_dry_run(struct run *run, int argc, char **argv)
{
    int problems = fb_print_row_problems(&run->sorted, "run", run->options->qsocat);
    return fb_pixel_run_stopped(&run->pixels, "nothing was written",
                                fb_print_dry_run(&run->pixels, problems, argc, argv));
}

static int run_catalog(struct run *run, int argc, char **argv, struct fb_error *err)
{
    const struct run_options *o = run->options;
    int status = FB_EXIT_UNUSABLE;

    if (prepare_run(run, err) == 0 && start_run_job(run, err) == 0) {
        run->pixels = (struct fb_pixel_run){ .command = "run",
                                             .pixels = &run->sorted.pixels,
                                             .tree = &run->layout.tree,
                                             .chunk = o->chunk,
                                             .nthreads = run->finder.nthreads,
                                             .verbose = o->verbose,
                                             .ranks = &run->ranks,
                                             .order = run->order,
                                             .work = run_pixel,
                                             .ahead = run_ahead,
                                             .deliver = receive_rows,
                                             .add_usage = add_usage,
                                             .context = run };
        int failed = fb_pixel_run_all(&run->pixels, err);
        if (!failed && !fb_ranks_leads(&run->ranks))
            status = FB_EXIT_DONE;
        else if (!failed && o->dry)
            status = report_dry_run(run, argc, argv);
        else if (!failed && commit_run(run, err) == 0)
            status = report_run(run, argc, argv);
        fb_pixel_run_release(&run->pixels);
    }
    fb_balcatalog_discard(run->catalog);
    return status;
}

static const struct fb_command_help run_help = {
    .command = "run",
    .usage = "-q FILE -r SPECPROD -o FILE [options]",
    .summary = "QSO catalog and coadds to a catalog with BAL columns, in one pass.",
    .example = "fastbal run -q QSO_cat_loa_main_dark_healpix_v2.fits -r loa -s main -m dark -o qso-bal.fits",
};

static enum fb_options_outcome parse_run_options(struct run_options *o, int argc, char **argv)
{
    struct fb_option table[] = {
        { "-q", "--qsocat", FB_OPT_STRING, &o->qsocat, .metavar = "FILE", .required = 1,
          .help = "QSO catalog" },
        { "-o", "--outcatfile", FB_OPT_STRING, &o->outcatfile, .metavar = "FILE", .required = 1,
          .group = FB_GROUP_OUTPUT, .help = "the catalog to write" },
        { NULL, "--troughs", FB_OPT_STRING, &o->troughs, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "also write a table of troughs, one a row, there" },
        FB_LAYOUT_OPTIONS(o->layout),
        FB_ONLY_OPTION(o->layout),
        { NULL, "--mockdir", FB_OPT_STRING, &o->layout.mockdir, .metavar = "DIR",
          .help = "the folder of the mock's spectra-16" },
        { "-b -a", "--baldir --altzdir", FB_OPT_STRING, &o->baldir, .metavar = "DIR",
          .help = "write BAL tables there as well, and go on from those that are there" },
        FB_PIXELS_OPTIONS(*o, 0,
                          "log, in --baldir; without --baldir there is none unless a file is named here",
                          "existing outputs"),
        { "-t", "--alttemp", FB_OPT_FLAG, &o->finder.alttemp, .group = FB_GROUP_SEARCH,
          .help = "the same as --templates brodzeller" },
        FB_FINDER_OPTIONS(o->finder),
        FB_DETECTOR_OPTION(o->finder),
        FB_NPROC_OPTION(o->finder.nproc),
        FB_CHUNK_OPTION(o->chunk, 0),
        { NULL, "--dry-run", FB_OPT_FLAG, &o->dry, .group = FB_GROUP_RUN,
          .help = "say what would be measured, kept or missed, and stop" },
        { NULL, "--mpi", FB_OPT_FLAG, &o->mpi, .several = 1, .group = FB_GROUP_RUN,
          .help = "one of several ranks, as started by srun -n N or mpirun -n N" },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    enum fb_options_outcome outcome = fb_options_parse_writer(&run_help, table, argc, argv);
    if (outcome == FB_OPTIONS_RUN && !fb_finder_options_check("run", &o->finder))
        return FB_OPTIONS_BAD;
    if (outcome == FB_OPTIONS_RUN) {
        fb_settings_start(&o->settings, "run");
        fb_options_describe(table, &o->settings);
    }
    return outcome;
}

/* The options are equal on all ranks. What was detected in the file system must be too. */
static int compare_ranks(const struct run *run, struct fb_error *err)
{
    struct fb_settings settings = { 0 };
    fb_layout_describe(&run->layout, &settings);
    fb_settings_add_path(&settings, "the folder of BAL tables", run->options->baldir);
    fb_settings_add(&settings, "the size of rows", "%zu and %zu bytes", sizeof(struct fb_redshift),
                    fb_deliver_row_bytes());
    fb_distribute_describe(&settings);
    int failed = fb_ranks_compare(&run->ranks, &settings, err);
    fb_settings_release(&settings);
    return failed;
}

static int run_ranks(struct run *run, int argc, char **argv, struct fb_error *err)
{
    const struct run_options *o = run->options;
    int failed = fb_layout_find(&run->layout, &o->layout, 1, err);
    run->tables = fb_layout_beside(&run->layout, o->baldir);
    if (fb_ranks_agree(&run->ranks, failed, err) != 0 || compare_ranks(run, err) != 0)
        return FB_EXIT_UNUSABLE;
    return run_catalog(run, argc, argv, err);
}

int fb_cmd_run(int argc, char **argv)
{
    struct run_options options = { .layout = { .survey = "main", .program = "dark" },
                                   .finder = FB_FINDER_DEFAULTS,
                                   .chunk = 50 };
    struct run run = { .options = &options, .start = fb_seconds() };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = parse_run_options(&options, argc, argv);
    int status = FB_EXIT_UNUSABLE;
    if (outcome == FB_OPTIONS_BAD)
        fb_ranks_give_up(argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    fb_stop_watch("run");
    if (fb_ranks_start(&run.ranks, options.mpi, &options.settings, &err) == 0)
        status = run_ranks(&run, argc, argv, &err);
    if (status == FB_EXIT_UNUSABLE && err.text[0] && fb_ranks_leads(&run.ranks))
        fb_print_error("run", "%s", err.text);
    if (status == FB_EXIT_UNUSABLE && fb_stop_signal())
        status = fb_stop_status(fb_stop_signal());
    fb_job_release(&run.job);
    fb_finder_release(&run.finder);
    fb_pixel_rows_release(&run.sorted);
    fb_selection_release(&run.selection);
    fb_layout_release(&run.layout);
    fb_layout_options_release(&options.layout);
    fb_settings_release(&options.settings);
    free(run.order);
    return fb_ranks_stop(&run.ranks, status);
}
