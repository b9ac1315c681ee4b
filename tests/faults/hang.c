/*
 * hang.c - for tests: a library to be preloaded that makes opening of one file hang.
 *
 *     LD_PRELOAD=build/tests/hang.so HANG_FILE=coadd-main-dark-100.fits HANG_HOW=soft HANG_MARK=/tmp/mark fastbal ...
 *
 * HANG_FILE is the name without its folder. A signal to the thread that hangs ends a soft call with EINTR; a hard one
 * never ends, as on a file system whose server is gone. The file HANG_MARK appears when a call begins to hang. alarm()
 * rings after half a second at most, so that tests needn't wait for as long as users do.
 *
 * Linux with the GNU C library only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* open() and open64() are two functions here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

typedef int open_fn(const char *, int, ...);

static int real_open(const char *path, int flags, mode_t mode)
{
    open_fn *function = (open_fn *)dlsym(RTLD_NEXT, "open64");
    return function(path, flags, mode);
}

/* Once. */
static int hangs(const char *path)
{
    static int done;
    const char *name = getenv("HANG_FILE"), *slash = strrchr(path, '/');
    return name && strcmp(slash ? slash + 1 : path, name) == 0 &&
           !__atomic_exchange_n(&done, 1, __ATOMIC_RELAXED);
}

static int open_or_hang(const char *path, int flags, mode_t mode)
{
    if (!hangs(path))
        return real_open(path, flags, mode);
    /* A signal that comes as soon as the mark is there, and before the wait begins, must end the wait. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    close(real_open(getenv("HANG_MARK"), O_WRONLY | O_CREAT, 0666));
    do
        sigsuspend(&before);
    while (strcmp(getenv("HANG_HOW"), "hard") == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = EINTR;
    return -1;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_or_hang(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_or_hang(path, flags, mode);
}

unsigned alarm(unsigned seconds)
{
    const struct itimerval timer = { .it_value.tv_usec = seconds > 0 ? 500000 : 0 };
    setitimer(ITIMER_REAL, &timer, NULL);
    return 0;
}
