/*
 * rungs.c - selects the kernels that this processor can run (kernels.h).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stddef.h>
#include "internal.h"

#ifdef FB_X86_RUNGS
extern const struct fb_kernels fb_kernels_v2, fb_kernels_v3, fb_kernels_v4;

/* Does this processor have the instruction sets that CMakeLists.txt enables for the rung?
 * __builtin_cpu_supports() also checks that the system saves wide registers. */
static int has_v2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

static int has_v3(void)
{
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static int has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

const struct fb_kernels *fb_kernels_rung(int k)
{
    switch (k) {
    case 0:
        return &fb_kernels;
    case 1:
        return has_v2() ? &fb_kernels_v2 : NULL;
    case 2:
        return has_v3() ? &fb_kernels_v3 : NULL;
    case 3:
        return has_v4() ? &fb_kernels_v4 : NULL;
    default:
        return NULL;
    }
}
#else
const struct fb_kernels *fb_kernels_rung(int k)
{
    return k == 0 ? &fb_kernels : NULL;
}
#endif

const struct fb_kernels *fb_kernels_best(void)
{
    int best = 0;
    while (fb_kernels_rung(best + 1))
        best++;
    return fb_kernels_rung(best);
}
