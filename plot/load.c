/* load.c - SPDX-License-Identifier: BSD-3-Clause */
#include "plot/figure.h"

#ifdef FB_PLOT_MODULE
#include <dlfcn.h>

/* The program's RUNPATH points to the module, as to that of MPI (run/mpi_load.c). */
const struct fb_plotter *fb_plotter_load(struct fb_error *err)
{
    void *module = dlopen(FB_PLOT_MODULE, RTLD_NOW | RTLD_LOCAL);
    const struct fb_plotter *functions = module ? dlsym(module, FB_PLOTTER_SYMBOL) : NULL;
    if (!functions)
        fb_fail(err, "can't load the part that draws: %s", dlerror());
    return functions;
}
#else
const struct fb_plotter *fb_plotter_load(struct fb_error *err)
{
    fb_fail(err, "built " FB_PLOT_MISSING ": install libcairo2-dev and libpango1.0-dev (conda-forge: "
                 "cairo, pango), configure with -DFASTBAL_PLOT=ON and build again");
    return NULL;
}
#endif
