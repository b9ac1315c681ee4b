"""Installation into a folder of its own: programs under all names, header, library, script.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import shutil
import subprocess

import pytest

from support import BIN, DROP_IN, ROOT, SANITIZERS, environment

if not (BIN.parent / "CMakeCache.txt").exists() or not shutil.which("cmake"):
    pytest.skip("NOTICE: the programs under test don't lie in a build folder", allow_module_level=True)

PROGRAM = r"""
#include <stdio.h>
#include "fastbal.h"
int main(void)
{
    fastbal_templates *t;
    if (fastbal_templates_builtin(&t) != FASTBAL_OK)
        return 1;
    printf("%s %d\n", fastbal_version(), fastbal_templates_count(t));
    fastbal_templates_free(t);
    return 0;
}
"""


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


@pytest.mark.parametrize("language, compiler", [("c", "cc"), ("c++", "c++")])
def test_a_program_that_uses_the_library(tmp_path, language, compiler):
    """The header alone, with strict warnings, from C and from C++."""
    if not shutil.which(compiler):
        pytest.skip(f"NOTICE: there is no {compiler}")
    source, program = tmp_path / "use.c", tmp_path / "use"
    source.write_text(PROGRAM)
    library = os.environ.get("FASTBAL_LIB", BIN.parent / "libfastbal.a")
    flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I", ROOT / "include", "-x", language, source, "-x", "none"]
    flags += [f"-fsanitize={SANITIZERS}"] if SANITIZERS else []
    command = [compiler, *flags, library, "-lm", "-o", program]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert text.split()[0].count(".") == 2 and int(text.split()[1]) >= 4
