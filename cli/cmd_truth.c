/*
 * cmd_truth.c - fastbal truth: combines a mock's QSO catalog and its BAL truth into the catalog that append would write
 * after a perfect finder.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "cli/command.h"
#include "cli/options.h"
#include "desi/catalog.h"
#include "desi/spectra_paths.h"
#include "desi/truth.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "pipeline/match.h"
#include "run/message.h"
#include "run/report.h"
#include "run/schedule.h"
#include "run/stop.h"
#include "run/walk.h"

enum { TEMPLATES = 5, WALKERS = 8, CHUNK = 50 }; /* TEMPLATES: PCA_COEFFS has the reference's length */

struct truth {
    const char *qsocat, *source, *named; /* named: the catalog to write, where the user names it */
    int clobber, verbose;
    long nproc;
    char *outcat, *root;
    struct fb_truth truth;
    struct fb_table table; /* the QSO catalog */
    struct fb_catalog_rows catalog;
    struct fb_tree tree; /* of truth files */
    struct fb_id_list pixels;
    struct fb_truth *parts; /* one per pixel */
    struct fb_pixel_run run;
    size_t nmatches, nunmatched; /* matched catalog rows; truth targets without a row */
};

/* ---- the truth files of a mock ---- */

static enum fb_pixel_outcome read_pixel(void *context, int thread, size_t index, struct fb_error *err)
{
    struct truth *truth = context;
    truth->parts[index].zeros = truth->truth.zeros;
    char *path = fb_plain_or_packed(fb_tree_path(&truth->tree, "truth", truth->pixels.ids[index]), err);
    int status = path ? fb_truth_read(&truth->parts[index], path, 0, err) : -1;
    (void)thread;
    if (status != 0)
        fb_truth_release(&truth->parts[index]);
    free(path);
    return status == 0 ? FB_PIXEL_DONE : FB_PIXEL_FAILED;
}

static int join_parts(struct truth *truth, struct fb_error *err)
{
    for (size_t i = 0; i < truth->pixels.n; i++)
        if (fb_truth_join(&truth->truth, &truth->parts[i], err) != 0)
            return -1;
    if (!truth->truth.has_table)
        return fb_fail(err, "%s: none of its %zu truth files has a table BAL_META%s", truth->source,
                       truth->pixels.n, truth->run.nfailed ? " that can be read" : "");
    return 0;
}

static int read_tree(struct truth *truth, struct fb_error *err)
{
    truth->root = fb_truth_root(truth->source, err);
    if (!truth->root)
        return -1;
    truth->tree = (struct fb_tree){ .scheme = FB_SCHEME_MOCK, .root = truth->root };
    if (fb_walk_tree(&truth->tree, "truth", WALKERS, &truth->pixels, err) != 0)
        return -1;
    fb_id_list_sort(&truth->pixels);
    if (truth->pixels.n == 0)
        return fb_fail(err, "%s: no truth-16 files in this tree", truth->source);
    truth->parts = calloc(truth->pixels.n, sizeof *truth->parts);
    if (!truth->parts)
        return fb_fail(err, "out of memory for %zu pixels", truth->pixels.n);
    truth->run = (struct fb_pixel_run){ .command = "truth",
                                        .pixels = &truth->pixels,
                                        .tree = &truth->tree,
                                        .nthreads = fb_threads(truth->nproc),
                                        .chunk = CHUNK,
                                        .verbose = truth->verbose,
                                        .work = read_pixel,
                                        .context = truth };
    if (fb_pixel_run_all(&truth->run, err) != 0)
        return -1;
    return truth->run.signal ? 0 : join_parts(truth, err);
}

static int read_truth(struct truth *truth, struct fb_error *err)
{
    int folder = fb_is_folder(truth->source, err);
    if (folder)
        return folder > 0 ? read_tree(truth, err) : -1;
    return fb_truth_read(&truth->truth, truth->source, 1, err);
}

/* ---- the catalog ---- */

/* BALMASK of a row that is not in the truth. The reference does not check the redshift range here. */
static unsigned char mask_of(const struct truth *truth, double z)
{
    return truth->truth.zeros ? FB_BALMASK_NO_ROW : fb_balmask(NULL, z);
}

/* Fill the BAL columns of every row; free *puts in any case. */
static int match_rows(struct truth *truth, const struct fb_balrow none[4], struct fb_balcatalog_row **puts,
                      struct fb_error *err)
{
    const struct fb_truth *t = &truth->truth;
    unsigned char *matched = calloc(t->nkeys + 1, 1);
    *puts = malloc((truth->catalog.n + 1) * sizeof **puts);
    int status = matched && *puts ? 0 : fb_fail(err, "out of memory for %zu rows", truth->catalog.n);
    for (size_t i = 0; status == 0 && i < truth->catalog.n; i++) {
        size_t key = fb_truth_find(t, truth->catalog.rows[i].targetid);
        int found = key < t->nkeys;
        matched[key] = 1;
        truth->nmatches += (size_t)found;
        (*puts)[i] = (struct fb_balcatalog_row){ i, found ? &t->rows[t->keys[key].row]
                                                          : &none[mask_of(truth, truth->catalog.rows[i].z)] };
    }
    for (size_t k = 0; status == 0 && k < t->nkeys; k++)
        truth->nunmatched += !matched[k];
    free(matched);
    if (status == 0 && t->nkeys > 0 && truth->nmatches == 0)
        status =
            fb_fail(err, "%s: has none of the %zu BAL quasars of %s", truth->qsocat, t->nkeys, truth->source);
    return status;
}

static int write_catalog(struct truth *truth, struct fb_error *err)
{
    struct fb_balrow none[4]; /* by BALMASK */
    struct fb_balcatalog_row *puts = NULL;
    struct fb_balcatalog *catalog = NULL;
    const struct fb_balcatalog_plan plan = { .path = truth->outcat,
                                             .source = &truth->table,
                                             .rows = truth->catalog.rows,
                                             .replace = fb_replacing(truth->clobber),
                                             .ntemplates = TEMPLATES,
                                             .stop = fb_stop_signal };

    for (unsigned char mask = 0; mask < 4; mask++)
        fb_truth_no_bal(&none[mask], mask, truth->truth.zeros);
    int failed = match_rows(truth, none, &puts, err) != 0 ||
                 fb_balcatalog_create(&catalog, &plan, err) != 0 ||
                 fb_balcatalog_put_rows(catalog, puts, truth->catalog.n, err) != 0;
    if (failed)
        fb_balcatalog_discard(catalog);
    else
        failed = fb_balcatalog_commit(catalog, NULL, err);
    free(puts);
    return failed ? -1 : 0;
}

/* ---- the command ---- */

/* QSOCAT-baltrue.fits by default. */
static int name_output(struct truth *truth, struct fb_error *err)
{
    size_t length = strlen(truth->qsocat);
    if (length > 3 && strcmp(truth->qsocat + length - 3, ".gz") == 0)
        length -= 3;
    if (length > 5 && strncmp(truth->qsocat + length - 5, ".fits", 5) == 0)
        length -= 5;
    truth->outcat =
        truth->named ? strdup(truth->named) : fb_format("%.*s-baltrue.fits", (int)length, truth->qsocat);
    return truth->outcat ? 0 : fb_fail(err, "out of memory");
}

/* All checks before the catalog is written. */
static int prepare(struct truth *truth, struct fb_error *err)
{
    if (name_output(truth, err) != 0 ||
        fb_check_output(truth->outcat, fb_replacing(truth->clobber), err) != 0 ||
        fb_catalog_open(&truth->table, truth->qsocat, err) != 0 ||
        fb_catalog_read(&truth->catalog, &truth->table, 1, NULL, err) != 0 || read_truth(truth, err) != 0)
        return -1;
    return truth->run.signal ? 0 : fb_truth_sort(&truth->truth, err);
}

static void say_what_changed(const struct truth *truth)
{
    const struct fb_truth *t = &truth->truth;
    if (t->nswapped > 0)
        fb_print("truth: %zu trough%s had VMIN and VMAX the other way round, and are put in order",
                 t->nswapped, fb_s(t->nswapped));
    if (t->ncut > 0)
        fb_print_error(
            "truth", "%s: %zu quasar%s with more troughs than fit the columns: the first %d and %d are kept",
            truth->source, t->ncut, fb_s(t->ncut), FASTBAL_MAX_AI, FASTBAL_MAX_BI);
    if (t->n > t->nkeys)
        fb_print_error("truth", "%s: %zu row%s with a TARGETID that was there before, left out",
                       truth->source, t->n - t->nkeys, fb_s(t->n - t->nkeys));
    if (truth->nunmatched > 0)
        fb_print("truth: %zu of %zu BAL quasars are not in the catalog", truth->nunmatched, t->nkeys);
}

static int append_truth(struct truth *truth, struct fb_error *err)
{
    int failed = prepare(truth, err), status;
    if (truth->pixels.n > 0 && truth->run.results) {
        struct fb_report report;
        fb_report_start(&report, &truth->run, 0, NULL);
        fb_report_pixels(&report, NULL);
        fb_report_end(&report, NULL, NULL);
    }
    if (failed || truth->run.signal)
        return failed ? FB_EXIT_UNUSABLE
                      : fb_pixel_run_stopped(&truth->run, "the same command starts again", FB_EXIT_UNUSABLE);
    if (write_catalog(truth, err) != 0)
        return FB_EXIT_UNUSABLE;
    status = truth->run.nfailed ? FB_EXIT_PARTLY : FB_EXIT_DONE;
    say_what_changed(truth);
    fb_print("truth: %zu row%s, %zu BAL quasar%s; %s", truth->catalog.n, fb_s(truth->catalog.n),
             truth->nmatches, fb_s(truth->nmatches), truth->outcat);
    return status;
}

static void release(struct truth *truth)
{
    for (size_t i = 0; truth->parts && i < truth->pixels.n; i++)
        fb_truth_release(&truth->parts[i]);
    free(truth->parts);
    fb_pixel_run_release(&truth->run);
    fb_id_list_release(&truth->pixels);
    fb_truth_release(&truth->truth);
    fb_catalog_rows_release(&truth->catalog);
    fb_table_close(&truth->table);
    free(truth->outcat);
    free(truth->root);
}

static const struct fb_command_help truth_help = {
    .command = "truth",
    .usage = "-q FILE -b PATH [options]",
    .summary = "Append a mock's true BAL columns to its QSO catalog.",
    .example = "fastbal truth -q zcat.fits -b mock/spectra-16 -o zcat-truth.fits",
};

int fb_cmd_truth(int argc, char **argv)
{
    struct truth truth = { .truth.zeros = fb_is_old_name(argv[0]) };
    struct fb_option table[] = {
        FB_QSOCAT_OPTION(truth.qsocat, 1, "QSO catalog of a mock"),
        { "-b", "--balcat --truth", FB_OPT_STRING, &truth.source, .metavar = "PATH", .required = 1, .old = 1,
          .help = "catalog of its BAL quasars, or the folder of its spectra-16, with truth files" },
        { "-o", "--outcat --outcatfile", FB_OPT_STRING, &truth.named, .metavar = "FILE", .old = 1,
          .group = FB_GROUP_OUTPUT, .help = "the catalog to write; default: QSOCAT-baltrue.fits" },
        FB_CLOBBER_OPTION(truth.clobber, 1, "an existing catalog"),
        FB_QUIET_OPTION,
        FB_VERBOSE_OPTION(truth.verbose, 1, "report progress"),
        FB_NPROC_OPTION(truth.nproc),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_error err = { "" };

    enum fb_options_outcome outcome = fb_options_parse_writer(&truth_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    fb_stop_watch("truth");
    int status = fb_command_ends("truth", append_truth(&truth, &err), &err);
    release(&truth);
    return status;
}
