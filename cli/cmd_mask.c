/*
 * cmd_mask.c - fastbal mask: copies coadds and masks the troughs of BAL quasars, so that redshifts can be refitted.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/layout_options.h"
#include "cli/summary.h"
#include "desi/balquasars.h"
#include "desi/catalog.h"
#include "desi/maskcoadd.h"
#include "desi/spectra_paths.h"
#include "fits/system.h"
#include "fits/unpack.h"
#include "pipeline/pixel_rows.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"

struct mask {
    struct fb_layout_options layout_options;
    const char *workdir, *qsocat, *logfile, *named_lines;
    int all, clobber, verbose;
    long nproc, chunk;
    struct fb_layout layout;
    struct fb_tree work;
    struct fb_selection selection;
    struct fb_mask_lines lines;
    struct fb_table catalog;
    struct fb_pixel_rows sorted;
    struct fb_balquasars quasars;
    struct fb_id_list pixels; /* to process */
    size_t *place;            /* of each pixel, its index in the catalog's list */
    struct fb_pixel_run run;
    size_t nwritten; /* pixels */
    size_t nmissing; /* BAL quasars that are not in their coadd */
    int64_t nvalues;
};

/* ---- the quasars of a pixel ---- */

/* Targets, and the wavelengths to mask. */
struct quasars {
    struct fb_mask_target *targets;
    struct fb_wave_range *ranges;
    size_t n;
};

static size_t ntroughs(const struct fb_balquasars *q, size_t row)
{
    return q->begin[row + 1] - q->begin[row];
}

/* Collect the troughs of all quasars in a pixel of the catalog's list. */
static size_t pixel_troughs(const struct mask *mask, size_t place)
{
    const struct fb_pixel_rows *s = &mask->sorted;
    size_t n = 0;
    for (size_t i = s->begin[place]; i < s->begin[place + 1]; i++)
        n += ntroughs(&mask->quasars, s->order[i]);
    return n;
}

static void add_quasar(const struct mask *mask, size_t row, struct quasars *quasars, size_t *nranges)
{
    const struct fb_balquasars *q = &mask->quasars;
    const struct fb_redshift *r = &mask->sorted.rows[row];
    struct fb_wave_range *ranges = quasars->ranges + *nranges;
    size_t n = fb_mask_ranges(&mask->lines, q->troughs + q->begin[row], ntroughs(q, row), r->z, ranges);
    quasars->targets[quasars->n++] = (struct fb_mask_target){ r->targetid, ranges, n };
    *nranges += n;
}

static int gather_quasars(const struct mask *mask, size_t place, struct quasars *quasars,
                          struct fb_error *err)
{
    const struct fb_pixel_rows *s = &mask->sorted;
    size_t n = pixel_troughs(mask, place), nranges = 0;
    *quasars = (struct quasars){ malloc((n + 1) * sizeof *quasars->targets),
                                 malloc((n * mask->lines.n + 1) * sizeof *quasars->ranges), 0 };
    if (!quasars->targets || !quasars->ranges)
        return fb_fail(err, "out of memory for %zu troughs", n);
    for (size_t i = s->begin[place]; i < s->begin[place + 1]; i++)
        if (ntroughs(&mask->quasars, s->order[i]) > 0)
            add_quasar(mask, s->order[i], quasars, &nranges);
    return 0;
}

/* ---- one pixel ---- */

static enum fb_pixel_outcome mask_file(struct mask *mask, size_t index, const char *in, const char *out,
                                       enum fb_replace replace, struct fb_error *err)
{
    struct fb_pixel_result *result = &mask->run.results[index];
    struct fb_mask_count count = { 0 };
    struct quasars quasars;
    int status = gather_quasars(mask, mask->place[index], &quasars, err);

    if (status == 0)
        status = fb_mask_coadd(out, replace, in, quasars.targets, quasars.n, mask->all, &count, err);
    if (status == 0) {
        result->nquasars = count.targets;
        __atomic_fetch_add(&mask->nwritten, (size_t)count.written, __ATOMIC_RELAXED);
        __atomic_fetch_add(&mask->nvalues, count.values, __ATOMIC_RELAXED);
        __atomic_fetch_add(&mask->nmissing, count.missing, __ATOMIC_RELAXED);
        if (count.missing > 0 && !result->note)
            result->note = fb_format("%s: %zu of %zu BAL quasars in this pixel are not in it", in,
                                     count.missing, quasars.n);
    }
    free(quasars.targets);
    free(quasars.ranges);
    return status == 0 ? FB_PIXEL_DONE : count.begun ? FB_PIXEL_UNWRITTEN : FB_PIXEL_FAILED;
}

/* Never replace coadds of a release with masked ones. */
static int check_apart(const char *in, const char *out, struct fb_error *err)
{
    int same = fb_same_folder(in, out, err);
    if (same > 0)
        fb_fail(err, "%s: is where the spectra are, expected another --workdir", out);
    return same ? -1 : 0;
}

/* Returns 1 if a masked coadd of the same size as the original exists; 0 if not, with a note if an existing file is
 * unsuitable, e.g. a symbolic link to the original; -1 on failure. */
static int keeps(const char *in, const char *out, char **note, struct fb_error *err)
{
    size_t length = strlen(in);
    int packed = length > 3 && strcmp(in + length - 3, ".gz") == 0, there = fb_look_for(out, err);
    if (there <= 0)
        return there;
    int same = fb_same_file(in, out, err);
    int64_t size = same < 0 ? -1 : fb_file_size(in, err), found = size < 0 ? -1 : fb_file_size(out, err);
    if (found < 0)
        return -1;
    if (same)
        *note = fb_format("%s: is the original, not masked; it is written again", out);
    else if (!packed && size != found)
        *note = fb_format("%s: expected the %" PRId64 " bytes of the original, found %" PRId64
                          "; it is written again",
                          out, size, found);
    else
        return 1;
    return 0;
}

static enum fb_pixel_outcome mask_paths(struct mask *mask, size_t index, const char *in, const char *out,
                                        struct fb_error *err)
{
    if (fb_need_file(in, "spectra", err) != 0 || check_apart(in, out, err) != 0)
        return FB_PIXEL_FAILED;
    /* replace a symbolic link, not its target, which may be in the release */
    enum fb_replace replace = FB_REPLACE_LINK;
    char **note = &mask->run.results[index].note;
    struct fb_error ignored;
    if (!mask->clobber) {
        int kept = keeps(in, out, note, err);
        if (kept != 0)
            return kept > 0 ? FB_PIXEL_KEPT : FB_PIXEL_FAILED;
        replace = *note ? FB_REPLACE_LINK : FB_KEEP_EXISTING;
    }
    enum fb_pixel_outcome outcome = mask_file(mask, index, in, out, replace, err);
    /* another run may have written it meanwhile */
    if (fb_pixel_failed(outcome) && replace == FB_KEEP_EXISTING && keeps(in, out, note, &ignored) > 0)
        return FB_PIXEL_KEPT;
    return outcome;
}

static enum fb_pixel_outcome mask_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct mask *mask = context;
    int64_t pixel = mask->pixels.ids[index];
    char *in = fb_spectra_path(&mask->layout.tree, pixel, err);
    char *out = fb_tree_path(&mask->work, fb_spectra_kind(&mask->work), pixel);
    enum fb_pixel_outcome outcome = FB_PIXEL_FAILED;

    (void)thread;
    if (in && out)
        outcome = mask_paths(mask, index, in, out, err);
    else if (in)
        fb_fail(err, "pixel %" PRId64 ": out of memory", pixel);
    free(in);
    free(out);
    return outcome;
}

/* ---- the command ---- */

/* List the catalog's pixels that have troughs, or all with --all.
 * DEVIATION only-what-changes: the reference copies the others as well. */
static int choose_pixels(struct mask *mask, struct fb_error *err)
{
    const struct fb_id_list *all = &mask->sorted.pixels;
    mask->place = malloc((all->n + 1) * sizeof *mask->place);
    if (!mask->place)
        return fb_fail(err, "out of memory for %zu pixels", all->n);
    for (size_t i = 0; i < all->n; i++) {
        if (!mask->all && pixel_troughs(mask, i) == 0)
            continue;
        mask->place[mask->pixels.n] = i;
        if (fb_id_list_add(&mask->pixels, all->ids[i]) != 0)
            return fb_fail(err, "out of memory for %zu pixels", all->n);
    }
    return 0;
}

/* Without Si IV columns in the catalog, Si IV troughs can't be masked; print a warning. */
static void check_lines(const struct mask *mask)
{
    for (size_t k = 0; k < mask->lines.n && !mask->quasars.has_siiv; k++)
        if (mask->lines.line[k].troughs == FB_TROUGHS_SIIV) {
            fb_print_error("mask", "%s: has no troughs of Si IV, so nothing is masked at %g A", mask->qsocat,
                           mask->lines.line[k].wavelength);
        }
}

/* Check the paths of all pixels before the first is written. */
static int check_trees(const struct mask *mask, struct fb_error *err)
{
    char *in = fb_tree_folder(&mask->layout.tree), *out = fb_tree_folder(&mask->work);
    int status = in && out ? 0 : fb_fail(err, "out of memory");
    if (status == 0 && (status = fb_same_file(in, out, err)) > 0)
        status = fb_fail(err, "option --workdir: %s is where the spectra are, expected another folder",
                         mask->workdir);
    free(in);
    free(out);
    return status;
}

static int prepare_mask(struct mask *mask, struct fb_error *err)
{
    if (fb_layout_find(&mask->layout, &mask->layout_options, 1, err) != 0 ||
        fb_selection_make(&mask->selection, &mask->layout, &mask->layout_options, err) != 0)
        return -1;
    mask->work = fb_layout_beside(&mask->layout, mask->workdir);
    if (check_trees(mask, err) != 0 || fb_layout_read_map(&mask->layout, NULL, err) != 0 ||
        fb_catalog_open(&mask->catalog, mask->qsocat, err) != 0 ||
        fb_pixel_rows_take(&mask->sorted, &mask->catalog, &mask->layout, &mask->selection, err) != 0 ||
        fb_balquasars_read(&mask->quasars, &mask->catalog, err) != 0)
        return -1;
    fb_table_close(&mask->catalog);
    return choose_pixels(mask, err);
}

/* Print the summary after the last pixel; returns the exit status. */
static int report_mask(const struct mask *mask, int argc, char **argv)
{
    const struct fb_pixel_run *run = &mask->run;
    struct fb_report report;
    char missing[60] = "";
    int status = run->nfailed > 0 || mask->nmissing > 0 ? FB_EXIT_PARTLY : FB_EXIT_DONE;

    fb_report_start(&report, run, argc, argv);
    report.heading = "List of healpix with errors and error types: ";
    fb_report_pixels(&report, fb_pixels_log_path("mask", NULL, mask->logfile, &mask->work));
    if (fb_print_row_problems(&mask->sorted, "mask", mask->qsocat))
        status = FB_EXIT_PARTLY;
    if (!run->signal && run->nfailed > 0 && fb_pixel_run_is_empty(run))
        status = FB_EXIT_UNUSABLE;
    fb_report_print(
        &report,
        "mask: %zu pixel%s written, %zu kept, %zu failed; %zu left out, where nothing is to be masked",
        mask->nwritten, fb_s(mask->nwritten), run->nkept, run->nfailed,
        mask->sorted.pixels.n - mask->pixels.n + run->ndone - mask->nwritten);
    if (mask->nmissing > 0)
        snprintf(missing, sizeof missing, ", %zu not in the coadds", mask->nmissing);
    fb_report_print(&report, "mask: %zu quasar%s masked%s, %" PRId64 " values of ivar", run->nquasars,
                    fb_s(run->nquasars), missing, mask->nvalues);
    fb_report_end(&report, NULL, NULL);
    return fb_pixel_run_stopped(run, fb_goes_on(mask->clobber), status);
}

static int mask_tree(struct mask *mask, int argc, char **argv, struct fb_error *err)
{
    int status = FB_EXIT_UNUSABLE;

    if (prepare_mask(mask, err) != 0)
        return status;
    check_lines(mask);
    mask->run = (struct fb_pixel_run){ .command = "mask",
                                       .pixels = &mask->pixels,
                                       .tree = &mask->layout.tree,
                                       .nthreads = fb_threads(mask->nproc),
                                       .chunk = mask->chunk,
                                       .verbose = mask->verbose,
                                       .work = mask_pixel,
                                       .context = mask };
    if (fb_pixel_run_all(&mask->run, err) == 0)
        status = report_mask(mask, argc, argv);
    fb_pixel_run_release(&mask->run);
    return status;
}

static const struct fb_command_help mask_help = {
    .command = "mask",
    .usage = "-q FILE -r SPECPROD -w DIR [options]",
    .summary = "Mask the troughs of BAL quasars in coadds, so that redshifts can be refitted.",
    .example = "fastbal mask -q qso-bal.fits -r loa -s main -m dark -w $PSCRATCH/masked",
};

int fb_cmd_mask(int argc, char **argv)
{
    struct mask mask = { .layout_options = { .survey = "main", .program = "dark" },
                         .logfile = "logfile.txt",
                         .named_lines = FB_MASK_LINES_DEFAULT,
                         .chunk = 50 };
    struct fb_option table[] = {
        { "-w", "--workdir", FB_OPT_STRING, &mask.workdir, .metavar = "DIR", .required = 1, .old = 1,
          .group = FB_GROUP_OUTPUT,
          .help = "where the masked coadds go, in the same folders as in the release" },
        FB_QSOCAT_OPTION(mask.qsocat, 1, "QSO catalog with BAL columns"),
        FB_LAYOUT_OPTIONS(mask.layout_options),
        FB_MOCKDIR_OPTION(mask.layout_options, 1),
        { NULL, "--lines", FB_OPT_STRING, &mask.named_lines, .metavar = "LINE,LINE,...", .old = 1,
          .group = FB_GROUP_SEARCH,
          .help = "lines to mask, by name or rest wavelength in A; LINE:CIV or LINE:SIIV says whose troughs; "
                  "picca: "
                  "those of its BAL mask" },
        { NULL, "--all", FB_OPT_FLAG, &mask.all, .group = FB_GROUP_OUTPUT,
          .help = "copy the coadds in which nothing is masked as well" },
        FB_NPROC_OPTION(mask.nproc),
        FB_PIXELS_OPTIONS(mask, 1, "log, beside the pixels", "existing masked coadds"),
        FB_CHUNK_OPTION(mask.chunk, 0),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_error err = { "" };

    int status = fb_options_parse_writer(&mask_help, table, argc, argv);
    if (status == FB_OPTIONS_RUN && fb_mask_lines_parse(&mask.lines, mask.named_lines, &err) != 0) {
        fb_print_error("mask", "option --lines: %s", err.text);
        status = FB_OPTIONS_BAD;
    }
    if (status == FB_OPTIONS_RUN) {
        fb_layout_old_default("mask", argv[0], "iron", &mask.layout_options);
        fb_stop_watch("mask");
        status = fb_command_ends("mask", mask_tree(&mask, argc, argv, &err), &err);
    }
    fb_table_close(&mask.catalog);
    fb_pixel_rows_release(&mask.sorted);
    fb_balquasars_release(&mask.quasars);
    fb_id_list_release(&mask.pixels);
    free(mask.place);
    fb_selection_release(&mask.selection);
    fb_layout_release(&mask.layout);
    fb_layout_options_release(&mask.layout_options);
    return status;
}
