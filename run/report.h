/*
 * report.h - what a command prints at the end: errors of pixels that failed, the summary, and the log.
 *
 *     struct fb_report report;
 *     fb_report_start(&report, &run, argc, argv);
 *     fb_report_pixels(&report, log_path);
 *     fb_report_print(&report, "split: %zu rows", n);
 *     fb_report_end(&report, NULL, NULL);
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_REPORT_H
#define FB_REPORT_H

#include <stdio.h>
#include "run/ledger.h"

enum { FB_MOST_LINES = 4 }; /* of a summary */

struct fb_report {
    const struct fb_pixel_run *run;
    int argc;
    char **argv;
    const char *heading; /* a line of the log, before the pixels; may be NULL */
    char *log_path;      /* owned; NULL: no log */
    char summary[FB_MOST_LINES * sizeof(struct fb_error)]; /* the lines printed, for the log */
};

/* Call this when the program starts; logs state the time. */
void fb_report_program_starts(void);

/* argv is the command line shown in the log. */
void fb_report_start(struct fb_report *report, const struct fb_pixel_run *run, int argc, char **argv);

/*
 * Print a line on stderr for each pixel that failed, left a note, or lost quasars (pipeline/tally.h): at most
 * ten lines of a kind, and the number of lines omitted. The log gets all of them. Takes ownership of
 * log_path, which may be NULL.
 */
void fb_report_pixels(struct fb_report *report, char *log_path);

/* A line of the summary: on stdout now, and in the log. */
void fb_report_print(struct fb_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The lines of the summary about quasars (pipeline/tally.h); templates may be NULL. */
void fb_report_tally(struct fb_report *report, const struct fb_tally *tally, const char *templates);

/* Writes additional lines to the log, after the summary. Returns -1, with errno, on failure. */
typedef int fb_report_fn(const void *context, FILE *log);

/* Append to the log, and release the report. If the log can't be written, only a warning is printed.
 * write_lines may be NULL. */
void fb_report_end(struct fb_report *report, fb_report_fn *write_lines, const void *context);

/* Print the error for a catalog that is not written because nothing was measured; returns the exit status. */
int fb_nothing_measured(const char *command, const struct fb_tally *tally, const char *catalog);

/* FOLDER/NAME, or FOLDER/logfile-LABEL.txt if name is NULL; an absolute name is used as it is. The caller
 * frees it. Returns NULL, after a warning, if out of memory; folder or label may be NULL for the same
 * reason. */
char *fb_log_path(const char *command, const char *folder, const char *name, const char *label);

#endif
