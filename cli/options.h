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
#include "fits/temporary.h"
#include "run/exit_status.h"
#include "run/settings.h"

void fb_text_list_release(struct fb_text_list *list);

/* All but the first are the exit status. */
enum fb_options_outcome {
    FB_OPTIONS_RUN = -1,               /* run the command */
    FB_OPTIONS_STOP = FB_EXIT_DONE,    /* --help or --version was printed, or there is nothing to do */
    FB_OPTIONS_BAD = FB_EXIT_UNUSABLE, /* an error was printed */
};

/* clang-format off */
/* Rows of option tables. old: the reference's program has the option; where: its destination. */
#define FB_NPROC_OPTION(where) /* 0, unless the option is given: all cores; --nproc 0 means 1 */ \
        { NULL, "--nproc", FB_OPT_THREADS, &(where), .metavar = "N", .max = 4096, .old = 1, .own = 1, \
          .group = FB_GROUP_RUN, .help = "worker threads; default: every core this process may use" }
#define FB_QSOCAT_OPTION(where, is_old, what) \
        { "-q", "--qsocat", FB_OPT_STRING, &(where), .metavar = "FILE", .required = 1, .old = (is_old), .help = what }
#define FB_CLOBBER_OPTION(where, is_old, what) /* see fb_replacing() */ \
        { "-c", "--clobber --overwrite", FB_OPT_FLAG, &(where), .old = (is_old), .group = FB_GROUP_OUTPUT, \
          .help = "replace " what }
#define FB_QUIET_OPTION /* leaves out the lines on stdout; needs run/message.h */ \
        { NULL, "--quiet", FB_OPT_FLAG, &fb_quiet, .own = 1, .group = FB_GROUP_RUN, .help = "print only errors" }
#define FB_VERBOSE_OPTION(where, is_old, what) \
        { "-v", "--verbose", FB_OPT_FLAG, &(where), .own = 1, .old = (is_old), .group = FB_GROUP_RUN, .help = what }
#define FB_MAX_UNPACKED_OPTION /* of commands that read FITS files; needs fits/unpack.h */ \
        { NULL, "--max-unpacked", FB_OPT_SIZE, &fb_unpack_limit, .metavar = "SIZE", .min = 65536, .max = 1e15, \
          .group = FB_GROUP_RUN, .help = "most memory for one decompressed input, for each thread; as in 500M or 4G" }
/* Those of commands that work on many pixels; o has the members logfile, clobber, verbose and chunk. */
#define FB_PIXELS_OPTIONS(o, is_old, log, what) \
        { "-l", "--logfile", FB_OPT_STRING, &(o).logfile, .metavar = "NAME", .old = (is_old), \
          .group = FB_GROUP_OUTPUT, .help = log }, \
        FB_CLOBBER_OPTION((o).clobber, is_old, what), \
        FB_QUIET_OPTION, \
        FB_VERBOSE_OPTION((o).verbose, is_old, "report progress")
#define FB_CHUNK_OPTION(where, is_old) \
        { NULL, "--chunk-size", FB_OPT_INT, &(where), .metavar = "N", .min = 1, .max = 1e9, .own = 1, .old = (is_old), \
          .group = FB_GROUP_OLD, \
          .help = "-v reports each time that many more pixels are done" }
/* clang-format on */

/* What becomes of existing files with --clobber, and without. */
static inline enum fb_replace fb_replacing(int clobber)
{
    return clobber ? FB_REPLACE : FB_KEEP_EXISTING;
}
/* Check, before anything is read, that an output can be written and is none of the inputs, which may be NULL. suffix: as in
 * fb_check_output_or(). */
int fb_check_sink(const char *output, const char *suffix, int clobber, const char *input, const char *other,
                  struct fb_error *err);

/* The table ends with an all-zero row. The caller owns the lists if the outcome is FB_OPTIONS_RUN; else they are empty. */
enum fb_options_outcome fb_options_parse(const struct fb_command_help *help, struct fb_option *table,
                                         int argc, char **argv);
/* Like fb_options_parse(), for commands that write. If srun or mpirun started several processes, which would all write
 * the same files, this is an error, unless an option is given that allows it. */
enum fb_options_outcome fb_options_parse_writer(const struct fb_command_help *help, struct fb_option *table,
                                                int argc, char **argv);

/* Is a name one of the words in a list separated by spaces, which may be NULL? With prefix: is it a prefix of one? */
int fb_in_words(const char *words, const char *name, size_t length, int prefix);

/* After parsing, add the options to the settings, except those that may differ between ranks. */
void fb_options_describe(const struct fb_option *table, struct fb_settings *settings);

#endif
