/*
 * command.h - what every subcommand is: a row of the table in main.c with a function of this type.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_COMMAND_H
#define FB_COMMAND_H

#include "run/exit_status.h"

/* argv[0] is how the user called it: "fastbal find", or "runbalfinder_hp.py". */
typedef int fb_command_fn(int argc, char **argv);
/* Was it called by the name of the reference's program? */
int fb_is_old_name(const char *called);

/* What --version prints: the program, its libraries, compiler and features. */
void fb_print_version(void);

fb_command_fn fb_cmd_split, fb_cmd_find, fb_cmd_append, fb_cmd_run, fb_cmd_mask, fb_cmd_truth, fb_cmd_diff,
    fb_cmd_info, fb_cmd_simulate, fb_cmd_templates;

#endif
