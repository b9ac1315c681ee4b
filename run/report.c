/* report.c - SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "fits/system.h"
#include "run/exit_status.h"
#include "run/message.h"
#include "run/report.h"
#include "run/stop.h"

enum { MOST_OF_A_KIND = 10, MOST_KINDS = 32, KIND_BYTES = 200 };

static char program_start[FB_TIME_TEXT];

void fb_report_program_starts(void)
{
    fb_time_text(program_start);
}

void fb_report_start(struct fb_report *report, const struct fb_pixel_run *run, int argc, char **argv)
{
    *report = (struct fb_report){ .run = run, .argc = argc, .argv = argv };
}

/* ---- lines about pixels ---- */

typedef void line_fn(void *context, const char *pixel, const char *text);

/* Why a pixel failed; NULL if it did not. */
static const char *failure(const struct fb_pixel_run *run, size_t i)
{
    if (!fb_pixel_failed(run->results[i].outcome))
        return NULL;
    return run->results[i].why ? run->results[i].why : "failed, out of memory";
}

/* Pass on all lines about the run's pixels, in order. */
static void each_line(const struct fb_pixel_run *run, line_fn *say, void *context)
{
    char name[FB_PIXEL_TEXT], lost[FB_TALLY_TEXT];
    for (size_t i = 0; run->results && i < run->pixels->n; i++) {
        const char *why = failure(run, i);
        fb_tree_pixel_text(run->tree, run->pixels->ids[i], name);
        if (run->results[i].note)
            say(context, name, run->results[i].note);
        if (why)
            say(context, name, why);
        fb_tally_lost_text(&run->results[i].tally, lost);
        if (!why && lost[0])
            say(context, name, lost);
    }
}

/* Lines that differ only in paths and numbers are of one kind. */
struct kind {
    char text[KIND_BYTES];
    size_t n;
};

struct kinds {
    const char *command;
    struct kind kind[MOST_KINDS]; /* the last one collects all that don't fit */
    size_t n;
};

static void normalise(const char *text, char kind[KIND_BYTES])
{
    size_t used = 0;
    while (*text && used + 2 < KIND_BYTES) {
        size_t word = strcspn(text, " "), path = memchr(text, '/', word) != NULL;
        for (size_t i = 0; i < word && !path && used + 2 < KIND_BYTES; i++)
            if (!isdigit((unsigned char)text[i]))
                kind[used++] = text[i];
        text += word;
        if (*text)
            kind[used++] = *text++;
    }
    kind[used] = '\0';
}

static struct kind *find_kind(struct kinds *kinds, const char *text)
{
    char kind[KIND_BYTES];
    size_t k = 0;
    normalise(text, kind);
    while (k < kinds->n && k + 1 < MOST_KINDS && strcmp(kinds->kind[k].text, kind) != 0)
        k++;
    if (k == kinds->n) {
        memcpy(kinds->kind[k].text, kind, sizeof kind);
        kinds->n++;
    }
    return &kinds->kind[k];
}

static void complain_of(void *context, const char *pixel, const char *text)
{
    struct kinds *kinds = context;
    struct kind *kind = find_kind(kinds, text);
    int names_file = strchr(text, '/') != NULL;
    if (++kind->n > MOST_OF_A_KIND)
        return;
    if (names_file)
        fb_print_error(kinds->command, "%s", text);
    else
        fb_print_error(kinds->command, "pixel %s: %s", pixel, text);
}

void fb_report_pixels(struct fb_report *report, char *log_path)
{
    struct kinds kinds = { .command = report->run->command };
    size_t more = 0;
    report->log_path = log_path;
    each_line(report->run, complain_of, &kinds);
    for (size_t k = 0; k < kinds.n; k++)
        more += kinds.kind[k].n > MOST_OF_A_KIND ? kinds.kind[k].n - MOST_OF_A_KIND : 0;
    if (more > 0)
        fb_print_error(kinds.command, "%zu more lines of the same kind%s%s", more,
                       log_path ? " are in the log: " : "; --logfile FILE keeps them all",
                       log_path ? log_path : "");
}

/* ---- the summary ---- */

void fb_report_print(struct fb_report *report, const char *format, ...)
{
    struct fb_error line;
    va_list arguments;
    va_start(arguments, format);
    fb_error_set_v(&line, format, arguments);
    va_end(arguments);
    fb_print("%s", line.text);
    size_t room = sizeof report->summary - strlen(report->summary);
    snprintf(report->summary + strlen(report->summary), room, "%s\n", line.text);
}

void fb_report_tally(struct fb_report *report, const struct fb_tally *tally, const char *templates)
{
    char text[FB_TALLY_TEXT];
    fb_tally_text(tally, templates, text);
    fb_report_print(report, "%s: %s", report->run->command, text);
    fb_tally_snr_text(tally, text);
    if (text[0])
        fb_report_print(report, "%s: %s", report->run->command, text);
}

/* ---- the log ---- */

/* Write an argument, quoted for the shell where necessary. */
static void write_word(FILE *file, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, file);
        return;
    }
    putc('\'', file);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", file);
        else
            putc(*word, file);
    }
    putc('\'', file);
}

static void write_command(FILE *file, int argc, char **argv)
{
    /* the first is "fastbal COMMAND", which is two words, or the path of a program */
    if (strncmp(argv[0], "fastbal ", 8) == 0)
        fputs(argv[0], file);
    else
        write_word(file, argv[0]);
    for (int i = 1; i < argc; i++) {
        putc(' ', file);
        write_word(file, argv[i]);
    }
    putc('\n', file);
}

static void log_line(void *context, const char *pixel, const char *text)
{
    fprintf(context, "%s : %s\n", pixel, text);
}

/* Returns -1, with errno, if write_lines() failed. Errors of `log` itself are found when it is flushed. */
static int write_log(const struct fb_report *report, FILE *log, fb_report_fn *write_lines,
                     const void *context)
{
    const struct fb_pixel_run *run = report->run;
    char updated[200], end[FB_TIME_TEXT];
    fb_last_updated(updated, sizeof updated);
    fprintf(log, "%s\n", updated);
    write_command(log, report->argc, report->argv);
    if (report->heading)
        fprintf(log, "%s\n", report->heading);
    each_line(run, log_line, log);
    fputs(report->summary, log);
    fb_time_text(end);
    fprintf(log, "%s: fastbal %s, from %s to %s UT\n", run->command, fastbal_version(), program_start, end);
    int failed = write_lines ? write_lines(context, log) : 0;
    if (run->signal)
        fprintf(log, "Stopped by %s, %zu of %zu pixels left\n", fb_stop_name(run->signal), run->nleft,
                run->pixels->n);
    else if (run->gave_up)
        fprintf(log, "Stopped because %zu pixels in a row could not be written, %zu of %zu pixels left\n",
                run->unwritten, run->nleft, run->pixels->n);
    return failed;
}

static int append_to_log(const struct fb_report *report, fb_report_fn *write_lines, const void *context,
                         struct fb_error *err)
{
    if (fb_make_parent_folders(report->log_path, err) != 0)
        return -1;
    FILE *log = fopen(report->log_path, "a");
    if (!log)
        return fb_fail(err, "%s: can't write to this log: %s", report->log_path, strerror(errno));
    errno = 0;
    int failed = write_log(report, log, write_lines, context) != 0 || fflush(log) != 0 || ferror(log),
        reason = errno;
    if (fclose(log) != 0 && !failed) {
        failed = 1;
        reason = errno;
    }
    if (failed)
        return fb_fail(err, "%s: can't write to this log%s%s", report->log_path, reason ? ": " : "",
                       reason ? strerror(reason) : "");
    return 0;
}

void fb_report_end(struct fb_report *report, fb_report_fn *write_lines, const void *context)
{
    struct fb_error err;
    if (report->log_path && append_to_log(report, write_lines, context, &err) != 0)
        fb_print_error(report->run->command, "warning: %s", err.text);
    free(report->log_path);
    *report = (struct fb_report){ 0 };
}

int fb_nothing_measured(const char *command, const struct fb_tally *tally, const char *catalog)
{
    char reasons[FB_TALLY_TEXT];
    fb_tally_reasons(tally, reasons);
    fb_print_error(command, "%s: not written, because nothing was measured%s%.600s", catalog,
                   reasons[0] ? ": " : "", reasons);
    return FB_EXIT_UNUSABLE;
}

char *fb_log_path(const char *command, const char *folder, const char *name, const char *label)
{
    char *path = NULL;
    if (folder && label)
        path = !name            ? fb_format("%s/logfile-%s.txt", folder, label)
               : name[0] == '/' ? strdup(name)
                                : fb_format("%s/%s", folder, name);
    if (!path)
        fb_print_error(command, "warning: there is no log: out of memory");
    return path;
}
