/*
 * cmd_score.c - fastbal score: completeness, purity and calibration of a catalog with BAL columns, measured against a
 * truth.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/command.h"
#include "cli/options.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "score/report.h"
#include "score/score.h"

struct score_options {
    const char *catalog, *truth, *other, *json, *ecsv, *selection;
    int detector, short_form, clobber;
};

static enum fb_replace replace(const struct score_options *o)
{
    return o->clobber ? FB_REPLACE : FB_KEEP_EXISTING;
}

static int is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* The files to write; "-" is standard output, for the first two. */
enum { JSON, ECSV, SELECTION, NOUTPUTS };
struct output {
    const char *path, *suffix;
    void (*print)(FILE *out, const struct fb_score *score);
};

static void list_outputs(const struct score_options *o, struct output outputs[NOUTPUTS])
{
    outputs[JSON] = (struct output){ o->json, ".json", fb_score_print_json };
    outputs[ECSV] = (struct output){ o->ecsv, ".ecsv", fb_score_print_ecsv };
    outputs[SELECTION] = (struct output){ o->selection, ".ecsv", fb_score_print_selection };
}

static int check_output(const struct score_options *o, const struct output *output, struct fb_error *err)
{
    const char *const inputs[] = { o->catalog, o->truth, o->other };
    const char *suffix = strrchr(output->path, '.');
    if (suffix && !strchr(suffix, '/') && strcasecmp(suffix, output->suffix) != 0)
        return fb_fail(err, "%s: expected a name that ends in %s", output->path, output->suffix);
    if (fb_check_output_or(output->path, output->suffix, replace(o), err) != 0)
        return -1;
    for (int i = 0; i < 3; i++)
        if (inputs[i] && fb_check_apart(output->path, inputs[i], err) != 0)
            return -1;
    return 0;
}

/* Outputs that can't be written are known before anything is read. */
static int check(const struct score_options *o, struct fb_error *err)
{
    struct output outputs[NOUTPUTS];
    list_outputs(o, outputs);
    if (is_stdout(o->json) && is_stdout(o->ecsv))
        return fb_fail(err, "--json - and --ecsv - can't both be written to standard output");
    if (is_stdout(o->selection))
        return fb_fail(err, "--selection: expected a file, found '-'");
    for (int k = 0; k < NOUTPUTS; k++) {
        if (!outputs[k].path || is_stdout(outputs[k].path))
            continue;
        if (check_output(o, &outputs[k], err) != 0)
            return -1;
        for (int i = 0; i < k; i++)
            if (outputs[i].path && fb_check_distinct(outputs[i].path, outputs[k].path, err) != 0)
                return -1;
    }
    return 0;
}

struct printing {
    const struct output *output;
    const struct fb_score *score;
};

static void print_file(FILE *out, const void *context)
{
    const struct printing *p = context;
    p->output->print(out, p->score);
}

/* Files first: what is printed is then of a run that succeeded. */
static int print_score(const struct score_options *o, const struct fb_score *score, struct fb_error *err)
{
    struct output outputs[NOUTPUTS];
    list_outputs(o, outputs);
    for (int k = 0; k < NOUTPUTS; k++) {
        const struct printing printing = { &outputs[k], score };
        if (outputs[k].path && !is_stdout(outputs[k].path) &&
            fb_print_output(outputs[k].path, replace(o), print_file, &printing, err) != 0)
            return -1;
    }
    if (is_stdout(o->json))
        fb_score_print_json(stdout, score);
    else if (is_stdout(o->ecsv))
        fb_score_print_ecsv(stdout, score);
    else if (o->short_form)
        fb_score_print_short(stdout, score);
    else
        fb_score_print_text(stdout, score);
    return 0;
}

static int score_catalogs(const struct score_options *o)
{
    struct fb_score_table catalog = { 0 }, other = { 0 }, truth = { 0 };
    struct fb_score score = { 0 };
    struct fb_error err = { "" };
    const int failed = check(o, &err) != 0 || fb_score_read(&catalog, o->catalog, o->detector, &err) != 0 ||
                       (o->other && fb_score_read(&other, o->other, 0, &err) != 0) ||
                       fb_score_read_truth(&truth, o->truth, &err) != 0 ||
                       fb_score_compute(&score, &catalog, o->other ? &other : NULL, &truth, &err) != 0 ||
                       print_score(o, &score, &err) != 0;
    if (failed)
        fb_print_error("score", "%s", err.text);
    fb_score_release(&score);
    fb_score_table_release(&catalog);
    fb_score_table_release(&other);
    fb_score_table_release(&truth);
    return failed ? FB_EXIT_UNUSABLE : FB_EXIT_DONE;
}

static const struct fb_command_help score_help = {
    .command = "score",
    .usage = "CATALOG TRUTH [options]",
    .summary = "How complete and how pure a catalog's BALs are, measured against a truth.",
    .example = "fastbal score qso-bal.fits sim/truth.fits --json score.json",
};

int fb_cmd_score(int argc, char **argv)
{
    struct score_options o = { 0 };
    struct fb_option table[] = {
        { .kind = FB_OPT_POSITIONAL,
          .value = &o.catalog,
          .metavar = "CATALOG",
          .required = 1,
          .help = "a catalog with BAL columns, or a BAL table" },
        { .kind = FB_OPT_POSITIONAL,
          .value = &o.truth,
          .metavar = "TRUTH",
          .required = 1,
          .help = "truth.fits of simulate; a mock's bal_cat.fits or folder; or another catalog" },
        { NULL, "--other", FB_OPT_STRING, &o.other, .metavar = "CATALOG2",
          .help = "a second catalog, shown beside the first and compared quasar by quasar" },
        { NULL, "--detector", FB_OPT_FLAG, &o.detector,
          .help = "judge the detector of CATALOG, by AI_DET and so on, instead of AI_CIV" },
        { NULL, "--short", FB_OPT_FLAG, &o.short_form, .group = FB_GROUP_OUTPUT,
          .help = "a report of at most 15 lines" },
        { NULL, "--json", FB_OPT_STRING, &o.json, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "write every figure as JSON; -: to standard output, instead of the report" },
        { NULL, "--ecsv", FB_OPT_STRING, &o.ecsv, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "write them as an ECSV table; -: likewise" },
        { NULL, "--selection", FB_OPT_STRING, &o.selection, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "write the completeness in bins of SNR_CIV and of AI, width or velocity as an ECSV table" },
        { "-c", "--clobber --overwrite", FB_OPT_FLAG, &o.clobber, .group = FB_GROUP_OUTPUT,
          .help = "replace existing files" },
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    enum fb_options_outcome outcome = fb_options_parse_writer(&score_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome == FB_OPTIONS_STOP ? FB_EXIT_DONE : FB_EXIT_UNUSABLE;
    return score_catalogs(&o);
}
