/*
 * stop.h - signals: the only place that knows of them.
 *
 * SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM and SIGXCPU ask a command to stop: it finishes the pixel in
 * hand and ends in order. Schedulers send SIGUSR1, SIGUSR2 or SIGXCPU some time before a limit is reached.
 *
 * A second SIGINT, SIGTERM or SIGHUP ends the program at once. One that comes within half a second of the first
 * counts as the same, since some senders signal a process and its group. The others never do that: the kernel
 * repeats SIGXCPU every second.
 *
 * What is still in hand 20 seconds after the first signal is given up: a line says so, and the program exits with
 * the same status. That covers every call that hangs, in whatever thread, also where the system would let it be
 * interrupted by nothing but the end of the process, as on a dead network file system. The next run removes the
 * temporary files. Slurm waits 30 s from SIGTERM to SIGKILL. An open() or pread() that a signal does interrupt is
 * not tried again (fits/file.h), so that the run then ends in order without waiting.
 *
 * SIGXFSZ is ignored: a write beyond the file size limit fails with EFBIG, and that output fails as on a full disk.
 * The limit holds for each file, so the other outputs can still be written. SIGPIPE is ignored as well.
 *
 * Signals that are ignored when the program starts stay ignored. Commands that write next to nothing, diff, info and
 * templates, do not watch: a signal ends them at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_STOP_H
#define FB_STOP_H

/* At the start of the program: neither a reader of standard output that goes away nor a file that gets too large
 * may end it. */
void fb_signals_prepare(void);
/* Is nobody left who reads standard output? */
int fb_reader_gone(void);

/* From now on, signals ask to stop. Before any threads start. command: for messages ("find"); must outlive the call. */
void fb_stop_watch(const char *command);
/* The signal that asked, or 0. Any thread may call this. */
int fb_stop_signal(void);
const char *fb_stop_name(int signal); /* "SIGTERM" */
/* The exit status of a command that was stopped. */
int fb_stop_status(int signal);

#endif
