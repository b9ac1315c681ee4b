/*
 * exit_status.h - the program's exit statuses.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_EXIT_STATUS_H
#define FB_EXIT_STATUS_H

enum {
    FB_EXIT_DONE = 0,    /* everything asked for is done */
    FB_EXIT_PARTLY = 1,  /* done, but some pixels failed; they are listed */
    FB_EXIT_UNUSABLE = 2 /* unusable arguments or inputs, nothing done */
};

#endif
