/*
 * faults.c - one fault of a kind that a sanitizer has to report. A build whose sanitizers are off, or keep silent, must
 * not pass for one without faults.
 *
 * usage: faults address|leak|undefined|thread
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int shared, zero;
static void *volatile kept;

static void *add(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        shared = shared + 1;
    return NULL;
}

static int race(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, add, NULL) != 0)
        return 2;
    add(NULL);
    return pthread_join(thread, NULL) ? 2 : 0;
}

static int overflow(void)
{
    char *bytes = calloc(8, 1);
    if (!bytes)
        return 2;
    int value = bytes[8 + zero];
    free(bytes);
    return value & 0;
}

/* In a function of its own, and more than once, so that no register or stack slot still holds them all. */
static void lose(void)
{
    for (int i = 0; i < 100; i++)
        kept = malloc(16);
    kept = NULL;
}

static int shift(void)
{
    return (1 << (zero + 40)) & 0;
}

int main(int argc, char **argv)
{
    const char *kind = argc == 2 ? argv[1] : "";
    if (strcmp(kind, "address") == 0)
        return overflow();
    if (strcmp(kind, "undefined") == 0)
        return shift();
    if (strcmp(kind, "thread") == 0)
        return race();
    if (strcmp(kind, "leak") != 0) {
        fprintf(stderr, "usage: faults address|leak|undefined|thread\n");
        return 2;
    }
    lose();
    return 0;
}
