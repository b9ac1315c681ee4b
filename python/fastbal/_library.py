"""The C library through ctypes: its structures and functions, as in include/fastbal.h.

ctypes releases the interpreter lock while C runs.

SPDX-License-Identifier: BSD-3-Clause
"""
import ctypes
import os
import sys
from ctypes import POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Optional

from ._errors import raise_for_status

ABI = "0.2"  # the versions of the library that have these structures; before 1.0, each minor version has an ABI of its own
MAX_AI, MAX_BI, MAX_TEMPLATES, MAX_CAMERAS, MAX_DETECTED = 17, 5, 32, 8, 8
NOT_MEASURED = 1 | 2 | 4 | 64 | 128 | 1024
BAD_REDSHIFT = 1024
FITS = {"exact": 0, "simplex": 1}
RULES = {"main": 0, "optimize": 1, "fastbal": 2}
CONTINUA = {"default": 0, "least-squares": 1, "trough-aware": 2}


class Message(Structure):
    _fields_ = [("text", c_char * 200)]


class Camera(Structure):
    _fields_ = [("wavelength", c_void_p), ("n", c_size_t)]


class Pixels(Structure):
    _fields_ = [("flux", c_void_p), ("ivar", c_void_p), ("mask", c_void_p)]


class Prior(Structure):
    _fields_ = [("mean", c_void_p), ("covariance", c_void_p), ("misfit", c_void_p)]


class Spectrum(Structure):
    _fields_ = [("n", c_size_t), ("wavelength", c_void_p), ("flux", c_void_p), ("ivar", c_void_p), ("z", c_double)]


class Troughs(Structure):
    _fields_ = [("count", c_int), ("index", c_double), ("error", c_double),
                *((name, c_double * MAX_AI) for name in ("vmin", "vmax", "posmin", "fmin", "ew", "ew_error", "depth", "depth_error",
                                                "inside"))]


class Line(Structure):
    _fields_ = [("ai", Troughs), ("bi", Troughs)]


class Absorption(Structure):
    _fields_ = [(name, c_double) for name in ("ai_total", "ai_total_error", "bi0", "bi0_error", "detachment", "detachment_error",
                                              "ew", "ew_error", "depth", "depth_error")]


class LowIonization(Structure):
    _fields_ = [("searched", c_int), ("found", c_int), ("aliii_depth", c_double), ("aliii_error", c_double),
                ("mgii_depth", c_double), ("mgii_error", c_double)]


class Detection(Structure):
    _fields_ = [("made", c_int), ("probability", c_double), ("outside", c_uint32), ("count", c_int), ("dropped", c_int),
                *((name, c_double * MAX_DETECTED) for name in ("vmin", "vmax", "edge_error", "inside")),
                ("ai", c_double), ("ai_error", c_double), ("bi", c_double), ("bi_error", c_double)]


class Result(Structure):
    _fields_ = [("status", c_uint32), ("ntemplates", c_int), ("iterations", c_int), ("coeffs", c_double * MAX_TEMPLATES),
                ("chi2", c_double), ("civ", Line), ("siiv", Line), ("snr_civ", c_double), ("snr_redside", c_double),
                ("snr_forest", c_double), ("absorption", Absorption), ("low", LowIonization), ("detection", Detection)]


class Options(Structure):
    _fields_ = [("size", c_size_t), ("fit", c_int), ("rules", c_int), ("continuum", c_int), ("detector", c_void_p)]


_FUNCTIONS = {
    "fastbal_strerror": (c_char_p, [c_int]),
    "fastbal_version": (c_char_p, []),
    "fastbal_grid_create": (c_int, [POINTER(c_void_p), POINTER(Camera), c_int, c_double, POINTER(Message)]),
    "fastbal_grid_free": (None, [c_void_p]),
    "fastbal_grid_size": (c_size_t, [c_void_p]),
    "fastbal_grid_wavelength": (POINTER(c_double), [c_void_p]),
    "fastbal_join": (None, [c_void_p, POINTER(Pixels), c_void_p, c_void_p]),
    "fastbal_templates_create_with_prior": (c_int, [POINTER(c_void_p), c_size_t, c_void_p, c_int, c_void_p, POINTER(Prior)]),
    "fastbal_templates_builtin": (c_int, [POINTER(c_void_p)]),
    "fastbal_templates_prior": (c_int, [c_void_p, POINTER(Prior)]),
    "fastbal_templates_free": (None, [c_void_p]),
    "fastbal_templates_count": (c_int, [c_void_p]),
    "fastbal_templates_size": (c_size_t, [c_void_p]),
    "fastbal_templates_wavelength": (POINTER(c_double), [c_void_p]),
    "fastbal_templates_value": (c_double, [c_void_p, c_int, c_size_t]),
    "fastbal_detector_create": (c_int, [POINTER(c_void_p), c_char_p, c_size_t, c_void_p, c_void_p, POINTER(Message)]),
    "fastbal_detector_builtin": (c_int, [POINTER(c_void_p)]),
    "fastbal_detector_free": (None, [c_void_p]),
    "fastbal_detector_name": (c_char_p, [c_void_p]),
    "fastbal_workspace_create": (c_void_p, []),
    "fastbal_workspace_free": (None, [c_void_p]),
    "fastbal_error": (c_char_p, [c_void_p]),
    "fastbal_measure": (c_int, [c_void_p, c_void_p, POINTER(Spectrum), POINTER(Options), c_void_p]),
    "fastbal_measure_batch": (c_int, [c_void_p, c_void_p, c_void_p, c_size_t, POINTER(Pixels), c_void_p, POINTER(Options), c_void_p]),
    "fastbal_result_clear": (None, [c_void_p, c_int, c_uint32]),
    "fastbal_continuum": (None, [c_void_p, c_void_p, c_double, c_size_t, c_void_p, c_void_p]),
}


def folder() -> Path:
    """Where the library and the programs are: in the package, or in the build folder that $FASTBAL_BUILD names."""
    build = os.environ.get("FASTBAL_BUILD")
    return Path(build) if build else Path(__file__).parent / "bin"


def program() -> Path:
    """The program fastbal."""
    inside = folder() / ("bin/fastbal" if os.environ.get("FASTBAL_BUILD") else "fastbal")
    return inside if inside.exists() else Path("fastbal")


_library: Optional[ctypes.CDLL] = None


def library() -> ctypes.CDLL:
    """The shared library, loaded once."""
    global _library
    if _library is None:
        name = "libfastbal.dylib" if sys.platform == "darwin" else "libfastbal.so"
        path = folder() / name
        if not path.exists():
            raise ImportError(f"{path}: no such file: install the package with pip, or set FASTBAL_BUILD to a build folder")
        loaded = ctypes.CDLL(str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
        found: str = loaded.fastbal_version().decode()
        if found.rsplit(".", 1)[0] != ABI:
            raise ImportError(f"{path}: expected version {ABI} of the library, found {found}")
        _library = loaded
    return _library


def version() -> str:
    """The version of the C library."""
    text: bytes = library().fastbal_version()
    return text.decode()


def check(status: int, detail: bytes = b"") -> None:
    """Raise what a status means."""
    if status != 0:
        raise_for_status(status, library().fastbal_strerror(status).decode(), detail.decode(errors="replace"))


class Workspace:
    """A struct fastbal_workspace; for one thread at a time."""

    def __init__(self) -> None:
        self.pointer = library().fastbal_workspace_create()
        if not self.pointer:
            raise MemoryError("workspace")

    def __del__(self) -> None:
        if _library is not None and getattr(self, "pointer", None):
            _library.fastbal_workspace_free(self.pointer)

    def error(self) -> bytes:
        text: bytes = library().fastbal_error(self.pointer)
        return text
