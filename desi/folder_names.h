/*
 * folder_names.h - what is in a folder, in words for a message that says what was found instead of what was expected.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FOLDER_NAMES_H
#define FB_FOLDER_NAMES_H

#include <stddef.h>

/* The first names, separated by commas. Starts as { 0 }. */
struct fb_names {
    char text[512];
    size_t n, shown; /* of n names the text shows that many, at most ten */
};

/* Add what is in a folder, sorted, as PREFIX/NAME, or NAME where the prefix is empty. Hidden files are left out.
 * A folder that can't be read adds nothing: names are hints. */
void fb_names_in(struct fb_names *names, const char *folder, const char *prefix);
/* The same for what is in its folders: PREFIX/FOLDER/NAME. */
void fb_names_below(struct fb_names *names, const char *folder, const char *prefix);
/* "a, b", "a, b and 7 more", or "nothing". Adds to the text: no more names can be added. */
const char *fb_names_text(struct fb_names *names);

#endif
