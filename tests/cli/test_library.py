"""What the library and the layers promise, read off the symbol table and the sources.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from support import BIN, ROOT, SANITIZERS

LIBRARY = Path(os.environ.get("FASTBAL_LIB", ROOT / "build" / "libfastbal.a"))
SHARED = LIBRARY.with_suffix(".so")
LINKER = {"_init", "_fini", "_edata", "_end"}  # names that linkers give to every library


def symbols(*options, path=LIBRARY):
    if not shutil.which("nm"):
        pytest.skip("NOTICE: there is no nm, symbols were not checked")
    text = subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in text.splitlines() if re.search(r" [A-Za-z] \S+$", line)}


def declared_functions():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include" / "fastbal.h").read_text(), flags=re.S)
    return set(re.findall(r"\b(fastbal_\w+)\(", text))


def test_names_have_the_prefix():
    own = {s for s in symbols("--defined-only", "--extern-only") if not s.startswith(("__", "_GLOBAL_"))}
    assert own and not {s for s in own if not s.startswith(("fastbal_", "fb_"))}


def test_public_functions_are_there():
    declared = declared_functions()
    assert len(declared) > 20 and declared <= symbols("--defined-only", "--extern-only")


def test_shared_library_exports_the_header_and_nothing_else():
    exported = {s.split("@")[0] for s in symbols("--dynamic", "--defined-only", path=SHARED)}
    exported = {s for s in exported if not s.startswith("__")} - LINKER
    assert exported == declared_functions()


@pytest.mark.skipif(SANITIZERS != "", reason="sanitizers bring libraries of their own")
def test_library_needs_the_c_library_alone():
    if not shutil.which("readelf"):
        pytest.skip("NOTICE: there is no readelf, needed libraries were not checked")
    text = subprocess.run(["readelf", "-d", SHARED], check=True, capture_output=True, text=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\.so", text))
    assert needed and needed <= {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}
    assert re.search(r"\(SONAME\).*\[libfastbal\.so\.\d+\.\d+\]", text)


def test_layers_above_use_the_header_alone():
    """No layer uses private functions of the library."""
    private = {s for s in symbols("--defined-only", "--extern-only") if s.startswith("fb_")}
    assert private
    layers = list(LIBRARY.parent.glob("libfastbal_*.a"))
    assert len(layers) >= 3
    for path in layers:
        assert symbols("--undefined-only", path=path) & private == set()
    objects = list((BIN.parent / "CMakeFiles" / "fastbal_program.dir").rglob("*.o"))
    assert objects or not (BIN.parent / "CMakeCache.txt").exists()
    for path in objects:
        assert symbols("--undefined-only", path=path) & private == set()


def test_library_never_prints_exits_or_starts_threads():
    used = {s.split("@")[0] for s in symbols("--undefined-only")}
    forbidden = {"printf", "fprintf", "vprintf", "puts", "fputs", "putchar", "stderr", "stdout", "perror", "exit",
                 "_exit", "abort", "fopen", "open", "read", "write", "getenv", "pthread_create", "signal", "rand"}
    assert not used & forbidden


@pytest.mark.skipif(SANITIZERS != "", reason="sanitizers bring functions of their own")
def test_functions_are_safe_in_threads():
    """The program uses no functions of the C library that keep static state."""
    if not shutil.which("nm"):
        pytest.skip("NOTICE: there is no nm, symbols were not checked")
    text = subprocess.run(["nm", "-u", BIN / "fastbal"], check=True, capture_output=True, text=True).stdout
    used = {line.split()[-1].split("@")[0] for line in text.splitlines()}
    unsafe = {"asctime", "basename", "ctime", "dirname", "drand48", "gamma", "getgrgid", "getlogin", "getpwnam", "getpwuid",
              "gmtime", "lgamma", "localtime", "lrand48", "putenv", "rand", "random", "setenv", "setlocale", "srand",
              "strsignal", "strtok", "tmpnam", "ttyname", "unsetenv"}
    assert "getpwuid_r" in used and not used & unsafe


def test_library_keeps_no_state():
    """No writable data: no global or static variables."""
    if not shutil.which("nm"):
        pytest.skip("NOTICE: there is no nm, symbols were not checked")
    text = subprocess.run(["nm", "--format=sysv", LIBRARY], check=True, capture_output=True, text=True).stdout
    symbols = [[field.strip() for field in line.split("|")] for line in text.splitlines() if line.count("|") == 6]
    kept = [s for s in symbols if s[2] in list("bBdDcC") and not s[6].startswith(".data.rel.ro")
            and not re.search("__gcov|__asan|__odr_asan|__ubsan|DW.ref", s[0])]
    assert symbols != []
    assert kept == []


def sources(folder):
    return [p for p in (ROOT / folder).rglob("*") if p.suffix in (".c", ".h")]


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.M)


# Each layer, and those it may include. Arrows only point down: docs/design.md.
LAYERS = {
    "include": [],
    "src": [],
    "fits": [],
    "desi": ["fits"],
    "sim": ["desi", "fits"],
    "pipeline": ["desi", "fits"],
    "run": ["pipeline", "desi", "fits"],
    "diff": ["run", "desi", "fits"],
    "train": ["run", "sim", "pipeline", "desi", "fits"],
    "plot": ["fits"],
    "list": ["run", "fits"],
    "score": ["run", "desi", "fits"],
    "report": ["run", "pipeline", "desi", "fits"],
    "cli": ["train", "diff", "list", "score", "report", "run", "pipeline", "sim", "plot", "desi", "fits"],
}
# Headers of others, and the only files that may include them.
FOREIGN = {
    r"fitsio\.h": r"fits/output\.h|desi/dependencies\.h",
    r"fits/output\.h": r"fits/(output|header_template)\.|desi/(balcatalog|baltable|catalog_header|continuum_file|detector_file|redshifts|template_file|trough_table)\.c|sim/files\.c",
    r"chealpix\.h": r"desi/|sim/",
    r"zlib\.h": r"fits/|desi/values\.c",
    r"pthread\.h": r"run/pool\.c",
    r"mpi\.h": r"run/mpi\.c",
    r"(cairo|pango).*": r"plot/cairo/",
    r"plot/.*": r"plot/|cli/(cmd_plot|version)\.c",
    r"fastbal\.h": r"(?!fits/)",
    r"stdio\.h": r"src/status\.c|(?!include/|src/)",
    r"internal\.h": r"src/",
}


@pytest.mark.parametrize("folder", LAYERS)
def test_layers(folder):
    wrong = []
    for path in sources(folder):
        for name in includes(path):
            layer = name.split("/")[0] if "/" in name else None
            if layer in LAYERS and layer not in (folder, *LAYERS[folder]):
                wrong.append((path.name, name))
            for header, places in FOREIGN.items():
                if re.fullmatch(header, name) and not re.match(places, str(path.relative_to(ROOT))):
                    wrong.append((path.name, name))
            if name.startswith(".."):
                wrong.append((path.name, name))
    assert sources(folder) and wrong == []


def test_no_circles():
    """A module is a .c file with its header: what it includes, and what that includes, never leads back to it."""
    uses = {}
    for folder in LAYERS:
        for path in sources(folder):
            module = str(path.relative_to(ROOT).with_suffix(""))
            uses.setdefault(module, set()).update(name[:-2] for name in includes(path) if "/" in name)
    done = set()

    def follow(module, trail):
        assert module not in trail, " -> ".join([*trail[trail.index(module):], module])
        if module not in done:
            for other in uses.get(module, set()) - {module}:
                follow(other, [*trail, module])
            done.add(module)

    for module in uses:
        follow(module, [])
    assert len(done) > 100


def test_threads_live_in_one_file():
    users = {p.name for folder in LAYERS for p in sources(folder) if "pthread.h" in includes(p)}
    assert {name.split(".")[0] for name in users} <= {"pool"}


def test_every_source_has_a_licence_line():
    paths = [p for folder in (*LAYERS, "templates", "tests", "scripts", "share", "examples")
             for p in (ROOT / folder).rglob("*") if p.suffix in (".c", ".h", ".py", ".sh")]
    assert len(paths) > 50
    assert [p.name for p in paths if "SPDX-License-Identifier" not in p.read_text()[:4000]] == []


def test_names_of_headers_are_unique():
    """Two headers with the same guard hide one another, and two structs with the same tag deceive the reader."""
    guards, tags = Counter(), Counter()
    for folder in LAYERS:
        for path in sources(folder):
            if path.suffix == ".h":
                guards.update(re.findall(r"^#ifndef (\w+_H)$", path.read_text(), re.M))
                tags.update(re.findall(r"^(?:struct|enum|union) (\w+) \{$", path.read_text(), re.M))
    assert len(guards) > 80 and len(tags) > 100
    assert not [name for name, n in (guards + tags).items() if n > 1]
