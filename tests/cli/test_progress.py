"""The live line of a terminal: its contents, its width, and silence everywhere else.

SPDX-License-Identifier: BSD-3-Clause
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from support import BIN, PARTLY, PIXELS, UNUSABLE, complains, run


def on_terminal(tree, columns, *more, term="xterm"):
    """find with stderr on a terminal so wide: what was written there, and stdout."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [BIN / "fastbal", "find", "-r", "sim", "-a", tree.z, "--templates", "builtin", "-c", "--nproc", "1", *more]
    result = subprocess.run(command, env=tree.env | {"TERM": term}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=slave, check=True, text=True)
    os.close(slave)
    os.set_blocking(master, False)
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except (BlockingIOError, OSError):
            break
        if not part:
            break
        text += part
    os.close(master)
    return text.decode(), result.stdout


@pytest.mark.parametrize("columns", [200, 80, 60, 40])
def test_live_line(split_tree, columns):
    text, _ = on_terminal(split_tree, columns)
    assert "\n" not in text
    lines = text.split("\r")
    assert max(map(len, lines)) < columns  # or the terminal would wrap it
    assert lines[-1] == "" and lines[-2].strip() == ""  # nothing is left of it
    drawn = [line.strip() for line in lines if line.strip()]
    assert re.match(r"find 100 %", drawn[-1])
    if columns >= 80:
        assert re.match(r"find 100 %  3 of 3 pixels  0:00 left  \d+ quasars", drawn[-1])
    if columns == 200:
        assert re.search(r"  \d+ MB$", drawn[-1])


def test_no_live_line(split_tree):
    """Not with -v, on a terminal that can't, or one too narrow, nor where stderr is no terminal."""
    assert on_terminal(split_tree, 80, "-v")[0] == ""
    assert "chunk 1 of 1: 3 of 3 pixels done" in on_terminal(split_tree, 80, "-v")[1]
    assert on_terminal(split_tree, 80, term="dumb")[0] == ""
    assert on_terminal(split_tree, 15)[0] == ""
    assert on_terminal(split_tree, 80, "--quiet", "-c") == ("", "")
    assert run("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "-c", env=split_tree.env).stderr == ""


def test_quiet(split_tree, tmp_path):
    """Nothing on stdout; errors stay, and so does the log."""
    find = ["find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "-c"]
    loud = run(*find, env=split_tree.env).stdout
    said = split_tree.log.read_text()
    split_tree.log.unlink()
    quiet = run(*find, "--quiet", env=split_tree.env)
    assert loud and (quiet.stdout, quiet.stderr) == ("", "") and split_tree.log.read_text().splitlines()[2:] == said.splitlines()[2:]
    split_tree.coadd(PIXELS[0]).unlink()
    broken = run(*find, "--quiet", env=split_tree.env, status=PARTLY)
    assert broken.stdout == "" and len(broken.stderr.splitlines()) == 1
    for command in (["split", "-q", split_tree.qso, "-a", tmp_path / "z"], ["simulate", tmp_path / "sim", "--pixels", 1, "--quasars", 3]):
        assert run(*command, env=split_tree.env).stdout != ""
        assert run(*command, "--clobber", "--quiet", env=split_tree.env).stdout == ""


@pytest.mark.parametrize("words", [["--quiet", "-v"], ["--verbose", "--quiet"], ["--quiet", "--dry-run"]])
def test_quiet_and_what_it_would_leave_out(split_tree, words):
    result = run("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", *words, env=split_tree.env, status=UNUSABLE)
    complains(result, "find", f"--quiet and --{'dry-run' if '--dry-run' in words else 'verbose'}")
