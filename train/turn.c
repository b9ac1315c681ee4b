/*
 * turn.c - an eigenvector v of A = C' - B', C' = C / tr C, B' = w B / tr B, with eigenvalue l is v = (l +
 * B')^-1 C' v, and C has low rank, spanned by the old factors. So v lies in the Krylov space that A generates
 * from these factors; a hundred dimensions of it suffice (Rayleigh-Ritz). Thus no matrix of FB_TRAIN_CELLS x
 * FB_TRAIN_CELLS is needed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "train/turn.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "train/absorbed.h"
#include "train/symmetric.h"

enum { TROUGHS = 1000, /* outflows */ STEPS = 12, MOST_BASIS = FB_MOST_FACTORS * STEPS };
#define LEAST_MEAN 0.05
#define LEAST_POPULATION (1e-6 * FB_TRAIN_CELLS) /* deviations of 0.1 % of the mean */

struct turn {
    fb_cells root; /* square root of the mean spectrum */
    fb_cells mean; /* the mean in units of root, of unit length */
    size_t nfactors, nbasis;
    fb_cells factors[FB_MOST_FACTORS]; /* in units of root, without the component along the mean */
    fb_cells troughs[TROUGHS];         /* the same */
    double population, absorption;     /* tr C, tr B */
    double weight;                     /* of troughs */
    fb_cells basis[MOST_BASIS + 1];    /* orthonormal */
    fb_cells image[MOST_BASIS + 1];    /* A times each basis vector */
    double matrix[MOST_BASIS * MOST_BASIS], vectors[MOST_BASIS * MOST_BASIS], values[MOST_BASIS];
};

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add(double *to, const double *from, double weight)
{
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        to[i] += weight * from[i];
}

/* ---- the matrix A ---- */

/* Convert a deviation from the mean spectrum to units of root, and remove the component along the mean. */
static void set_row(const struct turn *turn, double *row)
{
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        row[i] /= turn->root[i];
    add(row, turn->mean, -dot(row, turn->mean));
}

static void set_factors(struct turn *turn, struct fb_factors *f)
{
    double level = 0;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        level += f->value[i][0] / FB_TRAIN_CELLS;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
        for (size_t k = 0; k <= f->n; k++)
            f->value[i][k] /= level;
        turn->root[i] = sqrt(fmax(f->value[i][0], LEAST_MEAN));
        turn->mean[i] = f->value[i][0] / turn->root[i];
    }
    const double length = sqrt(dot(turn->mean, turn->mean));
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        turn->mean[i] /= length;
    for (size_t k = 0; k < f->n; k++) {
        for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
            turn->factors[k][i] = f->value[i][k + 1];
        set_row(turn, turn->factors[k]);
        turn->population += dot(turn->factors[k], turn->factors[k]);
    }
    turn->nfactors = f->n;
}

static int set_troughs(struct turn *turn, const struct fb_factors *f)
{
    if (fb_absorbed_light(TROUGHS, turn->troughs) != 0)
        return -1;
    for (size_t t = 0; t < TROUGHS; t++) {
        for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
            turn->troughs[t][i] *= f->value[i][0];
        set_row(turn, turn->troughs[t]);
        turn->absorption += dot(turn->troughs[t], turn->troughs[t]);
    }
    return 0;
}

/* ---- leading eigenvectors ---- */

static void multiply(const struct turn *turn, const double *v, double *image)
{
    memset(image, 0, FB_TRAIN_CELLS * sizeof *image);
    for (size_t k = 0; k < turn->nfactors; k++)
        add(image, turn->factors[k], dot(turn->factors[k], v) / turn->population);
    for (size_t t = 0; t < TROUGHS; t++)
        add(image, turn->troughs[t], -turn->weight * dot(turn->troughs[t], v) / turn->absorption);
}

/* Add a vector to the basis, unless it is linearly dependent. */
static void extend(struct turn *turn, const double *v)
{
    double *to = turn->basis[turn->nbasis];
    memcpy(to, v, sizeof(fb_cells));
    const double length = sqrt(dot(to, to));
    for (int twice = 0; twice < 2; twice++)
        for (size_t k = 0; k < turn->nbasis; k++)
            add(to, turn->basis[k], -dot(turn->basis[k], to));
    const double left = sqrt(dot(to, to));
    if (!(left > 1e-12 * length))
        return;
    for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
        to[i] /= left;
    multiply(turn, to, turn->image[turn->nbasis++]);
}

static void make_basis(struct turn *turn)
{
    const size_t most = turn->nfactors * STEPS;
    for (size_t k = 0; k < turn->nfactors; k++)
        extend(turn, turn->factors[k]);
    for (size_t k = 0; k < turn->nbasis && turn->nbasis < most; k++)
        extend(turn, turn->image[k]);
}

/* Replace the first n rows of image by the leading eigenvectors. Returns the number of positive
 * eigenvalues. */
static size_t find_eigenvectors(struct turn *turn, size_t n)
{
    const size_t m = turn->nbasis;
    size_t npositive = 0;
    for (size_t j = 0; j < m; j++)
        for (size_t k = 0; k < m; k++)
            turn->matrix[j * m + k] =
                (dot(turn->basis[j], turn->image[k]) + dot(turn->basis[k], turn->image[j])) / 2;
    fb_eigenvectors(turn->matrix, m, turn->values, turn->vectors);
    while (npositive < m && turn->values[npositive] > 1e-12)
        npositive++;
    for (size_t j = 0; j < n && j < m; j++) {
        memset(turn->image[j], 0, sizeof(fb_cells));
        for (size_t k = 0; k < m; k++)
            add(turn->image[j], turn->basis[k], turn->vectors[j * m + k]);
    }
    return npositive;
}

/* ---- the new factors ---- */

/* Replace the factors by the unit vectors in image, scaled to a root mean square of 1 in units of root, with
 * their largest value positive. */
static void replace(struct turn *turn, struct fb_factors *f, size_t n)
{
    double projected[FB_MOST_FACTORS][FB_MOST_FACTORS], trace = 0;
    f->n = n;
    for (size_t j = 0; j < n; j++) {
        double *v = turn->image[j], largest = 0;
        for (size_t i = 0; i < FB_TRAIN_CELLS; i++)
            largest = fabs(v[i]) > fabs(largest) ? v[i] : largest;
        for (size_t i = 0; i < FB_TRAIN_CELLS; i++) {
            v[i] = largest < 0 ? -v[i] : v[i];
            f->value[i][j + 1] = v[i] * turn->root[i] * sqrt(FB_TRAIN_CELLS);
        }
        for (size_t k = 0; k < turn->nfactors; k++) {
            projected[j][k] = dot(v, turn->factors[k]) / sqrt(FB_TRAIN_CELLS);
            trace += projected[j][k] * projected[j][k];
        }
    }
    for (size_t j = 0; j < n; j++) {
        f->mean[j] = 0;
        for (size_t l = 0; l < n; l++) {
            double sum = j == l ? 1e-6 * trace / (double)n : 0;
            for (size_t k = 0; k < turn->nfactors; k++)
                sum += projected[j][k] * projected[l][k];
            f->covariance[j * n + l] = sum;
        }
    }
}

int fb_factors_turn(struct fb_factors *factors, size_t n, double weight, struct fb_error *err)
{
    struct turn *turn = calloc(1, sizeof *turn);
    size_t npositive = 0;
    int status = 0;
    if (turn) {
        turn->weight = weight;
        set_factors(turn, factors);
    }
    if (!turn || set_troughs(turn, factors) != 0) {
        free(turn);
        return fb_fail(err, "out of memory for %d troughs", TROUGHS);
    }
    if (turn->population >= LEAST_POPULATION) {
        make_basis(turn);
        npositive = find_eigenvectors(turn, n);
    }
    if (npositive < n)
        status = fb_fail(
            err, "expected %zu directions in which these spectra differ but not by absorption, found %zu", n,
            npositive);
    else
        replace(turn, factors, n);
    free(turn);
    return status;
}
