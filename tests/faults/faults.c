/*
 * faults.c - for tests: a library to be preloaded that makes one call of a program fail, or all from one on.
 *
 *     LD_PRELOAD=build/tests/faults.so FAULTS="write 3 28 1" FAULTS_ROOT=/tmp/run build/bin/fastbal split ...
 *
 * makes the third write fail with errno 28, ENOSPC. The four words are the kind of call, which one (0: none, only
 * count), the errno, and how many fail from there on; -1 in place of an errno does half of a read or write. What was
 * counted, and what failed, goes to the file in FAULTS_REPORT (see report_line()). The bytes that were written to files are
 * counted as well.
 *
 * Calls count from main() on, so not those of the dynamic loader, and only those on files below FAULTS_ROOT. Memory is
 * counted by who asks for it: the program, the C library on somebody's behalf (strdup, fopen), CFITSIO, any other.
 * With FAULTS_APPEAR=FILE, somebody else writes that file just before the first file gets its name.
 *
 * Waiting is left out, so that tests of what is tried again later are fast.
 *
 * With FAULTS_SERVER set, main() runs once for each request on standard input, in a fork of a process that has done
 * all linking: a run then costs a millisecond instead of twenty. A request is lines of text:
 *
 *     KIND N ERRNO TIMES
 *     file for standard output
 *     file for standard error
 *     number of arguments
 *     argument ...
 *
 * and its answer, on standard output, is the exit status of the fork (as wait() gives it) before the line of the report.
 *
 * Linux with the GNU C library only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* open() and open64() are two functions here */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum kind {
    OPEN,
    READ,
    WRITE,
    FSYNC,
    CLOSE,
    RENAME,
    MKDIR,
    DIRECTORY,
    STAT,
    THREAD,
    MEMORY,
    MEMORY_LIBC,
    MEMORY_CFITSIO,
    MEMORY_OTHER,
    NKINDS
};
static const char *const kind_names[NKINDS] = { "open",           "read",        "write",  "fsync",
                                                "close",          "rename",      "mkdir",  "directory",
                                                "stat",           "thread",      "memory", "memory-libc",
                                                "memory-cfitsio", "memory-other" };

enum { MOST_DESCRIPTORS = 1024, MOST_OBJECTS = 128, SECONDS = 20, PART = -1 };

/* What a run leaves; in memory that a fork shares with its parent. */
struct report {
    long calls[NKINDS], written; /* bytes, to files */
    long fired;
    char function[24], object[64], path[PATH_MAX]; /* of the first that failed */
};

static struct {
    int active;
    enum kind kind;
    long n, times;
    int error;
    char root[PATH_MAX];
    struct report *report;
    unsigned char ours[MOST_DESCRIPTORS]; /* descriptors of files below the root */
} faults;

/* ---- who calls ---- */

static struct object {
    uintptr_t begin, end;
    char name[64];
    enum kind memory;
} objects[MOST_OBJECTS];
static int nobjects;

static int note_object(struct dl_phdr_info *info, size_t size, void *context)
{
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    (void)size;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum && nobjects < MOST_OBJECTS; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        struct object *object = &objects[nobjects++];
        object->begin = info->dlpi_addr + header->p_vaddr;
        object->end = object->begin + header->p_memsz;
        snprintf(object->name, sizeof object->name, "%s", *name ? name : "program");
        object->memory = !*name                                 ? MEMORY
                         : strncmp(name, "libc.", 5) == 0       ? MEMORY_LIBC
                         : strncmp(name, "libcfitsio", 10) == 0 ? MEMORY_CFITSIO
                                                                : MEMORY_OTHER;
    }
    return 0;
}

static const struct object *caller(const void *address)
{
    static const struct object unknown = { 0, 0, "?", MEMORY_OTHER };
    for (int i = 0; i < nobjects; i++)
        if ((uintptr_t)address >= objects[i].begin && (uintptr_t)address < objects[i].end)
            return &objects[i];
    return &unknown;
}

/* ---- whether this call fails ---- */

static int is_ours(const char *path)
{
    size_t length = strlen(faults.root);
    return faults.active && length > 0 && path && strncmp(path, faults.root, length) == 0;
}

static int descriptor_is_ours(int descriptor)
{
    return faults.active && descriptor >= 0 && descriptor < MOST_DESCRIPTORS && faults.ours[descriptor];
}

static int take_descriptor(int descriptor, const char *path)
{
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS)
        faults.ours[descriptor] = (unsigned char)is_ours(path);
    return descriptor;
}

static void name_descriptor(int descriptor, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

/* Count a call; if it is one that fails, note it, set errno and return 1. */
static int fails(enum kind kind, const char *function, const void *address, const char *path, int descriptor)
{
    if (!faults.active)
        return 0;
    long n = __atomic_add_fetch(&faults.report->calls[kind], 1, __ATOMIC_RELAXED);
    if (kind != faults.kind || faults.n == 0 || n < faults.n || n >= faults.n + faults.times)
        return 0;
    if (__atomic_fetch_add(&faults.report->fired, 1, __ATOMIC_RELAXED) == 0) {
        struct report *report = faults.report;
        snprintf(report->function, sizeof report->function, "%s", function);
        snprintf(report->object, sizeof report->object, "%s", caller(address)->name);
        if (path)
            snprintf(report->path, sizeof report->path, "%s", path);
        else if (descriptor >= 0)
            name_descriptor(descriptor, report->path);
    }
    errno = faults.error > 0 ? faults.error : 0;
    return 1;
}

#define CALLER __builtin_return_address(0)
#define PATH_FAILS(kind, path) (is_ours(path) && fails(kind, __func__, CALLER, path, -1))
#define DESCRIPTOR_FAILS(kind, fd) (descriptor_is_ours(fd) && fails(kind, __func__, CALLER, NULL, fd))
/* The next function of this name, looked up once. */
#define NEXT(name)                 \
    static __typeof__(&name) next; \
    if (!next)                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

/* ---- files ---- */

#define OPEN_FUNCTION(name)                                                                  \
    int name(const char *path, int flags, ...)                                               \
    {                                                                                        \
        NEXT(name);                                                                          \
        va_list rest;                                                                        \
        va_start(rest, flags);                                                               \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                            \
        va_end(rest);                                                                        \
        return PATH_FAILS(OPEN, path) ? -1 : take_descriptor(next(path, flags, mode), path); \
    }
OPEN_FUNCTION(open)
OPEN_FUNCTION(open64)

#define OPENAT_FUNCTION(name)                                                                        \
    int name(int folder, const char *path, int flags, ...)                                           \
    {                                                                                                \
        NEXT(name);                                                                                  \
        va_list rest;                                                                                \
        va_start(rest, flags);                                                                       \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                    \
        va_end(rest);                                                                                \
        return PATH_FAILS(OPEN, path) ? -1 : take_descriptor(next(folder, path, flags, mode), path); \
    }
OPENAT_FUNCTION(openat)
OPENAT_FUNCTION(openat64)

#define FOPEN_FUNCTION(name)                       \
    FILE *name(const char *path, const char *mode) \
    {                                              \
        NEXT(name);                                \
        if (PATH_FAILS(OPEN, path))                \
            return NULL;                           \
        FILE *file = next(path, mode);             \
        if (file)                                  \
            take_descriptor(fileno(file), path);   \
        return file;                               \
    }
FOPEN_FUNCTION(fopen)
FOPEN_FUNCTION(fopen64)

int dup(int descriptor)
{
    NEXT(dup);
    int copy = next(descriptor);
    if (copy >= 0 && copy < MOST_DESCRIPTORS)
        faults.ours[copy] = (unsigned char)descriptor_is_ours(descriptor);
    return copy;
}

/* Half of the n bytes where a part is wanted, and -1 for a failure; n where nothing is wrong. */
static ssize_t allowed(int wrong, size_t n)
{
    if (!wrong)
        return (ssize_t)n;
    return faults.error == PART ? (ssize_t)(n + 1) / 2 : -1;
}

static ssize_t count_written(int fd, ssize_t n)
{
    if (n > 0 && descriptor_is_ours(fd))
        __atomic_add_fetch(&faults.report->written, n, __ATOMIC_RELAXED);
    return n;
}

ssize_t read(int fd, void *bytes, size_t n)
{
    NEXT(read);
    ssize_t most = allowed(DESCRIPTOR_FAILS(READ, fd), n);
    return most < 0 ? -1 : next(fd, bytes, (size_t)most);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    NEXT(write);
    ssize_t most = allowed(DESCRIPTOR_FAILS(WRITE, fd), n);
    return most < 0 ? -1 : count_written(fd, next(fd, bytes, (size_t)most));
}

#define AT_FUNCTION(name, kind, pointer, count)                                  \
    ssize_t name(int fd, pointer bytes, size_t n, off_t offset)                  \
    {                                                                            \
        NEXT(name);                                                              \
        ssize_t most = allowed(DESCRIPTOR_FAILS(kind, fd), n);                   \
        return most < 0 ? -1 : count(fd, next(fd, bytes, (size_t)most, offset)); \
    }
#define NOT_COUNTED(fd, n) n
AT_FUNCTION(pread, READ, void *, NOT_COUNTED)
AT_FUNCTION(pread64, READ, void *, NOT_COUNTED)
AT_FUNCTION(pwrite, WRITE, const void *, count_written)
AT_FUNCTION(pwrite64, WRITE, const void *, count_written)

#define PREADV_FUNCTION(name)                                                                               \
    ssize_t name(int fd, const struct iovec *parts, int n, off_t offset, int flags)                         \
    {                                                                                                       \
        NEXT(name);                                                                                         \
        return DESCRIPTOR_FAILS(READ, fd) && faults.error != PART ? -1 : next(fd, parts, n, offset, flags); \
    }
PREADV_FUNCTION(preadv2)
PREADV_FUNCTION(preadv64v2)

#define TRUNCATE_FUNCTION(name)                                                           \
    int name(int fd, off_t size)                                                          \
    {                                                                                     \
        NEXT(name);                                                                       \
        return DESCRIPTOR_FAILS(WRITE, fd) && faults.error != PART ? -1 : next(fd, size); \
    }
TRUNCATE_FUNCTION(ftruncate)
TRUNCATE_FUNCTION(ftruncate64)

/* Streams keep in mind that something went wrong, for ferror(). */
static void set_error(FILE *file)
{
    file->_flags |= 0x20; /* _IO_ERR_SEEN */
}

static size_t allowed_items(FILE *file, int wrong, size_t n)
{
    if (!wrong)
        return n;
    set_error(file);
    if (faults.error == PART)
        errno = EIO;
    return faults.error == PART ? n / 2 : 0;
}

size_t fread(void *bytes, size_t size, size_t n, FILE *file)
{
    NEXT(fread);
    size_t most = allowed_items(file, DESCRIPTOR_FAILS(READ, fileno(file)), n);
    int reason = errno;
    size_t got = most > 0 ? next(bytes, size, most, file) : 0;
    errno = most < n ? reason : errno;
    return got;
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *file)
{
    NEXT(fwrite);
    size_t most = allowed_items(file, DESCRIPTOR_FAILS(WRITE, fileno(file)), n);
    int reason = errno;
    size_t done = most > 0 ? next(bytes, size, most, file) : 0;
    errno = most < n ? reason : errno;
    return done;
}

int fflush(FILE *file)
{
    NEXT(fflush);
    if (file && DESCRIPTOR_FAILS(WRITE, fileno(file)) && faults.error != PART) {
        set_error(file);
        return EOF;
    }
    return next(file);
}

int fsync(int fd)
{
    NEXT(fsync);
    /* nothing here has to outlive a power failure */
    (void)next;
    return DESCRIPTOR_FAILS(FSYNC, fd) ? -1 : 0;
}

/* What is closed is closed, even if that fails. */
int close(int fd)
{
    NEXT(close);
    int failed = DESCRIPTOR_FAILS(CLOSE, fd), reason = errno;
    if (fd >= 0 && fd < MOST_DESCRIPTORS)
        faults.ours[fd] = 0;
    int status = next(fd);
    errno = failed ? reason : errno;
    return failed ? -1 : status;
}

int fclose(FILE *file)
{
    NEXT(fclose);
    int fd = fileno(file), failed = DESCRIPTOR_FAILS(CLOSE, fd), reason = errno;
    if (fd >= 0 && fd < MOST_DESCRIPTORS)
        faults.ours[fd] = 0;
    int status = next(file);
    errno = failed ? reason : errno;
    return failed ? EOF : status;
}

/* With FAULTS_APPEAR set, somebody else writes a file of that name before anything is renamed. */
static void appear(void)
{
    const char *path = getenv("FAULTS_APPEAR");
    int file = faults.active && path ? open(path, O_WRONLY | O_CREAT | O_EXCL, 0666) : -1;
    if (file >= 0) {
        (void)!write(file, "theirs", 6);
        close(file);
    }
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    appear();
    return PATH_FAILS(RENAME, to) ? -1 : next(from, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)
{
    NEXT(renameat2);
    appear();
    return PATH_FAILS(RENAME, to) ? -1 : next(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to)
{
    NEXT(link);
    appear();
    return PATH_FAILS(RENAME, to) ? -1 : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    NEXT(mkdir);
    return PATH_FAILS(MKDIR, path) ? -1 : next(path, mode);
}

DIR *opendir(const char *path)
{
    NEXT(opendir);
    if (PATH_FAILS(DIRECTORY, path))
        return NULL;
    DIR *folder = next(path);
    if (folder)
        take_descriptor(dirfd(folder), path);
    return folder;
}

#define READDIR_FUNCTION(name, type)                                             \
    struct type *name(DIR *folder)                                               \
    {                                                                            \
        NEXT(name);                                                              \
        return DESCRIPTOR_FAILS(DIRECTORY, dirfd(folder)) ? NULL : next(folder); \
    }
READDIR_FUNCTION(readdir, dirent)
READDIR_FUNCTION(readdir64, dirent64)

#define STAT_FUNCTION(name, type)                              \
    int name(const char *path, struct type *info)              \
    {                                                          \
        NEXT(name);                                            \
        return PATH_FAILS(STAT, path) ? -1 : next(path, info); \
    }
STAT_FUNCTION(stat, stat)
STAT_FUNCTION(lstat, stat)
STAT_FUNCTION(stat64, stat64)
STAT_FUNCTION(lstat64, stat64)

#define FSTAT_FUNCTION(name, type)                               \
    int name(int fd, struct type *info)                          \
    {                                                            \
        NEXT(name);                                              \
        return DESCRIPTOR_FAILS(STAT, fd) ? -1 : next(fd, info); \
    }
FSTAT_FUNCTION(fstat, stat)
FSTAT_FUNCTION(fstat64, stat64)

ssize_t readlink(const char *path, char *target, size_t size)
{
    NEXT(readlink);
    return PATH_FAILS(STAT, path) ? -1 : next(path, target, size);
}

int access(const char *path, int mode)
{
    NEXT(access);
    return PATH_FAILS(STAT, path) ? -1 : next(path, mode);
}

/* ---- threads, time ---- */

int pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
    NEXT(pthread_create);
    if (faults.active && fails(THREAD, __func__, CALLER, NULL, -1))
        return errno;
    return next(id, attributes, work, argument);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time;
    (void)left;
    return 0;
}

/* ---- memory ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);

#define MEMORY_FAILS() (faults.active && fails(caller(CALLER)->memory, __func__, CALLER, NULL, -1))

void *malloc(size_t n)
{
    return MEMORY_FAILS() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return MEMORY_FAILS() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t n)
{
    return MEMORY_FAILS() ? NULL : __libc_realloc(old, n);
}

/* ---- what to do ---- */

static int set_fault(const char *line)
{
    char kind[24];
    faults.n = 0;
    faults.kind = NKINDS;
    if (sscanf(line, "%23s %ld %d %ld", kind, &faults.n, &faults.error, &faults.times) != 4)
        return -1;
    for (int k = 0; k < NKINDS; k++)
        if (strcmp(kind, kind_names[k]) == 0)
            faults.kind = (enum kind)k;
    return faults.kind == NKINDS ? -1 : 0;
}

/* "KIND=CALLS ... bytes=WRITTEN<TAB>how many failed<TAB>function<TAB>who called it<TAB>file" */
static void report_line(FILE *to)
{
    const struct report *report = faults.report;
    for (int k = 0; k < NKINDS; k++)
        fprintf(to, "%s=%ld ", kind_names[k], report->calls[k]);
    fprintf(to, "bytes=%ld\t%ld\t%s\t%s\t%s\n", report->written, report->fired, report->function,
            report->object, report->path);
}

typedef int main_fn(int, char **, char **);
static main_fn *real_main;

static int run_main(int argc, char **argv, char **environment)
{
    faults.active = 1;
    int status = real_main(argc, argv, environment);
    faults.active = 0;
    return status;
}

static int run_once(int argc, char **argv, char **environment)
{
    const char *spec = getenv("FAULTS"), *where = getenv("FAULTS_REPORT");
    if (!spec || set_fault(spec) != 0)
        faults.n = 0;
    int status = run_main(argc, argv, environment);
    FILE *to = where ? fopen(where, "w") : NULL;
    if (to) {
        report_line(to);
        fclose(to);
    }
    return status;
}

/* ---- the server ---- */

static char *next_line(FILE *from)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, from);
    if (length < 0)
        exit(0);
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = '\0';
    return line;
}

static void redirect(const char *path, int descriptor)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(126);
    close(file);
}

static int serve(char **environment)
{
    FILE *requests = fdopen(dup(STDIN_FILENO), "r"), *answers = fdopen(dup(STDOUT_FILENO), "w");
    for (;;) {
        char *spec = next_line(requests), *out = next_line(requests), *err = next_line(requests);
        char *count = next_line(requests);
        int argc = atoi(count), status = 0;
        char **argv = calloc((size_t)argc + 1, sizeof *argv);
        for (int i = 0; i < argc; i++)
            argv[i] = next_line(requests);
        memset(faults.report, 0, sizeof *faults.report);
        if (set_fault(spec) != 0)
            return 125;
        pid_t child = fork();
        if (child == 0) {
            int nothing = open("/dev/null", O_RDONLY);
            dup2(nothing, STDIN_FILENO);
            close(nothing);
            redirect(out, STDOUT_FILENO);
            redirect(err, STDERR_FILENO);
            alarm(SECONDS);
            return run_main(argc, argv, environment);
        }
        waitpid(child, &status, 0);
        fprintf(answers, "%d\t", status);
        report_line(answers);
        fflush(answers);
        for (int i = 0; i < argc; i++)
            free(argv[i]);
        free(argv);
        free(spec);
        free(out);
        free(err);
        free(count);
    }
}

static int main_with_faults(int argc, char **argv, char **environment)
{
    const char *root = getenv("FAULTS_ROOT");
    faults.report =
        mmap(NULL, sizeof *faults.report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (faults.report == MAP_FAILED)
        return 125;
    snprintf(faults.root, sizeof faults.root, "%s", root ? root : "");
    dl_iterate_phdr(note_object, NULL);
    return getenv("FAULTS_SERVER") ? serve(environment) : run_once(argc, argv, environment);
}

int __libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end);
int __libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end)
{
    NEXT(__libc_start_main);
    real_main = program;
    return next(main_with_faults, argc, argv, init, fini, loader_fini, stack_end);
}
