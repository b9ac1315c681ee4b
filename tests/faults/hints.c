/*
 * hints.c - for tests: a library to be preloaded that writes down what a program opens and reads, and what it says it will
 * read.
 *
 *     LD_PRELOAD=build/tests/hints.so HINTS_REPORT=/tmp/report build/bin/fastbal find ...
 *
 * appends a line "PROCESS THREAD KIND PATH" to the report for each open (KIND is "open"), each pread ("read") and each
 * posix_fadvise WILLNEED ("hint"). Files look as if none of them were in memory, on any file system: preadv2 with
 * RWF_NOWAIT fails. With HINTS_CACHED all of them seem to be.
 *
 * Linux with the GNU C library only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* pread() and pread64() are two functions here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int open_file(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void note(const char *kind, int descriptor)
{
    static const char *report;
    char link[64], path[PATH_MAX], line[PATH_MAX + 64];
    if (!report && !(report = getenv("HINTS_REPORT")))
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    int n =
        snprintf(line, sizeof line, "%ld %ld %s %s\n", (long)getpid(), (long)syscall(SYS_gettid), kind, path);
    int file = open_file(report, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0 || write(file, line, (size_t)n) != n) /* one write: lines of several processes don't mix */
        abort();
    close(file);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    int descriptor = open_file(path, flags, mode);
    if (descriptor >= 0)
        note("open", descriptor);
    return descriptor;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int posix_fadvise(int descriptor, off_t offset, off_t n, int advice)
{
    if (advice == POSIX_FADV_WILLNEED)
        note("hint", descriptor);
    return syscall(SYS_fadvise64, descriptor, offset, n, advice) == 0 ? 0 : errno;
}

int posix_fadvise64(int descriptor, off64_t offset, off64_t n, int advice)
{
    return posix_fadvise(descriptor, offset, n, advice);
}

ssize_t pread(int descriptor, void *bytes, size_t n, off_t offset)
{
    note("read", descriptor);
    return syscall(SYS_pread64, descriptor, bytes, n, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t n, off64_t offset)
{
    return pread(descriptor, bytes, n, offset);
}

typedef ssize_t preadv2_fn(int descriptor, const struct iovec *parts, int n, off_t offset, int flags);

ssize_t preadv2(int descriptor, const struct iovec *parts, int n, off_t offset, int flags)
{
    static preadv2_fn *next;
    if (flags & RWF_NOWAIT) {
        if (getenv("HINTS_CACHED"))
            return 1;
        errno = EAGAIN;
        return -1;
    }
    if (!next)
        next = (preadv2_fn *)dlsym(RTLD_NEXT, "preadv2");
    return next(descriptor, parts, n, offset, flags);
}

ssize_t preadv64v2(int descriptor, const struct iovec *parts, int n, off64_t offset, int flags)
{
    return preadv2(descriptor, parts, n, offset, flags);
}
