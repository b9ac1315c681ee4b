"""fastbal simulate: its output is a tree that the pipeline accepts, and is reproducible.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np
import pytest
from astropy.io import fits

import healpix
from support import UNUSABLE, check_sums, complains, environment, files, fits_files, run, table

SMALL = ("--pixels", 2, "--quasars", 6, "--others", 2)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    tree = tmp_path_factory.mktemp("simulated") / "tree"
    run("simulate", tree, "--pixels", 3, "--quasars", 15, "--others", 4, "--seed", 3)
    return tree


def coadds(tree):
    return sorted((tree / "redux" / "sim" / "healpix" / "main" / "dark").glob("*/*/coadd-main-dark-*.fits"))


def test_layout(simulated):
    paths = coadds(simulated)
    assert len(paths) == 3
    for path in paths:
        pixel = int(path.parent.name)
        assert path.name == f"coadd-main-dark-{pixel}.fits" and path.parent.parent.name == str(pixel // 100)
    names = set(files(simulated)) - {str(p.relative_to(simulated)) for p in paths}
    assert names == {"qso.fits", "truth.fits"}


def test_coadds(simulated):
    for path in coadds(simulated):
        with fits.open(path) as hdus:
            fibermap = hdus["FIBERMAP"].data
            assert len(fibermap) == 15 + 4 == len(set(fibermap["TARGETID"]))
            for ra, dec in zip(fibermap["TARGET_RA"], fibermap["TARGET_DEC"]):
                assert healpix.pixel(64, ra, dec) == int(path.parent.name)
            for camera, first, n in (("B", 3600, 2751), ("R", 5760, 2326), ("Z", 7520, 2881)):
                np.testing.assert_allclose(hdus[f"{camera}_WAVELENGTH"].data, first + 0.8 * np.arange(n), atol=1e-6)
                flux, ivar = hdus[f"{camera}_FLUX"].data, hdus[f"{camera}_IVAR"].data
                assert flux.shape == ivar.shape == hdus[f"{camera}_MASK"].shape == (19, n)
                assert np.isfinite(flux).all() and (ivar >= 0).all()
                assert hdus[f"{camera}_RESOLUTION"].shape[::2] == (19, n)
                assert flux.dtype.itemsize == ivar.dtype.itemsize == 4


def test_catalog(simulated):
    data = table(simulated / "qso.fits")
    assert len(data) == len(set(data["TARGETID"])) == 45
    assert set(data["SPECTYPE"]) == {"QSO"}
    ids = {int(i) for path in coadds(simulated) for i in fits.getdata(path, "FIBERMAP")["TARGETID"]}
    assert set(data["TARGETID"].tolist()) <= ids
    assert ((data["Z"] > 0.5) & (data["Z"] < 7)).all()
    check_sums(simulated / "qso.fits")
    check_sums(simulated / "truth.fits")


def test_truth(simulated):
    truth = table(simulated / "truth.fits")
    assert set(truth["TARGETID"]) <= set(table(simulated / "qso.fits")["TARGETID"])
    assert (truth["VMAX"] > truth["VMIN"]).all()
    assert ((truth["DEPTH"] > 0) & (truth["DEPTH"] <= 1)).all()


def test_same_seed_same_bytes(simulated, tmp_path):
    run("simulate", tmp_path / "again", "--pixels", 3, "--quasars", 15, "--others", 4, "--seed", 3)
    assert files(tmp_path / "again") == files(simulated)


def test_another_seed(tmp_path):
    for seed in (1, 2):
        run("simulate", tmp_path / str(seed), *SMALL, "--seed", seed, "--no-resolution")
    one, two = (table(tmp_path / s / "qso.fits") for s in "12")
    assert not (np.sort(one["Z"]) == np.sort(two["Z"])).any()


def test_options(tmp_path):
    def flux_and_ivar(name):
        data = [[hdus[f"{c}_{part}"].data for c in "BRZ"] for path in coadds(tmp_path / name)
                for hdus in [fits.open(path, memmap=False)] for part in ("FLUX", "IVAR")]
        return [np.concatenate([x for pair in data[k::2] for x in (y.ravel() for y in pair)]) for k in (0, 1)]

    run("simulate", tmp_path / "plain", *SMALL, "--no-resolution")
    run("simulate", tmp_path / "bright", *SMALL, "--no-resolution", "--bright")
    run("simulate", tmp_path / "gaps", *SMALL, "--no-resolution", "--gaps")
    run("simulate", tmp_path / "resolution", *SMALL)
    with fits.open(coadds(tmp_path / "plain")[0]) as hdus:
        assert "B_RESOLUTION" not in hdus
    with fits.open(coadds(tmp_path / "resolution")[0]) as hdus:
        assert "B_RESOLUTION" in hdus
    signal = {}
    for name in ("plain", "bright"):
        flux, ivar = flux_and_ivar(name)
        signal[name] = np.median(flux * np.sqrt(ivar))
    assert signal["bright"] > 1.5 * signal["plain"]
    masked = {name: (flux_and_ivar(name)[1] == 0).mean() for name in ("plain", "gaps")}
    assert masked["gaps"] > masked["plain"]
    assert 0 < masked["plain"] < 0.02


def test_mock(tmp_path):
    """The quickquasars layout, and a run of the pipeline on it."""
    tree = tmp_path / "mock"
    run("simulate", tree, *SMALL, "--mock")
    spectra = sorted(tree.rglob("spectra-16-*.fits*"))
    assert len(spectra) == 2
    mockdir = spectra[0].parents[3]
    with fits.open(spectra[0]) as hdus:
        b, r = hdus["B_WAVELENGTH"].data, hdus["R_WAVELENGTH"].data
        overlap = r[(r > b[0]) & (r < b[-1])]
        assert np.abs(overlap[:, None] - b[None, :]).min(axis=1).max() > 1e-4  # not aligned
        assert "B_RESOLUTION" not in hdus
    truth = sorted(tree.rglob("truth-16-*.fits*"))
    assert len(truth) == 2
    run("split", "--mock", "-q", tree / "qso.fits", "-a", tmp_path / "work")
    run("find", "--mock", "--mockdir", mockdir, "-a", tmp_path / "work", "--templates", "builtin")
    run("append", "--mock", "-q", tree / "qso.fits", "-b", tmp_path / "work", "-o", tmp_path / "out.fits")
    out = table(tmp_path / "out.fits")
    assert (out["BALMASK"] == 0).sum() >= 1 and not (out["BALMASK"] & 1)[(out["Z"] > 1.57) & (out["Z"] < 5)].any()


def test_tiles(tmp_path):
    """Tile, petal and night are in the catalog and the fibermaps, as picca's reader of tiles looks for them."""
    run("simulate", tmp_path / "tree", *SMALL, "--layout", "tiles", "--no-resolution")
    catalog = table(tmp_path / "tree" / "qso.fits")
    assert not {"HPXPIXEL", "COADD_LASTNIGHT"} & set(catalog.names)  # picca gives COADD_LASTNIGHT the name LASTNIGHT
    paths = sorted((tmp_path / "tree").rglob("coadd-*.fits"))
    assert len(paths) == 2
    for path in paths:
        petal, tile, night = path.stem.removeprefix("coadd-").split("-")
        fibermap = fits.getdata(path, "FIBERMAP")
        assert (fibermap["TILEID"] == int(tile)).all() and (fibermap["PETAL_LOC"] == int(petal)).all()
        chosen = catalog[(catalog["TILEID"] == int(tile)) & (catalog["PETAL_LOC"] == int(petal))
                         & (catalog["LASTNIGHT"] == int(night.removeprefix("thru")))]
        assert len(chosen) == 6 and set(chosen["TARGETID"]) <= set(fibermap["TARGETID"])


def test_pipeline_finds_what_was_put_in(tmp_path):
    """On a bright sample: most wide, deep troughs are found, and few quasars without any have a balnicity index."""
    tree, work = tmp_path / "tree", tmp_path / "work"
    run("simulate", tree, "--pixels", 2, "--quasars", 100, "--others", 0, "--bright", "--no-resolution", "--seed", 5,
        "--bal-fraction", 0.5)
    env = environment(DESI_SPECTRO_REDUX=tree / "redux")
    run("split", "-q", tree / "qso.fits", "-a", work, env=env)
    run("find", "-r", "sim", "-a", work, "--templates", "builtin", env=env)
    run("append", "-q", tree / "qso.fits", "-b", work, "-o", work / "qso-bal.fits", env=env)
    data, truth = table(work / "qso-bal.fits"), table(tree / "truth.fits")
    data = data[data["BALMASK"] == 0]
    measured = set(data["TARGETID"].tolist())
    wide = {int(t["TARGETID"]) for t in truth if t["VMAX"] - t["VMIN"] > 3000 and t["DEPTH"] > 0.5
            and 0 < t["VMIN"] and t["VMAX"] < 24000} & measured
    found = set(data["TARGETID"][data["AI_CIV"] > 0].tolist())
    assert len(wide) >= 10
    assert len(wide & found) >= 0.6 * len(wide)
    without = measured - {int(i) for i in truth["TARGETID"]}
    wrong = without & set(data["TARGETID"][data["BI_CIV"] > 0].tolist())
    assert len(wrong) <= 0.1 * len(without)


# ---- what can't be used ----

def test_folder_that_is_not_empty(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "mine").write_text("kept")
    complains(run("simulate", tmp_path / "tree", *SMALL, status=UNUSABLE), "simulate", tmp_path / "tree")
    assert set(files(tmp_path / "tree")) == {"mine"}
    run("simulate", tmp_path / "tree", *SMALL, "--no-resolution", "-c")
    assert fits_files(tmp_path / "tree")


@pytest.mark.parametrize("option, value", [("--pixels", 0), ("--quasars", -1), ("--seed", "x")])
def test_unusable_values(tmp_path, option, value):
    complains(run("simulate", tmp_path / "tree", option, value, status=UNUSABLE), "simulate", option)
    assert not (tmp_path / "tree").exists()


def test_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    complains(run("simulate", tmp_path / "file" / "tree", *SMALL, status=UNUSABLE), "simulate", tmp_path / "file")
