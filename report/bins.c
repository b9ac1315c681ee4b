/* bins.c - SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "report/bins.h"

void fb_bins_uniform(struct fb_bins *bins, double first, double width, size_t n)
{
    *bins = (struct fb_bins){ .n = n };
    for (size_t i = 0; i <= n; i++)
        bins->edges[i] = first + width * (double)i;
}

void fb_bins_edges(struct fb_bins *bins, const double *edges, size_t n)
{
    *bins = (struct fb_bins){ .n = n };
    memcpy(bins->edges, edges, (n + 1) * sizeof *edges);
}

void fb_bins_add(struct fb_bins *bins, enum fb_series series, double value)
{
    size_t i = 0;
    while (i < bins->n && value >= bins->edges[i + 1])
        i++;
    if (value >= bins->edges[0] && i < bins->n)
        bins->counts[series][i]++;
    else
        bins->outside[series]++;
}
