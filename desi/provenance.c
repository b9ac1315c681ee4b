/* provenance.c - SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "desi/provenance.h"
#include "fits/system.h"

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
    KEY("BALDET  ", detector, "detector", "what BAL_PROB is from"),
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

void fb_provenance_read(struct fb_table *table, struct fb_provenance *made)
{
    memset(made, 0, sizeof *made);
    for (int k = 0; k < FB_NPROVENANCE; k++)
        fb_table_keyword(table, fb_provenance_keys[k].keyword,
                         fb_provenance_place(made, &fb_provenance_keys[k]), fb_provenance_keys[k].size);
}

int fb_same_templates(const char *a, const char *b)
{
    return !a[0] || !b[0] || strcmp(fb_base_name(a), fb_base_name(b)) == 0;
}
