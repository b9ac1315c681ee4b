/*
 * detector_file.h - reads and writes detectors (fastbal.h).
 *
 * The table DETECTOR has one column, WEIGHT, with the weights of the net in their order. Its keywords are the
 * version of this layout (DETVERS), the detector's name (DETNAME), the calibration (DETSLOPE, DETINTER), the
 * limits of what it was trained on (DETSIGLO, DETSIGHI, DETCHI2, DETMASK), a checksum of weights, calibration
 * and limits (DETSUM), and the checksum of the built-in templates that give the net its continuum (TEMPSUM).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DETECTOR_FILE_H
#define FB_DETECTOR_FILE_H

#include "fastbal.h"
#include "desi/training.h"
#include "fits/error.h"
#include "fits/temporary.h"

/* Read a detector, to be freed by fastbal_detector_free(). Returns 0, or -1 with an error and *detector
 * NULL. */
int fb_detector_read(fastbal_detector **detector, const char *path, struct fb_error *err);

/* Copy the name that a detector was created with, without the checksum. */
enum { FB_DETECTOR_NAME = 13 };
void fb_detector_own_name(const fastbal_detector *detector, char name[FB_DETECTOR_NAME]);

/* Its weights as fastbal_detector_create() takes them, *n of them. The caller frees them. NULL if out of
 * memory. */
double *fb_detector_weights(const fastbal_detector *detector, size_t *n);

/* How a detector was trained, for its header. */
struct fb_detector_training {
    struct fb_training on;
    size_t ninjected; /* TRNNINJ: number of spectra that were also used with a simulated outflow */
    double share;     /* TRNSHARE: estimated fraction of the quasars that have outflows */
};

/* Write a detector in the format that is read. Returns 0, or -1 with an error. */
int fb_detector_write(const char *path, enum fb_replace replace, const fastbal_detector *detector,
                      const struct fb_detector_training *origin, struct fb_error *err);

#endif
