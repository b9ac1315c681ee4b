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
deepest troughs, and those that are too faint to be searched count as missed. Most finds that are no
outflow are real absorption by other gas on the line of sight: "any absorption" counts them as right.
END

say "the finds of fastbal's detector in the second catalog (fastbal score --detector)"
"$bin/fastbal" score "$ours" "$tree/truth.fits" --detector --short
cat <<'END'
The detector tells outflows from other gas by their shape, and searches faint quasars as well (docs/detector.md).
END

say "the strongest BALs (fastbal list)"
strongest() { # COLUMNS [OPTION...]
    "$bin/fastbal" list "$ours" --where 'PCA_CHI2 < 1.5, SNR_CIV > 3' --sort AI_CIV --reverse -n 3 --columns "$@"
}
strongest 'TARGETID,Z,SNR_CIV,AI_CIV,BI_CIV,VMIN_CIV_450[0],VMAX_CIV_450[0]'
if "$bin/fastbal" --version | grep -q '^plots: yes'; then
    say "pictures of them (fastbal plot)"
    # shellcheck disable=SC2046 # a list of numbers
    "$bin/fastbal" plot -q "$ours" -r sim --targetids $(strongest TARGETID --format csv | sed 1d) -o "$demo/bal.png"
    pictures="$demo/bal-1.png, bal-2.png, bal-3.png"
else
    pictures="none: this build has no fastbal plot, which needs libcairo2-dev and libpango1.0-dev"
fi
page=$demo/report.html
say "a page about the catalog, with its BALs to look at (fastbal report)"
"$bin/fastbal" report "$ours" -r sim -o "$page" || page="none: docs/report.md says what is missing"

say "what was written"
cat <<END
page         $page
pictures     $pictures
catalogs     $reference, $ours
spectra      $tree/redux/sim/healpix/main/dark/*/*/coadd-*.fits
truth        $tree/truth.fits

What to do next:
  open the page in a browser, choose "Inspector", and go through the BALs with j and k
  all figures of the score: $bin/fastbal score $reference $tree/truth.fits --other $ours
  your own spectra: $bin/fastbal run -q CATALOG --tree TREE -o OUT.fits (docs/running.md)
END
