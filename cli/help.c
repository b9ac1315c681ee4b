/* help.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* struct winsize */
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "cli/help.h"

enum { LONGEST_NAMES = 160, LONGEST_ABOUT = 600 };
enum { INDENT = 26, NARROWEST = 50, WIDEST = 110, USUAL = 90, LONGEST_WORD = 40 };

static const char *const titles[FB_NGROUPS] = { [FB_GROUP_INPUT] = "inputs",
                                                [FB_GROUP_SEARCH] = "what to search, and how",
                                                [FB_GROUP_OUTPUT] = "outputs",
                                                [FB_GROUP_RUN] = "running",
                                                [FB_GROUP_OLD] = "accepted for old command lines" };

static int text_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int width = columns ? atoi(columns) : 0;
    if (width <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = USUAL;
    return width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : width;
}

/* Print words, indented to a column and wrapped to the width. */
static void print_wrapped(const char *text, int column, int indent)
{
    const int width = text_width();
    for (const char *word = text; *word; word = fb_next_word(word)) {
        int length = (int)strcspn(word, " ");
        if (column > indent && column + 1 + length > width) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", length, word);
    }
    printf("\n");
}

static void list_names(const struct fb_option *o, char text[LONGEST_NAMES])
{
    const size_t size = LONGEST_NAMES;
    const char *lists[2] = { o->short_names, o->names };
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < 2; k++) {
        for (const char *p = lists[k]; p && *p; p = fb_next_word(p))
            used += (size_t)snprintf(text + used, size - used, "%s%.*s", used ? ", " : "",
                                     (int)strcspn(p, " "), p);
    }
    if (o->kind != FB_OPT_FLAG)
        snprintf(text + used, size - used, "%s%s%s", used ? " " : "", o->metavar ? o->metavar : "N",
                 o->kind == FB_OPT_LIST ? " ..." : "");
}

static void describe(const struct fb_option *o, char text[LONGEST_ABOUT])
{
    const size_t size = LONGEST_ABOUT;
    const char *value = o->kind == FB_OPT_STRING ? *(const char *const *)o->value : NULL;
    size_t used = (size_t)snprintf(text, size, "%s", o->help);
    if (value)
        used += (size_t)snprintf(text + used, size - used, " [%s]", value);
    else if (o->kind == FB_OPT_INT && *(const long *)o->value != 0)
        used += (size_t)snprintf(text + used, size - used, " [%ld]", *(const long *)o->value);
    else if (o->kind == FB_OPT_FLOAT)
        used += (size_t)snprintf(text + used, size - used, " [%g]", *(const double *)o->value);
    else if (o->kind == FB_OPT_SIZE) {
        int64_t bytes = *(const int64_t *)o->value;
        size_t unit = 0;
        for (; unit < 4 && bytes % 1024 == 0; unit++)
            bytes /= 1024;
        used += (size_t)snprintf(text + used, size - used, " [%" PRId64 "%.1s]", bytes, &"\0KMGT"[unit]);
    }
    if (o->required)
        snprintf(text + used, size - used, " (required)");
}

static void print_option(const char *names, const char *text)
{
    int column = printf("  %s", names);
    if (column + 2 > INDENT) {
        printf("\n");
        column = 0;
    }
    printf("%*s", INDENT - column, "");
    print_wrapped(text, INDENT, INDENT);
}

void fb_help_groups(const struct fb_command_help *help, const struct fb_option *table,
                    const struct fb_help_style *style)
{
    for (int group = 0; group < FB_NGROUPS; group++) {
        const char *title = help->titles[group] ? help->titles[group] : titles[group];
        int n = 0;
        for (const struct fb_option *o = table; !fb_option_is_end(o); o++) {
            char names[LONGEST_NAMES], about[LONGEST_ABOUT];
            if ((int)o->group != group)
                continue;
            if (n++ == 0)
                printf("%s%s%s", style->before, title, style->after);
            list_names(o, names);
            describe(o, about);
            style->option(names, about);
        }
        if (group == FB_GROUP_RUN) {
            if (n == 0)
                printf("%s%s%s", style->before, title, style->after);
            style->option("-h, --help", style->about_help);
            style->option("--version", "print versions and features and stop");
        }
    }
}

static void print_text(const struct fb_command_help *help, const struct fb_option *table)
{
    static const struct fb_help_style style = { "\n", ":\n", "print this and stop", print_option };
    printf("usage: fastbal %s %s\n\n", help->command, help->usage);
    print_wrapped(help->summary, 0, 0);
    fb_help_groups(help, table, &style);
    printf("\nexample:\n  %s\n", help->example);
}

void fb_help_print(const struct fb_command_help *help, const struct fb_option *table,
                   enum fb_help_format format)
{
    if (format == FB_HELP_MAN)
        fb_manual_print(help, table);
    else if (format == FB_HELP_WORDS)
        fb_words_print(table);
    else
        print_text(help, table);
}

enum fb_help_format fb_help_format(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 ? FB_HELP_TEXT
           : strcmp(word, "--help=man") == 0                      ? FB_HELP_MAN
           : strcmp(word, "--help=words") == 0                    ? FB_HELP_WORDS
                                                                  : FB_HELP_NONE;
}

/* ---- suggestions for misspelled names ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t fb_word_distance(const char *a, size_t length_a, const char *b, size_t length_b)
{
    size_t rows[3][LONGEST_WORD + 1];
    if (length_a > LONGEST_WORD || length_b > LONGEST_WORD)
        return LONGEST_WORD;
    for (size_t j = 0; j <= length_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[length_a % 3][length_b];
}

int fb_is_nearer(const char *word, size_t length, const char *known, size_t known_length, size_t *best)
{
    size_t distance = fb_word_distance(word, length, known, known_length);
    size_t most = known_length < 6 ? 1 : 2; /* in a short word, two edits are too many */
    if (distance > most || distance >= *best)
        return 0;
    *best = distance;
    return 1;
}
