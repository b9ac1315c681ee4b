/*
 * fastbal.h - measure broad absorption lines (BALs) in the spectra of quasars.
 *
 * The library works on spectra in memory. It reads no files, starts no threads, keeps no global state, never
 * prints and never exits. It needs the C library and libm alone. docs/algorithm.md describes what it
 * computes, step by step; section numbers below (§) refer to that page.
 *
 * One spectrum, from start to end:
 *
 *     #include <stdio.h>
 *     #include <fastbal.h>
 *
 *     // Measure one spectrum with the built-in templates, and print what was found.
 *     static int measure(size_t n, const double *wavelength, const double *flux, const double *ivar, double z)
 *     {
 *         struct fastbal_spectrum spectrum = { n, wavelength, flux, ivar, z };
 *         struct fastbal_result result;
 *         fastbal_templates *templates = NULL;
 *         fastbal_workspace *work = fastbal_workspace_create();
 *         int status = work ? fastbal_templates_builtin(&templates) : FASTBAL_ENOMEM;
 *
 *         if (status == FASTBAL_OK)
 *             status = fastbal_measure(work, templates, &spectrum, NULL, &result);
 *         if (status != FASTBAL_OK)
 *             fprintf(stderr, "%s: %s\n", fastbal_strerror(status), fastbal_error(work));
 *         else if (result.status & FASTBAL_NOT_MEASURED)
 *             printf("not measured, BALSTATUS %u\n", (unsigned)result.status);
 *         else
 *             printf("AI %.1f km/s, BI %.1f km/s\n", result.civ.ai.index, result.civ.bi.index);
 *         for (int k = 0; status == FASTBAL_OK && k < result.civ.ai.count; k++)
 *             printf("trough from %.0f to %.0f km/s\n", result.civ.ai.vmin[k], result.civ.ai.vmax[k]);
 *         fastbal_templates_free(templates);
 *         fastbal_workspace_free(work);
 *         return status;
 *     }
 *
 * examples/measure.c is a whole program around it. Many spectra are measured with the same templates and
 * workspace, one by one or with fastbal_measure_batch().
 *
 * Units: wavelengths in Angstrom, velocities and indices in km/s (of troughs: positive is blueshifted,
 * towards the observer), flux in any unit F, ivar (the inverse variance of flux) in F^-2.
 *
 * Ownership: the caller owns all arrays, which are contiguous. Objects copy what they are created from. Every
 * fastbal_..._create() and fastbal_templates_builtin() has a fastbal_..._free(), to which NULL may be passed.
 *
 * Errors: functions that can fail return an enum fastbal_status. On failure a pointer to a new object is set
 * to NULL, and no other output but the message is written. A pointer must not be NULL unless its comment allows it.
 *
 * Threads: templates and grids do not change once created and may be shared by any number of threads. A
 * workspace belongs to one thread at a time. Functions without a workspace are safe in any thread.
 *
 * Results do not depend on the compiler, the processor or the number of threads.
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

/* Before 1.0, versions with the same major and minor number are compatible. */
#define FASTBAL_VERSION_MAJOR 0
#define FASTBAL_VERSION_MINOR 2
#define FASTBAL_VERSION_PATCH 0
#define FASTBAL_VERSION "0.2.0"

/* Marks what the shared library exports. */
#if defined(__GNUC__)
#define FASTBAL_API __attribute__((visibility("default")))
#else
#define FASTBAL_API
#endif

/* ---- Errors and limits ------------------------------------------------------------------------------- */

enum fastbal_status {
    FASTBAL_OK = 0,
    FASTBAL_ENOMEM,      /* out of memory */
    FASTBAL_EARGUMENT,   /* a NULL pointer, or an argument out of range */
    FASTBAL_EWAVELENGTH, /* wavelengths are not finite, positive and increasing */
    FASTBAL_ETEMPLATES,  /* template values are not finite, or there are too many templates */
    FASTBAL_EPRIOR,      /* a prior is not finite, symmetric and positive definite, or a misfit is negative */
    FASTBAL_EDETECTOR /* a detector has a number that is not finite, a slope <= 0, or another number of weights */
};

/* A constant English phrase for a status, without a full stop; never NULL, whatever the number. */
FASTBAL_API const char *fastbal_strerror(int status);

/* One line that describes an invalid input: the element, what was expected and what was found. Empty if there
 * was no error. Indices count from 0. It is meant for people; its wording may change. */
struct fastbal_message {
    char text[200];
};

/* The version of the library at run time, as FASTBAL_VERSION; a constant. */
FASTBAL_API const char *fastbal_version(void);

enum {
    FASTBAL_MAX_AI = 17,          /* troughs kept for the absorption index, minimum width 450 km/s */
    FASTBAL_MAX_BI = 5,           /* troughs kept for the balnicity index, minimum width 2000 km/s */
    FASTBAL_MAX_TEMPLATES = 32,   /* most components a template set may have */
    FASTBAL_MAX_CAMERAS = 8,      /* most cameras that can be joined */
    FASTBAL_DETECTOR_CELLS = 176, /* sizes in struct fastbal_detector_trace */
    FASTBAL_DETECTOR_CHANNELS = 14,
    FASTBAL_DETECTOR_SCALARS = 4,
    FASTBAL_DETECTOR_POOLED = 38,
    FASTBAL_MAX_DETECTED = 8 /* troughs kept of those that a detector finds */
};

/* The redshift range of the finder, inclusive: C IV and its blue side are within 3600-9824 A. */
#define FASTBAL_Z_MIN 1.57
#define FASTBAL_Z_MAX 5.0

/* The rest-frame range of the continuum fit, A (§3). */
#define FASTBAL_FIT_MIN 1261.0
#define FASTBAL_FIT_MAX 2399.0

/* The speed of light in km/s. */
#define FASTBAL_LIGHT_SPEED 299792.458

/* BALSTATUS bits: why a spectrum could not be measured, or what to know about its measurement. */
enum fastbal_balstatus {
    FASTBAL_NO_CIV = 1,       /* the spectrum does not cover C IV and its blue side */
    FASTBAL_FEW_PIXELS = 2,   /* not more good pixels in the fit range than templates */
    FASTBAL_SINGULAR = 4,     /* the templates are degenerate on the good pixels */
    FASTBAL_MORE_TROUGHS = 8, /* more troughs were found than can be kept */
    FASTBAL_LOW_SIGNAL = 16,  /* the signal is too low for a search for C IV troughs */
    FASTBAL_NOT_CONVERGED =
        32, /* the mask, or the trough-aware continuum, still changed after the last iteration */
    FASTBAL_NO_SPECTRUM = 64, /* there is no spectrum of this target (set by callers, not by the library) */
    FASTBAL_NO_DIFFERENCE = 128,  /* the continuum is negative in C IV, so Si IV troughs can't be measured */
    FASTBAL_CHI2_LIMIT = 256,     /* the fit is so bad that no troughs are reported */
    FASTBAL_NEGATIVE_MODEL = 512, /* the continuum is negative in C IV, so no troughs were sought there */
    FASTBAL_BAD_REDSHIFT = 1024,  /* in a batch: the redshift is not a finite number above -1 */
    FASTBAL_NOT_TRAINED = 2048    /* the spectrum is outside the range that the detector was trained on */
};
/* The bits that mean "not measured". */
#define FASTBAL_NOT_MEASURED                                                                                \
    (FASTBAL_NO_CIV | FASTBAL_FEW_PIXELS | FASTBAL_SINGULAR | FASTBAL_NO_SPECTRUM | FASTBAL_NO_DIFFERENCE | \
     FASTBAL_BAD_REDSHIFT)

/* ---- Joining cameras (§1) ---------------------------------------------------------------------------- */

/* One camera's observed wavelengths, increasing. */
struct fastbal_camera {
    const double *wavelength;
    size_t n; /* at least 2 */
};

/* The pixels of one target in one camera, one for each of the camera's wavelengths. */
struct fastbal_pixels {
    const float *flux;
    const float *ivar;
    const int32_t *mask; /* 0 is good; may be NULL. Used only for resampling. */
};

/* How cameras are joined into one spectrum. */
typedef struct fastbal_grid fastbal_grid;

/*
 * Plan how cameras are joined into one spectrum. If all their pixels lie on one grid within 1e-4 A, pixels
 * are copied and overlaps averaged; otherwise they are resampled to start + 0.8 k A. A single camera is used
 * unchanged.
 *
 *   grid               the plan, to be freed by fastbal_grid_free(); NULL on failure
 *   cameras, ncameras  1 to FASTBAL_MAX_CAMERAS, in order of wavelength
 *   start              first wavelength of the resampled spectrum, A: 3600, or the first wavelength of the
 *                      first camera for files with resolution matrices. Used only if cameras are resampled.
 *   message            says why the call failed, or is empty if it succeeded; may be NULL
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT (also where grid, cameras or a camera's wavelength is
 * NULL) or FASTBAL_EWAVELENGTH (also where the resampled spectrum would have fewer than 2 or more than a
 * million pixels).
 */
FASTBAL_API int fastbal_grid_create(fastbal_grid **grid, const struct fastbal_camera *cameras, int ncameras,
                                    double start, struct fastbal_message *message);
FASTBAL_API void fastbal_grid_free(fastbal_grid *grid); /* NULL is allowed */

/* Properties of a grid: the number of pixels of the joined spectrum; their observed wavelengths in A, valid
 * as long as the grid; and 1 if cameras are resampled, else 0. */
FASTBAL_API size_t fastbal_grid_size(const fastbal_grid *grid);
FASTBAL_API const double *fastbal_grid_wavelength(const fastbal_grid *grid);
FASTBAL_API int fastbal_grid_resamples(const fastbal_grid *grid);

/*
 * Join the pixels of one target. A pixel whose flux or ivar is not finite, or whose ivar is negative, counts
 * as flux = ivar = 0.
 *
 *   cameras     those that the grid was created with, in the same order
 *   flux, ivar  outputs of fastbal_grid_size() pixels, in the unit of the input; must not overlap it
 *
 * Cannot fail.
 */
FASTBAL_API void fastbal_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, double *flux,
                              double *ivar);

/*
 * The same for pixels [begin, end) of the joined spectrum only; the other pixels of flux and ivar are
 * unchanged. flux and ivar point to pixel 0; begin <= end <= fastbal_grid_size(). Cannot fail.
 */
FASTBAL_API void fastbal_join_range(const fastbal_grid *grid, const struct fastbal_pixels *cameras,
                                    size_t begin, size_t end, double *flux, double *ivar);

/*
 * The pixels [*first, *last) of a camera (counted from 0) that fastbal_join_range() reads; *first = *last if
 * there are none. Cannot fail.
 */
FASTBAL_API void fastbal_grid_pixels(const fastbal_grid *grid, int camera, size_t begin, size_t end,
                                     size_t *first, size_t *last);

/* ---- Templates (§3) -------------------------------------------------------------------------------- */

/* A set of continuum components that spectra are fitted with. */
typedef struct fastbal_templates fastbal_templates;

/*
 *   templates    the set, to be freed by fastbal_templates_free(); NULL on failure
 *   wavelength   rest frame, increasing, from 1e-30 to 1e30 A, nwave >= 2; between them templates are linear,
 *                and beyond the ends they keep the value of the end
 *   values       ntemplates x nwave, one template after the other, ntemplates 1 to FASTBAL_MAX_TEMPLATES, in
 *                any unit
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT (also where a pointer is NULL), FASTBAL_EWAVELENGTH
 * or FASTBAL_ETEMPLATES.
 */
FASTBAL_API int fastbal_templates_create(fastbal_templates **templates, size_t nwave,
                                         const double *wavelength, int ntemplates, const double *values);

/* Statistics of the population of quasars that the templates describe. The first template is its mean
 * spectrum. The trough-aware continuum uses them (§4). */
struct fastbal_prior {
    const double *mean;       /* of the coefficient ratios c_k / c_0, k = 1 .. ntemplates - 1 */
    const double *covariance; /* (ntemplates - 1) x (ntemplates - 1), symmetric, positive definite */
    const double *misfit;     /* relative error of the templates at each wavelength: nwave, >= 0 */
};

/*
 * The same with a prior. If prior is NULL, the set has none, as with fastbal_templates_create().
 *
 * Also returns FASTBAL_EPRIOR: if ntemplates is 1, a number is not finite, a misfit is negative, or the
 * covariance is not symmetric to 1e-9 of the diagonal or not positive definite (its condition number, scaled
 * to a unit diagonal, is above 1e12).
 */
FASTBAL_API int fastbal_templates_create_with_prior(fastbal_templates **templates, size_t nwave,
                                                    const double *wavelength, int ntemplates,
                                                    const double *values, const struct fastbal_prior *prior);
/* The prior that a set was created with; its arrays are valid as long as the set. Returns 1, or 0 and NULL
 * pointers if there is none. */
FASTBAL_API int fastbal_templates_prior(const fastbal_templates *templates, struct fastbal_prior *prior);
/* The set that comes with the library (templates/README.md); created, freed and failing like any other. */
FASTBAL_API int fastbal_templates_builtin(fastbal_templates **templates);
FASTBAL_API void fastbal_templates_free(fastbal_templates *templates); /* NULL is allowed */

/* Properties of a set: the number of components; the number of wavelengths; the wavelengths, which are valid
 * as long as the set; and the value of one component, counted from 0, at wavelength i. */
FASTBAL_API int fastbal_templates_count(const fastbal_templates *templates);
FASTBAL_API size_t fastbal_templates_size(const fastbal_templates *templates);
FASTBAL_API const double *fastbal_templates_wavelength(const fastbal_templates *templates);
FASTBAL_API double fastbal_templates_value(const fastbal_templates *templates, int component, size_t i);

/* ---- The detector (§9) ------------------------------------------------------------------------------ */

/* A trained neural network, the net, that judges from the residuals of a trough-aware continuum whether a
 * quasar has outflows. It does not change once created, and may be shared by any number of threads. */
typedef struct fastbal_detector fastbal_detector;

/* How a logit becomes a probability, 1 / (1 + exp(-(slope x logit + intercept))), and the limits of the
 * training spectra (enum fastbal_limit). most_chi2 is the limit on the reduced chi-square minus 1. */
struct fastbal_calibration {
    double slope, intercept; /* slope > 0 */
    double least_signal, most_signal, most_chi2, most_masked;
};

/*
 * Create a detector from its weights and calibration.
 *
 *   detector  to be freed by fastbal_detector_free(); NULL on failure
 *   name      at most 12 characters of it are kept
 *   weights   the nweights weights of the net, in the order of §9
 *   message   says why the call failed, or is empty if it succeeded; may be NULL
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT (a NULL pointer) or FASTBAL_EDETECTOR.
 */
FASTBAL_API int fastbal_detector_create(fastbal_detector **detector, const char *name, size_t nweights,
                                        const double *weights, const struct fastbal_calibration *calibration,
                                        struct fastbal_message *message);
/* The detector that comes with the library (docs/detector.md). Returns FASTBAL_OK or FASTBAL_ENOMEM. */
FASTBAL_API int fastbal_detector_builtin(fastbal_detector **detector);
FASTBAL_API void fastbal_detector_free(fastbal_detector *detector); /* NULL is allowed */
/* Its name and a checksum of its numbers, as in "builtin 1f2e3d4c"; valid as long as the detector. */
FASTBAL_API const char *fastbal_detector_name(const fastbal_detector *detector);
/* Its *nweights weights, rounded to float; valid as long as the detector. */
FASTBAL_API const float *fastbal_detector_weights(const fastbal_detector *detector, size_t *nweights);
/* The edges of the net's cells: FASTBAL_DETECTOR_CELLS + 1 rest wavelengths in A, increasing; valid as long
 * as the detector. */
FASTBAL_API const double *fastbal_detector_edges(const fastbal_detector *detector);
/* The calibration that it was created with; valid as long as the detector. */
FASTBAL_API const struct fastbal_calibration *fastbal_detector_calibration(const fastbal_detector *detector);

/* ---- Measuring (§2 to §6) --------------------------------------------------------------------------- */

struct fastbal_spectrum {
    size_t n;                 /* at least 2 */
    const double *wavelength; /* n, observed frame, increasing */
    const double *flux;       /* n */
    const double *ivar;       /* n; 0 marks a pixel that was not observed */
    double z;                 /* redshift, > -1 */
};

/* The troughs of one kind in one line. They are stored from index 0 on. Unused entries of vmin, vmax,
 * posmin and fmin are -1, those of the other arrays 0. With FASTBAL_RULES_OPTIMIZE there may be troughs whose index is 0. */
struct fastbal_troughs {
    int count;
    double index;                  /* AI or BI: sum over the troughs, km/s */
    double error;                  /* its standard error, km/s; always finite */
    double vmin[FASTBAL_MAX_AI];   /* red edge, km/s; for BI only the first FASTBAL_MAX_BI are used */
    double vmax[FASTBAL_MAX_AI];   /* blue edge, km/s */
    double posmin[FASTBAL_MAX_AI]; /* velocity of the deepest pixel, km/s */
    double fmin[FASTBAL_MAX_AI];   /* flux over continuum there */
    /* Of AI troughs, over their whole width, with standard errors; 0 for BI. */
    double ew[FASTBAL_MAX_AI], ew_error[FASTBAL_MAX_AI];       /* rest equivalent width, A */
    double depth[FASTBAL_MAX_AI], depth_error[FASTBAL_MAX_AI]; /* mean of 1 - flux over continuum */
    double inside
        [FASTBAL_MAX_AI]; /* the detector's largest probability of being inside an outflow there, else 0 */
};

struct fastbal_line {
    struct fastbal_troughs ai; /* absorption index: 0 to 25000 km/s */
    struct fastbal_troughs bi; /* balnicity index: 3000 to 25000 km/s */
};

/*
 * C IV absorption by other definitions in the literature than AI and BI (§5.1), with standard errors. All are
 * 0, and detachment -1, where there is no trough.
 */
struct fastbal_absorption {
    double ai_total,
        ai_total_error;    /* AI over whole troughs, their first 450 km/s included (Hall et al. 2002), km/s */
    double bi0, bi0_error; /* BI from 0 instead of 3000 km/s (Gibson et al. 2009), km/s */
    double detachment,
        detachment_error;      /* of the trough nearest the line, in its half-widths (Weymann et al. 1991) */
    double ew, ew_error;       /* rest equivalent width of all AI troughs, A */
    double depth, depth_error; /* mean of 1 - flux over continuum in all AI troughs */
};

/* Absorption by low-ionization lines at the velocities of the C IV troughs (§5.2). */
enum fastbal_low_line { FASTBAL_ALIII = 1, FASTBAL_MGII = 2 };
struct fastbal_low_ionization {
    int searched; /* enum fastbal_low_line bits of lines that could be searched; 0 without C IV troughs */
    int found;    /* bits of the lines that absorb: a LoBAL has at least one, a HiBAL none */
    /* Mean of 1 - flux over continuum, with its standard error, in the trough where it is most significant; 0
     * if not searched. */
    double aliii_depth, aliii_error, mgii_depth, mgii_error;
};

/* What a detector finds in a quasar (§9). The troughs are those of C IV, from blue to red. */
struct fastbal_detection {
    int made; /* 0 if C IV is not covered or the continuum is not positive: troughs are -1, all else 0 */
    double probability; /* of an outflow with AI > 0, 0 to 1 */
    uint32_t outside;   /* enum fastbal_limit bits: what is outside the range of the training spectra */
    /* Troughs, if probability is 0.5 or more; unused entries are -1. */
    int count;
    int dropped; /* further troughs, to the red, that did not fit; ai and bi include them */
    double vmin[FASTBAL_MAX_DETECTED], vmax[FASTBAL_MAX_DETECTED]; /* red and blue edge, km/s */
    double edge_error[FASTBAL_MAX_DETECTED];                       /* error of either edge, km/s */
    double
        inside[FASTBAL_MAX_DETECTED]; /* the highest probability in the trough of being inside an outflow */
    double ai, ai_error;              /* absorption index of the troughs, km/s */
    double bi, bi_error;              /* balnicity index of the troughs, km/s */
};

/* Limits of what a detector was trained on. */
enum fastbal_limit {
    FASTBAL_LIMIT_SIGNAL = 1, /* mean over cells of s / (s + 3), where s is the signal-to-noise */
    FASTBAL_LIMIT_CHI2 = 2,   /* reduced chi-square of the cells that are not absorbed */
    FASTBAL_LIMIT_MASKED = 4  /* fraction of cells without data */
};

struct fastbal_result {
    uint32_t status; /* BALSTATUS bits */
    int ntemplates;  /* number of coeffs */
    int iterations;  /* fits, 1 to 10; 0 if not measured. Least squares counts a repeat that it skips. */
    double coeffs[FASTBAL_MAX_TEMPLATES]; /* of the templates; 0 if not measured */
    double chi2; /* reduced, of the last fit; if trough-aware, over pixels that are probably not absorbed */
    struct fastbal_line civ;  /* troughs of C IV */
    struct fastbal_line siiv; /* troughs of Si IV, where it is covered */
    /* medians of flux/sigma; -1 where not covered, snr_civ also with FASTBAL_NEGATIVE_MODEL */
    double snr_civ, snr_redside, snr_forest;
    struct fastbal_absorption absorption; /* of C IV */
    struct fastbal_low_ionization low;    /* at the velocities of C IV troughs */
    struct fastbal_detection detection;   /* cleared if the options have no detector */
};

/* How the continuum is fitted (§4). */
enum fastbal_fit {
    FASTBAL_FIT_EXACT = 0, /* the least-squares solution */
    FASTBAL_FIT_SIMPLEX    /* the result of the simplex search that the published catalogs used */
};

/* What the continuum is fitted to (§4). */
enum fastbal_continuum {
    FASTBAL_CONTINUUM_DEFAULT = 0,   /* trough-aware for templates with a prior, least squares for others */
    FASTBAL_CONTINUUM_LEAST_SQUARES, /* all pixels except those in troughs of the previous fit */
    FASTBAL_CONTINUUM_TROUGH_AWARE   /* less weight for probably absorbed pixels; FASTBAL_FIT_EXACT only */
};

/* Which rules define troughs and masks (§8). */
enum fastbal_rules {
    FASTBAL_RULES_MAIN = 0, /* the reference's main branch */
    FASTBAL_RULES_OPTIMIZE, /* its optimised branch */
    FASTBAL_RULES_FASTBAL   /* fastbal's own: masked pixels neither end troughs nor count as flux */
};

/*
 * Options of a measurement:
 *
 *     struct fastbal_options options = FASTBAL_OPTIONS_INIT;
 *     options.fit = FASTBAL_FIT_SIMPLEX;
 *
 * 0 is every member's default. New members are added at the end: programs that were compiled with a shorter
 * struct get their defaults, and a struct longer than the library knows is FASTBAL_EARGUMENT.
 */
struct fastbal_options {
    size_t size;                      /* sizeof(struct fastbal_options) where the program was compiled */
    int fit;                          /* enum fastbal_fit */
    int rules;                        /* enum fastbal_rules */
    int continuum;                    /* enum fastbal_continuum */
    const fastbal_detector *detector; /* fills result->detection; borrowed; NULL: none */
};
#define FASTBAL_OPTIONS_INIT                                                                              \
    {                                                                                                     \
        sizeof(struct fastbal_options), FASTBAL_FIT_EXACT, FASTBAL_RULES_MAIN, FASTBAL_CONTINUUM_DEFAULT, \
            NULL                                                                                          \
    }

/* Memory for measuring, and the last error. It grows to the longest spectrum it has seen. */
typedef struct fastbal_workspace fastbal_workspace;

FASTBAL_API fastbal_workspace *fastbal_workspace_create(void);    /* NULL if out of memory */
FASTBAL_API void fastbal_workspace_free(fastbal_workspace *work); /* NULL is allowed */

/*
 * The error message of the last call with this workspace (struct fastbal_message); empty if it succeeded. The
 * string is valid until the next call with the workspace. Never NULL; if work is NULL, the message says that.
 */
FASTBAL_API const char *fastbal_error(const fastbal_workspace *work);

/*
 * Measure one spectrum: fit the continuum, search for C IV and Si IV troughs, mask them, and repeat until the
 * mask is stable (§2 to §6). The trough-aware continuum needs only one search.
 *
 *   options   NULL for the defaults
 *   result    written only on FASTBAL_OK
 *
 * Flux and ivar may have any values. A pixel counts as not observed (flux = ivar = 0) if either is not finite
 * or beyond 1e90, or if ivar is negative or between 0 and 1e-90.
 *
 * A spectrum that can't be measured is not an error: the call returns FASTBAL_OK and result->status says why.
 * The result is then as fastbal_result_clear() leaves it: velocities and fmin of troughs, the detachment, the arrays of the
 * detection and signal-to-noise are -1, and everything else is 0. The numbers of a result are finite
 * whatever the input: a fit that overflows is FASTBAL_SINGULAR, and a line whose continuum is too small to
 * divide by has no troughs.
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM, FASTBAL_EARGUMENT (a NULL pointer, a redshift that is not finite or not
 * above -1, an invalid option) or FASTBAL_EWAVELENGTH; fastbal_error() says more.
 */
FASTBAL_API int fastbal_measure(fastbal_workspace *work, const fastbal_templates *templates,
                                const struct fastbal_spectrum *spectrum,
                                const struct fastbal_options *options, struct fastbal_result *result);

/* The inputs and logits of a detector's net. Cells are 176.4 km/s wide, from blue to red. */
struct fastbal_detector_trace {
    float channel[FASTBAL_DETECTOR_CHANNELS][FASTBAL_DETECTOR_CELLS];
    float scalar[FASTBAL_DETECTOR_SCALARS];
    float cell_logit[FASTBAL_DETECTOR_CELLS]; /* of being inside an outflow's trough */
    float pooled[FASTBAL_DETECTOR_POOLED];    /* inputs of the hidden layer, which gives the quasar's logit */
    float logit;                              /* of the quasar, before the calibration */
};

/*
 * The detection alone, without a measurement; the same numbers as with options.detector, which fills them
 * where the spectrum is measured.
 *
 *   detection  written only on FASTBAL_OK
 *   trace      for training and tests; 0 where nothing was computed; may be NULL
 *
 * Returns the same as fastbal_measure().
 */
FASTBAL_API int fastbal_detect(fastbal_workspace *work, const fastbal_detector *detector,
                               const struct fastbal_spectrum *spectrum, struct fastbal_detection *detection,
                               struct fastbal_detector_trace *trace);

/*
 * Join and measure nspec spectra whose cameras have the same wavelengths. The results are bit-identical to
 * those of fastbal_join() and fastbal_measure() for each of them. Spectra on several grids need one call per
 * grid.
 *
 *   cameras   those that the grid was created with, in the same order; flux, ivar and, where it is not NULL,
 *             mask are nspec x n, where n is the number of that camera's wavelengths
 *   z         nspec redshifts
 *   options   NULL for the defaults
 *   results   nspec of them
 *
 * A spectrum that can't be measured gets a result that says why, and the others are measured. A redshift that
 * is not finite or not above -1 gives FASTBAL_BAD_REDSHIFT. With nspec = 0, cameras, z and results may be
 * NULL.
 *
 * Returns FASTBAL_OK, FASTBAL_ENOMEM or FASTBAL_EARGUMENT (a NULL pointer, or an invalid option), and then no
 * result is written; fastbal_error() says more. Any number of threads may call it, each with its own
 * workspace and part of the spectra.
 */
FASTBAL_API int fastbal_measure_batch(fastbal_workspace *work, const fastbal_templates *templates,
                                      const fastbal_grid *grid, size_t nspec,
                                      const struct fastbal_pixels *cameras, const double *z,
                                      const struct fastbal_options *options, struct fastbal_result *results);

/*
 * The pixels [*begin, *end) of a spectrum that fastbal_measure() uses; those outside may have any values, and
 * need not be read or joined. Wavelengths and z must be valid for fastbal_measure(). Cannot fail.
 */
FASTBAL_API void fastbal_measured_range(size_t n, const double *wavelength, double z, size_t *begin,
                                        size_t *end);

/* Set a result to "not measured", with the given BALSTATUS bits. Cannot fail. */
FASTBAL_API void fastbal_result_clear(struct fastbal_result *result, int ntemplates, uint32_t status);

/*
 * The continuum of a result (§4): the sum of coeffs[k] * template k at wavelength[i] / (1 + z), into
 * continuum[n]. Observed wavelengths in any order, z > -1; as many coeffs as templates. Cannot fail.
 */
FASTBAL_API void fastbal_continuum(const fastbal_templates *templates, const double *coeffs, double z,
                                   size_t n, const double *wavelength, double *continuum);

#ifdef __cplusplus
}
#endif
#endif
