/*
 * sky.h - the noise of an exposure of dark sky: its level along each camera, and the sky lines.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SKY_H
#define FB_SKY_H

struct fb_sky_level {
    double wavelength; /* A */
    double sigma;      /* noise of a pixel between sky lines, 1e-17 erg/s/cm^2/A */
};

struct fb_sky_line {
    double wavelength;
    double strength; /* noise that the line adds at its peak, relative to the level there */
};

/* Cameras B, R and Z. */
extern const struct fb_sky_level *const fb_sky_levels[3];
extern const int fb_sky_level_count[3];
extern const struct fb_sky_line fb_sky_lines[];
extern const int fb_sky_line_count;

#endif
