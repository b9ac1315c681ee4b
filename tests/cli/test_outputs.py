"""Outputs are safe: what is under a temporary or a final name is never written by surprise, links are written through,
names are checked before anything is measured, and a catalog is written once.

SPDX-License-Identifier: BSD-3-Clause
"""
import errno
import os
import shlex
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

import faults
from support import (BIN, DONE, PARTLY, PIXEL, PIXELS, ROWS, SANITIZERS, UNUSABLE, Tree, appended_columns,
                     check_sums, complains, files, portable, run, last_columns, table, write_catalog)
from test_resume import host
from test_truth import bal, write_truth

ONE = PIXEL["bal"]
BUILTIN = ["--templates", "builtin"]
BAL_COLUMNS = len(appended_columns(5) + last_columns())
MOST_COLUMNS = 999


class Case:
    """Commands on one tree where all three steps are done, which no test changes but for the output asked for."""

    def __init__(self, tree):
        self.tree = tree
        self.truth = tree.root / "truth.fits", tree.root / "mock.fits"
        write_truth(self.truth[0], [bal(0) | {"TARGETID": ROWS["bal"].targetid}], id_form="K")
        write_catalog(self.truth[1], mock=True)

    def command(self, name, out):
        tree = self.tree
        pixel = ["--coadd", tree.coadd(ONE), "--zcat", tree.zafter(ONE)]
        return [str(a) for a in {
            "append": ["append", "-q", tree.qso, "-b", tree.z, "-o", out],
            "run": ["run", "-q", tree.qso, "-r", "sim", *BUILTIN, "-hp", ONE, "-o", out],
            "find": ["find", *BUILTIN, *pixel, "-o", out],
            "truth": ["truth", "-q", self.truth[1], "-b", self.truth[0], "-o", out],
            "templates": ["templates", *BUILTIN, "--export", out],
        }[name]]

    def run(self, name, out, *options, **how):
        return run(*self.command(name, out), *options, **({"env": self.tree.env} | how))


NAMED = ["append", "run", "find", "truth", "templates"]


@pytest.fixture(scope="module")
def case(tmp_path_factory, finished_tree):
    root = tmp_path_factory.mktemp("outputs") / "tree"
    shutil.copytree(finished_tree.root, root)
    return Case(Tree(root))


def only(folder, *names):
    """No temporary files, and nothing else that is not expected."""
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


# ---- existing files under the temporary name ----

def planted(tree, command, output, plant, **how):
    """Run a command that finds something under the name of its temporary file. The shell's process id is the program's."""
    base = str(output).removesuffix(".fits")
    name = f"{shlex.quote(base)}_tmp$$-{host()}{'.fits' if output.name.endswith('.fits') else ''}"
    script = f"{plant.replace('NAME', name)} && exec {shlex.join([str(BIN / 'fastbal'), *command])}"
    return subprocess.run(["sh", "-c", script], env=tree.env, capture_output=True, text=True, timeout=300, **how)


PLANTS = {"a symbolic link": "ln -s {mine} NAME", "a symbolic link ": "ln -s {mine}-nowhere NAME",
          "a file": "cp {mine} NAME", "a folder": "mkdir NAME", "a device or a pipe": "mkfifo NAME"}


@pytest.mark.parametrize("what", PLANTS)
@pytest.mark.parametrize("name", NAMED)
def test_something_under_the_temporary_name(case, tmp_path, name, what):
    mine, out = tmp_path / "mine", tmp_path / "new" / "out.fits"
    mine.write_text("do not touch")
    out.parent.mkdir()
    result = planted(case.tree, case.command(name, out), out, PLANTS[what].format(mine=mine))
    assert result.returncode == UNUSABLE
    complains(result, name, f"{out}: can't create its temporary file {out.parent}/out_tmp", f"there is {what.strip()} of "
              "that name; remove it")
    assert mine.read_text() == "do not touch" and not (tmp_path / "mine-nowhere").exists()
    assert len(list(out.parent.iterdir())) == 1  # what was there


def test_something_under_the_temporary_name_in_trees(done_tree, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("do not touch")
    tree, plant = done_tree, f"ln -s {mine} NAME"
    find = ["find", "-r", "sim", "-a", str(tree.z), *BUILTIN, "-c"]
    mask = ["mask", "-r", "sim", "-q", str(tree.out), "-w", str(tmp_path / "work"), "-hp", str(ONE)]
    masked = tmp_path / "work" / tree.coadd(ONE).relative_to(tree.redux / "sim")
    masked.parent.mkdir(parents=True)
    simulate = ["simulate", str(tmp_path / "sim"), "--layout", "uniqpix", "--pixels", "1", "--quasars", "1", "--others", "0",
                "--no-resolution", "--overwrite"]
    run(*simulate)
    maps = sorted((tmp_path / "sim").rglob("*pix-main-dark.*"))
    assert [p.suffix for p in maps] == [".fits", ".json", ".fits"]
    for command, output in ((["split", "-q", str(tree.qso), "-a", str(tree.z), "-c"], tree.zafter(ONE)),
                            (find, tree.baltable(ONE)), (mask, masked), (simulate, tmp_path / "sim" / "qso.fits"),
                            *((simulate, path) for path in maps)):
        result = planted(tree, command, output, plant)
        assert result.returncode in (PARTLY, UNUSABLE), result
        assert f"{output}: can't create its temporary file" in result.stderr, result.stderr
        assert "a symbolic link of that name" in result.stderr
        assert mine.read_text() == "do not touch"


def test_a_file_of_a_dead_run_is_no_obstacle(case, tmp_path):
    """A temporary file of an earlier process with the same id."""
    (tmp_path / "half").write_bytes(b"SIMPLE  =                    T")
    out = tmp_path / "new" / "out.fits"
    out.parent.mkdir()
    result = planted(case.tree, case.command("append", out), out, f"cp {tmp_path}/half NAME")
    assert result.returncode == DONE, result.stderr
    only(out.parent, "out.fits")


# ---- files created under the final name meanwhile ----

def with_faults(case, command, root, **env):
    if SANITIZERS or not faults.LIBRARY.exists():
        pytest.skip("needs tests/faults, which is built on Linux with the GNU C library, without sanitizers")
    env = case.tree.env | {"LD_PRELOAD": str(faults.LIBRARY), "FAULTS_ROOT": f"{root}/"} | env
    return subprocess.run([str(BIN / "fastbal"), *command], env=env, capture_output=True, text=True, timeout=300)


# as it is; where the file system can't rename without replacing; where it has no hard links either
FILE_SYSTEMS = [f"rename 1 {getattr(errno, reason)} {n}" for reason, n in
                (("EINVAL", 0), ("EINVAL", 1), ("ENOSYS", 1), ("EINVAL", 2), ("EPERM", 2), ("EOPNOTSUPP", 2))]


@pytest.mark.parametrize("name, file_system", [*(("append", f) for f in FILE_SYSTEMS),
                                               *((name, FILE_SYSTEMS[0]) for name in NAMED[1:])])
def test_a_file_that_appears_is_kept(case, tmp_path, name, file_system):
    out = tmp_path / "new" / "out.fits"
    out.parent.mkdir()
    command = case.command(name, out)
    result = with_faults(case, command, tmp_path, FAULTS=file_system, FAULTS_APPEAR=str(out))
    assert result.returncode == UNUSABLE and out.read_text() == "theirs"
    complains(result, name, f"{out}: exists already: it was made while this ran, and is kept (--clobber replaces it)")
    only(out.parent, "out.fits")
    out.unlink()
    result = with_faults(case, [*command, "-c"], tmp_path, FAULTS_APPEAR=str(out))
    assert result.returncode == DONE and result.stderr == ""
    check_sums(out)
    only(out.parent, "out.fits")
    out.unlink()
    result = with_faults(case, command, tmp_path, FAULTS=file_system)
    assert result.returncode == DONE and result.stderr == ""
    check_sums(out)
    only(out.parent, "out.fits")


def test_a_table_of_a_tree_that_appears_is_replaced(done_tree, tmp_path):
    path = done_tree.baltable(ONE)
    expected = portable(path)
    path.unlink()
    command = ["find", "-r", "sim", "-a", str(done_tree.z), *BUILTIN, "-hp", str(ONE)]
    result = with_faults(Case(done_tree), command, tmp_path, FAULTS_APPEAR=str(path))
    assert result.returncode == DONE and portable(path) == expected


def test_a_masked_coadd_that_appears_is_kept(done_tree, tmp_path):
    """It is not what a run like this would have written, so the pixel fails."""
    path = tmp_path / "work" / done_tree.coadd(ONE).relative_to(done_tree.redux / "sim")
    command = ["mask", "-r", "sim", "-q", str(done_tree.out), "-w", str(tmp_path / "work"), "-hp", str(ONE)]
    result = with_faults(Case(done_tree), command, tmp_path, FAULTS_APPEAR=str(path))
    assert result.returncode == UNUSABLE and path.read_text() == "theirs"
    assert f"{path}: exists already: it was made while this ran" in result.stderr
    only(path.parent, path.name)


# ---- links ----

@pytest.mark.parametrize("name", NAMED)
def test_links_are_written_through(case, tmp_path, name):
    folders = here, there = tmp_path / "here", tmp_path / "there"
    for folder in folders:
        folder.mkdir()
    out, target = here / "out.fits", there / "target.fits"
    out.symlink_to("again.fits")  # a chain, relative and absolute
    (here / "again.fits").symlink_to(f"../there/./{target.name}")
    assert not out.exists()
    case.run(name, out)  # it leads nowhere yet
    check_sums(target)
    expected = target.read_bytes()
    target.write_text("older")
    if name == "find":
        complains(case.run(name, out, status=UNUSABLE), name, out, "not a FITS file", "--clobber replaces it")
    else:
        complains(case.run(name, out, status=UNUSABLE), name, f"{out}: exists already (--clobber replaces it)")
    assert target.read_text() == "older"
    case.run(name, out, "-c")
    assert target.read_bytes() == expected and out.is_symlink() and (here / "again.fits").is_symlink()
    only(here, "again.fits", "out.fits")
    only(there, "target.fits")


@pytest.mark.parametrize("name", NAMED)
def test_links_that_lead_nowhere(case, tmp_path, name):
    out = tmp_path / "out.fits"
    out.symlink_to("missing/out.fits")
    complains(case.run(name, out, status=UNUSABLE), name, f"{out}: there is no folder {tmp_path}/missing; make it first")
    out.unlink()
    out.symlink_to("other.fits")
    (tmp_path / "other.fits").symlink_to("out.fits")
    for options in ([], ["-c"]):
        complains(case.run(name, out, *options, status=UNUSABLE), name, f"{out}: {os.strerror(errno.ELOOP)}")
    only(tmp_path, "out.fits", "other.fits")


def test_links_in_trees(done_tree, tmp_path):
    """Tables are written through links; leftovers lie beside what they lead to."""
    path, target = done_tree.baltable(ONE), tmp_path / "elsewhere" / "table.fits"
    target.parent.mkdir()
    path.rename(target)
    path.symlink_to(target)
    expected, left = portable(target), target.parent / "table_tmp77-elsewhere.fits"
    left.write_bytes(b"")
    os.utime(left, (0, 0))
    done_tree.find("-c")
    assert path.is_symlink() and portable(target) == expected and not left.exists()
    only(target.parent, "table.fits")
    only(path.parent, path.name, done_tree.zafter(ONE).name)


def test_an_input_behind_a_link(case, tmp_path):
    """--clobber does not apply to inputs."""
    for kind, path in (("find", case.tree.coadd(ONE)), ("find", case.tree.zafter(ONE))):
        before, out = path.read_bytes(), tmp_path / path.name
        out.symlink_to(path)
        complains(case.run(kind, out, "-c", status=UNUSABLE), kind, out, "this is the input", path)
        assert path.read_bytes() == before
    case.run("templates", tmp_path / "t.fits")
    (tmp_path / "link.fits").symlink_to("t.fits")
    complains(run("templates", "--templates", tmp_path / "t.fits", "--export", tmp_path / "link.fits", "-c",
                  status=UNUSABLE), "templates", "link.fits: this is the input")


# ---- names ----

@pytest.mark.parametrize("name", NAMED)
def test_names_of_other_formats(case, tmp_path, name):
    for suffix in ("csv", "parquet", "ecsv", "h5", "hdf5", "txt", "json", "CSV"):
        out = tmp_path / f"out.{suffix}"
        complains(case.run(name, out, status=UNUSABLE), name,
                  f"{out}: the output is a FITS file, expected a name like NAME.fits, not one in .{suffix.lower()}")
    for suffix in ("gz", "bz2", "fz", "xz", "zst", "zip", "Z"):
        out = tmp_path / f"out.fits.{suffix}"
        complains(case.run(name, out, status=UNUSABLE), name,
                  f"{out}: outputs are not packed, expected a name that does not end in .{suffix}")
    complains(case.run(name, "-", status=UNUSABLE, cwd=tmp_path), name, "-: the output is a FITS file, ", "NAME.fits")
    only(tmp_path)


def test_names_of_no_format(case, tmp_path):
    names = ["out", "out.fit", "out.csv.new", "csv", "v1.2-main", ".fits", "-.fits"]
    for name in names:
        case.run("templates", tmp_path / name)
        check_sums(tmp_path / name)
    only(tmp_path, *names)


@pytest.mark.parametrize("name", NAMED)
def test_folders_are_not_made(case, tmp_path, name):
    out = tmp_path / "typo" / "out.fits"
    complains(case.run(name, out, status=UNUSABLE), name, f"{out}: there is no folder {tmp_path}/typo; make it first")
    complains(case.run(name, "typo/out.fits", status=UNUSABLE, cwd=tmp_path), name,
              "typo/out.fits: there is no folder typo; make it first")
    only(tmp_path)


def test_folders_of_trees_are_made(tree):
    """Also by a run whose catalog is elsewhere."""
    run("run", "-q", tree.qso, "-r", "sim", *BUILTIN, "-hp", ONE, "-o", tree.out, "-b", tree.root / "a" / "b", "-l", "c/log.txt",
        env=tree.env)
    assert (tree.root / "a" / "b" / "c" / "log.txt").exists()


@pytest.mark.parametrize("length", [150, 255])
@pytest.mark.parametrize("suffix", [".fits", ""])
@pytest.mark.parametrize("name", NAMED)
def test_long_names(case, tmp_path, name, suffix, length):
    """In UTF-8, where cutting may fall into a character."""
    base = ("ä" * length)[:(length - len(suffix)) // 2]
    out = tmp_path / (base + "x" * (length - len(suffix) - len(base.encode())) + suffix)
    assert len(out.name.encode()) == length
    case.run(name, out)
    check_sums(out)
    only(tmp_path, out.name)


def test_long_names_in_trees(tree):
    """Also where they differ at their ends only."""
    pixel = max(PIXELS)
    root = "r" * (255 - len(f"-main-dark-{pixel}.fits"))
    tree.split("-z", root, "-hp", pixel)
    path = tree.zafter(pixel, root)
    assert len(path.name) == 255
    check_sums(path)
    only(path.parent, path.name)


def fnv(name):
    """FNV-1a of 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


@pytest.mark.parametrize("suffix", [".fits", ""])
def test_shortened_leftovers_are_found(case, tmp_path, suffix):
    base = "y" * (255 - len(suffix))
    beginning = 255 - len("_tmp") - 10 - 80 - len(".fits") - 9
    gone = tmp_path / f"{'y' * beginning}~{fnv(base):08x}_tmp77-elsewhere{suffix}"
    stay = tmp_path / f"{'y' * beginning}~{fnv(base + 'y'):08x}_tmp77-elsewhere{suffix}"  # of another output
    for path in (gone, stay):
        path.write_bytes(b"SIMPLE  = ")
        os.utime(path, (0, 0))
    case.run("templates", tmp_path / (base + suffix))
    only(tmp_path, base + suffix, stay.name)


# ---- catalogs ----

def wide_catalog(path, columns, mock=False):
    """The catalog of the survey with so many columns."""
    write_catalog(path, mock=mock)
    with fits.open(path) as hdus:
        data = hdus[1].data
        more = [fits.Column(f"C{k}", "B", array=np.full(len(data), k % 256)) for k in range(columns - len(data.columns))]
        fits.BinTableHDU.from_columns([*data.columns, *more], name="QSO_CAT").writeto(path, overwrite=True)


@pytest.mark.parametrize("name", ["append", "run", "truth"])
def test_more_columns_than_fits_allows(case, tmp_path, name):
    qso, out, tables = tmp_path / "wide.fits", tmp_path / "out.fits", tmp_path / "tables"
    command = case.command(name, out)
    command[command.index("-q") + 1] = str(qso)
    more = ["-b", str(tables)] if name == "run" else []
    most = MOST_COLUMNS - BAL_COLUMNS
    wide_catalog(qso, most + 1, mock=name == "truth")
    complains(run(*command, *more, env=case.tree.env, status=UNUSABLE), name,
              f"{qso}: has {most + 1} columns; with the {BAL_COLUMNS} BAL columns that is more than the 999 that FITS allows")
    assert files(tables) == {}  # nothing was measured
    assert not out.exists()
    wide_catalog(qso, most, mock=name == "truth")
    run(*command, env=case.tree.env)
    with fits.open(out, memmap=False) as hdus:
        names = hdus[1].columns.names
        assert len(names) == MOST_COLUMNS and (hdus[1].data[f"C{most - 12}"] == (most - 12) % 256).all()
    # a catalog that has the BAL columns gets no more of them
    command[command.index("-q") + 1], command[-1] = str(out), str(tmp_path / "again.fits")
    if name == "append":
        run(*command, env=case.tree.env)
        with fits.open(tmp_path / "again.fits", memmap=False) as hdus:
            assert hdus[1].columns.names == names


@pytest.mark.parametrize("name", ["append", "run", "truth"])
def test_catalogs_are_written_once(case, tmp_path, name):
    """Bytes that go to files, measured, and the size of the catalog, the only output."""
    n, out, report = 20000, tmp_path / "out.fits", tmp_path / "report"
    rows = [*ROWS.values(), *(ROWS["too near"]._replace(targetid=k) for k in range(n))]
    write_catalog(tmp_path / "qso.fits", rows, mock=name == "truth")
    command = case.command(name, out)
    command[command.index("-q") + 1] = str(tmp_path / "qso.fits")
    result = with_faults(case, command, tmp_path, FAULTS="write 0 0 0", FAULTS_REPORT=str(report))
    assert result.returncode == DONE, result.stderr
    counts = dict(word.split("=") for word in report.read_text().split("\t")[0].split())
    assert len(table(out)) == len(rows) and out.stat().st_size > 500 * n
    assert out.stat().st_size <= int(counts["bytes"]) <= 1.02 * out.stat().st_size
