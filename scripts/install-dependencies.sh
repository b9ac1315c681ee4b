#!/bin/sh
# Install missing dependencies of fastbal. If nothing is missing, this is quick and needs no network.
#
# usage: install-dependencies.sh [--check] [build|demo|test|ci|fuzz]
#
#   build   compiler, make, cmake, pkg-config, CFITSIO, zlib, chealpix (the default)
#   demo    build, and Cairo, Pango and a font, for fastbal plot, and npm, for fastbal report
#   test    demo, and cmocka, a Python with numpy, astropy, pytest and pip, valgrind, Open MPI and Chromium
#   ci      test, and clang, clang-tidy, cppcheck, shellcheck, doxygen, matplotlib, pandas and mypy
#   fuzz    build, and clang with its fuzzer and sanitizers
#   --check  install nothing; list what is missing, status 1 if anything is
#
# Supports Debian and Ubuntu (apt-get, with sudo unless root). On other systems it lists the conda-forge packages.
#
# SPDX-License-Identifier: BSD-3-Clause
set -u

here=$(dirname "$0")
check=0
level=build
for argument in "$@"; do
    case $argument in
        --check) check=1 ;;
        build | demo | test | ci | fuzz) level=$argument ;;
        -h | --help)
            sed -n '2,/^# SPDX/p' "$0" | sed -e '/SPDX/d' -e 's/^# \{0,1\}//'
            exit 0
            ;;
        *)
            echo "install-dependencies.sh: unknown argument '$argument' (build, demo, test, ci, fuzz or --check)" >&2
            exit 2
            ;;
    esac
done

deb='' conda=''
missing() { # DEBIAN-PACKAGES CONDA-FORGE-PACKAGES
    deb="$deb $1"
    conda="$conda $2"
}
program() { command -v "$1" >/dev/null 2>&1; }
library() { # PKG-CONFIG-NAME HEADER: either proves that the development files are there
    pkg-config --exists "$1" 2>/dev/null && return 0
    # shellcheck disable=SC2086 # CPPFLAGS is a list of words
    printf '#include <stddef.h>\n#include <stdarg.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s>\n' "$2" |
        cc ${CPPFLAGS:-} -E - >/dev/null 2>&1
}
# clang may be installed without libFuzzer
fuzzer() { echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null; }
python_with() { "$here/find-python.sh" "$@" >/dev/null; }

program cc || missing 'gcc libc6-dev' compilers
program make || missing make make
program cmake || missing cmake cmake
program pkg-config || missing pkg-config pkg-config
library cfitsio fitsio.h || missing libcfitsio-dev cfitsio
library chealpix chealpix.h || missing libchealpix-dev chealpix
library zlib zlib.h || missing zlib1g-dev zlib
if [ "$level" != build ] && [ "$level" != fuzz ]; then
    # Without them fastbal plot is left out, and nothing else.
    library cairo cairo.h || missing 'libcairo2-dev fonts-dejavu-core' cairo
    library pangocairo pango/pangocairo.h || missing libpango1.0-dev pango
    # Without it fastbal report is left out, and nothing else.
    program npm || missing 'nodejs npm' nodejs
fi
if [ "$level" = test ] || [ "$level" = ci ]; then
    library cmocka cmocka.h || missing libcmocka-dev cmocka
    python_with numpy astropy pytest || missing 'python3 python3-numpy python3-astropy python3-pytest' 'python numpy astropy pytest'
    python_with setuptools wheel pip || missing 'python3-pip python3-setuptools python3-wheel' 'pip setuptools wheel'
    # Tests of ranks are skipped without MPI.
    { program mpirun && program mpicc; } || ! program apt-get || missing 'libopenmpi-dev openmpi-bin' openmpi
    # Only the leak tests need valgrind, and they are skipped without it, so its absence is no failure.
    program valgrind || ! program apt-get || missing valgrind valgrind
    # So does the test of reports in a browser.
    program chromium || program chromium-browser || program google-chrome || ! program apt-get || missing chromium chromium
fi
if [ "$level" = ci ]; then
    # The test of the library's reference is skipped without it.
    program doxygen || ! program apt-get || missing doxygen doxygen
    # Tests of pictures, types and pandas in Python are skipped without them.
    python_with numpy matplotlib mypy pandas || ! program apt-get || missing 'python3-matplotlib mypy python3-pandas' 'matplotlib mypy pandas'
    program clang || missing clang clang
    program clang-tidy || missing clang-tidy clang-tools
    program cppcheck || missing cppcheck cppcheck
    program shellcheck || missing shellcheck shellcheck
fi

if [ "$level" = fuzz ]; then
    fuzzer || missing 'clang libclang-rt-dev' 'clang compiler-rt'
fi

[ -z "$deb" ] && exit 0

if [ $check -eq 1 ]; then
    echo "missing:$deb" >&2
    echo "'$0 $level' installs them on Debian and Ubuntu; conda-forge has them as:$conda" >&2
    exit 1
fi

if ! program apt-get; then
    echo "fastbal needs these packages, which this script can only install on Debian and Ubuntu." >&2
    echo "With conda-forge: conda install -c conda-forge$conda" >&2
    exit 1
fi

root=''
if [ "$(id -u)" -ne 0 ]; then
    if ! program sudo; then
        echo "please run as root: apt-get update && apt-get install -y --no-install-recommends$deb" >&2
        exit 1
    fi
    root=sudo
fi

echo "installing:$deb"
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || exit 1
# Another installation may hold the lock: wait for it.
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
    --no-install-recommends $deb >/dev/null || exit 1

# Check again, so that missing dependencies are reported here and not during the build.
exec "$0" --check "$level"
