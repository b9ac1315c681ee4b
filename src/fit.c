/*
 * fit.c - the continuum fit (docs/algorithm.md §4): weighted linear least squares in a few unknowns.
 *
 * The templates are linear between their wavelengths, the nodes: with the weights u = 1 - fraction and v =
 * fraction of the node before and after a pixel, T_k = u y_k[j] + v y_k[j+1]. So the normal equations sum_i
 * w_i T_k T_l over pixels are also sums over nodes, y_k' H y_l, where the tridiagonal matrix H collects w u
 * u, w u v and w v v from the pixels, whatever the number of templates. No template is ever interpolated to
 * pixels; the model is, once.
 *
 * DEVIATION exact-fit: the reference looks for this minimum with a simplex search, which stops early on
 * bright quasars; here only fb_fit_simplex() does. solve.c solves the normal equations.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

/* Sums run in LANES partial sums, so that additions need not wait for each other; with FOUR dot products at a
 * time each has a quarter of them. BLOCK nodes of all templates stay in the nearest cache. Corrections of a
 * fit are made in one go where less than GAP pixels are between them. */
enum { MAX = FASTBAL_MAX_TEMPLATES, LANES = 32, FOUR = 4, BLOCK = 256, GAP = 64 };

/* The sum of the lanes, halves onto halves. */
static inline double add_lanes(double *lane)
{
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

/* Below this part of sum w f f, too few digits of the sum of squares are left. */
#define CANCELLED 1e-6

/* sum w f f */
FB_KERNEL
static double square_sum(const double *weight, const double *flux, size_t n)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += weight[i + l] * flux[i + l] * flux[i + l];
    for (; i < n; i++)
        sum += weight[i] * flux[i] * flux[i];
    return sum + add_lanes(lane);
}

/* Four dot products a . b[k] with the same vector. The compiler can't be trusted with these loops unless it is
 * told what a vector is; lanes are the same for every instruction set. */
FB_KERNEL
static void four_dots(const double *a, const double *const *b, size_t n, double *sum)
{
    enum { EACH = LANES / FOUR };
    typedef double vector __attribute__((vector_size(EACH * sizeof(double)), aligned(sizeof(double))));
    const double *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
    vector lane[FOUR] = { 0 };
    size_t i = 0;
    for (; i + EACH <= n; i += EACH) {
        vector x = *(const vector *)(a + i);
        lane[0] += x * *(const vector *)(b0 + i);
        lane[1] += x * *(const vector *)(b1 + i);
        lane[2] += x * *(const vector *)(b2 + i);
        lane[3] += x * *(const vector *)(b3 + i);
    }
    for (int k = 0; k < FOUR; k++) {
        double rest = 0;
        for (size_t j = i; j < n; j++)
            rest += a[j] * b[k][j];
        for (size_t half = EACH / 2; half > 0; half /= 2)
            for (size_t l = 0; l < half; l++)
                lane[k][l] += lane[k][l + half];
        sum[k] = rest + lane[k][0];
    }
}

/* The nodes that pixels [begin, end) touch: the first, and how many; at least two. */
static size_t touched_nodes(const struct fb_design *d, size_t begin, size_t end, size_t *count)
{
    size_t first = d->segment[begin];
    *count = d->segment[end - 1] + 2 - first;
    return first;
}

/* What pixels add to nodes: the diagonal of H, w u u and w v v; between a node and the next, w u v; and the
 * right-hand side, w f u and w f v. */
struct node_sums {
    double *diagonal, *beside, *rhs;
};

static inline void add_pixel(const struct fb_design *d, size_t i, const double *weight, size_t first,
                             const struct node_sums *s)
{
    size_t j = d->segment[i] - first;
    double v = d->fraction[i], u = 1 - v, wu = weight[i] * u, wv = weight[i] * v, f = d->flux[i];
    s->diagonal[j] += wu * u;
    s->beside[j] += wu * v;
    s->rhs[j] += wu * f;
    s->diagonal[j + 1] += wv * v;
    s->rhs[j + 1] += wv * f;
}

/* Pixels [begin, end), four parts in turns: neighbouring pixels add to the same node and wait for each
 * other. */
static void collect_nodes(const struct fb_design *d, const double *weight, size_t begin, size_t end,
                          size_t first, size_t count, const struct node_sums *s)
{
    size_t part = (end - begin) / 4, i = begin;
    memset(s->diagonal, 0, count * sizeof *s->diagonal);
    memset(s->beside - 1, 0, (count + 1) * sizeof *s->beside);
    memset(s->rhs, 0, count * sizeof *s->rhs);
    for (; i < begin + part; i++) {
        add_pixel(d, i, weight, first, s);
        add_pixel(d, i + part, weight, first, s);
        add_pixel(d, i + 2 * part, weight, first, s);
        add_pixel(d, i + 3 * part, weight, first, s);
    }
    for (i = begin + 4 * part; i < end; i++)
        add_pixel(d, i, weight, first, s);
}

/* (H y)[j] for nodes j of a block; beside and y reach one node further on both sides. */
FB_KERNEL
static void times_h(const double *restrict diagonal, const double *restrict beside, const double *restrict y,
                    size_t n, double *restrict product)
{
    const double *before = beside - 1, *y_before = y - 1;
    for (size_t j = 0; j < n; j++)
        product[j] = before[j] * y_before[j] + diagonal[j] * y[j] + beside[j] * y[j + 1];
}

/* Add the products of a vector with templates [from, nt) at nodes from `first` on to sum[from ...]. */
static void add_dots(const fastbal_templates *t, const double *vector, size_t first, size_t n, int from,
                     double *sum)
{
    int nt = fastbal_templates_count(t);
    const double *y[FOUR];
    double dots[FOUR];
    for (int k = from; k < nt; k += FOUR) {
        for (int m = 0; m < FOUR; m++)
            y[m] = fb_templates_values(t, k + m < nt ? k + m : nt - 1) + first;
        four_dots(vector, y, n, dots);
        for (int m = 0; m < FOUR && k + m < nt; m++)
            sum[k + m] += dots[m];
    }
}

/* Add pixels [begin, end) with these weights to the equations. */
static void add_to_equations(const struct fb_design *d, const double *weight, size_t begin, size_t end,
                             struct fb_equations *e)
{
    int nt = fastbal_templates_count(d->templates);
    size_t count, first = touched_nodes(d, begin, end, &count),
                  room = fastbal_templates_size(d->templates) + 2;
    struct node_sums sums = { d->nodes, d->nodes + room + 1, d->nodes + 2 * room };
    double product[BLOCK];

    collect_nodes(d, weight, begin, end, first, count, &sums);
    for (size_t at = 0; at < count; at += BLOCK) {
        size_t n = count - at < BLOCK ? count - at : BLOCK;
        add_dots(d->templates, sums.rhs + at, first + at, n, 0, e->rhs);
        for (int j = 0; j < nt; j++) {
            times_h(sums.diagonal + at, sums.beside + at, fb_templates_values(d->templates, j) + first + at,
                    n, product);
            add_dots(d->templates, product, first + at, n, j, e->matrix + j * nt);
        }
    }
    e->total += square_sum(weight + begin, d->flux + begin, end - begin);
}

/* Can the equations of the fit before be corrected? Not where most of their weight goes: little but rounding
 * would be left. */
static int can_correct(const struct fb_design *d)
{
    double left = 0, gone = 0;
    for (size_t i = 0; d->weight_before && i < d->n; i++) {
        left += d->weight[i];
        gone += fabs(d->weight[i] - d->weight_before[i]);
    }
    return gone < 100 * left;
}

/* Add the pixels whose weight differs from that of the fit before, with the difference. */
static void correct_equations(const struct fb_design *d, double *difference, struct fb_equations *e)
{
    size_t begin = 0, end = 0; /* pixels not added yet */
    for (size_t i = 0; i < d->n; i++) {
        difference[i] = d->weight[i] - d->weight_before[i];
        if (difference[i] == 0)
            continue;
        if (end > begin && i >= end + GAP) {
            add_to_equations(d, difference, begin, end, e);
            begin = end;
        }
        if (begin == end)
            begin = i;
        end = i + 1;
    }
    if (end > begin)
        add_to_equations(d, difference, begin, end, e);
}

/* The normal equations of a fit: the lower triangle of the matrix (column-major, leading dimension nt), the
 * right-hand side, and sum w f f. */
static void make_equations(const struct fb_design *d)
{
    struct fb_equations *e = d->equations;
    size_t nt = (size_t)fastbal_templates_count(d->templates);
    if (can_correct(d)) {
        correct_equations(d, d->spare, e);
        return;
    }
    memset(e->matrix, 0, nt * nt * sizeof *e->matrix);
    memset(e->rhs, 0, nt * sizeof *e->rhs);
    e->total = 0;
    add_to_equations(d, d->weight, 0, d->n, e);
}

int fb_fit(const struct fb_design *design, double *coeffs, double *least)
{
    const struct fb_equations *e = design->equations;
    int nt = fastbal_templates_count(design->templates);

    make_equations(design);
    int outcome = fb_solve(nt, e->matrix, e->rhs, coeffs);
    if (outcome == FB_FIT_FAILED)
        return outcome;
    *least = e->total;
    for (int i = 0; i < nt; i++)
        *least -= coeffs[i] * e->rhs[i];
    if (!(*least > CANCELLED * e->total))
        *least = NAN;
    return outcome;
}

/* A minimum, and the matrix of the equations that it solves. */
struct bowl {
    int nt;
    const double *matrix, *bottom;
};

/* How far the sum of squares is above its minimum: (a - a0)' M (a - a0). The differences that the search looks
 * at come out with more digits than from sums over pixels, for a hundredth of the work. */
static double height(const double *a, const void *context)
{
    const struct bowl *bowl = context;
    double x[MAX], sum = 0;
    for (int j = 0; j < bowl->nt; j++)
        x[j] = a[j] - bowl->bottom[j];
    for (int j = 0; j < bowl->nt; j++) {
        const double *column = bowl->matrix + j * bowl->nt;
        double below = 0;
        for (int i = j + 1; i < bowl->nt; i++)
            below += column[i] * x[i];
        sum += x[j] * (column[j] * x[j] + 2 * below);
    }
    return sum;
}

void fb_fit_simplex(const struct fb_design *design, double *coeffs, double *least)
{
    int nt = fastbal_templates_count(design->templates);
    double bottom[MAX], above;
    struct bowl bowl = { nt, design->equations->matrix, bottom };
    for (int i = 0; i < nt; i++) {
        bottom[i] = coeffs[i];
        coeffs[i] = 1;
    }
    fb_simplex(height, &bowl, nt, coeffs, &above);
    *least += above;
}

FB_KERNEL
static void add_scaled(double a, const double *x, size_t n, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += a * x[i];
}

void fb_model(const struct fb_design *d, const double *coeffs, size_t begin, size_t end, double *model)
{
    size_t count, first;
    double *combined = d->nodes + 3 * (fastbal_templates_size(d->templates) + 2);

    if (begin == end)
        return;
    first = touched_nodes(d, begin, end, &count);
    memset(combined, 0, count * sizeof *combined);
    for (int k = 0; k < fastbal_templates_count(d->templates); k++)
        add_scaled(coeffs[k], fb_templates_values(d->templates, k) + first, count, combined);
    for (size_t i = begin; i < end; i++) {
        const double *c = combined + (d->segment[i] - first);
        model[i] = c[0] + d->fraction[i] * (c[1] - c[0]);
    }
}

FB_KERNEL
double fb_chi2(const struct fb_design *d, const double *model)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + LANES <= d->n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double r = model[i + l] - d->flux[i + l];
            lane[l] += r * r * d->weight[i + l];
        }
    }
    for (; i < d->n; i++) {
        double r = model[i] - d->flux[i];
        sum += r * r * d->weight[i];
    }
    return sum + add_lanes(lane);
}
