/*
 * wavelengths.h - words for wavelengths that the library refused.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_WAVELENGTHS_H
#define FB_WAVELENGTHS_H

#include <stddef.h>
#include "fits/error.h"

/* Fail with the first of n wavelengths that is not a number above those before it; 0 where all are. where: the HDU or
 * column they stand in. */
int fb_check_wavelengths(const char *path, const char *where, const double *wavelength, size_t n,
                         struct fb_error *err);

#endif
