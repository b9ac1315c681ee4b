/*
 * clones.h - loops compiled for more than one instruction set, with the fastest chosen at run time. They move and add
 * bytes, so the results are the same. The library has its own way (src/kernels.h), which works with any compiler.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CLONES_H
#define FB_CLONES_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__) && defined(__x86_64__) && \
    !defined(FB_NO_CLONES)
#define FB_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FB_CLONES
#endif

#endif
