/*
 * command.h - the type of subcommand functions, which main.c lists in a table.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COMMAND_H
#define FB_COMMAND_H

#include "fits/error.h"
#include "run/exit_status.h"

/* argv[0] is the name by which it was called: "fastbal find", or "runbalfinder_hp.py". */
typedef int fb_command_fn(int argc, char **argv);
/* Returns 1 if the command was called by its drop-in name. */
int fb_is_old_name(const char *called);

/* The exit status of a command that watches for signals, after its work: prints the error of one that did nothing. */
int fb_command_ends(const char *command, int status, const struct fb_error *err);

/* Print the output of --version: the program, its libraries, compiler and features. */
void fb_print_version(void);

fb_command_fn fb_cmd_split, fb_cmd_find, fb_cmd_append, fb_cmd_run, fb_cmd_mask, fb_cmd_truth, fb_cmd_diff,
    fb_cmd_info, fb_cmd_simulate, fb_cmd_templates, fb_cmd_continuum, fb_cmd_train, fb_cmd_plot, fb_cmd_score,
    fb_cmd_list, fb_cmd_report;

#endif
