"""--dry-run prints what would be done, and changes nothing.

SPDX-License-Identifier: BSD-3-Clause
"""
import re

from support import DONE, IN_RANGE, PARTLY, PIXELS, ROWS, UNUSABLE, complains, environment, run

IDS = [row.targetid for row in ROWS.values()]
TARGET = next(ROWS[name].targetid for name in IN_RANGE if IDS.count(ROWS[name].targetid) == 1)


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


def test_targets(split_tree):
    """A target that no redshift catalog has is missed as by the run itself; one that is there is not."""
    arguments = ("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "-c", "--targetids")
    for targets in ((TARGET,), (TARGET, 123456789)):
        dry = run(*arguments, *targets, "--dry-run", env=split_tree.env, status=None)
        assert said(dry)[0] == 1
        real = run(*arguments, *targets, env=split_tree.env, status=None)
        assert dry.returncode == real.returncode == (DONE if len(targets) == 1 else PARTLY)
        assert [line for line in dry.stderr.splitlines() if "--targetids" in line] == \
               [line for line in real.stderr.splitlines() if "--targetids" in line]


def test_rows_that_would_be_missed(tree, tmp_path):
    """The exit status and the lines about rows are those of the run."""
    arguments = ("run", "-q", tree.qso, "-r", "sim", "-o", tmp_path / "out.fits", "--templates", "builtin",
                 "--targetids", TARGET, 123456789)
    dry = run(*arguments, "--dry-run", env=tree.env, status=PARTLY)
    real = run(*arguments, env=tree.env, status=PARTLY)
    assert "nothing in it of 1 of" in dry.stderr and dry.stderr == real.stderr


def test_no_coadd_at_all(split_tree):
    """Nothing would be measured: the exit status says so."""
    for path in split_tree.redux.rglob("coadd-*.fits"):
        path.unlink()
    result = run("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "--dry-run", "-hp", *PIXELS,
                 env=split_tree.env, status=UNUSABLE)
    assert said(result)[1:] == [0, 0, 3]


def test_not_with_one_file():
    complains(run("find", "--coadd", "x", "--zcat", "y", "-o", "z", "--dry-run", env=environment(), status=UNUSABLE),
              "find", "--dry-run")
