/* stop.c - SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "fits/file.h"
#include "run/stop.h"

#define TOGETHER 0.5 /* seconds within which further signals are ignored */
#define PATIENCE 20  /* seconds for the pixels in progress */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

static const struct {
    int signal;
    const char *name;
    int hurries; /* a second one terminates the program */
} watched[] = { { SIGINT, "SIGINT", 1 },   { SIGTERM, "SIGTERM", 1 }, { SIGHUP, "SIGHUP", 1 },
                { SIGUSR1, "SIGUSR1", 0 }, { SIGUSR2, "SIGUSR2", 0 }, { SIGALRM, "SIGALRM", 0 },
                { SIGXCPU, "SIGXCPU", 0 } };
enum { NWATCHED = sizeof watched / sizeof watched[0] };

static int asked;            /* the first signal */
static struct timespec when; /* when it came; set before `asked` */
static const char *command;

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

/* Handlers may not use stdio. */
static void say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* a failure can't be reported */
}

static void give_up(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code == SI_USER) /* not our alarm, but a sender's second SIGALRM */
        return;
    signal(number, SIG_DFL);
    alarm(1); /* terminates the program if stderr hangs too */
    say("fastbal ");
    say(command);
    say(": stopped by ");
    say(fb_stop_name(fb_stop_signal()));
    say(", but the pixels in progress did not finish within " TEXT(
        PATIENCE) " s (is a file system hanging?), so they were abandoned; "
                  "finished files are kept, run the same command again\n");
    _exit(fb_stop_status(fb_stop_signal()));
}

static void wait_no_longer_than(unsigned seconds)
{
    struct sigaction action = { .sa_sigaction = give_up, .sa_flags = SA_NODEFER | SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    alarm(seconds);
}

static int hurries(int number)
{
    for (int i = 0; i < NWATCHED; i++)
        if (watched[i].signal == number)
            return watched[i].hurries;
    return 0;
}

static void handle(int number)
{
    if (!fb_stop_signal()) {
        clock_gettime(CLOCK_MONOTONIC, &when);
        __atomic_store_n(&asked, number, __ATOMIC_RELEASE);
        wait_no_longer_than(PATIENCE);
    } else if (hurries(number) && seconds_since(&when) > TOGETHER) {
        signal(number, SIG_DFL);
        raise(number); /* delivered when the handler returns */
    }
}

void fb_signals_prepare(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int fb_reader_gone(void)
{
    struct pollfd standard_output = { .fd = STDOUT_FILENO, .events = POLLOUT };
    return poll(&standard_output, 1, 0) > 0 && (standard_output.revents & (POLLERR | POLLHUP));
}

void fb_stop_watch(const char *name)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART }, before;
    command = name;
    fb_file_stops_when(fb_stop_signal);
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
