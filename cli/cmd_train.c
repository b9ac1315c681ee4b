/*
 * cmd_train.c - fastbal train: learns templates from the spectra of a tree (cli/train_templates.c), or adapts the detector
 * to them (cli/train_detector.c).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cli/command.h"
#include "cli/train_tree.h"
#include "fits/unpack.h"
#include "run/message.h"
#include "run/stop.h"
#include "train/train.h"

#define NAME "train"

static const struct fb_command_help train_help = {
    .command = NAME,
    .usage = "-q FILE -r SPECPROD -o FILE [options]",
    .summary = "Learn continuum templates from spectra, or adapt the detector to them.",
    .example = "fastbal train -q qso-bal.fits -r loa -s main -m dark -o templates.fits",
};

/* Options of templates alone are refused, not ignored. */
static int check_options(const struct fb_train_options *o, const struct fb_option *table)
{
    for (const struct fb_option *option = table; o->detector && !fb_option_is_end(option); option++) {
        const void *where = option->value;
        if (option->given && (where == &o->bals || where == &o->components || where == &o->min_snr)) {
            fb_print_error(NAME, "option %s: is for templates, and contradicts --detector", option->names);
            return 0;
        }
    }
    return 1;
}

static enum fb_options_outcome parse_train_options(struct fb_train_options *o, int argc, char **argv)
{
    struct fb_option table[] = {
        FB_QSOCAT_OPTION(o->qsocat, 0,
                         "QSO catalog; for templates with BAL columns: their troughs are left out"),
        { "-o", "--outfile", FB_OPT_STRING, &o->out, .metavar = "FILE", .required = 1,
          .group = FB_GROUP_OUTPUT,
          .help = "the file to write, for --templates or --detector of find and run" },
        FB_LAYOUT_OPTIONS(o->layout),
        FB_ONLY_OPTION(o->layout),
        FB_MOCKDIR_OPTION(o->layout, 0),
        { NULL, "--detector", FB_OPT_FLAG, &o->detector, .group = FB_GROUP_SEARCH,
          .help = "adapt the built-in detector to these spectra, instead of learning templates" },
        { NULL, "--mask-bals", FB_OPT_STRING, &o->bals, .metavar = "FILE", .group = FB_GROUP_SEARCH,
          .help = "leave out the troughs of another catalog with BAL columns; or none" },
        { NULL, "--components", FB_OPT_INT, &o->components, .metavar = "N", .min = FB_TRAIN_LEAST_COMPONENTS,
          .max = FB_TRAIN_MOST_COMPONENTS, .group = FB_GROUP_SEARCH,
          .help = "templates, the first of which is the mean spectrum" },
        { NULL, "--min-snr", FB_OPT_FLOAT, &o->min_snr, .metavar = "S", .min = 0, .max = 1e6,
          .group = FB_GROUP_SEARCH, .help = "leave out spectra whose mean flux/sigma per pixel is lower" },
        FB_NPROC_OPTION(o->nproc),
        FB_CLOBBER_OPTION(o->clobber, 0, "an existing file"),
        FB_QUIET_OPTION,
        FB_VERBOSE_OPTION(o->verbose, 0, "report progress"),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    const enum fb_options_outcome outcome = fb_options_parse_writer(&train_help, table, argc, argv);
    return outcome == FB_OPTIONS_RUN && !check_options(o, table) ? FB_OPTIONS_BAD : outcome;
}

int fb_cmd_train(int argc, char **argv)
{
    struct fb_train_options options = { .layout = { .survey = "main", .program = "dark", .only = "spectype" },
                                        .min_snr = 1,
                                        .components = FB_TRAIN_COMPONENTS };
    struct fb_error err = { "" };

    const enum fb_options_outcome outcome = parse_train_options(&options, argc, argv);
    int status = outcome;
    if (outcome == FB_OPTIONS_RUN) {
        fb_stop_watch(NAME);
        status = options.detector ? fb_train_detector(&options, &err) : fb_train_templates(&options, &err);
        status = fb_command_ends(NAME, status, &err);
    }
    fb_layout_options_release(&options.layout);
    return status;
}
