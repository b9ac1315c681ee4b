/*
 * spectra.h - spectra as a page holds them: small integers in base64, each in an element of its own, decoded when it is
 * looked at.
 *
 * Pixels up to 1720 A at rest, where troughs are, are held one by one, and those beyond in bins of 4, with weights ivar; up to
 * 3 more are held one by one, so that every bin is full. Together these are n points, of which the first nfull are pixels.
 *
 * Of n points, little-endian: float32 wavelength[n], only where pixels are not evenly spaced; int16 flux[n], in units of
 * flux_step, -32768 where there is none; int16 continuum[m], in units of continuum_step, of every 4th pixel, every bin, and
 * the last point, or none where it was not measured; uint8 error[n]: 0 where ivar is not positive, else
 * error_top * 2^((b - 255) / 16), rounded to 2.2%.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_REPORT_SPECTRA_H
#define FB_REPORT_SPECTRA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "fastbal.h"
#include "fits/error.h"

#define FB_FULL_UNTIL 1720.0 /* A at rest: bins of FB_BIN pixels beyond */
enum { FB_BIN = 4, FB_CONTINUUM_EVERY = 4, FB_NO_FLUX = -32768 };

struct fb_drawn {
    size_t quasar;      /* the caller's number */
    size_t n, nfull;    /* points, and how many of them are pixels */
    double first, step; /* wavelength of pixel i is first + i * step, Angstrom; step 0: listed */
    double flux_step, continuum_step, error_top;
    double ai;       /* AI_CIV, as it was measured now */
    uint32_t status; /* BALSTATUS, likewise */
};

/* Initialise with zeros; release in any case. */
struct fb_drawn_list {
    struct fb_drawn *spectra; /* owned */
    size_t n, room;
    FILE *out;  /* of the elements */
    char *text; /* owned, valid once the list is closed */
    size_t size;
};

/* Add what the fit saw of a spectrum, with its continuum. */
int fb_drawn_add(struct fb_drawn_list *list, size_t quasar, const fastbal_templates *templates,
                 const struct fastbal_spectrum *spectrum, const struct fastbal_result *result,
                 struct fb_error *err);
/* Finish the text. */
int fb_drawn_close(struct fb_drawn_list *list, struct fb_error *err);
void fb_drawn_release(struct fb_drawn_list *list);

#endif
