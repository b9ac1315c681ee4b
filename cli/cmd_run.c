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
#include "cli/measuring.h"
#include "cli/summary.h"
#include "desi/catalog.h"
#include "fits/system.h"
#include "fits/unpack.h"
#include "pipeline/deliver.h"
#include "pipeline/pixel_rows.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"

/* With several ranks, only rank 0 reads the catalog; its rows are broadcast. */
struct run {
    struct fb_measuring m;
    const char *qsocat, *baldir;
    struct fb_catalog_output out;
    struct fb_table source; /* the QSO catalog */
    struct fb_pixel_rows sorted;
    struct fb_balcatalog *catalog;
    struct fb_tally tally; /* of the catalog's rows */
};

/* Checks before anything is read. */
static int check_outputs(struct run *run, struct fb_error *err)
{
    run->out.clobber = run->m.options.clobber;
    if (fb_deliver_check(&run->out, run->qsocat, err) != 0)
        return -1;
    return run->baldir && !run->m.options.dry ? fb_make_folders(run->baldir, err) : 0;
}

static int order_pixels(struct run *run, struct fb_error *err)
{
    const struct fb_pixel_rows *s = &run->sorted;
    int64_t *sizes = calloc(s->pixels.n + 1, sizeof *sizes);
    if (sizes) {
        for (size_t k = 0; k < s->pixels.n; k++)
            for (size_t i = s->begin[k]; i < s->begin[k + 1]; i++)
                sizes[k] += fb_in_z_range(s->rows[s->order[i]].z);
        run->m.order = fb_largest_first(sizes, s->pixels.n);
        free(sizes);
    }
    return run->m.order ? 0 : fb_fail(err, "out of memory for %zu pixels", s->pixels.n);
}

static int prepare_catalog(void *context, struct fb_error *err)
{
    struct run *run = context;
    struct fb_measuring *m = &run->m;
    if (check_outputs(run, err) != 0 || fb_measuring_read_finder(m, err) != 0 ||
        fb_layout_read_map(&m->layout, NULL, err) != 0 ||
        fb_selection_make(&m->selection, &m->layout, &m->options.layout, err) != 0 ||
        fb_catalog_open(&run->source, run->qsocat, err) != 0 ||
        fb_pixel_rows_take(&run->sorted, &run->source, &m->layout, &m->selection, err) != 0 ||
        order_pixels(run, err) != 0)
        return -1;
    return m->options.dry ? 0
                          : fb_deliver_start(&run->catalog, &run->out, &run->source, &run->sorted,
                                             m->finder.ntemplates, fb_stop_signal, err);
}

static int share_rows(struct run *run, struct fb_error *err)
{
    struct fb_pixel_rows *s = &run->sorted;
    size_t npixels = s->pixels.n, nbegin = npixels + 1, nplaced = s->begin ? s->begin[npixels] : 0;
    void *rows = s->rows, *pixels = s->pixels.ids, *begin = s->begin, *order = s->order;
    int failed = fb_ranks_share(&run->m.ranks, &rows, &s->n, sizeof *s->rows, err) != 0 ||
                 fb_ranks_share(&run->m.ranks, &pixels, &s->pixels.n, sizeof *s->pixels.ids, err) != 0 ||
                 fb_ranks_share(&run->m.ranks, &begin, &nbegin, sizeof *s->begin, err) != 0 ||
                 fb_ranks_share(&run->m.ranks, &order, &nplaced, sizeof *s->order, err) != 0;
    s->rows = rows;
    s->pixels.ids = pixels;
    s->begin = begin;
    s->order = order;
    return failed ? -1 : 0;
}

/* The remedy after a signal. */
static const char *what_next(const struct run *run)
{
    if (!run->baldir)
        return "nothing is kept (--baldir would have kept the BAL tables)";
    return run->m.options.clobber ? "the same command without --clobber goes on from the BAL tables"
                                  : "the same command goes on from here";
}

/* Print the summary, whether or not the catalog was written; returns the exit status. */
static int report_run(struct run *run)
{
    const struct fb_pixel_run *p = &run->m.run;
    struct fb_report report;
    int written = fb_catalog_is_due(p, &run->tally), status = FB_EXIT_DONE;

    fb_report_start(&report, p, run->m.argc, run->m.argv);
    /* with --baldir always, named like those of split and append */
    char *log = run->m.options.logfile || run->baldir
                    ? fb_pixels_log_path("run", run->baldir ? run->baldir : ".", run->m.options.logfile,
                                         &run->m.layout.tree)
                    : NULL;
    fb_report_pixels(&report, log);
    fb_print_noted_files("run", &p->used);
    if (fb_print_row_problems(&run->sorted, "run", run->qsocat) || p->nfailed > 0 ||
        fb_tally_lost(&run->tally) > 0)
        status = FB_EXIT_PARTLY;
    fb_report_tally(&report, &run->tally, run->m.finder.templates.name);
    fb_report_print(&report, "run: %zu pixel%s done, %zu kept, %zu failed; %s%s%s%s", p->ndone,
                    fb_s(p->ndone), p->nkept, p->nfailed, run->out.path, written ? "" : " was not written",
                    written && run->out.troughs ? ", troughs in " : "",
                    written && run->out.troughs ? run->out.troughs : "");
    fb_print_usage("run", &p->used, p->nquasars, run->m.start, run->m.ranks.size);
    if (!written && p->gave_up)
        status = FB_EXIT_UNUSABLE;
    else if (!written && !p->signal)
        status = fb_nothing_measured("run", &run->tally, run->out.path);
    fb_report_end(&report, NULL, NULL);
    return fb_pixel_run_stopped(p, what_next(run), status);
}

static int commit_run(struct run *run, struct fb_error *err)
{
    double start = fb_seconds();
    struct fb_balcatalog *catalog = run->catalog;
    run->catalog = NULL;
    run->tally = fb_catalog_tally(&run->sorted, &run->m.run);
    int status = fb_catalog_finish(catalog, &run->m.run, &run->m.finder.made, &run->m.options.layout,
                                   &run->tally, err);
    run->m.run.used.writing += fb_seconds() - start;
    return status;
}

static int report_dry_run(struct run *run)
{
    const struct fb_measuring *m = &run->m;
    int problems = fb_print_row_problems(&run->sorted, "run", run->qsocat);
    return fb_pixel_run_stopped(&m->run, "nothing was written",
                                fb_print_dry_run(&m->run, problems, m->argc, m->argv));
}

static int run_catalog(void *context, struct fb_error *err)
{
    struct run *run = context;
    struct fb_measuring *m = &run->m;
    int status = FB_EXIT_UNUSABLE, failed = fb_layout_find(&m->layout, &m->options.layout, 1, err);

    m->finder.with_troughs = run->out.troughs != NULL;
    if (fb_measuring_compare(m, failed, "the folder of BAL tables", run->baldir, err) == 0 &&
        fb_measuring_prepare(m, prepare_catalog, run, err) == 0 && share_rows(run, err) == 0) {
        m->job.pixels = &run->sorted.pixels;
        m->job.rows = &run->sorted;
        m->job.tables = fb_layout_beside(&m->layout, run->baldir);
        m->job.catalog = run->catalog;
        failed = fb_measuring_run(m, err);
        if (!failed && !fb_ranks_leads(&m->ranks))
            status = FB_EXIT_DONE;
        else if (!failed && m->options.dry)
            status = report_dry_run(run);
        else if (!failed && commit_run(run, err) == 0)
            status = report_run(run);
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

int fb_cmd_run(int argc, char **argv)
{
    struct run run = { .m = { .command = "run",
                              .argc = argc,
                              .argv = argv,
                              .start = fb_seconds(),
                              .options = { FB_MEASURING_DEFAULTS } } };
    struct fb_measuring_options *o = &run.m.options;
    struct fb_option table[] = {
        FB_QSOCAT_OPTION(run.qsocat, 0, "QSO catalog"),
        { "-o", "--outcatfile", FB_OPT_STRING, &run.out.path, .metavar = "FILE", .required = 1,
          .group = FB_GROUP_OUTPUT, .help = "the catalog to write" },
        { NULL, "--troughs", FB_OPT_STRING, &run.out.troughs, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "also write a table of troughs there, one per row" },
        FB_LAYOUT_OPTIONS(o->layout),
        FB_ONLY_OPTION(o->layout),
        FB_MOCKDIR_OPTION(o->layout, 0),
        { "-b -a", "--baldir --altzdir", FB_OPT_STRING, &run.baldir, .metavar = "DIR",
          .help = "write BAL tables there as well, and resume from those that exist" },
        FB_PIXELS_OPTIONS(*o, 0,
                          "log, in --baldir; without --baldir there is none unless a file is named here",
                          "existing outputs"),
        FB_NPROC_OPTION(o->finder.nproc),
        FB_MEASURING_OPTIONS(*o, 0),
        FB_CHUNK_OPTION(o->chunk, 0),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    fb_measuring_begin(&run.m);
    enum fb_options_outcome outcome = fb_options_parse_writer(&run_help, table, argc, argv);
    if (outcome == FB_OPTIONS_RUN)
        outcome = fb_measuring_check(&run.m, table);
    int status = fb_measuring_main(&run.m, outcome, run_catalog, &run);
    fb_pixel_rows_release(&run.sorted);
    fb_table_close(&run.source);
    return status;
}
