/* mixture.c - SPDX-License-Identifier: BSD-3-Clause */
#include "train/mixture.h"
#include <stdlib.h>
#include <string.h>

int fb_judged_sample_add(struct fb_judged_sample *sample, const struct fb_judged *rows, size_t n)
{
    if (sample->n + n > sample->room) {
        const size_t room = sample->n + n + sample->n / 2;
        struct fb_judged *grown = realloc(sample->rows, room * sizeof *grown);
        if (!grown)
            return -1;
        sample->rows = grown;
        sample->room = room;
    }
    if (n > 0)
        memcpy(sample->rows + sample->n, rows, n * sizeof *rows);
    sample->n += n;
    return 0;
}

void fb_judged_sample_release(struct fb_judged_sample *sample)
{
    free(sample->rows);
    *sample = (struct fb_judged_sample){ 0 };
}

/* Compare the logits, then the scalars in their order. */
static int compare_numbers(const struct fb_judged *x, const struct fb_judged *y)
{
    if (x->logit < y->logit || x->logit > y->logit)
        return x->logit < y->logit ? -1 : 1;
    for (int k = 0; k < FASTBAL_DETECTOR_SCALARS; k++)
        if (x->scalar[k] < y->scalar[k] || x->scalar[k] > y->scalar[k])
            return x->scalar[k] < y->scalar[k] ? -1 : 1;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct fb_judged *x = a, *y = b;
    if (x->targetid != y->targetid)
        return x->targetid < y->targetid ? -1 : 1;
    if (x->injected != y->injected)
        return x->injected - y->injected;
    return compare_numbers(x, y); /* a target may have rows with several redshifts */
}

void fb_judged_sample_sort(struct fb_judged_sample *sample)
{
    if (sample->n > 0)
        qsort(sample->rows, sample->n, sizeof *sample->rows, compare);
}

struct fb_mixture fb_mixture_of(const struct fb_judged_sample *sample, unsigned parts, double share,
                                double edge)
{
    struct fb_mixture m = { .sample = sample, .parts = parts, .share = share, .edge = edge };
    for (size_t i = 0; i < sample->n; i++)
        if (fb_mixture_has(&m, &sample->rows[i])) {
            m.nreal += !sample->rows[i].injected;
            m.ninjected += sample->rows[i].injected;
        }
    m.weight = m.ninjected > 0 ? share * (double)m.nreal / (double)m.ninjected : 0;
    return m;
}
