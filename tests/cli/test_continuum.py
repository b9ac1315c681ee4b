"""fastbal continuum: spectra with their continua and troughs; and the trough-aware continuum against numpy's, in full
precision.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import oracle
from support import PARTLY, UNUSABLE, check_sums, complains, environment, header, run, table, templates_with_prior

TABLES = ("CONTINUUM", "TROUGHS", "QUASARS")


class Survey:
    """One simulated pixel: in range, the first quasar has no good pixel, and the next ones pixels in a few cells."""

    def __init__(self, root):
        self.tree, self.qso, self.prior, self.flat = root / "redux" / "sim", root / "qso.fits", root / "p.fits", root / "t.fits"
        run("simulate", root, "--pixels", 1, "--quasars", 40, "--others", 0, "--no-resolution", "--seed", 5,
            "--bal-fraction", 0.5, "-c")
        templates_with_prior(self.prior)
        run("templates", "--export", self.flat)
        self.coadd, = self.tree.rglob("coadd-*.fits")
        catalog = table(self.qso)
        self.z = {int(t): z for t, z in zip(catalog["TARGETID"], catalog["Z"]) if 1.57 <= z <= 5}
        self.ids = sorted(self.z)
        with fits.open(self.coadd, mode="update", memmap=False) as hdus:
            row = {int(t): k for k, t in enumerate(hdus["FIBERMAP"].data["TARGETID"])}
            for camera in "BRZ":
                rest = {t: hdus[f"{camera}_WAVELENGTH"].data / (1 + self.z[t]) for t in self.ids}
                for t, blue, red in zip(self.ids, (0, 1420, 1520, 1480), (0, 1600, 1580, 1900)):
                    outside = (rest[t] < blue) | (rest[t] > red)
                    hdus[f"{camera}_IVAR"].data[row[t], outside] = 0

    def write(self, out, *options, templates=None, ids=None, **how):
        return run("continuum", "-q", self.qso, "--tree", self.tree, "--templates", templates or self.prior, "-o", out,
                   "--targetids", *(ids or self.ids), *options, **how)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("survey") / "tree")


def read(path):
    return [table(path, name) for name in TABLES]


def expected(survey, templates):
    """What numpy makes of each target: coefficients, fits made and whether they converged; None where it can't be fitted."""
    templates = oracle.read_templates(templates)
    fibermap, (wave, flux, ivar) = oracle.read_spectra(survey.coadd)
    cells = oracle.templates_in_cells(templates)
    for k, target in enumerate(fibermap["TARGETID"]):
        if target not in survey.z:
            continue
        w = wave / (1 + survey.z[target])
        here = slice(*oracle.fit_range(w))
        good = (ivar[k, here] > 0).sum() > len(cells[0]) and w[here][0] < 1549
        yield int(target), good and oracle.trough_aware(w[here], flux[k, here], ivar[k, here], *cells)


@pytest.mark.parametrize("has_prior", [True, False])
def test_numbers(survey, tmp_path, has_prior):
    """The model is numpy's to nine digits, also of spectra that fill few cells."""
    templates = survey.prior if has_prior else survey.flat
    result = survey.write(tmp_path / "c.fits", "--continuum", "trough-aware", templates=templates, status=PARTLY)
    assert "could not be measured" in result.stderr
    pixels, _, quasars = read(tmp_path / "c.fits")
    assert sorted(quasars["TARGETID"]) == survey.ids
    compared = few = 0
    read_back = oracle.read_templates(templates)
    for target, fitted in expected(survey, templates):
        row, here = quasars[quasars["TARGETID"] == target][0], pixels["TARGETID"] == target
        if not fitted:
            assert row["BALSTATUS"] & (1 | 2 | 4) and np.isnan(pixels["CONTINUUM"][here]).all()
            continue
        if row["BALSTATUS"] & 2:  # hardly a pixel is left that is not absorbed
            continue
        coeffs = fitted.coeffs
        assert (row["BALSTATUS"] & 32 == 0) == fitted.converged
        model = coeffs @ [np.interp(pixels["REST"][here], read_back["WAVE"], t) for t in read_back["PCA"]]
        np.testing.assert_allclose(pixels["CONTINUUM"][here], model, rtol=1e-9, atol=1e-9 * np.abs(model).max())
        compared += 1
        few += target in survey.ids[1:4]
    assert compared >= 25 and few >= (2 if has_prior else 1)


def test_continuum_is_templates_times_coefficients(survey, tmp_path):
    """For a notebook: the continuum again, from PCA_COEFFS and the templates."""
    survey.write(tmp_path / "c.fits", status=PARTLY)
    check_sums(tmp_path / "c.fits")
    assert header(tmp_path / "c.fits")["BALCONT"] == "trough-aware"
    pixels, _, quasars = read(tmp_path / "c.fits")
    templates = table(survey.prior)
    values = [templates[f"PCA{k}"] for k in range(quasars["PCA_COEFFS"].shape[1])]
    for row in quasars[quasars["BALSTATUS"] & 71 == 0]:
        here = pixels[pixels["TARGETID"] == row["TARGETID"]]
        np.testing.assert_allclose(here["REST"], here["WAVELENGTH"] / (1 + row["Z"]), rtol=1e-15)
        assert here["REST"].min() >= 1261 and here["REST"].max() <= 2399 and len(here) > 100
        model = row["PCA_COEFFS"] @ [np.interp(here["REST"], templates["WAVE"], v) for v in values]
        np.testing.assert_allclose(here["CONTINUUM"], model, rtol=1e-10, atol=1e-10 * np.abs(model).max())


@pytest.mark.parametrize("options", [(), ("--continuum", "least-squares"), ("--rules", "optimize")])
def test_troughs_are_those_of_run(survey, tmp_path, options):
    survey.write(tmp_path / "c.fits", *options, status=PARTLY)
    run("run", "-q", survey.qso, "--tree", survey.tree, "--templates", survey.prior, "-o", tmp_path / "run.fits", *options)
    _, troughs, quasars = read(tmp_path / "c.fits")
    catalog = table(tmp_path / "run.fits")
    row_of = {t: k for k, t in enumerate(catalog["TARGETID"])}
    found = 0
    for quasar in quasars:
        row = catalog[row_of[quasar["TARGETID"]]]
        assert row["BALSTATUS"] == quasar["BALSTATUS"] and row["AI_CIV"] == np.float32(quasar["AI_CIV"])
        for line, name in ((1549, "CIV"), (1398, "SIIV")):
            for width in (450, 2000):
                mine = troughs[(troughs["TARGETID"] == quasar["TARGETID"]) & (troughs["LINE_WAVELENGTH"] == line) &
                               (troughs["MIN_WIDTH"] == width)]
                assert len(mine) == row[f"N{name}_{width}"]
                for column in ("VMIN", "VMAX", "POSMIN", "FMIN"):
                    assert mine[column].astype("f4").tolist() == row[f"{column}_{name}_{width}"][:len(mine)].tolist()
                found += len(mine)
    assert found > 10


def test_ecsv(survey, tmp_path):
    """The same numbers in one file of text."""
    survey.write(tmp_path / "c.fits", status=PARTLY)
    survey.write(tmp_path / "c.ecsv", status=PARTLY)
    pixels, troughs, quasars = read(tmp_path / "c.fits")
    text = Table.read(tmp_path / "c.ecsv")
    assert text["WAVELENGTH"].unit == "Angstrom" and text.meta["TEMPSUM"] == header(tmp_path / "c.fits")["TEMPSUM"]
    for rows, same in ((pixels, text), (troughs, Table(text.meta["troughs"])), (quasars, Table(text.meta["quasars"]))):
        assert rows.names == same.colnames and len(rows) > 0
        for name in rows.names:
            np.testing.assert_array_equal(rows[name], np.array(same[name]), err_msg=name)


def test_what_is_refused(survey, tmp_path):
    out = tmp_path / "c.fits"
    complains(run("continuum", "-q", survey.qso, "--tree", survey.tree, "-o", out, status=UNUSABLE), "continuum",
              "--targetids is required")
    complains(survey.write(tmp_path / "c.csv", status=UNUSABLE), "continuum", "c.csv")
    complains(survey.write(out, "--continuum", "none", status=UNUSABLE), "continuum", "--continuum", "'none'")
    result = survey.write(out, ids=[5, 6], status=UNUSABLE)
    assert "nothing in it of 2 of the" in result.stderr and "none of the targets asked for could be measured" in result.stderr
    complains(survey.write(out, ids=survey.ids[:1], status=UNUSABLE), "continuum", "none of the targets asked for")
    assert list(tmp_path.iterdir()) == []
    result = survey.write(out, ids=[5, survey.ids[-1]], status=PARTLY)
    complains(result, "continuum", "nothing in it of 1 of the")
    complains(survey.write(out, ids=survey.ids[-1:], status=UNUSABLE), "continuum", "exists already")
    survey.write(out, "-c", ids=survey.ids[-1:])
    assert len(table(out, "QUASARS")) == 1
    missing = tmp_path / "missing"
    missing.mkdir()
    complains(run("continuum", "-q", survey.qso, "--tree", missing, "-o", tmp_path / "d.fits", "--targetids", 5,
                  status=UNUSABLE, env=environment()), "continuum", "missing")


def test_settings_of_the_catalog(survey, tmp_path):
    """They are followed, but for what is asked for, and one line says what differs then."""
    made = tmp_path / "bal.fits"
    run("run", "-q", survey.qso, "--tree", survey.tree, "-o", made, "--templates", survey.prior, "--rules", "fastbal")

    def said(out, *options):
        return run("continuum", "-q", made, "--tree", survey.tree, "-o", tmp_path / out, "--targetids", survey.ids[5], *options).stderr

    assert said("same.fits", "--templates", survey.prior) == ""
    header = fits.getheader(tmp_path / "same.fits", 1)
    assert (header["BALRULES"], header["BALCONT"]) == ("fastbal", "trough-aware")
    line, = said("other.fits", "--templates", survey.prior, "--rules", "main", "--continuum", "least-squares").splitlines()
    assert f"{made}: its BAL columns were made with other settings" in line
    assert "(rules fastbal, here main; continuum trough-aware, here least-squares)" in line
    with fits.open(made) as hdus:  # as catalogs were before there was a choice
        del hdus[1].header["BALCONT"], hdus[1].header["BALRULES"]
        hdus.writeto(tmp_path / "old.fits")
    made = tmp_path / "old.fits"
    assert said("old-continuum.fits", "--templates", survey.prior) == ""
    header = fits.getheader(tmp_path / "old-continuum.fits", 1)
    assert (header["BALRULES"], header["BALCONT"]) == ("main", "least-squares")
    made = tmp_path / "bal.fits"
    line, = said("flat.fits", "--templates", survey.flat, "--rules", "fastbal").splitlines()
    assert f"templates {survey.prior.name}, here {survey.flat.name}; checksum" in line and "rules" not in line
