#!/bin/sh
# Print a Python of 3.10 or newer that has the given modules, e.g. "find-python.sh numpy astropy"; status 1 if there is none.
#
# Debian's python3-astropy belongs to /usr/bin/python3, while the first python3 on PATH may be another one that has
# neither numpy nor astropy. $PYTHON is tried first.
#
# SPDX-License-Identifier: BSD-3-Clause
set -u

imports='import sys; assert sys.version_info >= (3, 10)'
for module in "$@"; do
    imports="$imports; import $module"
done

for python in ${PYTHON:+"$PYTHON"} /usr/bin/python3 python3; do
    path=$(command -v "$python" 2>/dev/null) || continue
    if "$path" -c "$imports" >/dev/null 2>&1; then
        printf '%s\n' "$path"
        exit 0
    fi
done
exit 1
