/* head.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/head.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sim/random.h"

enum {
    INPUTS = FASTBAL_DETECTOR_POOLED,
    HIDDEN = FB_HEAD_HIDDEN,
    BATCH = 128,
    MOST_PASSES = 200,
    PATIENCE = 10
};

/* Of Adam, with the names of the paper */
#define RATE 1e-3     /* alpha */
#define MOMENTUM 0.9  /* beta_1 */
#define SQUARES 0.999 /* beta_2 */
#define TINY 1e-8     /* epsilon */

/* The hidden layer, and the logit. */
static double apply(const struct fb_head *head, const float *x, double hidden[HIDDEN])
{
    double logit = head->out_bias;
    for (int h = 0; h < HIDDEN; h++) {
        double sum = head->hidden_bias[h];
        for (int k = 0; k < INPUTS; k++)
            sum += head->hidden[h][k] * (double)x[k];
        hidden[h] = sum > 0 ? sum : 0;
        logit += head->out[h] * hidden[h];
    }
    return logit;
}

double fb_head_logit(const struct fb_head *head, const struct fb_judged *row)
{
    double hidden[HIDDEN];
    return apply(head, row->pooled, hidden);
}

/* ---- the loss ---- */

/* ln(1 + e^x) */
static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double fb_loss_of(const struct fb_mixture *m, const struct fb_judged *row, double logit)
{
    const int open = fb_mixture_is_open(m, row);
    if (row->injected)
        return open ? -m->weight * fmin(logit, FB_HEAD_CAP) : 0;
    return softplus(open ? logit : -logit);
}

/* Its derivative with respect to the logit. */
static double slope_of(const struct fb_mixture *m, const struct fb_judged *row, double logit)
{
    const int open = fb_mixture_is_open(m, row);
    if (row->injected)
        return open && logit < FB_HEAD_CAP ? -m->weight : 0;
    return 1 / (1 + exp(-logit)) - !open;
}

double fb_head_loss(const struct fb_head *head, const struct fb_mixture *m)
{
    double sum = 0;
    for (size_t i = 0; i < m->sample->n; i++) {
        const struct fb_judged *row = &m->sample->rows[i];
        if (fb_mixture_has(m, row))
            sum += fb_loss_of(m, row, fb_head_logit(head, row));
    }
    return m->nreal > 0 ? sum / (double)m->nreal : 0;
}

/* ---- the training ---- */

struct adam {
    struct fb_head gradient;
    double mean[FB_HEAD_NUMBERS], square[FB_HEAD_NUMBERS];
    double decay_mean, decay_square; /* beta_1 and beta_2 to the power of the steps made */
};

static void add_gradient(const struct fb_head *head, const struct fb_mixture *m, const struct fb_judged *row,
                         struct fb_head *gradient)
{
    double hidden[HIDDEN];
    const double slope = slope_of(m, row, apply(head, row->pooled, hidden));
    gradient->out_bias += slope;
    for (int h = 0; h < HIDDEN; h++) {
        if (!(hidden[h] > 0))
            continue;
        const double back = slope * head->out[h];
        gradient->out[h] += slope * hidden[h];
        gradient->hidden_bias[h] += back;
        for (int k = 0; k < INPUTS; k++)
            gradient->hidden[h][k] += back * (double)row->pooled[k];
    }
}

/* One step along the gradient, a sum over n rows. */
static void step(struct fb_head *head, struct adam *adam, size_t n)
{
    double *number = (double *)head;
    const double *gradient = (const double *)&adam->gradient;
    adam->decay_mean *= MOMENTUM;
    adam->decay_square *= SQUARES;
    for (size_t i = 0; i < FB_HEAD_NUMBERS; i++) {
        const double g = gradient[i] / (double)n;
        adam->mean[i] = MOMENTUM * adam->mean[i] + (1 - MOMENTUM) * g;
        adam->square[i] = SQUARES * adam->square[i] + (1 - SQUARES) * g * g;
        number[i] -= RATE * (adam->mean[i] / (1 - adam->decay_mean)) /
                     (sqrt(adam->square[i] / (1 - adam->decay_square)) + TINY);
    }
}

/* One pass through n rows in some order. */
static void pass(struct fb_head *head, struct adam *adam, const struct fb_mixture *m, const size_t *order,
                 size_t n)
{
    for (size_t begin = 0; begin < n; begin += BATCH) {
        const size_t end = begin + BATCH < n ? begin + BATCH : n;
        memset(&adam->gradient, 0, sizeof adam->gradient);
        for (size_t i = begin; i < end; i++)
            add_gradient(head, m, &m->sample->rows[order[i]], &adam->gradient);
        step(head, adam, end - begin);
    }
}

static void shuffle(size_t *order, size_t n, struct fb_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)(fb_uniform(rng) * (double)i), last = order[i - 1];
        order[i - 1] = order[k];
        order[k] = last;
    }
}

/* As a detector keeps its weights. */
static struct fb_head rounded(const struct fb_head *head)
{
    struct fb_head result = *head;
    double *number = (double *)&result;
    for (size_t i = 0; i < FB_HEAD_NUMBERS; i++)
        number[i] = (double)(float)number[i];
    return result;
}

int fb_head_train(struct fb_head *head, const struct fb_mixture *sample, const struct fb_mixture *validation,
                  struct fb_head_training *training)
{
    struct adam adam = { .decay_mean = 1, .decay_square = 1 };
    struct fb_head now = *head;
    struct fb_rng rng;
    size_t n = 0, *order = malloc((sample->sample->n + 1) * sizeof *order);
    if (!order)
        return -1;
    for (size_t i = 0; i < sample->sample->n; i++)
        if (fb_mixture_has(sample, &sample->sample->rows[i]))
            order[n++] = i;
    fb_rng_seed(&rng, FB_HEAD_SEED, 0);
    const double before = fb_head_loss(head, validation);
    *training = (struct fb_head_training){ 0, before, before };
    for (int k = 1; k <= MOST_PASSES && k <= training->passes + PATIENCE; k++) {
        shuffle(order, n, &rng);
        pass(&now, &adam, sample, order, n);
        const struct fb_head candidate = rounded(&now);
        const double loss = fb_head_loss(&candidate, validation);
        if (loss < training->after) {
            *head = candidate;
            *training = (struct fb_head_training){ k, before, loss };
        }
    }
    free(order);
    return 0;
}
