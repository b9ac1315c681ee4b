/*
 * options.h - parses command options according to a table, from which --help is printed too.
 *
 * Spellings follow Python's argparse, which the reference programs use: "-q FILE", "-qFILE", "--qsocat FILE",
 * "--qsocat=FILE", "-hp 1 2 3", and unambiguous prefixes of long names; a prefix that is unambiguous among the
 * reference's options is always accepted. A flag may be followed by True or False, since some scripts do that.
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
    FB_OPTIONS_RUN = 0,  /* run the command */
    FB_OPTIONS_STOP = 1, /* --help or --version was printed, or there is nothing to do: exit with status 0 */
    FB_OPTIONS_BAD = 2   /* an error was printed: exit with status 2 */
};

/* The table row of commands with threads; where is a long, 0 for all cores. */
#define FB_NPROC_OPTION(where)                                                      \
    {                                                                               \
        NULL, "--nproc", FB_OPT_THREADS, &(where),                                  \
            .metavar = "N", .max = 4096, .old = 1, .own = 1, .group = FB_GROUP_RUN, \
            .help = "worker threads; default: every core this process may use"      \
    }

/* The table row of commands whose lines on stdout can be left out; needs run/message.h. */
#define FB_QUIET_OPTION                                                  \
    {                                                                    \
        NULL, "--quiet", FB_OPT_FLAG, &fb_quiet,                         \
            .own = 1, .group = FB_GROUP_RUN, .help = "print only errors" \
    }

/* The table row of commands that read FITS files; needs fits/unpack.h. */
#define FB_MAX_UNPACKED_OPTION                                                                       \
    {                                                                                                \
        NULL, "--max-unpacked", FB_OPT_SIZE, &fb_unpack_limit,                                       \
            .metavar = "SIZE", .min = 65536, .max = 1e15, .group = FB_GROUP_RUN,                     \
            .help = "most memory for what one packed input holds, for each thread; as in 500M or 4G" \
    }

/* The table ends with an all-zero row. The caller owns the lists if the outcome is FB_OPTIONS_RUN; else they are empty. */
enum fb_options_outcome fb_options_parse(const struct fb_command_help *help, struct fb_option *table,
                                         int argc, char **argv);
/* Like fb_options_parse(), for commands that write. If srun or mpirun started several processes, which would all write
 * the same files, this is an error, unless an option is given that allows it. */
enum fb_options_outcome fb_options_parse_writer(const struct fb_command_help *help, struct fb_option *table,
                                                int argc, char **argv);

/* After parsing, add the options to the settings, except those that may differ between ranks. */
void fb_options_describe(const struct fb_option *table, struct fb_settings *settings);

#endif
