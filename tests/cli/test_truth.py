"""fastbal truth: a mock's QSO catalog with BAL columns from the mock's truth.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import re

import numpy as np
import pytest
from astropy.io import fits

import healpix
from support import (PARTLY, UNUSABLE, Target, appended_columns, check_sums, complains, files, forms, header, run,
                     last_columns, table, unaligned_waves, write_catalog, write_spectra)

BASE = 200000
QUASARS = [Target(BASE + k, 100.0 + 0.03 * k, 10.0 + 0.02 * k, 1.5 + 0.3 * k) for k in range(13)]
MOST = {"AI": 17, "BI": 5}


def bal(k, ai=((1000, 4000),), bi=(), **more):
    """A row of the truth: its troughs in order, as (VMIN, VMAX)."""
    return {"TARGETID": BASE + k, "AI": list(ai), "BI": list(bi)} | more


def write_truth(path, rows, name="BAL_META", id_form="J", length=27, swapped=True, empty=-1.0, drop=(), gap=0,
                before=()):
    """gap: unused entries before every trough. swapped: VMIN and VMAX are the other way round, as in mocks."""
    n = len(rows)
    columns = [fits.Column("TARGETID", id_form, array=np.array([r["TARGETID"] for r in rows])),
               fits.Column("Z", "E", array=np.full(n, 2.5)),
               fits.Column("BAL_PROB", "E", array=np.full(n, 1.0)),
               fits.Column("BAL_TEMPLATEID", "J", array=np.arange(n))]
    for index, width in (("AI", "450"), ("BI", "2000")):
        v = np.full((4, n, length), empty)
        for i, row in enumerate(rows):
            for j, (vmin, vmax) in enumerate(row[index]):
                pair = (vmax, vmin) if swapped else (vmin, vmax)
                v[:, i, j * (gap + 1) + gap] = (*pair, (vmin + vmax) / 2, 0.25)
        columns += [fits.Column(f"{index}_CIV", "D", array=np.array([sum(b - a for a, b in r[index]) for r in rows])),
                    fits.Column(f"ERR_{index}_CIV", "E", array=np.array([len(r[index]) + 0.5 for r in rows])),
                    fits.Column(f"NCIV_{width}", "J", array=np.array([len(r[index]) for r in rows]))]
        columns += [fits.Column(f"{what}_CIV_{width}", f"{length}E", array=v[k])
                    for k, what in enumerate(("VMIN", "VMAX", "POSMIN", "FMIN"))]
    hdu = fits.BinTableHDU.from_columns([c for c in columns if c.name not in drop], name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), *before, hdu]).writeto(path, overwrite=True)


def check(out, rows, quasars=QUASARS, drop=()):
    """Every row of a catalog against the truth it was made from."""
    data = table(out)
    truth = {}
    for row in rows:
        truth.setdefault(row["TARGETID"], row)
    assert data["TARGETID"].tolist() == [t.targetid for t in quasars]
    for got, t in zip(data, quasars):
        row = truth.get(t.targetid)
        assert got["BALMASK"] == (0 if row else 1 if 1.57 <= t.z <= 5 else 3)
        assert got["BAL_PROB"] == (1 if row and "BAL_PROB" not in drop else -99)
        assert got["PCA_CHI2"] == got["SNR_CIV"] == 0 and not got["PCA_COEFFS"].any()
        for index, width in (("AI", "450"), ("BI", "2000")):
            troughs = row[index] if row and f"VMIN_CIV_{width}" not in drop else []
            known = troughs[:MOST[index]]
            assert got[f"NCIV_{width}"] == len(known)
            assert got[f"{index}_CIV"] == sum(b - a for a, b in troughs)
            if row and troughs and f"ERR_{index}_CIV" not in drop:
                assert got[f"ERR_{index}_CIV"] == len(troughs) + 0.5
            expected = np.full((4, MOST[index]), -1.0, "f4")
            for k, (a, b) in enumerate(known):
                expected[:, k] = a, b, (a + b) / 2, 0.25
            for k, what in enumerate(("VMIN", "VMAX", "POSMIN", "FMIN")):
                if f"{what}_CIV_{width}" not in drop:
                    np.testing.assert_array_equal(got[f"{what}_CIV_{width}"], expected[k])
                np.testing.assert_array_equal(got[f"{what}_SIIV_{width}"], -1)
            assert got[f"{index}_SIIV"] == got[f"NSIIV_{width}"] == 0


@pytest.fixture
def qso(tmp_path):
    write_catalog(tmp_path / "zcat.fits", QUASARS, mock=True)
    return tmp_path / "zcat.fits"


ROWS = [bal(3), bal(0, [(100, 700), (3000, 9000)], [(3500, 9000)]), bal(7, [(2000, 2500)]), bal(99)]


@pytest.mark.parametrize("name", ["appendbaltruth", "appendbaltruth.py"])
def test_old_name(qso, tmp_path, name):
    """As the reference writes it: 0 and BALMASK 1 where the truth has nothing, and what the truth has as ever."""
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    both = [tmp_path / "old.fits", tmp_path / "new.fits"]
    for program, out in zip(([name], ["fastbal", "truth"]), both):
        run(*program, "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", out)
    old, new = map(table, both)
    known = np.isin(old["TARGETID"], [row["TARGETID"] for row in ROWS])
    assert known.any() and (old["BALMASK"] == np.where(known, 0, 1)).all() and (new["BALMASK"] == 3).any()
    for column in old.names:
        if column == "BALMASK":
            continue
        if any(column.startswith(what) for what in ("VMIN", "VMAX", "POSMIN", "FMIN", "ERR_V", "PROB_DET")):
            assert not old[column][~known].any() and (new[column][~known] == -1).all()
            if "SIIV" in column or "DET" in column:
                assert not old[column][known].any() and (new[column][known] == -1).all()
                continue
        else:
            np.testing.assert_array_equal(old[column], new[column])
        np.testing.assert_array_equal(old[column][known], new[column][known])


@pytest.mark.parametrize("how", [
    {}, {"name": "ZCATALOG"}, {"name": "BALCAT"}, {"name": "other"}, {"id_form": "K"}, {"length": 17}, {"length": 5},
    {"swapped": False}, {"empty": 0.0}, {"empty": float("nan")}, {"gap": 2}], ids=str)
def test_truth(qso, tmp_path, how):
    write_truth(tmp_path / "bal_cat.fits", ROWS, **how)
    out = tmp_path / "true.fits"
    result = run("truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", out)
    check(out, ROWS)
    lines = result.stdout.splitlines()
    assert lines[-1] == f"truth: 13 rows, 3 BAL quasars; {out}" and result.stderr == ""
    assert "truth: 1 of 4 BAL quasars are not in the catalog" in lines
    swapped = [re.findall(r"\d+", line) for line in lines if "VMIN" in line]
    assert swapped == ([] if how.get("swapped") is False else [["6"]])  # five of AI and one of BI


def test_form_of_the_catalog(qso, tmp_path):
    """As append writes it: every column and keyword of the input, then the BAL columns."""
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    run("truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    assert forms(tmp_path / "true.fits") == forms(qso) + appended_columns(5) + last_columns()
    assert header(tmp_path / "true.fits")["EXTNAME"] == "ZCATALOG"
    assert header(tmp_path / "true.fits")["RELEASE"] == "sim"
    check_sums(tmp_path / "true.fits")
    old, new = table(qso), table(tmp_path / "true.fits")
    for name in old.names:
        np.testing.assert_array_equal(new[name], old[name])


def test_the_same_form_as_append(done_tree, tmp_path):
    """The truth of another catalog with BAL columns: what append found, given as truth, comes out."""
    run("truth", "-q", done_tree.qso, "-b", done_tree.out, "-o", tmp_path / "true.fits")
    assert forms(tmp_path / "true.fits") == [(n, "5E" if n == "PCA_COEFFS" else f)
                                             for n, f in forms(done_tree.out)]
    old, new = table(done_tree.out), table(tmp_path / "true.fits")
    for name in ("AI_CIV", "BI_CIV", "NCIV_450", "NCIV_2000", "AI_SIIV", "NSIIV_450", "ERR_AI_CIV"):
        first = {}
        for t, value in zip(old["TARGETID"], old[name]):
            first.setdefault(int(t), value)
        assert new[name].tolist() == [first[int(t)] for t in new["TARGETID"]]
    measured = old["NCIV_450"] > 0
    assert measured.any()


def test_default_name(qso, tmp_path):
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    run("truth", "-q", qso, "--balcat", tmp_path / "bal_cat.fits")
    check(tmp_path / "zcat-baltrue.fits", ROWS)


@pytest.mark.parametrize("option", ["-c", "--clobber", "--overwrite"])
def test_clobber(qso, tmp_path, option):
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    command = ["truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits"]
    (tmp_path / "true.fits").write_text("old")
    complains(run(*command, status=UNUSABLE), "truth", tmp_path / "true.fits", "--clobber")
    assert (tmp_path / "true.fits").read_text() == "old"
    run(*command, option)
    check(tmp_path / "true.fits", ROWS)


def test_more_troughs_than_fit(qso, tmp_path):
    rows = [bal(3, [(500 * k + 1, 500 * k + 460) for k in range(21)]), bal(4, bi=[(3000 * k + 1, 3000 * k + 2500) for k in range(7)]),
            bal(5, [(500 * k + 1, 500 * k + 460) for k in range(17)])]
    write_truth(tmp_path / "bal_cat.fits", rows)
    result = run("truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    complains(result, "truth", tmp_path / "bal_cat.fits", "2 quasars", "17")
    check(tmp_path / "true.fits", rows)


def test_pairs_that_are_no_troughs(qso, tmp_path):
    rows = [bal(3, [(-5, 4000), (1000, 2000), (0, 500), (float("inf"), 5), (3000, 4000)])]
    write_truth(tmp_path / "bal_cat.fits", rows, swapped=False)
    run("truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    got = table(tmp_path / "true.fits")[3]
    assert got["NCIV_450"] == 2
    assert got["VMIN_CIV_450"][:3].tolist() == [1000, 3000, -1] and got["VMAX_CIV_450"][:3].tolist() == [2000, 4000, -1]


def test_targets_twice(tmp_path):
    """In the catalog: both get it. In the truth: the first counts."""
    quasars = [QUASARS[2], QUASARS[3], QUASARS[2]]
    write_catalog(tmp_path / "zcat.fits", quasars, mock=True)
    rows = [bal(2), bal(2, [(7000, 8000)]), bal(3)]
    write_truth(tmp_path / "bal_cat.fits", rows)
    result = run("truth", "-q", tmp_path / "zcat.fits", "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    complains(result, "truth", tmp_path / "bal_cat.fits", "1 row ")
    check(tmp_path / "true.fits", rows, quasars)


def test_targetids_of_64_bits(tmp_path):
    quasars = [t._replace(targetid=2**53 + k) for k, t in enumerate(QUASARS)]
    write_catalog(tmp_path / "zcat.fits", quasars, mock=True)
    rows = [bal(0) | {"TARGETID": 2**53 + 1}]
    write_truth(tmp_path / "bal_cat.fits", rows, id_form="K")
    run("truth", "-q", tmp_path / "zcat.fits", "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    check(tmp_path / "true.fits", rows, quasars)


@pytest.mark.parametrize("drop", [
    ("BAL_PROB",), ("ERR_AI_CIV", "ERR_BI_CIV"), ("NCIV_450", "NCIV_2000", "Z"), ("POSMIN_CIV_450", "FMIN_CIV_450")], ids=str)
def test_columns_that_the_truth_lacks(qso, tmp_path, drop):
    write_truth(tmp_path / "bal_cat.fits", ROWS, drop=drop)
    run("truth", "-q", qso, "-b", tmp_path / "bal_cat.fits", "-o", tmp_path / "true.fits")
    check(tmp_path / "true.fits", ROWS, drop=drop)
    for name in drop:
        if name.startswith(("POSMIN", "FMIN")):
            assert (table(tmp_path / "true.fits")[name] == -1).all()


# ---- a mock's truth files ----

def truth_file(top, pixel):
    return top / "spectra-16" / str(pixel // 100) / str(pixel) / f"truth-16-{pixel}.fits"


TRUTH = fits.BinTableHDU.from_columns([fits.Column("TARGETID", "K", array=[BASE])], name="TRUTH")


@pytest.fixture
def mock(tmp_path):
    """Three truth files: with BAL quasars, packed, and without BAL_META."""
    write_truth(truth_file(tmp_path, 1703), ROWS[:1], before=[TRUTH])
    packed = truth_file(tmp_path, 12)
    write_truth(packed, ROWS[1:], before=[TRUTH])
    packed.with_name(packed.name + ".gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    truth_file(tmp_path, 1704).parent.mkdir()
    fits.HDUList([fits.PrimaryHDU(), TRUTH]).writeto(truth_file(tmp_path, 1704))
    return tmp_path


@pytest.mark.parametrize("folder", [".", "spectra-16", "spectra-16/"])
def test_truth_files(qso, mock, folder):
    result = run("truth", "-q", qso, "-b", f"{mock}/{folder}", "-o", mock / "true.fits", "-v")
    check(mock / "true.fits", ROWS)
    assert "3 pixels" in result.stdout and result.stderr == ""


def test_one_truth_file(qso, mock):
    run("truth", "-q", qso, "-b", truth_file(mock, 1703), "-o", mock / "true.fits")
    check(mock / "true.fits", ROWS[:1])


def test_one_bad_truth_file(qso, mock):
    path = truth_file(mock, 1704)
    path.write_bytes(path.read_bytes()[:4000])
    result = run("truth", "-q", qso, "-b", mock, "-o", mock / "true.fits", status=PARTLY)
    complains(result, "truth", path)
    check(mock / "true.fits", ROWS)


def test_no_truth_file_that_can_be_read(qso, mock):
    for path in mock.rglob("truth-16*"):
        path.write_bytes(b"bad")
    result = run("truth", "-q", qso, "-b", mock, "-o", mock / "true.fits", status=UNUSABLE)
    assert len(result.stderr.splitlines()) == 4 and not (mock / "true.fits").exists()


def test_truth_files_without_bals(qso, tmp_path):
    truth_file(tmp_path, 12).parent.mkdir(parents=True)
    fits.HDUList([fits.PrimaryHDU(), TRUTH]).writeto(truth_file(tmp_path, 12))
    complains(run("truth", "-q", qso, "-b", tmp_path, status=UNUSABLE), "truth", tmp_path, "BAL_META")


def test_then_mask(qso, mock):
    """Truth appended, then masked: C IV of the swapped troughs is masked in the mock's spectra."""
    run("truth", "-q", qso, "-b", mock, "-o", mock / "true.fits")
    pixel = healpix.pixel(16, QUASARS[3].ra, QUASARS[3].dec)
    path = mock / "mock" / "spectra-16" / str(pixel // 100) / str(pixel) / f"spectra-16-{pixel}.fits"
    write_spectra(path, [t for t in QUASARS if healpix.pixel(16, t.ra, t.dec) == pixel], unaligned_waves())
    run("mask", "--mock", "--mockdir", mock / "mock", "-q", mock / "true.fits", "-w", mock / "work", "--lines", "CIV")
    with fits.open(mock / "work" / path.relative_to(mock / "mock")) as hdus:
        row = hdus["FIBERMAP"].data["TARGETID"].tolist().index(BASE + 3)
        wave, ivar = hdus["B_WAVELENGTH"].data, hdus["B_IVAR"].data[row]
        rest = 1549 * (1 + QUASARS[3].z)
        inside = (wave > rest * (1 - 4000 / 299792.458)) & (wave < rest * (1 - 1000 / 299792.458))
        assert inside.sum() > 40 and not ivar[inside].any()


# ---- what can't be used ----

def refused(qso, truth, *words, name=None):
    out = qso.parent / "out.fits"
    complains(run("truth", "-q", qso, "-b", truth, "-o", out, status=UNUSABLE), "truth", name or truth, *words)
    assert not [n for n in files(qso.parent) if n.startswith("out")]


@pytest.mark.parametrize("column", ["TARGETID", "AI_CIV", "VMIN_CIV_450", "VMAX_CIV_450"])
def test_missing_column(qso, tmp_path, column):
    write_truth(tmp_path / "bal_cat.fits", ROWS, drop=[column])
    refused(qso, tmp_path / "bal_cat.fits", column)


def test_no_match(qso, tmp_path):
    write_truth(tmp_path / "bal_cat.fits", [bal(500), bal(501)])
    refused(qso, tmp_path / "bal_cat.fits", "2 BAL quasars")


def test_too_long_arrays(qso, tmp_path):
    write_truth(tmp_path / "bal_cat.fits", ROWS, length=129)
    refused(qso, tmp_path / "bal_cat.fits", "VMIN")


def test_missing_and_unreadable_files(qso, tmp_path):
    refused(qso, tmp_path / "none.fits")
    (tmp_path / "bad.fits").write_bytes(b"no FITS file" * 1000)
    refused(qso, tmp_path / "bad.fits")
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    refused(qso, tmp_path / "empty.fits")
    (tmp_path / "folder").mkdir()
    refused(qso, tmp_path / "folder", "spectra-16")
    (tmp_path / "folder" / "spectra-16").mkdir()
    refused(qso, tmp_path / "folder", "truth-16")
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    refused(tmp_path / "no-qso.fits", tmp_path / "bal_cat.fits", name=tmp_path / "no-qso.fits")


def test_truncated_truth(qso, tmp_path):
    write_truth(tmp_path / "bal_cat.fits", ROWS)
    data = (tmp_path / "bal_cat.fits").read_bytes()
    for size in (len(data) // 2, len(data) - 2880):
        (tmp_path / "bal_cat.fits").write_bytes(data[:size])
        refused(qso, tmp_path / "bal_cat.fits")
