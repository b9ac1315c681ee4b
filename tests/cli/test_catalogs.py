"""QSO catalogs and redshift catalogs as releases, surveys and mocks have written them: each gives the same redshift
catalogs and the same BAL columns, and comes out of append and run with all it had.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import shutil

import numpy as np
import pytest
from astropy.io import fits

from support import (BALMASK, IN_TABLE, PIXEL, PIXELS, ROWS, Target, appended_columns, fits_files, run, last_columns, table)

N = len(ROWS)
TARGETS = list(ROWS.values())


def column(name, form, values, **more):
    return fits.Column(name, form, array=values, **more)


def texts(text, n=N):
    return np.array([text] * n)


def base(ra="TARGET_RA", dec="TARGET_DEC", places="D", zerr="D", zwarn="K", best=""):
    """What every catalog has, under these names and with these types."""
    kind = {"D": "f8", "E": "f4"}
    return [column("TARGETID", "K", np.array([t.targetid for t in TARGETS], "i8")),
            column(ra, places, np.array([t.ra for t in TARGETS], kind[places]), unit="deg"),
            column(dec, places, np.array([t.dec for t in TARGETS], kind[places]), unit="deg"),
            column("Z" + best, "D", np.array([t.z for t in TARGETS])),
            column("ZERR" + best, zerr, np.linspace(1e-4, 2e-4, N).astype(kind[zerr])),
            column("ZWARN" + best, zwarn, np.arange(N) % 3)]


def without(columns, *names):
    return [c for c in columns if c.name not in names]


def everest():
    """No HDU name; pixel, tile and petal as floating point."""
    return "", base() + [column("SPECTYPE", "6A", texts("QSO")), column("TILEID", "D", np.arange(N) + 80605.0),
                         column("PETAL_LOC", "D", np.arange(N) % 10.0),
                         column("HPXPIXEL", "D", np.array([float(PIXEL[name]) for name in ROWS]))]


def fuji():
    """Texts of variable length."""
    return "QSO_CAT", base() + [column("SPECTYPE", "PA()", texts("QSO").astype(object)),
                                column("PROGRAM", "PA()", np.array(["dark", "bright"] * (N // 2), object))]


def loa():
    return "QSO_CAT", base() + [column("SPECTYPE", "6A", texts("QSO")), column("SURVEY", "7A", texts("main")),
                                column("HPXPIXEL", "K", np.array([PIXEL[name] for name in ROWS])),
                                column("QSO_MASKBITS", "J", np.full(N, 6)), column("TSNR2_LYA", "D", np.arange(N) * 9.5),
                                column("COADD_FIRSTNIGHT", "J", np.full(N, 20210514)),
                                column("COADD_LASTNIGHT", "J", np.full(N, 20220613))]


def cumulative():
    """By tiles, without pixels."""
    return "QSO_CAT", base() + [column("SPECTYPE", "6A", texts("QSO")), column("TILEID", "J", np.full(N, 1000)),
                                column("LASTNIGHT", "J", np.full(N, 20220613)),
                                column("PETAL_LOC", "I", np.arange(N) % 10)]


def matterhorn():
    """Narrower types, adaptive pixels beside those of nside 64."""
    return "QSO_CAT", base(zerr="E", zwarn="J") + [column("SPECTYPE", "6A", texts("QSO")),
                                                   column("OBJTYPE", "3A", texts("TGT")),
                                                   column("HPXPIXEL", "J", np.array([PIXEL[name] for name in ROWS])),
                                                   column("UNIQPIX", "J", np.array([PIXEL[n] + 16384 for n in ROWS]))]


def zcatalog():
    """A release's catalog of everything: the best redshifts under names of their own."""
    return "ZCATALOG", base(zerr="E", zwarn="J", best="_BEST") + [column("SPECTYPE_BEST", "6A", texts("QSO")),
                                                                  column("SURVEY", "7A", texts("main"))]


def no_errors():
    """Neither ZERR, nor ZWARN, nor SPECTYPE; another HDU name."""
    return "BALS", without(base(), "ZERR", "ZWARN")


def mock_once():
    return "ZCATALOG", base("RA", "DEC", "E", "E") + [column("SPECTYPE", "96A", texts("QSO")),
                                                      column("SUBTYPE", "16A", texts("HIZ"))]


def mock_today():
    return "ZCATALOG", base()


def write(path, variant):
    name, columns = variant()
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header["RELEASE"] = ("sim", "kept")
    hdu.writeto(path)


DATA = [everest, fuji, loa, cumulative, matterhorn, zcatalog, no_errors]


def same_input(catalog, out):
    """Every column of the input is there, cell by cell, and so are types and units."""
    before, after = fits.open(catalog, memmap=False), fits.open(out, memmap=False, checksum=True)
    assert after[1].verify_checksum() == 1 and after[1].verify_datasum() == 1
    for c in before[1].columns:
        kept = after[1].columns[c.name]
        assert (kept.format.split("(")[0], kept.unit) == (c.format.split("(")[0], c.unit), c.name
        for a, b in zip(before[1].data[c.name], after[1].data[c.name]):
            np.testing.assert_array_equal(a, b)
    assert after[1].header["RELEASE"] == "sim" and after[1].name == "ZCATALOG"


@pytest.mark.parametrize("variant", DATA)
def test_data(fresh_tree, finished_tree, tmp_path, variant):
    qso, work, out, once = (tmp_path / name for name in ("qso.fits", "work", "out.fits", "once.fits"))
    write(qso, variant)
    run("split", "-q", qso, "-a", work)
    for pixel in PIXELS:
        mine, expected = (table(top / finished_tree.zafter(pixel).relative_to(finished_tree.z))
                          for top in (work, finished_tree.z))
        names = ("TARGETID", "Z", "TARGET_RA", "TARGET_DEC", "SPECTYPE")
        names += ("ZERR", "ZWARN") if variant is not no_errors else ()
        for name in names:
            np.testing.assert_allclose(mine[name], expected[name], rtol=1e-6) if mine[name].dtype.kind == "f" else \
                np.testing.assert_array_equal(mine[name], expected[name])
        if variant is no_errors:
            assert not mine["ZERR"].any() and not mine["ZWARN"].any()
    run("find", "-r", "sim", "-a", work, "--templates", "builtin", env=fresh_tree.env)
    run("append", "-q", qso, "-b", work, "-o", out)
    run("run", "-q", qso, "-r", "sim", "-o", once, "--templates", "builtin", env=fresh_tree.env)
    same_input(qso, out)
    same_input(qso, once)
    data, again, expected = table(out), table(once), table(finished_tree.out)
    assert data["BALMASK"].tolist() == list(BALMASK.values())
    for name, _ in appended_columns(11) + last_columns():
        np.testing.assert_array_equal(data[name], expected[name])
        np.testing.assert_array_equal(again[name], data[name])


@pytest.mark.parametrize("variant", [mock_once, mock_today])
def test_mocks(finished_tree, tmp_path, variant):
    qso = tmp_path / "qso.fits"
    write(qso, variant)
    run("split", "-q", qso, "-a", tmp_path / "work", "--mock")
    tables = [table(path) for path in sorted((tmp_path / "work").rglob("zafter-16-*.fits"))]
    assert sorted(i for t in tables for i in t["TARGETID"].tolist()) == sorted(t.targetid for t in TARGETS)
    for pixel in PIXELS:  # BAL tables of the survey, in the mock's pixels, which are 16 times as large
        place = tmp_path / "work" / "spectra-16" / str(pixel // 1600) / str(pixel // 16) / f"baltable-16-{pixel // 16}.fits"
        shutil.copy(finished_tree.baltable(pixel), place)
    run("append", "-q", qso, "-b", tmp_path / "work", "-o", tmp_path / "out.fits", "--mock", status=None)
    same_input(qso, tmp_path / "out.fits")


def test_every_other_hdu_survives(finished_tree, tmp_path):
    """Before and behind the table, whatever they are, byte for byte; packed or not."""
    with fits.open(finished_tree.qso) as hdus:
        others = [fits.ImageHDU(np.arange(12.0).reshape(3, 4), name="BEFORE"), hdus[1],
                  fits.BinTableHDU.from_columns([column("LISTS", "PJ()", np.array([np.arange(k) for k in (1, 3, 0, 2)], object))],
                                                name="BEHIND"),
                  fits.CompImageHDU(np.arange(10000, dtype="i4").reshape(100, 100), name="PACKED"),
                  fits.ImageHDU(name="EMPTY")]
        fits.HDUList([hdus[0], *others]).writeto(tmp_path / "qso.fits", checksum=True)
    run("append", "-q", tmp_path / "qso.fits", "-b", finished_tree.z, "-o", tmp_path / "out.fits")
    before = (tmp_path / "qso.fits").read_bytes()
    after = (tmp_path / "out.fits").read_bytes()
    with (fits.open(tmp_path / "qso.fits", disable_image_compression=True) as old,
          fits.open(tmp_path / "out.fits", disable_image_compression=True) as new):
        assert [h.name for h in new] == ["PRIMARY", "ZCATALOG", "BEFORE", "BEHIND", "PACKED", "EMPTY"]

        def span(hdus, name, length):
            k = hdus.index_of(name)
            end = hdus[k + 1].fileinfo()["hdrLoc"] if k + 1 < len(hdus) else length
            return slice(hdus[k].fileinfo()["hdrLoc"], end)
        for name in ("BEFORE", "BEHIND", "PACKED", "EMPTY"):
            assert before[span(old, name, len(before))] == after[span(new, name, len(after))]
        np.testing.assert_array_equal(new[1].data["BALMASK"], list(BALMASK.values()))
    packed = tmp_path / "packed.fits.gz"

    packed.write_bytes(gzip.compress(before))
    run("append", "-q", packed, "-b", finished_tree.z, "-o", tmp_path / "from-packed.fits")
    assert (tmp_path / "from-packed.fits").read_bytes() == after


# ---- redshifts where find takes them from ----

def redrock(rows):
    n = len(rows)
    return fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([
        column("TARGETID", "K", np.array([t.targetid for t in rows], "i8")), column("Z", "D", np.array([t.z for t in rows])),
        column("ZERR", "E", np.full(n, 1e-4, "f4")), column("ZWARN", "J", np.zeros(n, "i4")),
        column("CHI2", "E", np.ones(n)), column("COEFF", "10E", np.ones((n, 10))),
        column("SPECTYPE", "6A", texts("QSO", n)), column("SUBTYPE", "3A", texts("HIZ", n)),
        column("NCOEFF", "I", np.full(n, 4))], name="REDSHIFTS"),
        fits.BinTableHDU.from_columns([column("TARGETID", "K", np.array([t.targetid for t in rows], "i8"))],
                                      name="FIBERMAP")])


def zbest(rows):
    n = len(rows)
    return fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([
        column("TARGETID", "K", np.array([t.targetid for t in rows], "i8")), column("Z", "D", np.array([t.z for t in rows])),
        column("ZERR", "D", np.full(n, 1e-4)), column("ZWARN", "K", np.zeros(n, "i8")),
        column("SPECTYPE", "96A", texts("QSO", n))], name="ZBEST"),
        fits.BinTableHDU.from_columns([column("TARGET_RA", "E", np.zeros(n, "f4"))], name="FIBERMAP")])


def catalog(rows):
    """A QSO catalog as it is, behind another table."""
    n = len(rows)
    return fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column("X", "J", np.arange(3))], name="OTHER"),
                         fits.BinTableHDU.from_columns([
                             column("TARGETID", "K", np.array([t.targetid for t in rows], "i8")),
                             column("Z_BEST", "D", np.array([t.z for t in rows])),
                             column("ZERR_BEST", "E", np.full(n, 1e-4, "f4")),
                             column("ZWARN_BEST", "J", np.zeros(n, "i4")),
                             column("SPECTYPE_BEST", "PA()", texts("QSO", n).astype(object)),
                             column("RA", "E", np.zeros(n, "f4")), column("DEC", "E", np.zeros(n, "f4"))],
                             name="QSO_CAT")])


@pytest.mark.parametrize("write_redshifts", [redrock, zbest, catalog])
def test_redshifts(fresh_tree, finished_tree, tmp_path, write_redshifts):
    pixel = PIXELS[-1]
    names = [name for name in ROWS if PIXEL[name] == pixel]
    galaxy = Target(1, 0, 0, 2.0)
    hdus = write_redshifts([ROWS[name] for name in names] + [galaxy])
    key = "SPECTYPE_BEST" if write_redshifts is catalog else "SPECTYPE"
    if write_redshifts is not catalog:
        hdus[1].data[key][-1] = "GALAXY"
    hdus.writeto(tmp_path / "redshifts.fits")
    run("find", "--coadd", fresh_tree.coadd(pixel), "--zcat", tmp_path / "redshifts.fits", "-o", tmp_path / "bal.fits",
        "--templates", "builtin", status=int(write_redshifts is catalog))  # which has a quasar that is not in the coadd
    data, expected = table(tmp_path / "bal.fits"), table(finished_tree.baltable(pixel))
    n = len(IN_TABLE[pixel])
    assert len(data) == n + (write_redshifts is catalog)
    for name in ("TARGETID", "Z", "AI_CIV", "VMIN_CIV_450", "PCA_CHI2", "BALSTATUS"):
        np.testing.assert_array_equal(data[name][:n], expected[name])
    assert np.all(data["ZERR"] == np.float32(1e-4))


def test_redshifts_in_a_tree(fresh_tree, finished_tree, tmp_path):
    """Redrock's files beside the coadds: find -z redrock."""
    for pixel in PIXELS:
        path = tmp_path / finished_tree.zafter(pixel, "redrock").relative_to(finished_tree.z)
        path.parent.mkdir(parents=True)
        redrock([ROWS[name] for name in ROWS if PIXEL[name] == pixel]).writeto(path)
    run("find", "-r", "sim", "-a", tmp_path, "-z", "redrock", "--templates", "builtin", env=fresh_tree.env)
    tables = {name: data for name, data in fits_files(tmp_path).items() if "baltable" in name}
    assert len(tables) == len(PIXELS)
