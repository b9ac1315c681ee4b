"""Man pages, and completion in shells: what the program says of itself for them.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from support import BIN, ROOT, UNUSABLE, environment, run
from test_names import COMMANDS, OPTIONS

COMPLETIONS = ROOT / "share" / "completions"


def render(source):
    """A man page as text; groff's warnings are errors."""
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u"], input=source, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


needs_groff = pytest.mark.skipif(not shutil.which("groff"), reason="no groff")


@needs_groff
@pytest.mark.parametrize("command", COMMANDS)
def test_man_page(command):
    text = render(run(command, "--help=man").stdout)
    words = set(re.split(r"[\s,\[\]|=]+", text))
    assert not [option for option in OPTIONS[command].split() if option not in words], text
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLE", "EXIT STATUS"):
        assert re.search(f"^{heading}$", text, re.M), text
    example = run(command, "--help").stdout.strip().splitlines()[-1].split()
    assert " ".join(example) in " ".join(text.split())


@needs_groff
def test_man_page_of_the_program():
    text = render(run("--help=man").stdout)
    assert all(re.search(rf"^ +{command}\b", text, re.M) for command in COMMANDS)


def test_man_pages_are_built():
    """One for every command, and nothing else."""
    assert {path.name for path in (BIN.parent / "man").iterdir()} == {"fastbal.1", *(f"fastbal-{c}.1" for c in COMMANDS)}
    assert (BIN.parent / "man" / "fastbal-list.1").read_text() == run("list", "--help=man").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_words(command):
    lines = run(command, "--help=words").stdout.splitlines()
    words = {line.split("\t")[0] for line in lines}
    assert all(len(line.split("\t")) == 2 for line in lines)
    names = re.findall(r"^  (-\S.*?)(?:  |$)", run(command, "--help").stdout, re.M)
    assert words == {name for text in names for name in re.findall(r"--[a-z][a-z-]*", text)}
    assert words > {option for option in OPTIONS[command].split() if option.startswith("--")}


def test_words_of_the_program():
    assert [line.split("\t")[0] for line in run("--help=words").stdout.splitlines()] == list(COMMANDS)


def test_another_format():
    run("list", "--help=html", status=UNUSABLE)


# ---- the library's reference ----

@pytest.mark.skipif(not shutil.which("doxygen"), reason="no doxygen")
def test_the_reference_of_the_library(tmp_path):
    """Doxygen has nothing to complain of, and finds a description of every function and struct, and of the members of results."""
    config = (ROOT / "docs" / "Doxyfile").read_text() + f"OUTPUT_DIRECTORY = {tmp_path}\nGENERATE_XML = YES\n"
    done = subprocess.run(["doxygen", "-"], input=config, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    header = ElementTree.parse(tmp_path / "xml" / "fastbal_8h.xml").getroot()

    def described(element):
        return any("".join(element.find(part).itertext()).strip() for part in ("briefdescription", "detaileddescription"))
    functions = {e.findtext("name"): described(e) for e in header.iter("memberdef") if e.get("kind") == "function"}
    assert len(functions) >= 20
    bare = {name for name, there in functions.items() if not there}
    grouped = {"fastbal_grid_size", "fastbal_grid_wavelength", "fastbal_grid_resamples", "fastbal_templates_count", "fastbal_templates_size",
               "fastbal_templates_wavelength", "fastbal_templates_value", "fastbal_workspace_create", "fastbal_workspace_free",
               "fastbal_grid_free", "fastbal_templates_free"}  # several under one comment
    assert bare <= grouped, bare
    for struct in ("fastbal_spectrum", "fastbal_troughs", "fastbal_result"):
        page, = (tmp_path / "xml").glob(f"struct{struct.replace('_', '__')}.xml")
        members = [e for e in ElementTree.parse(page).getroot().iter("memberdef")]
        assert sum(map(described, members)) >= len(members) / 2, struct


# ---- shells ----

def complete_bash(*words):
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fastbal; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", COMPLETIONS / "fastbal.bash", BIN / "fastbal", *words], capture_output=True,
                          text=True, env=environment())
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash():
    assert complete_bash("sp") == ["split"]
    assert complete_bash("") == list(COMMANDS)
    assert complete_bash("list", "--w") == ["--where"]
    assert complete_bash("find", "--temp") == ["--templates"]
    assert complete_bash("list", "cat") == []  # files, by the shell


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
def test_fish():
    def complete(line):
        code = f"set -x PATH {BIN} $PATH; source {COMPLETIONS / 'fastbal.fish'}; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, env=environment())
        return [part.split("\t")[0] for part in done.stdout.splitlines()]
    assert complete("fastbal sp") == ["split"] and complete("fastbal list --w") == ["--where"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
def test_zsh():
    """It is read without complaint, and offers what the program says."""
    code = (f"path=({BIN} $path); words=(fastbal list --w); CURRENT=3; PREFIX=--w; _describe() {{ print -l -- ${{(P)3}} }}; _files() {{ }};"
            f"source {COMPLETIONS / '_fastbal'}")
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, env=environment())
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [line.split("\t")[0] for line in run("list", "--help=words").stdout.splitlines()]
