/*
 * stop.h - signals: the only place that knows of them.
 *
 * SIGINT, SIGTERM and SIGHUP ask a command to stop: it finishes the pixel in hand and ends in order. A second
 * one ends it at once. (A second one that comes with the first is the same: some senders send to a process and
 * to its group.) Signals that whoever started the program wants ignored are ignored.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_STOP_H
#define FB_STOP_H

/* At the start of the program: a reader of standard output that goes away must not end it. */
void fb_signals_prepare(void);
/* Has it gone away? */
int fb_reader_gone(void);

/* From now on ask to stop, rather than end at once. */
void fb_stop_watch(void);
/* The signal that asked, or 0. Any thread may call this. */
int fb_stop_signal(void);
const char *fb_stop_name(int signal); /* "SIGTERM" */
/* The exit status of a command that was stopped. */
int fb_stop_status(int signal);

#endif
