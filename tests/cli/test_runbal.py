"""share/runbal.sh: the three steps as one job, here or through Slurm.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import shutil
import signal
import subprocess

import pytest

from many import Many, temporary, wait_for
from support import BALMASK, BIN, DONE, PIXELS, ROOT, UNUSABLE, environment, run, table

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
                          "CHUNK_SIZE": 1, "FILE_DISCOVERY_WORKERS": 2, "PSCRATCH": None}
                         | dict.fromkeys(("SURVEY", "PROGRAM", "SPECPROD", "TREE", "MOCKDIR", "TILES", "NIGHT", "NSIDE"))
                         | changes)


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
    """Default names and folders."""
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
    """The catalog is still written."""
    tree.coadd(PIXELS[0]).write_text("no FITS file")
    launch(script, "--local", env=settings(tree), status=1)
    assert tree.out.exists()


@pytest.fixture
def stand_in(script):
    """Puts a program in place of fastbal that ends with a given status at one step."""
    bin_folder = script.parents[2] / "bin"

    def put(step, status):
        bin_folder.unlink(missing_ok=True)
        shutil.rmtree(bin_folder, ignore_errors=True)
        bin_folder.mkdir()
        program = bin_folder / "fastbal"
        program.write_text(f'#!/bin/sh\necho "ran $1"\n[ "$1" != {step} ] || exit {status}\n')
        program.chmod(0o755)
    return put


@pytest.mark.parametrize("last", ["split", "find", "append"])
@pytest.mark.parametrize("status, goes_on", [(1, True), (2, False), (143, False)])
def test_what_ends_it(tree, script, stand_in, last, status, goes_on):
    """A partial failure doesn't; a step that could do nothing, or was stopped, does."""
    stand_in(last, status)
    result = launch(script, "--local", env=settings(tree), status=status)
    ran = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("ran ")]
    steps = ["split", "find", "append"]
    assert ran == (steps if goes_on else steps[:steps.index(last) + 1])


def test_a_step_that_can_do_nothing_ends_it(tree, script):
    tree.qso.write_text("no FITS file")
    result = launch(script, "--local", env=settings(tree), status=2)
    assert "# Step 2" not in result.stdout


# ---- every layout ----

@pytest.mark.parametrize("layout, options, variables", [
    ("healpix", ["--release", "sim"], {}),
    ("uniqpix", ["--release", "sim"], {}),
    ("tiles", ["--release", "sim", "--tiles"], {"TILES": "1"}),
    ("skimmed", ["--tree", "{tree}", "--nside", "16"], {"TREE": "{tree}", "NSIDE": "16"}),
    ("mock", ["--mock", "--mockdir", "{tree}"], {"MOCKDIR": "{tree}"}),
])
def test_layouts(script, tmp_path, layout, options, variables):
    """The same catalog as from fastbal run with the options that the variables stand for."""
    survey = tmp_path / "survey"
    run("simulate", survey, "--layout", layout, "--pixels", 2, "--quasars", 2, "--others", 0, "--no-resolution")
    where = {"tree": survey / {"skimmed": "skimmed", "mock": "mock"}.get(layout, "redux/sim")}
    redux = survey / "redux" if (survey / "redux").exists() else None
    env = environment(**dict.fromkeys(("SPECPROD", "PSCRATCH")) | {"QSOCAT": survey / "qso.fits", "TEMPLATES": "builtin"}
                      | ({"DESI_SPECTRO_REDUX": redux, "RELEASE": "sim"} if redux else {})
                      | {name: value.format(**where) for name, value in variables.items()})
    launch(script, "--local", cwd=tmp_path, env=env)
    work = tmp_path / f"fastbal-{where['tree'].name}"
    run("run", "-q", survey / "qso.fits", *(o.format(**where) for o in options), "--templates", "builtin", "-o",
        tmp_path / "expected.fits", env=env)
    got, expected = table(work / "qso-altbal.fits"), table(tmp_path / "expected.fits")
    assert (got["BALMASK"] & 8 == 0).all() and got.tobytes() == expected.tobytes()


def test_some_tiles(script, tmp_path):
    survey = tmp_path / "survey"
    run("simulate", survey, "--layout", "tiles", "--pixels", 8, "--quasars", 1, "--others", 0, "--no-resolution")
    folder, = (survey / "redux").rglob("cumulative")
    tiles = sorted(int(p.name) for p in folder.iterdir())
    assert len(tiles) > 2
    env = environment(DESI_SPECTRO_REDUX=survey / "redux", RELEASE="sim", QSOCAT=survey / "qso.fits", SPECPROD=None,
                      TEMPLATES="builtin", ALTZDIR=tmp_path / "work", TILES=f"{tiles[0]}, {tiles[-1]}")
    launch(script, "--local", env=env)
    done = {int(p.parts[-3]) for p in (tmp_path / "work").rglob("baltable-*")}
    assert done == {tiles[0], tiles[-1]}


# ---- signals ----

@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return Many.make(tmp_path_factory.mktemp("many") / "tree", 100)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(many, script, tmp_path, number):
    """To the step that runs, which ends in order; so does the script, with its status."""
    tree = many.another(tmp_path / "tree")
    process = subprocess.Popen([script, "--local"], env=settings(tree, NPROC=1), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: any(tree.z.rglob("baltable-*")), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, out + err
    line, = err.splitlines()
    assert f"stopped by {number.name}, " in line and line.endswith("the same command goes on from here")
    assert "# Step 3" not in out and not tree.out.exists() and temporary(tree) == []
    if number == signal.SIGTERM:
        launch(script, "--local", env=settings(tree))
        assert tree.out.exists()


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_a_step_that_is_held_up(many, script, tmp_path):
    """A step that is suspended and goes on later is waited for."""
    tree = many.another(tmp_path / "tree")
    process = subprocess.Popen([script, "--local"], env=settings(tree, NPROC=1), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: any(tree.z.rglob("baltable-*")), process)
    step, = map(int, open(f"/proc/{process.pid}/task/{process.pid}/children").read().split())
    os.kill(step, signal.SIGSTOP)
    os.kill(step, signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == DONE, out + err
    assert tree.out.exists()


# ---- Slurm ----


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


def sbatch_options(job):
    """What sbatch takes from a job script: quotes group, a backslash takes the meaning away from what follows it, and #
    outside quotes begins a comment."""
    options = {}
    for line in job.splitlines():
        if not line.startswith("#SBATCH"):
            continue
        word, quote, escaped = "", None, False
        for c in line[len("#SBATCH"):].strip():
            if not escaped and c == "\\":
                escaped = True
            elif not escaped and quote and c == quote:
                quote = None
            elif not escaped and not quote and c in "\"'":
                quote = c
            else:
                assert quote or escaped or (c != "#" and not c.isspace()), line
                word, escaped = word + c, False
        assert not quote and not escaped, line
        name, value = word.split("=", 1)
        options[name] = value
    return options


@pytest.mark.parametrize("name", ["plain", "with blanks", "100% of it, %j", "qu'o\"te", "#1", "k$HOME`x`", "été"])
def test_names_in_slurm_options(tree, script, slurm, name):
    folder = tree.root / name
    launch(script, env=settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", OUTDIR=folder, CONSTRAINT="cpu&big|gpu",
                                QOS="my queue"))
    options = sbatch_options((slurm / "job").read_text())
    assert "\\" not in options["--output"]  # which would take the meaning from %
    log = options["--output"].replace("%%", "\0").replace("%j", "42").replace("\0", "%")
    assert log == f"{folder}/job-fastbal-42.log"
    assert options["--constraint"] == "cpu&big|gpu" and options["--qos"] == "my queue"
    launch(slurm / "job", env=environment(PATH=f"{slurm}:{os.environ['PATH']}"))
    assert (folder / "qso-bal.fits").exists()


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
    ("TREE", "/no/such/tree", "RELEASE"),  # two places
    ("TILES", "all", "tiles"),
    ("TILES", "1; rm -rf", "TILES"),
    ("NIGHT", "20260101", "TILES"),
    ("NSIDE", "16", "TREE"),
    ("TEMPLATES", "gou", "TEMPLATES: templates gou: expected guo, "),
    ("TEMPLATES", "/no/such/templates.fits", "TEMPLATES: templates /no/such/templates.fits: "),
    ("TEMPLATES", "guo", "TEMPLATES: templates guo: PCA_Eigenvectors.fits is neither in "),
    *((name, f"a{c}b", f"{name} has a new line or another control character")
      for name in ("QSOCAT", "ALTZDIR", "OUTDIR", "OUTCAT", "RELEASE", "SURVEY", "PROGRAM", "TEMPLATES", "NPROC", "TILES",
                   "DESI_SPECTRO_REDUX", "ACCOUNT", "QOS", "CONSTRAINT", "TIME") for c in "\n\r"[:1 + (name == "OUTDIR")]),
])
def test_what_is_missing_is_said_first(tree, script, slurm, name, value, words):
    env = settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", **{name: value})
    result = launch(script, env=env, status=2)
    lines = [line for line in result.stderr.splitlines() if line.startswith("runbal.sh: ")]
    assert len(lines) == 1 and words in lines[0]
    assert result.stderr.count("\n") == 1 or name == "ALTZDIR"  # mkdir says why
    assert not (slurm / "job").exists() and not tree.z.exists()


@pytest.mark.parametrize("name, value, words", [
    ("TREE", "/no/such/tree", "TREE: there is no folder /no/such/tree"),
    ("MOCKDIR", "/no/such/mock", "MOCKDIR: there is no folder /no/such/mock"),
])
def test_other_trees_that_are_missing(tree, script, slurm, name, value, words):
    env = settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", RELEASE=None, **{name: value})
    assert launch(script, env=env, status=UNUSABLE).stderr == f"runbal.sh: {words}" + (
        "/spectra-16\n" if name == "MOCKDIR" else "\n")


def test_a_backslash_in_outdir(tree, script, slurm):
    """Slurm would take %j as it is."""
    env = settings(tree, PATH=f"{slurm}:{os.environ['PATH']}", OUTDIR=tree.root / "a\\b")
    assert "backslash" in launch(script, env=env, status=UNUSABLE).stderr
    assert not (slurm / "job").exists()
    launch(script, "--local", env=env)


def test_arguments(tree, script):
    assert "usage: runbal.sh" in launch(script, "--help", env=environment()).stdout
    assert "--nonsense" in launch(script, "--nonsense", env=settings(tree), status=2).stderr
