/*
 * settings.h - what has to be the same on all ranks, as a list of names and values, all of them texts: "option --fit",
 * "simplex". fb_ranks_compare() (run/ranks.h) compares such lists.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SETTINGS_H
#define FB_SETTINGS_H

#include <stddef.h>
#include "fits/error.h"

/* All zero is an empty list. */
struct fb_settings {
    char *text; /* owned: name, NUL, value, NUL, and so on */
    size_t size;
    int failed; /* out of memory: something is missing */
};

/* Begin a list with what is to be known of any command: version, libraries, byte order. */
void fb_settings_start(struct fb_settings *settings, const char *command);
void fb_settings_add(struct fb_settings *settings, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A path, made absolute: the same text in another working directory is another path. NULL is allowed. */
void fb_settings_add_path(struct fb_settings *settings, const char *name, const char *path);
void fb_settings_release(struct fb_settings *settings);

/* 0 where the lists are the same, else -1 and a line that names the first setting that differs, as
 * "option --fit is simplex, on rank 0 exact". */
int fb_settings_compare(const struct fb_settings *mine, const struct fb_settings *of_rank_0,
                        struct fb_error *err);

#endif
