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
#include "fits/error.h"

/* "Last updated 2026-01-31 12:00:00 UT by USER". The date is SOURCE_DATE_EPOCH's where that is set, so that
 * outputs can be compared byte by byte. */
void fb_last_updated(char *text, size_t size);

/* printf into a new string, to be freed by the caller; NULL if out of memory. */
char *fb_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The folder some levels above a path, by its text alone, to be freed by the caller; NULL where the text does
 * not say, as of "..", or out of memory. */
char *fb_path_above(const char *path, int levels);

int fb_make_folders(const char *folder, struct fb_error *err);      /* like mkdir -p */
int fb_make_parent_folders(const char *path, struct fb_error *err); /* those above a file */
/*
 * Questions about files: 1 for yes and 0 for no, also where one of them is not there; -1 and a line in err where the
 * system can't tell, tried again where it fails for a moment. Then nothing may be done as if the answer were no.
 */
/* Is there anything of that name? Links are not followed. */
int fb_look_for(const char *path, struct fb_error *err);
int fb_is_folder(const char *path, struct fb_error *err);
int fb_same_file(const char *a, const char *b, struct fb_error *err);   /* or folder, by whatever names */
int fb_same_folder(const char *a, const char *b, struct fb_error *err); /* of two files, there or not */
/* Where that is no news, stat() of what a path leads to. */
int fb_look_at(const char *path, struct stat *info, struct fb_error *err);
/* Bytes, 0 where there is no such file, or -1 and a line in err. */
int64_t fb_file_size(const char *path, struct fb_error *err);
/* 0, or -1 and a line in err where there is no such file, or the system can't tell; what: what is looked for. */
int fb_need_file(const char *path, const char *what, struct fb_error *err);
/* To be closed by closedir(); NULL and a line in err on failure. */
DIR *fb_open_folder(const char *path, struct fb_error *err);
/* 1 if there is anything of that name, as far as the system can tell: for hints, where a wrong answer costs nothing. */
int fb_exists(const char *path);

/* "CFITSIO 4.2.0 (thread-safe), ..." for --version. */
void fb_library_versions(char *text, size_t size);
/* Get the file library ready, before any threads start. 1 if several threads can use it at a time, else 0. */
int fb_files_prepare(void);

#endif
