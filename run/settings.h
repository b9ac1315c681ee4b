/*
 * settings.h - settings that must be equal on all ranks: a list of names and values, all strings, such as
 * "option --fit" and "simplex". fb_ranks_compare() (run/ranks.h) compares such lists.
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

/* Start a list with the settings of any command: version, command, byte order. */
void fb_settings_start(struct fb_settings *settings, const char *command);
/* Add a setting. If out of memory, `failed` is set. */
void fb_settings_add(struct fb_settings *settings, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A path, made absolute, since ranks may have different working directories. NULL is allowed. */
void fb_settings_add_path(struct fb_settings *settings, const char *name, const char *path);
void fb_settings_release(struct fb_settings *settings);

/* Returns 0 if the lists are equal, else -1 and an error that names the first setting that differs, e.g.
 * "option --fit is simplex, on rank 0 exact". */
int fb_settings_compare(const struct fb_settings *mine, const struct fb_settings *of_rank_0,
                        struct fb_error *err);

#endif
