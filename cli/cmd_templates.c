/*
 * cmd_templates.c - fastbal templates: shows a template set, or writes it to a file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "cli/command.h"
#include "cli/options.h"
#include "desi/template_file.h"
#include "fits/system.h"
#include "fits/temporary.h"
#include "fits/unpack.h"
#include "run/message.h"

static int show(const struct fb_template_set *set)
{
    const fastbal_templates *t = set->templates;
    const double *w = fastbal_templates_wavelength(t);
    size_t n = fastbal_templates_size(t);
    return fb_print("%s: %d components, %zu wavelengths, %.1f to %.1f A", set->name,
                    fastbal_templates_count(t), n, w[0], w[n - 1]);
}

static const struct fb_command_help templates_help = {
    .command = "templates",
    .usage = "[options]",
    .summary = "Show a set of continuum templates, or write it to a file.",
    .example = "fastbal templates --templates builtin --export mine.fits",
};

int fb_cmd_templates(int argc, char **argv)
{
    const char *name = "builtin", *export = NULL;
    int overwrite = 0, status = FB_EXIT_DONE;
    struct fb_option table[] = {
        { NULL, "--templates", FB_OPT_STRING, &name, .metavar = "NAME", .group = FB_GROUP_SEARCH,
          .help = "guo, brodzeller, builtin, or a FITS file with WAVE and PCA0.. columns" },
        { NULL, "--export", FB_OPT_STRING, &export, .metavar = "FILE", .group = FB_GROUP_OUTPUT,
          .help = "write the templates to this file" },
        FB_CLOBBER_OPTION(overwrite, 0, "an existing file"),
        FB_MAX_UNPACKED_OPTION,
        { 0 }
    };
    struct fb_template_set set = { 0 };
    struct fb_error err;

    enum fb_options_outcome outcome = fb_options_parse(&templates_help, table, argc, argv);
    if (outcome != FB_OPTIONS_RUN)
        return outcome;
    if ((export && fb_check_sink(export, NULL, overwrite, name, NULL, &err) != 0) ||
        fb_template_set_read(&set, name, FB_SHARE, &err) != 0 ||
        (export && fb_template_set_write(export, fb_replacing(overwrite), &set, NULL, &err) != 0)) {
        fb_print_error("templates", "%s", err.text);
        status = FB_EXIT_UNUSABLE;
    } else if (show(&set) != 0 || (export && fb_print("written to %s", export) != 0)) {
        status = FB_EXIT_UNUSABLE;
    }
    fb_template_set_release(&set);
    return status;
}
