/* spectra.c - SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include "desi/joined.h"
#include "desi/spectra.h"

/* A file, and the parts requested. Parts of targets that are not in the file have row -1 and come first. */
struct source {
    struct fb_joined joined;
    struct fb_part *parts; /* owned: n */
    size_t n, missing;     /* missing: parts whose target is not in the file */
    int whole;             /* read all pixels */
};

struct fb_spectra {
    struct source source[2];
    int now;             /* index of the current source; the other is for the next file */
    int is_ahead;        /* the next file is open */
    size_t at;           /* the next part */
    size_t loaded;       /* the end of the batch of parts loaded, */
    size_t batch;        /* and its beginning */
    double *flux, *ivar; /* owned: room pixels each */
    size_t room;
    int cold;
};

static int by_row(const void *a, const void *b)
{
    const struct fb_part *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->request > y->request) - (x->request < y->request);
}

/* DEVIATION repeated-targets: where a TARGETID repeats, the reference fills only one of its rows. */
static int find_parts(struct source *s, const struct fb_redshifts *redshifts, struct fb_error *err)
{
    const fastbal_grid *grid = s->joined.grid;
    free(s->parts);
    s->parts = malloc((redshifts->n + 1) * sizeof *s->parts);
    if (!s->parts)
        return fb_fail(err, "%s: out of memory for %zu targets", s->joined.coadd.path, redshifts->n);
    s->n = redshifts->n;
    for (size_t i = 0; i < s->n; i++) {
        struct fb_part *part = &s->parts[i];
        part->request = i;
        part->row = fb_targets_find(&s->joined.coadd.targets, redshifts->rows[i].targetid);
        fastbal_measured_range(fastbal_grid_size(grid), fastbal_grid_wavelength(grid), redshifts->rows[i].z,
                               &part->begin, &part->end);
        if (s->whole) {
            part->begin = 0;
            part->end = fastbal_grid_size(grid);
        }
    }
    /* in file order, so that neighbours are read together */
    qsort(s->parts, s->n, sizeof *s->parts, by_row);
    s->missing = 0;
    while (s->missing < s->n && s->parts[s->missing].row < 0)
        s->missing++;
    return 0;
}

/* Open a file, find its parts, and announce them. Returns the same as fb_joined_ahead(), or -1. */
static int open_source(struct source *s, const char *path, const struct fb_redshifts *redshifts,
                       struct fb_error *err)
{
    double start = fb_seconds();
    int status = -1;
    s->n = s->missing = 0;
    if (fb_joined_open(&s->joined, path, err) == 0 && find_parts(s, redshifts, err) == 0)
        status = fb_joined_ahead(&s->joined, s->parts + s->missing, s->n - s->missing);
    s->joined.coadd.hdus.file.stats.seconds += fb_seconds() - start;
    return status;
}

static int make_room(struct fb_spectra *spectra, const struct fb_joined *joined, struct fb_error *err)
{
    size_t n = fastbal_grid_size(joined->grid);
    if (n <= spectra->room)
        return 0;
    free(spectra->flux);
    free(spectra->ivar);
    spectra->flux = malloc(n * sizeof *spectra->flux);
    spectra->ivar = malloc(n * sizeof *spectra->ivar);
    spectra->room = spectra->flux && spectra->ivar ? n : 0;
    return spectra->room ? 0 : fb_fail(err, "%s: out of memory for %zu pixels", joined->coadd.path, n);
}

int fb_spectra_open(struct fb_spectra **out, const char *path, const struct fb_redshifts *redshifts,
                    struct fb_error *err)
{
    struct fb_spectra *spectra = *out ? *out : calloc(1, sizeof *spectra);
    if (!spectra)
        return fb_fail(err, "%s: out of memory", path);
    *out = spectra;
    struct source *ahead = &spectra->source[!spectra->now];
    int cold;
    if (spectra->is_ahead && strcmp(ahead->joined.coadd.path, path) == 0) {
        spectra->now = !spectra->now;
        cold = find_parts(ahead, redshifts, err);
    } else {
        cold = open_source(&spectra->source[spectra->now], path, redshifts, err);
    }
    spectra->is_ahead = 0;
    struct source *s = &spectra->source[spectra->now];
    spectra->at = 0;
    spectra->loaded = s->missing;
    if (cold < 0 || make_room(spectra, &s->joined, err) != 0)
        return -1;
    spectra->cold |= cold;
    return 0;
}

void fb_spectra_ahead(struct fb_spectra **out, const char *path, const struct fb_redshifts *redshifts)
{
    struct fb_spectra *spectra = *out;
    struct fb_error ignored;
    if (spectra && redshifts->n > 0)
        spectra->is_ahead = open_source(&spectra->source[!spectra->now], path, redshifts, &ignored) >= 0;
}

struct fb_spectra *fb_spectra_create_whole(void)
{
    struct fb_spectra *spectra = calloc(1, sizeof *spectra);
    if (spectra)
        spectra->source[0].whole = spectra->source[1].whole = 1;
    return spectra;
}

void fb_spectra_close(struct fb_spectra *spectra)
{
    if (!spectra)
        return;
    for (int i = 0; i < 2; i++) {
        fb_joined_release(&spectra->source[i].joined);
        free(spectra->source[i].parts);
    }
    free(spectra->flux);
    free(spectra->ivar);
    free(spectra);
}

int fb_spectra_next(struct fb_spectra *spectra, struct fb_spectrum *spectrum, struct fb_error *err)
{
    struct source *s = &spectra->source[spectra->now];
    struct fb_joined *joined = &s->joined;
    if (spectra->at == s->n)
        return 0;
    const struct fb_part *part = &s->parts[spectra->at];
    *spectrum = (struct fb_spectrum){ .request = part->request };
    if (part->row >= 0) {
        if (spectra->at == spectra->loaded) {
            size_t left = s->n - spectra->at, n = left < FB_BATCH ? left : FB_BATCH;
            double start = fb_seconds();
            int failed = fb_joined_load(joined, part, n, err);
            joined->coadd.hdus.file.stats.seconds += fb_seconds() - start;
            if (failed)
                return -1;
            spectra->batch = spectra->at;
            spectra->loaded += n;
        }
        fb_joined_spectrum(joined, spectra->at - spectra->batch, spectra->flux, spectra->ivar);
        *spectrum = (struct fb_spectrum){ part->request,
                                          1,
                                          fastbal_grid_size(joined->grid),
                                          fastbal_grid_wavelength(joined->grid),
                                          spectra->flux,
                                          spectra->ivar,
                                          joined->coadd.targets.ra[part->row],
                                          joined->coadd.targets.dec[part->row] };
    }
    spectra->at++;
    return 1;
}

int fb_spectra_has_exposures(const struct fb_spectra *spectra)
{
    return spectra->source[spectra->now].joined.coadd.targets.repeat;
}

int fb_spectra_is_cold(const struct fb_spectra *spectra)
{
    return spectra && spectra->cold;
}

struct fb_io_stats fb_spectra_io(const struct fb_spectra *spectra)
{
    struct fb_io_stats total = { 0 };
    for (int i = 0; spectra && i < 2; i++)
        fb_io_stats_add(&total, &spectra->source[i].joined.coadd.hdus.file.stats);
    return total;
}
