/*
 * main.c - the table of subcommands and the drop-in names of the reference programs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/command.h"
#include "cli/help.h"
#include "fits/system.h"
#include "run/message.h"
#include "run/report.h"
#include "run/stop.h"

static const struct {
    const char *name;
    const char *drop_in; /* the drop-in name, with or without .py */
    fb_command_fn *run;
    const char *summary;
} commands[] = {
    { "split", "splitafterburner_hp", fb_cmd_split, "QSO catalog -> one redshift catalog per pixel" },
    { "find", "runbalfinder_hp", fb_cmd_find, "coadds + redshift catalogs -> one BAL table per pixel" },
    { "append", "appendbalinfo_hp", fb_cmd_append,
      "QSO catalog + BAL tables -> QSO catalog with BAL columns" },
    { "run", NULL, fb_cmd_run,
      "the three steps in one pass: QSO catalog + coadds -> QSO catalog with BAL columns" },
    { "mask", "maskcoadds_hp", fb_cmd_mask, "coadds with the troughs of BAL quasars masked" },
    { "truth", "appendbaltruth", fb_cmd_truth, "QSO catalog of a mock + its truth -> with true BAL columns" },
    { "diff", NULL, fb_cmd_diff, "what changed between two BAL catalogs, BAL tables or trees" },
    { "score", NULL, fb_cmd_score, "how complete and pure a catalog is, measured against a truth" },
    { "list", NULL, fb_cmd_list, "BALs of a catalog as text, one per line" },
    { "info", NULL, fb_cmd_info, "what made a BAL table or catalog, and what is in it" },
    { "simulate", NULL, fb_cmd_simulate, "a DESI-like tree of simulated quasars with known troughs" },
    { "continuum", NULL, fb_cmd_continuum, "spectra of some quasars with their continua and troughs" },
    { "plot", NULL, fb_cmd_plot, "pictures of some quasars with their continua and troughs" },
    { "report", NULL, fb_cmd_report, "a page about a catalog, with the spectra of its BALs" },
    { "templates", NULL, fb_cmd_templates, "show or export continuum templates" },
    { "train", NULL, fb_cmd_train, "spectra -> continuum templates that know what quasars look like" },
};
enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

static void usage(FILE *where)
{
    fprintf(where, "usage: fastbal COMMAND [options]\n\nBroad absorption lines in quasar spectra.\n\n");
    for (int i = 0; i < NCOMMANDS; i++)
        fprintf(where, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(where, "\n'fastbal COMMAND --help' explains a command; 'fastbal --version' prints versions.\n");
}

static void print_program_help(enum fb_help_format format)
{
    const char *names[NCOMMANDS], *summaries[NCOMMANDS];
    for (int i = 0; i < NCOMMANDS; i++) {
        names[i] = commands[i].name;
        summaries[i] = commands[i].summary;
        if (format == FB_HELP_WORDS)
            printf("%s\t%s\n", names[i], summaries[i]);
    }
    if (format == FB_HELP_MAN)
        fb_manual_print_program(names, summaries, NCOMMANDS);
    else if (format == FB_HELP_TEXT)
        usage(stdout);
}

/* Is the last component of path FILE or FILE.py? */
static int called_as(const char *path, const char *name)
{
    const char *base = fb_base_name(path);
    size_t length = strlen(name);
    return strncmp(base, name, length) == 0 && (base[length] == '\0' || strcmp(base + length, ".py") == 0);
}

/* Run a subcommand; logs show it as "fastbal NAME". */
static int run_command(int i, int argc, char **argv)
{
    char invocation[64];
    snprintf(invocation, sizeof invocation, "fastbal %s", commands[i].name);
    argv[0] = invocation;
    return commands[i].run(argc, argv);
}

int fb_command_ends(const char *command, int status, const struct fb_error *err)
{
    if (status == FB_EXIT_UNUSABLE && err->text[0])
        fb_print_error(command, "%s", err->text);
    return status == FB_EXIT_UNUSABLE && fb_stop_signal() ? fb_stop_status(fb_stop_signal()) : status;
}

int fb_is_old_name(const char *called)
{
    return strncmp(called, "fastbal ", strlen("fastbal ")) != 0;
}

static void print_unknown_command(const char *name)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (int i = 0; i < NCOMMANDS; i++)
        if (fb_is_nearer(name, strlen(name), commands[i].name, strlen(commands[i].name), &best))
            nearest = commands[i].name;
    if (nearest)
        fb_print_error(name, "unknown command: did you mean %s? (fastbal --help lists all)", nearest);
    else
        fb_print_error(name, "unknown command (fastbal --help lists them)");
}

static int dispatch(int argc, char **argv)
{
    for (int i = 0; i < NCOMMANDS; i++)
        if (argc > 0 && commands[i].drop_in && called_as(argv[0], commands[i].drop_in))
            return commands[i].run(argc, argv);
    if (argc < 2) {
        usage(stderr);
        return FB_EXIT_UNUSABLE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        fb_print_version();
        return FB_EXIT_DONE;
    }
    if (fb_help_format(name) != FB_HELP_NONE || (strcmp(name, "help") == 0 && argc == 2)) {
        print_program_help(strcmp(name, "help") == 0 ? FB_HELP_TEXT : fb_help_format(name));
        return FB_EXIT_DONE;
    }
    char *help_argv[] = { argc > 2 ? argv[2] : NULL, "--help", NULL };
    int wants_help = strcmp(name, "help") == 0;
    for (int i = 0; i < NCOMMANDS; i++)
        if (strcmp(wants_help ? argv[2] : name, commands[i].name) == 0)
            return wants_help ? run_command(i, 2, help_argv) : run_command(i, argc - 1, argv + 1);
    print_unknown_command(wants_help ? argv[2] : name);
    return FB_EXIT_UNUSABLE;
}

/* If stdin, stdout or stderr is closed, occupy its descriptor: otherwise a file opened later would get it, and printed
 * lines would go into that file. */
static void hold_places(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY); /* read-only, so that printing fails */
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

int main(int argc, char **argv)
{
    hold_places();
    fb_report_program_starts();
    fb_signals_prepare();
    int status = dispatch(argc, argv);
    int lost = fb_output_is_lost(), gone = fb_reader_gone();
    if (lost || (fclose(stdout) != 0 && !gone)) { /* some file systems report a full disk only on close */
        fprintf(stderr, "fastbal: can't write to standard output\n");
        return status == FB_EXIT_DONE ? FB_EXIT_PARTLY : status;
    }
    return status;
}
