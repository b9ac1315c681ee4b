#!/bin/bash
#
# Every command of the pipeline on a small simulated tree, in four threads: what sanitizer builds are run on.
#
# usage: pipeline.sh BIN FOLDER
#
# SPDX-License-Identifier: BSD-3-Clause
set -eu

bin=${1:?the folder of the programs}
folder=${2:?a folder to work in}
rm -rf "$folder"
mkdir -p "$folder"
export DESI_SPECTRO_REDUX=$folder/sim/redux

"$bin/fastbal" simulate "$folder/sim" --pixels 8 --quasars 12 --others 4 --no-resolution
"$bin/fastbal" simulate "$folder/mock" --mock --pixels 3 --quasars 6
for again in '' --clobber; do
    "$bin/fastbal" split -q "$folder/sim/qso.fits" -a "$folder/bal" --nproc 4 $again
    "$bin/fastbal" find --release sim -a "$folder/bal" --templates builtin --nproc 4 -v $again
    "$bin/fastbal" append -q "$folder/sim/qso.fits" -b "$folder/bal" -o "$folder/three.fits" --nproc 4 $again
    "$bin/fastbal" run -q "$folder/sim/qso.fits" --release sim --templates builtin -o "$folder/one.fits" \
        --baldir "$folder/one" --nproc 4 $again
done
"$bin/fastbal" run -q "$folder/mock/qso.fits" --mock --mockdir "$folder/mock/mock" --templates builtin \
    -o "$folder/mock.fits" --nproc 4
