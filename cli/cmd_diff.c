/*
 * cmd_diff.c - fastbal diff: compares two BAL catalogs, BAL tables or trees of BAL tables.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdint.h>
#include "cli/command.h"
#include "cli/options.h"
#include "diff/files.h"
#include "diff/report.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "run/schedule.h"

enum { SHOWN = 10 }; /* rows shown per list without --all */

struct diff_options {
    const char *a, *b;
    struct fb_text_list columns, ignored, tolerances;
    int json, all, quiet;
    long nproc;
};

/* A pattern that matches no column is probably a typo. If all columns are compared, this is known only at the end. */
static int check_names(const struct fb_diff_rules *rules)
{
    const char *unused = fb_diff_rules_unused(rules);
    if (unused)
        fb_print_error("diff", "no column is called '%s'", unused);
    return unused ? FB_DIFF_TROUBLE : FB_DIFF_SAME;
}

static int print_diff(const struct diff_options *o, const struct fb_diff_result *result,
                      const struct fb_diff_rules *rules)
{
    const int status = fb_diff_status(result);
    if (o->json && !o->quiet)
        fb_diff_print_json(stdout, result, rules);
    else if (!o->quiet)
        fb_diff_print_text(stdout, result, rules, o->all ? SIZE_MAX : SHOWN);
    if (result->only_a.n + result->only_b.n + result->failures.n > 0)
        fb_print_error("diff", "%zu BAL tables only in A, %zu only in B; %zu could not be read",
                       result->only_a.n, result->only_b.n, result->failures.n);
    for (size_t i = 0; i < result->failures.n; i++)
        fb_print_error("diff", "%s", result->failures.paths[i]);
    return fb_output_is_lost() ? FB_DIFF_TROUBLE : status;
}

static int compare_paths(const struct diff_options *o, struct fb_diff_rules *rules)
{
    struct fb_diff_result result = { .diff.limit = o->json || o->all ? SIZE_MAX : SHOWN };
    struct fb_error err;
    int status = FB_DIFF_TROUBLE;

    const struct fb_diff_words columns = { o->columns.texts, o->columns.n },
                               ignored = { o->ignored.texts, o->ignored.n },
                               tolerances = { o->tolerances.texts, o->tolerances.n };
    if (fb_diff_rules_take(rules, &columns, &ignored, &tolerances, &err) != 0 ||
        fb_diff_paths(&result, o->a, o->b, rules, fb_threads(o->nproc), &err) != 0)
        fb_print_error("diff", "%s", err.text);
    else if (check_names(rules) == FB_DIFF_SAME)
        status = print_diff(o, &result, rules);
    fb_diff_result_release(&result);
    return status;
}

static const struct fb_command_help diff_help = {
    .command = "diff",
    .usage = "A B [options]",
    .summary = "What changed between two BAL catalogs, BAL tables, or trees of BAL tables.",
    .titles[FB_GROUP_SEARCH] = "what to compare, and how",
    .example = "fastbal diff qso-bal-iron.fits qso-bal-loa.fits",
};

int fb_cmd_diff(int argc, char **argv)
{
    struct diff_options o = { 0 };
    struct fb_diff_rules rules = { .rtol = 1e-5, .atol = 1e-8, .velocity = 1 };
    struct fb_option table[] = {
        { .kind = FB_OPT_POSITIONAL,
          .value = &o.a,
          .metavar = "A",
          .required = 1,
          .help = "a catalog with BAL columns, a BAL table, or a folder with BAL tables below it" },
        { .kind = FB_OPT_POSITIONAL,
          .value = &o.b,
          .metavar = "B",
          .required = 1,
          .help = "another one of the same kind" },
        { NULL, "--rtol", FB_OPT_FLOAT, &rules.rtol, .metavar = "R", .max = 1e300, .group = FB_GROUP_SEARCH,
          .help = "numbers are the same if |a - b| <= ATOL + R max(|a|, |b|)" },
        { NULL, "--atol", FB_OPT_FLOAT, &rules.atol, .metavar = "ATOL", .max = 1e300,
          .group = FB_GROUP_SEARCH, .help = "the same; whole numbers have to be equal" },
        { NULL, "--velocity", FB_OPT_FLOAT, &rules.velocity, .metavar = "KMS", .max = 1e300,
          .group = FB_GROUP_SEARCH, .help = "ATOL of VMIN, VMAX and POSMIN, and of troughs, in km/s" },
        { NULL, "--tol", FB_OPT_TEXTS, &o.tolerances, .metavar = "COLUMN=ATOL[,R]", .group = FB_GROUP_SEARCH,
          .help = "for one column, or those that match a pattern such as 'ERR_*'; may be repeated, the first "
                  "match "
                  "counts" },
        { NULL, "--columns", FB_OPT_TEXTS, &o.columns, .metavar = "NAMES", .group = FB_GROUP_SEARCH,
          .help = "compare these columns and keywords only, as if there were no others: names or patterns, "
                  "separated by commas" },
        { NULL, "--ignore", FB_OPT_TEXTS, &o.ignored, .metavar = "NAMES", .group = FB_GROUP_SEARCH,
          .help = "do not compare these" },
        { NULL, "--json", FB_OPT_FLAG, &o.json, .group = FB_GROUP_OUTPUT,
          .help = "write JSON, with complete lists (docs/diff.md)" },
        { "-a", "--all", FB_OPT_FLAG, &o.all, .group = FB_GROUP_OUTPUT,
          .help = "complete lists in the report, too" },
        { "-q", "--quiet", FB_OPT_FLAG, &o.quiet, .group = FB_GROUP_OUTPUT,
          .help = "no report: exit status 0 the same, 1 different, 2 trouble" },
        FB_NPROC_OPTION(o.nproc),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };

    enum fb_options_outcome outcome = fb_options_parse(&diff_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int status = compare_paths(&o, &rules);
    fb_diff_rules_release(&rules);
    fb_text_list_release(&o.columns);
    fb_text_list_release(&o.ignored);
    fb_text_list_release(&o.tolerances);
    return status;
}
