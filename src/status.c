/*
 * status.c - error messages. This is the only file of the library that formats text.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include "internal.h"

const char *fastbal_strerror(int status)
{
    switch (status) {
    case FASTBAL_OK:
        return "no error";
    case FASTBAL_ENOMEM:
        return "out of memory";
    case FASTBAL_EARGUMENT:
        return "argument out of range";
    case FASTBAL_EWAVELENGTH:
        return "wavelengths are not finite, positive and increasing";
    case FASTBAL_ETEMPLATES:
        return "templates are not finite, or there are too many";
    case FASTBAL_EDETECTOR:
        return "a number of the detector is not finite, its slope is not positive, or it has another number "
               "of weights";
    case FASTBAL_EPRIOR:
        return "the templates' prior is not positive definite, or their misfit is negative";
    default:
        return "unknown status";
    }
}

int fb_explain(struct fastbal_message *message, int status, const char *format, ...)
{
    va_list arguments;
    if (!message)
        return status;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    return status;
}

int fb_explain_wavelengths(struct fastbal_message *message, int camera, const double *w, size_t n)
{
    char owner[32] = "spectrum->";
    size_t i = 0;
    if (camera >= 0)
        snprintf(owner, sizeof owner, "cameras[%d].", camera);
    if (n < 2)
        return fb_explain(message, FASTBAL_EWAVELENGTH, "%sn = %zu: expected at least 2 wavelengths", owner,
                          n);
    while (i < n && w[i] > 0 && w[i] <= DBL_MAX && (i == 0 || w[i] > w[i - 1]))
        i++;
    if (i < n && w[i] > 0 && w[i] <= DBL_MAX)
        return fb_explain(message, FASTBAL_EWAVELENGTH,
                          "%swavelength[%zu] = %.10g: expected more than the %.10g before it", owner, i, w[i],
                          w[i - 1]);
    return fb_explain(message, FASTBAL_EWAVELENGTH,
                      "%swavelength[%zu] = %.10g: expected a finite number above 0", owner, i,
                      i < n ? w[i] : NAN);
}

const char *fastbal_version(void)
{
    return FASTBAL_VERSION;
}
