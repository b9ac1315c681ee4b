#!/bin/sh
# The complete pipeline: simulate quasars, run the three steps with the reference's rules, run all in one with ours, score
# both catalogs against the truth, draw a few BALs, and write a page about them all.
#
# usage: demo.sh BIN DIR     programs in BIN; DIR is replaced
#
# SPDX-License-Identifier: BSD-3-Clause
set -eu

bin=$1
demo=$2
tree=$demo/simulated
work=$demo/work
reference=$demo/qso-bal-reference.fits
ours=$demo/qso-bal-fastbal.fits

say() { printf '\n== %s\n' "$*"; }

rm -rf "$demo"
mkdir -p "$demo"

say "simulating quasars (fastbal simulate)"
"$bin/fastbal" simulate "$tree" --pixels 8 --quasars 150 --others 20 --no-resolution --seed 1

DESI_SPECTRO_REDUX=$tree/redux
export DESI_SPECTRO_REDUX
say "QSO catalog -> one redshift catalog per pixel (fastbal split)"
"$bin/splitafterburner_hp.py" -q "$tree/qso.fits" -a "$work"
say "spectra -> one BAL table per pixel, with the reference's rules (fastbal find)"
"$bin/runbalfinder_hp.py" -r sim -a "$work" --templates builtin --rules main --continuum least-squares
say "BAL tables -> QSO catalog with BAL columns (fastbal append)"
"$bin/appendbalinfo_hp.py" -q "$tree/qso.fits" -b "$work" -o "$reference"
say "the three steps in one, with fastbal's own rules and continuum (fastbal run)"
"$bin/fastbal" run -r sim -q "$tree/qso.fits" -o "$ours" --templates builtin --rules fastbal --continuum trough-aware

say "what was found, beside the truth (fastbal score)"
"$bin/fastbal" score "$reference" "$tree/truth.fits" --other "$ours" --short
cat <<'END'
Faint quasars lower these figures: half of them have SNR_CIV below 1.9, where noise hides all but the
deepest troughs, and those that are too faint to be searched count as missed.
END

pictures="$demo/bals.pdf"
if "$bin/fastbal" --version | grep -q '^plots: yes'; then
    say "the first six BALs (fastbal plot)"
    "$bin/fastbal" plot -q "$ours" -r sim --bals 6 --grid 2x3 -o "$pictures" --templates builtin --rules fastbal
else
    pictures="none: this build has no fastbal plot, which needs libcairo2-dev and libpango1.0-dev"
fi
page="$demo/report.html"
say "a page about the catalog (fastbal report)"
"$bin/fastbal" report "$ours" -r sim -o "$page" --templates builtin || page="none: docs/report.md says what is missing"
echo
echo "page         $page"
echo "pictures     $pictures"
echo "all figures  $bin/fastbal score $reference $tree/truth.fits --other $ours"
echo "catalogs     $reference, $ours"
echo "BAL tables   $work/healpix/main/dark/*/*/baltable-*.fits"
echo "spectra      $tree/redux/sim/healpix/main/dark/*/*/coadd-*.fits"
echo "truth        $tree/truth.fits"
