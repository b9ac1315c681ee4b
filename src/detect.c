/*
 * detect.c - the detector (docs/detector.md): a small convolutional neural network, the net, applied to the
 * residuals of the trough-aware continuum.
 *
 *     spectrum -> cells and continuum (trough_aware.c) -> channels -> net -> logits of cells and quasar
 *              -> probability; runs of cells -> troughs
 *
 * The net sees FASTBAL_DETECTOR_CELLS cells of the continuum's grid, from 28,500 km/s blueward to 2,500 km/s
 * redward of C IV, and for each the cells at the same velocity of Si IV and Al III. Everything is computed
 * cell by cell, or in a fixed number of lanes, with basic arithmetic only, so all rungs give the same bits.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <string.h>
#include "kernels.h"

enum {
    CELLS = FASTBAL_DETECTOR_CELLS,
    CHANNELS = FASTBAL_DETECTOR_CHANNELS,
    SCALARS = FASTBAL_DETECTOR_SCALARS,
    WIDTH = FB_NET_WIDTH,
    FIRST = FB_DETECTOR_FIRST,
    SIIV = FIRST - CELLS, /* first cells of Si IV and Al III, at the same velocity as FIRST */
    ALIII = FIRST + 308,
    LANES = 16
};

#define NOISE 1.1       /* variance of pixels relative to 1 / ivar */
#define MOST_SIGMA 8.0  /* residuals are clipped to this */
#define MOST_DEPTH 1.3  /* relative to the continuum */
#define MOST_CHI2 5.0   /* reduced */
#define DEPTH_NOISE 0.7 /* added to the signal-to-noise, so that noise alone has a small depth */

typedef float fb_floats __attribute__((vector_size(FB_WIDTH * sizeof(double)), aligned(sizeof(float))));
typedef int32_t fb_mask __attribute__((vector_size(FB_WIDTH * sizeof(double)), aligned(sizeof(float))));
enum { FLOATS = sizeof(fb_floats) / sizeof(float) };

static inline double clip(double x, double least, double most)
{
    return x < least ? least : x > most ? most : x;
}

static double probability(double logit)
{
    return fb_logistic(-clip(logit, -700, 700));
}

/* ---- channels ---- */

/* A cell or half a cell, compared with the continuum: flux minus continuum in units of 3 standard errors, the
 * continuum's signal-to-noise, and flux minus continuum relative to the continuum. The first and the last are
 * negative in absorption. */
struct contrast {
    double residual, signal, depth;
};

static inline struct contrast compare(double ivar, double flux, double model, double relative_variance)
{
    double variance = NOISE + ivar * model * model * relative_variance; /* times ivar */
    double weight = sqrt(ivar / variance), residual = (flux - model) * weight, signal = model * weight;
    struct contrast c = { clip(residual, -MOST_SIGMA, MOST_SIGMA) / 3, signal,
                          clip(residual / (signal + DEPTH_NOISE), -MOST_DEPTH, MOST_DEPTH) };
    return c;
}

/* Sums of ivar and ivar flux in the halves of the window's cells. */
static void halve(const struct fb_cell_fit *fit, const struct fb_stretch *pixels, double v[2][CELLS],
                  double vy[2][CELLS])
{
    const double *edge = fit->cells->edge;
    for (size_t c = 0; c < CELLS; c++) {
        size_t i = fit->begin[FIRST + c], end = fit->begin[FIRST + c + 1];
        double middle = 0.5 * (edge[FIRST + c] + edge[FIRST + c + 1]);
        for (int half = 0; half < 2; half++) {
            double sum = 0, product = 0;
            for (; i < end && (half == 1 || pixels->w[i] < middle); i++) {
                sum += pixels->ivar[i];
                product += pixels->ivar[i] * pixels->flux[i];
            }
            v[half][c] = sum;
            vy[half][c] = product;
        }
    }
}

/* The same for cell `at` of the fit, where the fitted continuum has the relative variance `fitted`. */
static struct contrast compare_cell(const struct fb_cell_fit *fit, size_t at, double fitted)
{
    return compare(fit->ivar[at], fit->flux[at], fit->model[at], fitted + fit->cells->variance[at]);
}

static void fill_channels(const struct fb_cell_fit *fit, const struct fb_stretch *pixels,
                          float channel[CHANNELS][CELLS])
{
    double near[2 * CELLS], aliii_fitted[CELLS], ivar[2][CELLS], product[2][CELLS];
    const double *siiv_fitted = near, *civ_fitted = near + CELLS; /* the windows are adjacent */

    fb_continuum_variance(fit, SIIV, 2 * CELLS, near);
    fb_continuum_variance(fit, ALIII, CELLS, aliii_fitted);
    halve(fit, pixels, ivar, product);
    for (size_t c = 0; c < CELLS; c++) {
        double model = fit->model[FIRST + c], fitted = civ_fitted[c];
        for (int half = 0; half < 2; half++) {
            double v = ivar[half][c], y = v > 0 ? product[half][c] / v : 0;
            struct contrast k = compare(v, y, model, fitted + fit->cells->variance[FIRST + c]);
            channel[half][c] = (float)k.residual;
            channel[2 + half][c] = (float)k.depth;
        }
        struct contrast civ = compare_cell(fit, FIRST + c, fitted);
        channel[4][c] = (float)(civ.signal / (civ.signal + 3));
        channel[5][c] = (float)(civ.signal / (civ.signal + 30));
        channel[6][c] = (float)(sqrt(fitted) / (sqrt(fitted) + 0.1));
        channel[7][c] = (float)clip(model / (fit->scale * fit->cells->value[0][FIRST + c]) - 1, -2, 2);
        struct contrast siiv = compare_cell(fit, SIIV + c, siiv_fitted[c]);
        channel[8][c] = (float)siiv.residual;
        channel[9][c] = (float)siiv.depth;
        channel[10][c] = (float)(siiv.signal / (siiv.signal + 3));
        struct contrast aliii = compare_cell(fit, ALIII + c, aliii_fitted[c]);
        channel[11][c] = (float)aliii.residual;
        channel[12][c] = (float)aliii.depth;
        channel[13][c] = 2 * (float)c / CELLS - 1;
    }
}

/* ---- scalars ---- */

/* The reduced chi-square of the cells: the mean squared residual, in units of the variance of noise and
 * misfit. */
static double cell_chi2(const struct fb_cell_fit *fit)
{
    double sum[LANES] = { 0 }, count[LANES] = { 0 };
    for (size_t c = 0; c < FB_CELL_ROOM; c += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            double v = fit->ivar[c + l], m = fit->model[c + l], off = fit->flux[c + l] - m;
            double present = v > 0 ? 1 - fit->absorbed[c + l] : 0;
            sum[l] += present * v * off * off / (1 + v * m * m * fit->cells->variance[c + l]);
            count[l] += present;
        }
    }
    double total = fb_add_lanes(count, LANES);
    return fb_add_lanes(sum, LANES) / (total > 1 ? total : 1);
}

/* The squared distance of the coefficients from the prior's mean: (x - mean)' P (x - mean), as in cells.c. */
static double deviance(const struct fb_cell_fit *fit)
{
    const double *q = fit->cells->precision, *c = fit->coeffs;
    double sum = 0;
    for (int k = 0; k < fit->nt; k++) {
        sum += c[k] * c[k] * q[k + k * fit->nt];
        for (int i = k + 1; i < fit->nt; i++)
            sum += 2 * c[k] * c[i] * q[i + k * fit->nt];
    }
    sum /= c[0] * c[0];
    return sum > 0 ? sum : 0;
}

static void fill_scalars(const struct fb_cell_fit *fit, float channel[CHANNELS][CELLS], float scalar[SCALARS])
{
    double lane[LANES] = { 0 };
    size_t masked = 0;
    for (size_t c = 0; c < CELLS; c += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += (double)channel[4][c + l];
    for (size_t c = 0; c < CELLS; c++)
        masked += (size_t) !(fit->ivar[FIRST + c] > 0);
    double far = deviance(fit);
    scalar[0] = (float)(fb_add_lanes(lane, LANES) / CELLS);
    scalar[1] = (float)(clip(cell_chi2(fit), 0, MOST_CHI2) - 1);
    scalar[2] = (float)((double)masked / CELLS);
    scalar[3] = (float)(far / (far + fit->nt));
}

/* ---- the net ---- */

/* Rows of cells, padded with zeros on both sides. */
enum { SIDE = 32, ROW = CELLS + 2 * SIDE };
struct rows {
    _Alignas(64) float x[WIDTH > CHANNELS ? WIDTH : CHANNELS][ROW];
};

/* Convolve n rows; weights are in the order of struct fb_net. With residual, add the input. Then set negative
 * values to 0. */
static void convolve(const struct rows *in, size_t n, size_t taps, size_t dilation, const float *bias,
                     const float *weight, int residual, struct rows *out)
{
    enum { GROUP = FB_NET_GROUP };
    const size_t reach = taps / 2 * dilation;
    for (size_t group = 0; group < WIDTH; group += GROUP, weight += n * taps * GROUP) {
        for (size_t c = 0; c < CELLS; c += FLOATS) {
            const float *w = weight;
            fb_floats sum[GROUP];
            for (size_t o = 0; o < GROUP; o++)
                sum[o] = (fb_floats){ 0 } + bias[group + o];
            for (size_t i = 0; i < n; i++) {
                const float *x = &in->x[i][SIDE + c - reach];
                for (size_t t = 0; t < taps; t++, x += dilation, w += GROUP) {
                    fb_floats value = *(const fb_floats *)x;
                    for (size_t o = 0; o < GROUP; o++)
                        sum[o] += w[o] * value;
                }
            }
            for (size_t o = 0; o < GROUP; o++) {
                fb_floats *to = (fb_floats *)&out->x[group + o][SIDE + c];
                if (residual)
                    sum[o] += *(const fb_floats *)&in->x[group + o][SIDE + c];
                *to = (fb_floats)((fb_mask)sum[o] & (sum[o] > 0));
            }
        }
    }
}

/* Logits of the cells. */
static void rate_cells(const struct fb_net *net, const struct rows *rows, float logit[CELLS])
{
    for (size_t c = 0; c < CELLS; c++)
        logit[c] = net->cell_bias;
    for (size_t k = 0; k < WIDTH; k++)
        for (size_t c = 0; c < CELLS; c++)
            logit[c] += net->cell[k] * rows->x[k][SIDE + c];
}

/* The largest value of a row, and its mean with negative values counted as 0. */
static void pool(const float *x, float *most, float *mean)
{
    float lane[LANES] = { 0 };
    *most = x[0];
    for (size_t c = 0; c < CELLS; c++)
        *most = x[c] > *most ? x[c] : *most;
    for (size_t c = 0; c < CELLS; c += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += x[c + l] > 0 ? x[c + l] : 0;
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    *mean = lane[0] / CELLS;
}

/* The logit of the quasar. */
static float rate_quasar(const struct fb_net *net, const struct rows *rows, const float logit[CELLS],
                         const float scalar[SCALARS], float pooled[FB_NET_POOLED])
{
    float sum = net->out_bias;
    for (size_t k = 0; k < WIDTH; k++)
        pool(rows->x[k] + SIDE, &pooled[k], &pooled[WIDTH + k]);
    pool(logit, &pooled[2 * WIDTH], &pooled[2 * WIDTH + 1]);
    memcpy(pooled + 2 * WIDTH + 2, scalar, SCALARS * sizeof *scalar);
    for (size_t h = 0; h < FB_NET_HIDDEN; h++) {
        float hidden = net->hidden_bias[h];
        for (size_t k = 0; k < FB_NET_POOLED; k++)
            hidden += net->hidden[h][k] * pooled[k];
        sum += net->out[h] * (hidden > 0 ? hidden : 0);
    }
    return sum;
}

static void run_net(const struct fb_net *net, struct fastbal_detector_trace *trace)
{
    static const size_t dilation[FB_NET_LAYERS] = { 1, 2, 4, 8, 16, 32 };
    struct rows a, b, *in = &a, *out = &b;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    for (size_t k = 0; k < CHANNELS; k++)
        memcpy(&a.x[k][SIDE], trace->channel[k], sizeof trace->channel[k]);
    convolve(in, CHANNELS, FB_NET_FIRST_TAPS, 1, net->first_bias, net->first[0][0][0], 0, out);
    for (size_t k = 0; k < FB_NET_LAYERS; k++) {
        struct rows *from = out;
        out = in;
        in = from;
        convolve(in, WIDTH, FB_NET_TAPS, dilation[k], net->layer[k].bias, net->layer[k].weight[0][0][0], 1,
                 out);
    }
    rate_cells(net, out, trace->cell_logit);
    trace->logit = rate_quasar(net, out, trace->cell_logit, trace->scalar, trace->pooled);
}

/* ---- troughs ---- */

/* The halves of the window's cells, from blue to red. */
enum { HALVES = 2 * CELLS };
struct halves {
    double v[HALVES], width[HALVES];    /* velocity of the middle, and width, km/s */
    double flux[HALVES], sigma[HALVES]; /* relative to the continuum; without data, sigma is 0 and */
                                        /* the flux is taken from the neighbours */
    double fitted[HALVES];              /* relative variance of the continuum */
    double smooth[HALVES];              /* the flux, smoothed */
};

#define V_BEGIN 1.0 /* km/s; readers take an entry of 0 or less for unused */
#define V_END (-FB_V_BLUE)
#define BI_BEGIN (-FB_V_BI)
#define SMOOTH_ERROR 0.06 /* the flux is smoothed until its error is about this */
enum { MOST_SMOOTH = 9 }; /* halves */
#define REACH 400.0       /* km/s by which an edge may be outside the net's cells */
/* The logit above which a cell is in a trough. The second limit is used for quasars without a trough by the
 * first. */
#define INSIDE 0.5F
#define FAINTLY_INSIDE 0.0F
#define LEAST_PROBABILITY 0.5 /* of a quasar with troughs */

static void fill_halves(const struct fb_cell_fit *fit, const struct fb_stretch *pixels, struct halves *h)
{
    double ivar[2][CELLS], product[2][CELLS], variance[CELLS];
    const double *edge = fit->cells->edge;
    halve(fit, pixels, ivar, product);
    fb_continuum_variance(fit, FIRST, CELLS, variance);
    for (size_t i = 0; i < HALVES; i++) {
        size_t c = i / 2, half = i % 2;
        double begin = edge[FIRST + c], end = edge[FIRST + c + 1], middle = 0.5 * (begin + end);
        double model = fit->model[FIRST + c], v = ivar[half][c];
        double low = half ? middle : begin, high = half ? end : middle;
        h->v[i] = FASTBAL_LIGHT_SPEED * (1 - 0.5 * (low + high) / FB_CIV);
        h->width[i] = FASTBAL_LIGHT_SPEED * (high - low) / FB_CIV;
        h->flux[i] = v > 0 ? product[half][c] / v / model : 1;
        h->sigma[i] = v > 0 ? sqrt(NOISE / v) / model : 0;
        h->fitted[i] = variance[c];
    }
}

/* The median sigma of the halves with data at 0 to 25,000 km/s; 1 if there are none. */
static double typical_error(const struct halves *h)
{
    double x[HALVES], scratch[HALVES];
    size_t n = 0;
    for (size_t i = 0; i < HALVES; i++)
        if (h->sigma[i] > 0 && h->v[i] > 0 && h->v[i] < V_END)
            x[n++] = h->sigma[i];
    return n > 0 ? fb_median(x, n, scratch) : 1;
}

/* The mean flux of half i and up to `reach` halves on either side, weighted by inverse variance. Returns 0 if
 * they have no data. */
static int average(const struct halves *h, size_t i, size_t reach, double *mean)
{
    double sum = 0, weight = 0;
    for (size_t k = i < reach ? 0 : i - reach; k < HALVES && k <= i + reach; k++) {
        double w = h->sigma[k] > 0 ? 1 / (h->sigma[k] * h->sigma[k]) : 0;
        sum += w * h->flux[k];
        weight += w;
    }
    *mean = weight > 0 ? sum / weight : 1;
    return weight > 0;
}

/* Smooth the flux with a running mean. Halves without data get the mean of the nearest halves with data, so
 * that a masked pixel neither ends a trough nor counts as continuum. Returns the number of halves averaged on
 * either side. */
static size_t smooth(struct halves *h)
{
    double many = typical_error(h) / SMOOTH_ERROR;
    size_t reach = 0;
    while (reach < MOST_SMOOTH / 2 && (double)(2 * reach + 1) < many * many)
        reach++;
    for (size_t i = 0; i < HALVES; i++) {
        size_t wider = reach;
        while (!average(h, i, wider, &h->smooth[i]) && wider < MOST_SMOOTH / 2)
            wider++;
    }
    for (size_t i = 0; i < HALVES; i++)
        h->flux[i] = h->sigma[i] > 0 ? h->flux[i] : h->smooth[i];
    return reach;
}

/* Halves [first, last] of a trough. */
struct span {
    size_t first, last;
};

static double red_edge(const struct halves *h, const struct span *s)
{
    return fmax(h->v[s->last] - 0.5 * h->width[s->last], V_BEGIN);
}

static double blue_edge(const struct halves *h, const struct span *s)
{
    return fmin(h->v[s->first] + 0.5 * h->width[s->first], V_END);
}

static int wide_enough(const struct halves *h, const struct span *s)
{
    return blue_edge(h, s) - red_edge(h, s) > FB_AI_WIDTH;
}

/* Does the net see a trough in a cell, or in both its neighbours? */
static int in_trough(const float logit[CELLS], float inside, size_t c)
{
    return logit[c] > inside || (c > 0 && c + 1 < CELLS && logit[c - 1] > inside && logit[c + 1] > inside);
}

/* Find the runs of cells in which the net sees troughs that are wide enough for AI. Returns their number. */
static size_t find_spans(const struct halves *h, const float logit[CELLS], float inside,
                         struct span span[FB_MOST_FOUND])
{
    size_t n = 0;
    for (size_t c = 0; c < CELLS; c++) {
        struct span s = { 2 * c, 2 * c + 1 };
        if (!in_trough(logit, inside, c) || h->v[2 * c] < V_BEGIN || h->v[2 * c + 1] > V_END)
            continue;
        for (; c + 1 < CELLS && in_trough(logit, inside, c + 1) && h->v[2 * c + 2] > V_BEGIN; c++)
            s.last = 2 * c + 3;
        if (wide_enough(h, &s) && n < FB_MOST_FOUND)
            span[n++] = s;
    }
    return n;
}

/* Find the next run, from half i to `end`, in which the smoothed flux is below FB_CONTINUUM. Returns 0 if
 * there is none. */
static int next_run(const struct halves *h, size_t i, size_t end, struct span *run)
{
    while (i <= end && !(h->smooth[i] < FB_CONTINUUM))
        i++;
    if (i > end)
        return 0;
    run->first = i;
    while (i < end && h->smooth[i + 1] < FB_CONTINUUM)
        i++;
    run->last = i;
    return 1;
}

/* The number of halves that are in both. */
static size_t overlap(const struct span *a, const struct span *b)
{
    size_t first = a->first > b->first ? a->first : b->first, last = a->last < b->last ? a->last : b->last;
    return last >= first ? last - first + 1 : 0;
}

/* Move the edges of spans to where the smoothed flux crosses FB_CONTINUUM. A span may split; spans that meet
 * are merged; one without a suitable run is kept. Returns the number of spans. */
static size_t refine(const struct halves *h, size_t nfound, const struct span *found,
                     struct span out[FB_MOST_FOUND])
{
    size_t n = 0;
    for (size_t k = 0; k < nfound; k++) {
        size_t begin = found[k].first, end = found[k].last, before = n;
        struct span run = found[k];
        while (begin > 0 && h->v[begin - 1] < h->v[found[k].first] + REACH && h->v[begin - 1] < V_END)
            begin--;
        while (end + 1 < HALVES && h->v[end + 1] > h->v[found[k].last] - REACH && h->v[end + 1] > V_BEGIN)
            end++;
        for (size_t i = begin; next_run(h, i, end, &run); i = run.last + 1)
            if (wide_enough(h, &run) && 2 * overlap(&run, &found[k]) > run.last - run.first &&
                n < FB_MOST_FOUND)
                out[n++] = run;
        if (n == before && n < FB_MOST_FOUND)
            out[n++] = found[k];
        if (before > 0 && before < n && out[before].first <= out[before - 1].last + 1) {
            out[before - 1].last =
                out[before].last > out[before - 1].last ? out[before].last : out[before - 1].last;
            memmove(&out[before], &out[before + 1], (--n - before) * sizeof *out);
        }
    }
    return n;
}

/* Add the index of a trough: the integral of 1 - flux / 0.9 over velocities above `begin` km/s and more than
 * `least` km/s redward of the blue edge (docs/algorithm.md §5). Its error has two parts: the variance of the
 * noise, and the error that all halves have in common. */
static void add_index(const struct halves *h, const struct span *s, double least, double begin, double *index,
                      double *noise, double *common)
{
    double red = fmax(red_edge(h, s), begin), blue = blue_edge(h, s);
    if (blue - red <= least)
        return;
    for (size_t i = s->first; i <= s->last; i++) {
        double low = fmax(h->v[i] - 0.5 * h->width[i], red),
               high = fmin(h->v[i] + 0.5 * h->width[i], blue - least);
        if (high <= low)
            continue;
        double dv = high - low, per = dv / FB_CONTINUUM;
        *index += (1 - h->flux[i] / FB_CONTINUUM) * dv;
        *noise += per * per * h->sigma[i] * h->sigma[i];
        *common += per * h->flux[i] * sqrt(h->fitted[i]);
    }
}

static double index_error(double noise, double common)
{
    return sqrt(noise + common * common);
}

/* The largest logit of cells first to last. */
static double largest(const float logit[CELLS], size_t first, size_t last)
{
    float most = logit[first];
    for (size_t c = first; c <= last; c++)
        most = logit[c] > most ? logit[c] : most;
    return (double)most;
}

static void find_troughs(const struct fb_cell_fit *fit, const struct fb_stretch *pixels,
                         const float logit[CELLS], struct fastbal_detection *d)
{
    struct span found[FB_MOST_FOUND], span[FB_MOST_FOUND];
    struct halves h;
    double ai_noise = 0, ai_common = 0, bi_noise = 0, bi_common = 0;

    fill_halves(fit, pixels, &h);
    size_t reach = smooth(&h);
    size_t n = find_spans(&h, logit, INSIDE, found);
    if (n == 0)
        n = find_spans(&h, logit, FAINTLY_INSIDE, found);
    n = refine(&h, n, found, span);
    d->count = n < FASTBAL_MAX_DETECTED ? (int)n : FASTBAL_MAX_DETECTED;
    d->dropped = (int)n - d->count;
    for (int k = 0; k < d->count; k++) {
        d->vmin[k] = red_edge(&h, &span[k]);
        d->vmax[k] = blue_edge(&h, &span[k]);
        d->edge_error[k] = (0.5 + (double)reach) * h.width[span[k].first];
        d->inside[k] = probability(largest(logit, span[k].first / 2, span[k].last / 2));
    }
    for (size_t k = 0; k < n; k++) {
        add_index(&h, &span[k], FB_AI_WIDTH, 0, &d->ai, &ai_noise, &ai_common);
        add_index(&h, &span[k], FB_BI_WIDTH, BI_BEGIN, &d->bi, &bi_noise, &bi_common);
    }
    d->ai = fmax(d->ai, 0);
    d->bi = fmax(d->bi, 0);
    d->ai_error = index_error(ai_noise, ai_common);
    d->bi_error = index_error(bi_noise, bi_common);
    if (!isfinite(d->ai) || !isfinite(d->ai_error) || !isfinite(d->bi) || !isfinite(d->bi_error))
        fb_detection_clear(d); /* the continuum is too small to divide by */
}

/* ---- the quasar ---- */

/* Are n numbers finite? */
static int are_finite(const float *x, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += (size_t) !(fabsf(x[i]) <= FLT_MAX);
    return bad == 0;
}

/* Is the model positive in all cells? That of a quasar whose flux is mostly negative is not. */
static int is_positive(const struct fb_cell_fit *fit)
{
    return fb_count_positive(fit->model, FB_CELLS) == FB_CELLS;
}

void fb_rate_troughs(const struct fb_cell_fit *fit, const float logit[CELLS], struct fastbal_troughs *troughs)
{
    const double *edge = fit->cells->edge + FIRST;
    for (int k = 0; k < troughs->count; k++) {
        double blue = FB_CIV * (1 - troughs->vmax[k] / FASTBAL_LIGHT_SPEED);
        double red = FB_CIV * (1 - troughs->vmin[k] / FASTBAL_LIGHT_SPEED);
        float most = -FLT_MAX;
        for (size_t c = 0; c < CELLS; c++)
            if (edge[c + 1] > blue && edge[c] < red)
                most = logit[c] > most ? logit[c] : most;
        troughs->inside[k] = probability((double)most);
    }
}

/* In what the spectrum is outside the range of the training spectra (enum fastbal_limit). */
static uint32_t find_limits(const struct fastbal_calibration *d, const struct fastbal_detector_trace *t)
{
    uint32_t outside = 0;
    if (t->scalar[0] < d->least_signal || t->scalar[0] > d->most_signal)
        outside |= FASTBAL_LIMIT_SIGNAL;
    if (t->scalar[1] > d->most_chi2)
        outside |= FASTBAL_LIMIT_CHI2;
    if (t->scalar[2] > d->most_masked)
        outside |= FASTBAL_LIMIT_MASKED;
    return outside;
}

void fb_detect(const fastbal_detector *detector, const struct fb_cell_fit *fit,
               const struct fb_stretch *pixels, struct fastbal_detection *detection,
               struct fastbal_detector_trace *trace)
{
    struct fastbal_detector_trace own;
    struct fastbal_detector_trace *t = trace ? trace : &own;
    fb_detection_clear(detection);
    if (!is_positive(fit))
        return;
    fill_channels(fit, pixels, t->channel);
    fill_scalars(fit, t->channel, t->scalar);
    if (!are_finite(t->channel[0], CHANNELS * CELLS) || !are_finite(t->scalar, SCALARS))
        return; /* the input overflowed */
    run_net(detector->net, t);
    if (!are_finite(t->cell_logit, CELLS) || !are_finite(t->pooled, FB_NET_POOLED) ||
        !are_finite(&t->logit, 1))
        return; /* the net overflowed: its weights are huge */
    double rated =
        probability(detector->calibration.slope * (double)t->logit + detector->calibration.intercept);
    if (rated >= LEAST_PROBABILITY)
        find_troughs(fit, pixels, t->cell_logit, detection);
    detection->made = 1;
    detection->probability = rated;
    detection->outside = find_limits(&detector->calibration, t);
}
