"""Several ranks: the bytes of one process, one bad pixel stops nobody, the worst exit status for all.

Without mpirun, or with a build without MPI, only the refusals are tested.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess

import pytest

from support import (BALMASK, BIN, DONE, HAS_MPI, PARTLY, PIXELS, ROWS, UNUSABLE, complains, environment, fits_files, needs_mpi,
                     ranks_environment, run, table)


def ranks(n, *command, status=DONE, env=None):
    """mpirun -n N fastbal COMMAND --mpi; what mpirun itself says is taken out of stderr."""
    result = subprocess.run(["mpirun", "-n", str(n), BIN / "fastbal", command[0], "--mpi", *map(str, command[1:])],
                            env=ranks_environment(env or environment()), stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=120)
    assert result.returncode == status, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    result.stderr = "".join(line + "\n" for line in result.stderr.splitlines() if line.startswith("fastbal"))
    return result


def one_pass(tree, out, *options):
    return ["run", "-q", tree.qso, "-r", "sim", "-o", out, "--templates", "builtin", *options]


def find(tree, *options):
    return ["find", "-r", "sim", "-a", tree.z, "--templates", "builtin", *options]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """More pixels than ranks, and what one process makes of them."""
    root = tmp_path_factory.mktemp("simulated")
    run("simulate", root / "tree", "--pixels", 9, "--quasars", 12, "--others", 3, "--seed", 8, "--no-resolution")
    env = environment(DESI_SPECTRO_REDUX=root / "tree" / "redux")
    run("run", "-q", root / "tree" / "qso.fits", "-r", "sim", "-o", root / "one.fits", "-b", root / "bal", "--templates",
        "builtin", env=env)
    return root


# ---- the same bytes ----

@needs_mpi
@pytest.mark.parametrize("n, options", [(1, []), (2, ["--nproc", 1]), (4, ["--nproc", 1]), (3, ["--nproc", 3])])
def test_run(simulated, tmp_path, n, options):
    env = environment(DESI_SPECTRO_REDUX=simulated / "tree" / "redux")
    result = ranks(n, "run", "-q", simulated / "tree" / "qso.fits", "-r", "sim", "-o", tmp_path / "out.fits", "-b",
                   tmp_path / "bal", "--templates", "builtin", *options, env=env)
    assert (tmp_path / "out.fits").read_bytes() == (simulated / "one.fits").read_bytes()
    assert fits_files(tmp_path / "bal") == fits_files(simulated / "bal")
    # one of the ranks speaks and writes the log
    assert len(result.stdout.splitlines()) == 3 and result.stderr == ""
    assert re.search(r"\d+ quasars, 9 files", result.stdout)
    assert ("of %d ranks" % n in result.stdout) == (n > 1)
    assert (tmp_path / "bal" / "logfile-main-dark.txt").read_text().count("run: 108 rows: ") == 1


@needs_mpi
@pytest.mark.parametrize("n", [1, 2, 4])
def test_find(split_tree, n):
    result = ranks(n, *find(split_tree, "-v", "--chunk-size", 1), env=split_tree.env)
    assert "3 pixels done, 0 kept, 0 failed" in result.stdout
    assert "chunk 3 of 3: 3 of 3 pixels done" in result.stdout
    found = fits_files(split_tree.z)
    assert len(found) == 6
    run(*find(split_tree, "-c"), env=split_tree.env)
    assert fits_files(split_tree.z) == found


@needs_mpi
def test_ranks_with_nothing_to_do(split_tree, tmp_path):
    """More ranks than pixels."""
    ranks(4, *find(split_tree, "-hp", PIXELS[0], "--nproc", 1), env=split_tree.env)
    assert split_tree.baltable(PIXELS[0]).exists() and not split_tree.baltable(PIXELS[1]).exists()
    ranks(5, *one_pass(split_tree, tmp_path / "out.fits", "--nproc", 2), env=split_tree.env)
    assert table(tmp_path / "out.fits")["BALMASK"].tolist() == list(BALMASK.values())


@needs_mpi
def test_going_on(split_tree, tmp_path):
    first, again = tmp_path / "first.fits", tmp_path / "again.fits"
    ranks(2, *one_pass(split_tree, first, "-b", split_tree.z), env=split_tree.env)
    split_tree.baltable(PIXELS[1]).write_text("no FITS file\n" * 500)
    result = ranks(2, *one_pass(split_tree, again, "-b", split_tree.z), env=split_tree.env)
    assert "1 pixel done, 2 kept" in result.stdout
    complains(result, "run", split_tree.baltable(PIXELS[1]), "measured again")
    assert first.read_bytes() == again.read_bytes()


# ---- failures ----

@needs_mpi
@pytest.mark.parametrize("n", [1, 2, 4])
def test_one_bad_pixel(tree, tmp_path, n):
    bad = tree.coadd(PIXELS[1])
    bad.write_bytes(bad.read_bytes()[:20000])
    alone, out = tmp_path / "alone.fits", tmp_path / "out.fits"
    expected = run(*one_pass(tree, alone), env=tree.env, status=PARTLY)
    result = ranks(n, *one_pass(tree, out, "--nproc", 1), env=tree.env, status=PARTLY)
    assert result.stderr == expected.stderr
    assert out.read_bytes() == alone.read_bytes()
    assert len(table(out)) == len(ROWS)
    tree.split()
    result = ranks(n, *find(tree), env=tree.env, status=PARTLY)
    assert str(bad) in complains(result, "find")
    assert "2 pixels done, 0 kept, 1 failed" in result.stdout
    assert [line for line in tree.log.read_text().splitlines() if line.startswith(f"{PIXELS[1]} : ")]


@needs_mpi
def test_every_pixel_bad(tree, tmp_path):
    for pixel in PIXELS:
        tree.coadd(pixel).unlink()
    result = ranks(3, *one_pass(tree, tmp_path / "out.fits"), env=tree.env, status=UNUSABLE)
    lines = [line for line in result.stderr.splitlines() if line.startswith("fastbal ")]  # mpirun says more
    assert len(lines) == 4 and "nothing was measured" in lines[-1]
    assert not (tmp_path / "out.fits").exists()


@needs_mpi
@pytest.mark.parametrize("options", [["-q", "missing.fits"], ["--templates", "missing.fits"], ["-r", "nowhere"]])
def test_unusable(tree, tmp_path, options):
    """One line, and nothing is written."""
    result = ranks(3, *one_pass(tree, tmp_path / "out.fits", *options), env=tree.env, status=UNUSABLE)
    complains(result, "run", options[1])
    assert not list(tmp_path.glob("out*"))


@needs_mpi
def test_existing_catalog(tree, tmp_path):
    (tmp_path / "out.fits").write_text("mine")
    complains(ranks(2, *one_pass(tree, tmp_path / "out.fits"), env=tree.env, status=UNUSABLE), "run", "--clobber")
    assert (tmp_path / "out.fits").read_text() == "mine"


# ---- refusals ----

@pytest.mark.parametrize("command", ["run", "find"])
def test_login_node(split_tree, tmp_path, command):
    arguments = one_pass(split_tree, tmp_path / "out.fits") if command == "run" else find(split_tree)
    env = split_tree.env | {"NERSC_HOST": "perlmutter"}
    env.pop("SLURM_JOB_NAME", None)
    complains(run(*arguments, "--mpi", env=env, status=UNUSABLE), command, "login node")
    run(*arguments, env=env)  # without --mpi it is nobody's business


@pytest.mark.skipif(HAS_MPI, reason="this build has MPI")
def test_build_without_mpi(tree, tmp_path):
    complains(run(*one_pass(tree, tmp_path / "out.fits"), "--mpi", env=tree.env, status=UNUSABLE), "run", "built without MPI")


def test_not_for_a_single_file(tree):
    complains(run("find", "--mpi", "--coadd", "a", "--zcat", "b", "-o", "c", env=tree.env, status=UNUSABLE), "find", "--mpi")


@pytest.mark.skipif(not os.path.exists("/proc/self/maps") or not shutil.which("ldd"), reason="needs ldd")
def test_no_mpi_library_without_mpi():
    """The program itself is not linked with MPI: only --mpi loads it."""
    libraries = subprocess.run(["ldd", BIN / "fastbal"], check=True, capture_output=True, text=True).stdout
    assert "mpi" not in libraries.replace(str(BIN), "").lower()
