/*
 * head.h - the head of a detector's net, which makes a logit of what the net has pooled from a spectrum, and its
 * training.
 *
 *     logit = b + sum over h of w_h max(0, c_h + sum over k of u_hk x_k)
 *
 * The rest of the net stays as it is, so that a spectrum is x, 38 numbers, and a training takes seconds.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_HEAD_H
#define FB_HEAD_H

#include "train/mixture.h"

enum { FB_HEAD_HIDDEN = 16 };

/* Its members are the last weights of a detector, in their order. */
struct fb_head {
    double hidden_bias[FB_HEAD_HIDDEN], hidden[FB_HEAD_HIDDEN][FASTBAL_DETECTOR_POOLED];
    double out_bias, out[FB_HEAD_HIDDEN];
};
enum { FB_HEAD_NUMBERS = sizeof(struct fb_head) / sizeof(double) };

double fb_head_logit(const struct fb_head *head, const struct fb_judged *row);

/* The part of a row in the loss of a mixture, if this is its logit (train/mixture.h). Logits of injected quasars count up to
 * FB_HEAD_CAP, so that the surest of them don't outweigh the others. */
double fb_loss_of(const struct fb_mixture *mixture, const struct fb_judged *row, double logit);
#define FB_HEAD_CAP 3.0
/* The loss of a real quasar on average. */
double fb_head_loss(const struct fb_head *head, const struct fb_mixture *mixture);

struct fb_head_training {
    int passes;           /* through the sample, until the head that is kept; 0: as it was */
    double before, after; /* loss of the validation */
};

/*
 * Improve a head by Adam (Kingma & Ba 2015) on batches in a random order with a fixed seed, and keep it as it was after
 * the pass with the least loss of the validation, or before the first one. The training ends when ten passes brought
 * no improvement, or after 200. The result is rounded to floats. Returns -1 if out of memory.
 */
int fb_head_train(struct fb_head *head, const struct fb_mixture *sample, const struct fb_mixture *validation,
                  struct fb_head_training *training);
#define FB_HEAD_SEED 20240612

#endif
