"""fastbal diff: catalogs and tables with known differences of every kind, and the reference's answers with its two fits.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from support import LIGHT, balcolumns, complains, run

SAME, DIFFERENT, TROUBLE = 0, 1, 2
KEYS = ["program", "status", "a", "b", "tolerances", "tables", "rows", "bals", "troughs", "redshifts", "balmask",
        "balstatus", "columns", "columns_only_a", "columns_only_b", "columns_of_other_form", "columns_not_compared",
        "keywords"]
INDICES = ["AI_CIV", "BI_CIV", "AI_SIIV", "BI_SIIV"]
KINDS = ["CIV_450", "CIV_2000", "SIIV_450", "SIIV_2000"]
N = 30


def unconstant(name):
    raise AssertionError(f"{name} is not JSON")


def diff(a, b, *options, status=DIFFERENT, **how):
    """The output of diff --json."""
    result = run("diff", a, b, "--json", *options, status=status, **how)
    said = json.loads(result.stdout, parse_constant=unconstant)
    assert list(said) == KEYS and said["status"] == status
    assert list(said["bals"]) == INDICES and list(said["troughs"]) == KINDS
    return said


def report(a, b, *options, status=DIFFERENT):
    return run("diff", a, b, *options, status=status).stdout


def columns_of(n=N):
    """A catalog's columns with BAL columns; every third row is a BAL with two troughs."""
    rng = np.random.default_rng(7)
    columns = {"TARGETID": np.arange(n) * 10 + 39633000020000000, "Z": np.linspace(1.6, 4.5, n),
               "SPECTYPE": np.array(["QSO"] * n, "U6"), "HPXPIXEL": np.arange(n, dtype="i4"),
               "GOOD": np.arange(n) % 2 == 0, "U": np.arange(n).astype("u4")}
    for name, form in balcolumns(5)[6:]:
        length = int(form[:-1] or 1)
        data = rng.uniform(1, 2, (n, length)).astype("f4") if form[-1] == "E" else np.zeros((n, length), "i4")
        if name.startswith(("VMIN", "VMAX", "POSMIN", "FMIN")):
            data[:] = -1
        columns[name] = data[:, 0] if length == 1 else data
    bal = np.arange(n) % 3 == 0
    for name in INDICES:
        columns[name] = np.where(bal, columns[name], 0).astype("f4")
    for kind in KINDS:
        columns[f"VMIN_{kind}"][bal, :2] = 3000, 9000
        columns[f"VMAX_{kind}"][bal, :2] = 6000, 15000
    columns["BALMASK"] = np.zeros(n, "u1")
    return columns


def hdu_of(columns, name="ZCATALOG", **keywords):
    made = []
    for key, data in columns.items():
        kind = data.dtype.kind + str(data.dtype.itemsize)
        form = {"i8": "K", "i4": "J", "u4": "J", "u1": "B", "f8": "D", "f4": "E", "b1": "L"}.get(kind, "6A")
        length = data.shape[1] if data.ndim > 1 else 1
        made.append(fits.Column(key, (str(length) if length > 1 else "") + form, array=data,
                                bzero=2**31 if kind == "u4" else None))
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    for key, value in keywords.items():
        hdu.header[key] = value
    return hdu


def write(path, columns, name="ZCATALOG", **keywords):
    path.parent.mkdir(parents=True, exist_ok=True)
    hdu_of(columns, name, **keywords).writeto(path, overwrite=True)
    return path


class Two:
    """Two catalogs, the same until a test changes b."""

    def __init__(self, folder, name="ZCATALOG"):
        self.folder, self.name = folder, name
        self.columns = columns_of()
        self.b = {key: data.copy() for key, data in self.columns.items()}
        self.ids = self.columns["TARGETID"].copy()
        self.keywords = {}

    def paths(self):
        return (write(self.folder / "a.fits", self.columns, self.name),
                write(self.folder / "b.fits", self.b, self.name, **self.keywords))

    def diff(self, *options, status=DIFFERENT):
        return diff(*self.paths(), *options, status=status)

    def take(self, rows):
        self.b = {key: data[rows] for key, data in self.b.items()}


@pytest.fixture
def two(tmp_path):
    return Two(tmp_path)


def ids(rows):
    return [row["targetid"] for row in rows]


def differing(said):
    return {name: (c["different"], c["rows"]) for name, c in said["columns"].items() if c["different"]}


# ---- one kind of difference at a time ----

@pytest.mark.parametrize("name", ["ZCATALOG", "QSO_CAT", "BALCAT", "OTHER"])
def test_the_same(tmp_path, name):
    two = Two(tmp_path, name)
    two.keywords = {"DATE": "2026-01-01", "HISTORY": "made again", "DEPNAM00": "x", "DEPVER00": "1"}
    said = two.diff(status=SAME)
    kind = "table" if name == "BALCAT" else "catalog"
    for side, path in zip("ab", two.paths()):
        assert said[side] == {"path": str(path), "kind": kind, "hdu": name, "tables": 1, "rows": N}
    assert said["rows"] == {"a": N, "b": N, "both": N, "different": 0, "only_a": [], "only_b": []}
    assert said["tolerances"] == {"rtol": 1e-5, "atol": 1e-8, "velocity": 1, "columns": {}}
    bals = len(range(0, N, 3))
    assert said["bals"] == {k: {"a": bals, "b": bals, "gained": [], "lost": []} for k in INDICES}
    assert said["troughs"] == {k: {"a": 2 * bals, "b": 2 * bals, "moved": [], "appeared": [], "vanished": []}
                               for k in KINDS}
    assert said["redshifts"] == said["balmask"] == said["balstatus"] == []
    assert list(said["columns"]) == list(two.columns)[1:]
    for key, column in said["columns"].items():
        cells = two.columns[key].size
        assert column == {"cells": cells, "different": 0, "rows": 0, "largest_absolute": None,
                          "largest_relative": None}
    assert [said[key] for key in KEYS[-5:]] == [[]] * 5
    lines = report(*two.paths(), status=SAME).splitlines()
    assert len(lines) == 3 and lines[2].startswith("the same") and f"{N} rows" in lines[2]


def test_order_of_rows_and_columns_is_no_difference(two):
    rng = np.random.default_rng(3)
    two.take(rng.permutation(N))
    names = list(rng.permutation(list(two.b)))
    two.b = {name: two.b[name] for name in names}
    assert two.diff(status=SAME)["rows"]["both"] == N


def test_rows_on_one_side(two):
    two.b["TARGETID"][4] = 5  # a row of another target, far from where it was
    two.take(np.delete(np.arange(N), [0, 17]))
    said = two.diff()["rows"]
    assert {k: said[k] for k in ("a", "b", "both", "different")} == {"a": N, "b": N - 2, "both": N - 3, "different": 0}
    assert ids(said["only_a"]) == list(two.ids[[0, 4, 17]]) and ids(said["only_b"]) == [5]
    assert said["only_a"][0] == {"targetid": two.ids[0], "table": None, "z": pytest.approx(1.6)}
    assert said["only_b"][0]["z"] == pytest.approx(two.columns["Z"][4])


def test_bals_of_rows_on_one_side_are_counted_but_neither_gained_nor_lost(two):
    two.take(np.arange(1, N))
    for index in two.diff()["bals"].values():
        assert index == {"a": 10, "b": 9, "gained": [], "lost": []}


def test_bals_gained_and_lost(two):
    two.b["AI_CIV"][[0, 3, 1]] = 0, np.nan, 25
    two.b["BI_SIIV"][29] = 3.5
    said = two.diff()
    civ = said["bals"]["AI_CIV"]
    assert (civ["a"], civ["b"]) == (10, 9) and ids(civ["lost"]) == list(two.ids[[0, 3]])
    assert civ["gained"] == [{"targetid": two.ids[1], "table": None, "a": 0, "b": 25}]
    assert civ["lost"][1]["b"] is None  # NaN
    assert ids(said["bals"]["BI_SIIV"]["gained"]) == [two.ids[29]]
    assert said["bals"]["BI_CIV"]["gained"] == said["bals"]["AI_SIIV"]["lost"] == []
    assert differing(said) == {"AI_CIV": (3, 3), "BI_SIIV": (1, 1)} and said["rows"]["different"] == 4


def test_troughs(two):
    vmin, vmax = two.b["VMIN_CIV_450"], two.b["VMAX_CIV_450"]
    vmin[0, 0] = 3100  # moved
    vmax[3, 1] = 15000.5  # less than a km/s
    vmin[6, :3], vmax[6, :3] = (3000, 7000, 9000), (6000, 8000, 15000)  # one more, between the two
    vmin[9, :2], vmax[9, :2] = (9000, -1), (15000, -1)  # the first is gone
    vmin[12, :3], vmax[12, :3] = (3000, 9000, 12000), (6000, 11500, 15000)  # one in two pieces
    said = two.diff()
    assert said["troughs"]["CIV_450"] == {
        "a": 20, "b": 21,
        "moved": [{"targetid": two.ids[0], "table": None, "a": [3000, 6000], "b": [3100, 6000]},
                  {"targetid": two.ids[12], "table": None, "a": [9000, 15000], "b": [12000, 15000]}],
        "appeared": [{"targetid": two.ids[6], "table": None, "a": None, "b": [7000, 8000]},
                     {"targetid": two.ids[12], "table": None, "a": None, "b": [9000, 11500]}],
        "vanished": [{"targetid": two.ids[9], "table": None, "a": [3000, 6000], "b": None}]}
    said = diff(*two.paths(), "--velocity", 100)
    assert ids(said["troughs"]["CIV_450"]["moved"]) == [two.ids[12]]
    assert said["columns"]["VMIN_CIV_450"]["rows"] == 3
    said = diff(*two.paths(), "--velocity", 0)
    assert ids(said["troughs"]["CIV_450"]["moved"]) == list(two.ids[[0, 3, 12]])
    said = diff(*two.paths(), "--tol", "vmin_*=200")
    assert ids(said["troughs"]["CIV_450"]["moved"]) == [two.ids[12]]


def test_flags(tmp_path):
    two = Two(tmp_path, "BALCAT")
    two.b["BALMASK"][[2, 5]] = 4, 8
    two.b["BALSTATUS"][7] = 64
    said = two.diff()
    assert said["balmask"] == [{"targetid": two.ids[k], "table": None, "a": 0, "b": b} for k, b in ((2, 4), (5, 8))]
    assert said["balstatus"] == [{"targetid": two.ids[7], "table": None, "a": 0, "b": 64}]


def test_redshifts(two):
    two.b["Z"][3] += 0.01
    two.b["Z"][4] *= 1 + 1e-6
    said = two.diff()
    (row,) = said["redshifts"]
    z = two.columns["Z"][3]
    assert row["targetid"] == two.ids[3] and row["a"] == z and row["b"] == z + 0.01
    assert row["velocity"] == pytest.approx(LIGHT * 0.01 / (1 + z), rel=1e-9)
    assert ids(diff(*two.paths(), "--rtol", 0)["redshifts"]) == list(two.ids[[3, 4]])


def test_cells(two):
    """Counts, and where the largest differences are; NaN is equal to NaN, infinity to itself only."""
    for side in (two.columns, two.b):
        side["PCA_CHI2"][:4] = np.nan, np.inf, -np.inf, 0
    two.b["PCA_COEFFS"][5, 2] += 0.5
    two.b["PCA_COEFFS"][5, 3] *= 1.01
    two.b["PCA_COEFFS"][8, 4] = 1000
    two.columns["PCA_COEFFS"][8, 4] = 998
    two.b["PCA_CHI2"][[1, 4]] = -np.inf, np.nan
    two.b["HPXPIXEL"][29] = 28
    two.b["SPECTYPE"][1] = "GALAXY"
    two.b["GOOD"][0] = False
    two.b["U"][10] = 4_000_000_000
    said = two.diff()
    assert differing(said) == {"SPECTYPE": (1, 1), "HPXPIXEL": (1, 1), "GOOD": (1, 1), "U": (1, 1),
                               "PCA_COEFFS": (3, 2), "PCA_CHI2": (2, 2)}
    assert said["rows"]["different"] == 7  # rows 0, 1, 4, 5, 8, 10 and 29
    coeffs = said["columns"]["PCA_COEFFS"]
    a = two.columns["PCA_COEFFS"].astype(float)
    assert coeffs["largest_absolute"] == {"targetid": two.ids[8], "table": None, "element": 4, "difference": 2,
                                          "a": 998, "b": 1000}
    b = two.b["PCA_COEFFS"].astype(float)
    relative = coeffs["largest_relative"]
    assert (relative["targetid"], relative["element"]) == (two.ids[5], 2)
    assert relative["difference"] == pytest.approx(abs(b - a)[5, 2] / b[5, 2], rel=1e-6)
    assert said["columns"]["PCA_CHI2"]["largest_absolute"] is None
    assert said["columns"]["U"]["largest_absolute"]["b"] == 4e9
    assert said["columns"]["HPXPIXEL"]["largest_absolute"]["difference"] == 1


def test_blanks_at_the_end_of_text_are_no_difference(two):
    two.b["SPECTYPE"] = np.array(["QSO\0  "] * N)
    two.diff(status=SAME)


def test_large_integers_are_exact(two):
    for side in (two.columns, two.b):
        side["BIG"] = np.full(N, 2**60)
    two.b["BIG"][7] += 1
    assert differing(two.diff()) == {"BIG": (1, 1)}
    two.b["BIG"][7] = -2**62
    assert two.diff()["columns"]["BIG"]["largest_absolute"]["difference"] == 2**60 + 2**62


def test_columns_on_one_side_and_of_other_form(two):
    del two.b["HPXPIXEL"]
    two.b["NEW"] = np.zeros(N)
    two.b["PCA_COEFFS"] = two.b["PCA_COEFFS"][:, :4]
    two.b["AI_CIV"] = two.b["AI_CIV"].astype("f8")
    said = two.diff()
    assert said["columns_only_a"] == [{"name": "HPXPIXEL", "a": "J", "b": None, "tables": 1}]
    assert said["columns_only_b"] == [{"name": "NEW", "a": None, "b": "D", "tables": 1}]
    assert said["columns_of_other_form"] == [{"name": "AI_CIV", "a": "E", "b": "D", "tables": 1},
                                             {"name": "PCA_COEFFS", "a": "5E", "b": "4E", "tables": 1}]
    assert "PCA_COEFFS" not in said["columns"] and said["columns"]["AI_CIV"]["different"] == 0
    assert differing(said) == {}
    diff(*two.paths(), "--ignore", "HPXPIXEL,NEW", "--ignore", "PCA_*,AI_CIV", status=SAME)


def test_keywords(two):
    two.keywords = {"QSOTEMPS": "PCA_Eigenvectors.fits", "NUMBER": 1.0}
    said = two.diff()
    assert said["keywords"] == [{"name": "NUMBER", "a": None, "b": "1.0", "tables": 1},
                                {"name": "QSOTEMPS", "a": None, "b": "PCA_Eigenvectors.fits", "tables": 1}]
    a, b = two.paths()
    long = "templates/" * 12
    write(a, two.columns, QSOTEMPS=long, NUMBER=1)
    said = diff(a, b)
    assert said["keywords"] == [{"name": "QSOTEMPS", "a": long, "b": "PCA_Eigenvectors.fits", "tables": 1}]
    diff(a, b, "--ignore", "QSOTEMPS", status=SAME)


def test_lists_of_variable_length_are_not_passed_over(two):
    a, b = two.paths()
    for path in (a, b):
        with fits.open(path) as hdus:
            lists = fits.Column("LISTS", "PJ()", array=np.array([np.arange(k % 4) for k in range(N)], object))
            fits.BinTableHDU.from_columns(hdus[1].columns + fits.ColDefs([lists]), name="ZCATALOG").writeto(
                path, overwrite=True)
    said = diff(a, b, status=TROUBLE)
    assert [note["name"] for note in said["columns_not_compared"]] == ["LISTS"]
    assert "LISTS" in report(a, b, status=TROUBLE)
    diff(a, b, "--ignore", "LISTS", status=SAME)


# ---- repeated TARGETIDs ----

def repeated(path, rows):
    """A catalog of (TARGETID, Z, MARK)."""
    rows = np.array(rows, float).reshape(-1, 3)
    return write(path, {"TARGETID": rows[:, 0].astype("i8"), "Z": rows[:, 1], "MARK": rows[:, 2].astype("i4")})


@pytest.mark.parametrize("a, b, marks, only_a, only_b", [
    ([(7, 2.1, 1), (7, 2.1, 2)], [(7, 2.1, 1), (7, 2.1, 2)], 0, 0, 0),  # in the order of the file
    ([(7, 2.1, 1), (7, 2.1, 2)], [(7, 2.1, 2), (7, 2.1, 1)], 2, 0, 0),
    ([(7, 2.1, 1), (7, 2.5, 2)], [(7, 2.5, 2), (7, 2.1, 1)], 0, 0, 0),  # by redshift
    ([(7, 2.5, 2)], [(7, 2.1, 1), (8, 2, 3), (7, 2.51, 2)], 0, 0, 2),  # the nearest
    ([(7, 2.1, 1), (7, 2.5, 2), (7, 3.5, 3)], [(7, 3.4, 3), (7, 2.1, 1)], 0, 1, 0),
    ([(7, np.nan, 1), (7, 2.5, 2)], [(7, 2.5, 2), (7, np.nan, 1)], 0, 0, 0),
])
def test_repeated_targetids(tmp_path, a, b, marks, only_a, only_b):
    paths = repeated(tmp_path / "a.fits", a), repeated(tmp_path / "b.fits", b)
    said = json.loads(run("diff", *paths, "--json", status=None).stdout)
    assert said["columns"]["MARK"]["different"] == marks
    assert (len(said["rows"]["only_a"]), len(said["rows"]["only_b"])) == (only_a, only_b)


def test_many_rows_of_one_targetid(tmp_path):
    """The time is not quadratic in their number."""
    n = 100_000
    z = np.random.default_rng(1).uniform(1, 5, n)
    a = repeated(tmp_path / "a.fits", np.stack([np.full(n, 7), z, np.arange(n)], axis=1))
    b = repeated(tmp_path / "b.fits", np.stack([np.full(n, 7), z, np.arange(n)], axis=1)[::-1])
    diff(a, b, status=SAME)
    repeated(b, np.stack([np.full(n, 7), z + 0.5, np.arange(n)], axis=1))
    assert differing(diff(a, b)) == {"Z": (n, n)}


# ---- options ----

def test_tolerances(two):
    two.b["PCA_CHI2"][3] *= 1.001
    two.b["HPXPIXEL"][5] += 2
    paths = two.paths()
    assert differing(diff(*paths)) == {"PCA_CHI2": (1, 1), "HPXPIXEL": (1, 1)}
    assert differing(diff(*paths, "--rtol", 0.01)) == {"HPXPIXEL": (1, 1)}  # whole numbers are to be equal
    assert differing(diff(*paths, "--atol", 0.01)) == {"HPXPIXEL": (1, 1)}
    assert differing(diff(*paths, "--tol", "HPXPIXEL=2")) == {"PCA_CHI2": (1, 1)}
    assert differing(diff(*paths, "--tol", "HPXPIXEL=1.5")) == {"PCA_CHI2": (1, 1), "HPXPIXEL": (1, 1)}
    assert differing(diff(*paths, "--tol", "PCA_*=0,0.01")) == {"HPXPIXEL": (1, 1)}
    said = diff(*paths, "--tol", "PCA_CHI2=0,0.01", "--tol", "PCA*=0", "--tol=HPXPIXEL=5", status=SAME)
    assert said["tolerances"]["columns"] == {"PCA_CHI2": [0, 0.01], "PCA*": [0, 0], "HPXPIXEL": [5, 0]}


def test_columns_are_as_if_there_were_no_others(two):
    two.b["AI_CIV"][0] = 0
    two.b["Z"][1] = 4
    two.keywords = {"QSOTEMPS": "x"}
    paths = two.paths()
    said = diff(*paths, "--columns", "Z")
    assert list(said["columns"]) == ["Z"] and set(map(str, said["bals"].values())) == {"None"}
    assert said["keywords"] == [] and said["troughs"]["CIV_450"] is None and len(said["redshifts"]) == 1
    said = diff(*paths, "--columns", "ai_*,BI_CIV", "--ignore", "AI_CIV", status=SAME)
    assert list(said["columns"]) == ["BI_CIV", "AI_SIIV", "AI_TOT_CIV", "AI_DET"] and said["redshifts"] is None
    assert diff(*paths, "--columns", "QSOTEMPS")["keywords"]


def test_quiet(two):
    paths = two.paths()
    assert run("diff", *paths, "-q", status=SAME).stdout == ""
    two.b["Z"][0] = 3
    result = run("diff", *two.paths(), "--quiet", "--json", status=DIFFERENT)
    assert result.stdout == result.stderr == ""


@pytest.mark.parametrize("options, words", [
    (["--tol", "Z"], ["--tol", "COLUMN=ABS"]), (["--tol", "Z=x"], ["Z=x"]), (["--tol", "Z=-1"], ["Z=-1"]),
    (["--tol", "Z=1,"], ["Z=1,"]), (["--tol", "=1"], ["=1"]), (["--tol", "Z=1,nan"], ["nan"]),
    (["--rtol", "-1"], ["--rtol"]), (["--columns", ","], ["--columns"]),
    (["--columns", "AI_CVI"], ["AI_CVI"]), (["--tol", "ZZ=1"], ["'ZZ'"]),
])
def test_bad_options(two, options, words):
    result = run("diff", *two.paths(), *options, status=TROUBLE)
    complains(result, "diff", *words)
    assert result.stdout == ""


def test_report_for_people(two):
    """Only sections with something to say; lists of ten rows, or complete ones."""
    two.b["AI_CIV"][:] = 5
    two.keywords = {"QSOTEMPS": "x"}
    paths = two.paths()
    text = report(*paths)
    assert "AI_CIV gained (20)" in text and "and 10 more" in text and "QSOTEMPS only in B: 'x'" in text
    assert all(word not in text for word in ("Troughs", "BALMASK", "BI_CIV", "Tables"))
    shown = [line for line in text.splitlines() if line.startswith("    3963")]
    assert shown == [f"    {two.ids[k]}  0 -> 5" for k in range(1, 15) if k % 3]
    complete = report(*paths, "--all")
    assert "more" not in complete
    assert [line for line in complete.splitlines() if line.startswith("    3963")] == [
        f"    {two.ids[k]}  0 -> 5" for k in range(N) if k % 3]
    assert all(line == line.rstrip() for line in text.splitlines())


# ---- bad inputs ----

def test_bad_inputs(two, tmp_path):
    a, b = two.paths()
    text = tmp_path / "text.fits"
    text.write_text("not FITS")
    image = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3)))]).writeto(image)
    other = write(tmp_path / "other.fits", {"NUMBER": np.arange(3)})
    table = write(tmp_path / "table.fits", two.columns, "BALCAT")
    cut = tmp_path / "cut.fits"
    cut.write_bytes(a.read_bytes()[:-2880 * 3])
    empty = tmp_path / "empty"
    empty.mkdir()
    tree = tmp_path / "tree"
    write(tree / "baltable-main-dark-1.fits", two.columns, "BALCAT")
    for x, y, words in ((a, tmp_path / "none.fits", ["none.fits", "No such file"]),
                        (a, text, [text, "not a FITS file"]), (a, image, [image, "has no table"]),
                        (a, other, [other, "no column TARGETID"]), (a, table, [table, "a catalog"]),
                        (table, tree, [table, "expected a folder"]), (a, cut, [cut]),
                        (tmp_path / "none", tree, ["none", "no such file or folder"]),
                        (tree, empty, [empty, "no BAL tables"])):
        for p, q in ((x, y), (y, x)):
            if {x, y} != {a, table}:
                result = run("diff", p, q, status=TROUBLE)
                assert result.stdout == ""
                complains(result, "diff", *words)
    complains(run("diff", a, table, status=TROUBLE), "diff", table, "expected a catalog")
    complains(run("diff", table, a, status=TROUBLE), "diff", a, "expected a BAL table")
    complains(run("diff", a, status=TROUBLE), "diff", "B is required")
    complains(run("diff", a, b, a, status=TROUBLE), "diff", "unexpected")


def test_tables_without_rows(two, tmp_path):
    a, b = two.paths()
    write(b, {key: data[:0] for key, data in two.columns.items()})
    said = diff(a, b)
    assert said["rows"]["b"] == 0 and ids(said["rows"]["only_a"]) == list(two.ids)
    assert said["bals"]["AI_CIV"]["a"] == 10
    assert len(diff(b, a)["rows"]["only_b"]) == N
    diff(b, b, status=SAME)


def test_packed(two):
    a, b = two.paths()
    packed = b.with_suffix(".fits.gz")
    packed.write_bytes(gzip.compress(b.read_bytes()))
    diff(a, packed, status=SAME)


def test_full_disk(two):
    two.b["Z"][0] = 3
    with open("/dev/full", "w") as full:
        import subprocess
        from support import BIN
        result = subprocess.run([BIN / "fastbal", "diff", *two.paths()], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == TROUBLE


# ---- trees ----

LAYOUT = "healpix/main/dark/{group}/{pixel}/baltable-main-dark-{pixel}.fits"


def make_tree(root, layout=LAYOUT, pixels=range(98, 104), **changes):
    for pixel in pixels:
        columns = columns_of(6)
        columns["TARGETID"] += 1000 * pixel
        for name, value in changes.items():
            columns[name][pixel % 6] = value
        write(root / layout.format(group=pixel // 100, pixel=pixel), columns, "BALCAT", QSOTEMPS="x")
    return root


@pytest.mark.parametrize("layout", [LAYOUT, "deeper/main/" + LAYOUT, "{pixel}/baltable-main-dark-{pixel}.fits",
                                    "baltable-main-dark-{pixel}.fits", "baltable-sv3-bright-{pixel}.fits"])
def test_trees(tmp_path, layout):
    a, b = make_tree(tmp_path / "a"), make_tree(tmp_path / "b", layout)
    said = diff(a, b, status=SAME)
    assert said["tables"] == {"both": 6, "different": 0, "only_a": [], "only_b": [], "unreadable": []}
    assert said["a"] == {"path": str(a), "kind": "tree", "hdu": None, "tables": 6, "rows": 36}
    make_tree(b, layout, [98, 101], AI_SIIV=7)
    said = diff(a, b)
    gained, lost = said["bals"]["AI_SIIV"]["gained"], said["bals"]["AI_SIIV"]["lost"]
    base = columns_of(6)["TARGETID"]
    assert ids(gained) == [base[2] + 98000, base[5] + 101000] and lost == []
    assert [row["table"] for row in gained] == [LAYOUT.format(group=p // 100, pixel=p) for p in (98, 101)]
    assert said["tables"]["different"] == 2
    assert "baltable-main-dark-98.fits" in report(a, b)


def test_missing_and_unreadable_tables(tmp_path):
    a, b = make_tree(tmp_path / "a"), make_tree(tmp_path / "b", pixels=range(99, 106))
    path = [LAYOUT.format(group=p // 100, pixel=p) for p in range(110)]
    (b / path[100]).write_text("nothing")
    with fits.open(b / path[102], mode="update") as hdus:
        hdus[1].data["AI_CIV"][1] = 77
    (b / path[103]).unlink()
    for options in ([], ["--json"], ["--quiet"]):
        result = run("diff", a, b, *options, status=TROUBLE)
        lines = result.stderr.splitlines()
        assert len(lines) == 2 and "2 BAL tables only in A, 2 only in B; 1 could not be read" in lines[0]
        assert path[100] in lines[1]
    said = diff(a, b, status=TROUBLE)
    assert said["tables"]["only_a"] == [path[98], path[103]] and said["tables"]["only_b"] == [path[104], path[105]]
    assert len(said["tables"]["unreadable"]) == 1 and path[100] in said["tables"]["unreadable"][0]
    assert said["tables"]["both"] == 4 and len(said["bals"]["AI_CIV"]["gained"]) == 1
    text = report(a, b, status=TROUBLE)
    assert "only in A (2)" in text and "unreadable (1)" in text and path[98] in text
    # nothing but a missing table is trouble as well
    shutil.rmtree(b)
    make_tree(b, pixels=range(98, 103))
    assert diff(a, b, status=TROUBLE)["rows"]["different"] == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folders_that_can_not_be_read(tmp_path):
    a, b = make_tree(tmp_path / "a"), make_tree(tmp_path / "b")
    locked = b / "healpix/main/dark/1"
    locked.chmod(0)
    try:
        assert str(locked) in diff(a, b, status=TROUBLE)["tables"]["unreadable"][0]
    finally:
        locked.chmod(0o755)


def test_links_and_other_files_in_trees(tmp_path):
    a, b = make_tree(tmp_path / "a"), make_tree(tmp_path / "elsewhere")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "healpix").symlink_to(b / "healpix")
    (tmp_path / "b" / "healpix" / "again").symlink_to(tmp_path / "b" / "healpix")  # leads back
    (tmp_path / "b" / "logfile.txt").write_text("a log")
    (tmp_path / "b" / "zafter-main-dark-98.fits").write_text("not looked at")
    diff(a, tmp_path / "b", status=SAME)


def test_notes_are_once_for_all_tables(tmp_path):
    a, b = make_tree(tmp_path / "a"), make_tree(tmp_path / "b")
    for path in b.rglob("*.fits"):
        with fits.open(path, mode="update") as hdus:
            hdus[1].header["QSOTEMPS"] = "y"
    assert diff(a, b)["keywords"] == [{"name": "QSOTEMPS", "a": "x", "b": "y", "tables": 6}]
    assert "'x' -> 'y' (in 6 tables)" in report(a, b)


def test_threads(tmp_path):
    """The same report from any number of them, of trees and of catalogs with many blocks of rows."""
    a = make_tree(tmp_path / "a", pixels=range(40))
    b = make_tree(tmp_path / "b", pixels=range(1, 41), AI_CIV=7, VMIN_CIV_450=2000, VMAX_CIV_450=7000)
    for options in ([], ["--json"]):
        said = {report(a, b, *options, "--nproc", n, status=TROUBLE) for n in (1, 2, 7)}
        assert len(said) == 1
    a, b = large_catalogs(tmp_path)
    assert len({report(a, b, "--nproc", n) for n in (1, 2, 7)}) == 1


# ---- many rows ----

LARGE = 200_000


def large_catalogs(folder):
    """Two catalogs in different orders: 1 % of rows missing in b, AI_CIV of every 1000th row changed."""
    rng = np.random.default_rng(5)
    columns = {"TARGETID": rng.permutation(LARGE) * 3 + 39627000000000000, "Z": rng.uniform(1.6, 5, LARGE),
               "AI_CIV": np.where(rng.random(LARGE) < 0.2, 500, 0).astype("f4"),
               "WIDE": rng.normal(size=(LARGE, 60)).astype("f4")}
    a = write(folder / "large-a.fits", columns)
    columns["AI_CIV"][::1000] = 900 - columns["AI_CIV"][::1000]
    kept = rng.permutation(LARGE)[LARGE // 100:]
    b = write(folder / "large-b.fits", {key: data[kept] for key, data in columns.items()})
    return a, b


def test_many_rows(tmp_path):
    a, b = large_catalogs(tmp_path)
    said = diff(a, b)
    x, y = fits.getdata(a, 1), fits.getdata(b, 1)
    missing = x["TARGETID"][~np.isin(x["TARGETID"], y["TARGETID"])]
    assert ids(said["rows"]["only_a"]) == list(missing) and len(missing) == LARGE // 100
    where = np.searchsorted(np.sort(y["TARGETID"]), x["TARGETID"]) % len(y)
    partner = np.argsort(y["TARGETID"])[where]
    both = y["TARGETID"][partner] == x["TARGETID"]
    old, new = x["AI_CIV"], y["AI_CIV"][partner]
    assert ids(said["bals"]["AI_CIV"]["gained"]) == list(x["TARGETID"][both & (old == 0) & (new > 0)])
    assert said["columns"]["AI_CIV"]["different"] == (both & (old != new)).sum() == said["rows"]["different"]
    assert said["columns"]["WIDE"] == {"cells": 60 * both.sum(), "different": 0, "rows": 0, "largest_absolute": None,
                                       "largest_relative": None}


# ---- what the pipeline writes ----

def test_outputs_of_the_pipeline(finished_tree, done_tree):
    diff(finished_tree.out, done_tree.out, status=SAME)
    diff(finished_tree.z, done_tree.z, status=SAME)
    said = diff(finished_tree.qso, finished_tree.out)
    assert {note["name"] for note in said["columns_only_b"]} >= {"AI_CIV", "BALMASK", "PCA_COEFFS"}
    assert said["rows"]["both"] == 12 and differing(said) == {} and said["columns_only_a"] == []


GOLDEN = os.environ.get("FASTBAL_GOLDEN")
SETS = ["healpix-typical", "healpix-bright", "healpix-real", "mock-aligned", "mock-unaligned"]


def overlap_matched(a, b):
    """Pairs of troughs, the largest overlap first: (moved, appeared, vanished)."""
    pairs = sorted(((min(p[1], q[1]) - max(p[0], q[0]), -i, -j) for i, p in enumerate(a) for j, q in enumerate(b)),
                   reverse=True)
    used_a, used_b, moved = set(), set(), 0
    for size, i, j in pairs:
        if size > 0 and i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            p, q = a[-i], b[-j]
            moved += any(abs(u - v) > 1 + 1e-5 * max(abs(u), abs(v)) for u, v in zip(p, q))
    return np.array([moved, len(b) - len(used_b), len(a) - len(used_a)])


@pytest.mark.skipif(not GOLDEN, reason="FASTBAL_GOLDEN is not set")
@pytest.mark.parametrize("name", SETS)
def test_exact_against_simplex(name):
    """Recompute every count in numpy, for the catalogs and for the tables."""
    folder = Path(GOLDEN) / name / "expected"
    said = diff(folder / "exact-guo" / "qso-bal.fits", folder / "simplex-guo" / "qso-bal.fits")
    a, b = (fits.getdata(folder / fit / "qso-bal.fits", 1) for fit in ("exact-guo", "simplex-guo"))
    assert (a["TARGETID"] == b["TARGETID"]).all() and said["rows"]["both"] == len(a)
    for index in INDICES:
        x, y = a[index] > 0, b[index] > 0
        bals = said["bals"][index]
        assert (bals["a"], bals["b"]) == (x.sum(), y.sum())
        assert ids(bals["gained"]) == list(a["TARGETID"][y & ~x]) and ids(bals["lost"]) == list(a["TARGETID"][x & ~y])
    for kind in KINDS:
        troughs = [[[(p, q) for p, q in zip(low, high) if q > 0] for low, high in
                    zip(t[f"VMIN_{kind}"].astype(float), t[f"VMAX_{kind}"].astype(float))] for t in (a, b)]
        expected = sum((overlap_matched(p, q) for p, q in zip(*troughs)), np.zeros(3, int))
        found = said["troughs"][kind]
        assert [found["a"], found["b"]] == [sum(map(len, t)) for t in troughs]
        assert [len(found[key]) for key in ("moved", "appeared", "vanished")] == list(expected)
    for column in a.names[1:]:
        x, y = a[column], b[column]
        if x.dtype.kind in "US":
            different = x != y
        else:
            x, y = x.astype(float).reshape(len(a), -1), y.astype(float).reshape(len(a), -1)
            exact = a[column].dtype.kind in "iub"
            atol = 1 if column.startswith(("VMIN", "VMAX", "POSMIN")) else 0 if exact else 1e-8
            finite = np.isfinite(x) & np.isfinite(y)
            with np.errstate(invalid="ignore"):
                sizes = np.where(finite, abs(x - y), 0)
            close = finite & (sizes <= atol + (0 if exact else 1e-5) * np.maximum(abs(x), abs(y)))
            different = ~(close | (x == y) | (np.isnan(x) & np.isnan(y)))
            sizes[~different] = 0
            if sizes.any():
                largest = said["columns"][column]["largest_absolute"]
                assert largest["difference"] == pytest.approx(sizes.max(), rel=1e-6)
                where = np.flatnonzero(a["TARGETID"] == largest["targetid"])
                assert sizes[where, largest["element"]].max() == sizes.max()
        assert said["columns"][column]["different"] == different.sum(), column
    tables = diff(folder / "exact-guo", folder / "simplex-guo")
    for index in INDICES:
        for key in ("gained", "lost"):
            assert sorted(ids(tables["bals"][index][key])) == sorted(ids(said["bals"][index][key]))
