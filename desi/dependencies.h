/*
 * dependencies.h - DEPNAMnn and DEPVERnn, the header keywords in which DESI's files say what programs they come from.
 * For the files of desi/ and sim/ that write with CFITSIO.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DEPENDENCIES_H
#define FB_DEPENDENCIES_H

#include <fitsio.h>

/* Add this program, CFITSIO, and the variables of the DESI environment to the header of the current HDU; a name that is
 * there already gets the new version. */
int fb_write_dependencies(fitsfile *file, int *status);

#endif
