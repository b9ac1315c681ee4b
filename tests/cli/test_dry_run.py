"""--dry-run prints what would be done, and changes nothing.

SPDX-License-Identifier: BSD-3-Clause
"""
import re

from support import PARTLY, UNUSABLE, complains, environment, run


def everything(folder):
    return {p: (p.stat().st_mtime_ns, p.is_dir() or p.read_bytes()) for p in sorted(folder.rglob("*"))}


def said(result):
    return [int(n) for n in re.search(r"would measure (\d+) quasars? in (\d+) pixels?, keep (\d+), fail in (\d+)",
                                      result.stdout).groups()]


def test_find(split_tree):
    arguments = ("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin")
    before = everything(split_tree.root)
    quasars, *pixels = said(run(*arguments, "--dry-run", env=split_tree.env))
    assert everything(split_tree.root) == before and pixels == [3, 0, 0]
    text = run(*arguments, env=split_tree.env).stdout
    assert int(re.search(r"(\d+) rows:", text)[1]) - int((re.search(r"(\d+) outside", text) or [0, 0])[1]) == quasars
    before = everything(split_tree.root)
    assert said(run(*arguments, "--dry-run", env=split_tree.env)) == [0, 0, 3, 0]
    assert said(run(*arguments, "--dry-run", "-c", env=split_tree.env)) == [quasars, 3, 0, 0]
    assert everything(split_tree.root) == before


def test_missing_coadd(split_tree):
    missing = sorted(split_tree.redux.rglob("coadd-*.fits"))[0]
    missing.unlink()
    result = run("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "--dry-run", env=split_tree.env,
                 status=PARTLY)
    assert said(result)[1:] == [2, 0, 1] and missing.name in result.stderr


def test_run(tree, tmp_path):
    arguments = ("run", "-q", tree.qso, "-r", "sim", "-o", tmp_path / "out.fits", "--templates", "builtin")
    before = everything(tree.root)
    quasars, *pixels = said(run(*arguments, "--dry-run", "-b", tmp_path / "bal", env=tree.env))
    assert everything(tree.root) == before and pixels == [3, 0, 0] and quasars > 0
    assert not (tmp_path / "out.fits").exists() and not (tmp_path / "bal").exists()


def test_not_with_one_file():
    complains(run("find", "--coadd", "x", "--zcat", "y", "-o", "z", "--dry-run", env=environment(), status=UNUSABLE),
              "find", "--dry-run")
