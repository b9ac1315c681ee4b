#!/bin/sh
# What the sanitizers had to say while tests ran. A test that expects a program to fail would take its report for the
# failure; so reports go to files, and there must be none.
#
# usage: reports.sh begin FOLDER FAULTS KIND...   empty the folder, after a look whether each kind of fault is reported
#        reports.sh end FOLDER                    status 1, and the reports, if there are any
#
# SPDX-License-Identifier: BSD-3-Clause
set -u

# Which files hold more than a refused allocation: that is no fault, malloc() returns NULL.
reports() { find "$1" -type f -exec grep -lvE '^$|WARNING: .*Sanitizer failed to allocate' {} +; }

command=$1 folder=$2
case $command in
    begin)
        faults=$3
        shift 3
        for kind in "$@"; do
            rm -rf "$folder"
            mkdir -p "$folder"
            "$faults" "$kind"
            status=$?
            if [ $status -ne 99 ] || [ -z "$(reports "$folder")" ]; then
                echo "a fault of the kind '$kind' ended with status $status and $(reports "$folder" | wc -l) reports"
                exit 1
            fi
        done
        rm -rf "$folder"
        mkdir -p "$folder"
        ;;
    end)
        [ -d "$folder" ] || exit 1
        [ -z "$(reports "$folder")" ] && exit 0
        reports "$folder" | while read -r report; do
            echo "== $report"
            head -60 "$report"
        done
        exit 1
        ;;
    *)
        echo "reports.sh: unknown command '$command'" >&2
        exit 2
        ;;
esac
