"""Builds the library and the programs with CMake, or takes those of $FASTBAL_BUILD, and puts them into the package, on Linux
with the shared libraries that they need. A wheel is for any Python 3, since the library is called through ctypes.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r'#define FASTBAL_VERSION "(.*)"', (ROOT / "include" / "fastbal.h").read_text())[1]


class Build(build_py):
    def run(self):
        super().run()
        given = os.environ.get("FASTBAL_BUILD")
        build = Path(given) if given else Path(self.build_lib).resolve() / "cmake"
        if not given:
            subprocess.run(["cmake", "-S", ROOT, "-B", build, "-DBUILD_TESTING=OFF"], check=True)
            subprocess.run(["cmake", "--build", build, "--parallel"], check=True)
        folder = Path(self.build_lib) / "fastbal" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        library = "libfastbal.dylib" if os.uname().sysname == "Darwin" else "libfastbal.so"
        shutil.copy2((build / library).resolve(), folder / library)
        for program in ["fastbal", *(path.name for path in (build / "bin").glob("fastbal_*.so"))]:
            shutil.copy2(build / "bin" / program, folder / program)
        if os.uname().sysname == "Linux":
            subprocess.run(["cmake", f"-DPROGRAM={build / 'bin' / 'fastbal'}", f"-DFOLDER={folder.resolve()}", "-P",
                            ROOT / "python" / "bundle.cmake"], check=True)
        if not given:
            shutil.rmtree(build)


class Wheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        return True


setup(version=VERSION, cmdclass={"build_py": Build, "bdist_wheel": Wheel}, distclass=BinaryDistribution)
