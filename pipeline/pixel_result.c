/* pixel_result.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "pipeline/pixel_result.h"

void fb_pixel_result_release(struct fb_pixel_result *result)
{
    free(result->bytes);
    result->bytes = NULL;
    result->size = 0;
}
