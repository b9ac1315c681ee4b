"""fastbal run: one pass gives the bytes of the three steps, goes on from BAL tables, and leaves nothing else behind.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits

from support import (BALMASK, DONE, IN_TABLE, PARTLY, PIXEL, PIXELS, ROWS, UNUSABLE, Target, check_sums, complains,
                     desi_waves, environment, files, fits_files, header, nothing_left_behind, run, table, unaligned_waves,
                     write_catalog, write_spectra)

ACCOUNT = (r"(\d+) quasars, (\d+) files, ([\d.]+) MB read; ([\d.]+) s wall, ([\d.]+) s CPU, (\d+) MB peak.*; "
           r"all threads: ([\d.]+) s reading, ([\d.]+) s computing, ([\d.]+) s writing")


def one_pass(tree, out, *options, **how):
    return run("run", "-q", tree.qso, "--specprod", "sim", "-s", "main", "-m", "dark", "-o", out, "--templates", "builtin",
               *options, **({"env": tree.env} | how))


def three_steps(tree, **status):
    tree.split()
    tree.find(**status)
    tree.append(**status)
    return tree.out.read_bytes()


def baltables(folder):
    return {name: data for name, data in fits_files(folder).items() if "baltable-" in name}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "qso-run.fits"


# ---- the same bytes ----

@pytest.mark.parametrize("how", [[], ["--nproc", 1], ["--nproc=5"], ["--chunk-size", 1, "-v"]])
def test_the_bytes_of_the_three_steps(tree, out, how):
    one_pass(tree, out, *how)
    assert not tree.z.exists()
    assert out.read_bytes() == three_steps(tree)
    assert table(out)["BALMASK"].tolist() == list(BALMASK.values())
    check_sums(out)


def test_nothing_else_is_written(tree, out):
    before = files(tree.root)
    one_pass(tree, out)
    after = files(tree.root)
    assert {p.name for p in out.parent.iterdir()} == {"survey", out.name}
    assert after == before


@pytest.mark.parametrize("option", ["-b", "-a", "--baldir", "--altzdir"])
def test_bal_tables_as_well(tree, out, option):
    one_pass(tree, out, option, tree.root / "bal")
    assert out.read_bytes() == three_steps(tree)
    assert baltables(tree.root / "bal") == baltables(tree.z)
    assert len(baltables(tree.z)) == len(PIXELS)
    nothing_left_behind(tree.root / "bal")


def test_rules(tree, out):
    one_pass(tree, out, "--rules", "optimize")
    tree.split()
    tree.find("--rules", "optimize")
    tree.append()
    assert tree.out.read_bytes() == out.read_bytes()
    one_pass(tree, out.with_name("main.fits"))
    found, others = table(out), table(out.with_name("main.fits"))
    troughs = others["NCIV_450"] > 0
    assert troughs.any() and (found["AI_CIV"][troughs] != others["AI_CIV"][troughs]).all()
    complains(one_pass(tree, out, "--rules", "0", status=UNUSABLE), "run", "--rules", "main, optimize or fastbal", "'0'")


def test_continuum(tree, out):
    one_pass(tree, out, "--continuum", "trough-aware")
    assert header(out)["BALCONT"] == "trough-aware"
    tree.split()
    tree.find("--continuum", "trough-aware")
    tree.append()
    assert tree.out.read_bytes() == out.read_bytes()
    one_pass(tree, out.with_name("squares.fits"), "--continuum", "least-squares")
    found, others = table(out), table(out.with_name("squares.fits"))
    measured = found["BALMASK"] == 0
    assert measured.any() and (found["PCA_COEFFS"][measured] != others["PCA_COEFFS"][measured]).any(axis=1).all()
    complains(one_pass(tree, out, "--continuum", "0", status=UNUSABLE), "run", "--continuum", "least-squares", "'0'")


def test_append_takes_its_tables(tree, out):
    one_pass(tree, out, "--baldir", tree.z)
    tree.append()
    assert tree.out.read_bytes() == out.read_bytes()


def test_repeated_targets(tree, out):
    """Rows with the same TARGETID and redshift, with nearly the same, and with others: matched as append does."""
    rows = list(ROWS.values())
    bal = ROWS["bal"]
    rows += [bal, bal._replace(z=bal.z + 4e-4), bal._replace(z=2.3), bal._replace(z=1.2), bal]
    write_catalog(tree.qso, rows)
    one_pass(tree, out)
    assert out.read_bytes() == three_steps(tree)
    assert table(out)["BALMASK"][len(ROWS):].tolist() == [0, 0, 0, 3, 0]


@pytest.mark.parametrize("waves", [desi_waves, unaligned_waves])
def test_mock(tmp_path, out, waves):
    quasars = [Target(100 + k, 100.0 + 0.03 * k, 10.0 + 0.02 * k, 1.8 + 0.45 * k, k % 2 == 0) for k in range(6)]
    write_catalog(tmp_path / "qso.fits", quasars, mock=True)
    run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", "--mock")
    zafter, = (tmp_path / "work").rglob("zafter-*.fits")
    pixel = zafter.parent.name
    write_spectra(tmp_path / "mock" / "spectra-16" / str(int(pixel) // 100) / pixel / f"spectra-16-{pixel}.fits",
                  quasars[::-1], waves())
    where = ["--mock", "--mockdir", tmp_path / "mock", "--templates", "builtin"]
    run("find", *where, "-a", tmp_path / "work")
    run("append", "--mock", "-q", tmp_path / "qso.fits", "-b", tmp_path / "work", "-o", tmp_path / "three.fits")
    run("run", *where, "-q", tmp_path / "qso.fits", "-o", out)
    assert out.read_bytes() == (tmp_path / "three.fits").read_bytes()


def test_templates_and_release(tree, out, tmp_path):
    run("templates", "--export", tmp_path / "PCA_Eigenvectors.fits")
    shutil.move(tree.redux / "sim", tree.redux / "other")
    env = environment(DESI_SPECTRO_REDUX=tree.redux, FASTBAL_TEMPLATES=tmp_path)
    result = run("run", "-q", tree.qso, "--specprod", "other", "-s", "main", "-m", "dark", "-o", out, env=env)
    assert result.stderr == ""
    assert table(out)["BALMASK"].tolist() == list(BALMASK.values())


# ---- pixels that fail ----

def test_missing_spectra(tree, out):
    """The pixel is listed, its rows are not in a BAL table, the others are done: as the three steps leave them."""
    bad = PIXELS[1]
    tree.coadd(bad).unlink()
    result = one_pass(tree, out, status=PARTLY)
    assert str(tree.coadd(bad)) in complains(result, "run")
    tree.split()
    tree.find(status=PARTLY)
    tree.append(status=PARTLY)
    assert out.read_bytes() == tree.out.read_bytes()
    masks = dict(zip(ROWS, table(out)["BALMASK"].tolist()))
    assert all(masks[name] == (BALMASK[name] if PIXEL[name] != bad else BALMASK[name] & 2 | 1) for name in ROWS)


def test_damaged_spectra(tree, out):
    path = tree.coadd(PIXELS[0])
    path.write_bytes(path.read_bytes()[:20000])
    result = one_pass(tree, out, "-b", tree.root / "bal", status=PARTLY)
    assert str(path) in complains(result, "run")
    assert set(baltables(tree.root / "bal")) == {n for n in baltables(tree.root / "bal") if f"-{PIXELS[0]}." not in n}
    assert f"{PIXELS[0]} : {path}" in (tree.root / "bal" / "logfile-main-dark.txt").read_text()


def test_rows_without_a_position(tree, out):
    rows = list(ROWS.values())
    write_catalog(tree.qso, rows + [rows[0]._replace(targetid=5, ra=np.nan)])
    result = one_pass(tree, out, status=PARTLY)
    complains(result, "run", tree.qso, "1 row ")
    assert table(out)["BALMASK"].tolist() == [*BALMASK.values(), 1]


# ---- resuming ----

@pytest.fixture
def begun(tree, out):
    """A finished run with BAL tables, the catalog lost and one table missing."""
    one_pass(tree, out, "--baldir", tree.z)
    tree.expected = out.read_bytes()
    out.unlink()
    tree.baltable(PIXELS[2]).unlink()
    return tree


def test_goes_on_from_its_tables(begun, out):
    for pixel in PIXELS[:2]:  # what is in a table is not measured again
        begun.coadd(pixel).unlink()
    times = {p: os.stat(begun.baltable(p)).st_mtime_ns for p in PIXELS[:2]}
    result = one_pass(begun, out, "--baldir", begun.z)
    assert "1 pixel done, 2 kept, 0 failed" in result.stdout
    assert result.stderr == ""
    assert out.read_bytes() == begun.expected
    assert times == {p: os.stat(begun.baltable(p)).st_mtime_ns for p in PIXELS[:2]}


def test_clobber_measures_again(begun, out):
    result = one_pass(begun, out, "--baldir", begun.z, "--clobber")
    assert "3 pixels done, 0 kept, 0 failed" in result.stdout
    assert out.read_bytes() == begun.expected


@pytest.mark.parametrize("change", ["redshift", "target", "fewer", "more", "templates", "fit", "rules", "truncated", "text"])
def test_tables_of_something_else_are_redone(begun, out, change):
    """A table that was not made of the catalog's rows is replaced, and a line says why."""
    path = begun.baltable(PIXELS[1])
    if change == "truncated":
        path.write_bytes(path.read_bytes()[:-2880])
    elif change == "text":
        path.write_text("no FITS file\n" * 500)
    else:
        with fits.open(path, mode="update") as hdus:
            data = hdus[1].data
            if change == "redshift":
                data["Z"][0] += 1e-4
            elif change == "target":
                data["TARGETID"][-1] += 1
            elif change == "templates":
                hdus[1].header["QSOTEMPS"] = "others.fits"
            elif change == "fit":
                hdus[1].header["BALFIT"] = "simplex"
            elif change == "rules":
                hdus[1].header["BALRULES"] = "optimize"
            else:
                n = len(data)
                hdus[1].data = data[:n - 1] if change == "fewer" else data[np.r_[:n, n - 1]]
    result = one_pass(begun, out, "--baldir", begun.z)
    complains(result, "run", path, "measured again")
    assert "2 pixels done, 1 kept, 0 failed" in result.stdout
    assert out.read_bytes() == begun.expected


def test_a_changed_catalog_redoes_what_changed(begun, out):
    rows = dict(ROWS)
    rows["bal 2"] = rows["bal 2"]._replace(z=2.9)
    write_catalog(begun.qso, list(rows.values()))
    result = one_pass(begun, out, "--baldir", begun.z)
    complains(result, "run", begun.baltable(PIXEL["bal 2"]), "redshifts")
    again = out.with_name("again.fits")
    one_pass(begun, again)
    assert out.read_bytes() == again.read_bytes()


# ---- options, logs, refusals ----

def test_existing_catalog(tree, out):
    out.write_text("mine")
    complains(one_pass(tree, out, status=UNUSABLE), "run", out, "--clobber")
    assert out.read_text() == "mine"
    one_pass(tree, out, "--clobber")
    assert len(table(out)) == len(ROWS)


def test_logs(tree, out):
    one_pass(tree, out, "-l", tree.root / "log.txt")
    lines = (tree.root / "log.txt").read_text().splitlines()
    assert lines[0].startswith("Last updated") and lines[1].startswith("fastbal run -q")
    assert lines[2].startswith(f"run: {len(ROWS)} rows: {list(BALMASK.values()).count(0)} measured with builtin, ")
    one_pass(tree, out, "-c", "--baldir", tree.z, "-l", "mine.txt")
    assert (tree.z / "mine.txt").exists()


def test_the_last_line_is_an_account(tree, out):
    last = one_pass(tree, out).stdout.splitlines()[-1]
    found = re.fullmatch("run: " + ACCOUNT, last)
    assert found, last
    assert [int(x) for x in found.groups()[:2]] == [list(BALMASK.values()).count(0), len(PIXELS)]
    assert float(found[3]) > 0 and float(found[6]) > 0
    tree.split()
    assert re.fullmatch("find: " + ACCOUNT, tree.find().stdout.splitlines()[-1])


@pytest.mark.parametrize("options, words", [
    (["-q", "missing.fits"], ["missing.fits"]),
    (["--specprod", "nowhere"], ["nowhere"]),
    (["--templates", "missing.fits"], ["missing.fits"]),
    (["-t"], ["--alttemp"]),
    (["--nproc", -1], ["--nproc"]),
    (["--mock"], ["--mockdir"]),
])
def test_refusals(tree, out, options, words):
    result = one_pass(tree, out, *options, status=UNUSABLE)
    complains(result, "run", *words)
    assert not out.exists() and not list(out.parent.glob("*tmp*"))


def test_more_threads_than_cores_and_pixels(tree, out):
    one_pass(tree, out, "--nproc", 64, status=DONE)
    assert table(out)["BALMASK"].tolist() == list(BALMASK.values())
