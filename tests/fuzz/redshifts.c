/*
 * redshifts.c - fuzz target: any file as a redshift catalog. Rows that are read are in range, and no more
 * than the file has room for.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "fastbal.h"
#include "fuzz.h"
#include "desi/redshifts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    struct fb_redshifts redshifts;
    const char *path = fuzz_file(bytes, size);
    if (fb_redshifts_read(&redshifts, path, &err) != 0)
        CHECK(strncmp(err.text, path, strlen(path)) == 0);
    else
        for (size_t i = 0; i < redshifts.n; i++)
            CHECK(redshifts.rows[i].z >= FASTBAL_Z_MIN && redshifts.rows[i].z <= FASTBAL_Z_MAX);
    fb_redshifts_release(&redshifts);
    return 0;
}
