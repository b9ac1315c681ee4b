/*
 * temporary.h - outputs appear under their name only when they are complete: what a file is called until then, how it
 * gets its name, and how what dead runs left behind is found and removed.
 *
 * A temporary file lies beside its output and is called BASE_tmpPID-HOST.fits: it ends as the output does, and the name
 * tells which process of which machine writes it, on file systems that many machines share as well. Where BASE is so
 * long that this might exceed 255 bytes, its beginning and a hash of all of it take its place. An output that is a
 * symbolic link is written through: the link stays, and the file that it leads to is replaced.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_TEMPORARY_H
#define FB_TEMPORARY_H

#include <stddef.h>
#include "fits/error.h"

/* What happens to a file that has the output's name by the time the output is complete. */
enum fb_replace {
    FB_KEEP_EXISTING, /* it stays, and the output fails */
    FB_REPLACE,       /* it is replaced */
    FB_REPLACE_LINK   /* the same, and so is a symbolic link itself: what it leads to is not ours to write */
};

/* A file that is being written. */
struct fb_temporary {
    char *path;     /* as the user says it, for messages */
    char *target;   /* the same, with symbolic links followed */
    char *name;     /* of the temporary file, beside the target */
    int descriptor; /* -1: not open */
    int made;       /* there is a temporary file, and it is this one */
    enum fb_replace replace;
};

/* Find the names, and sweep; nothing is written yet. Discard it in any case, also after a failure and once it is
 * published. */
int fb_temporary_prepare(struct fb_temporary *temporary, const char *path, enum fb_replace replace,
                         struct fb_error *err);
/* Create the file, for reading and writing. Whatever is there under its name already, a symbolic link above all, is an
 * error and stays as it is. */
int fb_temporary_open(struct fb_temporary *temporary, struct fb_error *err);
/* Flush and close the file, which is complete, and give it its name. Folders are flushed as well where the name has to
 * survive a power cut: without, a file may be found under its old contents or not at all, but never in part. */
enum fb_durable { FB_FILE_ONLY, FB_FILE_AND_FOLDER };
int fb_temporary_publish(struct fb_temporary *temporary, enum fb_durable durable, struct fb_error *err);
/* Close the file, remove it unless it has been published, and release the names. */
void fb_temporary_discard(struct fb_temporary *temporary);

/*
 * Remove the temporary files of this output that no live run writes: of this machine those whose process is gone, of
 * others those not written to for a day. Only regular files of this user that are empty or begin as our outputs do: a
 * file that merely has such a name stays. Silent: what can't be removed stays.
 */
void fb_temporary_sweep(const char *path);

/*
 * Can a file of this name be an output? It can't be a folder or a device, its folder has to exist, and since all outputs
 * that users name are plain FITS files its name must not promise another format.
 */
int fb_check_output_name(const char *path, struct fb_error *err);
/* The same, and that nothing is there, unless it may be replaced. */
int fb_check_output(const char *path, enum fb_replace replace, struct fb_error *err);
/* The same where files with this suffix, ".ecsv", are written as well. */
int fb_check_output_or(const char *path, const char *suffix, enum fb_replace replace, struct fb_error *err);
/* Where an output must not take the place of an input, by whatever name, even if existing outputs are replaced. */
int fb_check_apart(const char *output, const char *input, struct fb_error *err);

/* A whole output from memory: prepare, open, write and publish. */
int fb_write_output(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                    struct fb_error *err);

/* Write all n bytes. -1 with errno on failure. */
int fb_write_all(int descriptor, const unsigned char *bytes, size_t n);

#endif
