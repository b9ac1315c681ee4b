"""The commands of README and docs/ run as they are printed, and print what is shown.

SPDX-License-Identifier: BSD-3-Clause
"""
import functools
import os
import re
import shlex
import shutil
import subprocess

import pytest

from support import BIN, ROOT, environment, run

PAGES = ["README.md", "templates/README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
PLACEHOLDERS = {"SPECPROD", "CATALOG", "CATALOG2", "OUTCAT", "WORK", "A", "B", "FILE", "ID...", "DIR", "TRUTH", "MOCKDIR"}
LONG = ("--pixels 100", "scripts/", "--seed 302", "sim/redux/sim -o bal.fits", "trained-514")  # minutes


def blocks(page):
    """Indented blocks, as lists of lines; continued lines are joined."""
    text = (ROOT / page).read_text().replace("\\\n    ", "")
    return [[line[4:] for line in block.splitlines()] for block in re.findall(r"^    .*\n(?:    .*\n|\n(?=    ))*", text, re.M)]


def is_command(line):
    return re.match(r"(\$ )?([A-Z_]+=\S+ )*((srun|mpirun) .*)?fastbal [a-z]+( |$)", line) is not None


def commands(page):
    lines = [line.removeprefix("$ ") for block in blocks(page) for line in block if is_command(line)]
    text = re.sub(r"^    .*\n", "", (ROOT / page).read_text(), flags=re.M)
    return lines + [c.replace("\n", " ") for c in re.findall(r"`(fastbal [a-z]+ [^`]*)`", text)]


@functools.lru_cache
def help_of(command):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", run(command, "--help").stdout)) | {"-h", "--help", "--version"}


@pytest.mark.parametrize("page", PAGES)
def test_options_exist(page):
    for line in commands(page):
        words = shlex.split(line, comments=True)
        words = words[words.index("fastbal") + 1:]
        for word in words[1:]:
            if re.match(r"--?[a-z]", word):
                assert word in help_of(words[0]), line


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A simulated release "loa" with its catalog and one of the release before, in $DESI_ROOT; and a mock's catalog."""
    root = tmp_path_factory.mktemp("desi")
    run("simulate", root / "sim", "--quasars", 60, "--pixels", 8, "--seed", 7)
    redux = root / "spectro" / "redux"
    redux.mkdir(parents=True)
    for name in ("loa", "sim"):
        (redux / name).symlink_to(root / "sim" / "redux" / "sim")
    run("run", "-q", root / "sim" / "qso.fits", "--tree", redux / "loa", "--templates", "builtin", "-o", root / "bal.fits")
    run("simulate", "--mock", root / "mock", "--quasars", 60, "--pixels", 1, "--bal-fraction", 0.4)
    return root


def prepare(folder, release):
    """The files that pages take as given."""
    for name in ("QSO_cat_loa_main_dark_healpix_v2.fits", "QSO_cat.fits", "qso.fits"):
        shutil.copy(release / "sim" / "qso.fits", folder / name)
    for name in ("qso-altbal-iron.fits", "qso-altbal-loa.fits", "qso-altbal.fits", "qso-bal.fits"):
        shutil.copy(release / "bal.fits", folder / name)
    shutil.copy(release / "mock" / "qso.fits", folder / "zcat.fits")
    shutil.copy(release / "mock" / "mock" / "bal_cat.fits", folder / "bal_cat.fits")
    return environment(DESI_ROOT=release, DESI_SPECTRO_REDUX=release / "spectro" / "redux", PSCRATCH=folder,
                       PATH=f"{BIN}:{os.environ['PATH']}")


def call(line, folder, env):
    result = subprocess.run(["bash", "-ec", line], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=300)
    assert result.returncode == 0 or (result.returncode == 1 and " diff " in line), (line, result.stdout, result.stderr)
    return result.stdout


def can_run(line):
    words = set(shlex.split(line, comments=True))
    return not words & PLACEHOLDERS and not re.search(r"\b(srun|mpirun)\b", line) and not any(part in line for part in LONG)


def printed(page):
    """Its commands outside examples that show what they print."""
    return [line for block in blocks(page) for line in block if is_command(line) and not line.startswith("$ ") and can_run(line)]


ORDER = {"docs/detector.md": ["fastbal train --detector -q QSO_cat.fits -r loa -o mine.fits"]}  # of another page, first


@pytest.mark.parametrize("page", [p for p in PAGES if printed(p)])
def test_commands_run(page, release, tmp_path):
    """All of a page in one folder, from the first to the last, except those that show what they print."""
    env, ran = prepare(tmp_path, release), 0
    for line in ORDER.get(page, []):
        call(line, tmp_path, env)
    for block in blocks(page):
        for line in block:
            if line.startswith("export "):
                name, value = re.fullmatch(r"export (\w+)=(\S+)", line).groups()
                env[name] = os.path.join(tmp_path, re.sub(r"\$(\w+)", lambda m: env[m[1]], value))
            if line in printed(page):
                # what one command of a page has written, the next one may replace
                outputs = re.findall(r"(?:-o|--json) (\S+)", line)
                for output in outputs:
                    (tmp_path / output).unlink(missing_ok=True)
                call(line, tmp_path, env)
                assert all((tmp_path / output).exists() for output in outputs), line
                ran += 1
    assert ran == len(printed(page))


# ---- what is shown ----

def vague(line):
    """Times and memory, which differ from run to run, in place of numbers."""
    return re.sub(r"[0-9.]+ (s|ms|[kMG]B)\b", r"N \1", line).rstrip()


def is_part(shown, printed):
    """Are the lines shown those printed, in order, with some left out where "..." is, or wherever?"""
    rest = iter(map(vague, printed))
    return [line for line in map(vague, shown) if line.strip() != "..." and line not in rest]


SHOWN = {"README.md": "fastbal simulate --quasars 60 --pixels 4 --seed 7 sim; cp sim/qso.fits .",
         "docs/running.md": "fastbal simulate sim --quasars 20 --pixels 2 --seed 5",
         "docs/diff.md": "\n".join(line for block in blocks("docs/diff.md") for line in block if re.search("old/|new/|simulate", line))}


def shown(page):
    """[(command, lines)] of blocks in which "$ " stands before commands."""
    found = []
    for block in blocks(page):
        inside = False
        for line in block:
            if line.startswith("$ "):
                found.append((line[2:], []))
                inside = True
            elif inside and line.strip():
                found[-1][1].append(line)
    return found


@pytest.mark.parametrize("page", SHOWN)
def test_output_is_as_shown(page, tmp_path):
    assert {p for p in PAGES if shown(p)} == set(SHOWN)
    env = environment(DESI_SPECTRO_REDUX=tmp_path / "sim" / "redux", PATH=f"{BIN}:{os.environ['PATH']}")
    call(SHOWN[page], tmp_path, env)
    examples = [(command, lines) for command, lines in shown(page) if page != "README.md" or " run " in command]
    assert examples
    for command, lines in examples:
        assert len(lines) >= 3 and not is_part(lines, call(command, tmp_path, env).splitlines())


@pytest.mark.skipif("FASTBAL_GOLDEN" not in os.environ, reason="needs FASTBAL_GOLDEN")
def test_real_spectra_are_as_shown(tmp_path):
    golden = os.environ["FASTBAL_GOLDEN"]
    shutil.copy(f"{golden}/healpix-real/qso.fits", tmp_path)
    env = environment(DESI_SPECTRO_REDUX=f"{golden}/healpix-real/redux", FASTBAL_TEMPLATES=f"{golden}/templates",
                      PATH=f"{BIN}:{os.environ['PATH']}")
    steps = [(command, lines) for command, lines in shown("README.md") if " run " not in command]
    assert len(steps) == 3
    for command, lines in steps:
        assert lines and not is_part(lines, call(command, tmp_path, env).splitlines())
