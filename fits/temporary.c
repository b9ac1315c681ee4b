/* temporary.c - SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* renameat2 */
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "fits/file.h"
#include "fits/system.h"
#include "fits/temporary.h"

enum {
    HOST_BYTES = 80,
    HOST_NAME_BYTES = 41,
    MOST_NAME = 255, /* bytes of a file name on common file systems */
    HASH_BYTES = 9,  /* "~" and eight digits */
    MOST_LINKS = 40,
    OTHERS_LIVE = 24 * 3600, /* seconds without a write: a run on another machine counts as dead */
    CLOCKS_DIFFER = 600      /* seconds by which a file server's clock may be wrong */
};
#define TMP "_tmp"
#define SUFFIX ".fits"
#define FIRST_PID_NAMESPACE "pid:[4026531836]"
/* The longest BASE. The rest of a name is TMP, ten digits, "-", the host and the suffix. */
enum { MOST_BASE = MOST_NAME - (sizeof TMP - 1) - 10 - HOST_BYTES - (sizeof SUFFIX - 1) };

/* ---- names ---- */

static const char *suffix_of(const char *path)
{
    size_t length = strlen(path), end = strlen(SUFFIX);
    return length > end && strcmp(path + length - end, SUFFIX) == 0 ? SUFFIX : "";
}

/* The name of this machine, and the process id namespace if that is a container's. */
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

/* FNV-1a. */
static uint32_t hash(const char *text, size_t n)
{
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (unsigned char)text[i]) * 16777619U;
    return sum;
}

/* The name that temporary files of an output begin with: its own without the suffix, shortened if
 * necessary. */
static void base_of(const char *path, char base[MOST_BASE + 1])
{
    const char *name = fb_base_name(path);
    size_t length = strlen(name) - strlen(suffix_of(name));
    if (length <= MOST_BASE)
        snprintf(base, MOST_BASE + 1, "%.*s", (int)length, name);
    else
        snprintf(base, MOST_BASE + 1, "%.*s~%08lx", MOST_BASE - HASH_BYTES, name,
                 (unsigned long)hash(name, length));
}

static char *temporary_name(const char *path)
{
    char host[HOST_BYTES], base[MOST_BASE + 1];
    host_name(host);
    base_of(path, base);
    return fb_format("%.*s%s" TMP "%ld-%s%s", (int)(fb_base_name(path) - path), path, base, (long)getpid(),
                     host, suffix_of(path));
}

/* Read a symbolic link. Returns 1; 0 if path is not a link or does not exist; -1 on failure. */
static int read_link(const char *path, char *target, size_t size, struct fb_error *err)
{
    for (int attempt = 0;;) {
        ssize_t n = readlink(path, target, size - 1);
        if (n >= 0) {
            target[n] = '\0';
            return 1;
        }
        if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR)
            return 0;
        if (!fb_try_again(errno, attempt++))
            return fb_fail(err, "%s: %s", path, strerror(errno));
    }
}

/* The file that a path leads to: itself, or the target of its links, which need not exist. NULL on
 * failure. */
static char *follow(const char *path, struct fb_error *err)
{
    char target[PATH_MAX], *at = strdup(path);
    int more = at ? 1 : fb_fail(err, "%s: out of memory", path);
    for (int i = 0; more > 0 && i < MOST_LINKS; i++) {
        more = read_link(at, target, sizeof target, err);
        if (more <= 0)
            break;
        int folder = target[0] == '/' ? 0 : (int)(fb_base_name(at) - at);
        char *next = fb_format("%.*s%s", folder, at, target);
        free(at);
        at = next;
        if (!at)
            more = fb_fail(err, "%s: out of memory", path);
    }
    if (more > 0)
        more = fb_fail(err, "%s: %s", path, strerror(ELOOP));
    if (more == 0)
        return at;
    free(at);
    return NULL;
}

/* The part of a name between BASE_tmp and the suffix: a process id, and possibly its machine. */
struct owner {
    long pid;
    const char *host;
    size_t host_length;
};

/* Is this the name of a temporary file of an output? base is the output's name without its suffix. */
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

/* ---- temporary files of dead runs ---- */

/* The start time of a process in seconds since 1970; 0 if it is unknown. */
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
    /* field 22; field 2 is a name in parentheses that may contain anything */
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

/* Is this a regular file of this user that is empty or begins like one of our outputs? A name alone proves
 * nothing. After a power cut, a file may hold zeros. */
static int is_ours(int folder, const char *name, struct stat *info)
{
    static const char *const beginnings[] = { "SIMPLE  =", "{\"NSIDE\":", "# %ECSV 1", "\x89PNG\r\n\x1a\n",
                                              "%PDF-1.",   "<?xml ver",   "<!DOCTYPE" };
    enum { MOST = 9 };
    static const char zeros[MOST];
    char begin[MOST];
    if (fstatat(folder, name, info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info->st_mode) ||
        info->st_uid != geteuid())
        return 0;
    int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = descriptor >= 0 ? pread(descriptor, begin, sizeof begin, 0) : -1;
    if (descriptor >= 0)
        close(descriptor);
    int ours = n == 0 || (n == MOST && memcmp(begin, zeros, MOST) == 0);
    for (size_t i = 0; n == MOST && i < sizeof beginnings / sizeof beginnings[0]; i++)
        ours |= memcmp(begin, beginnings[i], strlen(beginnings[i])) == 0;
    return ours;
}

static int is_abandoned(int folder, const char *name, const struct owner *owner)
{
    char host[HOST_BYTES];
    struct stat info;
    if (!is_ours(folder, name, &info))
        return 0;
    host_name(host);
    if (strlen(host) != owner->host_length || strncmp(host, owner->host, owner->host_length) != 0)
        return time(NULL) - info.st_mtime > OTHERS_LIVE;
    /* a process writes an output once, so a file with our process id is left from an earlier process */
    if (owner->pid == (long)getpid())
        return 1;
    if (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return 1;
    return started(owner->pid) > (double)info.st_mtime + CLOCKS_DIFFER;
}

static void sweep_beside(const char *target)
{
    char base[MOST_BASE + 1], *name = fb_folder_of(target);
    DIR *folder = name ? opendir(name) : NULL;
    const struct dirent *entry;
    struct owner owner;
    base_of(target, base);
    while (folder && (entry = readdir(folder)) != NULL)
        if (parse(entry->d_name, base, strlen(base), suffix_of(target), &owner) &&
            is_abandoned(dirfd(folder), entry->d_name, &owner))
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    free(name);
}

void fb_temporary_sweep(const char *path)
{
    struct fb_error ignored;
    char *target = follow(path, &ignored);
    if (target)
        sweep_beside(target);
    free(target);
}

/* ---- files ---- */

int fb_temporary_prepare(struct fb_temporary *t, const char *path, enum fb_replace replace,
                         struct fb_error *err)
{
    *t = (struct fb_temporary){ .path = strdup(path), .descriptor = -1, .replace = replace };
    if (t->path)
        t->target = replace == FB_REPLACE_LINK ? strdup(path) : follow(path, err);
    if (t->path && !t->target && replace != FB_REPLACE_LINK)
        return -1;
    if (t->target)
        t->name = temporary_name(t->target);
    if (!t->name)
        return fb_fail(err, "%s: out of memory", path);
    sweep_beside(t->target);
    return 0;
}

/* Report that another file has the temporary name. */
static int in_the_way(const struct fb_temporary *t, struct fb_error *err)
{
    struct stat info;
    const char *what = "a file";
    if (lstat(t->name, &info) == 0)
        what = S_ISLNK(info.st_mode)   ? "a symbolic link"
               : S_ISDIR(info.st_mode) ? "a folder"
               : S_ISREG(info.st_mode) ? "a file"
                                       : "a device or a pipe";
    return fb_fail(err, "%s: can't create its temporary file %s: there is %s of that name; remove it",
                   t->path, t->name, what);
}

int fb_temporary_open(struct fb_temporary *t, struct fb_error *err)
{
    t->descriptor = open(t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    t->made = t->descriptor >= 0;
    if (t->made)
        return 0;
    if (errno == EEXIST)
        return in_the_way(t, err);
    if (strcmp(t->path, t->target) != 0)
        return fb_fail(err, "%s: can't create %s, which it is a symbolic link to: %s", t->path, t->target,
                       strerror(errno));
    return fb_fail(err, "%s: can't create it: %s", t->path, strerror(errno));
}

static int open_folder(const char *path)
{
    char *folder = fb_folder_of(path);
    int descriptor = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    return descriptor;
}

/* Is the operation not supported by this file system? */
static int is_unsupported(int reason)
{
    return reason == ENOSYS || reason == EINVAL || reason == ENOTSUP || reason == EPERM;
}

/* rename() that fails with EEXIST if the new name exists. */
static int rename_to_new(const char *from, const char *to)
{
    struct stat info;
#ifdef RENAME_NOREPLACE
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (!is_unsupported(errno))
        return -1;
#endif
    if (link(from, to) == 0) {
        unlink(from); /* if this fails, a later run removes it */
        return 0;
    }
    if (!is_unsupported(errno))
        return -1;
    if (lstat(to, &info) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to); /* the last resort */
}

static int give_name(struct fb_temporary *t, struct fb_error *err)
{
    int keep = t->replace == FB_KEEP_EXISTING;
    if ((keep ? rename_to_new(t->name, t->target) : rename(t->name, t->target)) == 0) {
        t->made = 0;
        return 0;
    }
    if (keep && errno == EEXIST)
        return fb_fail(err,
                       "%s: exists already: it was made while this ran, and is kept (--clobber replaces it)",
                       t->path);
    return fb_fail(err, "%s: can't write it: %s", t->path, strerror(errno));
}

static int flush_and_close(struct fb_temporary *t)
{
    int failed = fsync(t->descriptor) != 0, reason = errno;
    if (close(t->descriptor) != 0 && !failed) {
        failed = 1;
        reason = errno;
    }
    t->descriptor = -1;
    errno = reason;
    return failed ? -1 : 0;
}

int fb_temporary_publish(struct fb_temporary *t, enum fb_durable durable, struct fb_error *err)
{
    if (flush_and_close(t) != 0)
        return fb_fail(err, "%s: can't write it: %s", t->path, strerror(errno));
    if (durable == FB_FILE_ONLY)
        return give_name(t, err);
    /* opened before the rename, so that a failure leaves nothing under the final name */
    int folder = open_folder(t->target);
    if (folder < 0)
        return fb_fail(err, "%s: can't write it: %s", t->path, strerror(errno));
    int status = give_name(t, err);
    if (status == 0 && fsync(folder) != 0 && errno != EINVAL && errno != ENOTSUP) /* some systems can't */
        status =
            fb_fail(err, "%s: is complete, but its folder can't be flushed: %s", t->path, strerror(errno));
    close(folder);
    return status;
}

void fb_temporary_discard(struct fb_temporary *t)
{
    if (t->name && t->descriptor >= 0)
        close(t->descriptor);
    if (t->made)
        unlink(t->name);
    free(t->path);
    free(t->target);
    free(t->name);
    *t = (struct fb_temporary){ .descriptor = -1 };
}

/* ---- questions ---- */

int fb_check_apart(const char *output, const char *input, struct fb_error *err)
{
    int same = fb_same_file(output, input, err);
    if (same <= 0)
        return same;
    return fb_fail(err, "%s: this is the input %s, expected another file to write", output, input);
}

int fb_check_distinct(const char *path, const char *other, struct fb_error *err)
{
    char *a = follow(path, err), *b = a ? follow(other, err) : NULL;
    int same = a && b ? strcmp(fb_base_name(a), fb_base_name(b)) == 0 : -1;
    if (same > 0)
        same = fb_same_folder(a, b, err);
    free(a);
    free(b);
    if (same <= 0)
        return same;
    return fb_fail(err, "%s: expected another file than %s, which is written as well", path, other);
}

/* Refuse names that suggest a format other than plain FITS or `as_well`, a suffix, which may be NULL. */
static int check_suffix(const char *path, const char *as_well, struct fb_error *err)
{
    static const char *const packed[] = { ".gz", ".bz2", ".fz", ".xz", ".zst", ".zip", ".Z" };
    static const char *const formats[] = { ".csv",  ".ecsv", ".txt", ".json", ".parquet", ".h5",
                                           ".hdf5", ".png",  ".pdf", ".svg",  ".html" };
    const char *suffix = strrchr(fb_base_name(path), '.');
    if (suffix && as_well && strcasecmp(suffix, as_well) == 0)
        return 0;
    for (size_t i = 0; suffix && i < sizeof packed / sizeof packed[0]; i++)
        if (strcasecmp(suffix, packed[i]) == 0)
            return fb_fail(err, "%s: outputs are not packed, expected a name that does not end in %s", path,
                           packed[i]);
    for (size_t i = 0; suffix && i < sizeof formats / sizeof formats[0]; i++)
        if (strcasecmp(suffix, formats[i]) == 0)
            return as_well
                       ? fb_fail(err, "%s: expected a name that ends in .fits or %s, not in %s", path,
                                 as_well, formats[i])
                       : fb_fail(
                             err,
                             "%s: the output is a FITS file, expected a name like NAME.fits, not one in %s",
                             path, formats[i]);
    return 0;
}

static int check_folder(const char *path, struct fb_error *err)
{
    char *target = follow(path, err), *folder = target ? fb_folder_of(target) : NULL;
    int there = -1;
    if (folder)
        there = fb_is_folder(folder, err);
    else if (target)
        fb_fail(err, "%s: out of memory", path);
    if (there == 0)
        fb_fail(err, "%s: there is no folder %s; make it first", path, folder);
    free(folder);
    free(target);
    return there > 0 ? 0 : -1;
}

static int check_name(const char *path, const char *as_well, struct fb_error *err)
{
    struct stat info;
    size_t length = strlen(path);
    if (length == 0)
        return fb_fail(err, "an output needs a name");
    if (strcmp(path, "-") == 0)
        return fb_fail(err, "-: the output is a FITS file, which does not go to standard output; "
                            "expected a name like NAME.fits");
    int there = fb_look_at(path, &info, err);
    if (there < 0)
        return -1;
    if (path[length - 1] == '/' || (there && S_ISDIR(info.st_mode)))
        return fb_fail(err, "%s: this is a folder, expected the name of a file to write", path);
    if (there && !S_ISREG(info.st_mode)) /* it would be replaced: root could lose /dev/null */
        return fb_fail(err, "%s: this is a device or a pipe, expected the name of a file to write", path);
    return check_suffix(path, as_well, err) != 0 ? -1 : check_folder(path, err);
}

int fb_check_output_name(const char *path, struct fb_error *err)
{
    return check_name(path, NULL, err);
}

int fb_check_output(const char *path, enum fb_replace replace, struct fb_error *err)
{
    return fb_check_output_or(path, NULL, replace, err);
}

int fb_check_output_or(const char *path, const char *suffix, enum fb_replace replace, struct fb_error *err)
{
    struct stat info;
    if (check_name(path, suffix, err) != 0)
        return -1;
    int there = replace == FB_KEEP_EXISTING ? fb_look_at(path, &info, err) : 0;
    return there > 0 ? fb_fail(err, "%s: exists already (--clobber replaces it)", path) : there;
}

static int write_output(const char *path, enum fb_replace replace, enum fb_durable durable, const void *bytes,
                        size_t n, struct fb_error *err)
{
    struct fb_temporary temporary = { .descriptor = -1 };
    int status = -1;
    if (fb_temporary_prepare(&temporary, path, replace, err) == 0 && fb_temporary_open(&temporary, err) == 0)
        status = fb_write_all(temporary.descriptor, bytes, n) == 0
                     ? fb_temporary_publish(&temporary, durable, err)
                     : fb_fail(err, "%s: can't write it: %s", path, strerror(errno));
    fb_temporary_discard(&temporary);
    return status;
}

int fb_write_output(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                    struct fb_error *err)
{
    return write_output(path, replace, FB_FILE_AND_FOLDER, bytes, n, err);
}

int fb_write_file(const char *path, enum fb_replace replace, const void *bytes, size_t n,
                  struct fb_error *err)
{
    return fb_make_parent_folders(path, err) == 0 ? write_output(path, replace, FB_FILE_ONLY, bytes, n, err)
                                                  : -1;
}

int fb_print_output(const char *path, enum fb_replace replace, fb_print_text *print, const void *context,
                    struct fb_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out)
        print(out, context);
    int lost = !out || ferror(out);
    if (out && fclose(out) != 0)
        lost = 1;
    int status =
        lost ? fb_fail(err, "%s: out of memory", path) : fb_write_output(path, replace, text, size, err);
    free(text);
    return status;
}
