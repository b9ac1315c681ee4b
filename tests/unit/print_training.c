/*
 * print_training.c - what train/ makes of a sample, for tests/cli/test_training.py. Numbers are those of the machine, and
 * come and go as bytes.
 *
 *     print_training cells < SPECTRUM    n, ngaps, z, min_snr, wavelength[n], flux[n], ivar[n], gaps[ngaps][2] (doubles)
 *         > the outcome (a double), and the cells' flux and weight (floats) of a spectrum that was taken
 *     print_training learn N FACTORS COMPONENTS THREADS < SAMPLE    flux[N][cells], weight[N][cells] (floats)
 *         > what fb_factors_learn(), fb_factors_turn() and fb_factors_calibrate() leave, one after the other: the number of
 *           iterations (a double), and then three times struct fb_factors as doubles
 *     print_training absorbed N
 *         > fb_absorbed_light()
 *     print_training inject TARGETID < SPECTRUM    n, z, wavelength[n], flux[n], ivar[n] (doubles)
 *         > z, begin, end (doubles), and flux and ivar of all n pixels after fb_inject()
 *     print_training calibrate < SAMPLE    slope and intercept before, n, and n times the targetid, part, injected and logit
 *                                          of a row (doubles)
 *         > share and edge, the line of a calibration with them, and the calibration error of the line before (doubles)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/absorbed.h"
#include "train/calibrate.h"
#include "train/inject.h"
#include "train/train.h"
#include "train/turn.h"

static void get(void *to, size_t size, size_t n)
{
    if (n > 0 && fread(to, size, n, stdin) != n) {
        fprintf(stderr, "print_training: the input ends early\n");
        exit(EXIT_FAILURE);
    }
}

static void put(const void *from, size_t size, size_t n)
{
    if (n > 0 && fwrite(from, size, n, stdout) != n)
        exit(EXIT_FAILURE);
}

static int print_cells(void)
{
    double head[4];
    get(head, sizeof *head, 4);
    const size_t n = (size_t)head[0], ngaps = (size_t)head[1];
    double *pixels = calloc(3 * n + 2 * ngaps + 1, sizeof *pixels);
    struct fb_wave_range *gaps = calloc(ngaps + 1, sizeof *gaps);
    struct fb_sample sample = { 0 };
    if (!pixels || !gaps)
        return EXIT_FAILURE;
    get(pixels, sizeof *pixels, 3 * n + 2 * ngaps);
    for (size_t i = 0; i < ngaps; i++)
        gaps[i] = (struct fb_wave_range){ pixels[3 * n + 2 * i], pixels[3 * n + 2 * i + 1] };
    const struct fb_sample_spectrum s = { n, pixels, pixels + n, pixels + 2 * n, head[2], gaps, ngaps };
    const double outcome = fb_sample_add(&sample, &s, head[3]);
    put(&outcome, sizeof outcome, 1);
    put(sample.flux, sizeof *sample.flux, sample.n * FB_TRAIN_CELLS);
    put(sample.weight, sizeof *sample.weight, sample.n * FB_TRAIN_CELLS);
    fb_sample_release(&sample);
    free(gaps);
    free(pixels);
    return EXIT_SUCCESS;
}

static void put_factors(const struct fb_factors *f)
{
    put(f->value, sizeof(double), FB_TRAIN_CELLS * FB_MOST_TERMS);
    put(f->misfit, sizeof(double), FB_TRAIN_CELLS);
    put(f->mean, sizeof(double), f->n);
    put(f->covariance, sizeof(double), f->n * f->n);
}

static int print_learning(char **arguments)
{
    static struct fb_factors factors;
    const size_t n = strtoul(arguments[0], NULL, 10), k = strtoul(arguments[1], NULL, 10);
    const int threads = atoi(arguments[3]);
    struct fb_sample sample = { calloc(n * FB_TRAIN_CELLS + 1, sizeof(float)),
                                calloc(n * FB_TRAIN_CELLS + 1, sizeof(float)), n, n };
    struct fb_convergence convergence;
    struct fb_error err = { "" };
    int failed = !sample.flux || !sample.weight;
    if (!failed) {
        get(sample.flux, sizeof(float), n * FB_TRAIN_CELLS);
        get(sample.weight, sizeof(float), n * FB_TRAIN_CELLS);
        failed = fb_factors_learn(&factors, &sample, k, threads, &convergence, &err) != 0;
    }
    if (!failed) {
        const double iterations = convergence.iterations;
        put(&iterations, sizeof iterations, 1);
        put_factors(&factors);
        failed =
            fb_factors_turn(&factors, strtoul(arguments[2], NULL, 10) - 1, FB_TRAIN_TROUGH_WEIGHT, &err) != 0;
    }
    if (!failed) {
        put_factors(&factors);
        failed = fb_factors_calibrate(&factors, &sample, threads, &err) != 0;
    }
    if (!failed)
        put_factors(&factors);
    fb_sample_release(&sample);
    if (failed)
        fprintf(stderr, "print_training: %s\n", err.text);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_absorbed(size_t n)
{
    fb_cells *absorbed = calloc(n + 1, sizeof *absorbed);
    if (!absorbed || fb_absorbed_light(n, absorbed) != 0)
        return EXIT_FAILURE;
    put(absorbed, sizeof *absorbed, n);
    free(absorbed);
    return EXIT_SUCCESS;
}

static int print_injected(int64_t targetid)
{
    double head[2];
    get(head, sizeof *head, 2);
    const size_t n = (size_t)head[0];
    double *pixels = calloc(3 * n + 1, sizeof *pixels);
    struct fb_injector injector;
    struct fb_rng rng;
    size_t begin, end;
    if (!pixels || fb_injector_init(&injector) != 0)
        return EXIT_FAILURE;
    get(pixels, sizeof *pixels, 3 * n);
    struct fastbal_spectrum s = { n, pixels, pixels + n, pixels + 2 * n, head[1] };
    fb_inject_seed(&rng, targetid);
    if (fb_inject(&injector, &rng, &s) != 0)
        return EXIT_FAILURE;
    fastbal_measured_range(n, pixels, s.z, &begin, &end);
    memcpy(pixels + n + begin, s.flux + begin, (end - begin) * sizeof *pixels);
    memcpy(pixels + 2 * n + begin, s.ivar + begin, (end - begin) * sizeof *pixels);
    const double range[] = { s.z, (double)begin, (double)end };
    put(range, sizeof *range, 3);
    put(pixels + n, sizeof *pixels, 2 * n);
    fb_injector_release(&injector);
    free(pixels);
    return EXIT_SUCCESS;
}

static int get_judged(struct fb_judged_sample *sample)
{
    double n, numbers[4];
    get(&n, sizeof n, 1);
    for (size_t i = 0; i < (size_t)n; i++) {
        get(numbers, sizeof *numbers, 4);
        const struct fb_judged row = { (int64_t)numbers[0],
                                       (unsigned char)numbers[1],
                                       (unsigned char)numbers[2],
                                       (float)numbers[3],
                                       { 0 } };
        if (fb_judged_sample_add(sample, &row, 1) != 0)
            return -1;
    }
    return 0;
}

static int print_calibration(void)
{
    struct fb_logit_line before, line;
    struct fb_judged_sample sample = { 0 };
    struct fb_reliability reliability = { 0 };
    double share, edge;
    get(&before, sizeof before, 1);
    if (get_judged(&sample) != 0 || fb_estimate_share(&share, &edge, before, &sample) != 0)
        return EXIT_FAILURE;
    const struct fb_mixture all = fb_mixture_of(&sample, FB_PARTS_ALL, share, edge);
    if (fb_calibrate(&line, before, &all) != 0)
        return EXIT_FAILURE;
    fb_reliability_add(&reliability, before, &all);
    const double numbers[] = { share, edge, line.slope, line.intercept, fb_calibration_error(&reliability) };
    put(numbers, sizeof *numbers, sizeof numbers / sizeof *numbers);
    fb_judged_sample_release(&sample);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "cells") == 0)
        return print_cells();
    if (argc == 6 && strcmp(argv[1], "learn") == 0)
        return print_learning(argv + 2);
    if (argc == 3 && strcmp(argv[1], "absorbed") == 0)
        return print_absorbed(strtoul(argv[2], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "inject") == 0)
        return print_injected(strtoll(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "calibrate") == 0)
        return print_calibration();
    fprintf(
        stderr,
        "usage: print_training cells | learn N FACTORS COMPONENTS THREADS | absorbed N | inject TARGETID | "
        "calibrate\n");
    return EXIT_FAILURE;
}
