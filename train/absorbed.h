/*
 * absorbed.h - the light absorbed by simulated outflows, in the cells of a sample.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_ABSORBED_H
#define FB_ABSORBED_H

#include <stddef.h>
#include <stdint.h>
#include "train/sample.h"

typedef double fb_cells[FB_TRAIN_CELLS];

/* Draw n outflows (sim/outflow.h) with a fixed seed, and compute the transmission of C IV and Si IV in each
 * minus 1, from -1 to 0, into absorbed[n]. Returns -1 if out of memory. */
int fb_absorbed_light(size_t n, fb_cells *absorbed);
#define FB_ABSORBED_SEED 20010805

#endif
