/*
 * fastbal.h - measure broad absorption lines (BALs) in the spectrum of one quasar.
 *
 * The library works on one spectrum in memory. It reads no files, starts no threads, keeps no global
 * state, never prints and never exits. What it computes is described step by step in docs/algorithm.md;
 * section numbers below (§) refer to that page.
 *
 * The smallest complete use:
 *
 *     fastbal_templates *templates;
 *     fastbal_workspace *work = fastbal_workspace_create();
 *     struct fastbal_result result;
 *     fastbal_templates_create(&templates, nwave, wavelength, ntemplates, values);
 *     struct fastbal_spectrum spectrum = { n, observed_wavelength, flux, ivar, z };
 *     if (fastbal_measure(work, templates, &spectrum, &result) == FASTBAL_OK)
 *         printf("AI = %.1f km/s\n", result.civ.ai.index);
 *     fastbal_workspace_free(work);
 *     fastbal_templates_free(templates);
 *
 * Units: wavelengths in Angstrom, velocities and indices in km/s (troughs: positive is blueshifted, towards
 * the observer), flux in any unit F, ivar in F^-2. All arrays are contiguous; the caller owns what it passes
 * in.
 *
 * Threads: templates and grids do not change once created and may be shared by any number of threads. A
 * workspace belongs to one thread at a time. Functions without a workspace are safe in any thread.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FASTBAL_H
#define FASTBAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FASTBAL_VERSION "0.1.0"

/* Status codes. Everything but FASTBAL_OK leaves the outputs unspecified unless a function says otherwise. */
enum fastbal_status {
    FASTBAL_OK = 0,
    FASTBAL_ENOMEM,      /* out of memory */
    FASTBAL_EARGUMENT,   /* NULL, zero or out of range argument */
    FASTBAL_EWAVELENGTH, /* wavelengths are not finite, positive and increasing */
    FASTBAL_ETEMPLATES   /* template values are not finite, or too many templates */
};

/* A constant English phrase for a status code, without a full stop; never NULL. */
const char *fastbal_strerror(int status);

/* The version of the library, as FASTBAL_VERSION was when it was built. */
const char *fastbal_version(void);

enum {
    FASTBAL_MAX_AI = 17,        /* troughs kept for the absorption index, minimum width 450 km/s */
    FASTBAL_MAX_BI = 5,         /* troughs kept for the balnicity index, minimum width 2000 km/s */
    FASTBAL_MAX_TEMPLATES = 32, /* most components a template set may have */
    FASTBAL_MAX_CAMERAS = 8     /* most cameras that can be joined */
};

/* Redshifts the finder applies to, both ends in: where C IV and its blue side are within 3600-9824 A. */
#define FASTBAL_Z_MIN 1.57
#define FASTBAL_Z_MAX 5.0

/* BALSTATUS bits: why a spectrum could not be measured, or what to know about its measurement. */
enum fastbal_balstatus {
    FASTBAL_NO_CIV = 1,         /* the spectrum does not cover C IV and its blue side */
    FASTBAL_FEW_PIXELS = 2,     /* not more good pixels in the fit range than templates */
    FASTBAL_SINGULAR = 4,       /* the templates are degenerate on the good pixels */
    FASTBAL_MORE_TROUGHS = 8,   /* more troughs were found than can be kept */
    FASTBAL_LOW_SIGNAL = 16,    /* the signal is too low for C IV troughs to be searched */
    FASTBAL_NOT_CONVERGED = 32, /* the mask still changed after the last iteration */
    FASTBAL_NO_SPECTRUM = 64,   /* there is no spectrum of this target (set by callers, not by the library) */
    FASTBAL_NO_DIFFERENCE = 128, /* the continuum is negative in C IV, so Si IV troughs can't be measured */
    FASTBAL_CHI2_LIMIT = 256,    /* the fit is so bad that no troughs are reported */
    FASTBAL_NEGATIVE_MODEL = 512 /* the continuum is negative in C IV, so no C IV troughs were searched */
};
/* The bits that mean "not measured". */
#define FASTBAL_NOT_MEASURED \
    (FASTBAL_NO_CIV | FASTBAL_FEW_PIXELS | FASTBAL_SINGULAR | FASTBAL_NO_SPECTRUM | FASTBAL_NO_DIFFERENCE)

/* ---- Joining cameras (§1) ---------------------------------------------------------------------------- */

/* One camera's wavelengths, increasing. */
struct fastbal_camera {
    const double *wavelength;
    size_t n; /* at least 2 */
};

/* One target's pixels in one camera; arrays as long as that camera's wavelengths. */
struct fastbal_pixels {
    const float *flux;
    const float *ivar;
    const int32_t *mask; /* 0 is good; may be NULL. Only resampling looks at it. */
};

typedef struct fastbal_grid fastbal_grid;

/*
 * Plan how cameras (in order of wavelength) are joined into one spectrum. Where all their pixels lie on one
 * grid within 1e-4 A, pixels are copied and overlaps averaged; otherwise the spectrum is resampled to
 * start + 0.8 k A. A single camera is used as it is.
 *
 *   cameras, ncameras  1 to FASTBAL_MAX_CAMERAS; copied, need not outlive the call
 *   start              first wavelength of the resampled grid: 3600, or the first of the first camera for
 *                      files that carry resolution matrices
 *
 * On success *grid is the plan, to be freed by fastbal_grid_free(); otherwise it is NULL.
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT or FASTBAL_EWAVELENGTH.
 */
int fastbal_grid_create(fastbal_grid **grid, const struct fastbal_camera *cameras, int ncameras,
                        double start);
void fastbal_grid_free(fastbal_grid *grid); /* NULL is allowed */

size_t fastbal_grid_size(const fastbal_grid *grid);              /* pixels of the joined spectrum */
const double *fastbal_grid_wavelength(const fastbal_grid *grid); /* observed; lives as long as the grid */
int fastbal_grid_resamples(const fastbal_grid *grid);            /* 1 where resampling is needed, else 0 */

/*
 * Join the pixels of one target. Pixels with a flux or ivar that is not finite, or a negative ivar, count as
 * flux = ivar = 0.
 *
 *   cameras     as many, and in the order, as the grid was created with
 *   flux, ivar  outputs of fastbal_grid_size() pixels
 *
 * Cannot fail.
 */
void fastbal_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, double *flux, double *ivar);

/*
 * The same for pixels [begin, end) of the joined spectrum alone; the others of flux and ivar are left as they
 * are. Of a camera only the pixels [*first, *last) that fastbal_grid_pixels() tells are looked at (first =
 * last where there are none).
 */
void fastbal_join_range(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin,
                        size_t end, double *flux, double *ivar);
void fastbal_grid_pixels(const fastbal_grid *grid, int camera, size_t begin, size_t end, size_t *first,
                         size_t *last);

/* ---- Templates (§3) -------------------------------------------------------------------------------- */

typedef struct fastbal_templates fastbal_templates;

/*
 * A set of continuum components that spectra are fitted with.
 *
 *   wavelength   rest frame, increasing, from 1e-30 to 1e30, nwave >= 2
 *   values       ntemplates x nwave, one template after the other, ntemplates 1 to FASTBAL_MAX_TEMPLATES
 *
 * The arrays are copied. On success *templates is to be freed by fastbal_templates_free(), otherwise it is
 * NULL. Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT, FASTBAL_EWAVELENGTH or FASTBAL_ETEMPLATES.
 */
int fastbal_templates_create(fastbal_templates **templates, size_t nwave, const double *wavelength,
                             int ntemplates, const double *values);
void fastbal_templates_free(fastbal_templates *templates); /* NULL is allowed */

int fastbal_templates_count(const fastbal_templates *templates);   /* components */
size_t fastbal_templates_size(const fastbal_templates *templates); /* wavelengths */
const double *fastbal_templates_wavelength(const fastbal_templates *templates);
double fastbal_templates_value(const fastbal_templates *templates, int component, size_t i);

/* The templates that come with the program; created and freed like any other set. */
int fastbal_templates_builtin(fastbal_templates **templates);

/* ---- Measuring (§2 to §6) --------------------------------------------------------------------------- */

struct fastbal_spectrum {
    size_t n;
    const double *wavelength; /* observed frame, increasing */
    const double *flux;       /* finite */
    const double *ivar;       /* finite, >= 0; 0 marks a pixel that was not observed */
    double z;                 /* > -1 */
};

/* The troughs of one kind in one line; troughs are packed from index 0, unused entries are -1. With
 * FASTBAL_RULES_OPTIMIZE there may be troughs whose index is 0. */
struct fastbal_troughs {
    int count;
    double index;                  /* AI or BI: sum over the troughs, km/s */
    double error;                  /* its standard error, km/s; always finite */
    double vmin[FASTBAL_MAX_AI];   /* red edge, km/s; for BI only the first FASTBAL_MAX_BI are used */
    double vmax[FASTBAL_MAX_AI];   /* blue edge, km/s */
    double posmin[FASTBAL_MAX_AI]; /* velocity of the deepest pixel, km/s */
    double fmin[FASTBAL_MAX_AI];   /* flux over continuum there */
};

struct fastbal_line {
    struct fastbal_troughs ai; /* absorption index: 0 to 25000 km/s */
    struct fastbal_troughs bi; /* balnicity index: 3000 to 25000 km/s */
};

struct fastbal_result {
    uint32_t status; /* BALSTATUS bits */
    int ntemplates;
    int iterations; /* fits made, 1 to 10; 0 where not measured */
    double coeffs[FASTBAL_MAX_TEMPLATES];
    double chi2; /* reduced, of the last fit */
    struct fastbal_line civ;
    struct fastbal_line siiv;
    /* medians of flux/sigma; -1 where not covered, snr_civ also with FASTBAL_NEGATIVE_MODEL */
    double snr_civ, snr_redside, snr_forest;
};

/* How the continuum is fitted (§4). */
enum fastbal_fit {
    FASTBAL_FIT_EXACT = 0, /* the least-squares solution */
    FASTBAL_FIT_SIMPLEX    /* where the published catalogs' simplex search for it ends */
};

/* Whose rules decide what a trough is and what is masked (docs/algorithm.md, §8). */
enum fastbal_rules {
    FASTBAL_RULES_MAIN = 0, /* the reference's main branch */
    FASTBAL_RULES_OPTIMIZE  /* its optimised branch */
};

/* What may be chosen. All zero is the default, and stays so when members are added at the end. */
struct fastbal_options {
    int fit;   /* enum fastbal_fit */
    int rules; /* enum fastbal_rules */
};

typedef struct fastbal_workspace fastbal_workspace;

/* Scratch memory for measuring; grows to the longest spectrum it has seen. NULL if out of memory. */
fastbal_workspace *fastbal_workspace_create(void);
void fastbal_workspace_free(fastbal_workspace *work); /* NULL is allowed */

/*
 * Measure one spectrum: fit the continuum, search C IV and Si IV troughs, mask them, and repeat until the
 * mask is stable.
 *
 * A spectrum that can't be measured is no error: the call returns FASTBAL_OK and result->status says why;
 * troughs and signal-to-noise are then -1 and everything else 0.
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT (z not finite or <= -1, NULL pointers) or
 * FASTBAL_EWAVELENGTH. Flux and ivar are checked like in fastbal_join(); those beyond 1e90, and ivar from 0 to 1e-90,
 * count as 0 as well. The numbers of a result are finite whatever the input: a fit that overflows is FASTBAL_SINGULAR,
 * and a line whose troughs can't be divided by the continuum has none.
 */
int fastbal_measure(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, struct fastbal_result *result);

/* The same with options; NULL are the defaults. FASTBAL_EARGUMENT also where an option has no such value. */
int fastbal_measure_with(fastbal_workspace *work, const fastbal_templates *templates,
                         const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                         struct fastbal_result *result);

/*
 * The pixels [*begin, *end) of a spectrum that fastbal_measure() looks at; those outside may hold anything,
 * and need not be read or joined. Wavelengths must be as fastbal_measure() wants them. Cannot fail.
 */
void fastbal_measured_range(size_t n, const double *wavelength, double z, size_t *begin, size_t *end);

/* A result that says "not measured", with the given BALSTATUS bits. */
void fastbal_result_clear(struct fastbal_result *result, int ntemplates, uint32_t status);

/*
 * The continuum of a result, sum of coeffs[k] * template k at wavelength[i] / (1 + z), into continuum[n].
 * Wavelengths in any order, z > -1. Cannot fail.
 */
void fastbal_continuum(const fastbal_templates *templates, const double *coeffs, double z, size_t n,
                       const double *wavelength, double *continuum);

#ifdef __cplusplus
}
#endif
#endif
