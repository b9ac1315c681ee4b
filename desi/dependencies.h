/*
 * dependencies.h - the header keywords that say what a file comes from: DEPNAMnn and DEPVERnn, as in DESI's files, and those of
 * desi/provenance.h. For the files of desi/ and sim/ that write with CFITSIO.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DEPENDENCIES_H
#define FB_DEPENDENCIES_H

#include <fitsio.h>
#include "desi/provenance.h"

/* Add this program, CFITSIO, and the variables of the DESI environment to the header of the current HDU; a name that is
 * there already gets the new version. */
int fb_write_dependencies(fitsfile *file, int *status);

/* Write what is known of how a table was made. */
int fb_write_provenance(fitsfile *file, const struct fb_provenance *made, int *status);

#endif
