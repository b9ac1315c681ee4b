/*
 * stop.h - the signal handlers.
 *
 * SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM and SIGXCPU ask a command to stop: it finishes the
 * pixels in progress and exits cleanly. Batch systems send SIGUSR1, SIGUSR2 or SIGXCPU some time before a
 * limit is reached.
 *
 * A second SIGINT, SIGTERM or SIGHUP terminates the program at once. Signals within half a second of the
 * first are ignored, since some senders signal both a process and its group. A second signal of the other
 * kinds is always ignored: the kernel repeats SIGXCPU every second.
 *
 * If the pixels in progress are not finished 20 seconds after the first signal, the program prints an error
 * and exits with the same status. This covers calls, in any thread, that hang and can't be interrupted, e.g.
 * on a dead network file system. Slurm waits 30 s from SIGTERM to SIGKILL. The next run removes the temporary
 * files. An open() or pread() that is interrupted is not retried (fits/file.h), so that the run ends cleanly
 * without waiting.
 *
 * SIGXFSZ is ignored: a write beyond the file size limit then fails with EFBIG, like a write to a full disk.
 * The limit applies to each file, so other outputs can still be written. SIGPIPE is ignored too.
 *
 * Signals that are ignored when the program starts stay ignored. Commands that write little, such as diff,
 * info and templates, install no handlers: a signal terminates them at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_STOP_H
#define FB_STOP_H

/* Ignore SIGPIPE and SIGXFSZ. Called at the start of the program. */
void fb_signals_prepare(void);
/* Returns 1 if standard output is a pipe or terminal whose reader has closed it. */
int fb_reader_gone(void);

/* Install the handlers, before any thread starts. command is for messages ("find"), and must stay valid. */
void fb_stop_watch(const char *command);
/* The signal that asked to stop, or 0. Any thread may call this. */
int fb_stop_signal(void);
const char *fb_stop_name(int signal); /* "SIGTERM" */
/* The exit status of a command that was stopped. */
int fb_stop_status(int signal);

#endif
