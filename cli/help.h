/*
 * help.h - the output of --help, and suggestions for misspelled names.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HELP_H
#define FB_HELP_H

#include "cli/option_table.h"

/* Print the usage, the summary, the options by group, wrapped to the terminal's width, and an example. */
void fb_help_print(const struct fb_command_help *help, const struct fb_option *table);

/* The edit distance (Damerau-Levenshtein) of two words of these lengths. */
size_t fb_word_distance(const char *a, size_t length_a, const char *b, size_t length_b);
/* Returns 1 if a word is close enough to a known one, and closer than *best, which is then updated. */
int fb_is_nearer(const char *word, size_t length, const char *known, size_t known_length, size_t *best);

#endif
