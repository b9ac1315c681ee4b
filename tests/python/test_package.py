"""The Python package: results against the program's files, arrays of every kind, commands, exceptions.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

import fastbal
from fastbal import _commands, _library, _masking

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = os.environ.get("FASTBAL_GOLDEN")


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A simulated tree, and its catalog with BAL columns."""
    root = tmp_path_factory.mktemp("survey")
    fastbal.command("simulate", root / "tree", pixels=1, quasars=60, others=2, seed=4, no_resolution=True)
    tree = root / "tree" / "redux" / "sim"
    fastbal.run(root / "tree" / "qso.fits", root / "cat.fits", tree=tree, templates="builtin")
    coadd, = tree.rglob("coadd-*.fits")
    return SimpleNamespace(tree=tree, qso=root / "tree" / "qso.fits", catalog=root / "cat.fits", coadd=coadd)


@pytest.fixture(scope="module")
def spectra(survey):
    """Cameras of the coadd's quasars in range, in the order of the catalog, and the catalog's rows."""
    rows = fits.getdata(survey.catalog, 1)
    rows = rows[rows["BALMASK"] == 0]
    s = SimpleNamespace()
    with fits.open(survey.coadd) as hdus:
        place = {t: i for i, t in enumerate(hdus["FIBERMAP"].data["TARGETID"])}
        order = [place[t] for t in rows["TARGETID"]]
        s.wave = {c: hdus[f"{c}_WAVELENGTH"].data.astype("f8") for c in "BRZ"}
        s.flux = {c: hdus[f"{c}_FLUX"].data[order].astype("f4") for c in "BRZ"}
        s.ivar = {c: hdus[f"{c}_IVAR"].data[order].astype("f4") for c in "BRZ"}
        s.big = {c: (hdus[f"{c}_FLUX"].data[order], hdus[f"{c}_IVAR"].data[order]) for c in "BRZ"}
    s.rows, s.z = rows, rows["Z"].astype("f8")
    return s


@pytest.fixture(scope="module")
def joined(spectra):
    return fastbal.join(spectra.wave, spectra.flux, spectra.ivar)


def same(a, b):
    assert a.dtype == b.dtype
    for name in a.dtype.names:
        assert np.array_equal(a[name], b[name]), name


# ---- results ----

def test_the_columns_are_those_of_the_catalog(spectra):
    """Bit for bit, as 4-byte floats."""
    results = fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin")
    names = list(results.dtype.names)
    assert names == [n for n in spectra.rows.names if n in names] or set(names) <= set(spectra.rows.names)
    for name in names:
        expected = spectra.rows[name]
        assert np.array_equal(results[name].astype(expected.dtype), expected), name
    missing = [n for n in spectra.rows.names[spectra.rows.names.index("PCA_COEFFS"):] if n not in names]
    assert missing == ["BALMASK"]
    assert results["BAL_PROB"].max() > 0.9
    assert (results["AI_CIV"] > 0).sum() > 3


def test_without_the_detector(spectra):
    """Only its own columns change."""
    results = fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin")
    without = fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", detector=False)
    changed = {n for n in results.dtype.names if not np.array_equal(results[n], without[n])}
    assert changed == {"BAL_PROB", *(n for n in results.dtype.names if "_DET" in n or n == "NDET_450")}
    assert not without["BAL_PROB"].any() and (without["VMIN_DET_450"] == -1).all()
    for bad in (None, 0, 1.0, ["a"]):
        with pytest.raises(TypeError, match="detector: expected True, False, a path or a Detector, found"):
            fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", detector=bad)
    with pytest.raises(fastbal.LibraryError, match="detector off: expected True, False or a file"):
        fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", detector="off")


def test_one_spectrum(spectra, joined):
    wave, flux, ivar = joined
    many = fastbal.measure(wave, flux, ivar, spectra.z, "builtin")
    for i in range(5):
        one = fastbal.measure(wave, flux[i], ivar[i], spectra.z[i], "builtin")
        assert one["AI_CIV"] == many["AI_CIV"][i] and np.array_equal(one["VMIN_CIV_450"], many["VMIN_CIV_450"][i])
    same(many, fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin"))


@pytest.mark.parametrize("threads", [1, 2, 3, None])
def test_threads_make_no_difference(joined, spectra, threads):
    wave, flux, ivar = joined
    flux, ivar, z = np.tile(flux, (4, 1)), np.tile(ivar, (4, 1)), np.tile(spectra.z, 4)
    expected = fastbal.measure(wave, flux, ivar, z, "builtin")
    same(fastbal.measure(wave, flux, ivar, z, "builtin", threads=threads), expected)
    same(fastbal.measure(spectra.wave, {c: np.tile(a, (4, 1)) for c, a in spectra.flux.items()},
                         {c: np.tile(a, (4, 1)) for c, a in spectra.ivar.items()}, z, "builtin", threads=threads), expected)


@pytest.mark.parametrize("options", [{"continuum": "least-squares"}, {"rules": "fastbal"}, {"rules": "optimize"}, {"fit": "simplex"}])
def test_options(survey, spectra, tmp_path, options):
    fastbal.run(survey.qso, tmp_path / "cat.fits", tree=survey.tree, templates="builtin", **options)
    rows = fits.getdata(tmp_path / "cat.fits", 1)
    rows = rows[rows["BALMASK"] == 0]
    results = fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", **options)
    expected = results[np.isin(spectra.rows["TARGETID"], rows["TARGETID"])]
    assert np.array_equal(expected["AI_CIV"].astype("f4"), rows["AI_CIV"])
    assert "rules" in options or not np.array_equal(spectra.rows["PCA_CHI2"], results["PCA_CHI2"].astype("f4"))


def test_the_continuum(joined, spectra):
    wave, flux, ivar = joined
    templates = fastbal.Templates("builtin")
    result = fastbal.measure(wave, flux[0], ivar[0], spectra.z[0], templates)
    rest = wave / (1 + spectra.z[0])
    expected = sum(c * np.interp(rest, templates.wavelength, t) for c, t in zip(result["PCA_COEFFS"], templates.values))
    np.testing.assert_allclose(fastbal.continuum(wave, spectra.z[0], result, templates), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(fastbal.continuum(wave[::-1], spectra.z[0], result, templates),
                                  fastbal.continuum(wave, spectra.z[0], result, templates)[::-1])


def test_a_bad_redshift_is_a_row(joined):
    wave, flux, ivar = joined
    for kind in (np.float32, np.float64):
        z = np.array([2.2, np.nan, -1, 2.3])
        results = fastbal.measure(wave, flux[:4].astype(kind), ivar[:4].astype(kind), z, "builtin")
        assert list(results["BALSTATUS"] == 1024) == [False, True, True, False]


# ---- detectors ----

@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A file of fastbal train --detector."""
    root = tmp_path_factory.mktemp("trained")
    fastbal.command("simulate", root / "tree", pixels=6, quasars=120, others=0, seed=5, no_resolution=True)
    where = {"tree": root / "tree" / "redux" / "sim"}
    fastbal.run(root / "tree" / "qso.fits", root / "bal.fits", templates="builtin", **where)
    fastbal.command("train", detector=True, qsocat=root / "bal.fits", outfile=root / "mine.fits", **where)
    return root / "mine.fits"


def other_weights(trained, path):
    """Each weight up to a tenth larger or smaller, with a checksum that is right."""
    with fits.open(trained) as hdus:
        header, weights = hdus[1].header, hdus[1].data["WEIGHT"]
        weights[:] = (weights * np.random.default_rng(3).uniform(0.9, 1.1, len(weights))).astype("f4")
        numbers = [header[key] for key in ("DETSLOPE", "DETINTER", "DETSIGLO", "DETSIGHI", "DETCHI2", "DETMASK")]
        header["DETSUM"] = f"{zlib.crc32(np.concatenate([weights, numbers]).astype('<f8').tobytes()):08x}"
        hdus.writeto(path)
    return path


@pytest.mark.parametrize("other", [False, True])
def test_a_trained_detector(survey, spectra, trained, tmp_path, other):
    """All columns are those of the catalog that the program writes with it, bit for bit, as 4-byte floats."""
    path = other_weights(trained, tmp_path / "other.fits") if other else trained
    fastbal.run(survey.qso, tmp_path / "cat.fits", tree=survey.tree, templates="builtin", detector=path)
    rows = fits.getdata(tmp_path / "cat.fits", 1)
    rows = rows[rows["BALMASK"] == 0]
    assert np.array_equal(rows["TARGETID"], spectra.rows["TARGETID"])
    detector = fastbal.Detector(path)
    assert detector.name == fits.getheader(tmp_path / "cat.fits", 1)["BALDET"]
    (tmp_path / "mine.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    for given in (path, str(path), detector, tmp_path / "mine.fits.gz"):
        results = fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", detector=given)
        for name in results.dtype.names:
            assert np.array_equal(results[name].astype(rows[name].dtype), rows[name]), name
    assert not np.array_equal(rows["BAL_PROB"], spectra.rows["BAL_PROB"])
    assert not other or not np.array_equal(rows["AI_DET"], spectra.rows["AI_DET"])


def test_a_detector_without_a_name(trained, tmp_path):
    with fits.open(trained) as hdus:
        del hdus[1].header["DETNAME"]
        hdus.writeto(tmp_path / "other.fits")
    data = (tmp_path / "other.fits").read_bytes()
    (tmp_path / "other.fits").write_bytes(data.replace(b"version of this layout", b"version of this l\xe4yout"))
    assert fastbal.Detector(tmp_path / "other.fits").name == fastbal.Detector(trained).name.replace("mine", "unnamed")


def test_the_builtin_detector(survey, spectra):
    detector = fastbal.Detector()
    assert detector.name == fits.getheader(survey.catalog, 1)["BALDET"] and repr(detector) == f"<Detector {detector.name}>"
    same(*(fastbal.measure(spectra.wave, spectra.flux, spectra.ivar, spectra.z, "builtin", detector=given) for given in (True, detector)))


def scaled(hdu):
    """The program reads these weights doubled."""
    hdu.data["WEIGHT"] /= 2
    hdu.header["TSCAL1"] = 2.0


@pytest.mark.parametrize("change, words", [
    (lambda hdu: hdu.data["WEIGHT"].__setitem__(17, 5), "weights or the calibration were changed"),
    (lambda hdu: hdu.header.set("DETSLOPE", 2.0), "weights or the calibration were changed"),
    (lambda hdu: hdu.header.set("TEMPSUM", "00000000"), "other built-in templates"),
    (lambda hdu: hdu.header.set("DETVERS", 2), "DETVERS: expected 1, found 2"),
    (lambda hdu: setattr(hdu, "data", hdu.data[:-1]), "expected 6498 weights, found 6497"),
    (lambda hdu: setattr(hdu, "name", "OTHER"), "expected a table DETECTOR, found none"),
    (lambda hdu: setattr(hdu, "data", hdu.data.astype([("WEIGHT", ">f4")])), "TFORM1: expected 8-byte floats, found E"),
    (scaled, "expected the detector that fastbal info finds, mine .*, found mine"),
])
def test_files_that_are_no_detector(trained, tmp_path, change, words):
    with fits.open(trained) as hdus:
        change(hdus[1])
        hdus.writeto(tmp_path / "bad.fits")
    with pytest.raises(fastbal.LibraryError, match=f"bad.fits: .*{words}"):
        fastbal.Detector(tmp_path / "bad.fits")


def test_other_files_are_no_detector(survey, trained, tmp_path):
    (tmp_path / "text").write_text("text")
    (tmp_path / "short.fits").write_bytes(trained.read_bytes()[:20000])
    for path, words in ((survey.catalog, "expected a table DETECTOR"), (tmp_path / "text", "text"), (tmp_path / "short.fits", "short.fits"),
                        (tmp_path, "regular file"), (tmp_path / "none", "no such file")):
        with pytest.raises(fastbal.LibraryError, match=words):
            fastbal.measure(np.arange(3600.0, 3700), np.ones(100), np.ones(100), 2.0, "builtin", detector=path)


# ---- templates ----

def test_builtin_templates(survey):
    templates, header = fastbal.Templates("builtin"), fits.getheader(survey.catalog, 1)
    assert (templates.name, templates.checksum) == (header["QSOTEMPS"], header["TEMPSUM"])
    assert templates.prior.covariance.shape == (len(templates) - 1,) * 2


def test_templates_from_a_file(tmp_path):
    fastbal.command("templates", export=tmp_path / "t.fits")
    read, builtin = fastbal.Templates(tmp_path / "t.fits"), fastbal.Templates("builtin")
    assert read.checksum == builtin.checksum and read.name == "t.fits"
    again = fastbal.Templates.from_arrays(read.wavelength, read.values, read.prior)
    assert again.checksum == builtin.checksum
    with pytest.raises(fastbal.FastbalError, match="no such file"):
        fastbal.Templates(tmp_path / "none.fits")


def test_templates_that_are_refused():
    wave, values = np.linspace(1200, 2500, 100), np.ones((2, 100))
    for arguments, words in [((wave[:50], values), r"\(50,\) and \(2, 100\)"), ((wave[::-1], values), "increasing"),
                             ((wave, np.full((2, 100), np.nan)), "finite"), ((wave, np.ones((40, 100))), "templates"),
                             ((wave, values, ([0.0], [[1.0]], np.ones(5))), "prior"), ((wave, values, ([0.0], [[-1.0]], np.ones(100))), "prior")]:
        with pytest.raises(fastbal.LibraryError, match=words):
            fastbal.Templates.from_arrays(*arguments)


def test_without_guo(monkeypatch, tmp_path, joined):
    """As the program: the built-in set, with a warning; an error where a folder was named."""
    wave, flux, ivar = joined
    monkeypatch.delenv("FASTBAL_TEMPLATES", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.warns(UserWarning, match="built-in"):
        fastbal.measure(wave, flux[0], ivar[0], 2.2)
    monkeypatch.setenv("FASTBAL_TEMPLATES", str(tmp_path))
    with pytest.raises(fastbal.FastbalError, match="FASTBAL_TEMPLATES"):
        fastbal.measure(wave, flux[0], ivar[0], 2.2)


@pytest.mark.skipif(not GOLDEN, reason="FASTBAL_GOLDEN is not set")
@pytest.mark.parametrize("templates, file", [("guo", "PCA_Eigenvectors.fits"), ("brodzeller", "PCA_Eigenvectors_Brodzeller.fits")])
def test_the_answers_of_the_reference(templates, file, monkeypatch):
    monkeypatch.setenv("FASTBAL_TEMPLATES", str(Path(GOLDEN) / "templates"))
    folder = Path(GOLDEN) / "healpix-typical"
    n = 0
    for path in sorted((folder / "redux").rglob("coadd-*.fits")):
        pixel = path.stem.rsplit("-", 1)[1]
        table, = (folder / "expected" / f"exact-{templates}").rglob(f"baltable-*-{pixel}.fits")
        expected = fits.getdata(table, 1)
        with fits.open(path) as hdus:
            place = {t: i for i, t in enumerate(hdus["FIBERMAP"].data["TARGETID"])}
            order = [place[t] for t in expected["TARGETID"]]
            wave = {c: hdus[f"{c}_WAVELENGTH"].data for c in "BRZ"}
            flux, ivar = ({c: hdus[f"{c}_{part}"].data[order] for c in "BRZ"} for part in ("FLUX", "IVAR"))
        results = fastbal.measure(wave, flux, ivar, expected["Z"].astype(float), templates)
        for name in ("AI_CIV", "BI_CIV", "VMIN_CIV_450", "VMAX_CIV_450", "AI_SIIV"):
            np.testing.assert_allclose(results[name], expected[name], rtol=2e-5, atol=2e-2, err_msg=name)
        assert np.array_equal(results["NCIV_450"], expected["NCIV_450"])
        n += len(expected)
    assert n > 50


# ---- arrays ----

def test_every_kind_of_array(joined, spectra):
    wave, flux, ivar = (a[:6] if a.ndim == 2 else a for a in joined)
    z = spectra.z[:6]
    expected = fastbal.measure(wave, flux, ivar, z, "builtin")
    wide = np.zeros((6, 2 * len(wave)))
    wide[:, ::2] = flux
    holes = np.ma.masked_array(flux, mask=ivar == 0)
    for w, f, v, redshift in [
            (list(wave), flux.tolist(), ivar.tolist(), list(z)), (wave, np.asfortranarray(flux), ivar, z), (wave, wide[:, ::2], ivar, z),
            (wave.astype(">f8"), flux.astype(">f8"), ivar.astype(">f8"), z.astype(">f8")), (wave, holes, ivar, z),
            (np.tile(wave, (6, 1)), flux, ivar, z), (wave, np.where(ivar == 0, np.nan, flux), ivar, z)]:
        same(fastbal.measure(w, f, v, redshift, "builtin"), expected)
    same(fastbal.measure(spectra.wave, {c: b[0] for c, b in spectra.big.items()}, {c: b[1] for c, b in spectra.big.items()}, spectra.z,
                         "builtin")[:6], expected)
    short = fastbal.measure(wave, flux.astype("f4"), ivar.astype("f4"), z, "builtin")
    same(short, fastbal.measure(wave, flux.astype("f4").astype("f8"), ivar.astype("f4").astype("f8"), z, "builtin"))
    integers = fastbal.measure(wave, np.ones((6, len(wave)), int), np.ones((6, len(wave)), int), z, "builtin")
    assert np.isfinite(integers["PCA_CHI2"]).all()
    ivar_masked = np.ma.masked_array(ivar, mask=False)
    ivar_masked[:, 100:2000] = np.ma.masked
    cut = ivar.copy()
    cut[:, 100:2000] = 0
    same(fastbal.measure(wave, flux, ivar_masked, z, "builtin"), fastbal.measure(wave, flux, cut, z, "builtin"))


def test_no_spectra():
    assert len(fastbal.measure(np.arange(3600.0, 9800), np.zeros((0, 6200)), np.zeros((0, 6200)), [], "builtin")) == 0


@pytest.mark.parametrize("change, words", [
    ({"flux": np.ones(99)}, r"flux: expected shape \(100,\) or \(nspectra, 100\), found \(99,\)"),
    ({"ivar": np.ones(99)}, r"ivar: expected shape \(100,\), found \(99,\)"),
    ({"z": [2.0, 2.1]}, r"z: expected shape \(\), found \(2,\)"),
    ({"flux": np.ones((2, 100)), "ivar": np.ones((2, 100)), "z": 2.0}, r"z: expected shape \(2,\)"),
    ({"flux": np.ones((2, 2, 100))}, "flux: expected shape"),
    ({"wavelength": np.arange(100.0)[::-1] + 3600}, "wavelength"),
    ({"wavelength": np.full(100, np.nan)}, "wavelength"),
    ({"wavelength": np.ones((1, 1, 100))}, "wavelength: expected shape"),
    ({"fit": "good"}, "fit: expected exact, simplex, found 'good'"),
    ({"rules": "none"}, "rules: expected"), ({"continuum": ""}, "continuum: expected"), ({"threads": 0}, "threads: expected"),
    ({"fit": "simplex", "continuum": "trough-aware"}, "."),
    ({"z": np.nan}, None),
])
def test_refused(change, words):
    arguments = {"wavelength": np.arange(3600.0, 3700), "flux": np.ones(100), "ivar": np.ones(100), "z": 2.0, "templates": "builtin"} | change
    if words is None:
        assert fastbal.measure(**arguments)["BALSTATUS"] == 1024
        return
    with pytest.raises(fastbal.LibraryError, match=words):
        fastbal.measure(**arguments)


@pytest.mark.parametrize("change", [{"flux": ["a"] * 100}, {"flux": np.ones(100, complex)}, {"ivar": np.array([None] * 100)}, {"z": "2"},
                                    {"templates": 3}, {"flux": {"b": np.ones(100)}}, {"flux": None}, {"threads": 2.0}, {"threads": "2"},
                                    {"mask": np.zeros(100)}, {"mask": {"b": np.zeros(100)}}])
def test_no_numbers(change):
    arguments = {"wavelength": np.arange(3600.0, 3700), "flux": np.ones(100), "ivar": np.ones(100), "z": 2.0, "templates": "builtin"} | change
    with pytest.raises(TypeError):
        fastbal.measure(**arguments)


def test_cameras_that_do_not_fit(spectra):
    with pytest.raises(fastbal.LibraryError, match="flux: expected the cameras"):
        fastbal.measure(spectra.wave, {"B": spectra.flux["B"]}, spectra.ivar, spectra.z, "builtin")
    none = {"B": np.zeros(0)}
    for function in (lambda *a: fastbal.measure(*a, 2.0, "builtin"), fastbal.join):
        with pytest.raises(fastbal.LibraryError, match=r"wavelength\['B'\]: expected wavelengths, found none"):
            function(none, none, none)
        with pytest.raises(fastbal.LibraryError, match="wavelength: expected a camera, found none"):
            function({}, {}, {})
    with pytest.raises(TypeError, match="wavelength: expected a mapping by camera, found ndarray"):
        fastbal.join(np.ones(3), np.ones(3), np.ones(3))


def test_units_of_wavelengths(joined, spectra):
    """Nanometres become Angstrom."""
    from astropy import units
    wave, flux, ivar = joined
    nm = units.Quantity(wave, "Angstrom").to("nm")
    result = fastbal.measure(wave, flux[0], ivar[0], spectra.z[0], "builtin")
    for found, expected in ((fastbal.measure(nm, flux[0], ivar[0], spectra.z[0], "builtin")["PCA_COEFFS"], result["PCA_COEFFS"]),
                            (fastbal.continuum(nm, spectra.z[0], result, "builtin"), fastbal.continuum(wave, spectra.z[0], result, "builtin")),
                            (fastbal.join({c: units.Quantity(w, "Angstrom").to("nm") for c, w in spectra.wave.items()}, spectra.flux,
                                          spectra.ivar)[0], wave)):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_nothing_crashes():
    """Random arguments are right or an exception; longer with FASTBAL_LONG."""
    random = np.random.default_rng(1)
    outcomes = set()
    for k in range(20000 if os.environ.get("FASTBAL_LONG") else 400):
        def array():
            shape = tuple(random.integers(0, 9, random.integers(0, 4)))
            values = random.normal(0, 10 ** random.uniform(-5, 40), shape)
            if random.random() < 0.3 and values.size:
                values.flat[random.integers(values.size)] = random.choice([np.nan, np.inf, -np.inf, 1e308])
            return values.astype(random.choice(["f4", "f8", ">f4", ">f8", "i4", "u1", "?"]), copy=False)
        with np.errstate(all="ignore"):
            try:
                wave = np.cumsum(np.abs(array()), -1) + 3600 if random.random() < 0.7 else array()
                fastbal.measure(wave, array() if random.random() < 0.3 else np.ones(np.shape(wave), "f4"), np.ones(np.shape(wave), "f4"),
                                float(random.normal(2, 2)), "builtin")
                outcomes.add("done")
            except (fastbal.LibraryError, TypeError) as error:
                outcomes.add(type(error).__name__)
    assert outcomes >= {"done", "LibraryError"}


# ---- threads and interrupts ----

def test_the_interpreter_lock_is_free(joined, spectra):
    wave, flux, ivar = joined
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(1)
            done.wait(0.001)
    thread = threading.Thread(target=tick)
    thread.start()
    fastbal.measure(wave, np.tile(flux, (40, 1)), np.tile(ivar, (40, 1)), np.tile(spectra.z, 40), "builtin")
    done.set()
    thread.join()
    assert len(ticks) > 5


def test_an_interrupt_is_obeyed(joined, spectra):
    import _thread
    wave, flux, ivar = joined
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in the background
    try:
        timer = threading.Timer(0.05, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in range(1000):
                fastbal.measure(wave, np.tile(flux, (40, 1)), np.tile(ivar, (40, 1)), np.tile(spectra.z, 40), "builtin", threads=2)
    finally:
        signal.signal(signal.SIGINT, before)


# ---- masks, catalogs, pictures ----

def masked_by_picca(wave, row):
    """As picca masks a forest, in its rest frame, by every trough at each of its lines."""
    rest, masked = np.log10(wave) - np.log10(1 + float(row["Z"])), np.zeros(len(wave), bool)
    for vmin, vmax in zip(row["VMIN_CIV_450"].astype(float), row["VMAX_CIV_450"].astype(float)):
        for line in (1549, 1403, 1394, 1240.81, 1216.1, 1175, 1128, 1117, 1074, 1062, 1031, 1037, 1039, 1025.7, 972.5, 977, 989.9, 949.7):
            if vmin > 0 and vmax > 0:
                begin, end = np.searchsorted(rest, np.log10([line * (1 - v / 299792.458) for v in (vmax, vmin)]))
                masked[begin:end] = True
    return masked


@pytest.mark.parametrize("lines", [",".join(_masking.DEFAULT), "picca", ",".join(_masking.LINES)])
def test_masks_are_those_of_the_program(survey, spectra, tmp_path, lines):
    fastbal.mask_coadds(survey.catalog, tmp_path / "masked", tree=survey.tree, lines=lines)
    masked, = (tmp_path / "masked").rglob("coadd-*.fits")
    rows = {row["TARGETID"]: row for row in fits.getdata(survey.catalog, 1)}
    n = 0
    with fits.open(masked) as after, fits.open(survey.coadd) as before:
        for camera in "BRZ":
            wave = before[f"{camera}_WAVELENGTH"].data
            for i, target in enumerate(before["FIBERMAP"].data["TARGETID"]):
                if target not in rows:
                    continue
                expected = fastbal.mask(wave, rows[target]["Z"], rows[target], lines)
                assert lines != "picca" or np.array_equal(expected, masked_by_picca(wave, rows[target]))
                was = before[f"{camera}_IVAR"].data[i]
                assert np.array_equal(after[f"{camera}_IVAR"].data[i], np.where(expected, 0, was))
                n += expected.sum()
    assert n > 100


def test_mask_lines():
    row = {"AI_CIV": 1.0, "AI_SIIV": 0.0, "VMIN_CIV_450": [3000, -1], "VMAX_CIV_450": [9000, -1], "VMIN_SIIV_450": [-1], "VMAX_SIIV_450": [-1]}
    wave = np.arange(3600.0, 9800)
    for line, rest in (("CIV", 1549), ("OVI", 1034), (1900.0, 1900), ("1900", 1900), ("SIIV:CIV", 1400)):
        found = wave[fastbal.mask(wave, 3.0, row, [line])]
        assert abs(found[0] - 4 * rest * (1 - 9000 / _masking.LIGHT_SPEED)) < 1 and abs(found[-1] - 4 * rest * (1 - 3000 / _masking.LIGHT_SPEED)) < 1
    assert not fastbal.mask(wave, 3.0, row, ["SIIV"]).any() and not fastbal.mask(wave, 3.0, row | {"AI_CIV": 0}).any()
    assert np.array_equal(fastbal.mask(wave, 3.0, row, "CIV,NV"), fastbal.mask(wave, 3.0, row, ["CIV", "NV"]))
    with pytest.raises(fastbal.LibraryError, match="lines"):
        fastbal.mask(wave, 3.0, row, ["C4"])


def test_read(survey):
    table = fastbal.read(survey.catalog)
    assert str(table["AI_CIV"].unit) == "km / s" and len(table) == fits.getheader(survey.catalog, 1)["NAXIS2"] and table.meta["QSOTEMPS"] == "builtin"
    assert table["AI_CIV"].description == "absorption index of C IV"
    assert (fastbal.read(survey.catalog, hdu=1)["AI_CIV"] == table["AI_CIV"]).all()
    for hdu in ("NONE", 0, 7):
        with pytest.raises(fastbal.FastbalError, match=f"expected a table {hdu}, found"):
            fastbal.read(survey.catalog, hdu=hdu)


def test_read_with_pandas(survey):
    pandas = pytest.importorskip("pandas")
    table = fastbal.read(survey.catalog)
    frame = fastbal.read(survey.catalog, pandas=True)
    assert isinstance(frame, pandas.DataFrame) and list(frame["TARGETID"]) == list(table["TARGETID"])
    assert list(frame["VMIN_CIV_450_0"]) == list(table["VMIN_CIV_450"][:, 0])
    assert frame["SURVEY"][0] == "main" and frame["AI_CIV"].sum() == table["AI_CIV"].sum()


def test_a_picture(joined, spectra, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import fastbal.plot
    wave, flux, ivar = joined
    i = int(np.argmax(spectra.rows["AI_CIV"]))
    figure = fastbal.plot.spectrum(wave, flux[i], ivar[i], spectra.z[i], templates="builtin")
    top, bottom = figure.axes
    assert f"AI = {spectra.rows['AI_CIV'][i]:.0f}" in top.get_title()
    assert len(bottom.patches) == spectra.rows["NCIV_450"][i] + spectra.rows["NSIIV_450"][i]
    figure.savefig(tmp_path / "a.png")
    for wrong, words in (({"smooth": 4}, "smooth: expected an odd number"), ({"smooth": 0}, "smooth"), ({"flux": flux[i][:9]}, "flux: expected shape")):
        with pytest.raises(fastbal.LibraryError, match=words):
            fastbal.plot.spectrum(**({"wavelength": wave, "flux": flux[i], "ivar": ivar[i], "z": 2.0, "templates": "builtin"} | wrong))


class Spectrum1D:
    """What is used of specutils' class."""

    def __init__(self, wavelength, flux, uncertainty, kind, redshift=None):
        self.spectral_axis, self.flux, self.mask, self.redshift = wavelength, flux, None, redshift
        self.uncertainty = type("U", (), {"array": uncertainty, "uncertainty_type": kind})()


def test_a_spectrum1d(joined, spectra):
    wave, flux, ivar = joined[0], joined[1][0], joined[2][0]
    expected = fastbal.measure(wave, flux, ivar, spectra.z[0], "builtin")
    assert fastbal.measure(Spectrum1D(wave, flux, ivar, "ivar", spectra.z[0]), templates="builtin") == expected
    assert fastbal.measure(Spectrum1D(wave, flux, ivar, "ivar"), z=spectra.z[0], templates="builtin") == expected
    with np.errstate(divide="ignore"):
        std = fastbal.measure(Spectrum1D(wave, flux, 1 / np.sqrt(ivar), "std"), z=spectra.z[0], templates="builtin")
    np.testing.assert_allclose(std["AI_CIV"], expected["AI_CIV"], rtol=1e-9)
    for bad in (Spectrum1D(wave, flux, ivar, "other"), Spectrum1D(wave, flux, ivar, "ivar")):
        with pytest.raises(fastbal.LibraryError):
            fastbal.measure(bad, templates="builtin")


@pytest.mark.parametrize("kind", ["ivar", "var", "std"])
def test_a_spectrum1d_with_units(joined, spectra, kind):
    """Of specutils itself where it is installed. Flux and uncertainty may have different units."""
    units, nddata = pytest.importorskip("astropy.units"), pytest.importorskip("astropy.nddata")
    wave, flux, ivar = joined[0], joined[1][0], joined[2][0]
    ivar = np.where(ivar > 0, ivar, ivar[ivar > 0].min())
    expected = fastbal.measure(wave, flux, ivar, spectra.z[0], "builtin")
    desi = 1e-17 * units.erg / units.s / units.cm ** 2 / units.AA
    sigma = (ivar ** -0.5 * desi).to(units.erg / units.s / units.m ** 2 / units.nm)
    uncertainty = {"ivar": nddata.InverseVariance(sigma ** -2), "std": nddata.StdDevUncertainty(sigma),
                   "var": nddata.VarianceUncertainty(sigma ** 2)}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what specutils imports
        try:
            from specutils import Spectrum1D as Spectrum
        except ImportError:
            def Spectrum(**given):
                return SimpleNamespace(mask=None, redshift=None, **given)
        spectrum = Spectrum(spectral_axis=wave * units.AA, flux=flux * desi, uncertainty=uncertainty)
    found = fastbal.measure(spectrum, z=spectra.z[0], templates="builtin")
    for name in ("AI_CIV", "PCA_CHI2", "SNR_CIV"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9)


# ---- commands ----

def test_the_three_steps(survey, tmp_path):
    calls = []
    fastbal.split(survey.qso, tmp_path / "z")
    done = fastbal.find(tmp_path / "z", tree=survey.tree, templates="builtin", nproc=2, progress=lambda done, all: calls.append((done, all)))
    fastbal.append(survey.qso, tmp_path / "z", tmp_path / "out.fits")
    assert calls == [(1, 1)] and done.status == 0 and done.messages == [] and "measured with builtin" in "".join(done.summary)
    difference = fastbal.diff(survey.catalog, tmp_path / "out.fits")
    assert isinstance(difference, dict) and difference


def test_errors_of_commands(survey, tmp_path):
    with pytest.raises(fastbal.CommandError, match="No such file") as caught:
        fastbal.run(tmp_path / "none.fits", tmp_path / "out.fits", tree=survey.tree, templates="builtin")
    assert caught.value.status == 2 and len(caught.value.messages) == 1 and caught.value.command[1] == "run"
    with pytest.raises(fastbal.CommandError, match="--bogus"):
        fastbal.run(survey.qso, tmp_path / "out.fits", tree=survey.tree, templates="builtin", bogus=3)
    catalog = fits.open(survey.qso)
    catalog[1].data["TARGETID"][:3] += 1
    catalog.writeto(tmp_path / "other.fits")
    options = {"tree": survey.tree, "templates": "builtin"}
    with pytest.warns(UserWarning, match="not in the coadd") as warned:
        done = fastbal.run(tmp_path / "other.fits", tmp_path / "out.fits", **options)
        fastbal.command("run", qsocat=tmp_path / "other.fits", outcatfile=tmp_path / "again.fits", **options)
    assert done.status == 1 and (tmp_path / "out.fits").exists()
    assert [w.filename for w in warned] == [__file__] * 2


def test_it_can_be_installed(tmp_path):
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools", "wheel")):
        pytest.skip("no pip, setuptools or wheel")
    env = dict(os.environ, FASTBAL_BUILD=str(_library.folder().resolve()))
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--no-warn-script-location",
                           "--disable-pip-version-check", "--root-user-action=ignore", "--target", str(tmp_path / "site"), str(ROOT / "python")], env=env,
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    env.pop("FASTBAL_BUILD")
    env["PYTHONPATH"] = str(tmp_path / "site")
    code = ("import fastbal, numpy as n; w = n.arange(3600., 9800.); print(fastbal.__file__, fastbal.__version__);"
            "print(fastbal.measure(w, n.ones(6200), n.ones(6200), 2.2, 'builtin')['SNR_CIV']); print(fastbal.command('templates').summary)")
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and str(tmp_path) in done.stdout and "builtin: " in done.stdout, done.stdout + done.stderr
    assert "Tag: py3-none-" in next((tmp_path / "site").glob("fastbal-*/WHEEL")).read_text()
    if sys.platform == "linux":
        needed = subprocess.run(["ldd", tmp_path / "site/fastbal/bin/fastbal"], env=env, capture_output=True, text=True, check=True).stdout
        found = dict(re.findall(r"(\S+) => (\S+)", needed))
        assert "not found" not in needed and any(name.startswith("libcfitsio.") for name in found)
        outside = {name for name, path in found.items() if tmp_path not in Path(path).parents}
        assert {name.split(".")[0] for name in outside} <= {"libc", "libm", "libdl", "libpthread", "librt", "libresolv", "libutil"}


def test_another_version_of_the_library(tmp_path):
    """Its structures would be read at the wrong places."""
    version = fastbal.__version__
    other = re.sub(r"\d+", lambda number: str((int(number[0]) + 1) % 10), version)
    library = next(path for suffix in ("so", "dylib") for path in _library.folder().glob(f"libfastbal.{suffix}"))
    (tmp_path / library.name).write_bytes(library.read_bytes().replace(version.encode() + b"\0", other.encode() + b"\0"))
    done = subprocess.run([sys.executable, "-c", "import fastbal"], env=dict(os.environ, FASTBAL_BUILD=str(tmp_path)), capture_output=True,
                          text=True)
    words = f"ImportError: {tmp_path / library.name}: expected version {_library.ABI} of the library, found {other}"
    assert done.stderr.splitlines()[-1] == words


def test_types():
    """mypy finds nothing, where it is installed."""
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", str(ROOT / "python" / "pyproject.toml"), "--cache-dir", os.devnull, "-p", "fastbal"],
                          cwd=ROOT / "python", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# ---- the manual ----

def test_the_manual(survey, tmp_path, monkeypatch):
    """The code of docs/python.md, from top to bottom, with the files of the simulated tree."""
    pytest.importorskip("matplotlib").use("Agg")
    text = (ROOT / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) >= 6
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert (tmp_path / "bal.png").stat().st_size > 10000 and len(names["bals"]) > 0


def test_arguments_of_commands(survey):
    assert fastbal.command("info", os.fsencode(survey.catalog)).summary == fastbal.command("info", survey.catalog).summary
    assert _commands._words({"healpix": np.array([8, 9]), "clobber": np.True_, "quiet": np.False_, "nproc": np.int64(2), "logfile": None}) == [
        "--healpix", "8", "9", "--clobber", "--nproc", "2"]
    for wrong, error in ((object(), TypeError), ({}, TypeError), ("a\0b", fastbal.LibraryError)):
        with pytest.raises(error, match="argument: expected"):
            fastbal.command("info", wrong)
        with pytest.raises(error, match="only: expected"):
            fastbal.split(survey.qso, survey.qso, only=[wrong])
