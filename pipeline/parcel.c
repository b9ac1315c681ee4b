/* parcel.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include "pipeline/parcel.h"

void fb_parcel_release(struct fb_parcel *parcel)
{
    free(parcel->bytes);
    parcel->bytes = NULL;
    parcel->size = 0;
}
