/*
 * options.h - command options as a table: parsing and --help both come from it.
 *
 * Spellings follow Python's argparse, which the reference programs use: "-q FILE", "-qFILE", "--qsocat FILE",
 * "--qsocat=FILE", "-hp 1 2 3", and unambiguous beginnings of long names: those that are unambiguous among the
 * reference's options stay so. A flag may be followed by True or False, as some scripts do.
 *
 *     static const struct fb_command_help find_help = { .command = "find", .usage = "-a DIR [options]", ... };
 *     struct fb_option table[] = { { "-a", "--altzdir", FB_OPT_STRING, &dir, .metavar = "DIR", .help = "..." }, { 0 } };
 *     switch (fb_options_parse(&find_help, table, argc, argv)) ...
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OPTIONS_H
#define FB_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include "cli/option_table.h"
#include "run/settings.h"

void fb_text_list_release(struct fb_text_list *list);

enum fb_options_outcome {
    FB_OPTIONS_RUN = 0,  /* go on */
    FB_OPTIONS_STOP = 1, /* --help or --version was printed, or nothing is asked for: exit with status 0 */
    FB_OPTIONS_BAD = 2   /* a line was printed to stderr: exit with status 2 */
};

/* A row of the table of every command that has threads; where is a long, 0 for every core. */
#define FB_NPROC_OPTION(where)                                                      \
    {                                                                               \
        NULL, "--nproc", FB_OPT_THREADS, &(where),                                  \
            .metavar = "N", .max = 4096, .old = 1, .own = 1, .group = FB_GROUP_RUN, \
            .help = "worker threads; default: every core this process may use"      \
    }

/* A row of the table of every command that reads FITS files; needs fits/unpack.h. */
#define FB_MAX_UNPACKED_OPTION                                                                       \
    {                                                                                                \
        NULL, "--max-unpacked", FB_OPT_SIZE, &fb_unpack_limit,                                       \
            .metavar = "SIZE", .min = 65536, .max = 1e15, .group = FB_GROUP_RUN,                     \
            .help = "most memory for what one packed input holds, for each thread; as in 500M or 4G" \
    }

/* The table ends with an all-zero row. Lists belong to the caller where the outcome is FB_OPTIONS_RUN; else they are empty. */
enum fb_options_outcome fb_options_parse(const struct fb_command_help *help, struct fb_option *table,
                                         int argc, char **argv);
/* The same for a command that writes. Where it is one of several processes that srun or mpirun started together, which
 * would all write the same files, it is refused; unless an option is given that makes sense of several. */
enum fb_options_outcome fb_options_parse_writer(const struct fb_command_help *help, struct fb_option *table,
                                                int argc, char **argv);

/* Once parsed: add the options' values to settings, all but the ranks' own. */
void fb_options_describe(const struct fb_option *table, struct fb_settings *settings);

#endif
