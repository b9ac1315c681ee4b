/* error.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fits/error.h"

/* A line begins with the path and ends with the fault. A line with a very long path is shortened in the
 * middle. */
__attribute__((format(printf, 3, 0))) static void keep_ends(struct fb_error *err, size_t length,
                                                            const char *format, va_list arguments)
{
    char *whole = malloc(length + 1);
    size_t end = sizeof err->text / 2;
    if (!whole)
        return;
    vsnprintf(whole, length + 1, format, arguments);
    memcpy(err->text + sizeof err->text - end - 4, "...", 3);
    memcpy(err->text + sizeof err->text - end - 1, whole + length - end, end + 1);
    free(whole);
}

void fb_error_set_v(struct fb_error *err, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(err->text, sizeof err->text, format, arguments);
    if (length >= (int)sizeof err->text)
        keep_ends(err, (size_t)length, format, again);
    va_end(again);
    /* one line, whatever a file name holds */
    for (char *p = err->text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = ' ';
}

void fb_error_set(struct fb_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fb_error_set_v(err, format, arguments);
    va_end(arguments);
}

const char *fb_s(size_t n)
{
    return n == 1 ? "" : "s";
}
