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
 * bright quasars. Here the normal equations are scaled to a unit diagonal and solved by Cholesky's
 * factorisation. Templates are few and nearly orthogonal, so the squared condition number is harmless; where
 * it is not (degenerate templates, hardly any pixels), the smallest solution is taken from the eigenvectors
 * and the fit is called singular.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include <lapacke.h>
#include "internal.h"

/* Sums run in LANES partial sums, so that additions need not wait for each other. BLOCK pixels of the
 * templates stay in the nearest caches. */
enum { MAX = FASTBAL_MAX_TEMPLATES, LANES = 32, BLOCK = 1024 };

/* Reciprocal condition number of the scaled equations below which they count as singular: with it about four
 * of the sixteen digits are still right. */
#define SINGULAR 1e-12

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

FB_KERNEL
static double dot(const double *a, const double *b, size_t n)
{
    double lane[LANES] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += a[i + l] * b[i + l];
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum + add_lanes(lane);
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

static inline void add_pixel(const struct fb_design *d, size_t i, double weight, size_t first,
                             const struct node_sums *s)
{
    size_t j = d->segment[i] - first;
    double v = d->fraction[i], u = 1 - v, wu = weight * u, wv = weight * v, f = d->flux[i];
    s->diagonal[j] += wu * u;
    s->beside[j] += wu * v;
    s->rhs[j] += wu * f;
    s->diagonal[j + 1] += wv * v;
    s->rhs[j + 1] += wv * f;
}

/* Only pixels whose weight differs from that of the fit before. */
static void correct_nodes(const struct fb_design *d, size_t first, const struct node_sums *s)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->weight[i] != d->weight_before[i])
            add_pixel(d, i, d->weight[i] - d->weight_before[i], first, s);
}

/* Can the sums of the fit before be corrected? Not where most of their weight goes: little but rounding would
 * be left. */
static int can_correct(const struct fb_design *d)
{
    double left = 0, gone = 0;
    for (size_t i = 0; d->weight_before && i < d->n; i++) {
        left += d->weight[i];
        gone += fabs(d->weight[i] - d->weight_before[i]);
    }
    return gone < 100 * left;
}

/* Two halves of the spectrum in turns: neighbouring pixels add to the same node and wait for each other. */
static void collect_nodes(const struct fb_design *d, size_t first, size_t count, const struct node_sums *s)
{
    size_t half = d->n / 2;
    memset(s->diagonal, 0, count * sizeof *s->diagonal);
    memset(s->beside - 1, 0, (count + 1) * sizeof *s->beside);
    memset(s->rhs, 0, count * sizeof *s->rhs);
    for (size_t i = 0; i < half; i++) {
        add_pixel(d, i, d->weight[i], first, s);
        add_pixel(d, i + half, d->weight[i + half], first, s);
    }
    if (d->n % 2 == 1)
        add_pixel(d, d->n - 1, d->weight[d->n - 1], first, s);
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

/* Lower triangle of the normal matrix (column-major, leading dimension nt) and the right-hand side. */
static void normal_equations(const struct fb_design *d, double *matrix, double *rhs)
{
    int nt = fastbal_templates_count(d->templates);
    size_t count, first = touched_nodes(d, 0, d->n, &count), room = fastbal_templates_size(d->templates) + 2;
    struct node_sums sums = { d->nodes, d->nodes + room + 1, d->nodes + 2 * room };
    double product[BLOCK];

    memset(matrix, 0, (size_t)nt * (size_t)nt * sizeof *matrix);
    memset(rhs, 0, (size_t)nt * sizeof *rhs);
    if (can_correct(d))
        correct_nodes(d, first, &sums);
    else
        collect_nodes(d, first, count, &sums);
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        for (int j = 0; j < nt; j++) {
            const double *y = fb_templates_values(d->templates, j) + first + begin;
            times_h(sums.diagonal + begin, sums.beside + begin, y, n, product);
            rhs[j] += dot(sums.rhs + begin, y, n);
            for (int i = j; i < nt; i++)
                matrix[i + j * nt] += dot(product, fb_templates_values(d->templates, i) + first + begin, n);
        }
    }
}

/* Divide rows and columns by the square roots of the diagonal. A template that is zero on all pixels keeps
 * its zeros. */
static void scale_equations(int nt, double *matrix, double *rhs, double *scale)
{
    for (int i = 0; i < nt; i++)
        scale[i] = matrix[i + i * nt] > 0 ? 1 / sqrt(matrix[i + i * nt]) : 0;
    for (int j = 0; j < nt; j++) {
        rhs[j] *= scale[j];
        for (int i = j; i < nt; i++)
            matrix[i + j * nt] *= scale[i] * scale[j];
    }
}

/* Solve well-conditioned equations in place; 0 if they are not. matrix is overwritten. */
static int solve_cholesky(int nt, double *matrix, double *rhs)
{
    double work[3 * MAX], rcond, norm = 0;
    lapack_int iwork[MAX];

    for (int j = 0; j < nt; j++) {
        double column = 0;
        for (int i = 0; i < nt; i++)
            column += fabs(matrix[i >= j ? i + j * nt : j + i * nt]);
        norm = fmax(norm, column);
    }
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', nt, matrix, nt) != 0)
        return 0;
    if (LAPACKE_dpocon_work(LAPACK_COL_MAJOR, 'L', nt, matrix, nt, norm, &rcond, work, iwork) != 0)
        return 0;
    if (!(rcond > SINGULAR))
        return 0;
    return LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', nt, 1, matrix, nt, rhs, nt) == 0;
}

/* The smallest solution of singular equations, from the eigenvectors with eigenvalues that are not
 * negligible. */
static int solve_eigen(int nt, double *matrix, double *rhs)
{
    double value[MAX], work[34 * MAX], solution[MAX] = { 0 };
    if (LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'V', 'L', nt, matrix, nt, value, work, 34 * MAX) != 0)
        return 0;
    for (int k = 0; k < nt; k++) {
        if (!(value[k] > SINGULAR * value[nt - 1]))
            continue;
        double amount = 0;
        for (int i = 0; i < nt; i++)
            amount += matrix[i + k * nt] * rhs[i];
        for (int i = 0; i < nt; i++)
            solution[i] += matrix[i + k * nt] * amount / value[k];
    }
    memcpy(rhs, solution, (size_t)nt * sizeof *rhs);
    return 1;
}

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

int fb_fit(const struct fb_design *design, double *coeffs, double *least)
{
    double matrix[MAX * MAX], factor[MAX * MAX], rhs[MAX], scaled[MAX], scale[MAX];
    int nt = fastbal_templates_count(design->templates), outcome = FB_FIT_OK;
    size_t bytes = (size_t)nt * sizeof *rhs;

    normal_equations(design, matrix, rhs);
    for (int i = 0; i < nt; i++)
        if (!isfinite(matrix[i + i * nt]) || !isfinite(rhs[i]))
            return FB_FIT_FAILED;
    memcpy(scaled, rhs, bytes);
    scale_equations(nt, matrix, scaled, scale);
    memcpy(factor, matrix, (size_t)nt * bytes);
    memcpy(coeffs, scaled, bytes);
    if (!solve_cholesky(nt, factor, coeffs)) {
        memcpy(coeffs, scaled, bytes);
        if (!solve_eigen(nt, matrix, coeffs))
            return FB_FIT_FAILED;
        outcome = FB_FIT_SINGULAR;
    }
    double total = square_sum(design->weight, design->flux, design->n);
    *least = total;
    for (int i = 0; i < nt; i++) {
        coeffs[i] *= scale[i];
        *least -= coeffs[i] * rhs[i];
    }
    if (!(*least > CANCELLED * total))
        *least = NAN;
    return outcome;
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

void fastbal_lapack_version(int *major, int *minor, int *patch)
{
    lapack_int version[3];
    LAPACKE_ilaver(&version[0], &version[1], &version[2]);
    *major = version[0];
    *minor = version[1];
    *patch = version[2];
}
