"""Several ranks: outputs as from one process, a bad pixel stops no rank, all exit with the largest status. Several processes
that don't know of each other are refused.

Without mpirun, or with a build without MPI, only the refusals are tested.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from astropy.io import fits

from hints import HINTS, ahead
from support import (BALMASK, BIN, DONE, HAS_MPI, PARTLY, PIXELS, ROWS, UNUSABLE, complains, environment, fits_files,
                     header, mpirun, needs_mpi, ranks_environment, run, table, templates_with_prior)


def ranks(n, *command, status=DONE, env=None):
    """mpirun -n N fastbal COMMAND --mpi; what mpirun itself says is taken out of stderr."""
    return start([(n, {}, BIN, command)], status, env)


def start(parts, status=DONE, env=None, mpi=True):
    """mpirun with several parts: [(ranks, changes of the environment, folder of the program, command)]."""
    commands = []
    for n, changes, folder, command in parts:
        env_words = [word for k, v in changes.items() for word in (["-u", k] if v is None else [f"{k}={v}"])]
        unset_first = sorted(env_words, key=lambda word: "=" in word)
        commands += [["env", *unset_first, Path(folder) / "fastbal", command[0], *["--mpi"] * mpi, *command[1:]]] * n
    result = subprocess.run(mpirun(*commands), env=ranks_environment(env or environment()), stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == status, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    result.stderr = "".join(line + "\n" for line in result.stderr.splitlines() if line.startswith("fastbal"))
    return result


def as_text(variables):
    return {k: str(v) for k, v in variables.items()}


def one_pass(tree, out, *options):
    return ["run", "-q", tree.qso, "-r", "sim", "-o", out, "--templates", "builtin", *options]


def find(tree, *options):
    return ["find", "-r", "sim", "-a", tree.z, "--templates", "builtin", *options]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """More pixels than ranks, and what one process makes of them."""
    root = tmp_path_factory.mktemp("simulated")
    run("simulate", root / "tree", "--pixels", 9, "--quasars", 12, "--others", 3, "--seed", 8, "--no-resolution")
    env = environment(DESI_SPECTRO_REDUX=root / "tree" / "redux")
    run("run", "-q", root / "tree" / "qso.fits", "-r", "sim", "-o", root / "one.fits", "-b", root / "bal", "--templates",
        "builtin", env=env)
    return root


# ---- the same bytes ----

@needs_mpi
@pytest.mark.parametrize("n, options", [(1, []), (2, ["--nproc", 1]), (4, ["--nproc", 1]), (3, ["--nproc", 3])])
def test_run(simulated, tmp_path, n, options):
    env = environment(DESI_SPECTRO_REDUX=simulated / "tree" / "redux")
    result = ranks(n, "run", "-q", simulated / "tree" / "qso.fits", "-r", "sim", "-o", tmp_path / "out.fits", "-b",
                   tmp_path / "bal", "--templates", "builtin", *options, env=env)
    assert (tmp_path / "out.fits").read_bytes() == (simulated / "one.fits").read_bytes()
    assert fits_files(tmp_path / "bal") == fits_files(simulated / "bal")
    # only one rank prints and writes the log
    assert len(result.stdout.splitlines()) == 4 and result.stderr == ""
    assert re.search(r"\d+ quasars, 9 files", result.stdout)
    assert ("of %d ranks" % n in result.stdout) == (n > 1)
    assert (tmp_path / "bal" / "logfile-main-dark.txt").read_text().count("run: 108 rows: ") == 1


@needs_mpi
@pytest.mark.parametrize("n", [1, 2, 4])
def test_find(split_tree, n):
    result = ranks(n, *find(split_tree, "-v", "--chunk-size", 1), env=split_tree.env)
    assert "3 pixels done, 0 kept, 0 failed" in result.stdout
    assert "chunk 3 of 3: 3 of 3 pixels done" in result.stdout
    found = fits_files(split_tree.z)
    assert len(found) == 6
    assert "0 pixels done, 3 kept, 0 failed" in ranks(n, *find(split_tree), env=split_tree.env).stdout
    run(*find(split_tree, "-c"), env=split_tree.env)
    assert fits_files(split_tree.z) == found


@needs_mpi
def test_ranks_with_nothing_to_do(split_tree, tmp_path):
    """More ranks than pixels."""
    ranks(4, *find(split_tree, "-hp", PIXELS[0], "--nproc", 1), env=split_tree.env)
    assert split_tree.baltable(PIXELS[0]).exists() and not split_tree.baltable(PIXELS[1]).exists()
    ranks(5, *one_pass(split_tree, tmp_path / "out.fits", "--nproc", 2), env=split_tree.env)
    assert table(tmp_path / "out.fits")["BALMASK"].tolist() == list(BALMASK.values())


@needs_mpi
def test_going_on(split_tree, tmp_path):
    first, again = tmp_path / "first.fits", tmp_path / "again.fits"
    ranks(2, *one_pass(split_tree, first, "-b", split_tree.z), env=split_tree.env)
    split_tree.baltable(PIXELS[1]).write_text("no FITS file\n" * 500)
    result = ranks(2, *one_pass(split_tree, again, "-b", split_tree.z), env=split_tree.env)
    assert "1 pixel done, 2 kept" in result.stdout
    complains(result, "run", split_tree.baltable(PIXELS[1]), "measured again")
    assert first.read_bytes() == again.read_bytes()


# ---- failures ----

@needs_mpi
@pytest.mark.parametrize("n", [1, 2, 4])
def test_one_bad_pixel(tree, tmp_path, n):
    bad = tree.coadd(PIXELS[1])
    bad.write_bytes(bad.read_bytes()[:20000])
    alone, out = tmp_path / "alone.fits", tmp_path / "out.fits"
    expected = run(*one_pass(tree, alone), env=tree.env, status=PARTLY)
    result = ranks(n, *one_pass(tree, out, "--nproc", 1), env=tree.env, status=PARTLY)
    assert result.stderr == expected.stderr
    assert out.read_bytes() == alone.read_bytes()
    assert len(table(out)) == len(ROWS)
    tree.split()
    result = ranks(n, *find(tree), env=tree.env, status=PARTLY)
    assert str(bad) in complains(result, "find")
    assert "2 pixels done, 0 kept, 1 failed" in result.stdout
    assert [line for line in tree.log.read_text().splitlines() if line.startswith(f"{PIXELS[1]} : ")]


@needs_mpi
def test_every_pixel_bad(tree, tmp_path):
    for pixel in PIXELS:
        tree.coadd(pixel).unlink()
    result = ranks(3, *one_pass(tree, tmp_path / "out.fits"), env=tree.env, status=UNUSABLE)
    lines = [line for line in result.stderr.splitlines() if line.startswith("fastbal ")]  # mpirun says more
    assert len(lines) == 4 and "nothing was measured" in lines[-1]
    assert not (tmp_path / "out.fits").exists()


@needs_mpi
@pytest.mark.parametrize("options", [["-q", "missing.fits"], ["--templates", "missing.fits"], ["-r", "nowhere"]])
def test_unusable(tree, tmp_path, options):
    """One line, and nothing is written."""
    result = ranks(3, *one_pass(tree, tmp_path / "out.fits", *options), env=tree.env, status=UNUSABLE)
    complains(result, "run", options[1])
    assert not list(tmp_path.glob("out*"))


@needs_mpi
def test_existing_catalog(tree, tmp_path):
    (tmp_path / "out.fits").write_text("mine")
    complains(ranks(2, *one_pass(tree, tmp_path / "out.fits"), env=tree.env, status=UNUSABLE), "run", "--clobber")
    assert (tmp_path / "out.fits").read_text() == "mine"


# ---- the same settings on all ranks ----

def write_templates(folder, components):
    """The first components of the built-in templates, under the name of the default."""
    folder.mkdir()
    path = folder / "PCA_Eigenvectors.fits"
    run("templates", "--export", path)
    with fits.open(path) as hdus:
        names = ["WAVE", *[f"PCA{k}" for k in range(components)]]
        columns = fits.ColDefs([c for c in hdus[1].columns if c.name in names])
        fits.BinTableHDU.from_columns(columns).writeto(path, overwrite=True)
    return folder


@needs_mpi
@pytest.mark.parametrize("lacks", [0, 1])
def test_one_set_of_templates(split_tree, tmp_path, lacks):
    """All measure with what rank 0 has found, whatever is in the others' environment; nor do they read any file."""
    tree, options = split_tree, ["-q", split_tree.qso, "-r", "sim", "--nproc", 1]
    other = {"FASTBAL_TEMPLATES": None, "USER": "somebody", "DESI_ROOT": "/nowhere"}
    changes = [{"FASTBAL_TEMPLATES": write_templates(tmp_path / "templates", 3)}, {"DESI_ROOT": None}]
    changes[lacks] = other | ({} if lacks == 0 else {"HOME": tmp_path})
    (tmp_path / "Catalogs").mkdir()
    (tmp_path / "Catalogs" / "PCA_Eigenvectors.fits").write_text("broken")
    env = tree.env | {k: str(v) for k, v in changes[0].items() if v is not None}
    alone = run("run", *options, "-o", tmp_path / "alone.fits", "-b", tmp_path / "alone", env=env)
    together = ["run", *options, "-o", tmp_path / "out.fits", "-b", tmp_path / "bal"]
    result = start([(1, changes[0], BIN, together), (2, changes[1], BIN, together)], env=tree.env)
    assert result.stderr == alone.stderr and len(result.stderr.splitlines()) == (lacks == 0)
    assert (tmp_path / "out.fits").read_bytes() == (tmp_path / "alone.fits").read_bytes()
    assert fits_files(tmp_path / "bal") == fits_files(tmp_path / "alone")
    builtin = int(run("templates").stdout.split()[1])
    assert table(tmp_path / "out.fits")["PCA_COEFFS"].shape[1] == (3 if lacks == 1 else builtin) and builtin != 3


@needs_mpi
def test_the_prior_goes_with_the_templates(split_tree, tmp_path):
    templates_with_prior(tmp_path / "prior.fits")
    command = ["find", "-r", "sim", "-a", split_tree.z, "--templates", tmp_path / "prior.fits"]
    ranks(3, *command, env=split_tree.env)
    found = fits_files(split_tree.z)
    assert all(header(split_tree.baltable(pixel))["BALCONT"] == "trough-aware" for pixel in PIXELS)
    run(*command, "-c", env=split_tree.env)
    assert fits_files(split_tree.z) == found


MANY = ",".join(str(k) for k in range(100))


@needs_mpi
@pytest.mark.parametrize("command, options, words", [
    ("run", ["--fit", "simplex"], ["option --fit is simplex, on rank 0 exact"]),
    ("find", ["--fit", "simplex"], ["option --fit is simplex, on rank 0 exact"]),
    ("find", ["--continuum", "trough-aware"], ["option --continuum is trough-aware, on rank 0 default"]),
    ("run", ["-c"], ["option --clobber is given, on rank 0 not given"]),
    ("find", ["-c"], ["option --clobber is given, on rank 0 not given"]),
    ("find", ["--templates", "guo"], ["option --templates is guo, on rank 0 builtin"]),
    ("find", ["-s", "sv3"], ["option --survey is sv3, on rank 0 main"]),
    ("find", ["-z", "other"], ["option --zfileroot is other, on rank 0 zafter"]),
    ("find", ["-hp", 3, 5], ["option --healpix is 3 5, on rank 0 not given"]),
    ("run", ["--targetids", MANY], ["option --targetids is 100 numbers with the checksum ", ", on rank 0 not given"]),
    ("find", ["-a", "elsewhere"], ["option --altzdir is elsewhere, on rank 0 "]),
    ("run", ["-b", "elsewhere"], ["option --baldir is elsewhere, on rank 0 not given"]),
    ("run", ["-o", "other.fits"], ["option --outcatfile is other.fits, on rank 0 "]),
])
def test_other_option(split_tree, tmp_path, command, options, words):
    """One line from all, before anything is done."""
    tree = split_tree
    arguments = one_pass(tree, tmp_path / "out.fits") if command == "run" else find(tree)
    result = start([(2, {}, BIN, arguments), (1, {}, BIN, [*arguments, *options])], UNUSABLE, tree.env)
    complains(result, command, "rank 2: ", *words)
    assert not list(tmp_path.glob("out*")) and not list(tree.z.rglob("baltable*"))


@needs_mpi
def test_ranks_own_options(split_tree):
    """What does not change results may differ."""
    own = [*find(split_tree), "--nproc", 2, "-v", "--chunk-size", 7, "--file-discovery-workers", 3]
    start([(1, {}, BIN, find(split_tree)), (1, {}, BIN, own)], env=split_tree.env)
    assert len(list(split_tree.z.rglob("baltable*"))) == 3


@needs_mpi
def test_other_tree(split_tree):
    """Named, also where it comes from the environment; a tree that is not there is named with its rank."""
    copy, missing = split_tree.root / "copy", split_tree.root / "missing"
    shutil.copytree(split_tree.redux, copy)
    for redux, words in (copy, [f"the tree of spectra is {copy}/sim, on rank 0 {split_tree.redux}/sim"]), \
                        (missing, [f"{missing}/sim", "no such folder"]):
        result = start([(1, {}, BIN, find(split_tree)), (1, {"DESI_SPECTRO_REDUX": redux}, BIN, find(split_tree))],
                       UNUSABLE, split_tree.env)
        complains(result, "find", "rank 1: ", *words)
    assert not list(split_tree.z.rglob("baltable*"))


@needs_mpi
def test_other_version(split_tree, tmp_path):
    """A copy of the program that says it is another version."""
    version = run("--version").stdout.split()[1]
    whole = (BIN / "fastbal").read_bytes()
    other = version[:-1] + ("1" if version[-1] != "1" else "2")
    patched = whole.replace(f"\0{version}\0".encode(), f"\0{other}\0".encode())
    if patched == whole:
        pytest.skip("the version can't be found in the program")
    (tmp_path / "fastbal").write_bytes(patched)
    (tmp_path / "fastbal").chmod(0o755)
    for module in BIN.glob("fastbal_mpi.*"):
        (tmp_path / module.name).symlink_to(module)
    result = start([(2, {}, BIN, find(split_tree)), (1, {}, tmp_path, find(split_tree))], UNUSABLE, split_tree.env)
    complains(result, "find", f"rank 2: the program's version is {other}, on rank 0 {version}")


@needs_mpi
def test_other_command(split_tree, tmp_path):
    result = start([(1, {}, BIN, find(split_tree)), (1, {}, BIN, one_pass(split_tree, tmp_path / "out.fits"))], UNUSABLE,
                   split_tree.env)
    complains(result, "find", "rank 1: the command is run, on rank 0 find")


@needs_mpi
@pytest.mark.parametrize("who", [0, 1])
def test_bad_option_of_one_rank(split_tree, who):
    """Rank 0 prints it, and nobody waits for the rank."""
    parts = [(1, {}, BIN, find(split_tree)), (1, {}, BIN, find(split_tree))]
    parts[who] = (1, {}, BIN, find(split_tree, "--targetids", "@/nowhere/list"))
    complains(start(parts, UNUSABLE, split_tree.env), "find", ("", "rank 1: ")[who] + "option --targetids", "/nowhere/list")
    assert not list(split_tree.z.rglob("baltable*"))


@needs_mpi
def test_bad_option_of_all_ranks(split_tree):
    """One line, not one for each rank."""
    complains(ranks(3, *find(split_tree), "--bogus", env=split_tree.env, status=UNUSABLE), "find", "unknown option --bogus")
    line = complains(ranks(3, *find(split_tree), "-o", "x", env=split_tree.env), "find", "--outdir is deprecated")
    assert "rank" not in line


# ---- prefetching ----

@pytest.fixture(scope="module")
def many_pixels(tmp_path_factory):
    tree = tmp_path_factory.mktemp("many") / "tree"
    run("simulate", tree, "--pixels", 40, "--quasars", 4, "--others", 1, "--seed", 5, "--no-resolution")
    return tree


@needs_mpi
@pytest.mark.skipif(not HINTS.exists(), reason=f"{HINTS} was not built")
@pytest.mark.parametrize("command", ["find", "run"])
def test_next_file_is_fetched(many_pixels, tmp_path, command):
    """By each thread of one process, and of each rank, where files are not in memory. On a busy machine one rank may leave the
    other too few pixels, so that two ranks get five tries."""
    qso, env, counts = many_pixels / "qso.fits", environment(DESI_SPECTRO_REDUX=many_pixels / "redux"), []
    for n in 1, 2, 2, 2, 2, 2:
        if len(counts) > 1 and all(count > 0 for count in counts[1]):
            break
        del counts[1:]
        shutil.rmtree(tmp_path / str(n), ignore_errors=True)
        out, report = tmp_path / str(n), tmp_path / f"report-{n}"
        report.unlink(missing_ok=True)
        run("split", "-q", qso, "-a", out, env=env)
        where = ["-a", out] if command == "find" else ["-q", qso, "-o", out / "out.fits", "-b", out]
        arguments = [command, "-r", "sim", *where, "--templates", "builtin", "--nproc", 1]
        hinted = {"LD_PRELOAD": HINTS, "HINTS_REPORT": report}
        if n == 1:
            run(*arguments, env=env | as_text(hinted))
        else:
            start([(n, hinted, BIN, arguments)], env=env)
        counts.append(sorted(ahead(report).values()))
    # of forty: not the first, which finds that they are cold, nor the second, which was taken before, nor the last, which
    # is left to other threads
    assert counts[0] == [37]
    assert len(counts[1]) == 2 and all(count > 0 for count in counts[1]), counts
    assert fits_files(tmp_path / "1") == fits_files(tmp_path / "2")


# ---- refusals ----

STEP = {"SLURM_STEP_ID": 0, "SLURM_STEP_NUM_TASKS": 4, "SLURM_NTASKS": 4}


@pytest.mark.parametrize("command", ["split", "find", "run", "append", "mask", "truth", "simulate"])
def test_without_mpi(done_tree, tmp_path, command):
    """Several processes that would all write the same: one line, of the first."""
    tree, out = done_tree, tmp_path / "new"
    arguments = {"find": find(tree), "run": one_pass(tree, out), "split": ["split", "-q", tree.qso, "-a", out],
                 "append": ["append", "-q", tree.qso, "-b", tree.z, "-o", out],
                 "mask": ["mask", "-q", tree.out, "-r", "sim", "-w", out],
                 "truth": ["truth", "-q", tree.qso, "-b", tree.qso, "-o", out], "simulate": ["simulate", out]}[command]
    before = fits_files(tree.root)
    for rank in 0, 3:
        result = run(*arguments, env=tree.env | as_text(STEP | {"SLURM_PROCID": rank}), status=UNUSABLE)
        if rank == 0:
            line = complains(result, command, "one of 4 processes started together (SLURM_STEP_NUM_TASKS=4), which would all")
            assert line.endswith("add --mpi, or start one" if command in ("find", "run") else ": start one")
        else:
            assert result.stderr == ""
        assert result.stdout == "" and not out.exists() and fits_files(tree.root) == before


@pytest.mark.parametrize("variables, says", [
    ({"OMPI_COMM_WORLD_SIZE": 2, "OMPI_COMM_WORLD_RANK": 0}, "OMPI_COMM_WORLD_SIZE=2"),
    ({"OMPI_COMM_WORLD_SIZE": 2, "OMPI_COMM_WORLD_RANK": 1}, None),
    ({"PMI_SIZE": 2, "PMI_RANK": 0}, "PMI_SIZE=2"),
    ({"PMI_SIZE": 2, "PMIX_RANK": 1}, None),
    ({"PMI_SIZE": 2}, "PMI_SIZE=2"),
    ({"SLURM_STEP_NUM_TASKS": 2, "PMIX_RANK": 1}, None),
])
def test_launchers(split_tree, variables, says):
    result = run(*find(split_tree), env=split_tree.env | as_text(variables), status=UNUSABLE)
    assert says in complains(result, "find") if says else result.stderr == ""


@pytest.mark.parametrize("variables", [
    {"SLURM_NTASKS": 8, "SLURM_PROCID": 0, "SLURM_JOB_ID": 1},  # a batch script
    {"SLURM_NTASKS": 8, "SLURM_PROCID": 0, "SLURM_STEP_ID": "batch", "SLURM_STEP_NUM_TASKS": 8},
    {"SLURM_NTASKS": 8, "SLURM_PROCID": 0, "SLURM_STEP_ID": 4294967291, "SLURM_STEP_NUM_TASKS": 8},
    {"SLURM_NTASKS": 8, "SLURM_PROCID": 0, "SLURM_STEP_ID": 0, "SLURM_STEP_NUM_TASKS": 1},  # srun -n 1 in a larger job
    STEP | {"SLURM_PROCID": 2, "PARALLEL_SEQ": 7},  # GNU parallel in a step
    STEP | {"SLURM_PROCID": 2, "OMPI_COMM_WORLD_SIZE": 1, "OMPI_COMM_WORLD_RANK": 0},  # mpirun's daemons are a step
    {"SLURM_ARRAY_TASK_ID": 3, "SLURM_ARRAY_TASK_COUNT": 9, "SLURM_PROCID": 0},
    {"PMIX_RANK": 0},
    {"OMPI_COMM_WORLD_SIZE": "many"},
])
def test_one_process(split_tree, variables):
    """In a job of whatever size."""
    result = run(*find(split_tree), env=split_tree.env | as_text(variables))
    assert result.stderr == "" and len(list(split_tree.z.rglob("baltable*"))) == 3


def test_what_writes_nothing_is_not_refused(done_tree, tmp_path):
    """Nor one file, which each process may choose."""
    env = done_tree.env | as_text(STEP | {"SLURM_PROCID": 0})
    for command in (["--version"], ["--help"], ["find", "--help"], ["templates"], ["diff", done_tree.z, done_tree.z],
                    ["find", "--coadd", done_tree.coadd(PIXELS[0]), "--zcat", done_tree.zafter(PIXELS[0]), "-o",
                     tmp_path / "one.fits", "--templates", "builtin"]):
        assert run(*command, env=env).stderr == ""


@needs_mpi
@pytest.mark.parametrize("n", [1, 3])
def test_mpirun_without_mpi(split_tree, n):
    result = start([(n, {}, BIN, find(split_tree))], DONE if n == 1 else UNUSABLE, split_tree.env, mpi=False)
    if n > 1:
        complains(result, "find", f"one of {n} processes", "add --mpi")


@needs_mpi
@pytest.mark.parametrize("rank", [0, 1])
def test_mpi_that_does_not_know_its_launcher(split_tree, rank):
    """Then each process would be the only rank, and do everything."""
    env = ranks_environment(split_tree.env) | {"MV2_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_RANK": str(rank)}
    result = run(*find(split_tree, "--mpi"), env=env, status=UNUSABLE)
    if rank == 0:
        complains(result, "find", "MPI finds one process, but 2 were started together (MV2_COMM_WORLD_SIZE=2)")
    else:
        assert result.stderr == ""
    assert not list(split_tree.z.rglob("baltable*"))


@pytest.mark.parametrize("command", ["run", "find"])
def test_login_node(split_tree, tmp_path, command):
    arguments = one_pass(split_tree, tmp_path / "out.fits") if command == "run" else find(split_tree)
    env = split_tree.env | {"NERSC_HOST": "perlmutter"}
    env.pop("SLURM_JOB_NAME", None)
    complains(run(*arguments, "--mpi", env=env, status=UNUSABLE), command, "login node")
    run(*arguments, env=env)  # without --mpi it is nobody's business


@pytest.mark.skipif(HAS_MPI, reason="this build has MPI")
def test_build_without_mpi(tree, tmp_path):
    complains(run(*one_pass(tree, tmp_path / "out.fits"), "--mpi", env=tree.env, status=UNUSABLE), "run", "built without MPI")


def test_not_for_a_single_file(tree):
    complains(run("find", "--mpi", "--coadd", "a", "--zcat", "b", "-o", "c", env=tree.env, status=UNUSABLE), "find", "--mpi")


@pytest.mark.skipif(not os.path.exists("/proc/self/maps") or not shutil.which("ldd"), reason="needs ldd")
def test_no_mpi_library_without_mpi():
    """The program itself is not linked with MPI: only --mpi loads it."""
    libraries = subprocess.run(["ldd", BIN / "fastbal"], check=True, capture_output=True, text=True).stdout
    assert "mpi" not in libraries.replace(str(BIN), "").lower()
