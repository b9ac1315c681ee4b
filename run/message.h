/*
 * message.h - the lines a command prints. Errors and warnings go to stderr as "fastbal COMMAND: ...", one
 * line each.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MESSAGE_H
#define FB_MESSAGE_H

#include <stddef.h>
#include "fits/error.h"

/* One error line on stderr: "fastbal COMMAND: TEXT". */
void fb_print_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* From now on print no errors, but keep the text of the first one in *first, which is borrowed; NULL: print them again. Call
 * it only while there is one thread. */
void fb_hold_errors(struct fb_error *first);

/* Set by --quiet: only errors and warnings are printed, and there is no live line. */
extern int fb_quiet;

/* One line on stdout, unless fb_quiet is set; returns -1 if it can't be written. A closed pipe is no
 * failure. */
int fb_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns 1 if output to stdout was lost, e.g. on a full disk; a pipe closed by its reader ("| head") does
 * not count. main() prints the error. */
int fb_output_is_lost(void);

#endif
