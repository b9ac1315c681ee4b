"""Which pixels a BAL quasar's troughs absorb.

SPDX-License-Identifier: BSD-3-Clause
"""
from typing import Any, Sequence, Tuple, Union

import numpy as np

from ._arrays import ArrayLike, Flags, array, number, wavelengths
from ._errors import LibraryError

LIGHT_SPEED = 299792.458
LINES = {"CIV": (1549.0, "CIV"), "NV": (1241.0, "CIV"), "LYA": (1216.0, "CIV"), "SIIV": (1400.0, "SIIV"), "LYB": (1026.0, "CIV"),
         "OVI": (1034.0, "CIV"), "ALIII": (1857.0, "CIV"), "MGII": (2799.0, "CIV")}
PICCA = ("1549", "1403", "1394", "1240.81", "1216.1", "1175", "1128", "1117", "1074", "1062", "1031", "1037", "1039", "1025.7", "972.5",
         "977", "989.9", "949.7")
DEFAULT = ("CIV", "NV", "LYA", "SIIV")


def _line(text: Union[str, float]) -> Tuple[float, str]:
    """Rest wavelength and troughs of "CIV", "1549", "SIIV:CIV" or 1549.0."""
    name, _, troughs = str(text).partition(":")
    if name.upper() in LINES:
        wavelength, own = LINES[name.upper()]
    else:
        try:
            wavelength, own = float(name), "CIV"
        except ValueError:
            raise LibraryError(f"lines: expected picca, {', '.join(LINES)} or a rest wavelength, found {name!r}") from None
    own = troughs.upper() or own
    if own not in ("CIV", "SIIV"):
        raise LibraryError(f"lines: expected :CIV or :SIIV after a line, found {text!r}")
    return wavelength, own


def mask(wavelength: ArrayLike, z: float, result: Any, lines: Sequence[Union[str, float]] = DEFAULT) -> Flags:
    """Pixels at the troughs of a BAL quasar, as ``fastbal mask`` masks them (docs/mask.md).

    Parameters
    ----------
    wavelength : array_like, shape (npixels,)
        Observed frame, Angstrom.
    z : float
        Redshift that velocities refer to.
    result : record of `measure`, or a row of a catalog with BAL columns
    lines : sequence
        Names, or rest wavelengths in Angstrom, with ``:CIV`` or ``:SIIV`` for the troughs to use, or "picca" for the 18
        lines of picca's BAL mask; default: CIV, NV, LYA, SIIV.

    Returns
    -------
    ndarray of bool, shape (npixels,)
        True where masked; nowhere if AI_CIV is 0.

    Raises
    ------
    LibraryError
        If a line is unknown.
    """
    if isinstance(lines, str):
        lines = lines.split(",")
    wanted = [_line(line) for name in lines for line in (PICCA if str(name).lower() == "picca" else (name,))]
    at, redshift = wavelengths("wavelength", wavelength), number("z", z)
    masked = np.zeros(at.shape, bool)
    if not result["AI_CIV"] > 0:
        return masked
    for line, troughs in wanted:
        if not result[f"AI_{troughs}"] > 0:
            continue
        red_ends, blue_ends = (np.atleast_1d(array("result", result[f"{end}_{troughs}_450"])) for end in ("VMIN", "VMAX"))
        if red_ends.ndim != 1 or blue_ends.shape != red_ends.shape:
            raise LibraryError(f"result: expected one quasar, found VMIN_{troughs}_450 and VMAX_{troughs}_450 of shapes {red_ends.shape} "
                               f"and {blue_ends.shape}")
        for a, b in zip(red_ends, blue_ends):
            if a > 0 and b > 0:
                blue, red = (line * (1 - float(v) / LIGHT_SPEED) * (1 + redshift) for v in (max(a, b), min(a, b)))
                masked |= (at >= blue) & (at <= red)
    return masked
