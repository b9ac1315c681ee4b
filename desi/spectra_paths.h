/*
 * spectra_paths.h - where the spectra of a pixel are.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SPECTRA_PATHS_H
#define FB_SPECTRA_PATHS_H

#include <stdint.h>
#include "desi/tree.h"
#include "fits/error.h"

/*
 * The top of the tree of spectra: mockdir for mocks, else the folder of a release (or, with NULL, of $SPECPROD) in
 * $DESI_SPECTRO_REDUX or $DESI_ROOT/spectro/redux. A release that has a slash before its end, "." and ".." are paths;
 * "loa/" is a name. The caller frees it; NULL after an error.
 */
char *fb_spectra_root(int mock, const char *mockdir, const char *release, struct fb_error *err);

/* What the files are called: "coadd", or "spectra" for mocks. */
const char *fb_spectra_kind(const struct fb_tree *spectra);

/* A path that is taken over, or the same with .gz or .fz where only that is there (fb_tree_look_for()); to be freed by the
 * caller. NULL and a line in err where the system can't tell, or path is NULL: out of memory. */
char *fb_plain_or_packed(char *path, struct fb_error *err);
/* The same for the file of a pixel. */
char *fb_spectra_path(const struct fb_tree *spectra, int64_t pixel, struct fb_error *err);

#endif
