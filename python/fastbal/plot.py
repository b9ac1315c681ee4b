"""The figure of ``fastbal plot`` with matplotlib, which has to be installed.

SPDX-License-Identifier: BSD-3-Clause
"""
from typing import Any, Optional

import numpy as np

from . import _masking
from ._arrays import ArrayLike, array, wavelengths
from ._errors import LibraryError
from ._measuring import continuum, measure
from ._templates import find

CIV, SIIV = 1549.0, 1398.0
COLOURS = {"CIV": "#f5c363", "SIIV": "#8fd3f4"}  # distinguishable without colour vision


def spectrum(wavelength: ArrayLike, flux: ArrayLike, ivar: ArrayLike, z: float, result: Any = None, templates: Any = None, *,
             title: Optional[str] = None, smooth: int = 5, limits: Any = (1200, 1700), figure: Any = None) -> Any:
    """Draw a spectrum with its continuum, and its normalised flux with troughs shaded.

    Parameters
    ----------
    wavelength, flux, ivar : array_like, shape (npixels,)
        Observed frame, in Angstrom or a Quantity; flux in any unit; its inverse variance.
    z : float
        Redshift.
    result : record of `fastbal.measure`, optional
        Default: it is measured now.
    templates : str, path or Templates
        Those that were measured with; default as for `fastbal.measure`.
    title : str, optional
        Default: redshift, AI, BI, signal-to-noise and chi-square.
    smooth : int
        Pixels that are averaged, weighted with ivar; odd.
    limits : pair of float
        Rest wavelengths to show, Angstrom.
    figure : matplotlib Figure, optional
        Where to draw; default: a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    LibraryError
        If shapes do not fit, or smooth is not odd.
    """
    import matplotlib.pyplot as pyplot

    chosen = find(templates)
    if smooth < 1 or smooth % 2 == 0:
        raise LibraryError(f"smooth: expected an odd number of pixels, found {smooth}")
    w = wavelengths("wavelength", wavelength)
    f, v = (array(name, a, w.shape).astype(np.float64) for name, a in (("flux", flux), ("ivar", ivar)))
    if result is None:
        result = measure(w, f, v, z, chosen)
    rest = w / (1 + z)
    shown = (rest >= limits[0]) & (rest <= limits[1])
    model = continuum(w, z, result, chosen)
    model[(rest < 1261) | (rest > 2399)] = np.nan
    f, error = _smooth(f, v, smooth)
    if figure is None:
        figure = pyplot.figure(figsize=(6, 5), constrained_layout=True)
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    for axes, scale in ((top, np.ones_like(f)), (bottom, model)):
        axes.fill_between(rest[shown], ((f - error) / scale)[shown], ((f + error) / scale)[shown], color="0.8", linewidth=0)
        axes.plot(rest[shown], (f / scale)[shown], color="black", linewidth=0.7)
    top.plot(rest[shown], model[shown], color="#d55e00", linewidth=1.5, label="continuum")
    bottom.axhline(1, color="#d55e00", linewidth=1)
    bottom.axhline(0.9, color="#0072b2", linewidth=1, linestyle="--")
    _shade((top, bottom), result)
    for line, name in ((CIV, "C IV"), (SIIV, "Si IV")):
        if limits[0] <= line <= limits[1]:
            top.axvline(line, color="0.5", linewidth=0.7, linestyle=":")
            top.annotate(name, (line, 0.97), xycoords=("data", "axes fraction"), ha="center", va="top", color="0.3",
                         bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
    bottom.set(xlabel="Rest-frame wavelength (Å)", ylabel="Flux / continuum", ylim=(-0.2, 2))
    top.set(ylabel="Flux")
    top.set_title(title or f"z = {z:.4f}, AI = {result['AI_CIV']:.0f} ± {result['ERR_AI_CIV']:.0f}, "
                           f"BI = {result['BI_CIV']:.0f} ± {result['ERR_BI_CIV']:.0f} km/s, S/N = {result['SNR_CIV']:.1f}, "
                           f"χ² = {result['PCA_CHI2']:.2f}", fontsize="medium")
    return figure


def _smooth(flux: Any, ivar: Any, n: int) -> Any:
    """Means of n pixels weighted with ivar, and their errors."""
    kernel = np.ones(n)
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    weight = np.convolve(np.where(good, ivar, 0), kernel, "same")
    total = np.convolve(np.where(good, ivar * np.where(good, flux, 0), 0), kernel, "same")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0, total / weight, np.nan), np.where(weight > 0, weight ** -0.5, np.nan)


def _shade(axes: Any, result: Any) -> None:
    for line, rest in (("CIV", CIV), ("SIIV", SIIV)):
        for vmin, vmax in zip(result[f"VMIN_{line}_450"], result[f"VMAX_{line}_450"]):
            if vmax > 0:
                ends = [rest * (1 - v / _masking.LIGHT_SPEED) for v in (vmax, max(vmin, 0))]
                for part in axes:
                    part.axvspan(*ends, color=COLOURS[line], alpha=0.6, linewidth=0)
