/* version.c - SPDX-License-Identifier: BSD-3-Clause */
#include "fastbal.h"
#include "cli/command.h"
#include "fits/system.h"
#include "run/message.h"
#include "plot/figure.h"
#include "run/mpi.h"

static void say_mpi(void)
{
    char library[200];
    struct fb_error err;
    const struct fb_mpi *mpi = fb_mpi_load(&err);
    if (mpi)
        mpi->version(library, sizeof library);
    fb_print("features: threads yes, MPI %s (%s)", mpi ? "yes" : "no", mpi ? library : err.text);
}

static void say_plot(void)
{
    char libraries[200];
    struct fb_error err;
    const struct fb_plotter *plotter = fb_plotter_load(&err);
    if (plotter)
        plotter->version(libraries, sizeof libraries);
    fb_print("plots: %s (%s)", plotter ? "yes" : "no", plotter ? libraries : err.text);
}

void fb_print_version(void)
{
    char libraries[200];
    fb_library_versions(libraries, sizeof libraries);
    fb_print("fastbal %s", fastbal_version());
    fb_print("libraries: %s", libraries);
    fb_print("compiler: %s, %s build%s%s", FB_COMPILER, FB_BUILD, FB_SANITIZERS[0] ? ", sanitizers " : "",
             FB_SANITIZERS);
    say_mpi();
    say_plot();
}
