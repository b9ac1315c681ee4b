/*
 * internal.h - declarations shared by the files of the library. Constants and steps are those of
 * docs/algorithm.md.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_INTERNAL_H
#define FB_INTERNAL_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include "fastbal.h"

#define FB_CIV 1549.0 /* A, line centres that velocities refer to */
#define FB_SIIV 1398.0
#define FB_V_BLUE (-25000.0) /* km/s, blue end of the trough search */
#define FB_V_BI (-3000.0)    /* km/s, red end for the balnicity index; the absorption index goes to 0 */
#define FB_CONTINUUM 0.9     /* a trough is below this part of the continuum (Weymann et al. 1991) */
#define FB_AI_WIDTH 450.0    /* km/s, least width of a trough for the absorption index (Trump et al. 2006) */
#define FB_BI_WIDTH 2000.0   /* for the balnicity index */
/* Room for the troughs of a search: they are wider than 450 km/s and within 25000 km/s, and the last one may
 * be found twice. */
enum { FB_MOST_FOUND = 56 };
#define FB_MAX_ITERATIONS 10
#define FB_LARGEST 1e90 /* of flux and ivar, far beyond single precision: squares and their sums are finite */
#define FB_LEAST 1e-90  /* of nonzero ivar */

/* The error of a pixel with ivar = 0, as in the reference: it has no weight and is never below the
 * continuum. */
#define FB_NO_ERROR DBL_MAX

/* ---- status.c ---- */

/* Format a message, unless it is NULL, and return the status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int fb_explain(struct fastbal_message *message, int status, const char *format, ...);
/* The same for wavelengths that fb_wavelengths_ok() refuses: reports the first wrong one of a camera, or of a
 * spectrum if camera is -1. Returns FASTBAL_EWAVELENGTH. */
int fb_explain_wavelengths(struct fastbal_message *message, int camera, const double *wavelength, size_t n);

/* ---- options.c ---- */

/* Check and copy the options. Members that the caller's struct lacks, or all if it is NULL, get their
 * defaults. Returns FASTBAL_OK or FASTBAL_EARGUMENT. */
int fb_options_read(const struct fastbal_options *given, struct fastbal_options *options,
                    struct fastbal_message *message);

/* ---- kernels.h, rungs.c ---- */

/* The kernels of one rung, called by the other files. */
struct fb_kernels {
    const char *name;
    int (*wavelengths_ok)(const double *wavelength, size_t n);
    void (*join)(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin, size_t end,
                 double *flux, double *ivar);
    void (*measure)(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                    struct fastbal_result *result);
    void (*detect)(fastbal_workspace *work, const fastbal_detector *detector,
                   const struct fastbal_spectrum *spectrum, struct fastbal_detection *detection,
                   struct fastbal_detector_trace *trace);
};

/* The k-th lowest rung that was built and that this processor can run; NULL if there are no more. */
const struct fb_kernels *fb_kernels_rung(int k);
const struct fb_kernels *
fb_kernels_best(void); /* the last of them; tests choose another (tests/choose_kernels.c) */
extern const struct fb_kernels fb_kernels; /* the kernels of the rung that a file is compiled for */

/* ---- cameras.c, join.c, resample.c ---- */

int fb_grid_cameras(const fastbal_grid *grid); /* how many */
/* Point to one row of the arrays of many rows, for all cameras. */
void fb_grid_row(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t row,
                 struct fastbal_pixels *one);

/* How one camera is resampled: output pixel i is the sum of weight[first_weight[i] ...] times camera pixels
 * from node[i] on. */
struct fb_resampler {
    size_t nout;
    size_t *first_weight; /* nout + 1 */
    size_t *node;         /* nout */
    double *weight;
};
/* Compute the weights that resample n pixels at x to nout pixels at xout. Returns FASTBAL_OK, or
 * FASTBAL_ENOMEM with nothing to release. */
int fb_resampler_create(struct fb_resampler *r, const double *x, size_t n, const double *xout, size_t nout);
void fb_resampler_release(struct fb_resampler *r);

struct fb_run {
    size_t begin, end; /* a run of pixels of the joined grid that the same cameras see */
    int ncameras;
    int camera[FASTBAL_MAX_CAMERAS];
    size_t offset[FASTBAL_MAX_CAMERAS]; /* index of that camera's pixel at begin */
};

struct fastbal_grid {
    const struct fb_kernels *kernels;
    size_t n;
    double *wavelength;
    int ncameras;
    size_t size[FASTBAL_MAX_CAMERAS]; /* pixels of each camera */
    int nruns;
    struct fb_run runs[2 * FASTBAL_MAX_CAMERAS];
    int resamples;
    struct fb_resampler resampler[FASTBAL_MAX_CAMERAS];
};

/* The kernel of fastbal_join_range(). */
void fb_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin, size_t end,
             double *flux, double *ivar);

/* ---- median.c ---- */

/* Median as numpy's: the mean of the two middle values for an even count; NaN for n = 0 or where a value is
 * NaN. scratch has room for n. */
double fb_median(const double *x, size_t n, double *scratch);
/* Is the median of a larger than that of b? Both have n values. Returns 0 if either is NaN. */
int fb_median_exceeds(const double *a, const double *b, size_t n, double *scratch);

/* ---- templates.c, locate.c ---- */

struct fb_cells;

struct fastbal_templates {
    size_t n;
    int nt;
    double *wavelength; /* n */
    double *per_width;  /* n - 1: 1 / (wavelength[i + 1] - wavelength[i]) */
    double *value;      /* nt x (n + 2): each component between two zeros */
    double *prior;      /* its mean, covariance and misfit, concatenated; NULL if there is none */
    struct fb_cells *cells;
    size_t nsteps;
    double steps_per_wavelength;
    uint32_t *first_segment; /* nsteps + 1: the segment in which a step begins; NULL without a table */
};

/* Component k at the templates' wavelengths; the array has a zero before the first and after the last
 * value. */
const double *fb_templates_values(const fastbal_templates *t, int component);

/* Locate pixels at increasing rest wavelengths w[n]: each lies between the template wavelengths segment and
 * segment + 1, at this fraction of the way. Pixels beyond the ends are placed at the ends. */
void fb_templates_locate(const fastbal_templates *t, const double *w, size_t n, uint32_t *segment,
                         double *fraction);

/* ---- fit.c ---- */

/* Normal equations: the lower triangle of the matrix (column-major, leading dimension ntemplates), the
 * right-hand side, and the sum of weight flux^2. */
struct fb_equations {
    double matrix[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES], rhs[FASTBAL_MAX_TEMPLATES], total;
};

/* A fit: its pixels, their positions on the templates' grid, and scratch memory for one node per template
 * wavelength. */
struct fb_design {
    const fastbal_templates *templates;
    size_t n; /* pixels */
    const uint32_t *segment;
    const double *fraction;
    const double *flux;
    const double *weight;           /* ivar, 0 for excluded pixels */
    const double *weight_before;    /* of the previous fit with these equations; NULL: this is the first */
    struct fb_equations *equations; /* updated from the previous fit */
    double *nodes;                  /* scratch, FB_NODE_ARRAYS x (nodes + 2) */
    double *spare;                  /* scratch, n */
};

enum { FB_NODE_ARRAYS = 4 };
enum { FB_FIT_OK = 0, FB_FIT_SINGULAR = 1, FB_FIT_FAILED = 2 };

/* Minimise sum weight (sum_k coeffs[k] T_k - flux)^2; *least is the minimum, or NaN if the model is so close
 * to the flux that only fb_chi2() is accurate. If templates are degenerate, coeffs is the smallest solution
 * and FB_FIT_SINGULAR is returned. Returns FB_FIT_FAILED if the sums overflow. */
int fb_fit(const struct fb_design *design, double *coeffs, double *least);
/* The model sum_k coeffs[k] T_k at pixels [begin, end); uses the scratch. */
void fb_model(const struct fb_design *design, const double *coeffs, size_t begin, size_t end, double *model);
/* The sum that fb_fit() minimises, for a model of all pixels. */
double fb_chi2(const struct fb_design *design, const double *model);

/* Run the reference's simplex search for that minimum, starting from all ones. Call it after fb_fit(); it
 * replaces coeffs and least. */
void fb_fit_simplex(const struct fb_design *design, double *coeffs, double *least);

/* Normal equations are sums, over at most FB_BLOCK nodes or cells at a time, of products of columns and rows.
 * The columns are the templates. Row -1 is the right-hand side; the others are templates times a weight.
 * fb_fill_rows computes FB_ROWS rows from `row` on; those beyond the last template may hold any finite
 * values. */
enum { FB_BLOCK = 256, FB_ROWS = 2 };
typedef void fb_fill_rows(const void *context, int row, double rows[FB_ROWS][FB_BLOCK]);

/* Add the products of a block of n to the equations; column k is at columns + k * stride. */
void fb_add_products(int nt, size_t n, const double *columns, size_t stride, fb_fill_rows *fill,
                     const void *context, struct fb_equations *equations);

/* ---- cells.c, trough_aware.c ---- */

/* Cells have equal widths in the logarithm of the rest wavelength; FB_CELL_ROOM is their number rounded up
 * for vectors. Only cells [FB_FIRST_ABSORBED, FB_END_ABSORBED) can be absorbed: they are at -300 to 29000
 * km/s of C IV or Si IV. */
enum { FB_CELLS = 1100, FB_CELL_ROOM = 1104, FB_FIRST_ABSORBED = 7, FB_END_ABSORBED = 356 };

/* A set of templates, sampled on the cells. Arrays are zero from FB_CELLS on. */
struct fb_cells {
    double edge[FB_CELLS + 1]; /* A */
    int has_prior;
    uint64_t sum; /* hash of the members below: equal for equal sets */
    double precision[FASTBAL_MAX_TEMPLATES *
                     FASTBAL_MAX_TEMPLATES];    /* of the prior, as the matrix of equations */
    double typical[FASTBAL_MAX_TEMPLATES];      /* coefficients of the prior's mean, c_0 = 1 */
    _Alignas(64) double variance[FB_CELL_ROOM]; /* square of the misfit */
    _Alignas(64) double value[][FB_CELL_ROOM];  /* templates */
};

/* Create the cells of a template set whose other members are filled in. Returns FASTBAL_OK, FASTBAL_ENOMEM or
 * FASTBAL_EPRIOR. */
int fb_cells_create(fastbal_templates *templates);
/* Continue a hash over n more bytes. */
uint64_t fb_hash(uint64_t sum, const void *bytes, size_t n);

/* A fit of the trough-aware continuum, on cells. */
struct fb_cell_fit {
    const struct fb_cells *cells;
    int nt;
    uint32_t begin[FB_CELLS + 1]; /* first pixel of each cell, and the end of the last */
    double scale;                 /* c_0 */
    double coeffs[FASTBAL_MAX_TEMPLATES];
    double factor[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES]; /* L of N + Q / c_0^2 = L L' */
    struct fb_equations equations;
    size_t at, count;                                           /* the current block of cells */
    _Alignas(64) double ivar[FB_CELL_ROOM], flux[FB_CELL_ROOM]; /* V, and y, the mean flux */
    _Alignas(64) double absorbed[FB_CELL_ROOM];                 /* p */
    _Alignas(64) double weight[FB_CELL_ROOM];                   /* v */
    _Alignas(64) double model[FB_CELL_ROOM], before[FB_CELL_ROOM];
};

/*
 * Fit the trough-aware continuum to the pixels of a design. Their rest wavelengths w must be between the
 * first and the last edge. *fits is the number of fits made, and *converged is 0 if the last fit still
 * changed the continuum. Returns the same as fb_fit(); the fit is valid only for FB_FIT_OK.
 */
int fb_fit_cells(struct fb_cell_fit *fit, const struct fb_design *design, const double *w, int *fits,
                 int *converged);
/* The same, and also set coeffs, and weight: a copy of design->weight with 0 for pixels that are probably
 * absorbed. */
int fb_fit_trough_aware(const struct fb_design *design, const double *w, struct fb_cell_fit *fit,
                        double *coeffs, double *weight, int *fits, int *converged);
/* The variance of ln m, T' (N + Q / c_0^2)^-1 T / m^2 = |L^-1 T|^2 / m^2, of count cells from `first` on. */
void fb_continuum_variance(const struct fb_cell_fit *fit, size_t first, size_t count, double *variance);

/* ---- detect.c, detector.c ---- */

/* The net: a convolution of FB_NET_FIRST_TAPS taps, FB_NET_LAYERS residual ones of FB_NET_TAPS taps with
 * growing dilation, a logit for each cell, and a hidden layer on pooled values for the logit of the quasar.
 * Weights of convolutions are in groups of outputs. All members are floats, in this order, which is that of
 * model files. */
enum {
    FB_NET_WIDTH = 16,
    FB_NET_GROUP = 8,
    FB_NET_GROUPS = FB_NET_WIDTH / FB_NET_GROUP,
    FB_NET_FIRST_TAPS = 5,
    FB_NET_TAPS = 3,
    FB_NET_LAYERS = 6,
    FB_NET_HIDDEN = 16,
    FB_NET_POOLED = FASTBAL_DETECTOR_POOLED /* 2 x FB_NET_WIDTH + 2 + FASTBAL_DETECTOR_SCALARS */
};
struct fb_net {
    float first_bias[FB_NET_WIDTH];
    float first[FB_NET_GROUPS][FASTBAL_DETECTOR_CHANNELS][FB_NET_FIRST_TAPS][FB_NET_GROUP];
    struct {
        float bias[FB_NET_WIDTH];
        float weight[FB_NET_GROUPS][FB_NET_WIDTH][FB_NET_TAPS][FB_NET_GROUP];
    } layer[FB_NET_LAYERS];
    float cell_bias, cell[FB_NET_WIDTH];
    float hidden_bias[FB_NET_HIDDEN], hidden[FB_NET_HIDDEN][FB_NET_POOLED];
    float out_bias, out[FB_NET_HIDDEN];
};

#define FB_NET_NUMBERS (sizeof(struct fb_net) / sizeof(float))

struct fastbal_detector {
    fastbal_templates *templates; /* owned: the continuum that the net was trained on */
    struct fb_net *net;           /* owned */
    struct fastbal_calibration calibration;
    char name[24]; /* with a checksum */
};

/* The bluest of the net's cells, as an index of struct fb_cells. */
enum { FB_DETECTOR_FIRST = 192 };

/* Set the `inside` of troughs from the logits of the cells at their velocities. Those of Si IV get the value
 * that C IV has at the same velocities. */
void fb_rate_troughs(const struct fb_cell_fit *fit, const float logit[FASTBAL_DETECTOR_CELLS],
                     struct fastbal_troughs *troughs);
void fb_detection_clear(struct fastbal_detection *detection); /* no detection */

/* Apply the detector to a fit of its templates to these pixels. trace may be NULL; it is left unchanged where
 * nothing was computed. */
struct fb_stretch;
void fb_detect(const fastbal_detector *detector, const struct fb_cell_fit *fit,
               const struct fb_stretch *pixels, struct fastbal_detection *detection,
               struct fastbal_detector_trace *trace);

/* ---- solve.c ---- */

/* Replace the lower triangle of a (column-major) by its Cholesky factor L, a = L L'. Returns 0 if a is not
 * positive definite. */
int fb_factorise(int n, double *a);
/* Solve L L' x = b; b is overwritten with x. */
void fb_substitute(int n, const double *factor, double *b);

/*
 * Solve symmetric positive semi-definite equations M x = rhs in n unknowns, n 1 to FASTBAL_MAX_TEMPLATES;
 * matrix as in struct fb_equations. Returns FB_FIT_OK; FB_FIT_SINGULAR if the condition number of M, scaled
 * to a unit diagonal, is above 1e12, where x is the smallest solution in those units; FB_FIT_FAILED if M, rhs
 * or x is not finite, where x is undefined. Neither matrix nor rhs may overlap x.
 */
int fb_solve(int n, const double *matrix, const double *rhs, double *x);

/* The inverse of a symmetric matrix n x n, n 1 to FASTBAL_MAX_TEMPLATES, of which only the lower triangle is
 * read. Returns 0 if it is not positive definite, or if its condition number, scaled as above, is above
 * 1e12. */
int fb_invert(int n, const double *matrix, double *inverse);

/* ---- simplex.c ---- */

typedef double fb_function(const double *x, const void *context);

/*
 * Search for a minimum of f with the simplex method of Nelder and Mead. x is the starting point, and on
 * return the best point found. The search ends when all vertices are within 1e-4 of the best one in every
 * coordinate and in value, or after 200 n evaluations or steps. n is 1 to FASTBAL_MAX_TEMPLATES. *least is f
 * at x. Returns the number of evaluations.
 */
int fb_simplex(fb_function *f, const void *context, int n, double *x, double *least);

/* ---- rules.c ---- */

/* The differences between the rules for finding troughs (enum fastbal_rules). */
struct fb_rules {
    /* before the search */
    int ends_early;   /* C IV is covered even if only the spectrum's last pixel is redward of it */
    int needs_signal; /* a line is searched only if the median flux is above the median error */
    /* A line with a negative continuum is not searched; a pixel whose continuum is 0 is not in a trough. */
    int needs_continuum;
    /* the search */
    int wraps; /* for a spike at the start of the search, the two pixels before it are taken from the end */
    /* If the last pixel alone is in, and wider than the minimum width, the previous trough is recorded again, up
     * to that pixel. */
    int reopens;
    /* The number of pixels that the mean, integral, depth and mask of a trough leave out at its end; also the
     * number of pixels at the end of the search where no spike is bridged. */
    size_t left_out;
    /* indices and errors */
    int step_first;  /* a step counts towards the width before it is integrated, not after */
    int drops_empty; /* if the index is 0, its troughs are dropped */
    /* D leaves out all AI troughs of C IV and is used for both lines. Otherwise each line has its own D,
     * which leaves out the troughs kept. */
    int one_difference;
    double chi2_limit; /* above this reduced chi-square all troughs are dropped */
    /* If not 0, pixels with ivar = 0 are ignored, and a run of up to this many is in a trough if both its
     * neighbours are. If 0, they count as pixels without absorption. */
    size_t bridged;
    double margin; /* km/s that edges are moved outward (measure.c) */
};

const struct fb_rules *fb_rules(int rules); /* NULL if the number is unknown */

/* ---- troughs.c ---- */

/* The fit range of a spectrum, and scratch of the same length. */
struct fb_range {
    size_t n;
    const double *w; /* rest wavelengths */
    const double *flux;
    const double *sigma; /* FB_NO_ERROR where ivar = 0 */
    double *model;       /* filled in the windows of the lines */
    double *scratch;     /* 4 n */
};

/* The search window of one line in a range. */
struct fb_window {
    double line;
    size_t lo, hi_bi, hi_ai; /* first pixels with v >= FB_V_BLUE, FB_V_BI and 0; n if there is none */
};

/* Returns 0 if no pixel is between FB_V_BLUE and 0. */
int fb_window_find(struct fb_window *window, const double *w, size_t n, double line);

/* The pixels of a search: a line's window for AI, its blue part for BI. */
struct fb_pixels_in {
    size_t n;
    double line;
    const double *w;     /* rest wavelengths */
    const double *nf;    /* flux / continuum */
    const double *ns;    /* sigma / continuum */
    const double *sigma; /* FB_NO_ERROR where ivar = 0 */
    const double *model;
    double off; /* the error of the continuum (D in §5), in the unit of flux */
};

/*
 * Find and integrate the troughs of one line. For C IV also fill *absorption, except the detachment; for Si
 * IV it may be NULL. Measure C IV first: it sets *difference to its D, or NaN if there is none, which Si IV
 * may need. Returns BALSTATUS bits: FASTBAL_MORE_TROUGHS, FASTBAL_LOW_SIGNAL, FASTBAL_NEGATIVE_MODEL (the
 * line was not searched), FASTBAL_NO_DIFFERENCE (its troughs can't be measured; out is unchanged).
 */
uint32_t fb_line_measure(const struct fb_range *range, const struct fb_window *window,
                         const struct fb_rules *rules, double *difference, struct fastbal_line *out,
                         struct fastbal_absorption *absorption);
void fb_line_clear(struct fastbal_line *line);

/* ---- absorption.c ---- */

void fb_absorption_clear(struct fastbal_absorption *absorption); /* no trough */

/* Sums over the pixels of whole troughs (§5.1). Start with all zeros. */
struct fb_whole {
    double width, ai, ew, depth;            /* depth: times width */
    double ai_noise, ew_noise, depth_noise; /* variances */
    double ai_off, ew_off, depth_off;       /* errors common to all pixels */
};

/* Add pixels [first, last] of a trough. */
void fb_whole_add(struct fb_whole *sum, const struct fb_pixels_in *pixels, size_t first, size_t last);
/* The equivalent width (A), mean depth, and AI (km/s) of all troughs that were added, with standard errors; 0
 * if they are not finite. */
void fb_whole_ew(const struct fb_whole *sum, double *ew, double *error);
void fb_whole_depth(const struct fb_whole *sum, double *depth, double *error);
void fb_whole_ai(const struct fb_whole *sum, double *ai, double *error);

/*
 * The half-width at half maximum of the red half of the C IV emission line in a continuum, in km/s; 0 if
 * there is no line. w and model have n pixels with increasing wavelengths that cover FB_LINE_BLUE to
 * FB_LINE_RED.
 */
double fb_half_width(size_t n, const double *w, const double *model);
#define FB_LINE_BLUE 1440.0
#define FB_LINE_RED 1710.0

/* ---- workspace.c, measure.c ---- */

struct fastbal_workspace {
    const struct fb_kernels *kernels;
    size_t n;      /* capacity in pixels */
    size_t nnodes; /* capacity in template wavelengths */
    double *memory;
    /* parts of memory, n each */
    double *w, *flux, *ivar, *sigma, *model, *fraction;
    double *weight[2]; /* of this fit and of the next */
    double *scratch;   /* 4 n */
    double *nodes;     /* FB_NODE_ARRAYS x (nnodes + 2) */
    uint32_t *segment;
    double *joined_flux, *joined_ivar; /* of a batch */
    struct fastbal_message message;    /* of the last call */
};

/* ---- low_ionization.c ---- */

/* Pixels at increasing wavelengths. */
struct fb_stretch {
    size_t n;
    const double *w; /* rest wavelengths */
    const double *flux, *ivar;
};

/*
 * Search for absorption by Al III and Mg II at the velocities of the C IV troughs. `aliii` has the pixels
 * from FB_ALIII_BLUE to FB_ALIII_RED that the fit range covers, and model is their continuum. The continuum
 * of Mg II is a straight line between mean fluxes on both sides of its trough. `mgii` covers FB_MGII_BLUE to
 * FB_MGII_RED, or is empty.
 */
void fb_low_ionization(const struct fastbal_troughs *civ, const struct fb_stretch *aliii, const double *model,
                       const struct fb_stretch *mgii, struct fastbal_low_ionization *low);
#define FB_ALIII_BLUE 1700.0
#define FB_ALIII_RED 1860.0
#define FB_MGII_BLUE 2500.0
#define FB_MGII_RED 2900.0

/* Pixels [begin, end) of the parts of a spectrum; a part that is not covered is empty. */
struct fb_parts {
    size_t fit[2], forest[2], redside[2], mgii[2],
        whole[2]; /* whole: from the first to the last of the others */
};
/* Find the parts by rest wavelength (§2, §3). */
void fb_find_parts(const struct fastbal_spectrum *s, struct fb_parts *parts);

/* Measure a spectrum. Wavelengths, z and options must be valid, and the workspace large enough. */
void fb_measure(fastbal_workspace *work, const fastbal_templates *templates,
                const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                struct fastbal_result *result);

/* The same for fastbal_detect(). */
void fb_detect_spectrum(fastbal_workspace *work, const fastbal_detector *detector,
                        const struct fastbal_spectrum *spectrum, struct fastbal_detection *detection,
                        struct fastbal_detector_trace *trace);

int fb_wavelengths_ok(const double *wavelength, size_t n); /* finite, positive, increasing */
size_t fb_first_at_least(const double *x, size_t n,
                         double value); /* first i with x[i] >= value, or n; x increasing */
size_t fb_count_positive(const double *x, size_t n);
size_t fb_nearest(const double *x, size_t n, double value); /* nearest pixel, ties go up */

#endif
