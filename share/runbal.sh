#!/bin/bash
#
# Run the three steps: split, find, append. Submits a Slurm job if sbatch is available, else runs them here.
#
# usage: runbal.sh [--local] [--help]
#
#   --local   run here even if sbatch is available
#   --help    print this and stop
#
# Settings are read from the environment:
#
#   QSOCAT      QSO catalog (required)
#   ALTZDIR     folder for redshift catalogs and BAL tables           [$PSCRATCH/fastbal/NAME, or ./fastbal-NAME, where
#                                                                      NAME is the last part of RELEASE, TREE or MOCKDIR]
#   OUTDIR      folder for the catalog with BAL columns, and job logs [ALTZDIR]
#   OUTCAT      its name                                              [name of QSOCAT with -altbal.fits]
#   NPROC       threads                                               [all cores of the job]
#   CHUNK_SIZE  pixels handed out at a time                           [default of each step]
#   FILE_DISCOVERY_WORKERS  threads that search for files             [16]
#   TEMPLATES   guo, brodzeller, builtin or a FITS file               [guo; brodzeller is the reference's --alttemp]
#
# Where the spectra are:
#
#   RELEASE     release: a folder in DESI_SPECTRO_REDUX, or a path    [$SPECPROD, or loa]
#   DESI_SPECTRO_REDUX      folder of releases                        [$DESI_ROOT/spectro/redux]
#   TREE        a tree of another kind, e.g. a skimmed one, instead of a release
#   MOCKDIR     the folder of a mock's spectra-16, instead of a release
#   SURVEY      survey                                                [main]
#   PROGRAM     program                                               [dark]
#   TILES       tiles instead of pixels: "all" (or 1), numbers separated by blanks or commas, or @FILE
#   NIGHT       with TILES: the last night of their spectra           [the latest]
#   NSIDE       with TREE: nside of a skimmed tree's pixels           [from its files]
#
# Whether a release or a tree has equal or adaptive pixels is detected.
#
# For Slurm: ACCOUNT [desi], QOS [regular], CONSTRAINT [cpu], TIME [02:00:00].
#
# A run that was stopped resumes when it is started again; OUTCAT is rewritten. Exit status: 0 if all is done; 1 if some
# pixels failed and the rest is done (append still runs); 2 if a step could do nothing, in which case later steps don't
# run. A signal (SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU) is forwarded to the current step, which exits
# cleanly; the exit status is that of the step, 128 + the signal number.
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

# ---- settings ----

if [ -z "${DESI_SPECTRO_REDUX:-}" ] && [ -n "${DESI_ROOT:-}" ]; then
    DESI_SPECTRO_REDUX=$DESI_ROOT/spectro/redux
fi
[ -n "${TREE:-}" ] && [ -n "${MOCKDIR:-}" ] && die "TREE and MOCKDIR exclude each other"
if [ -n "${TREE:-}${MOCKDIR:-}" ]; then
    [ -z "${RELEASE:-}" ] || die "RELEASE says where the spectra are, and so does TREE or MOCKDIR: unset one of them"
else
    RELEASE=${RELEASE:-${SPECPROD:-loa}}
fi
SURVEY=${SURVEY:-main}
PROGRAM=${PROGRAM:-dark}
FILE_DISCOVERY_WORKERS=${FILE_DISCOVERY_WORKERS:-16}
if [ -z "${ALTZDIR:-}" ]; then
    ALTZDIR=$(basename -- "${TREE:-${MOCKDIR:-$RELEASE}}")
    if [ -n "${PSCRATCH:-}" ]; then ALTZDIR=$PSCRATCH/fastbal/$ALTZDIR; else ALTZDIR=$PWD/fastbal-$ALTZDIR; fi
fi
OUTDIR=${OUTDIR:-$ALTZDIR}
if [ -z "${OUTCAT:-}" ] && [ -n "${QSOCAT:-}" ]; then
    OUTCAT=$(basename -- "$QSOCAT")
    OUTCAT=${OUTCAT%.gz}
    OUTCAT=${OUTCAT%.fits}-altbal.fits
fi

# ---- checks ----

for name in QSOCAT RELEASE DESI_SPECTRO_REDUX TREE MOCKDIR SURVEY PROGRAM TILES NIGHT NSIDE ALTZDIR OUTDIR OUTCAT \
    NPROC CHUNK_SIZE FILE_DISCOVERY_WORKERS TEMPLATES ACCOUNT QOS CONSTRAINT TIME; do
    declare "$name=${!name:-}"
    case ${!name} in
        *[[:cntrl:]]*) die "$name has a new line or another control character in it: $(printf '%q' "${!name}")" ;;
    esac
done
[ -n "$QSOCAT" ] || die "QSOCAT is not set: it has to name the QSO catalog"
[ -f "$QSOCAT" ] || die "QSOCAT: there is no file $QSOCAT"
for name in NPROC CHUNK_SIZE FILE_DISCOVERY_WORKERS NIGHT NSIDE; do
    case ${!name} in
        *[!0-9]* | 0*) die "$name has to be a whole number above 0, not '${!name}'" ;;
    esac
done

case $TILES in
    "" | all | @*) ;;
    *[!0-9\ ,]*) die "TILES has to be all, numbers separated by blanks or commas, or @FILE, not '$TILES'" ;;
esac
[ -z "$NIGHT" ] || [ -n "$TILES" ] || die "NIGHT goes with TILES, which is not set"
[ -z "$NSIDE" ] || [ -n "$TREE" ] || die "NSIDE goes with TREE, which is not set"
[ -z "$MOCKDIR$NSIDE" ] || [ -z "$TILES" ] || die "TILES goes with neither MOCKDIR nor NSIDE"

if [ -n "$TREE" ]; then
    [ -d "$TREE" ] || die "TREE: there is no folder $TREE"
elif [ -n "$MOCKDIR" ]; then
    [ -d "$MOCKDIR/spectra-16" ] || die "MOCKDIR: there is no folder $MOCKDIR/spectra-16"
else
    case $RELEASE in
        */*) root=$RELEASE ;;
        *)
            [ -n "$DESI_SPECTRO_REDUX" ] ||
                die "neither DESI_SPECTRO_REDUX nor DESI_ROOT is set: where are the releases?"
            root=$DESI_SPECTRO_REDUX/$RELEASE
            ;;
    esac
    if [ -n "$TILES" ]; then
        [ -d "$root/tiles" ] || die "RELEASE, TILES: there is no folder $root/tiles"
    elif [ ! -d "$root/healpix/$SURVEY/$PROGRAM" ] && [ ! -d "$root/spectra/$SURVEY/$PROGRAM" ]; then
        die "RELEASE, SURVEY, PROGRAM: there is neither a folder $root/healpix/$SURVEY/$PROGRAM nor" \
            "$root/spectra/$SURVEY/$PROGRAM"
    fi
fi

# The program is next to this script in a source tree or an installation, or on PATH.
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

if [ -n "$TEMPLATES" ]; then
    said=$("$fastbal" templates --templates "$TEMPLATES" 2>&1) || die "TEMPLATES: ${said#fastbal templates: }"
fi
mkdir -p -- "$ALTZDIR" || die "ALTZDIR: can't make the folder $ALTZDIR"
mkdir -p -- "$OUTDIR" || die "OUTDIR: can't make the folder $OUTDIR"

# ---- the three steps, as a script for a batch job or this shell ----

common=(--survey "$SURVEY" --program "$PROGRAM" --verbose) find=(--tids) append=()
if [ -n "$TREE" ]; then
    common+=(--tree "$TREE")
elif [ -n "$MOCKDIR" ]; then
    common+=(--mock)
    find+=(--mockdir "$MOCKDIR")
else
    common+=(--release "$RELEASE")
fi
case $TILES in
    "") ;;
    all | 1) common+=(--tiles) ;;
    *) common+=(--tiles "$TILES") ;;
esac
[ -n "$NIGHT" ] && common+=(--night "$NIGHT")
[ -n "$NSIDE" ] && common+=(--nside "$NSIDE")
[ -n "$NPROC" ] && common+=(--nproc "$NPROC")
[ -n "$CHUNK_SIZE" ] && common+=(--chunk-size "$CHUNK_SIZE")
find+=(--file-discovery-workers "$FILE_DISCOVERY_WORKERS")
[ -n "$TEMPLATES" ] && find+=(--templates "$TEMPLATES")
[ "$TEMPLATES" = brodzeller ] && append+=(--alttemp)

# The function that runs a step and forwards signals to it.
runner() {
    cat <<'END'
pid='' again='' signal='' worst=0

pass_on() { # SIGNAL
    again=1
    signal=$1
    [ -z "$pid" ] || kill -s "$signal" "$pid" 2>/dev/null
}
for name in INT TERM HUP USR1 USR2 XCPU; do
    trap "pass_on $name" "$name"
done

step() { # TITLE COMMAND ARGUMENT ...
    date
    echo "# $1"
    shift
    [ -z "$signal" ] || exit $((128 + $(kill -l "$signal")))
    # background processes ignore these two by default
    (trap - INT QUIT && exec "$@") </dev/null &
    pid=$!
    [ -z "$signal" ] || kill -s "$signal" "$pid" 2>/dev/null # the signal came before pid was set
    again=1
    while [ -n "$again" ]; do # a signal ends the wait, but not yet the step
        again=''
        wait "$pid"
        status=$?
    done
    pid=''
    [ $status -le 1 ] || exit $status
    [ $status -le $worst ] || worst=$status # 1: some pixels failed, the others are done
}

END
}

quoted() { printf ' %q' "$@"; }

steps() { # PREFIX, "srun -N 1" in a job
    runner
    [ -z "$DESI_SPECTRO_REDUX" ] || printf 'export DESI_SPECTRO_REDUX=%q\n' "$DESI_SPECTRO_REDUX"
    cat <<END
step "Step 1: split the QSO catalog into redshift catalogs, one a pixel" \\
    $1$(quoted "$fastbal" split --qsocat "$QSOCAT" --altzdir "$ALTZDIR" "${common[@]}")
step "Step 2: find broad absorption lines" \\
    $1$(quoted "$fastbal" find --altzdir "$ALTZDIR" "${common[@]}" "${find[@]}")
step "Step 3: append what was found to the QSO catalog" \\
    $1$(quoted "$fastbal" append --qsocat "$QSOCAT" --baldir "$ALTZDIR" --outcatfile "$OUTDIR/$OUTCAT" --clobber \
        "${common[@]}" ${append[@]+"${append[@]}"})
date
exit \$worst
END
}

if [ $local_run -eq 1 ] || ! command -v sbatch >/dev/null; then
    eval "$(steps "")"
fi

# Quote a word for sbatch: quotes group, and a backslash escapes the next character. In names of logs, %j is the job
# number and %% a percent sign, but a name with a backslash is used literally, including %j.
sbatch_word() {
    local word=${1//\\/\\\\}
    case $word in
        *[!A-Za-z0-9_/.,:=@%+-]*) printf '"%s"' "${word//\"/\\\"}" ;;
        *) printf '%s' "$word" ;;
    esac
}
case $OUTDIR in
    *\\*) die "OUTDIR has a backslash in it, which Slurm does not take in the name of a log: $OUTDIR" ;;
esac

job=$OUTDIR/runbal.sl
{
    cat <<END
#!/bin/bash
#SBATCH --nodes=1
#SBATCH --constraint=$(sbatch_word "${CONSTRAINT:-cpu}")
#SBATCH --account=$(sbatch_word "${ACCOUNT:-desi}")
#SBATCH --qos=$(sbatch_word "${QOS:-regular}")
#SBATCH --job-name=fastbal
#SBATCH --output=$(sbatch_word "${OUTDIR//%/%%}/job-fastbal-%j.log")
#SBATCH --time=$(sbatch_word "${TIME:-02:00:00}")

END
    # srun gives a step one core by default: use the whole node
    # shellcheck disable=SC2016 # to be expanded in the job
    steps 'srun -N 1 -n 1 -c "${SLURM_CPUS_ON_NODE:-1}" --cpu-bind=none'
} >"$job" || die "can't write $job"
echo "submitting $job"
exec sbatch "$job"
