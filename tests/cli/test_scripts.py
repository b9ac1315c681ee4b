"""The shell scripts and the table comparison.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


import numpy as np
import pytest
from astropy.io import fits

from compare import compare_tables, compare_trees
from support import LIGHT, PIXELS, ROOT, fits_files, run, table

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
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, **how)
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
    bals = bals[bals["PCA_CHI2"] < 1.5]
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
    assert compare_tables(tmp_path / "o.fits", finished_tree.baltable(pixel)) == []
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
