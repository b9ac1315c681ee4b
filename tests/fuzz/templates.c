/*
 * templates.c - fuzz target: any file as a template file. Templates that are read are finite, on increasing
 * wavelengths.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <string.h>
#include "fuzz.h"
#include "desi/template_file.h"

static void check_templates(const fastbal_templates *t)
{
    size_t n = fastbal_templates_size(t);
    int count = fastbal_templates_count(t);
    const double *wavelength = fastbal_templates_wavelength(t);
    CHECK(n >= 2 && count >= 1 && count <= FASTBAL_MAX_TEMPLATES);
    CHECK(wavelength[0] > 0 && isfinite(wavelength[n - 1]));
    for (size_t i = 0; i < n; i++) {
        CHECK(i == 0 || wavelength[i] > wavelength[i - 1]);
        for (int k = 0; k < count; k++)
            CHECK(isfinite(fastbal_templates_value(t, k, i)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    struct fb_template_set set;
    const char *path = fuzz_file(bytes, size);
    if (fb_template_set_read(&set, path, NULL, &err) != 0)
        CHECK(strncmp(err.text, path, strlen(path)) == 0);
    else
        check_templates(set.templates);
    fb_template_set_release(&set);
    return 0;
}
