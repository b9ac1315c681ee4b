#!/bin/bash
#
# Run the three steps on a release: split, find, append. Submits a Slurm job where sbatch is there, else runs them here.
#
# usage: runbal.sh [--local] [--help]
#
#   --local   run here even where sbatch is there
#   --help    print this and stop
#
# What to do comes from the environment:
#
#   QSOCAT      QSO catalog (required)
#   ALTZDIR     folder for redshift catalogs and BAL tables           [$PSCRATCH/fastbal/RELEASE, or ./fastbal-RELEASE]
#   OUTDIR      folder for the catalog with BAL columns, and job logs [ALTZDIR]
#   OUTCAT      its name                                              [name of QSOCAT with -altbal.fits]
#   RELEASE     release, a folder below DESI_SPECTRO_REDUX            [$SPECPROD, or loa]
#   SURVEY      survey                                                [main]
#   PROGRAM     program                                               [dark]
#   NPROC       threads                                               [all cores the job has]
#   CHUNK_SIZE  pixels handed out at a time                           [each step's own]
#   FILE_DISCOVERY_WORKERS  threads that look for files               [16]
#   TEMPLATES   guo, brodzeller, builtin or a FITS file               [guo; brodzeller is the reference's --alttemp]
#   DESI_SPECTRO_REDUX      where releases are                        [$DESI_ROOT/spectro/redux]
#
# For Slurm: ACCOUNT [desi], QOS [regular], CONSTRAINT [cpu], TIME [02:00:00].
#
# A run that was stopped goes on where it was when it is started again; OUTCAT is written anew. Exit status: that of
# the step that failed; 1 where some pixels failed and the rest is done (append still runs), 2 where nothing could be
# done.
#
# SPDX-License-Identifier: BSD-3-Clause
set -u

die() {
    echo "runbal.sh: $*" >&2
    exit 2
}

local_run=0
for argument in "$@"; do
    case $argument in
        --local) local_run=1 ;;
        -h | --help)
            sed -n '3,/^# SPDX/p' "$0" | sed -e '/SPDX/d' -e 's/^# \{0,1\}//'
            exit 0
            ;;
        *) die "unknown argument '$argument' (--local or --help)" ;;
    esac
done

# ---- what to do ----

RELEASE=${RELEASE:-${SPECPROD:-loa}}
SURVEY=${SURVEY:-main}
PROGRAM=${PROGRAM:-dark}
FILE_DISCOVERY_WORKERS=${FILE_DISCOVERY_WORKERS:-16}
NPROC=${NPROC:-}
CHUNK_SIZE=${CHUNK_SIZE:-}
TEMPLATES=${TEMPLATES:-}
if [ -z "${DESI_SPECTRO_REDUX:-}" ] && [ -n "${DESI_ROOT:-}" ]; then
    DESI_SPECTRO_REDUX=$DESI_ROOT/spectro/redux
fi

# ---- is everything there? ----

[ -n "${QSOCAT:-}" ] || die "QSOCAT is not set: it has to name the QSO catalog"
[ -f "$QSOCAT" ] || die "QSOCAT: there is no file $QSOCAT"
[ -n "${DESI_SPECTRO_REDUX:-}" ] || die "neither DESI_SPECTRO_REDUX nor DESI_ROOT is set: where are the releases?"
spectra=$DESI_SPECTRO_REDUX/$RELEASE/healpix/$SURVEY/$PROGRAM
[ -d "$spectra" ] || die "RELEASE, SURVEY, PROGRAM: there is no folder $spectra"
for name in NPROC CHUNK_SIZE FILE_DISCOVERY_WORKERS; do
    case ${!name} in
        *[!0-9]* | 0*) die "$name has to be a whole number above 0, not '${!name}'" ;;
    esac
done

if [ -z "${ALTZDIR:-}" ]; then
    if [ -n "${PSCRATCH:-}" ]; then ALTZDIR=$PSCRATCH/fastbal/$RELEASE; else ALTZDIR=$PWD/fastbal-$RELEASE; fi
fi
OUTDIR=${OUTDIR:-$ALTZDIR}
if [ -z "${OUTCAT:-}" ]; then
    OUTCAT=$(basename "$QSOCAT")
    OUTCAT=${OUTCAT%.gz}
    OUTCAT=${OUTCAT%.fits}-altbal.fits
fi
mkdir -p "$ALTZDIR" || die "ALTZDIR: can't make the folder $ALTZDIR"
mkdir -p "$OUTDIR" || die "OUTDIR: can't make the folder $OUTDIR"

# The program: beside this script in a source tree or an installation, else on PATH.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
fastbal=
for candidate in "$here/../build/bin/fastbal" "$here/../../bin/fastbal" "$here/../bin/fastbal" \
    "$(command -v fastbal)"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
        fastbal=$(cd "$(dirname "$candidate")" && pwd)/fastbal
        break
    fi
done
[ -n "$fastbal" ] || die "there is no program fastbal: not in $here/../build/bin, $here/../../bin or on PATH"

# ---- the three steps, as a script that a batch job or this machine runs ----

quoted() { printf ' %q' "$@"; }

threads=() chunks=() templates=() alttemp=()
[ -n "$NPROC" ] && threads=(--nproc "$NPROC")
[ -n "$CHUNK_SIZE" ] && chunks=(--chunk-size "$CHUNK_SIZE")
[ -n "$TEMPLATES" ] && templates=(--templates "$TEMPLATES")
[ "$TEMPLATES" = brodzeller ] && alttemp=(--alttemp)

steps() { # PREFIX, "srun -N 1" in a job
    cat <<EOF
export DESI_SPECTRO_REDUX=$(printf '%q' "$DESI_SPECTRO_REDUX")

date
echo "# Step 1: split the QSO catalog into redshift catalogs, one a pixel"
$1$(quoted "$fastbal" split --qsocat "$QSOCAT" --altzdir "$ALTZDIR" --survey "$SURVEY" --program "$PROGRAM" \
        --verbose ${threads[@]+"${threads[@]}"} ${chunks[@]+"${chunks[@]}"}) || exit

date
echo "# Step 2: find broad absorption lines"
$1$(quoted "$fastbal" find --release "$RELEASE" --altzdir "$ALTZDIR" --survey "$SURVEY" --program "$PROGRAM" --tids \
        --verbose --file-discovery-workers "$FILE_DISCOVERY_WORKERS" ${threads[@]+"${threads[@]}"} \
        ${chunks[@]+"${chunks[@]}"} ${templates[@]+"${templates[@]}"})
found=\$?
[ \$found -le 1 ] || exit \$found  # 1: some pixels failed, the others are done

date
echo "# Step 3: append what was found to the QSO catalog"
$1$(quoted "$fastbal" append --qsocat "$QSOCAT" --baldir "$ALTZDIR" --outcatfile "$OUTDIR/$OUTCAT" --survey "$SURVEY" \
        --program "$PROGRAM" --clobber --verbose ${threads[@]+"${threads[@]}"} ${chunks[@]+"${chunks[@]}"} \
        ${alttemp[@]+"${alttemp[@]}"})
appended=\$?

date
[ \$appended -eq 0 ] || exit \$appended
exit \$found
EOF
}

if [ $local_run -eq 1 ] || ! command -v sbatch >/dev/null; then
    steps "" | bash
    exit "${PIPESTATUS[1]}"
fi

job=$OUTDIR/runbal.sl
{
    cat <<EOF
#!/bin/bash
#SBATCH --nodes=1
#SBATCH --constraint=${CONSTRAINT:-cpu}
#SBATCH --account=${ACCOUNT:-desi}
#SBATCH --qos=${QOS:-regular}
#SBATCH --job-name=fastbal
#SBATCH --output=$OUTDIR/job-fastbal-%j.log
#SBATCH --time=${TIME:-02:00:00}

EOF
    # srun gives a step one core unless told otherwise: the whole node is meant
    # shellcheck disable=SC2016 # to be expanded in the job
    steps 'srun -N 1 -n 1 -c "${SLURM_CPUS_ON_NODE:-1}" --cpu-bind=none'
} >"$job" || die "can't write $job"
echo "submitting $job"
exec sbatch "$job"
