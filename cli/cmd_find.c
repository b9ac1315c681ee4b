/*
 * cmd_find.c - fastbal find: measures coadds with redshift catalogs and writes one BAL table per pixel, or one for
 * a single coadd.
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
#include "desi/baltable.h"
#include "desi/spectra_paths.h"
#include "desi/tree_faults.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/job.h"
#include "run/distribute.h"
#include "run/message.h"
#include "run/pool.h"
#include "run/ranks.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"
#include "run/walk.h"

struct find_options {
    struct fb_layout_options layout;
    struct fb_finder_options finder;
    const char *altzdir, *zfileroot, *out, *logfile, *coadd, *zcat;
    int clobber, verbose, tids, mpi, dry;
    long chunk, discovery;
    struct fb_settings settings; /* for --mpi */
};

struct find {
    const struct find_options *options;
    struct fb_ranks ranks;
    struct fb_layout layout; /* of the spectra */
    struct fb_selection selection;
    struct fb_tree redshifts;
    struct fb_id_list pixels;
    struct fb_finder finder;
    struct fb_job job;
    struct fb_pixel_run run;
    int64_t *sizes;      /* of the redshift catalogs in bytes, as a measure of the work per pixel */
    size_t *order;       /* largest pixels first */
    unsigned char *seen; /* per --targetids: 1 if it is a quasar in range */
    double start;
};

/* ---- one pixel ---- */

static enum fb_pixel_outcome find_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct find *find = context;
    return fb_job_do(&find->job, thread, index, &find->run.results[index], err);
}

static void find_ahead(void *context, int thread, size_t index)
{
    fb_job_ahead(&((struct find *)context)->job, thread, index);
}

static int receive_targets(void *context, const struct fb_pixel_result *result, struct fb_error *err)
{
    return fb_job_receive(&((struct find *)context)->job, result, err);
}

/* ---- the command ---- */

static int make_selection(struct find *find, struct fb_error *err)
{
    if (fb_selection_make(&find->selection, &find->layout, &find->options->layout, err) != 0)
        return -1;
    find->seen = calloc(find->selection.targetids.n + 1, 1);
    return find->seen ? 0 : fb_fail(err, "out of memory for a selection");
}

/* Add the pixels that have spectra or redshifts; a pixel with only one of these fails later. */
static int walk_trees(struct find *find, struct fb_id_list *found, struct fb_error *err)
{
    const struct fb_tree *spectra = &find->layout.tree;
    long workers = find->options->discovery;
    const char *kind = fb_spectra_kind(spectra);
    if (fb_walk_tree(spectra, kind, workers, found, err) != 0)
        return -1;
    if (found->n == 0) { /* spectra are not needed if all BAL tables exist */
        int64_t pixel;
        int there = fb_tree_any(&find->redshifts, "baltable", &pixel, err);
        if (there <= 0)
            return there < 0 ? -1 : fb_tree_no_files(spectra, kind, "spectra", err);
    }
    if (fb_walk_tree(&find->redshifts, find->options->zfileroot, workers, found, err) != 0)
        return -1;
    fb_id_list_sort(found);
    return 0;
}

/* The selected pixels, or all pixels in the tree, of the selected tiles. */
static int choose_pixels(struct find *find, struct fb_error *err)
{
    struct fb_id_list found = { 0 };
    const struct fb_id_list *from = &find->selection.pixels;
    int status = 0;
    if (from->n == 0) {
        status = walk_trees(find, &found, err);
        from = &found;
    }
    for (size_t i = 0; i < from->n && status == 0; i++)
        if (fb_selects_pixel(&find->selection, from->ids[i]) &&
            fb_id_list_add(&find->pixels, from->ids[i]) != 0)
            status = fb_fail(err, "out of memory");
    if (status == 0 && find->pixels.n == 0)
        status = fb_fail(err, "%s: none of the tiles asked for is in this tree", find->layout.root);
    fb_id_list_release(&found);
    return status;
}

static void look_at_size(void *context, int thread, size_t i)
{
    struct find *find = context;
    char *path = fb_tree_path(&find->redshifts, find->options->zfileroot, find->pixels.ids[i]);
    (void)thread;
    struct fb_error ignored;
    int64_t size = path ? fb_file_size(path, &ignored) : 0;
    find->sizes[i] = size > 0 ? size : 0; /* only a hint */
    free(path);
}

/* With several ranks, process the largest pixels first. */
static int order_pixels(struct find *find, struct fb_error *err)
{
    struct fb_pool pool = { .nthreads = (int)find->options->discovery,
                            .work = look_at_size,
                            .context = find };
    find->sizes = calloc(find->pixels.n, sizeof *find->sizes);
    if (find->sizes) {
        fb_pool_run(&pool, find->pixels.n);
        find->order = fb_largest_first(find->sizes, find->pixels.n);
    }
    return find->order ? 0 : fb_fail(err, "out of memory for %zu pixels", find->pixels.n);
}

static int prepare_finder(struct find *find, struct fb_error *err)
{
    if (fb_finder_prepare(&find->finder, &find->options->finder, err) != 0)
        return -1;
    if (find->finder.templates.note[0])
        fb_print_error("find", "%s", find->finder.templates.note);
    return 0;
}

/* The options are equal on all ranks. What was detected in the file system must be too. */
static int compare_ranks(const struct find *find, struct fb_error *err)
{
    struct fb_settings settings = { 0 };
    fb_layout_describe(&find->layout, &settings);
    fb_settings_add_path(&settings, "the folder of redshift catalogs", find->options->altzdir);
    fb_distribute_describe(&settings);
    int failed = fb_ranks_compare(&find->ranks, &settings, err);
    fb_settings_release(&settings);
    return failed;
}

/* Prepare everything before the first pixel; fails on all ranks or on none. Only rank 0 searches for files. */
static int prepare_tree(struct find *find, struct fb_error *err)
{
    const struct find_options *o = find->options;
    int failed = 0;
    find->finder.part = o->layout.targetids.n > 0;
    snprintf(find->finder.made.product, sizeof find->finder.made.product, "%s",
             fb_layout_product(&find->layout));
    if (fb_ranks_leads(&find->ranks))
        failed = fb_layout_need_redshifts(&find->layout, &o->layout, o->altzdir, o->zfileroot, err) != 0 ||
                 choose_pixels(find, err) != 0 || (find->ranks.size > 1 && order_pixels(find, err) != 0) ||
                 prepare_finder(find, err) != 0;
    if (fb_ranks_agree(&find->ranks, failed, err) != 0 ||
        fb_finder_share(&find->finder, &o->finder, &find->ranks, err) != 0)
        return -1;
    void *pixels = find->pixels.ids;
    failed = fb_ranks_share(&find->ranks, &pixels, &find->pixels.n, sizeof *find->pixels.ids, err);
    find->pixels.ids = pixels;
    return failed;
}

static int start_find_job(struct find *find, struct fb_error *err)
{
    find->job = (struct fb_job){ .finder = &find->finder,
                                 .spectra = find->layout.tree,
                                 .pixels = &find->pixels,
                                 .zfileroot = find->options->zfileroot,
                                 .selection = &find->selection,
                                 .tables = find->redshifts,
                                 .clobber = find->options->clobber,
                                 .dry = find->options->dry,
                                 .found = find->seen,
                                 .leads = fb_ranks_leads(&find->ranks) };
    return fb_ranks_agree(&find->ranks, fb_job_start(&find->job, err), err);
}

static void add_usage(void *context, struct fb_usage *total)
{
    struct find *find = context;
    fb_finder_usage(&find->finder, total);
    fb_usage_add_process(total);
}

static int print_targets(const struct find *find)
{
    size_t asked = find->selection.targetids.n, found = 0;
    for (size_t i = 0; i < asked; i++)
        found += find->seen[i];
    if (found == asked)
        return 0;
    fb_print_error("find", "%zu of %zu --targetids are quasars in range that have a redshift", found, asked);
    return 1;
}

/* Print the summary after the last pixel; returns the exit status. */
static int report_find(struct find *find, int argc, char **argv)
{
    struct fb_pixel_run *run = &find->run;
    struct fb_report report;
    char text[FB_TALLY_TEXT];
    int stopped = run->signal || run->gave_up, status = FB_EXIT_DONE;

    if (find->options->dry)
        return fb_pixel_run_stopped(
            run, "nothing was written",
            fb_print_dry_run(run, !stopped && run->nfailed == 0 && print_targets(find), argc, argv));
    fb_report_start(&report, run, argc, argv);
    report.heading = "List of healpix with errors and error types: ";
    fb_report_pixels(&report, fb_pixels_log_path("find", NULL, find->options->logfile, &find->redshifts));
    fb_print_noted_files("find", &run->used);
    if (run->nfailed > 0 || fb_tally_lost(&run->tally) > 0)
        status = FB_EXIT_PARTLY;
    if (!stopped && run->nfailed == 0 && print_targets(find))
        status = FB_EXIT_PARTLY;
    fb_report_tally(&report, &run->tally, find->finder.templates.name);
    fb_report_print(&report, "find: %zu pixel%s done, %zu kept, %zu failed", run->ndone, fb_s(run->ndone),
                    run->nkept, run->nfailed);
    fb_print_usage("find", &run->used, run->nquasars, find->start, find->ranks.size);
    if (!stopped && (fb_pixel_run_is_empty(run) || fb_tally_is_empty(&run->tally))) {
        fb_tally_reasons(&run->tally, text);
        fb_print_error("find", "nothing was measured%s%s", text[0] ? ": " : "", text);
        status = FB_EXIT_UNUSABLE;
    }
    fb_report_end(&report, NULL, NULL);
    return fb_pixel_run_stopped(run, fb_goes_on(find->options->clobber), status);
}

static int find_tree(struct find *find, int argc, char **argv, struct fb_error *err)
{
    const struct find_options *o = find->options;
    int status = FB_EXIT_UNUSABLE;
    int failed = fb_layout_find(&find->layout, &o->layout, 1, err) != 0 || make_selection(find, err) != 0;

    if (fb_ranks_agree(&find->ranks, failed, err) != 0 || compare_ranks(find, err) != 0)
        return status;
    find->redshifts = fb_layout_beside(&find->layout, o->altzdir);
    if (prepare_tree(find, err) == 0 && start_find_job(find, err) == 0) {
        find->run = (struct fb_pixel_run){ .command = "find",
                                           .pixels = &find->pixels,
                                           .tree = &find->layout.tree,
                                           .nthreads = find->finder.nthreads,
                                           .chunk = o->chunk,
                                           .verbose = o->verbose,
                                           .ranks = &find->ranks,
                                           .order = find->order,
                                           .work = find_pixel,
                                           .ahead = find_ahead,
                                           .deliver = receive_targets,
                                           .add_usage = add_usage,
                                           .context = find };
        if (fb_pixel_run_all(&find->run, err) == 0)
            status = fb_ranks_leads(&find->ranks) ? report_find(find, argc, argv) : FB_EXIT_DONE;
        fb_pixel_run_release(&find->run);
    }
    return status;
}

/* The input and output files of --coadd. */
struct paths {
    const char *coadd, *zcat, *out;
};

/* An existing output that the user names is kept or is an error, but never replaced without --clobber. Returns 1 if it is
 * kept. */
static int keeps_single(struct find *find, const struct paths *paths, const struct fb_redshifts *redshifts,
                        struct fb_baltable *table, struct fb_error *err)
{
    struct fb_error why = { "" };
    int kept =
        find->options->clobber ? 0 : fb_finder_keeps(&find->finder, 0, paths->out, redshifts, table, &why);
    if (why.text[0])
        return fb_fail(err, kept < 0 ? "%.800s" : "%.800s (exists already; --clobber replaces it)", why.text);
    return kept;
}

/* If no quasar could be measured, nothing is written, and an older output is reported. */
static int write_single(struct find *find, const struct paths *paths, const struct fb_tally *tally,
                        const struct fb_baltable *table, int kept, struct fb_error *err)
{
    char reasons[FB_TALLY_TEXT];
    fb_tally_reasons(tally, reasons);
    if (find->selection.targetids.n > 0 && fb_tally_asked(tally) == 0)
        return fb_fail(err, "%s: none of the --targetids is a quasar in range there", paths->zcat);
    if (fb_tally_is_empty(tally))
        return fb_fail(err, "%s: none of its quasars could be measured: %.600s", paths->coadd, reasons);
    if (kept)
        return 0;
    return fb_finder_write(&find->finder, 0, paths->out, fb_replacing(find->options->clobber), table->rows,
                           table->n, err);
}

static void say_single(const struct find *find, const struct paths *paths, const struct fb_tally *tally,
                       int kept)
{
    struct fb_usage used = { 0 };
    char text[FB_TALLY_TEXT];
    if (kept)
        fb_print("find: %s is kept: it is whole, and made of these redshifts with %s", paths->out,
                 find->finder.templates.name);
    fb_tally_lost_text(tally, text);
    if (text[0])
        fb_print_error("find", "%s: %s", paths->coadd, text);
    fb_tally_text(tally, find->finder.templates.name, text);
    fb_print("find: %s", text);
    fb_tally_snr_text(tally, text);
    if (text[0])
        fb_print("find: %s", text);
    add_usage((struct find *)find, &used);
    fb_print_noted_files("find", &used);
    if (!kept)
        fb_print_usage("find", &used, tally->n[FB_FATE_MEASURED], find->start, 1);
}

/* Returns the exit status. */
static int measure_single(struct find *find, const struct paths *paths, struct fb_error *err)
{
    struct fb_redshifts redshifts;
    struct fb_baltable table = { 0 };
    struct fb_tally tally = { 0 };
    int status = fb_job_read_redshifts(&find->finder, 0, paths->zcat, &find->selection, &redshifts, err);
    int kept = 0, partly = 0;

    fb_temporary_sweep(paths->out);
    if (status == 0)
        kept = keeps_single(find, paths, &redshifts, &table, err);
    if (kept < 0 || (status == 0 && kept == 0))
        status = kept < 0 ? -1 : fb_finder_table(&find->finder, 0, paths->coadd, &redshifts, &table, err);
    if (status == 0)
        tally = fb_finder_tally(&redshifts, &table);
    if (status == 0)
        status = write_single(find, paths, &tally, &table, kept, err);
    fb_job_mark(find->seen, &find->selection, &redshifts);
    if (status == 0) {
        say_single(find, paths, &tally, kept);
        partly = print_targets(find) || fb_tally_lost(&tally) > 0;
    }
    fb_baltable_release(&table);
    fb_redshifts_release(&redshifts);
    return status != 0 ? FB_EXIT_UNUSABLE : partly ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static int find_single(struct find *find, struct fb_error *err)
{
    const struct find_options *o = find->options;
    const struct paths paths = { o->coadd, o->zcat, o->out };
    if (!o->coadd || !o->zcat || !o->out) {
        fb_fail(err, "options --coadd, --zcat and -o go together");
        return FB_EXIT_UNUSABLE;
    }
    int failed = fb_check_output_name(o->out, err) != 0 || fb_check_apart(o->out, o->coadd, err) != 0 ||
                 fb_check_apart(o->out, o->zcat, err) != 0 || make_selection(find, err) != 0 ||
                 prepare_finder(find, err) != 0;
    return failed ? FB_EXIT_UNUSABLE : measure_single(find, &paths, err);
}

static void release_find(struct find *find)
{
    fb_job_release(&find->job);
    fb_finder_release(&find->finder);
    fb_id_list_release(&find->pixels);
    fb_selection_release(&find->selection);
    fb_layout_release(&find->layout);
    free(find->sizes);
    free(find->order);
    free(find->seen);
}

/* Options that apply only to a tree are accepted for a single file too, so that command lines are easy to adapt, and a
 * line says that they have no effect. */
static void name_unused(const struct fb_option *table)
{
    static const char *const used[] = { "--outdir --outfile",
                                        "--clobber --overwrite",
                                        "--alttemp",
                                        "--templates",
                                        "--continuum",
                                        "--fit",
                                        "--rules",
                                        "--detector",
                                        "--tids",
                                        "--targetids",
                                        "--coadd",
                                        "--zcat" };
    char text[400] = "";
    for (; table->names; table++) {
        size_t k = 0, n = sizeof used / sizeof used[0], length = strlen(text);
        while (k < n && strcmp(table->names, used[k]) != 0)
            k++;
        if (k == n && table->given)
            snprintf(text + length, sizeof text - length, " %.*s", (int)strcspn(table->names, " "),
                     table->names);
    }
    if (text[0])
        fb_print_error("find", "with --coadd these options do nothing:%s", text);
}

static const struct fb_command_help find_help = {
    .command = "find",
    .usage = "-a DIR -r SPECPROD [options]",
    .summary = "Measure broad absorption lines in coadds: one BAL table per pixel.",
    .example = "fastbal find -r loa -s main -m dark -a $PSCRATCH/bal",
};

static enum fb_options_outcome parse_find_options(struct find_options *o, int argc, char **argv)
{
    struct fb_option table[] = {
        FB_LAYOUT_OPTIONS(o->layout),
        { "-a", "--altzdir", FB_OPT_STRING, &o->altzdir, .metavar = "DIR", .old = 1,
          .help = "where split put the redshift catalogs; BAL tables go there as well" },
        { "-z", "--zfileroot", FB_OPT_STRING, &o->zfileroot, .metavar = "NAME", .old = 1,
          .help = "begin of redshift file names" },
        { NULL, "--mockdir", FB_OPT_STRING, &o->layout.mockdir, .metavar = "DIR", .old = 1,
          .help = "the folder of the mock's spectra-16" },
        { "-o", "--outdir --outfile", FB_OPT_STRING, &o->out, .metavar = "PATH", .old = 1,
          .group = FB_GROUP_OUTPUT,
          .help = "with --coadd: the BAL table to write; otherwise deprecated, warned about and ignored" },
        FB_NPROC_OPTION(o->finder.nproc),
        FB_PIXELS_OPTIONS(*o, 1, "log, beside the pixels", "existing BAL tables"),
        { "-t", "--alttemp", FB_OPT_FLAG, &o->finder.alttemp, .old = 1, .group = FB_GROUP_SEARCH,
          .help = "the same as --templates brodzeller" },
        FB_FINDER_OPTIONS(o->finder),
        FB_DETECTOR_OPTION(o->finder),
        { NULL, "--tids", FB_OPT_FLAG, &o->tids, .old = 1, .group = FB_GROUP_OLD,
          .help = "read only the targets of the redshift catalog (always done)" },
        FB_CHUNK_OPTION(o->chunk, 1),
        { NULL, "--file-discovery-workers", FB_OPT_INT, &o->discovery, .metavar = "N", .min = 1, .max = 4096,
          .own = 1, .old = 1, .group = FB_GROUP_OLD, .help = "threads that look for files in the tree" },
        { NULL, "--dry-run", FB_OPT_FLAG, &o->dry, .group = FB_GROUP_RUN,
          .help = "say what would be measured, kept or missed, and stop" },
        { NULL, "--mpi", FB_OPT_FLAG, &o->mpi, .several = 1, .group = FB_GROUP_RUN,
          .help = "one of several ranks, as started by srun -n N or mpirun -n N" },
        { NULL, "--coadd", FB_OPT_STRING, &o->coadd, .metavar = "FILE", .several = 1,
          .help = "work on this file alone, with --zcat and -o" },
        { NULL, "--zcat", FB_OPT_STRING, &o->zcat, .metavar = "FILE",
          .help = "redshift catalog for --coadd" },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    if (fb_is_old_name(argv[0]))
        fb_finder_old_default(&o->finder);
    enum fb_options_outcome outcome = fb_options_parse_writer(&find_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int single = o->coadd || o->zcat;
    if (!single && !o->altzdir) {
        fb_print_error("find", "option --altzdir is required (--help explains it)");
        return FB_OPTIONS_BAD;
    }
    if (single && o->dry) {
        fb_print_error("find", "option --dry-run is for many pixels, not for --coadd");
        return FB_OPTIONS_BAD;
    }
    if (single && o->mpi) {
        fb_print_error("find", "option --mpi is for many pixels, not for --coadd");
        return FB_OPTIONS_BAD;
    }
    if (!fb_finder_options_check("find", &o->finder))
        return FB_OPTIONS_BAD;
    if (single)
        name_unused(table);
    else
        fb_layout_old_default("find", argv[0], "everest", &o->layout);
    if (!single && o->out)
        fb_print_error("find", "option --outdir is deprecated and ignored: BAL tables go to --altzdir");
    fb_settings_start(&o->settings, "find");
    fb_options_describe(table, &o->settings);
    return FB_OPTIONS_RUN;
}

int fb_cmd_find(int argc, char **argv)
{
    struct find_options options = { .finder = FB_FINDER_DEFAULTS,
                                    .zfileroot = "zafter",
                                    .layout = { .survey = "main", .program = "dark" },
                                    .logfile = "logfile.txt",
                                    .chunk = 50,
                                    .discovery = 8 };
    struct find find = { .options = &options, .start = fb_seconds() };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = parse_find_options(&options, argc, argv);
    int status = outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    fb_stop_watch("find");
    if (outcome == FB_OPTIONS_BAD)
        fb_ranks_give_up(argc, argv);
    if (outcome == FB_OPTIONS_RUN && fb_ranks_start(&find.ranks, options.mpi, &options.settings, &err) == 0)
        status =
            options.coadd || options.zcat ? find_single(&find, &err) : find_tree(&find, argc, argv, &err);
    if (status == FB_EXIT_UNUSABLE && err.text[0] && fb_ranks_leads(&find.ranks))
        fb_print_error("find", "%s", err.text);
    if (status == FB_EXIT_UNUSABLE && fb_stop_signal())
        status = fb_stop_status(fb_stop_signal());
    release_find(&find);
    fb_layout_options_release(&options.layout);
    fb_settings_release(&options.settings);
    return fb_ranks_stop(&find.ranks, status);
}
