"""Detectors of outflows.

SPDX-License-Identifier: BSD-3-Clause
"""
import ctypes
import functools
import gzip
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from . import _fits, _library
from ._arrays import word
from ._errors import LibraryError

CALIBRATION = ("DETSLOPE", "DETINTER", "DETSIGLO", "DETSIGHI", "DETCHI2", "DETMASK")  # as in struct fastbal_calibration


class Detector:
    """A trained net that judges whether a quasar has outflows (section 9).

    Parameters
    ----------
    name : str or path
        ``"builtin"``, the detector that comes with fastbal, or a file of ``fastbal train --detector``.

    Attributes
    ----------
    name : str
        With a checksum of its numbers, as catalogs have it in BALDET.

    Raises
    ------
    LibraryError
        If there is no such file, or it is not a whole detector that belongs to the built-in templates of this version.
    """

    name: str

    def __init__(self, name: Union[str, "os.PathLike[str]"] = "builtin"):
        self.pointer = ctypes.c_void_p()
        if word("detector", name) == "builtin":
            _library.check(_library.library().fastbal_detector_builtin(ctypes.byref(self.pointer)))
        else:
            self._read(Path(word("detector", name)))
        self.name = self._own_name()

    def _read(self, path: Path) -> None:
        """Let the program check a file, create the detector, and compare its checksum with the program's."""
        if not os.path.exists(path):  # Path.exists() fails on names that are too long
            raise LibraryError(f"detector {path}: expected True, False or a file of fastbal train --detector, found no such file")
        done = subprocess.run([str(_library.program()), "info", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace")
        if done.returncode != 0:
            raise LibraryError(done.stderr.strip())
        try:
            data = path.read_bytes()
            header, columns = _fits.read_table(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data, "DETECTOR")
            weights, calibration = columns["WEIGHT"], np.array([float(header[key]) for key in CALIBRATION])
        except (OSError, KeyError, ValueError) as error:
            raise LibraryError(f"{path}: expected a file of fastbal train --detector: {error}") from None
        name, message = (header.get("DETNAME") or "unnamed").encode("latin-1"), _library.Message()
        _library.check(_library.library().fastbal_detector_create(ctypes.byref(self.pointer), name, len(weights), weights.ctypes.data,
                                                                  calibration.ctypes.data, ctypes.byref(message)), message.text)
        said = re.search("^  detector: (.*)$", done.stdout, re.M)
        if not said or said[1] != self._own_name():
            raise LibraryError(f"{path}: expected the detector that fastbal info finds, {said[1] if said else 'none'}, "
                               f"found {self._own_name()}; train it again (fastbal train --detector)")

    def _own_name(self) -> str:
        text: bytes = _library.library().fastbal_detector_name(self.pointer)
        return text.decode(errors="replace")

    def __repr__(self) -> str:
        return f"<Detector {self.name}>"

    def __del__(self) -> None:
        if _library._library is not None and getattr(self, "pointer", None):
            _library._library.fastbal_detector_free(self.pointer)


@functools.lru_cache(maxsize=None)
def _builtin() -> Detector:
    return Detector("builtin")


def find(detector: Any) -> Optional[Detector]:
    """The detector that an argument means: True is the built-in one, False none."""
    if isinstance(detector, (bool, np.bool_)):
        return _builtin() if detector else None
    if isinstance(detector, (str, os.PathLike)):
        return Detector(detector)
    if isinstance(detector, Detector):
        return detector
    raise TypeError(f"detector: expected True, False, a path or a Detector, found {type(detector).__name__}")
