"""Mock trees: spectra-16 files, RA and DEC, camera grids that don't line up, packed files.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip

import numpy as np
import pytest
from astropy.io import fits

import healpix
import oracle
from compare import compare_tables
from support import (UNUSABLE, Target, by_the_rule, complains, desi_waves, files, fits_files, forms, header,
                     nothing_left_behind, portable, run, table, unaligned_waves, without_product, write_catalog,
                     write_spectra)

BASE = 39633000020000000
QUASARS = [Target(BASE + k, 100.0 + 0.03 * k, 10.0 + 0.02 * k, 1.8 + 0.45 * k, k % 2 == 0) for k in range(6)]
PIXEL = healpix.pixel(16, QUASARS[0].ra, QUASARS[0].dec)
assert {healpix.pixel(16, t.ra, t.dec) for t in QUASARS} == {PIXEL}


class Mock:
    def __init__(self, root, waves, **how):
        self.root, self.qso, self.work = root, root / "qso.fits", root / "work"
        self.mock = root / "mock"
        write_catalog(self.qso, QUASARS, mock=True)
        self.spectra = self.path(self.mock, "spectra")
        write_spectra(self.spectra, QUASARS[::-1], waves, **how)

    def path(self, top, root):
        return top / "spectra-16" / str(PIXEL // 100) / str(PIXEL) / f"{root}-16-{PIXEL}.fits"

    def split(self):
        run("split", "-q", self.qso, "-a", self.work, "--mock")

    def find(self, *options, **how):
        return run("find", "--mock", "--mockdir", self.mock, "-a", self.work, "--templates", "builtin", *options, **how)


@pytest.fixture(scope="module")
def builtin(tmp_path_factory):
    path = tmp_path_factory.mktemp("templates") / "builtin.fits"
    run("templates", "--export", path)
    return path


def agrees_with_oracle(mock, builtin):
    rows = oracle.measure_file(mock.spectra, mock.path(mock.work, "zafter"), builtin)
    assert len(rows) == len(QUASARS)
    oracle.write_table(rows, mock.root / "expected.fits")
    assert compare_tables(mock.root / "expected.fits", by_the_rule(mock.path(mock.work, "baltable"))) == []


@pytest.mark.parametrize("grid", ["aligned", "unaligned", "with resolution"])
def test_three_steps(tmp_path, builtin, grid):
    waves = desi_waves() if grid == "aligned" else unaligned_waves()
    mock = Mock(tmp_path, waves, resolution=grid == "with resolution")
    mock.split()
    mock.find()
    agrees_with_oracle(mock, builtin)
    data = table(mock.path(mock.work, "baltable"))
    for row, t in zip(data, QUASARS):
        assert (row["NCIV_2000"] == 1) == t.trough
    run("append", "--mock", "-q", mock.qso, "-b", mock.work, "-o", tmp_path / "qso-bal.fits")
    out = table(tmp_path / "qso-bal.fits")
    assert not out["BALMASK"].any() and (out["BI_CIV"] > 0).tolist() == [t.trough for t in QUASARS]
    assert header(tmp_path / "qso-bal.fits")["EXTNAME"] == "ZCATALOG"
    assert dict(forms(tmp_path / "qso-bal.fits"))["RA"] == "D"
    nothing_left_behind(mock.work)
    assert (mock.work / "logfile-mock.txt").exists()
    assert [n for n in files(mock.work) if n.endswith("logfile.txt")] != []


def test_grids_differ(tmp_path):
    """The resolution matrix in the file moves the first pixel of the output grid: the results differ, a little."""
    results = []
    for k, how in enumerate(({}, {"resolution": True})):
        (tmp_path / str(k)).mkdir()
        mock = Mock(tmp_path / str(k), unaligned_waves(), **how)
        mock.split()
        mock.find()
        results.append(table(mock.path(mock.work, "baltable"))["PCA_CHI2"])
    assert (results[0] != results[1]).all()
    np.testing.assert_allclose(results[0][1:], results[1][1:], rtol=0.1)  # of the nearest it moves the fit range, too


def test_masks_count_where_grids_do_not_line_up(tmp_path, builtin):
    mock = Mock(tmp_path, unaligned_waves())
    with fits.open(mock.spectra, mode="update") as hdus:
        hdus["R_FLUX"].data[:, ::50] = 1e4  # cosmic rays
        hdus["R_MASK"].data[:, ::50] = 4
    mock.split()
    mock.find()
    agrees_with_oracle(mock, builtin)
    assert (table(mock.path(mock.work, "baltable"))["PCA_CHI2"] < 10).all()


def test_packed_spectra(tmp_path):
    mock = Mock(tmp_path, desi_waves())
    mock.split()
    mock.find()
    plain = fits_files(mock.work)
    mock.spectra.with_name(mock.spectra.name + ".gz").write_bytes(gzip.compress(mock.spectra.read_bytes(), 1))
    mock.spectra.unlink()
    mock.find("-c")
    assert fits_files(mock.work) == plain


def test_truncated_packed_spectra(tmp_path):
    mock = Mock(tmp_path, desi_waves())
    mock.split()
    packed = gzip.compress(mock.spectra.read_bytes(), 1)
    mock.spectra.unlink()
    mock.spectra.with_name(mock.spectra.name + ".gz").write_bytes(packed[:len(packed) // 2])
    result = mock.find(status=UNUSABLE)
    assert str(PIXEL) in result.stderr
    assert not mock.path(mock.work, "baltable").exists()
    nothing_left_behind(mock.work)


def test_healpix(tmp_path):
    mock = Mock(tmp_path, desi_waves())
    mock.split()
    mock.find("-hp", PIXEL)
    assert mock.path(mock.work, "baltable").exists()
    complains(mock.find("-hp", 12 * 16 * 16, status=UNUSABLE), "find", 12 * 16 * 16)


def test_mockdir_is_needed(tmp_path):
    result = run("find", "--mock", "-a", tmp_path, "--templates", "builtin", status=UNUSABLE)
    complains(result, "find", "--mockdir")


def test_catalog_needs_ra_and_dec(tmp_path):
    """... or TARGET_RA and TARGET_DEC, which newer mocks have."""
    write_catalog(tmp_path / "qso.fits", QUASARS)
    result = run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "work", "--mock", status=None)
    if result.returncode:
        complains(result, "split", tmp_path / "qso.fits", "RA")
    else:
        assert (tmp_path / "work" / "spectra-16" / str(PIXEL // 100) / str(PIXEL)).is_dir()


def test_single_file(tmp_path):
    """--coadd takes a mock's spectra file as well."""
    mock = Mock(tmp_path, unaligned_waves())
    mock.split()
    mock.find()
    run("find", "--coadd", mock.spectra, "--zcat", mock.path(mock.work, "zafter"), "-o", tmp_path / "one.fits",
        "--templates", "builtin")
    assert portable(tmp_path / "one.fits") == without_product(portable(mock.path(mock.work, "baltable")))
