/*
 * error.h - how functions outside src/ report failure: they return -1 and leave one line in a struct fb_error
 * that the caller owns. The line names the file or option, what was expected and what was found, and the remedy
 * where there is one. The command adds its own name when it prints the line.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ERROR_H
#define FB_ERROR_H

#include <stdarg.h>
#include <stddef.h>

struct fb_error {
    char text[1024];
};

/* Set the line, printf style. Control characters become blanks; a line that is too long loses its middle. */
void fb_error_set(struct fb_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fb_error_set_v(struct fb_error *err, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static inline int fb_failed(void)
{
    return -1;
}

/* Set the line and return -1: "return fb_fail(err, ...)". It is a macro so that compilers and analysers see
 * the -1. */
#define fb_fail(...) (fb_error_set(__VA_ARGS__), fb_failed())

/* The plural ending of a noun: "" for 1, else "s". */
const char *fb_s(size_t n);

#endif
