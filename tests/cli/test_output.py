"""Standard output that is a closed pipe, full, or closed; files that exceed the size limit.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import resource
import shutil
import subprocess

import pytest
from astropy.io import fits

from support import BIN, DONE, PARTLY, ROWS, SANITIZERS, UNUSABLE, Tree, fits_files, portable_files, the_line
from test_truth import write_truth

COMMANDS = ["split", "find", "append", "run", "mask", "truth", "diff", "info", "simulate", "templates"]
LISTINGS = [["--help"], ["help"], ["--version"], *([name, "--help"] for name in COMMANDS), ["find", "--version"],
            ["help", "find"]]
WORK = {  # commands that do something, and say so
    "split": ["split", "-q", "qso.fits", "-a", "new", "-v"],
    "find": ["find", "-r", "sim", "-a", "work", "--templates", "builtin", "-c", "-v", "--chunk-size", "1", "--nproc", "2"],
    "append": ["append", "-q", "qso.fits", "-b", "work", "-o", "new.fits", "-v"],
    "run": ["run", "-q", "qso.fits", "-r", "sim", "-o", "new.fits", "-b", "new", "--templates", "builtin", "-v"],
    "mask": ["mask", "-q", "out/qso-bal.fits", "-w", "new", "-r", "sim", "--all", "-v"],
    "truth": ["truth", "-q", "qso.fits", "-b", "truth.fits", "-o", "new.fits"],
    "diff": ["diff", "out/qso-bal.fits", "out/qso-bal.fits"],
    "diff, other": ["diff", "--all", "out/qso-bal.fits", "other.fits"],
    "diff, JSON": ["diff", "--json", "out/qso-bal.fits", "other.fits"],
    "info": ["info", "out/qso-bal.fits"],
    "simulate": ["simulate", "new", "--pixels", "2", "--quasars", "2", "--others", "0", "--no-resolution", "-v"],
    "templates": ["templates"],
    "export": ["templates", "--export", "new.fits"],
}
WRITERS = [name for name in WORK if name.split(",")[0] not in ("diff", "info", "templates")]


@pytest.fixture(scope="module")
def original(finished_tree, tmp_path_factory):
    """What the commands above need, and the status and the files of each: {name: (status, files)}."""
    root = tmp_path_factory.mktemp("output") / "tree"
    shutil.copytree(finished_tree.root, root)
    write_truth(root / "truth.fits", [{"TARGETID": ROWS["bal"].targetid, "AI": [(1000, 4000)], "BI": []}], id_form="K")
    shutil.copy(root / "out" / "qso-bal.fits", root / "other.fits")
    with fits.open(root / "other.fits", mode="update") as hdus:
        hdus[1].data["BAL_PROB"] += 0.5
    tree = Tree(root)
    tree.expected = {}
    for name, command in WORK.items():
        here = Tree(shutil.copytree(root, root.parent / name))
        result = start(here, command, subprocess.PIPE)
        assert result.stdout and result.stderr == ""
        tree.expected[name] = result.returncode, portable_files(here.root)
    assert {name: status for name, (status, _) in tree.expected.items() if status} == {"diff, other": 1, "diff, JSON": 1}
    return tree


@pytest.fixture
def tree(original, tmp_path):
    copy = Tree(shutil.copytree(original.root, tmp_path / "tree"))
    copy.expected = original.expected
    return copy


def start(tree, command, stdout, **how):
    env = tree.env | {"DESI_SPECTRO_REDUX": "redux"}
    return subprocess.run([BIN / "fastbal", *command], cwd=tree.root, env=env, stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=60, **how)


def nobody():
    """The write end of a pipe without a reader, as in "| true"."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize("command", LISTINGS, ids=" ".join)
def test_listings(command, fresh_tree):
    with nobody() as stdout:
        result = start(fresh_tree, command, stdout)
    assert (result.returncode, result.stderr) == (DONE, "")
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            result = start(fresh_tree, command, full)
        assert result.returncode != DONE and "can't write to standard output" in the_line(result)


@pytest.mark.parametrize("name", WORK)
def test_a_reader_that_goes_away(tree, name):
    """This is no error. The status and files are as usual."""
    status, expected = tree.expected[name]
    with nobody() as stdout:
        result = start(tree, WORK[name], stdout)
    assert (result.returncode, result.stderr) == (status, "")
    assert portable_files(tree.root) == expected


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("name", WORK)
def test_a_full_disk(tree, name):
    """Lost output is an error, but the work is done."""
    with open("/dev/full", "w") as full:
        result = start(tree, WORK[name], full)
    # 1 from diff would say that the two differ
    assert result.returncode == UNUSABLE if name.startswith("diff") else result.returncode in (PARTLY, UNUSABLE)
    assert "can't write to standard output" in the_line(result)
    assert portable_files(tree.root) == tree.expected[name][1]


@pytest.mark.parametrize("closed", [(1,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("name", ["find", "run", "simulate"])
def test_closed_streams(tree, name, closed):
    """No file that is opened takes the place of standard output, and gets what is printed."""
    result = start(tree, WORK[name], None, preexec_fn=lambda: [os.close(number) for number in closed])
    assert result.returncode != DONE
    assert portable_files(tree.root) == tree.expected[name][1]


@pytest.mark.skipif(SANITIZERS != "", reason="sanitizers write large files")
@pytest.mark.parametrize("name", WRITERS)
def test_files_that_get_too_large(tree, name):
    """A limit, as of "ulimit -f", is an error like a full disk: no SIGXFSZ, a line that says why, nothing half written."""
    before = fits_files(tree.root)
    result = start(tree, WORK[name], subprocess.PIPE,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)))
    assert result.returncode in (PARTLY, UNUSABLE), result
    assert result.stderr and all(line.startswith(f"fastbal {WORK[name][0]}: ") for line in result.stderr.splitlines())
    after = fits_files(tree.root)
    assert all(after[path] == data for path, data in before.items()) and "_tmp" not in " ".join(after)
    assert all(len(data) <= 4000 for path, data in after.items() if path not in before)
