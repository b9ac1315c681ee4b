#!/usr/bin/python3
"""Make a large QSO catalog and its BAL tables, to benchmark split and append.

usage: make_catalog.py CATALOG [--rows N] [--pixels N] [--row-bytes N] [--grouped]
                       [--tables DIR --like BALTABLE]

Rows lie in up to 4096 neighbouring pixels of nside 64, in random order, or pixel by pixel with --grouped.
Redshifts are 1.4 to 4.2, so that some are out of the finder's range. The BAL tables in DIR have the rows in
range, with the values of rows of BALTABLE in turn. Everything follows from a fixed seed.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
from pathlib import Path

import numpy as np
from astropy.io import fits

FACE = 4  # a face of the sky's equatorial belt, 4096 pixels: there positions follow from pixels in two lines
NSIDE = 64


def positions(pixels, rng):
    """A random position inside each of these pixels, in degrees."""
    bits = pixels - FACE * NSIDE**2
    x = sum(((bits >> 2 * b) & 1) << b for b in range(6))
    y = sum(((bits >> 2 * b + 1) & 1) << b for b in range(6))
    rising = x + rng.uniform(0.02, 0.98, len(pixels))
    falling = NSIDE - 1 - y + rng.uniform(0.02, 0.98, len(pixels))
    ra = 90 * ((falling + rising) / (2 * NSIDE) - 0.5) % 360
    return ra, np.degrees(np.arcsin((rising - falling) / NSIDE / 1.5))


def make_rows(n, npixels, row_bytes, grouped):
    """The catalog as a structured array in file order, and the pixel of every row."""
    rng = np.random.default_rng(1)
    pixels = FACE * NSIDE**2 + rng.integers(0, npixels, n)
    pixels[:min(n, npixels)] = FACE * NSIDE**2 + np.arange(min(n, npixels))  # none is empty
    if grouped:
        pixels.sort()
    else:
        rng.shuffle(pixels)
    fields = [("TARGETID", ">i8"), ("Z", ">f8"), ("ZERR", ">f8"), ("ZWARN", ">i8"), ("TARGET_RA", ">f8"),
              ("TARGET_DEC", ">f8"), ("SPECTYPE", "S6"), ("SURVEY", "S4"), ("PROGRAM", "S6"),
              ("HPXPIXEL", ">i8")]
    padding = row_bytes - np.dtype(fields).itemsize
    rows = np.zeros(n, fields + [("PADDING", "u1", (padding,))] if padding > 0 else fields)
    rows["TARGETID"] = 39627000000000000 + 7 * np.arange(n)
    rows["Z"] = rng.uniform(1.4, 4.2, n)
    rows["ZERR"] = 1e-4
    rows["TARGET_RA"], rows["TARGET_DEC"] = positions(pixels, rng)
    rows["SPECTYPE"], rows["SURVEY"], rows["PROGRAM"] = b"QSO", b"main", b"dark"
    rows["HPXPIXEL"] = pixels
    return rows, pixels


def write_tables(rows, pixels, folder, like):
    """Write BAL tables with the values and headers of `like`, except for the number of rows and the checksums."""
    with fits.open(like, memmap=False) as hdus:
        primary, header, data = hdus[0].header, hdus[1].header, np.array(hdus[1].data)
    for unwanted in ("CHECKSUM", "DATASUM"):
        header.remove(unwanted, ignore_missing=True)
    kept = np.flatnonzero((rows["Z"] >= 1.57) & (rows["Z"] <= 5))
    kept = kept[np.argsort(pixels[kept], kind="stable")]
    table = data[np.arange(len(kept)) % len(data)]  # big-endian, as in the file
    for name in ("TARGETID", "Z", "TARGET_RA", "TARGET_DEC"):
        table[name] = rows[name][kept]
    table["BALSTATUS"] = 0
    begin = np.flatnonzero(np.diff(pixels[kept], prepend=-1))
    for first, last in zip(begin, [*begin[1:], len(kept)]):
        pixel = pixels[kept[first]]
        header["NAXIS2"] = last - first
        path = folder / f"healpix/main/dark/{pixel // 100}/{pixel}/baltable-main-dark-{pixel}.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = table[first:last].tobytes()
        headers = (primary.tostring() + header.tostring()).encode()
        path.write_bytes(headers + cells + bytes(-len(cells) % 2880))


def main():
    parser = argparse.ArgumentParser(description="Make a large QSO catalog and its BAL tables.")
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--rows", type=int, default=800_000)
    parser.add_argument("--pixels", type=int, default=4093)
    parser.add_argument("--row-bytes", type=int, default=0, help="widen rows to this with a column PADDING")
    parser.add_argument("--grouped", action="store_true", help="pixel by pixel instead of in random order")
    parser.add_argument("--tables", type=Path, help="write BAL tables to this folder")
    parser.add_argument("--like", type=Path, help="the BAL table whose rows they repeat")
    options = parser.parse_args()
    rows, pixels = make_rows(options.rows, options.pixels, options.row_bytes, options.grouped)
    fits.BinTableHDU(rows.view(fits.FITS_rec), name="QSO_CAT").writeto(options.catalog, overwrite=True)
    if options.tables:
        write_tables(rows, pixels, options.tables, options.like)


if __name__ == "__main__":
    main()
