/*
 * figure.h - figures of measured spectra, and how they are drawn: by a module of its own, plot/cairo/, which alone knows
 * Cairo and Pango. It is loaded by the command plot only: nothing else loads, starts or needs these libraries.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_FIGURE_H
#define FB_FIGURE_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"

struct fb_plot_trough {
    double line;       /* 1549 or 1398 A: C IV or Si IV */
    double vmin, vmax; /* km/s, outflow */
    int balnicity;     /* a trough of BI; else of AI */
};

/* What a figure shows. The caller owns all arrays. */
struct fb_plot_figure {
    int64_t targetid;
    double z;
    unsigned status; /* BALSTATUS */
    int measured;    /* else there are no numbers and no continuum */
    double ai, ai_error, bi, bi_error, snr, chi2;
    size_t n;
    double *wavelength, *flux, *ivar; /* n, observed frame; ivar 0: not observed */
    double *continuum;                /* n; NaN where there is none */
    struct fb_plot_trough *troughs;   /* ntroughs */
    size_t ntroughs;
    size_t order; /* the row of the catalog; not drawn */
};

enum fb_plot_format { FB_PLOT_PNG, FB_PLOT_PDF, FB_PLOT_SVG };

struct fb_plot_style {
    enum fb_plot_format format;
    int observed;         /* the axis is of observed wavelengths, not of the rest frame */
    double begin, end;    /* A, in that frame; both 0: from Ly-alpha to He II */
    size_t smooth;        /* pixels of the running mean; 1: none */
    size_t columns, rows; /* figures on a page */
};

/* A picture as a file holds it: allocated by draw(), freed by the caller. */
struct fb_plot_picture {
    unsigned char *bytes;
    size_t n;
};

/* The functions of the module. One thread at a time may draw. */
struct fb_plotter {
    /* Names and versions of the libraries. */
    void (*version)(char *text, size_t size);
    /* Draw n > 0 figures: a PDF has as many pages as they need, the other formats one, for columns x rows figures at most.
     * Returns NULL, or what went wrong. The same figures give the same bytes. */
    const char *(*draw)(const struct fb_plot_figure *figures, size_t n, const struct fb_plot_style *style,
                        struct fb_plot_picture *picture);
};

/* The name of the table in the module. */
#define FB_PLOTTER_SYMBOL "fb_plotter_functions"
extern const struct fb_plotter fb_plotter_functions;

/* Load the module; NULL if this build has none or it can't be loaded. */
const struct fb_plotter *fb_plotter_load(struct fb_error *err);

#endif
