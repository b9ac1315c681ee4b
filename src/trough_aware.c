/*
 * trough_aware.c - the trough-aware continuum (docs/algorithm.md §4): a fit in which a pixel has less weight
 * the more probably it is absorbed, constrained by a prior on quasars (struct fastbal_prior).
 *
 * Pixels are collected into cells of equal width in ln(wavelength). A fit solves (N + Q / c_0^2) c = h, where
 * N = sum v T T' and h = sum v T y run over cells, Q is the prior, and v = (1 - p) / (1/V + (psi m)^2) has
 * the probability p that a cell is absorbed, the sum V of its ivars, and the misfit psi of the templates
 * relative to the model m. The next p follow from how significantly the flux is below the model. The first
 * fit ignores all cells that may be absorbed, so that no trough draws the continuum down.
 *
 * Sums use the lanes of fit.c, and everything else is computed cell by cell, so all rungs give the same bits.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "kernels.h"

enum { MAX = FASTBAL_MAX_TEMPLATES, ROOM = FB_CELL_ROOM, FIRST = FB_FIRST_ABSORBED, END = FB_END_ABSORBED };
enum { ABSORBED = END - FIRST }; /* cells that may be absorbed */
enum {
    MOST_FITS = 10,
    MOST_SCALES = 3, /* solutions of one fit, each with the c_0 of the one before */
    LEAST_CELLS = 100
};                 /* if fewer of the cells that can't be absorbed have data, the first fit uses all cells */
enum { WIDE = 6 }; /* half-width, in cells, of the wide runs that are compared with the model */

#define STABLE 2e-3      /* relative: a smaller change of the model ends the fits */
#define SAME_SCALE 1e-3  /* relative: a smaller change of c_0 ends the solutions of a fit */
#define LEAST_MODEL 0.02 /* least value of the model, relative to its median */
#define LEAST_DEPTH 0.05 /* least depth of an absorbed run, relative to the model */
#define LIKELY 2.5       /* standard errors below the model where p = 0.5 */
#define SOFTNESS 0.6     /* standard errors over which p / (1 - p) rises by a factor e */
#define SINGULAR 1e-12   /* least pivot of the factorisation, relative to the diagonal element */

/* ---- cells ---- */

/* Sum pixels at increasing wavelengths into cells. */
static void collect(struct fb_cell_fit *j, const struct fb_design *d, const double *w)
{
    size_t i = 0;
    for (size_t c = 0; c < FB_CELLS; c++) {
        double v = 0, vy = 0, edge = j->cells->edge[c + 1];
        j->begin[c] = (uint32_t)i;
        for (; i < d->n && w[i] < edge; i++) {
            v += d->weight[i];
            vy += d->weight[i] * d->flux[i];
        }
        j->ivar[c] = v;
        j->flux[c] = vy;
    }
    j->begin[FB_CELLS] = (uint32_t)i;
    for (size_t c = 0; c < FB_CELLS; c++)
        j->flux[c] = j->ivar[c] > 0 ? j->flux[c] / j->ivar[c] : 0;
}

/* Begin with p = 1 in the cells that may be absorbed, or with 0 if too few other cells have data. */
static void start(struct fb_cell_fit *j)
{
    size_t others = fb_count_positive(j->ivar, FIRST) + fb_count_positive(j->ivar + END, FB_CELLS - END);
    for (size_t c = FIRST; c < END; c++)
        j->absorbed[c] = others < LEAST_CELLS ? 0 : 1;
}

/* ---- one fit ---- */

/* Compute v. In the first fit there is no model yet, and the misfit is 0. */
static void weigh(struct fb_cell_fit *j)
{
    for (size_t c = 0; c < FB_CELLS; c++) {
        double misfit = j->cells->variance[c] * j->model[c] * j->model[c];
        j->weight[c] = (1 - j->absorbed[c]) * j->ivar[c] / (1 + j->ivar[c] * misfit);
    }
}

static void fill_rows(const void *context, int row, double rows[FB_ROWS][FB_BLOCK])
{
    const struct fb_cell_fit *j = context;
    for (int r = 0; r < FB_ROWS; r++) {
        int k = row + r < j->nt ? row + r : j->nt - 1;
        const double *value = k < 0 ? j->flux : j->cells->value[k];
        for (size_t c = 0; c < j->count; c++)
            rows[r][c] = j->weight[j->at + c] * value[j->at + c];
    }
}

/* N and h */
static void make_equations(struct fb_cell_fit *j)
{
    size_t n = (size_t)j->nt;
    memset(j->equations.matrix, 0, n * n * sizeof *j->equations.matrix);
    memset(j->equations.rhs, 0, n * sizeof *j->equations.rhs);
    for (j->at = 0; j->at < ROOM; j->at += FB_BLOCK) {
        j->count = ROOM - j->at < FB_BLOCK ? ROOM - j->at : FB_BLOCK;
        fb_add_products(j->nt, j->count, j->cells->value[0] + j->at, ROOM, fill_rows, j, &j->equations);
    }
}

/* The c_0 with which the typical quasar fits best, but at least the error of that c_0. */
static double first_scale(const struct fb_cell_fit *j)
{
    const double *typical = j->cells->typical, *matrix = j->equations.matrix;
    double product = 0, square = 0;
    for (int k = 0; k < j->nt; k++) {
        product += typical[k] * j->equations.rhs[k];
        square += typical[k] * typical[k] * matrix[k + k * j->nt];
        for (int i = k + 1; i < j->nt; i++)
            square += 2 * typical[k] * typical[i] * matrix[i + k * j->nt];
    }
    return fmax(product, sqrt(square)) / square;
}

/* Factorise N + Q / c_0^2. Returns 0 if it is singular. */
static int factorise(struct fb_cell_fit *j)
{
    double diagonal[MAX];
    for (int k = 0; k < j->nt; k++) {
        for (int i = k; i < j->nt; i++) {
            int at = i + k * j->nt;
            j->factor[at] = j->equations.matrix[at] + j->cells->precision[at] / (j->scale * j->scale);
        }
        diagonal[k] = j->factor[k + k * j->nt];
    }
    if (!fb_factorise(j->nt, j->factor))
        return 0;
    for (int k = 0; k < j->nt; k++) {
        double left = j->factor[k + k * j->nt];
        if (!(left * left > SINGULAR * diagonal[k]))
            return 0;
    }
    return 1;
}

static int solve(struct fb_cell_fit *j)
{
    for (int round = 0; round < MOST_SCALES; round++) {
        if (!factorise(j))
            return FB_FIT_SINGULAR;
        memcpy(j->coeffs, j->equations.rhs, (size_t)j->nt * sizeof *j->coeffs);
        fb_substitute(j->nt, j->factor, j->coeffs);
        double before = j->scale;
        if (!j->cells->has_prior || !(j->coeffs[0] > 0))
            break;
        j->scale = j->coeffs[0];
        if (fabs(j->scale / before - 1) < SAME_SCALE)
            break;
    }
    return FB_FIT_OK;
}

/* The smallest and the largest of FB_CELLS values. */
static void find_range(const double *x, double *least, double *most)
{
    enum { LANES = 32 };
    double low[LANES], high[LANES];
    memcpy(low, x, sizeof low);
    memcpy(high, x, sizeof high);
    for (size_t i = LANES; i + LANES <= FB_CELLS; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            low[l] = x[i + l] < low[l] ? x[i + l] : low[l];
            high[l] = x[i + l] > high[l] ? x[i + l] : high[l];
        }
    }
    for (size_t i = FB_CELLS - FB_CELLS % LANES; i < FB_CELLS; i++) {
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    *least = low[0];
    *most = high[0];
    for (size_t l = 1; l < LANES; l++) {
        *least = fmin(*least, low[l]);
        *most = fmax(*most, high[l]);
    }
}

/* Compute the model, and raise it to LEAST_MODEL of its median where it is lower. Returns 0 if the median is
 * not positive. The median, which is at most the largest value, rarely has to be computed. weight is
 * overwritten. */
static int make_model(struct fb_cell_fit *j)
{
    double least, most;
    memcpy(j->before, j->model, sizeof j->before);
    memset(j->model, 0, sizeof j->model);
    for (int k = 0; k < j->nt; k++) {
        const double *value = j->cells->value[k];
        for (size_t c = 0; c < FB_CELLS; c++)
            j->model[c] += j->coeffs[k] * value[c];
    }
    find_range(j->model, &least, &most);
    if (least > LEAST_MODEL * most)
        return 1;
    double median = fb_median(j->model, FB_CELLS, j->weight), floor = LEAST_MODEL * median;
    for (size_t c = 0; c < FB_CELLS; c++)
        j->model[c] = j->model[c] > floor ? j->model[c] : floor;
    return median > 0;
}

static int is_stable(const struct fb_cell_fit *j)
{
    size_t changed = 0;
    for (size_t c = 0; c < FB_CELLS; c++)
        changed += (size_t) !(fabs(j->model[c] - j->before[c]) < STABLE * j->before[c]);
    return changed == 0;
}

/* ---- absorption ---- */

void fb_continuum_variance(const struct fb_cell_fit *j, size_t first, size_t count, double *variance)
{
    enum { AT_ONCE = 64 };
    double x[MAX][AT_ONCE];
    for (size_t at = 0; at < count; at += AT_ONCE) {
        size_t n = count - at < AT_ONCE ? count - at : AT_ONCE;
        double *sum = variance + at;
        memset(sum, 0, n * sizeof *sum);
        for (int k = 0; k < j->nt; k++) {
            double diagonal = 1 / j->factor[k + k * j->nt];
            memcpy(x[k], j->cells->value[k] + first + at, n * sizeof *sum);
            for (int i = 0; i < k; i++)
                for (size_t c = 0; c < n; c++)
                    x[k][c] -= j->factor[k + i * j->nt] * x[i][c];
            for (size_t c = 0; c < n; c++) {
                x[k][c] *= diagonal;
                sum[c] += x[k][c] * x[k][c];
            }
        }
        for (size_t c = 0; c < n; c++)
            sum[c] /= j->model[first + at + c] * j->model[first + at + c];
    }
}

/* Sums of runs of 3 cells. x and `three` include WIDE more cells on either side of those that may be
 * absorbed. */
static void add_neighbours(const double *restrict x, double *restrict three)
{
    for (size_t c = 1; c + 1 < ABSORBED + 2 * WIDE; c++)
        three[c] = x[c - 1] + x[c] + x[c + 1];
}

/* The sum of the 2 WIDE + 1 cells around the c-th cell that may be absorbed. */
static inline double around(const double *x, const double *three, size_t c)
{
    return ((three[c + 1] + three[c + 4]) + (three[c + 7] + three[c + 10])) + x[c + 12];
}

/* The number of standard errors by which the flux of a run is below the model; minus infinity if its depth is
 * less than LEAST_DEPTH. variance is that of the model, relative to it. */
static inline double significance(double deficit, double square, double variance)
{
    double depth = deficit / square;
    return depth >= LEAST_DEPTH ? depth / sqrt(1 / square + variance) : -INFINITY;
}

/* Compute p from the more significant of a narrow and a wide run around each cell. */
static void find_absorbed(struct fb_cell_fit *j)
{
    enum { N = ABSORBED + 2 * WIDE };
    double deficit[N], square[N], deficit3[N], square3[N], variance[ABSORBED], *p = j->absorbed + FIRST;
    const double *v = j->ivar + FIRST - WIDE, *y = j->flux + FIRST - WIDE, *m = j->model + FIRST - WIDE;

    fb_continuum_variance(j, FIRST, ABSORBED, variance);
    for (size_t c = 0; c < N; c++) {
        square[c] = v[c] * m[c] * m[c];
        deficit[c] = v[c] * m[c] * (m[c] - y[c]);
    }
    add_neighbours(deficit, deficit3);
    add_neighbours(square, square3);
    for (size_t c = 0; c < ABSORBED; c++) {
        double other = variance[c] + j->cells->variance[FIRST + c];
        double narrow = significance(deficit3[c + WIDE], square3[c + WIDE], other);
        double wide = significance(around(deficit, deficit3, c), around(square, square3, c), other);
        double z = narrow > wide ? narrow : wide, x = (LIKELY - z) / SOFTNESS;
        x = x > -700 ? x : -700;
        p[c] = z > -INFINITY ? fb_logistic(x < 700 ? x : 700) : 0;
    }
}

/* ---- the whole fit ---- */

/* Set the weight of pixels with p >= 0.5 to 0. */
static void drop_absorbed(const struct fb_cell_fit *j, const struct fb_design *d, double *weight)
{
    memcpy(weight, d->weight, d->n * sizeof *weight);
    for (size_t c = FIRST; c < END; c++)
        if (j->absorbed[c] >= 0.5)
            memset(weight + j->begin[c], 0, (j->begin[c + 1] - j->begin[c]) * sizeof *weight);
}

int fb_fit_cells(struct fb_cell_fit *j, const struct fb_design *d, const double *w, int *fits, int *converged)
{
    j->cells = d->templates->cells;
    j->nt = d->templates->nt;
    memset(j->ivar, 0, sizeof j->ivar);
    memset(j->flux, 0, sizeof j->flux);
    memset(j->weight, 0, sizeof j->weight);
    memset(j->absorbed, 0, sizeof j->absorbed);
    memset(j->model, 0, sizeof j->model);
    collect(j, d, w);
    start(j);
    *converged = 0;
    for (*fits = 1;; ++*fits) {
        weigh(j);
        make_equations(j);
        if (*fits == 1)
            j->scale = first_scale(j);
        int outcome = solve(j);
        if (outcome != FB_FIT_OK)
            return outcome;
        *converged = !make_model(j) || (*fits > 2 && is_stable(j));
        if (*converged || *fits == MOST_FITS)
            break;
        find_absorbed(j);
    }
    for (int k = 0; k < j->nt; k++)
        if (!isfinite(j->coeffs[k]))
            return FB_FIT_FAILED;
    return FB_FIT_OK;
}

int fb_fit_trough_aware(const struct fb_design *d, const double *w, struct fb_cell_fit *j, double *coeffs,
                        double *weight, int *fits, int *converged)
{
    int outcome = fb_fit_cells(j, d, w, fits, converged);
    if (outcome == FB_FIT_OK) {
        memcpy(coeffs, j->coeffs, (size_t)j->nt * sizeof *coeffs);
        drop_absorbed(j, d, weight);
    }
    return outcome;
}
