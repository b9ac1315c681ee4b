/*
 * rules.c - the differences between the rules of the reference's main branch, its optimised branch, and
 * fastbal (docs/algorithm.md, §8). The rest of the code treats all rules alike.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "internal.h"

static const struct fb_rules rules_of[] = {
    [FASTBAL_RULES_MAIN] = { .needs_signal = 1,
                             .wraps = 1,
                             .reopens = 1,
                             .left_out = 1,
                             .step_first = 1,
                             .drops_empty = 1,
                             .chi2_limit = 1.5 * 999,
                             .margin = 8e-5 },
    [FASTBAL_RULES_OPTIMIZE] = { .ends_early = 1,
                                 .needs_continuum = 1,
                                 .one_difference = 1,
                                 .chi2_limit = INFINITY,
                                 .margin = 8e-5 },
    [FASTBAL_RULES_FASTBAL] = { .needs_signal = 1,
                                .needs_continuum = 1,
                                .drops_empty = 1,
                                .chi2_limit = 1.5 * 999,
                                .bridged = 11,
                                .margin = 0.1 },
};
enum { NRULES = sizeof rules_of / sizeof rules_of[0] };

const struct fb_rules *fb_rules(int rules)
{
    return rules >= 0 && rules < NRULES ? &rules_of[rules] : NULL;
}
