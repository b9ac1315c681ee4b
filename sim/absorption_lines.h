/*
 * absorption_lines.h - the transitions that absorb: ion, vacuum wavelength, oscillator strength and
 * damping constant.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ABSORPTION_LINES_H
#define FB_ABSORPTION_LINES_H

enum fb_ion {
    FB_HI,
    FB_CII,
    FB_CIV,
    FB_NV,
    FB_OI,
    FB_OVI,
    FB_MGI,
    FB_MGII,
    FB_ALII,
    FB_ALIII,
    FB_SIII,
    FB_SIIV,
    FB_FEII,
    FB_IONS
};

struct fb_absorption_line {
    enum fb_ion ion;
    double wavelength; /* vacuum, A */
    double strength;   /* oscillator strength */
    double damping;    /* sum of transition probabilities, 1/s */
};

/* Lines are grouped by ion; H I comes first, starting with Lyman-alpha. */
extern const struct fb_absorption_line fb_absorption_lines[];
extern const int fb_absorption_line_count;

#define FB_LYMAN_LINES 10
#define FB_LYMAN_LIMIT 911.76 /* A */

#endif
