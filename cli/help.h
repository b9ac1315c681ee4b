/*
 * help.h - the output of --help, and suggestions for misspelled names.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HELP_H
#define FB_HELP_H

#include "cli/option_table.h"

enum fb_help_format {
    FB_HELP_NONE,
    FB_HELP_TEXT, /* --help: usage, summary, options by group, wrapped to the terminal's width, and an example */
    FB_HELP_MAN, /* --help=man: the same as the source of a man page */
    FB_HELP_WORDS /* --help=words: a line for each word that may be typed, a tab, and what it means; for shells */
};

/* Which help a word of the command line asks for; FB_HELP_NONE if it asks for none. */
enum fb_help_format fb_help_format(const char *word);

void fb_help_print(const struct fb_command_help *help, const struct fb_option *table,
                   enum fb_help_format format);

/* How a format shows options. */
struct fb_help_style {
    const char *before, *after; /* the title of a group */
    const char *about_help;     /* what --help does */
    void (*option)(const char *names, const char *about);
};
/* Print all options by group: their names with the value, and what they do with the default. */
void fb_help_groups(const struct fb_command_help *help, const struct fb_option *table,
                    const struct fb_help_style *style);

/* The man page and the words of a command (cli/manual.c). */
void fb_manual_print(const struct fb_command_help *help, const struct fb_option *table);
void fb_words_print(const struct fb_option *table);
/* Those of the program: n names with a summary each. */
void fb_manual_print_program(const char *const *names, const char *const *summaries, int n);

/* The edit distance (Damerau-Levenshtein) of two words of these lengths. */
size_t fb_word_distance(const char *a, size_t length_a, const char *b, size_t length_b);
/* Returns 1 if a word is close enough to a known one, and closer than *best, which is then updated. */
int fb_is_nearer(const char *word, size_t length, const char *known, size_t known_length, size_t *best);

#endif
