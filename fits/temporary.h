/*
 * temporary.h - temporary files. An output is written under a temporary name and renamed when it is complete.
 * Temporary files that dead runs left behind are found and removed.
 *
 * A temporary file is in the folder of its output and is called BASE_tmpPID-HOST.fits for an output BASE.fits,
 * and NAME_tmpPID-HOST for any other output NAME. The name identifies the process and the machine that write it, since many machines may share a
 * file system. If BASE is so long that the name might exceed 255 bytes, it is replaced by its beginning and a
 * hash. If the output is a symbolic link, the link stays and the file it points to is replaced.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPORARY_H
#define FB_TEMPORARY_H

#include <stddef.h>
#include <stdio.h>
#include "fits/error.h"

/* What happens to an existing file with the output's name when the output is complete. */
enum fb_replace {
    FB_KEEP_EXISTING, /* it stays, and the output fails */
    FB_REPLACE,       /* it is replaced */
    FB_REPLACE_LINK   /* the same, but a symbolic link is replaced itself, not the file it points to */
};

/* A file that is being written. */
struct fb_temporary {
    char *path;     /* as given by the user, for messages */
    char *target;   /* the path with symbolic links followed */
    char *name;     /* of the temporary file, beside the target */
    int descriptor; /* -1: not open */
    int made;       /* this struct has created its temporary file */
    enum fb_replace replace;
};

/* Choose the names, and remove temporary files of dead runs. Nothing is written yet. Call
 * fb_temporary_discard() in any case, even after a failure or a publish. */
int fb_temporary_prepare(struct fb_temporary *temporary, const char *path, enum fb_replace replace,
                         struct fb_error *err);
/* Create the file for reading and writing. It is an error if anything has its name, such as a symbolic link;
 * that stays as it is. */
int fb_temporary_open(struct fb_temporary *temporary, struct fb_error *err);
/* Flush and close the complete file, and rename it to its final name. With FB_FILE_AND_FOLDER the folder is
 * flushed too, so that the name survives a power cut; without, the old file or no file may be found
 * afterwards, but never a partial one. */
enum fb_durable { FB_FILE_ONLY, FB_FILE_AND_FOLDER };
int fb_temporary_publish(struct fb_temporary *temporary, enum fb_durable durable, struct fb_error *err);
/* Close the file, remove it unless it has been published, and free the names. */
void fb_temporary_discard(struct fb_temporary *temporary);

/*
 * Remove the temporary files of this output that no live run writes: on this machine those whose process is
 * gone, on other machines those that have not been written to for a day. Only regular files of this user that
 * are empty or begin like our outputs are removed, since a name proves nothing. Failures are ignored.
 */
void fb_temporary_sweep(const char *path);

/*
 * Check that a file of this name can be an output: 0, or -1 with an error, as for the checks below. It must
 * not be a folder or a device, its folder must exist, and its name must not suggest another format, since
 * outputs are plain FITS files unless fb_check_output_or() allows another.
 */
int fb_check_output_name(const char *path, struct fb_error *err);
/* The same, and the file must not exist, unless it may be replaced. */
int fb_check_output(const char *path, enum fb_replace replace, struct fb_error *err);
/* The same, but names with this suffix, such as ".ecsv", are allowed as well. */
int fb_check_output_or(const char *path, const char *suffix, enum fb_replace replace, struct fb_error *err);
/* Check that an output is not the input under any name, even if existing outputs may be replaced. */
int fb_check_apart(const char *output, const char *input, struct fb_error *err);

/* Check that two outputs of a command are not the same file, by whatever names, whether or not they exist. */
int fb_check_distinct(const char *path, const char *other, struct fb_error *err);

/* Write a whole output from memory: prepare, open, write and publish. */
int fb_write_output(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                    struct fb_error *err);
/* The same for one of many files: its folder is created if it is missing, and is not flushed. */
int fb_write_file(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                  struct fb_error *err);
/* Write text that a function prints, like fb_write_output(). */
typedef void fb_print_text(FILE *out, const void *context);
int fb_print_output(const char *path, enum fb_replace replace, fb_print_text *print, const void *context,
                    struct fb_error *err);

#endif
