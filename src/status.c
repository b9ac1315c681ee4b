/* status.c - words for status codes. SPDX-License-Identifier: BSD-3-Clause */
#include "fastbal.h"

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
    default:
        return "unknown status";
    }
}

const char *fastbal_version(void)
{
    return FASTBAL_VERSION;
}
