/* mpi_load.c - SPDX-License-Identifier: BSD-3-Clause */
#include "run/mpi.h"

#ifdef FB_MPI_MODULE
#include <dlfcn.h>

/* The program's RUNPATH has the folders where the module may be: that of the program, and the library folder
 * of its installation. RTLD_GLOBAL is needed because some MPI libraries load plugins that resolve symbols in
 * the main library. */
const struct fb_mpi *fb_mpi_load(struct fb_error *err)
{
    void *module = dlopen(FB_MPI_MODULE, RTLD_NOW | RTLD_GLOBAL);
    const struct fb_mpi *functions = module ? dlsym(module, FB_MPI_SYMBOL) : NULL;
    if (!functions)
        fb_fail(err,
                "option --mpi: can't load fastbal's MPI module: %s; load the MPI library that fastbal was "
                "built with, or leave out --mpi",
                dlerror());
    return functions;
}
#else
const struct fb_mpi *fb_mpi_load(struct fb_error *err)
{
    fb_fail(
        err,
        "option --mpi: fastbal was built without MPI; build it with -DFASTBAL_MPI=ON, or leave out --mpi");
    return NULL;
}
#endif
