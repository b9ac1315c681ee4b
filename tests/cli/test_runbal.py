"""share/runbal.sh: the three steps as one job, here or through Slurm.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import subprocess

import pytest

from support import BALMASK, BIN, PIXELS, ROOT, environment, table

SCRIPT = ROOT / "share" / "runbal.sh"


@pytest.fixture
def script(tmp_path):
    """The script in an installation of its own, so that it finds the programs under test."""
    (tmp_path / "prefix" / "share" / "fastbal").mkdir(parents=True)
    (tmp_path / "prefix" / "bin").symlink_to(BIN)
    copy = tmp_path / "prefix" / "share" / "fastbal" / "runbal.sh"
    copy.write_bytes(SCRIPT.read_bytes())
    copy.chmod(0o755)
    return copy


def settings(tree, **changes):
    return environment(**{"DESI_SPECTRO_REDUX": tree.redux, "QSOCAT": tree.qso, "ALTZDIR": tree.z, "RELEASE": "sim",
                          "OUTDIR": tree.out.parent, "OUTCAT": "qso-bal.fits", "TEMPLATES": "builtin", "NPROC": 2,
                          "CHUNK_SIZE": 1, "FILE_DISCOVERY_WORKERS": 2, "SURVEY": None, "PROGRAM": None,
                          "SPECPROD": None, "PSCRATCH": None} | changes)


def launch(script, *arguments, env, status=0, cwd=None):
    result = subprocess.run([script, *arguments], env=env, cwd=cwd, capture_output=True, text=True,
                            stdin=subprocess.DEVNULL, timeout=120)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def test_here(tree, script):
    result = launch(script, "--local", env=settings(tree))
    assert table(tree.out)["BALMASK"].tolist() == list(BALMASK.values())
    steps = [result.stdout.index(f"# Step {k}") for k in (1, 2, 3)]
    assert steps == sorted(steps)
    launch(script, "--local", env=settings(tree))  # again: what is there is kept, the catalog is made anew


def test_defaults(tree, script, tmp_path):
    """Names and folders where nothing is said."""
    here = tmp_path / "here"
    here.mkdir()
    unset = dict.fromkeys(("ALTZDIR", "OUTDIR", "OUTCAT", "NPROC", "CHUNK_SIZE", "FILE_DISCOVERY_WORKERS", "RELEASE"))
    launch(script, "--local", cwd=here, env=settings(tree, **unset, SPECPROD="sim"))
    work = here / "fastbal-sim"
    assert table(work / "qso-altbal.fits")["BALMASK"].tolist() == list(BALMASK.values())
    scratch = tmp_path / "scratch"
    launch(script, "--local", env=settings(tree, ALTZDIR=None, OUTDIR=None, OUTCAT=None, PSCRATCH=scratch))
    assert (scratch / "fastbal" / "sim" / "qso-altbal.fits").exists()


def test_desi_root(tree, script):
    root = tree.root / "desi"
    (root / "spectro").mkdir(parents=True)
    tree.redux.rename(root / "spectro" / "redux")
    launch(script, "--local", env=settings(tree, DESI_SPECTRO_REDUX=None, DESI_ROOT=root))
    assert tree.out.exists()


def test_names_with_blanks(tree, script):
    work, catalog = tree.root / "a folder", tree.root / "my qso's.fits"
    tree.qso.rename(catalog)
    launch(script, "--local", env=settings(tree, ALTZDIR=work, QSOCAT=catalog, OUTCAT="an output.fits"))
    assert (tree.out.parent / "an output.fits").exists()


def test_failed_pixels_are_the_final_status(tree, script):
    """The catalog is there all the same."""
    tree.coadd(PIXELS[0]).write_text("no FITS file")
    launch(script, "--local", env=settings(tree), status=1)
    assert tree.out.exists()


def test_a_step_that_can_do_nothing_ends_it(tree, script):
    tree.qso.write_text("no FITS file")
    result = launch(script, "--local", env=settings(tree), status=2)
    assert "# Step 2" not in result.stdout


@pytest.fixture
def slurm(tmp_path):
    """A folder with an sbatch that keeps the job, and an srun that runs what follows its options."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    (folder / "sbatch").write_text(f'''#!/bin/sh
cp "$1" "{folder}/job"
chmod +x "{folder}/job"
echo "Submitted batch job 42"
''')
    (folder / "srun").write_text('''#!/bin/sh
while :; do
    case $1 in -N|-n|-c) shift 2 ;; -*) shift ;; *) break ;; esac
done
echo srun "$1" "$2"
exec "$@"
''')
    for path in folder.iterdir():
        path.chmod(0o755)
    return folder


def test_slurm(tree, script, slurm):
    env = settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", SURVEY="main", PROGRAM="dark", ACCOUNT="mine",
                   SLURM_CPUS_ON_NODE=None)
    result = launch(script, env=env)
    assert "Submitted batch job 42" in result.stdout
    assert not tree.out.exists() and not tree.z.joinpath("healpix").exists()  # nothing ran yet
    job = (slurm / "job").read_text()
    assert job.startswith("#!/bin/bash\n#SBATCH ")
    for line in ("#SBATCH --account=mine", "#SBATCH --nodes=1",
                 f"#SBATCH --output={tree.out.parent}/job-fastbal-%j.log"):
        assert line in job.splitlines()
    for word in ("--nproc 2", "--chunk-size 1", "--file-discovery-workers 2", "--release sim", "--survey main",
                 "--program dark", f"--qsocat {tree.qso}", f"--altzdir {tree.z}", f"--outcatfile {tree.out}"):
        assert word in job, word
    # the job itself, in an environment that knows none of the settings
    done = launch(slurm / "job", env=environment(PATH=f"{slurm}:{os.environ['PATH']}"))
    assert done.stdout.count("srun ") == 3
    assert table(tree.out)["BALMASK"].tolist() == list(BALMASK.values())


def test_slurm_with_local(tree, script, slurm):
    launch(script, "--local", env=settings(tree, PATH=f"{slurm}:{os.environ['PATH']}"))
    assert tree.out.exists() and not (slurm / "job").exists()


@pytest.mark.parametrize("name, value, words", [
    ("QSOCAT", None, "QSOCAT is not set"),
    ("QSOCAT", "/no/such/file.fits", "/no/such/file.fits"),
    ("DESI_SPECTRO_REDUX", None, "DESI_SPECTRO_REDUX"),
    ("DESI_SPECTRO_REDUX", "/no/such/folder", "/no/such/folder"),
    ("RELEASE", "nowhere", "nowhere"),
    ("PROGRAM", "bright", "bright"),
    ("NPROC", "many", "NPROC"),
    ("NPROC", "0", "NPROC"),
    ("CHUNK_SIZE", "-1", "CHUNK_SIZE"),
    ("ALTZDIR", "/dev/null/work", "/dev/null/work"),
])
def test_what_is_missing_is_said_first(tree, script, slurm, name, value, words):
    env = settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", **{name: value})
    result = launch(script, env=env, status=2)
    lines = [line for line in result.stderr.splitlines() if line.startswith("runbal.sh: ")]
    assert len(lines) == 1 and words in lines[0]
    assert not (slurm / "job").exists() and not tree.z.exists()


def test_arguments(tree, script):
    assert "usage: runbal.sh" in launch(script, "--help", env=environment()).stdout
    assert "--nonsense" in launch(script, "--nonsense", env=settings(tree), status=2).stderr
