"""The summary of a run: how many quasars were measured, and why the others were not; exit statuses;
and that nothing is written, or replaced, where nothing was measured.

Expected counts come from the catalogs and tables themselves, read with astropy.

SPDX-License-Identifier: BSD-3-Clause
"""
import errno
import os
import re
import shutil
from collections import Counter

import numpy as np
import pytest
from astropy.io import fits

import faults
import healpix
from many import Many
from support import (DONE, IN_RANGE, IN_TABLE, PARTLY, PIXEL, PIXELS, ROWS, SANITIZERS, UNUSABLE, Target, Tree, appended_columns,
                     complains, desi_waves, environment, files, needs_mpi, portable, run, stamp, table, the_line, write_catalog, write_spectra)
from test_mpi import ranks

BUILTIN = ("--templates", "builtin")
LOST = ["not in the coadd", "not in the BAL table", "with another redshift than in the BAL table", "in pixels that failed",
        "without a pixel"]
OWN = ["without enough good pixels", "with a singular fit", "without C IV in the spectrum", "for another reason"]
NOT_ASKED = ["outside redshift 1.57 to 5", "not a QSO", "not selected"]
FATES = ["measured", *LOST, *OWN, *NOT_ASKED]
SUMMARY = re.compile(r"(\w+): (\d+) rows?: (\d+) measured(?: with \S+)?, (\d+) BALs? \(AI > 0\), (\d+) with BI > 0(?:, \d+ with BAL_PROB >= 0\.5)?"
                     r"(?:; not measured: (.*))?")


# ---- reading summaries ----

def counts(text, command):
    """The last summary line of a command: {"measured": n, "AI": n, "BI": n, a fate: n ...}. All rows have one fate."""
    match = [m for m in map(SUMMARY.fullmatch, text.splitlines()) if m and m[1] == command][-1]
    found = {"measured": int(match[3]), "AI": int(match[4]), "BI": int(match[5])}
    for part in match[6].split(", ") if match[6] else []:
        n, fate = part.split(" ", 1)
        assert fate in FATES and fate not in found, part
        found[fate] = int(n)
        assert found[fate] > 0
    assert sum(n for fate, n in found.items() if fate in FATES) == int(match[2]), match[0]
    return found


def rows_of(text, command):
    return sum(n for fate, n in counts(text, command).items() if fate in FATES)


def status_of(found):
    """The exit status that goes with these counts."""
    asked = sum(n for fate, n in found.items() if fate in FATES and fate not in NOT_ASKED)
    if asked > 0 and found["measured"] == 0:
        return UNUSABLE
    return PARTLY if any(fate in found for fate in LOST) else DONE


# ---- expected summaries ----

def fate_by_status(balstatus):
    for bit, fate in ((64, LOST[0]), (1, OWN[2]), (2, OWN[0]), (4, OWN[1])):
        if balstatus & bit:
            return fate
    return "measured"


def tally(fates, rows):
    """The counts of a list of fates, and the BALs among the rows that are measured."""
    measured = rows[[k for k, fate in enumerate(fates) if fate == "measured"]]
    return {"measured": 0} | dict(Counter(fates)) | {"AI": int((measured["AI_CIV"] > 0).sum()),
                                                     "BI": int((measured["BI_CIV"] > 0).sum())}


def in_range(z):
    return 1.57 <= z <= 5


def counts_in_catalog(path, failed=(), unselected=lambda row: False):
    """The fates in a catalog with BAL columns. BALMASK of unmatched rows has no reason, but the test knows it."""
    rows = table(path)

    def fate(row):
        if unselected(row):
            return "not selected"
        if not np.isfinite(row["TARGET_RA"]):
            return "without a pixel"
        if not in_range(row["Z"]):
            return NOT_ASKED[0]
        if healpix.pixel(64, row["TARGET_RA"], row["TARGET_DEC"]) in failed:
            return "in pixels that failed"
        if row["BALMASK"] & 1:
            return "not in the BAL table"
        if row["BALMASK"] & 4:
            return LOST[2]
        assert (row["BALMASK"] == 8) == (fate_by_status(row["BALSTATUS"]) != "measured")
        return fate_by_status(row["BALSTATUS"])
    return tally([fate(row) for row in rows], rows)


def counts_in_tables(tree, pixels):
    """Of redshift catalogs and BAL tables. Pixels without a BAL table are those that failed."""
    found = Counter({"measured": 0, "AI": 0, "BI": 0})
    for pixel in pixels:
        redshifts = table(tree.zafter(pixel))
        quasars = np.array([kind.strip() == "QSO" for kind in redshifts["SPECTYPE"]])
        inside = np.array([in_range(z) for z in redshifts["Z"]])
        found["not a QSO"] += int((~quasars).sum())
        found[NOT_ASKED[0]] += int((quasars & ~inside).sum())
        if not tree.baltable(pixel).exists():
            found["in pixels that failed"] += int((quasars & inside).sum())
            continue
        rows = table(tree.baltable(pixel))
        assert rows["TARGETID"].tolist() == redshifts["TARGETID"][quasars & inside].tolist()
        found.update(tally([fate_by_status(status) for status in rows["BALSTATUS"]], rows))
    return {fate: n for fate, n in found.items() if n or fate in ("measured", "AI", "BI")}


# ---- catalogs ----

def write_rows(path, rows, **columns):
    """A catalog of Targets, with columns of text as NAME=(TFORM, texts)."""
    write_catalog(path, rows)
    with fits.open(path) as hdus:
        old = [c for c in hdus[1].columns if c.name not in columns and c.name != "SPECTYPE"]
        new = [fits.Column(name, form, array=np.array(texts, object if form.startswith("P") else "U10"))
               for name, (form, texts) in columns.items()]
        hdu = fits.BinTableHDU.from_columns([*old, *new], name="QSO_CAT")
    hdu.writeto(path, overwrite=True)


def one_pass(tree, out, *options, **how):
    return run("run", "-q", tree.qso, "-r", "sim", "-o", out, *BUILTIN, *options, **({"env": tree.env} | how))


# ---- a survey with every fate ----

A, B, C = (150.1, 2.2), (210.3, -5.1), (45.0, 1.3)  # measured; without blue cameras; with a broken coadd
HERE, RED, BROKEN = (healpix.pixel(64, *place) for place in (A, B, C))
FIRST = 39633000040000000
EVERYTHING = {  # name: (target, SURVEY)
    "bal": (Target(FIRST + 1, *A, 2.1, True), "main"),
    "plain": (Target(FIRST + 2, *A, 2.5), "main"),
    "dark": (Target(FIRST + 3, *A, 2.2, False, "dark"), "main"),
    "hole": (Target(FIRST + 4, *A, 2.3), "main"),
    "too near": (Target(FIRST + 5, *A, 1.2), "main"),
    "no redshift": (Target(FIRST + 6, *A, np.nan), "main"),
    "elsewhere": (Target(FIRST + 7, *A, 2.4), "main"),  # in no coadd
    "theirs": (Target(FIRST + 8, *A, 2.6), "sv3"),
    "theirs, too near": (Target(FIRST + 9, *A, 0.6), "sv3"),
    "bal again": (Target(FIRST + 1, *A, 2.15, True), "main"),
    "galaxy": (Target(FIRST + 10, *A, 2.7, True), "main"),  # only find is told so
    "changes": (Target(FIRST + 11, *A, 2.8), "main"),  # its redshift, before append
    "red": (Target(FIRST + 12, *B, 2.1), "main"),
    "red and far": (Target(FIRST + 13, *B, 3.8, True), "main"),
    "broken": (Target(FIRST + 14, *C, 2.2), "main"),
    "broken too": (Target(FIRST + 15, *C, 2.3), "main"),
    "broken, too far": (Target(FIRST + 16, *C, 5.2), "main"),
    "nowhere": (Target(FIRST + 17, np.nan, 0.0, 2.2), "main"),
    "nowhere, too near": (Target(FIRST + 18, np.nan, 0.0, 0.2), "main"),
}
LATER = ("later", (Target(FIRST + 19, *A, 2.9), "main"))  # a row that the catalog gets before append


def write_everything(path, rows):
    write_rows(path, [t for t, _ in rows], SURVEY=("7A", [survey for _, survey in rows]))


def write_templates(path):
    """Three components, of which one is 0 but for rest wavelengths 1700 to 1740 A."""
    wave = np.arange(800.0, 3000.0, 2)
    columns = [(wave / 1500) ** -1.2, np.exp(-0.5 * ((wave - 1549) / 15) ** 2), (abs(wave - 1720) < 20) * 1.0]
    fits.BinTableHDU.from_columns([fits.Column("WAVE", "D", array=wave)] + [
        fits.Column(f"PCA{k}", "D", array=values) for k, values in enumerate(columns)]).writeto(path)


def blind(path, target, first, last):
    """No weight where the templates' third component is."""
    with fits.open(path, mode="update") as hdus:
        row = hdus["FIBERMAP"].data["TARGETID"].tolist().index(target.targetid)
        for camera in "BRZ":
            rest = hdus[f"{camera}_WAVELENGTH"].data / (1 + target.z)
            hdus[f"{camera}_IVAR"].data[row, (rest > first) & (rest < last)] = 0


class Everything(Tree):
    """Every command with the same templates and options."""

    @classmethod
    def make(cls, root):
        tree = cls(root)
        tree.out.parent.mkdir(parents=True)
        write_everything(tree.qso, EVERYTHING.values())
        write_templates(root / "templates.fits")
        targets = {name: t for name, (t, _) in EVERYTHING.items()}
        there = [t for name, t in targets.items() if name not in ("elsewhere", "bal again")]
        cameras = desi_waves()
        write_spectra(tree.coadd(HERE), [t for t in there if (t.ra, t.dec) == A], cameras)
        write_spectra(tree.coadd(RED), [t for t in there if (t.ra, t.dec) == B], {c: cameras[c] for c in "RZ"})
        tree.coadd(BROKEN).parent.mkdir(parents=True)
        tree.coadd(BROKEN).write_bytes(b"broken")
        blind(tree.coadd(HERE), targets["hole"], 1690, 1750)
        return tree

    def find(self, *options, how=run, **more):
        return how("find", "-r", "sim", "-a", self.z, "--templates", self.root / "templates.fits", *options, env=self.env,
                   **more)

    def one_pass(self, out, *options, how=run, **more):
        return how("run", "-q", self.qso, "-r", "sim", "-o", out, "--templates", self.root / "templates.fits", "--only",
                   "survey", *options, env=self.env, **more)


def theirs(row):
    return row["SURVEY"].strip() != "main"


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return Everything.make(tmp_path_factory.mktemp("everything") / "survey")


@pytest.fixture
def survey(everything, tmp_path):
    shutil.copytree(everything.root, tmp_path / "survey")
    return Everything(tmp_path / "survey")


WAYS = [pytest.param(run, ["--nproc", 1], id="one thread"), pytest.param(run, ["--nproc", 4], id="four threads"),
        pytest.param(lambda *command, **more: ranks(2, *command, **more), ["--nproc", 1], id="two ranks", marks=needs_mpi)]


@pytest.mark.parametrize("how, options", WAYS)
def test_run(survey, how, options):
    survey.out = survey.root / "out.fits"
    result = survey.one_pass(survey.out, "-b", survey.z, *options, how=how, status=PARTLY)
    found = counts(result.stdout, "run")
    assert found == counts_in_catalog(survey.out, failed={BROKEN}, unselected=theirs)
    assert set(found) == {"measured", "AI", "BI", *LOST, *OWN, *NOT_ASKED} - {LOST[1], LOST[2], OWN[3], "not a QSO"}
    assert found["measured"] == 6 and found["AI"] == 4 and found["not selected"] == 2
    assert sorted(result.stderr.splitlines()) == sorted([
        f"fastbal run: {survey.coadd(BROKEN)}: not a FITS file: it does not begin with SIMPLE",
        f"fastbal run: pixel {HERE}: 1 of {found['measured'] + 2} quasars not measured: 1 not in the coadd",
        f"fastbal run: {survey.qso}: 2 rows without a position on the sky that has a pixel, left out"])
    log = survey.z / "logfile-main-dark.txt"
    assert counts(log.read_text(), "run") == found and f"\n{BROKEN} : " in log.read_text()
    # once more, where what is there is kept
    again = survey.one_pass(survey.root / "again.fits", "-b", survey.z, *options, how=how, status=PARTLY)
    assert "0 pixels done, 2 kept, 1 failed" in again.stdout and counts(again.stdout, "run") == found
    assert (survey.root / "again.fits").read_bytes() == survey.out.read_bytes()


@pytest.fixture(scope="module")
def divided(everything, tmp_path_factory):
    """Redshift catalogs, in one of which a row is no quasar."""
    shutil.copytree(everything.root, tmp_path_factory.mktemp("divided") / "survey", dirs_exist_ok=True)
    tree = Everything(tmp_path_factory.getbasetemp() / "divided0" / "survey")
    tree.split("--only", "survey", status=PARTLY)
    with fits.open(tree.zafter(HERE)) as hdus:
        data = hdus[1].data.copy()
    data["SPECTYPE"][data["TARGETID"] == FIRST + 10] = "GALAXY"
    fits.BinTableHDU(data, name="REDSHIFTS").writeto(tree.zafter(HERE), overwrite=True)
    return tree


@pytest.mark.parametrize("how, options", WAYS)
def test_find_and_append(divided, tmp_path, how, options):
    shutil.copytree(divided.root, tmp_path / "survey")
    survey = Everything(tmp_path / "survey")
    result = survey.find(*options, how=how, status=PARTLY)
    found = counts(result.stdout, "find")
    assert found == counts_in_tables(survey, [HERE, RED, BROKEN])
    assert set(found) == {"measured", "AI", "BI", LOST[0], LOST[3], *OWN[:3], *NOT_ASKED[:2]}
    assert counts(survey.log.read_text(), "find") == found
    again = survey.find(*options, how=how, status=PARTLY)
    assert "0 pixels done, 2 kept, 1 failed" in again.stdout and counts(again.stdout, "find") == found
    again = survey.find("-c", *options, how=how, status=PARTLY)
    assert "2 pixels done, 0 kept, 1 failed" in again.stdout and counts(again.stdout, "find") == found

    rows = {name: (t._replace(z=t.z + 0.05) if name == "changes" else t, s) for name, (t, s) in EVERYTHING.items()}
    write_everything(survey.qso, [*rows.values(), LATER[1]])
    result = survey.append("--only", "survey", *([] if "ranks" in str(how) else options), status=PARTLY)
    found = counts(result.stdout, "append")
    assert found == counts_in_catalog(survey.out, failed={BROKEN}, unselected=theirs)
    assert set(found) == {"measured", "AI", "BI", *LOST, *OWN[:3], NOT_ASKED[0], NOT_ASKED[2]}
    assert found["not in the BAL table"] == 2 and found[LOST[2]] == 1  # the galaxy and the later row; what changed
    assert counts((survey.z / "logfile-main-dark.txt").read_text(), "append") == found


def test_info(done_tree):
    """A catalog that does not say why."""
    before = counts(run("info", done_tree.out).stdout.replace("\n  12 rows", "\ninfo: 12 rows"), "info")
    assert before == counts_in_catalog(done_tree.out)
    with fits.open(done_tree.out) as hdus:
        fits.BinTableHDU.from_columns([c for c in hdus[1].columns if c.name != "BALSTATUS"],
                                      name="ZCATALOG").writeto(done_tree.root / "less.fits")
    found = counts(run("info", done_tree.root / "less.fits").stdout.replace("\n  12 rows", "\ninfo: 12 rows"), "info")
    assert found.pop("for another reason") == before.pop(OWN[0]) and found == before


# ---- nothing was measured ----

def change_ids(tree, missing):
    """The catalog's rows, with other TARGETIDs where missing(name)."""
    write_catalog(tree.qso, [t._replace(targetid=t.targetid + 1000) if missing(name) else t for name, t in ROWS.items()])


def test_lost_ids(tree):
    """No target is in any coadd: every pixel is named, and there is no catalog."""
    change_ids(tree, lambda name: True)
    out = tree.root / "out.fits"
    result = one_pass(tree, out, status=UNUSABLE)
    assert counts(result.stdout, "run") == {"measured": 0, "AI": 0, "BI": 0, LOST[3]: len(IN_RANGE),
                                            NOT_ASKED[0]: len(ROWS) - len(IN_RANGE)}
    *lines, last = result.stderr.splitlines()
    for pixel, line in zip(PIXELS, lines, strict=True):
        n = len(IN_TABLE[pixel])
        assert line.startswith(f"fastbal run: {tree.coadd(pixel)}: none of the {n} quasar{'s' * (n > 1)} asked for is among")
    assert last.startswith(f"fastbal run: {out}: not written, because nothing was measured")
    assert not out.exists()

    tree.split()
    result = tree.find(status=UNUSABLE)
    assert counts(result.stdout, "find") == counts_in_tables(tree, PIXELS)
    assert all(str(tree.coadd(pixel)) in result.stderr for pixel in PIXELS) and not list(tree.z.rglob("baltable-*"))
    assert "nothing was measured" in result.stderr.splitlines()[-1]
    complains(tree.append(status=UNUSABLE), "append", tree.z, "no BAL tables", "fastbal find")
    assert list(tree.out.parent.iterdir()) == []


@pytest.mark.parametrize("reason", ["lost ids", "no coadds", "no light"])
def test_a_good_catalog_stays(done_tree, reason):
    before = done_tree.out.read_bytes()
    if reason == "lost ids":
        change_ids(done_tree, lambda name: True)
    for pixel in PIXELS:
        if reason == "no coadds":
            done_tree.coadd(pixel).unlink()
        elif reason == "no light":
            with fits.open(done_tree.coadd(pixel), mode="update") as hdus:
                for camera in "BRZ":
                    hdus[f"{camera}_FLUX"].data[:] = np.nan
    result = one_pass(done_tree, done_tree.out, "-c", status=UNUSABLE)
    found = counts(result.stdout, "run")
    assert found["measured"] == 0 and f"{done_tree.out} was not written" in result.stdout
    if reason == "no light":
        assert found[OWN[0]] == len(IN_RANGE) and len(result.stderr.splitlines()) == 1
        assert "3 pixels done, 0 kept, 0 failed" in result.stdout
    else:
        assert found[LOST[3]] == len(IN_RANGE) and "0 pixels done, 0 kept, 3 failed" in result.stdout
        assert len(result.stderr.splitlines()) == 4
    assert done_tree.out.read_bytes() == before and list(done_tree.out.parent.iterdir()) == [done_tree.out]
    before = portable(done_tree.out)
    done_tree.append("-c", status=UNUSABLE if reason == "lost ids" else DONE)  # whose BAL tables are as they were
    assert portable(done_tree.out) == before


def test_rounded_ids(tree):
    """Some targets of each pixel are missing: a line a pixel, and the others are measured."""
    missing = ["plain", "bal 2", "nonsense", "too far"]  # the last one isn't asked for
    change_ids(tree, lambda name: name in missing)
    out = tree.root / "out.fits"
    result = one_pass(tree, out, status=PARTLY)
    assert counts(result.stdout, "run") == counts_in_catalog(out)
    assert counts(result.stdout, "run")[LOST[0]] == 3
    assert result.stderr.splitlines() == [
        f"fastbal run: pixel {p}: 1 of {len(IN_TABLE[p])} quasars not measured: 1 not in the coadd" for p in PIXELS]
    tree.split()
    assert counts(tree.find(status=PARTLY).stdout, "find") == counts_in_tables(tree, PIXELS)
    found = tree.append(status=PARTLY)
    assert counts(found.stdout, "append") == counts(result.stdout, "run")
    assert found.stderr == result.stderr.replace("fastbal run", "fastbal append")
    assert tree.out.read_bytes() == out.read_bytes()


def test_no_light(tree):
    """All-NaN spectra are not an error: a pixel with some of them is done."""
    def dim(pixel, rows):
        with fits.open(tree.coadd(pixel), mode="update") as hdus:
            for camera in "BRZ":
                hdus[f"{camera}_FLUX"].data[rows] = np.nan
    out = tree.root / "out.fits"
    for pixel in PIXELS:
        dim(pixel, 0)
    result = one_pass(tree, out)
    assert counts(result.stdout, "run") == counts_in_catalog(out) and result.stderr == ""
    tree.split()
    dim(PIXELS[0], slice(None))
    result = tree.find()
    assert counts(result.stdout, "find") == counts_in_tables(tree, PIXELS)
    assert set(table(tree.baltable(PIXELS[0]))["BALSTATUS"]) == {2} and result.stderr == ""
    for pixel in PIXELS:
        dim(pixel, slice(None))
    result = tree.find("-c", status=UNUSABLE)
    assert counts(result.stdout, "find") == {"measured": 0, "AI": 0, "BI": 0, OWN[0]: len(IN_RANGE),
                                             NOT_ASKED[0]: len(ROWS) - len(IN_RANGE)}
    assert the_line(result) == f"fastbal find: nothing was measured: {len(IN_RANGE)} without enough good pixels"
    complains(tree.append(status=UNUSABLE), "append", tree.out, f"nothing was measured: {len(IN_RANGE)} without enough")
    assert not tree.out.exists()


def test_a_catalog_of_another_pixel(split_tree, tmp_path):
    result = run("find", "--coadd", split_tree.coadd(PIXELS[0]), "--zcat", split_tree.zafter(PIXELS[1]), "-o",
                 tmp_path / "out.fits", *BUILTIN, status=UNUSABLE)
    complains(result, "find", split_tree.coadd(PIXELS[0]), f"none of the {len(IN_TABLE[PIXELS[1]])} quasars asked for")
    assert list(tmp_path.glob("out*")) == []


def test_nobody_was_asked_for(tree):
    """If all rows are outside the range, that is no failure."""
    write_catalog(tree.qso, [t._replace(z=0.5) for t in ROWS.values()])
    out = tree.root / "out.fits"
    expected = {"measured": 0, "AI": 0, "BI": 0, NOT_ASKED[0]: len(ROWS)}
    assert counts(one_pass(tree, out).stdout, "run") == expected and (table(out)["BALMASK"] == 3).all()
    tree.split()
    assert counts(tree.find().stdout, "find") == expected
    assert counts(tree.append().stdout, "append") == expected


# ---- one file ----

def single(tree, pixel, out, *options, **how):
    return run("find", "--coadd", tree.coadd(pixel), "--zcat", tree.zafter(pixel), "-o", out, *BUILTIN, *options, **how)


def test_one_file(split_tree, tmp_path):
    pixel = PIXEL["plain"]
    result = single(split_tree, pixel, tmp_path / "out.fits")
    shutil.copy(tmp_path / "out.fits", split_tree.baltable(pixel))
    assert counts(result.stdout, "find") == counts_in_tables(split_tree, [pixel])
    again = single(split_tree, pixel, tmp_path / "out.fits")
    assert "is kept" in again.stdout and counts(again.stdout, "find") == counts(result.stdout, "find")
    change_ids(split_tree, lambda name: name == "plain")
    split_tree.split("-c")
    result = single(split_tree, pixel, tmp_path / "out.fits", "-c", status=PARTLY)
    assert counts(result.stdout, "find")[LOST[0]] == 1
    complains(result, "find", split_tree.coadd(pixel), f"1 of {len(IN_TABLE[pixel])} quasars not measured: 1 not in the coadd")


def test_targets_of_one_file(split_tree, tmp_path):
    pixel, out, nobody = PIXEL["plain"], tmp_path / "out.fits", 77
    wanted = ROWS["plain"].targetid
    for targets, words in (([nobody], []), ([ROWS["too near"].targetid, nobody], [])):
        result = single(split_tree, pixel, out, "--targetids", *targets, status=UNUSABLE)
        complains(result, "find", split_tree.zafter(pixel), "none of the --targetids")
        assert not out.exists()
    result = single(split_tree, pixel, out, "--targetids", wanted, nobody, status=PARTLY)
    complains(result, "find", "1 of 2 --targetids are quasars in range")
    assert table(out)["TARGETID"].tolist() == [wanted] and counts(result.stdout, "find")["measured"] == 1
    assert single(split_tree, pixel, out, "--targetids", wanted).stderr == ""  # kept


# ---- some targets of a tree ----

@pytest.mark.parametrize("how, options", WAYS)
def test_targets(split_tree, how, options):
    """A repeated TARGETID, quasars of several pixels, and such as are not there."""
    def find(*targets, **more):
        return how("find", "-r", "sim", "-a", split_tree.z, *BUILTIN, *options, "--targetids", *targets, env=split_tree.env,
                   **more)
    repeated, other, far = (ROWS[name].targetid for name in ("bal", "bal 2", "too far"))
    for _ in range(2):  # the second time pixels are kept
        result = find(repeated, other)
        assert result.stderr == "" and counts(result.stdout, "find") == {"measured": 3, "AI": 3, "BI": 3}
    assert "3 kept" in result.stdout
    # two rows of one target are one target
    for k, nobody in enumerate((77, far)):
        result = find(repeated, nobody, "-c", status=PARTLY)
        complains(result, "find", "1 of 2 --targetids are quasars in range that have a redshift")
        assert rows_of(result.stdout, "find") == 2
    complains(find(77, "-c", status=PARTLY), "find", "0 of 1 --targetids")


def test_targets_of_run_and_append(tree):
    out, chosen = tree.root / "out.fits", [ROWS["bal"].targetid, ROWS["too near"].targetid]
    result = one_pass(tree, out, "--targetids", *chosen)
    expected = counts_in_catalog(out, unselected=lambda row: row["TARGETID"] not in chosen)
    assert counts(result.stdout, "run") == expected and expected["measured"] == 2 and expected[NOT_ASKED[2]] == len(ROWS) - 3
    for step in (tree.split, tree.find, tree.append):
        result = step("--targetids", *chosen, status=DONE if step != tree.find else PARTLY)  # it knows those in range alone
    assert counts(result.stdout, "append") == expected and tree.out.read_bytes() == out.read_bytes()


# ---- rows of another kind ----

KINDS = [("SURVEY", "survey", "main", "sv3"), ("PROGRAM", "program", "dark", "bright"), ("SPECTYPE", "spectype", "QSO", "STAR"),
         ("SPECTYPE_BEST", "spectype", "QSO", "GALAXY")]
OTHERS = ["plain", "too near", "bal 2"]


@pytest.mark.parametrize("form", ["8A", "PA()"], ids=["fixed", "variable"])
@pytest.mark.parametrize("column, word, own, other", KINDS, ids=[k[0] for k in KINDS])
def test_another_kind(tree, finished_tree, form, column, word, own, other):
    """They are counted in a line, measured like the others, and left out with --only."""
    texts = [other if name in OTHERS else own for name in ROWS]
    write_rows(tree.qso, list(ROWS.values()), **{column: (form, texts)})
    out = tree.root / "out.fits"
    line = (f"{tree.qso}: 3 rows of another {column.removesuffix('_BEST')} than asked for: used like the others, or left out "
            f"with --only {word}")
    result = one_pass(tree, out)
    assert the_line(result) == f"fastbal run: {line}"
    data, expected = table(out), table(finished_tree.out)
    for name, _ in appended_columns(11):
        np.testing.assert_array_equal(data[name], expected[name])
    assert counts(result.stdout, "run") == counts_in_catalog(finished_tree.out)
    for step, name in ((tree.split, "split"), (tree.append, "append")):
        assert the_line(step()) == f"fastbal {name}: {line}"
        if name == "split":
            assert tree.find().stderr == ""
    assert tree.out.read_bytes() == out.read_bytes()

    for only in ([word], ["survey", "program", "spectype"]):
        shutil.rmtree(tree.z)
        result = one_pass(tree, out, "-c", "--only", ",".join(only))
        assert result.stderr == ""
        found = table(out)
        left = np.isin(list(ROWS), OTHERS)
        assert (found["BALMASK"][left] == [1 | 2 * (not in_range(z)) for z in found["Z"][left]]).all()
        np.testing.assert_array_equal(found["BALMASK"][~left], expected["BALMASK"][~left])
        assert counts(result.stdout, "run")["not selected"] == 3
        assert counts(result.stdout, "run") == counts_in_catalog(
            out, unselected=lambda row: row["TARGETID"] in [ROWS[name].targetid for name in OTHERS])
        assert tree.split("--only", ",".join(only)).stderr == tree.find().stderr == ""
        again = tree.append("-c", "--only", ",".join(only))
        assert again.stderr == "" and counts(again.stdout, "append") == counts(result.stdout, "run")
        assert tree.out.read_bytes() == out.read_bytes()


def test_all_kinds(tree):
    """Several lines; one word leaves the others."""
    names = list(ROWS)
    write_rows(tree.qso, list(ROWS.values()), SURVEY=("4A", ["sv1" if n == "bal" else "main" for n in names]),
               PROGRAM=("6A", ["bright" if n in ("bal", "plain") else "dark" for n in names]),
               SPECTYPE=("6A", ["GALAXY" if n == "too far" else "QSO" for n in names]))
    out = tree.root / "out.fits"
    lines = [f"fastbal run: {tree.qso}: {n} row{'s' * (n > 1)} of another {column} than asked for"
             for n, column in ((1, "SURVEY"), (2, "PROGRAM"), (1, "SPECTYPE"))]
    for only, unselected, says in (([], 0, lines), (["--only", "survey"], 1, lines[1:]), (["--only", "program"], 2, lines[::2]),
                                   (["--only", "spectype survey"], 2, lines[1:2]),
                                   (["--only=survey, program,spectype"], 3, [])):
        result = one_pass(tree, out, "-c", *only)
        assert [line.split(": used")[0] for line in result.stderr.splitlines()] == says
        assert counts(result.stdout, "run").get("not selected", 0) == unselected
    # what was asked for is what the options say
    result = one_pass(tree, out, "-c", "-s", "main", "-m", "dark", "--targetids", ROWS["plain"].targetid)
    assert the_line(result).startswith(lines[1].replace("2 rows", "1 row"))


def test_only_others(tree):
    """A catalog of another survey from its first row to its last: with --only nothing is left to do."""
    write_rows(tree.qso, list(ROWS.values()), SURVEY=("4A", ["sv1"] * len(ROWS)))
    out = tree.root / "out.fits"
    result = one_pass(tree, out, "--only", "survey", status=UNUSABLE)
    complains(result, "run", out, "not written, because nothing was measured")
    assert counts(result.stdout, "run") == {"measured": 0, "AI": 0, "BI": 0, NOT_ASKED[2]: len(ROWS)} and not out.exists()


@pytest.mark.parametrize("words", ["surveys", "survey,programs", "QSO", "survey;program", ","])
def test_wrong_word(finished_tree, tmp_path, words):
    for command in (["run", "-r", "sim", "-o", tmp_path / "o.fits", *BUILTIN], ["split", "-a", tmp_path / "z"],
                    ["append", "-b", finished_tree.z, "-o", tmp_path / "o.fits"]):
        result = run(*command, "-q", finished_tree.qso, "--only", words, env=finished_tree.env, status=UNUSABLE)
        complains(result, command[0], "option --only: expected survey, program or spectype, found", f"'{words}'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["mock", "tiles"])
def test_mocks_and_tiles_name_no_survey(tmp_path, layout):
    sim = tmp_path / "sim"
    run("simulate", sim, "--layout", layout, "--pixels", 2, "--quasars", 4, "--seed", 3, "--no-resolution")
    with fits.open(sim / "qso.fits") as hdus:
        n = len(hdus[1].data)
        texts = {"SURVEY": ["sv3"] * n, "PROGRAM": ["bright"] * n, "SPECTYPE": ["STAR"] + ["QSO"] * (n - 1)}
        columns = [c for c in hdus[1].columns if c.name not in texts]
        columns += [fits.Column(name, "6A", array=np.array(values)) for name, values in texts.items()]
        fits.BinTableHDU.from_columns(columns, name=hdus[1].name).writeto(tmp_path / "qso.fits")
    tree = ["--mock"] if layout == "mock" else ["-r", sim / "redux" / "sim", "--tiles"]
    spectra = ["--mockdir", sim / "mock"] if layout == "mock" else []
    out, z, qso = tmp_path / "run.fits", tmp_path / "z", ["-q", tmp_path / "qso.fits"]
    line = "1 row of another SPECTYPE than asked for"
    first = run("run", *qso, "-o", out, *tree, *spectra, *BUILTIN)
    complains(first, "run", line)
    rows = table(out)
    expected = tally([fate_by_status(r["BALSTATUS"]) if in_range(r["Z"]) else NOT_ASKED[0] for r in rows], rows)
    assert counts(first.stdout, "run") == expected and expected["measured"] > 3
    complains(run("split", *qso, "-a", z, *tree), "split", line)
    find = run("find", "-a", z, *tree, *spectra, *BUILTIN)
    assert find.stderr == "" and counts(find.stdout, "find") == expected
    append = run("append", *qso, "-b", z, "-o", tmp_path / "append.fits", *tree)
    complains(append, "append", line)
    assert counts(append.stdout, "append") == expected
    only = run("run", *qso, "-o", out, *tree, *spectra, *BUILTIN, "-c", "--only", "survey,program,spectype")
    assert only.stderr == "" and counts(only.stdout, "run")["not selected"] == 1


# ---- append ----

def test_other_redshifts(done_tree):
    """Some differ, in one pixel or in all; all of them."""
    def move(names):
        write_catalog(done_tree.qso, [t._replace(z=t.z + 0.005) if name in names else t for name, t in ROWS.items()])
    before, inside = done_tree.out.read_bytes(), set(IN_RANGE) - {"highest z"}  # which would be outside then
    move(["plain"])
    result = done_tree.append("-c", status=PARTLY)
    assert counts(result.stdout, "append") == counts_in_catalog(done_tree.out)
    complains(result, "append", f"pixel {PIXEL['plain']}: 1 of ", f"1 {LOST[2]}")
    done_tree.out.write_bytes(before)
    write_catalog(done_tree.qso, [t._replace(z=t.z + 0.005 * (1 if t.z < 4 else -1)) for t in ROWS.values()])
    result = done_tree.append("-c", status=UNUSABLE)
    asked = sum(in_range(t.z + 0.005 * (1 if t.z < 4 else -1)) for t in ROWS.values())
    found = counts(result.stdout, "append")
    assert found == {"measured": 0, "AI": 0, "BI": 0, LOST[2]: len(inside) + 1, LOST[1]: asked - len(inside) - 1,
                     NOT_ASKED[0]: len(ROWS) - asked}
    assert len(result.stderr.splitlines()) == len(PIXELS) + 1 and done_tree.out.read_bytes() == before


@pytest.mark.parametrize("n", [1, 4])
def test_rows_that_are_in_no_table(done_tree, n):
    rows = [*ROWS.values(), *(ROWS[name]._replace(targetid=70 + k) for k, name in enumerate(("plain", "bal 2", "too far")))]
    write_catalog(done_tree.qso, rows)
    result = done_tree.append("-c", "--nproc", n, status=PARTLY)
    assert counts(result.stdout, "append") == counts_in_catalog(done_tree.out)
    assert counts(result.stdout, "append")[LOST[1]] == 2 and len(result.stderr.splitlines()) == 2


def test_a_table_is_missing(done_tree):
    done_tree.baltable(PIXELS[1]).unlink()
    result = done_tree.append("-c", status=PARTLY)
    complains(result, "append", f"Did not find BAL table {done_tree.baltable(PIXELS[1])}")
    assert counts(result.stdout, "append") == counts_in_catalog(done_tree.out, failed={PIXELS[1]})


@pytest.mark.parametrize("what", ["folder", "survey", "program", "nothing"])
def test_no_tables(done_tree, tmp_path, what):
    before = done_tree.out.read_bytes()
    options = {"survey": ["-s", "sv3"], "program": ["-m", "bright"], "folder": ["-b", tmp_path], "nothing": []}[what]
    for pixel in PIXELS if what == "nothing" else []:
        done_tree.baltable(pixel).unlink()
    line = the_line(done_tree.append("-c", *options, status=UNUSABLE))
    assert line.startswith("fastbal append: ") and str(tmp_path if what == "folder" else done_tree.z) in line
    assert done_tree.out.read_bytes() == before


# ---- many lines ----

@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Pixels of one file of spectra, with redshift catalogs."""
    tree = Many.make(tmp_path_factory.mktemp("counts") / "many", 26)
    tree.split()
    return tree


@pytest.fixture
def crowd(many, tmp_path):
    """A copy whose coadds may be replaced."""
    shutil.copytree(many.root, tmp_path / "many", copy_function=lambda a, b: os.link(a, b) if "coadd-" in a else shutil.copy(a, b))
    tree = Many(tmp_path / "many")
    tree.pixels = many.pixels
    return tree


def spoil(tree, pixels, contents):
    for pixel in pixels:
        tree.coadd(pixel).unlink()
        if contents:
            tree.coadd(pixel).write_bytes(contents)


MORE = re.compile(r"fastbal (\w+): (\d+) more lines of the same kind(.*)")


def kinds_of(lines):
    return Counter("missing" if "Did not find" in line else "broken" if "not a FITS file" in line else
                   "lost" if "not measured" in line else "more" if MORE.fullmatch(line) else "other" for line in lines)


@pytest.mark.parametrize("command", ["find", "run", "run without a log"])
def test_ten_lines_of_a_kind(crowd, tmp_path, command):
    """Twelve coadds are missing, thirteen are broken: ten lines of each, one that counts the others; the log has all."""
    missing, broken = crowd.pixels[:12], crowd.pixels[12:25]
    spoil(crowd, missing, None)
    spoil(crowd, broken, b"broken")
    name = command.split()[0]
    log = {"find": crowd.log, "run": crowd.z / "logfile-main-dark.txt"}.get(command)
    if name == "find":
        result = crowd.find(status=PARTLY)
        expected = counts_in_tables(crowd, crowd.pixels)
    else:
        result = one_pass(crowd, tmp_path / "out.fits", *(["-b", crowd.z] if log else []), status=PARTLY)
        expected = counts_in_catalog(tmp_path / "out.fits", failed={*missing, *broken})
    assert counts(result.stdout, name) == expected
    lines = result.stderr.splitlines()
    assert kinds_of(lines) == {"missing": 10, "broken": 10, "more": 1}
    last = MORE.fullmatch(lines[-1])
    assert last[1] == name and last[2] == "5"
    assert last[3] == (f" are in the log: {log}" if log else "; --logfile FILE keeps them all")
    if log:
        logged = [line for line in log.read_text().splitlines() if re.match(r"\d+ : ", line)]
        assert kinds_of(logged) == {"missing": 12, "broken": 13}
        assert [int(line.split()[0]) for line in logged] == sorted(crowd.pixels[:25])


def test_ten_lines_of_lost_quasars(many, tmp_path):
    """Numbers don't make lines different."""
    rows = [Target(t, ra, dec, z) for t, ra, dec, z in zip(*(table(many.qso)[n].tolist() for n in (
        "TARGETID", "TARGET_RA", "TARGET_DEC", "Z")))]
    lost = {0: 77, 1: 78}  # the first of each pixel's four rows, and the second as well in some
    n = len(many.pixels)
    rows = [t._replace(targetid=lost[k // n]) if k < n or n <= k < n + 5 else t for k, t in enumerate(rows)]
    write_catalog(tmp_path / "qso.fits", rows)
    out = tmp_path / "out.fits"
    result = run("run", "-q", tmp_path / "qso.fits", "-r", "sim", "-o", out, "-l", tmp_path / "log.txt", *BUILTIN,
                 env=many.env, status=PARTLY)
    assert counts(result.stdout, "run") == counts_in_catalog(out)
    assert kinds_of(result.stderr.splitlines()) == {"lost": 10, "more": 1}
    log = (tmp_path / "log.txt").read_text()
    assert sum("1 of 4 quasars" in line for line in log.splitlines()) == n - 5
    assert sum("2 of 4 quasars" in line for line in log.splitlines()) == 5


# ---- a full disk ----

def block(paths):
    """Links that lead to a folder that isn't there: not even root can write."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to("/nonexistent/folder/file.fits")


GAVE_UP = re.compile(r"fastbal (\w+): stopped because 5 pixels in a row could not be written, (\d+) of (\d+) pixels left: .*")


def gave_up(result, command, left, n):
    lines = result.stderr.splitlines()
    last = GAVE_UP.fullmatch(lines[-1])
    assert last and last.groups() == (command, str(left), str(n)), lines
    assert not any("nothing was measured" in line for line in lines)
    return lines[:-1]


def outcome(result):
    return re.search(r"(\d+) pixels? (?:done|written), (\d+) kept, (\d+) failed", result.stdout).groups()


def start(tree, command, *options, nproc=1, **how):
    if command == "split":
        return tree.split("--nproc", nproc, *options, **how)
    if command == "find":
        return tree.find("--nproc", nproc, *options, **how)
    return one_pass(tree, tree.root / "new.fits", "-b", tree.z, "--nproc", nproc, *options, **how)


def blocked(tree, command):
    """Where a command's outputs are to go, pixel by pixel in the order in which one thread does them."""
    if command == "split":
        shutil.rmtree(tree.z)
    return [tree.zafter(p) if command == "split" else tree.baltable(p) for p in sorted(tree.pixels)]


def check_rows(tree, result, command, pixels):
    """The counts are those of the pixels that were reached."""
    if command != "split":
        assert rows_of(result.stdout, command) == 4 * pixels


COMMANDS = ["split", "find", "run"]


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_can_be_written(crowd, command):
    """Five pixels are tried."""
    block(blocked(crowd, command))
    before = files(crowd.root)
    result = start(crowd, command, status=UNUSABLE)
    n = len(crowd.pixels)
    assert len(gave_up(result, command, n - 5, n)) == 5 and outcome(result) == ("0", "0", "5")
    check_rows(crowd, result, command, 5)
    after = files(crowd.root)
    log = [name for name in after if "logfile" in name and after[name] != before.get(name)]
    assert len(log) == 1 and {k: v for k, v in after.items() if k not in log} == {k: v for k, v in before.items() if k not in log}
    text = after[log[0]].decode()
    assert f"Stopped because 5 pixels in a row could not be written, {n - 5} of {n} pixels left" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_gets_full(crowd, command):
    """What was written is kept, and the same command resumes."""
    paths = blocked(crowd, command)
    block(paths[7:])
    result = start(crowd, command, status=UNUSABLE if command == "run" else PARTLY)  # which has no catalog
    n = len(paths)
    assert len(gave_up(result, command, n - 12, n)) == 5 and outcome(result) == ("7", "0", "5")
    check_rows(crowd, result, command, 12)
    assert not (crowd.root / "new.fits").exists()
    for path in paths[7:]:
        path.unlink()
    result = start(crowd, command)
    assert outcome(result) == (str(n - 7), "7", "0") and result.stderr == ""
    check_rows(crowd, result, command, n)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pixel_in_between(crowd, command):
    """Four that can't be written, one that can, four again: the run goes on to its end."""
    paths = blocked(crowd, command)
    good = [k for k in range(len(paths)) if k % 5 == 4]
    block(path for k, path in enumerate(paths) if k not in good)
    result = start(crowd, command, status=PARTLY)
    n = len(paths)
    assert outcome(result) == (str(len(good)), "0", str(n - len(good))) and "stopped" not in result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 11 and MORE.fullmatch(lines[-1])[2] == str(n - len(good) - 10)
    check_rows(crowd, result, command, n)


def test_pixels_in_hand(crowd):
    """With more threads a few more are tried than the five."""
    block(blocked(crowd, "find"))
    result = start(crowd, "find", nproc=4, status=UNUSABLE)
    done, kept, failed = map(int, outcome(result))
    assert (done, kept) == (0, 0) and 5 <= failed <= 8
    gave_up(result, "find", len(crowd.pixels) - failed, len(crowd.pixels))
    check_rows(crowd, result, "find", failed)


@needs_mpi
def test_ranks_give_up(crowd):
    block(blocked(crowd, "find"))
    result = ranks(2, "find", "-r", "sim", "-a", crowd.z, *BUILTIN, "--nproc", 1, env=crowd.env, status=UNUSABLE)
    done, kept, failed = map(int, outcome(result))
    assert (done, kept) == (0, 0) and 5 <= failed < len(crowd.pixels)
    gave_up(result, "find", len(crowd.pixels) - failed, len(crowd.pixels))


def test_the_last_five(crowd):
    """The run is not stopped if no pixels are left."""
    paths = blocked(crowd, "find")
    block(paths[-5:])
    result = start(crowd, "find", status=PARTLY)
    assert outcome(result) == (str(len(paths) - 5), "0", "5") and "stopped" not in result.stderr
    assert len(result.stderr.splitlines()) == 5


def test_mask(crowd):
    start(crowd, "run")
    work = crowd.root / "masked"
    copies = [work / crowd.coadd(p).relative_to(crowd.redux / "sim") for p in sorted(crowd.pixels)]
    for path in copies[3:]:  # links give way to masked coadds, folders don't
        path.mkdir(parents=True)
    command = ["mask", "-q", crowd.root / "new.fits", "-r", "sim", "-w", work, "--nproc", 1, "-c"]
    result = run(*command, env=crowd.env, status=PARTLY)
    n = len(copies)
    assert len(gave_up(result, "mask", n - 8, n)) == 5 and outcome(result) == ("3", "0", "5")
    for path in copies[:3]:
        path.unlink()
        path.mkdir()
    result = run(*command, env=crowd.env, status=UNUSABLE)
    assert len(gave_up(result, "mask", n - 5, n)) == 5 and outcome(result) == ("0", "0", "5")


@pytest.mark.skipif(not faults.LIBRARY.exists() or bool(SANITIZERS), reason="needs tests/faults")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_space(crowd, command, number):
    """Every write fails from the twelfth on, the log's as well."""
    if command == "split":
        shutil.rmtree(crowd.z)
    env = crowd.env | {"LD_PRELOAD": str(faults.LIBRARY), "FAULTS_ROOT": f"{crowd.z}/", "FAULTS": f"write 12 {number} 1000000"}
    result = start(crowd, command, env=env, status=None)
    done, kept, failed = map(int, outcome(result))
    assert result.returncode == (UNUSABLE if command == "run" or done == 0 else PARTLY)
    assert kept == 0 and failed == 5 and done + failed < len(crowd.pixels)
    lines = result.stderr.splitlines()
    assert sum(os.strerror(number) in line for line in lines) >= 5
    assert sum(bool(GAVE_UP.fullmatch(line)) for line in lines) == 1
    assert sum("warning: " in line and "can't write to this log" in line for line in lines) == 1
    again = start(crowd, command)
    assert outcome(again) == (str(len(crowd.pixels) - done), str(done), "0")


# ---- logs ----

@pytest.mark.parametrize("command", ["split", "find", "append", "run", "mask"])
def test_a_log_that_cannot_be_written(done_tree, command):
    """This is only a warning."""
    log = done_tree.root / "in the way"
    log.mkdir()
    commands = {"split": ["split", "-q", done_tree.qso, "-a", done_tree.z],
                "find": ["find", "-r", "sim", "-a", done_tree.z, *BUILTIN],
                "append": ["append", "-q", done_tree.qso, "-b", done_tree.z, "-o", done_tree.out],
                "run": ["run", "-q", done_tree.qso, "-r", "sim", "-o", done_tree.out, *BUILTIN],
                "mask": ["mask", "-q", done_tree.out, "-r", "sim", "-w", done_tree.root / "masked"]}
    kind = {"split": "zafter-", "find": "baltable-", "mask": "coadd-"}.get(command, "qso-bal")
    outputs = {path: stamp(path) for path in done_tree.root.rglob("*.fits") if path.name.startswith(kind)}
    result = run(*commands[command], "-c", "-l", log, env=done_tree.env)
    complains(result, command, f"warning: {log}: can't write to this log: Is a directory")
    if command == "mask":
        outputs = {path: None for path in (done_tree.root / "masked").rglob("coadd-*")}
    assert len(outputs) == (1 if kind == "qso-bal" else 3) and all(stamp(path) != before for path, before in outputs.items())


def test_a_log_is_no_excuse(tree):
    """Where pixels fail the status says so, log or no log."""
    tree.coadd(PIXELS[1]).write_bytes(b"broken")
    log = tree.root / "in the way"
    log.mkdir()
    result = one_pass(tree, tree.root / "out.fits", "-l", log, status=PARTLY)
    assert len(result.stderr.splitlines()) == 2 and "warning: " in result.stderr


# ---- statuses follow from counts ----

CHANGES = {
    "nothing": lambda rows: rows,
    "one is lost": lambda rows: rows | {"plain": rows["plain"]._replace(targetid=77)},
    "one is outside": lambda rows: rows | {"plain": rows["plain"]._replace(z=0.3)},
    "one has no redshift": lambda rows: rows | {"plain": rows["plain"]._replace(z=np.nan)},
    "one has no place": lambda rows: rows | {"plain": rows["plain"]._replace(ra=np.nan)},
    "all have no place": lambda rows: {name: t._replace(ra=np.nan) for name, t in rows.items()},
    "all are lost": lambda rows: {name: t._replace(targetid=77 + k) for k, (name, t) in enumerate(rows.items())},
    "all but one are outside": lambda rows: {name: t if name == "bal" else t._replace(z=0.3) for name, t in rows.items()},
    "one, and it is dark": lambda rows: {"dark": rows["dark"]},
    "two, both dark": lambda rows: {name: rows[name] for name in ("dark", "dark again")},
    "one, and it is lost": lambda rows: {"plain": rows["plain"]._replace(targetid=77)},
    "one, outside": lambda rows: {"too near": rows["too near"]},
    "the same row three times": lambda rows: {name: rows["bal"] for name in "abc"},
    "one in a pixel without spectra": lambda rows: rows | {"plain": rows["plain"]._replace(dec=50.0)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_status(tree, change):
    write_catalog(tree.qso, list(CHANGES[change](dict(ROWS)).values()))
    out = tree.root / "out.fits"
    result = one_pass(tree, out, status=None)
    found = counts(result.stdout, "run")
    nowhere = change == "all have no place"  # no pixel at all
    assert result.returncode == (UNUSABLE if nowhere else status_of(found)), result.stderr
    assert out.exists() == (result.returncode != UNUSABLE)
    if out.exists():
        missing = {healpix.pixel(64, ROWS["plain"].ra, 50.0)}
        assert found == counts_in_catalog(out, failed=missing)
    assert (result.stderr == "") == (result.returncode == DONE)


# ---- BALs by signal-to-noise ----

def by_snr(rows):
    """What the summary says of measured rows."""
    edges = [-np.inf, 1, 2, 4, 8, np.inf]
    words = ["below 1", "at 1 to 2", "at 2 to 4", "at 4 to 8", "from 8"]
    parts = []
    for low, high, word in zip(edges, edges[1:], words):
        inside = rows[(rows["SNR_CIV"] >= low) & (rows["SNR_CIV"] < high)]
        if len(inside):
            parts.append(f"{share(inside)} {word}")
    return f"BALs by SNR_CIV: {', '.join(parts)}; {share(rows)} in all"


def share(rows):
    n = int((rows["AI_CIV"] > 0).sum())
    return f"{n} of {len(rows)} ({100 * n / len(rows):.{1 if 10 * n < len(rows) else 0}f} %)"


def test_bals_by_snr(tmp_path):
    root = tmp_path / "tree"
    run("simulate", root, "--pixels", 2, "--quasars", 60, "--others", 2, "--seed", 5, "--no-resolution")
    env, qso = environment(DESI_SPECTRO_REDUX=root / "redux"), root / "qso.fits"
    said = [run("run", "-q", qso, "-r", "sim", "-o", tmp_path / "a.fits", "-b", tmp_path / "bal", "--templates", "builtin", env=env),
            run("append", "-q", qso, "-b", tmp_path / "bal", "-o", tmp_path / "b.fits", env=env),
            run("info", tmp_path / "a.fits")]
    run("split", "-q", qso, "-a", tmp_path / "z", env=env)
    said.append(run("find", "-r", "sim", "-a", tmp_path / "z", "--templates", "builtin", env=env))
    rows = fits.getdata(tmp_path / "a.fits", 1)
    line = by_snr(rows[rows["BALMASK"] == 0])
    assert line.count(" of ") > 4
    for result in said:
        assert [text for text in result.stdout.splitlines() if text.endswith(line)], (line, result.stdout)
