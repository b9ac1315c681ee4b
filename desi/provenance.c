/* provenance.c - SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "desi/provenance.h"

#define KEY(keyword, member, words, comment)                             \
    {                                                                    \
        keyword, comment, words, offsetof(struct fb_provenance, member), \
            sizeof(((struct fb_provenance *)NULL)->member)               \
    }

const struct fb_provenance_key fb_provenance_keys[FB_NPROVENANCE] = {
    KEY("QSOTEMPS", templates, "templates", "continuum templates"),
    KEY("TEMPSUM ", sum, "checksum of the templates", "checksum of the templates"),
    KEY("BALFIT  ", fit, "fit", "how the continuum was fitted"),
    KEY("BALRULES", rules, "rules", "what troughs were found by"),
    KEY("BALCONT ", continuum, "continuum", "what the continuum was fitted to"),
    KEY("BALPROD ", product, "specprod", "spectra measured"),
};

const char *fb_provenance_text(const struct fb_provenance *made, const struct fb_provenance_key *key)
{
    return (const char *)made + key->offset;
}

char *fb_provenance_place(struct fb_provenance *made, const struct fb_provenance_key *key)
{
    return (char *)made + key->offset;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int fb_same_templates(const char *a, const char *b)
{
    return !a[0] || !b[0] || strcmp(last_part(a), last_part(b)) == 0;
}
