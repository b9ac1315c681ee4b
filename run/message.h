/*
 * message.h - the lines a command prints. Errors and warnings go to stderr as "fastbal COMMAND: ...", one
 * line each.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_MESSAGE_H
#define FB_MESSAGE_H

#include <stddef.h>

/* One error line on stderr: "fastbal COMMAND: TEXT". */
void fb_print_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line on stdout; returns -1 where it can't be written. A reader that has gone away is no failure. */
int fb_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 1 where something that was written to stdout is lost: the disk behind it is full, say. A reader that has gone away,
 * as "| head" does, has seen enough. main() prints the line about it. */
int fb_output_is_lost(void);

#endif
