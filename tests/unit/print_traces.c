/*
 * print_traces.c - what the built-in detector makes of spectra, for tests/cli/test_detector.py. Numbers are those of the
 * machine, and come and go as bytes.
 *
 *     print_traces < SPECTRA    of each n, z, wavelength[n], flux[n] and ivar[n] (doubles)
 *         > of each made, probability and outside (doubles), and struct fastbal_detector_trace (floats)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include "fastbal.h"

static int put(const void *from, size_t size)
{
    return fwrite(from, size, 1, stdout) == 1;
}

/* One spectrum, whose head has been read. */
static int print_spectrum(fastbal_workspace *work, const fastbal_detector *detector, const double head[2])
{
    const size_t n = (size_t)head[0];
    double *pixels = calloc(3 * n + 1, sizeof *pixels);
    struct fastbal_detection detection = { 0 };
    static struct fastbal_detector_trace trace;
    int done = 0;
    if (pixels && fread(pixels, sizeof *pixels, 3 * n, stdin) == 3 * n) {
        const struct fastbal_spectrum spectrum = { n, pixels, pixels + n, pixels + 2 * n, head[1] };
        done = fastbal_detect(work, detector, &spectrum, &detection, &trace) == FASTBAL_OK;
    }
    free(pixels);
    const double numbers[3] = { detection.made, detection.probability, detection.outside };
    return done && put(numbers, sizeof numbers) && put(&trace, sizeof trace);
}

int main(void)
{
    double head[2];
    fastbal_detector *detector = NULL;
    fastbal_workspace *work = fastbal_workspace_create();
    int failed = !work || fastbal_detector_builtin(&detector) != FASTBAL_OK;
    while (!failed && fread(head, sizeof head, 1, stdin) == 1)
        failed = !print_spectrum(work, detector, head);
    fastbal_detector_free(detector);
    fastbal_workspace_free(work);
    return failed || fclose(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
