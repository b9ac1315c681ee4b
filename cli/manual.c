/*
 * manual.c - man pages, and the words that shells complete, from the tables of options.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
#include "cli/help.h"
#include "fastbal.h"

/* Print text as roff reads it: "-" as a minus sign that can be copied, and no control lines. */
static void put(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
}

static void put_line(const char *text)
{
    put(text);
    putchar('\n');
}

static void put_heading(const char *name, const char *summary)
{
    printf(".TH \"%s\" 1 \"\" \"fastbal %s\" \"fastbal\"\n.SH NAME\n", name, fastbal_version());
    put(name);
    fputs(" \\- ", stdout);
    size_t length = strlen(summary);
    char text[400];
    snprintf(text, sizeof text, "%.*s", (int)(length > 0 && summary[length - 1] == '.' ? length - 1 : length),
             summary);
    put_line(text);
}

static void put_statuses(void)
{
    fputs(".SH EXIT STATUS\n.TP\n0\nall that was asked for was done\n.TP\n1\ndone, but for some pixels or "
          "quasars\n"
          ".TP\n2\nnothing was done\n.SH SEE ALSO\nThe manual is in the folder docs of fastbal.\n",
          stdout);
}

static void put_option(const char *names, const char *about)
{
    fputs(".TP\n.B ", stdout);
    put_line(names);
    put_line(about);
}

void fb_manual_print(const struct fb_command_help *help, const struct fb_option *table)
{
    static const struct fb_help_style style = { ".SS ", "\n", "print a summary of these options and stop",
                                                put_option };
    char name[64];
    snprintf(name, sizeof name, "fastbal-%s", help->command);
    put_heading(name, help->summary);
    printf(".SH SYNOPSIS\n.B fastbal %s\n", help->command);
    put_line(help->usage);
    fputs(".SH DESCRIPTION\n", stdout);
    put_line(help->summary);
    fputs(".SH OPTIONS\n", stdout);
    fb_help_groups(help, table, &style);
    fputs(".SH EXAMPLE\n.nf\n", stdout);
    put_line(help->example);
    fputs(".fi\n", stdout);
    put_statuses();
}

void fb_manual_print_program(const char *const *names, const char *const *summaries, int n)
{
    put_heading("fastbal", "broad absorption lines in quasar spectra");
    fputs(".SH SYNOPSIS\n.B fastbal\nCOMMAND [options]\n.SH COMMANDS\n", stdout);
    for (int i = 0; i < n; i++)
        put_option(names[i], summaries[i]);
    put_statuses();
}

void fb_words_print(const struct fb_option *table)
{
    for (const struct fb_option *o = table; !fb_option_is_end(o); o++)
        for (const char *p = o->names; p && *p; p = fb_next_word(p))
            printf("%.*s\t%s\n", (int)strcspn(p, " "), p, o->help);
    printf("--help\tprint the options and stop\n--version\tprint versions and features and stop\n");
}
