/*
 * cmd_append.c - fastbal append: combines a QSO catalog and BAL tables into a catalog with BAL columns.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/layout_options.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "desi/baltable.h"
#include "desi/catalog.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/deliver.h"
#include "pipeline/pixel_rows.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"

struct append {
    const char *qsocat, *baldir, *logfile;
    struct fb_catalog_output out;
    int log_here; /* logfile is relative to the current folder, as in the reference's program */
    struct fb_layout_options layout_options;
    int clobber, verbose, alttemp;
    long nproc, chunk;
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_tree tree;    /* of the BAL tables */
    struct fb_table source; /* the QSO catalog */
    struct fb_pixel_rows sorted;
    struct fb_pixel_run run;
    struct fb_balcatalog *catalog;
    struct fb_baltable first;       /* without rows: the templates and fit of the catalog */
    size_t nothers[FB_NPROVENANCE]; /* tables that differ from the first, by keyword */
    struct fb_tally tally;          /* of the catalog's rows */
};

/* ---- one pixel ---- */

static const char *templates_name(const struct fb_baltable *table)
{
    return table->made.templates[0] ? table->made.templates : "without a name";
}

static void count_mixtures(struct append *append, const struct fb_provenance *made)
{
    for (int k = 0; k < FB_NPROVENANCE; k++)
        if (strcmp(fb_provenance_text(made, &fb_provenance_keys[k]),
                   fb_provenance_text(&append->first.made, &fb_provenance_keys[k])) != 0)
            __atomic_fetch_add(&append->nothers[k], 1, __ATOMIC_RELAXED);
}

static enum fb_pixel_outcome append_table(struct append *append, size_t index, const char *path,
                                          struct fb_error *err)
{
    struct fb_pixel_result *result = &append->run.results[index];
    struct fb_baltable table;
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;
    int status = fb_baltable_read(&table, path, append->out.troughs != NULL, err);

    if (status == 0 && table.ntemplates != append->first.ntemplates)
        status = fb_fail(err, "%s: PCA_COEFFS has %d values (templates %s), in other BAL tables %d (%s)",
                         path, table.ntemplates, templates_name(&table), append->first.ntemplates,
                         templates_name(&append->first));
    if (status == 0)
        outcome = fb_deliver_table(append->catalog, &append->sorted, index, &table, result, err);
    if (outcome == FB_PIXEL_DONE)
        count_mixtures(append, &table.made);
    fb_baltable_release(&table);
    return outcome;
}

/* A pixel without a table fails, unless all its rows are outside the redshift range. */
static enum fb_pixel_outcome do_without(struct append *append, size_t index, const char *path,
                                        struct fb_error *err)
{
    const struct fb_pixel_rows *s = &append->sorted;
    size_t n = s->begin[index + 1] - s->begin[index];
    for (size_t i = s->begin[index]; i < s->begin[index + 1]; i++)
        if (fb_in_z_range(s->rows[s->order[i]].z))
            return fb_fail(err, "Did not find BAL table %s", path), FB_PIXEL_FAILED;
    append->run.results[index].tally.n[FB_FATE_OUTSIDE_RANGE] = n;
    return FB_PIXEL_DONE;
}

static enum fb_pixel_outcome append_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct append *append = context;
    char *path = fb_tree_path(&append->tree, "baltable", append->sorted.pixels.ids[index]);
    int there = path ? fb_look_for(path, err) : fb_fail(err, "out of memory");
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;

    (void)thread;
    if (there > 0)
        outcome = append_table(append, index, path, err);
    else if (there == 0)
        outcome = do_without(append, index, path, err);
    free(path);
    return outcome;
}

/* ---- the catalog ---- */

/* Read the templates of the first readable BAL table, with which the others are compared. If none is readable, the length
 * of PCA_COEFFS does not matter, since no catalog is written; if there is no table, that is an error. */
static int look_at_templates(struct append *append, struct fb_error *err)
{
    const struct fb_id_list *pixels = &append->sorted.pixels;
    int there = 0, found = 0, unknown = 0;
    for (size_t i = 0; i < pixels->n && !found; i++) {
        struct fb_error ignored;
        char *path = fb_tree_path(&append->tree, "baltable", pixels->ids[i]);
        int here = path ? fb_look_for(path, err) : fb_fail(err, "out of memory");
        there |= here > 0;
        unknown |= here < 0;
        found = here > 0 && fb_baltable_read_kind(&append->first, path, &ignored) == 0;
        free(path);
    }
    if (!found)
        append->first = (struct fb_baltable){ .ntemplates = 5 };
    if (there || pixels->n == 0)
        return 0;
    if (unknown)
        return -1;
    char *folder = fb_tree_folder(&append->tree);
    fb_fail(err, "%s: there is no BAL table for any of the catalog's %zu pixel%s: 'fastbal find' makes them",
            folder ? folder : append->baldir, pixels->n, fb_s(pixels->n));
    free(folder);
    return -1;
}

static int log_matches(const void *context, FILE *log)
{
    const struct append *append = context;
    size_t n = 0;
    for (size_t i = 0; i < append->sorted.pixels.n; i++)
        n += append->run.results[i].nmatched;
    fprintf(log, "Total matches: %zu\n", n);
    return 0;
}

/* All checks before the catalog is written. */
static int check_inputs(struct append *append, struct fb_error *err)
{
    append->out.clobber = append->clobber;
    if (fb_deliver_check(&append->out, append->qsocat, err) != 0)
        return -1;
    int there = fb_look_for(append->baldir, err);
    if (there <= 0)
        return there < 0 ? -1 : fb_fail(err, "%s: no such folder", append->baldir);
    if (fb_layout_find_tables(&append->layout, &append->layout_options, append->baldir, err) != 0 ||
        fb_layout_read_map(&append->layout, append->baldir, err) != 0 ||
        fb_selection_make(&append->selection, &append->layout, &append->layout_options, err) != 0)
        return -1;
    append->tree = fb_layout_beside(&append->layout, append->baldir);
    return fb_catalog_open(&append->source, append->qsocat, err) != 0
               ? -1
               : fb_pixel_rows_take(&append->sorted, &append->source, &append->layout, &append->selection,
                                    err);
}

static void print_mixtures(const struct append *append)
{
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        const char *first = fb_provenance_text(&append->first.made, key);
        if (append->nothers[k] > 0)
            fb_print_error("append",
                           "%s: %zu of %zu BAL tables differ from the first in %s, which is %s there",
                           append->baldir, append->nothers[k], append->run.ndone, key->words,
                           first[0] ? first : "not known");
    }
}

/* The provenance that all tables share. */
static struct fb_provenance common_provenance(const struct append *append)
{
    struct fb_provenance made = append->first.made;
    for (int k = 0; k < FB_NPROVENANCE; k++)
        if (append->nothers[k] > 0)
            snprintf(fb_provenance_place(&made, &fb_provenance_keys[k]), fb_provenance_keys[k].size, "mixed");
    return made;
}

/* Print the summary, whether or not the catalog was written; returns the exit status. */
static int report_append(const struct append *append, int argc, char **argv)
{
    const struct fb_pixel_run *run = &append->run;
    struct fb_report report;
    int written = fb_catalog_is_due(run, &append->tally), status = FB_EXIT_DONE;

    fb_report_start(&report, run, argc, argv);
    fb_report_pixels(&report,
                     fb_pixels_log_path("append", append->logfile && append->log_here ? "." : append->baldir,
                                        append->logfile, &append->tree));
    if (fb_print_row_problems(&append->sorted, "append", append->qsocat) || run->nfailed > 0 ||
        fb_tally_lost(&append->tally) > 0)
        status = FB_EXIT_PARTLY;
    print_mixtures(append);
    fb_report_tally(&report, &append->tally, NULL);
    fb_report_print(&report, "append: %zu pixel%s done, %zu failed; %s%s%s%s", run->ndone, fb_s(run->ndone),
                    run->nfailed, append->out.path, written ? "" : " was not written",
                    written && append->out.troughs ? ", troughs in " : "",
                    written && append->out.troughs ? append->out.troughs : "");
    if (!written && run->gave_up)
        status = FB_EXIT_UNUSABLE;
    else if (!written && !run->signal)
        status = fb_nothing_measured("append", &append->tally, append->out.path);
    fb_report_end(&report, log_matches, append);
    return fb_pixel_run_stopped(run, "the same command starts again", status);
}

static int commit_append(struct append *append, struct fb_error *err)
{
    struct fb_balcatalog *catalog = append->catalog;
    const struct fb_provenance made = common_provenance(append);
    append->catalog = NULL;
    append->tally = fb_catalog_tally(&append->sorted, &append->run);
    return fb_catalog_finish(catalog, &append->run, &made, &append->layout_options, &append->tally, err);
}

static int append_catalog(struct append *append, int argc, char **argv, struct fb_error *err)
{
    int status = FB_EXIT_UNUSABLE;

    append->run = (struct fb_pixel_run){ .command = "append",
                                         .pixels = &append->sorted.pixels,
                                         .tree = &append->tree,
                                         .nthreads = fb_threads(append->nproc),
                                         .chunk = append->chunk,
                                         .verbose = append->verbose,
                                         .work = append_pixel,
                                         .context = append };
    if (check_inputs(append, err) != 0 || look_at_templates(append, err) != 0 ||
        fb_deliver_start(&append->catalog, &append->out, &append->source, &append->sorted,
                         append->first.ntemplates, fb_stop_signal, err) != 0)
        return status;
    if (fb_pixel_run_all(&append->run, err) == 0 && commit_append(append, err) == 0)
        status = report_append(append, argc, argv);
    fb_balcatalog_discard(append->catalog);
    fb_pixel_run_release(&append->run);
    return status;
}

static const struct fb_command_help append_help = {
    .command = "append",
    .usage = "-q FILE -b DIR -o FILE [options]",
    .summary = "Append BAL columns to a QSO catalog.",
    .example = "fastbal append -q QSO_cat_loa_main_dark_healpix_v2.fits -b $PSCRATCH/bal -o qso-bal.fits",
};

int fb_cmd_append(int argc, char **argv)
{
    struct append append = { .out.path = "qso-balcat.fits",
                             .log_here = fb_is_old_name(argv[0]),
                             .layout_options = { .survey = "main", .program = "dark" },
                             .chunk = 160 };
    struct fb_option table[] = {
        FB_QSOCAT_OPTION(append.qsocat, 1, "QSO catalog"),
        { "-b", "--baldir", FB_OPT_STRING, &append.baldir, .metavar = "DIR", .required = 1, .old = 1,
          .help = "where the BAL tables are: find's --altzdir" },
        { "-o", "--outcatfile", FB_OPT_STRING, &append.out.path, .metavar = "FILE", .old = 1,
          .group = FB_GROUP_OUTPUT, .help = "the catalog to write" },
        { NULL, "--troughs", FB_OPT_STRING, &append.out.troughs, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "also write a table of troughs there, one per row" },
        FB_LAYOUT_OPTIONS(append.layout_options),
        FB_ONLY_OPTION(append.layout_options),
        FB_PIXELS_OPTIONS(append, 1, "log, in --baldir; default: logfile-SURVEY-PROGRAM.txt",
                          "an existing catalog"),
        { "-t", "--alttemp", FB_OPT_FLAG, &append.alttemp, .old = 1, .group = FB_GROUP_SEARCH,
          .help = "no effect: BAL tables record the templates that they were made with" },
        FB_NPROC_OPTION(append.nproc),
        FB_CHUNK_OPTION(append.chunk, 1),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = fb_options_parse_writer(&append_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    fb_stop_watch("append");
    int status = fb_command_ends("append", append_catalog(&append, argc, argv, &err), &err);
    fb_pixel_rows_release(&append.sorted);
    fb_table_close(&append.source);
    fb_selection_release(&append.selection);
    fb_layout_release(&append.layout);
    fb_layout_options_release(&append.layout_options);
    return status;
}
