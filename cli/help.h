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

/* Parts of the above, for all formats: the names of an option with its value, what it does with its default, and the title
 * of a group. */
enum { FB_HELP_NAMES = 160, FB_HELP_ABOUT = 600 };
void fb_help_names(const struct fb_option *option, char text[FB_HELP_NAMES]);
void fb_help_about(const struct fb_option *option, char text[FB_HELP_ABOUT]);
const char *fb_help_title(const struct fb_command_help *help, enum fb_option_group group);

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
