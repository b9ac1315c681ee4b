#!/bin/bash
#
# Run gcc -fanalyzer, clang-tidy and cppcheck on the program. Fails on any finding. Disabled checks are explained below,
# in .clang-tidy and in scripts/analyse-cppcheck.txt. Written for gcc 12, clang-tidy 14 and cppcheck 2.10 (Debian 12).
#
# bench/ and tests are not analysed: the programs in bench/ exit on any error without freeing memory, and analysers don't
# know that a failed assertion ends a test.
#
# usage: analyse.sh FOLDER [JOBS [gcc|clang-tidy|clang-tidy-quick|cppcheck ...]]    FOLDER for builds and logs
#
# clang-tidy-quick skips clang's path analysis, which takes most of the time; gcc's is comparable.
#
# SPDX-License-Identifier: BSD-3-Clause
set -u
cd "$(dirname "$0")/.." || exit 2
here=$PWD
folder=${1:?a folder for builds and logs}
jobs=${2:-$(nproc)}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- gcc clang-tidy cppcheck
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

configure() { # COMPILER CMAKE-OPTIONS...
    cmake -S . -B "$folder/$1" -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE=Debug "${@:2}" >/dev/null
}

# Each function prints its findings, one per line, as "FILE:LINE:COLUMN: ...".

# -Wanalyzer-use-of-uninitialized-value: gcc 12 does not recognise that loops fill arrays. -Wanalyzer-malloc-leak: it does
# not track memory owned by array elements. clang-tidy, cppcheck, valgrind and the sanitizers check both.
run_gcc() {
    local flags='-fanalyzer -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-malloc-leak'
    if ! configure gcc -DBUILD_TESTING=OFF -DCMAKE_C_FLAGS="$flags" ||
        ! cmake --build "$folder/gcc" -j "$jobs" --clean-first >"$folder/gcc.log" 2>&1; then
        echo "gcc: it does not build, see $folder/gcc.log"
    fi
    grep -E ': (warning|error):' "$folder/gcc.log" | sed "s#^$here/##" | sort -u
}

run_clang_tidy() { # OPTIONS
    configure clang -DBUILD_TESTING=OFF || echo "can't configure with clang"
    # One file per process, since clang-tidy 14 confuses files analysed together; the longest files first.
    git ls-files 'src/*.c' 'fits/*.c' 'desi/*.c' 'sim/*.c' 'train/*.c' 'pipeline/*.c' 'run/*.c' 'diff/*.c' 'list/*.c' 'score/*.c' 'report/*.c' 'plot/*.c' 'cli/*.c' templates/generate.c | xargs ls -S |
        xargs -P "$jobs" -n 1 clang-tidy --quiet "$@" -p "$folder/clang" >"$folder/clang-tidy.log" 2>&1
    grep -E ': (warning|error):|^Error' "$folder/clang-tidy.log" | sed "s#^$here/##" | sort -u
}

run_cppcheck() {
    configure clang -DBUILD_TESTING=OFF || echo "can't configure with clang"
    cppcheck --quiet -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=scripts/analyse-cppcheck.txt --project="$folder/clang/compile_commands.json" -i"$here/bench" \
        --template='{file}:{line}:{column}: {severity}: {message} [{id}]' 2>&1 >"$folder/cppcheck.log" | grep -E '\[[a-zA-Z]+\]$' |
        sed "s#^$here/##" | sort -u
}

status=0
for tool in "$@"; do
    started=$SECONDS
    if ! command -v "${tool%-quick}" >/dev/null; then
        echo "analyse.sh: there is no $tool" >&2
        exit 2
    fi
    case $tool in
        gcc) findings=$(run_gcc) ;;
        clang-tidy) findings=$(run_clang_tidy) ;;
        clang-tidy-quick) findings=$(run_clang_tidy '--checks=-clang-analyzer-*') ;;
        cppcheck) findings=$(run_cppcheck) ;;
        *) echo "analyse.sh: unknown tool '$tool'" >&2 && exit 2 ;;
    esac
    if [ -n "$findings" ]; then
        echo "$findings"
        status=1
    fi
    echo "$tool: $(grep -c . <<<"$findings") findings ($((SECONDS - started)) s)"
done
exit $status
