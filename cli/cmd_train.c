/*
 * cmd_train.c - fastbal train: learns a set of templates, with a prior and a misfit, from the spectra of a tree.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/layout_options.h"
#include "cli/summary.h"
#include "desi/template_file.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"
#include "train/absorbed.h"
#include "train/collect.h"
#include "train/train.h"

#define NAME "train"
enum { CHUNK = 50 };

struct train_options {
    struct fb_layout_options layout;
    const char *qsocat, *bals, *out;
    double min_snr;
    long components, nproc;
    int clobber, verbose;
};

struct train {
    const struct train_options *options;
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_pixel_rows rows;
    struct fb_known_troughs known;
    struct fb_collection collection;
    struct fb_pixel_run run;
    struct fb_collected all;
    struct fb_factors factors;
    struct fb_convergence convergence;
};

/* The catalog of troughs that are left out; NULL: none. */
static const char *trough_catalog(const struct train_options *o)
{
    if (!o->bals)
        return o->qsocat;
    return strcmp(o->bals, "none") == 0 ? NULL : o->bals;
}

/* ---- the sample ---- */

static enum fb_pixel_outcome collect_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct train *train = context;
    if (fb_collect_pixel(&train->collection, thread, index, err) != 0)
        return FB_PIXEL_FAILED;
    train->run.results[index].nquasars = train->collection.parts[index].rows[FB_ROW_USED];
    return FB_PIXEL_DONE;
}

/* Checks before anything is read. */
static int check_output(const struct train_options *o, struct fb_error *err)
{
    const char *bals = trough_catalog(o);
    return fb_check_output_name(o->out, err) != 0 || fb_check_apart(o->out, o->qsocat, err) != 0 ||
                   (bals && fb_check_apart(o->out, bals, err) != 0) ||
                   fb_check_output(o->out, o->clobber ? FB_REPLACE : FB_KEEP_EXISTING, err) != 0
               ? -1
               : 0;
}

/* Troughs that stay in the sample would be learnt as a form that continua have. */
static int read_troughs(struct train *train, struct fb_error *err)
{
    const struct train_options *o = train->options;
    struct fb_error why;
    if (!trough_catalog(o) ||
        fb_known_troughs_read(&train->known, trough_catalog(o), o->layout.mock, &why) == 0)
        return 0;
    return fb_fail(err, "%.800s%s", why.text,
                   o->bals ? "" : "; expected a catalog from fastbal run, or --mask-bals FILE, or none");
}

static int prepare(struct train *train, struct fb_error *err)
{
    const struct train_options *o = train->options;
    struct fb_collection *c = &train->collection;
    if (check_output(o, err) != 0 || fb_layout_find(&train->layout, &o->layout, 1, err) != 0 ||
        fb_layout_read_map(&train->layout, NULL, err) != 0 ||
        fb_selection_make(&train->selection, &train->layout, &o->layout, err) != 0 ||
        fb_pixel_rows_read(&train->rows, o->qsocat, &train->layout, &train->selection, err) != 0 ||
        read_troughs(train, err) != 0)
        return -1;
    const int nthreads = fb_threads(o->nproc);
    *c = (struct fb_collection){ .tree = &train->layout.tree,
                                 .rows = &train->rows,
                                 .known = &train->known,
                                 /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are meant */
                                 .readers = calloc((size_t)nthreads, sizeof *c->readers),
                                 .min_snr = o->min_snr,
                                 .parts = calloc(train->rows.pixels.n + 1, sizeof *c->parts) };
    train->run = (struct fb_pixel_run){ .command = NAME,
                                        .pixels = &train->rows.pixels,
                                        .tree = &train->layout.tree,
                                        .nthreads = nthreads,
                                        .chunk = CHUNK,
                                        .verbose = o->verbose,
                                        .work = collect_pixel,
                                        .context = train };
    return c->readers && c->parts ? 0 : fb_fail(err, "out of memory for %zu pixels", train->rows.pixels.n);
}

/* ", 12 outside the redshift range" for each reason. */
static void print_rows(const struct fb_collected *all, double min_snr)
{
    static const char *const words[FB_ROW_USES] = {
        [FB_ROW_OUTSIDE] = "outside the redshift range",
        [FB_ROW_WARNED] = "with a redshift warning",
        [FB_ROW_MISSING] = "not in their pixel's file",
        [FB_ROW_SHORT] = "whose spectra do not reach from 1261 to 2399 A in the rest frame",
        [FB_ROW_NOISY] = "with a signal-to-noise below"
    };
    char text[600] = "";
    size_t used = 0;
    for (int k = FB_ROW_USED + 1; k < FB_ROW_USES; k++)
        if (all->rows[k] > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %zu %s",
                                     used ? "," : "; left out:", all->rows[k], words[k]);
    if (all->rows[FB_ROW_NOISY] > 0)
        snprintf(text + used, sizeof text - used, " %g", min_snr);
    fb_print(NAME ": %zu spectra used%s", all->sample.n, text);
}

/* What is left out of spectra; an error where the catalog of troughs is of other quasars. */
static int report_troughs(const struct train *train, struct fb_error *err)
{
    const struct train_options *o = train->options;
    const struct fb_collected *all = &train->all;
    const char *bals = trough_catalog(o);
    if (bals && all->sample.n > 0 && all->nknown == 0)
        return fb_fail(err, "%s: has none of the %zu quasars of %s that are used", bals, all->sample.n,
                       o->qsocat);
    if (bals)
        fb_print(NAME ": troughs of %zu of them are left out, as in %s", all->nmasked, bals);
    else
        fb_print(NAME ": no troughs are left out");
    if (bals && all->nknown < all->sample.n)
        fb_print_error(NAME, "%s: has only %zu of the %zu quasars that are used", bals, all->nknown,
                       all->sample.n);
    return 0;
}

static int collect(struct train *train, struct fb_error *err)
{
    if (fb_pixel_run_all(&train->run, err) != 0)
        return -1;
    struct fb_report report;
    fb_report_start(&report, &train->run, 0, NULL);
    fb_report_pixels(&report, NULL);
    fb_report_end(&report, NULL, NULL);
    if (train->run.signal)
        return 0;
    if (fb_collect_all(&train->collection, &train->all, err) != 0)
        return -1;
    print_rows(&train->all, train->options->min_snr);
    return report_troughs(train, err);
}

/* ---- the set ---- */

static int write_set(const struct train *train, struct fb_error *err)
{
    const struct train_options *o = train->options;
    struct fb_training origin = { .nspectra = train->all.sample.n,
                                  .nmasked = train->all.nmasked,
                                  .min_snr = o->min_snr,
                                  .seed = FB_ABSORBED_SEED,
                                  .iterations = train->convergence.iterations,
                                  .catalog = fb_base_name(o->qsocat),
                                  .bals = trough_catalog(o) ? fb_base_name(trough_catalog(o)) : "none",
                                  .product = fb_layout_product(&train->layout) };
    struct fb_template_set set = { 0 };
    double *values = fb_trained_values(&train->factors);
    fb_layout_text(&o->layout, origin.options, sizeof origin.options);
    int status = values ? fb_template_set_create(&set, fb_base_name(o->out), FB_TRAIN_CELLS,
                                                 (int)o->components, 1, values, err)
                        : fb_fail(err, "%s: out of memory", o->out);
    if (status == 0)
        status =
            fb_template_set_write(o->out, o->clobber ? FB_REPLACE : FB_KEEP_EXISTING, &set, &origin, err);
    if (status == 0)
        fb_print(NAME ": %s: %ld components, checksum %s", o->out, o->components, set.sum);
    fb_template_set_release(&set);
    free(values);
    return status;
}

static void print_convergence(const struct fb_convergence *c)
{
    fb_print(NAME ": %d iterations, the last of which changed -2 ln(likelihood) by %.2g a cell",
             c->iterations, c->change);
    if (!c->converged)
        fb_print_error(NAME, "not converged after %d iterations: expected a change below %g, found %.2g",
                       c->iterations, FB_TRAIN_LIMIT, c->change);
}

/* Returns the exit status. */
static int train_set(struct train *train, struct fb_error *err)
{
    const struct train_options *o = train->options;
    if (prepare(train, err) != 0 || collect(train, err) != 0)
        return FB_EXIT_UNUSABLE;
    if (train->run.signal)
        return fb_pixel_run_stopped(&train->run, "the same command starts again", FB_EXIT_UNUSABLE);
    if (fb_train(&train->factors, &train->all.sample, (size_t)o->components, FB_TRAIN_TROUGH_WEIGHT,
                 train->run.nthreads, &train->convergence, err) != 0)
        return FB_EXIT_UNUSABLE;
    print_convergence(&train->convergence);
    if (write_set(train, err) != 0)
        return FB_EXIT_UNUSABLE;
    const int problems = fb_print_row_problems(&train->rows, NAME, o->qsocat);
    return problems || train->run.nfailed > 0 || !train->convergence.converged ? FB_EXIT_PARTLY
                                                                               : FB_EXIT_DONE;
}

static void release(struct train *train)
{
    for (int i = 0; train->collection.readers && i < train->run.nthreads; i++)
        fb_spectra_close(train->collection.readers[i]);
    for (size_t i = 0; train->collection.parts && i < train->rows.pixels.n; i++)
        fb_collected_release(&train->collection.parts[i]);
    free(train->collection.readers);
    free(train->collection.parts);
    fb_collected_release(&train->all);
    fb_pixel_run_release(&train->run);
    fb_known_troughs_release(&train->known);
    fb_pixel_rows_release(&train->rows);
    fb_selection_release(&train->selection);
    fb_layout_release(&train->layout);
}

/* ---- the command ---- */

static const struct fb_command_help train_help = {
    .command = NAME,
    .usage = "-q FILE -r SPECPROD -o FILE [options]",
    .summary = "Learn continuum templates from spectra.",
    .example = "fastbal train -q qso-bal.fits -r loa -s main -m dark -o templates.fits",
};

static enum fb_options_outcome parse_train_options(struct train_options *o, int argc, char **argv)
{
    struct fb_option table[] = {
        { "-q", "--qsocat", FB_OPT_STRING, &o->qsocat, .metavar = "FILE", .required = 1,
          .help = "QSO catalog, with BAL columns: their troughs are left out" },
        { "-o", "--outfile", FB_OPT_STRING, &o->out, .metavar = "FILE", .required = 1,
          .group = FB_GROUP_OUTPUT, .help = "the templates to write, for --templates" },
        FB_LAYOUT_OPTIONS(o->layout),
        FB_ONLY_OPTION(o->layout),
        { NULL, "--mockdir", FB_OPT_STRING, &o->layout.mockdir, .metavar = "DIR",
          .help = "the folder of the mock's spectra-16" },
        { NULL, "--mask-bals", FB_OPT_STRING, &o->bals, .metavar = "FILE", .group = FB_GROUP_SEARCH,
          .help = "leave out the troughs of another catalog with BAL columns; or none" },
        { NULL, "--components", FB_OPT_INT, &o->components, .metavar = "N", .min = FB_TRAIN_LEAST_COMPONENTS,
          .max = FB_TRAIN_MOST_COMPONENTS, .group = FB_GROUP_SEARCH,
          .help = "templates, the first of which is the mean spectrum" },
        { NULL, "--min-snr", FB_OPT_FLOAT, &o->min_snr, .metavar = "S", .min = 0, .max = 1e6,
          .group = FB_GROUP_SEARCH, .help = "leave out spectra with a lower mean of flux/sigma a pixel" },
        FB_NPROC_OPTION(o->nproc),
        { "-c", "--clobber --overwrite", FB_OPT_FLAG, &o->clobber, .group = FB_GROUP_OUTPUT,
          .help = "replace an existing file" },
        FB_QUIET_OPTION,
        { "-v", "--verbose", FB_OPT_FLAG, &o->verbose, .group = FB_GROUP_RUN,
          .help = "say how far the reading is" },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    return fb_options_parse_writer(&train_help, table, argc, argv);
}

int fb_cmd_train(int argc, char **argv)
{
    struct train_options options = { .layout = { .survey = "main", .program = "dark", .only = "spectype" },
                                     .min_snr = 1,
                                     .components = FB_TRAIN_COMPONENTS };
    struct train *train = calloc(1, sizeof *train);
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = parse_train_options(&options, argc, argv);
    int status = outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    if (outcome == FB_OPTIONS_RUN && !train)
        fb_fail(&err, "out of memory");
    if (outcome == FB_OPTIONS_RUN && train) {
        train->options = &options;
        fb_stop_watch(NAME);
        status = train_set(train, &err);
    }
    if (status == FB_EXIT_UNUSABLE && err.text[0])
        fb_print_error(NAME, "%s", err.text);
    if (status == FB_EXIT_UNUSABLE && fb_stop_signal())
        status = fb_stop_status(fb_stop_signal());
    if (train)
        release(train);
    free(train);
    fb_layout_options_release(&options.layout);
    return status;
}
