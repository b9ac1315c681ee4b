/*
 * measure.c - runs a command and writes the resources it used to a file.
 *
 * usage: measure REPORT COMMAND [ARGUMENT ...]
 *
 * REPORT gets one line: wall, user and system seconds, peak memory in kB, bytes read by system calls (-1 if
 * unknown), exit status. This includes children of the command; their bytes are counted only if the command
 * waited for them. This program is small because a child's peak memory starts at that of its parent.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* The bytes read by a zombie process. */
static long long bytes_read(pid_t pid)
{
    char path[64];
    long long bytes = -1;
    snprintf(path, sizeof path, "/proc/%ld/io", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    if (fscanf(file, "rchar: %lld", &bytes) != 1)
        bytes = -1;
    fclose(file);
    return bytes;
}

static int run(char **command, FILE *report)
{
    struct rusage used;
    siginfo_t info;
    int status;
    double start = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
        return -1;
    double wall = now() - start;
    long long bytes = bytes_read(pid);
    if (waitpid(pid, &status, 0) != pid || getrusage(RUSAGE_CHILDREN, &used) != 0)
        return -1;
    fprintf(report, "%.6f %.6f %.6f %ld %lld %d\n", wall, seconds(used.ru_utime), seconds(used.ru_stime),
            used.ru_maxrss, bytes, WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT ...]\n");
        return 2;
    }
    FILE *report = fopen(argv[1], "w");
    if (!report || run(argv + 2, report) != 0) {
        perror(argv[1]);
        return 1;
    }
    return fclose(report) == 0 ? 0 : 1;
}
