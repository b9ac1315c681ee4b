#!/bin/sh
# The complete pipeline: simulate quasars, run the three steps, compare the catalog with the truth.
#
# usage: demo.sh BIN DIR     programs in BIN; DIR is replaced
#
# SPDX-License-Identifier: BSD-3-Clause
set -eu

bin=$1
demo=$2
tree=$demo/simulated
work=$demo/work
catalog=$demo/qso-bal.fits
here=$(dirname "$0")

say() { printf '\n== %s\n' "$*"; }

python=$("$here/find-python.sh" numpy astropy) || {
    echo "demo.sh: no Python with numpy and astropy ($here/install-dependencies.sh demo installs one)" >&2
    exit 1
}
rm -rf "$demo"
mkdir -p "$demo"

say "simulating quasars (fastbal simulate)"
"$bin/fastbal" simulate "$tree" --pixels 6 --quasars 120 --others 40 --seed 1

DESI_SPECTRO_REDUX=$tree/redux
export DESI_SPECTRO_REDUX
started=$(date +%s.%N)
say "QSO catalog -> one redshift catalog per pixel (fastbal split)"
"$bin/splitafterburner_hp.py" -q "$tree/qso.fits" -a "$work"
say "spectra -> one BAL table per pixel (fastbal find)"
"$bin/runbalfinder_hp.py" -r sim -a "$work" --templates builtin
say "BAL tables -> QSO catalog with BAL columns (fastbal append)"
"$bin/appendbalinfo_hp.py" -q "$tree/qso.fits" -b "$work" -o "$catalog"
finished=$(date +%s.%N)

say "what was found"
"$python" "$here/demo_summary.py" "$catalog" "$tree/truth.fits" \
    --seconds "$(echo "$started $finished" | awk '{printf "%.2f", $2 - $1}')"
echo
echo "catalog     $catalog"
echo "BAL tables  $work/healpix/main/dark/*/*/baltable-*.fits"
echo "spectra     $tree/redux/sim/healpix/main/dark/*/*/coadd-*.fits"
echo "truth       $tree/truth.fits"
