/*
 * draw.h - one figure on a page.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DRAW_H
#define FB_DRAW_H

#include "plot/cairo/canvas.h"
#include "plot/figure.h"

/* A figure is as wide as the column of a paper, 3.5 inches. Points. */
#define FB_FIGURE_WIDTH 252.0
#define FB_FIGURE_HEIGHT 234.0

/* Draw a figure with its top left corner at (left, top). -1 if out of memory. */
int fb_draw_figure(struct fb_canvas *canvas, double left, double top, const struct fb_plot_figure *figure,
                   const struct fb_plot_style *style);

#endif
