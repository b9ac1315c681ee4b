"""How often files are opened, and that looking ahead changes nothing but the time.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip

import pytest

import hints
from support import PIXELS, environment, files, fits_files, run, table

pytestmark = pytest.mark.skipif(not hints.HINTS.exists(), reason=f"{hints.HINTS} was not built")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("command", ["split", "append", "run", "truth", "mask", "continuum", "report"])
def test_catalog_is_opened_once(done_tree, tmp_path, command, packed):
    """So that another file that takes its name in between is never read."""
    tree, out, report = done_tree, tmp_path / "out.fits", tmp_path / "report"
    qso = tree.out if command in ("mask", "continuum", "report") else tree.qso
    targetid = table(tree.baltable(PIXELS[0]))["TARGETID"][0]
    if packed:
        plain, qso = qso, tmp_path / "packed.fits.gz"
        qso.write_bytes(gzip.compress(plain.read_bytes()))
    of_catalog = ["-q", qso, "-o", out, "-r", "sim", "--templates", "builtin"]
    run(*{"split": ["split", "-q", qso, "-a", tmp_path / "split"],
          "append": ["append", "-q", qso, "-b", tree.z, "-o", out],
          "run": ["run", *of_catalog],
          "truth": ["truth", "-q", qso, "-b", tree.out, "-o", out],
          "mask": ["mask", "-q", qso, "-r", "sim", "-w", tmp_path / "masked"],
          "continuum": ["continuum", *of_catalog, "--targetids", targetid],
          "report": ["report", qso, "-o", tmp_path / "page.html", "-r", "sim", "--targetids", targetid]}[command],
        env=tree.env | hints.variables(report))
    opened = [path for _, _, kind, path in hints.lines(report) if kind == "open"]
    assert opened.count(str(qso)) == 1
    assert len(files(tmp_path)) > 1 + packed  # beside the report there is what was asked for


@pytest.mark.parametrize("command", ["find", "run"])
def test_looking_ahead(tmp_path, command):
    """Where files are not in memory, the next pixel is prepared and prefetched while this one is measured. The answers are those
    of one at a time."""
    tree = tmp_path / "tree"
    run("simulate", tree, "--pixels", 12, "--quasars", 6, "--others", 1, "--seed", 6, "--no-resolution")
    env = environment(DESI_SPECTRO_REDUX=tree / "redux")
    for name in "ahead", "memory":
        out, report = tmp_path / name, tmp_path / f"report-{name}"
        run("split", "-q", tree / "qso.fits", "-a", out, env=env)
        where = ["-a", out] if command == "find" else ["-q", tree / "qso.fits", "-o", out / "out.fits", "-b", out]
        run(command, "-r", "sim", *where, "--templates", "builtin", "--nproc", 1,
            env=env | hints.variables(report) | ({"HINTS_CACHED": "1"} if name == "memory" else {}))
    # not the first, which finds that they are cold, nor the second, which was taken before, nor the last
    assert list(hints.ahead(tmp_path / "report-ahead").values()) == [9]
    assert list(hints.ahead(tmp_path / "report-memory").values()) == [0]
    assert len(fits_files(tmp_path / "ahead")) == 24 + (command == "run")
    assert fits_files(tmp_path / "ahead") == fits_files(tmp_path / "memory")
