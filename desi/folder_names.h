/*
 * folder_names.h - the names in a folder, as text for error messages that say what was found instead of what
 * was expected.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FOLDER_NAMES_H
#define FB_FOLDER_NAMES_H

#include <stddef.h>

/* The first names, separated by commas. Starts as { 0 }. */
struct fb_names {
    char text[512];
    size_t n, shown; /* names in all, and names in the text: at most ten */
};

/* Add the names in a folder, sorted, as PREFIX/NAME, or NAME if the prefix is empty. Hidden files are left
 * out. A folder that can't be read adds nothing, since the names are only hints. */
void fb_names_in(struct fb_names *names, const char *folder, const char *prefix);
/* The same for the names in its subfolders: PREFIX/FOLDER/NAME. */
void fb_names_below(struct fb_names *names, const char *folder, const char *prefix);
/* "a, b", "a, b and 7 more", or "nothing". No names can be added afterwards. */
const char *fb_names_text(struct fb_names *names);

#endif
