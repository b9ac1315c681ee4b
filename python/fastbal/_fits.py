"""The tables of 8-byte floats in FITS files that fastbal writes, without astropy. The program checks the files.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
from typing import Dict, Tuple

import numpy as np

from ._arrays import Floats

BLOCK, CARD = 2880, 80

Header = Dict[str, str]
Columns = Dict[str, Floats]


def read_table(data: bytes, name: str) -> Tuple[Header, Columns]:
    """Header and columns of the table with this EXTNAME; ValueError if there is none, or it has other types."""
    at = 0
    while at < len(data):
        header, at = _read_header(data, at)
        if header.get("EXTNAME") == name:
            return header, _read_columns(header, data, at)
        at += -(-_size(header) // BLOCK) * BLOCK
    raise ValueError(f"expected a table {name}, found none")


def _read_header(data: bytes, at: int) -> Tuple[Header, int]:
    """Texts of the values by keyword, and where the header ends."""
    header: Header = {}
    for k in range(at, len(data), CARD):
        card = data[k:k + CARD].decode("latin-1")
        if card.rstrip() == "END":
            return header, at + -(-(k + CARD - at) // BLOCK) * BLOCK
        if card[8:10] == "= ":
            text = re.match(r" *'((?:[^']|'')*)'", card[10:])
            header[card[:8].rstrip()] = text[1].replace("''", "'").rstrip() if text else card[10:].split("/")[0].strip()
    raise ValueError("expected a card END in the header, found none")


def _size(header: Header) -> int:
    """Bytes of data."""
    axes = [int(header[f"NAXIS{k + 1}"]) for k in range(int(header["NAXIS"]))]
    values = int(np.prod(axes, dtype=np.int64)) if axes else 0
    return abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + values)


def _read_columns(header: Header, data: bytes, at: int) -> Columns:
    kinds = []
    for k in range(int(header["TFIELDS"])):
        found = re.fullmatch(r"(\d*)D", header[f"TFORM{k + 1}"])
        if not found:
            raise ValueError(f"keyword TFORM{k + 1}: expected 8-byte floats, found {header[f'TFORM{k + 1}']}")
        count = int(found[1] or 1)
        kinds.append((header[f"TTYPE{k + 1}"], ">f8", (count,) if count > 1 else ()))
    table = np.frombuffer(data, np.dtype(kinds), int(header["NAXIS2"]), at)
    return {name: table[name].astype(np.float64) for name in table.dtype.names or ()}
