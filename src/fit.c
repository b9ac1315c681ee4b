/*
 * fit.c - the continuum fit (docs/algorithm.md §4): weighted linear least squares in a few unknowns.
 *
 * The templates are linear between their wavelengths, the nodes: with the weights u = 1 - fraction and v =
 * fraction of the node before and after a pixel, T_k = u y_k[j] + v y_k[j+1]. So the normal equations sum_i
 * w_i T_k T_l over pixels are also sums over nodes, y_k' H y_l. The tridiagonal matrix H sums w u u, w u v
 * and w v v over the pixels and does not depend on the templates. Templates are never interpolated to pixels;
 * only the model is, once.
 *
 * DEVIATION exact-fit: the reference searches for this minimum with a simplex, which stops early on bright
 * quasars. Here only fb_fit_simplex() does; fb_fit() solves the normal equations with solve.c.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "kernels.h"

/* Sums use LANES partial sums, so that additions need not wait for each other. Dot products use EACH partial
 * sums, since several are computed at a time. BLOCK nodes of all templates fit into the L1 cache. Pixels with
 * changed weights that are less than GAP apart are corrected together. */
enum { MAX = FASTBAL_MAX_TEMPLATES, LANES = 32, EACH = 8, BLOCK = FB_BLOCK, GAP = 64 };

/* The dot products of ROWS vectors with COLUMNS others are computed together. They need eight registers for
 * sums, which keep the adders busy, and six for the factors. */
enum { ROWS = FB_ROWS, COLUMNS = 4 };

static inline fb_vector load(const double *x)
{
    return *(const fb_vector *)x;
}

static inline void store(double *x, fb_vector v)
{
    *(fb_vector *)x = v;
}

/* Two doubles, in one register on every rung. */
typedef double fb_pair __attribute__((vector_size(2 * sizeof(double)), aligned(sizeof(double))));

static inline fb_pair load_pair(const double *x)
{
    return *(const fb_pair *)x;
}

/* If the minimum is below this fraction of sum w f f, cancellation has left too few digits. */
#define CANCELLED 1e-6

/* sum w f f */
static double square_sum(const double *weight, const double *flux, size_t n)
{
    double lane[LANES], sum = 0;
    size_t whole = n - n % LANES;
    for (size_t l = 0; l < LANES; l += 4 * FB_WIDTH) {
        fb_vector s0 = { 0 }, s1 = s0, s2 = s0, s3 = s0;
        for (size_t i = l; i < whole; i += LANES) {
            const double *w = weight + i, *f = flux + i;
            s0 += load(w) * load(f) * load(f);
            s1 += load(w + FB_WIDTH) * load(f + FB_WIDTH) * load(f + FB_WIDTH);
            s2 += load(w + 2 * FB_WIDTH) * load(f + 2 * FB_WIDTH) * load(f + 2 * FB_WIDTH);
            s3 += load(w + 3 * FB_WIDTH) * load(f + 3 * FB_WIDTH) * load(f + 3 * FB_WIDTH);
        }
        store(lane + l, s0);
        store(lane + l + FB_WIDTH, s1);
        store(lane + l + 2 * FB_WIDTH, s2);
        store(lane + l + 3 * FB_WIDTH, s3);
    }
    for (size_t i = whole; i < n; i++)
        sum += weight[i] * flux[i] * flux[i];
    return sum + fb_add_lanes(lane, LANES);
}

/* Compute as many lanes of the dot products as a vector holds, over n pixels of EACH lanes. Lanes of
 * different products are EACH apart. It is not inlined, because its pointers would then be reloaded from the
 * stack for every pixel. */
static __attribute__((noinline)) void dot_lanes(const double *const row[ROWS],
                                                const double *const column[COLUMNS], size_t n, double *lane)
{
    const double *a0 = row[0], *a1 = row[1], *b0 = column[0], *b1 = column[1], *b2 = column[2],
                 *b3 = column[3];
    fb_vector s00 = { 0 }, s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
    for (size_t i = 0; i < n; i += EACH) {
        fb_vector x0 = load(a0 + i), x1 = load(a1 + i), y = load(b0 + i);
        s00 += x0 * y;
        s10 += x1 * y;
        y = load(b1 + i);
        s01 += x0 * y;
        s11 += x1 * y;
        y = load(b2 + i);
        s02 += x0 * y;
        s12 += x1 * y;
        y = load(b3 + i);
        s03 += x0 * y;
        s13 += x1 * y;
    }
    store(lane, s00);
    store(lane + EACH, s01);
    store(lane + 2 * EACH, s02);
    store(lane + 3 * EACH, s03);
    store(lane + 4 * EACH, s10);
    store(lane + 5 * EACH, s11);
    store(lane + 6 * EACH, s12);
    store(lane + 7 * EACH, s13);
}

/* Add EACH lanes pairwise. */
static inline double add_each(const double *l)
{
    fb_pair sum = (load_pair(l) + load_pair(l + 4)) + (load_pair(l + 2) + load_pair(l + 6));
    return sum[0] + sum[1];
}

/* The dot products of ROWS vectors with COLUMNS others. */
static void dot_products(const double *const row[ROWS], const double *const column[COLUMNS], size_t n,
                         double sum[ROWS][COLUMNS])
{
    double lanes[ROWS][COLUMNS][EACH], rest[ROWS][COLUMNS] = { { 0 } };
    size_t whole = n - n % EACH;
    for (size_t l = 0; l < EACH; l += FB_WIDTH) {
        const double *const a[ROWS] = { row[0] + l, row[1] + l };
        const double *const b[COLUMNS] = { column[0] + l, column[1] + l, column[2] + l, column[3] + l };
        dot_lanes(a, b, whole, &lanes[0][0][l]);
    }
    for (size_t i = whole; i < n; i++)
        for (int j = 0; j < ROWS; j++)
            for (int k = 0; k < COLUMNS; k++)
                rest[j][k] += row[j][i] * column[k][i];
    for (int j = 0; j < ROWS; j++)
        for (int k = 0; k < COLUMNS; k++)
            sum[j][k] = rest[j][k] + add_each(lanes[j][k]);
}

/* The first node that pixels [begin, end) touch; *count is the number of nodes, at least two. */
static size_t touched_nodes(const struct fb_design *d, size_t begin, size_t end, size_t *count)
{
    size_t first = d->segment[begin];
    *count = d->segment[end - 1] + 2 - first;
    return first;
}

/* The sums of a node: w u u and w v v for the diagonal of H, w f u and w f v for the right-hand side. */
enum { DIAGONAL, RHS };

/* Add pixels [begin, end) to their nodes, and w u v, the elements of H between a node and the next, to
 * `beside`. Arrays begin at node `first`. The sums of the current segment are kept in registers. */
static void add_pixels(const struct fb_design *d, const double *weight, size_t begin, size_t end,
                       size_t first, fb_pair *node, double *beside)
{
    if (begin == end)
        return;
    size_t j = d->segment[begin] - first;
    fb_pair before = node[j], after = node[j + 1];
    double between = beside[j];
    for (size_t i = begin; i < end; i++) {
        size_t next = d->segment[i] - first;
        if (next != j) {
            node[j] = before;
            node[j + 1] = after;
            beside[j] = between;
            before = next == j + 1 ? after : node[next];
            after = node[next + 1];
            between = beside[next];
            j = next;
        }
        double w = weight[i], f = d->flux[i], v = d->fraction[i], u = 1 - v, wu = w * u, wv = w * v;
        before += wu * (fb_pair){ u, f };
        after += wv * (fb_pair){ v, f };
        between += wu * v;
    }
    node[j] = before;
    node[j + 1] = after;
    beside[j] = between;
}

/* Add pixels [begin, end) in quarters, from the last quarter to the first, and then the remaining pixels.
 * Another order would change the last bits of results. */
static void collect_nodes(const struct fb_design *d, const double *weight, size_t begin, size_t end,
                          size_t first, size_t count, fb_pair *node, double *beside)
{
    size_t part = (end - begin) / 4;
    memset(node, 0, count * sizeof *node);
    memset(beside - 1, 0, (count + 1) * sizeof *beside);
    for (size_t k = 4; k-- > 0;)
        add_pixels(d, weight, begin + k * part, begin + (k + 1) * part, first, node, beside);
    add_pixels(d, weight, begin + 4 * part, end, first, node, beside);
}

/* A copy of a block of nodes, aligned for vectors, because loads that cross cache lines take twice as long.
 * The templates have one more node on either side. */
struct block {
    size_t n;
    int nt;
    _Alignas(64) double diagonal[BLOCK], rhs[BLOCK], before[BLOCK], beside[BLOCK];
    _Alignas(64) double y[MAX][BLOCK + 2 * EACH];
};

static void take_block(const fastbal_templates *t, const fb_pair *node, const double *beside, size_t first,
                       size_t n, struct block *b)
{
    b->n = n;
    b->nt = fastbal_templates_count(t);
    for (size_t j = 0; j < n; j++) {
        b->diagonal[j] = node[j][DIAGONAL];
        b->rhs[j] = node[j][RHS];
    }
    memcpy(b->before, beside - 1, n * sizeof *beside);
    memcpy(b->beside, beside, n * sizeof *beside);
    for (int k = 0; k < b->nt; k++)
        memcpy(b->y[k] + EACH - 1, fb_templates_values(t, k) + first - 1, (n + 2) * sizeof *beside);
}

/* Compute (H y_k)[j] for the nodes of a block. */
static void times_h(const struct block *b, int k, double *restrict product)
{
    const double *restrict y = b->y[k] + EACH, *y_before = y - 1, *y_beside = y + 1;
    for (size_t j = 0; j < b->n; j++)
        product[j] = b->before[j] * y_before[j] + b->diagonal[j] * y[j] + b->beside[j] * y_beside[j];
}

/* Rows of the equations are counted from -1: the right-hand side, then the rows of the matrix, each from its
 * diagonal on. Compute the vectors whose dot products with the templates are these rows. */
static void fill_rows(const void *context, int row, double rows[ROWS][BLOCK])
{
    const struct block *b = context;
    for (int j = 0; j < ROWS; j++) {
        if (row + j < 0)
            memcpy(rows[j], b->rhs, b->n * sizeof *b->rhs);
        else
            times_h(b, row + j < b->nt ? row + j : b->nt - 1, rows[j]);
    }
}

/* Add the dot products of rows `row` .. with templates k .. to the equations. */
static void add_sums(struct fb_equations *e, int nt, int row, int k, double sum[ROWS][COLUMNS])
{
    for (int j = 0; j < ROWS && row + j < nt; j++) {
        double *to = row + j < 0 ? e->rhs : e->matrix + (row + j) * nt;
        for (int m = 0; m < COLUMNS && k + m < nt; m++)
            to[k + m] += sum[j][m];
    }
}

void fb_add_products(int nt, size_t n, const double *columns, size_t stride, fb_fill_rows *fill,
                     const void *context, struct fb_equations *e)
{
    _Alignas(64) double rows[ROWS][BLOCK];
    double sum[ROWS][COLUMNS];
    const double *const products[ROWS] = { rows[0], rows[1] }, *column[COLUMNS];

    for (int row = -1; row < nt; row += ROWS) {
        fill(context, row, rows);
        for (int k = row < 0 ? 0 : row; k < nt; k += COLUMNS) {
            for (int m = 0; m < COLUMNS; m++)
                column[m] = columns + (size_t)(k + m < nt ? k + m : nt - 1) * stride;
            dot_products(products, column, n, sum);
            add_sums(e, nt, row, k, sum);
        }
    }
}

/* Add pixels [begin, end) with these weights to the equations. */
static void add_to_equations(const struct fb_design *d, const double *weight, size_t begin, size_t end,
                             struct fb_equations *e)
{
    size_t count, first = touched_nodes(d, begin, end, &count),
                  room = fastbal_templates_size(d->templates) + 2;
    fb_pair *node = (fb_pair *)d->nodes;
    double *beside = d->nodes + 2 * room + 1;
    struct block block;

    collect_nodes(d, weight, begin, end, first, count, node, beside);
    for (size_t at = 0; at < count; at += BLOCK) {
        take_block(d->templates, node + at, beside + at, first + at, count - at < BLOCK ? count - at : BLOCK,
                   &block);
        fb_add_products(block.nt, block.n, block.y[0] + EACH, BLOCK + 2 * EACH, fill_rows, &block, e);
    }
    e->total += square_sum(weight + begin, d->flux + begin, end - begin);
}

/* Can the equations of the previous fit be corrected? Not if nearly all of their weight would be removed,
 * since little but rounding errors would remain. */
static int can_correct(const struct fb_design *d)
{
    double left = 0, gone = 0;
    for (size_t i = 0; d->weight_before && i < d->n; i++) {
        left += d->weight[i];
        gone += fabs(d->weight[i] - d->weight_before[i]);
    }
    return gone < 100 * left;
}

/* Add the pixels whose weight has changed since the previous fit, with the difference as weight. */
static void correct_equations(const struct fb_design *d, double *difference, struct fb_equations *e)
{
    size_t begin = 0, end = 0; /* pixels [begin, end) are not added yet */
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

/* Compute the normal equations of a fit: the lower triangle of the matrix (column-major, leading dimension
 * nt), the right-hand side, and sum w f f. */
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

/* A minimum, and the matrix of its normal equations. */
struct bowl {
    int nt;
    const double *matrix, *bottom;
};

/* The sum of squares minus its minimum: (a - a0)' M (a - a0). Differences of this, which the search needs,
 * are more accurate than those of sums over pixels, for a hundredth of the work. */
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

double fb_chi2(const struct fb_design *d, const double *model)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t whole = d->n - d->n % LANES;
    for (size_t l = 0; l < LANES; l += FB_WIDTH) {
        fb_vector part = { 0 };
        for (size_t i = l; i < whole; i += LANES) {
            fb_vector r = load(model + i) - load(d->flux + i);
            part += r * r * load(d->weight + i);
        }
        store(lane + l, part);
    }
    for (size_t i = whole; i < d->n; i++) {
        double r = model[i] - d->flux[i];
        sum += r * r * d->weight[i];
    }
    return sum + fb_add_lanes(lane, LANES);
}
