/* temporary.c - SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "io/system.h"
#include "io/temporary.h"

enum {
    HOST_BYTES = 80,
    HOST_NAME_BYTES = 41,
    OTHERS_LIVE = 24 * 3600, /* seconds: a run on another machine that has not written for so long is dead */
    CLOCKS_DIFFER = 600      /* and so much may the clocks of file servers be wrong */
};
#define TMP "_tmp"
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

/* ---- names ---- */

static const char *suffix_of(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".fits") == 0 ? ".fits" : "";
}

/* This machine, and where process ids are those of a container, which one. */
static void host_name(char *name)
{
    char own[64] = "";
    if (gethostname(name, HOST_NAME_BYTES - 1) != 0)
        name[0] = '\0';
    name[HOST_NAME_BYTES - 1] = '\0';
    ssize_t n = readlink("/proc/self/ns/pid", own, sizeof own - 1);
    if (n > 6 && strcmp(own, FIRST_PID_NAMESPACE) != 0)
        snprintf(name + strlen(name), HOST_BYTES - HOST_NAME_BYTES, "-%.*s", (int)n - 6, own + 5);
    for (char *c = name; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", *c))
            *c = '_';
}

char *fb_temporary_name(const char *path)
{
    char host[HOST_BYTES];
    const char *suffix = suffix_of(path);
    host_name(host);
    return fb_format("%.*s" TMP "%ld-%s%s", (int)(strlen(path) - strlen(suffix)), path, (long)getpid(), host,
                     suffix);
}

/* What is between BASE_tmp and the suffix: a process, and its machine or nothing. */
struct owner {
    long pid;
    const char *host;
    size_t host_length;
};

/* Is this the name of a temporary file of that output? base: its name without the suffix. */
static int parse(const char *name, const char *base, size_t base_length, const char *suffix,
                 struct owner *owner)
{
    size_t length = strlen(name), end = strlen(suffix);
    if (strncmp(name, base, base_length) != 0 || strncmp(name + base_length, TMP, strlen(TMP)) != 0)
        return 0;
    const char *digits = name + base_length + strlen(TMP);
    size_t ndigits = strspn(digits, "0123456789");
    const char *host = digits + ndigits, *stop = name + length - end;
    if (ndigits == 0 || ndigits > 10 || host > stop || strcmp(stop, suffix) != 0)
        return 0;
    if (host < stop && *host++ != '-')
        return 0;
    *owner = (struct owner){ strtol(digits, NULL, 10), host, (size_t)(stop - host) };
    return 1;
}

/* ---- what is left of dead runs ---- */

/* Seconds since 1970 at which a process was started; 0 where the system does not tell. */
static double started(long pid)
{
    double start = 0;
#ifdef CLOCK_BOOTTIME
    char path[40], text[1024];
    struct timespec now, up;
    unsigned long long ticks;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[n] = '\0';
    /* field 22; the second one is a name in parentheses, which may hold anything */
    const char *rest = strrchr(text, ')');
    if (rest && clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_gettime(CLOCK_BOOTTIME, &up) == 0 &&
        sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &ticks) == 1)
        start = (double)(now.tv_sec - up.tv_sec) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
#else
    (void)pid;
#endif
    return start;
}

static int is_abandoned(int folder, const char *name, const struct owner *owner)
{
    char host[HOST_BYTES];
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return 0;
    host_name(host);
    if (strlen(host) != owner->host_length || strncmp(host, owner->host, owner->host_length) != 0)
        return time(NULL) - info.st_mtime > OTHERS_LIVE;
    /* a process writes an output once, so what is there before has its number by chance */
    if (owner->pid == (long)getpid())
        return 1;
    if (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return 1;
    return started(owner->pid) > (double)info.st_mtime + CLOCKS_DIFFER;
}

static void sweep_folder(DIR *folder, const char *base)
{
    const char *suffix = suffix_of(base);
    size_t length = strlen(base) - strlen(suffix);
    const struct dirent *entry;
    struct owner owner;
    while ((entry = readdir(folder)) != NULL)
        if (parse(entry->d_name, base, length, suffix, &owner) &&
            is_abandoned(dirfd(folder), entry->d_name, &owner))
            unlinkat(dirfd(folder), entry->d_name, 0);
}

/* The folder a file is in; NULL if out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
}

void fb_temporary_sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = folder_of(path);
    DIR *folder = name ? opendir(name) : NULL;
    if (folder) {
        sweep_folder(folder, slash ? slash + 1 : path);
        closedir(folder);
    }
    free(name);
}

/* ---- finished files ---- */

static int open_folder(const char *path)
{
    char *folder = folder_of(path);
    int descriptor = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    return descriptor;
}

int fb_temporary_publish(const char *temporary, const char *path, enum fb_durable durable,
                         struct fb_error *err)
{
    /* opened before: what can fail fails while there is nothing under the name */
    int folder = durable == FB_FILE_AND_FOLDER ? open_folder(path) : -1, status = 0;
    if ((durable == FB_FILE_AND_FOLDER && folder < 0) || rename(temporary, path) != 0)
        status = fb_fail(err, "%s: can't write it: %s", path, strerror(errno));
    else if (folder >= 0 && fsync(folder) != 0 && errno != EINVAL &&
             errno != ENOTSUP) /* not every system can */
        status = fb_fail(err, "%s: is complete, but its folder can't be flushed: %s", path, strerror(errno));
    if (folder >= 0)
        close(folder);
    return status;
}

int fb_check_apart(const char *output, const char *input, struct fb_error *err)
{
    int same = fb_same_file(output, input, err);
    if (same <= 0)
        return same;
    return fb_fail(err, "%s: this is the input %s, expected another file to write", output, input);
}

int fb_check_output_name(const char *path, struct fb_error *err)
{
    static const char *const packed[] = { ".gz", ".bz2", ".fz", ".xz", ".zst", ".Z" };
    struct stat info;
    size_t length = strlen(path);
    if (length == 0)
        return fb_fail(err, "an output needs a name");
    int there = fb_look_at(path, &info, err);
    if (there < 0)
        return -1;
    if (path[length - 1] == '/' || (there && S_ISDIR(info.st_mode)))
        return fb_fail(err, "%s: this is a folder, expected the name of a file to write", path);
    if (there && !S_ISREG(info.st_mode)) /* which would be replaced: root can lose /dev/null */
        return fb_fail(err, "%s: this is a device or a pipe, expected the name of a file to write", path);
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
        if (length > strlen(packed[i]) && strcmp(path + length - strlen(packed[i]), packed[i]) == 0)
            return fb_fail(err, "%s: outputs are not packed, expected a name that does not end in %s", path,
                           packed[i]);
    return 0;
}
