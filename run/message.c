/* message.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "run/message.h"
#include "run/stop.h"

static struct fb_error *held; /* NULL: errors are printed */

void fb_hold_errors(struct fb_error *first)
{
    held = first;
    if (held)
        held->text[0] = '\0';
}

void fb_print_error(const char *command, const char *format, ...)
{
    struct fb_error line;
    va_list arguments;
    va_start(arguments, format);
    fb_error_set_v(&line, format, arguments);
    va_end(arguments);
    if (held) {
        if (!held->text[0])
            *held = line;
        return;
    }
    fprintf(stderr, "fastbal %s: %s\n", command, line.text);
}

int fb_quiet;

int fb_print(const char *format, ...)
{
    if (fb_quiet)
        return 0;
    va_list arguments;
    va_start(arguments, format);
    int written = vprintf(format, arguments);
    va_end(arguments);
    if (written >= 0)
        putchar('\n');
    return fb_output_is_lost() ? -1 : 0;
}

int fb_output_is_lost(void)
{
    return (fflush(stdout) != 0 || ferror(stdout)) && !fb_reader_gone();
}
