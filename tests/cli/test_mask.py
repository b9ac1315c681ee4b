"""fastbal mask: coadds with BAL troughs masked. Which bytes have to change is computed here, from the catalog and the
wavelengths as astropy reads them; every other byte has to be that of the original.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import healpix
from support import (LIGHT, PARTLY, PIXEL, PIXELS, ROWS, UNUSABLE, Target, complains, desi_waves, environment, files,
                     fits_files, run, table, unaligned_waves, write_spectra)

GOLDEN = os.environ.get("FASTBAL_GOLDEN")
PICCA = [(w, "CIV") for w in (1549, 1403, 1394, 1240.81, 1216.1, 1175, 1128, 1117, 1074, 1062, 1039, 1037, 1031, 1025.7, 989.9, 977.0,
                              972.5, 949.7)]
LINES = {"CIV": (1549, "CIV"), "NV": (1241, "CIV"), "LYA": (1216, "CIV"), "SIIV": (1400, "SIIV")}


# ---- what is expected ----

def ranges(row, lines):
    """Observed wavelengths that the troughs of a catalog row spoil."""
    if not row["AI_CIV"] > 0:
        return
    for rest, line in lines:
        if f"AI_{line}" not in row.array.dtype.names or not row[f"AI_{line}"] > 0:
            continue
        for v in zip(row[f"VMIN_{line}_450"].astype(float), row[f"VMAX_{line}_450"].astype(float)):
            if min(v) > 0 and np.isfinite(v).all():
                yield [rest * (1 - x / LIGHT) * (1 + row["Z"]) for x in (max(v), min(v))]


def masked(path, catalog, lines=LINES.values()):
    """The bytes of a coadd after masking, and {HDU: where ivar is masked}."""
    data = bytearray(path.read_bytes())
    where = {}
    with fits.open(path, memmap=False) as hdus:
        ids = hdus["FIBERMAP"].data["TARGETID"]
        for hdu in hdus:
            if not hdu.name.endswith("_IVAR"):
                continue
            wave = hdus[hdu.name.replace("IVAR", "WAVELENGTH")].data
            hit = np.zeros(hdu.shape, bool)
            for row in catalog:
                for first, last in ranges(row, lines):
                    hit[np.ix_(ids == row["TARGETID"], (wave >= first) & (wave <= last))] = True
            size = abs(hdu.header["BITPIX"]) // 8
            for k in np.flatnonzero(hit):
                place = hdu.fileinfo()["datLoc"] + size * int(k)
                data[place:place + size] = bytes(size)
            where[hdu.name] = hit
    return bytes(data), where


def check(original, copy, catalog, lines=LINES.values()):
    """Check the copy; returns the number of masked values."""
    expected, where = masked(original, catalog, lines)
    assert copy.read_bytes() == expected
    with fits.open(original, memmap=False) as old, fits.open(copy, memmap=False) as new:
        assert [h.name for h in old] == [h.name for h in new]
        for name, hit in where.items():
            assert (new[name].data[hit] == 0).all()
            np.testing.assert_array_equal(new[name].data[~hit], old[name].data[~hit])
    return sum(int(hit.sum()) for hit in where.values())


# ---- a survey with a catalog made here ----

Z = 2.4
BASE = 39633000030000000
PLACE = (150.1, 2.2)
HERE = healpix.pixel(64, *PLACE)


def quasar(k, z=Z):
    return Target(BASE + k, PLACE[0] + 0.001 * k, PLACE[1], z)


def write_bals(path, rows, width=17, siiv=True, form="E", mock=False, name="ZCATALOG"):
    """A catalog of [(Target, C IV troughs, Si IV troughs)]; a trough is (VMIN, VMAX)."""
    ra, dec = ("RA", "DEC") if mock else ("TARGET_RA", "TARGET_DEC")
    columns = [fits.Column("TARGETID", "K", array=np.array([t.targetid for t, *_ in rows], "i8")),
               fits.Column("Z", "D", array=np.array([t.z for t, *_ in rows])),
               fits.Column(ra, "D", array=np.array([t.ra for t, *_ in rows])),
               fits.Column(dec, "D", array=np.array([t.dec for t, *_ in rows]))]
    for k, line in enumerate(("CIV", "SIIV")[:1 + siiv], 1):
        v = np.full((2, len(rows), width), -1.0)
        for i, row in enumerate(rows):
            for j, trough in enumerate(row[k]):
                v[:, i, j] = trough
        ai = np.array([100.0 * bool(row[k]) for row in rows])
        columns += [fits.Column(f"AI_{line}", form, array=ai)]
        columns += [fits.Column(f"{n}_{line}_450", f"{width}{form}", array=v[j]) for j, n in enumerate(("VMIN", "VMAX"))]
    fits.BinTableHDU.from_columns(columns, name=name).writeto(path, overwrite=True)


class Survey:
    def __init__(self, root, rows, waves=None, catalog=None, **how):
        self.root, self.qso, self.work, self.redux = root, root / "bal.fits", root / "work", root / "redux"
        write_bals(self.qso, rows, **(catalog or {}))
        self.original = self.path(self.redux / "sim")
        targets = list(dict.fromkeys(t._replace(z=2.0) for t, *_ in rows))
        write_spectra(self.original, [*targets[::-1], quasar(99)], waves or desi_waves(), **how)

    def path(self, top, pixel=HERE):
        return top / "healpix" / "main" / "dark" / str(pixel // 100) / str(pixel) / f"coadd-main-dark-{pixel}.fits"

    @property
    def copy(self):
        return self.path(self.work)

    def mask(self, *options, **how):
        env = environment(DESI_SPECTRO_REDUX=self.redux)
        return run("mask", "-r", "sim", "-q", self.qso, "-w", self.work, *options, **({"env": env} | how))

    def check(self, lines=LINES.values()):
        return check(self.original, self.copy, table(self.qso), lines)


BAL = (quasar(1), [(1000, 4000)], [])
PLAIN = (quasar(2), [], [])


def nothing_left_behind(work):
    assert all(Path(n).name.startswith(("coadd-", "spectra-", "logfile")) and "tmp" not in n for n in files(work))


# ---- what is masked ----

@pytest.mark.parametrize("troughs", [
    [BAL, PLAIN],
    [(quasar(1), [(1000, 4000), (3000.5, 9000), (15000, 24000)], [(500, 2000)]), PLAIN],
    [(quasar(1), [(4000, 1000)], [(2000, 500)]), BAL],  # VMIN and VMAX the other way round
    [(quasar(1), [(-1, -1), (1000, 4000), (0, 3000), (5000, -1), (6000, 7000)], [])],  # not packed, and no troughs
    [(quasar(1), [(float("nan"), 4000), (5000, float("inf")), (6000, 7000)], [])],
    [(quasar(1), [], [(500, 2000)]), BAL],  # Si IV alone does not make it a BAL quasar
    [(quasar(1, 1.9), [(1000, 4000)], []), (quasar(2, 4.9), [(1000, 20000)], [(3000, 9000)])],  # lines out of the file
    [(quasar(1), [(500 * k + 1, 500 * k + 200) for k in range(1, 18)], [])],
], ids=["one", "several", "swapped", "not packed", "nonsense", "only SIIV", "redshifts", "17"])
def test_masked(tmp_path, troughs):
    survey = Survey(tmp_path, troughs)
    result = survey.mask()
    n = survey.check()
    assert n > 20
    bals = sum(bool(civ) for _, civ, _ in troughs)
    assert result.stdout.splitlines() == [
        "mask: 1 pixel written, 0 kept, 0 failed; 0 left out, where nothing is to be masked",
        f"mask: {bals} quasar{'s' * (bals != 1)} masked, {n} values of ivar"]
    assert result.stderr == ""
    nothing_left_behind(survey.work)


def test_the_lines_are_where_they_should_be(tmp_path):
    """By hand: z = 1 and velocities of 0.01 c and 0.02 c."""
    t = Target(BASE, *PLACE, 1.0)
    survey = Survey(tmp_path, [(t, [(0.01 * LIGHT, 0.02 * LIGHT)], [])], {"B": 2300 + 0.8 * np.arange(1000)})
    survey.mask("--lines", "CIV")
    with fits.open(survey.copy) as hdus:
        wave = hdus["B_WAVELENGTH"].data[hdus["B_IVAR"].data[0] == 0]
    wave = wave[(wave > 3030) & (wave < 3072)]
    assert 3036.04 <= wave[0] < 3036.84 and 3066.22 < wave[-1] <= 3067.02 and len(wave) in (38, 39)


def test_a_target_twice(tmp_path):
    """Two rows of a catalog and two rows of a coadd: all troughs in all of them."""
    rows = [(quasar(1), [(1000, 4000)], []), (quasar(1, 2.41), [(2000, 9000)], []), (quasar(3), [(100, 700)], [])]
    survey = Survey(tmp_path, rows)
    with fits.open(survey.original, mode="update") as hdus:
        hdus["FIBERMAP"].data["TARGETID"][-1] = BASE + 1
    survey.mask()
    n = survey.check()
    assert n == sum(h.sum() for h in masked(survey.original, table(survey.qso))[1].values())


@pytest.mark.parametrize("how", [{"dtype": "f8"}, {"order": "reversed"}, {"resolution": True}, {"mask_type": "u4"}])
def test_kinds_of_files(tmp_path, how):
    survey = Survey(tmp_path, [BAL, PLAIN], **how)
    survey.mask()
    assert survey.check() > 20


@pytest.mark.parametrize("how", [{"width": 27}, {"width": 5}, {"form": "D"}, {"siiv": False}, {"name": "QSO_CAT"}])
def test_kinds_of_catalogs(tmp_path, how):
    survey = Survey(tmp_path, [(quasar(1), [(1000, 4000), (5000, 9000)], [(500, 600)])], catalog=how)
    result = survey.mask()
    assert survey.check() > 20
    if "siiv" in how:
        complains(result, "mask", survey.qso, "Si IV", "1400")
    else:
        assert result.stderr == ""


def test_two_cameras_and_joined_cameras(tmp_path):
    waves = desi_waves()
    del waves["Z"]
    for name, w in ("two", waves), ("joined", {"BRZ": 3600 + 0.8 * np.arange(7781)}):
        (tmp_path / name).mkdir()
        survey = Survey(tmp_path / name, [BAL, PLAIN], w)
        survey.mask()
        assert survey.check() > 20


def test_integers_that_no_double_holds(tmp_path):
    rows = [(Target(2**53 + 1, *PLACE, Z), [(1000, 4000)], []), (Target(2**53, *PLACE, Z), [], [])]
    survey = Survey(tmp_path, rows)
    survey.mask()
    assert survey.check() > 20


# ---- lines ----

@pytest.mark.parametrize("text, lines", [
    ("CIV", [(1549, "CIV")]),
    ("CIV,NV", [(1549, "CIV"), (1241, "CIV")]),
    ("civ,Lya", [(1549, "CIV"), (1216, "CIV")]),
    ("SIIV", [(1400, "SIIV")]),
    ("SIIV:CIV", [(1400, "CIV")]),
    ("1549,1033.8", [(1549, "CIV"), (1033.8, "CIV")]),
    ("1398:SIIV,1549:civ", [(1398, "SIIV"), (1549, "CIV")]),
    ("LYB,OVI,ALIII,MGII", [(1026, "CIV"), (1034, "CIV"), (1857, "CIV"), (2799, "CIV")]),
    ("CIV,NV,LYA,SIIV", LINES.values()),
    ("picca", PICCA),
    ("MGII,Picca", [(2799, "CIV"), *PICCA]),
])
def test_lines(tmp_path, text, lines):
    survey = Survey(tmp_path, [(quasar(1), [(1000, 4000), (9000, 12000)], [(2000, 3000)]), PLAIN])
    survey.mask("--lines", text)
    assert survey.check(lines) > 5


@pytest.mark.parametrize("text", ["CIV,", ",", "HALPHA", "1549:NV", "CIV:", "15", "-1549", "1549A", "nan", "1e9",
                                  "CIV CIV", ",".join(["CIV"] * 65), "picca:CIV", "picca:SIIV", ",".join(["picca"] * 4)])
def test_impossible_lines(tmp_path, text):
    survey = Survey(tmp_path, [BAL])
    complains(survey.mask(f"--lines={text}", status=UNUSABLE), "mask", "--lines")
    assert not survey.work.exists()


# ---- checksums ----

def add_sums(path, cards=("CHECKSUM", "DATASUM")):
    with fits.open(path, memmap=False) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    data = path.read_bytes()
    for card in {"CHECKSUM", "DATASUM"} - set(cards):
        data = data.replace(f"{card:8}=".encode(), b"OTHER   =")
    path.write_bytes(data)


def same_but_sums(original, copy, catalog):
    """Only masked bytes and the values of CHECKSUM and DATASUM of changed HDUs differ."""
    expected, where = masked(original, catalog)
    found = bytearray(copy.read_bytes())
    with fits.open(original, memmap=False) as hdus:
        for hdu in hdus:
            begin, end = hdu.fileinfo()["hdrLoc"], hdu.fileinfo()["datLoc"]
            for card in range(begin, end, 80):
                if found[card:card + 8] in (b"CHECKSUM", b"DATASUM ") and where.get(hdu.name, np.zeros(1)).any():
                    assert found[card + 8:card + 30] != expected[card + 8:card + 30]
                    found[card + 8:card + 30] = expected[card + 8:card + 30]
    assert found == expected


def whole_hdu(path, name):
    """The sum of all 32-bit words of an HDU, which a right CHECKSUM makes all ones."""
    with fits.open(path, memmap=False) as hdus:
        info = hdus[name].fileinfo()
    words = np.frombuffer(path.read_bytes()[info["hdrLoc"]:info["datLoc"] + info["datSpan"]], ">u4")
    total = int(words.sum(dtype="u8"))
    while total >> 32:
        total = (total & 0xffffffff) + (total >> 32)
    return total


@pytest.mark.parametrize("cards", [("CHECKSUM", "DATASUM"), ("DATASUM",), ("CHECKSUM",)])
def test_sums_are_brought_up_to_date(tmp_path, cards):
    survey = Survey(tmp_path, [BAL, PLAIN])
    add_sums(survey.original, cards)
    survey.mask()
    same_but_sums(survey.original, survey.copy, table(survey.qso))
    with fits.open(survey.copy, memmap=False) as hdus:
        for hdu in hdus:
            assert {"CHECKSUM", "DATASUM"} & set(hdu.header) == set(cards)
            assert "DATASUM" not in cards or hdu.verify_datasum() == 1
    if "CHECKSUM" in cards:
        assert whole_hdu(survey.copy, "B_IVAR") == 0xffffffff


def test_sums_of_other_writers(tmp_path):
    """Cards without blanks before their comments; and a checksum alone, which is checked against all of the HDU."""
    survey = Survey(tmp_path, [BAL, PLAIN])
    add_sums(survey.original)
    data = survey.original.read_bytes()
    for name in (b"DATASUM =", b"CHECKSUM="):
        parts = data.split(name)
        for k in range(1, len(parts)):
            value, rest = parts[k][:71], parts[k][71:]
            text = value.split(b"'")[1]
            parts[k] = b" '" + (text + b"' / of this HDU, as another program writes it").ljust(69)[:69] + rest
        data = name.join(parts)
    survey.original.write_bytes(data)
    survey.mask()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(survey.copy, memmap=False) as hdus:
            hdu = hdus["B_IVAR"]
            assert hdu.verify_datasum() == 1
            assert hdu.header.comments["DATASUM"].startswith("of this HDU, as another program")
    assert whole_hdu(survey.copy, "B_IVAR") == 0xffffffff


def test_no_sums_are_added(tmp_path):
    survey = Survey(tmp_path, [BAL, PLAIN])
    survey.mask()
    assert b"CHECKSUM" not in survey.original.read_bytes() + survey.copy.read_bytes()


# ---- which files are written ----

def test_pixels_without_bals_are_left_out(tmp_path):
    elsewhere = Target(BASE + 50, 210.3, -5.1, Z)
    other = healpix.pixel(64, elsewhere.ra, elsewhere.dec)
    survey = Survey(tmp_path, [BAL, PLAIN, (elsewhere, [], [])])
    write_spectra(survey.path(survey.redux / "sim", other), [elsewhere], desi_waves())
    result = survey.mask()
    assert "1 pixel written, 0 kept, 0 failed; 1 left out" in result.stdout
    assert len(fits_files(survey.work)) == 1
    result = survey.mask("--all")
    assert "1 pixel written, 1 kept, 0 failed; 0 left out" in result.stdout
    assert survey.path(survey.work, other).read_bytes() == survey.path(survey.redux / "sim", other).read_bytes()


def test_skimmed_tree(tmp_path):
    """Another layout: pixels of nside 16 right in the tree; the work directory has the same."""
    survey = Survey(tmp_path, [BAL, PLAIN])
    pixel = healpix.pixel(16, *PLACE)
    name = f"{pixel // 100}/{pixel}/coadd-main-dark-{pixel}.fits"
    survey.original = survey.original.rename(tmp_path / "coadd.fits")
    (tmp_path / "skimmed" / name).parent.mkdir(parents=True)
    shutil.move(survey.original, tmp_path / "skimmed" / name)
    run("mask", "--tree", tmp_path / "skimmed", "--nside", 16, "-q", survey.qso, "-w", survey.work)
    assert check(tmp_path / "skimmed" / name, survey.work / name, table(survey.qso)) > 20


def test_targetids(tmp_path):
    survey = Survey(tmp_path, [BAL, (quasar(2), [(2000, 3000)], [])])
    survey.mask("--targetids", BASE + 2)
    assert check(survey.original, survey.copy, [r for r in table(survey.qso) if r["TARGETID"] == BASE + 2]) > 20


def test_nothing_to_mask(tmp_path):
    survey = Survey(tmp_path, [PLAIN])
    result = survey.mask()
    assert "0 pixels written, 0 kept, 0 failed; 1 left out" in result.stdout and not fits_files(survey.work)


def test_troughs_beyond_the_file(tmp_path):
    """The catalog has a BAL quasar, but none of its pixels: no file; with --all the original."""
    survey = Survey(tmp_path, [BAL, PLAIN])
    result = survey.mask("--lines", "200")
    assert "0 pixels written, 0 kept, 0 failed; 1 left out" in result.stdout and not fits_files(survey.work)
    survey.mask("--lines", "200", "--all")
    assert survey.copy.read_bytes() == survey.original.read_bytes()


def test_a_bal_quasar_that_is_not_in_the_coadd(tmp_path):
    survey = Survey(tmp_path, [BAL, PLAIN])
    write_bals(survey.qso, [BAL, (quasar(5), [(1000, 2000)], [])])
    complains(survey.mask(status=PARTLY), "mask", survey.original, "1 of 2")
    assert survey.check() > 20


def test_healpix(tree):
    """-hp, and that a second run keeps what is there until --clobber."""
    work = tree.root / "masked"
    rows = [(t, [(1000, 4000)], []) for name, t in ROWS.items()]
    write_bals(tree.root / "bal.fits", rows)

    def mask(*options, **how):
        return run("mask", "--specprod", tree.redux / "sim", "-q", tree.root / "bal.fits", "--workdir", work, *options, **how)

    mask("-hp", PIXELS[0], PIXEL["bal"])
    assert {int(Path(n).stem.split("-")[-1]) for n in fits_files(work)} == {PIXELS[0], PIXEL["bal"]}
    assert "3 pixels written" not in mask("-v").stdout
    assert len(fits_files(work)) == 3
    before = fits_files(work)
    for name in before:
        (work / name).write_bytes(bytes(len(before[name])))
    assert "0 pixels written, 3 kept" in mask().stdout
    assert "3 pixels written, 0 kept" in mask("-c", "--nproc", 3).stdout
    assert fits_files(work) == before
    for name in before:
        check(tree.redux / "sim" / name, work / name, table(tree.root / "bal.fits"))
    complains(mask("-hp", 49152, status=UNUSABLE), "mask", 49152)
    log = (work / "healpix" / "main" / "dark" / "logfile.txt").read_text()
    assert log.count("Last updated") == 4 and "List of healpix with errors" in log


def test_what_is_cut_short_is_not_kept(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.mask()
    whole = survey.copy.read_bytes()
    survey.copy.write_bytes(whole[:-2880])
    complains(survey.mask(), "mask", survey.copy, str(len(whole)), str(len(whole) - 2880))
    assert survey.copy.read_bytes() == whole


def test_after_the_three_steps(done_tree):
    """The catalog that append writes, all troughs in it found by find."""
    work = done_tree.root / "masked"
    run("mask", "-r", "sim", "-q", done_tree.out, "-w", work, env=done_tree.env)
    catalog, total = table(done_tree.out), 0
    assert len(fits_files(work)) > 1
    for pixel in PIXELS:
        copy = done_tree._file(work, "coadd", pixel)
        if copy.exists():
            total += check(done_tree.coadd(pixel), copy, catalog)
        else:
            assert not any(h.any() for h in masked(done_tree.coadd(pixel), catalog)[1].values())
    assert total > 1000


def test_other_file_system(tmp_path):
    """The work directory is on another file system."""
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("NOTICE: there is no second file system")
    survey = Survey(tmp_path, [BAL, PLAIN])
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        survey.work = Path(work)
        survey.mask()
        assert survey.check() > 20


# ---- mocks ----

def mock_path(top, pixel):
    return top / "spectra-16" / str(pixel // 100) / str(pixel) / f"spectra-16-{pixel}.fits"


@pytest.mark.parametrize("packed", [False, True])
def test_mock(tmp_path, packed):
    pixel = healpix.pixel(16, *PLACE)
    rows = [BAL, PLAIN, (quasar(3), [(100, 3000), (5000, 9000)], [])]
    original, copy = mock_path(tmp_path / "mock", pixel), mock_path(tmp_path / "work", pixel)
    write_bals(tmp_path / "bal.fits", rows, mock=True, siiv=False)
    write_spectra(original, [t for t, *_ in rows], unaligned_waves())
    plain = original.read_bytes()
    if packed:
        original.with_name(original.name + ".gz").write_bytes(gzip.compress(plain, 1))
        original.unlink()
    run("mask", "--mock", "--mockdir", tmp_path / "mock", "-q", tmp_path / "bal.fits", "-w", tmp_path / "work",
        "--lines", "CIV,NV,LYA")
    original.write_bytes(plain)
    assert check(original, copy, table(tmp_path / "bal.fits")) > 20
    nothing_left_behind(tmp_path / "work")
    assert list(fits_files(tmp_path / "work")) == [str(copy.relative_to(tmp_path / "work"))]


def test_packed_with_sums(tmp_path):
    survey = Survey(tmp_path, [BAL, PLAIN])
    add_sums(survey.original)
    plain = survey.original.read_bytes()
    survey.original.with_name(survey.original.name + ".gz").write_bytes(gzip.compress(plain, 1))
    survey.original.unlink()
    survey.mask()
    survey.original.write_bytes(plain)
    same_but_sums(survey.original, survey.copy, table(survey.qso))


def test_mock_needs_mockdir(tmp_path):
    write_bals(tmp_path / "bal.fits", [BAL], mock=True)
    result = run("mask", "--mock", "-q", tmp_path / "bal.fits", "-w", tmp_path / "work", status=UNUSABLE)
    complains(result, "mask", "--mockdir")


# ---- the reference's spectra ----

@pytest.mark.skipif(not GOLDEN, reason="NOTICE: FASTBAL_GOLDEN is not set")
@pytest.mark.parametrize("name", ["healpix-real", "healpix-typical", "healpix-bright"])
def test_golden(tmp_path, name):
    top = Path(GOLDEN) / name
    qso = top / "expected" / "exact-brodzeller" / "qso-bal.fits"
    run("mask", "-r", "sim", "-q", qso, "-w", tmp_path / "work", env=environment(DESI_SPECTRO_REDUX=top / "redux"))
    total = 0
    for original in (top / "redux" / "sim").rglob("coadd-*.fits"):
        total += check(original, tmp_path / "work" / original.relative_to(top / "redux" / "sim"), table(qso))
    assert total > 30


@pytest.mark.skipif(not GOLDEN, reason="NOTICE: FASTBAL_GOLDEN is not set")
@pytest.mark.parametrize("name", ["mock-aligned", "mock-unaligned"])
def test_golden_mocks(tmp_path, name):
    top = Path(GOLDEN) / name
    qso = top / "expected" / "exact-guo" / "qso-bal.fits"
    run("mask", "--mock", "--mockdir", top / "mock", "-q", qso, "-w", tmp_path / "work")
    total = 0
    for original in (top / "mock").rglob("spectra-*.fits"):
        total += check(original, tmp_path / "work" / original.relative_to(top / "mock"), table(qso))
    assert total > 30


# ---- what can't be used ----

def fails(survey, *words):
    """The pixel is listed, and nothing is left in its place."""
    result = survey.mask(status=UNUSABLE)  # there is no other pixel
    line = result.stderr.splitlines()
    assert len(line) == 1 and line[0].startswith("fastbal mask: "), result.stderr
    for word in words:
        assert str(word) in line[0], line[0]
    assert "0 pixels written, 0 kept, 1 failed" in result.stdout
    assert not fits_files(survey.work)
    assert f"{HERE} : " in (survey.work / "healpix" / "main" / "dark" / "logfile.txt").read_text()


def change(path, name, make):
    with fits.open(path, memmap=False) as hdus:
        new = [other for hdu in hdus for other in (make(hdu) if hdu.name == name else [hdu])]
        fits.HDUList(new).writeto(path, overwrite=True)


def test_missing_coadd(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.original.unlink()
    fails(survey, survey.original)


@pytest.mark.parametrize("name", ["FIBERMAP", "B_WAVELENGTH"])
def test_missing_hdu(tmp_path, name):
    survey = Survey(tmp_path, [BAL])
    change(survey.original, name, lambda hdu: [])
    fails(survey, survey.original, name)


def test_no_ivar_at_all(tmp_path):
    survey = Survey(tmp_path, [BAL])
    for camera in "BRZ":
        change(survey.original, f"{camera}_IVAR", lambda hdu: [])
    fails(survey, survey.original, "B_IVAR")


def compressed(hdu):
    return [fits.CompImageHDU(hdu.data, name=hdu.name)]


def scaled(hdu):
    other = fits.ImageHDU(np.round(hdu.data).astype("i4"), name=hdu.name)
    other.scale("int16", bscale=0.5)
    return [other]


def wider(hdu):
    return [fits.ImageHDU(hdu.data[:, :-1], name=hdu.name)]


def longer(hdu):
    return [fits.ImageHDU(np.vstack([hdu.data, hdu.data[:1]]), name=hdu.name)]


def integers(hdu):
    return [fits.ImageHDU(hdu.data.astype("i4"), name=hdu.name)]


@pytest.mark.parametrize("make", [compressed, scaled, wider, longer, integers])
def test_odd_ivar(tmp_path, make):
    survey = Survey(tmp_path, [BAL])
    change(survey.original, "R_IVAR", make)
    fails(survey, survey.original, "R_IVAR")


@pytest.mark.parametrize("keep", [0.5, 0.999, 0.01, 0])
@pytest.mark.parametrize("packed", [False, True])
def test_cut_short(tmp_path, keep, packed):
    survey = Survey(tmp_path, [BAL])
    data, path = survey.original.read_bytes(), survey.original
    if packed:
        data, path = gzip.compress(data, 1), path.with_name(path.name + ".gz")
        survey.original.unlink()
    path.write_bytes(data[:int(keep * len(data))])
    fails(survey, path)


def test_no_fits_file(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.original.write_bytes(b"nothing of the kind\n" * 1000)
    fails(survey, survey.original)


def test_packed_and_odd(tmp_path):
    """The line names the packed file, not the copy."""
    survey = Survey(tmp_path, [BAL])
    change(survey.original, "R_IVAR", compressed)
    packed = survey.original.with_name(survey.original.name + ".gz")
    packed.write_bytes(gzip.compress(survey.original.read_bytes(), 1))
    survey.original.unlink()
    fails(survey, packed, "R_IVAR")


def test_one_bad_file_of_three(tree):
    work = tree.root / "masked"
    write_bals(tree.root / "bal.fits", [(t, [(1000, 4000)], []) for t in ROWS.values()])
    tree.coadd(PIXELS[1]).write_bytes(b"bad")
    result = run("mask", "-r", tree.redux / "sim", "-q", tree.root / "bal.fits", "-w", work, status=PARTLY)
    assert str(tree.coadd(PIXELS[1])) in result.stderr
    assert "2 pixels written, 0 kept, 1 failed" in result.stdout and len(fits_files(work)) == 2


def test_spectra_are_never_replaced(tmp_path):
    survey = Survey(tmp_path, [BAL])
    before = survey.original.read_bytes()
    survey.work = survey.redux / "sim"
    complains(survey.mask("-c", status=UNUSABLE), "mask", "--workdir")
    survey.work = tmp_path / "link"
    survey.work.symlink_to(survey.redux / "sim")
    complains(survey.mask("-c", status=UNUSABLE), "mask", "--workdir")
    # the folder of one pixel is a link
    survey.work = tmp_path / "work"
    survey.copy.parent.parent.mkdir(parents=True)
    survey.copy.parent.symlink_to(survey.original.parent)
    result = survey.mask("-c", status=UNUSABLE)
    assert "--workdir" in result.stderr
    assert survey.original.read_bytes() == before and len(list(survey.original.parent.iterdir())) == 1


@pytest.mark.parametrize("options", [[], ["-c"]])
def test_a_link_to_the_original_gives_way(tmp_path, options):
    survey = Survey(tmp_path, [BAL])
    before = survey.original.read_bytes()
    survey.copy.parent.mkdir(parents=True)
    survey.copy.symlink_to(survey.original)
    survey.mask(*options)
    assert survey.original.read_bytes() == before and not survey.copy.is_symlink()
    survey.check()


def test_read_only_originals(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.original.chmod(0o444)
    survey.mask()
    assert os.access(survey.copy, os.W_OK)


def test_work_folder_cannot_be_made(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.work = tmp_path / "file" / "work"
    (tmp_path / "file").write_text("in the way")
    result = survey.mask(status=None)
    assert result.returncode in (PARTLY, UNUSABLE) and str(tmp_path / "file") in result.stderr


@pytest.mark.parametrize("column", ["AI_CIV", "VMIN_CIV_450", "VMAX_CIV_450", "TARGETID", "Z", "TARGET_RA"])
def test_catalog_without_a_column(tmp_path, column):
    survey = Survey(tmp_path, [BAL])
    with fits.open(survey.qso) as hdus:
        columns = [c for c in hdus[1].columns if c.name != column]
        fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "less.fits")
    shutil.move(tmp_path / "less.fits", survey.qso)
    complains(survey.mask(status=UNUSABLE), "mask", survey.qso, column)


def test_catalog_with_odd_columns(tmp_path):
    survey = Survey(tmp_path, [BAL])
    for name, column in (("VMIN_CIV_450", fits.Column("VMIN_CIV_450", "3A", array=["x"])),
                         ("VMAX_CIV_450", fits.Column("VMAX_CIV_450", "2E", array=np.zeros((1, 2)))),
                         ("AI_CIV", fits.Column("AI_CIV", "2E", array=np.ones((1, 2))))):
        with fits.open(survey.qso) as hdus:
            columns = [column if c.name == name else c for c in hdus[1].columns]
            fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "odd.fits", overwrite=True)
        result = run("mask", "-r", survey.redux / "sim", "-q", tmp_path / "odd.fits", "-w", survey.work, status=UNUSABLE)
        complains(result, "mask", tmp_path / "odd.fits")


def test_missing_catalog(tmp_path):
    survey = Survey(tmp_path, [BAL])
    survey.qso.unlink()
    complains(survey.mask(status=UNUSABLE), "mask", survey.qso)


def test_rows_without_a_place(tmp_path):
    survey = Survey(tmp_path, [BAL, (Target(BASE + 7, float("nan"), 2.0, Z), [(1000, 2000)], [])])
    complains(survey.mask(status=PARTLY), "mask", survey.qso, "1 row")
    assert survey.copy.exists()
