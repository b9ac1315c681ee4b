/*
 * troughs.c - find the troughs of one line below the continuum and integrate them (docs/algorithm.md §5).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

#define CONTINUUM 0.9      /* a trough is below this part of the continuum (Weymann et al. 1991) */
#define BELOW_SIGMA 0.5    /* and by so many errors */
#define AI_MIN_WIDTH 450.0 /* km/s (Trump et al. 2006) */
#define BI_MIN_WIDTH 2000.0
#define SIGNIFICANCE 3.0 /* of an AI trough's mean depth, in errors of the mean */
#define FIRST_WIDTH \
    0.0001 /* km/s: what the reference counts for a trough's first pixel, so that it is "in a trough" */

enum kind { AI, BI };

/* One search: pixels of a window, in units of the continuum. */
struct search {
    enum kind kind;
    double line;
    size_t n;
    const double *w;         /* rest wavelengths */
    const double *nf;        /* flux / continuum */
    const double *ns;        /* sigma / continuum */
    const unsigned char *in; /* 1 for pixels below the continuum */
    size_t kept;             /* troughs recorded */
    size_t found;            /* troughs found, more than are kept */
    size_t start[FASTBAL_MAX_AI], end[FASTBAL_MAX_AI];
};

static double velocity(double w, double line)
{
    return FB_LIGHT_SPEED * ((w - line) / line);
}

static size_t most_troughs(enum kind kind)
{
    return kind == AI ? FASTBAL_MAX_AI : FASTBAL_MAX_BI;
}

/* First pixel with a velocity of at least v, or n. */
static size_t first_velocity(const double *w, size_t n, double line, double v)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (velocity(w[middle], line) < v)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

int fb_window_find(struct fb_window *window, const double *w, size_t n, double line)
{
    window->line = line;
    window->lo = first_velocity(w, n, line, FB_V_BLUE);
    window->hi_bi = first_velocity(w, n, line, FB_V_BI);
    window->hi_ai = first_velocity(w, n, line, 0);
    return window->hi_ai > window->lo && window->hi_ai < n;
}

/* A pixel outside a trough is a spike, and does not end it, where the next pixel is in again; for AI the two
 * before it must be in as well. Near the start these two are the last pixels of the window, as in the
 * reference. */
static int is_spike(const struct search *s, size_t i)
{
    if (i + 2 >= s->n || !s->in[i + 1])
        return 0;
    return s->kind == BI || (s->in[i >= 1 ? i - 1 : s->n - 1] && s->in[i >= 2 ? i - 2 : s->n + i - 2]);
}

/* Is the mean of [start, end) below the limit by more than its error allows? */
static int is_significant(const struct search *s, size_t start, size_t end)
{
    double flux = 0, error = 0, n = (double)(end - start);
    for (size_t i = start; i < end; i++) {
        flux += s->nf[i];
        error += s->ns[i];
    }
    return 1 - (flux / n + SIGNIFICANCE * (error / n / sqrt(n))) / CONTINUUM > 0;
}

static void record(struct search *s, size_t start, size_t end)
{
    if (s->kept < most_troughs(s->kind)) {
        s->start[s->kept] = start;
        s->end[s->kept++] = end;
    }
    s->found++;
}

/* The first pixel from i on that is in, or n. */
static size_t next_in(const struct search *s, size_t i)
{
    const unsigned char *found = memchr(s->in + i, 1, s->n - i);
    return found ? (size_t)(found - s->in) : s->n;
}

/* Pixel by pixel; width is the running width of the trough, 0 outside. */
static void scan(struct search *s)
{
    double width = 0, minimum = s->kind == AI ? AI_MIN_WIDTH : BI_MIN_WIDTH;
    size_t start = 0;

    for (size_t i = next_in(s, 0); i < s->n; i = width == 0 ? next_in(s, i + 1) : i + 1) {
        double dv = i > 0 ? velocity(s->w[i], s->line) - velocity(s->w[i - 1], s->line) : 0;
        if (s->in[i]) {
            if (i == s->n - 1 && width + dv > minimum)
                record(s, start, i);
            if (width == 0) {
                start = i;
                width = FIRST_WIDTH;
            } else {
                width += dv;
            }
        } else if (is_spike(s, i)) {
            if (width != 0)
                width += dv;
        } else {
            if (width > minimum && (s->kind == BI || is_significant(s, start, i - 1)))
                record(s, start, i - 1);
            width = 0;
        }
    }
}

/* Mean |model - flux| over the C IV or Si IV window outside the troughs of an AI search: how far the
 * continuum is off. */
static double continuum_error(const struct fb_range *range, const struct fb_window *window,
                              const struct search *s)
{
    double sum = 0;
    size_t count = 0, i = window->lo;
    for (size_t k = 0; k <= s->kept; k++) {
        size_t stop = k < s->kept ? window->lo + s->start[k] : window->hi_ai;
        for (; i < stop; i++, count++)
            sum += fabs(range->model[i] - range->flux[i]);
        if (k < s->kept)
            i = window->lo + s->end[k] + 1;
    }
    return count > 0 ? sum / (double)count : 0;
}

/* Add the part of trough k beyond the minimum width to the index and its variance.
 * DEVIATION finite-errors: the reference adds the endless errors of pixels with ivar = 0. */
static void integrate(const struct search *s, size_t k, double minimum, const double *sigma,
                      const double *model, double off, double *index, double *variance)
{
    double width = 0, value = 0, error = 0;
    for (size_t i = s->start[k]; i + 1 < s->end[k]; i++) {
        double dv = velocity(s->w[i + 1], s->line) - velocity(s->w[i], s->line);
        width += dv;
        if (width < minimum)
            continue;
        double noise = sigma[i] == FB_NO_ERROR ? 0 : s->ns[i] * s->ns[i];
        double systematic = off / model[i];
        value += dv * (1 - s->nf[i + 1] / CONTINUUM);
        error += dv * (noise + systematic * systematic) / (CONTINUUM * CONTINUUM);
    }
    if (value >= 0) {
        *index += value;
        *variance += error;
    }
}

static void describe(const struct search *s, size_t k, struct fastbal_troughs *out)
{
    size_t deepest = s->start[k];
    for (size_t i = s->start[k]; i < s->end[k]; i++)
        if (s->nf[i] < s->nf[deepest])
            deepest = i;
    out->vmax[k] = -velocity(s->w[s->start[k]], s->line);
    out->vmin[k] = -velocity(s->w[s->end[k]], s->line);
    out->posmin[k] = -velocity(s->w[deepest], s->line);
    out->fmin[k] = s->nf[deepest];
}

static void clear_troughs(struct fastbal_troughs *t)
{
    memset(t, 0, sizeof *t);
    for (int k = 0; k < FASTBAL_MAX_AI; k++)
        t->vmin[k] = t->vmax[k] = t->posmin[k] = t->fmin[k] = -1;
}

void fb_line_clear(struct fastbal_line *line)
{
    clear_troughs(&line->ai);
    clear_troughs(&line->bi);
}

/* Templates that are zero, or immense, somewhere make continua that nothing can be divided by. */
static int is_finite(const struct fastbal_troughs *t, size_t n)
{
    int finite = isfinite(t->index) && isfinite(t->error);
    for (size_t k = 0; k < n; k++)
        finite = finite && isfinite(t->fmin[k]);
    return finite;
}

static void summarise(const struct search *s, const double *sigma, const double *model, double off,
                      struct fastbal_troughs *out)
{
    double variance = 0, minimum = s->kind == AI ? AI_MIN_WIDTH : BI_MIN_WIDTH;

    clear_troughs(out);
    for (size_t k = 0; k < s->kept; k++) {
        integrate(s, k, minimum, sigma, model, off, &out->index, &variance);
        describe(s, k, out);
    }
    out->error = sqrt(variance);
    if (out->index == 0 || !is_finite(out, s->kept)) {
        clear_troughs(out);
        return;
    }
    out->count = (int)s->kept;
}

/* Flux and error in units of the continuum, and which pixels are below it. */
FB_KERNEL
static void normalise(size_t n, const double *flux, const double *sigma, const double *model, double *nf,
                      double *ns, unsigned char *in)
{
    for (size_t i = 0; i < n; i++) {
        nf[i] = flux[i] / model[i];
        ns[i] = sigma[i] / model[i];
    }
    for (size_t i = 0; i < n; i++)
        in[i] = (1 - nf[i] / CONTINUUM) - BELOW_SIGMA * ns[i] > 0;
}

/* Is there enough signal in the first n pixels for a search? */
static int enough_signal(const double *flux, const double *sigma, const struct search *s, double *scratch)
{
    return fb_median_exceeds(flux, sigma, s->n, scratch) && !fb_median_exceeds(s->ns, s->nf, s->n, scratch);
}

uint32_t fb_line_measure(const struct fb_range *range, const struct fb_window *window,
                         struct fastbal_line *out)
{
    size_t lo = window->lo, n = window->hi_ai - lo;
    const double *flux = range->flux + lo, *sigma = range->sigma + lo, *model = range->model + lo;
    double *nf = range->scratch, *ns = nf + n, *spare = ns + n;
    unsigned char *in = (unsigned char *)(spare + n);
    struct search ai = {
        .kind = AI, .line = window->line, .n = n, .w = range->w + lo, .nf = nf, .ns = ns, .in = in
    };
    struct search bi = ai;
    uint32_t status = 0;

    normalise(n, flux, sigma, model, nf, ns, in);
    bi.kind = BI;
    bi.n = window->hi_bi - lo;
    if (enough_signal(flux, sigma, &ai, spare))
        scan(&ai);
    else
        status |= FASTBAL_LOW_SIGNAL;
    if (bi.n > 0 && enough_signal(flux, sigma, &bi, spare))
        scan(&bi);
    double off = ai.kept > 0 || bi.kept > 0 ? continuum_error(range, window, &ai) : 0;
    summarise(&ai, sigma, model, off, &out->ai);
    summarise(&bi, sigma, model, off, &out->bi);
    if (ai.found > ai.kept || bi.found > bi.kept)
        status |= FASTBAL_MORE_TROUGHS;
    return status;
}
