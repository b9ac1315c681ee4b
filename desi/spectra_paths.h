/*
 * spectra_paths.h - the paths of spectra.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_SPECTRA_PATHS_H
#define FB_SPECTRA_PATHS_H

#include <stdint.h>
#include "desi/tree.h"
#include "fits/error.h"

/*
 * The root of the tree of spectra: mockdir for mocks, else the folder of a release (NULL: $SPECPROD) in
 * $DESI_SPECTRO_REDUX or $DESI_ROOT/spectro/redux. A release with a slash other than at its end is a path,
 * and so are "." and ".."; "loa/" is a name. The caller frees the string; NULL on failure.
 */
char *fb_spectra_root(int mock, const char *mockdir, const char *release, struct fb_error *err);

/* The prefix of the file names: "coadd", or "spectra" for mocks. */
const char *fb_spectra_kind(const struct fb_tree *spectra);

/* Returns path, or path with .gz or .fz appended if only that exists (fb_tree_look_for()). It takes ownership
 * of path, and the caller frees the result. Returns NULL with an error if the system can't tell, or if path
 * is NULL (out of memory). */
char *fb_plain_or_packed(char *path, struct fb_error *err);
/* The same for the file of a pixel. */
char *fb_spectra_path(const struct fb_tree *spectra, int64_t pixel, struct fb_error *err);

#endif
