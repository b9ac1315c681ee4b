/*
 * locate.c - locates pixels on the grid of the templates (docs/algorithm.md §3).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "kernels.h"

/* The last segment that begins at or below w, which lies between the first and the last wavelength. */
static size_t search_segment(const fastbal_templates *t, double w)
{
    size_t above = fb_first_at_least(t->wavelength, t->n, w);
    return t->wavelength[above] <= w ? above : above - 1;
}

/* Pixels strictly between the first and the last wavelength. */
static void locate_inside(const fastbal_templates *t, const double *restrict w, size_t n,
                          uint32_t *restrict segment, double *restrict fraction)
{
    const double *x = t->wavelength;
#ifdef __clang__
#pragma clang loop vectorize(disable) /* gather instructions are slower than scalar loads */
#endif
    for (size_t i = 0; i < n; i++) {
        size_t k;
        if (t->first_segment) {
            k = t->first_segment[(size_t)(ptrdiff_t)((w[i] - x[0]) * t->steps_per_wavelength)];
            /* half the pixels are beyond the segment border in their step, so a branch would often be
             * mispredicted */
            k += (size_t)(x[k + 1] <= w[i]);
        } else {
            k = search_segment(t, w[i]);
        }
        segment[i] = (uint32_t)k;
        fraction[i] = (w[i] - x[k]) * t->per_width[k];
    }
}

static void locate_at(uint32_t at, double where, size_t n, uint32_t *segment, double *fraction)
{
    for (size_t i = 0; i < n; i++) {
        segment[i] = at;
        fraction[i] = where;
    }
}

void fb_templates_locate(const fastbal_templates *t, const double *w, size_t n, uint32_t *segment,
                         double *fraction)
{
    size_t begin = fb_first_at_least(w, n, t->wavelength[0]),
           end = fb_first_at_least(w, n, t->wavelength[t->n - 1]);
    locate_at(0, 0, begin, segment, fraction);
    locate_inside(t, w + begin, end - begin, segment + begin, fraction + begin);
    locate_at((uint32_t)t->n - 2, 1, n - end, segment + end, fraction + end);
}
