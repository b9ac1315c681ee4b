/* canvas.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include "plot/cairo/canvas.h"

void fb_set_ink(struct fb_canvas *canvas, enum fb_ink ink, double opacity)
{
    static const unsigned char inks[][3] = {
        [FB_BLACK] = { 0, 0, 0 },      [FB_GREY] = { 110, 110, 110 },    [FB_LIGHT_GREY] = { 190, 190, 190 },
        [FB_ORANGE] = { 230, 159, 0 }, [FB_SKY_BLUE] = { 86, 180, 233 }, [FB_VERMILION] = { 213, 94, 0 },
        [FB_BLUE] = { 0, 114, 178 },
    };
    const unsigned char *rgb = inks[ink];
    cairo_set_source_rgba(canvas->cr, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0, opacity);
}

/* ---- panels ---- */

double fb_panel_x(const struct fb_panel *p, double x)
{
    return p->box.left + (x - p->x[0]) / (p->x[1] - p->x[0]) * (p->box.right - p->box.left);
}

double fb_panel_y(const struct fb_panel *p, double y)
{
    return p->box.bottom - (y - p->y[0]) / (p->y[1] - p->y[0]) * (p->box.bottom - p->box.top);
}

void fb_clip(struct fb_canvas *canvas, const struct fb_box *box)
{
    cairo_save(canvas->cr);
    cairo_rectangle(canvas->cr, box->left, box->top, box->right - box->left, box->bottom - box->top);
    cairo_clip(canvas->cr);
}

void fb_unclip(struct fb_canvas *canvas)
{
    cairo_restore(canvas->cr);
}

/* ---- text ---- */

static void set_text(struct fb_canvas *canvas, double size, const char *text, double *width, double *height)
{
    PangoFontDescription *font = pango_font_description_from_string("Sans");
    int w, h;
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_layout_set_font_description(canvas->layout, font);
    pango_font_description_free(font);
    pango_layout_set_text(canvas->layout, text, -1);
    pango_layout_get_size(canvas->layout, &w, &h);
    *width = (double)w / PANGO_SCALE;
    *height = (double)h / PANGO_SCALE;
}

double fb_text_width(struct fb_canvas *canvas, double size, const char *text)
{
    double width, height;
    set_text(canvas, size, text, &width, &height);
    return width;
}

void fb_text(struct fb_canvas *canvas, double x, double y, double align, double size, const char *text)
{
    double width, height;
    set_text(canvas, size, text, &width, &height);
    cairo_move_to(canvas->cr, x - align * width, y - height / 2);
    pango_cairo_show_layout(canvas->cr, canvas->layout);
    cairo_new_path(canvas->cr); /* the current point would begin the next curve */
}

void fb_text_upwards(struct fb_canvas *canvas, double x, double y, double size, const char *text)
{
    cairo_save(canvas->cr);
    cairo_translate(canvas->cr, x, y);
    cairo_rotate(canvas->cr, -acos(0));
    pango_cairo_update_layout(canvas->cr, canvas->layout);
    fb_text(canvas, 0, 0, 0.5, size, text);
    cairo_restore(canvas->cr);
    pango_cairo_update_layout(canvas->cr, canvas->layout);
}

/* ---- lines ---- */

void fb_line(struct fb_canvas *canvas, double x0, double y0, double x1, double y1, double width)
{
    cairo_set_line_width(canvas->cr, width);
    cairo_move_to(canvas->cr, x0, y0);
    cairo_line_to(canvas->cr, x1, y1);
    cairo_stroke(canvas->cr);
}

void fb_fill(struct fb_canvas *canvas, double x0, double y0, double x1, double y1)
{
    cairo_rectangle(canvas->cr, x0, y0, x1 - x0, y1 - y0);
    cairo_fill(canvas->cr);
}

/* Values far outside of a panel would overflow Cairo's coordinates. */
static double place(const struct fb_panel *p, double y)
{
    double range = p->y[1] - p->y[0];
    return fb_panel_y(p, fmin(fmax(y, p->y[0] - range), p->y[1] + range));
}

/* The end of the run of numbers that begins at i. */
static size_t run_end(const double *y, size_t n, size_t i)
{
    while (i < n && !isnan(y[i]))
        i++;
    return i;
}

void fb_curve_line(struct fb_canvas *canvas, const struct fb_panel *panel, const double *x, const double *y,
                   size_t n, double width)
{
    cairo_set_line_width(canvas->cr, width);
    cairo_set_line_join(canvas->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->cr, CAIRO_LINE_CAP_ROUND); /* a lone pixel is a dot */
    for (size_t i = 0, end; i < n; i = end + 1) {
        end = run_end(y, n, i);
        if (end > i)
            cairo_move_to(canvas->cr, fb_panel_x(panel, x[i]), place(panel, y[i]));
        for (size_t k = i; k < end; k++)
            cairo_line_to(canvas->cr, fb_panel_x(panel, x[k]), place(panel, y[k]));
    }
    cairo_stroke(canvas->cr);
    cairo_set_line_cap(canvas->cr, CAIRO_LINE_CAP_BUTT);
}

void fb_curve_band(struct fb_canvas *canvas, const struct fb_panel *panel, const double *x, const double *y,
                   const double *error, size_t n)
{
    for (size_t i = 0, end; i < n; i = end + 1) {
        end = run_end(y, n, i);
        cairo_new_sub_path(canvas->cr);
        for (size_t k = i; k < end; k++)
            cairo_line_to(canvas->cr, fb_panel_x(panel, x[k]), place(panel, y[k] + error[k]));
        for (size_t k = end; k > i; k--)
            cairo_line_to(canvas->cr, fb_panel_x(panel, x[k - 1]), place(panel, y[k - 1] - error[k - 1]));
        if (end > i)
            cairo_close_path(canvas->cr);
    }
    cairo_fill(canvas->cr);
}
