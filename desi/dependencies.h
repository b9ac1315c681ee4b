/*
 * dependencies.h - header keywords for the provenance of a file: DEPNAMnn and DEPVERnn, as in DESI's files,
 * those of desi/provenance.h and desi/training.h, and descriptions of columns. Functions return the CFITSIO
 * status. Used by the files of desi/ and sim/ that write with CFITSIO.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DEPENDENCIES_H
#define FB_DEPENDENCIES_H

#include <fitsio.h>
#include "desi/balrow.h"
#include "desi/provenance.h"
#include "desi/training.h"

/* Add the versions of this program and CFITSIO and the variables of the DESI environment to the header of the
 * current HDU. An existing name gets the new version. */
int fb_write_dependencies(fitsfile *file, int *status);

/* Write the keywords of desi/provenance.h that are known. */
int fb_write_provenance(fitsfile *file, const struct fb_provenance *made, int *status);

/* Write the keywords of desi/training.h. */
int fb_write_training(fitsfile *file, const struct fb_training *training, int *status);

/* Write TCOMM, the description of a column; columns count from 1. */
int fb_write_description(fitsfile *file, int column, const char *description, int *status);
/* Write the descriptions of the BAL columns of this use, which follow nbefore other columns. */
int fb_write_descriptions(fitsfile *file, enum fb_balrow_use use, int nbefore, int *status);

#endif
