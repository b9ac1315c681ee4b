"""Every row of the table in bad_inputs.py, and files cut at every block.

A program that is given one of them ends by itself with the status and the lines that the table says and leaves no file but
those it names there; spectra that are not bad are measured as if nothing were.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import subprocess

import numpy as np
import pytest

import bad_inputs
from bad_inputs import CASES, CUT, World
from support import BIN, DONE, environment, table

TIMEOUT = 60  # seconds; a program needs a hundredth of one


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    assert world.good["BALSTATUS"].tolist() == [0, 0, 0]
    return world


def call(command, status=DONE, env=None, cwd=None, **how):
    command = [str(BIN / "fastbal"), *map(str, command)]
    result = subprocess.run(command, env=env or environment(), cwd=cwd, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, **how)
    said = result.stderr.decode("utf-8", "surrogateescape")
    assert result.returncode == status, f"status {result.returncode}, not {status}\n{said}"
    return said


def pattern(text):
    """A line of the table: "..." stands for anything within the line, all else for itself."""
    return re.escape(text).replace(re.escape("..."), "[^\n]*")


def check_lines(said, expected):
    lines = said.splitlines()
    assert said == "" or said.endswith("\n")
    for line, wanted in zip(lines, expected):
        assert re.fullmatch(pattern(wanted), line), f"said     {line}\nexpected {wanted}"
    assert len(lines) == len(expected), said


def names(folder):
    """Files, links and the like below a folder; the folders themselves are not counted."""
    found = set()
    for top, folders, files in os.walk(folder):
        links = [f for f in folders if os.path.islink(os.path.join(top, f))]
        found |= {os.path.relpath(os.path.join(top, f), folder) for f in [*files, *links]}
    return found


def check_rows(path, expected, good):
    """Values of columns; rows of BAL tables that are not bad are those of the good table."""
    rows = table(path)
    for column, values in expected.items():
        assert values is None or rows[column].tolist() == values, (column, rows[column])
    if "BALSTATUS" not in rows.dtype.names:
        return
    raw, good_raw = rows.view(np.ndarray), good.view(np.ndarray)
    place = {(t, z): k for k, (t, z) in enumerate(zip(good["TARGETID"], good["Z"]))}
    for row in raw:
        k = place.get((row["TARGETID"], row["Z"]))
        if k is not None and row["BALSTATUS"] == 0 and "PCA_CHI2" not in expected:
            assert row.tobytes() == good_raw[k].tobytes(), row["TARGETID"]


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_bad_input(world, tmp_path, case):
    box = bad_inputs.Box(world, tmp_path)
    if case.make:
        case.make(box)
    before = names(tmp_path)
    said = call(box.fill(case.command), case.status, box.environment(case.env), tmp_path, **case.how)
    check_lines(said, [box.fill_text(line) for line in case.says])
    assert names(tmp_path) - before == {box.fill_text(w) for w in case.writes}
    assert before <= names(tmp_path), "a file is gone"
    if case.rows:
        check_rows(box.out, case.rows, world.good)
    if case.check:
        case.check(box)


@pytest.mark.parametrize("kind,size,line", [pytest.param(*c, id=f"{c[0]}-{c[1]}") for c in CUT])
def test_cut(world, tmp_path, kind, size, line):
    """Cut at the begin of every block and in its middle: the line says where the file ends, or what is missing."""
    box = bad_inputs.Box(world, tmp_path)
    bad_inputs.cut(box, kind, size)
    before = names(tmp_path)
    command, status, writes = bad_inputs.CUT_COMMANDS[kind]
    if line is None:
        status, writes = DONE, ["out.fits"]
    said = call(box.fill(command), status, box.environment({}), tmp_path)
    check_lines(said, [box.fill_text(line)] if line else [])
    assert names(tmp_path) - before == {box.fill_text(w) for w in writes}
