/*
 * wavelengths.h - error messages for wavelengths that the library refused.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_WAVELENGTHS_H
#define FB_WAVELENGTHS_H

#include <stddef.h>
#include "fits/error.h"

/* Fail if a wavelength is not a positive number above the one before it. Returns 0 if all n are valid. where
 * names their HDU or column. */
int fb_check_wavelengths(const char *path, const char *where, const double *wavelength, size_t n,
                         struct fb_error *err);

#endif
