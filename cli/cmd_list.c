/*
 * cmd_list.c - fastbal list: BALs of a catalog as text.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "cli/command.h"
#include "cli/options.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "list/listing.h"
#include "run/message.h"

struct list_options {
    struct fb_listing_request request;
    struct fb_text_list columns, conditions;
    const char *format, *out;
    long most;
    int clobber;
};

static const char *const formats[] = { "text", "csv", "ecsv" };
static const char *const suffixes[] = { ".txt", ".csv", ".ecsv" };
enum { NFORMATS = 3 };

static int ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcasecmp(text + n - m, end) == 0;
}

/* The format asked for, or else that of the output's name, or else text. */
static int choose_format(struct list_options *o, struct fb_error *err)
{
    int k = 0;
    if (o->format)
        while (k < NFORMATS && strcmp(o->format, formats[k]) != 0)
            k++;
    else if (o->out)
        while (k < NFORMATS && !ends_with(o->out, suffixes[k]))
            k++;
    if (k == NFORMATS && o->format)
        return fb_fail(err, "option --format: expected text, csv or ecsv, not '%s'", o->format);
    if (k == NFORMATS)
        return fb_fail(err, "%s: expected a name that ends in .txt, .csv or .ecsv", o->out);
    o->request.format = (enum fb_listing_format)k;
    return o->out ? fb_check_sink(o->out, suffixes[k], o->clobber, o->request.path, NULL, err) : 0;
}

static void print_listing(FILE *out, const void *listing)
{
    fb_listing_print(out, listing);
}

static int list_rows(struct list_options *o)
{
    struct fb_listing listing = { 0 };
    struct fb_error err = { "" };
    o->request.columns = o->columns.texts;
    o->request.ncolumns = o->columns.n;
    o->request.conditions = o->conditions.texts;
    o->request.nconditions = o->conditions.n;
    o->request.most = (size_t)o->most;
    int failed =
        choose_format(o, &err) != 0 || fb_listing_read(&listing, &o->request, &err) != 0 ||
        (o->out && fb_print_output(o->out, fb_replacing(o->clobber), print_listing, &listing, &err) != 0);
    if (failed)
        fb_print_error("list", "%s", err.text);
    else if (!o->out)
        fb_listing_print(stdout, &listing);
    fb_listing_release(&listing);
    return failed ? FB_EXIT_UNUSABLE : FB_EXIT_DONE;
}

static const struct fb_command_help list_help = {
    .command = "list",
    .usage = "CATALOG [options]",
    .summary = "BALs of a catalog as text: one line each.",
    .example = "fastbal list qso-bal.fits --where 'AI_CIV > 2000, SNR_CIV > 3' --sort AI_CIV --reverse",
};

int fb_cmd_list(int argc, char **argv)
{
    struct list_options o = { 0 };
    struct fb_option table[] = {
        { .kind = FB_OPT_POSITIONAL,
          .value = &o.request.path,
          .metavar = "CATALOG",
          .required = 1,
          .help = "a catalog with BAL columns, a BAL table, or another table with --all" },
        { NULL, "--hdu", FB_OPT_STRING, &o.request.hdu, .metavar = "NAME",
          .help = "the table, if not that of the quasars; BAL_TROUGHS of a trough table" },
        { NULL, "--where", FB_OPT_TEXTS, &o.conditions, .metavar = "CONDITIONS", .group = FB_GROUP_SEARCH,
          .help = "list rows for which all of these hold, such as 'AI_CIV > 2000, SNR_CIV > 3'; may be "
                  "repeated" },
        { NULL, "--all", FB_OPT_FLAG, &o.request.all, .group = FB_GROUP_SEARCH,
          .help = "also list rows that are not BALs, with AI_CIV = 0" },
        { NULL, "--columns", FB_OPT_TEXTS, &o.columns, .metavar = "NAMES", .group = FB_GROUP_OUTPUT,
          .help = "columns, separated by commas; 'VMIN_CIV_450[0]' is one element of an array, '*' is every "
                  "column" },
        { NULL, "--sort", FB_OPT_STRING, &o.request.sort, .metavar = "COLUMN", .group = FB_GROUP_OUTPUT,
          .help = "sort by this column, smallest first" },
        { NULL, "--reverse", FB_OPT_FLAG, &o.request.reverse, .group = FB_GROUP_OUTPUT,
          .help = "with --sort: largest first" },
        { "-n", "--rows", FB_OPT_INT, &o.most, .metavar = "N", .min = 1, .max = 1e15,
          .group = FB_GROUP_OUTPUT, .help = "list the first N; default: all" },
        { NULL, "--format", FB_OPT_STRING, &o.format, .metavar = "FORMAT", .group = FB_GROUP_OUTPUT,
          .help = "text, csv or ecsv; default: that of FILE, or text" },
        { "-o", "--outfile", FB_OPT_STRING, &o.out, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "write to this file, .txt, .csv or .ecsv, instead of standard output" },
        FB_CLOBBER_OPTION(o.clobber, 0, "an existing file"),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    enum fb_options_outcome outcome = fb_options_parse_writer(&list_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    int status = FB_EXIT_UNUSABLE;
    if (o.request.reverse && !o.request.sort)
        fb_print_error("list", "option --reverse: needs --sort");
    else
        status = list_rows(&o);
    fb_text_list_release(&o.columns);
    fb_text_list_release(&o.conditions);
    return status;
}
