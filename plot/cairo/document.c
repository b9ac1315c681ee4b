/*
 * document.c - PNG, PDF and SVG files of figures, composed in memory.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>
#include "plot/cairo/draw.h"

#define POINTS 72.0      /* to the inch */
#define RESOLUTION 300.0 /* of PNG, pixels to the inch */

struct document {
    const struct fb_plot_style *style;
    double width, height; /* points */
    cairo_surface_t *surface;
    struct fb_canvas canvas;
    FILE *file;          /* of the bytes */
    char *bytes, *texts; /* owned */
    size_t nbytes, ntexts;
};

static cairo_status_t append(void *closure, const unsigned char *bytes, unsigned int n)
{
    const struct document *d = closure;
    return fwrite(bytes, 1, n, d->file) == n ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *make_surface(struct document *d)
{
    double scale = RESOLUTION / POINTS;
    cairo_surface_t *surface = NULL;
    switch (d->style->format) {
    case FB_PLOT_PNG:
        return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(d->width * scale + 0.5),
                                          (int)(d->height * scale + 0.5));
    case FB_PLOT_PDF:
        surface = cairo_pdf_surface_create_for_stream(append, d, d->width, d->height);
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE,
                                       "Spectra of quasars, by fastbal plot");
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                       ""); /* the same bytes any day */
        return surface;
    case FB_PLOT_SVG:
        surface = cairo_svg_surface_create_for_stream(append, d, d->width, d->height);
        cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PT);
        return surface;
    }
    return NULL;
}

static int open_document(struct document *d)
{
    cairo_font_options_t *fonts = cairo_font_options_create();
    d->width = (double)d->style->columns * FB_FIGURE_WIDTH;
    d->height = (double)d->style->rows * FB_FIGURE_HEIGHT;
    d->canvas.texts = open_memstream(&d->texts, &d->ntexts);
    d->file = open_memstream(&d->bytes, &d->nbytes);
    d->surface = make_surface(d);
    d->canvas.cr = cairo_create(d->surface);
    if (d->style->format == FB_PLOT_PNG)
        cairo_scale(d->canvas.cr, RESOLUTION / POINTS, RESOLUTION / POINTS);
    /* The same places of letters in every format. */
    cairo_font_options_set_hint_style(fonts, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(fonts, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(fonts, CAIRO_ANTIALIAS_GRAY);
    d->canvas.layout = pango_cairo_create_layout(d->canvas.cr);
    pango_cairo_context_set_font_options(pango_layout_get_context(d->canvas.layout), fonts);
    pango_context_set_round_glyph_positions(pango_layout_get_context(d->canvas.layout), FALSE);
    cairo_font_options_destroy(fonts);
    return d->canvas.texts && d->file ? 0 : -1;
}

static int draw_page(struct document *d, const struct fb_plot_figure *figures, size_t n)
{
    fb_set_ink(&d->canvas, FB_BLACK, 1);
    cairo_set_source_rgb(d->canvas.cr, 1, 1, 1);
    cairo_paint(d->canvas.cr);
    for (size_t k = 0; k < n; k++) {
        size_t column = k % d->style->columns, row = k / d->style->columns;
        if (fb_draw_figure(&d->canvas, (double)column * FB_FIGURE_WIDTH, (double)row * FB_FIGURE_HEIGHT,
                           &figures[k], d->style) != 0)
            return -1;
    }
    return 0;
}

/* Cairo turns the letters of an SVG into shapes. A description says what they spell, to searches and screen readers. */
static int describe_svg(struct document *d)
{
    const char *tag = d->bytes ? strstr(d->bytes, "<svg") : NULL, *end = tag ? strstr(tag, ">\n") : NULL;
    if (!end)
        return -1;
    char *whole = NULL;
    FILE *out = open_memstream(&whole, &d->nbytes);
    if (!out)
        return -1;
    fprintf(out, "%.*s<desc>%s</desc>\n%s", (int)(end + 2 - d->bytes), d->bytes, d->texts, end + 2);
    int lost = ferror(out);
    lost |= fclose(out);
    free(d->bytes);
    d->bytes = whole;
    return lost ? -1 : 0;
}

/* Returns what Cairo says. */
static cairo_status_t close_document(struct document *d)
{
    cairo_status_t status = cairo_status(d->canvas.cr);
    g_object_unref(d->canvas.layout);
    cairo_destroy(d->canvas.cr);
    if (status == CAIRO_STATUS_SUCCESS && d->style->format == FB_PLOT_PNG)
        status = cairo_surface_write_to_png_stream(d->surface, append, d);
    cairo_surface_finish(d->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(d->surface);
    cairo_surface_destroy(d->surface);
    return status;
}

static const char *draw(const struct fb_plot_figure *figures, size_t n, const struct fb_plot_style *style,
                        struct fb_plot_picture *picture)
{
    struct document d = { .style = style };
    size_t at_once = style->columns * style->rows;
    int failed = open_document(&d);
    for (size_t k = 0; k < n && !failed; k += at_once) {
        failed = draw_page(&d, figures + k, n - k < at_once ? n - k : at_once);
        if (style->format == FB_PLOT_PDF)
            cairo_show_page(d.canvas.cr);
    }
    cairo_status_t status = close_document(&d);
    failed |= !d.canvas.texts || fclose(d.canvas.texts) != 0;
    failed |= !d.file || fclose(d.file) != 0;
    if (!failed && status == CAIRO_STATUS_SUCCESS && style->format == FB_PLOT_SVG)
        failed = describe_svg(&d);
    free(d.texts);
    if (status == CAIRO_STATUS_SUCCESS && !failed) {
        *picture = (struct fb_plot_picture){ (unsigned char *)d.bytes, d.nbytes };
        return NULL;
    }
    free(d.bytes);
    return status != CAIRO_STATUS_SUCCESS ? cairo_status_to_string(status) : "out of memory";
}

static void version(char *text, size_t size)
{
    snprintf(text, size, "Cairo %s, Pango %s", cairo_version_string(), pango_version_string());
}

const struct fb_plotter fb_plotter_functions = { version, draw };
