/* system.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "fits/file.h"
#include "fits/system.h"

static time_t now(void)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end;
    if (epoch && *epoch) {
        long long seconds = strtoll(epoch, &end, 10);
        if (*end == '\0')
            return (time_t)seconds;
    }
    return time(NULL);
}

static void user_name(char *name, size_t size)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    const char *user = getenv("LOGNAME");
    if (!user || !*user)
        user = getenv("USER");
    /* last resort: it may ask a server, and the C library aborts if that runs out of memory */
    if ((!user || !*user) && getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        user = found->pw_name;
    snprintf(name, size, "%s", user && *user ? user : "unknown");
}

void fb_time_text(char text[FB_TIME_TEXT])
{
    struct tm utc;
    time_t seconds = now();
    if (!gmtime_r(&seconds, &utc) || strftime(text, FB_TIME_TEXT, "%Y-%m-%d %H:%M:%S", &utc) == 0)
        snprintf(text, FB_TIME_TEXT, "unknown");
}

void fb_last_updated(char *text, size_t size)
{
    char user[64], date[FB_TIME_TEXT];
    user_name(user, sizeof user);
    fb_time_text(date);
    snprintf(text, size, "Last updated %s UT by %s", date, user);
}

char *fb_format(const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length >= 0 ? text : NULL;
}

/* The length of the first n bytes of a path without their last name; -1 if there is none, or it is "." or
 * "..". */
static ptrdiff_t without_name(const char *path, size_t n)
{
    while (n > 1 && path[n - 1] == '/')
        n--;
    size_t end = n;
    while (n > 0 && path[n - 1] != '/')
        n--;
    int dots = (int)strspn(path + n, ".");
    if (n == end || (size_t)dots == end - n)
        return -1;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return (ptrdiff_t)n;
}

void *fb_grow(void *array, size_t *room, size_t n, size_t size)
{
    size_t more = 2 * *room > n ? 2 * *room : n;
    void *grown = n <= *room ? array : realloc(array, more * size);
    if (grown && n > *room)
        *room = more;
    return grown;
}

char *fb_path_above(const char *path, int levels)
{
    ptrdiff_t n = (ptrdiff_t)strlen(path);
    for (; levels > 0 && n > 0; levels--)
        n = without_name(path, (size_t)n);
    if (levels > 0 || n < 0)
        return NULL;
    return n > 0 ? strndup(path, (size_t)n) : strdup(".");
}

/* Make one folder. Returns 0 if it exists afterwards, else errno. */
static int make_folder(const char *folder)
{
    struct stat info;
    if (mkdir(folder, 0777) == 0)
        return 0;
    int reason = errno;
    if (reason != EEXIST)
        return reason;
    if (stat(folder, &info) != 0)
        return errno;
    return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

/* Try the deepest folder first, because its parents usually exist. */
static int make_folders(char *folder, struct fb_error *err)
{
    char *slash = strrchr(folder, '/');
    int reason = make_folder(folder);
    if (reason == ENOENT && slash && slash != folder) {
        *slash = '\0';
        int status = make_folders(folder, err);
        *slash = '/';
        if (status != 0)
            return -1;
        reason = make_folder(folder);
    }
    return reason ? fb_fail(err, "%s: can't make this folder: %s", folder, strerror(reason)) : 0;
}

char *fb_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
}

const char *fb_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int fb_make_folders(const char *folder, struct fb_error *err)
{
    char *path = strdup(folder);
    int status = path ? 0 : fb_fail(err, "%s: out of memory", folder);
    for (size_t n = path ? strlen(path) : 0; n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    if (status == 0)
        status = make_folders(path, err);
    free(path);
    return status;
}

int fb_make_parent_folders(const char *path, struct fb_error *err)
{
    char *folder = fb_folder_of(path);
    if (!folder)
        return fb_fail(err, "%s: out of memory", path);
    int status = fb_exists(folder) ? 0 : fb_make_folders(folder, err);
    free(folder);
    return status;
}

int fb_exists(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static int look(const char *path, int (*ask)(const char *, struct stat *), struct stat *info,
                struct fb_error *err)
{
    for (int attempt = 0; ask(path, info) != 0;) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        if (!fb_try_again(errno, attempt++))
            return fb_fail(err, "%s: %s", path, strerror(errno));
    }
    return 1;
}

int fb_look_for(const char *path, struct fb_error *err)
{
    struct stat info;
    return look(path, lstat, &info, err);
}

int fb_look_at(const char *path, struct stat *info, struct fb_error *err)
{
    return look(path, stat, info, err);
}

DIR *fb_open_folder(const char *path, struct fb_error *err)
{
    for (int attempt = 0;;) {
        DIR *folder = opendir(path);
        if (folder)
            return folder;
        if (!fb_try_again(errno, attempt++))
            return fb_fail(err, "%s: %s", path, strerror(errno)), NULL;
    }
}

int fb_need_file(const char *path, const char *what, struct fb_error *err)
{
    int there = fb_look_for(path, err);
    if (there == 0)
        fb_fail(err, "Did not find %s %s", what, path);
    return there > 0 ? 0 : -1;
}

int fb_is_folder(const char *path, struct fb_error *err)
{
    struct stat info;
    int there = fb_look_at(path, &info, err);
    return there > 0 ? S_ISDIR(info.st_mode) : there;
}

int fb_same_file(const char *a, const char *b, struct fb_error *err)
{
    struct stat first, second;
    int there = fb_look_at(a, &first, err);
    if (there > 0)
        there = fb_look_at(b, &second, err);
    return there > 0 ? first.st_dev == second.st_dev && first.st_ino == second.st_ino : there;
}

int fb_same_folder(const char *a, const char *b, struct fb_error *err)
{
    char *first = fb_folder_of(a), *second = fb_folder_of(b);
    int same = first && second ? fb_same_file(first, second, err) : fb_fail(err, "%s: out of memory", a);
    free(first);
    free(second);
    return same;
}

int64_t fb_file_size(const char *path, struct fb_error *err)
{
    struct stat info;
    int there = fb_look_at(path, &info, err);
    return there > 0 ? (int64_t)info.st_size : there;
}

/* ---- whole writes ---- */

/* An offset of -1 means the descriptor's own position. */
static int write_whole(int descriptor, const char *bytes, size_t n, off_t offset)
{
    while (n > 0) {
        ssize_t written = offset < 0 ? write(descriptor, bytes, n) : pwrite(descriptor, bytes, n, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return -1;
        bytes += written;
        n -= (size_t)written;
        offset += offset < 0 ? 0 : written;
    }
    return 0;
}

int fb_write_all(int descriptor, const void *bytes, size_t n)
{
    return write_whole(descriptor, bytes, n, -1);
}

int fb_write_at(int descriptor, const void *bytes, size_t n, off_t offset)
{
    return write_whole(descriptor, bytes, n, offset);
}

int fb_open_unnamed(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor >= 0)
        unlink(path);
    return descriptor;
}
