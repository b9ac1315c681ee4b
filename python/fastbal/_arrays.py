"""Arguments as the C library takes them.

SPDX-License-Identifier: BSD-3-Clause
"""
import numbers
import os
from typing import TYPE_CHECKING, Any, Optional, Tuple

import numpy as np

from ._errors import LibraryError

if TYPE_CHECKING:
    import numpy.typing as npt
    ArrayLike = npt.ArrayLike
    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
else:  # numpy before 1.21 does not have all of these
    ArrayLike = Any
    Array = Floats = Flags = np.ndarray


def array(name: str, value: Any, shape: Optional[Tuple[int, ...]] = None, fill: float = np.nan) -> Array:
    """A contiguous array of native floats of 4 or 8 bytes; masked elements become `fill`."""
    value = getattr(value, "value", value)  # an astropy Quantity
    if isinstance(value, np.ma.MaskedArray):
        value = value.astype(np.float64) if value.dtype.kind in "iub" else value
        found: Array = value.filled(fill)
    else:
        try:
            found = np.asarray(value)
        except ValueError:  # lists of different lengths
            raise LibraryError(f"{name}: expected a regular array, found {type(value).__name__} of other lengths") from None
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected numbers, found {found.dtype}")
    kind = np.float32 if found.dtype.kind == "f" and found.dtype.itemsize == 4 else np.float64
    result: Array = np.asarray(found, kind, order="C")
    if shape is not None and result.shape != shape:
        raise LibraryError(f"{name}: expected shape {shape}, found {result.shape}")
    return result


def wavelengths(name: str, value: Any) -> Floats:
    """Contiguous 8-byte floats in Angstrom, to which a Quantity is converted."""
    return array(name, value.to_value("Angstrom") if hasattr(value, "to_value") else value).astype(np.float64, copy=False)


def number(name: str, value: Any) -> float:
    """One number."""
    return float(array(name, value, ()))


def word(name: str, value: Any) -> str:
    """A text, a number or a path as the program takes it."""
    if isinstance(value, (bytes, os.PathLike)):
        value = os.fsdecode(value)
    if not isinstance(value, (str, numbers.Number, np.number)):
        raise TypeError(f"{name}: expected a text, a number or a path, found {type(value).__name__}")
    text = str(value)
    if "\0" in text:
        raise LibraryError(f"{name}: expected a text without null characters, found {text!r}")
    return text
