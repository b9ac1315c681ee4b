"""Names and options: drop-in names, help, version, spellings, and what is refused.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
import subprocess

import pytest

from support import BIN, DONE, DROP_IN, ROOT, UNUSABLE, complains, environment, fits_files, run

COMMANDS = ("split", "find", "append", "run", "mask", "truth", "diff", "score", "list", "info", "simulate", "continuum", "plot", "report", "templates",
            "train")

OPTIONS = {  # every spelling of every option that programs promise
    "split": "--quiet -q --qsocat -a --altzdir -z --zfileroot -s --survey -m --moon --program --mock -l --logfile "
             "-c --clobber --overwrite -v --verbose --nproc --chunk-size --max-unpacked",
    "find": "--quiet -hp --healpix -r --release --specprod -a --altzdir -z --zfileroot -s --survey -m --moon --program --mock "
            "--mockdir -o --outdir -l --logfile --nproc -c --clobber --overwrite -v --verbose -t --alttemp --templates --continuum --fit --rules "
            "--detector --tids --chunk-size --file-discovery-workers --mpi --dry-run --coadd --zcat --max-unpacked",
    "append": "--quiet -q --qsocat -b --baldir -o --outcatfile -s --survey -m --moon --program --mock -l --logfile "
              "-c --clobber --overwrite -v --verbose -t --alttemp --nproc --chunk-size --max-unpacked",
    "run": "--quiet -q --qsocat -o --outcatfile -r --release --specprod -s --survey -m --moon --program --mock --mockdir "
           "-b --baldir -l --logfile -c --clobber --overwrite -v --verbose -t --alttemp --templates --continuum --fit --rules --nproc --chunk-size --mpi --dry-run "
           "--detector --max-unpacked",
    "mask": "--quiet -hp --healpix -r --release --specprod -w --workdir -q --qsocat -s --survey -m --moon --program --mock --mockdir "
            "-l --logfile --nproc -c --clobber --overwrite -v --verbose --lines --all --chunk-size --max-unpacked",
    "truth": "--quiet -q --qsocat -b --balcat --truth -o --outcat -c --clobber --overwrite -v --verbose --nproc --max-unpacked",
    "diff": "--rtol --atol --velocity --tol --columns --ignore --json -a --all -q --quiet --nproc --max-unpacked",
    "score": "--other --detector --selection --short --json --ecsv -c --clobber --overwrite --max-unpacked",
    "list": "--hdu --where --all --columns --sort --reverse -n --rows --format -o --outfile -c --clobber --overwrite --max-unpacked",
    "simulate": "--quiet --pixels --quasars --others --seed --bright --gaps --no-narrow-systems --mock --no-resolution",
    "info": "--max-unpacked",
    "continuum": "--quiet -q --qsocat -o --outfile -r --release --specprod -s --survey -m --moon --program --mock --mockdir --tree "
                 "--targetids -t --alttemp --templates --continuum --fit --rules -c --clobber --overwrite --max-unpacked",
    "plot": "--quiet -q --qsocat --coadd --zcat -o --outfile -r --release --specprod -s --survey -m --moon --program --mock --mockdir --tree "
            "--targetids --bals --grid --frame --range --smooth --save-data -t --alttemp --templates --continuum --fit --rules "
            "-c --clobber --overwrite --max-unpacked",
    "report": "--quiet -o --outfile -r --release --specprod -s --survey -m --moon --program --mock --mockdir --tree --targetids -t --alttemp "
              "--templates --continuum --fit --rules --spectra -c --clobber --overwrite --max-unpacked",
    "templates": "--export --max-unpacked",
    "train": "--quiet -q --qsocat -o --outfile -r --release --specprod -s --survey -m --moon --program --mock --mockdir --tree --tiles "
             "-hp --healpix --targetids --only --mask-bals --components --min-snr --nproc -c --clobber --overwrite -v --verbose "
             "--max-unpacked",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_every_option(command):
    text = run(command, "--help").stdout
    words = set(re.split(r"[\s,\[\]|=]+", text))
    missing = [option for option in OPTIONS[command].split() if option not in words]
    assert not missing, text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_the_same_by_every_road(command):
    text = run(command, "--help").stdout
    assert run(command, "-h").stdout == text
    assert run("help", command).stdout == text
    assert max(map(len, text.splitlines())) <= 120


def test_help_of_the_program_lists_the_commands():
    text = run("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^\s*{command}\s", text, re.M)


def test_without_arguments_it_explains_itself():
    result = run_program("fastbal", status=UNUSABLE)
    assert "split" in result.stderr


def run_program(name, *arguments, status=DONE):
    result = subprocess.run([BIN / name, *arguments], capture_output=True, text=True, env=environment())
    assert result.returncode == status, result.stderr
    return result


def test_version():
    version = re.search(r'FASTBAL_VERSION "(.*)"', (ROOT / "include" / "fastbal.h").read_text())[1]
    text = run("--version").stdout
    assert text.splitlines()[0] == f"fastbal {version}"
    for word in ("CFITSIO", "compiler", "threads"):
        assert word in text
    for name in DROP_IN.values():
        assert run_program(name, "--version").stdout == text


@pytest.mark.parametrize("command", DROP_IN)
def test_drop_in_names_exist_and_help(command):
    text = run(command, "--help").stdout
    for name in (DROP_IN[command], DROP_IN[command] + ".py"):
        help_text = run_program(name, "--help").stdout
        for option in OPTIONS[command].split():
            assert option in help_text
        # apart from its own name the same text
        assert len(help_text.splitlines()) == len(text.splitlines())


def test_every_name_gives_the_same_files(tree, tmp_path):
    results = []
    for suffix in (None, "", ".py"):
        work = tmp_path / f"work{suffix}"
        names = [c if suffix is None else DROP_IN[c] + suffix for c in ("split", "find", "append")]
        run(names[0], "-q", tree.qso, "-a", work, env=tree.env)
        run(names[1], "-r", "sim", "-a", work, "--templates", "builtin", "--continuum", "least-squares", "--detector", "off", "--tids",
            env=tree.env)
        run(names[2], "-q", tree.qso, "-b", work, "-o", work / "qso-bal.fits", env=tree.env)
        results.append(fits_files(work))
    assert len(results[0]) == 7
    assert results[0] == results[1] == results[2]


def test_installed_name_may_be_a_link(tree, tmp_path):
    link = tmp_path / "splitafterburner_hp.py"
    link.symlink_to(BIN / "fastbal")
    subprocess.run([link, "-q", tree.qso, "-a", tree.z], check=True, env=tree.env)
    assert len(fits_files(tree.z)) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_options(command):
    complains(run(command, "--no-such-option", status=UNUSABLE), command, "--no-such-option")
    complains(run(command, "-Q", status=UNUSABLE), command, "-Q")


@pytest.mark.parametrize("command, slip, meant", [
    ("find", "--tempaltes", "--templates"), ("find", "--relase", "--release"), ("run", "--outcatfil-e", "--outcatfile"),
    ("append", "--clober", "--clobber"), ("diff", "--jsn", "--json"), ("find", "--temp-lats", "--templates"), ("find", "--tmpltaess", None), ("find", "--fits", "--fit"),
])
def test_nearly_right_options(command, slip, meant):
    line = run(command, slip, status=UNUSABLE).stderr
    assert (f"unknown option {slip}: did you mean {meant}?" in line) if meant else ("did you mean" not in line)


def test_nearly_right_commands():
    assert "did you mean find?" in run("fnd", status=UNUSABLE).stderr
    assert "did you mean append?" in run("apend", status=UNUSABLE).stderr
    assert "did you mean" not in run("frobnicate", status=UNUSABLE).stderr


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_the_terminal(command, columns):
    """The usual call first, headings, an example that the program takes, and lines that fit."""
    text = run(command, "--help", env=environment(COLUMNS=columns)).stdout
    lines = text.splitlines()
    assert lines[0].startswith(f"usage: fastbal {command}")
    assert "running:" in lines and lines[-2] == "example:" and lines[-1].startswith(f"  fastbal {command}")
    options = lines[:lines.index("example:")]
    assert all(len(line) <= max(columns, 50) for line in options[1:] if " " in line.strip()[30:])
    example = set(re.findall(r" (--?[a-z]+)", lines[-1]))
    assert example <= set(re.findall(r"(?<=[ ,])--?[a-z-]+", text))


def test_unknown_command():
    assert "nonsense" in run("nonsense", status=UNUSABLE).stderr


@pytest.mark.parametrize("arguments, word", [
    (["split", "-a", "x"], "--qsocat"),
    (["split", "-q", "x"], "--altzdir"),
    (["find", "-r", "sim"], "--altzdir"),
    (["append", "-q", "x"], "--baldir"),
    (["append", "-b", "x"], "--qsocat"),
    (["mask", "-q", "x"], "--workdir"),
    (["truth", "-q", "x"], "--balcat"),
    (["truth", "-b", "x"], "--qsocat"),
    (["mask", "-w", "x"], "--qsocat"),
    (["mask", "-q", "x", "-w", "x"], "--release"),
    (["split", "-a", "x", "-q"], "--qsocat"),  # its value is missing
    (["split", "-q", "x", "-a", "x", "--nproc", "many"], "--nproc"),
    (["split", "-q", "x", "-a", "x", "--nproc", "-1"], "--nproc"),
    (["find", "-a", "x", "-hp"], "--healpix"),
    (["split", "-q", "x", "-a", "x", "--chunk-size", "-3"], "--chunk-size"),
    (["find", "-a", "x", "-hp", "12", "abc"], "abc"),
    (["find", "-a", "x", "-hp", "-12"], "-12"),
    (["find", "-a", "x", "--nproc=1.5"], "1.5"),
    (["split", "-q", "x", "-a", "x", "stray"], "stray"),
])
def test_unusable_arguments(arguments, word):
    complains(run(*arguments, status=UNUSABLE), arguments[0], word)


def test_spellings_of_values(tree, tmp_path):
    """-q FILE, -qFILE, --qsocat FILE, --qsocat=FILE, and the beginning of a long name, as argparse has it."""
    expected = None
    for k, how in enumerate((["-q", tree.qso], [f"-q{tree.qso}"], ["--qsocat", tree.qso], [f"--qsocat={tree.qso}"],
                             ["--qso", tree.qso])):
        work = tmp_path / f"work{k}"
        run("split", *how, "-a", work)
        expected = expected or fits_files(work)
        assert fits_files(work) == expected


def test_beginnings_have_to_be_unambiguous():
    complains(run("find", "--mo", "dark", status=UNUSABLE), "find", "--mo")  # --mock, --mockdir or --moon


# What was unambiguous in the reference, where fastbal has more options that begin so.
@pytest.mark.parametrize("command, arguments", [
    ("find", ["--t"]), ("find", ["--ti"]), ("find", ["--chu", "5"]), ("find", ["--n", "1"]), ("find", ["--s", "main"]),
    ("find", ["--r", "sim"]), ("find", ["--m", "dark"]), ("append", ["--o", "x.fits"]), ("append", ["--n", "0"]),
    ("split", ["--n", "2"]),
])
def test_beginnings_that_the_reference_takes(command, arguments):
    """An ambiguous or unknown option would end before --help is reached."""
    if command == "find" and arguments[0] == "--m":
        complains(run(command, *arguments, status=UNUSABLE), command, "--m")  # --moon, --mock or --mockdir there as well
        return
    assert run(command, *arguments, "--hel").stdout.startswith(f"usage: fastbal {command}")


def test_empty_list_of_pixels(split_tree):
    """Under the drop-in name there is nothing to do, since scripts may pass an empty list; under ours it is an error."""
    arguments = ["-r", "sim", "-a", split_tree.z, "-hp"]
    before = fits_files(split_tree.z)
    result = run("runbalfinder_hp", *arguments, env=split_tree.env)
    assert "nothing to do" in result.stderr and fits_files(split_tree.z) == before
    complains(run("find", *arguments, env=split_tree.env, status=UNUSABLE), "find", "--healpix")


def test_no_processes_is_serial(split_tree):
    """--nproc 0."""
    result = run("runbalfinder_hp", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", "--nproc", "0",
                 env=split_tree.env)
    assert "3 pixels done" in result.stdout


def test_default_release_of_old_names(split_tree, tmp_path):
    """Everest and iron, whatever SPECPROD is; the names of fastbal have no release of their own."""
    for name, release in (("runbalfinder_hp", "everest"), ("maskcoadds_hp", "iron")):
        arguments = (["-a", split_tree.z, "--templates", "builtin"] if release == "everest"
                     else ["-w", tmp_path / "masked", "-q", split_tree.qso])
        env = split_tree.env | {"SPECPROD": "sim"}
        result = run(name, *arguments, env=env, status=UNUSABLE)
        line = result.stderr.splitlines()[0]
        assert "--release was not given" in line and release in line and f"/{release}" in result.stderr
    run("find", "-a", split_tree.z, "--templates", "builtin", env=split_tree.env | {"SPECPROD": "sim"})
    (split_tree.redux / "sim").rename(split_tree.redux / "everest")
    result = run("runbalfinder_hp", "-a", split_tree.z, "--templates", "builtin", "-c", env=split_tree.env)
    assert "3 pixels done" in result.stdout


def test_log_of_old_names(done_tree, tmp_path):
    """-l counts from the current folder there, and from --baldir in fastbal append; the default is the same."""
    for program, folder in ((["appendbalinfo_hp"], tmp_path), (["fastbal", "append"], done_tree.z)):
        run(*program, "-q", done_tree.qso, "-b", done_tree.z, "-o", tmp_path / "out.fits", "-l", "mine.txt", "-c",
            cwd=tmp_path, env=done_tree.env)
        assert "Total matches" in (folder / "mine.txt").read_text()
        (folder / "mine.txt").unlink()
    assert not list(done_tree.z.glob("mine.txt"))
