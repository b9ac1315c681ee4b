"""Every row of the table in bad_inputs.py, and files cut at every block.

A program that is given one of them ends by itself with the status and the lines that the table says and leaves no file but
those it names there; spectra that are not bad are measured as if nothing were.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

import bad_inputs
from bad_inputs import CASES, CUT, World
from support import BIN, table

TIMEOUT = 60  # seconds; a program needs a hundredth of one
# Root may read and write everything; dropping these capabilities makes it an ordinary user.
AS_ANYBODY = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


class Outcome(NamedTuple):
    box: bad_inputs.Box
    status: int
    said: str
    before: set  # files
    after: set


def names(folder):
    """Files, links and the like below a folder; the folders themselves are not counted."""
    found = set()
    for top, folders, files in os.walk(folder):
        links = [f for f in folders if os.path.islink(os.path.join(top, f))]
        found |= {os.path.relpath(os.path.join(top, f), folder) for f in [*files, *links]}
    return found


def perform(world, here, case):
    """Make the bad file and run the command."""
    box = bad_inputs.Box(world, here)
    if case.make:
        case.make(box)
    before = names(here)
    command = [*(AS_ANYBODY if case.anybody else []), str(BIN / "fastbal"), *box.fill(case.command)]
    result = subprocess.run(command, env=box.environment(case.env), cwd=here, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    return Outcome(box, result.returncode, result.stderr.decode("utf-8", "surrogateescape"), before, names(here))


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    assert world.good["BALSTATUS"].tolist() == [0, 0, 0]
    return world


@pytest.fixture(scope="session")
def outcomes(world, request, tmp_path_factory):
    """The cases that were asked for, run side by side: {name: future}."""
    cases = [item.callspec.params["case"] for item in request.session.items if "case" in item.fixturenames]
    with ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        yield {case.name: pool.submit(perform, world, tmp_path_factory.mktemp("case"), case) for case in cases}
        pool.shutdown(cancel_futures=True)


def pattern(text):
    """Convert a line of the table to a pattern: "..." matches anything within the line."""
    return re.escape(text).replace(re.escape("..."), "[^\n]*")


def check_lines(said, expected):
    lines = said.splitlines()
    assert said == "" or said.endswith("\n")
    for line, wanted in zip(lines, expected):
        assert re.fullmatch(pattern(wanted), line), f"said     {line}\nexpected {wanted}"
    assert len(lines) == len(expected), said


def check_rows(path, expected, good):
    """Values of columns; rows of BAL tables that are not bad are those of the good table."""
    rows = table(path)
    for column, values in expected.items():
        assert values is None or rows[column].tolist() == values, (column, rows[column])
    if rows.dtype != good.dtype:  # a catalog
        return
    raw, good_raw = rows.view(np.ndarray), good.view(np.ndarray)
    place = {(t, z): k for k, (t, z) in enumerate(zip(good["TARGETID"], good["Z"]))}
    for row in raw:
        k = place.get((row["TARGETID"], row["Z"]))
        if k is not None and row["BALSTATUS"] == 0 and "PCA_CHI2" not in expected:
            assert row.tobytes() == good_raw[k].tobytes(), row["TARGETID"]


@pytest.mark.parametrize("case", [*CASES, *CUT], ids=lambda case: case.name)
def test_bad_input(world, outcomes, case):
    if case.anybody and AS_ANYBODY and not shutil.which("setpriv"):
        pytest.skip("no setpriv: root can't be made like anybody else")
    box, status, said, before, after = outcomes[case.name].result()
    assert status == case.status, said
    check_lines(said, [box.fill_text(line) for line in case.says])
    assert after == before | {box.fill_text(w) for w in case.writes}
    if case.rows:
        check_rows(box.out, case.rows, world.good)
    if case.check:
        case.check(box)


def test_names_are_different():
    assert len({c.name for c in [*CASES, *CUT]}) == len(CASES) + len(CUT)
