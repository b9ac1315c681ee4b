/* draw.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "plot/cairo/curve.h"
#include "plot/cairo/draw.h"

/* Points. */
#define LEFT 32.0
#define RIGHT 9.0
#define TITLE 22.0
#define VELOCITIES 23.0 /* the axis above the panels */
#define BOTTOM 25.0
#define GAP 3.0
#define UPPER 0.6 /* of the height of both panels */
#define LARGE 7.5
#define MEDIUM 6.5
#define SMALL 5.5
#define ROW 7.0 /* of labels */
#define THIN 0.4
#define CURVE 0.5
#define RAW_CURVE 0.3 /* of pixels that are not smoothed */
#define TICK 2.5

#define CIV 1549.0     /* A; velocities are v = c (1 - w / line) (docs/algorithm.md, section 5) */
#define V_BLUE 25000.0 /* km/s: where the search range ends */
#define V_TICK 5000.0
#define LEVEL 0.9 /* of the continuum: troughs are below */

enum { LABEL_ROWS = 3 };

static const struct {
    double wavelength; /* A, vacuum */
    const char *name;
} emission[] = { { 1215.67, "Lyα" },   { 1240.14, "N V" },    { 1398.0, "Si IV" },   { 1549.06, "C IV" },
                 { 1640.42, "He II" }, { 1857.40, "Al III" }, { 1908.73, "C III]" }, { 2798.75, "Mg II" } };

struct drawing {
    struct fb_canvas *canvas;
    const struct fb_plot_figure *figure;
    const struct fb_plot_style *style;
    struct fb_curve curve;
    struct fb_panel upper, lower;
};

/* ---- labels in rows ---- */

/* Where the last label of each row ends. */
struct rows {
    double end[LABEL_ROWS];
};

/* The first row with room for a label around x, moved into the box where it would stick out; -1 where there is none. */
static int find_row(struct rows *rows, const struct fb_box *box, double width, double *x)
{
    *x = fmin(fmax(*x, box->left + width / 2 + 1), box->right - width / 2 - 1);
    for (int k = 0; k < LABEL_ROWS; k++) {
        if (*x - width / 2 < rows->end[k])
            continue;
        rows->end[k] = *x + width / 2 + 3;
        return k;
    }
    return -1;
}

/* ---- axes ---- */

static void print_tick(char *text, size_t size, double value, double step)
{
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    snprintf(text, size, "%s%.*f", value < -step / 2 ? "−" : "", decimals,
             fabs(value) < step / 2 ? 0 : fabs(value));
}

static void draw_y_axis(struct drawing *d, const struct fb_panel *p, int most, const char *title)
{
    double step = fb_tick_step(p->y[1] - p->y[0], most);
    char text[32];
    fb_set_ink(d->canvas, FB_BLACK, 1);
    for (int k = (int)ceil(p->y[0] / step); k * step <= p->y[1]; k++) {
        double y = k * step, at = fb_panel_y(p, y);
        fb_line(d->canvas, p->box.left, at, p->box.left + TICK, at, THIN);
        fb_line(d->canvas, p->box.right - TICK, at, p->box.right, at, THIN);
        print_tick(text, sizeof text, y, step);
        fb_text(d->canvas, p->box.left - 2.5, at, 1, MEDIUM, text);
    }
    fb_text_upwards(d->canvas, p->box.left - LEFT + 6, (p->box.top + p->box.bottom) / 2, MEDIUM, title);
}

static void draw_x_axis(struct drawing *d, const struct fb_panel *p, int labels)
{
    double step = fb_tick_step(p->x[1] - p->x[0], 8);
    char text[32];
    fb_set_ink(d->canvas, FB_BLACK, 1);
    for (int k = (int)ceil(p->x[0] / step); k * step <= p->x[1]; k++) {
        double x = k * step, at = fb_panel_x(p, x);
        fb_line(d->canvas, at, p->box.bottom, at, p->box.bottom - TICK, THIN);
        print_tick(text, sizeof text, x, step);
        if (labels)
            fb_text(d->canvas, at, p->box.bottom + 6, 0.5, MEDIUM, text);
    }
    if (labels)
        fb_text(d->canvas, (p->box.left + p->box.right) / 2, p->box.bottom + 16, 0.5, MEDIUM,
                d->style->observed ? "Observed wavelength (Å)" : "Rest-frame wavelength (Å)");
}

static void draw_frame(struct drawing *d, const struct fb_box *b)
{
    fb_set_ink(d->canvas, FB_BLACK, 1);
    cairo_set_line_width(d->canvas->cr, THIN);
    cairo_rectangle(d->canvas->cr, b->left, b->top, b->right - b->left, b->bottom - b->top);
    cairo_stroke(d->canvas->cr);
}

static double at_velocity(const struct drawing *d, double line, double v)
{
    double x = line * (1 - v / FASTBAL_LIGHT_SPEED) * d->curve.frame;
    return fb_panel_x(&d->upper, fmin(fmax(x, d->curve.begin), d->curve.end));
}

static int is_shown(const struct drawing *d, double rest)
{
    double x = rest * d->curve.frame;
    return x >= d->curve.begin && x <= d->curve.end;
}

/* Outflow velocities of C IV, above the part of the panel where troughs are searched. */
static void draw_velocities(struct drawing *d)
{
    const struct fb_box *b = &d->upper.box;
    double y = b->top - 3, tick = V_TICK, blue = at_velocity(d, CIV, V_BLUE), red = at_velocity(d, CIV, 0);
    char text[32];
    if (red - blue < 10)
        return;
    if (red - blue < 50) /* no room for the numbers in between */
        tick = V_BLUE;
    fb_set_ink(d->canvas, FB_GREY, 1);
    fb_line(d->canvas, blue, y, red, y, THIN);
    for (int k = 0; k * tick <= V_BLUE; k++) {
        double v = k * tick, at = at_velocity(d, CIV, v);
        if (!is_shown(d, CIV * (1 - v / FASTBAL_LIGHT_SPEED)))
            continue;
        fb_line(d->canvas, at, y, at, y - TICK, THIN);
        snprintf(text, sizeof text, "%.0f", v / 1000);
        fb_text(d->canvas, at, y - 6.5, 0.5, SMALL, text);
    }
    const char *title = "C IV outflow velocity (10³ km s⁻¹)";
    double x = (blue + red) / 2;
    struct rows rows = { { 0 } };
    find_row(&rows, b, fb_text_width(d->canvas, SMALL, title), &x);
    fb_text(d->canvas, x, y - 14, 0.5, SMALL, title);
}

/* ---- what was found ---- */

static void shade_troughs(struct drawing *d, const struct fb_panel *p)
{
    const struct fb_plot_figure *f = d->figure;
    for (size_t k = 0; k < f->ntroughs; k++) {
        const struct fb_plot_trough *t = &f->troughs[k];
        int civ = t->line > 1500;
        double blue = at_velocity(d, t->line, t->vmax), red = at_velocity(d, t->line, t->vmin);
        if (!(red > blue))
            continue;
        fb_set_ink(d->canvas, civ ? FB_ORANGE : FB_SKY_BLUE, t->balnicity ? 1 : 0.3);
        if (t->balnicity)
            fb_fill(d->canvas, blue, p->box.bottom - 2.2, red, p->box.bottom);
        else
            fb_fill(d->canvas, blue, p->box.top, red, p->box.bottom);
    }
}

static void describe_troughs(struct drawing *d)
{
    for (size_t k = 0; k < d->figure->ntroughs; k++) {
        const struct fb_plot_trough *t = &d->figure->troughs[k];
        fprintf(d->canvas->texts, "%s trough of %s: %.0f to %.0f km/s\n", t->line > 1500 ? "C IV" : "Si IV",
                t->balnicity ? "BI" : "AI", t->vmin, t->vmax);
    }
}

static void label_of(const struct fb_plot_trough *t, char *text, size_t size)
{
    snprintf(text, size, "%s %.1f–%.1f", t->line > 1500 ? "C IV" : "Si IV", t->vmin / 1000, t->vmax / 1000);
}

static int by_place(const void *a, const void *b)
{
    const struct fb_plot_trough *s = a, *t = b;
    double x = s->line * (1 - s->vmax / FASTBAL_LIGHT_SPEED),
           y = t->line * (1 - t->vmax / FASTBAL_LIGHT_SPEED);
    return (x > y) - (x < y);
}

/* Label the AI troughs, from blue to red; draws nothing where draw is 0. Returns the rows that they take. */
static int label_troughs(struct drawing *d, double top, int draw)
{
    const struct fb_plot_figure *f = d->figure;
    struct rows rows = { { 0 } };
    int used = 0;
    for (size_t k = 0; k < f->ntroughs; k++) {
        const struct fb_plot_trough *t = &f->troughs[k];
        double blue = at_velocity(d, t->line, t->vmax), red = at_velocity(d, t->line, t->vmin),
               x = (blue + red) / 2;
        char text[64];
        if (t->balnicity || !(red > blue))
            continue;
        label_of(t, text, sizeof text);
        int row = find_row(&rows, &d->lower.box, fb_text_width(d->canvas, SMALL, text), &x);
        if (row < 0)
            continue;
        used = row + 1 > used ? row + 1 : used;
        fb_set_ink(d->canvas, FB_BLACK, 1);
        if (draw)
            fb_text(d->canvas, x, top + (row + 0.5) * ROW, 0.5, SMALL, text);
    }
    return used;
}

static void draw_emission(struct drawing *d)
{
    const struct fb_box *b = &d->upper.box;
    const double dashes[] = { 1, 2 };
    struct rows rows = { { 0 } };
    for (size_t k = 0; k < sizeof emission / sizeof *emission; k++) {
        if (!is_shown(d, emission[k].wavelength))
            continue;
        double at = fb_panel_x(&d->upper, emission[k].wavelength * d->curve.frame), x = at;
        int row = find_row(&rows, b, fb_text_width(d->canvas, SMALL, emission[k].name), &x);
        fb_set_ink(d->canvas, FB_GREY, 1);
        cairo_set_dash(d->canvas->cr, dashes, 2, 0);
        fb_line(d->canvas, at, b->top + 1 + (row + 1) * ROW, at, b->bottom, THIN);
        cairo_set_dash(d->canvas->cr, NULL, 0, 0);
        if (row >= 0)
            fb_text(d->canvas, x, b->top + 1 + (row + 0.5) * ROW, 0.5, SMALL, emission[k].name);
    }
}

/* ---- panels ---- */

static void draw_level(struct drawing *d, const struct fb_panel *p, double level, enum fb_ink ink, int dashed)
{
    const double dashes[] = { 3, 2 };
    double y = fb_panel_y(p, level);
    fb_set_ink(d->canvas, ink, 1);
    cairo_set_dash(d->canvas->cr, dashes, dashed ? 2 : 0, 0);
    fb_line(d->canvas, p->box.left, y, p->box.right, y, THIN);
    cairo_set_dash(d->canvas->cr, NULL, 0, 0);
}

static void draw_upper(struct drawing *d)
{
    const struct fb_curve *c = &d->curve;
    const struct fb_panel *p = &d->upper;
    fb_clip(d->canvas, &p->box);
    shade_troughs(d, p);
    draw_level(d, p, 0, FB_LIGHT_GREY, 0);
    draw_emission(d);
    fb_set_ink(d->canvas, FB_LIGHT_GREY, 1);
    fb_curve_band(d->canvas, p, c->x, c->flux, c->error, c->n);
    fb_set_ink(d->canvas, FB_BLACK, 1);
    fb_curve_line(d->canvas, p, c->x, c->flux, c->n, d->style->smooth > 1 ? CURVE : RAW_CURVE);
    fb_set_ink(d->canvas, FB_VERMILION, 1);
    fb_curve_line(d->canvas, p, c->x, c->continuum, c->n, 2 * CURVE);
    fb_unclip(d->canvas);
    draw_frame(d, &p->box);
    draw_x_axis(d, p, 0);
    draw_y_axis(d, p, 6, "Flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)");
}

static void draw_lower(struct drawing *d)
{
    const struct fb_curve *c = &d->curve;
    const struct fb_panel *p = &d->lower;
    fb_clip(d->canvas, &p->box);
    shade_troughs(d, p);
    draw_level(d, p, 0, FB_LIGHT_GREY, 0);
    draw_level(d, p, 1, FB_VERMILION, 0);
    fb_set_ink(d->canvas, FB_LIGHT_GREY, 1);
    fb_curve_band(d->canvas, p, c->x, c->ratio, c->ratio_error, c->n);
    fb_set_ink(d->canvas, FB_BLACK, 1);
    fb_curve_line(d->canvas, p, c->x, c->ratio, c->n, d->style->smooth > 1 ? CURVE : RAW_CURVE);
    draw_level(d, p, LEVEL, FB_BLUE, 1);
    fb_unclip(d->canvas);
    label_troughs(d, p->box.top + 1, 1);
    draw_frame(d, &p->box);
    draw_x_axis(d, p, 1);
    draw_y_axis(d, p, 5, "Flux / continuum");
}

static void print_index(char *text, size_t size, const char *name, double index, double error)
{
    if (index > 0)
        snprintf(text, size, "%s = %.0f ± %.0f", name, index, error);
    else
        snprintf(text, size, "%s = 0", name);
}

static void draw_title(struct drawing *d, double left, double top)
{
    const struct fb_plot_figure *f = d->figure;
    char title[128], numbers[256], ai[64], bi[64];
    snprintf(title, sizeof title, "TARGETID %lld,  z = %.4f", (long long)f->targetid, f->z);
    print_index(ai, sizeof ai, "AI", f->ai, f->ai_error);
    print_index(bi, sizeof bi, "BI", f->bi, f->bi_error);
    if (f->measured)
        snprintf(numbers, sizeof numbers, "%s,  %s km s⁻¹,  S/N = %.1f,  χ² = %.2f", ai, bi, f->snr, f->chi2);
    else
        snprintf(numbers, sizeof numbers, "not measured: BALSTATUS %u", f->status);
    fb_set_ink(d->canvas, FB_BLACK, 1);
    fb_text(d->canvas, left, top + 7, 0, LARGE, title);
    fb_text(d->canvas, left, top + 17, 0, MEDIUM, numbers);
    fprintf(d->canvas->texts, "%s\n%s\n", title, numbers);
}

/* Where the panels are. The labels of troughs take the top of the lower one. */
static void place_panels(struct drawing *d, double left, double top)
{
    const struct fb_curve *c = &d->curve;
    double above = top + TITLE + VELOCITIES, below = top + FB_FIGURE_HEIGHT - BOTTOM,
           height = below - above - GAP;
    struct fb_box upper = { left + LEFT, above, left + FB_FIGURE_WIDTH - RIGHT, above + UPPER * height },
                  lower = { upper.left, upper.bottom + GAP, upper.right, below };
    d->upper = (struct fb_panel){ upper, { c->begin, c->end }, { c->low, c->high } };
    d->lower = (struct fb_panel){ lower, { c->begin, c->end }, { FB_RATIO_LOW, c->ratio_high } };
    double labels = label_troughs(d, 0, 0) * ROW, names = 2 * ROW;
    d->lower.y[1] += (c->ratio_high - FB_RATIO_LOW) * labels / (lower.bottom - lower.top - labels);
    d->upper.y[1] += (c->high - c->low) * names / (upper.bottom - upper.top - names);
}

int fb_draw_figure(struct fb_canvas *canvas, double left, double top, const struct fb_plot_figure *figure,
                   const struct fb_plot_style *style)
{
    struct drawing d = { .canvas = canvas, .figure = figure, .style = style };
    int status = fb_curve_make(&d.curve, figure, style);
    if (status == 0) {
        qsort(figure->troughs, figure->ntroughs, sizeof *figure->troughs, by_place);
        place_panels(&d, left, top);
        draw_title(&d, left + LEFT, top);
        describe_troughs(&d);
        draw_velocities(&d);
        draw_upper(&d);
        draw_lower(&d);
    }
    fb_curve_free(&d.curve);
    return status;
}
