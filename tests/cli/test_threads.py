"""The same bytes from any number of threads, from every run, and from one pixel at a time.

SPDX-License-Identifier: BSD-3-Clause
"""
import os

import pytest

from support import environment, fits_files, run


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    tree = tmp_path_factory.mktemp("simulated") / "tree"
    run("simulate", tree, "--pixels", 9, "--quasars", 12, "--others", 3, "--seed", 8, "--gaps", "--no-resolution")
    return tree


def three_steps(tree, work, *options):
    env = environment(DESI_SPECTRO_REDUX=tree / "redux")
    run("split", "-q", tree / "qso.fits", "-a", work, *options, env=env)
    run("find", "-r", "sim", "-a", work, "--templates", "builtin", *options, env=env)
    run("append", "-q", tree / "qso.fits", "-b", work, "-o", work / "qso-bal.fits", *options, env=env)
    return fits_files(work)


def test_threads(simulated, tmp_path):
    expected = three_steps(simulated, tmp_path / "1", "--nproc", 1)
    assert len(expected) == 2 * 9 + 1
    for nproc in (2, 4, 16):
        assert three_steps(simulated, tmp_path / str(nproc), "--nproc", nproc) == expected
    assert three_steps(simulated, tmp_path / "default") == expected
    assert three_steps(simulated, tmp_path / "chunks", "--nproc", 3, "--chunk-size", 1) == expected


def evict(folder):
    """Take the files of a folder out of the page cache, where the file system lets go of them."""
    for path in folder.rglob("*.fits"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@pytest.mark.parametrize("nproc", [1, 2])
def test_files_from_disk(simulated, tmp_path, nproc):
    """With a cold cache, the next file is prefetched. A broken or missing file fails only its own pixel."""
    expected = three_steps(simulated, tmp_path / "warm")
    evict(simulated)
    assert three_steps(simulated, tmp_path / "cold", "--nproc", nproc) == expected
    broken = sorted(simulated.rglob("coadd-*.fits"))[4]
    whole = broken.read_bytes()
    work = tmp_path / "broken"
    env = environment(DESI_SPECTRO_REDUX=simulated / "redux")
    run("split", "-q", simulated / "qso.fits", "-a", work, env=env)
    try:
        broken.write_bytes(whole[:100000])
        evict(simulated)
        find = run("find", "-r", "sim", "-a", work, "--templates", "builtin", "--nproc", nproc, env=env, status=1)
    finally:
        broken.write_bytes(whole)
    assert str(broken) in find.stderr and len(find.stderr.splitlines()) == 1
    found = fits_files(work)
    assert len(found) == 2 * 9 - 1 and found.items() <= expected.items()


def test_one_pixel_at_a_time(simulated, tmp_path):
    expected = three_steps(simulated, tmp_path / "all")
    env = environment(DESI_SPECTRO_REDUX=simulated / "redux")
    work = tmp_path / "work"
    run("split", "-q", simulated / "qso.fits", "-a", work, env=env)
    for path in sorted(work.rglob("zafter-*.fits"), reverse=True):
        run("find", "-r", "sim", "-a", work, "--templates", "builtin", "-hp", path.parent.name, env=env)
    assert fits_files(work) == {name: data for name, data in expected.items() if name != "qso-bal.fits"}
