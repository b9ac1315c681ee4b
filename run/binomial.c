/* binomial.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include "run/binomial.h"

/* The ends of the interval are the p for which |k/n - p| = z sqrt(p (1 - p) / n), with z = 1: one standard
 * deviation. */
struct fb_share fb_share_of(size_t k, size_t n)
{
    if (n == 0)
        return (struct fb_share){ NAN, NAN, NAN };
    const double size = (double)n, p = (double)k / size;
    const double middle = (p + 0.5 / size) / (1 + 1 / size),
                 half = sqrt(p * (1 - p) / size + 0.25 / (size * size)) / (1 + 1 / size);
    return (struct fb_share){ p, k == 0 ? 0 : middle - half, k == n ? 1 : middle + half };
}
