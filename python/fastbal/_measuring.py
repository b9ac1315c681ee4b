"""Measuring spectra in memory.

SPDX-License-Identifier: BSD-3-Clause
"""
import ctypes
import operator
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _detector, _library
from ._arrays import Array, ArrayLike, number, wavelengths
from ._arrays import array as _array
from ._detector import Detector
from ._errors import LibraryError
from ._templates import Templates, find

Cameras = Union[ArrayLike, Mapping[str, ArrayLike]]

CHUNK = 256  # spectra measured between two looks at signals


# ---- arguments ----

def _index(name: str, names: Mapping[str, int], value: str) -> int:
    if value not in names:
        raise LibraryError(f"{name}: expected {', '.join(names)}, found {value!r}")
    return names[value]


class _Spectra:
    """Spectra as the library takes them: one array per camera, shape (nspec, npixels)."""

    def __init__(self, wavelength: Cameras, flux: Cameras, ivar: Cameras, z: Optional[ArrayLike], mask: Optional[Mapping[str, ArrayLike]]):
        cameras = isinstance(wavelength, Mapping)
        if cameras != isinstance(flux, Mapping) or cameras != isinstance(ivar, Mapping):
            raise TypeError("wavelength, flux, ivar: expected three arrays, or three mappings by camera")
        if mask is not None and not (cameras and isinstance(mask, Mapping)):
            raise TypeError("mask: expected a mapping by camera, as of wavelength, flux and ivar; with arrays, set ivar to 0 instead")

        def take(values: Any, key: Any) -> Any:
            return values[key] if cameras else values

        def name(text: str, key: Any) -> str:
            return f"{text}[{key!r}]" if cameras else text

        given: Mapping[Any, Any] = {None: wavelength}
        if isinstance(wavelength, Mapping):
            given = wavelength
        grids = {key: wavelengths(name("wavelength", key), values) for key, values in given.items()}
        if not grids:
            raise LibraryError("wavelength: expected a camera, found none")
        for key, grid in grids.items():
            if cameras and grid.size == 0:
                raise LibraryError(f"{name('wavelength', key)}: expected wavelengths, found none")
        keys = sorted(grids, key=lambda key: float(grids[key].flat[0])) if cameras else [None]
        for text, values in (("flux", flux), ("ivar", ivar), ("mask", mask)):
            if cameras and values is not None and set(values) != set(keys):  # type: ignore[arg-type]
                raise LibraryError(f"{text}: expected the cameras {list(keys)}, found {list(values)}")  # type: ignore[arg-type]
        self.wavelength = [grids[key] for key in keys]
        self.flux = [_array(name("flux", key), take(flux, key)) for key in keys]
        self.single = self.flux[0].ndim == 1
        self.n = 1 if self.single else len(self.flux[0]) if self.flux[0].ndim else 0
        self.own = self.wavelength[0].ndim == 2 and not cameras  # every spectrum has wavelengths of its own
        self._check(keys, name)
        self.ivar = [_array(name("ivar", key), take(ivar, key), f.shape, 0) for key, f in zip(keys, self.flux)]
        self.mask: Optional[List[Array]] = None
        if mask is not None:
            self.mask = [self._take_mask(name("mask", key), take(mask, key), f.shape) for key, f in zip(keys, self.flux)]
        redshifts = np.zeros(self.n) if z is None else _array("z", z, () if self.single else (self.n,))
        self.z = redshifts.astype(np.float64, copy=False).reshape(self.n)

    def _check(self, keys: Sequence[Any], name: Callable[[str, Any], str]) -> None:
        for key, wavelength, flux in zip(keys, self.wavelength, self.flux):
            if wavelength.ndim != 1 and not (self.own and wavelength.ndim == 2):
                raise LibraryError(f"{name('wavelength', key)}: expected shape (npixels,){'' if key is not None else ' or (nspectra, npixels)'}, "
                                   f"found {wavelength.shape}")
            expected = wavelength.shape if self.own or self.single else (self.n, len(wavelength))
            if flux.ndim not in (1, 2) or flux.shape != expected:
                raise LibraryError(f"{name('flux', key)}: expected shape {wavelength.shape}"
                                   f"{'' if self.own else f' or (nspectra, {len(wavelength)})'}, found {flux.shape}")

    @staticmethod
    def _take_mask(name: str, value: Any, shape: Tuple[int, ...]) -> Array:
        bad = np.ascontiguousarray(np.asarray(value) != 0, np.int32)
        if bad.shape != shape:
            raise LibraryError(f"{name}: expected shape {shape}, found {bad.shape}")
        return bad

    @property
    def batch(self) -> bool:
        """Can a batch call take the arrays as they are?"""
        return not self.own and (len(self.flux) > 1 or all(a.dtype == np.float32 for a in self.flux + self.ivar))


class _Grid:
    """A struct fastbal_grid."""

    def __init__(self, wavelength: List[Array], start: float):
        cameras = (_library.Camera * len(wavelength))(*(_library.Camera(w.ctypes.data, len(w)) for w in wavelength))
        message = _library.Message()
        self.pointer = ctypes.c_void_p()
        _library.check(_library.library().fastbal_grid_create(ctypes.byref(self.pointer), cameras, len(wavelength), start,
                                                              ctypes.byref(message)), message.text)

    def wavelength(self) -> Array:
        library = _library.library()
        n = library.fastbal_grid_size(self.pointer)
        return np.ctypeslib.as_array(library.fastbal_grid_wavelength(self.pointer), (n,)).copy()

    def __del__(self) -> None:
        if _library._library is not None and getattr(self, "pointer", None):
            _library._library.fastbal_grid_free(self.pointer)


# ---- results ----

def _columns(ntemplates: int) -> List[Tuple[Any, ...]]:
    """(name, type, where it is in a struct fastbal_result, how many), in the order of a BAL table."""
    columns: List[Tuple[Any, ...]] = [("PCA_COEFFS", "f8", "coeffs", ntemplates), ("PCA_CHI2", "f8", "chi2", 0),
                                      ("BAL_PROB", "f8", "detection.probability", 0)]
    for line in ("CIV", "SIIV"):
        for kind, width, most in (("bi", 2000, _library.MAX_BI), ("ai", 450, _library.MAX_AI)):
            path, index = f"{line.lower()}.{kind}", f"{kind.upper()}_{line}"
            columns += [(index, "f8", f"{path}.index", 0), (f"ERR_{index}", "f8", f"{path}.error", 0),
                        (f"N{line}_{width}", "i4", f"{path}.count", 0)]
            columns += [(f"{name}_{line}_{width}", "f8", f"{path}.{name.lower()}", most) for name in ("VMIN", "VMAX", "POSMIN", "FMIN")]
    columns += [("SNR_CIV", "f8", "snr_civ", 0), ("SNR_REDSIDE", "f8", "snr_redside", 0), ("SNR_FOREST", "f8", "snr_forest", 0),
                ("BALSTATUS", "i4", "status", 0)]
    for name, member in (("AI_TOT", "ai_total"), ("BI0", "bi0"), ("DI", "detachment"), ("EW", "ew"), ("DEPTH", "depth")):
        columns += [(f"{name}_CIV", "f8", f"absorption.{member}", 0), (f"ERR_{name}_CIV", "f8", f"absorption.{member}_error", 0)]
    columns.append(("LOBAL", "i4", None, 0))
    for name, member in (("ALIII", "aliii"), ("MGII", "mgii")):
        columns += [(f"DEPTH_{name}", "f8", f"low.{member}_depth", 0), (f"ERR_DEPTH_{name}", "f8", f"low.{member}_error", 0)]
    for kind in ("ai", "bi"):
        columns += [(f"{kind.upper()}_DET", "f8", f"detection.{kind}", 0), (f"ERR_{kind.upper()}_DET", "f8", f"detection.{kind}_error", 0)]
    columns.append(("NDET_450", "i4", "detection.count", 0))
    for name, member in (("VMIN_DET", "vmin"), ("VMAX_DET", "vmax"), ("ERR_V_DET", "edge_error"), ("PROB_DET", "inside")):
        columns.append((f"{name}_450", "f8", f"detection.{member}", _library.MAX_DETECTED))
    return columns


def result_dtype(ntemplates: int) -> "np.dtype[Any]":
    """The type of `measure`'s results: the columns of a BAL table (docs/columns.md), floats with 8 bytes.

    Parameters
    ----------
    ntemplates : int
        Components of the templates, ``len(Templates(...))``: that many coefficients are in PCA_COEFFS.
    """
    return np.dtype([(name, kind, *([(n,)] if n else [])) for name, kind, _, n in _columns(ntemplates)])


def _convert(raw: Array, results: Array) -> None:
    """Copy what structs fastbal_result hold to the columns."""
    for name, _, path, n in _columns(results["PCA_COEFFS"].shape[1]):
        if path is None:
            continue
        values: Any = raw
        for part in path.split("."):
            values = values[part]
        results[name] = values[:, :n] if n else values
    results["LOBAL"] = np.where(raw["low"]["searched"] == 0, -1, raw["low"]["found"] != 0)


# ---- measuring ----

_local = threading.local()


def _workspace() -> Tuple[_library.Workspace, Array]:
    """Of this thread: a workspace, and room for the structs of a block. They are used again: fresh memory costs more than measuring."""
    if not hasattr(_local, "work"):
        _local.work = _library.Workspace(), np.zeros(CHUNK, np.dtype(_library.Result))
    work: Tuple[_library.Workspace, Array] = _local.work
    return work


def _measure_batch(s: _Spectra, grid: _Grid, templates: Templates, options: _library.Options, results: Array, begin: int, end: int) -> None:
    pixels = (_library.Pixels * len(s.flux))()
    for k, (flux, ivar) in enumerate(zip(s.flux, s.ivar)):
        step = 4 * flux.shape[-1] * begin
        pixels[k] = _library.Pixels(flux.ctypes.data + step, ivar.ctypes.data + step, s.mask[k].ctypes.data + step if s.mask else None)
    work, raw = _workspace()
    status = _library.library().fastbal_measure_batch(work.pointer, templates.pointer, grid.pointer, end - begin, pixels,
                                                      s.z.ctypes.data + 8 * begin, ctypes.byref(options), raw.ctypes.data)
    _library.check(status, work.error())
    _convert(raw[:end - begin], results[begin:end])


def _measure_each(s: _Spectra, templates: Templates, options: _library.Options, results: Array, begin: int, end: int) -> None:
    library, (work, raw) = _library.library(), _workspace()
    wavelength, flux, ivar = s.wavelength[0], s.flux[0], s.ivar[0]
    n = flux.shape[-1]
    for i in range(begin, end):
        result = raw.ctypes.data + raw.itemsize * (i - begin)
        z = s.z[i]
        if not (np.isfinite(z) and z > -1):
            library.fastbal_result_clear(result, len(templates), _library.BAD_REDSHIFT)
            continue
        spectrum = _library.Spectrum(n, wavelength.ctypes.data + (8 * n * i if s.own else 0), flux.ctypes.data + 8 * n * i,
                                     ivar.ctypes.data + 8 * n * i, z)
        status = library.fastbal_measure(work.pointer, templates.pointer, ctypes.byref(spectrum), ctypes.byref(options), result)
        if status != 0:
            detail = work.error()
            _library.check(status, detail if s.single else f"spectrum {i}: ".encode() + detail)
    _convert(raw[:end - begin], results[begin:end])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_chunks(n: int, threads: Optional[int], work: Callable[[int, int], None]) -> None:
    """Call work(begin, end) for all of n spectra; the interpreter can be interrupted between two calls."""
    chunks = [(begin, min(begin + CHUNK, n)) for begin in range(0, n, CHUNK)]
    workers = _cores() if threads is None else operator.index(threads)
    if workers < 1:
        raise LibraryError(f"threads: expected at least 1, found {threads}")
    if workers == 1 or len(chunks) < 2:
        for chunk in chunks:
            work(*chunk)
        return
    with ThreadPoolExecutor(min(workers, len(chunks))) as pool:
        futures = [pool.submit(work, *chunk) for chunk in chunks]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()


def measure(wavelength: Cameras, flux: Any = None, ivar: Any = None, z: Any = None,
            templates: Union[None, str, "os.PathLike[str]", Templates] = None, *, mask: Optional[Mapping[str, ArrayLike]] = None,
            fit: str = "exact", rules: str = "main", continuum: str = "default",
            detector: Union[bool, str, "os.PathLike[str]", Detector] = True, threads: Optional[int] = 1, start: float = 3600.0) -> Any:
    """Measure broad absorption in one spectrum or in many.

    Parameters
    ----------
    wavelength : array_like, shape (npixels,) or (nspectra, npixels); or mapping by camera
        Observed frame, increasing; in Angstrom, or a Quantity. A 1-d array belongs to all spectra. With a mapping such as
        ``{"b": ..., "r": ..., "z": ...}`` flux and ivar are mappings as well, and cameras are joined (section 1), from 4-byte floats
        as DESI has them. A specutils ``Spectrum1D``, or any object with ``spectral_axis``, ``flux`` and ``uncertainty``, may stand
        for wavelength, flux and ivar.
    flux, ivar : array_like, shape (npixels,) or (nspectra, npixels)
        Flux in any unit, and its inverse variance. Pixels that are masked, not finite or negative in ivar count as not observed.
        Arrays of native 4-byte floats that belong to one wavelength array, as DESI has them, and 8-byte floats are not copied.
    z : float or array_like, shape (nspectra,)
        Redshifts.
    templates : str, path or Templates
        ``"builtin"``, ``"guo"``, ``"brodzeller"`` or a file; default: guo, or builtin, with a warning, where guo is not found.
    mask : mapping by camera, optional
        Non-zero where a pixel is bad, shapes as of flux. As in the program, it is used only where cameras are resampled because
        their pixels do not lie on one grid.
    fit, rules, continuum : str
        As the options of the program: ``exact``, ``simplex``; ``main``, ``optimize``, ``fastbal``; ``default``, ``least-squares``,
        ``trough-aware`` (sections 4 and 8).
    detector : bool, path or Detector
        What fills ``BAL_PROB`` and the columns of the detector's own troughs (section 9): True, the built-in detector; a file of
        ``fastbal train --detector``, or a `Detector` made of one. With False they are 0, arrays -1.
    threads : int or None
        Threads; None for all cores. Results do not depend on it. The interpreter lock is free while the library works, and
        Ctrl-C is obeyed between blocks of 256 spectra.
    start : float
        First wavelength of the joined spectrum where cameras are resampled.

    Returns
    -------
    numpy.void or ndarray, shape (nspectra,)
        One record, or an array of them, of `result_dtype`: the columns of a BAL table (docs/columns.md). A spectrum that
        can't be measured is no error: ``BALSTATUS`` says why.

    Raises
    ------
    LibraryError
        A ValueError: an argument has another shape than expected, wavelengths do not increase, an option is unknown, or a file is
        not a detector.
    FastbalError
        The templates are not found, or their file is damaged.
    TypeError
        An argument does not hold numbers, or is of another type than expected.

    Examples
    --------
    >>> result = fastbal.measure(wavelength, flux, ivar, 2.3, templates="builtin")
    >>> result["AI_CIV"], result["VMIN_CIV_450"][:result["NCIV_450"]]
    """
    if hasattr(wavelength, "spectral_axis"):
        wavelength, flux, ivar, z = _from_spectrum1d(wavelength, flux, z)
    if flux is None or ivar is None or z is None:
        raise TypeError("measure: expected wavelength, flux, ivar and z")
    judge = _detector.find(detector)
    options = _library.Options(ctypes.sizeof(_library.Options), _index("fit", _library.FITS, fit), _index("rules", _library.RULES, rules),
                               _index("continuum", _library.CONTINUA, continuum), judge.pointer if judge else None)
    chosen = find(templates)
    spectra = _Spectra(wavelength, flux, ivar, z, mask)
    results = np.empty(spectra.n, result_dtype(len(chosen)))
    if spectra.batch:
        grid = _Grid(spectra.wavelength, number("start", start))
        _as_float32(spectra)
        _in_chunks(spectra.n, threads, lambda a, b: _measure_batch(spectra, grid, chosen, options, results, a, b))
    else:
        spectra.flux, spectra.ivar = ([np.ascontiguousarray(a, np.float64) for a in arrays] for arrays in (spectra.flux, spectra.ivar))
        _in_chunks(spectra.n, threads, lambda a, b: _measure_each(spectra, chosen, options, results, a, b))
    return results[0] if spectra.single else results


def _as_float32(spectra: _Spectra) -> _Spectra:
    """Cameras are joined from 4-byte floats, as DESI's files have them."""
    spectra.flux, spectra.ivar = ([np.ascontiguousarray(a, np.float32) for a in arrays] for arrays in (spectra.flux, spectra.ivar))
    return spectra


def _from_spectrum1d(spectrum: Any, z: Any, keyword: Any) -> Tuple[Any, Any, Any, Any]:
    """Wavelength, flux, ivar and z of a specutils Spectrum1D; its uncertainty may be of any kind that can become an inverse variance."""
    uncertainty = spectrum.uncertainty
    if uncertainty is None:
        raise LibraryError("spectrum: expected an uncertainty")
    values = np.asarray(uncertainty.array)
    kind = getattr(uncertainty, "uncertainty_type", "ivar")
    powers = {"ivar": -2, "var": 2, "std": 1}
    if kind not in powers:
        raise LibraryError(f"spectrum: expected an uncertainty of type ivar, var or std, found {kind}")
    unit, flux_unit = getattr(uncertainty, "unit", None), getattr(spectrum.flux, "unit", None)
    if unit is not None and flux_unit is not None:
        values = values * unit.to(flux_unit ** powers[kind])
    with np.errstate(divide="ignore"):
        ivar = values if kind == "ivar" else 1 / values if kind == "var" else 1 / values ** 2
    mask = getattr(spectrum, "mask", None)
    if mask is not None:
        ivar = np.where(mask, 0, ivar)
    redshift = keyword if keyword is not None else z if z is not None else getattr(spectrum, "redshift", None)
    if redshift is None:
        raise LibraryError("z: expected a redshift, in the spectrum or as an argument")
    return spectrum.spectral_axis, np.asarray(getattr(spectrum.flux, "value", spectrum.flux)), ivar, getattr(redshift, "value", redshift)


def join(wavelength: Mapping[str, ArrayLike], flux: Mapping[str, ArrayLike], ivar: Mapping[str, ArrayLike], *,
         mask: Optional[Mapping[str, ArrayLike]] = None, start: float = 3600.0) -> Tuple[Array, Array, Array]:
    """Join cameras into one spectrum (section 1).

    Parameters
    ----------
    wavelength, flux, ivar, mask, start
        Mappings by camera, as for `measure`; 1 to 8 cameras.

    Returns
    -------
    wavelength : ndarray, shape (npixels,)
    flux, ivar : ndarray, shape (npixels,) or (nspectra, npixels)
        With bad pixels at flux = ivar = 0.

    Raises
    ------
    LibraryError
        If shapes do not fit or wavelengths do not increase.
    TypeError
        If an argument is not a mapping, or does not hold numbers.
    """
    if not isinstance(wavelength, Mapping):
        raise TypeError(f"wavelength: expected a mapping by camera, found {type(wavelength).__name__}")
    spectra = _as_float32(_Spectra(wavelength, flux, ivar, None, mask))
    grid = _Grid(spectra.wavelength, number("start", start))
    joined = grid.wavelength()
    out = np.zeros((2, spectra.n, len(joined)))
    for i in range(spectra.n):
        pixels = (_library.Pixels * len(spectra.flux))()
        for k, (f, v) in enumerate(zip(spectra.flux, spectra.ivar)):
            step = 4 * f.shape[-1] * i
            pixels[k] = _library.Pixels(f.ctypes.data + step, v.ctypes.data + step,
                                        spectra.mask[k].ctypes.data + step if spectra.mask else None)
        _library.library().fastbal_join(grid.pointer, pixels, out[0, i].ctypes.data, out[1, i].ctypes.data)
    return (joined, out[0, 0], out[1, 0]) if spectra.single else (joined, out[0], out[1])


def continuum(wavelength: ArrayLike, z: float, result: Any, templates: Union[None, str, "os.PathLike[str]", Templates] = None) -> Array:
    """The continuum of a result (section 4).

    Parameters
    ----------
    wavelength : array_like, shape (npixels,)
        Observed frame, in any order; in Angstrom, or a Quantity.
    z : float
        Redshift.
    result : record of `measure`, or a row of a catalog
        Only ``PCA_COEFFS`` is used.
    templates : str, path or Templates
        Those that were measured with; default as for `measure`.

    Returns
    -------
    ndarray, shape (npixels,)
        In the unit of the flux.

    Raises
    ------
    LibraryError
        If the number of coefficients is not that of the templates, or an argument has another shape than expected.
    """
    chosen = find(templates)
    at, redshift = wavelengths("wavelength", wavelength), number("z", z)
    coeffs = np.atleast_1d(_array("result", result["PCA_COEFFS"]).astype(np.float64, copy=False))
    if at.ndim != 1:
        raise LibraryError(f"wavelength: expected shape (npixels,), found {at.shape}")
    if coeffs.shape != (len(chosen),):
        raise LibraryError(f"result: expected {len(chosen)} coefficients, one for each template, found {coeffs.shape}")
    if not (np.isfinite(redshift) and redshift > -1):
        raise LibraryError(f"z: expected a finite number above -1, found {z}")
    out = np.empty_like(at)
    _library.library().fastbal_continuum(chosen.pointer, coeffs.ctypes.data, redshift, len(at), at.ctypes.data, out.ctypes.data)
    return out
