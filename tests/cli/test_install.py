"""Installation into a folder of its own: programs under all names, script, and the library as other programs find it.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess

import pytest

from support import BIN, DROP_IN, ROOT, SANITIZERS, environment

if not (BIN.parent / "CMakeCache.txt").exists() or not shutil.which("cmake"):
    pytest.skip("NOTICE: the programs under test don't lie in a build folder", allow_module_level=True)

def install(folder, staging=None):
    """Into a prefix, or below DESTDIR as packagers do."""
    env = environment(DESTDIR=staging)
    command = ["cmake", "--install", BIN.parent, "--prefix", folder]
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    assert result.returncode == 0 and "Error" not in result.stderr, result.stderr
    return folder if staging is None else staging / str(folder).lstrip("/")


@pytest.mark.parametrize("staged", [False, True])
def test_install(tmp_path, staged):
    prefix = install(tmp_path / "prefix", tmp_path / "stage" if staged else None)
    names = ["fastbal"] + [name + suffix for name in DROP_IN.values() for suffix in ("", ".py")]
    assert sorted(os.listdir(prefix / "bin")) == sorted(names)
    for name in names:
        result = subprocess.run([prefix / "bin" / name, "--version"], capture_output=True, text=True)
        assert result.stdout.startswith("fastbal "), name
    script, = prefix.rglob("runbal.sh")
    assert os.access(script, os.X_OK)
    result = subprocess.run([script], env=environment(), capture_output=True, text=True)
    assert result.returncode == 2 and "QSOCAT" in result.stderr


STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"] + ([f"-fsanitize={SANITIZERS}"] if SANITIZERS else [])
EXAMPLE = ROOT / "examples" / "measure.c"


def need(program):
    if not shutil.which(program):
        pytest.skip(f"NOTICE: there is no {program}")


def call(*command, env=None):
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """An installation that was moved afterwards: nothing in it may hold its path."""
    folder = tmp_path_factory.mktemp("library")
    install(folder / "first")
    (folder / "first").rename(folder / "second place")
    return folder / "second place"


def pkg_config(prefix, *options):
    need("pkg-config")
    pc, = prefix.rglob("fastbal.pc")
    text = call("pkg-config", *options, "fastbal", env=environment(PKG_CONFIG_PATH=pc.parent))
    return [word.replace("\\ ", " ") for word in re.findall(r"(?:\\.|\S)+", text)]


def check_example(program, tmp_path, env=None):
    """The example's quasar has a trough from 5000 to 9000 km/s that takes away 70 % of the flux."""
    ai, bi, *troughs = re.findall(r"[-+.\d]+", call(program, env=env))
    depth = 1 - 0.3 / 0.9  # below 90 % of the continuum; each index begins to count after its minimum width
    assert float(ai) == pytest.approx((4000 - 450) * depth, rel=0.05)
    assert float(bi) == pytest.approx((4000 - 2000) * depth, rel=0.05)
    assert [float(v) for v in troughs] == pytest.approx([5000, 9000], abs=150)
    spectrum = tmp_path / "flat.txt"
    spectrum.write_text("".join(f"{w} 1 {0 if w > 3700 else 25}\n" for w in range(3600, 8000)))
    assert call(program, spectrum, "2", env=env) == "not measured, BALSTATUS 2\n"
    spectrum.write_text("3600 1 1\n3601 1 1\n3601 1 1\n")
    result = subprocess.run([program, spectrum, "2"], env=env, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.endswith(": spectrum->wavelength[2] = 3601: expected more than the 3601 before it\n")


def test_example_with_pkg_config(moved, tmp_path):
    need("cc")
    library, = moved.rglob("libfastbal.so")
    call("cc", *STRICT, EXAMPLE, *pkg_config(moved, "--cflags", "--libs"), "-o", tmp_path / "measure")
    check_example(tmp_path / "measure", tmp_path, environment(LD_LIBRARY_PATH=library.parent))


@pytest.mark.skipif(SANITIZERS != "", reason="sanitizers can't be linked into static programs")
def test_example_static(moved, tmp_path):
    need("cc")
    flags = pkg_config(moved, "--static", "--cflags", "--libs")
    call("cc", *STRICT, "-static", EXAMPLE, *flags, "-o", tmp_path / "measure")
    check_example(tmp_path / "measure", tmp_path, {"PATH": os.environ["PATH"]})


def test_example_with_cmake(moved, tmp_path):
    flags = [f"-DCMAKE_C_FLAGS=-fsanitize={SANITIZERS}"] if SANITIZERS else []
    call("cmake", "-S", ROOT / "examples", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={moved}", *flags)
    call("cmake", "--build", tmp_path)
    for name in ("measure", "measure_static"):
        check_example(tmp_path / name, tmp_path)


def test_versions_agree(moved):
    version = re.search(r'FASTBAL_VERSION "(.*)"', (moved / "include" / "fastbal.h").read_text())[1]
    major, minor, _ = version.split(".")
    assert pkg_config(moved, "--modversion") == [version]
    names = sorted(p.name for p in moved.rglob("libfastbal.so*"))
    assert names == ["libfastbal.so", f"libfastbal.so.{major}.{minor}", f"libfastbal.so.{version}"]
    text, = moved.rglob("fastbalConfigVersion.cmake")
    assert f'PACKAGE_VERSION "{version}"' in text.read_text()


def header_example():
    """The program text in the first comment of the header."""
    comment = (ROOT / "include" / "fastbal.h").read_text().split("*/")[0]
    lines = [line[3:] for line in comment.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("    #include"))
    code = []
    for line in lines[first:]:
        if line and not line.startswith("    "):
            break
        code.append(line[4:])
    return "\n".join(code).strip() + "\n"


@pytest.mark.parametrize("language, compiler", [("c", "cc"), ("c++", "c++")])
def test_header_example(moved, tmp_path, language, compiler):
    """It compiles with strict warnings as C and as C++, and is what examples/ has."""
    need(compiler)
    example = header_example()
    function = example[example.index("// "):]
    assert function.count("\n") > 15 and function in EXAMPLE.read_text()
    source, program = tmp_path / "use.c", tmp_path / "use"
    source.write_text(example + """
int main(void)
{
    struct fastbal_options options = FASTBAL_OPTIONS_INIT;
#if FASTBAL_VERSION_MAJOR > 1000
#error numbers are for #if
#endif
    const double w[3] = { 3600, 3601, 3600 }, one[3] = { 1, 1, 1 };
    return options.size == sizeof options ? measure(3, w, one, one, 2) : -1;
}
""")
    library, = moved.rglob("libfastbal.a")
    call(compiler, *STRICT, "-I", moved / "include", "-x", language, source, "-x", "none", library, "-lm", "-o", program)
    result = subprocess.run([program], capture_output=True, text=True)
    assert result.returncode == 3 and "wavelength[2]" in result.stderr
