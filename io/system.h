/*
 * system.h - dates, users, folders and paths.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SYSTEM_H
#define FB_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include "io/error.h"

/* "Last updated 2026-01-31 12:00:00 UT by USER". The date is SOURCE_DATE_EPOCH's where that is set, so that
 * outputs can be compared byte by byte. */
void fb_last_updated(char *text, size_t size);

/* printf into a new string, to be freed by the caller; NULL if out of memory. */
char *fb_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

int fb_make_folders(const char *folder, struct fb_error *err);      /* like mkdir -p */
int fb_make_parent_folders(const char *path, struct fb_error *err); /* those above a file */
int fb_exists(const char *path);                                    /* 1 if there is anything of that name */
/* The same, but -1 and a line in err where the system can't tell: then nothing may be done as if it were not there. */
int fb_look_for(const char *path, struct fb_error *err);
/* -1 and a line in err where there is no such file, or the system can't tell; what: what is looked for. */
int fb_need_file(const char *path, const char *what, struct fb_error *err);
int64_t fb_file_size(const char *path); /* bytes; 0 where there is no such file */
int fb_is_folder(const char *path);
/* Are these the same file or folder, by whatever names? 0 where one of them is not there. */
int fb_same_file(const char *a, const char *b);
/* Are these two files, there or not, in the same folder? -1 if out of memory. */
int fb_same_folder(const char *a, const char *b);

/* "CFITSIO 4.2.0 (thread-safe), ..." for --version. */
void fb_library_versions(char *text, size_t size);
/* Get the file library ready, before any threads start. 1 if several threads can use it at a time, else 0. */
int fb_files_prepare(void);

#endif
