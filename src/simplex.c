/*
 * simplex.c - minimisation by the simplex method of Nelder and Mead (1965, The Computer Journal 7, 308),
 * exactly as in scipy's minimize() with default settings. The continua of the published catalogs were fitted
 * with it (docs/algorithm.md §4).
 *
 * The result depends on every comparison made. So the order of vertices with equal values, the order of sums,
 * and the treatment of a step that the limit on evaluations cuts short are part of the method.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "internal.h"

enum { MAX = FASTBAL_MAX_TEMPLATES, MOST_PER_UNKNOWN = 200 };

#define X_TOLERANCE 1e-4 /* of every coordinate */
#define F_TOLERANCE 1e-4
#define FIRST_STEP 0.05 /* of a coordinate; where that is 0, STEP_FROM_ZERO */
#define STEP_FROM_ZERO 0.00025

struct simplex {
    fb_function *f;
    const void *context;
    int n;                              /* unknowns */
    int evaluations, most;              /* evaluations made, and the limit */
    double room[MAX + 3][MAX];          /* of the points */
    double *vertex[MAX + 1], *spare[2]; /* point into room */
    double value[MAX + 1];              /* sorted: the best first */
    double centre[MAX];                 /* of all vertices but the worst */
};

/* Evaluate the function. Returns 0 if the limit has been reached. */
static int evaluate(struct simplex *s, const double *x, double *value)
{
    if (s->evaluations == s->most)
        return 0;
    s->evaluations++;
    *value = s->f(x, s->context);
    return 1;
}

/* Sort the vertices by value. The sort is stable, and NaN goes to the end. */
static void sort(struct simplex *s)
{
    for (int i = 1; i <= s->n; i++) {
        double value = s->value[i], *vertex = s->vertex[i];
        int j = i;
        for (; j > 0 && (value < s->value[j - 1] || (isnan(s->value[j - 1]) && !isnan(value))); j--) {
            s->value[j] = s->value[j - 1];
            s->vertex[j] = s->vertex[j - 1];
        }
        s->value[j] = value;
        s->vertex[j] = vertex;
    }
}

/* The first vertex is the starting point; each other one is a step along one coordinate. */
static void first_simplex(struct simplex *s, const double *start)
{
    for (int i = 0; i <= s->n; i++) {
        s->vertex[i] = s->room[i];
        memcpy(s->vertex[i], start, (size_t)s->n * sizeof *start);
        if (i > 0)
            s->vertex[i][i - 1] = start[i - 1] != 0 ? (1 + FIRST_STEP) * start[i - 1] : STEP_FROM_ZERO;
        evaluate(s, s->vertex[i], &s->value[i]);
    }
    s->spare[0] = s->room[s->n + 1];
    s->spare[1] = s->room[s->n + 2];
    sort(s);
}

static int converged(const struct simplex *s)
{
    if (!(s->value[s->n] - s->value[0] <= F_TOLERANCE))
        return 0;
    for (int i = 1; i <= s->n; i++)
        for (int k = 0; k < s->n; k++)
            if (!(fabs(s->vertex[i][k] - s->vertex[0][k]) <= X_TOLERANCE))
                return 0;
    return 1;
}

static void find_centre(struct simplex *s)
{
    for (int k = 0; k < s->n; k++) {
        double sum = s->vertex[0][k];
        for (int i = 1; i < s->n; i++)
            sum += s->vertex[i][k];
        s->centre[k] = sum / s->n;
    }
}

/* Place a spare point on the line from the worst vertex through the centre, `factor` times as far beyond the
 * centre, and evaluate it: 1 reflects, 2 expands, 1/2 and -1/2 contract outside and inside. */
static int try_point(struct simplex *s, int spare, double factor, double *value)
{
    for (int k = 0; k < s->n; k++)
        s->spare[spare][k] = (1 + factor) * s->centre[k] - factor * s->vertex[s->n][k];
    return evaluate(s, s->spare[spare], value);
}

/* Replace the worst vertex by a spare point. */
static void accept(struct simplex *s, int spare, double value)
{
    double *worst = s->vertex[s->n];
    s->vertex[s->n] = s->spare[spare];
    s->value[s->n] = value;
    s->spare[spare] = worst;
}

/* Move all vertices halfway to the best one. If evaluations run out, a moved vertex keeps the value of its
 * old position, which was not the best. */
static void shrink(struct simplex *s)
{
    for (int i = 1; i <= s->n; i++) {
        for (int k = 0; k < s->n; k++)
            s->vertex[i][k] = s->vertex[0][k] + 0.5 * (s->vertex[i][k] - s->vertex[0][k]);
        if (!evaluate(s, s->vertex[i], &s->value[i]))
            return;
    }
}

/* The reflected point is better than any vertex: try a longer step in that direction. */
static void expand(struct simplex *s, double reflected)
{
    double expanded;
    if (!try_point(s, 1, 2, &expanded))
        return;
    if (expanded < reflected)
        accept(s, 1, expanded);
    else
        accept(s, 0, reflected);
}

/* The reflected point would be the worst vertex, or is worse than the worst: try a shorter step. */
static void contract(struct simplex *s, double reflected)
{
    double contracted;
    int outside = reflected < s->value[s->n];
    if (!try_point(s, 1, outside ? 0.5 : -0.5, &contracted))
        return;
    if (outside ? contracted <= reflected : contracted < s->value[s->n])
        accept(s, 1, contracted);
    else
        shrink(s);
}

/* One step. If evaluations run out in the middle of it, the point being tried is discarded. */
static void step(struct simplex *s)
{
    double reflected;
    find_centre(s);
    if (!try_point(s, 0, 1, &reflected))
        return;
    if (reflected < s->value[0])
        expand(s, reflected);
    else if (reflected < s->value[s->n - 1])
        accept(s, 0, reflected);
    else
        contract(s, reflected);
    sort(s);
}

int fb_simplex(fb_function *f, const void *context, int n, double *x, double *least)
{
    struct simplex s = { .f = f, .context = context, .n = n, .most = MOST_PER_UNKNOWN * n };

    first_simplex(&s, x);
    /* the first simplex counts as a step */
    for (int steps = 1; steps < s.most && s.evaluations < s.most && !converged(&s); steps++)
        step(&s);
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): there is at least one unknown */
    memcpy(x, s.vertex[0], (size_t)n * sizeof *x);
    *least = s.value[0];
    return s.evaluations;
}
