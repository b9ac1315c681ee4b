/*
 * cmd_continuum.c - fastbal continuum: the spectra of some quasars with their continua and troughs, for plots. They are
 * measured as find and run measure them.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cli/command.h"
#include "cli/options.h"
#include "cli/quasars.h"
#include "cli/summary.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "run/stop.h"

struct continuum_options {
    struct fb_quasars_options quasars;
    const char *out;
    int clobber;
};

static int prepare(struct fb_quasars *q, const struct continuum_options *o, struct fb_error *err)
{
    return fb_check_sink(o->out, ".ecsv", o->clobber, o->quasars.qsocat, NULL, err) != 0 ||
                   fb_quasars_prepare(q, err) != 0
               ? -1
               : 0;
}

/* Write what was measured; returns the exit status. */
static int deliver(struct fb_quasars *q, const struct continuum_options *o, struct fb_error *err)
{
    const struct fb_continuum_rows *rows = q->continua.rows;
    const char *qsocat = o->quasars.qsocat;
    size_t nquasars = rows[FB_CONTINUUM_QUASARS].n, lost = nquasars - q->nmeasured;
    int problems = fb_print_row_problems(&q->sorted, "continuum", qsocat);

    if (fb_stop_signal())
        return fb_stop_status(fb_stop_signal());
    if (q->nmeasured == 0) {
        fb_fail(err, "%s: none of the targets asked for could be measured; %s was not written", qsocat,
                o->out);
        return FB_EXIT_UNUSABLE;
    }
    if (fb_continua_write(&q->continua, o->out, fb_replacing(o->clobber), err) != 0)
        return FB_EXIT_UNUSABLE;
    if (lost > 0)
        fb_print_error("continuum", "%zu of %zu quasars could not be measured: BALSTATUS in QUASARS says why",
                       lost, nquasars);
    fb_print("continuum: %zu quasar%s, %zu pixels, %zu troughs; written to %s", nquasars, fb_s(nquasars),
             rows[FB_CONTINUUM_PIXELS].n, rows[FB_CONTINUUM_TROUGHS].n, o->out);
    return problems || lost > 0 || q->nfailed > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static const struct fb_command_help continuum_help = {
    .command = "continuum",
    .usage = "-q FILE -r SPECPROD --targetids ID... -o FILE [options]",
    .summary = "Spectra of some quasars with their continua and troughs, for plots.",
    .example = "fastbal continuum -q qso.fits -r loa --targetids 39632936152073654 -o continuum.fits",
};

static enum fb_options_outcome parse_options(struct continuum_options *o, int argc, char **argv)
{
    struct fb_option table[] = { { "-q", "--qsocat", FB_OPT_STRING, &o->quasars.qsocat, .metavar = "FILE",
                                   .required = 1, .help = "QSO catalog" },
                                 { "-o", "--outfile", FB_OPT_STRING, &o->out, .metavar = "FILE",
                                   .required = 1, .group = FB_GROUP_OUTPUT,
                                   .help = "the file to write: FITS, or ECSV where it ends in .ecsv" },
                                 FB_CLOBBER_OPTION(o->clobber, 0, "an existing file"),
                                 FB_QUASARS_OPTIONS(o->quasars),
                                 FB_QUIET_OPTION,
                                 { 0 } };
    enum fb_options_outcome outcome = fb_options_parse_writer(&continuum_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    if (o->quasars.layout.targetids.n > 0)
        return fb_finder_options_check("continuum", &o->quasars.finder) ? FB_OPTIONS_RUN : FB_OPTIONS_BAD;
    fb_print_error("continuum", "option --targetids is required (--help explains it)");
    return FB_OPTIONS_BAD;
}

int fb_cmd_continuum(int argc, char **argv)
{
    struct continuum_options options = { .quasars = FB_QUASARS_DEFAULTS };
    struct fb_quasars quasars = { .command = "continuum", .options = &options.quasars };
    struct fb_error err = { "" };
    int status = FB_EXIT_UNUSABLE;

    enum fb_options_outcome outcome = parse_options(&options, argc, argv);
    if (outcome == FB_OPTIONS_STOP)
        return FB_EXIT_DONE;
    options.quasars.finder.nproc = 1;
    fb_stop_watch("continuum");
    if (outcome == FB_OPTIONS_RUN && prepare(&quasars, &options, &err) == 0) {
        fb_quasars_measure(&quasars);
        status = deliver(&quasars, &options, &err);
    }
    if (status == FB_EXIT_UNUSABLE && err.text[0])
        fb_print_error("continuum", "%s", err.text);
    fb_quasars_release(&quasars);
    fb_layout_options_release(&options.quasars.layout);
    return status;
}
