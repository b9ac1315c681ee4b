/*
 * condition.h - conditions on the rows of a table, such as "AI_CIV > 2000, SNR_CIV >= 3".
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_CONDITION_H
#define FB_CONDITION_H

#include <stddef.h>
#include <stdint.h>
#include "fits/error.h"
#include "fits/table.h"

/* A bit for each order of two values in which the comparison holds. */
enum fb_comparison {
    FB_LESS = 1,
    FB_EQUAL = 2,
    FB_GREATER = 4,
    FB_LESS_OR_EQUAL = FB_LESS | FB_EQUAL,
    FB_NOT_EQUAL = FB_LESS | FB_GREATER,
    FB_GREATER_OR_EQUAL = FB_GREATER | FB_EQUAL
};

struct fb_condition {
    const struct fb_column *column; /* borrowed */
    int64_t element;
    enum fb_comparison comparison;
    struct fb_number number; /* for a column of numbers */
    char text[72];           /* for a column of strings */
};

struct fb_conditions {
    struct fb_condition *all; /* owned */
    size_t n;
};

/* The column, or element of an array column, that a name of length characters means: "Z", "VMIN_CIV_450[0]"; without an
 * index *element is -1. It is an error if there is none, or its length varies. */
int fb_find_element(const struct fb_table *table, const char *name, size_t length,
                    const struct fb_column **column, int64_t *element, struct fb_error *err);

/* Add the conditions in text, separated by blanks or commas. Release in any case with free(conditions->all). */
int fb_conditions_add(struct fb_conditions *conditions, const struct fb_table *table, const char *text,
                      struct fb_error *err);
/* Do all hold for this row? NaN and TNULLn meet no condition. */
int fb_conditions_hold(const struct fb_conditions *conditions, const unsigned char *row);

#endif
