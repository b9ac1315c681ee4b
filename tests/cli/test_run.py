"""fastbal run: the three steps in one pass, with the same answers.

SPDX-License-Identifier: BSD-3-Clause
"""
import shutil

import numpy as np
import pytest

from support import (BALMASK, PARTLY, PIXELS, ROWS, UNUSABLE, Target, complains, environment, forms, nothing_left_behind,
                     portable, run, table, unaligned_waves, write_catalog, write_spectra)


def one_pass(tree, *options, status=0, out=None):
    return run("run", "-q", tree.qso, "-r", "sim", "-o", out or tree.out, "--templates", "builtin", *options,
               env=tree.env, status=status)


def same_catalog(a, b):
    """The same columns and values."""
    assert forms(a) == forms(b)
    x, y = table(a), table(b)
    for name in x.names:
        np.testing.assert_array_equal(x[name], y[name], err_msg=name)


def test_same_answers(tree, finished_tree):
    before = set(tree.root.rglob("*"))
    one_pass(tree)
    same_catalog(tree.out, finished_tree.out)
    assert set(tree.root.rglob("*")) - before == {tree.out}  # nothing in between is written


@pytest.mark.parametrize("option", ["-b", "-a", "--baldir", "--altzdir"])
def test_tables_on_request(tree, finished_tree, option):
    one_pass(tree, option, tree.z)
    same_catalog(tree.out, finished_tree.out)
    for pixel in PIXELS:
        assert portable(tree.baltable(pixel)) == portable(finished_tree.baltable(pixel))
    nothing_left_behind(tree.z)


def test_goes_on_from_tables(tree, finished_tree):
    """A table that is there is used and kept."""
    one_pass(tree, "-b", tree.z)
    times = {p: tree.baltable(p).stat().st_mtime_ns for p in PIXELS[1:]}
    tree.baltable(PIXELS[0]).unlink()
    one_pass(tree, "-b", tree.z, out=tree.out.with_name("qso-again.fits"))
    same_catalog(tree.out.with_name("qso-again.fits"), finished_tree.out)
    assert times == {p: tree.baltable(p).stat().st_mtime_ns for p in PIXELS[1:]}
    assert tree.baltable(PIXELS[0]).exists()


@pytest.mark.parametrize("how", [["--nproc", 1], ["--nproc=4"], ["--chunk-size", 1], ["-v"]])
def test_options_that_change_no_result(tree, tmp_path, how):
    one_pass(tree)
    one_pass(tree, *how, out=tmp_path / "other.fits")
    assert (tmp_path / "other.fits").read_bytes() == tree.out.read_bytes()


def test_refuses_an_existing_output(tree):
    tree.out.write_bytes(b"old")
    complains(one_pass(tree, status=UNUSABLE), "run", tree.out)
    assert tree.out.read_bytes() == b"old"
    one_pass(tree, "-c")
    assert table(tree.out)["BALMASK"].tolist() == list(BALMASK.values())


@pytest.mark.parametrize("bad", ["missing", "truncated"])
def test_one_bad_coadd(tree, finished_tree, bad):
    """Its rows are marked as not in a table; the others are done."""
    path = tree.coadd(PIXELS[1])
    if bad == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:300000])
    result = one_pass(tree, status=PARTLY)
    assert str(PIXELS[1]) in result.stderr
    data, expected = table(tree.out), table(finished_tree.out)
    hurt = np.isin(data["TARGETID"], table(finished_tree.zafter(PIXELS[1]))["TARGETID"])
    assert hurt.any() and (data["BALMASK"][hurt] & 1).all() and (data["BAL_PROB"][hurt] == -99).all()
    for name in data.names:
        np.testing.assert_array_equal(data[name][~hurt], expected[name][~hurt])
    nothing_left_behind(tree.out.parent)


def test_bad_catalog(tree):
    tree.qso.write_text("no FITS file\n" * 500)
    complains(one_pass(tree, status=UNUSABLE), "run", tree.qso)
    assert not tree.out.exists()


def test_mock(tmp_path):
    quasars = [Target(100 + k, 100.0 + 0.03 * k, 10.0 + 0.02 * k, 1.8 + 0.45 * k, k % 2 == 0) for k in range(6)]
    write_catalog(tmp_path / "qso.fits", quasars, mock=True)
    run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", "--mock")
    zafter, = (tmp_path / "work").rglob("zafter-*.fits")
    pixel = zafter.parent.name
    write_spectra(tmp_path / "mock" / "spectra-16" / str(int(pixel) // 100) / pixel / f"spectra-16-{pixel}.fits",
                  quasars[::-1], unaligned_waves())
    where = ["--mock", "--mockdir", tmp_path / "mock", "--templates", "builtin"]
    run("find", *where, "-a", tmp_path / "work")
    run("append", "--mock", "-q", tmp_path / "qso.fits", "-b", tmp_path / "work", "-o", tmp_path / "three.fits")
    run("run", *where, "-q", tmp_path / "qso.fits", "-o", tmp_path / "one.fits")
    same_catalog(tmp_path / "one.fits", tmp_path / "three.fits")


def test_templates_and_release(tree, finished_tree, tmp_path):
    run("templates", "--export", tmp_path / "PCA_Eigenvectors.fits")
    shutil.move(tree.redux / "sim", tree.redux / "other")
    env = environment(DESI_SPECTRO_REDUX=tree.redux, FASTBAL_TEMPLATES=tmp_path)
    result = run("run", "-q", tree.qso, "--specprod", "other", "-s", "main", "-m", "dark", "-o", tree.out, env=env)
    assert result.stderr == ""
    same_catalog(tree.out, finished_tree.out)
    assert len(table(tree.out)) == len(ROWS)
