"""Broad absorption lines (BALs) in the spectra of quasars.

Measure spectra in memory::

    import fastbal
    result = fastbal.measure(wavelength, flux, ivar, z, templates="builtin")
    print(result["AI_CIV"], result["VMIN_CIV_450"])

Run the program on catalogs and trees of files::

    fastbal.run(qsocat="qso.fits", release="loa", outcatfile="qso-bal.fits", nproc=8)
    catalog = fastbal.read("qso-bal.fits")

Wavelengths are in Angstrom, velocities and indices in km/s; outflow velocities are positive. The project's docs/python.md is a
tutorial, docs/columns.md describes columns, and docs/algorithm.md what is computed; docstrings refer to its sections.

SPDX-License-Identifier: BSD-3-Clause
"""
from ._commands import CommandError, CommandResult, append, command, diff, find, mask_coadds, run, split
from ._catalogs import read
from ._detector import Detector
from ._errors import FastbalError, LibraryError
from ._library import version as _version
from ._masking import mask
from ._measuring import continuum, join, measure, result_dtype
from ._templates import Templates

__version__ = _version()
__all__ = ["CommandError", "CommandResult", "Detector", "FastbalError", "LibraryError", "Templates", "append", "command", "continuum",
           "diff", "find", "join", "mask", "mask_coadds", "measure", "read", "result_dtype", "run", "split"]
