"""Bad inputs: a table of faults, commands that read them, and their exact error messages.

The good files are small: one pixel of three quasars and one of a single quasar, cameras in steps of 8 A, all made of plain
bytes (damage.py). A case makes its bad file from one of them.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import os
import shutil
from typing import Callable, NamedTuple

import numpy as np

import damage
from damage import BLOCK, Fits
from support import DONE, PARTLY, UNUSABLE, balcolumns, environment, quasar_flux, run, table

import healpix

# ---- the good files ----

IDS = [39633000010000001, 39633000010000002, 39633000010000003, 39633000010000004]
REDSHIFTS = [2.1, 2.5, 3.0, 2.2]
PLACES = [(150.10, 2.20), (150.12, 2.21), (150.14, 2.22), (45.0, 1.3)]
A, B = healpix.pixel(64, *PLACES[0]), healpix.pixel(64, *PLACES[3])  # the first three quasars, the last one
assert [healpix.pixel(64, *p) for p in PLACES] == [A, A, A, B]
WAVES = {"B": 3600 + 8.0 * np.arange(276), "R": 5760 + 8.0 * np.arange(233), "Z": 7520 + 8.0 * np.arange(289)}
RA, DEC = np.array(PLACES).T


def make_coadd(which):
    rng = np.random.default_rng(7)
    hdus = [damage.primary(),
            damage.table("FIBERMAP", [("TARGETID", "K", np.array(IDS)[which]), ("TARGET_RA", "D", RA[which]),
                                      ("TARGET_DEC", "D", DEC[which]), ("OBJTYPE", "3A", [b"TGT"] * len(which))])]
    for camera, wave in WAVES.items():
        flux = np.array([quasar_flux(wave, REDSHIFTS[k], k == 0) for k in which])
        flux += rng.normal(0, 0.5, flux.shape)
        hdus += [damage.image(f"{camera}_WAVELENGTH", wave), damage.image(f"{camera}_FLUX", flux.astype("f4")),
                 damage.image(f"{camera}_IVAR", np.full(flux.shape, 4, "f4")),
                 damage.image(f"{camera}_MASK", np.zeros(flux.shape, "i4"))]
    return b"".join(hdus)


def make_catalog(name, which, ra="TARGET_RA", dec="TARGET_DEC"):
    n = len(which)
    return damage.primary() + damage.table(
        name, [("TARGETID", "K", np.array(IDS)[which]), (ra, "D", RA[which]), (dec, "D", DEC[which]),
               ("Z", "D", np.array(REDSHIFTS)[which]), ("ZERR", "D", np.full(n, 1e-4)), ("ZWARN", "D", np.zeros(n)),
               ("SPECTYPE", "6A", [b"QSO   "] * n)])


def make_table(which):
    values = {"TARGETID": np.array(IDS)[which], "TARGET_RA": RA[which], "TARGET_DEC": DEC[which],
              "Z": np.array(REDSHIFTS)[which]}
    return damage.primary() + damage.table(
        "BALCAT", [(n, form, values.get(n, 0)) for n, form in balcolumns(3)])


def make_templates():
    wave = 900 + 20.0 * np.arange(130)
    line = np.exp(-0.5 * ((wave - 1549) / 15) ** 2)
    return damage.primary() + damage.table(
        "TEMPLATES", [("WAVE", "D", wave), ("PCA0", "D", (wave / 1500) ** -1.2), ("PCA1", "D", line),
                      ("PCA2", "D", wave / 1500)])


GOOD = {"coadd": make_coadd([0, 1, 2]), "zcat": make_catalog("REDSHIFTS", [0, 1, 2]),
        "qso": make_catalog("QSO_CAT", [0, 1, 2, 3]), "table": make_table([0, 1, 2]), "templates": make_templates()}


def in_tree(kind, pixel):
    return f"healpix/main/dark/{pixel // 100}/{pixel}/{kind}-main-dark-{pixel}.fits"


class World:
    """The good files, made once."""

    def __init__(self, root):
        self.root, self.redux, self.z = root, root / "redux", root / "z"
        self.coadd, self.zcat, self.table = [top / in_tree(kind, A) for top, kind in (
            (self.redux / "sim", "coadd"), (self.z, "zafter"), (self.z, "baltable"))]
        self.qso, self.templates = root / "qso.fits", root / "templates.fits"
        self.env = environment()  # once: pytest changes its own while cases run side by side
        for path, data in [*((getattr(self, kind), data) for kind, data in GOOD.items()),
                           (self.redux / "sim" / in_tree("coadd", B), make_coadd([3])),
                           (self.z / in_tree("zafter", B), make_catalog("REDSHIFTS", [3])),
                           (self.z / in_tree("baltable", B), make_table([3]))]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        run("find", "--coadd", self.coadd, "--zcat", self.zcat, "-o", root / "good.fits", "--templates", self.templates)
        self.good = table(root / "good.fits")


class Box:
    """The folder of one case, and the values of {words} in commands and messages."""

    def __init__(self, world, here):
        self.world, self.here, self.bad, self.out = world, here, here / "bad.fits", here / "out.fits"

    def words(self):
        w = self.world
        mine = {"A": A, "B": B, "here": self.here, "bad": self.bad, "out": self.out, "table_A": in_tree("baltable", A),
                "coadd_A": in_tree("coadd", A), "zcat_A": in_tree("zafter", A), "zcat_B": in_tree("zafter", B),
                "table_B": in_tree("baltable", B)}
        return mine | {k: getattr(w, k) for k in ("coadd", "zcat", "table", "qso", "templates", "redux", "z", "root")}

    def fill_text(self, text):
        for word, value in self.words().items():
            text = text.replace("{" + word + "}", str(value))
        return text

    def fill(self, command):
        return [self.fill_text(t) for t in (command.split() if isinstance(command, str) else command)]

    def environment(self, changes):
        env = self.world.env | {k: self.fill_text(v) for k, v in changes.items() if v is not None}
        return {k: v for k, v in env.items() if changes.get(k, "") is not None}

    def copy_tree(self):
        """Trees of its own: {here}/redux and {here}/z, the latter without BAL tables."""
        shutil.copytree(self.world.redux, self.here / "redux")
        shutil.copytree(self.world.z, self.here / "z", ignore=shutil.ignore_patterns("baltable*"))


class Case(NamedTuple):
    name: str
    command: str  # words are filled in; a tuple where an argument has blanks
    make: Callable = None
    status: int = UNUSABLE
    says: tuple = ()  # the lines on stderr; "..." stands for anything
    rows: dict = {}  # columns of {out}
    writes: tuple = ()  # files it leaves
    check: Callable = None
    env: dict = {}
    anybody: bool = False  # not root, where root runs the tests


CASES = []


def add(name, command, make=None, *says, status=UNUSABLE, **more):
    if status == DONE and "{out}" in command and "writes" not in more:
        more["writes"] = ("out.fits",)
    CASES.append(Case(name, command, make, status, says, **more))


def spoil(kind, change, path=None):
    """The good file of a kind, changed, as {bad} or at a path below {here}; change may give all bytes anew."""
    def make(box):
        data = Fits(GOOD[kind])
        new = change(data)
        place = box.here / path if path else box.bad
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data if new is None else new)
    return make


FINDER = "-o {out} --templates {templates}"
COADD = f"find --coadd {{bad}} --zcat {{zcat}} {FINDER}"
ZCAT = f"find --coadd {{coadd}} --zcat {{bad}} {FINDER}"
SPLIT = "split -q {bad} -a {here}/z --nproc 1"
APPEND = "append -q {bad} -b {z} -o {out} --nproc 1"
RUN = f"run -q {{bad}} -r {{redux}}/sim --nproc 1 {FINDER}"
TEMPLATES = "templates --templates {bad}"

# ---- cut files: every block, and its middle ----

CUT_COMMANDS = {  # command, status, files left
    "coadd": (COADD, UNUSABLE, []), "zcat": (ZCAT, UNUSABLE, []), "qso": (SPLIT, UNUSABLE, []),
    "templates": (TEMPLATES, UNUSABLE, []),
    "table": ("append -q {qso} -b {here}/z -o {out}", PARTLY, ["out.fits", "z/logfile-main-dark.txt"])}
CUT_PATHS = {"table": "z/" + in_tree("baltable", A)}


def missing_after(kind, hdus):
    """What is missing from a file with these HDUs; None if it is complete."""
    present = [h.name for h in hdus]
    if kind == "coadd":
        if "FIBERMAP" not in present:
            return "has no table FIBERMAP"
        if not any("_" in n for n in present):
            return "has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH"
        camera = present[-1][0]
        parts = [p for p in ("WAVELENGTH", "FLUX", "IVAR", "MASK") if f"{camera}_{p}" not in present]
        # the masks are not missed where there is none at all
        return f"has no HDU {camera}_{parts[0]}" if parts and (camera != "B" or parts[0] != "MASK") else None
    return {"zcat": "has no table REDSHIFTS or ZBEST or QSO_CAT or ZCATALOG", "qso": "has no table QSO_CAT or ZCATALOG",
            "table": "has no table BALCAT", "templates": "has no table"}[kind]


def told_of_cut(kind, size):
    """The error for a file truncated after this many bytes; None if it is valid."""
    path = "{here}/" + CUT_PATHS[kind] if kind in CUT_PATHS else "{bad}"
    begin = f"fastbal {CUT_COMMANDS[kind][0].split()[0]}: {path}: "
    hdus = Fits(GOOD[kind]).hdus
    if size == 0:
        return begin + "the file is empty"
    whole = [h for h in hdus if h.end <= size]
    if whole and whole[-1].end == size:
        what = missing_after(kind, whole)
        return begin + what if what else None
    k = len(whole)
    h = hdus[k]
    if size < h.end_card + damage.CARD:
        return begin + f"HDU {k}: expected a header that ends in END, found none in {size - h.header} bytes"
    padded = ", padded to a whole block" if h.data + h.size <= size else ""
    return begin + f"HDU {k} {h.name}: expected {h.size} bytes of data at {h.data}{padded}, but the file ends at {size}"


def cut(box, kind, size):
    if kind == "table":
        shutil.copytree(box.world.z, box.here / "z")
    spoil(kind, lambda data: data[:size], CUT_PATHS.get(kind))(box)


def cut_case(kind, size):
    command, status, writes = CUT_COMMANDS[kind]
    line = told_of_cut(kind, size)
    if line is None:
        status, writes = DONE, ["out.fits"]
    return Case(f"{kind} cut after {size} bytes", command, lambda box: cut(box, kind, size), status,
                (line,) if line else (), writes=tuple(writes))


CUT = [cut_case(kind, size) for kind in GOOD for size in range(0, len(GOOD[kind]), BLOCK // 2)]

# ---- inconsistent headers ----

BIG, HUGE, LONG = 1000000, 2**62, "99999999999999999999999"


def lie(hdu, key, value):
    return lambda data: data.card(hdu, key, value)


def header_lies(what, kind, command, lies):
    """lies: (HDU, key, value, what is said after the file's name); the key stands in the HDU's header."""
    program = command.split()[0]
    for hdu, key, value, said in lies:
        number = Fits(GOOD[kind]).number(hdu)
        add(f"{what}: {hdu} {key} = {value}", command, spoil(kind, lie(hdu, key, value)),
            f"fastbal {program}: {{bad}}: {said.replace('#', f'HDU {number}')}")


header_lies("coadd", "coadd", COADD, [
    ("R_FLUX", "BITPIX", 7, "#: expected BITPIX 8, 16, 32, 64, -32 or -64, found 7"),
    ("R_FLUX", "BITPIX", 0, "#: expected BITPIX 8, 16, 32, 64, -32 or -64, found 0"),
    ("R_FLUX", "BITPIX", "four", "#: expected BITPIX 8, 16, 32, 64, -32 or -64, found four"),
    ("B_WAVELENGTH", "NAXIS", -1, "#: expected NAXIS 0 to 999, found -1"),
    ("B_WAVELENGTH", "NAXIS", BIG, f"#: expected NAXIS 0 to 999, found {BIG}"),
    ("B_WAVELENGTH", "NAXIS", LONG, f"#: expected NAXIS 0 to 999, found {LONG}"),
    ("B_WAVELENGTH", "NAXIS", "NaN", "#: expected NAXIS 0 to 999, found NaN"),
    ("B_WAVELENGTH", "NAXIS", 2, "#: expected a whole number NAXIS2, found ..."),
    ("R_IVAR", "NAXIS", 3, "#: expected a whole number NAXIS3, found ..."),
    ("R_IVAR", "NAXIS1", -233, "#: expected a whole number NAXIS1, found -233"),
    ("R_IVAR", "NAXIS1", "1e3", "#: expected a whole number NAXIS1, found 1e3"),
    ("R_IVAR", "NAXIS1", LONG, f"#: expected a whole number NAXIS1, found {LONG}"),
    ("R_IVAR", "NAXIS1", BIG, f"# R_IVAR: expected {4 * 3 * BIG} bytes of data at ..., but the file ends at ..."),
    ("R_IVAR", "NAXIS1", HUGE, "#: expected axes up to NAXIS2 whose product fits in 64 bits, found 3"),
    ("R_IVAR", "NAXIS1", 2**60, "#: expected a data size that fits in 64 bits"),
    ("R_IVAR", "NAXIS1", 232, "HDU R_IVAR: expected 3 rows of 233 pixels, found 3 of 232"),
    ("R_IVAR", "NAXIS1", 0, "# R_IVAR: expected the next HDU where its data end, at ..., found it at ..."),
    ("Z_FLUX", "NAXIS2", -3, "#: expected a whole number NAXIS2, found -3"),
    ("Z_FLUX", "NAXIS2", "", "#: expected a whole number NAXIS2, found "),
    ("Z_FLUX", "NAXIS2", BIG, f"# Z_FLUX: expected {4 * 289 * BIG} bytes of data at ..., but the file ends at ..."),
    ("Z_FLUX", "NAXIS2", 2, "# Z_FLUX: expected the next HDU where its data end, at ..., found it at ..."),
    ("Z_FLUX", "PCOUNT", -1, "#: expected PCOUNT 0 or more, found -1"),
    ("Z_FLUX", "PCOUNT", "zero", "#: expected PCOUNT 0 or more, found zero"),
    ("Z_FLUX", "PCOUNT", BIG, "# Z_FLUX: expected ... bytes of data at ..., but the file ends at ..."),
    ("Z_FLUX", "GCOUNT", -1, "#: expected GCOUNT 0 or more, found -1"),
    ("Z_FLUX", "GCOUNT", HUGE, "#: expected a data size that fits in 64 bits"),
    # if the next header were not checked, these would hide camera Z
    ("R_MASK", "NAXIS2", 30, "HDU R_MASK: expected 3 rows of 233 pixels, found 30 of 233"),
    ("R_MASK", "BITPIX", -64, "# R_MASK: expected the next HDU where its data end, at ..., found it at ..."),
    ("R_MASK", "PCOUNT", 5000, "# R_MASK: expected the next HDU where its data end, at ..., found it at ..."),
    ("Z_FLUX", "XTENSION", "'TABLE   '", "HDU Z_FLUX: expected an image, found a table"),
    ("FIBERMAP", "XTENSION", "'IMAGE   '", "has no table FIBERMAP"),
    ("FIBERMAP", "NAXIS1", 26, "HDU FIBERMAP: expected rows of 27 bytes, as its columns have, found NAXIS1 26"),
    ("FIBERMAP", "NAXIS1", 28, "HDU FIBERMAP: expected rows of 27 bytes, as its columns have, found NAXIS1 28"),
    ("FIBERMAP", "NAXIS1", 0, "# FIBERMAP: expected the next HDU where its data end, at ..., found it at ..."),
    ("FIBERMAP", "NAXIS2", -1, "#: expected a whole number NAXIS2, found -1"),
    ("FIBERMAP", "NAXIS2", 2, "HDU B_FLUX: expected 2 rows of 276 pixels, found 3 of 276"),
    ("FIBERMAP", "NAXIS2", 10**12, "# FIBERMAP: expected 27000000000000 bytes of data at ..., but the file ends at ..."),
    ("FIBERMAP", "PCOUNT", -28, "#: expected PCOUNT 0 or more, found -28"),
    ("FIBERMAP", "TFIELDS", -1, "#: expected TFIELDS 0 to 999, found -1"),
    ("FIBERMAP", "TFIELDS", 1000, "#: expected TFIELDS 0 to 999, found 1000"),
    ("FIBERMAP", "TFIELDS", 0, "HDU FIBERMAP: expected rows of 0 bytes, as its columns have, found NAXIS1 27"),
    ("FIBERMAP", "TFIELDS", 3, "HDU FIBERMAP: expected rows of 24 bytes, as its columns have, found NAXIS1 27"),
    ("FIBERMAP", "TFIELDS", 5, "HDU FIBERMAP: expected a keyword TFORM5, found none"),
    ("FIBERMAP", "TFORM1", "'8A      '", "column TARGETID: expected numbers"),
    ("FIBERMAP", "TFORM1", "'D       '", "column TARGETID: expected whole numbers below 2^53 where they are "
     "floating-point, found ..."),
    ("FIBERMAP", "TFORM1", "'2J      '", "column TARGETID: expected one number a row"),
    ("FIBERMAP", "TFORM1", "'64X     '", "column TARGETID: expected numbers"),
    ("FIBERMAP", "TFORM1", "'1PJ(2)  '", "column TARGETID: expected numbers"),
    ("FIBERMAP", "TFORM1", "'Y       '", "HDU FIBERMAP: expected a format of binary tables as TFORM1, found 'Y'"),
    ("FIBERMAP", "TFORM1", "''", "HDU FIBERMAP: expected a format of binary tables as TFORM1, found ''"),
    ("FIBERMAP", "TFORM1", "'-1K     '", "HDU FIBERMAP: expected a format of binary tables as TFORM1, found '-1K'"),
    ("FIBERMAP", "TFORM1", "'99999999999999999999K'", "HDU FIBERMAP: expected a format of binary tables as TFORM1, found "
     "'99999999999999999999K'"),
    ("FIBERMAP", "TFORM2", "'8A      '", "column TARGET_RA: expected numbers"),
    ("FIBERMAP", "TTYPE3", "'TARGET_RA'", "table FIBERMAP has more than one column TARGET_RA"),
])
NO_TABLE = "HDU REDSHIFTS: expected BITPIX 8, NAXIS 2 and GCOUNT 1, as tables have, found "
header_lies("redshifts", "zcat", ZCAT, [
    ("REDSHIFTS", "BITPIX", 16, NO_TABLE + "16, 2 and 1"),
    ("REDSHIFTS", "NAXIS", 1, NO_TABLE + "8, 1 and 1"),
    ("REDSHIFTS", "NAXIS1", BIG, f"# REDSHIFTS: expected {3 * BIG} bytes of data at 5760, but the file ends at 8640"),
    ("REDSHIFTS", "NAXIS1", 55, "HDU REDSHIFTS: expected rows of 54 bytes, as its columns have, found NAXIS1 55"),
    ("REDSHIFTS", "NAXIS2", HUGE, "#: expected axes up to NAXIS2 whose product fits in 64 bits, found 4611686018427387904"),
    ("REDSHIFTS", "NAXIS2", "three", "#: expected a whole number NAXIS2, found three"),
    ("REDSHIFTS", "PCOUNT", LONG, f"#: expected PCOUNT 0 or more, found {LONG}"),
    ("REDSHIFTS", "GCOUNT", 0, NO_TABLE + "8, 2 and 0"),
    ("REDSHIFTS", "TFIELDS", "seven", "#: expected TFIELDS 0 to 999, found seven"),
    ("REDSHIFTS", "TFORM4", "'J       '", "HDU REDSHIFTS: expected rows of 50 bytes, as its columns have, found NAXIS1 54"),
    ("REDSHIFTS", "TFORM4", "'8A      '", "column Z: expected numbers"),
    ("REDSHIFTS", "TFORM4", "'2E      '", "column Z: expected one number a row"),
    ("REDSHIFTS", "TFORM4", "'C       '", "column Z: expected numbers"),
    ("REDSHIFTS", "TFORM5", "'8L      '", "column ZERR: expected numbers"),
    ("REDSHIFTS", "TFORM7", "'6B      '", "column SPECTYPE: expected text"),
    ("REDSHIFTS", "TTYPE4", "'TARGETID'", "table REDSHIFTS has more than one column TARGETID"),
    ("REDSHIFTS", "TTYPE5", "'SPECTYPE'", "table REDSHIFTS has more than one column SPECTYPE"),
    ("REDSHIFTS", "TTYPE6", "'ZERR    '", "table REDSHIFTS has more than one column ZERR"),
])
header_lies("catalog", "qso", SPLIT, [
    ("QSO_CAT", "NAXIS1", -54, "#: expected a whole number NAXIS1, found -54"),
    ("QSO_CAT", "NAXIS2", 10**9, "# QSO_CAT: expected 54000000000 bytes of data at 5760, but the file ends at 8640"),
    ("QSO_CAT", "NAXIS2", 0, "table QSO_CAT has no rows"),
    ("QSO_CAT", "PCOUNT", -1, "#: expected PCOUNT 0 or more, found -1"),
    ("QSO_CAT", "TFORM1", "'4I      '", "column TARGETID: expected one number a row"),
    ("QSO_CAT", "TFORM2", "'8A      '", "column TARGET_RA: expected numbers"),
    ("QSO_CAT", "TTYPE3", "'DECLINATION'", "table QSO_CAT has no column TARGET_DEC or DEC"),
    ("QSO_CAT", "TTYPE1", "'ID      '", "table QSO_CAT has no column TARGETID"),
])
COMPONENTS = "expected columns WAVE and PCA0 to at most PCA31 over 2 wavelengths or more, found "
header_lies("templates", "templates", TEMPLATES, [
    ("TEMPLATES", "NAXIS2", 131 * 100, "# TEMPLATES: expected 419200 bytes of data at 5760, but the file ends at 11520"),
    ("TEMPLATES", "NAXIS2", 1, COMPONENTS + "3 components over 1"),
    ("TEMPLATES", "NAXIS2", 0, COMPONENTS + "3 components over 0"),
    ("TEMPLATES", "BITPIX", 64, "# TEMPLATES: expected 33280 bytes of data at 5760, but the file ends at 11520"),
    ("TEMPLATES", "TFORM1", "'8A      '", "column WAVE: expected numbers"),
    ("TEMPLATES", "TFORM2", "'2E      '", "column PCA0: expected one number a row"),
    ("TEMPLATES", "TTYPE1", "'LAMBDA  '", "table TEMPLATES has no column WAVE"),
    ("TEMPLATES", "TTYPE2", "'PCA00   '", COMPONENTS + "0 components over 130"),
])


def missing_card(hdu, key):
    return lambda data: data.rename(hdu, key, "COMMENT")


for hdu, key, said in (
        ("R_FLUX", "BITPIX", "HDU 7: expected BITPIX 8, 16, 32, 64, -32 or -64, found COMMENT"),
        ("R_FLUX", "NAXIS", "HDU 7: expected NAXIS 0 to 999, found COMMENT"),
        ("R_FLUX", "NAXIS1", "HDU 7: expected a whole number NAXIS1, found COMMENT"),
        ("R_FLUX", "EXTNAME", "has no HDU R_FLUX"),
        ("FIBERMAP", "TFORM1", "HDU FIBERMAP: expected a keyword TFORM1, found none"),
        ("FIBERMAP", "TTYPE1", "table FIBERMAP has no column TARGETID"),
        ("FIBERMAP", "EXTNAME", "has no table FIBERMAP")):
    add(f"coadd: no card {key} in {hdu}", COADD, spoil("coadd", missing_card(hdu, key)),
        f"fastbal find: {{bad}}: {said}")


def repeat(hdu, key, value):
    return lambda data: data.add(hdu, key, value)


for hdu, key, value in (("QSO_CAT", "TTYPE1", "'OTHER   '"), ("QSO_CAT", "TFORM2", "'D       '"), ("QSO_CAT", "TTYPE4", "''")):
    add(f"catalog: two cards {key}, {value}", SPLIT, spoil("qso", repeat(hdu, key, value)),
        f"fastbal split: {{bad}}: HDU {hdu}: expected one keyword {key}, found two")


def put_byte(hdu, key, byte):
    def change(data):
        h = data.hdu(hdu)
        place = next(p for p in range(h.header, h.end_card, 80) if data[p:p + 8] == f"{key:8}".encode())
        data[place + 12] = byte
    return change


for byte in (0, 9, 10, 127, 255):
    add(f"catalog: byte {byte} in a column's name", SPLIT, spoil("qso", put_byte("QSO_CAT", "TTYPE4", byte)),
        "fastbal split: {bad}: HDU QSO_CAT: expected one keyword TTYPE4, found characters that are not printable")


def end_card(card):
    def change(data):
        h = data.hdu("QSO_CAT")
        data[h.end_card:h.end_card + 80] = card.ljust(80)
    return change


for card in (b"END     = 'of what?'", b"END /", b"END\0\0\0\0\0", b"END" + 76 * b" " + b"."):
    add(f"catalog: {card}", SPLIT, spoil("qso", end_card(card)),
        "fastbal split: {bad}: HDU 1: expected nothing but blanks behind END")


def without_end(data):
    h = data.hdu("Z_MASK")
    data[h.end_card:h.end_card + 3] = b"AND"


def never_ends(data):
    h = data.hdus[1]
    return data[:h.end_card] + b"COMMENT".ljust(80) * 100000


add("coadd: a header without END", COADD, spoil("coadd", without_end),
    "fastbal find: {bad}: HDU 13: expected a header that ends in END, found none in ... bytes")
add("coadd: a header of 100000 cards without END", COADD, spoil("coadd", never_ends),
    "fastbal find: {bad}: HDU 1: expected a header that ends in END, found none in ... bytes")
add("coadd: 1000 empty HDUs", COADD, spoil("coadd", lambda d: bytes(d) + damage.image("MORE", np.zeros(0)) * 1000),
    status=DONE, rows={"BALSTATUS": [0, 0, 0]})
add("coadd: bytes after the last HDU", COADD, spoil("coadd", lambda d: bytes(d) + b"special records " * 180),
    status=DONE, rows={"BALSTATUS": [0, 0, 0]})
add("coadd: HDUs in another order", COADD,
    spoil("coadd", lambda d: bytes(d[:d.hdus[1].header]) + b"".join(bytes(d[h.header:h.end]) for h in d.hdus[:0:-1])),
    status=DONE, rows={"BALSTATUS": [0, 0, 0]})

# ---- coadds: parts that are missing or do not fit ----

for camera in "BRZ":
    for part in ("WAVELENGTH", "FLUX", "IVAR", "MASK"):
        add(f"coadd: no HDU {camera}_{part}", COADD, spoil("coadd", lambda d, n=f"{camera}_{part}": d.remove(n)),
            f"fastbal find: {{bad}}: has no HDU {camera}_{part}")
    add(f"coadd: of camera {camera} only the mask", COADD, spoil("coadd", lambda d, c=camera: d.remove(
        *(f"{c}_{p}" for p in ("WAVELENGTH", "FLUX", "IVAR")))),
            f"fastbal find: {{bad}}: has no HDU {camera}_WAVELENGTH")
add("coadd: no camera", COADD, spoil("coadd", lambda d: d[:d.hdu("B_WAVELENGTH").header]),
    "fastbal find: {bad}: has no HDU B_WAVELENGTH, R_WAVELENGTH, Z_WAVELENGTH or BRZ_WAVELENGTH")
add("coadd: no FIBERMAP", COADD, spoil("coadd", lambda d: d.remove("FIBERMAP")),
    "fastbal find: {bad}: has no table FIBERMAP")
add("coadd: B_FLUX twice", COADD, spoil("coadd", lambda d: bytes(d) + damage.image("B_FLUX", np.zeros((3, 276), "f4"))),
    "fastbal find: {bad}: has more than one HDU B_FLUX")


def camera_only(cameras):
    def change(d):
        d.remove(*(f"{c}_{p}" for c in "BRZ" if c not in cameras for p in ("WAVELENGTH", "FLUX", "IVAR", "MASK")))
    return change


# C IV lies in B for all three quasars
add("coadd: camera B is missing as a whole", COADD, spoil("coadd", camera_only("RZ")), status=DONE,
    rows={"BALSTATUS": [1, 1, 0], "PCA_CHI2": None})


def reshape(hdu, shape, dtype="f4"):
    return lambda d: d.replace(hdu, damage.image(hdu, np.full(shape, 4, dtype)))


for hdu, shape, said in (
        ("B_FLUX", (3, 275), "expected 3 rows of 276 pixels, found 3 of 275"),
        ("B_FLUX", (3, 277), "expected 3 rows of 276 pixels, found 3 of 277"),
        ("B_FLUX", (2, 276), "expected 3 rows of 276 pixels, found 2 of 276"),
        ("B_FLUX", (4, 276), "expected 3 rows of 276 pixels, found 4 of 276"),
        ("B_FLUX", (276, 3), "expected 3 rows of 276 pixels, found 276 of 3"),
        ("B_FLUX", (828,), "expected 3 rows of 276 pixels, found 1 axes"),
        ("B_FLUX", (1, 3, 276), "expected 3 rows of 276 pixels, found 3 axes"),
        ("B_FLUX", (0, 276), "expected 3 rows of 276 pixels, found 0 of 276"),
        ("R_IVAR", (3, 234), "expected 3 rows of 233 pixels, found 3 of 234"),
        ("R_IVAR", (0, 0), "expected 3 rows of 233 pixels, found 0 of 0"),
        ("Z_MASK", (3, 100), "expected 3 rows of 289 pixels, found 3 of 100")):
    add(f"coadd: {hdu} of shape {shape}", COADD, spoil("coadd", reshape(hdu, shape)),
        f"fastbal find: {{bad}}: HDU {hdu}: {said}")


def waves(camera, change, dtype="f8"):
    """Other wavelengths: change gets the good ones and may change or return them."""
    def spoil_waves(d):
        wave = WAVES[camera].copy()
        new = change(wave)
        d.replace(f"{camera}_WAVELENGTH", damage.image(f"{camera}_WAVELENGTH",
            (wave if new is None else new).astype(dtype)))
    return spoil_waves


def put(place, value):
    def change(x):
        x[place] = value
    return change


INCREASE = "expected numbers that increase from above 0, found "
for name, camera, change, said in (
        ("one is NaN", "B", put(100, np.nan), INCREASE + "nan after 4392 at 100"),
        ("all are NaN", "B", put(slice(None), np.nan), INCREASE + "nan after 0 at 0"),
        ("the last is inf", "Z", put(-1, np.inf), INCREASE + "inf after 9816 at 288"),
        ("the first is NaN", "R", put(0, np.nan), INCREASE + "nan after 0 at 0"),
        ("the first is 0", "B", put(0, 0), INCREASE + "0 after 0 at 0"),
        ("negative", "B", lambda w: -w[::-1], INCREASE + "-5800 after 0 at 0"),
        ("two are the same", "R", put(7, 5760 + 8 * 6), INCREASE + "5808 after 5808 at 7"),
        ("two change places", "R", put([50, 51], [6168, 6160]), INCREASE + "6160 after 6168 at 51"),
        ("decreasing", "Z", lambda w: w[::-1], INCREASE + "9816 after 9824 at 1"),
        ("all 0", "Z", put(slice(None), 0), INCREASE + "0 after 0 at 0"),
        ("one pixel", "B", lambda w: w[:1], "expected 1 axis of 2 to 1000000 pixels, found 1 axes, the first of 1"),
        ("none", "B", lambda w: w[:0], "expected 1 axis of 2 to 1000000 pixels, found 1 axes, the first of 0"),
        ("a row for each target", "B", lambda w: np.array([w] * 3),
         "expected 1 axis of 2 to 1000000 pixels, found 2 axes, the first of 276")):
    add(f"wavelengths: {name}", COADD, spoil("coadd", waves(camera, change)),
        f"fastbal find: {{bad}}: HDU {camera}_WAVELENGTH: {said}")
add("wavelengths: one too few", COADD, spoil("coadd", waves("B", lambda w: w[:-1])),
    "fastbal find: {bad}: HDU B_FLUX: expected 3 rows of 275 pixels, found 3 of 276")
add("wavelengths: one too many", COADD, spoil("coadd", waves("B", lambda w: np.append(w, 9000))),
    "fastbal find: {bad}: HDU B_FLUX: expected 3 rows of 277 pixels, found 3 of 276")
add("wavelengths: as text", COADD, spoil("coadd", lambda d: d.replace("B_WAVELENGTH", damage.table(
    "B_WAVELENGTH", [("W", "8A", [b"3600.0  "] * 276)]))),
    "fastbal find: {bad}: HDU B_WAVELENGTH: expected an image, found a table")
add("wavelengths: in nm", COADD, spoil("coadd", lambda d: [d.replace(f"{c}_WAVELENGTH", damage.image(
    f"{c}_WAVELENGTH", w / 10)) for c, w in WAVES.items()] and None),
    "fastbal find: {bad}: none of its quasars could be measured: 3 without C IV in the spectrum")
add("wavelengths: 1e300", COADD, spoil("coadd", waves("Z", put(-1, 1e300))), status=DONE, rows={"BALSTATUS": [0, 0, 0]})
add("wavelengths: to be resampled up to 1e300", COADD,
    spoil("coadd", waves("Z", put(slice(None), np.append(7521 + 8.0 * np.arange(288), 1e300)))),
    "fastbal find: {bad}: can't put its cameras on one grid from 3600 to 1e+300 A")
# ---- coadds: bad pixels of the middle quasar; the others are as they were ----


def pixels(part, value, where=slice(None)):
    def change(d):
        for camera in "BRZ":
            d.image(f"{camera}_{part}")[1, where] = value
    return change


for part, value, where, status in (
        ("FLUX", np.nan, slice(None), 2), ("FLUX", np.inf, slice(None), 2), ("FLUX", -np.inf, slice(None), 2),
        ("IVAR", 0, slice(None), 2), ("IVAR", np.nan, slice(None), 2), ("IVAR", np.inf, slice(None), 2),
        ("IVAR", -1, slice(None), 2), ("IVAR", -np.inf, slice(None), 2)):
    add(f"pixels: {part} {value}", COADD, spoil("coadd", pixels(part, value, where)), status=DONE,
        rows={"BALSTATUS": [0, status, 0]})


def finite(box):
    """All numbers are finite, except chi-squares and signal-to-noise ratios that overflow a float."""
    rows = table(box.out)
    for name in rows.dtype.names:
        assert np.isfinite(rows[name]).all() or (name[:3] in ("PCA", "SNR") and not np.isnan(rows[name]).any()), name


for part, value, status in (("FLUX", 0, 16), ("FLUX", -1e30, 16 + 256), ("FLUX", 1e-40, 16), ("IVAR", 1e-40, 16),
                            ("FLUX", -5, 16)):
    add(f"pixels: {part} {value:g}", COADD, spoil("coadd", pixels(part, value)), status=DONE,
        rows={"BALSTATUS": [0, status, 0]}, check=finite)
for part, value in (("FLUX", 3e38), ("IVAR", 3e38)):
    add(f"pixels: {part} {value:g}", COADD, spoil("coadd", pixels(part, value)), status=DONE,
        rows={"BALSTATUS": [0, 256, 0], "PCA_CHI2": None}, check=finite)
for part, value in (("FLUX", np.nan), ("IVAR", np.nan), ("FLUX", np.inf), ("IVAR", -3), ("FLUX", 3e38), ("IVAR", 3e38)):
    add(f"pixels: one {part} {value:g}", COADD, spoil("coadd", pixels(part, value, 40)), status=DONE,
        rows={"BALSTATUS": [0, 256 if value > 1e30 and np.isfinite(value) else 0, 0], "PCA_CHI2": None}, check=finite)
add("coadd: no rows", COADD, spoil("coadd", lambda d: damage.primary() + damage.table(
    "FIBERMAP", [(n, f, v[:0]) for n, f, v in d.columns("FIBERMAP")]) + b"".join(
        damage.image(f"{c}_{p}", w if p == "WAVELENGTH" else np.zeros((0, len(w)), "f4"))
        for c, w in WAVES.items() for p in ("WAVELENGTH", "FLUX", "IVAR"))),
    "fastbal find: {bad}: none of the 3 quasars asked for is among its targets: ...")


def column(table_name, name, form=None, values=None):
    return lambda d: d.with_column(table_name, name, form, values)


def cells(table_name, name, where, value):
    def change(d):
        d.rows(table_name)[name][where] = value
    return change


# ---- TARGETIDs, redshifts, positions ----

LOST = "1 of 3 quasars not measured: 1 not in the coadd"
for name, value in (("0", 0), ("-1", -1), ("the least", -2**63), ("the largest", 2**63 - 1)):
    add(f"coadd: TARGETID of the middle quasar {name}", COADD, spoil("coadd", cells("FIBERMAP", "TARGETID", 1, value)),
        f"fastbal find: {{bad}}: {LOST}", status=PARTLY, writes=("out.fits",), rows={"BALSTATUS": [0, 64, 0], "TARGETID": IDS[:3]})
    add(f"redshifts: TARGETID of the middle quasar {name}", ZCAT, spoil("zcat", cells("REDSHIFTS", "TARGETID", 1,
        value)),
        f"fastbal find: {{coadd}}: {LOST}", status=PARTLY, writes=("out.fits",), rows={"BALSTATUS": [0, 64, 0], "TARGETID": [IDS[0], value, IDS[2]]})
add("coadd: the same TARGETID in all rows", COADD, spoil("coadd", cells("FIBERMAP", "TARGETID", slice(None), IDS[0])),
    "fastbal find: {bad}: 2 of 3 quasars not measured: 2 not in the coadd",
    "fastbal find: {bad} has several rows per target: the exposures of each target are joined",
    status=PARTLY, writes=("out.fits",), rows={"BALSTATUS": [0, 64, 64], "PCA_CHI2": None})
add("redshifts: the same TARGETID in all rows", ZCAT, spoil("zcat", cells("REDSHIFTS", "TARGETID", slice(None),
    IDS[0])),
    status=DONE, rows={"TARGETID": [IDS[0]] * 3, "Z": [np.float32(z).item() for z in REDSHIFTS[:3]],
                       "PCA_CHI2": None})
for value in (0, -1, 1e30, -1e30, np.nan, np.inf, -np.inf, 1.56, 5.01):
    add(f"redshifts: Z of the middle quasar {value}", ZCAT, spoil("zcat", cells("REDSHIFTS", "Z", 1, value)),
        status=DONE,
        rows={"TARGETID": [IDS[0], IDS[2]], "BALSTATUS": [0, 0]})
add("redshifts: all Z are NaN", ZCAT, spoil("zcat", cells("REDSHIFTS", "Z", slice(None), np.nan)), status=DONE,
    rows={"TARGETID": []})
add("redshifts: ZERR, ZWARN and positions are NaN", ZCAT, spoil("zcat", lambda d: [
    cells("REDSHIFTS", n, slice(None), np.nan)(d) for n in ("ZERR", "ZWARN", "TARGET_RA", "TARGET_DEC")] and None),
    status=DONE, rows={"BALSTATUS": [0, 0, 0], "PCA_CHI2": None})
add("redshifts: no rows", ZCAT, spoil("zcat", lambda d: damage.primary() + damage.table("REDSHIFTS", [
    (n, f, v[:0]) for n, f, v in d.columns("REDSHIFTS")])), status=DONE, rows={"TARGETID": []})
for name, form, values, said in (
        ("Z", "8A", b"2.1", "column Z: expected numbers"), ("Z", "3D", 2.1, "column Z: expected one number a row"),
        ("Z", "L", b"T", "column Z: expected numbers"), ("Z", "PD", 0, "column Z: expected numbers"),
        ("Z", "0D", np.zeros((3, 0)), "column Z: expected one number a row"),
        ("TARGETID", "20A", b"39633000010000001", "column TARGETID: expected numbers"),
        ("TARGETID", "D", IDS[:3], "column TARGETID: expected whole numbers below 2^53 where they are floating-point, "
         "found 39633000010000000"),
        ("TARGETID", "E", [1, 2, 2.5], "column TARGETID: expected whole numbers below 2^24 where they are floating-point, "
         "found 2.5"),
        ("TARGETID", "E", [1, 2, 2**24], "column TARGETID: expected whole numbers below 2^24 where they are floating-point, "
         "found 16777216"),
        ("TARGETID", "2K", 1, "column TARGETID: expected one number a row"),
        ("SPECTYPE", "J", 1, "column SPECTYPE: expected text"), ("SPECTYPE", "L", b"T",
         "column SPECTYPE: expected text"),
        ("ZERR", "4A", b"1e-4", "column ZERR: expected numbers"),
        ("ZWARN", "2J", 0, "column ZWARN: expected one number a row")):
    add(f"redshifts: column {name} of form {form}, {values}" if form == "E" else f"redshifts: column {name} of form {form}", ZCAT, spoil("zcat", column("REDSHIFTS", name, form, values)),
        f"fastbal find: {{bad}}: {said}")
for name, wanted in (("TARGETID", "TARGETID"), ("Z", "Z or Z_BEST")):
    add(f"redshifts: no column {name}", ZCAT, spoil("zcat", column("REDSHIFTS", name)),
        f"fastbal find: {{bad}}: table REDSHIFTS has no column {wanted}")
for name in ("ZERR", "ZWARN", "TARGET_RA", "SPECTYPE"):
    add(f"redshifts: no column {name}", ZCAT, spoil("zcat", column("REDSHIFTS", name)), status=DONE,
        rows={"BALSTATUS": [0, 0, 0], "PCA_CHI2": None})
for name, form, values, kept in (
        ("without an end", "3A", b"QSO", [0, 1, 2]), ("with blanks before", "8A", b"  QSO", [0, 1, 2]),
        ("with a zero and rubbish behind it", "8A", b"QSO\0rub", [0, 1, 2]), ("in small letters", "3A", b"qso", []),
        ("empty", "6A", b"", []), ("of no length", "0A", b"", []), ("GALAXY in the middle", "6A",
                                                                    [b"QSO", b"GALAXY", b"QSO"], [0, 2]),
        ("QSO1", "6A", b"QSO1", []), ("of one character", "A", b"Q", [])):
    add(f"redshifts: SPECTYPE {name}", ZCAT, spoil("zcat", column("REDSHIFTS", "SPECTYPE", form, values)), status=DONE,
        rows={"TARGETID": [IDS[k] for k in kept], "BALSTATUS": [0] * len(kept)})


for key, value in (("TSCAL5", "nan"), ("TSCAL4", "inf"), ("TZERO5", "NaN")):
    add(f"redshifts: {key} = {value}", ZCAT, spoil("zcat", lambda d, key=key, value=value: d.add("REDSHIFTS", key, value)),
        f"fastbal find: {{bad}}: HDU REDSHIFTS: expected a number {key}, found {value}")


def displayed(said):
    """TDISP of SPECTYPE, and a column that is scaled."""
    def change(d):
        d.add("REDSHIFTS", "TDISP7", f"'{said}'")
        d.add("REDSHIFTS", "TSCAL5", 2)
    return change


def variable_text(descriptors, rest=0):
    """SPECTYPE of variable length: (length, offset) of each row in a heap of "QSO", "GALAXY" and some more bytes."""
    return lambda d: damage.primary() + damage.table("REDSHIFTS", [
        (n, "PA" if n == "SPECTYPE" else f, descriptors if n == "SPECTYPE" else v)
        for n, f, v in d.columns("REDSHIFTS")], heap=b"QSOGALAXY" + bytes(rest))


add("redshifts: SPECTYPE of variable length", ZCAT, spoil("zcat", variable_text([(3, 0), (6, 3), (3, 0)])), status=DONE,
    rows={"TARGETID": [IDS[0], IDS[2]], "BALSTATUS": [0, 0]})
add("redshifts: SPECTYPE of variable length, beyond the heap", ZCAT,
    spoil("zcat", variable_text([(3, 0), (6, 10**6), (3, 0)])),
    "fastbal find: {bad}: column SPECTYPE: expected strings in a heap of 9 bytes, found one of 6 at 1000000")
LONG_TEXT = "fastbal find: {bad}: column SPECTYPE: expected strings, found one of more than 10000 characters"
add("redshifts: SPECTYPE of variable length, of 10001 characters", ZCAT,
    spoil("zcat", variable_text([(3, 0), (10001, 0), (3, 0)], 30000)), LONG_TEXT)
add("redshifts: SPECTYPE of 10001 characters", ZCAT, spoil("zcat", column("REDSHIFTS", "SPECTYPE", "10001A", b"QSO")),
    status=DONE, rows={"TARGETID": IDS[:3], "BALSTATUS": [0, 0, 0]})
for said in ("A2", "long, as nobody would display it, but as files may have it"):
    add(f"redshifts: displayed as {said[:4]}", ZCAT, spoil("zcat", displayed(said)), status=DONE,
        rows={"TARGETID": IDS[:3], "BALSTATUS": [0, 0, 0], "PCA_CHI2": None})
add("redshifts: SPECTYPE of variable length, of 2 GB", ZCAT,
    spoil("zcat", variable_text([(3, 0), (2**31 - 1, 0), (3, 0)])), LONG_TEXT)
add("redshifts: SPECTYPE of variable length, negative", ZCAT,
    spoil("zcat", variable_text([(3, 0), (-5, 0), (3, 0)])), LONG_TEXT)


# ---- catalogs: split, append and run ----

NOWHERE = "{bad}: 1 row without a position on the sky that has a pixel, left out"
SPLIT_FILES = ("z/logfile-main-dark.txt", "z/{zcat_A}", "z/{zcat_B}")
for name, column_name, value in (
        ("declination 91", "TARGET_DEC", 91), ("declination -90.0001", "TARGET_DEC", -90.0001),
        ("declination 1e30", "TARGET_DEC", 1e30), ("declination NaN", "TARGET_DEC", np.nan),
        ("right ascension NaN", "TARGET_RA", np.nan), ("right ascension inf", "TARGET_RA", np.inf),
        ("right ascension 1e30", "TARGET_RA", 1e30), ("right ascension 361", "TARGET_RA", 361)):
    change = cells("QSO_CAT", column_name, 1, value)
    add(f"catalog: {name}: split", SPLIT, spoil("qso", change), f"fastbal split: {NOWHERE}",
        status=PARTLY, writes=SPLIT_FILES)
    add(f"catalog: {name}: run", RUN, spoil("qso", change), f"fastbal run: {NOWHERE}", status=PARTLY,
        writes=("out.fits",), rows={"BALMASK": [0, 1, 0, 0], "TARGETID": IDS})
add("catalog: no row has a position: split", SPLIT, spoil("qso", cells("QSO_CAT", "TARGET_RA", slice(None), np.nan)),
    "fastbal split: {bad}: 4 rows without a position on the sky that has a pixel, left out",
    writes=("z/logfile-main-dark.txt",))
add("catalog: right ascension below 0", SPLIT, spoil("qso", cells("QSO_CAT", "TARGET_RA", slice(None), RA - 360)),
    status=DONE, writes=SPLIT_FILES)
for value, mask in ((0, 3), (-1, 3), (np.nan, 3), (np.inf, 3), (1e30, 3), (1.5699, 3), (5.0001, 3)):
    add(f"catalog: Z {value}: run", RUN, spoil("qso", cells("QSO_CAT", "Z", 1, value)), status=DONE,
        rows={"BALMASK": [0, mask, 0, 0], "BALSTATUS": [0, -1, 0, 0]})
add("catalog: TARGETID repeated: run", RUN, spoil("qso", cells("QSO_CAT", "TARGETID", 1, IDS[0])), status=DONE,
    rows={"BALMASK": [0, 0, 0, 0], "TARGETID": [IDS[0], IDS[0], IDS[2], IDS[3]]})
add("catalog: TARGETID that no spectrum has: run", RUN, spoil("qso", cells("QSO_CAT", "TARGETID", 1, -7)),
    f"fastbal run: pixel {A}: {LOST}", status=PARTLY, writes=("out.fits",), rows={"BALMASK": [0, 8, 0, 0]})
add("catalog: a position in another pixel: run", RUN, spoil("qso", cells("QSO_CAT", "TARGET_DEC", 1, 50)),
    "fastbal run: Did not find spectra {redux}/sim/healpix/main/dark/...", status=PARTLY, writes=("out.fits",),
    rows={"BALMASK": [0, 1, 0, 0]})
for name, form, values, said in (
        ("TARGETID", "17A", b"39633000010000001", "column TARGETID: expected numbers"),
        ("TARGETID", "D", IDS, "column TARGETID: expected whole numbers below 2^53 where they are floating-point, found "
         "39633000010000000"),
        ("TARGET_RA", "10A", b"150.1", "column TARGET_RA: expected numbers"),
        ("TARGET_DEC", "2D", 2.2, "column TARGET_DEC: expected one number a row"),
        ("ZWARN", "PJ", 0, "column ZWARN: expected numbers")):
    for program, command in (("split", SPLIT), ("append", APPEND), ("run", RUN)):
        add(f"catalog: column {name} of form {form}: {program}", command, spoil("qso", column("QSO_CAT", name, form,
            values)),
            f"fastbal {program}: {{bad}}: {said}")
for program, command in (("split", SPLIT), ("append", APPEND), ("run", RUN)):
    for name, wanted in (("TARGETID", "TARGETID"), ("Z", "Z or Z_BEST"), ("TARGET_RA", "TARGET_RA or RA"),
                         ("TARGET_DEC", "TARGET_DEC or DEC")):
        add(f"catalog: no column {name}: {program}", command, spoil("qso", column("QSO_CAT", name)),
            f"fastbal {program}: {{bad}}: table QSO_CAT has no column {wanted}")
    add(f"catalog: no rows: {program}", command, spoil("qso", lambda d: damage.primary() + damage.table(
        "QSO_CAT", [(n, f, v[:0]) for n, f, v in d.columns("QSO_CAT")])),
        f"fastbal {program}: {{bad}}: table QSO_CAT has no rows")
    add(f"catalog: an image: {program}", command, spoil("qso", lambda d: damage.primary() + damage.image(
        "QSO_CAT", np.zeros((3, 4)))), f"fastbal {program}: {{bad}}: has no table QSO_CAT or ZCATALOG")

# ---- BAL tables: append ----

TREE_APPEND = "append -q {qso} -b {here}/z -o {out} --nproc 1"


def bal_table(change):
    def make(box):
        shutil.copytree(box.world.z, box.here / "z")
        spoil("table", change, "z/" + in_tree("baltable", A))(box)
    return make


def add_table(name, change, said=None, mask=(1, 1, 1, 0), lost=None, **more):
    """said: why the pixel fails; lost: why some of its quasars are lost."""
    lines = ()
    if said:
        lines = (f"fastbal append: {{here}}/z/{{table_A}}: {said}",)
    elif lost:
        lines = (f"fastbal append: pixel {A}: {lost[0]} of 3 quasars not measured: {lost}",)
    add(f"BAL table: {name}", TREE_APPEND, bal_table(change), *lines, status=PARTLY if lines else DONE,
        writes=("out.fits", "z/logfile-main-dark.txt"), **({"rows": {"BALMASK": list(mask), "TARGETID": IDS}} | more))


add_table("as it should be", lambda d: None, mask=(0, 0, 0, 0))
for key, value, said in (
        ("NAXIS1", 100, "HDU BALCAT: expected rows of 1024 bytes, as its columns have, found NAXIS1 100"),
         ("NAXIS2", 10**6, "# BALCAT: expected ... bytes of data at ..., but the file ends at ..."),
        ("NAXIS2", -1, "#: expected a whole number NAXIS2, found -1"), ("TFIELDS", 5000,
         "#: expected TFIELDS 0 to 999, found 5000"),
        ("PCOUNT", "x", "#: expected PCOUNT 0 or more, found x"), ("BITPIX", 32,
         "# BALCAT: expected 12288 bytes of data at 14400, but the file ends at 20160"),
        ("TFORM1", "'D       '", "column TARGETID: expected the format 1K, found D"),
        ("TFORM7", "'3J      '", "column PCA_COEFFS: expected the format at most 32E, found 3J"),
        ("TTYPE4", "'REDSHIFT'", "table BALCAT has no column Z"), ("EXTNAME", "'TABLE   '", "has no table BALCAT")):
    add_table(f"{key} = {value}", lie("BALCAT", key, value), said.replace("#", "HDU 1"))
for name in ("TARGETID", "Z", "PCA_COEFFS", "AI_CIV", "VMIN_CIV_450"):
    add_table(f"no column {name}", column("BALCAT", name), f"table BALCAT has no column {name}")
for name in ("BALSTATUS", "SNR_CIV"):  # which older tables do not have
    add_table(f"no column {name}", column("BALCAT", name), mask=(0, 0, 0, 0))
for name, form, wanted in (("AI_CIV", "D", "1E"), ("VMIN_CIV_450", "16E", "17E"), ("NCIV_450", "E", "1J"),
                           ("PCA_COEFFS", "33E", "at most 32E"), ("Z", "8A", "1E"), ("TARGETID", "J", "1K")):
    add_table(f"column {name} of form {form}", column("BALCAT", name, form, 0 if form != "8A" else b"2"),
              f"column {name}: expected the format {wanted}, found {form}")
add_table("other templates than in the other tables", column("BALCAT", "PCA_COEFFS", "4E", 0),
          "PCA_COEFFS has 4 values (templates without a name), in other BAL tables 3 (without a name)", mask=(1, 1, 1,
              0))
add_table("TARGETIDs of others", cells("BALCAT", "TARGETID", slice(None), [7, 8, 9]), lost="3 not in the BAL table")
add_table("a TARGETID repeated", cells("BALCAT", "TARGETID", 1, IDS[0]), mask=(0, 1, 0, 0),
          lost="1 not in the BAL table")
add_table("Z differs", cells("BALCAT", "Z", 1, 3.7), mask=(0, 4, 0, 0),
          lost="1 with another redshift than in the BAL table")
add_table("Z is NaN", cells("BALCAT", "Z", 1, np.nan), mask=(0, 4, 0, 0),
          lost="1 with another redshift than in the BAL table")
add_table("BALSTATUS -1", cells("BALCAT", "BALSTATUS", 1, -1), mask=(0, 8, 0, 0),
          lost="1 not in the coadd")
add_table("no rows", lambda d: damage.primary() + damage.table("BALCAT", [(n, f, v[:0]) for n, f,
    v in d.columns("BALCAT")]),
          lost="3 not in the BAL table")
add("BAL table: is not there", TREE_APPEND, lambda box: shutil.copytree(
    box.world.z, box.here / "z", ignore=lambda _, names: [n for n in names if n == f"baltable-main-dark-{A}.fits"]),
    "fastbal append: Did not find BAL table {here}/z/{table_A}", status=PARTLY,
    writes=("out.fits", "z/logfile-main-dark.txt"), rows={"BALMASK": [1, 1, 1, 0]})

# ---- templates ----

for name, change, said in (
        ("WAVE is NaN", cells("TEMPLATES", "WAVE", 9, np.nan), "column WAVE: " + INCREASE + "nan after 1060 at 9"),
        ("WAVE decreases", cells("TEMPLATES", "WAVE", 9, 5), "column WAVE: " + INCREASE + "5 after 1060 at 9"),
        ("WAVE repeats", cells("TEMPLATES", "WAVE", 9, 1060), "column WAVE: " + INCREASE + "1060 after 1060 at 9"),
        ("WAVE is negative", cells("TEMPLATES", "WAVE", 0, -5), "column WAVE: " + INCREASE + "-5 after 0 at 0"),
        ("WAVE is beyond 1e30", cells("TEMPLATES", "WAVE", 129, 1e31),
         "column WAVE: expected wavelengths from 1e-30 to 1e30, found 900 to 1e+31"),
        ("WAVE is inf", cells("TEMPLATES", "WAVE", 129, np.inf), "column WAVE: " + INCREASE + "inf after 3460 at 129"),
        ("PCA1 is NaN", cells("TEMPLATES", "PCA1", 9, np.nan), "column PCA1: expected finite numbers, found nan at 9"),
        ("PCA2 is inf", cells("TEMPLATES", "PCA2", 9, np.inf), "column PCA2: expected finite numbers, found inf at 9"),
        ("no column WAVE", column("TEMPLATES", "WAVE"), "table TEMPLATES has no column WAVE"),
        ("no column PCA0", column("TEMPLATES", "PCA0"), COMPONENTS + "0 components over 130"),
        ("PCA0 is a vector", column("TEMPLATES", "PCA0", "2D", 1), "column PCA0: expected one number a row"),
        ("PCA2 is text", column("TEMPLATES", "PCA2", "3A", b"one"), "column PCA2: expected numbers"),
        ("33 components", lambda d: damage.primary() + damage.table(
            "T", [("WAVE", "D", 900 + 20.0 * np.arange(130))] + [(f"PCA{k}", "E", 1) for k in range(33)]),
         COMPONENTS + "33 components over 130"),
        ("an image", lambda d: damage.primary() + damage.image("T", np.zeros(5)), "has no table")):
    add(f"templates: {name}", TEMPLATES, spoil("templates", change), f"fastbal templates: {{bad}}: {said}")


def prior(rows=2, columns=2, covariance=((4, 1), (1, 9)), mean=0.5, misfit=0.03, which="both"):
    """The good templates with this prior."""
    def change(data):
        wave = np.array(data.rows("TEMPLATES")["WAVE"])
        table = [(n, "D", wave if n == "WAVE" else wave / 1500 + k) for k, n in enumerate(("WAVE", "PCA0", "PCA1", "PCA2"))]
        psi = np.full(len(wave), 0.03)
        psi[7] = misfit
        made = damage.primary() + damage.table("TEMPLATES", table + ([("PSI", "D", psi)] if which != "table" else []))
        numbers = [("MEAN", "D", np.full(rows, mean, float)),
                   ("COVARIANCE", f"{columns}D", np.resize(np.array(covariance, float), (rows, columns)))]
        return made + (damage.table("PRIOR", numbers if which != "mean" else numbers[:1]) if which != "column" else b"")
    return change


POSITIVE = "table PRIOR: expected a COVARIANCE that is symmetric and positive definite"
for name, change, said in (
        ("no table PRIOR", prior(which="column"), "expected a column PSI and a table PRIOR, or neither, found the column alone"),
        ("no column PSI", prior(which="table"), "expected a column PSI and a table PRIOR, or neither, found the table alone"),
        ("a prior of too many rows", prior(rows=3), "table PRIOR: expected a row for each component but the first, 2, found 3"),
        ("a covariance that is too wide", prior(columns=3),
         "table PRIOR: expected a column COVARIANCE with 2 numbers a row, found TFORM 3D"),
        ("no covariance", prior(which="mean"), "table PRIOR: expected a column COVARIANCE with 2 numbers a row, found none"),
        ("a covariance that is not symmetric", prior(covariance=((4, 1), (2, 9))), POSITIVE),
        ("a covariance that is not positive definite", prior(covariance=((4, 7), (7, 9))), POSITIVE),
        ("a covariance that is NaN", prior(covariance=((4, 1), (1, np.nan))),
         "table PRIOR: expected finite numbers, found nan in COVARIANCE"),
        ("a mean that is inf", prior(mean=np.inf), "table PRIOR: expected finite numbers, found inf in MEAN"),
        ("PSI is negative", prior(misfit=-1), "column PSI: expected finite numbers that are not negative, found -1 at 7"),
        ("PSI is NaN", prior(misfit=np.nan), "column PSI: expected finite numbers that are not negative, found nan at 7")):
    add(f"templates: {name}", TEMPLATES, spoil("templates", change), f"fastbal templates: {{bad}}: {said}")
add("templates: two components alike: find", "find --coadd {coadd} --zcat {zcat} -o {out} --templates {bad}",
    spoil("templates", lambda d: d.rows("TEMPLATES")["PCA1"].__setitem__(slice(None), d.rows("TEMPLATES")["PCA0"])),
    "fastbal find: {coadd}: none of its quasars could be measured: 3 with a singular fit")
add("templates: all 0: find", "find --coadd {coadd} --zcat {zcat} -o {out} --templates {bad}",
    spoil("templates", lambda d: [d.rows("TEMPLATES")[f"PCA{k}"].fill(0) for k in range(3)] and None),
    "fastbal find: {coadd}: none of its quasars could be measured: 3 with a singular fit")
NO_TEMPLATES = "expected guo, brodzeller, builtin or a FITS file, found no such file"
for program, command in (("find", "find --coadd {coadd} --zcat {zcat} -o {out}"),
                         ("run", "run -q {qso} -r {redux}/sim -o {out}"), ("templates", "templates")):
    for name, words, said in (
            ("a file that is not there", "--templates {bad}", f"templates {{bad}}: {NO_TEMPLATES}"),
            ("a name that is not known", "--templates nobody", f"templates nobody: {NO_TEMPLATES}"),
            ("brodzeller is nowhere", "--templates brodzeller",
             "templates brodzeller: PCA_Eigenvectors_Brodzeller.fits is neither in $HOME/Catalogs nor in ..., and "
             "FASTBAL_TEMPLATES is not set")):
        add(f"templates: {name}: {program}", f"{command} {words}", None, f"fastbal {program}: {said}")

# ---- files of the wrong kind, for each command and each of its inputs ----

INPUTS = {  # name, command, its name in messages
    "coadd": (COADD, "find"), "redshifts": (ZCAT, "find"), "catalog: split": (SPLIT, "split"),
    "catalog: append": (APPEND, "append"), "catalog: run": (RUN, "run"), "templates": (TEMPLATES, "templates")}
GOOD_OF = {"coadd": "coadd", "redshifts": "zcat", "catalog: split": "qso", "catalog: append": "qso",
           "catalog: run": "qso", "templates": "templates"}


def link_loop(box):
    (box.here / "a.fits").symlink_to(box.bad)
    box.bad.symlink_to(box.here / "a.fits")


def packed(kind, change):
    return lambda box: box.bad.write_bytes(change(gzip.compress(GOOD[kind], mtime=0)))


NOT_FOUND = {"coadd": "spectra", "redshifts": "redshift catalog"}  # words of the reference
NO_FITS = "not a FITS file: it does not begin with SIMPLE"
CUT_SHORT = "says that ... bytes were packed into ...: it was cut short, or is no FITS file"
for what, (command, program) in INPUTS.items():
    kind = GOOD_OF[what]
    for name, make, said in (
            ("is not there", None, "No such file or directory"),
            ("a folder", lambda box: box.bad.mkdir(), "not a regular file"),
            ("a dangling link", lambda box: box.bad.symlink_to("nowhere"), "No such file or directory"),
            ("a loop of links", link_loop, "Too many levels of symbolic links"),
            ("a pipe", lambda box: os.mkfifo(box.bad), "not a regular file"),
            ("a device", lambda box: box.bad.symlink_to("/dev/zero"), "not a regular file"),
            ("a text", lambda box: box.bad.write_text("TARGETID,Z\n1,2.0\n" * 300), NO_FITS),
            ("one byte", lambda box: box.bad.write_bytes(b"S"), NO_FITS),
            ("zeros", lambda box: box.bad.write_bytes(bytes(5760)), NO_FITS),
            ("an empty gzip file", lambda box: box.bad.write_bytes(gzip.compress(b"")),
             "says that 0 bytes were packed into 20: it was cut short, or is no FITS file"),
            ("a gzip file of a text", lambda box: box.bad.write_bytes(gzip.compress(b"no FITS file\n" * 300)),
             "what was packed is not a FITS file"),
            ("a gzip file cut in its middle", packed(kind, lambda d: d[:len(d) // 2]), CUT_SHORT),
            ("a gzip file cut by a byte", packed(kind, lambda d: d[:-1]), CUT_SHORT),
            ("a gzip file with a wrong byte", packed(kind, lambda d: d[:len(d) // 2] + b"rubbish" + d[len(d) // 2 + 7:]),
             "can't unpack it beyond ... bytes: ..."),
            ("a path of 5000 characters", None, "..."),
            ("a name of 300 characters", None, "...")):
        words = command
        if "characters" in name:
            long = "/x" * 2500 if "path" in name else "/" + "x" * 300
            words = command.replace("{bad}", long)
            add(f"{what}: {name}", words, make, f"fastbal {program}: ...: File name too long")
        else:
            line = f"Did not find {NOT_FOUND[what]} {{bad}}" if make is None and what in NOT_FOUND \
                else f"templates {{bad}}: {NO_TEMPLATES}" if make is None and what == "templates" else f"{{bad}}: {said}"
            add(f"{what}: {name}", words, make, f"fastbal {program}: {line}")
    if kind != "templates":
        add(f"{what}: a file that others may not read", command,
            lambda box, k=kind: (box.bad.write_bytes(GOOD[k]), box.bad.chmod(0)),
            f"fastbal {program}: {{bad}}: Permission denied", anybody=True)

# ---- unusual but valid paths ----

for name, odd in (("blanks", "a b  c.fits"), ("UTF-8", "Sträuße-星.fits"), ("a newline", "a\nb.fits"),
                  ("brackets", "a[1][col Z].fits"), ("CFITSIO's syntax", "a.fits[2]"), ("a number", "a.fits+1"),
                  ("parentheses", "a.fits(mem)"), ("an exclamation mark", "!a.fits"), ("a hyphen", "-a.fits"),
                  ("a percent sign", "%s%n.fits"), ("no UTF-8", b"a\xff.fits".decode("utf-8", "surrogateescape")),
                  ("a URL", "http:a.fits"), ("255 characters", "x" * 250 + ".fits")):
    add(f"path with {name}: coadd", [t.replace("{bad}", "{here}/" + odd) for t in COADD.split()],
        spoil("coadd", lambda d: None, odd), status=DONE, writes=("out.fits",), rows={"BALSTATUS": [0, 0, 0]})
    if name not in ("blanks", "UTF-8", "a newline", "brackets", "an exclamation mark", "no UTF-8"):
        continue
    add(f"path with {name}: BAL table to write", ["find", "--coadd", "{coadd}", "--zcat", "{zcat}", "--templates",
                                                  "{templates}", "-o", "{here}/" + odd], None, status=DONE,
                                                      writes=(odd,))
    add(f"path with {name}: catalog to write", ["append", "-q", "{qso}", "-b", "{here}/z", "-o", "{here}/" + odd],
        bal_table(lambda d: None), status=DONE, writes=(odd, "z/logfile-main-dark.txt"))
    add(f"path with {name}: templates", ["templates", "--templates", "{here}/" + odd, "--export", "{here}/e" + odd],
        spoil("templates", lambda d: None, odd), status=DONE, writes=("e" + odd,))
    add(f"path with {name}: folder", ["split", "-q", "{qso}", "-a", "{here}/" + odd], None, status=DONE, writes=tuple(
        f"{odd}/{n}" for n in ("logfile-main-dark.txt", "{zcat_A}", "{zcat_B}")))

# ---- outputs that can't be written ----


def unchanged(path, data):
    assert path.read_bytes() == data


def catalog_and_tables(box):
    box.out.write_bytes(GOOD["qso"])
    bal_table(lambda d: None)(box)


OUTPUTS = {  # all of the command but its output
    "find": "find --coadd {coadd} --zcat {zcat} --templates {templates} -c -o",
    "append": "append -q {qso} -b {here}/z -c --nproc 1 -o",
    "run": "run -q {qso} -r {redux}/sim --templates {templates} --nproc 1 -c -o",
    "templates": "templates --templates {templates} -c --export"}
for program, command in OUTPUTS.items():
    for name, output, make, said in (
            ("a folder", "{out}", lambda box: box.out.mkdir(),
             "this is a folder, expected the name of a file to write"),
            ("a folder by its name", "{out}/", None, "this is a folder, expected the name of a file to write"),
            ("a pipe", "{out}", lambda box: os.mkfifo(box.out), "this is a device or a pipe, expected ..."),
            ("a device", "{out}", lambda box: box.out.symlink_to("/dev/full"),
             "this is a device or a pipe, expected ..."),
            ("a packed file", "{here}/out.fits.gz", None, "outputs are not packed, expected a name that does not end in .gz"),
            ("in a folder without permission", "{here}/shut/out.fits",
             lambda box: (box.here / "shut").mkdir(mode=0o555), "can't ...: Permission denied"),
            ("a name of 300 characters", "{here}/" + "x" * 300, None, "...File name too long"),
            ("in the folder of processes", "/proc/nobody/out.fits", None,
             "there is no folder /proc/nobody; make it first")):
        if program == "append":
            make = (lambda m: lambda box: [bal_table(lambda d: None)(box), m and m(box)])(make)
        add(f"output: {name}: {program}", f"{command} {output}", make, f"fastbal {program}: {output}: {said}",
            anybody="permission" in name)
    said = "{here}/file/out.fits: there is no folder {here}/file; make it first"
    add(f"output: below a file: {program}", f"{command} {{here}}/file/out.fits",
        lambda box: [bal_table(lambda d: None)(box), (box.here / "file").write_text("x")], f"fastbal {program}: {said}")


def linked(box):
    """An input below {here} by two names."""
    for kind in ("coadd", "zcat", "qso", "templates"):
        (box.here / kind).write_bytes(GOOD[kind])
        os.link(box.here / kind, box.here / f"{kind}.fits")
    bal_table(lambda d: None)(box)


def unharmed(box):
    for kind in ("coadd", "zcat", "qso", "templates"):
        assert (box.here / kind).read_bytes() == GOOD[kind]


SAME = "this is the input {here}/..., expected another file to write"
for program, kind, command in (
        ("find", "coadd", "find --coadd {here}/coadd --zcat {zcat} --templates {templates} -c -o"),
        ("find", "zcat", "find --coadd {coadd} --zcat {here}/zcat --templates {templates} -c -o"),
        ("templates", "templates", "templates --templates {here}/templates -c --export")):
    for name, output in (("by its name", "{here}/" + kind), ("by another name", "{here}/" + kind + ".fits"),
                         ("by a detour", "{here}/z/../" + kind)):
        add(f"output: the input {kind} {name}: {program}", f"{command} {output}", linked,
            f"fastbal {program}: {output}: {SAME}", check=unharmed)
# a catalog may be replaced by itself with more columns, if that is asked for
for program, command in (("append", "append -q {out} -b {here}/z -o {out}"),
                         ("run", "run -q {out} -r {redux}/sim --templates {templates} -o {out}")):
    add(f"output: the catalog itself: {program}", command, catalog_and_tables,
        f"fastbal {program}: {{out}}: exists already (--clobber replaces it)",
        check=lambda box: unchanged(box.out, GOOD["qso"]))
    add(f"output: the catalog itself, with --clobber: {program}", command + " -c", catalog_and_tables, status=DONE,
        writes=("z/logfile-main-dark.txt",) if program == "append" else (),
        rows={"TARGETID": IDS, "BALMASK": [0, 0, 0, 0]})


def kept(box):
    unchanged(box.out, b"kept")


for program in ("append", "run", "templates"):
    add(f"output: exists: {program}", f"{OUTPUTS[program].replace(' -c', '')} {{out}}",
        lambda box: [bal_table(lambda d: None)(box), box.out.write_bytes(b"kept")],
        f"fastbal {program}: {{out}}: exists already (--clobber replaces it)", check=kept)

# ---- options ----

BASE = {"split": "split -q {qso} -a {here}/z", "find": "find -r {redux}/sim -a {z}",
    "append": "append -q {qso} -b {z} -o {out}",
        "run": "run -q {qso} -r {redux}/sim -o {out}", "templates": "templates", "simulate": "simulate {here}/sim"}
FOUND = "expected a whole number from {} to {}, found '{}'"
for program, option, low, high in (("split", "--nproc", 0, 4096), ("find", "--nproc", 0, 4096),
                                   ("append", "--nproc", 0, 4096),
                                   ("run", "--nproc", 0, 4096), ("find", "--chunk-size", 1, 10**9),
                                   ("simulate", "--quasars", 0, 20000), ("simulate", "--seed", 0, 10**15)):
    some = ("-1", LONG[:20]) if option != "--nproc" or program != "find" else \
        ("-1", LONG[:20], "1e2", "0x10", "4.5", "many", "1 ", "\u0663")
    for value in some:
        add(f"options: {program} {option} '{value}'", [*BASE[program].split(), option, value], None,
            f"fastbal {program}: option {option}: " + FOUND.format(low, high, value))
    add(f"options: {program} {option} without a value", f"{BASE[program]} {option}", None,
        f"fastbal {program}: option {option}: expected a value, found 'nothing'")
for value in ("nan", "inf", "-0.1", "1.1", "1e400", "half", "0,5"):
    add(f"options: simulate --bal-fraction {value}", f"{BASE['simulate']} --bal-fraction {value}", None,
        f"fastbal simulate: option --bal-fraction: expected a number from 0 to 1, found '{value}'")
for value in ("-5", "1.5", "99999999999999999999", "27258,x", "27258;3"):
    add(f"options: find --healpix {value}", f"{BASE['find']} -hp {value}", None,
        f"fastbal find: option --healpix: expected whole numbers from 0 to 1000000000000000, found '{value}'")
add("options: find --healpix of a pixel that there is not", f"{BASE['find']} -hp 49152 --templates {{templates}}", None,
    "fastbal find: option --healpix: there is no pixel 49152")
for program, option in (("split", "-q"), ("split", "-a"), ("find", "-a"), ("append", "-q"), ("append", "-b"),
    ("append", "-o"),
                        ("run", "-q"), ("run", "-o"), ("find", "--templates"), ("templates", "--export"), ("split",
                         "-s")):
    long = {"-q": "--qsocat", "-a": "--altzdir", "-b": "--baldir", "-s": "--survey",
            "-o": "--outcatfile"}.get(option, option)
    add(f"options: {program} {option} with an empty value", [*BASE[program].split(), option, ""], None,
        f"fastbal {program}: option {long}: expected a value, found ''")
for program, option, name in (("split", "-q", "--qsocat"), ("append", "-b", "--baldir"), ("run", "-o", "--outcatfile")):
    words = BASE[program].split()
    k = words.index(option)
    add(f"options: {program} without {option}", " ".join(words[:k] + words[k + 2:]), None,
        f"fastbal {program}: option {name} is required (--help explains it)")
for program in BASE:
    add(f"options: {program} --nonsense", f"{BASE[program]} --nonsense", None,
        f"fastbal {program}: unknown option --nonsense (--help lists them)")
    add(f"options: {program} and an argument too many", f"{BASE[program]} more", None,
        f"fastbal {program}: unexpected argument 'more'")
add("options: split -q twice: the last counts", "split -q {bad} -q {qso} -a {here}/z", None, status=DONE,
    writes=SPLIT_FILES)
add("options: append --clobber=perhaps", f"{BASE['append']} --clobber=perhaps", None,
    "fastbal append: option --clobber: expected True or False, found 'perhaps'")
add("options: --alttemp against --templates", f"{BASE['run']} --alttemp --templates builtin", None,
    "fastbal run: options --alttemp and --templates contradict each other")
add("options: find --coadd alone", "find --coadd {coadd}", None,
    "fastbal find: options --coadd, --zcat and -o go together")
add("options: no command of that name", "fnid -a x", None,
    "fastbal fnid: unknown command: did you mean find? (fastbal --help lists all)")
add("options: an empty command", [""], None, "fastbal : unknown command (fastbal --help lists them)")
add("simulate: nothing to simulate", f"{BASE['simulate']} --quasars 0 --others 0", None,
    "fastbal simulate: --quasars and --others are both 0")
add("simulate: a folder that is not empty", "simulate {here}", lambda box: box.bad.write_text("x"),
    "fastbal simulate: {here}: is not empty (--overwrite writes there anyway)")
add("simulate: a file", "simulate {bad}", lambda box: box.bad.write_text("x"),
    "fastbal simulate: {bad}: Not a directory")
add("simulate: below a file", "simulate {bad}/sim", lambda box: box.bad.write_text("x"),
    "fastbal simulate: {bad}/sim: Not a directory")
add("simulate: a folder without permission", "simulate {here}/shut/sim --pixels 1 --quasars 1 --others 0 --no-resolution",
    lambda box: (box.here / "shut").mkdir(mode=0o555), "fastbal simulate: ...: can't make this folder: Permission denied",
    anybody=True)

# ---- the environment, and missing trees ----

ENV_FIND = "find -a {here}/z --templates {templates}"
FOUND_ALL = ("z/{table_A}", "z/{table_B}", "z/healpix/main/dark/logfile.txt")
for name, env, words, said in (
        ("neither DESI_SPECTRO_REDUX nor DESI_ROOT", {}, "-r sim",
         "release sim: neither DESI_SPECTRO_REDUX nor DESI_ROOT is set in the environment: set one, or give the release as "
         "a path"),
        ("DESI_SPECTRO_REDUX is empty", {"DESI_SPECTRO_REDUX": ""}, "-r sim",
         "release sim: neither DESI_SPECTRO_REDUX nor DESI_ROOT is set in the environment: set one, or give the release as "
         "a path"),
        ("no release", {"DESI_SPECTRO_REDUX": "{redux}"}, "",
         "option --release is required (or SPECPROD in the environment)"),
        ("DESI_SPECTRO_REDUX is not there", {"DESI_SPECTRO_REDUX": "{here}/nowhere"}, "-r sim", "{here}/nowhere/sim: "
         "no such folder, nor is there {here}/nowhere"),
        ("DESI_SPECTRO_REDUX is a file", {"DESI_SPECTRO_REDUX": "{qso}"}, "-r sim",
         "{qso}/sim: no such folder, nor is there {qso}"),
        ("a release that is not there", {"DESI_SPECTRO_REDUX": "{redux}"}, "-r loa",
         "{redux}/loa: no such folder; {redux} has sim"),
        ("a survey that is not there", {"DESI_SPECTRO_REDUX": "{redux}"}, "-r sim -s sv3",
         "{redux}/sim: expected healpix/sv3/dark or spectra/sv3/dark in it, found healpix/main/dark: choose by --survey "
         "and --program")):
    add(f"environment: {name}: find", f"{ENV_FIND} {words}", Box.copy_tree, f"fastbal find: {said}", env=env)
for name, env in (("SPECPROD names the release", {"DESI_SPECTRO_REDUX": "{here}/redux", "SPECPROD": "sim"}),
                  ("a TZ that is none", {"TZ": "Nowhere/Nothing", "DESI_SPECTRO_REDUX": "{redux}", "SPECPROD": "sim"}),
                  ("a LANG with commas", {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8",
                   "DESI_SPECTRO_REDUX": "{redux}",
                                          "SPECPROD": "sim"}),
                  ("a LANG that is none", {"LC_ALL": "xx_YY.nonsense", "DESI_SPECTRO_REDUX": "{redux}",
                   "SPECPROD": "sim"}),
                  ("SOURCE_DATE_EPOCH is no number", {"SOURCE_DATE_EPOCH": "today", "DESI_SPECTRO_REDUX": "{redux}",
                                                      "SPECPROD": "sim"}),
                  ("SOURCE_DATE_EPOCH overflows", {"SOURCE_DATE_EPOCH": LONG, "DESI_SPECTRO_REDUX": "{redux}",
                                                   "SPECPROD": "sim"}),
                  ("no HOME and no USER", {"HOME": None, "USER": None, "DESI_SPECTRO_REDUX": "{redux}",
                   "SPECPROD": "sim"})):
    add(f"environment: {name}", ENV_FIND, Box.copy_tree, status=DONE, env=env, writes=FOUND_ALL)
add("tree: a bad coadd among good ones: find", "find -r {here}/redux/sim -a {here}/z --templates {templates}",
    lambda box: [box.copy_tree(), spoil("coadd", lie("R_FLUX", "BITPIX", 7), "redux/sim/" + in_tree("coadd", A))(box)],
    "fastbal find: {here}/redux/sim/{coadd_A}: HDU 7: expected BITPIX 8, 16, 32, 64, -32 or -64, found 7",
        status=PARTLY,
    writes=FOUND_ALL[1:])
add("tree: a redshift catalog is missing: find", "find -r {here}/redux/sim -a {here}/z --templates {templates}",
    lambda box: [box.copy_tree(), (box.here / "z" / in_tree("zafter", A)).unlink()],
    "fastbal find: Did not find redshift catalog {here}/z/{zcat_A}", status=PARTLY, writes=FOUND_ALL[1:])
add("tree: a coadd is missing: find", "find -r {here}/redux/sim -a {here}/z --templates {templates}",
    lambda box: [box.copy_tree(), (box.here / "redux/sim" / in_tree("coadd", A)).unlink()],
    "fastbal find: Did not find spectra {here}/redux/sim/{coadd_A}", status=PARTLY, writes=FOUND_ALL[1:])
add("tree: a coadd is missing: run", "run -q {qso} -r {here}/redux/sim -o {out} --templates {templates}",
    lambda box: [box.copy_tree(), (box.here / "redux/sim" / in_tree("coadd", A)).unlink()],
    "fastbal run: Did not find spectra {here}/redux/sim/{coadd_A}", status=PARTLY, writes=("out.fits",),
    rows={"BALMASK": [1, 1, 1, 0]})
add("tree: a coadd that is cut short: run", "run -q {qso} -r {here}/redux/sim -o {out} --templates {templates}",
    lambda box: [box.copy_tree(), spoil("coadd", lambda d: d[:50000], "redux/sim/" + in_tree("coadd", A))(box)],
    "fastbal run: {here}/redux/sim/{coadd_A}: HDU 7 R_FLUX: expected 2796 bytes of data at ..., but the file ends at 50000",
    status=PARTLY, writes=("out.fits",), rows={"BALMASK": [1, 1, 1, 0]})
add("tree: no BAL tables at all: append", "append -q {qso} -b {here}/nowhere -o {out}", None,
    "fastbal append: {here}/nowhere: no such folder")
add("tree: a link out of it", "find -r {here}/redux/sim -a {here}/z --templates {templates}", lambda box: [
    box.copy_tree(), (box.here / "redux/sim" / in_tree("coadd", A)).unlink(),
    (box.here / "redux/sim" / in_tree("coadd", A)).symlink_to(box.world.coadd)], status=DONE, writes=FOUND_ALL)
