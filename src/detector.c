/*
 * detector.c - detectors in memory (detect.c applies them).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"

void fastbal_detector_free(fastbal_detector *detector)
{
    if (!detector)
        return;
    fastbal_templates_free(detector->templates);
    free(detector->net);
    free(detector);
}

const char *fastbal_detector_name(const fastbal_detector *detector)
{
    return detector->name;
}

const float *fastbal_detector_weights(const fastbal_detector *detector, size_t *nweights)
{
    *nweights = FB_NET_NUMBERS;
    return (const float *)detector->net;
}

const double *fastbal_detector_edges(const fastbal_detector *detector)
{
    return detector->templates->cells->edge + FB_DETECTOR_FIRST;
}

const struct fastbal_calibration *fastbal_detector_calibration(const fastbal_detector *detector)
{
    return &detector->calibration;
}

void fb_detection_clear(struct fastbal_detection *detection)
{
    memset(detection, 0, sizeof *detection);
    for (int k = 0; k < FASTBAL_MAX_DETECTED; k++)
        detection->vmin[k] = detection->vmax[k] = detection->edge_error[k] = detection->inside[k] = -1;
}

/* Are all n numbers finite when rounded to float? */
static int are_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(x[i]) <= FLT_MAX))
            return 0;
    return 1;
}

static int check(size_t nweights, const double *weights, const struct fastbal_calibration *calibration,
                 struct fastbal_message *message)
{
    if (nweights != FB_NET_NUMBERS)
        return fb_explain(message, FASTBAL_EDETECTOR, "%zu weights: expected %zu", nweights, FB_NET_NUMBERS);
    if (!are_finite(weights, nweights) ||
        !are_finite(&calibration->slope, sizeof *calibration / sizeof(double)))
        return fb_explain(message, FASTBAL_EDETECTOR,
                          "a weight or a number of the calibration is not finite");
    if (!(calibration->slope > 0))
        return fb_explain(message, FASTBAL_EDETECTOR, "slope of the calibration %g: expected more than 0",
                          calibration->slope);
    return FASTBAL_OK;
}

static int allocate(fastbal_detector **detector)
{
    fastbal_detector *d = *detector = calloc(1, sizeof *d);
    if (d && (d->net = malloc(sizeof *d->net)) != NULL &&
        fastbal_templates_builtin(&d->templates) == FASTBAL_OK)
        return FASTBAL_OK;
    fastbal_detector_free(d);
    *detector = NULL;
    return FASTBAL_ENOMEM;
}

static void name_detector(fastbal_detector *detector, const char *name, uint32_t sum)
{
    struct fastbal_message text = { "" };
    fb_explain(&text, FASTBAL_OK, "%.12s %08x", name, (unsigned)sum);
    memcpy(detector->name, text.text, sizeof detector->name - 1);
}

int fastbal_detector_create(fastbal_detector **detector, const char *name, size_t nweights,
                            const double *weights, const struct fastbal_calibration *calibration,
                            struct fastbal_message *message)
{
    if (message)
        message->text[0] = '\0';
    if (!detector)
        return fb_explain(message, FASTBAL_EARGUMENT, "detector is NULL");
    *detector = NULL;
    if (!name || !weights || !calibration)
        return fb_explain(message, FASTBAL_EARGUMENT, "%s is NULL",
                          !name      ? "name"
                          : !weights ? "weights"
                                     : "calibration");
    int status = check(nweights, weights, calibration, message);
    if (status == FASTBAL_OK && (status = allocate(detector)) != FASTBAL_OK)
        status = fb_explain(message, status, "out of memory");
    if (status != FASTBAL_OK)
        return status;
    fastbal_detector *d = *detector;
    float *to = (float *)d->net;
    for (size_t i = 0; i < nweights; i++)
        to[i] = (float)weights[i];
    d->calibration = *calibration;
    uint64_t sum = fb_hash(d->templates->cells->sum, d->net, sizeof *d->net);
    name_detector(d, name, (uint32_t)fb_hash(sum, calibration, sizeof d->calibration));
    return FASTBAL_OK;
}
