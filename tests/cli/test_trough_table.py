"""--troughs of run and append, and the second HDU of BAL tables: one row a trough, as in the catalog's arrays.

SPDX-License-Identifier: BSD-3-Clause
"""
import re

import numpy as np
import pytest
from astropy.io import fits

from support import PIXELS, UNUSABLE, check_sums, complains, run, table

COLUMNS = {"TARGETID": ("K", None), "Z": ("E", None), "LINE": ("4A", None), "NUMBER": ("I", None), "VMIN": ("E", "km/s"),
           "VMAX": ("E", "km/s"), "WIDTH": ("E", "km/s"), "POSMIN": ("E", "km/s"), "FMIN": ("E", None),
           "DEPTH": ("E", None), "ERR_DEPTH": ("E", None), "EW": ("E", "Angstrom"), "ERR_EW": ("E", "Angstrom"),
           "SNR_CIV": ("E", None), "PROB": ("E", None), "BALMASK": ("B", None)}


def one_pass(tree, *options, **how):
    return run("run", "-q", tree.qso, "-r", "sim", "--templates", "builtin", *options, **({"env": tree.env} | how))


def expected_rows(catalog):
    """What the arrays of a catalog say, in its order."""
    for row in catalog:
        for line in ("CIV", "SIIV"):
            for k in range(row[f"N{line}_450"]):
                yield (row["TARGETID"], line, k, *(row[f"{name}_{line}_450"][k] for name in ("VMIN", "VMAX", "POSMIN", "FMIN")),
                       row["SNR_CIV"], row["BALMASK"])


def rows_of(troughs):
    names = ("TARGETID", "LINE", "NUMBER", "VMIN", "VMAX", "POSMIN", "FMIN", "SNR_CIV", "BALMASK")
    return [tuple(row[name] for name in names) for row in troughs]


def test_rows(tree, tmp_path):
    out, troughs = tmp_path / "qso.fits", tmp_path / "troughs.fits"
    said = one_pass(tree, "-o", out, "--troughs", troughs).stdout
    assert f"{out}, troughs in {troughs}" in said
    catalog, found = table(out), table(troughs)
    assert len(found) > 2
    assert rows_of(found) == list(expected_rows(catalog))
    assert np.array_equal(found["WIDTH"], found["VMAX"] - found["VMIN"])
    for row in catalog:
        mine = (found["TARGETID"] == row["TARGETID"]) & (found["LINE"] == "CIV") & (found["Z"] == np.float32(row["Z"]))
        assert np.isclose(found["EW"][mine].sum(), row["EW_CIV"], rtol=1e-5)
        if mine.any():
            depth = np.average(found["DEPTH"][mine], weights=found["WIDTH"][mine])
            assert np.isclose(depth, row["DEPTH_CIV"], rtol=0.01)  # the widths are to pixels' centres
            assert (found["ERR_EW"][mine] > 0).all() and (found["ERR_DEPTH"][mine] > 0).all()


def test_form(tree, tmp_path):
    one_pass(tree, "-o", tmp_path / "qso.fits", "--troughs", tmp_path / "troughs.fits", "--rules", "fastbal")
    with fits.open(tmp_path / "troughs.fits") as hdus:
        assert len(hdus) == 2 and hdus[1].name == "BAL_TROUGHS"
        assert {c.name: (c.format, c.unit) for c in hdus[1].columns} == COLUMNS
        assert hdus[1].header["BALRULES"] == "fastbal" and hdus[1].header["QSOTEMPS"] == "builtin"
    check_sums(tmp_path / "troughs.fits")


def test_every_way_gives_the_same(tree, tmp_path):
    """One pass, the three steps, BAL tables that are there already, and threads."""
    one_pass(tree, "-o", tmp_path / "a.fits", "--troughs", tmp_path / "one.fits")
    one_pass(tree, "-o", tmp_path / "b.fits", "--troughs", tmp_path / "threads.fits", "--nproc", 3, "-b", tree.z)
    one_pass(tree, "-o", tmp_path / "c.fits", "--troughs", tmp_path / "kept.fits", "-b", tree.z)
    tree.append("--troughs", tmp_path / "append.fits")
    for name in ("threads", "kept", "append"):
        assert (tmp_path / f"{name}.fits").read_bytes() == (tmp_path / "one.fits").read_bytes(), name


def test_second_hdu_of_bal_tables(finished_tree):
    for pixel in PIXELS:
        check_sums(finished_tree.baltable(pixel))
        with fits.open(finished_tree.baltable(pixel)) as hdus:
            assert [hdu.name for hdu in hdus[1:]] == ["BALCAT", "BAL_TROUGHS"]
            rows = [row[:3] for row in rows_of(hdus[2].data)]
            assert rows == [(row["TARGETID"], line, k) for row in hdus[1].data for line in ("CIV", "SIIV")
                            for k in range(row[f"N{line}_450"])]


def test_tables_without_troughs(tree, tmp_path):
    """Those of older programs and of the reference say nothing of a trough's depth and equivalent width."""
    one_pass(tree, "-o", tmp_path / "a.fits", "--troughs", tmp_path / "all.fits", "-b", tree.z)
    for pixel in PIXELS:
        with fits.open(tree.baltable(pixel), mode="update") as hdus:
            del hdus["BAL_TROUGHS"]
    tree.append("--troughs", tmp_path / "some.fits")
    found, whole = table(tmp_path / "some.fits"), table(tmp_path / "all.fits")
    assert rows_of(found) == rows_of(whole)
    for name in ("EW", "ERR_EW", "DEPTH", "ERR_DEPTH"):
        assert np.isnan(found[name]).all() and np.isfinite(whole[name]).all()


def test_troughs_of_others(tree, tmp_path):
    """Whose troughs are not those of the first HDU, the pixel fails."""
    one_pass(tree, "-o", tmp_path / "a.fits", "-b", tree.z)
    for pixel in PIXELS:
        with fits.open(tree.baltable(pixel), mode="update") as hdus:
            hdus["BAL_TROUGHS"].data["VMIN"] += 1
            for hdu in hdus:
                hdu.header.remove("CHECKSUM", ignore_missing=True)
                hdu.header.remove("DATASUM", ignore_missing=True)
    result = tree.append("--troughs", tmp_path / "some.fits", status=UNUSABLE)
    assert "table BAL_TROUGHS: expected the troughs of BALCAT, found others in row 1" in result.stderr
    tree.append("-c")  # without them they are not looked at


def test_more_troughs_than_in_the_table(tree, tmp_path):
    one_pass(tree, "-o", tmp_path / "a.fits", "-b", tree.z)
    for pixel in PIXELS:
        with fits.open(tree.baltable(pixel)) as hdus:
            rows = hdus["BAL_TROUGHS"].data
            more = fits.BinTableHDU(np.concatenate([rows, rows[:1] if len(rows) else np.zeros(1, rows.dtype)]), name="BAL_TROUGHS")
            fits.HDUList([fits.PrimaryHDU(), hdus["BALCAT"].copy(), more]).writeto(tmp_path / "more.fits", overwrite=True, checksum=True)
        (tmp_path / "more.fits").replace(tree.baltable(pixel))
    result = tree.append("--troughs", tmp_path / "some.fits", status=UNUSABLE)
    assert re.search(r"table BAL_TROUGHS: expected the (\d+) troughs of BALCAT, found \d+ rows", result.stderr), result.stderr


@pytest.mark.parametrize("names, words", [
    (("qso.fits", "qso.fits"), ["qso.fits: expected another file than", "which is written as well"]),
    (("qso.fits", "folder/../qso.fits"), ["qso.fits: expected another file than"]),
    (("qso.fits", "link.fits"), ["link.fits: expected another file than"]),
    (("qso.fits", "there.fits"), ["there.fits", "exists"]),
    (("qso.fits", "nowhere/troughs.fits"), ["nowhere"]),
    (("qso.fits", "troughs.csv"), ["troughs.csv", "FITS"]),
])
def test_refused(tree, tmp_path, names, words):
    (tmp_path / "there.fits").write_text("something")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.fits").symlink_to("qso.fits")  # of which there is none yet
    out, troughs = (tmp_path / name for name in names)
    complains(one_pass(tree, "-o", out, "--troughs", troughs, status=UNUSABLE), "run", *words)
    assert not (tmp_path / "qso.fits").exists() and (tmp_path / "there.fits").read_text() == "something"


def test_nothing_measured(tree, tmp_path):
    """Then there is no table of troughs either, and an older one stays."""
    for pixel in PIXELS:
        tree.coadd(pixel).unlink()
    (tmp_path / "troughs.fits").write_text("older")
    one_pass(tree, "-o", tmp_path / "qso.fits", "--troughs", tmp_path / "troughs.fits", "-c", status=UNUSABLE)
    assert not (tmp_path / "qso.fits").exists() and (tmp_path / "troughs.fits").read_text() == "older"
