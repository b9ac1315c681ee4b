"""fastbal train --detector, and the files that it writes.

SPDX-License-Identifier: BSD-3-Clause
"""
import shutil

import numpy as np
import pytest
from astropy.io import fits

from support import UNUSABLE, complains, header, run, table


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A tree, and its catalog with BAL columns."""
    root = tmp_path_factory.mktemp("survey")
    run("simulate", root / "tree", "--pixels", 6, "--quasars", 120, "--others", 0, "--no-resolution", "--seed", 5)
    run("run", "-q", root / "tree" / "qso.fits", "-r", root / "tree" / "redux" / "sim", "--templates", "builtin", "-o", root / "bal.fits")
    return root


def train(survey, out, *options, **how):
    return run("train", "--detector", "-q", survey / "bal.fits", "-r", survey / "tree" / "redux" / "sim", "-o", out, *options, **how)


@pytest.fixture(scope="module")
def trained(survey):
    said = train(survey, survey / "mine.fits").stdout
    return survey / "mine.fits", said


def test_file(trained, survey):
    """What it says of itself, and what the command says."""
    path, said = trained
    with fits.open(path) as hdus:
        weights, h = hdus["DETECTOR"].data["WEIGHT"], hdus["DETECTOR"].header
    assert len(weights) == 6498 and np.isfinite(weights).all() and (weights == weights.astype("f4")).all()
    assert h["DETNAME"] == "mine" and h["DETSLOPE"] > 0 and h["TEMPSUM"] == header(survey / "bal.fits")["TEMPSUM"]
    assert f"train: {path}: detector mine " in said
    rows = table(survey / "bal.fits")
    used = int(said.split("train: ")[1].split(" spectra used")[0])
    measured = rows["BALMASK"] == 0
    assert 0.98 * measured.sum() <= used <= measured.sum()
    injected = int(said.split("outflow was put into ")[1].split()[0])
    assert injected == pytest.approx((measured & (rows["BAL_PROB"] < 0.5)).sum(), abs=0.02 * used)
    share = float(said.split("is about ")[1].split(";")[0].splitlines()[0])
    truth = table(survey / "tree" / "truth.fits", "QUASARS")
    assert share == pytest.approx((truth["BAL"] > 0).mean(), abs=0.06)


def test_it_rates_quasars(trained, survey, tmp_path):
    """BAL_PROB is of the file's detector, and nothing else of the rule's changes; find and run agree."""
    path, _ = trained
    tree = survey / "tree"
    run("run", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin", "--detector", path, "-o",
        tmp_path / "new.fits", "-b", tmp_path / "bal")
    old, new = table(survey / "bal.fits"), table(tmp_path / "new.fits")
    assert header(tmp_path / "new.fits")["BALDET"].startswith("mine ")
    assert header(survey / "bal.fits")["BALDET"].startswith("builtin ")
    measured = old["BALMASK"] == 0
    assert not np.array_equal(old["BAL_PROB"], new["BAL_PROB"])
    assert np.array_equal(old["AI_CIV"], new["AI_CIV"])
    assert np.array_equal(np.argsort(old["BAL_PROB"][measured], kind="stable"), np.argsort(new["BAL_PROB"][measured], kind="stable"))
    # a table of another detector is made again
    again = run("run", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin", "-o",
                tmp_path / "again.fits", "-b", tmp_path / "bal").stderr
    assert "was made with another detector" in again
    assert np.array_equal(table(tmp_path / "again.fits")["BAL_PROB"], old["BAL_PROB"])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_make_no_difference(trained, survey, tmp_path, threads):
    train(survey, tmp_path / "mine.fits", "--nproc", threads)
    expected, found = (fits.open(path) for path in (trained[0], tmp_path / "mine.fits"))
    with expected, found:
        assert np.array_equal(expected[1].data["WEIGHT"], found[1].data["WEIGHT"])
        assert expected[1].header["DETSUM"] == found[1].header["DETSUM"]


def test_too_few(tmp_path):
    tree = tmp_path / "tree"
    run("simulate", tree, "--pixels", 1, "--quasars", 60, "--others", 0, "--no-resolution")
    run("run", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin", "-o", tmp_path / "bal.fits")
    complains(run("train", "--detector", "-q", tmp_path / "bal.fits", "-r", tree / "redux" / "sim", "-o", tmp_path / "out.fits",
                  status=UNUSABLE), "train", "300", "found")
    assert not (tmp_path / "out.fits").exists()


def test_options_of_templates_are_refused(survey, tmp_path):
    complains(train(survey, tmp_path / "out.fits", "--components", 6, status=UNUSABLE), "train", "--components")
    complains(train(survey, tmp_path / "out.fits", "--min-snr", 2, status=UNUSABLE), "train", "--min-snr")


def change(what):
    def spoil(hdus):
        what(hdus["DETECTOR"])
    return spoil


def weight(hdu):
    hdu.data["WEIGHT"][17] += 1


def infinite(hdu):
    hdu.data["WEIGHT"][17] = np.inf


def set_key(key, value):
    def spoil(hdu):
        hdu.header[key] = value
    return spoil


@pytest.mark.parametrize("what, words", [
    (weight, ["checksum"]), (infinite, ["WEIGHT", "finite"]), (set_key("DETVERS", 2), ["DETVERS", "expected 1", "found 2"]),
    (set_key("DETSLOPE", -1.0), ["checksum"]), (set_key("TEMPSUM", "00000000"), ["other built-in templates", "00000000"])])
def test_bad_files(trained, survey, tmp_path, what, words):
    shutil.copy(trained[0], tmp_path / "bad.fits")
    with fits.open(tmp_path / "bad.fits", mode="update") as hdus:
        what(hdus["DETECTOR"])
    rate(survey, tmp_path, tmp_path / "bad.fits", words + ["fastbal train --detector"])


def rate(survey, tmp_path, path, words):
    """It is refused in one line, and nothing is written."""
    complains(run("run", "-q", survey / "tree" / "qso.fits", "-r", survey / "tree" / "redux" / "sim", "--templates", "builtin",
                  "--detector", path, "-o", tmp_path / "out.fits", status=UNUSABLE), "run", *words)
    assert not (tmp_path / "out.fits").exists()


def test_fewer_weights(trained, survey, tmp_path):
    with fits.open(trained[0]) as hdus:
        short = fits.BinTableHDU(hdus[1].data[:-1], hdus[1].header, name="DETECTOR")
        fits.HDUList([fits.PrimaryHDU(), short]).writeto(tmp_path / "short.fits")
    rate(survey, tmp_path, tmp_path / "short.fits", ["6498", "6497"])


def test_files_of_something_else(survey, tmp_path):
    rate(survey, tmp_path, survey / "bal.fits", ["DETECTOR"])
    (tmp_path / "text.fits").write_text("no FITS file")
    rate(survey, tmp_path, tmp_path / "text.fits", ["text.fits"])
    rate(survey, tmp_path, tmp_path / "missing", ["on, off or a file", "missing"])
