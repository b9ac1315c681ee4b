/*
 * reader.c - reads the given byte ranges of files and does nothing else: the lower limit of the time to read
 * the rows that the finder needs.
 *
 * usage: reader PLAN
 *
 * PLAN is a text file of lines "F PATH", each followed by lines "R OFFSET LENGTH". Prints the bytes read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline */
#endif
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *buffer;
static size_t room;

static int read_place(int file, long long offset, size_t length)
{
    if (length > room) {
        free(buffer);
        room = length;
        buffer = malloc(room);
    }
    if (!buffer)
        return -1;
    for (size_t done = 0; done < length;) {
        ssize_t got = pread(file, buffer + done, length - done, (off_t)offset + (off_t)done);
        if (got <= 0)
            return -1;
        done += (size_t)got;
    }
    return 0;
}

int main(int argc, char **argv)
{
    FILE *plan = argc == 2 ? fopen(argv[1], "r") : NULL;
    char *line = NULL;
    size_t size = 0;
    long long offset, length, bytes = 0;
    int file = -1;

    if (!plan) {
        fprintf(stderr, "usage: reader PLAN\n");
        return 2;
    }
    while (getline(&line, &size, plan) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'F') {
            if (file >= 0)
                close(file);
            file = open(line + 2, O_RDONLY);
        } else if (sscanf(line, "R %lld %lld", &offset, &length) == 2) {
            if (read_place(file, offset, (size_t)length) != 0) {
                fprintf(stderr, "reader: can't read %s\n", line);
                return 1;
            }
            bytes += length;
        }
    }
    printf("%lld\n", bytes);
    free(line);
    free(buffer);
    fclose(plan);
    return 0;
}
