"""Trees and templates that are not what was asked for: one line says what was expected, what is there and what to do,
and no file is written.

SPDX-License-Identifier: BSD-3-Clause
"""
import shlex
import shutil

import pytest

from support import DONE, UNUSABLE, complains, environment, files, needs_mpi, ranks_environment, run, the_line

FIND = "find -a {alt} --templates builtin"
SPLIT = "split -q {qso} -a {alt}"
ADAPTIVE = "adaptive pixels (spectra/main/dark)"
NSIDE_64 = "pixels of nside 64 (healpix/main/dark)"
ANY = "expected healpix/main/dark, spectra/main/dark, spectra-16 or numbered folders of pixels in it, found"
SOMEWHERE = "..."  # a folder that the build chose
LAYOUTS = {"loa": "healpix", "matterhorn": "uniqpix", "iron": "tiles", "mock": "mock", "skimmed": "skimmed"}
RELEASES = ("iron", "loa", "matterhorn")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Releases of three layouts in redux/, a mock and a skimmed tree in trees/, each with a catalog; by the names that
    the table of cases uses."""
    root = tmp_path_factory.mktemp("remedies")
    names = {"root": root, "redux": root / "redux", "qso": root / "loa.fits"}
    for name, layout in LAYOUTS.items():
        made = tmp_path_factory.mktemp(name)
        run("simulate", made, "--layout", layout, "--pixels", 2, "--quasars", 2, "--bright", "--no-resolution",
            *([] if layout == "skimmed" else ["--others", 0]))
        names[name] = root / ("redux" if name in RELEASES else "trees") / name
        names[name].parent.mkdir(exist_ok=True)
        shutil.move(made / ("redux/sim" if name in RELEASES else name), names[name])
        shutil.move(made / "qso.fits", root / f"{name}.fits")
    (names["loa"] / "healpix/sv3/bright").mkdir(parents=True)
    (names["loa"] / "healpix/sv3/dark").mkdir()
    (root / "empty").mkdir()
    return names | {"coadd": first(names["skimmed"]),
                    "in_mock": ", ".join(sorted(path.name for path in (names["mock"] / "spectra-16").iterdir()))}


def first(tree):
    """The name of the file in the first folder of pixels, as names sort."""
    found = sorted(tree.rglob("*-main-dark-*.fits"), key=lambda path: path.parent.parts)
    return found[0].name if found else None


CASES = []


def add(name, command, says, *before, status=UNUSABLE, env=()):
    CASES.append(pytest.param(command, says, before, status, dict(env), id=name))


# ---- redshift catalogs of another tree, or none ----

add("split knew of no release, adaptive pixels", FIND + " -r matterhorn",
    f"{{alt}}: holds redshift catalogs by {NSIDE_64}, but the spectra of {{matterhorn}} are by {ADAPTIVE}: "
    "run split again with --specprod matterhorn", SPLIT)
add("the same with SPECPROD", FIND,
    f"{{alt}}: holds redshift catalogs by {NSIDE_64}, but the spectra of {{matterhorn}} are by {ADAPTIVE}: "
    "run split again with --specprod matterhorn", SPLIT, env={"SPECPROD": "matterhorn"})
add("split knew of the wrong release", FIND + " -r loa",
    f"{{alt}}: holds redshift catalogs by {ADAPTIVE}, but the spectra of {{loa}} are by {NSIDE_64}: "
    "run split again with --specprod loa", "split -q {root}/matterhorn.fits -a {alt} -r matterhorn")
add("split knew of no mock", FIND + " --mock --mockdir {mock}",
    f"{{alt}}: holds redshift catalogs by {NSIDE_64}, but the spectra of {{mock}} are by pixels of mocks (spectra-16): "
    "run split again with --mock", SPLIT)
add("split knew of no tree", FIND + " --tree {skimmed}",
    f"{{alt}}: holds redshift catalogs by {NSIDE_64}, but the spectra of {{skimmed}} are by pixels of a skimmed tree "
    "(PIX//100/PIX): run split again with --tree {skimmed}", SPLIT)
add("split knew of no tiles", FIND + " -r iron --tiles",
    f"{{alt}}: holds redshift catalogs by {NSIDE_64}, but the spectra of {{iron}} are by tiles (tiles/cumulative): "
    "run split again with --tiles", SPLIT)
add("find is not told of tiles", FIND + " -r loa",
    f"{{alt}}: holds redshift catalogs by tiles (tiles/cumulative), but the spectra of {{loa}} are by {NSIDE_64}: "
    "run split again with --specprod loa, or give --tiles here as well", "split -q {root}/iron.fits -a {alt} --tiles")
add("find before split", FIND + " -r loa",
    "{alt}: no redshift catalogs zafter-main-dark-*.fits in healpix/main/dark: "
    "run 'fastbal split -q CATALOG -a {alt} --specprod loa' first")
add("the same for chosen pixels", FIND + " -r loa -hp 5",
    "{alt}: no redshift catalogs zafter-main-dark-*.fits in healpix/main/dark: "
    "run 'fastbal split -q CATALOG -a {alt} --specprod loa' first")
add("find before split of a mock", FIND + " --mock --mockdir {mock}",
    "{alt}: no redshift catalogs zafter-16-*.fits in spectra-16: run 'fastbal split -q CATALOG -a {alt} --mock' first")
add("find before split of another nside", FIND + " --tree {skimmed} --nside 16 -z z",
    "{alt}: no redshift catalogs z-main-dark-*.fits in PIX//100/PIX: "
    "run 'fastbal split -q CATALOG -z z -a {alt} --tree {skimmed} --nside 16' first")
add("another survey", FIND + " -r loa -s sv3",
    "{alt}: no redshift catalogs zafter-sv3-dark-*.fits in healpix/sv3/dark, found healpix/main/dark: "
    "run 'fastbal split -q CATALOG -a {alt} -s sv3 -m dark --specprod loa' first", SPLIT)
add("another --zfileroot", FIND + " -r loa -z redrock",
    "{alt}: no redshift catalogs redrock-main-dark-*.fits in healpix/main/dark, found {zafter}: "
    "run 'fastbal split -q CATALOG -z redrock -a {alt} --specprod loa' first", SPLIT)
add("append before find", "append -q {qso} -b {alt} -o {out}",
    "{alt}: no BAL tables baltable-main-dark-*.fits in healpix/main/dark, found {zafter}: "
    "run 'fastbal find -a {alt}' first", SPLIT)
add("append of another program", "append -q {qso} -b {alt} -o {out} -m bright",
    "{alt}: no BAL tables baltable-main-bright-*.fits in healpix/main/bright, found healpix/main/dark: "
    "run 'fastbal find -a {alt} -s main -m bright' first", SPLIT, FIND + " -r loa")
add("append of another release", "append -q {root}/matterhorn.fits -b {alt} -o {out} -r matterhorn",
    f"{{alt}}: holds BAL tables by {NSIDE_64}, but the spectra of {{matterhorn}} are by {ADAPTIVE}: "
    "run find again with --specprod matterhorn", SPLIT, FIND + " -r loa")

# ---- trees that are not there, or somewhere near ----

for command in (FIND, "run -q {qso} -o {out} --templates builtin", "mask -q {qso} -w {alt}"):
    for name, option, says in (
            ("unknown release", "-r xyz", "{redux}/xyz: no such folder; {redux} has iron, loa, matterhorn"),
            ("unknown path", "--tree {root}/trees/mok",
             "{root}/trees/mok: no such folder; {root}/trees has mock, skimmed"),
            ("unknown path below one", "-r {root}/no/such", "{root}/no/such: no such folder, nor is there {root}/no"),
            ("a path by its slash", "-r ./loa", "./loa: no such folder; . has nothing"),
            ("a path by its dot", "-r .", f".: {ANY} nothing"),
            ("a file", "--tree {qso}", "{qso}: expected a folder, found a file"),
            ("unknown program", "-r loa -m drak", "{loa}: expected healpix/main/drak or spectra/main/drak in it, found "
             "healpix/main/dark, healpix/sv3/bright, healpix/sv3/dark: choose by --survey and --program"),
            ("too high", "-r {redux}", f"{{redux}}: {ANY} iron, loa, matterhorn: give {{loa}} instead"),
            ("too high, with a slash", "-r {redux}/", f"{{redux}}: {ANY} iron, loa, matterhorn: give {{loa}} instead"),
            ("too deep by one", "-r {loa}/healpix", f"{{loa}}/healpix: {ANY} main, sv3: give {{loa}} instead"),
            ("too deep by two", "-r {loa}/healpix/main/", f"{{loa}}/healpix/main: {ANY} dark: give {{loa}} instead"),
            ("too deep by three", "-r {matterhorn}/spectra/main/dark", "{matterhorn}/spectra/main/dark: expected a "
             "whole tree, found the inside of one: give {matterhorn} instead"),
            ("tiles without --tiles", "-r iron", f"{{iron}}: {ANY} tiles: give --tiles as well"),
            ("--tiles without tiles", "-r loa --tiles", "{loa}: expected tiles/cumulative in it, found healpix"),
            ("a mock too high", "--mock --mockdir {root}/trees", "{root}/trees: expected spectra-16 in it, found mock, "
             "skimmed: give {mock} instead"),
            ("a mock too deep", "--mock --mockdir {mock}/spectra-16", "{mock}/spectra-16: expected spectra-16 in it, "
             "found {in_mock}: give {mock} instead"),
            ("the same by looking", "--tree {mock}/spectra-16", "{mock}/spectra-16: expected a whole tree, found the "
             "inside of one: give {mock} instead"),
            ("no mock", "--mock --mockdir {root}/empty", "{root}/empty: expected spectra-16 in it, found nothing"),
            ("a skimmed tree of another survey", "--tree {skimmed} -s sv3",
             "{skimmed}: no spectra coadd-sv3-dark-*.fits in PIX//100/PIX, found {coadd}")):
        add(f"{command.split()[0]}: {name}", f"{command} {option}", says)
add("no spectra in a program", FIND + " -r loa -s sv3",
    "{loa}: no spectra coadd-sv3-dark-*.fits in healpix/sv3/dark, found healpix/main/dark, "
    "healpix/sv3/bright, healpix/sv3/dark", SPLIT + " -s sv3")

# ---- templates ----

TEMPLATES = "; unset it, or give --templates FILE or builtin"
for command in (FIND.replace(" --templates builtin", "") + " -r loa", "run -q {qso} -o {out} -r loa"):
    for option, name, file in (("", "guo", "PCA_Eigenvectors.fits"),
                               ("--templates guo", "guo", "PCA_Eigenvectors.fits"),
                               ("-t", "brodzeller", "PCA_Eigenvectors_Brodzeller.fits")):
        for value, found in (("{root}/nowhere", "no such folder"), ("{root}/empty", "no such file"),
                             ("{qso}", "no folder but a file")):
            add(f"{command.split()[0]} {option}: FASTBAL_TEMPLATES has {found}", f"{command} {option}",
                f"templates {name}: expected {file} in $FASTBAL_TEMPLATES ({value}), found {found}{TEMPLATES}", SPLIT,
                env={"FASTBAL_TEMPLATES": value})
    add(f"{command.split()[0]}: unknown templates", f"{command} --templates gou",
        "templates gou: expected guo, brodzeller, builtin or a FITS file, found no such file", SPLIT)
    for value in ({}, {"FASTBAL_TEMPLATES": ""}):
        add(f"{command.split()[0]}: no templates, FASTBAL_TEMPLATES {value and 'empty' or 'not set'}", command,
            f"templates guo: PCA_Eigenvectors.fits is neither in $HOME/Catalogs nor in {SOMEWHERE}, and "
            "FASTBAL_TEMPLATES is not set; using builtin", SPLIT, status=DONE, env=value)


@pytest.mark.parametrize("command, says, before, status, env", CASES)
def test_remedy(world, tmp_path, command, says, before, status, env):
    names = world | {"alt": tmp_path / "alt", "out": tmp_path / "out.fits"}
    (tmp_path / "here").mkdir()

    def filled(text):
        return text.format(**names)

    plain = environment(DESI_SPECTRO_REDUX=world["redux"], SPECPROD=None)
    for step in before:
        run(*shlex.split(filled(step)), env=plain)
    names["zafter"] = first(tmp_path)
    there = files(tmp_path)
    result = run(*shlex.split(filled(command)), status=status, cwd=tmp_path / "here",
                 env=plain | {name: filled(value) for name, value in env.items()})
    begin, _, end = f"fastbal {command.split()[0]}: {filled(says)}".partition(SOMEWHERE)
    line = the_line(result)
    assert line.startswith(begin) and line.endswith(end) and (end or line == begin), line
    if status == UNUSABLE:
        assert files(tmp_path) == there and result.stdout == ""


@needs_mpi
def test_one_line_from_several_ranks(world, tmp_path):
    run("split", "-q", world["qso"], "-a", tmp_path)
    env = ranks_environment(environment(DESI_SPECTRO_REDUX=world["redux"]))
    result = run("find", "-r", "matterhorn", "-a", tmp_path, "--templates", "builtin", "--mpi", env=env,
                 status=UNUSABLE, prefix=["mpirun", "-n", "3"])
    told = [line for line in result.stderr.splitlines() if line.startswith("fastbal")]
    assert len(told) == 1 and told[0].endswith("run split again with --specprod matterhorn")


def test_names_that_end_in_a_slash(world, tmp_path):
    """As a shell completes them: still a name, not a path."""
    env = environment(DESI_SPECTRO_REDUX=world["redux"])
    for release in ("loa/", "loa//"):
        run("split", "-q", world["qso"], "-a", tmp_path / release, "-r", release, env=env, cwd=tmp_path)
        run("find", "-a", tmp_path / release, "-r", release, "--templates", "builtin", env=env, cwd=tmp_path)
    (tmp_path / "here").symlink_to(world["loa"])
    for path in ("./here", "here/.", str(world["loa"])):
        run("find", "-a", tmp_path / "loa", "-r", path, "--templates", "builtin", env=environment(), cwd=tmp_path)
    complains(run("find", "-a", tmp_path / "loa", "-r", "here", env=env, cwd=tmp_path, status=UNUSABLE), "find",
              world["redux"] / "here")


def test_many_names(world, tmp_path):
    """A long list is cut."""
    for k in range(25):
        (tmp_path / f"release{k:02}").mkdir()
    result = run("find", "-a", tmp_path, "-r", "loa", env=environment(DESI_SPECTRO_REDUX=tmp_path), status=UNUSABLE)
    listed = ", ".join(f"release{k:02}" for k in range(10))
    complains(result, "find", f"{tmp_path}/loa: no such folder; {tmp_path} has {listed} and 15 more")
