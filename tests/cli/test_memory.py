"""valgrind on the three steps and on bad input: no leaks, no invalid accesses.

SPDX-License-Identifier: BSD-3-Clause
"""
import shutil
import subprocess

import pytest

from support import PARTLY, PIXELS, SANITIZERS, UNUSABLE, VALGRIND, run

if not shutil.which("valgrind"):
    pytest.skip("NOTICE: there is no valgrind, memory was not checked", allow_module_level=True)
if SANITIZERS:
    pytest.skip("NOTICE: a sanitizer build can't run under valgrind", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def valgrind_works():
    """Some machines' C libraries or processors are too new for their valgrind."""
    if subprocess.run(["valgrind", "--quiet", "--error-exitcode=99", "true"], capture_output=True).returncode:
        pytest.skip("NOTICE: valgrind doesn't work here, memory was not checked")


def test_three_steps(tree):
    tree.split("--nproc", 2, prefix=VALGRIND)
    tree.find("--nproc", 2, prefix=VALGRIND)
    tree.append("--nproc", 2, prefix=VALGRIND)
    run("append", "-q", tree.out, "-b", tree.z, "-o", tree.out, "-c", prefix=VALGRIND)  # replacing the columns


def test_bad_input(split_tree):
    """Leaks are likely on error paths."""
    split_tree.coadd(PIXELS[0]).write_bytes(split_tree.coadd(PIXELS[0]).read_bytes()[:200000])
    split_tree.zafter(PIXELS[1]).write_text("no FITS file\n" * 500)
    split_tree.find(prefix=VALGRIND, status=PARTLY)
    split_tree.qso.write_bytes(split_tree.qso.read_bytes()[:6000])
    split_tree.split("-c", prefix=VALGRIND, status=UNUSABLE)
    split_tree.append(prefix=VALGRIND, status=UNUSABLE)
    split_tree.find("-t", templates=None, prefix=VALGRIND, status=UNUSABLE)
    run("find", "--no-such-option", prefix=VALGRIND, status=UNUSABLE)


def test_simulate_and_templates(tmp_path):
    run("simulate", tmp_path / "tree", "--pixels", 1, "--quasars", 2, "--others", 1, "--gaps", prefix=VALGRIND)
    run("templates", "--export", tmp_path / "t.fits", prefix=VALGRIND)
