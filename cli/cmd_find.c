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
#include "cli/measuring.h"
#include "cli/summary.h"
#include "desi/baltable.h"
#include "desi/spectra_paths.h"
#include "desi/tree_faults.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "run/pool.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"
#include "run/walk.h"

struct find {
    struct fb_measuring m;
    const char *altzdir, *zfileroot, *out, *coadd, *zcat;
    int tids;
    long discovery;
    struct fb_tree redshifts;
    struct fb_id_list pixels;
    int64_t *sizes;      /* of the redshift catalogs in bytes, as a measure of the work per pixel */
    unsigned char *seen; /* per --targetids: 1 if it is a quasar in range */
};

/* ---- the pixels of a tree ---- */

static int make_selection(struct find *find, struct fb_error *err)
{
    if (fb_selection_make(&find->m.selection, &find->m.layout, &find->m.options.layout, err) != 0)
        return -1;
    find->seen = calloc(find->m.selection.targetids.n + 1, 1);
    return find->seen ? 0 : fb_fail(err, "out of memory for a selection");
}

/* Add the pixels that have spectra or redshifts; a pixel with only one of these fails later. */
static int walk_trees(struct find *find, struct fb_id_list *found, struct fb_error *err)
{
    const struct fb_tree *spectra = &find->m.layout.tree;
    long workers = find->discovery;
    const char *kind = fb_spectra_kind(spectra);
    if (fb_walk_tree(spectra, kind, workers, found, err) != 0)
        return -1;
    if (found->n == 0) { /* spectra are not needed if all BAL tables exist */
        int64_t pixel;
        int there = fb_tree_any(&find->redshifts, "baltable", &pixel, err);
        if (there <= 0)
            return there < 0 ? -1 : fb_tree_no_files(spectra, kind, "spectra", err);
    }
    if (fb_walk_tree(&find->redshifts, find->zfileroot, workers, found, err) != 0)
        return -1;
    fb_id_list_sort(found);
    return 0;
}

/* The selected pixels, or all pixels in the tree, of the selected tiles. */
static int choose_pixels(struct find *find, struct fb_error *err)
{
    struct fb_id_list found = { 0 };
    const struct fb_id_list *from = &find->m.selection.pixels;
    int status = 0;
    if (from->n == 0) {
        status = walk_trees(find, &found, err);
        from = &found;
    }
    for (size_t i = 0; i < from->n && status == 0; i++)
        if (fb_selects_pixel(&find->m.selection, from->ids[i]) &&
            fb_id_list_add(&find->pixels, from->ids[i]) != 0)
            status = fb_fail(err, "out of memory");
    if (status == 0 && find->pixels.n == 0)
        status = fb_fail(err, "%s: none of the tiles asked for is in this tree", find->m.layout.root);
    fb_id_list_release(&found);
    return status;
}

static void look_at_size(void *context, int thread, size_t i)
{
    struct find *find = context;
    char *path = fb_tree_path(&find->redshifts, find->zfileroot, find->pixels.ids[i]);
    (void)thread;
    struct fb_error ignored;
    int64_t size = path ? fb_file_size(path, &ignored) : 0;
    find->sizes[i] = size > 0 ? size : 0; /* only a hint */
    free(path);
}

/* With several ranks, process the largest pixels first. */
static int order_pixels(struct find *find, struct fb_error *err)
{
    struct fb_pool pool = { .nthreads = (int)find->discovery, .work = look_at_size, .context = find };
    find->sizes = calloc(find->pixels.n, sizeof *find->sizes);
    if (find->sizes) {
        fb_pool_run(&pool, find->pixels.n);
        find->m.order = fb_largest_first(find->sizes, find->pixels.n);
    }
    return find->m.order ? 0 : fb_fail(err, "out of memory for %zu pixels", find->pixels.n);
}

/* Only rank 0 searches for files. */
static int prepare_tree(void *context, struct fb_error *err)
{
    struct find *find = context;
    const struct fb_measuring *m = &find->m;
    return fb_layout_need_redshifts(&m->layout, &m->options.layout, find->altzdir, find->zfileroot, err) !=
                       0 ||
                   choose_pixels(find, err) != 0 || (m->ranks.size > 1 && order_pixels(find, err) != 0)
               ? -1
               : fb_measuring_read_finder(&find->m, err);
}

static int share_pixels(struct find *find, struct fb_error *err)
{
    void *pixels = find->pixels.ids;
    int failed = fb_ranks_share(&find->m.ranks, &pixels, &find->pixels.n, sizeof *find->pixels.ids, err);
    find->pixels.ids = pixels;
    return failed;
}

static int print_targets(const struct find *find)
{
    size_t asked = find->m.selection.targetids.n, found = 0;
    for (size_t i = 0; i < asked; i++)
        found += find->seen[i];
    if (found == asked)
        return 0;
    fb_print_error("find", "%zu of %zu --targetids are quasars in range that have a redshift", found, asked);
    return 1;
}

/* Print the summary after the last pixel; returns the exit status. */
static int report_find(struct find *find)
{
    struct fb_pixel_run *run = &find->m.run;
    struct fb_report report;
    char text[FB_TALLY_TEXT];
    int stopped = run->signal || run->gave_up, status = FB_EXIT_DONE;

    if (find->m.options.dry)
        return fb_pixel_run_stopped(run, "nothing was written",
                                    fb_print_dry_run(run,
                                                     !stopped && run->nfailed == 0 && print_targets(find),
                                                     find->m.argc, find->m.argv));
    fb_report_start(&report, run, find->m.argc, find->m.argv);
    report.heading = "List of healpix with errors and error types: ";
    fb_report_pixels(&report, fb_pixels_log_path("find", NULL, find->m.options.logfile, &find->redshifts));
    fb_print_noted_files("find", &run->used);
    if (run->nfailed > 0 || fb_tally_lost(&run->tally) > 0)
        status = FB_EXIT_PARTLY;
    if (!stopped && run->nfailed == 0 && print_targets(find))
        status = FB_EXIT_PARTLY;
    fb_report_tally(&report, &run->tally, find->m.finder.templates.name);
    fb_report_print(&report, "find: %zu pixel%s done, %zu kept, %zu failed", run->ndone, fb_s(run->ndone),
                    run->nkept, run->nfailed);
    fb_print_usage("find", &run->used, run->nquasars, find->m.start, find->m.ranks.size);
    if (!stopped && (fb_pixel_run_is_empty(run) || fb_tally_is_empty(&run->tally))) {
        fb_tally_reasons(&run->tally, text);
        fb_print_error("find", "nothing was measured%s%s", text[0] ? ": " : "", text);
        status = FB_EXIT_UNUSABLE;
    }
    fb_report_end(&report, NULL, NULL);
    return fb_pixel_run_stopped(run, fb_goes_on(find->m.options.clobber), status);
}

static int find_tree(struct find *find, struct fb_error *err)
{
    struct fb_measuring *m = &find->m;
    int failed =
        fb_layout_find(&m->layout, &m->options.layout, 1, err) != 0 || make_selection(find, err) != 0;

    if (fb_measuring_compare(m, failed, "the folder of redshift catalogs", find->altzdir, err) != 0)
        return FB_EXIT_UNUSABLE;
    find->redshifts = fb_layout_beside(&m->layout, find->altzdir);
    if (fb_measuring_prepare(m, prepare_tree, find, err) != 0 || share_pixels(find, err) != 0)
        return FB_EXIT_UNUSABLE;
    m->job.pixels = &find->pixels;
    m->job.zfileroot = find->zfileroot;
    m->job.selection = &m->selection;
    m->job.tables = find->redshifts;
    m->job.found = find->seen;
    if (fb_measuring_run(m, err) != 0)
        return FB_EXIT_UNUSABLE;
    return fb_ranks_leads(&m->ranks) ? report_find(find) : FB_EXIT_DONE;
}

/* ---- a single file ---- */

/* An existing output that the user names is kept or is an error, but never replaced without --clobber. Returns 1 if it is
 * kept. */
static int keeps_single(struct find *find, const struct fb_redshifts *redshifts, struct fb_baltable *table,
                        struct fb_error *err)
{
    struct fb_error why = { "" };
    int kept =
        find->m.options.clobber ? 0 : fb_finder_keeps(&find->m.finder, 0, find->out, redshifts, table, &why);
    if (why.text[0])
        return fb_fail(err, kept < 0 ? "%.800s" : "%.800s (exists already; --clobber replaces it)", why.text);
    return kept;
}

/* If no quasar could be measured, nothing is written, and an older output is reported. */
static int write_single(struct find *find, const struct fb_tally *tally, const struct fb_baltable *table,
                        int kept, struct fb_error *err)
{
    char reasons[FB_TALLY_TEXT];
    fb_tally_reasons(tally, reasons);
    if (find->m.selection.targetids.n > 0 && fb_tally_asked(tally) == 0)
        return fb_fail(err, "%s: none of the --targetids is a quasar in range there", find->zcat);
    if (fb_tally_is_empty(tally))
        return fb_fail(err, "%s: none of its quasars could be measured: %.600s", find->coadd, reasons);
    if (kept)
        return 0;
    return fb_finder_write(&find->m.finder, 0, find->out, fb_replacing(find->m.options.clobber), table->rows,
                           table->n, err);
}

static void say_single(struct find *find, const struct fb_tally *tally, int kept)
{
    struct fb_usage used = { 0 };
    char text[FB_TALLY_TEXT];
    if (kept)
        fb_print("find: %s is kept: it is whole, and made of these redshifts with %s", find->out,
                 find->m.finder.templates.name);
    fb_tally_lost_text(tally, text);
    if (text[0])
        fb_print_error("find", "%s: %s", find->coadd, text);
    fb_tally_text(tally, find->m.finder.templates.name, text);
    fb_print("find: %s", text);
    fb_tally_snr_text(tally, text);
    if (text[0])
        fb_print("find: %s", text);
    fb_measuring_usage(&find->m, &used);
    fb_print_noted_files("find", &used);
    if (!kept)
        fb_print_usage("find", &used, tally->n[FB_FATE_MEASURED], find->m.start, 1);
}

/* Returns the exit status. */
static int measure_single(struct find *find, struct fb_error *err)
{
    struct fb_redshifts redshifts;
    struct fb_baltable table = { 0 };
    struct fb_tally tally = { 0 };
    int status = fb_job_read_redshifts(&find->m.finder, 0, find->zcat, &find->m.selection, &redshifts, err);
    int kept = 0, partly = 0;

    fb_temporary_sweep(find->out);
    if (status == 0)
        kept = keeps_single(find, &redshifts, &table, err);
    if (kept < 0 || (status == 0 && kept == 0))
        status = kept < 0 ? -1 : fb_finder_table(&find->m.finder, 0, find->coadd, &redshifts, &table, err);
    if (status == 0)
        tally = fb_finder_tally(&redshifts, &table);
    if (status == 0)
        status = write_single(find, &tally, &table, kept, err);
    fb_job_mark(find->seen, &find->m.selection, &redshifts);
    if (status == 0) {
        say_single(find, &tally, kept);
        partly = print_targets(find) || fb_tally_lost(&tally) > 0;
    }
    fb_baltable_release(&table);
    fb_redshifts_release(&redshifts);
    return status != 0 ? FB_EXIT_UNUSABLE : partly ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static int find_single(struct find *find, struct fb_error *err)
{
    if (!find->coadd || !find->zcat || !find->out) {
        fb_fail(err, "options --coadd, --zcat and -o go together");
        return FB_EXIT_UNUSABLE;
    }
    /* an existing output may be kept: keeps_single() */
    int failed = fb_check_sink(find->out, NULL, 1, find->coadd, find->zcat, err) != 0 ||
                 make_selection(find, err) != 0 || fb_measuring_read_finder(&find->m, err) != 0;
    return failed ? FB_EXIT_UNUSABLE : measure_single(find, err);
}

/* ---- the command ---- */

static int do_find(void *context, struct fb_error *err)
{
    struct find *find = context;
    return find->coadd || find->zcat ? find_single(find, err) : find_tree(find, err);
}

/* Options that apply only to a tree are accepted for a single file too, so that command lines are easy to adapt, and a
 * line says that they have no effect. */
static void name_unused(const struct fb_option *table)
{
    static const char used[] =
        "--outdir --clobber --alttemp --templates --continuum --fit --rules --detector "
        "--tids --targetids --coadd --zcat";
    char text[400] = "";
    for (; table->names; table++) {
        size_t length = strlen(text), name = strcspn(table->names, " ");
        if (table->given && !fb_in_words(used, table->names, name, 0))
            snprintf(text + length, sizeof text - length, " %.*s", (int)name, table->names);
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

static enum fb_options_outcome parse_options(struct find *find, int argc, char **argv)
{
    struct fb_measuring_options *o = &find->m.options;
    struct fb_option table[] = {
        FB_LAYOUT_OPTIONS(o->layout),
        { "-a", "--altzdir", FB_OPT_STRING, &find->altzdir, .metavar = "DIR", .old = 1,
          .help = "where split put the redshift catalogs; BAL tables go there as well" },
        { "-z", "--zfileroot", FB_OPT_STRING, &find->zfileroot, .metavar = "NAME", .old = 1,
          .help = "first part of redshift file names" },
        FB_MOCKDIR_OPTION(o->layout, 1),
        { "-o", "--outdir --outfile", FB_OPT_STRING, &find->out, .metavar = "PATH", .old = 1,
          .group = FB_GROUP_OUTPUT,
          .help = "with --coadd: the BAL table to write; otherwise deprecated, warned about and ignored" },
        FB_NPROC_OPTION(o->finder.nproc),
        FB_PIXELS_OPTIONS(*o, 1, "log, beside the pixels", "existing BAL tables"),
        FB_MEASURING_OPTIONS(*o, 1),
        { NULL, "--tids", FB_OPT_FLAG, &find->tids, .old = 1, .group = FB_GROUP_OLD,
          .help = "read only the targets of the redshift catalog (always done)" },
        FB_CHUNK_OPTION(o->chunk, 1),
        { NULL, "--file-discovery-workers", FB_OPT_INT, &find->discovery, .metavar = "N", .min = 1,
          .max = 4096, .own = 1, .old = 1, .group = FB_GROUP_OLD,
          .help = "threads that look for files in the tree" },
        { NULL, "--coadd", FB_OPT_STRING, &find->coadd, .metavar = "FILE", .several = 1,
          .help = "work on this file alone, with --zcat and -o" },
        { NULL, "--zcat", FB_OPT_STRING, &find->zcat, .metavar = "FILE",
          .help = "redshift catalog for --coadd" },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    if (fb_is_old_name(argv[0]))
        fb_finder_old_default(&o->finder);
    enum fb_options_outcome outcome = fb_options_parse_writer(&find_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int single = find->coadd || find->zcat;
    const char *wrong = !single && !find->altzdir ? "option --altzdir is required (--help explains it)"
                        : single && o->dry        ? "option --dry-run is for many pixels, not for --coadd"
                        : single && o->mpi        ? "option --mpi is for many pixels, not for --coadd"
                                                  : NULL;
    if (wrong) {
        fb_print_error("find", "%s", wrong);
        return FB_OPTIONS_BAD;
    }
    if (fb_measuring_check(&find->m, table) != FB_OPTIONS_RUN)
        return FB_OPTIONS_BAD;
    if (single)
        name_unused(table);
    else
        fb_layout_old_default("find", argv[0], "everest", &o->layout);
    if (!single && find->out)
        fb_print_error("find", "option --outdir is deprecated and ignored: BAL tables go to --altzdir");
    return FB_OPTIONS_RUN;
}

int fb_cmd_find(int argc, char **argv)
{
    struct find find = { .m = { .command = "find",
                                .argc = argc,
                                .argv = argv,
                                .start = fb_seconds(),
                                .options = { FB_MEASURING_DEFAULTS, .logfile = "logfile.txt" } },
                         .zfileroot = "zafter",
                         .discovery = 8 };
    fb_measuring_begin(&find.m);
    int status = fb_measuring_main(&find.m, parse_options(&find, argc, argv), do_find, &find);
    fb_id_list_release(&find.pixels);
    free(find.sizes);
    free(find.seen);
    return status;
}
