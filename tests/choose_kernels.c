/*
 * choose_kernels.c - the library's rungs.c for programs that test and measure: $FASTBAL_KERNELS names the rung. A name that
 * this processor has no kernels for ends the program with status 2.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

const struct fb_kernels *fb_kernels_last(void); /* rungs.c's fb_kernels_best() */
#define fb_kernels_best fb_kernels_last
#include "../src/rungs.c"
#undef fb_kernels_best

const struct fb_kernels *fb_kernels_best(void)
{
    const char *wanted = getenv("FASTBAL_KERNELS");
    const struct fb_kernels *kernels;
    if (!wanted)
        return fb_kernels_last();
    for (int k = 0; (kernels = fb_kernels_rung(k)) != NULL; k++)
        if (strcmp(wanted, kernels->name) == 0)
            return kernels;
    fprintf(stderr,
            "FASTBAL_KERNELS: expected kernels that this processor can run, found %s; these are:", wanted);
    for (int k = 0; (kernels = fb_kernels_rung(k)) != NULL; k++)
        fprintf(stderr, " %s", kernels->name);
    fprintf(stderr, "\n");
    exit(2);
}
