/* spectra.c - SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "desi/continuum_file.h"
#include "report/spectra.h"

#define EVEN 1e-3     /* A: wavelengths that differ by no more from evenly spaced ones are */
#define PER_SIGMA 8.0 /* steps of flux per median error, at least, unless that many would not fit */
enum { MOST = 32767, ERRORS = 255, PER_OCTAVE = 16 };

/* The bytes of one spectrum. */
struct packed {
    unsigned char *bytes; /* owned */
    size_t n;
};

/* ---- bytes ---- */

static void put_16(struct packed *p, double value, double step)
{
    double scaled = step > 0 ? value / step : 0;
    int whole = isfinite(value) ? (int)lround(fmax(fmin(scaled, MOST), -MOST)) : FB_NO_FLUX;
    uint16_t bits = (uint16_t)whole;
    p->bytes[p->n++] = (unsigned char)(bits & 0xff);
    p->bytes[p->n++] = (unsigned char)(bits >> 8);
}

static void put_float(struct packed *p, double value)
{
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    for (int k = 0; k < 32; k += 8)
        p->bytes[p->n++] = (unsigned char)(bits >> k & 0xff);
}

static void put_error(struct packed *p, double ivar, double top)
{
    double level = ivar > 0 ? ERRORS + PER_OCTAVE * log2(1 / sqrt(ivar) / top) : 0;
    p->bytes[p->n++] = ivar > 0 ? (unsigned char)lround(fmax(fmin(level, ERRORS), 1)) : 0;
}

static void put_base64(FILE *out, const struct packed *p)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < p->n; i += 3) {
        size_t left = p->n - i;
        uint32_t bits = (uint32_t)p->bytes[i] << 16 | (left > 1 ? (uint32_t)p->bytes[i + 1] << 8 : 0) |
                        (left > 2 ? p->bytes[i + 2] : 0);
        const char text[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
                               left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '=' };
        (void)fwrite(text, 1, sizeof text, out); /* ferror() is asked at the end */
    }
}

/* ---- one spectrum ---- */

static int is_good(const struct fastbal_spectrum *s, size_t i)
{
    return s->ivar[i] > 0 && isfinite(s->ivar[i]) && isfinite(s->flux[i]);
}

/* What the fit saw. */
static struct fastbal_spectrum fitted_part(const struct fastbal_spectrum *s)
{
    size_t begin, end;
    fastbal_measured_range(s->n, s->wavelength, s->z, &begin, &end);
    while (begin < end && s->wavelength[begin] < FASTBAL_FIT_MIN * (1 + s->z))
        begin++;
    while (end > begin && s->wavelength[end - 1] > FASTBAL_FIT_MAX * (1 + s->z))
        end--;
    return (struct fastbal_spectrum){ end - begin, s->wavelength + begin, s->flux + begin, s->ivar + begin,
                                      s->z };
}

static void find_spacing(struct fb_drawn *d, const struct fastbal_spectrum *s)
{
    d->first = s->wavelength[0];
    d->step = s->n > 1 ? (s->wavelength[s->n - 1] - d->first) / (double)(s->n - 1) : 1;
    for (size_t i = 0; i < s->n; i++)
        if (fabs(s->wavelength[i] - (d->first + d->step * (double)i)) > EVEN) {
            d->step = 0;
            return;
        }
}

/* How many pixels are held one by one. */
static size_t full_pixels(const struct fastbal_spectrum *s)
{
    size_t n = 0;
    while (n < s->n && s->wavelength[n] <= FB_FULL_UNTIL * (1 + s->z))
        n++;
    return n + (s->n - n) % FB_BIN;
}

/* Points of a spectrum, as arrays of s->n numbers each. */
struct points {
    double *wavelength, *flux, *ivar;
};

static void bin_pixels(const struct points *p, size_t to, const struct fastbal_spectrum *s, size_t from)
{
    double weight = 0, sum = 0;
    for (size_t i = from; i < from + FB_BIN; i++) {
        if (!is_good(s, i))
            continue;
        weight += s->ivar[i];
        sum += s->ivar[i] * s->flux[i];
    }
    p->wavelength[to] = (s->wavelength[from] + s->wavelength[from + FB_BIN - 1]) / 2;
    p->flux[to] = weight > 0 ? sum / weight : NAN;
    p->ivar[to] = weight;
}

/* What is held of a spectrum: pixels, and bins after them. */
static struct fastbal_spectrum held_points(const struct fastbal_spectrum *s, size_t nfull,
                                           const struct points *p)
{
    size_t n = nfull;
    memcpy(p->wavelength, s->wavelength, nfull * sizeof(double));
    memcpy(p->flux, s->flux, nfull * sizeof(double));
    memcpy(p->ivar, s->ivar, nfull * sizeof(double));
    for (size_t i = nfull; i < s->n; i += FB_BIN)
        bin_pixels(p, n++, s, i);
    return (struct fastbal_spectrum){ n, p->wavelength, p->flux, p->ivar, s->z };
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The step that holds the largest flux, or where a few pixels are far too bright, one that keeps the noise. Leaves the errors
 * in scratch, n numbers. */
static void find_scales(struct fb_drawn *d, const struct fastbal_spectrum *s, double *scratch)
{
    size_t n = 0;
    double largest = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!is_good(s, i))
            continue;
        scratch[n++] = 1 / sqrt(s->ivar[i]);
        largest = fmax(largest, fabs(s->flux[i]));
    }
    if (n == 0)
        return;
    qsort(scratch, n, sizeof *scratch, ascending);
    d->error_top = scratch[n - 1];
    d->flux_step = fmin(largest / MOST, scratch[n / 2] / PER_SIGMA);
}

static int has_continuum(const struct fb_drawn *d, size_t i)
{
    return i % FB_CONTINUUM_EVERY == 0 || i >= d->nfull || i == d->n - 1;
}

static void put_continuum(struct packed *p, struct fb_drawn *d, const fastbal_templates *templates,
                          const struct fastbal_spectrum *s, const struct fastbal_result *result,
                          double *scratch)
{
    size_t n = 0;
    double largest = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!has_continuum(d, i))
            continue;
        fastbal_continuum(templates, result->coeffs, s->z, 1, &s->wavelength[i], &scratch[n]);
        largest = isfinite(scratch[n]) ? fmax(largest, fabs(scratch[n])) : largest;
        n++;
    }
    d->continuum_step = largest / MOST;
    for (size_t k = 0; k < n; k++)
        put_16(p, scratch[k], d->continuum_step);
}

static void pack(struct packed *p, struct fb_drawn *d, const fastbal_templates *templates,
                 const struct fastbal_spectrum *s, const struct fastbal_result *result, double *scratch)
{
    find_scales(d, s, scratch);
    for (size_t i = 0; i < s->n && d->step == 0; i++)
        put_float(p, s->wavelength[i]);
    for (size_t i = 0; i < s->n; i++)
        put_16(p, is_good(s, i) ? s->flux[i] : NAN, d->flux_step);
    if (!(result->status & FASTBAL_NOT_MEASURED))
        put_continuum(p, d, templates, s, result, scratch);
    for (size_t i = 0; i < s->n; i++)
        put_error(p, is_good(s, i) ? s->ivar[i] : 0, d->error_top);
}

/* ---- the list ---- */

static struct fb_drawn *add_place(struct fb_drawn_list *list)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 256;
        struct fb_drawn *grown = realloc(list->spectra, room * sizeof *grown);
        if (!grown)
            return NULL;
        list->spectra = grown;
        list->room = room;
    }
    return &list->spectra[list->n];
}

int fb_drawn_add(struct fb_drawn_list *list, size_t quasar, const fastbal_templates *templates,
                 const struct fastbal_spectrum *spectrum, const struct fastbal_result *result,
                 struct fb_error *err)
{
    const struct fastbal_spectrum pixels = fitted_part(spectrum);
    const size_t n = pixels.n;
    if (n == 0)
        return 0;
    if (!list->out)
        list->out = open_memstream(&list->text, &list->size);
    struct fb_drawn *d = add_place(list);
    /* wavelength 4, flux 2, continuum 2, error 1 */
    struct packed p = { .bytes = malloc(9 * n) };
    double *scratch = malloc(4 * n * sizeof *scratch);
    int status = list->out && d && p.bytes && scratch ? 0 : fb_fail(err, "out of memory for the spectra");
    if (status == 0) {
        const struct points room = { scratch, scratch + n, scratch + 2 * n };
        const size_t nfull = full_pixels(&pixels);
        const struct fastbal_spectrum held = held_points(&pixels, nfull, &room);
        *d = (struct fb_drawn){ .quasar = quasar,
                                .n = held.n,
                                .nfull = nfull,
                                .ai = result->civ.ai.index,
                                .status = result->status };
        find_spacing(d, &pixels);
        pack(&p, d, templates, &held, result, scratch + 3 * n);
        fprintf(list->out, "<script type=\"text/plain\" id=\"spectrum-%zu\">", list->n++);
        put_base64(list->out, &p);
        fputs("</script>\n", list->out);
    }
    free(p.bytes);
    free(scratch);
    return status;
}

int fb_drawn_close(struct fb_drawn_list *list, struct fb_error *err)
{
    FILE *out = list->out;
    list->out = NULL;
    if (!out)
        return 0;
    int lost = ferror(out);
    return fclose(out) == 0 && !lost ? 0 : fb_fail(err, "out of memory for the spectra");
}

void fb_drawn_release(struct fb_drawn_list *list)
{
    if (list->out)
        fclose(list->out);
    free(list->text);
    free(list->spectra);
    *list = (struct fb_drawn_list){ 0 };
}
