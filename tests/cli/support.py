"""Shared by the end to end tests: running programs, and a small survey that does not depend on the simulator.

The survey has three pixels of nside 64, one of them with a number below 100, and twelve catalog rows that between them
show every way a row can go: see ROWS.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits

import healpix

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("FASTBAL_BIN", ROOT / "build" / "bin")).resolve()
DROP_IN = {"split": "splitafterburner_hp", "find": "runbalfinder_hp", "append": "appendbalinfo_hp",
           "mask": "maskcoadds_hp", "truth": "appendbaltruth"}
LIGHT = 299792.458

DONE, PARTLY, UNUSABLE = 0, 1, 2  # exit statuses

LONG = os.environ.get("FASTBAL_LONG") == "1"  # set by "make test-long": the long form of tests that have one
SEED = int(os.environ.get("FASTBAL_SEED", 1))  # of tests with random moments or contents

# A prefix of commands: any error or leak makes the exit status 99, which no test expects. There are no suppressions.
LEAKS = "definite,indirect,possible"
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", f"--show-leak-kinds={LEAKS}",
            f"--errors-for-leak-kinds={LEAKS}")


# ---- running programs ----

def environment(**changes):
    """An environment without the user's settings; a change to None removes a variable."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DESI", "FASTBAL_TEMPLATES"))}
    env |= {"HOME": "/nonexistent", "USER": "tester", "LOGNAME": "tester", "SOURCE_DATE_EPOCH": "1700000000"}
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = str(value)
    return env


def run(*command, status=DONE, env=None, cwd=None, prefix=()):
    """Run fastbal COMMAND ..., or a drop-in name; the exit status has to be the one given (None: any)."""
    program, *arguments = map(str, command)
    if program in DROP_IN or not (BIN / program).exists():
        program, arguments = "fastbal", [program, *arguments]
    result = subprocess.run([*prefix, str(BIN / program), *arguments], env=env or environment(), cwd=cwd,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if status is not None:
        assert result.returncode == status, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


# Runs a command and prints its peak memory in kB; a small process, since a child's peak starts at its parent's.
PEAK = """
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run_for_peak(*command, status=DONE, env=None):
    """Run fastbal COMMAND ...; its result, and its peak memory in bytes."""
    result = subprocess.run([sys.executable, "-S", "-c", PEAK, BIN / "fastbal", *map(str, command)],
                            env=env or environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=300)
    assert result.returncode == status, f"status {result.returncode}\n{result.stdout}\n{result.stderr}"
    *said, peak = result.stderr.splitlines(keepends=True)
    result.stderr = "".join(said)
    return result, 1024 * int(peak)


def sanitizers():
    """What the programs were built with, as in "address,undefined"; empty in an ordinary build."""
    found = re.search(r"^compiler: .*, sanitizers (\S+)$", run("--version").stdout, re.M)
    return found.group(1) if found else ""


SANITIZERS = sanitizers()

HAS_MPI = "MPI yes" in run("--version").stdout
needs_mpi = pytest.mark.skipif(not (shutil.which("mpirun") and HAS_MPI) or "thread" in SANITIZERS,
                               reason="no mpirun, a build without MPI, or one with the thread sanitizer, which sees "
                                      "only half of what Open MPI's own threads do")


def ranks_environment(env):
    """The same for mpirun: as root, and with more ranks than cores."""
    # Open MPI unloads plugins that still own memory, so leaks can't be attributed.
    sanitizer = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"} if SANITIZERS else {}
    return env | sanitizer | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                              "OMPI_MCA_rmaps_base_oversubscribe": "1",  # Open MPI 4; 5 and later:
                              "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}


def mpirun(*commands):
    """mpirun with one rank for each command. The rank chooses its command, since the mpirun of Open MPI 5.0.7 crashes if it
    is given several with ":"."""
    choices = " ".join(f"{rank}) exec {shlex.join(map(str, command))};;" for rank, command in enumerate(commands))
    return ["mpirun", "-n", str(len(commands)), "sh", "-c", f"case ${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}} in {choices} esac"]


def the_line(result):
    """The output on stderr, which must be one line."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def complains(result, command, *words):
    """One line on stderr, "fastbal COMMAND: ..." with the words in it, and nothing that looks like a crash."""
    line = the_line(result)
    assert line.startswith(f"fastbal {command}: "), line
    for word in words:
        assert str(word) in line, line
    return line


# ---- FITS files ----

def table(path, hdu=1):
    """A table read with every check astropy has: checksums, and warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, memmap=False, checksum=True) as hdus:
            return hdus[hdu].data


def templates_with_prior(path):
    """Writes the built-in templates with a prior that suits them; returns its mean, covariance and misfit."""
    run("templates", "--export", path)
    data = table(path)
    values = [data[name] for name in data.names if name.startswith("PCA")]
    size = np.sqrt(np.mean(np.square(values), axis=1))
    scatter = 0.2 * size[0] / size[1:]
    mean, covariance = 0.1 * scatter, (0.3 + 0.7 * np.eye(len(scatter))) * np.outer(scatter, scatter)
    misfit = 0.04 + 0.02 * np.sin(data["WAVE"] / 50)
    columns = [fits.Column("WAVE", "D", array=data["WAVE"]), *(
        fits.Column(f"PCA{k}", "D", array=x) for k, x in enumerate(values)), fits.Column("PSI", "D", array=misfit)]
    prior = [fits.Column("MEAN", "D", array=mean), fits.Column("COVARIANCE", f"{len(mean)}D", array=covariance)]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="TEMPLATES"),
                  fits.BinTableHDU.from_columns(prior, name="PRIOR")]).writeto(path, overwrite=True)
    return mean, covariance, misfit


def header(path, hdu=1):
    with fits.open(path, memmap=False) as hdus:
        return hdus[hdu].header.copy()


def forms(path):
    """[(name, TFORM)] of the first table."""
    with fits.open(path, memmap=False) as hdus:
        return [(c.name, c.format.strip()) for c in hdus[1].columns]


def check_sums(path):
    """CHECKSUM and DATASUM are in every HDU and right."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path, memmap=False, checksum=True) as hdus:
            for hdu in hdus:
                hdu.verify("exception")
                assert "CHECKSUM" in hdu.header and "DATASUM" in hdu.header, f"{path}: {hdu.name}"


def files(folder):
    """{relative path: bytes} of every file below a folder."""
    folder = Path(folder)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def fits_files(folder):
    """The same for FITS files alone: not the logs, which hold the command line."""
    return {name: data for name, data in files(folder).items() if ".fits" in name}


def stamp(path):
    """A value that changes if a file is rewritten, even with the same contents."""
    info = os.stat(path)
    return info.st_ino, info.st_mtime_ns, info.st_size


def portable(path):
    """The contents of a FITS file that don't depend on the location of its inputs: headers without the recorded values of
    environment variables and without the checksums of such headers, and all data."""
    contents = []
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus:
            places = {k.replace("NAM", "VER") for k in hdu.header
                      if k.startswith("DEPNAM") and hdu.header[k].startswith(("DESI", "FASTBAL"))}
            cards = [str(c) for c in hdu.header.cards if c.keyword not in places | {"CHECKSUM"}]
            contents.append((cards, hdu.data.tobytes() if hdu.data is not None else None))
    return contents


def without_product(contents):
    """The result of portable(), without the card that only tables of a tree have."""
    return [([card for card in cards if not card.startswith("BALPROD ")], data) for cards, data in contents]


def portable_files(folder):
    """{relative path: what it says} of every FITS file below a folder."""
    return {name: portable(Path(folder) / name) for name in fits_files(folder)}


def balcolumns(templates):
    """Columns of a BAL table as in the reference, [(name, TFORM)], for that many templates."""
    columns = [("TARGETID", "K")] + [(n, "E") for n in ("TARGET_RA", "TARGET_DEC", "Z", "ZERR", "ZWARN")]
    return columns + appended_columns(templates, lambda: []) + last_columns()


def appended_columns(templates, before_snr=lambda: [("BALMASK", "B")]):
    """Columns that append adds, without the last ones."""
    columns = [("PCA_COEFFS", f"{templates}E"), ("PCA_CHI2", "E"), ("BAL_PROB", "E")]
    for line in ("CIV", "SIIV"):
        for index, kind, length in (("BI", "2000", 5), ("AI", "450", 17)):
            columns += [(f"{index}_{line}", "E"), (f"ERR_{index}_{line}", "E"), (f"N{line}_{kind}", "J")]
            columns += [(f"{name}_{line}_{kind}", f"{length}E") for name in ("VMIN", "VMAX", "POSMIN", "FMIN")]
    return columns + before_snr()


def last_columns():
    """Those of BAL tables and catalogs behind the others: signal-to-noise ratios, our BALSTATUS and measurements of whole troughs, and the detector."""
    whole = [f"{error}{name}_CIV" for name in ("AI_TOT", "BI0", "DI", "EW", "DEPTH") for error in ("", "ERR_")]
    return [(name, "E") for name in ("SNR_CIV", "SNR_REDSIDE", "SNR_FOREST")] + [("BALSTATUS", "J")] + [
        (name, "E") for name in whole] + [("LOBAL", "J")] + [
        (f"{error}DEPTH_{line}", "E") for line in ("ALIII", "MGII") for error in ("", "ERR_")] + [
        (f"{error}{index}_DET", "E") for index in ("AI", "BI") for error in ("", "ERR_")] + [("NDET_450", "J")] + [
        (f"{name}_DET_450", "8E") for name in ("VMIN", "VMAX", "ERR_V", "PROB")]


SCRATCH = tempfile.TemporaryDirectory()


def by_the_rule(path):
    """A copy of a BAL table, elsewhere, without BAL_PROB, for comparisons with the oracle, which has no detector (test_detector.py has one)."""
    copy = Path(SCRATCH.name) / path.name
    with fits.open(path, memmap=False) as hdus:
        assert (hdus[1].data["BAL_PROB"] >= 0).all()
        hdus[1].data["BAL_PROB"] = 0
        hdus.writeto(copy, overwrite=True)
    return copy


# ---- spectra ----

CAMERAS = {"B": (3600.0, 2751), "R": (5760.0, 2326), "Z": (7520.0, 2881)}  # first wavelength and pixels of DESI's


def desi_waves():
    return {c: first + 0.8 * np.arange(n) for c, (first, n) in CAMERAS.items()}


def unaligned_waves():
    """Cameras whose grids don't line up, as in mocks: the same steps from other first pixels."""
    return {c: first + 0.8 * np.arange(n) for c, (first, n) in
            {"B": (3569.4, 2830), "R": (5625.7, 2600), "Z": (7435.1, 2990)}.items()}


def quasar_flux(wave, z, trough):
    """A power law with C IV emission; with trough, 5000 km/s of C IV absorption and a weaker partner in Si IV."""
    rest = wave / (1 + z)
    flux = 10 * (wave / 5000) ** -1.2 * (1 + 0.6 * np.exp(-0.5 * ((rest - 1549) / 15) ** 2))
    if trough:
        for line, depth in ((1549, 0.85), (1398, 0.4)):
            v = LIGHT * (rest - line) / line
            flux[(v > -11000) & (v < -6000)] *= 1 - depth
    return flux


def write_spectra(path, targets, waves, seed=1, resolution=False, order=None, mask_type="i4", dtype="f4"):
    """A coadd, or a mock spectra file. targets: list of Target. Returns nothing."""
    rng = np.random.default_rng(seed)
    n = len(targets)
    columns = [("TARGETID", "K", [t.targetid for t in targets]), ("COADD_FIBERSTATUS", "J", np.zeros(n)),
               ("TARGET_RA", "D", [t.ra for t in targets]), ("TARGET_DEC", "D", [t.dec for t in targets]),
               ("OBJTYPE", "3A", ["TGT"] * n)]
    table_hdu = fits.BinTableHDU.from_columns([fits.Column(a, b, array=np.array(c)) for a, b, c in columns],
                                              name="FIBERMAP")
    hdus = [table_hdu]
    for camera, wave in waves.items():
        flux = np.array([quasar_flux(wave, t.z, t.trough) for t in targets]).reshape(n, len(wave))
        flux += rng.normal(0, 0.5, flux.shape)
        ivar = np.full(flux.shape, 4.0)
        # masked pixels, but not blueward of C IV: one in an AI trough fails its test of significance
        redward = np.array([wave / (1 + t.z) > 1600 for t in targets]).reshape(n, len(wave))
        ivar[redward & (rng.random(flux.shape) < 0.003)] = 0
        for k, t in enumerate(targets):
            if t.spectrum == "nonsense":
                flux[k, 5:60] = np.nan
                flux[k, 70] = np.inf
                ivar[k, 100:120] = -3
                ivar[k, 130] = np.nan
            elif t.spectrum == "dark":
                ivar[k] = 0
        mask = np.zeros(flux.shape, mask_type)
        parts = [("WAVELENGTH", wave), ("FLUX", flux.astype(dtype)), ("IVAR", ivar.astype(dtype)), ("MASK", mask)]
        if resolution:
            parts.append(("RESOLUTION", np.zeros((n, 3, len(wave)), "f4")))
        hdus += [fits.ImageHDU(data, name=f"{camera}_{part}") for part, data in parts]
    if order == "reversed":
        hdus.reverse()
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)


# ---- the survey ----

class Target(NamedTuple):
    targetid: int
    ra: float
    dec: float
    z: float
    trough: bool = False
    spectrum: str = "good"  # "nonsense": NaN, inf, negative ivar; "dark": not observed


def _targets():
    a, b, c = (150.1, 2.2), (210.3, -5.1), (45.0, 1.3)
    base = 39633000010000000

    def at(place, k, *rest):
        return Target(base + k, place[0] + 0.02 * (k % 7), place[1] + 0.015 * (k % 5), *rest)

    return {
        "bal": at(a, 1, 2.1, True),
        "lowest z": at(b, 2, 1.57, True),
        "plain": at(a, 3, 2.5),
        "highest z": at(c, 4, 5.0),
        "too near": at(a, 5, 1.2),
        "bal 2": at(b, 6, 3.0, True),
        "too far": at(a, 7, 5.2),
        "bal again": at(a, 1, 2.11, True),  # the same TARGETID with another redshift
        "nonsense": at(c, 8, 2.8, True, "nonsense"),
        "dark again": at(a, 9, 2.2, False, "dark"),
        "just too near": at(b, 10, 1.5699),
        "dark": at(c, 11, 2.4, False, "dark"),
    }


ROWS = _targets()  # in the order of the catalog
PIXEL = {name: healpix.pixel(64, t.ra, t.dec) for name, t in ROWS.items()}
PIXELS = sorted(set(PIXEL.values()))
# Rows of the BAL tables, in order, by pixel.
IN_RANGE = [name for name, t in ROWS.items() if 1.57 <= t.z <= 5.0]
IN_TABLE = {pixel: [name for name in IN_RANGE if PIXEL[name] == pixel] for pixel in PIXELS}
BALMASK = {name: 3 if name not in IN_RANGE else 8 if t.spectrum == "dark" else 0 for name, t in ROWS.items()}
assert len(PIXELS) == 3 and PIXELS[0] < 100


def write_catalog(path, rows=None, mock=False):
    """A QSO catalog with more columns than the pipeline needs, units and keywords."""
    rows = list(ROWS.values()) if rows is None else rows
    n = len(rows)
    ra, dec = ("RA", "DEC") if mock else ("TARGET_RA", "TARGET_DEC")
    columns = [
        fits.Column("TARGETID", "K", array=np.array([t.targetid for t in rows], "i8")),
        fits.Column("Z", "D", array=np.array([t.z for t in rows], float)),
        fits.Column("ZERR", "E", array=np.linspace(1e-4, 2e-4, n)),
        fits.Column("ZWARN", "J", array=np.arange(n) % 3),
        fits.Column(ra, "D", unit="deg", array=np.array([t.ra for t in rows], float)),
        fits.Column(dec, "D", unit="deg", array=np.array([t.dec for t in rows], float)),
        fits.Column("SPECTYPE", "6A", array=np.array(["QSO"] * n, "U6")),
        fits.Column("GOOD", "L", array=np.arange(n) % 2 == 0),
        fits.Column("MJD", "3D", unit="d", array=np.arange(3.0 * n).reshape(n, 3)),
        fits.Column("BITS", "J", bzero=2**31, array=(np.arange(n) + 2**31).astype("u4")),
        fits.Column("LAST", "I", null=-99, array=np.where(np.arange(n) % 4, np.arange(n), -99)),
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="QSO_CAT")
    hdu.header["RELEASE"] = ("sim", "where it comes from")
    hdu.header["NOTE"] = "a long note " * 8
    hdu.header["COMMENT"] = "a comment of the catalog"
    hdu.header["HISTORY"] = "made for a test"
    hdu.header["DEPNAM00"], hdu.header["DEPVER00"] = "desitarget", "2.9.0"
    hdu.writeto(path, overwrite=True)


class Tree:
    """Paths of a survey, and the three steps on it."""

    def __init__(self, root):
        self.root = Path(root)
        self.qso, self.z, self.out = self.root / "qso.fits", self.root / "work", self.root / "out" / "qso-bal.fits"
        self.redux = self.root / "redux"
        self.env = environment(DESI_SPECTRO_REDUX=self.redux)

    @classmethod
    def make(cls, root):
        tree = cls(root)
        write_catalog(tree.qso)
        tree.out.parent.mkdir()
        extra = Target(39633000010099999, 150.0, 2.0, 0.0)  # a target that isn't in the catalog
        for k, pixel in enumerate(PIXELS):
            targets = [t for name, t in ROWS.items() if PIXEL[name] == pixel
                       and name != "bal again"]  # which is the same target as "bal"
            write_spectra(tree.coadd(pixel), [*reversed(targets), extra], desi_waves(), seed=k,
                          resolution=k == 0, order="reversed" if k == 1 else None,
                          mask_type=("i4", "i4", "u4")[k], dtype=("f4", "f4", "f8")[k])
        return tree

    def _file(self, top, root, pixel, survey="main", program="dark"):
        name = f"{root}-{survey}-{program}-{pixel}.fits"
        return top / "healpix" / survey / program / str(pixel // 100) / str(pixel) / name

    def coadd(self, pixel):
        return self._file(self.redux / "sim", "coadd", pixel)

    def zafter(self, pixel, root="zafter", **names):
        return self._file(self.z, root, pixel, **names)

    def baltable(self, pixel, **names):
        return self._file(self.z, "baltable", pixel, **names)

    @property
    def log(self):
        return self.z / "healpix" / "main" / "dark" / "logfile.txt"

    def split(self, *options, **how):
        return run("split", "-q", self.qso, "-a", self.z, *options, **({"env": self.env} | how))

    def find(self, *options, templates="builtin", **how):
        templates = ["--templates", templates] if templates else []
        return run("find", "-r", "sim", "-a", self.z, "-z", "zafter", *templates, *options, **({"env": self.env} | how))

    def append(self, *options, **how):
        return run("append", "-q", self.qso, "-b", self.z, "-o", self.out, *options, **({"env": self.env} | how))

    def row(self, name):
        """The row of the BAL table that belongs to a catalog row."""
        return table(self.baltable(PIXEL[name]))[IN_TABLE[PIXEL[name]].index(name)]


def nothing_left_behind(folder):
    """There are no temporary files: every file has a documented name."""
    for name in files(folder):
        base = name.rsplit("/", 1)[-1]
        assert base.startswith(("zafter-", "baltable-", "logfile", "qso")) and "tmp" not in base, name
