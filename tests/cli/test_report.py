"""fastbal report: what the page holds, by astropy, and what it does, in a browser.

SPDX-License-Identifier: BSD-3-Clause
"""
import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import oracle
from support import BIN, PARTLY, ROOT, SANITIZERS, UNUSABLE, complains, environment, header, run, table

MODULES = Path(os.environ.get("FASTBAL_NODE_MODULES", ROOT / "build" / "npm" / "node_modules"))
REQUIRED = os.environ.get("FASTBAL_REQUIRE_TESTS") == "1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing():
    if run("report", "none.fits", "-o", "none.txt", status=UNUSABLE).stderr.find("without the page") >= 0:
        return "this build has no page of reports (docs/report.md)"
    return None


LACKS = missing()
pytestmark = pytest.mark.skipif(LACKS is not None and not REQUIRED, reason=str(LACKS))


def page_data(path):
    """The JSON of a page, and its spectra's bytes."""
    text = Path(path).read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    spectra = re.findall(r'<script type="text/plain" id="spectrum-(\d+)">([A-Za-z0-9+/=]*)</script>', text)
    assert [int(k) for k, _ in spectra] == list(range(len(spectra)))
    return json.loads(found[1]), [base64.b64decode(s) for _, s in spectra]


class Survey:
    def __init__(self, root):
        self.root, self.tree, self.qso, self.out = root, root / "redux" / "sim", root / "qso.fits", root / "bal.fits"
        run("simulate", root, "--pixels", 1, "--quasars", 120, "--others", 3, "--no-resolution", "--seed", 8, "--bal-fraction", 0.6, "-c")
        run("run", "-q", self.qso, "--tree", self.tree, "--templates", "builtin", "-o", self.out)
        self.coadd, = self.tree.rglob("coadd-*.fits")
        self.catalog = table(self.out)
        measured = self.catalog["BALMASK"] == 0
        self.bals = np.flatnonzero(measured & ((self.catalog["AI_CIV"] > 0) | (self.catalog["BI_CIV"] > 0)))
        self.page = self.write(root / "page.html")

    def write(self, path, *options, catalog=None, tree=True, **how):
        run("report", catalog or self.out, *(["--tree", self.tree] if tree else []), "-o", path, *options, **how)
        return path


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("report") / "tree")


def changed(survey, path, change):
    """A copy of the catalog with another table, or header."""
    with fits.open(survey.out, memmap=False) as hdus:
        hdus[1] = change(hdus[1]) or hdus[1]
        hdus.writeto(path)
    return path


# ---- data ----

def bins(values, edges):
    inside = (values >= edges[0]) & (values < edges[-1])
    return np.histogram(values[inside], edges)[0].tolist(), int((~inside).sum())


def test_counts_and_histograms(survey):
    data, _ = page_data(survey.page)
    c = survey.catalog
    measured = c["BALMASK"] == 0
    ai, bi = measured & (c["AI_CIV"] > 0), measured & (c["BI_CIV"] > 0)
    assert (data["rows"], data["measured"], data["ai"], data["bi"]) == (len(c), measured.sum(), ai.sum(), bi.sum())
    assert data["bals"] == len(survey.bals) >= 20 and sum(n for _, n in data["not_measured"]) == (~measured).sum() > 0
    whole = {"z": "Z", "snr": "SNR_CIV", "chi2": "PCA_CHI2"}
    for key, name in whole.items():
        h = data["histograms"][key]
        edges = np.array(h["edges"])
        for k, (series, rows) in enumerate({"measured": measured, "ai": ai, "bi": bi}.items()):
            assert (h[series], h["outside"][k]) == bins(c[name][rows].astype(float), edges), (key, series)
    for key, name, rows, series in (("ai", "AI_CIV", ai, 1), ("bi", "BI_CIV", bi, 2), ("depth", "DEPTH_CIV", ai, 1)):
        h = data["histograms"][key]
        assert (h[("measured", "ai", "bi")[series]], h["outside"][series]) == bins(c[name][rows].astype(float), np.array(h["edges"]))
    vmin, vmax = (c[f"{name}_CIV_450"][ai].astype(float) for name in ("VMIN", "VMAX"))
    there = vmin > 0
    for key, values in (("vmin", vmin[there]), ("vmax", vmax[there]), ("width", vmax[there] - vmin[there])):
        h = data["histograms"][key]
        assert (h["ai"], h["outside"][1]) == bins(values, np.array(h["edges"]))


def test_fractions_are_wilsons(survey):
    """The ends of the interval are the fractions that lie one standard deviation from what was found."""
    h = page_data(survey.page)[0]["histograms"]
    compared = 0
    for key in ("z", "snr"):
        for series in ("ai", "bi"):
            for k, n, (value, low, high) in zip(h[key][series], h[key]["measured"], h[key][f"{series}_fraction"]):
                if n == 0:
                    assert (value, low, high) == (None, None, None)
                    continue
                assert value == pytest.approx(k / n, rel=1e-12) and 0 <= low <= value <= high <= 1
                for end in (low, high):
                    assert (value - end) ** 2 == pytest.approx(end * (1 - end) / n, rel=1e-6, abs=1e-12)
                compared += 1
    assert compared > 30


def test_sky(survey):
    data, _ = page_data(survey.page)
    c = survey.catalog[survey.catalog["BALMASK"] == 0]
    size = data["sky_cell"]
    expected = {}
    for ra, dec, ai in zip(c["TARGET_RA"], c["TARGET_DEC"], c["AI_CIV"]):
        cell = (int(ra // size * size), int((dec + 90) // size * size - 90))
        n, bals = expected.get(cell, (0, 0))
        expected[cell] = (n + 1, bals + int(ai > 0))
    assert {(a, b): (n, k) for a, b, n, k in data["sky"]} == expected


def test_rows(survey):
    q = page_data(survey.page)[0]["quasars"]
    rows = survey.catalog[survey.bals]
    assert q["row"] == survey.bals.tolist() and q["TARGETID"] == [str(t) for t in rows["TARGETID"]]
    for name in ("Z", "TARGET_RA", "TARGET_DEC", "SNR_CIV", "AI_CIV", "ERR_AI_CIV", "BI_CIV", "DEPTH_CIV", "EW_CIV", "PCA_CHI2", "BAL_PROB", "BALSTATUS"):
        np.testing.assert_array_equal(np.array(q[name], rows[name].dtype), rows[name])
    lines = 0
    for row, troughs in zip(rows, q["troughs"]):
        expected = []
        for k, line in enumerate(("CIV", "SIIV")):
            for vmin, vmax in zip(row[f"VMIN_{line}_450"], row[f"VMAX_{line}_450"]):
                expected += [k, vmin, vmax] if vmin > 0 and row["AI_CIV"] > 0 else []
            lines += row["AI_SIIV"] > 0
        np.testing.assert_array_equal(np.array(troughs, "f4"), np.array(expected, "f4"))
    assert lines > 0


def test_provenance(survey):
    said = dict(page_data(survey.page)[0]["provenance"])
    head = header(survey.out)
    for words, key in (("templates", "QSOTEMPS"), ("fit", "BALFIT"), ("rules", "BALRULES"), ("continuum", "BALCONT"), ("specprod", "BALPROD")):
        assert said[words] == head[key]
    assert said["options"] == head["BALOPTS"] and said["fastbal"]


def as_held(wave, flux, ivar, level, z):
    """A spectrum as pages hold it: pixels up to 1720 A at rest, bins of 4 beyond; and how many are pixels."""
    full = int((wave <= 1720 * (1 + z)).sum())
    full += (len(wave) - full) % 4
    weight = np.where(np.isfinite(flux), ivar, 0).clip(0)
    four = [x[full:].reshape(-1, 4) for x in (wave, np.where(weight > 0, flux * weight, 0), weight, level)]
    total = four[2].sum(axis=1)
    means = np.divide(four[1].sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    beyond = four[0].mean(axis=1), means, total, four[3][:, 1:3].mean(axis=1)
    return full, *(np.concatenate((x[:full], y)) for x, y in zip((wave, flux, weight, level), beyond))


def spectra_of(survey):
    """Of each spectrum of the page what numpy reads and the continuum command writes, as the page should hold it."""
    data, blobs = page_data(survey.page)
    fibermap, (wave, flux, ivar) = oracle.read_spectra(survey.coadd)
    ids = [data["quasars"]["TARGETID"][s["quasar"]] for s in data["spectra"]]
    run("continuum", "-q", survey.qso, "--tree", survey.tree, "--templates", "builtin", "-o", survey.root / "c.fits", "-c", "--targetids", *ids)
    pixels = table(survey.root / "c.fits", "CONTINUUM")
    row = {int(t): k for k, t in enumerate(fibermap["TARGETID"])}
    for k, (about, blob, target) in enumerate(zip(data["spectra"], blobs, ids)):
        z = data["quasars"]["Z"][about["quasar"]]
        here = pixels["TARGETID"] == int(target)
        level = np.interp(wave, pixels["WAVELENGTH"][here], pixels["CONTINUUM"][here], np.nan, np.nan)
        inside = (wave >= 1261 * (1 + z)) & (wave <= 2399 * (1 + z)) & np.isfinite(level)
        mine = (x[row[int(target)]][inside] for x in (flux, ivar))
        yield about, blob, *as_held(wave[inside], *mine, level[inside], z), k, z


def test_spectra(survey):
    compared = 0
    for about, blob, full, wave, flux, ivar, level, _, _ in spectra_of(survey):
        n = about["n"]
        assert n == len(wave) and about["full"] == full and 0 < full < n
        place, at = np.arange(n), np.union1d(np.arange(0, full, 4), np.arange(full, n))  # at: points with a continuum
        points = len(at)
        assert len(blob) == 2 * n + 2 * points + n
        place = np.where(place < full, place, full + 4 * (place - full) + 1.5)
        np.testing.assert_allclose(about["first"] + about["step"] * place, wave, atol=1e-3)
        values = np.frombuffer(blob, "<i2", n)
        good = (ivar > 0) & np.isfinite(flux)
        np.testing.assert_array_equal(values != -32768, good)
        drawn, error = values * about["flux"], 1 / np.sqrt(ivar[good])
        clipped = np.abs(values) == 32767
        assert clipped.sum() <= 1 + 0.01 * n and about["flux"] <= np.median(error)
        np.testing.assert_allclose(drawn[good & ~clipped], flux[good & ~clipped], atol=0.51 * about["flux"])
        level_bytes = np.frombuffer(blob, "u1", n, 2 * n + 2 * points).astype(float)
        np.testing.assert_array_equal(level_bytes > 0, good)
        np.testing.assert_allclose(about["error"] * 2 ** ((level_bytes[good] - 255) / 16), error, rtol=0.023)
        # the middle of a bin lies between pixels, where templates may bend
        off = np.abs(np.frombuffer(blob, "<i2", points, 2 * n) * about["continuum"] - level[at]) / np.abs(level).max()
        assert (off <= np.where(at < full, 1e-4, 4e-4)).all()
        compared += 1
    assert compared == len(survey.bals)


def test_a_limit_takes_bals_evenly(survey, tmp_path):
    data, _ = page_data(survey.write(tmp_path / "p.html", "--spectra", 7))
    n = len(survey.bals)
    assert sorted(s["quasar"] for s in data["spectra"]) == [k * n // 7 for k in range(7)] and data["asked"] == 7
    assert len(data["quasars"]["TARGETID"]) == n


def test_chosen_targets(survey, tmp_path):
    """Also one that is no BAL."""
    plain = survey.catalog["TARGETID"][(survey.catalog["BALMASK"] == 0) & (survey.catalog["AI_CIV"] == 0) & (survey.catalog["BI_CIV"] == 0)][0]
    ids = {int(plain), int(survey.catalog["TARGETID"][survey.bals[3]])}
    data, _ = page_data(survey.write(tmp_path / "p.html", "--targetids", *ids))
    q = data["quasars"]
    assert {int(q["TARGETID"][s["quasar"]]) for s in data["spectra"]} == ids
    assert dict(zip(q["TARGETID"], q["bal"]))[str(plain)] == 0 and sum(q["bal"]) == len(survey.bals)


def test_it_measures_as_the_catalog_says(survey, tmp_path):
    run("run", "-q", survey.qso, "--tree", survey.tree, "--templates", "builtin", "-o", tmp_path / "o.fits", "--rules", "fastbal", "--fit", "simplex")
    data, _ = page_data(survey.write(tmp_path / "p.html", catalog=tmp_path / "o.fits"))
    q = data["quasars"]
    for s in data["spectra"]:
        assert np.float32(s["ai"]) == np.float32(q["AI_CIV"][s["quasar"]])
    other, _ = page_data(survey.write(tmp_path / "p.html", "-c", "--fit", "exact", "--rules", "main", catalog=tmp_path / "o.fits"))
    assert any(np.float32(s["ai"]) != np.float32(q["AI_CIV"][s["quasar"]]) for s in other["spectra"])


def test_other_templates_are_told_of(survey, tmp_path):
    def rename(hdu):
        hdu.header["TEMPSUM"] = "12345678"
    catalog = changed(survey, tmp_path / "c.fits", rename)
    result = run("report", catalog, "--tree", survey.tree, "-o", tmp_path / "p.html", "--spectra", 1)
    complains(result, "report", catalog, "templates", "troughs may differ")


def test_the_same_bytes_again(survey, tmp_path):
    assert survey.write(tmp_path / "p.html").read_bytes() == survey.page.read_bytes()


def test_verdicts_belong_to_the_catalog(survey, tmp_path):
    def move(hdu):
        hdu.data["AI_CIV"][5] += 1
    shutil.copy(survey.out, tmp_path / "copy.fits")
    ids = [page_data(survey.write(tmp_path / f"{k}.html", "--spectra", 0, catalog=c))[0]["id"]
           for k, c in enumerate((survey.out, tmp_path / "copy.fits", changed(survey, tmp_path / "m.fits", move)))]
    assert ids[0] == ids[1] != ids[2]


# ---- catalogs that lack something ----

def test_without_a_tree(survey, tmp_path):
    result = run("report", survey.out, "-o", tmp_path / "p.html")
    assert "0 spectra (no tree was given" in result.stdout
    data, spectra = page_data(tmp_path / "p.html")
    assert spectra == [] and data["spectra"] == [] and "No tree of spectra was given" in data["note"]
    assert len(data["quasars"]["TARGETID"]) == len(survey.bals)


def test_missing_files(survey, tmp_path):
    empty = tmp_path / "redux" / "sim"
    shutil.copytree(survey.tree, empty)
    for path in empty.rglob("coadd-*.fits"):
        path.rename(path.with_name("coadd-main-dark-1.fits"))
    result = run("report", survey.out, "--tree", empty, "-o", tmp_path / "p.html", status=PARTLY)
    assert survey.coadd.name in result.stderr and f"{len(survey.bals)} of {len(survey.bals)} spectra are missing" in result.stderr
    assert "1 file could not be read" in page_data(tmp_path / "p.html")[0]["note"]


@pytest.mark.parametrize("what", ["no rows", "no BALs"])
def test_empty_catalogs(survey, tmp_path, what):
    catalog = empty_catalog(survey, tmp_path, what)
    data, spectra = page_data(survey.write(tmp_path / "p.html", catalog=catalog))
    assert data["rows"] == (0 if what == "no rows" else len(survey.catalog))
    assert data["bals"] == data["ai"] == 0 and data["quasars"]["TARGETID"] == [] and spectra == []


def empty_catalog(survey, folder, what):
    def change(hdu):
        if what == "no rows":
            hdu.data = hdu.data[:0]
        else:
            hdu.data["AI_CIV"] = hdu.data["BI_CIV"] = 0
    return changed(survey, folder / f"{what.replace(' ', '-')}.fits", change)


def without(hdu, names):
    columns = [c for c in hdu.columns if c.name not in names]
    return fits.BinTableHDU.from_columns(fits.ColDefs(columns), name="ZCATALOG")


def test_optional_columns(survey, tmp_path):
    """As older catalogs are."""
    names = {"SNR_CIV", "DEPTH_CIV", "EW_CIV", "BALSTATUS", "TARGET_RA", "PCA_CHI2", "ERR_AI_CIV"}
    data, _ = page_data(survey.write(tmp_path / "p.html", tree=False, catalog=changed(survey, tmp_path / "c.fits", lambda h: without(h, names))))
    assert not names & set(data["quasars"]) and {"snr", "depth", "chi2"}.isdisjoint(data["histograms"])
    assert data["bals"] == len(survey.bals) and data["sky"] == [] and data["provenance"] == []


@pytest.mark.parametrize("name, words", [("AI_CIV", "expected a catalog with BAL columns"), ("BI_CIV", "BI_CIV"), ("VMIN_CIV_450", "VMIN_CIV_450"),
                                         ("Z", "Z"), ("TARGETID", "TARGETID")])
def test_needed_columns(survey, tmp_path, name, words):
    catalog = changed(survey, tmp_path / "c.fits", lambda h: without(h, {name}))
    complains(run("report", catalog, "-o", tmp_path / "p.html", status=UNUSABLE), "report", catalog, words)
    assert not (tmp_path / "p.html").exists()


def test_outputs(survey, tmp_path):
    survey.write(tmp_path / "p.html", tree=False)
    before = (tmp_path / "p.html").read_bytes()
    complains(run("report", survey.out, "-o", tmp_path / "p.html", status=UNUSABLE), "report", "exists already")
    complains(run("report", survey.out, "-o", tmp_path / "p.fits", status=UNUSABLE), "report", "p.fits", ".html")
    complains(run("report", survey.out, "-o", tmp_path / "no" / "p.html", status=UNUSABLE), "report", "no")
    complains(run("report", survey.out, "--tree", tmp_path / "none", "-o", tmp_path / "q.html", status=UNUSABLE), "report", "none")
    complains(run("report", tmp_path / "none.fits", "-o", tmp_path / "q.html", status=UNUSABLE), "report", "none.fits")
    survey.write(tmp_path / "p.html", "--clobber", tree=False)
    assert (tmp_path / "p.html").read_bytes() == before and {p.name for p in tmp_path.iterdir()} == {"p.html"}


ODD = "</script><script>window.broken = 1</script><!-- <img src=x onerror='window.broken=2'>"


def odd_catalog(survey, folder):
    """TARGETIDs beyond what doubles hold, of either sign, and texts that look like markup."""
    def change(hdu):
        hdu.header["BALOPTS"] = ODD[:60]
        hdu.header["QSOTEMPS"] = ODD
        hdu.data["TARGETID"][survey.bals[:3]] = [2**63 - 1, -(2**63) + 1, -7]
    (folder / "<b>&amp;\"odd").mkdir()
    return changed(survey, folder / "<b>&amp;\"odd" / "c'.fits", change)


def test_odd_contents(survey, tmp_path):
    path = survey.write(tmp_path / "p.html", tree=False, catalog=odd_catalog(survey, tmp_path))
    data, _ = page_data(path)
    assert data["quasars"]["TARGETID"][:3] == [str(2**63 - 1), str(-(2**63) + 1), "-7"]
    assert dict(data["provenance"])["templates"] == ODD and "window.broken = 1</script>" not in path.read_text()
    assert data["catalog"].endswith("<b>&amp;\"odd/c'.fits")


def test_the_page_needs_nothing_else(survey):
    text = re.sub(r"<script type=\"(application/json|text/plain)\".*?</script>", "", survey.page.read_text(), flags=re.S)
    assert re.findall(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=(?!\"data:)", text) == []
    assert "Leon Sorokin" in text and "Permission is hereby granted" in text  # uPlot's licence
    assert "@" not in re.sub(r"<style>.*?</style>", "", text[:1500], flags=re.S)  # no mark was left


def configure(folder, *options):
    """What CMake says of reports, and what it makes of the page."""
    result = subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-DBUILD_TESTING=OFF", "-DFASTBAL_MPI=OFF", *options], capture_output=True,
                            text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    lacks = re.search(r'fb_page_lacks\[\] = "(.*)"', (folder / "report_page.c").read_text())[1]
    said = [line for line in result.stdout.splitlines() if "fastbal report is left out" in line]
    return said, lacks


def test_builds_without_uplot(tmp_path):
    """CMake says what is missing, and the program has the same words; with a folder nothing is missing."""
    for uplot, words in (("OFF", "FASTBAL_UPLOT=OFF"), (tmp_path, f"uPlot.iife.min.js of uPlot was not found in {tmp_path}")):
        said, lacks = configure(tmp_path / "build", f"-DFASTBAL_UPLOT={uplot}")
        assert words in lacks and len(said) == 1 and lacks in said[0]
    if (MODULES / "uplot").exists():
        assert configure(tmp_path / "build", f"-DFASTBAL_UPLOT={MODULES / 'uplot'}") == ([], "")


# ---- in a browser ----

def browser_lacks():
    if SANITIZERS:
        return "sanitizers see nothing of the page"
    return ("there is no chromium" if not CHROMIUM else "there is no node" if not shutil.which("node") else
            f"there is no playwright-core in {MODULES} (npm ci in report/page)" if not (MODULES / "playwright-core").exists() else None)


def in_browser(scenario, **asked):
    lacks = browser_lacks()
    if lacks:
        (pytest.fail if REQUIRED and not SANITIZERS else pytest.skip)(lacks)
    env = environment(NODE_PATH=MODULES, HOME=os.environ.get("HOME", "/tmp"))
    result = subprocess.run(["node", ROOT / "tests" / "browser" / "report.js", CHROMIUM, scenario], input=json.dumps(asked, default=str),
                            env=env, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr


def ids_of(survey, rows):
    return [str(t) for t in survey.catalog["TARGETID"][rows]]


def order_of(survey, values):
    """Largest first; equal ones in the order of the catalog."""
    return ids_of(survey, survey.bals[np.argsort(-values[survey.bals].astype(float), kind="stable")])


def test_browser_sorts(survey):
    c = survey.catalog
    width = np.max(np.where(c["VMIN_CIV_450"] > 0, c["VMAX_CIV_450"].astype(float) - c["VMIN_CIV_450"], -1), axis=1)
    orders = [("AI", order_of(survey, c["AI_CIV"])), ("Z", order_of(survey, c["Z"])), ("WIDTH", order_of(survey, width))]
    in_browser("sorts", file=survey.page, catalog_order=ids_of(survey, survey.bals), orders=orders,
               by_targetid=sorted(ids_of(survey, survey.bals), key=int))


def test_browser_filters(survey):
    c, bals = survey.catalog, survey.bals
    some = str(c["TARGETID"][bals[2]])
    filters = [("AI > 500", bals[c["AI_CIV"][bals] > 500]), ("ai_civ>=500 z<2.4", bals[(c["AI_CIV"][bals] >= 500) & (c["Z"][bals] < 2.4)]),
               (some, bals[c["TARGETID"][bals] == int(some)]), ("BI = 0", bals[c["BI_CIV"][bals] == 0]), ("SNR <= 1e1", bals[c["SNR_CIV"][bals] <= 10])]
    assert all(0 < len(rows) < len(bals) for _, rows in filters)
    in_browser("filters", file=survey.page, total=len(bals), catalog_order=ids_of(survey, bals),
               filters=[(text, ids_of(survey, rows)) for text, rows in filters])


def test_browser_zooms(survey):
    in_browser("zooms", file=survey.page)


def test_browser_judges(survey, tmp_path):
    def move(hdu):
        hdu.data["AI_CIV"][5] += 1
    other = survey.write(tmp_path / "other.html", "--spectra", 3, catalog=changed(survey, tmp_path / "m.fits", move))
    again = survey.write(tmp_path / "again.html", "--spectra", 1000)
    note = 'jkbnu, "wide" trough'
    lines = ["TARGETID,ROW,Z,AI_CIV,BI_CIV,VERDICT,NOTE"]
    data, _ = page_data(survey.page)
    for k, verdict, text in ((0, "BAL", ""), (1, "not BAL", '"jkbnu, ""wide"" trough"'), (3, "unsure", "")):
        numbers = [str(data["quasars"][name][k]).removesuffix(".0") for name in ("Z", "AI_CIV", "BI_CIV")]
        lines.append(",".join([str(survey.catalog["TARGETID"][survey.bals[k]]), str(survey.bals[k]), *numbers, verdict, text]))
    in_browser("judges", file=survey.page, other=other, again=again, note=note, csv="\n".join(lines) + "\n",
               catalog_order=ids_of(survey, survey.bals))


def test_browser_by_keyboard_alone(survey):
    in_browser("keyboard", file=survey.page, catalog_order=ids_of(survey, survey.bals))


def test_browser_light_and_dark(survey):
    in_browser("schemes", file=survey.page)


def test_browser_draws_the_spectra(survey):
    spectra = []
    for about, _, full, wave, flux, ivar, level, number, z in spectra_of(survey):
        error = [1 / np.sqrt(w) if w > 0 else None for w in ivar]
        if (np.abs(flux[ivar > 0]) <= 32767 * about["flux"]).all():  # none of them is cut
            spectra.append({"number": number, "full": full, "rest": (wave / (1 + z)).tolist(), "flux": flux.tolist(), "error": error,
                            "continuum": level.tolist(), "scale": float(np.abs(level).max()), "coarse": about["flux"]})
    row = survey.catalog[survey.bals[0]]
    ranges = [[line * (1 - v / 299792.458) for v in (vmax, vmin)] for name, line in (("CIV", 1549), ("SIIV", 1398))
              for vmin, vmax in zip(row[f"VMIN_{name}_450"].astype(float), row[f"VMAX_{name}_450"].astype(float)) if vmin > 0]
    assert len(spectra) >= 5 and ranges
    in_browser("decodes", file=survey.page, spectra=spectra[:8], ranges=ranges)


def test_browser_opens_what_has_little_to_show(survey, tmp_path):
    none, rows = (survey.write(tmp_path / f"{k}.html", catalog=empty_catalog(survey, tmp_path, what)) for k, what in enumerate(("no BALs", "no rows")))
    bare = survey.write(tmp_path / "bare.html", tree=False)
    few = survey.write(tmp_path / "few.html", "--spectra", 4)
    in_browser("opens", pages=[{"file": none, "overview": "There are no BALs", "inspector": "The catalog has no BALs", "listed": 0},
                               {"file": rows, "overview": "The catalog has no rows", "inspector": "The catalog has no BALs", "listed": 0},
                               {"file": bare, "overview": "measured", "inspector": "No tree of spectra was given", "listed": len(survey.bals)},
                               {"file": few, "overview": "measured", "inspector": f"4 of {len(survey.bals)} have their spectrum", "listed": 4}])
    odd = survey.write(tmp_path / "odd.html", tree=False, catalog=odd_catalog(survey, tmp_path))
    in_browser("opens", text=ODD, pages=[{"file": odd, "overview": "measured", "inspector": str(2**63 - 1), "listed": len(survey.bals)}])


def test_targets_without_a_tree(survey, tmp_path):
    result = run("report", survey.out, "-o", tmp_path / "p.html", "--targetids", int(survey.catalog["TARGETID"][0]), status=UNUSABLE,
                 env=environment())
    complains(result, "report", "--targetids", "--release or --tree")
    assert not (tmp_path / "p.html").exists()
