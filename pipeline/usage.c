/* usage.c - SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include "pipeline/usage.h"

static void add_noted(struct fb_noted_files *total, size_t n, const char *path)
{
    if (n > 0 && (total->n == 0 || strcmp(path, total->path) < 0))
        snprintf(total->path, sizeof total->path, "%s", path);
    total->n += n;
}

void fb_note_file(struct fb_noted_files *files, const char *path)
{
    add_noted(files, 1, path);
}

void fb_usage_add(struct fb_usage *total, const struct fb_usage *part)
{
    total->files += part->files;
    add_noted(&total->joined, part->joined.n, part->joined.path);
    add_noted(&total->unknown_fit, part->unknown_fit.n, part->unknown_fit.path);
    total->bytes += part->bytes;
    total->reading += part->reading;
    total->computing += part->computing;
    total->writing += part->writing;
    total->cpu += part->cpu;
    if (part->peak > total->peak)
        total->peak = part->peak;
}

/* Bytes returned by read() and similar calls so far; 0 if unknown. */
static int64_t bytes_read(void)
{
    int64_t bytes = 0;
    FILE *file = fopen("/proc/self/io", "r");
    if (!file)
        return 0;
    if (fscanf(file, "rchar: %" SCNd64, &bytes) != 1)
        bytes = 0;
    fclose(file);
    return bytes;
}

static double in_seconds(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

void fb_usage_add_process(struct fb_usage *total)
{
    struct fb_usage process = { .bytes = bytes_read() };
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        process.cpu = in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
#ifdef __APPLE__
        process.peak = (int64_t)usage.ru_maxrss;
#else
        process.peak = (int64_t)usage.ru_maxrss * 1024;
#endif
    }
    fb_usage_add(total, &process);
}
