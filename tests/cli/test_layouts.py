"""Trees of every layout: adaptive pixels, skimmed trees, tiles; found by looking, and parts of them selected.

What the simulator writes is the input; where its rows and files belong is worked out here.

SPDX-License-Identifier: BSD-3-Clause
"""
import json
import shutil

import numpy as np
import pytest
from astropy.io import fits

import healpix
import oracle
from compare import compare_tables
from support import PARTLY, UNUSABLE, by_the_rule, complains, environment, fits_files, nothing_left_behind, run, table

PIXELS, QUASARS = 5, 8
NIGHT = 20220315
ALWAYS = ("--templates", "builtin")


class Survey:
    """A simulated tree, and the options that select it."""

    def __init__(self, root, layout):
        self.root, self.layout = root, layout
        run("simulate", root, "--layout", layout, "--pixels", PIXELS, "--quasars", QUASARS, "--seed", 5, "--bright",
            "--bal-fraction", 0.5, "--no-resolution", *([] if layout == "skimmed" else ["--others", 3]))
        self.qso = root / "qso.fits"
        self.tree = root / "skimmed" if layout == "skimmed" else root / "redux" / "sim"
        self.option = {"skimmed": ["--tree", self.tree], "tiles": ["-r", self.tree, "--tiles"]}.get(
            layout, ["-r", self.tree])
        self.coadds = sorted(self.tree.rglob("coadd-*.fits"), key=lambda path: (int(path.parent.parent.name), path))
        self.catalog = table(self.qso)

    def folder(self):
        return {"uniqpix": self.tree / "spectra/main/dark", "tiles": self.tree / "tiles/cumulative"}.get(
            self.layout, self.tree)

    def beside(self, coadd, work, kind):
        """The file of a kind that belongs to a coadd, in another tree."""
        relative = coadd.relative_to(self.tree)
        return work / relative.parent / relative.name.replace("coadd", kind)


@pytest.fixture(scope="module", params=["uniqpix", "skimmed", "tiles"])
def survey(request, tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("layouts") / request.param, request.param)


@pytest.fixture(scope="module")
def uniqpix(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("layouts") / "uniqpix", "uniqpix")


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("layouts") / "tiles", "tiles")


def steps(survey, work, *options):
    run("split", "-q", survey.qso, "-a", work, *survey.option, *options)
    return run("find", "-a", work, *survey.option, *ALWAYS, *options)


# ---- where files are ----

def decode(upix):
    """nside and nested pixel of an adaptive pixel."""
    nside = 1
    while upix >= 16 * nside**2:
        nside *= 2
    return nside, upix - 4 * nside**2


def test_simulated_files_are_where_desi_puts_them(survey):
    assert len(survey.coadds) == PIXELS
    for path in survey.coadds:
        head = fits.getheader(path, 0)
        rows = fits.getdata(path, "FIBERMAP")
        assert (len(rows) == QUASARS) == (survey.layout == "skimmed")
        if survey.layout == "tiles":
            tile, night = int(path.parent.parent.name), int(path.parent.name)
            petal = int(path.name.split("-")[1])
            assert path == survey.folder() / f"{tile}/{night}/coadd-{petal}-{tile}-thru{night}.fits"
            assert (head["SPGRP"], head["SPGRPVAL"], head["TILEID"], head["PETAL"]) == ("cumulative", night, tile, petal)
            continue
        pixel = int(path.parent.name)
        assert path == survey.folder() / f"{pixel // 100}/{pixel}/coadd-main-dark-{pixel}.fits"
        nside, number = decode(pixel) if survey.layout == "uniqpix" else (16, pixel)
        assert (head["HPXNSIDE"], head["HPXPIXEL"]) == (nside, number)
        assert ("UNIQPIX" in head) == (survey.layout == "uniqpix")
        assert {healpix.pixel(nside, ra, dec) for ra, dec in zip(rows["TARGET_RA"], rows["TARGET_DEC"])} == {number}


def test_simulated_maps(uniqpix):
    folder = uniqpix.folder()
    upix = sorted(int(path.parent.name) for path in uniqpix.coadds)
    assert len({decode(u)[0] for u in upix}) > 1  # pixels of different sizes
    with fits.open(folder / "hpix2upix-main-dark.fits") as hdus:
        nside, image = hdus["HPIX2UPIX"].header["NSIDE"], hdus["HPIX2UPIX"].data.copy()
        assert hdus[0].name == "HPIX2UPIX" and hdus["HPIX_NTARGETS"].data.sum() == PIXELS * (QUASARS + 3)
    assert len(image) == 12 * nside**2 and nside == max(decode(u)[0] for u in upix)
    expected = np.full(12 * nside**2, -1)
    for u in upix:
        each, number = (nside // decode(u)[0])**2, decode(u)[1]
        expected[number * each:(number + 1) * each] = u
    np.testing.assert_array_equal(image, expected)
    content = json.loads((folder / "hpix2upix-main-dark.json").read_text())
    assert content["NSIDE"] == nside and content["HPIX2UPIX"] == expected.tolist()
    assert fits.getdata(folder / "uniqpix-main-dark.fits")["UNIQPIX"].tolist() == upix


# ---- the pipeline ----

def test_three_steps_and_run(survey, tmp_path):
    work = tmp_path / "work"
    found = steps(survey, work)
    assert f"{PIXELS} pixels done, 0 kept, 0 failed" in found.stdout
    builtin = tmp_path / "builtin.fits"
    run("templates", "--export", builtin)
    ids = []
    for coadd in survey.coadds:
        zafter, baltable = (survey.beside(coadd, work, kind) for kind in ("zafter", "baltable"))
        in_file = set(fits.getdata(coadd, "FIBERMAP")["TARGETID"].tolist())
        assert set(table(zafter)["TARGETID"].tolist()) <= in_file
        assert len(table(zafter)) == QUASARS
        ids += table(baltable)["TARGETID"].tolist()
        assert not (table(baltable)["BALSTATUS"] & 64).any()
    expected = tmp_path / "expected.fits"
    oracle.write_table(oracle.measure_file(survey.coadds[0], survey.beside(survey.coadds[0], work, "zafter"), builtin),
                       expected)
    assert compare_tables(expected, by_the_rule(survey.beside(survey.coadds[0], work, "baltable"))) == []
    inside = survey.catalog[(survey.catalog["Z"] >= 1.57) & (survey.catalog["Z"] <= 5)]
    assert sorted(ids) == sorted(inside["TARGETID"].tolist())

    # append detects the layout from the tables; the nside of a skimmed tree must be given
    say = ["--nside", 16] if survey.layout == "skimmed" else []
    run("append", "-q", survey.qso, "-b", work, "-o", tmp_path / "three.fits", *say)
    run("run", "-q", survey.qso, "-o", tmp_path / "one.fits", *survey.option, *ALWAYS)
    assert (tmp_path / "three.fits").read_bytes() == (tmp_path / "one.fits").read_bytes()
    balmask = table(tmp_path / "one.fits")["BALMASK"]
    assert ((balmask == 0) == np.isin(survey.catalog["TARGETID"], inside["TARGETID"])).all()
    run("append", "-q", survey.qso, "-b", work, "-o", tmp_path / "told.fits", *survey.option)
    assert (tmp_path / "told.fits").read_bytes() == (tmp_path / "one.fits").read_bytes()

    # and with BAL tables, which find would keep
    run("run", "-q", survey.qso, "-o", tmp_path / "two.fits", "--baldir", tmp_path / "tables", *survey.option, *ALWAYS)
    assert {name: data for name, data in fits_files(work).items() if "baltable" in name} == fits_files(tmp_path / "tables")
    again = run("find", "-a", work, *survey.option, *ALWAYS)
    assert f"0 pixels done, {PIXELS} kept, 0 failed" in again.stdout
    nothing_left_behind(work)
    nothing_left_behind(tmp_path / "tables")


def test_mask(survey, tmp_path):
    """Troughs are masked in every layout, where the coadd is; the rest of the file is as it was."""
    run("run", "-q", survey.qso, "-o", tmp_path / "bal.fits", *survey.option, *ALWAYS)
    catalog = table(tmp_path / "bal.fits")
    bals = set(catalog["TARGETID"][catalog["AI_CIV"] > 0].tolist())
    run("mask", "-q", tmp_path / "bal.fits", "-w", tmp_path / "masked", *survey.option)
    written = {path.relative_to(tmp_path / "masked") for path in (tmp_path / "masked").rglob("coadd-*.fits")}
    expected = {path.relative_to(survey.tree) for path in survey.coadds
                if bals & set(fits.getdata(path, "FIBERMAP")["TARGETID"].tolist())}
    assert written == expected and written
    for path in written:
        with fits.open(survey.tree / path) as before, fits.open(tmp_path / "masked" / path, checksum=True) as after:
            for a, b in zip(before, after, strict=True):
                assert a.name == b.name
                if a.name.endswith("_IVAR"):
                    rows = np.isin(before["FIBERMAP"].data["TARGETID"], list(bals))
                    np.testing.assert_array_equal(a.data[~rows], b.data[~rows])
                    assert (b.data[a.data != b.data] == 0).all()
                elif a.data is not None:
                    assert a.data.tobytes() == b.data.tobytes()


def test_the_environment_names_the_release(uniqpix, tmp_path):
    env = environment(SPECPROD="sim", DESI_SPECTRO_REDUX=uniqpix.root / "redux")
    run("split", "-q", uniqpix.qso, "-a", tmp_path, env=env)
    run("find", "-a", tmp_path, *ALWAYS, env=env)
    assert len(list((tmp_path / "spectra").rglob("baltable-*.fits"))) == PIXELS


@pytest.mark.parametrize("kept", ["hpix2upix-main-dark.fits", "hpix2upix-main-dark.json", "uniqpix-main-dark.fits"])
def test_any_of_the_maps_will_do(uniqpix, tmp_path, kept):
    folder = tmp_path / "redux/spectra/main/dark"
    folder.mkdir(parents=True)
    shutil.copy(uniqpix.folder() / kept, folder)
    run("split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree", tmp_path / "redux")
    run("split", "-q", uniqpix.qso, "-a", tmp_path / "all", "--tree", uniqpix.tree)
    assert fits_files(tmp_path / "work") == fits_files(tmp_path / "all")


@pytest.mark.parametrize("aligned", [False, True])
def test_mocks(tmp_path, aligned):
    run("simulate", tmp_path, "--layout", "mock", "--pixels", 1, "--quasars", 5, *["--aligned"] * aligned)
    path = next((tmp_path / "mock").rglob("spectra-16-*.fits"))
    waves = [fits.getdata(path, f"{camera}_WAVELENGTH") for camera in "BRZ"]
    offsets = [abs((wave[0] - waves[0][0]) / 0.8 % 1) for wave in waves[1:]]
    assert all(min(x, 1 - x) < 1e-3 for x in offsets) == aligned
    for where in ("--tree", "--mockdir"):
        work = tmp_path / where.strip("-")
        run("split", "-q", tmp_path / "qso.fits", "-a", work, "--mock")
        run("find", "-a", work, "--mock", where, tmp_path / "mock", *ALWAYS)
    assert fits_files(tmp_path / "tree") == fits_files(tmp_path / "mockdir")


# ---- parts of a tree ----

def pixels_in(folder, kind):
    return sorted(int(path.parent.name) for path in folder.rglob(f"{kind}-*.fits"))


@pytest.mark.parametrize("form", ["spaces", "commas", "file"])
def test_some_pixels(uniqpix, tmp_path, form):
    chosen = [int(path.parent.name) for path in uniqpix.coadds[1:3]]
    listed = tmp_path / "pixels.txt"
    listed.write_text(f"# two of them\n{chosen[0]}\n\t{chosen[1]}  # the second\n")
    option = {"spaces": chosen, "commas": [",".join(map(str, chosen))], "file": [f"@{listed}"]}[form]
    steps(uniqpix, tmp_path / "work", "--uniqpix", *option)
    assert pixels_in(tmp_path / "work", "zafter") == pixels_in(tmp_path / "work", "baltable") == sorted(chosen)
    run("append", "-q", uniqpix.qso, "-b", tmp_path / "work", "-o", tmp_path / "bal.fits", "--uniqpix", *option, "-r",
        uniqpix.tree)
    run("run", "-q", uniqpix.qso, "-o", tmp_path / "run.fits", "--uniqpix", *option, "-r", uniqpix.tree, *ALWAYS)
    assert (tmp_path / "bal.fits").read_bytes() == (tmp_path / "run.fits").read_bytes()
    data = table(tmp_path / "bal.fits")
    inside = (data["Z"] >= 1.57) & (data["Z"] <= 5)
    assert ((data["BALMASK"] == 0) == (np.isin(data["UNIQPIX"], chosen) & inside)).all()


def test_some_targets(survey, tmp_path):
    inside = survey.catalog[(survey.catalog["Z"] >= 1.57) & (survey.catalog["Z"] <= 5)]
    chosen = inside["TARGETID"][[0, 5, 9]].tolist()
    run("split", "-q", survey.qso, "-a", tmp_path / "all", *survey.option)
    run("find", "-a", tmp_path / "all", *survey.option, *ALWAYS, "--targetids", *chosen)
    found = [i for path in (tmp_path / "all").rglob("baltable-*.fits") for i in table(path)["TARGETID"].tolist()]
    assert sorted(found) == sorted(chosen)
    run("run", "-q", survey.qso, "-o", tmp_path / "run.fits", *survey.option, *ALWAYS, "--targetids", *chosen)
    data = table(tmp_path / "run.fits")
    assert sorted(data["TARGETID"][data["BALMASK"] == 0].tolist()) == sorted(chosen)
    none = 39627000000000001
    for command in (["run", "-q", survey.qso, "-o", tmp_path / "none.fits", *ALWAYS],
                    ["split", "-q", survey.qso, "-a", tmp_path / "none"]):
        result = run(*command, *survey.option, "--targetids", chosen[0], none, status=PARTLY)
        complains(result, command[0], survey.qso, "nothing in it of 1 of the pixels, tiles or targets asked for")
    result = run("find", "-a", tmp_path / "all", "-c", *survey.option, *ALWAYS, "--targetids", chosen[0], none,
                 status=PARTLY)
    complains(result, "find", "1 of 2 --targetids are quasars in range")


def test_some_tiles_and_nights(tiles, tmp_path):
    names = sorted({path.parent.parent.name for path in tiles.coadds})
    assert len(names) == 2
    older = tmp_path / "tree" / "tiles/cumulative"
    shutil.copytree(tiles.folder(), older)
    shutil.copytree(older / names[0] / str(NIGHT), older / names[0] / "20210101")
    for path in (older / names[0] / "20210101").iterdir():
        path.rename(path.with_name(path.name.replace(str(NIGHT), "20210101")))
    tree = ["--tree", tmp_path / "tree"]
    run("split", "-q", tiles.qso, "-a", tmp_path / "work", *tree, "--tiles", names[0])
    assert {path.parent.parent.name for path in (tmp_path / "work").rglob("zafter-*.fits")} == {names[0]}
    run("find", "-a", tmp_path / "work", *tree, "--tiles", names[0], *ALWAYS)
    assert {path.parent.name for path in (tmp_path / "work").rglob("baltable-*.fits")} == {str(NIGHT)}
    # the earlier night has no redshifts in the catalog
    result = run("find", "-a", tmp_path / "work", *tree, "--tiles", names[0], "--night", "20210101", *ALWAYS,
                 status=UNUSABLE)
    complains(result, "find", "no redshift catalogs zafter-*-thru20210101.fits", "--tiles --night 20210101' first")
    zafter = sorted((tmp_path / "work").rglob("zafter-*.fits"))
    zafter[0].unlink()
    tile, petal = names[0], zafter[0].name.split("-")[1]
    result = run("find", "-a", tmp_path / "work", *tree, "--tiles", tile, *ALWAYS, status=PARTLY)
    complains(result, "find", "Did not find redshift catalog", zafter[0])
    log = (tmp_path / "work/tiles/cumulative/logfile.txt").read_text()
    assert f"\n{tile}/{NIGHT}/{petal} : Did not find redshift catalog" in log
    result = run("find", "-a", tmp_path / "work", *tree, "--tiles", 99, *ALWAYS, status=UNUSABLE)
    complains(result, "find", tmp_path / "tree", "none of the tiles asked for")


# ---- bad input ----

def refused(command, *words, name="split", **how):
    return complains(run(*command, status=UNUSABLE, **how), name, *words)


def test_no_scheme_or_two(uniqpix, tmp_path):
    split = ["split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree"]
    refused([*split, tmp_path / "none"], tmp_path / "none", "no such folder")
    (tmp_path / "empty").mkdir()
    refused([*split, tmp_path / "empty"], tmp_path / "empty",
            "expected healpix/main/dark, spectra/main/dark, spectra-16 or numbered folders of pixels")
    for name in ("healpix", "spectra"):
        (tmp_path / "both" / name / "main/dark").mkdir(parents=True)
    refused([*split, tmp_path / "both"], tmp_path / "both", "expected one scheme of pixels, found two: healpix and uniqpix")
    assert not (tmp_path / "work").exists()


def with_map(tmp_path, image, **keywords):
    folder = tmp_path / "spectra/main/dark"
    folder.mkdir(parents=True)
    hdu = fits.PrimaryHDU(np.asarray(image, "=i8"))
    hdu.header.update({"EXTNAME": "HPIX2UPIX", **keywords})
    hdu.writeto(folder / "hpix2upix-main-dark.fits")
    return folder / "hpix2upix-main-dark.fits"


@pytest.mark.parametrize("image, keywords, words", [
    ([-1] * 48, {"NSIDE": 4}, "found NSIDE 4 and 48 pixels"),
    ([-1] * 48, {"NSIDE": 3}, "found NSIDE 3"),
    ([-1] * 48, {}, "found no such keyword"),
    ([-1] * 48, {"NSIDE": 2, "HPXNEST": False}, "expected nested pixels"),
    ([4] * 48, {"NSIDE": 2}, "expected an adaptive pixel that covers pixel 4 of nside 2, or -1, found 4"),
    ([64] * 48, {"NSIDE": 2}, "expected an adaptive pixel that covers pixel 0"),
    ([2**40] * 48, {"NSIDE": 2}, "HPIX2UPIX: expected numbers of 32 bits, found 1099511627776 at 0"),
    ([[-1] * 48] * 2, {"NSIDE": 2}, "HPIX2UPIX: expected one axis, found 2"),
])
def test_bad_maps(uniqpix, tmp_path, image, keywords, words):
    path = with_map(tmp_path, image, **keywords)
    refused(["split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree", tmp_path], path, words)


@pytest.mark.parametrize("dtype, compression", [("i4", None), ("f8", None), ("i4", "RICE_1"), ("i4", "GZIP_2")])
def test_forms_of_maps(uniqpix, tmp_path, dtype, compression):
    """Of any kind of number, and compressed."""
    source, folder = uniqpix.folder() / "hpix2upix-main-dark.fits", tmp_path / "spectra/main/dark"
    folder.mkdir(parents=True)
    with fits.open(source) as hdus:
        image, header = hdus["HPIX2UPIX"].data.astype(f"={dtype}"), hdus["HPIX2UPIX"].header
        hdu = fits.CompImageHDU(image, compression_type=compression) if compression else fits.ImageHDU(image)
        hdu.header.update({"EXTNAME": "HPIX2UPIX", "NSIDE": header["NSIDE"]})
    assert (image == fits.getdata(source, "HPIX2UPIX")).all()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / "hpix2upix-main-dark.fits")
    run("split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree", tmp_path)
    run("split", "-q", uniqpix.qso, "-a", tmp_path / "expected", *uniqpix.option)
    assert fits_files(tmp_path / "work") == fits_files(tmp_path / "expected")


def test_no_map(uniqpix, tmp_path):
    (tmp_path / "spectra/main/dark").mkdir(parents=True)
    refused(["split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree", tmp_path], "hpix2upix-main-dark.fits")


def test_rows_outside_the_map(uniqpix, tmp_path):
    upix = [int(path.parent.name) for path in uniqpix.coadds]
    folder = tmp_path / "spectra/main/dark"
    folder.mkdir(parents=True)
    columns = [fits.Column("UNIQPIX", "K", array=np.array(upix[1:]))]
    fits.BinTableHDU.from_columns(columns, name="UNIQPIX").writeto(folder / "uniqpix-main-dark.fits")
    result = run("split", "-q", uniqpix.qso, "-a", tmp_path / "work", "--tree", tmp_path, status=PARTLY)
    complains(result, "split", uniqpix.qso, f"{QUASARS} rows without a position on the sky that has a pixel")
    assert pixels_in(tmp_path / "work", "zafter") == sorted(upix[1:])


def changed(source, path, column, values):
    with fits.open(source) as hdus:
        hdus[1].data[column][:] = values
        hdus.writeto(path)
    return path


def test_columns_that_contradict_the_tree(uniqpix, tmp_path):
    qso = changed(uniqpix.qso, tmp_path / "qso.fits", "UNIQPIX", 12345)
    refused(["split", "-q", qso, "-a", tmp_path / "work", "-r", uniqpix.tree], qso, "UNIQPIX of row 1",
            f"expected {uniqpix.catalog['UNIQPIX'][0]} from its position, found 12345")
    qso = changed(uniqpix.qso, tmp_path / "other.fits", "HPXPIXEL", 7)
    run("split", "-q", qso, "-a", tmp_path / "work", "-r", uniqpix.tree)  # of nside 64: says nothing of this tree
    refused(["split", "-q", qso, "-a", tmp_path / "none"], qso, "HPXPIXEL of row 1", "found 7")
    # a few may differ: positions were improved since
    qso = changed(uniqpix.qso, tmp_path / "few.fits", "HPXPIXEL", uniqpix.catalog["HPXPIXEL"])
    run("split", "-q", qso, "-a", tmp_path / "few")


def test_tiles_need_their_columns(uniqpix, tmp_path):
    refused(["split", "-q", uniqpix.qso, "-a", tmp_path, "--tiles"], uniqpix.qso, "expected a column TILEID, found none")


def test_nside_of_skimmed_trees(tmp_path):
    survey = Survey(tmp_path / "skimmed", "skimmed")
    split = ["split", "-q", survey.qso, "-a", tmp_path / "work"]
    refused([*split, *survey.option, "--nside", 32], survey.coadds[0], "expected nside 32, found HPXNSIDE 16")
    refused([*split, "--nside", 20], "option --nside: expected a power of 2, found 20")
    run(*split, *survey.option)
    refused(["append", "-q", survey.qso, "-b", tmp_path / "work", "-o", tmp_path / "bal.fits"], tmp_path / "work",
            "option --tree or --nside is required", name="append")
    for value in ("many", 16.5):
        for path in survey.coadds:
            with fits.open(path, mode="update") as hdus:
                hdus[0].header["HPXNSIDE"] = value
        refused([*split, *survey.option], survey.coadds[0], "expected one whole number HPXNSIDE, found another")
    for path in survey.coadds:  # such trees may lack the keyword
        with fits.open(path, mode="update") as hdus:
            del hdus[0].header["HPXNSIDE"]
    refused([*split, *survey.option], survey.coadds[0], "expected the keyword HPXNSIDE, found none", "--nside")
    run("split", "-q", survey.qso, "-a", tmp_path / "said", *survey.option, "--nside", 16)
    assert fits_files(tmp_path / "said") == fits_files(tmp_path / "work")


@pytest.mark.parametrize("options, words", [
    (["--healpix", 5], "option --healpix: expected a tree of equal pixels, found uniqpix; give --uniqpix instead"),
    (["--uniqpix", 2], "option --uniqpix: there is no pixel 2"),
    (["--mock", "--tiles"], "options --mock and --tiles exclude each other"),
    (["--nside", 16], "option --nside is for skimmed trees, found uniqpix"),
    (["--night", 20210101], "option --night goes with --tiles"),
    (["--uniqpix", "@nowhere.txt"], "option --uniqpix: nowhere.txt: No such file or directory"),
    (["--uniqpix", "@letters.txt"], "option --uniqpix: expected whole numbers from 0 to 1000000000000000, found 'a b'"),
    (["--tree", "."], "options --tree and --release exclude each other"),
])
def test_options_that_do_not_fit(uniqpix, tmp_path, options, words):
    (tmp_path / "letters.txt").write_text("1\na b\n")
    refused(["split", "-q", uniqpix.qso, "-a", tmp_path / "work", "-r", uniqpix.tree, *options], words, cwd=tmp_path)


def test_uniqpix_on_equal_pixels(tmp_path):
    run("simulate", tmp_path, "--pixels", 1, "--quasars", 2, "--others", 0, "--no-resolution")
    refused(["split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", "--uniqpix", 100],
            "option --uniqpix: expected a tree of adaptive pixels, found healpix")
