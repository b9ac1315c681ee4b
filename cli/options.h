/*
 * options.h - command options as a table: parsing and --help both come from it.
 *
 * Spellings follow Python's argparse, which the reference programs use: "-q FILE", "-qFILE", "--qsocat FILE",
 * "--qsocat=FILE", "-hp 1 2 3", and unambiguous beginnings of long names: those that are unambiguous among the
 * reference's options stay so. A flag may be followed by True or False, as some scripts do.
 *
 *     struct fb_option table[] = {
 *         { "-q", "--qsocat", FB_OPT_STRING, &qsocat, .metavar = "FILE", .required = 1, .help = "QSO catalog"
 * }, { "-c", "--clobber --overwrite", FB_OPT_FLAG, &clobber, .help = "replace existing outputs" }, { 0 }
 *     };
 *     switch (fb_options_parse("find", "measure BALs in coadds", table, argc, argv)) ...
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OPTIONS_H
#define FB_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include "desi/tree.h"
#include "run/settings.h"

enum fb_option_kind {
    FB_OPT_FLAG,    /* int: 0 or 1 */
    FB_OPT_STRING,  /* const char *: points into argv */
    FB_OPT_INT,     /* long, between min and max */
    FB_OPT_THREADS, /* long, at most max; 0, which is serial, is taken as 1 */
    FB_OPT_FLOAT,   /* double, between min and max */
    FB_OPT_SIZE,    /* int64_t: bytes, between min and max; K, M, G or T multiply by powers of 1024 */
    FB_OPT_TEXTS,   /* struct fb_text_list: one more text each time the option is given */
    FB_OPT_LIST, /* struct fb_pixel_list: whole numbers separated by spaces or commas, between min and max; @FILE is
                      a text file of them, in which # begins a comment */
    FB_OPT_POSITIONAL /* const char *: an argument without an option name; short_names and names are NULL */
};

struct fb_text_list {
    const char **texts; /* the list is owned, its texts point into argv; free with fb_text_list_release() */
    size_t n;
};
void fb_text_list_release(struct fb_text_list *list);

struct fb_option {
    const char *short_names; /* "-q" or "-hp", several separated by spaces; may be NULL */
    const char *names;       /* "--qsocat", several separated by spaces */
    enum fb_option_kind kind;
    void *value;         /* where it goes; what is there before parsing is the default that --help shows */
    const char *metavar; /* how --help calls the value */
    const char *help;
    double min, max; /* for numbers; both 0: any */
    int *seen;       /* for a list that may be empty: becomes 1 where the option is given; else NULL */
    int required;
    int old;     /* 1: the reference's program has this option, by the first of its names */
    int several; /* 1: where it is given, the command may be one of several processes started together */
    int own;     /* 1: with several ranks each may have its own, for it does not change results */
    int given;   /* set by parsing: 1 where the user gave it */
};

enum fb_options_outcome {
    FB_OPTIONS_RUN = 0,  /* go on */
    FB_OPTIONS_STOP = 1, /* --help or --version was printed, or nothing is asked for: exit with status 0 */
    FB_OPTIONS_BAD = 2   /* a line was printed to stderr: exit with status 2 */
};

/* A row of the table of every command that has threads; where is a long, 0 for every core. */
#define FB_NPROC_OPTION(where)                                                 \
    {                                                                          \
        NULL, "--nproc", FB_OPT_THREADS, &(where),                             \
            .metavar = "N", .max = 4096, .old = 1, .own = 1,                   \
            .help = "worker threads; default: every core this process may use" \
    }

/* A row of the table of every command that reads FITS files; needs fits/unpack.h. */
#define FB_MAX_UNPACKED_OPTION                                                                       \
    {                                                                                                \
        NULL, "--max-unpacked", FB_OPT_SIZE, &fb_unpack_limit,                                       \
            .metavar = "SIZE", .min = 65536, .max = 1e15,                                            \
            .help = "most memory for what one packed input holds, for each thread; as in 500M or 4G" \
    }

/* command: what to call it in messages ("find"); summary: one line for --help. The table ends with an
 * all-zero row. Lists belong to the caller where the outcome is FB_OPTIONS_RUN; else they are empty. */
enum fb_options_outcome fb_options_parse(const char *command, const char *summary, struct fb_option *table,
                                         int argc, char **argv);
/* The same for a command that writes. Where it is one of several processes that srun or mpirun started together, which
 * would all write the same files, it is refused; unless an option is given that makes sense of several. */
enum fb_options_outcome fb_options_parse_writer(const char *command, const char *summary,
                                                struct fb_option *table, int argc, char **argv);

/* Once parsed: add the options' values to settings, all but the ranks' own. */
void fb_options_describe(const struct fb_option *table, struct fb_settings *settings);

#endif
