/*
 * system.h - dates, users, folders and paths.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SYSTEM_H
#define FB_SYSTEM_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "fits/error.h"

/* "Last updated 2026-01-31 12:00:00 UT by USER". If SOURCE_DATE_EPOCH is set, it gives the date, so that
 * outputs can be compared byte by byte. */
void fb_last_updated(char *text, size_t size);
/* The time in UT, "2026-11-25 22:10:03"; that of SOURCE_DATE_EPOCH where it is set. */
enum { FB_TIME_TEXT = 32 };
void fb_time_text(char text[FB_TIME_TEXT]);

/* printf into a new string, to be freed by the caller; NULL if out of memory. */
char *fb_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Make room for n > 0 elements of this size in an array on the heap. Returns the array, which may have moved,
 * or NULL if out of memory; the array is then unchanged. *room is its capacity in elements. */
void *fb_grow(void *array, size_t *room, size_t n, size_t size);

/* The folder some levels above a path, derived from its text alone. The caller frees it. NULL if the text
 * does not tell, as for "..", or if out of memory. */
char *fb_path_above(const char *path, int levels);

int fb_make_folders(const char *folder, struct fb_error *err);      /* like mkdir -p */
int fb_make_parent_folders(const char *path, struct fb_error *err); /* those above a file */
/* The folder a file is in, "." if the path has no slash. The caller frees it. NULL if out of memory. */
char *fb_folder_of(const char *path);
/* The part of a path after its last slash. */
const char *fb_base_name(const char *path);

/*
 * Questions about files. They return 1 for yes; 0 for no, or if a file does not exist; -1 with an error if
 * the system can't tell, even after retries. Callers must not treat -1 as no.
 */
/* Does anything have this name? Links are not followed. */
int fb_look_for(const char *path, struct fb_error *err);
int fb_is_folder(const char *path, struct fb_error *err);
int fb_same_file(const char *a, const char *b, struct fb_error *err); /* or folder, under any names */
/* Are two files, which need not exist, in the same folder? */
int fb_same_folder(const char *a, const char *b, struct fb_error *err);
/* Like stat(): links are followed. */
int fb_look_at(const char *path, struct stat *info, struct fb_error *err);
/* The size in bytes, 0 if there is no such file, or -1 with an error. */
int64_t fb_file_size(const char *path, struct fb_error *err);
/* 0, or -1 with an error if there is no such file or the system can't tell. what describes the file in the
 * message. */
int fb_need_file(const char *path, const char *what, struct fb_error *err);
/* The caller closes it with closedir(). NULL with an error on failure. */
DIR *fb_open_folder(const char *path, struct fb_error *err);
/* 1 if anything has this name, as far as the system can tell. Only for hints, where a wrong answer does no
 * harm. */
int fb_exists(const char *path);

/* Whole writes, in as many calls as it takes. They return 0, or -1 with errno. */
int fb_write_all(int descriptor, const void *bytes, size_t n);
int fb_write_at(int descriptor, const void *bytes, size_t n, off_t offset);
/* Create a file for reading and writing under this name, and unlink it at once, so that it is gone when it is
 * closed. Returns a descriptor, or -1 with errno. */
int fb_open_unnamed(const char *path);

/* "CFITSIO 4.2.0 (with threads)", for --version. */
void fb_library_versions(char *text, size_t size);
/* Initialise CFITSIO before any threads start. Returns 1 if it is thread-safe, else 0. */
int fb_files_prepare(void);

#endif
