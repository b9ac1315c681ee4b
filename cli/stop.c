/* stop.c - SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/stop.h"

#define TOGETHER 0.5 /* seconds within which several signals are one */

static const struct {
    int signal;
    const char *name;
} watched[] = { { SIGINT, "SIGINT" }, { SIGTERM, "SIGTERM" }, { SIGHUP, "SIGHUP" } };
enum { NWATCHED = sizeof watched / sizeof watched[0] };

static int asked;            /* the first signal */
static struct timespec when; /* set before */

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

static void handle(int number)
{
    if (!fb_stop_signal()) {
        clock_gettime(CLOCK_MONOTONIC, &when);
        __atomic_store_n(&asked, number, __ATOMIC_RELEASE);
    } else if (seconds_since(&when) > TOGETHER) {
        signal(number, SIG_DFL);
        raise(number); /* comes when this returns */
    }
}

void fb_signals_prepare(void)
{
    signal(SIGPIPE, SIG_IGN);
}

int fb_reader_gone(void)
{
    struct pollfd standard_output = { .fd = STDOUT_FILENO, .events = POLLOUT };
    return poll(&standard_output, 1, 0) > 0 && (standard_output.revents & POLLERR);
}

void fb_stop_watch(void)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART }, before;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < NWATCHED; i++)
        sigaddset(&action.sa_mask, watched[i].signal);
    for (int i = 0; i < NWATCHED; i++)
        if (sigaction(watched[i].signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(watched[i].signal, &action, NULL);
}

int fb_stop_signal(void)
{
    return __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
}

const char *fb_stop_name(int number)
{
    for (int i = 0; i < NWATCHED; i++)
        if (watched[i].signal == number)
            return watched[i].name;
    return "a signal";
}

int fb_stop_status(int number)
{
    return 128 + number;
}
