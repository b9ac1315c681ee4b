"""Sets of continuum templates.

SPDX-License-Identifier: BSD-3-Clause
"""
import ctypes
import os
import re
import subprocess
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _fits, _library
from ._arrays import ArrayLike, Floats, array, word
from ._errors import FastbalError, LibraryError


class Prior(NamedTuple):
    """Statistics of the quasars that templates describe (docs/algorithm.md, section 4)."""

    mean: Floats
    """Of the ratios of coefficients c_k / c_0, k = 1 .. n - 1; shape (n - 1,)."""
    covariance: Floats
    """Of these ratios; shape (n - 1, n - 1)."""
    misfit: Floats
    """Of the templates, relative to the continuum, at each wavelength; shape (nwave,)."""


def _doubles(name: str, value: ArrayLike) -> Floats:
    """A copy."""
    return array(name, value).astype(np.float64)


class Templates:
    """A set of continuum templates.

    Parameters
    ----------
    name : str or path
        ``"builtin"``, the set that comes with fastbal; ``"guo"`` or ``"brodzeller"``, the reference's files, looked up in
        ``$FASTBAL_TEMPLATES``, ``$HOME/Catalogs`` and the installation; or a FITS file with columns WAVE, PCA0, PCA1, ...

    Attributes
    ----------
    name : str
        As catalogs have it in QSOTEMPS.
    checksum : str
        CRC-32 of all values in hexadecimal, as catalogs have it in TEMPSUM.
    wavelength : ndarray, shape (nwave,)
        Rest frame, Angstrom.
    values : ndarray, shape (n, nwave)
        One template a row.
    prior : Prior or None
        With a prior, the continuum is trough-aware by default.

    Raises
    ------
    FastbalError
        If the file is not found or is not a set of templates.
    """

    prior: Optional[Prior]

    def __init__(self, name: Union[str, "os.PathLike[str]"] = "builtin"):
        if word("templates", name) == "builtin":
            self.name = "builtin"
            self._create_builtin()
        else:
            self.name, wavelength, values, prior = _read(word("templates", name))
            self._create(wavelength, values, prior)

    @classmethod
    def from_arrays(cls, wavelength: ArrayLike, values: ArrayLike, prior: Optional[Tuple[ArrayLike, ArrayLike, ArrayLike]] = None,
                    name: str = "arrays") -> "Templates":
        """Templates from arrays.

        Parameters
        ----------
        wavelength : array_like, shape (nwave,)
            Rest frame, Angstrom, increasing; templates are linear between them.
        values : array_like, shape (n, nwave)
            One template a row, n from 1 to 32, in any unit.
        prior : tuple of array_like, optional
            ``(mean, covariance, misfit)``, as in `Prior`; the first template is then the mean of the population.
        name : str
            For people.

        Raises
        ------
        LibraryError
            If shapes do not fit, numbers are not finite, or the covariance is not positive definite.
        """
        self = cls.__new__(cls)
        self.name = name
        self._create(_doubles("wavelength", wavelength), _doubles("values", values),
                     None if prior is None else Prior(*(_doubles("prior", part) for part in prior)))
        return self

    def _create(self, wavelength: Floats, values: Floats, prior: Optional[Prior]) -> None:
        if wavelength.ndim != 1 or values.ndim != 2 or values.shape[1] != len(wavelength):
            raise LibraryError(f"templates: expected wavelengths of shape (nwave,) and values of shape (n, nwave), "
                               f"found {wavelength.shape} and {values.shape}")
        n = len(values)
        shapes = ((n - 1,), (n - 1, n - 1), wavelength.shape)
        if prior is not None and tuple(part.shape for part in prior) != shapes:
            raise LibraryError(f"prior: expected mean, covariance and misfit of shapes {shapes}, "
                               f"found {tuple(part.shape for part in prior)}")
        self.wavelength, self.values = np.ascontiguousarray(wavelength), np.ascontiguousarray(values)
        self.prior = None if prior is None else Prior(*(np.ascontiguousarray(part, np.float64) for part in prior))
        self.pointer = ctypes.c_void_p()
        passed = self.prior and _library.Prior(*(part.ctypes.data for part in self.prior))
        _library.check(_library.library().fastbal_templates_create_with_prior(
            ctypes.byref(self.pointer), len(wavelength), self.wavelength.ctypes.data, n, self.values.ctypes.data,
            passed and ctypes.byref(passed)))
        self._add_checksum()

    def _create_builtin(self) -> None:
        library = _library.library()
        self.pointer = ctypes.c_void_p()
        _library.check(library.fastbal_templates_builtin(ctypes.byref(self.pointer)))
        n, nwave = library.fastbal_templates_count(self.pointer), library.fastbal_templates_size(self.pointer)
        self.wavelength = np.ctypeslib.as_array(library.fastbal_templates_wavelength(self.pointer), (nwave,)).copy()
        self.values = np.array([[library.fastbal_templates_value(self.pointer, k, i) for i in range(nwave)] for k in range(n)])
        prior = _library.Prior()
        self.prior = None
        if library.fastbal_templates_prior(self.pointer, ctypes.byref(prior)):
            shapes = ((n - 1,), (n - 1, n - 1), (nwave,))
            parts = (ctypes.cast(part, ctypes.POINTER(ctypes.c_double)) for part in (prior.mean, prior.covariance, prior.misfit))
            self.prior = Prior(*(np.ctypeslib.as_array(part, shape).copy() for part, shape in zip(parts, shapes)))
        self._add_checksum()

    def _add_checksum(self) -> None:
        parts = [self.wavelength, self.values]
        if self.prior is not None:
            parts += [self.prior.misfit, self.prior.mean, self.prior.covariance]
        self.checksum = f"{zlib.crc32(b''.join(part.astype('<f8').tobytes() for part in parts)):08x}"

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<Templates {self.name}: {len(self)} components, {self.wavelength[0]:.1f} to {self.wavelength[-1]:.1f} A>"

    def __del__(self) -> None:
        if _library._library is not None and getattr(self, "pointer", None):
            _library._library.fastbal_templates_free(self.pointer)


def _read(name: str) -> Tuple[str, Floats, Floats, Optional[Prior]]:
    """Let the program find and check a file, and read what it exports."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "templates.fits"
        done = subprocess.run([str(_library.program()), "templates", "--templates", name, "--export", str(out)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise FastbalError(done.stderr.strip())
        found = re.match(r"(.*): \d+ components", done.stdout)
        data = out.read_bytes()
    _, columns = _fits.read_table(data, "TEMPLATES")
    n = sum(1 for column in columns if re.fullmatch(r"PCA\d+", column))
    prior = None
    if "PSI" in columns:
        _, moments = _fits.read_table(data, "PRIOR")
        prior = Prior(moments["MEAN"], np.atleast_2d(moments["COVARIANCE"]), columns["PSI"])
    return found[1] if found else name, columns["WAVE"], np.array([columns[f"PCA{k}"] for k in range(n)]), prior


_cache: Dict[str, Templates] = {}


def find(templates: Union[None, str, "os.PathLike[str]", Templates]) -> Templates:
    """The set that an argument means. None is guo, or the built-in set, with a warning, where guo is not found."""
    if isinstance(templates, Templates):
        return templates
    if templates is not None and not isinstance(templates, (str, os.PathLike)):
        raise TypeError(f"templates: expected a name, a path or Templates, found {type(templates).__name__}")
    if templates is None:
        try:
            return find("guo")
        except FastbalError:
            if os.environ.get("FASTBAL_TEMPLATES"):
                raise
            warnings.warn("templates: guo was not found ($FASTBAL_TEMPLATES), so the built-in set is used", stacklevel=3)
            return find("builtin")
    name = os.fspath(templates)
    if name != "builtin":
        return Templates(name)
    if name not in _cache:
        _cache[name] = Templates(name)
    return _cache[name]
