/* progress.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* struct winsize */
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "run/message.h"
#include "run/progress.h"

enum { MOST_COLUMNS = 200, NARROWEST = 20 };

/* A line, limited to a terminal's width. */
struct line {
    char text[MOST_COLUMNS + 1];
    size_t used, room;
};

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
}

/* Resident memory in MB; 0 if unknown. */
static double memory_in_use(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* Append a field if it fits completely. */
static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
    char field[80];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(field, sizeof field, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof field || line->used + (size_t)length > line->room) {
        line->room = line->used; /* drop all following fields too */
        return;
    }
    memcpy(line->text + line->used, field, (size_t)length + 1);
    line->used += (size_t)length;
}

static void add_time_left(struct line *line, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        add(line, "  %ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    else
        add(line, "  %ld:%02ld left", s / 60, s % 60);
}

static void draw(struct fb_progress *p, double elapsed)
{
    const struct fb_pixel_run *run = p->run;
    size_t n = run->pixels->n, width = terminal_width();
    struct line line = { .room = width - 1 };

    if (width < NARROWEST || (p->finished < n && p->drawn > 0 && elapsed - p->drawn < 0.1))
        return;
    p->drawn = elapsed;
    add(&line, "%s %3.0f %%", run->command, 100 * (double)p->finished / (double)n);
    add(&line, "  %zu of %zu pixels", p->finished, n);
    add_time_left(&line, elapsed * (double)(n - p->finished) / (double)p->finished);
    if (run->nquasars > 0)
        add(&line, "  %zu quasars", run->nquasars);
    if (run->tally.nai > 0)
        add(&line, "  %zu BALs", run->tally.nai);
    if (run->nquasars > 0 && elapsed > 0)
        add(&line, "  %.0f quasars/s", (double)run->nquasars / elapsed);
    add(&line, "  %.0f MB", memory_in_use());
    fprintf(stderr, "\r%-*s", (int)width - 1, line.text);
}

static void print_chunk(const struct fb_progress *p, double elapsed)
{
    size_t n = p->run->pixels->n, chunk = (size_t)p->run->chunk;
    if (p->finished % chunk > 0 && p->finished < n)
        return;
    fb_print("chunk %zu of %zu: %zu of %zu pixels done, %.0f MB in use, %.1f s so far, %.1f s left",
             (p->finished + chunk - 1) / chunk, (n + chunk - 1) / chunk, p->finished, n, memory_in_use(),
             elapsed, elapsed * (double)(n - p->finished) / (double)p->finished);
}

void fb_progress_start(struct fb_progress *p, const struct fb_pixel_run *run, int leads)
{
    const char *terminal = getenv("TERM");
    size_t n = run->pixels->n, chunk = (size_t)run->chunk;
    *p = (struct fb_progress){ .run = run,
                               .start = fb_seconds(),
                               .live = leads && !run->verbose && !fb_quiet && isatty(STDERR_FILENO) &&
                                       (!terminal || strcmp(terminal, "dumb") != 0) };
    if (run->verbose && leads)
        fb_print("%zu pixel%s in %zu chunk%s, %d thread%s%s", n, fb_s(n), (n + chunk - 1) / chunk,
                 fb_s((n + chunk - 1) / chunk), run->nthreads, fb_s((size_t)run->nthreads),
                 run->ranks && run->ranks->size > 1 ? " a rank" : "");
}

void fb_progress_advance(struct fb_progress *p)
{
    double elapsed = fb_seconds() - p->start;
    p->finished++;
    if (p->live)
        draw(p, elapsed);
    if (p->run->verbose)
        print_chunk(p, elapsed);
}

void fb_progress_end(struct fb_progress *p)
{
    if (p->drawn > 0)
        fprintf(stderr, "\r%*s\r", (int)terminal_width() - 1, "");
}
