/*
 * cmd_continuum.c - fastbal continuum: the spectra of some quasars with their continua and troughs, for plots. They are
 * measured as find and run measure them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "cli/command.h"
#include "cli/finder_options.h"
#include "cli/layout_options.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "desi/continuum_file.h"
#include "desi/layout.h"
#include "desi/spectra_paths.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/finder.h"
#include "pipeline/pixel_rows.h"
#include "run/message.h"
#include "run/stop.h"

struct continuum_options {
    const char *qsocat, *out;
    struct fb_layout_options layout;
    struct fb_finder_options finder;
    int clobber;
};

struct continuum {
    const struct continuum_options *options;
    struct fb_layout layout;
    struct fb_selection selection;
    struct fb_pixel_rows sorted;
    struct fb_finder finder;
    struct fb_continua continua;
    size_t nmeasured, nfailed; /* quasars; pixels */
};

static int take(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                const struct fastbal_result *result, struct fb_error *err)
{
    struct continuum *c = context;
    const struct fastbal_spectrum spectrum = { s->found ? s->n : 0, s->wavelength, s->flux, s->ivar,
                                               redshift->z };
    c->nmeasured += !(result->status & FASTBAL_NOT_MEASURED);
    return fb_continua_add(&c->continua, c->finder.templates.templates, redshift->targetid, &spectrum,
                           result) == 0
               ? 0
               : fb_fail(err, "out of memory for target %lld", (long long)redshift->targetid);
}

static int measure_pixel(struct continuum *c, size_t index, struct fb_error *err)
{
    struct fb_redshifts redshifts = { 0 };
    char *path = fb_spectra_path(&c->layout.tree, c->sorted.pixels.ids[index], err);
    int failed = !path || fb_pixel_rows_choose(&c->sorted, index, &redshifts, err) != 0 ||
                 fb_need_file(path, "spectra", err) != 0 ||
                 fb_measure_each(&c->finder.measurers[0], path, &redshifts, take, c, err) != 0;
    fb_redshifts_release(&redshifts);
    free(path);
    return failed ? -1 : 0;
}

/* A pixel that can't be read is told of, and the others are measured. */
static void measure_all(struct continuum *c)
{
    struct fb_error err;
    for (size_t k = 0; k < c->sorted.pixels.n && !fb_stop_signal(); k++) {
        if (measure_pixel(c, k, &err) == 0)
            continue;
        fb_print_error("continuum", "%s", err.text);
        c->nfailed++;
    }
}

static int prepare(struct continuum *c, struct fb_error *err)
{
    const struct continuum_options *o = c->options;
    if (fb_check_output_or(o->out, ".ecsv", o->clobber ? FB_REPLACE : FB_KEEP_EXISTING, err) != 0 ||
        fb_check_apart(o->out, o->qsocat, err) != 0 || fb_layout_find(&c->layout, &o->layout, 1, err) != 0)
        return -1;
    snprintf(c->finder.made.product, sizeof c->finder.made.product, "%s", fb_layout_product(&c->layout));
    if (fb_finder_prepare(&c->finder, &o->finder, err) != 0)
        return -1;
    if (c->finder.templates.note[0])
        fb_print_error("continuum", "%s", c->finder.templates.note);
    c->continua.ntemplates = c->finder.ntemplates;
    c->continua.made = c->finder.made;
    return fb_layout_read_map(&c->layout, NULL, err) != 0 ||
                   fb_selection_make(&c->selection, &c->layout, &o->layout, err) != 0 ||
                   fb_pixel_rows_read(&c->sorted, o->qsocat, &c->layout, &c->selection, err) != 0
               ? -1
               : 0;
}

/* Write what was measured; returns the exit status. */
static int deliver(struct continuum *c, struct fb_error *err)
{
    const struct continuum_options *o = c->options;
    const struct fb_continuum_rows *rows = c->continua.rows;
    size_t nquasars = rows[FB_CONTINUUM_QUASARS].n, lost = nquasars - c->nmeasured;
    int problems = fb_print_row_problems(&c->sorted, "continuum", o->qsocat);

    if (fb_stop_signal())
        return fb_stop_status(fb_stop_signal());
    if (c->nmeasured == 0) {
        fb_fail(err, "%s: none of the targets asked for could be measured; %s was not written", o->qsocat,
                o->out);
        return FB_EXIT_UNUSABLE;
    }
    if (fb_continua_write(&c->continua, o->out, o->clobber ? FB_REPLACE : FB_KEEP_EXISTING, err) != 0)
        return FB_EXIT_UNUSABLE;
    if (lost > 0)
        fb_print_error("continuum", "%zu of %zu quasars could not be measured: BALSTATUS in QUASARS says why",
                       lost, nquasars);
    fb_print("continuum: %zu quasar%s, %zu pixels, %zu troughs; written to %s", nquasars, fb_s(nquasars),
             rows[FB_CONTINUUM_PIXELS].n, rows[FB_CONTINUUM_TROUGHS].n, o->out);
    return problems || lost > 0 || c->nfailed > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static void release(struct continuum *c)
{
    fb_continua_release(&c->continua);
    fb_finder_release(&c->finder);
    fb_pixel_rows_release(&c->sorted);
    fb_selection_release(&c->selection);
    fb_layout_release(&c->layout);
}

static const struct fb_command_help continuum_help = {
    .command = "continuum",
    .usage = "-q FILE -r SPECPROD --targetids ID... -o FILE [options]",
    .summary = "Spectra of some quasars with their continua and troughs, for plots.",
    .example = "fastbal continuum -q qso.fits -r loa --targetids 39632936152073654 -o continuum.fits",
};

static enum fb_options_outcome parse_options(struct continuum_options *o, int argc, char **argv)
{
    struct fb_option table[] = { { "-q", "--qsocat", FB_OPT_STRING, &o->qsocat, .metavar = "FILE",
                                   .required = 1, .help = "QSO catalog" },
                                 { "-o", "--outfile", FB_OPT_STRING, &o->out, .metavar = "FILE",
                                   .required = 1, .group = FB_GROUP_OUTPUT,
                                   .help = "the file to write: FITS, or ECSV where it ends in .ecsv" },
                                 FB_LAYOUT_OPTIONS(o->layout),
                                 { NULL, "--mockdir", FB_OPT_STRING, &o->layout.mockdir, .metavar = "DIR",
                                   .help = "the folder of the mock's spectra-16" },
                                 { "-t", "--alttemp", FB_OPT_FLAG, &o->finder.alttemp,
                                   .group = FB_GROUP_SEARCH, .help = "the same as --templates brodzeller" },
                                 FB_FINDER_OPTIONS(o->finder),
                                 { "-c", "--clobber --overwrite", FB_OPT_FLAG, &o->clobber,
                                   .group = FB_GROUP_OUTPUT, .help = "replace an existing file" },
                                 FB_MAX_UNPACKED_OPTION,
                                 { 0 } };
    enum fb_options_outcome outcome = fb_options_parse_writer(&continuum_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    if (o->layout.targetids.n > 0)
        return fb_finder_options_check("continuum", &o->finder) ? FB_OPTIONS_RUN : FB_OPTIONS_BAD;
    fb_print_error("continuum", "option --targetids is required (--help explains it)");
    return FB_OPTIONS_BAD;
}

int fb_cmd_continuum(int argc, char **argv)
{
    struct continuum_options options = { .layout = { .survey = "main", .program = "dark" },
                                         .finder = FB_FINDER_DEFAULTS };
    struct continuum c = { .options = &options };
    struct fb_error err = { "" };
    int status = FB_EXIT_UNUSABLE;

    enum fb_options_outcome outcome = parse_options(&options, argc, argv);
    if (outcome == FB_OPTIONS_STOP)
        return FB_EXIT_DONE;
    options.finder.nproc = 1;
    fb_stop_watch("continuum");
    if (outcome == FB_OPTIONS_RUN && prepare(&c, &err) == 0) {
        measure_all(&c);
        status = deliver(&c, &err);
    }
    if (status == FB_EXIT_UNUSABLE && err.text[0])
        fb_print_error("continuum", "%s", err.text);
    release(&c);
    fb_layout_options_release(&options.layout);
    return status;
}
