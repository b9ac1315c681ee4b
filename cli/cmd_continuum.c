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

struct continuum {
    struct fb_quasars_options options;
    struct fb_quasars quasars;
    const char *out;
    int clobber;
};

/* Write what was measured; returns the exit status. */
static int deliver(const struct continuum *c, struct fb_error *err)
{
    const struct fb_quasars *q = &c->quasars;
    const struct fb_continuum_rows *rows = q->continua.rows;
    const char *qsocat = c->options.qsocat;
    size_t nquasars = rows[FB_CONTINUUM_QUASARS].n, lost = nquasars - q->nmeasured;
    int problems = fb_print_row_problems(&q->sorted, "continuum", qsocat);

    if (fb_stop_signal())
        return fb_stop_status(fb_stop_signal());
    if (q->nmeasured == 0) {
        fb_fail(err, "%s: none of the targets asked for could be measured; %s was not written", qsocat,
                c->out);
        return FB_EXIT_UNUSABLE;
    }
    if (fb_continua_write(&q->continua, c->out, fb_replacing(c->clobber), err) != 0)
        return FB_EXIT_UNUSABLE;
    if (lost > 0)
        fb_print_error("continuum", "%zu of %zu quasars could not be measured: BALSTATUS in QUASARS says why",
                       lost, nquasars);
    fb_print("continuum: %zu quasar%s, %zu pixels, %zu troughs; written to %s", nquasars, fb_s(nquasars),
             rows[FB_CONTINUUM_PIXELS].n, rows[FB_CONTINUUM_TROUGHS].n, c->out);
    return problems || lost > 0 || q->nfailed > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static int measure(void *context, struct fb_error *err)
{
    struct continuum *c = context;
    if (fb_check_sink(c->out, ".ecsv", c->clobber, c->options.qsocat, NULL, err) != 0 ||
        fb_quasars_prepare(&c->quasars, err) != 0)
        return FB_EXIT_UNUSABLE;
    fb_quasars_measure(&c->quasars);
    return deliver(c, err);
}

static const struct fb_command_help continuum_help = {
    .command = "continuum",
    .usage = "-q FILE -r SPECPROD --targetids ID... -o FILE [options]",
    .summary = "Spectra of some quasars with their continua and troughs, for plots.",
    .example = "fastbal continuum -q qso.fits -r loa --targetids 39632936152073654 -o continuum.fits",
};

int fb_cmd_continuum(int argc, char **argv)
{
    struct continuum c = { .options = FB_QUASARS_DEFAULTS,
                           .quasars = { .command = "continuum", .options = &c.options } };
    struct fb_option table[] = { FB_QSOCAT_OPTION(c.options.qsocat, 0, "QSO catalog"),
                                 { "-o", "--outfile", FB_OPT_STRING, &c.out, .metavar = "FILE", .required = 1,
                                   .group = FB_GROUP_OUTPUT,
                                   .help = "the file to write: FITS, or ECSV where it ends in .ecsv" },
                                 FB_CLOBBER_OPTION(c.clobber, 0, "an existing file"),
                                 FB_QUASARS_OPTIONS(c.options),
                                 FB_QUIET_OPTION,
                                 { 0 } };
    enum fb_options_outcome outcome = fb_options_parse_writer(&continuum_help, table, argc, argv);
    if (outcome == FB_OPTIONS_RUN && c.options.layout.targetids.n == 0) {
        fb_print_error("continuum", "option --targetids is required (--help explains it)");
        outcome = FB_OPTIONS_BAD;
    }
    return fb_quasars_main(&c.quasars, outcome, measure, &c);
}
