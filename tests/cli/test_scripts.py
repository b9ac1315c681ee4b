"""The shell scripts and the table comparison.

SPDX-License-Identifier: BSD-3-Clause
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace


import numpy as np
import pytest
from astropy.io import fits

from compare import compare_tables, compare_trees
from support import LIGHT, PIXELS, ROOT, by_the_rule, fits_files, run, table

SCRIPTS = [ROOT / ".ci" / "run", *sorted(p for folder in ("scripts", "share", "tests", "bench")
                                         for p in (ROOT / folder).rglob("*.sh"))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_shellcheck(script):
    if not shutil.which("shellcheck"):
        pytest.skip("NOTICE: there is no shellcheck")
    result = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def call(script, *arguments, status=0, **how):
    python = [sys.executable] if script.endswith(".py") else []
    command = [*python, ROOT / "scripts" / script, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, **how)
    assert result.returncode == status, result.stdout + result.stderr
    return result


def test_nothing_to_install():
    """These tests run where everything is there: the script says nothing and needs no network."""
    for level in ("build", "demo", "test"):
        assert call("install-dependencies.sh", "--check", level).stderr == ""
        assert call("install-dependencies.sh", level).stdout == ""


def bare_path(tmp_path, *programs):
    """A PATH with just these programs."""
    for name in programs:
        (tmp_path / name).symlink_to(shutil.which(name))
    return {"PATH": str(tmp_path)}


def test_what_is_missing_is_named(tmp_path):
    env = bare_path(tmp_path, "sh", "dirname", "sed", "id")
    text = call("install-dependencies.sh", "--check", "build", env=env, status=1).stderr
    for word in ("cmake", "libcfitsio-dev", "libchealpix-dev", "zlib1g-dev", "conda-forge", "cfitsio"):
        assert word in text
    text = call("install-dependencies.sh", "build", env=env, status=1).stderr  # no apt-get here
    assert "conda install -c conda-forge" in text and "chealpix" in text and len(text.splitlines()) <= 2


def test_unknown_argument():
    assert "nonsense" in call("install-dependencies.sh", "nonsense", status=2).stderr


def test_python_is_found():
    python = call("find-python.sh", "numpy", "astropy").stdout.strip()
    subprocess.run([python, "-c", "import numpy, astropy"], check=True)
    call("find-python.sh", "no_such_module_anywhere", status=1)
    first = call("find-python.sh", "sys", env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"})
    assert first.stdout.strip() == sys.executable


def test_demo(tmp_path):
    """It runs, and ends with the score of both catalogs, which fastbal score repeats."""
    text = call("demo.sh", os.environ["FASTBAL_BIN"], tmp_path / "demo").stdout
    score = text[text.index("(fastbal score)\n") + len("(fastbal score)\n"):text.index("Faint quasars")]
    assert len(score.splitlines()) <= 15 and "AI > 0 completeness" in score
    command = re.search(r"^  all figures of the score: \S+ (score .*)$", text, re.M)[1].split()
    assert run(*command, "--short").stdout == score
    signal = table(tmp_path / "demo" / "simulated" / "truth.fits", "QUASARS")["SNR_CIV"]
    limit = float(re.search(r"half of them have SNR_CIV below (\d\.\d)", text)[1])
    assert 0.45 < (signal < limit).mean() < 0.55
    if "plots: yes" in run("--version").stdout:
        assert {path.name for path in (tmp_path / "demo").glob("*.png")} == {"bal-1.png", "bal-2.png", "bal-3.png"}
    page = re.search(r"^page +(.*)$", text, re.M)[1]
    assert page.startswith("none: ") or "<!DOCTYPE html>" in Path(page).read_text()[:20]
    listed = text[text.index("(fastbal list)"):].splitlines()[2:5]
    bals = table(tmp_path / "demo" / "qso-bal-fastbal.fits", "ZCATALOG")
    bals = bals[(bals["PCA_CHI2"] < 1.5) & (bals["SNR_CIV"] > 3)]
    assert [int(line.split()[0]) for line in listed] == list(bals["TARGETID"][np.argsort(-bals["AI_CIV"])][:3])


# ---- the comparison must detect differences ----

def test_comparison(finished_tree, tmp_path):
    shutil.copytree(finished_tree.z, tmp_path / "copy")
    assert all(not lines for lines in compare_trees(finished_tree.z, tmp_path / "copy").values())
    good = finished_tree.baltable(PIXELS[1])
    bad = tmp_path / "bad.fits"

    def change(edit):
        with fits.open(good) as hdus:
            data = hdus[1].data.copy()
            columns = {c.name: fits.Column(c.name, c.format, array=data[c.name]) for c in hdus[1].columns}
        edit(columns)
        fits.BinTableHDU.from_columns(list(columns.values()), name="BALCAT").writeto(bad, overwrite=True)
        return compare_tables(good, bad)

    def scaled(name, factor):
        def edit(columns):
            columns[name].array[0] *= factor
        return edit

    assert change(lambda c: None) == []
    assert change(scaled("AI_CIV", 1.000001)) == []
    assert len(change(scaled("AI_CIV", 1.001))) == 1
    assert len(change(scaled("VMIN_CIV_450", 1.001))) == 1
    assert len(change(lambda c: c.pop("SNR_CIV"))) == 1
    assert len(change(lambda c: c["NCIV_450"].array.__setitem__(0, 9))) == 1
    assert len(change(lambda c: c["AI_CIV"].array.__setitem__(0, np.nan))) == 1
    assert len(change(lambda c: c["TARGETID"].array.__setitem__(0, 9))) >= 1
    everything_missing = {name: ["missing"] for name in fits_files(finished_tree.z)}
    assert compare_trees(finished_tree.z, tmp_path / "nowhere") == everything_missing
    bad.write_text("no FITS file")
    assert len(compare_tables(good, bad)) == 1
    compare = [sys.executable, ROOT / "tests" / "compare.py"]
    assert subprocess.run([*compare, finished_tree.z, tmp_path / "copy"], capture_output=True).returncode == 0
    assert subprocess.run([*compare, good, bad], capture_output=True).returncode == 1
    assert subprocess.run([*compare, good], capture_output=True).returncode == 2


def test_oracle_program(finished_tree, tmp_path):
    """tests/oracle.py as a program writes a table that can be compared."""
    run("templates", "--export", tmp_path / "t.fits")
    pixel = PIXELS[1]
    subprocess.run([sys.executable, ROOT / "tests" / "oracle.py", finished_tree.coadd(pixel),
                    finished_tree.zafter(pixel), tmp_path / "o.fits", "--templates", tmp_path / "t.fits"], check=True)
    assert compare_tables(tmp_path / "o.fits", by_the_rule(finished_tree.baltable(pixel))) == []
    assert len(table(tmp_path / "o.fits")) == len(table(finished_tree.baltable(pixel)))


def test_how_like_desi(tmp_path):
    """Shares and redshift errors as counted here, and every quantity of the table."""
    tree = tmp_path / "tree"
    run("simulate", tree, "--pixels", 2, "--quasars", 60, "--others", 2, "--no-resolution", "--truth-spectra",
        "--bal-fraction", 0.4)
    run("run", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin", "-o",
        tmp_path / "found.fits")
    program = shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])
    lines = call("how_like_desi.py", tree, "--templates", "builtin", "--fastbal", program).stdout.splitlines()
    rows = {cells[1]: cells for cells in ([c.strip() for c in line.split("|")] for line in lines[2:])}
    assert len(rows) == len(lines) - 2 == 11

    def simulated(quantity):
        return float(rows[quantity][4].split(" ± ")[0])

    found, quasars = table(tmp_path / "found.fits"), table(tree / "truth.fits", "QUASARS")
    in_range = (found["Z"] >= 1.57) & (found["Z"] <= 5)
    for index in ("AI", "BI"):
        share = (found[f"{index}_CIV"][in_range] > 0).mean()
        assert simulated(f"quasars with {index} > 0") == pytest.approx(share, abs=6e-4)
    error = 299792.458 * (quasars["Z_CAT"] - quasars["Z"]) / (1 + quasars["Z"])
    error = error[(quasars["BAL"] == 1) & (np.abs(error) < 3000)]
    assert simulated("mean redshift error of BALs, km/s") == pytest.approx(error.mean(), abs=0.6)
    assert 30 < simulated("EW(C IV), median") < 70 and 1.0 < simulated("noise relative to ivar, B and R") < 1.1
    assert rows["misfit of templates, 1500-1530 A"][4:6] == ["not measured", ""]
    assert all(cells[5] == "yes" or cells[5].startswith("no, ") for cells in rows.values() if "measured" not in cells[4])


def test_how_like_desi_without_spectra(tmp_path):
    run("simulate", tmp_path / "tree", "--pixels", 1, "--quasars", 2, "--others", 0, "--no-resolution")
    program = shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])
    result = call("how_like_desi.py", tmp_path / "tree", "--templates", "builtin", "--fastbal", program, status=1)
    assert "--truth-spectra" in result.stderr


def counted(tree, continuum, tmp_path):
    """The cells of a line of continuum_figures.py for the built-in templates: four (finds, of), the bias, and AI / true."""
    how = ("-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin", "--continuum", continuum, "-c")
    run("run", *how, "-o", tmp_path / "found.fits")
    found = {int(q["TARGETID"]): float(q["AI_CIV"]) for q in table(tmp_path / "found.fits")}
    quasars = {int(q["TARGETID"]): q for q in table(tree / "truth.fits", "QUASARS")
               if q["SNR_CIV"] > 1 and 1.57 <= q["Z_CAT"] <= 5}
    bals = {t: q for t, q in quasars.items() if q["NTROUGH"] > 0}
    others = {t: q for t, q in quasars.items() if q["NTROUGH"] == 0}
    groups = (bals, [t for t in bals if bals[t]["AI_CIV"] > 500], others, [t for t in others if others[t]["AI_ALL"] == 0])
    run("continuum", *how, "--targetids", *bals, "-o", tmp_path / "continuum.fits", status=None)
    pixels = table(tmp_path / "continuum.fits", "CONTINUUM")
    logarithms = []
    for path in tree.rglob("truespectra-*.fits"):
        with fits.open(path) as true:
            for i, target in enumerate(int(t) for t in true["TARGETS"].data["TARGETID"]):
                for low, high in zip(*(bals[target][f"{end}_CIV_450"] for end in ("VMIN", "VMAX"))) if target in bals else ():
                    own = pixels[pixels["TARGETID"] == target]
                    v = LIGHT * (1 - own["WAVELENGTH"] / (1 + bals[target]["Z"]) / 1549)
                    own = own[(v >= low) & (v <= high) & (low > 0)]
                    light = np.full(len(own), np.nan)
                    for camera in "ZRB":
                        wave, flux = true[f"{camera}_WAVELENGTH"].data, true[f"{camera}_CONTINUUM"].data[i]
                        here = np.interp(own["WAVELENGTH"], wave, flux, np.nan, np.nan)
                        light = np.where(np.isfinite(here), here, light)
                    logarithms += np.log(own["CONTINUUM"] / light).tolist()
    strength = sum(found[t] for t in bals) / sum(q["AI_CIV"] for q in bals.values())
    return [(sum(found[t] > 0 for t in group), len(group)) for group in groups], np.nanmean(logarithms), strength


def test_continuum_figures(tmp_path):
    """Every cell against what is counted here; the built-in set gives the same line as a file."""
    run("templates", "--export", tmp_path / "same.fits")
    program = shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])
    lines = call("continuum_figures.py", "--quasars", "200", "--seed", "7", "--templates", tmp_path / "same.fits",
                 "--fastbal", program).stdout.splitlines()
    rows = {tuple(cells[:3]): cells[3:] for cells in ([c.strip() for c in line.split("|")[1:-1]] for line in lines[2:])}
    assert len(rows) == len(lines) - 2 == 6
    for narrow, option in (("yes", ()), ("no", ("--no-narrow-systems",))):
        tree = tmp_path / narrow
        run("simulate", tree, "--pixels", 2, "--quasars", 100, "--others", 0, "--bal-fraction", 0.4, "--seed", 7,
            "--no-resolution", "--truth-spectra", *option)
        for continuum in ("trough-aware", "least-squares"):
            *shares, bias, strength = rows[narrow, "builtin", continuum]
            counts, true_bias, true_strength = counted(tree, continuum, tmp_path)
            for text, (k, n) in zip(shares, counts, strict=True):
                p = k / n
                assert text == f"{p:.3f} ± {(p * (1 - p) / n) ** 0.5:.3f} ({k} of {n})" and n > 10
            value, error = (float(x) for x in bias.replace("−", "-").split(" ± "))
            assert value == pytest.approx(true_bias, abs=6e-4) and 0.005 < error < 0.05
            assert float(strength) == pytest.approx(true_strength, abs=6e-4)
        assert rows[narrow, "same", "trough-aware"] == rows[narrow, "builtin", "trough-aware"]
    shares = {key: float(cells[2].split()[0]) for key, cells in rows.items()}  # narrow systems are found by mistake
    assert all(shares["yes", *key] > shares["no", *key] for _, *key in rows)


# ---- figures of the detector ----

def wilson(k, n):
    """A share as detector_figures.py writes it."""
    p = k / n if n else 0
    return f"{p:.3f} ± {((p * (1 - p) + 0.25 / n) / n) ** 0.5 / (1 + 1 / n):.3f} ({k} of {n})" if n else "none"


class Judged:
    """Simulated quasars that were measured, each with what was found and what is true, and what fastbal score says of them."""

    def __init__(self, tree, *how):
        run("simulate", tree, "--pixels", 2, "--quasars", 60, "--others", 0, "--seed", 7, "--no-resolution", *how)
        self.truth = {int(q["TARGETID"]): q for q in table(tree / "truth.fits", "QUASARS")}
        spectra = ("--mock", "--mockdir", tree / "mock") if "--mock" in how else ("-r", tree / "redux" / "sim")
        run("run", "-q", tree / "qso.fits", *spectra, "--templates", "builtin", "-o", tree / "found.fits")
        found = table(tree / "found.fits")
        self.found = [q for q in found if q["BALMASK"] == 0]
        self.left_out = sum(q["BALMASK"] not in (0, 2, 3) for q in found)
        self.scores = {}
        for name, options in (("detector", ["--detector"]), ("rule", [])):
            text = run("score", tree / "found.fits", tree / "truth.fits", "--json", "-", *options).stdout
            self.scores[name] = {(f["table"], f["subject"], f["figure"], f["by"], f["low"] or 0): f
                                 for f in json.loads(text)["figures"]}

    def true(self, q):
        return self.truth[int(q["TARGETID"])]["NTROUGH"] > 0

    def share(self, part, of, column=None, low=-1e9, high=1e9):
        """How many of those that are `of` are also `part`, of those in a bin."""
        chosen = [q for q in self.found if (not column or low <= q[column] < high) and of(q)]
        return wilson(sum(bool(part(q)) for q in chosen), len(chosen))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return Judged(tmp_path_factory.mktemp("judged") / "tree")


@pytest.fixture(scope="module")
def detector_figures(tmp_path_factory):
    """The tables, each a list of lists of cells; the built-in templates are also given as a file."""
    folder = tmp_path_factory.mktemp("figures")
    run("templates", "--export", folder / "same.fits")
    program = shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])
    text = call("detector_figures.py", "--quasars", "120", "--seed", "7", "--templates", folder / "same.fits", "--fastbal",
                program).stdout
    return [[[c.strip() for c in line.split("|")[1:-1]] for line in part.splitlines()] for part in text.strip().split("\n\n")]


SIGNAL = {"all": (-1e9, 1e9), "SNR_CIV < 1": (-1e9, 1), "1-2": (1, 2), "2-4": (2, 4), "4-8": (4, 8), "> 8": (8, 1e9),
          "> 2": (2, 1e9)}
REDSHIFT = {"Z < 2": (0, 2), "2-2.5": (2, 2.5), "2.5-3": (2.5, 3), "3-3.5": (3, 3.5), "> 3.5": (3.5, 9)}


def likely(q):
    return q["BAL_PROB"] >= 0.5


def ruled(q):
    return q["AI_CIV"] > 0


def test_detector_against_the_rule(detector_figures, judged):
    assert len(detector_figures) == 8
    for number, column, bins in ((0, "SNR_CIV", SIGNAL), (2, "Z", REDSHIFT)):
        detector, rule = detector_figures[number], {line[0]: line[1:] for line in detector_figures[number + 1]}
        assert detector[0][1:] == list(bins)
        for k, (low, high) in enumerate(bins.values()):
            inside = [q for q in judged.found if low <= q[column] < high]
            assert [detector[2][k + 1], detector[3][k + 1]] == [str(len(inside)), str(sum(map(judged.true, inside)))]
            assert detector[4][k + 1] == judged.share(likely, judged.true, column, low, high)
            assert detector[5][k + 1] == judged.share(
                likely, lambda q: judged.truth[int(q["TARGETID"])]["AI_CIV"] > 500, column, low, high)
            assert detector[6][k + 1] == judged.share(judged.true, likely, column, low, high)
            assert rule["trough-aware: found"][k] == judged.share(ruled, judged.true, column, low, high)
            assert rule["trough-aware: purity"][k] == judged.share(judged.true, ruled, column, low, high)
            found, bals = [q for q in inside if ruled(q)], sum(map(judged.true, inside))
            right = sum(map(judged.true, found))
            if right == 0:
                continue
            taken = [[judged.true(q) for q in inside if q["BAL_PROB"] >= cut] for cut in sorted(
                {q["BAL_PROB"] for q in inside}, reverse=True)]
            pure = [cut for cut in taken if sum(cut) * len(found) >= right * len(cut)]
            assert rule["trough-aware: as pure"][k] == (wilson(sum(pure[-1]), bals) if pure else "not reached")
            complete = next(cut for cut in taken if sum(cut) >= right)
            assert rule["trough-aware: as complete"][k] == wilson(sum(complete), len(complete))
        for name in ("found", "purity", "as pure", "as complete"):
            assert rule[f"same: {name}"] == rule[f"trough-aware: {name}"]


def test_ranking_of_the_detector(detector_figures, judged):
    """As fastbal score has it, and bin by bin."""
    score, detector = judged.scores["detector"], {line[0]: line[1:] for line in detector_figures[0]}
    figure = score["ranking", "BAL_PROB", "average_precision", "all", 0]["value"]
    assert float(detector["average precision"][0].split()[0]) == pytest.approx(figure, abs=6e-4)
    for k, (by, low) in enumerate([("all", 0), *(("SNR_CIV", low) for low in (0, 1, 2, 4, 8))]):
        error = score["ranking", "BAL_PROB", "ece", by, low]["value"]
        assert float(detector["ECE"][k].split()[0]) == pytest.approx(error, abs=6e-4)
    for purity in (0.95, 0.99):
        name, = (name for name in detector if name.startswith(f"purity {purity}"))
        threshold, found = (score["ranking", "BAL_PROB", what, "PURITY", purity] for what in ("threshold", "completeness"))
        if threshold["value"] is not None:
            assert name.endswith(f"(P >= {threshold['value']:.3f}): found")
        assert detector[name][0] == wilson(found["part"], found["of"])
    heading, _, *lines = detector_figures[4]
    assert heading == ["BAL_PROB", *list(SIGNAL)[:-1]] and len(lines) == 10
    for k, line in enumerate(lines):
        for cell, (low, high) in zip(line[1:], SIGNAL.values()):
            inside = [q for q in judged.found if low <= q["SNR_CIV"] < high and min(int(q["BAL_PROB"] * 10), 9) == k]
            if not inside:
                assert cell == "none"
                continue
            mean, text = cell.split(": ")
            assert float(mean) == pytest.approx(np.mean([q["BAL_PROB"] for q in inside]), abs=6e-4)
            assert text == wilson(sum(map(judged.true, inside)), len(inside))


def test_troughs_of_the_detector(detector_figures, judged):
    heading, _, *lines = detector_figures[5]
    assert heading == ["troughs", "detector", "trough-aware", "least-squares", "same"]
    rows = {line[0]: line[1:] for line in lines}
    for k, name in enumerate(("detector", "rule")):
        score = judged.scores[name]
        for row, figure in (("found", "completeness"), ("purity", "purity"), ("any absorption", "purity_absorption")):
            f = score["troughs", "CIV_450", figure, "all", 0]
            assert rows[row][k] == wilson(f["part"], f["of"])
        for row, group, subject in (("AI / true", "ratios", "AI"), ("BI / true", "ratios", "BI"),
                                    ("VMIN - true, km/s", "edges", "VMIN"), ("VMAX - true, km/s", "edges", "VMAX")):
            f, numbers = score[group, subject, "median", "all", 0], re.findall(r"[−\d.]+", rows[row][k])
            assert [float(x.replace("−", "-")) for x in numbers] == pytest.approx(
                [f["value"], f["lower"], f["upper"], f["of"]] if f["of"] else [], abs=0.51 if group == "edges" else 6e-4)


def test_populations_of_the_detector(detector_figures, judged, tmp_path):
    heading, _, *lines = detector_figures[6]
    assert [line[0] for line in lines] == ["as it is", "--gaps", "--bright", "--mock", "--no-narrow-systems",
                                           "continua of same", "boxes, ramps"] and len(heading) == 13
    for name, *cells in lines[:5]:
        own = judged if name == "as it is" else Judged(tmp_path / name, name)
        bals = sum(map(own.true, own.found))
        assert cells[:3] == [str(len(own.found)), str(own.left_out), str(bals)]
        assert cells[4:6] == [own.share(likely, own.true), own.share(own.true, likely)]
        assert cells[10:] == [own.share(ruled, own.true), own.share(own.true, ruled)]
    assert lines[5][1:4] == lines[0][1:4] and lines[5][4:] != lines[0][4:]
    heading, _, *lines = detector_figures[7]
    others = [q for q in judged.found if not judged.true(q) and q["SNR_CIV"] >= 4]
    for line in lines:
        finds = {"P > 0.9": lambda q: q["BAL_PROB"] > 0.9, "trough-aware": ruled}.get(line[0])
        if finds and line[1] == "> 4":
            narrow = [judged.truth[int(q["TARGETID"])]["AI_ALL"] > 0 for q in others if finds(q)]
            assert line[2:4] == [wilson(len(narrow), len(others)), wilson(sum(narrow), len(narrow))]


def test_adaptation_of_the_detector(tmp_path):
    """Calibration errors and average precisions are those of fastbal score; trained and judged quasars are others."""
    program = shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])
    heading, _, line = call("detector_adaptation.py", "--quasars", "600", "--train-quasars", "600", "--train-seed", "8", "--seed", "7", "--only", "as it is",
                            "--fastbal", program).stdout.strip().splitlines()
    said = dict(zip(*([cell.strip() for cell in row.split("|")[1:-1]] for row in (heading, line))))
    for seed in (7, 8):
        run("simulate", tmp_path / str(seed), "--pixels", 10, "--quasars", 60, "--others", 0, "--seed", seed, "--no-resolution")
    spectra = [("-q", tmp_path / str(seed) / "qso.fits", "-r", tmp_path / str(seed) / "redux" / "sim") for seed in (7, 8)]
    run("train", "--detector", *spectra[1], "-o", tmp_path / "adapted.fits")
    figures = {}
    for name, detector in (("built-in", "on"), ("adapted", tmp_path / "adapted.fits")):
        run("run", *spectra[0], "--templates", "builtin", "--continuum", "trough-aware", "--detector", detector, "-o",
            tmp_path / "found.fits", "-c")
        score = run("score", tmp_path / "found.fits", tmp_path / "7" / "truth.fits", "--detector", "--json", "-").stdout
        figures[name] = {f["figure"]: f["value"] for f in json.loads(score)["figures"] if f["table"] == "ranking" and f["by"] == "all"}
    rows = table(tmp_path / "found.fits")
    truth = {int(q["TARGETID"]): q["NTROUGH"] > 0 for q in table(tmp_path / "7" / "truth.fits", "QUASARS")}
    bals = [truth[int(q["TARGETID"])] for q in rows if q["BALMASK"] == 0]
    assert (said["quasars"], said["BALs"], said["share"]) == (str(len(bals)), str(sum(bals)), f"{np.mean(bals):.3f}")
    assert said["share estimated"] == f"{fits.getheader(tmp_path / 'adapted.fits', 'DETECTOR')['TRNSHARE']:.3f}"
    for name, ece, precision in (("built-in", "ECE: built-in", "average precision: built-in"), ("adapted", "adapted", "adapted AP")):
        assert said[ece].startswith(f"{figures[name]['ece']:.3f} ±")
        assert said[precision].startswith(f"{figures[name]['average_precision']:.3f} ±")
    assert figures["built-in"]["ece"] != figures["adapted"]["ece"]


@pytest.fixture
def populations(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import detector_populations
    return detector_populations


def spectra_before_and_after(populations, tree, change, *how):
    """Rest wavelength, true continuum and transmission, and flux before and after, of every quasar, by TARGETID; the truth."""
    run("simulate", tree, "--pixels", 2, "--quasars", 60, "--others", 3, "--seed", 7, "--no-resolution", "--truth-spectra",
        *how)

    def fluxes():
        out = {}
        for path in tree.rglob("coadd-*.fits"):
            targets = table(path, "FIBERMAP")["TARGETID"]
            flux = np.hstack([table(path, f"{camera}_FLUX") for camera in "BRZ"]).astype(float)
            out |= {int(target): f for target, f in zip(targets, flux)}
        return out

    before, truth = fluxes(), populations.read(tree / "truth.fits", "QUASARS", populations.TRUTH)
    change(SimpleNamespace(fastbal=shutil.which("fastbal", path=os.environ["FASTBAL_BIN"])), tree, truth, 7)
    after, out = fluxes(), {}
    for path in tree.rglob("truespectra-*.fits"):
        wave, c, t = (np.concatenate([table(path, f"{camera}_{part}") for camera in "BRZ"], axis=-1).astype(float)
                      for part in ("WAVELENGTH", "CONTINUUM", "TRANSMISSION"))
        for i, q in enumerate(table(path, "TARGETS")):
            target = int(q["TARGETID"])
            out[target] = (wave / (1 + q["Z"]), c[i], t[i], before.pop(target), after.pop(target))
    assert len(before) == 6 and all(np.array_equal(flux, after[target]) for target, flux in before.items())
    return out, truth


def test_continua_of_other_templates(populations, tmp_path):
    """They are combinations of the templates, reddened and as bright as before, and continue the old ones beyond."""
    run("templates", "--export", tmp_path / "t.fits")
    templates = table(tmp_path / "t.fits")
    spectra, truth = spectra_before_and_after(
        populations, tmp_path / "tree", lambda *rest: populations.other_continua(str(tmp_path / "t.fits"), *rest))
    different = 0
    for k, target in enumerate(truth["TARGETID"]):
        rest, c, t, before, after = spectra[int(target)]
        good = t > 0.3
        new, ends = c + (after - before) / np.where(good, t, 1), templates["WAVE"][[0, -1]]
        inside, band = good & (rest > ends[0]) & (rest < ends[1]), (rest > 1400) & (rest < 1700)
        if not 1.57 <= truth["Z"][k] <= 5:
            continue
        design = np.array([np.interp(rest[inside], templates["WAVE"], templates[f"PCA{i}"]) for i in range(8)]).T
        design *= 10 ** (-0.556 * truth["EBV_BAL"][k] * (rest[inside, None] / 10000) ** -1.2)  # A = 1.39 E(B-V) / micron^1.2
        model = design @ np.linalg.lstsq(design, new[inside], rcond=None)[0]
        size = np.median(c[band])
        assert np.abs(model - new[inside]).max() < 1e-4 * max(size, np.abs(before).max())
        assert np.median(new[band & good]) == pytest.approx(np.median(c[band & good]), rel=0.1)
        for beyond in (good & (rest < ends[0]), good & (rest > ends[1])):
            ratio = new[beyond] / c[beyond]
            assert not beyond.any() or np.allclose(ratio, np.median(ratio), rtol=0.02)
        different += np.abs(model / c[inside] - 1).max() > 0.05
    assert different > 80 and (truth["EBV_BAL"] > 0.01).sum() > 5


def test_troughs_of_other_shapes(populations, tmp_path):
    """Light is taken away as the shape says, where it is said, and noise is left alone. The AI is that of the shape."""
    spectra, truth = spectra_before_and_after(populations, tmp_path / "tree", populations.boxes_and_ramps, "--bal-fraction", 0)
    bals, changed = 0, 0
    for target, z, bal, ai in zip(truth["TARGETID"], truth["Z"], truth["BAL"], truth["AI_CIV"]):
        rest, c, t, before, after = spectra[int(target)]
        taken, noise = before - after, 1e-5 * np.abs(before).max()
        assert (taken > -noise).all() and (taken < c * t + noise).all() and bal == (ai > 0)
        v = LIGHT * (1 - rest / 1549)
        civ = (v > 0) & (v < 25000) & (t > 0.3)
        if 1.57 <= z <= 5:
            assert not bal or (taken / (c * np.maximum(t, 0.3)))[civ].max() > 0.1
            bals, changed = bals + bal, changed + taken.any()
    assert 8 < bals <= changed < 35
    # A box is 499 km/s wider than the trough of one line; an index leaves out 450 km/s. Of ramps, what is below 0.9 counts.
    box = populations.Trough(3000, 5000, 0.6, 0, 0.5, 1.0)
    assert populations.absorption_index(box) == pytest.approx((5000 + 499 - 450) * (1 - 0.4 / 0.9), rel=0.01)
    for rise in (1, -1):
        ramp = populations.Trough(3000, 5000, 0.6, rise, 0, 1.0)
        v = np.arange(0, 9001, 1.0)
        flux = populations.through(ramp, 1549 * (1 - v / LIGHT))
        below = np.flatnonzero(flux < 0.9)
        first, last = v[below[0]], v[below[-1]]
        ai = (1 - flux[(v >= first) & (v < last - 450)] / 0.9).sum()
        assert populations.absorption_index(ramp) == pytest.approx(ai, rel=0.01)
        deepest = v[flux.argmin()]
        assert (7500 < deepest < 8600) if rise == 1 else (2500 < deepest < 4000)
    assert populations.through(box, np.array([1398 * (1 - 6000 / LIGHT)])) == pytest.approx(0.7, abs=1e-6)
