/* options.c - options of any version of the library. SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "internal.h"

int fb_options_read(const struct fastbal_options *given, struct fastbal_options *options,
                    struct fastbal_message *message)
{
    memset(options, 0, sizeof *options);
    if (!given)
        return FASTBAL_OK;
    size_t size = given->size;
    if (size < sizeof size || size > sizeof *options)
        return fb_explain(message, FASTBAL_EARGUMENT,
                          "options->size = %zu: expected sizeof(struct fastbal_options), %zu at most", size,
                          sizeof *options);
    memcpy(options, given, size);
    if (options->fit != FASTBAL_FIT_EXACT && options->fit != FASTBAL_FIT_SIMPLEX)
        return fb_explain(message, FASTBAL_EARGUMENT,
                          "options->fit = %d: expected %d (exact) or %d (simplex)", options->fit,
                          FASTBAL_FIT_EXACT, FASTBAL_FIT_SIMPLEX);
    if (options->continuum < FASTBAL_CONTINUUM_DEFAULT || options->continuum > FASTBAL_CONTINUUM_TROUGH_AWARE)
        return fb_explain(
            message, FASTBAL_EARGUMENT,
            "options->continuum = %d: expected %d (default), %d (least squares) or %d (trough-aware)",
            options->continuum, FASTBAL_CONTINUUM_DEFAULT, FASTBAL_CONTINUUM_LEAST_SQUARES,
            FASTBAL_CONTINUUM_TROUGH_AWARE);
    if (options->continuum == FASTBAL_CONTINUUM_TROUGH_AWARE && options->fit == FASTBAL_FIT_SIMPLEX)
        return fb_explain(
            message, FASTBAL_EARGUMENT,
            "options->continuum = %d (trough-aware): expected options->fit = %d (exact), found %d "
            "(simplex)",
            options->continuum, FASTBAL_FIT_EXACT, options->fit);
    if (!fb_rules(options->rules))
        return fb_explain(message, FASTBAL_EARGUMENT,
                          "options->rules = %d: expected %d (main), %d (optimize) or %d (fastbal)",
                          options->rules, FASTBAL_RULES_MAIN, FASTBAL_RULES_OPTIMIZE, FASTBAL_RULES_FASTBAL);
    return FASTBAL_OK;
}
