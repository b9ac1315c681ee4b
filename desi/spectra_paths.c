/* spectra_paths.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/spectra_paths.h"
#include "fits/system.h"

/* The length of a release's name; 0 if a path was given. "loa/" is a name, since shells complete names in
 * this way. */
static int name_length(const char *release)
{
    size_t length = strcspn(release, "/");
    int dots = strcmp(release, ".") == 0 || strncmp(release, "./", 2) == 0 || strcmp(release, "..") == 0 ||
               strncmp(release, "../", 3) == 0;
    return dots || strspn(release + length, "/") != strlen(release + length) ? 0 : (int)length;
}

char *fb_spectra_root(int mock, const char *mockdir, const char *name, struct fb_error *err)
{
    const char *redux = getenv("DESI_SPECTRO_REDUX"), *desi = getenv("DESI_ROOT");
    const char *release = name ? name : getenv("SPECPROD");
    if (mock && !mockdir)
        return fb_fail(err, "option --mockdir is required with --mock"), NULL;
    if (mock)
        return fb_format("%s", mockdir);
    if (!release || !*release)
        return fb_fail(err, "option --release is required (or SPECPROD in the environment)"), NULL;
    int length = name_length(release);
    if (length == 0)
        return fb_format("%s", release);
    if (redux && *redux)
        return fb_format("%s/%.*s", redux, length, release);
    if (desi && *desi)
        return fb_format("%s/spectro/redux/%.*s", desi, length, release);
    return fb_fail(err,
                   "release %.*s: neither DESI_SPECTRO_REDUX nor DESI_ROOT is set in the environment: set "
                   "one, or "
                   "give the release as a path",
                   length, release),
           NULL;
}

const char *fb_spectra_kind(const struct fb_tree *spectra)
{
    return spectra->scheme == FB_SCHEME_MOCK ? "spectra" : "coadd";
}

char *fb_plain_or_packed(char *path, struct fb_error *err)
{
    if (!path)
        return fb_fail(err, "out of memory"), NULL;
    if (fb_tree_look_for(&path, err) >= 0)
        return path;
    free(path);
    return NULL;
}

char *fb_spectra_path(const struct fb_tree *spectra, int64_t pixel, struct fb_error *err)
{
    return fb_plain_or_packed(fb_tree_path(spectra, fb_spectra_kind(spectra), pixel), err);
}
