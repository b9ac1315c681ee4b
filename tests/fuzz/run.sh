#!/bin/sh
# Fuzz one target after the other, a while each, and say what came of it. "make fuzz" first.
#
# usage: tests/fuzz/run.sh [-b BUILD] [-s SECONDS] [TARGET...]
#
#   -b  the build, build-fuzz unless said otherwise
#   -s  CPU seconds each, 600
#
# Inputs that reach new code are kept in BUILD/fuzz/TARGET and used again; those that break something are left there as
# crash-*, timeout-* and oom-*. Copy these, smaller where they can be (-minimize_crash=1), to tests/fuzz/corpus/TARGET:
# they are replayed by every "make test". Status 1 if anything broke.
#
# SPDX-License-Identifier: BSD-3-Clause
set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build-fuzz seconds=600
while getopts b:s: option; do
    case $option in
        b) build=$OPTARG ;;
        s) seconds=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- coadd redshifts catalog templates baltable detector measure join

# Files are written to and read from memory; a malloc that fails is an error message, and one that is larger than the
# limit is a finding.
export ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=1:${ASAN_OPTIONS:-}"

# What the programs called so far have used, user and system, to $cpu. Not in a subshell, which counts from 0.
cpu_seconds() {
    times >"$build/fuzz/times.$$"
    cpu=$(sed -n 2p "$build/fuzz/times.$$" | tr 'ms' '  ' | awk '{ printf "%d\n", $1 * 60 + $2 + $3 * 60 + $4 }')
}

mkdir -p "$build/fuzz"
status=0
for target in "$@"; do
    program=$build/tests/fuzz/fuzz_$target found=$build/fuzz/$target most=131072
    case $target in
        measure | join) most=16384 ;;
    esac
    kept=$here/corpus/$target
    [ -d "$kept" ] || kept=
    mkdir -p "$found"
    # -max_total_time is by the clock: where others use the machine too, it takes several rounds.
    : >"$found.log"
    cpu_seconds
    started=$cpu used=0 runs=0
    while [ "$used" -lt "$seconds" ]; do
        # shellcheck disable=SC2086 # nothing where there is no folder
        nice -n 15 "$program" -max_total_time=$((seconds - used)) -timeout=60 -rss_limit_mb=2000 -max_len=$most \
            -len_control=0 -artifact_prefix="$found/" -print_final_stats=1 -verbosity=1 "$found" \
            "$build/tests/fuzz/seeds/$target" $kept >"$found.round" 2>&1
        broke=$?
        runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.round" | grep . || echo 0)))
        cat "$found.round" >>"$found.log"
        cpu_seconds
        used=$((cpu - started))
        if [ $broke -ne 0 ]; then
            status=1
            echo "$target: BROKEN, see $found.log"
            break
        fi
    done
    rm -f "$found.round"
    cover=$(grep -o 'cov: [0-9]* ft: [0-9]* corp: [^ ]*' "$found.log" | tail -1)
    echo "$target: $runs executions, $cover, $used s of CPU"
done
rm -f "$build/fuzz/times.$$"
exit $status
