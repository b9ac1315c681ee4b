/*
 * internal.h - what the files of the library share. Constants and steps are those of docs/algorithm.md.
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
#define FB_FIT_MIN 1261.0    /* A, rest-frame range of the continuum fit */
#define FB_FIT_MAX 2399.0
#define FB_MAX_ITERATIONS 10
#define FB_LARGEST 1e90 /* of flux and ivar, far beyond single precision: squares and their sums are finite */
#define FB_LEAST 1e-90  /* of ivar, but for 0 */

/* The error of a pixel with ivar = 0, as in the reference: it weighs nothing and is never below the
 * continuum. */
#define FB_NO_ERROR DBL_MAX

/* ---- status.c ---- */

/* Write a message, where there is one to write, and return the status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int fb_explain(struct fastbal_message *message, int status, const char *format, ...);
/* The same for wavelengths that fb_wavelengths_ok() refuses: the first that is wrong, of a camera or (-1) of a
 * spectrum. Returns FASTBAL_EWAVELENGTH. */
int fb_explain_wavelengths(struct fastbal_message *message, int camera, const double *wavelength, size_t n);

/* ---- options.c ---- */

/* Options with defaults for what the caller's struct lacks; NULL are the defaults. FASTBAL_OK or FASTBAL_EARGUMENT. */
int fb_options_read(const struct fastbal_options *given, struct fastbal_options *options,
                    struct fastbal_message *message);

/* ---- kernels.h, rungs.c ---- */

/* The kernels of one rung: what the other files call. */
struct fb_kernels {
    const char *name;
    int (*wavelengths_ok)(const double *wavelength, size_t n);
    void (*join)(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin, size_t end,
                 double *flux, double *ivar);
    void (*measure)(fastbal_workspace *work, const fastbal_templates *templates,
                    const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                    struct fastbal_result *result);
};

/* The k-th rung from below, if it was built and this processor can run it; NULL where there are no more. */
const struct fb_kernels *fb_kernels_rung(int k);
const struct fb_kernels *
fb_kernels_best(void);                     /* the last of them; in tests another: tests/choose_kernels.c */
extern const struct fb_kernels fb_kernels; /* those of the rung a file is compiled for */

/* ---- cameras.c, join.c, resample.c ---- */

int fb_grid_cameras(const fastbal_grid *grid); /* how many */
/* The pixels of one row of arrays that hold many, for all cameras. */
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
int fb_resampler_create(struct fb_resampler *r, const double *x, size_t n, const double *xout, size_t nout);
void fb_resampler_release(struct fb_resampler *r);

struct fb_run {
    size_t begin, end; /* pixels of the joined grid */
    int ncameras;
    int camera[FASTBAL_MAX_CAMERAS];
    size_t offset[FASTBAL_MAX_CAMERAS]; /* pixel of that camera at begin */
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

/* fastbal_join_range() */
void fb_join(const fastbal_grid *grid, const struct fastbal_pixels *cameras, size_t begin, size_t end,
             double *flux, double *ivar);

/* ---- median.c ---- */

/* Median as numpy's: the mean of the two middle values for an even count; NaN for n = 0 or where a value is
 * NaN. scratch has room for n. */
double fb_median(const double *x, size_t n, double *scratch);
/* Is the median of a larger than that of b? Both have n values. No where one of them is NaN. */
int fb_median_exceeds(const double *a, const double *b, size_t n, double *scratch);

/* ---- templates.c, locate.c ---- */

struct fb_cells;

struct fastbal_templates {
    size_t n;
    int nt;
    double *wavelength; /* n */
    double *per_width;  /* n - 1: 1 / (wavelength[i + 1] - wavelength[i]) */
    double *value;      /* nt x (n + 2): each component between two zeros */
    double *prior;      /* its mean, covariance and misfit, one after the other; NULL where there is none */
    struct fb_cells *cells;
    size_t nsteps;
    double steps_per_wavelength;
    uint32_t *first_segment; /* nsteps + 1: the segment in which a step begins; NULL: there is no table */
};

/* Component k at the templates' wavelengths; there is a zero before the first and after the last. */
const double *fb_templates_values(const fastbal_templates *t, int component);

/* Where pixels at increasing rest wavelengths w[n] lie: between template wavelengths segment and segment + 1,
 * at this fraction of the way. Beyond the ends they sit at the ends. */
void fb_templates_locate(const fastbal_templates *t, const double *w, size_t n, uint32_t *segment,
                         double *fraction);

/* ---- fit.c ---- */

/* Normal equations: the lower triangle of the matrix (column-major, one row a template), the right-hand side,
 * sum weight flux flux. */
struct fb_equations {
    double matrix[FASTBAL_MAX_TEMPLATES * FASTBAL_MAX_TEMPLATES], rhs[FASTBAL_MAX_TEMPLATES], total;
};

/* A fit: pixels, where they lie on the templates' grid, and scratch for as many nodes as templates have
 * wavelengths. */
struct fb_design {
    const fastbal_templates *templates;
    size_t n; /* pixels */
    const uint32_t *segment;
    const double *fraction;
    const double *flux;
    const double *weight;           /* ivar, 0 for pixels that do not take part */
    const double *weight_before;    /* of the fit before with these equations; NULL for the first fit */
    struct fb_equations *equations; /* of this fit, made from those of the fit before */
    double *nodes;                  /* scratch, FB_NODE_ARRAYS x (nodes + 2) */
    double *spare;                  /* scratch, n */
};

enum { FB_NODE_ARRAYS = 4 };
enum { FB_FIT_OK = 0, FB_FIT_SINGULAR = 1, FB_FIT_FAILED = 2 };

/* Minimise sum weight (sum_k coeffs[k] T_k - flux)^2; the minimum goes to *least, or NaN where the model is
 * so close to the flux that only fb_chi2() can tell. Where templates are degenerate, coeffs is the smallest
 * solution and FB_FIT_SINGULAR is returned; FB_FIT_FAILED where the sums overflow. */
int fb_fit(const struct fb_design *design, double *coeffs, double *least);
/* The model sum_k coeffs[k] T_k at pixels [begin, end); uses the scratch. */
void fb_model(const struct fb_design *design, const double *coeffs, size_t begin, size_t end, double *model);
/* The sum that fb_fit() minimises, for a model of all pixels. */
double fb_chi2(const struct fb_design *design, const double *model);

/* Where the reference's simplex search for that minimum ends, from all ones; after fb_fit(), whose coeffs and
 * least are replaced. */
void fb_fit_simplex(const struct fb_design *design, double *coeffs, double *least);

/* What the normal equations of a fit are sums of: products of templates, which are the columns, with the right-hand side
 * (row -1) and with rows that are templates times a weight, over at most FB_BLOCK nodes or cells. fb_fill_rows makes
 * FB_ROWS of them, from a row on; those beyond the last template may be anything that is finite. */
enum { FB_BLOCK = 256, FB_ROWS = 2 };
typedef void fb_fill_rows(const void *context, int row, double rows[FB_ROWS][FB_BLOCK]);

/* Add the products of a block of n to the equations; column k is at columns + k * stride. */
void fb_add_products(int nt, size_t n, const double *columns, size_t stride, fb_fill_rows *fill,
                     const void *context, struct fb_equations *equations);

/* ---- cells.c, trough_aware.c ---- */

/* Cells have equal widths in the logarithm of the rest wavelength; their number is rounded up for vectors. Those of [first,
 * end) may be absorbed: -300 to 29000 km/s of C IV or of Si IV. */
enum { FB_CELLS = 1100, FB_CELL_ROOM = 1104, FB_FIRST_ABSORBED = 7, FB_END_ABSORBED = 356 };

/* A set of templates on the cells; zero from FB_CELLS on. */
struct fb_cells {
    double edge[FB_CELLS + 1]; /* A */
    int has_prior;
    double precision[FASTBAL_MAX_TEMPLATES *
                     FASTBAL_MAX_TEMPLATES];    /* of the prior, as the matrix of equations */
    double typical[FASTBAL_MAX_TEMPLATES];      /* coefficients of the prior's mean, c_0 = 1 */
    _Alignas(64) double variance[FB_CELL_ROOM]; /* square of the misfit */
    _Alignas(64) double value[][FB_CELL_ROOM];  /* templates */
};

/* Make those of a set whose other members are there. FASTBAL_OK, FASTBAL_ENOMEM or FASTBAL_EPRIOR. */
int fb_cells_create(fastbal_templates *templates);

/*
 * The trough-aware continuum of the pixels of a design at rest wavelengths w, all between the first and the last edge. Its
 * coefficients go to coeffs; design->weight with 0 for pixels that are rather absorbed than not to weight; the fits made
 * to *fits, and to *converged whether the last one still changed the continuum. Returns as fb_fit(); coeffs may hold
 * anything but for FB_FIT_OK.
 */
int fb_fit_trough_aware(const struct fb_design *design, const double *w, double *coeffs, double *weight,
                        int *fits, int *converged);

/* ---- solve.c ---- */

/* The factor L of a = L L', in place of the lower triangle (column-major); 0 where a is not positive definite. */
int fb_factorise(int n, double *a);
/* Solve L L' x = b; b is overwritten with x. */
void fb_substitute(int n, const double *factor, double *b);

/*
 * Solve symmetric positive semi-definite equations M x = rhs in n unknowns, n 1 to FASTBAL_MAX_TEMPLATES; matrix as in
 * struct fb_equations. Returns FB_FIT_OK; FB_FIT_SINGULAR where the condition number of M, scaled to a unit diagonal, is
 * above 1e12, and x is the smallest solution in those units; FB_FIT_FAILED where M, rhs or x is not finite, and x may
 * hold anything. Neither matrix nor rhs may overlap x.
 */
int fb_solve(int n, const double *matrix, const double *rhs, double *x);

/* The inverse of a symmetric matrix n x n, n 1 to FASTBAL_MAX_TEMPLATES, of which the lower triangle is looked at. Returns 0
 * where it is not positive definite, or its condition number, scaled as above, is above 1e12. */
int fb_invert(int n, const double *matrix, double *inverse);

/* ---- simplex.c ---- */

typedef double fb_function(const double *x, const void *context);

/*
 * Look for a minimum of f by Nelder and Mead's simplex. x holds where to start, and the best point found when
 * it ends: when all vertices are within 1e-4 of the best in every coordinate and in value, or after 200 n
 * evaluations or steps. n is 1 to FASTBAL_MAX_TEMPLATES. *least is f there. Returns the number of evaluations.
 */
int fb_simplex(fb_function *f, const void *context, int n, double *x, double *least);

/* ---- rules.c ---- */

/* What differs between the rules of finding troughs (enum fastbal_rules). */
struct fb_rules {
    /* before the search */
    int ends_early;   /* C IV may end with the fit range, where the spectrum's last pixel is redward of it */
    int needs_signal; /* nothing is searched unless the median flux is above the median error */
    int needs_continuum; /* a line with a negative continuum is not searched; where it is 0, no pixel is in */
    /* the search */
    int wraps;   /* the two pixels before a spike at the start of the search are its last pixels */
    int reopens; /* a last pixel that is wider than the minimum adds the trough that ended before once more */
    /* Pixels at the end of a trough that its mean, integral, depth and mask leave out, and at the end of the search where
     * no spike is bridged. */
    size_t left_out;
    /* indices and errors */
    int step_first;  /* the width includes a step before that step is integrated, not after */
    int drops_empty; /* where the index is 0 there are no troughs */
    int one_difference; /* D leaves out all AI troughs of C IV, not those kept of each line, and serves both lines */
    double chi2_limit; /* above this reduced chi-square there are no troughs */
    /* Pixels with ivar = 0 do not count, and up to so many in a row are in a trough where both their neighbours are; 0:
     * they are pixels without absorption. */
    size_t bridged;
};

const struct fb_rules *fb_rules(int rules); /* NULL where there are none of that number */

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

/* Where the velocities of one line lie in a range. */
struct fb_window {
    double line;
    size_t lo, hi_bi, hi_ai; /* first pixels with v >= FB_V_BLUE, FB_V_BI and 0; n where there is none */
};

/* 0 if no pixel is between FB_V_BLUE and 0. */
int fb_window_find(struct fb_window *window, const double *w, size_t n, double line);

/*
 * Search and integrate the troughs of one line, and for C IV also fill *absorption but for the detachment; it may be NULL
 * for others. *difference is D of C IV, NaN where there is none: C IV sets it, and
 * Si IV, which comes second, may need it. Returns BALSTATUS bits: FASTBAL_MORE_TROUGHS, FASTBAL_LOW_SIGNAL,
 * FASTBAL_NEGATIVE_MODEL (the line was not searched), FASTBAL_NO_DIFFERENCE (its troughs can't be measured; out is not
 * set).
 */
uint32_t fb_line_measure(const struct fb_range *range, const struct fb_window *window,
                         const struct fb_rules *rules, double *difference, struct fastbal_line *out,
                         struct fastbal_absorption *absorption);
void fb_line_clear(struct fastbal_line *line);

/* ---- absorption.c ---- */

void fb_absorption_clear(struct fastbal_absorption *absorption); /* no trough */

/* Pixels of a line's window, in velocity order. */
struct fb_pixels_in {
    size_t n;
    double line;
    const double *w;     /* rest wavelengths */
    const double *nf;    /* flux / continuum */
    const double *ns;    /* sigma / continuum */
    const double *sigma; /* FB_NO_ERROR where ivar = 0 */
    const double *model;
    double off; /* by how much the continuum may be wrong (D in §5), in the unit of flux */
};

/* Sums over the pixels of troughs (§5.1); initialise with zeros. */
struct fb_whole {
    double width, ai, ew, depth;            /* depth: times width */
    double ai_noise, ew_noise, depth_noise; /* variances */
    double ai_off, ew_off, depth_off;       /* errors that all pixels share */
};

/* Add pixels [first, last] of a trough. */
void fb_whole_add(struct fb_whole *sum, const struct fb_pixels_in *pixels, size_t first, size_t last);
/* The quantities of one trough, or of all that were added. */
void fb_whole_ew(const struct fb_whole *sum, double *ew, double *error);
void fb_whole_depth(const struct fb_whole *sum, double *depth, double *error);
void fb_whole_ai(const struct fb_whole *sum, double *ai, double *error);

/*
 * The half-width at half maximum of the red half of the C IV emission line in a continuum, km/s; 0 where there is no line.
 * w and model: n pixels, increasing, that cover FB_LINE_BLUE to FB_LINE_RED.
 */
double fb_half_width(size_t n, const double *w, const double *model);
#define FB_LINE_BLUE 1440.0
#define FB_LINE_RED 1710.0

/* ---- workspace.c, measure.c ---- */

struct fastbal_workspace {
    const struct fb_kernels *kernels;
    size_t n;      /* pixels there is room for */
    size_t nnodes; /* template wavelengths there is room for */
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
 * Search Al III and Mg II at the velocities of C IV's troughs. model is the continuum at the pixels of `fit`; the
 * continuum of Mg II is a straight line between the means beside its trough. `mgii` covers FB_MGII_BLUE to FB_MGII_RED, or is
 * empty.
 */
void fb_low_ionization(const struct fastbal_troughs *civ, const struct fb_stretch *fit, const double *model,
                       const struct fb_stretch *mgii, struct fastbal_low_ionization *low);
#define FB_MGII_BLUE 2500.0
#define FB_MGII_RED 2900.0

/* Pixels [begin, end) of the parts of a spectrum; empty ones are not covered. */
struct fb_parts {
    size_t fit[2], forest[2], redside[2], mgii[2],
        whole[2]; /* whole: from the first to the last of the others */
};
void fb_find_parts(const struct fastbal_spectrum *s, struct fb_parts *parts);

/* Measure a spectrum. Wavelengths, z and options are known to be good, and the workspace to have room. */
void fb_measure(fastbal_workspace *work, const fastbal_templates *templates,
                const struct fastbal_spectrum *spectrum, const struct fastbal_options *options,
                struct fastbal_result *result);

int fb_wavelengths_ok(const double *wavelength, size_t n); /* finite, positive, increasing */
size_t fb_first_at_least(const double *x, size_t n,
                         double value); /* first i with x[i] >= value, or n; x increasing */
size_t fb_count_positive(const double *x, size_t n);
size_t fb_nearest(const double *x, size_t n, double value); /* nearest pixel, ties go up */

#endif
