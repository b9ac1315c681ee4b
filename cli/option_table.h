/*
 * option_table.h - the rows of a command's option table. cli/options.h parses command lines with it, and cli/help.h
 * prints it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_OPTION_TABLE_H
#define FB_OPTION_TABLE_H

#include <stddef.h>
#include <string.h>
#include "desi/tree.h"

enum fb_option_kind {
    FB_OPT_FLAG,    /* int: 0 or 1 */
    FB_OPT_STRING,  /* const char *: points into argv */
    FB_OPT_INT,     /* long, between min and max */
    FB_OPT_THREADS, /* long, at most max; 0, for serial, becomes 1 */
    FB_OPT_FLOAT,   /* double, between min and max */
    FB_OPT_SIZE,    /* int64_t: bytes, between min and max; K, M, G or T multiply by powers of 1024 */
    FB_OPT_TEXTS,   /* struct fb_text_list: each occurrence of the option appends a string */
    FB_OPT_LIST, /* struct fb_id_list: integers separated by spaces or commas, between min and max; @FILE is
                      a text file of them, in which # begins a comment */
    FB_OPT_POSITIONAL /* const char *: an argument without an option name; short_names and names are NULL */
};

/* The heading under which --help lists an option. */
enum fb_option_group {
    FB_GROUP_INPUT,
    FB_GROUP_SEARCH, /* selection of spectra, measurement and comparison */
    FB_GROUP_OUTPUT,
    FB_GROUP_RUN,
    FB_GROUP_OLD, /* accepted for compatibility with the reference's programs */
    FB_NGROUPS
};

struct fb_text_list {
    const char *
        *texts; /* the array is owned, the strings point into argv; free with fb_text_list_release() */
    size_t n;
};

struct fb_option {
    const char *short_names; /* "-q" or "-hp"; several are separated by spaces; may be NULL */
    const char *names;       /* "--qsocat"; several are separated by spaces */
    enum fb_option_kind kind;
    void *value;         /* destination; its value before parsing is the default shown by --help */
    const char *metavar; /* name of the value in --help */
    const char *help;
    double min, max; /* for numbers; both 0: no limits */
    int *seen;       /* for a list that may be empty: set to 1 if the option is given; else NULL */
    enum fb_option_group group;
    int required;
    int old;     /* 1: the reference's program has this option, under the first name */
    int several; /* 1: allows the command to be one of several processes started together */
    int own;     /* 1: may differ between ranks, since it does not change results */
    int given;   /* set by parsing: 1 if the option was given */
};

/* The texts of a command's --help. */
struct fb_command_help {
    const char *command; /* also used in messages: "find" */
    const char *usage;   /* the usage after "fastbal COMMAND": "-a DIR [options]" */
    const char *summary, *example;
    const char *titles[FB_NGROUPS]; /* override the default headings; NULL: default */
};

/* The word that follows the first one, in names separated by spaces. */
static inline const char *fb_next_word(const char *words)
{
    words += strcspn(words, " ");
    return words + strspn(words, " ");
}

/* The row that ends a table: all zero. */
static inline int fb_option_is_end(const struct fb_option *option)
{
    return !option->names && !option->short_names && option->kind != FB_OPT_POSITIONAL;
}

#endif
