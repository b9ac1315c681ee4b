/*
 * cmd_report.c - fastbal report: a page about a catalog, with the spectra of its BALs to look at.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/command.h"
#include "cli/options.h"
#include "cli/quasars.h"
#include "cli/summary.h"
#include "desi/id_rows.h"
#include "fits/unpack.h"
#include "report/catalog_page.h"
#include "run/message.h"
#include "run/stop.h"

struct report {
    struct fb_quasars_options options; /* their qsocat is the catalog */
    const char *out;
    long nspectra;
    int clobber;
    struct fb_contents contents;
    struct fb_id_row *choices; /* owned, sorted: quasars of the contents whose spectra are wanted */
    unsigned char *drawn;      /* owned: of each of them, its spectrum has been measured */
    size_t nchoices, nabsent;  /* nabsent: not in their coadd */
    struct fb_quasars quasars;
    int measured; /* spectra were asked for, and there is a tree */
    struct fb_drawn_list spectra;
    struct fb_error note;
};

/* ---- which spectra ---- */

/* Where targets were asked for, those, else the BALs; and where there are more than --spectra, as many of them evenly spread
 * over the catalog. */
static int choose(struct report *r, struct fb_error *err)
{
    const struct fb_contents *q = &r->contents;
    const struct fb_id_list *asked = &r->options.layout.targetids;
    size_t limit = (size_t)r->nspectra, n = 0;
    size_t *places = malloc((q->nlisted + 1) * sizeof *places);
    for (size_t i = 0; places && i < q->nlisted; i++)
        if (asked->n == 0 || fb_id_list_find(asked, q->listed[i].targetid) < asked->n)
            places[n++] = i;
    r->nchoices = n < limit ? n : limit;
    r->choices = malloc((r->nchoices + 1) * sizeof *r->choices);
    r->drawn = calloc(r->nchoices + 1, 1);
    for (size_t k = 0; places && r->choices && k < r->nchoices; k++) {
        size_t place = places[(size_t)((double)k * (double)n / (double)r->nchoices)];
        r->choices[k] = (struct fb_id_row){ q->listed[place].targetid, place };
    }
    int failed = !places || !r->choices || !r->drawn;
    free(places);
    if (failed)
        return fb_fail(err, "%s: out of memory for %zu quasars", r->options.qsocat, q->nlisted);
    fb_id_rows_sort(r->choices, r->nchoices);
    return 0;
}

/* The choice with this target and redshift that has no spectrum yet; nchoices where there is none. */
static size_t find_choice(const struct report *r, const struct fb_redshift *redshift)
{
    const size_t n = r->nchoices;
    for (size_t k = fb_id_rows_find(r->choices, n, redshift->targetid);
         k < n && r->choices[k].targetid == redshift->targetid; k++) {
        double z = r->contents.listed[r->choices[k].row].number[FB_QUASAR_Z];
        if (!r->drawn[k] && fabs(z - redshift->z) < FB_SAME_REDSHIFT)
            return k;
    }
    return n;
}

/* ---- measuring them ---- */

static int take(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                const struct fastbal_result *result, struct fb_error *err)
{
    struct report *r = context;
    const size_t choice = find_choice(r, redshift);
    const struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, redshift->z };
    fb_continua_release(&r->quasars.continua); /* the page keeps less of them */
    if (choice == r->nchoices)
        return 0;
    r->drawn[choice] = 1;
    if (!s->found) {
        r->nabsent++;
        return 0;
    }
    return fb_drawn_add(&r->spectra, r->choices[choice].row, r->quasars.finder.templates.templates, &spectrum,
                        result, err);
}

static int has_tree(const struct fb_layout_options *o)
{
    return o->release || o->tree || o->mockdir || getenv("SPECPROD");
}

/* Measure the chosen spectra. Leaves a note where some are missing. */
static int measure(struct report *r, struct fb_error *err)
{
    size_t asked = r->nchoices;
    if (!has_tree(&r->options.layout) && r->options.layout.targetids.n > 0)
        return fb_fail(err, "option --targetids asks for spectra: give --release or --tree, where they are");
    if (!has_tree(&r->options.layout) || asked == 0) {
        if (asked > 0)
            fb_error_set(&r->note, "No tree of spectra was given (--release or --tree), so there are none.");
        return 0;
    }
    r->measured = 1;
    for (size_t k = 0; k < asked; k++)
        if (fb_id_list_add(&r->quasars.chosen, r->choices[k].targetid) != 0)
            return fb_fail(err, "out of memory for %zu targets", asked);
    fb_id_list_sort(&r->quasars.chosen);
    if (fb_quasars_prepare(&r->quasars, err) != 0)
        return -1;
    fb_quasars_measure(&r->quasars);
    if (r->spectra.n < asked)
        fb_error_set(&r->note,
                     "%zu of %zu spectra are missing: %zu not in their file, %zu file%s could not be read.",
                     asked - r->spectra.n, asked, r->nabsent, r->quasars.nfailed, fb_s(r->quasars.nfailed));
    return 0;
}

/* ---- the command ---- */

static int prepare(struct report *r, struct fb_error *err)
{
    const char *dot = strrchr(r->out, '.');
    if (fb_catalog_page_check(err) != 0)
        return -1;
    if (!dot || strcasecmp(dot, ".html") != 0)
        return fb_fail(err, "%s: expected the name of a page to write, which ends in .html", r->out);
    if (fb_check_sink(r->out, ".html", r->clobber, r->options.qsocat, NULL, err) != 0)
        return -1;
    fb_id_list_sort(&r->options.layout.targetids);
    if (fb_catalog_open(&r->quasars.catalog, r->options.qsocat, err) != 0 ||
        fb_contents_read(&r->contents, &r->quasars.catalog, &r->options.layout.targetids, err) != 0)
        return -1;
    return choose(r, err);
}

/* Write the page; returns the exit status. */
static int deliver(struct report *r, struct fb_error *err)
{
    const struct fb_contents *q = &r->contents;
    const struct fb_catalog_page page = { r->options.qsocat, q, &r->spectra, r->nchoices,
                                          r->note.text[0] ? r->note.text : NULL };
    int problems = r->measured ? fb_print_row_problems(&r->quasars.sorted, "report", r->options.qsocat) : 0;

    if (fb_stop_signal())
        return fb_stop_status(fb_stop_signal());
    if (fb_drawn_close(&r->spectra, err) != 0 ||
        fb_catalog_page_write(&page, r->out, fb_replacing(r->clobber), err) != 0)
        return FB_EXIT_UNUSABLE;
    if (r->measured && r->note.text[0])
        fb_print_error("report", "%s", r->note.text);
    fb_print("report: %zu row%s, %zu BAL%s, %zu spectr%s%s; written to %s", q->nrows, fb_s(q->nrows),
             q->nbals, fb_s(q->nbals), r->spectra.n, r->spectra.n == 1 ? "um" : "a",
             !r->measured && r->nchoices > 0 ? " (no tree was given: --release or --tree)" : "", r->out);
    return problems || (r->measured && r->spectra.n < r->nchoices) ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

static int make_report(void *context, struct fb_error *err)
{
    struct report *r = context;
    return prepare(r, err) == 0 && measure(r, err) == 0 ? deliver(r, err) : FB_EXIT_UNUSABLE;
}

static const struct fb_command_help report_help = {
    .command = "report",
    .usage = "CATALOG [-r SPECPROD] -o FILE.html [options]",
    .summary = "A page about a catalog with BAL columns, with an inspector for the spectra of its BALs.",
    .example = "fastbal report qso-bal.fits -r loa -o report.html",
};

int fb_cmd_report(int argc, char **argv)
{
    struct report r = { .options = FB_QUASARS_DEFAULTS,
                        .nspectra = 500,
                        .quasars = {
                            .command = "report", .options = &r.options, .take = take, .context = &r } };
    struct fb_option table[] = { { NULL, NULL, FB_OPT_POSITIONAL, &r.options.qsocat, .metavar = "CATALOG",
                                   .required = 1, .help = "a catalog with BAL columns, or a BAL table" },
                                 { "-o", "--outfile", FB_OPT_STRING, &r.out, .metavar = "FILE", .required = 1,
                                   .group = FB_GROUP_OUTPUT, .help = "the page to write, .html" },
                                 FB_QUASARS_OPTIONS(r.options),
                                 { NULL, "--spectra", FB_OPT_INT, &r.nspectra, .metavar = "N", .min = 0,
                                   .max = 20000, .group = FB_GROUP_OUTPUT,
                                   .help = "largest number of spectra in the page; each takes about 14 kB" },
                                 FB_CLOBBER_OPTION(r.clobber, 0, "an existing file"),
                                 FB_QUIET_OPTION,
                                 { 0 } };
    int status = fb_quasars_main(&r.quasars, fb_options_parse_writer(&report_help, table, argc, argv),
                                 make_report, &r);
    fb_drawn_release(&r.spectra);
    fb_contents_release(&r.contents);
    free(r.choices);
    free(r.drawn);
    return status;
}
