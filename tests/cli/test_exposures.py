"""Spectra files with several exposures per target: they are measured like coadds computed with numpy.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip

import numpy as np
import pytest
from astropy.io import fits

import oracle
from compare import compare_tables
from support import PIXELS, by_the_rule, complains, desi_waves, files, needs_mpi, run, table, unaligned_waves
from test_mock import QUASARS, Mock
from test_mpi import one_pass, ranks

BADFIBER, BADAMPR, RESTRICTED = 1 << 16, 1 << 23, 1 << 3


def plan(ntargets, rng):
    """(target, weight, mask, FIBERSTATUS) of every exposure, in any order: two or three of each target and one of the
    last; some have extra ones that are masked, or useless, or useless in R."""
    rows = [(k, rng.uniform(0.2, 2), 0, RESTRICTED * (k % 2)) for k in range(ntargets)]
    rows += [(k, rng.uniform(0.2, 2), 0, 0) for k in range(ntargets - 1)]
    rows += [(k, rng.uniform(0.2, 2), 0, BADAMPR) for k in range(0, ntargets - 1, 2)]
    rows += [(0, 5, 4, 0), (1, 5, 0, BADFIBER)]
    return [rows[k] for k in rng.permutation(len(rows))]


def make_exposures(coadd, exposures, joined, status="FIBERSTATUS", seed=1):
    """From a coadd, a file of exposures of its targets, and the coadd that they add up to."""
    rng = np.random.default_rng(seed)
    with fits.open(coadd, memmap=False) as hdus:
        rows = plan(len(hdus["FIBERMAP"].data), rng)
        target, weight, masked, fiberstatus = (np.array(column) for column in zip(*rows))
        assert (np.diff(target) != 0).any() and len(target) > 2 * len(hdus["FIBERMAP"].data) - 1
        moved = np.arange(len(target)) * 0.01  # each row has a position of its own
        columns = [fits.Column(c.name, c.format, array=np.array(hdus["FIBERMAP"].data[c.name])[target])
                   for c in hdus["FIBERMAP"].columns if c.name != "COADD_FIBERSTATUS"]
        columns.append(fits.Column(status, "J", array=fiberstatus))
        many = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="FIBERMAP")])
        many["FIBERMAP"].data["TARGET_RA"] += moved
        one = fits.HDUList([fits.PrimaryHDU(), hdus["FIBERMAP"].copy()])
        one["FIBERMAP"].data["TARGET_RA"] += [moved[target == k].min() for k in range(len(one["FIBERMAP"].data))]
        for camera in "BRZ":
            wave, coadded, ivar, mask = (hdus[f"{camera}_{what}"].data for what in ("WAVELENGTH", "FLUX", "IVAR", "MASK"))
            kind = coadded.dtype
            with np.errstate(invalid="ignore"):
                iv = ivar[target] * weight[:, None]
                noise = rng.normal(size=iv.shape) / np.sqrt(np.where(iv > 0, iv, 1))
            flux, iv = (coadded[target] + noise).astype(kind), iv.astype(kind)
            m = np.where(rng.random(iv.shape) < 0.01, 2, 0) + masked[:, None]
            m[(rng.random(coadded.shape) < 0.003)[target]] |= 8  # in all exposures of a target
            flux[m > 0] += 20
            useless = fiberstatus & (BADFIBER | (BADAMPR if camera == "R" else 0)) > 0
            flux[useless] = 1e5
            with np.errstate(invalid="ignore"):
                counts = ~useless[:, None] & np.isfinite(flux) & np.isfinite(iv) & (iv >= 0)
            w, f = (np.where(counts, values, 0).astype(float) for values in (iv, flux))
            sums, mean, m_joined = np.zeros((3, *coadded.shape))
            for k in range(len(coadded)):
                here, good = target == k, m[target == k] == 0
                all_masked = (w[here] * good).sum(axis=0) == 0
                weights = w[here] * (good | all_masked)
                sums[k] = weights.sum(axis=0)
                mean[k] = (weights * f[here]).sum(axis=0) / np.where(sums[k] > 0, sums[k], 1)
                m_joined[k] = all_masked
            for out, parts in ((many, (flux, iv, m.astype(mask.dtype))),
                               (one, (mean.astype("f4"), sums.astype("f4"), m_joined.astype(mask.dtype)))):
                out += [fits.ImageHDU(data, name=f"{camera}_{what}")
                        for what, data in zip(("WAVELENGTH", "FLUX", "IVAR", "MASK"), (wave, *parts))]
            if f"{camera}_RESOLUTION" in hdus:
                for out in (many, one):
                    out.append(fits.ImageHDU(np.zeros((len(out[1].data), 3, len(wave)), "f4"), name=f"{camera}_RESOLUTION"))
        many.writeto(exposures, overwrite=True)
        one.writeto(joined, overwrite=True)


def same_table(actual, expected):
    a, b = table(actual), table(expected)
    assert a.names == b.names and len(a) == len(b) > 0
    for name in a.names:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-5, err_msg=name)
    assert (b["BALSTATUS"] == 0).any()


def measure(coadd, zcat, out, *options):
    return run("find", "--coadd", coadd, "--zcat", zcat, "-o", out, "--templates", "builtin", *options)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("grid", ["aligned", "unaligned", "with resolution"])
def test_one_file(tmp_path, grid, packed):
    waves = desi_waves() if grid == "aligned" else unaligned_waves()
    mock = Mock(tmp_path, waves, resolution=grid == "with resolution")
    mock.split()
    zcat, many, one = mock.path(mock.work, "zafter"), tmp_path / "exposures.fits", tmp_path / "coadd.fits"
    make_exposures(mock.spectra, many, one)
    if packed:
        many.with_suffix(".fits.gz").write_bytes(gzip.compress(many.read_bytes(), 1))
        many = many.with_suffix(".fits.gz")
    result = measure(many, zcat, tmp_path / "many.fits")
    complains(result, "find", many, "has several rows per target: the exposures of each target are joined")
    assert measure(one, zcat, tmp_path / "one.fits").stderr == ""
    same_table(tmp_path / "many.fits", tmp_path / "one.fits")
    assert (table(tmp_path / "many.fits")["NCIV_2000"] > 0).tolist() == [t.trough for t in QUASARS]


@pytest.mark.parametrize("grid, status", [("aligned", "FIBERSTATUS"), ("unaligned", "COADD_FIBERSTATUS")])
def test_agrees_with_oracle(tmp_path, grid, status):
    mock = Mock(tmp_path, desi_waves() if grid == "aligned" else unaligned_waves())
    mock.split()
    run("templates", "--export", tmp_path / "builtin.fits")
    zcat, many = mock.path(mock.work, "zafter"), tmp_path / "exposures.fits"
    make_exposures(mock.spectra, many, tmp_path / "coadd.fits", status)
    measure(many, zcat, tmp_path / "out.fits")
    rows = oracle.measure_file(many, zcat, tmp_path / "builtin.fits")
    assert len(rows) == len(QUASARS)
    oracle.write_table(rows, tmp_path / "expected.fits")
    assert compare_tables(tmp_path / "expected.fits", by_the_rule(tmp_path / "out.fits")) == []


@pytest.fixture
def exposures_tree(tree, tmp_path):
    """The small survey with files of exposures in place of its coadds, and the coadds beside them."""
    for pixel in PIXELS:
        make_exposures(tree.coadd(pixel), tree.coadd(pixel), tmp_path / f"coadd-{pixel}.fits", seed=pixel)
    tree.split()
    return tree


def says_once(result, command, tree):
    first = min(str(tree.coadd(pixel)) for pixel in PIXELS)
    complains(result, command, f"{first} and 2 more files have several rows per target: the exposures of each target "
                               "are joined")


def test_tree(exposures_tree, tmp_path):
    """Spectra that make no sense or are dark, two catalog rows of one target, doubles, masks without a sign."""
    says_once(exposures_tree.find(), "find", exposures_tree)
    for pixel in PIXELS:
        measure(tmp_path / f"coadd-{pixel}.fits", exposures_tree.zafter(pixel), tmp_path / "one.fits", "-c")
        same_table(exposures_tree.baltable(pixel), tmp_path / "one.fits")
    assert exposures_tree.find().stderr == ""  # every table is kept, and no file is opened
    found = {name: data for name, data in files(exposures_tree.z).items() if "baltable" in name}
    says_once(run(*one_pass(exposures_tree, tmp_path / "out.fits", "-b", tmp_path / "again", "--nproc", 3),
                  env=exposures_tree.env), "run", exposures_tree)
    assert {name: data for name, data in files(tmp_path / "again").items() if "baltable" in name} == found


@needs_mpi
def test_ranks_say_it_once(exposures_tree, tmp_path):
    result = ranks(3, *one_pass(exposures_tree, tmp_path / "out.fits", "--nproc", 1), env=exposures_tree.env)
    says_once(result, "run", exposures_tree)
