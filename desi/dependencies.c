/* dependencies.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fastbal.h"
#include "desi/dependencies.h"
#include "fits/card.h"

/* Write a dependency into the next free pair of keywords, or replace its old version. */
static void write_dependency(fitsfile *file, const char *name, const char *version, int *status)
{
    char key[FLEN_KEYWORD], version_key[FLEN_KEYWORD], card[FLEN_CARD], padded[FLEN_CARD], there[FLEN_VALUE];
    int found = 0;
    for (int n = 0; n < 100 && !found && *status == 0; n++) {
        int missing = 0;
        snprintf(key, sizeof key, "DEPNAM%02d", n);
        snprintf(version_key, sizeof version_key, "DEPVER%02d", n);
        if (fits_read_card(file, key, card, &missing) == KEY_NO_EXIST) {
            fits_clear_errmsg();
            fits_write_key_longstr(file, key, name, NULL, status);
            found = 1;
        } else {
            snprintf(padded, sizeof padded, "%-80s", card); /* CFITSIO strips trailing blanks */
            fb_card_value(padded, there, sizeof there);
            found = strcmp(there, name) == 0;
        }
    }
    if (found)
        fits_update_key_longstr(file, version_key, version, NULL, status);
}

int fb_write_dependencies(fitsfile *file, int *status)
{
    static const char *const variables[] = { "DESI_ROOT", "DESI_SPECTRO_REDUX", "SPECPROD" };
    char version[32];
    float cfitsio;

    write_dependency(file, "fastbal", fastbal_version(), status);
    fits_get_version(&cfitsio);
    snprintf(version, sizeof version, "%.4g", (double)cfitsio);
    write_dependency(file, "cfitsio", version, status);
    for (size_t k = 0; k < sizeof variables / sizeof variables[0]; k++) {
        const char *value = getenv(variables[k]);
        if (value && *value)
            write_dependency(file, variables[k], value, status);
    }
    return *status;
}

int fb_write_provenance(fitsfile *file, const struct fb_provenance *made, int *status)
{
    for (int k = 0; k < FB_NPROVENANCE; k++) {
        const struct fb_provenance_key *key = &fb_provenance_keys[k];
        const char *text = fb_provenance_text(made, key);
        if (text[0])
            fits_write_key_longstr(file, key->keyword, text, key->comment, status);
    }
    return *status;
}

int fb_write_training(fitsfile *file, const struct fb_training *t, int *status)
{
    LONGLONG nspectra = (LONGLONG)t->nspectra, seed = t->seed;
    fits_write_key_longstr(file, "TRNCAT", t->catalog, "catalog of the quasars learnt from", status);
    fits_write_key_longstr(file, "TRNPROD", t->product, "spectra learnt from", status);
    fits_write_key_longstr(file, "TRNOPTS", t->options, "part of them", status);
    fits_write_key(file, TLONGLONG, "TRNNSPEC", &nspectra, "spectra learnt from", status);
    fits_write_key(file, TLONGLONG, "TRNSEED", &seed, "seed of simulated troughs", status);
    return *status;
}

int fb_write_description(fitsfile *file, int column, const char *description, int *status)
{
    char key[24];
    snprintf(key, sizeof key, "TCOMM%d", column);
    return fits_update_key_str(file, key, description, NULL, status);
}

int fb_write_descriptions(fitsfile *file, enum fb_balrow_use use, int nbefore, int *status)
{
    for (const struct fb_balrow_column *c = NULL; (c = fb_balrow_next(c, use)) != NULL;)
        fb_write_description(file, ++nbefore, c->description, status);
    return *status;
}
