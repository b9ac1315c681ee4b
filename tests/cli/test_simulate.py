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
    deep = truth["DEPTH"] > 0.1
    assert deep.any() and (truth["VMAX"] > truth["VMIN"])[deep].all()
    assert (truth["VMAX"][~deep] == -1).all() and (truth["VMIN"][~deep] == -1).all()
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


def test_truth_of_mocks(tmp_path):
    """The whole circle: a mock, its truth as BAL catalog (from either source), and what the finder sees in it."""
    tree = tmp_path / "mock"
    run("simulate", tree, "--pixels", 2, "--quasars", 30, "--mock", "--bright", "--bal-fraction", 0.5)
    for source, out in (("mock", "one.fits"), ("mock/bal_cat.fits", "two.fits")):
        result = run("truth", "-q", tree / "qso.fits", "-b", tree / source, "-o", tmp_path / out)
        assert "the other way round" not in result.stdout + result.stderr
    run("run", "--mock", "--mockdir", tree / "mock", "-q", tree / "qso.fits", "-o", tmp_path / "found.fits",
        "--templates", "builtin")
    assert fits.getheader(tree / "mock" / "bal_cat.fits", 1)["EXTNAME"] == "ZCATALOG"
    one, two, found = (table(tmp_path / name) for name in ("one.fits", "two.fits", "found.fits"))
    quasars = {int(q["TARGETID"]): q for q in table(tree / "truth.fits", "QUASARS")}
    assert one["TARGETID"].tolist() == found["TARGETID"].tolist() and len(one) == 60
    for a, b in zip(one, two):
        q = quasars[int(a["TARGETID"])]
        assert (a["BALMASK"] == 0) == (q["BAL"] == 1) and a["BAL_PROB"] == (1 if q["BAL"] else -99)
        for name in ("AI_CIV", "BI_CIV", "NCIV_450", "NCIV_2000", "VMIN_CIV_450", "VMAX_CIV_450", "VMIN_CIV_2000",
                     "VMAX_CIV_2000"):
            np.testing.assert_allclose(a[name], q[name], rtol=1e-6)
            np.testing.assert_array_equal(a[name], b[name])
    true = one["AI_CIV"] > 0
    assert 20 < true.sum() < 40 and (found["AI_CIV"][true] > 0).mean() > 2 * (found["AI_CIV"][~true] > 0).mean()


def test_troughs_that_reach_the_line(tmp_path):
    """Readers ignore troughs with VMIN <= 0, so that of a trough from v = 0 is 20 km/s, the first cell above."""
    run("simulate", tmp_path / "tree", "--pixels", 1, "--quasars", 150, "--others", 0, "--bal-fraction", 1, "--mock")
    quasars, truth = (table(tmp_path / "tree" / "truth.fits", name) for name in ("QUASARS", "TRUTH"))
    used = np.arange(17) < quasars["NCIV_450"][:, None]
    vmin, vmax = quasars["VMIN_CIV_450"], quasars["VMAX_CIV_450"]
    assert (vmin[used] >= 20).all() and (vmin[~used] == -1).all() and (vmax[used] - vmin[used] > 400).all()
    spanning = {int(t["TARGETID"]) for t in truth
                if t["VMIN"] < 0 and t["VMAX"] > 1000 and t["SHAPE"] in ("SMOOTH", "ATTACHED")}
    assert len(spanning) >= 3
    assert set(quasars["TARGETID"][(vmin == 20).any(axis=1)].tolist()) >= spanning


@pytest.mark.parametrize("layout", ["healpix", "mock"])
def test_truth_spectra(tmp_path, layout):
    """Flux is continuum times transmission and noise; transmission is low where the tables say there are troughs."""
    options = ("--pixels", 2, "--quasars", 20, "--others", 3, "--bright", "--bal-fraction", 0.5, "--layout", layout,
               "--no-resolution")
    run("simulate", tmp_path / "with", *options, "--truth-spectra")
    run("simulate", tmp_path / "without", *options)
    paths = sorted((tmp_path / "with").rglob("truespectra-*.fits"))
    ours, others = files(tmp_path / "with"), files(tmp_path / "without")
    assert len(paths) == 2 and {k: v for k, v in ours.items() if "truespectra" not in k} == others
    quasars = {int(q["TARGETID"]): q for q in table(tmp_path / "with" / "truth.fits", "QUASARS")}
    deviations, deep, seen = [], [], set()
    for path in paths:
        check_sums(path)
        kind = "spectra" if layout == "mock" else "coadd"
        with fits.open(path) as true, fits.open(path.with_name(path.name.replace("truespectra", kind))) as coadd:
            row_of = {int(t): i for i, t in enumerate(coadd["FIBERMAP"].data["TARGETID"])}
            for i, target in enumerate(true["TARGETS"].data):
                q, row = quasars[int(target["TARGETID"])], row_of[int(target["TARGETID"])]
                assert target["Z"] == q["Z"] and target["Z_CAT"] == q["Z_CAT"]
                seen.add(int(target["TARGETID"]))
                for camera in "BRZ":
                    wave = true[f"{camera}_WAVELENGTH"].data
                    np.testing.assert_array_equal(wave, coadd[f"{camera}_WAVELENGTH"].data)
                    continuum, transmission = (true[f"{camera}_{what}"].data[i] for what in ("CONTINUUM", "TRANSMISSION"))
                    assert continuum.dtype.itemsize == 4 and (continuum > 0).all()
                    assert (transmission >= 0).all() and (transmission < 1.0001).all()
                    flux, ivar = (coadd[f"{camera}_{what}"].data[row] for what in ("FLUX", "IVAR"))
                    deviations.append(np.median((flux - continuum * transmission) * np.sqrt(ivar)))
                    v = 299792.458 * (1 - wave / (1 + q["Z"]) / 1549)
                    deep += [transmission[(v > low + 30) & (v < high - 30)].max(initial=0)
                             for low, high in zip(q["VMIN_CIV_450"], q["VMAX_CIV_450"]) if low > 0]
    assert seen == set(quasars) and np.abs(np.median(deviations)) < 0.1 and np.std(deviations) < 0.5
    assert len(deep) > 10 and max(deep) < 0.92 and np.count_nonzero(deep) > 10


def test_dust_of_outflows(tmp_path):
    """Without outflows, light is what it was but for the dust of EBV_BAL, and as bright where surveys select quasars."""
    options = ("--pixels", 2, "--quasars", 60, "--others", 0, "--seed", 11, "--no-resolution", "--truth-spectra", "--bal-fraction")
    trees = [tmp_path / "with", tmp_path / "without"]
    run("simulate", trees[0], *options, 0.5)
    run("simulate", trees[1], *options, 0)
    quasars, dusty = {int(q["TARGETID"]): q for q in table(trees[0] / "truth.fits", "QUASARS")}, 0
    assert not table(trees[1] / "truth.fits", "QUASARS")["EBV_BAL"].any()
    for paths in zip(*(sorted(tree.rglob("truespectra-*.fits")) for tree in trees)):
        with fits.open(paths[0]) as one, fits.open(paths[1]) as two:
            wave = one["B_WAVELENGTH"].data
            for target, c1, c2 in zip(one["TARGETS"].data, one["B_CONTINUUM"].data, two["B_CONTINUUM"].data):
                q = quasars[int(target["TARGETID"])]
                assert (q["EBV_BAL"] > 0) <= (q["BAL"] == 1)
                dust = [10 ** (-0.4 * 1.39 * q["EBV_BAL"] * (w / (1 + q["Z"]) / 1e4) ** -1.2)
                        for w in (wave, max(6400, 1350 * (1 + q["Z"])))]
                np.testing.assert_allclose(c1 / c2, dust[0] / dust[1], rtol=0.005)
                dusty += q["EBV_BAL"] > 0.02
    assert dusty > 20


def test_no_narrow_systems(tmp_path):
    """Narrow systems are gone from truth and spectra; light, hydrogen, outflows, catalog and other targets are the same."""
    options = ("--pixels", 2, "--quasars", 40, "--others", 5, "--bal-fraction", 0.3, "--no-resolution", "--truth-spectra")
    trees = [tmp_path / "plain", tmp_path / "without"]
    run("simulate", trees[0], *options)
    run("simulate", trees[1], *options, "--no-narrow-systems")
    assert files(trees[0]).keys() == files(trees[1]).keys()
    assert files(trees[0])["qso.fits"] == files(trees[1])["qso.fits"]
    plain, without = (table(tree / "truth.fits", "QUASARS") for tree in trees)
    differ = {name for name in plain.names if not np.array_equal(plain[name], without[name])}
    assert differ == {"SNR_CIV", "AI_ALL", "NALL_450", "VMIN_ALL_450", "VMAX_ALL_450", "NASSOC"}
    assert (plain["NASSOC"] > 0).sum() > 15 and not without["NASSOC"].any()
    np.testing.assert_array_equal(without["AI_ALL"], without["AI_CIV"])
    assert (plain["AI_ALL"] > plain["AI_CIV"]).sum() > 15 and (plain["AI_CIV"] > 0).sum() > 15
    one, two = (table(tree / "truth.fits", "TRUTH") for tree in trees)
    assert all(np.array_equal(one[name], two[name]) for name in one.names)

    quasars = {int(q["TARGETID"]): q for q in plain}
    forest, metals = [], []
    for paths in zip(*(sorted(tree.rglob("truespectra-*.fits")) for tree in trees)):
        with fits.open(paths[0]) as one, fits.open(paths[1]) as two:
            for camera in "BRZ":
                np.testing.assert_array_equal(one[f"{camera}_CONTINUUM"].data, two[f"{camera}_CONTINUUM"].data)
                for target, t1, t2 in zip(one["TARGETS"].data, *(h[f"{camera}_TRANSMISSION"].data for h in (one, two))):
                    assert (t1 <= t2 + 1e-5).all()
                    q, rest = quasars[int(target["TARGETID"])], one[f"{camera}_WAVELENGTH"].data / (1 + target["Z"])
                    forest += [t2[(rest > 1050) & (rest < 1180)]]
                    if not q["BAL"]:
                        metals += [t1[rest > 1300]]
                        assert (t2[rest > 1300] > (0.9 if q["NDLA"] else 0.999)).all()  # damping wings reach far
        kinds = [table(path.with_name(path.name.replace("truespectra", "coadd")), "FIBERMAP") for path in paths]
        np.testing.assert_array_equal(kinds[0]["TARGETID"], kinds[1]["TARGETID"])
        star = ~np.isin(kinds[0]["TARGETID"], list(quasars))
        flux = [fits.getdata(path.with_name(path.name.replace("truespectra", "coadd")), "R_FLUX") for path in paths]
        np.testing.assert_array_equal(flux[0][star], flux[1][star])
        assert star.sum() == 5
    assert 0.3 < np.concatenate(forest).mean() < 0.9 and np.concatenate(metals).min() < 0.5


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
