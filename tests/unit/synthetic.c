/*
 * synthetic.c - see synthetic.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *numbers(size_t n)
{
    double *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

size_t pixel(int k)
{
    return (size_t)(k - K_FIRST);
}

double velocity(int k)
{
    return -12.5 + (double)STEP * k;
}

struct synthetic synthetic_create(double sigma)
{
    struct synthetic s = { pixel(K_LAST) + 1, 2.0, NULL, NULL, NULL };
    s.wavelength = numbers(s.n);
    s.flux = numbers(s.n);
    s.ivar = numbers(s.n);
    for (int k = K_FIRST; k <= K_LAST; k++) {
        size_t i = pixel(k);
        s.wavelength[i] = (1 + s.z) * CIV * (1 + velocity(k) / LIGHT);
        s.flux[i] = 1;
        s.ivar[i] = k > K_ANCHOR ? 1e14 / (sigma * sigma) : 1 / (sigma * sigma);
    }
    return s;
}

struct synthetic synthetic_linear(size_t n, double first, double step, double z)
{
    struct synthetic s = { n, z, numbers(n), numbers(n), numbers(n) };
    for (size_t i = 0; i < n; i++) {
        s.wavelength[i] = first + step * (double)i;
        s.flux[i] = 1;
        s.ivar[i] = 1;
    }
    return s;
}

void synthetic_free(struct synthetic *s)
{
    free(s->wavelength);
    free(s->flux);
    free(s->ivar);
}

void absorb(struct synthetic *s, int k, int count, double flux)
{
    for (int j = k; j < k + count; j++)
        s->flux[pixel(j)] = flux;
}

fastbal_templates *flat_template(void)
{
    const double wavelength[2] = { 900, 3000 }, value[2] = { 1, 1 };
    fastbal_templates *templates;
    assert_int_equal(fastbal_templates_create(&templates, 2, wavelength, 1, value), FASTBAL_OK);
    return templates;
}

int measure_status(const struct synthetic *s, const fastbal_templates *templates,
                   struct fastbal_result *result)
{
    fastbal_workspace *work = fastbal_workspace_create();
    assert_non_null(work);
    struct fastbal_spectrum spectrum = { s->n, s->wavelength, s->flux, s->ivar, s->z };
    int status = fastbal_measure(work, templates, &spectrum, NULL, result);
    fastbal_workspace_free(work);
    return status;
}

struct fastbal_result measure_with(const struct synthetic *s, const fastbal_templates *templates)
{
    struct fastbal_result result;
    memset(&result, 0x5a, sizeof result); /* whatever the call leaves unset is nonsense */
    assert_int_equal(measure_status(s, templates, &result), FASTBAL_OK);
    return result;
}

struct fastbal_result measure_flat(const struct synthetic *s)
{
    fastbal_templates *templates = flat_template();
    struct fastbal_result result = measure_with(s, templates);
    fastbal_templates_free(templates);
    return result;
}

void check_near_at(double value, double expected, double tolerance, const char *what, const char *file,
                   int line)
{
    if (!(fabs(value - expected) <= tolerance)) {
        print_error("%s is %.15g, not %.15g within %g\n", what, value, expected, tolerance);
        _fail(file, line);
    }
}

static void check_same_troughs(const struct fastbal_troughs *a, const struct fastbal_troughs *b, int size)
{
    size_t bytes = (size_t)size * sizeof a->vmin[0];
    assert_int_equal(a->count, b->count);
    assert_memory_equal(&a->index, &b->index, sizeof a->index);
    assert_memory_equal(&a->error, &b->error, sizeof a->error);
    assert_memory_equal(a->vmin, b->vmin, bytes);
    assert_memory_equal(a->vmax, b->vmax, bytes);
    assert_memory_equal(a->posmin, b->posmin, bytes);
    assert_memory_equal(a->fmin, b->fmin, bytes);
}

void check_same_result(const struct fastbal_result *a, const struct fastbal_result *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->ntemplates, b->ntemplates);
    assert_int_equal(a->iterations, b->iterations);
    assert_memory_equal(a->coeffs, b->coeffs, (size_t)a->ntemplates * sizeof a->coeffs[0]);
    assert_memory_equal(&a->chi2, &b->chi2, sizeof a->chi2);
    check_same_troughs(&a->civ.ai, &b->civ.ai, FASTBAL_MAX_AI);
    check_same_troughs(&a->civ.bi, &b->civ.bi, FASTBAL_MAX_BI);
    check_same_troughs(&a->siiv.ai, &b->siiv.ai, FASTBAL_MAX_AI);
    check_same_troughs(&a->siiv.bi, &b->siiv.bi, FASTBAL_MAX_BI);
    assert_memory_equal(&a->low, &b->low, sizeof a->low);
    assert_memory_equal(&a->absorption, &b->absorption, sizeof a->absorption);
    assert_memory_equal(&a->snr_civ, &b->snr_civ, sizeof a->snr_civ);
    assert_memory_equal(&a->snr_redside, &b->snr_redside, sizeof a->snr_redside);
    assert_memory_equal(&a->snr_forest, &b->snr_forest, sizeof a->snr_forest);
}

void check_unused(const struct fastbal_troughs *troughs, int from, int size)
{
    for (int i = from; i < size; i++) {
        check_near(troughs->vmin[i], -1, 0);
        check_near(troughs->vmax[i], -1, 0);
        check_near(troughs->posmin[i], -1, 0);
        check_near(troughs->fmin[i], -1, 0);
    }
}

void check_none(const struct fastbal_troughs *troughs, int size)
{
    assert_int_equal(troughs->count, 0);
    check_near(troughs->index, 0, 0);
    check_near(troughs->error, 0, 0);
    check_unused(troughs, 0, size);
}

double uniform(uint64_t *state)
{
    /* splitmix64 */
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

double blue_edge(int k)
{
    return -velocity(k) * (1 + 8e-6) + 8e-5;
}

double red_edge(int k)
{
    return -velocity(k) * (1 - 8e-6) - 8e-5;
}
