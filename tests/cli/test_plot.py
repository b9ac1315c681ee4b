"""fastbal plot: the files are what their names say, and the curves in them are those of the spectra.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import pytest
from astropy.io import fits

from support import BIN, PARTLY, ROOT, UNUSABLE, complains, environment, run, table

HAS_PLOTS = "plots: yes" in run("--version").stdout
needs_cairo = pytest.mark.skipif(not HAS_PLOTS, reason="built without Cairo and Pango")

WIDTH, HEIGHT = 252, 234  # points, of a figure
LEFT, RIGHT = 32, WIDTH - 9  # of its panels
PER_POINT = 300 / 72  # pixels of a PNG


class Survey:
    """One simulated pixel. The first quasar in range has no good pixel, the second BAL quasar a gap."""

    def __init__(self, root):
        self.tree, self.qso, self.bal = root / "redux" / "sim", root / "qso.fits", root / "bal.fits"
        run("simulate", root, "--pixels", 1, "--quasars", 40, "--others", 0, "--no-resolution", "--seed", 5, "--bright",
            "--bal-fraction", 0.5, "-c")
        self.coadd, = self.tree.rglob("coadd-*.fits")
        in_range = [int(t) for t, z in zip(*(table(self.qso)[name] for name in ("TARGETID", "Z"))) if 1.57 <= z <= 5]
        self.run()
        self.bad, self.gap = in_range[0], [t for t in self.bals() if t != in_range[0]][1]
        row = self.row(self.gap)
        with fits.open(self.coadd, mode="update", memmap=False) as hdus:
            ids = hdus["FIBERMAP"].data["TARGETID"].tolist()
            for camera in "BRZ":
                rest = hdus[f"{camera}_WAVELENGTH"].data / (1 + row["Z"])
                hdus[f"{camera}_IVAR"].data[ids.index(self.bad)] = 0
                hdus[f"{camera}_IVAR"].data[ids.index(self.gap), (rest > 1600) & (rest < 1630)] = 0
        self.run()
        run("split", "-q", self.bal, "--tree", self.tree, "-a", root / "z")
        self.zcat, = (root / "z").rglob("zafter-*.fits")

    def run(self):
        run("run", "-q", self.qso, "--tree", self.tree, "--templates", "builtin", "-o", self.bal, "-c")

    def rows(self):
        return table(self.bal)

    def row(self, target):
        rows = self.rows()
        return rows[rows["TARGETID"] == target][0]

    def bals(self):
        rows = self.rows()
        return rows["TARGETID"][rows["AI_CIV"] > 0].tolist()

    def plot(self, out, *options, ids=None, source=None, **how):
        chosen = ["--targetids", *ids] if ids else []
        return run("plot", *(source or ["-q", self.bal, "--tree", self.tree]), "--templates", "builtin", "-o", out, *chosen,
                   *options, **how)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("survey") / "tree")


def read_png(path):
    """Its width and height; checks every checksum, and that the pixels are there."""
    data, at, packed = path.read_bytes(), 8, b""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
            assert (depth, colour) == (8, 2)
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    assert kind == b"IEND"
    lines = np.frombuffer(zlib.decompress(packed), "u1").reshape(height, 1 + 3 * width)
    assert (lines[:, 0] <= 4).all() and lines[:, 1:].std(axis=1).max() > 1  # filters, and no empty picture
    return width, height


def pages(path):
    """The sizes of a PDF's pages."""
    data = path.read_bytes()
    assert data.startswith(b"%PDF-1.") and data.rstrip().endswith(b"%%EOF")
    start = int(re.search(rb"startxref\s+(\d+)\s+%%EOF", data)[1])
    assert data[start:].startswith(b"xref") or b"/Type /XRef" in data[start:]
    # Since 1.18 Cairo packs objects.
    streams = [zlib.decompressobj().decompress(part) for part in re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", data, re.S)]
    return [tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([^]]*)\]", b"".join([data, *streams]))]


def paths(root):
    """The paths of a picture, as (style, what they draw)."""
    for element in root.iter("{http://www.w3.org/2000/svg}path"):
        # Cairo writes attributes since 1.18, and style="..." before.
        style = element.attrib | dict(part.split(":") for part in element.get("style", "").split(";") if ":" in part)
        yield {k: v.replace(" ", "") for k, v in style.items()}, element.get("d")


def read_svg(path):
    """Its size in points, what it says, and its curves: lists of (colour, width, runs of points)."""
    root = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == space + "svg" and root.get("width").endswith("pt") and root.get("height").endswith("pt")
    curves = []
    for style, drawn in paths(root):
        if style.get("stroke-linecap") != "round":
            continue
        runs = [np.array(re.findall(r"[-\d.]+", run), float).reshape(-1, 2) for run in drawn.split("M")[1:]]
        curves.append((style["stroke"], runs))
    return (float(root.get("width")[:-2]), float(root.get("height")[:-2])), root.findtext(space + "desc"), curves


@needs_cairo
@pytest.mark.parametrize("grid, columns, rows", [("1x1", 1, 1), ("2x3", 2, 3)])
def test_formats_and_sizes(survey, tmp_path, grid, columns, rows):
    for suffix in ("png", "pdf", "svg"):
        first, again = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix.upper()}"
        n = columns * rows + (suffix == "pdf")
        for out in (first, again):
            result = survey.plot(out, "--bals", n, "--grid", grid)
            assert f"plot: {n} figure" in result.stdout and result.stderr == ""
        assert first.read_bytes() == again.read_bytes()
    size = (WIDTH * columns, HEIGHT * rows)
    assert pages(tmp_path / "a.pdf") == 2 * [(0, 0, *size)]
    assert read_svg(tmp_path / "a.svg")[0] == size
    assert read_png(tmp_path / "a.png") == tuple(int(x * PER_POINT) for x in size)


@needs_cairo
@pytest.mark.parametrize("n, columns, rows", [(1, 1, 1), (2, 2, 1), (3, 2, 2), (5, 2, 3)])
def test_a_grid_that_is_not_filled(survey, tmp_path, n, columns, rows):
    survey.plot(tmp_path / "a.svg", "--bals", n, "--grid", "2x3")
    assert read_svg(tmp_path / "a.svg")[0] == (WIDTH * columns, HEIGHT * rows)


@needs_cairo
def test_what_is_said(survey, tmp_path):
    survey.plot(tmp_path / "a.svg", "--bals", 6, "--grid", "2x3")
    text = read_svg(tmp_path / "a.svg")[1]
    said = re.split("(?=TARGETID)", text)[1:]
    assert len(said) == 6
    for target, lines in zip(survey.bals(), said):
        row = survey.row(target)
        assert f"TARGETID {target},  z = {row['Z']:.4f}\n" in lines
        assert f"AI = {row['AI_CIV']:.0f} ± {row['ERR_AI_CIV']:.0f}," in lines
        assert (f"BI = {row['BI_CIV']:.0f} ± {row['ERR_BI_CIV']:.0f}" if row["BI_CIV"] > 0 else "BI = 0") in lines
        assert f"S/N = {row['SNR_CIV']:.1f}" in lines and f"χ² = {row['PCA_CHI2']:.2f}" in lines
        n = 0
        for line, name in (("CIV", "C IV"), ("SIIV", "Si IV")):
            for kind, width in (("AI", 450), ("BI", 2000)):
                for k in range(row[f"N{line}_{width}"]):
                    vmin, vmax = row[f"VMIN_{line}_{width}"][k], row[f"VMAX_{line}_{width}"][k]
                    assert f"{name} trough of {kind}: {vmin:.0f} to {vmax:.0f} km/s\n" in lines
                    n += 1
        assert lines.count("trough of") == n > 0


@needs_cairo
@pytest.mark.parametrize("frame", ["rest", "observed"])
@pytest.mark.parametrize("smooth", [1, 7])
def test_curves_are_the_spectrum(survey, tmp_path, frame, smooth):
    """Black and vermilion curves of the upper panel are flux and continuum on the same axis, with a gap where ivar is 0."""
    z = survey.row(survey.gap)["Z"]
    begin, end = (1 + z if frame == "observed" else 1) * np.array([1500, 1650])
    survey.plot(tmp_path / "a.svg", "--frame", frame, "--smooth", smooth, "--range", f"{begin:.6f},{end:.6f}",
                "--save-data", tmp_path / "a.fits", ids=[survey.gap])
    data = table(tmp_path / "a.fits")
    x = data["WAVELENGTH"] if frame == "observed" else data["REST"]
    good = data["IVAR"] > 0
    flux = np.full(len(x), np.nan)
    for i in np.flatnonzero(good):
        near = slice(max(0, i - smooth // 2), i + smooth // 2 + 1)
        flux[i] = (data["IVAR"] * data["FLUX"])[near].sum() / data["IVAR"][near].sum()
    curves = read_svg(tmp_path / "a.svg")[2]
    assert [colour for colour, _ in curves] == ["rgb(0%,0%,0%)", "rgb(83.529412%,36.862745%,0%)", "rgb(0%,0%,0%)"]
    shown, drawn = [], []
    for (_, runs), values in zip(curves, (flux, data["CONTINUUM"], flux / data["CONTINUUM"])):
        at = begin + (np.concatenate(runs)[:, 0] - LEFT) / (RIGHT - LEFT) * (end - begin)
        nearest = np.abs(x[:, None] - at).argmin(axis=0)
        assert np.abs(x[nearest] - at).max() < 0.1 * np.diff(x).min()
        shown.append(values[nearest])
        drawn.append(np.concatenate(runs)[:, 1])
    inside = (x >= begin) & (x <= end)
    starts = np.flatnonzero(np.diff(np.r_[False, good & inside].astype(int)) == 1)
    assert len(curves[0][1]) == len(curves[2][1]) == len(starts) >= 2 and len(curves[1][1]) == 1
    assert len(shown[0]) > 0.9 * (good & inside).sum()
    for values, y in ((np.r_[shown[0], shown[1]], np.r_[drawn[0], drawn[1]]), (shown[2], drawn[2])):
        slope, offset = np.polyfit(values, y, 1)
        assert slope < 0 and np.abs(slope * values + offset - y).max() < 0.01


@needs_cairo
def test_troughs_are_shaded_where_they_are(survey, tmp_path):
    target = max(survey.bals(), key=lambda t: survey.row(t)["AI_CIV"])
    row = survey.row(target)
    survey.plot(tmp_path / "a.svg", "--range", "1400,1600", ids=[target])
    shades = [(style["fill-opacity"], *re.match(r"M ([\d.]+) \S+ L ([\d.]+) ", drawn).groups())
              for style, drawn in paths(ElementTree.parse(tmp_path / "a.svg").getroot())
              if style.get("fill") == "rgb(90.196078%,62.352941%,0%)"]
    for opacity, width in ((0.3, 450), (1, 2000)):
        n = row[f"NCIV_{width}"]
        edges = [1549 * (1 - row[f"V{end}_CIV_{width}"][:n] / 299792.458) for end in ("MAX", "MIN")]
        expected = LEFT + (np.clip(edges, 1400, 1600).T - 1400) / 200 * (RIGHT - LEFT)
        drawn = np.array([(a, b) for o, a, b in shades if float(o) == opacity], float)
        assert n > 0 and len(drawn) == 2 * n  # in both panels
        np.testing.assert_allclose(drawn, np.tile(expected[np.argsort(expected[:, 0])], (2, 1)), atol=0.02)


@needs_cairo
def test_data_are_those_of_continuum(survey, tmp_path):
    ids = survey.bals()[:3]
    for suffix in ("fits", "ecsv"):
        survey.plot(tmp_path / "a.png", "-c", "--save-data", tmp_path / f"plot.{suffix}", "--grid", "3x1", ids=ids)
        run("continuum", "-q", survey.bal, "--tree", survey.tree, "--templates", "builtin", "-o", tmp_path / f"c.{suffix}",
            "--targetids", *ids)
        assert (tmp_path / f"plot.{suffix}").read_bytes() == (tmp_path / f"c.{suffix}").read_bytes()


@needs_cairo
def test_a_coadd_file(survey, tmp_path):
    """The same figures from a file; without more, of all its targets."""
    source = ["--coadd", survey.coadd, "--zcat", survey.zcat]
    survey.plot(tmp_path / "a.svg", "--bals", 4, "--grid", "2x2")
    survey.plot(tmp_path / "b.svg", "--bals", 4, "--grid", "2x2", source=source)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    result = survey.plot(tmp_path / "all.pdf", source=source, status=PARTLY)
    n = (survey.rows()["BALMASK"] & 2 == 0).sum()
    complains(result, "plot", f"1 of {n} quasars could not be measured")
    assert len(pages(tmp_path / "all.pdf")) == n
    ids = survey.bals()[:2]
    survey.plot(tmp_path / "two.svg", "--bals", 9, "--grid", "2x1", source=source, ids=ids)
    assert read_svg(tmp_path / "two.svg")[1].count("TARGETID") == 2


@needs_cairo
def test_numbered_files(survey, tmp_path):
    survey.plot(tmp_path / "a.png", "--bals", 11)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"a-{k:02}.png" for k in range(1, 12)]
    os.remove(tmp_path / "a-01.png")
    complains(survey.plot(tmp_path / "a.png", "--bals", 11, status=UNUSABLE), "plot", "a-02.png", "exists already")
    assert not (tmp_path / "a-01.png").exists()
    survey.plot(tmp_path / "a.png", "--bals", 11, "-c")
    assert sorted(p.name for p in tmp_path.iterdir()) == names


@needs_cairo
def test_what_could_not_be_measured(survey, tmp_path):
    """A spectrum without a good pixel is a figure that says so; a target that is not there leaves the others."""
    ids = survey.bals()[:1]
    complains(survey.plot(tmp_path / "a.svg", ids=[survey.bad], status=PARTLY), "plot", "1 of 1 quasars could not be measured")
    _, text, curves = read_svg(tmp_path / "a.svg")
    assert f"TARGETID {survey.bad}" in text and re.search(r"not measured: BALSTATUS \d+", text)
    assert curves == [] or all(runs == [] for _, runs in curves)
    complains(survey.plot(tmp_path / "b.svg", ids=[5, *ids], status=PARTLY), "plot", "nothing in it of 1 of the")
    assert read_svg(tmp_path / "b.svg")[1].count("TARGETID") == 1


def lone(survey, tmp_path):
    """A catalog of quasars without BALs, and one that has no BAL columns."""
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(survey.rows()[survey.rows()["AI_CIV"] == 0], name="ZCATALOG")])
    hdus.writeto(tmp_path / "none.fits")
    return tmp_path / "none.fits"


@needs_cairo
@needs_cairo
@pytest.mark.skipif(not shutil.which("prlimit"), reason="NOTICE: there is no prlimit")
def test_a_picture_that_fails(survey, tmp_path):
    """Those before it stay, and the status says that not all was done."""
    survey.plot(tmp_path / "a.png", "--bals", 11)
    sizes = [p.stat().st_size for p in sorted(tmp_path.iterdir())]
    larger = next(k for k, size in enumerate(sizes) if size > sizes[0])
    survey.plot(tmp_path / "b.png", "--bals", 11, "--save-data", tmp_path / "b.ecsv", status=UNUSABLE,
                prefix=("prlimit", "--fsize=100"))
    result = survey.plot(tmp_path / "c.png", "--bals", 11, status=PARTLY, prefix=("prlimit", f"--fsize={max(sizes[:larger])}"))
    assert f"c-{larger + 1:02}.png: " in result.stderr and f"{larger} of 11 pictures were written" in result.stderr
    written = sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("a-"))
    assert written == [f"c-{k + 1:02}.png" for k in range(larger)]


def test_what_is_refused(survey, tmp_path):
    none, empty = lone(survey, tmp_path), tmp_path / "empty"
    shutil.copytree(survey.tree, empty, ignore=shutil.ignore_patterns("coadd-*"))
    (tmp_path / "taken.png").write_text("mine")
    source, one = ["-q", survey.bal, "--tree", survey.tree], survey.bals()[:1]
    before = sorted(tmp_path.rglob("*"))
    for out, options, *words in (
            ("a.png", [*source, "--targetids", 5], "bal.fits: none of the targets asked for is a quasar with 1.57 <= Z <= 5"),
            ("a.png", ["--coadd", survey.coadd, "--zcat", survey.zcat, "--targetids", 5], "none of the targets asked for"),
            ("a.png", ["-q", survey.bal, "--tree", tmp_path / "nowhere", "--bals", 1], "nowhere"),
            ("a.png", ["-q", survey.bal, "--tree", empty, "--bals", 1], "coadd-"),
            ("a.png", ["-q", none, "--tree", survey.tree, "--bals", 1], "none.fits: no BAL quasar (AI_CIV > 0)"),
            ("a.png", ["-q", survey.qso, "--tree", survey.tree, "--bals", 1], "qso.fits: table QSO_CAT has no column AI_CIV",
             "run and append"),
            ("a.jpg", [*source, "--bals", 1], "option -o: expected a name that ends in .png, .pdf or .svg, found '"),
            ("a", [*source, "--bals", 1], "option -o"),
            ("a.png", source, "--targetids or --bals is required"),
            ("a.png", ["--bals", 1], "expected a catalog (-q), or a coadd and its redshift catalog"),
            ("a.png", ["--coadd", survey.coadd], "--coadd and --zcat"),
            ("a.png", [*source, "--coadd", survey.coadd, "--zcat", survey.zcat], "expected a catalog (-q), or"),
            ("a.png", ["--coadd", tmp_path / "no.fits", "--zcat", survey.zcat], "no.fits"),
            ("a.png", ["--coadd", survey.coadd, "--zcat", tmp_path / "no.fits"], "no.fits"),
            ("a.png", [*source, "--bals", 1, "--grid", "2"], "option --grid", "'2'"),
            ("a.png", [*source, "--bals", 1, "--grid", "0x2"], "option --grid"),
            ("a.png", [*source, "--bals", 1, "--grid", "11x2"], "option --grid"),
            ("a.png", [*source, "--bals", 1, "--grid", "2x2x2"], "option --grid"),
            ("a.png", [*source, "--bals", 1, "--range", "1500"], "option --range", "'1500'"),
            ("a.png", [*source, "--bals", 1, "--range", "1500,1400"], "option --range"),
            ("a.png", [*source, "--bals", 1, "--range", "nan,1400"], "option --range"),
            ("a.png", [*source, "--bals", 1, "--frame", "lab"], "option --frame: expected rest or observed, found 'lab'"),
            ("a.png", [*source, "--bals", 1, "--smooth", 4], "option --smooth: expected an odd number"),
            ("a.png", [*source, "--bals", 1, "--rules", "none"], "--rules", "'none'"),
            ("a.png", [*source, "--bals", 1, "--save-data", tmp_path / "a.txt"], "a.txt"),
            ("a.png", [*source, "--bals", 1, "--save-data", tmp_path / "a.png"], "a.png: expected a name that ends in .fits or .ecsv"),
            ("taken.png", [*source, "--bals", 1], "taken.png: exists already"),
            ("no/a.png", [*source, "--targetids", *one], "there is no folder")):
        complains(run("plot", *options, "--templates", "builtin", "-o", tmp_path / out, status=UNUSABLE), "plot", *words)
        assert sorted(tmp_path.rglob("*")) == before


@needs_cairo
def test_nothing_else_needs_cairo(survey, tmp_path):
    """The program does not link it, and runs without the module."""
    if shutil.which("ldd"):
        linked = [subprocess.run(["ldd", BIN / name], check=True, capture_output=True, text=True).stdout
                  for name in ("fastbal", "fastbal_plotter.so")]
        assert not re.search("cairo|pango|libpng|freetype", linked[0]) and "cairo" in linked[1]
    shutil.copy(BIN / "fastbal", tmp_path / "fastbal")
    program = [tmp_path / "fastbal", "plot", "-q", survey.bal, "--tree", survey.tree, "--bals", "1", "-o", tmp_path / "a.png"]
    result = subprocess.run(program, capture_output=True, text=True, env=environment())
    assert result.returncode == UNUSABLE
    complains(result, "plot", "can't load the part that draws")
    done = subprocess.run([tmp_path / "fastbal", "info", survey.bal], capture_output=True, text=True, env=environment())
    assert done.returncode == 0


def test_a_build_without_it_says_what_was_missing(tmp_path):
    (tmp_path / "main.c").write_text('#include <stdio.h>\n#include "plot/figure.h"\nint main(void) { struct fb_error err; '
                                     'int none = !fb_plotter_load(&err); puts(err.text); return !none; }\n')
    if not shutil.which("cc"):
        pytest.skip("NOTICE: there is no cc")
    subprocess.run(["cc", f"-I{ROOT}", '-DFB_PLOT_MISSING="without pangocairo"', "-o", tmp_path / "main", tmp_path / "main.c",
                    ROOT / "plot" / "load.c", ROOT / "fits" / "error.c"], check=True)
    result = subprocess.run([tmp_path / "main"], check=True, capture_output=True, text=True)
    assert result.stdout.startswith("built without pangocairo: install ") and result.stdout.count("\n") == 1
