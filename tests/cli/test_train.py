"""fastbal train: a set learnt from a simulated tree, and what it refuses.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from support import DONE, PARTLY, UNUSABLE, check_sums, complains, files, run, table


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    run("simulate", folder / "sim", "--pixels", 3, "--quasars", 110, "--others", 0, "--seed", 5, "--no-resolution")
    run("run", "-q", folder / "sim" / "qso.fits", "-r", folder / "sim" / "redux" / "sim", "-o", folder / "qso-bal.fits",
        "--templates", "builtin")
    run("train", "-q", folder / "qso-bal.fits", "-r", folder / "sim" / "redux" / "sim", "-o", folder / "t.fits",
        "--nproc", 1)
    return folder


def train(simulated, out, *options, q="qso-bal.fits", status=DONE):
    return run("train", "-q", simulated / q, "-r", simulated / "sim" / "redux" / "sim", "-o", out, *options, status=status)


def rows_used(simulated):
    """Rows within the redshifts at which 3600 to 9824 A cover 1261 to 2399 A, and without a warning."""
    catalog = table(simulated / "qso-bal.fits")
    z = catalog["Z"]
    return catalog[(z > 3600.2 / 1261.34 - 1) & (z < 9823.8 / 2398.4 - 1) & (catalog["ZWARN"] == 0)]


def test_the_file(simulated):
    check_sums(simulated / "t.fits")
    with fits.open(simulated / "t.fits") as hdus:
        values, prior, header = hdus[1].data, hdus["PRIOR"].data, hdus[1].header
        wave, mean = values["WAVE"], values["PCA0"]
        step = np.log(2402 / 1258) / 1099
        np.testing.assert_allclose(wave, 1258 * np.exp(step * np.arange(5, 1097)), rtol=1e-12)
        assert values.names == ["WAVE", *(f"PCA{k}" for k in range(8)), "PSI"]
        np.testing.assert_allclose(mean.mean(), 1, rtol=1e-12)
        # the mean is a quasar's: lines stand above their surroundings
        for line, beside in ((1549, 1460), (1909, 1800)):
            assert mean[np.searchsorted(wave, line)] > 1.25 * mean[np.searchsorted(wave, beside)]
        # the others are orthonormal in units of the root of the mean
        t = np.array([values[f"PCA{k}"] for k in range(1, 8)]) / np.sqrt(np.maximum(mean, 0.05))
        np.testing.assert_allclose(t @ t.T / len(wave), np.eye(7), atol=1e-6)
        assert ((values["PSI"] >= 0.01) & (values["PSI"] < 0.3)).all()
        assert prior["COVARIANCE"].shape == (7, 7) and (np.linalg.eigvalsh(prior["COVARIANCE"]) > 0).all()
        assert (np.abs(prior["MEAN"]) < np.sqrt(np.diag(prior["COVARIANCE"]))).all()
        assert header["TRNCAT"] == header["TRNBALS"] == "qso-bal.fits" and header["TRNPROD"] == "sim"
        assert header["QSOTEMPS"] == "t.fits" and "program=dark" in header["TRNOPTS"] and header["TRNSNR"] == 1
        assert 100 < header["TRNNSPEC"] <= len(rows_used(simulated)) and header["TRNITER"] > 3


def test_what_it_says(simulated, tmp_path):
    out = train(simulated, tmp_path / "t.fits").stdout.splitlines()
    header = fits.getheader(simulated / "t.fits", 1)
    used = rows_used(simulated)
    n, masked = int(out[0].split()[1]), int(out[1].split()[3])
    numbers = [int(w) for w in out[0].replace(",", "").split() if w.isdigit()]
    assert n == header["TRNNSPEC"] and f"{n} spectra used; left out: " in out[0] and "signal-to-noise below 1" in out[0]
    assert sum(numbers) == len(table(simulated / "qso-bal.fits")) + 1261 + 2399 + 1
    assert masked == header["TRNNMASK"] and 0 < masked <= (used["AI_CIV"] > 0).sum()
    assert f"{header['TRNITER']} iterations" in out[2]
    assert f"8 components, checksum {header['TEMPSUM']}" in out[3] and len(out) == 4


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_make_no_difference(simulated, tmp_path, threads):
    train(simulated, tmp_path / "t.fits", "--nproc", threads)
    assert files(tmp_path)["t.fits"] == files(simulated)["t.fits"]


def test_find_uses_it(simulated, tmp_path):
    """As good a fit as any, and the catalog says with what it was made."""
    tree = ("-q", simulated / "sim" / "qso.fits", "-r", simulated / "sim" / "redux" / "sim")
    run("run", *tree, "-o", tmp_path / "bal.fits", "--templates", simulated / "t.fits")
    catalog, header = table(tmp_path / "bal.fits"), fits.getheader(tmp_path / "bal.fits", 1)
    ours, theirs = (table(p)["PCA_CHI2"] for p in (tmp_path / "bal.fits", simulated / "qso-bal.fits"))
    measured = (ours > 0) & (theirs > 0)
    assert header["QSOTEMPS"] == "t.fits" and header["TEMPSUM"] == fits.getheader(simulated / "t.fits", 1)["TEMPSUM"]
    assert catalog["PCA_COEFFS"].shape[1] == 8 and measured.sum() > 200
    assert np.median(ours[measured] / theirs[measured]) < 1.05
    assert run("templates", "--templates", simulated / "t.fits").stdout.startswith("t.fits: 8 components, 1092 wavelengths")


def header_of(path):
    return fits.getheader(path, 1)


def test_troughs_are_left_out(simulated, tmp_path):
    """A catalog of troughs may be another one: its rows are found by TARGETID."""
    catalog = Table.read(simulated / "qso-bal.fits", 1)
    catalog["AI_CIV"], catalog["VMIN_CIV_450"], catalog["VMAX_CIV_450"] = 1000.0, 3000.0, 20000.0
    catalog["AI_SIIV"] = 0.0
    catalog["VMIN_CIV_450"][:, 1:], catalog["VMAX_CIV_450"][:, 1:] = -1, -1
    bals = catalog[::2]
    bals[::-1].write(tmp_path / "bals.fits")  # half of them, in another order
    result = train(simulated, tmp_path / "t.fits", "--mask-bals", tmp_path / "bals.fits", q="sim/qso.fits")
    header = header_of(tmp_path / "t.fits")
    known = np.isin(rows_used(simulated)["TARGETID"], bals["TARGETID"]).sum()
    assert 0.7 * known < header["TRNNMASK"] <= known and header["TRNBALS"] == "bals.fits"
    assert f"bals.fits: has only {header['TRNNMASK']} of the {header['TRNNSPEC']} quasars" in result.stderr
    # everyone's: no spectrum has data there
    catalog.write(tmp_path / "all.fits")
    line = train(simulated, tmp_path / "u.fits", "--mask-bals", tmp_path / "all.fits", q="sim/qso.fits", status=UNUSABLE)
    complains(line, "train", "expected at least 50 spectra with data at", "A in the rest frame, found 0 of")


def test_without_troughs(simulated, tmp_path):
    """Only where that is asked for: troughs in the sample become a form of the continuum."""
    out = train(simulated, tmp_path / "t.fits", "--mask-bals", "none", q="sim/qso.fits").stdout
    assert "no troughs are left out" in out and header_of(tmp_path / "t.fits")["TRNNMASK"] == 0
    assert header_of(tmp_path / "t.fits")["TRNBALS"] == "none"

    def depth(path):
        """The mean quasar where C IV troughs are, relative to the red side."""
        values = fits.getdata(path, 1)
        blue, red = ((values["WAVE"] > a) & (values["WAVE"] < b) for a, b in ((1440, 1530), (1600, 1800)))
        return values["PCA0"][blue].mean() / values["PCA0"][red].mean(), np.median(values["PSI"][blue])

    (mean, misfit), (masked_mean, masked_misfit) = depth(tmp_path / "t.fits"), depth(simulated / "t.fits")
    assert mean < 0.995 * masked_mean and misfit > 1.05 * masked_misfit
    result = train(simulated, tmp_path / "u.fits", q="sim/qso.fits", status=UNUSABLE)
    complains(result, "train", "qso.fits", "no column AI_CIV", "--mask-bals FILE")


@pytest.mark.parametrize("n", [3, 10])
def test_components(simulated, tmp_path, n):
    train(simulated, tmp_path / "t.fits", "--components", n)
    with fits.open(tmp_path / "t.fits") as hdus:
        assert f"PCA{n - 1}" in hdus[1].columns.names and f"PCA{n}" not in hdus[1].columns.names
        assert len(hdus["PRIOR"].data) == n - 1


@pytest.mark.parametrize("options, words", [
    (["--min-snr", 100], ["expected at least 100 usable spectra", "left out:"]),
    (["--targetids", 1], ["expected at least 100 usable spectra for this many components, found 0"]),
    (["--components", 2], ["--components"]),
    (["--components", 15], ["--components"]),
    (["--components", 14, "--min-snr", 6], ["expected at least 160 usable spectra"]),
    (["--mask-bals", "sim/qso.fits"], ["no column AI_CIV"]),
    (["--mask-bals", "nowhere.fits"], ["nowhere.fits"]),
    (["--min-snr", "x"], ["--min-snr"]),
    (["-m", "bright"], ["bright"]),
])
def test_refusals(simulated, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(simulated)
    result = train(simulated, tmp_path / "t.fits", *options, status=UNUSABLE)
    text = result.stderr + result.stdout
    assert all(word in text for word in words), text
    assert not os.listdir(tmp_path)


def test_catalog_of_other_quasars(simulated, tmp_path):
    catalog = Table.read(simulated / "qso-bal.fits", 1)
    catalog["TARGETID"] += 10**9
    catalog.write(tmp_path / "others.fits")
    result = train(simulated, tmp_path / "t.fits", "--mask-bals", tmp_path / "others.fits", status=UNUSABLE)
    complains(result, "train", "others.fits: has none of the", "quasars of")


def test_all_spectra_alike(simulated, tmp_path):
    """One spectrum, many times over, does not say how quasars differ."""
    shutil.copytree(simulated / "sim" / "redux", tmp_path / "redux")
    for path in (tmp_path / "redux").rglob("coadd-*.fits"):
        with fits.open(path, mode="update") as hdus:
            for camera in "BRZ":
                hdus[f"{camera}_FLUX"].data[:] = 1
                hdus[f"{camera}_IVAR"].data[:] = 100
                hdus[f"{camera}_MASK"].data[:] = 0
    result = run("train", "-q", simulated / "sim" / "qso.fits", "-r", tmp_path / "redux" / "sim", "-o", tmp_path / "t.fits",
                 "--mask-bals", "none", status=UNUSABLE)
    complains(result, "train", "expected 7 directions in which these spectra differ", "found 0")


def test_a_pixel_that_fails(simulated, tmp_path):
    """The others are used; the status says that something is missing."""
    shutil.copytree(simulated / "sim" / "redux", tmp_path / "redux")
    path = sorted((tmp_path / "redux").rglob("coadd-*.fits"))[0]
    path.write_bytes(path.read_bytes()[:100000])
    result = run("train", "-q", simulated / "sim" / "qso.fits", "-r", tmp_path / "redux" / "sim", "-o", tmp_path / "t.fits",
                 "--mask-bals", "none", status=PARTLY)
    assert path.name in result.stderr
    assert header_of(tmp_path / "t.fits")["TRNNSPEC"] < header_of(simulated / "t.fits")["TRNNSPEC"]


def test_outputs_are_not_replaced(simulated, tmp_path):
    out = tmp_path / "t.fits"
    out.write_bytes(b"mine")
    complains(train(simulated, out, status=UNUSABLE), "train", "t.fits")
    assert out.read_bytes() == b"mine"
    train(simulated, out, "--clobber")
    assert out.read_bytes() == (simulated / "t.fits").read_bytes()
    complains(train(simulated, simulated / "qso-bal.fits", "-c", status=UNUSABLE), "train", "qso-bal.fits")
    complains(train(simulated, tmp_path / "t.ecsv", status=UNUSABLE), "train", "t.ecsv")
    assert os.listdir(tmp_path) == ["t.fits"]
