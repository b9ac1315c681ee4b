/*
 * measure.c - measure one quasar: AI, BI and troughs.
 *
 *     measure FILE Z     lines of wavelength (A, observed, increasing), flux and ivar; the redshift
 *     measure            a quasar made up here: redshift 2.2, and a trough 70 % deep from 5000 to 9000 km/s
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <fastbal.h>

enum { MOST = 20000 };
static double wavelength[MOST], flux[MOST], ivar[MOST];

// Measure one spectrum with the built-in templates, and print what was found.
static int measure(size_t n, const double *wavelength, const double *flux, const double *ivar, double z)
{
    struct fastbal_spectrum spectrum = { n, wavelength, flux, ivar, z };
    struct fastbal_result result;
    fastbal_templates *templates = NULL;
    fastbal_workspace *work = fastbal_workspace_create();
    int status = work ? fastbal_templates_builtin(&templates) : FASTBAL_ENOMEM;

    if (status == FASTBAL_OK)
        status = fastbal_measure(work, templates, &spectrum, NULL, &result);
    if (status != FASTBAL_OK)
        fprintf(stderr, "%s: %s\n", fastbal_strerror(status), fastbal_error(work));
    else if (result.status & FASTBAL_NOT_MEASURED)
        printf("not measured, BALSTATUS %u\n", (unsigned)result.status);
    else
        printf("AI %.1f km/s, BI %.1f km/s\n", result.civ.ai.index, result.civ.bi.index);
    for (int k = 0; status == FASTBAL_OK && k < result.civ.ai.count; k++)
        printf("trough from %.0f to %.0f km/s\n", result.civ.ai.vmin[k], result.civ.ai.vmax[k]);
    fastbal_templates_free(templates);
    fastbal_workspace_free(work);
    return status;
}

/* How many pixels a file holds; 0 where it can't be read. */
static size_t read_spectrum(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t n = 0;
    if (!file)
        return 0;
    while (n < MOST && fscanf(file, "%lf %lf %lf", &wavelength[n], &flux[n], &ivar[n]) == 3)
        n++;
    int complete = feof(file);
    fclose(file);
    return complete ? n : 0;
}

/* The first of the built-in templates, which is a mean quasar, with a trough. */
static size_t make_spectrum(double z)
{
    const double first_alone[FASTBAL_MAX_TEMPLATES] = { 1 };
    fastbal_templates *templates;
    size_t n = 6000;
    if (fastbal_templates_builtin(&templates) != FASTBAL_OK)
        return 0;
    for (size_t i = 0; i < n; i++)
        wavelength[i] = 3600 + (double)i;
    fastbal_continuum(templates, first_alone, z, n, wavelength, flux);
    for (size_t i = 0; i < n; i++) {
        double velocity = 299792.458 * (1 - wavelength[i] / (1 + z) / 1549);
        if (velocity > 5000 && velocity < 9000)
            flux[i] *= 0.3;
        ivar[i] = 400;
    }
    fastbal_templates_free(templates);
    return n;
}

int main(int argc, char **argv)
{
    double z = argc == 3 ? atof(argv[2]) : 2.2;
    size_t n = argc == 3 ? read_spectrum(argv[1]) : make_spectrum(z);
    if (n == 0) {
        fprintf(stderr, "usage: measure [FILE Z], FILE with 1 to %d lines of three numbers\n", MOST);
        return 2;
    }
    return measure(n, wavelength, flux, ivar, z) == FASTBAL_OK ? 0 : 1;
}
