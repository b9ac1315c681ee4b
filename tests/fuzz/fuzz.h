/*
 * fuzz.h - what the fuzz targets share. A target is one file that takes any bytes: it must not crash, hang or
 * take memory without limit, and what it gets out of the library must hold to the headers. libFuzzer makes
 * the bytes in a build with FASTBAL_FUZZ; in any other build replay.c takes them from files.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The target; 0, or -1 where the input is of no use to a corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Put bytes into a file of this process, always the same one. Its path; it is removed at the end. */
const char *fuzz_file(const uint8_t *bytes, size_t size);
/* A second such path, for outputs. */
const char *fuzz_output(void);

/* Stop with a message where something does not hold. */
#define CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

#endif
