/* fuzz.c - SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char input[500], output[500];

static void remove_files(void)
{
    unlink(input);
    unlink(output);
}

static void name_files(void)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(input, sizeof input, "%s/fastbal-fuzz-%ld.fits", folder, (long)getpid());
    snprintf(output, sizeof output, "%s/fastbal-fuzz-%ld-out.fits", folder, (long)getpid());
    atexit(remove_files);
}

const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    if (!input[0])
        name_files();
    int descriptor = open(input, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (descriptor < 0 || write(descriptor, bytes, size) != (ssize_t)size || close(descriptor) != 0) {
        perror(input);
        exit(1);
    }
    return input;
}

const char *fuzz_output(void)
{
    if (!input[0])
        name_files();
    return output;
}

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    remove_files();
    abort();
}
