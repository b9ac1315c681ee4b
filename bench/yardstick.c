/*
 * yardstick.c - what times are compared with, so that they say the same on any processor: the normal equations of TEMPLATES
 * templates over PIXELS pixels, summed as textbooks write them, one dense sum after the other. CMakeLists.txt fixes how it
 * is compiled, -O2 without vectors.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "yardstick.h"

enum { TEMPLATES = 11, PIXELS = 3000 };

struct yardstick {
    double template[TEMPLATES][PIXELS], weight[PIXELS], flux[PIXELS];
    double matrix[TEMPLATES][TEMPLATES], rhs[TEMPLATES];
};

struct yardstick *yardstick_create(void)
{
    struct yardstick *y = calloc(1, sizeof *y);
    for (int i = 0; y && i < PIXELS; i++) {
        y->weight[i] = 1 + i % 7;
        y->flux[i] = 1 + i % 11;
        for (int k = 0; k < TEMPLATES; k++)
            y->template[k][i] = 1 + (i + k) % 13;
    }
    return y;
}

void yardstick_run(struct yardstick *y)
{
    for (int k = 0; k < TEMPLATES; k++) {
        for (int l = 0; l <= k; l++) {
            double sum = 0;
            for (int i = 0; i < PIXELS; i++)
                sum += y->weight[i] * y->template[k][i] * y -> template[l][i];
            y->matrix[k][l] = sum;
        }
        double sum = 0;
        for (int i = 0; i < PIXELS; i++)
            sum += y->weight[i] * y->template[k][i] * y -> flux[i];
        y->rhs[k] = sum;
    }
}
