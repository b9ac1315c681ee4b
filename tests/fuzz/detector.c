/*
 * detector.c - fuzz target: any file as one of fastbal train --detector. A detector that is read has finite weights and a name,
 * and its calibration makes a probability.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <math.h>
#include <string.h>
#include "fuzz.h"
#include "desi/detector_file.h"

static void check_detector(const fastbal_detector *d)
{
    size_t n;
    const float *weights = fastbal_detector_weights(d, &n);
    const struct fastbal_calibration *calibration = fastbal_detector_calibration(d);
    CHECK(n > 0 && isfinite(calibration->slope) && isfinite(calibration->intercept));
    for (size_t i = 0; i < n; i++)
        CHECK(isfinite(weights[i]));
    char name[FB_DETECTOR_NAME];
    fb_detector_own_name(d, name);
    CHECK(name[0] && strncmp(fastbal_detector_name(d), name, strlen(name)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fb_error err;
    fastbal_detector *detector;
    const char *path = fuzz_file(bytes, size);
    if (fb_detector_read(&detector, path, &err) != 0)
        CHECK(!detector && strncmp(err.text, path, strlen(path)) == 0);
    else
        check_detector(detector);
    fastbal_detector_free(detector);
    return 0;
}
