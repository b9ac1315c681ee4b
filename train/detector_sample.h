/*
 * detector_sample.h - collects the sample that a detector is calibrated on: a survey's quasars, and once
 * more, with a simulated outflow, those in which it finds none.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef FB_DETECTOR_SAMPLE_H
#define FB_DETECTOR_SAMPLE_H

#include "train/collect.h"
#include "train/inject.h"
#include "train/mixture.h"

/* The buffers of a thread. Initialise with zeros. */
struct fb_judge {
    fastbal_workspace *work;
    struct fb_injector injector;
};
void fb_judge_release(struct fb_judge *judge);

struct fb_detector_taker {
    const fastbal_detector *detector; /* borrowed */
    struct fb_judge *judges;          /* one per thread */
    struct fb_judged_sample *parts;   /* one per pixel */
};

/* An fb_take_spectrum() with a struct fb_detector_taker as its context, for whole spectra. */
int fb_detector_take(void *taker, int thread, size_t index, const struct fb_spectrum *spectrum,
                     const struct fb_redshift *row);

/* Move the parts of pixels that did not fail into one sorted sample. */
int fb_judged_sample_join(struct fb_judged_sample *all, struct fb_judged_sample *parts,
                          const struct fb_collection *collection, struct fb_error *err);

#endif
