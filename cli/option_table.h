/*
 * option_table.h - what a row of a command's option table says. cli/options.h parses command lines by it, cli/help.h
 * prints it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OPTION_TABLE_H
#define FB_OPTION_TABLE_H

#include <stddef.h>
#include "desi/tree.h"

enum fb_option_kind {
    FB_OPT_FLAG,    /* int: 0 or 1 */
    FB_OPT_STRING,  /* const char *: points into argv */
    FB_OPT_INT,     /* long, between min and max */
    FB_OPT_THREADS, /* long, at most max; 0, which is serial, is taken as 1 */
    FB_OPT_FLOAT,   /* double, between min and max */
    FB_OPT_SIZE,    /* int64_t: bytes, between min and max; K, M, G or T multiply by powers of 1024 */
    FB_OPT_TEXTS,   /* struct fb_text_list: one more text each time the option is given */
    FB_OPT_LIST, /* struct fb_id_list: whole numbers separated by spaces or commas, between min and max; @FILE is
                      a text file of them, in which # begins a comment */
    FB_OPT_POSITIONAL /* const char *: an argument without an option name; short_names and names are NULL */
};

/* Under which heading --help lists an option. */
enum fb_option_group {
    FB_GROUP_INPUT,
    FB_GROUP_SEARCH, /* which spectra, and how they are measured or compared */
    FB_GROUP_OUTPUT,
    FB_GROUP_RUN,
    FB_GROUP_OLD, /* accepted because the reference's programs have it */
    FB_NGROUPS
};

struct fb_text_list {
    const char **texts; /* the list is owned, its texts point into argv; free with fb_text_list_release() */
    size_t n;
};

struct fb_option {
    const char *short_names; /* "-q" or "-hp", several separated by spaces; may be NULL */
    const char *names;       /* "--qsocat", several separated by spaces */
    enum fb_option_kind kind;
    void *value;         /* where it goes; what is there before parsing is the default that --help shows */
    const char *metavar; /* how --help calls the value */
    const char *help;
    double min, max; /* for numbers; both 0: any */
    int *seen;       /* for a list that may be empty: becomes 1 where the option is given; else NULL */
    enum fb_option_group group;
    int required;
    int old;     /* 1: the reference's program has this option, by the first of its names */
    int several; /* 1: where it is given, the command may be one of several processes started together */
    int own;     /* 1: with several ranks each may have its own, for it does not change results */
    int given;   /* set by parsing: 1 where the user gave it */
};

/* What --help says of a command. */
struct fb_command_help {
    const char *command; /* in messages too: "find" */
    const char *usage;   /* the usual call after "fastbal COMMAND": "-a DIR [options]" */
    const char *summary, *example;
    const char *titles[FB_NGROUPS]; /* headings instead of the usual ones; NULL: as usual */
};

/* The row that ends a table: all zero. */
static inline int fb_option_is_end(const struct fb_option *option)
{
    return !option->names && !option->short_names && option->kind != FB_OPT_POSITIONAL;
}

#endif
