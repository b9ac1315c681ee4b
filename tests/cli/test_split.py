"""fastbal split: the QSO catalog becomes one redshift catalog per pixel.

SPDX-License-Identifier: BSD-3-Clause
"""
import math
import random
import re
import time

import numpy as np
import pytest
from astropy.io import fits

import healpix
from support import (PIXEL, PIXELS, ROWS, UNUSABLE, Target, check_sums, complains, environment, files, fits_files,
                     forms, header, nothing_left_behind, run, stamp, table, write_catalog)

COLUMNS = [("TARGETID", "K"), ("TARGET_RA", "D"), ("TARGET_DEC", "D"), ("Z", "D"), ("ZERR", "D"), ("ZWARN", "D"),
           ("SPECTYPE", "6A")]


def test_files_and_columns(split_tree):
    assert sorted(fits_files(split_tree.z)) == sorted(
        str(split_tree.zafter(p).relative_to(split_tree.z)) for p in PIXELS)
    for pixel in PIXELS:
        path = split_tree.zafter(pixel)
        assert forms(path) == COLUMNS
        assert header(path)["EXTNAME"] == "REDSHIFTS"
        check_sums(path)
    nothing_left_behind(split_tree.z)


def test_folder_of_a_pixel_below_100(split_tree):
    assert (split_tree.z / "healpix" / "main" / "dark" / "0" / str(PIXELS[0])).is_dir()


def test_rows(split_tree):
    """Every catalog row is in its pixel's file, in catalog order, in or out of the redshift range."""
    catalog = table(split_tree.qso)
    for pixel in PIXELS:
        data = table(split_tree.zafter(pixel))
        rows = [k for k, name in enumerate(ROWS) if PIXEL[name] == pixel]
        for name in ("TARGETID", "TARGET_RA", "TARGET_DEC", "Z", "ZERR", "ZWARN"):
            np.testing.assert_array_equal(data[name], catalog[name][rows].astype(data[name].dtype))
        assert set(data["SPECTYPE"]) == {"QSO"}


def test_units_and_provenance(split_tree):
    h = header(split_tree.zafter(PIXELS[0]))
    assert [h[f"TUNIT{i}"] for i in (2, 3)] == ["deg", "deg"]
    assert "fastbal" in [h[key] for key in h if key.startswith("DEPNAM")]


@pytest.mark.parametrize("mock, nside", [(False, 64), (True, 16)])
def test_pixels_over_the_whole_sky(tmp_path, mock, nside):
    generator = random.Random(4)
    sky = [(generator.uniform(0, 360), math.degrees(math.asin(generator.uniform(-1, 1)))) for _ in range(600)]
    sky += [(0.001, 0.001), (359.999, -0.001), (45.0, 89.999), (200.0, -89.999), (180.0, 41.8), (90.001, -41.81)]
    rows = [Target(k + 1, ra, dec, 2.0) for k, (ra, dec) in enumerate(sky)]
    write_catalog(tmp_path / "qso.fits", rows, mock=mock)
    run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path, *["--mock"] * mock)
    found = {}
    for path in tmp_path.rglob("zafter-*.fits"):
        pixel = int(path.stem.rsplit("-", 1)[1])
        assert path.parent.name == str(pixel) and path.parent.parent.name == str(pixel // 100)
        for targetid in table(path)["TARGETID"]:
            found[int(targetid)] = pixel
    assert found == {t.targetid: healpix.pixel(nside, t.ra, t.dec) for t in rows}


def test_mock_paths(tmp_path):
    write_catalog(tmp_path / "qso.fits", mock=True)
    run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", "--mock")
    pixel = healpix.pixel(16, ROWS["bal"].ra, ROWS["bal"].dec)
    path = tmp_path / "work" / "spectra-16" / str(pixel // 100) / str(pixel) / f"zafter-16-{pixel}.fits"
    assert forms(path) == COLUMNS
    assert ROWS["bal"].targetid in table(path)["TARGETID"]
    assert (tmp_path / "work" / "logfile-mock.txt").exists()


def test_mock_takes_a_word(tmp_path):
    """Scripts written for the reference say --mock True."""
    write_catalog(tmp_path / "qso.fits", mock=True)
    for k, how in enumerate((["--mock"], ["--mock", "True"])):
        run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / str(k), *how)
    assert fits_files(tmp_path / "0") == fits_files(tmp_path / "1") != {}


@pytest.mark.parametrize("option", ["-z", "--zfileroot"])
def test_zfileroot(tree, option):
    tree.split(option, "redo")
    assert all(tree.zafter(p, "redo").exists() and not tree.zafter(p).exists() for p in PIXELS)


@pytest.mark.parametrize("survey, program", [("-s", "-m"), ("--survey", "--moon"), ("--survey", "--program")])
def test_survey_and_program(tree, survey, program):
    tree.split(survey, "sv3", program, "bright")
    assert all(tree.zafter(p, survey="sv3", program="bright").exists() for p in PIXELS)
    assert len(fits_files(tree.z)) == len(PIXELS)
    assert (tree.z / "logfile-sv3-bright.txt").exists()


def age(path):
    """Give a file other contents, to see whether it is replaced."""
    path.write_bytes(b"old")


def test_existing_files_are_kept(split_tree):
    """Where they are what would be written; test_resume.py has all that is not."""
    before = stamp(split_tree.zafter(PIXELS[1]))
    split_tree.zafter(PIXELS[2]).unlink()
    result = split_tree.split()
    assert "1 pixel written, 2 kept" in result.stdout and result.stderr == ""
    assert stamp(split_tree.zafter(PIXELS[1])) == before
    assert len(table(split_tree.zafter(PIXELS[2]))) > 0  # what was missing is there now


@pytest.mark.parametrize("option", ["-c", "--clobber", "--overwrite"])
def test_clobber(split_tree, option):
    before = fits_files(split_tree.z)
    age(split_tree.zafter(PIXELS[1]))
    split_tree.split(option)
    assert fits_files(split_tree.z) == before


def test_log(tree):
    tree.split()
    tree.split("-c")
    lines = (tree.z / "logfile-main-dark.txt").read_text().splitlines()
    for pixel in PIXELS:  # appended: one line for each of the two runs
        count = sum(p == pixel for p in PIXEL.values())
        name = f"zafter-main-dark-{pixel}.fits: {count}"
        assert sum(line.rsplit("/", 1)[-1] == name for line in lines) == 2
    updates = [line for line in lines if line.startswith("Last updated ")]
    assert len(updates) == 2 and all(re.fullmatch(r"Last updated 2023-11-14 22:13:20 UT by \w+", u) for u in updates)
    assert any(str(tree.qso) in line and line.endswith("-c") for line in lines)


@pytest.mark.parametrize("option", ["-l", "--logfile"])
def test_logfile(tree, option):
    tree.split(option, "mylog.txt")
    assert "Last updated" in (tree.z / "mylog.txt").read_text()
    assert not (tree.z / "logfile-main-dark.txt").exists()


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_verbose(tree, tmp_path, option):
    quiet = tree.split()
    loud = run("split", "-q", tree.qso, "-a", tmp_path / "loud", option)
    assert len(loud.stdout + loud.stderr) > len(quiet.stdout + quiet.stderr)
    assert str(len(PIXELS)) in loud.stdout + loud.stderr


def test_threads_and_chunks_change_nothing(tree, tmp_path):
    tree.split()
    for k, how in enumerate((["--nproc", 1], ["--nproc=4", "--chunk-size=1"], ["--chunk-size", 2])):
        run("split", "-q", tree.qso, "-a", tmp_path / str(k), *how, env=tree.env)
        assert fits_files(tmp_path / str(k)) == fits_files(tree.z) != {}


def test_date_comes_from_the_clock(tree):
    """Without SOURCE_DATE_EPOCH."""
    tree.split(env=environment(SOURCE_DATE_EPOCH=None))
    text = (tree.z / "logfile-main-dark.txt").read_text()
    assert time.strftime("Last updated %Y-", time.gmtime()) in text


@pytest.mark.parametrize("z, zerr, zwarn", [("E", "E", "I"), ("D", "D", "K"), ("E", "D", "D"), ("D", "E", "B")])
def test_column_widths(tmp_path, z, zerr, zwarn):
    """Whole numbers and floats of any width are read."""
    columns = [("TARGETID", "K", [2**53 + 1, 2**62]), ("Z", z, [2.5, 3]), ("ZERR", zerr, [0.5, 0.25]),
               ("ZWARN", zwarn, [4, 0]), ("TARGET_RA", z, [10, 20]), ("TARGET_DEC", z, [1, 2])]
    fits.BinTableHDU.from_columns([fits.Column(n, f, array=np.array(a)) for n, f, a in columns]).writeto(
        tmp_path / "qso.fits")
    run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path)
    rows = sorted((tuple(r)[:6] for p in tmp_path.rglob("zafter*.fits") for r in table(p)))
    assert rows == [(2**53 + 1, 10, 1, 2.5, 0.5, 4), (2**62, 20, 2, 3, 0.25, 0)]


# ---- what can't be used ----

def refused(catalog, work, *words):
    complains(run("split", "-q", catalog, "-a", work, status=UNUSABLE), "split", catalog, *words)
    assert not fits_files(work) if work.exists() else True


def test_missing_catalog(tmp_path):
    refused(tmp_path / "none.fits", tmp_path / "work")


@pytest.mark.parametrize("contents", [b"", b"no FITS file\n" * 300, b"SIMPLE  =                    T" + b" " * 100])
def test_no_fits_file(tmp_path, contents):
    (tmp_path / "qso.fits").write_bytes(contents)
    refused(tmp_path / "qso.fits", tmp_path / "work")


def test_truncated_catalog(tree, tmp_path):
    data = tree.qso.read_bytes()
    for size in (len(data) // 2, 2880 + 100, len(data) - 2880):
        tree.qso.write_bytes(data[:size])
        refused(tree.qso, tmp_path / "work")


def test_catalog_without_rows(tmp_path):
    write_catalog(tmp_path / "qso.fits", rows=[])
    refused(tmp_path / "qso.fits", tmp_path / "work")


def test_catalog_without_a_table(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "qso.fits")
    refused(tmp_path / "qso.fits", tmp_path / "work")


@pytest.mark.parametrize("column", ["TARGETID", "Z", "TARGET_RA", "TARGET_DEC"])
def test_missing_column(tree, tmp_path, column):
    with fits.open(tree.qso) as hdus:
        columns = [c for c in hdus[1].columns if c.name != column]
        fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "qso.fits")
    refused(tmp_path / "qso.fits", tmp_path / "work", column)


@pytest.mark.parametrize("ra, dec", [(float("nan"), 1.0), (10.0, 95.0), (10.0, float("inf"))])
def test_impossible_position(tmp_path, ra, dec):
    """One line that names the row or the column, not a crash and not a pixel of nowhere."""
    write_catalog(tmp_path / "qso.fits", rows=[Target(1, 10.0, 1.0, 2.0), Target(2, ra, dec, 2.0)])
    result = run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", status=None)
    assert result.returncode in (1, 2)
    assert str(tmp_path / "qso.fits") in result.stderr


def test_output_folder_cannot_be_made(tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("split", "-q", tree.qso, "-a", tmp_path / "file" / "work", status=None)
    assert result.returncode in (1, 2)
    assert result.stderr.startswith("fastbal split: ") and str(tmp_path / "file") in result.stderr
    assert files(tmp_path / "file") == {}
