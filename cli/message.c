/* message.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli/message.h"
#include "cli/mpi.h"
#include "cli/stop.h"
#include "fastbal.h"
#include "fits/system.h"

void fb_complain(const char *command, const char *format, ...)
{
    struct fb_error line;
    va_list arguments;
    va_start(arguments, format);
    fb_error_set_v(&line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "fastbal %s: %s\n", command, line.text);
}

int fb_say(const char *format, ...)
{
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

const char *fb_s(size_t n)
{
    return n == 1 ? "" : "s";
}

static void say_mpi(void)
{
    char library[200];
    struct fb_error err;
    const struct fb_mpi *mpi = fb_mpi_load(&err);
    if (mpi)
        mpi->version(library, sizeof library);
    fb_say("features: threads yes, MPI %s (%s)", mpi ? "yes" : "no", mpi ? library : err.text);
}

void fb_say_version(void)
{
    char libraries[200];
    int major, minor, patch;
    fb_library_versions(libraries, sizeof libraries);
    fb_say("fastbal %s", fastbal_version());
    fastbal_lapack_version(&major, &minor, &patch);
    fb_say("libraries: %s, LAPACK %d.%d.%d", libraries, major, minor, patch);
    fb_say("compiler: %s, %s build%s%s", FB_COMPILER, FB_BUILD, FB_SANITIZERS[0] ? ", sanitizers " : "",
           FB_SANITIZERS);
    say_mpi();
}
