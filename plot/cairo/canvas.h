/*
 * canvas.h - what is drawn on: a Cairo context with text by Pango, and panels that map numbers to places on the page.
 * Lengths are in points, y downwards.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CANVAS_H
#define FB_CANVAS_H

#include <cairo.h>
#include <pango/pangocairo.h>
#include <stddef.h>
#include <stdio.h>

struct fb_canvas {
    cairo_t *cr;
    PangoLayout *layout;
    FILE *texts; /* what the page says, as lines; for the description of an SVG */
};

/* Colours that people with any colour vision tell apart (Okabe and Ito 2008), and greys. */
enum fb_ink { FB_BLACK, FB_GREY, FB_LIGHT_GREY, FB_ORANGE, FB_SKY_BLUE, FB_VERMILION, FB_BLUE };
void fb_set_ink(struct fb_canvas *canvas, enum fb_ink ink, double opacity);

struct fb_box {
    double left, top, right, bottom;
};
/* A box whose axes run from x[0] at its left to x[1], and from y[0] at its bottom to y[1]. */
struct fb_panel {
    struct fb_box box;
    double x[2], y[2];
};
double fb_panel_x(const struct fb_panel *panel, double x);
double fb_panel_y(const struct fb_panel *panel, double y);
/* Draw nothing outside of it, until fb_unclip(). */
void fb_clip(struct fb_canvas *canvas, const struct fb_box *box);
void fb_unclip(struct fb_canvas *canvas);

/* Text of a size, in the ink that is set, at x: its left, middle or right for align 0, 0.5 or 1; y is its middle. */
void fb_text(struct fb_canvas *canvas, double x, double y, double align, double size, const char *text);
/* The same upwards, its middle at (x, y). */
void fb_text_upwards(struct fb_canvas *canvas, double x, double y, double size, const char *text);
double fb_text_width(struct fb_canvas *canvas, double size, const char *text);

/* A line in the ink that is set. */
void fb_line(struct fb_canvas *canvas, double x0, double y0, double x1, double y1, double width);
/* A rectangle, filled. */
void fb_fill(struct fb_canvas *canvas, double x0, double y0, double x1, double y1);
/* A curve with gaps where y is NaN, and the band of y - error to y + error. */
void fb_curve_line(struct fb_canvas *canvas, const struct fb_panel *panel, const double *x, const double *y,
                   size_t n, double width);
void fb_curve_band(struct fb_canvas *canvas, const struct fb_panel *panel, const double *x, const double *y,
                   const double *error, size_t n);

#endif
