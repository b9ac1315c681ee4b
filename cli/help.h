/*
 * help.h - what --help prints, and the nearest name to one that is not known.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HELP_H
#define FB_HELP_H

#include "cli/option_table.h"

/* The usual call, the summary, the options by group, wrapped to the terminal, and an example. */
void fb_help_print(const struct fb_command_help *help, const struct fb_option *table);

/* How many letters must be inserted, removed, replaced or swapped with their neighbour to turn one word, of so many
 * letters, into the other. */
size_t fb_word_distance(const char *a, size_t length_a, const char *b, size_t length_b);
/* Is a word so near to a known one that it was meant, and nearer than *best, which then becomes the distance? */
int fb_is_nearer(const char *word, size_t length, const char *known, size_t known_length, size_t *best);

#endif
