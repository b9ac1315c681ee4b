"""fastbal find: coadds and redshift catalogs become BAL tables. Bad input is in test_find_errors.py.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import re
import shutil
import zlib

import numpy as np
import pytest
from astropy.io import fits

import oracle
from compare import compare_tables
from support import (PARTLY, IN_TABLE, PIXEL, PIXELS, ROWS, UNUSABLE, balcolumns, by_the_rule, check_sums, complains,
                     desi_waves, environment, fits_files, forms, header, nothing_left_behind, portable, run, stamp, table,
                     templates_with_prior, without_product, write_spectra)

NOT_MEASURED = 1 | 2 | 4 | 64


@pytest.fixture(scope="session")
def builtin(tmp_path_factory):
    """The built-in templates as a file, and how many they are."""
    path = tmp_path_factory.mktemp("templates") / "builtin.fits"
    run("templates", "--export", path)
    return path, sum(name.startswith("PCA") for name, _ in forms(path))


def test_columns(finished_tree, builtin):
    for pixel in PIXELS:
        path = finished_tree.baltable(pixel)
        assert forms(path) == balcolumns(builtin[1])
        assert header(path)["EXTNAME"] == "BALCAT"
        check_sums(path)
    nothing_left_behind(finished_tree.z)


def test_units(finished_tree):
    with fits.open(finished_tree.baltable(PIXELS[0])) as hdus:
        unit = {c.name: c.unit for c in hdus[1].columns}
    for name in unit:
        if name == "PROB_DET_450" or name.removeprefix("ERR_") in ("DI_CIV", "DEPTH_CIV", "DEPTH_ALIII", "DEPTH_MGII"):
            assert unit[name] in (None, ""), name
        elif name.removeprefix("ERR_") == "EW_CIV":
            assert unit[name] == "Angstrom"
        elif name.startswith(("AI_", "BI", "ERR_", "VMIN", "VMAX", "POSMIN")) and name != "BALSTATUS":
            assert unit[name] == "km/s", name
        elif name in ("TARGET_RA", "TARGET_DEC"):
            assert unit[name] == "deg"
        else:
            assert unit[name] in (None, ""), name


def test_header(finished_tree):
    h = header(finished_tree.baltable(PIXELS[0]))
    assert "builtin" in h["QSOTEMPS"]
    assert h["BALFIT"] == "exact"
    assert h["BALRULES"] == "main"
    assert re.search(r"Last updated 2023-11-14 22:13:20 UT by \w+", str(h["HISTORY"]))
    depends = {h[key]: h[key.replace("NAM", "VER")] for key in h if key.startswith("DEPNAM")}
    version = run("--version").stdout.split()[1]
    assert depends["fastbal"] == version


def test_rows(finished_tree):
    """Quasars in the redshift range, both ends in, in the order of the redshift catalog."""
    for pixel in PIXELS:
        data = table(finished_tree.baltable(pixel))
        rows = [ROWS[name] for name in IN_TABLE[pixel]]
        assert list(data["TARGETID"]) == [t.targetid for t in rows]
        np.testing.assert_allclose(data["Z"], [t.z for t in rows], rtol=1e-6)
        zafter = table(finished_tree.zafter(pixel))
        keep = (zafter["Z"] >= 1.57) & (zafter["Z"] <= 5.0)
        for name in ("ZERR", "ZWARN"):
            np.testing.assert_array_equal(data[name], zafter[name][keep].astype("f4"))
        measured = data["BALSTATUS"] & NOT_MEASURED == 0
        assert not data["BAL_PROB"][~measured].any() and ((data["BAL_PROB"] > 0) & (data["BAL_PROB"] <= 1))[measured].all()


def test_positions_come_from_the_coadd(split_tree):
    pixel = PIXEL["bal"]
    with fits.open(split_tree.coadd(pixel), mode="update") as hdus:
        hdus["FIBERMAP"].data["TARGET_RA"] += 0.25
    split_tree.find()
    row = split_tree.row("bal")
    assert row["TARGET_RA"] == np.float32(ROWS["bal"].ra + 0.25)
    assert row["TARGET_DEC"] == np.float32(ROWS["bal"].dec)


def test_status(finished_tree):
    for name, t in ROWS.items():
        if 1.57 <= t.z <= 5.0:
            status = finished_tree.row(name)["BALSTATUS"]
            assert status & NOT_MEASURED == {"dark": 2}.get(t.spectrum, 0), name


def test_troughs(finished_tree):
    """The simulated absorption is found: 6000 to 11000 km/s, to within two pixels."""
    for name in ("bal", "bal again", "bal 2", "lowest z"):
        row = finished_tree.row(name)
        assert row["NCIV_2000"] == 1 and row["NCIV_450"] >= 1, name
        edges = 6000, 11000
        if name == "bal again":  # the spectrum has z = 2.1, not 2.11
            edges = [v + 299792.458 * 0.01 / 3.11 for v in edges]
        assert abs(row["VMIN_CIV_2000"][0] - edges[0]) < 250
        assert abs(row["VMAX_CIV_2000"][0] - edges[1]) < 250
        assert 1500 < row["BI_CIV"] < 3000
    plain = finished_tree.row("plain")
    assert plain["NCIV_2000"] == 0 and plain["BI_CIV"] == 0
    assert (plain["VMIN_CIV_2000"] == -1).all()


def test_not_measured(finished_tree, builtin):
    for name in ("dark again", "dark"):
        row = finished_tree.row(name)
        for column, _ in balcolumns(builtin[1])[6:]:
            if column == "BALSTATUS":
                continue
            value = np.asarray(row[column])
            expected = -1 if column.startswith(("VM", "POSMIN", "FMIN", "SNR", "DI_", "LOBAL", "ERR_V_", "PROB_")) else 0
            assert (value == expected).all(), column


def test_repeated_targets_each_get_a_result(finished_tree):
    first, second = finished_tree.row("bal"), finished_tree.row("bal again")
    assert first["TARGETID"] == second["TARGETID"]
    assert first["BI_CIV"] > 0 and second["BI_CIV"] > 0
    assert first["VMIN_CIV_2000"][0] != second["VMIN_CIV_2000"][0]  # each with its own redshift


def test_nonsense_in_a_spectrum(finished_tree):
    """NaN, inf and negative ivar count as not observed; every number that comes out is finite."""
    for pixel in PIXELS:
        data = table(finished_tree.baltable(pixel))
        for name in data.names:
            assert np.isfinite(data[name]).all(), name
    assert finished_tree.row("nonsense")["BALSTATUS"] & NOT_MEASURED == 0


def test_against_the_oracle(finished_tree, builtin, tmp_path):
    """Coadds with HDUs in another order, 8-byte flux, unsigned masks and resolution matrices among them."""
    for pixel in PIXELS:
        rows = oracle.measure_file(finished_tree.coadd(pixel), finished_tree.zafter(pixel), builtin[0])
        assert len(rows) == sum(ROWS[name].spectrum != "dark" for name in IN_TABLE[pixel])
        oracle.write_table(rows, tmp_path / "expected.fits")
        found = compare_tables(tmp_path / "expected.fits", by_the_rule(finished_tree.baltable(pixel)))
        assert [line for line in found if not line.endswith(f", not {len(rows)}")] == []  # rows not measured are extra


# ---- options ----

def test_healpix(split_tree):
    a, b, c = PIXELS
    split_tree.find("-hp", b)
    assert [p for p in PIXELS if split_tree.baltable(p).exists()] == [b]
    split_tree.baltable(b).unlink()
    for option in (["-hp", a, c], ["-hp", f"{a},{c}"], ["--healpix", a, c], [f"--healpix={a},{c}"]):
        split_tree.find(*option)
        assert [p for p in PIXELS if split_tree.baltable(p).exists()] == [a, c]
        split_tree.baltable(a).unlink()
        split_tree.baltable(c).unlink()


@pytest.mark.parametrize("option", ["-r", "--release", "--specprod"])
def test_release(split_tree, option):
    shutil.move(split_tree.redux / "sim", split_tree.redux / "other")
    run("find", option, "other", "-a", split_tree.z, "--templates", "builtin", env=split_tree.env)
    assert all(split_tree.baltable(p).exists() for p in PIXELS)


def test_desi_root_stands_in(split_tree):
    root = split_tree.root / "desi"
    (root / "spectro").mkdir(parents=True)
    shutil.move(split_tree.redux, root / "spectro" / "redux")
    split_tree.find(env=environment(DESI_ROOT=root))
    assert all(split_tree.baltable(p).exists() for p in PIXELS)


def test_no_root_at_all(split_tree):
    complains(split_tree.find(env=environment(), status=UNUSABLE), "find", "DESI_SPECTRO_REDUX")


@pytest.mark.parametrize("option", ["-z", "--zfileroot"])
def test_zfileroot(tree, option):
    tree.split("-z", "redo")
    run("find", "-r", "sim", "-a", tree.z, option, "redo", "--templates", "builtin", env=tree.env)
    assert all(tree.baltable(p).exists() for p in PIXELS)


def test_zfileroot_default(split_tree):
    run("find", "-r", "sim", "-a", split_tree.z, "--templates", "builtin", env=split_tree.env)
    assert all(split_tree.baltable(p).exists() for p in PIXELS)


@pytest.mark.parametrize("survey, program", [("-s", "-m"), ("--survey", "--moon"), ("--survey", "--program")])
def test_survey_and_program(tree, survey, program):
    new = tree.redux / "sim" / "healpix" / "sv3" / "bright"
    new.parent.mkdir()
    shutil.move(tree.redux / "sim" / "healpix" / "main" / "dark", new)
    for path in new.rglob("coadd-main-dark-*.fits"):
        path.rename(path.with_name(path.name.replace("main-dark", "sv3-bright")))
    tree.split("-s", "sv3", "-m", "bright")
    tree.find(survey, "sv3", program, "bright")
    assert all(tree.baltable(p, survey="sv3", program="bright").exists() for p in PIXELS)
    assert (tree.z / "healpix" / "sv3" / "bright" / "logfile.txt").exists()


@pytest.mark.parametrize("option", ["-o", "--outdir"])
def test_outdir_is_ignored_with_a_warning(split_tree, tmp_path, option):
    result = split_tree.find(option, tmp_path / "elsewhere")
    assert result.stderr.startswith("fastbal find: ") and "outdir" in result.stderr
    assert not (tmp_path / "elsewhere").exists()
    assert all(split_tree.baltable(p).exists() for p in PIXELS)


def test_existing_files_are_kept(split_tree):
    """Where they are what would be written; test_resume.py has all that is not."""
    split_tree.find("-hp", PIXELS[1])
    before = stamp(split_tree.baltable(PIXELS[1]))
    result = split_tree.find()
    assert stamp(split_tree.baltable(PIXELS[1])) == before
    assert "2 pixels done, 1 kept" in result.stdout and result.stderr == ""
    assert split_tree.baltable(PIXELS[0]).exists() and split_tree.baltable(PIXELS[2]).exists()


@pytest.mark.parametrize("option", ["-c", "--clobber", "--overwrite"])
def test_clobber(done_tree, finished_tree, option):
    done_tree.baltable(PIXELS[1]).write_bytes(b"old")
    done_tree.find(option)
    assert portable(done_tree.baltable(PIXELS[1])) == portable(finished_tree.baltable(PIXELS[1]))


def test_log(split_tree):
    split_tree.find()
    lines = split_tree.log.read_text().splitlines()
    assert re.fullmatch(r"Last updated 2023-11-14 22:13:20 UT by \w+", lines[0])
    assert str(split_tree.z) in lines[1]
    assert lines[2].startswith("List of healpix with errors and error types:")
    assert lines[3].startswith("find: 12 rows: 7 measured with builtin, ") and lines[4].startswith("find: BALs by SNR_CIV: ")
    assert lines[5].startswith("find: 3 pixels done")
    assert lines[6] == f"find: {run('--version').stdout.splitlines()[0]}, from 2023-11-14 22:13:20 to 2023-11-14 22:13:20 UT"
    assert len(lines) == 7
    split_tree.find("-c")
    assert len(split_tree.log.read_text().splitlines()) == 14  # appended


@pytest.mark.parametrize("option", ["-l", "--logfile"])
def test_logfile(split_tree, option):
    split_tree.find(option, "mine.txt")
    assert split_tree.log.with_name("mine.txt").exists() and not split_tree.log.exists()


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_verbose(split_tree, option):
    quiet = split_tree.find()
    loud = split_tree.find("-c", option, "--chunk-size", 1)
    assert len(loud.stdout + loud.stderr) > len(quiet.stdout + quiet.stderr)
    assert str(len(PIXELS)) in loud.stdout + loud.stderr


@pytest.mark.parametrize("how", [["--tids"], ["--nproc", 1], ["--nproc=4"], ["--chunk-size", 1], ["--chunk-size=2"],
                                 ["--file-discovery-workers", 1], ["--file-discovery-workers=3"]])
def test_options_that_change_no_result(split_tree, finished_tree, how):
    split_tree.find(*how)
    for pixel in PIXELS:
        assert portable(split_tree.baltable(pixel)) == portable(finished_tree.baltable(pixel))


# ---- fits ----

def test_fits(split_tree):
    """The name of the fit stands in the tables, and a table of another fit is not kept."""
    for options, fit, done, redone in (([], "exact", 3, 0), (["--fit", "exact"], "exact", 0, 0),
                                       (["--fit", "simplex"], "simplex", 3, 3), (["--fit=simplex"], "simplex", 0, 0),
                                       ([], "exact", 3, 3)):
        result = split_tree.find(*options)
        assert f"find: {done} pixels done, {3 - done} kept" in result.stdout
        assert result.stderr.count("this BAL table was made with another fit") == redone
        assert [header(split_tree.baltable(pixel))["BALFIT"] for pixel in PIXELS] == 3 * [fit]


def test_unknown_fit(split_tree):
    for fit in ("Simplex", "simplexes", "0"):
        complains(split_tree.find("--fit", fit, status=UNUSABLE), "find", "--fit", "exact or simplex", f"'{fit}'")


# ---- continua ----

def test_continua(split_tree, tmp_path):
    """The name of the continuum stands in the tables, a table of another is not kept, and the prior is in the checksum."""
    prior = tmp_path / "prior.fits"
    mean, covariance, misfit = templates_with_prior(prior)
    sums = set()
    for templates, options, continuum, done, redone in (
            ("builtin", ["--continuum", "least-squares"], "least-squares", 3, 0),
            ("builtin", ["--continuum", "trough-aware"], "trough-aware", 3, 3),
            (prior, ["-c"], "trough-aware", 3, 0), (prior, ["--continuum", "default"], "trough-aware", 0, 0),
            (prior, ["--continuum", "least-squares"], "least-squares", 3, 3),
            (prior, ["--fit", "simplex"], "least-squares", 3, 0)):
        result = split_tree.find(*options, templates=templates)
        assert f"{done} pixels done, {3 - done} kept" in result.stdout, options
        assert result.stderr.count("this BAL table was made with another continuum") == redone
        assert [header(split_tree.baltable(pixel))["BALCONT"] for pixel in PIXELS] == 3 * [continuum]
        sums.add(header(split_tree.baltable(PIXELS[0]))["TEMPSUM"])
    data = table(prior)
    numbers = [data[name] for name in data.names] + [mean, covariance]
    assert f"{zlib.crc32(b''.join(x.astype('<f8').tobytes() for x in numbers)):08x}" in sums and len(sums) == 2


def test_drop_in_names_fit_least_squares(split_tree, tmp_path):
    """Whatever the templates know, unless the user says otherwise."""
    templates_with_prior(tmp_path / "prior.fits")
    for options, continuum in (([], "least-squares"), (["--continuum", "trough-aware", "-c"], "trough-aware")):
        run("runbalfinder_hp", "-r", "sim", "-a", split_tree.z, "--templates", tmp_path / "prior.fits", *options,
            env=split_tree.env)
        assert header(split_tree.baltable(PIXELS[0]))["BALCONT"] == continuum


def test_tables_that_do_not_say_are_of_least_squares(split_tree):
    """Tables of the reference and of older versions."""
    split_tree.find("--continuum", "least-squares")
    for pixel in PIXELS:
        with fits.open(split_tree.baltable(pixel), mode="update", checksum=True) as hdus:
            del hdus[1].header["BALCONT"]
            for hdu in hdus:
                hdu.add_checksum()
    assert "3 kept" in split_tree.find("--continuum", "least-squares").stdout
    result = split_tree.find("--continuum", "trough-aware")
    assert "3 pixels done" in result.stdout and result.stderr.count("was made with another continuum") == 3


def test_unknown_continuum(split_tree):
    complains(split_tree.find("--continuum", "pca", status=UNUSABLE), "find", "--continuum",
              "default, trough-aware or least-squares", "'pca'")
    complains(split_tree.find("--continuum", "trough-aware", "--fit", "simplex", status=UNUSABLE), "find",
              "--fit simplex and --continuum trough-aware contradict each other")


# ---- rules ----

def test_rules(split_tree):
    """The name of the rules stands in the tables, and a table made by other rules is not kept."""
    for options, rules, done, redone in (([], "main", 3, 0), (["--rules", "main"], "main", 0, 0),
                                         (["--rules", "optimize"], "optimize", 3, 3),
                                         (["--rules=optimize"], "optimize", 0, 0),
                                         (["--rules=optimize", "--fit=simplex"], "optimize", 3, 0), ([], "main", 3, 0),
                                         (["--rules", "fastbal"], "fastbal", 3, 3)):
        result = split_tree.find(*options)
        assert f"{done} pixels done, {3 - done} kept" in result.stdout
        assert result.stderr.count("this BAL table was made by other rules") == redone
        assert [header(split_tree.baltable(pixel))["BALRULES"] for pixel in PIXELS] == 3 * [rules]


def test_unknown_rules(split_tree):
    for rules in ("Main", "optimized", "1"):
        complains(split_tree.find("--rules", rules, status=UNUSABLE), "find", "--rules", "main, optimize or fastbal", f"'{rules}'")


def test_tables_without_rules_are_kept(split_tree):
    """Tables of the reference and of older versions don't record them."""
    split_tree.find()
    for pixel in PIXELS:
        with fits.open(split_tree.baltable(pixel), mode="update") as hdus:
            del hdus[1].header["BALRULES"]
    assert "0 pixels done, 3 kept" in split_tree.find("--rules", "optimize").stdout


# ---- templates ----

def write_templates(path, n):
    wave = np.linspace(1200, 2500, 500)
    x = (wave - 1850) / 650
    columns = [fits.Column("WAVE", "D", array=wave)]
    columns += [fits.Column(f"PCA{k}", "D", array=np.polynomial.legendre.legval(x, np.eye(n)[k])) for k in range(n)]
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.BinTableHDU.from_columns(columns).writeto(path)


def temps(tree):
    path = tree.baltable(PIXELS[0])
    return header(path)["QSOTEMPS"], dict(forms(path))["PCA_COEFFS"]


GUO, BRODZELLER = "PCA_Eigenvectors.fits", "PCA_Eigenvectors_Brodzeller.fits"


@pytest.mark.parametrize("where", ["FASTBAL_TEMPLATES", "HOME"])
def test_named_templates(split_tree, tmp_path, where):
    folder = tmp_path if where == "FASTBAL_TEMPLATES" else tmp_path / "Catalogs"
    write_templates(folder / GUO, 5)
    write_templates(folder / BRODZELLER, 4)
    env = split_tree.env | {where: str(tmp_path)}
    for how, expected in (([], (GUO, "5E")), (["--templates", "guo"], (GUO, "5E")), (["-t"], (BRODZELLER, "4E")),
                          (["--alttemp"], (BRODZELLER, "4E")), (["--templates=brodzeller"], (BRODZELLER, "4E"))):
        result = split_tree.find(*how, "-c", templates=None, env=env)
        assert result.stderr == ""
        assert temps(split_tree) == expected


def test_templates_from_a_file(split_tree, tmp_path):
    write_templates(tmp_path / "mine.fits", 7)
    split_tree.find(templates=tmp_path / "mine.fits")
    assert temps(split_tree) == ("mine.fits", "7E")


def test_default_templates_missing(split_tree, builtin):
    """A missing default is no error; a line names the templates used."""
    result = split_tree.find(templates=None)
    assert len(result.stderr.splitlines()) == 1
    assert "using builtin" in result.stderr and GUO in result.stderr
    name, form = temps(split_tree)
    assert "builtin" in name and form == f"{builtin[1]}E"


@pytest.mark.parametrize("how", [["--templates", "guo"], ["-t"], ["--templates", "brodzeller"],
                                 ["--templates", "no/such/file.fits"]])
def test_named_templates_missing(split_tree, how):
    result = split_tree.find(*how, templates=None, status=UNUSABLE)
    complains(result, "find")
    assert not any(split_tree.baltable(p).exists() for p in PIXELS)


@pytest.mark.parametrize("spoil", ["no WAVE", "no PCA0", "NaN", "unsorted", "text"])
def test_bad_template_file(split_tree, tmp_path, spoil):
    path = tmp_path / "bad.fits"
    write_templates(path, 3)
    with fits.open(path) as hdus:
        data = hdus[1].data.copy()
    if spoil == "text":
        path.write_text("no FITS file\n")
    else:
        if spoil == "NaN":
            data["PCA1"][7] = np.nan
        elif spoil == "unsorted":
            data["WAVE"][7] = 0
        columns = [fits.Column(n, "D", array=data[n]) for n in data.names if spoil != f"no {n}"]
        fits.BinTableHDU.from_columns(columns).writeto(path, overwrite=True)
    complains(split_tree.find(templates=path, status=UNUSABLE), "find", path)


# ---- one file ----

def test_one_file(split_tree, finished_tree, tmp_path):
    """--coadd F --zcat F -o F: the same table, wherever the files lie."""
    pixel = PIXELS[1]
    coadd, zcat, out = tmp_path / "a.fits", tmp_path / "b.fits", tmp_path / "c.fits"
    shutil.copy(split_tree.coadd(pixel), coadd)
    shutil.copy(split_tree.zafter(pixel), zcat)
    run("find", "--coadd", coadd, "--zcat", zcat, "-o", out, "--templates", "builtin", env=split_tree.env)
    assert portable(out) == without_product(portable(finished_tree.baltable(pixel)))
    before = stamp(out)
    again = ["find", "--coadd", coadd, "--zcat", zcat, "-o", out, "--templates", "builtin"]
    assert "is kept" in run(*again, env=split_tree.env).stdout and stamp(out) == before
    out.write_bytes(b"old")
    complains(run(*again, env=split_tree.env, status=UNUSABLE), "find", out, "--clobber")
    assert out.read_bytes() == b"old"
    run(*again, "-c", env=split_tree.env)
    assert portable(out) == without_product(portable(finished_tree.baltable(pixel)))


def test_one_packed_file(split_tree, finished_tree, tmp_path):
    pixel = PIXELS[1]
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(split_tree.coadd(pixel).read_bytes()))
    run("find", "--coadd", tmp_path / "a.fits.gz", "--zcat", split_tree.zafter(pixel), "-o", tmp_path / "c.fits",
        "--templates", "builtin", env=split_tree.env)
    assert portable(tmp_path / "c.fits") == without_product(portable(finished_tree.baltable(pixel)))


@pytest.mark.parametrize("missing", ["--zcat", "-o"])
def test_one_file_needs_all_three(split_tree, tmp_path, missing):
    how = {"--coadd": split_tree.coadd(PIXELS[1]), "--zcat": split_tree.zafter(PIXELS[1]), "-o": tmp_path / "c.fits"}
    del how[missing]
    arguments = [x for pair in how.items() for x in pair]
    complains(run("find", *arguments, "--templates", "builtin", status=UNUSABLE), "find")


def test_cameras_missing(split_tree, tmp_path):
    """A file with B and R alone, as tiles have, and one with a single camera of all wavelengths."""
    b, r, z = desi_waves().values()
    targets = [t for name, t in ROWS.items() if PIXEL[name] == PIXEL["bal"] and name != "bal again"]
    for waves in ({"B": b, "R": r}, {"BRZ": 3600 + 0.8 * np.arange(7781)}):
        coadd = tmp_path / "coadd.fits"
        write_spectra(coadd, targets, waves)
        run("find", "--coadd", coadd, "--zcat", split_tree.zafter(PIXEL["bal"]), "-o", tmp_path / "out.fits", "-c",
            "--templates", "builtin")
        row = table(tmp_path / "out.fits")[0]
        assert row["TARGETID"] == ROWS["bal"].targetid
        assert row["BALSTATUS"] & NOT_MEASURED == 0 and row["NCIV_2000"] == 1
        assert abs(row["VMIN_CIV_2000"][0] - 6000) < 250


def test_spectype_counts(split_tree):
    """Rows of the redshift catalog that are no quasars are left out."""
    pixel = PIXEL["bal"]
    with fits.open(split_tree.zafter(pixel)) as hdus:
        data = hdus[1].data.copy()
    data["SPECTYPE"][1] = "GALAXY"
    fits.BinTableHDU(data, name="REDSHIFTS").writeto(split_tree.zafter(pixel), overwrite=True)
    split_tree.find()
    expected = [t for t, kind in zip(data["TARGETID"], data["SPECTYPE"]) if kind == "QSO"]
    expected = [t for t, z in zip(data["TARGETID"], data["Z"]) if 1.57 <= z <= 5.0 and t in expected]
    assert list(table(split_tree.baltable(pixel))["TARGETID"]) == expected


def test_optional_columns(split_tree, finished_tree):
    """Without SPECTYPE every row counts as a quasar; where the coadd has no positions, the catalog's are taken."""
    pixel = PIXEL["bal"]
    for path, hdu, without in ((split_tree.zafter(pixel), "REDSHIFTS", ["SPECTYPE"]),
                               (split_tree.coadd(pixel), "FIBERMAP", ["TARGET_RA", "TARGET_DEC"])):
        with fits.open(path) as hdus:
            copies = fits.HDUList([h.copy() for h in hdus])
        k = copies.index_of(hdu)
        copies[k] = fits.BinTableHDU.from_columns([c for c in copies[k].columns if c.name not in without], name=hdu)
        copies.writeto(path, overwrite=True)
    split_tree.find()
    expected, data = table(finished_tree.baltable(pixel)), table(split_tree.baltable(pixel))
    for name in expected.names:
        np.testing.assert_array_equal(data[name], expected[name])


def test_no_quasar_in_range(split_tree):
    """A table without rows, with all its columns."""
    pixel = PIXEL["bal"]
    with fits.open(split_tree.zafter(pixel)) as hdus:
        data = hdus[1].data.copy()
    data["Z"] = 0.5
    fits.BinTableHDU(data, name="REDSHIFTS").writeto(split_tree.zafter(pixel), overwrite=True)
    split_tree.find()
    assert len(table(split_tree.baltable(pixel))) == 0
    assert forms(split_tree.baltable(pixel)) == forms(split_tree.baltable(PIXELS[0]))
    split_tree.append(status=PARTLY)
    assert set(table(split_tree.out)["BALMASK"][[k for k, n in enumerate(ROWS) if PIXEL[n] == pixel]]) == {1, 3}
