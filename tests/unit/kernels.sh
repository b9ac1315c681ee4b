#!/bin/sh
# Every rung of kernels that this processor has against the plain one, bit by bit; and a name that is none.
#
# usage: kernels.sh PRINT_RESULTS
#
# SPDX-License-Identifier: BSD-3-Clause
set -eu
results=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

status=0
error=$(FASTBAL_KERNELS=none "$results" 2>&1 >/dev/null) || status=$?
case "$status $error" in
    "2 FASTBAL_KERNELS: expected kernels that this processor can run, found none; these are: plain"*) ;;
    *) echo "FASTBAL_KERNELS=none: status $status, $error"; exit 1 ;;
esac
for name in ${error##*:}; do
    FASTBAL_KERNELS=$name "$results" >"$folder/$name"
    cmp "$folder/plain" "$folder/$name"
    echo "$name gives the same bits"
done
"$results" | cmp - "$folder/plain" # without the variable
test "$(grep -c chi2 "$folder/plain")" -eq 720
test "$(grep -c "^detection 1 . [1-9]" "$folder/plain")" -ge 60 # by the detector that finds more
