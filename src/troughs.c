/*
 * troughs.c - find the troughs of one line below the continuum and integrate them (docs/algorithm.md §5).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "fastbal.h"
#include "kernels.h"

#define BELOW_SIGMA 0.5  /* standard errors by which a pixel of a trough is below FB_CONTINUUM */
#define SIGNIFICANCE 3.0 /* of an AI trough's mean depth, in standard errors of the mean */
#define FIRST_WIDTH \
    0.0001 /* km/s: the width that the reference gives a trough's first pixel, so that it is not 0 */

enum kind { AI, BI };

/* The state of one search over the pixels of a window. */
struct search {
    enum kind kind;
    const struct fb_rules *rules;
    struct fb_pixels_in p;
    const unsigned char *in; /* 1 for pixels significantly below FB_CONTINUUM: these are "in" */
    size_t found;            /* number of troughs found; only the first kept() are kept */
    size_t start[FB_MOST_FOUND], end[FB_MOST_FOUND];
};

static double velocity(double w, double line)
{
    return FASTBAL_LIGHT_SPEED * ((w - line) / line);
}

/* Is a pixel with this sigma ignored? */
static inline int is_masked(const struct fb_rules *rules, double sigma)
{
    return sigma == FB_NO_ERROR && rules->bridged > 0;
}

static double minimum_width(const struct search *s)
{
    return s->kind == AI ? FB_AI_WIDTH : FB_BI_WIDTH;
}

static size_t kept(const struct search *s)
{
    size_t most = s->kind == AI ? FASTBAL_MAX_AI : FASTBAL_MAX_BI;
    return s->found < most ? s->found : most;
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
    return window->hi_ai > window->lo;
}

/* A pixel that is not in is a spike, which does not end a trough, if the next pixel is in again. For AI the
 * two pixels before it must be in as well. */
static int is_spike(const struct search *s, size_t i)
{
    if (i + 1 + s->rules->left_out >= s->p.n || !s->in[i + 1])
        return 0;
    if (s->kind == BI)
        return 1;
    if (i < 2 && !s->rules->wraps)
        return 0;
    return s->in[i >= 1 ? i - 1 : s->p.n - 1] && s->in[i >= 2 ? i - 2 : s->p.n + i - 2];
}

/* Is the mean of an AI trough that ends before pixel `after` significantly below FB_CONTINUUM? BI troughs
 * always pass. */
static int is_significant(const struct search *s, size_t start, size_t after)
{
    size_t end = after - s->rules->left_out;
    double flux = 0, error = 0, n = (double)(end - start);
    if (s->kind == BI)
        return 1;
    for (size_t i = start; i < end; i++) {
        if (is_masked(s->rules, s->p.sigma[i])) {
            n--;
            continue;
        }
        flux += s->p.nf[i];
        error += s->p.ns[i];
    }
    return 1 - (flux / n + SIGNIFICANCE * (error / n / sqrt(n))) / FB_CONTINUUM > 0;
}

static void record(struct search *s, size_t start, size_t end)
{
    if (s->found == FB_MOST_FOUND)
        return;
    s->start[s->found] = start;
    s->end[s->found++] = end;
}

/* The first pixel from i on that is "in", or n. */
static size_t next_in(const struct search *s, size_t i)
{
    const unsigned char *found = memchr(s->in + i, 1, s->p.n - i);
    return found ? (size_t)(found - s->in) : s->p.n;
}

/* Search pixel by pixel. width is the current width of the trough, 0 outside troughs. */
static void scan(struct search *s)
{
    double width = 0, minimum = minimum_width(s);
    size_t start = 0;

    for (size_t i = next_in(s, 0); i < s->p.n; i = width == 0 ? next_in(s, i + 1) : i + 1) {
        double dv = i > 0 ? velocity(s->p.w[i], s->p.line) - velocity(s->p.w[i - 1], s->p.line) : 0;
        if (s->in[i]) {
            if (i == s->p.n - 1 && width + dv > minimum && (width > 0 || s->rules->reopens))
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
            if (width > minimum && is_significant(s, start, i))
                record(s, start, i - 1);
            width = 0;
        }
    }
}

/* The error of the continuum: the mean |model - flux| over the window, outside the troughs of an AI
 * search. */
static double continuum_error(const struct fb_range *range, const struct fb_window *window,
                              const struct search *s)
{
    double sum = 0;
    size_t count = 0, i = window->lo, n = s->rules->one_difference ? s->found : kept(s);
    for (size_t k = 0; k <= n; k++) {
        size_t stop = k < n ? window->lo + s->start[k] : window->hi_ai;
        for (; i < stop; i++) {
            if (is_masked(s->rules, range->sigma[i]))
                continue;
            sum += fabs(range->model[i] - range->flux[i]);
            count++;
        }
        if (k < n)
            i = window->lo + s->end[k] + 1;
    }
    return count > 0 ? sum / (double)count : 0;
}

/* The variance of the normalised flux of pixel i, from noise and continuum. DEVIATION finite-errors: the
 * reference includes the infinite errors of pixels with ivar = 0, or whose continuum is 0. Here they are left
 * out. */
static double pixel_variance(const struct search *s, size_t i)
{
    const struct fb_pixels_in *p = &s->p;
    if (p->model[i] == 0 && s->rules->needs_continuum)
        return 0;
    double noise = p->sigma[i] == FB_NO_ERROR ? 0 : p->ns[i] * p->ns[i];
    double systematic = p->off / p->model[i];
    return noise + systematic * systematic;
}

/* Add the part of trough k beyond the minimum width to the index and its variance. */
static void integrate(const struct search *s, size_t k, double *index, double *variance)
{
    double width = 0, value = 0, error = 0, minimum = minimum_width(s);
    for (size_t i = s->start[k]; i + s->rules->left_out < s->end[k]; i++) {
        double dv = velocity(s->p.w[i + 1], s->p.line) - velocity(s->p.w[i], s->p.line);
        double reached = s->rules->step_first ? width + dv : width;
        width += dv;
        if (reached < minimum)
            continue;
        value += dv * (1 - s->p.nf[i + 1] / FB_CONTINUUM);
        error += dv * pixel_variance(s, i) / (FB_CONTINUUM * FB_CONTINUUM);
    }
    if (s->rules->drops_empty ? value >= 0 : value > 0) {
        *index += value;
        *variance += error;
    }
}

static void describe(const struct search *s, size_t k, struct fastbal_troughs *out)
{
    size_t deepest = s->start[k];
    for (size_t i = s->start[k]; i + s->rules->left_out <= s->end[k]; i++)
        if (s->p.nf[i] < s->p.nf[deepest])
            deepest = i;
    out->vmax[k] = -velocity(s->p.w[s->start[k]], s->p.line);
    out->vmin[k] = -velocity(s->p.w[s->end[k]], s->p.line);
    out->posmin[k] = -velocity(s->p.w[deepest], s->p.line);
    out->fmin[k] = s->p.nf[deepest];
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

/* Are the results finite? Templates that are zero or huge somewhere give continua that can't be divided
 * by. */
static int is_finite(const struct fastbal_troughs *t, size_t n)
{
    int finite = isfinite(t->index) && isfinite(t->error);
    for (size_t k = 0; k < n; k++)
        finite = finite && isfinite(t->fmin[k]);
    return finite;
}

static void summarise(const struct search *s, struct fastbal_troughs *out)
{
    double variance = 0;

    clear_troughs(out);
    for (size_t k = 0; k < kept(s); k++) {
        integrate(s, k, &out->index, &variance);
        describe(s, k, out);
    }
    out->error = sqrt(variance);
    if ((out->index == 0 && s->rules->drops_empty) || !is_finite(out, kept(s))) {
        clear_troughs(out);
        return;
    }
    out->count = (int)kept(s);
}

/* Compute flux and error in units of the continuum, and which pixels are "in". */
static void normalise(size_t n, const double *flux, const double *sigma, const double *model, double *nf,
                      double *ns, unsigned char *in)
{
    for (size_t i = 0; i < n; i++) {
        nf[i] = flux[i] / model[i];
        ns[i] = sigma[i] / model[i];
    }
    for (size_t i = 0; i < n; i++)
        in[i] = (1 - nf[i] / FB_CONTINUUM) - BELOW_SIGMA * ns[i] > 0;
}

/* Returns 0 if the continuum is negative anywhere. Pixels where it is 0 are made "not in". */
static int check_continuum(size_t n, const double *model, double *nf, double *ns, unsigned char *in)
{
    if (fb_count_positive(model, n) == n)
        return 1;
    for (size_t i = 0; i < n; i++) {
        if (model[i] < 0)
            return 0;
        if (model[i] != 0)
            continue;
        nf[i] = 1;
        ns[i] = INFINITY;
        in[i] = 0;
    }
    return 1;
}

/* Bridge runs of up to rules->bridged masked pixels: a run is "in" if the pixels on both sides are, and its
 * flux is interpolated linearly between them. */
static void bridge(const struct fb_rules *rules, const double *sigma, size_t n, double *nf, unsigned char *in)
{
    for (size_t begin = 0, end; begin < n; begin = end + 1) {
        for (end = begin; end < n && is_masked(rules, sigma[end]); end++)
            ;
        if (end == begin || end - begin > rules->bridged || begin == 0 || end == n || !in[begin - 1] ||
            !in[end])
            continue;
        double step = (nf[end] - nf[begin - 1]) / (double)(end - begin + 1);
        for (size_t i = begin; i < end; i++) {
            nf[i] = nf[i - 1] + step;
            in[i] = 1;
        }
    }
}

/* Measure the quantities of whole troughs, and BI from 0 km/s if the line was searched. */
static void measure_whole(const struct search *ai, int searched, struct fastbal_troughs *out,
                          struct fastbal_absorption *absorption)
{
    struct fb_whole all = { 0 };
    struct fastbal_troughs from_zero;

    for (size_t k = 0; k < (size_t)out->count; k++) {
        struct fb_whole one = { 0 };
        size_t last =
            ai->end[k] - (ai->rules->left_out < ai->end[k] - ai->start[k] ? ai->rules->left_out : 0);
        fb_whole_add(&one, &ai->p, ai->start[k], last);
        fb_whole_add(&all, &ai->p, ai->start[k], last);
        fb_whole_ew(&one, &out->ew[k], &out->ew_error[k]);
        fb_whole_depth(&one, &out->depth[k], &out->depth_error[k]);
    }
    if (!absorption)
        return;
    fb_absorption_clear(absorption);
    fb_whole_ai(&all, &absorption->ai_total, &absorption->ai_total_error);
    fb_whole_ew(&all, &absorption->ew, &absorption->ew_error);
    fb_whole_depth(&all, &absorption->depth, &absorption->depth_error);
    if (!searched)
        return;
    struct search bi = *ai;
    bi.kind = BI;
    bi.found = 0;
    scan(&bi);
    summarise(&bi, &from_zero);
    absorption->bi0 = from_zero.index;
    absorption->bi0_error = from_zero.error;
}

/* Is the signal high enough for a search? */
static int enough_signal(const double *flux, const double *sigma, const struct search *s, double *scratch)
{
    return s->p.n > 0 && (!s->rules->needs_signal || fb_median_exceeds(flux, sigma, s->p.n, scratch)) &&
           !fb_median_exceeds(s->p.ns, s->p.nf, s->p.n, scratch);
}

/* D for the troughs of a line: of the line itself, 0 if it has no troughs; or, with one_difference, of C
 * IV. */
static double line_difference(const struct fb_range *range, const struct fb_window *window,
                              const struct search *ai, int any, double *of_civ)
{
    if (!ai->rules->one_difference)
        return any ? continuum_error(range, window, ai) : 0;
    if (window->line == FB_CIV)
        *of_civ = continuum_error(range, window, ai);
    return *of_civ;
}

uint32_t fb_line_measure(const struct fb_range *range, const struct fb_window *window,
                         const struct fb_rules *rules, double *difference, struct fastbal_line *out,
                         struct fastbal_absorption *absorption)
{
    size_t lo = window->lo, n = window->hi_ai - lo;
    const double *flux = range->flux + lo, *sigma = range->sigma + lo, *model = range->model + lo;
    double *nf = range->scratch, *ns = nf + n, *spare = ns + n;
    unsigned char *in = (unsigned char *)(spare + n);
    struct search ai = { .kind = AI,
                         .rules = rules,
                         .p = { .n = n,
                                .line = window->line,
                                .w = range->w + lo,
                                .nf = nf,
                                .ns = ns,
                                .sigma = sigma,
                                .model = model },
                         .in = in };
    struct search bi = ai;
    uint32_t status = 0;

    normalise(n, flux, sigma, model, nf, ns, in);
    if (rules->needs_continuum && !check_continuum(n, model, nf, ns, in)) {
        fb_line_clear(out);
        if (absorption)
            fb_absorption_clear(absorption);
        return FASTBAL_NEGATIVE_MODEL;
    }
    if (rules->bridged > 0)
        bridge(rules, sigma, n, nf, in);
    bi.kind = BI;
    bi.p.n = window->hi_bi - lo;
    int searched = enough_signal(flux, sigma, &ai, spare);
    if (searched)
        scan(&ai);
    else
        status |= FASTBAL_LOW_SIGNAL;
    if (enough_signal(flux, sigma, &bi, spare))
        scan(&bi);
    int any = ai.found > 0 || bi.found > 0;
    double off = line_difference(range, window, &ai, any, difference);
    if (any && rules->one_difference && isnan(off))
        return FASTBAL_NO_DIFFERENCE;
    ai.p.off = bi.p.off = off;
    summarise(&ai, &out->ai);
    summarise(&bi, &out->bi);
    measure_whole(&ai, searched, &out->ai, absorption);
    if (ai.found > kept(&ai) || bi.found > kept(&bi))
        status |= FASTBAL_MORE_TROUGHS;
    return status;
}
