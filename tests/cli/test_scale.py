"""split and append on catalogs with many rows: contents, row order and memory.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from support import BIN, ROOT, ROWS, SANITIZERS, check_sums, fits_files, run, run_for_peak, table, write_catalog

N, PIXELS, ROW_BYTES = 40_000, 60, 2000


class Large:
    """A catalog of many wide rows, its BAL tables, and what split and append make of them."""

    def __init__(self, folder, like, *options):
        self.qso, self.out = folder / "qso.fits", folder / "qso-bal.fits"
        self.bal, self.z = folder / "bal", folder / "work"
        subprocess.run([sys.executable, "-B", ROOT / "bench" / "make_catalog.py", self.qso, "--rows", str(N),
                        "--pixels", str(PIXELS), "--row-bytes", str(ROW_BYTES), "--tables", self.bal,
                        "--like", like, *options], check=True)
        self.split_peak = run_for_peak("split", "-q", self.qso, "-a", self.z)[1]
        self.append_peak = run_for_peak("append", "-q", self.qso, "-b", self.bal, "-o", self.out)[1]


@pytest.fixture(scope="module")
def like(finished_tree):
    return next(path for path in sorted(finished_tree.z.rglob("baltable-*.fits")) if len(table(path)) > 3)


@pytest.fixture(scope="module")
def large(tmp_path_factory, like):
    return Large(tmp_path_factory.mktemp("large"), like)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, like):
    return Large(tmp_path_factory.mktemp("grouped"), like, "--grouped")


@pytest.mark.skipif(SANITIZERS != "", reason="sanitizers take memory of their own")
def test_memory(large, grouped):
    """Less than the catalog, which would be read whole, and less than what is written."""
    for tree in (large, grouped):
        assert tree.qso.stat().st_size > N * ROW_BYTES
        assert tree.split_peak < N * ROW_BYTES // 2
        assert tree.append_peak < N * ROW_BYTES // 2


def test_split(large):
    source, seen = fits.getdata(large.qso, 1), 0
    for path in large.z.rglob("zafter-*.fits"):
        rows = fits.getdata(path, 1)
        expected = source[source["HPXPIXEL"] == int(path.parent.name)]  # in the order of the catalog
        for name in ("TARGETID", "TARGET_RA", "TARGET_DEC", "Z", "ZERR", "ZWARN"):
            np.testing.assert_array_equal(rows[name], expected[name])
        check_sums(path)
        seen += len(rows)
    assert seen == N


def test_append(large, grouped):
    """In whatever order rows come: the catalog's cells, and the BAL tables' or those of a row in no table."""
    for tree in (large, grouped):
        source, data = fits.getdata(tree.qso, 1), table(tree.out)
        for name in source.names:
            np.testing.assert_array_equal(data[name], source[name])
        inside = (source["Z"] >= 1.57) & (source["Z"] <= 5)
        np.testing.assert_array_equal(data["BALMASK"], np.where(inside, 0, 3))
        assert (data["BAL_PROB"][~inside] == -99).all() and not data["VMIN_CIV_450"][~inside].any()
        where = np.zeros(N, int)
        where[(source["TARGETID"] - source["TARGETID"][0]) // 7] = np.arange(N)
        for path in tree.bal.rglob("baltable-*.fits"):
            rows = fits.getdata(path, 1)
            k = where[(rows["TARGETID"] - source["TARGETID"][0]) // 7]
            for name in set(rows.names) & set(data.names) - {"TARGETID", "TARGET_RA", "TARGET_DEC", "Z"}:
                if name not in source.names:
                    np.testing.assert_array_equal(data[name][k], rows[name])


def test_threads(large, tmp_path):
    run("split", "-q", large.qso, "-a", tmp_path / "work", "--nproc", 1)
    assert fits_files(tmp_path / "work") == fits_files(large.z)
    run("append", "-q", large.qso, "-b", large.bal, "-o", tmp_path / "out.fits", "--nproc", 1)
    assert (tmp_path / "out.fits").read_bytes() == large.out.read_bytes()


@pytest.mark.parametrize("lists", [False, True])
def test_packed_catalog(done_tree, lists):
    """A .gz catalog can't be read at a place; its rows, and columns of variable length, are the same."""
    if lists:
        with fits.open(done_tree.qso) as hdus:
            arrays = np.array([np.arange(k, dtype="i4") for k in range(len(ROWS))], object)
            columns = hdus[1].columns + fits.ColDefs([fits.Column("LISTS", "PJ()", array=arrays)])
            fits.BinTableHDU.from_columns(columns, name="QSO_CAT").writeto(done_tree.qso, overwrite=True)
    packed = done_tree.qso.with_name("qso.fits.gz")
    packed.write_bytes(gzip.compress(done_tree.qso.read_bytes()))
    done_tree.append("-c")
    plain = done_tree.out.read_bytes()
    run("append", "-q", packed, "-b", done_tree.z, "-o", done_tree.out, "-c", env=done_tree.env)
    assert done_tree.out.read_bytes() == plain
    check_sums(done_tree.out)


def test_no_row_in_any_table(done_tree, tmp_path):
    """Every row is one that nobody put."""
    write_catalog(tmp_path / "qso.fits", [t._replace(targetid=t.targetid + 1000, z=0.5) for t in ROWS.values()])
    run("append", "-q", tmp_path / "qso.fits", "-b", done_tree.z, "-o", tmp_path / "out.fits")
    check_sums(tmp_path / "out.fits")
    data = table(tmp_path / "out.fits")
    assert (data["BAL_PROB"] == -99).all() and (data["BALMASK"] == 3).all()
