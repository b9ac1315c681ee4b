#!/usr/bin/python3
"""Compare FITS tables written by fastbal with tables that hold the expected answers.

usage: compare.py EXPECTED ACTUAL

EXPECTED and ACTUAL are two FITS files, or two directories: every *.fits below EXPECTED is looked up below ACTUAL under
the same relative path. Rows are paired by TARGETID, the n-th of one with the n-th of the other where it repeats.

Every expected column must be there with the same format. Integers and strings are equal; floats agree within
1e-4 + 1e-5 times the expected value. Where the expected value is NaN or infinite (the reference finder divides by
zero in masked pixels), the actual one is finite and not negative. More columns than expected are fine.

Exit status: 0 all agree, 1 something differs, 2 unusable arguments.

SPDX-License-Identifier: BSD-3-Clause
"""
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

RTOL, ATOL = 1e-5, 1e-4


def read(path):
    """Extension name, columns and data of the first table of a file."""
    with fits.open(path, memmap=False) as hdus:
        table = next(h for h in hdus if isinstance(h, fits.BinTableHDU))
        return table.name, table.columns, table.data


def numbered(targetids):
    """(TARGETID, how many of it came before), which is different for every row."""
    count, keys = {}, []
    for targetid in targetids:
        count[targetid] = count.get(targetid, -1) + 1
        keys.append((targetid, count[targetid]))
    return keys


def form(column):
    """TFORM without a repeat count of one: 1E and E are the same."""
    f = column.format.strip()
    return f[1:] if f.startswith("1") and not f[1:2].isdigit() else f


def differing_rows(expected, actual):
    """Which rows of two arrays of the same shape differ."""
    if expected.dtype.kind in "SU":
        return np.char.strip(expected.astype(str)) != np.char.strip(actual.astype(str))
    rows = len(expected)
    expected, actual = expected.reshape(rows, -1), actual.reshape(rows, -1)
    if expected.dtype.kind in "iub":
        return (expected != actual).any(axis=1)
    expected, actual = expected.astype(float), actual.astype(float)
    with np.errstate(invalid="ignore"):
        differs = ~(np.abs(expected - actual) <= ATOL + RTOL * np.abs(expected))
        odd = ~np.isfinite(expected)
        differs[odd] = ~(np.isfinite(actual[odd]) & (actual[odd] >= 0))
    return differs.any(axis=1)


def compare_tables(expected, actual):
    """What differs between two files, one string each; empty if nothing does."""
    try:
        expected_name, expected_columns, e = read(expected)
        actual_name, actual_columns, a = read(actual)
    except (OSError, StopIteration, ValueError) as error:
        return [f"can't be read: {error!r}"]
    found = []
    if actual_name != expected_name:
        found.append(f"extension {actual_name}, not {expected_name}")
    if len(a) != len(e):
        found.append(f"{len(a)} rows, not {len(e)}")
    rows = {key: i for i, key in enumerate(numbered(a["TARGETID"]))}
    pairs = [(i, rows[key]) for i, key in enumerate(numbered(e["TARGETID"])) if key in rows]
    if len(pairs) != len(e):
        found.append(f"{len(e) - len(pairs)} rows have no TARGETID like it")
    mine, theirs = (np.array(p, int) for p in zip(*pairs)) if pairs else ([], [])
    for column in expected_columns:
        name = column.name
        if name not in actual_columns.names:
            found.append(f"column {name} is missing")
        elif form(column) != form(actual_columns[name]):
            found.append(f"column {name} is {form(actual_columns[name])}, not {form(column)}")
        elif pairs:
            x, y = e[name][mine], a[name][theirs]
            bad = np.flatnonzero(differing_rows(x, y))
            if len(bad):
                i = bad[0]
                found.append(f"column {name}: {len(bad)} rows differ, the first (TARGETID {e['TARGETID'][mine][i]}) "
                             f"is {y[i]}, not {x[i]}")
    return found


def compare_trees(expected, actual):
    """{relative path: what differs} for every FITS file below expected."""
    expected, actual = Path(expected), Path(actual)
    result = {}
    for path in sorted(expected.rglob("*.fits")):
        name = path.relative_to(expected)
        result[str(name)] = compare_tables(path, actual / name) if (actual / name).exists() else ["missing"]
    return result


def main():
    if len(sys.argv) != 3 or not Path(sys.argv[1]).exists():
        print(__doc__, file=sys.stderr)
        return 2
    expected, actual = map(Path, sys.argv[1:])
    if expected.is_dir():
        result = compare_trees(expected, actual)
    else:
        result = {expected.name: compare_tables(expected, actual) if actual.exists() else ["missing"]}
    for name, found in result.items():
        print("differs" if found else "agrees ", name)
        for line in found:
            print("   ", line)
    failed = sum(bool(found) for found in result.values())
    print(f"{len(result) - failed} passed, {failed} failed")
    return 1 if failed or not result else 0


if __name__ == "__main__":
    sys.exit(main())
