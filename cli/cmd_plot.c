/*
 * cmd_plot.c - fastbal plot: pictures of the spectra of some quasars with their continua and troughs. They are measured as
 * find and run measure them.
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
#include "desi/balquasars.h"
#include "desi/id_rows.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "plot/figure.h"
#include "run/message.h"
#include "run/stop.h"

enum { MOST_BALS = 10000, MOST_ACROSS = 10, MOST_SMOOTH = 999 };

struct plot {
    struct fb_quasars_options asked;
    const char *coadd, *zcat, *out, *data, *grid, *frame, *range;
    long bals, smooth;
    int clobber;
    struct fb_plot_style style; /* made of these */
    const char *suffix;         /* of out */

    const struct fb_plotter *plotter;
    struct fb_quasars quasars;
    struct fb_redshifts redshifts;   /* of --zcat */
    struct fb_id_list found;         /* of these, those found to be BAL quasars */
    struct fb_plot_figure *figures;  /* owned, with their arrays */
    size_t nfigures, room, nmissing; /* nmissing: quasars without a spectrum */
    size_t npixels;                  /* of the continua that earlier figures have */
};

/* ---- figures ---- */

static void add_troughs(struct fb_plot_figure *f, double line, const struct fastbal_troughs *t, int balnicity)
{
    for (int k = 0; k < t->count; k++)
        f->troughs[f->ntroughs++] = (struct fb_plot_trough){ line, t->vmin[k], t->vmax[k], balnicity };
}

/* The continuum where the last rows of the continua have it. */
static void take_continuum(const struct plot *p, struct fb_plot_figure *f)
{
    const struct fb_continuum_rows *rows = &p->quasars.continua.rows[FB_CONTINUUM_PIXELS];
    size_t row = p->npixels;
    for (size_t i = 0; i < f->n; i++) {
        const double *numbers = row < rows->n ? rows->numbers + row * rows->width : NULL;
        int has = numbers && numbers[0] <= f->wavelength[i];
        f->continuum[i] = has ? numbers[4] : NAN;
        row += (size_t)has;
    }
}

/* All arrays of numbers are in the memory of the first. */
static int fill_figure(const struct plot *p, struct fb_plot_figure *f, const struct fb_spectrum *s)
{
    f->n = s->n;
    f->wavelength = malloc((4 * s->n + 1) * sizeof *f->wavelength);
    f->troughs = calloc(2 * (FASTBAL_MAX_AI + FASTBAL_MAX_BI), sizeof *f->troughs);
    if (!f->wavelength || !f->troughs)
        return -1;
    f->flux = f->wavelength + f->n;
    f->ivar = f->flux + f->n;
    f->continuum = f->ivar + f->n;
    memcpy(f->wavelength, s->wavelength, f->n * sizeof *f->wavelength);
    memcpy(f->flux, s->flux, f->n * sizeof *f->flux);
    memcpy(f->ivar, s->ivar, f->n * sizeof *f->ivar);
    take_continuum(p, f);
    return 0;
}

static int take(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                const struct fastbal_result *r, struct fb_error *err)
{
    struct plot *p = context;
    if (!s->found) {
        p->nmissing++;
        return 0;
    }
    if (p->nfigures == p->room) {
        size_t room = 2 * p->room + 16;
        struct fb_plot_figure *grown = realloc(p->figures, room * sizeof *grown);
        if (!grown)
            return fb_fail(err, "out of memory for target %lld", (long long)redshift->targetid);
        p->figures = grown;
        p->room = room;
    }
    struct fb_plot_figure *f = &p->figures[p->nfigures++];
    *f = (struct fb_plot_figure){ .targetid = redshift->targetid,
                                  .z = redshift->z,
                                  .status = r->status,
                                  .measured = !(r->status & FASTBAL_NOT_MEASURED),
                                  .ai = r->civ.ai.index,
                                  .ai_error = r->civ.ai.error,
                                  .bi = r->civ.bi.index,
                                  .bi_error = r->civ.bi.error,
                                  .snr = r->snr_civ,
                                  .chi2 = r->chi2 };
    if (fill_figure(p, f, s) != 0)
        return fb_fail(err, "out of memory for target %lld", (long long)redshift->targetid);
    add_troughs(f, 1549, &r->civ.ai, 0);
    add_troughs(f, 1549, &r->civ.bi, 1);
    add_troughs(f, 1398, &r->siiv.ai, 0);
    add_troughs(f, 1398, &r->siiv.bi, 1);
    p->npixels = p->quasars.continua.rows[FB_CONTINUUM_PIXELS].n;
    return 0;
}

static int by_order(const void *a, const void *b)
{
    const struct fb_plot_figure *f = a, *g = b;
    if (f->order != g->order)
        return f->order < g->order ? -1 : 1;
    return (f->z > g->z) - (f->z < g->z);
}

/* Figures come in the order of the catalog. */
static int sort_figures(struct plot *p, const struct fb_redshift *rows, size_t n, struct fb_error *err)
{
    const size_t nfigures = p->nfigures;
    struct fb_id_row *ids = malloc((nfigures + 1) * sizeof *ids);
    if (!ids)
        return fb_fail(err, "out of memory for %zu figures", nfigures);
    for (size_t k = 0; k < nfigures; k++)
        ids[k] = (struct fb_id_row){ p->figures[k].targetid, k };
    fb_id_rows_sort(ids, nfigures);
    for (size_t i = n; i-- > 0;) /* the first row of a target has the last word */
        for (size_t k = fb_id_rows_find(ids, nfigures, rows[i].targetid);
             k < nfigures && ids[k].targetid == rows[i].targetid; k++)
            p->figures[ids[k].row].order = i;
    free(ids);
    if (nfigures > 0)
        qsort(p->figures, nfigures, sizeof *p->figures, by_order);
    return 0;
}

/* ---- which quasars ---- */

static int need_bals(size_t n, const char *path, struct fb_error *err)
{
    return n > 0 ? 0 : fb_fail(err, "%s: no BAL quasar (AI_CIV > 0) among those selected", path);
}

/* --bals: the first BAL quasars of the catalog, of the rows that are selected. */
static int choose_of_catalog(struct plot *p, struct fb_error *err)
{
    const struct fb_pixel_rows *sorted = &p->quasars.sorted;
    const char *path = p->asked.qsocat;
    struct fb_balquasars bals;
    unsigned char *selected = calloc(sorted->n + 1, 1);
    struct fb_error why;
    int status = selected ? 0 : fb_fail(err, "%s: out of memory for %zu rows", path, sorted->n);
    if (status == 0 && fb_balquasars_read(&bals, &p->quasars.catalog, &why) != 0)
        status = fb_fail(err, "%.900s (--bals reads the BAL columns that run and append write)", why.text);
    for (size_t k = 0; status == 0 && sorted->pixels.n > 0 && k < sorted->begin[sorted->pixels.n]; k++)
        selected[sorted->order[k]] = 1;
    for (size_t i = 0; status == 0 && i < sorted->n && p->quasars.chosen.n < (size_t)p->bals; i++)
        if (selected[i] && bals.begin[i + 1] > bals.begin[i] &&
            fb_id_list_add(&p->quasars.chosen, sorted->rows[i].targetid) != 0)
            status = fb_fail(err, "%s: out of memory for %zu rows", path, sorted->n);
    if (selected)
        fb_balquasars_release(&bals);
    free(selected);
    fb_id_list_sort(&p->quasars.chosen);
    return status == 0 ? need_bals(p->quasars.chosen.n, path, err) : -1;
}

static int choose_if_bal(void *context, const struct fb_spectrum *s, const struct fb_redshift *redshift,
                         const struct fastbal_result *r, struct fb_error *err)
{
    struct plot *p = context;
    (void)s;
    if (!(r->civ.ai.index > 0))
        return 0;
    return fb_id_list_add(&p->found, redshift->targetid) == 0
               ? 0
               : fb_fail(err, "out of memory for target %lld", (long long)redshift->targetid);
}

/* The same of a coadd file, which has to be measured first: the first in the order of --zcat. */
static int choose_of_file(struct plot *p, struct fb_error *err)
{
    struct fb_quasars *q = &p->quasars;
    size_t kept = 0;
    q->take = choose_if_bal;
    if (fb_quasars_measure_file(q, p->coadd, &p->redshifts, err) != 0)
        return -1;
    q->take = take;
    fb_continua_release(&q->continua);
    q->nmeasured = 0;
    fb_id_list_sort(&p->found);
    for (size_t i = 0; i < p->redshifts.n && kept < (size_t)p->bals; i++)
        if (fb_id_list_find(&p->found, p->redshifts.rows[i].targetid) < p->found.n)
            p->redshifts.rows[kept++] = p->redshifts.rows[i];
    p->redshifts.n = kept;
    return need_bals(kept, p->coadd, err);
}

/* ---- the command ---- */

/* Outputs are checked, and the module is loaded, before anything is measured. */
static int check_outputs(struct plot *p, struct fb_error *err)
{
    const char *input = p->coadd ? p->coadd : p->asked.qsocat;
    if (fb_check_sink(p->out, p->suffix, p->clobber, input, p->zcat, err) != 0 ||
        (p->data && fb_check_sink(p->data, ".ecsv", p->clobber, input, p->zcat, err) != 0))
        return -1;
    p->plotter = fb_plotter_load(err);
    return p->plotter ? 0 : -1;
}

/* Measure quasars of a catalog. */
static int measure_catalog(struct plot *p, struct fb_error *err)
{
    struct fb_quasars *q = &p->quasars;
    if (fb_quasars_prepare(q, err) != 0)
        return -1;
    if (p->bals > 0 && choose_of_catalog(p, err) != 0)
        return -1;
    if (!(q->finder.measurers[0].spectra = fb_spectra_create_whole()))
        return fb_fail(err, "out of memory");
    fb_quasars_measure(q);
    return sort_figures(p, q->sorted.rows, q->sorted.n, err);
}

/* Measure quasars of a coadd file. */
static int measure_file(struct plot *p, struct fb_error *err)
{
    struct fb_quasars *q = &p->quasars;
    const struct fb_id_list *wanted = &p->asked.layout.targetids;
    if (fb_need_file(p->coadd, "spectra", err) != 0 || fb_need_file(p->zcat, "redshift catalog", err) != 0 ||
        fb_quasars_prepare_finder(q, "", err) != 0 || fb_redshifts_read(&p->redshifts, p->zcat, err) != 0)
        return -1;
    for (size_t k = 0; k < wanted->n; k++)
        if (fb_id_list_add(&q->chosen, wanted->ids[k]) != 0)
            return fb_fail(err, "out of memory for %zu targets", wanted->n);
    fb_id_list_sort(&q->chosen);
    if (!(q->finder.measurers[0].spectra = fb_spectra_create_whole()))
        return fb_fail(err, "out of memory");
    if (p->bals > 0 && choose_of_file(p, err) != 0)
        return -1;
    return fb_quasars_measure_file(q, p->coadd, &p->redshifts, err) != 0
               ? -1
               : sort_figures(p, p->redshifts.rows, p->redshifts.n, err);
}

/* The name of a page's file: NAME-02.png where there are several. The caller frees it. */
static char *page_name(const struct plot *p, size_t page, size_t npages)
{
    int length = (int)(strlen(p->out) - strlen(p->suffix)), digits = snprintf(NULL, 0, "%zu", npages);
    return npages > 1 ? fb_format("%.*s-%0*zu%s", length, p->out, digits, page + 1, p->out + length)
                      : strdup(p->out);
}

static int write_page(const struct plot *p, const char *path, size_t first, size_t n, struct fb_error *err)
{
    struct fb_plot_picture picture = { 0 };
    const char *wrong = p->plotter->draw(p->figures + first, n, &p->style, &picture);
    int status = wrong ? fb_fail(err, "%s: can't draw: %s", path, wrong)
                       : fb_write_output(path, fb_replacing(p->clobber), picture.bytes, picture.n, err);
    free(picture.bytes);
    return status;
}

/* A grid that one page does not fill has only the columns and rows that it needs. */
static void fit_grid(struct plot *p)
{
    struct fb_plot_style *style = &p->style;
    if (p->nfigures >= style->columns * style->rows || p->nfigures == 0)
        return;
    style->columns = p->nfigures < style->columns ? p->nfigures : style->columns;
    style->rows = (p->nfigures + style->columns - 1) / style->columns;
}

/* Figures of a file: all pages of a PDF, or those of one grid. */
static size_t figures_at_once(const struct plot *p)
{
    const struct fb_plot_style *style = &p->style;
    return style->format == FB_PLOT_PDF ? p->nfigures : style->columns * style->rows;
}

/* Check every name before the first file is written. */
static int check_pages(const struct plot *p, size_t nfiles, struct fb_error *err)
{
    int status = 0;
    for (size_t k = 0; k < nfiles && status == 0; k++) {
        char *name = page_name(p, k, nfiles);
        status = name ? fb_check_output_or(name, p->suffix, fb_replacing(p->clobber), err)
                      : fb_fail(err, "%s: out of memory", p->out);
        free(name);
    }
    return status;
}

/* Write the files; returns how many, fewer than there are after a failure. */
static size_t write_pages(const struct plot *p, size_t nfiles, struct fb_error *err)
{
    size_t at_once = figures_at_once(p), k;
    for (k = 0; k < nfiles; k++) {
        size_t first = k * at_once, left = p->nfigures - first;
        char *name = page_name(p, k, nfiles);
        int status = name ? write_page(p, name, first, left < at_once ? left : at_once, err)
                          : fb_fail(err, "%s: out of memory", p->out);
        free(name);
        if (status != 0)
            break;
    }
    return k;
}

/* Why there is nothing to draw; pixels that could not be read have been reported. */
static int nothing(const struct plot *p, struct fb_error *err)
{
    const char *path = p->coadd ? p->coadd : p->asked.qsocat;
    if (p->nmissing > 0)
        return fb_fail(err, "%s: the spectra of the targets asked for are not in it", path);
    if (p->quasars.nfailed == 0)
        return fb_fail(err, "%s: none of the targets asked for is a quasar with %g <= Z <= %g in it",
                       p->zcat ? p->zcat : path, FASTBAL_Z_MIN, FASTBAL_Z_MAX);
    return -1;
}

/* Write what was measured; returns the exit status. */
static int deliver(struct plot *p, struct fb_error *err)
{
    const struct fb_quasars *q = &p->quasars;
    size_t lost = p->nfigures - q->nmeasured, nwanted = p->asked.layout.targetids.n;
    if (fb_stop_signal())
        return fb_stop_status(fb_stop_signal());
    if (p->nfigures == 0) {
        nothing(p, err);
        return FB_EXIT_UNUSABLE;
    }
    int problems = !p->coadd && fb_print_row_problems(&q->sorted, "plot", p->asked.qsocat);
    if (p->coadd && p->bals == 0 && nwanted > p->nfigures + p->nmissing) {
        fb_print_error("plot", "%s: nothing in it of %zu of the targets asked for", p->zcat,
                       nwanted - p->nfigures - p->nmissing);
        problems = 1;
    }
    fit_grid(p);
    size_t at_once = figures_at_once(p), nfiles = (p->nfigures + at_once - 1) / at_once;
    if (check_pages(p, nfiles, err) != 0 ||
        (p->data && fb_continua_write(&q->continua, p->data, fb_replacing(p->clobber), err) != 0))
        return FB_EXIT_UNUSABLE;
    size_t written = write_pages(p, nfiles, err);
    if (written < nfiles && written == 0 && !p->data)
        return FB_EXIT_UNUSABLE;
    if (written < nfiles) {
        fb_print_error("plot", "%s", err->text);
        fb_print_error("plot", "%zu of %zu pictures were written", written, nfiles);
        return FB_EXIT_PARTLY;
    }
    if (lost + p->nmissing > 0)
        fb_print_error("plot", "%zu of %zu quasars could not be measured, %zu of them without a spectrum",
                       lost + p->nmissing, p->nfigures + p->nmissing, p->nmissing);
    fb_print("plot: %zu figure%s; written to %s%s", p->nfigures, fb_s(p->nfigures), p->out,
             nfiles > 1 ? ", numbered" : "");
    return problems || lost + p->nmissing > 0 || q->nfailed > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;
}

/* ---- options ---- */

static int complain(const char *option, const char *value, const char *expected)
{
    fb_print_error("plot", "option %s: expected %s, found '%s'", option, expected, value);
    return 0;
}

static int read_format(struct plot *p)
{
    static const char *const suffixes[] = {
        [FB_PLOT_PNG] = ".png", [FB_PLOT_PDF] = ".pdf", [FB_PLOT_SVG] = ".svg"
    };
    const char *dot = strrchr(p->out, '.');
    for (int k = 0; dot && k < 3; k++) {
        if (strcasecmp(dot, suffixes[k]) != 0)
            continue;
        p->style.format = (enum fb_plot_format)k;
        p->suffix = suffixes[k];
        return 1;
    }
    return complain("-o", p->out, "a name that ends in .png, .pdf or .svg");
}

static int read_style(struct plot *p)
{
    struct fb_plot_style *s = &p->style;
    int used = 0;
    s->columns = s->rows = 1;
    if (p->grid && (sscanf(p->grid, "%2zux%2zu%n", &s->columns, &s->rows, &used) != 2 || p->grid[used] ||
                    s->columns < 1 || s->rows < 1 || s->columns > MOST_ACROSS || s->rows > MOST_ACROSS))
        return complain("--grid", p->grid, "COLUMNSxROWS as in 2x3, at most 10x10");
    if (p->range && (sscanf(p->range, "%lf,%lf%n", &s->begin, &s->end, &used) != 2 || p->range[used] ||
                     !(s->begin > 0) || !(s->end > s->begin) || s->end > 1e6))
        return complain("--range", p->range, "two wavelengths in Angstrom as in 1250,1700");
    s->observed = strcmp(p->frame, "observed") == 0;
    if (!s->observed && strcmp(p->frame, "rest") != 0)
        return complain("--frame", p->frame, "rest or observed");
    s->smooth = (size_t)p->smooth;
    if (s->smooth % 2 == 1)
        return 1;
    fb_print_error("plot", "option --smooth: expected an odd number of pixels, found %ld", p->smooth);
    return 0;
}

static int check_options(struct plot *p)
{
    const struct fb_quasars_options *q = &p->asked;
    const char *wrong = NULL;
    if (!q->qsocat == !p->coadd || !p->coadd != !p->zcat)
        wrong = "expected a catalog (-q), or a coadd and its redshift catalog (--coadd and --zcat)";
    else if (q->qsocat && q->layout.targetids.n == 0 && p->bals == 0)
        wrong = "which quasars? --targetids or --bals is required with -q (--help explains them)";
    if (wrong)
        fb_print_error("plot", "%s", wrong);
    return !wrong && read_format(p) && read_style(p);
}

static const struct fb_command_help plot_help = {
    .command = "plot",
    .usage = "(-q FILE -r SPECPROD | --coadd FILE --zcat FILE) -o FILE [options]",
    .summary = "Pictures of the spectra of some quasars with their continua and troughs, one figure each, "
               "for papers. "
               "PNG, PDF or SVG, as the name of the output ends.",
    .titles[FB_GROUP_OUTPUT] = "outputs, and how they look",
    .example = "fastbal plot -q qso-bal.fits -r loa --bals 12 --grid 2x3 -o bals.pdf",
};

static int make_pictures(void *context, struct fb_error *err)
{
    struct plot *p = context;
    return check_outputs(p, err) == 0 && (p->coadd ? measure_file(p, err) : measure_catalog(p, err)) == 0
               ? deliver(p, err)
               : FB_EXIT_UNUSABLE;
}

int fb_cmd_plot(int argc, char **argv)
{
    struct plot p = { .asked = FB_QUASARS_DEFAULTS, .frame = "rest", .smooth = 5 };
    p.quasars = (struct fb_quasars){ .command = "plot", .options = &p.asked, .take = take, .context = &p };
    /* clang-format off */
    struct fb_option table[] = {
        { "-q", "--qsocat", FB_OPT_STRING, &p.asked.qsocat, .metavar = "FILE", .help = "QSO catalog" },
        { NULL, "--coadd", FB_OPT_STRING, &p.coadd, .metavar = "FILE", .help = "instead of a catalog: the quasars of this file, with --zcat" },
        { NULL, "--zcat", FB_OPT_STRING, &p.zcat, .metavar = "FILE", .help = "redshift catalog for --coadd" },
        { NULL, "--bals", FB_OPT_INT, &p.bals, .metavar = "N", .min = 1, .max = MOST_BALS, .group = FB_GROUP_SEARCH,
          .help = "the first N BAL quasars: AI_CIV > 0 in the catalog, or as measured with --coadd" },
        { "-o", "--outfile", FB_OPT_STRING, &p.out, .metavar = "FILE", .required = 1, .group = FB_GROUP_OUTPUT,
          .help = "the picture: .png, .pdf or .svg; several figures are pages of a PDF, or numbered files" },
        { NULL, "--grid", FB_OPT_STRING, &p.grid, .metavar = "COLSxROWS", .group = FB_GROUP_OUTPUT, .help = "several figures on a page, as in 2x3; default: one" },
        { NULL, "--frame", FB_OPT_STRING, &p.frame, .metavar = "FRAME", .group = FB_GROUP_OUTPUT, .help = "frame of the wavelengths: rest or observed" },
        { NULL, "--range", FB_OPT_STRING, &p.range, .metavar = "A,B", .group = FB_GROUP_OUTPUT,
          .help = "wavelengths to show, Angstrom, in that frame; default: 1200,1700 in the rest frame" },
        { NULL, "--smooth", FB_OPT_INT, &p.smooth, .metavar = "PIXELS", .min = 1, .max = MOST_SMOOTH, .group = FB_GROUP_OUTPUT,
          .help = "show means over an odd number of pixels, weighted with ivar; 1: none" },
        { NULL, "--save-data", FB_OPT_STRING, &p.data, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "also write what is shown: FITS, or .ecsv, as fastbal continuum does" },
        FB_CLOBBER_OPTION(p.clobber, 0, "existing files"),
        FB_QUASARS_OPTIONS(p.asked),
        FB_QUIET_OPTION,
        { 0 }
    };
    /* clang-format on */
    enum fb_options_outcome outcome = fb_options_parse_writer(&plot_help, table, argc, argv);
    if (outcome == FB_OPTIONS_RUN && !check_options(&p))
        outcome = FB_OPTIONS_BAD;
    int status = fb_quasars_main(&p.quasars, outcome, make_pictures, &p);
    for (size_t k = 0; k < p.nfigures; k++) {
        free(p.figures[k].wavelength);
        free(p.figures[k].troughs);
    }
    free(p.figures);
    fb_redshifts_release(&p.redshifts);
    fb_id_list_release(&p.found);
    return status;
}
