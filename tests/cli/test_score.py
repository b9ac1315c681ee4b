"""fastbal score: every figure beside an independent computation, and hand-made catalogs with known answers.

SPDX-License-Identifier: BSD-3-Clause
"""
import json
import math
import os
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from support import LIGHT, SANITIZERS, SEED, UNUSABLE, complains, run, run_for_peak, table

INF = math.inf
BINS = {
    "all": [-INF, INF],
    "SNR_CIV": [-INF, 1, 2, 4, 8, INF],
    "AI_CIV": [-INF, 200, 500, 1000, 2000, INF],
    "WIDTH": [-INF, 1000, 2000, 4000, INF],
    "VELOCITY": [-INF, 3000, 8000, 15000, INF],
    "Z": [-INF, 2, 2.5, 3, 3.5, INF],
    "BAL_PROB": [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, INF],
    "PURITY": [0.9, 0.95, 0.99, INF],
}
STATES = ("out_of_range", "no_bal_table", "redshift_differs", "not_measured", "low_signal", "bad_fit", "negative_model",
          "searched")


# ---- the score in plain numpy ----

def bin_of(by, value):
    edges, value = np.float32(BINS[by]), np.float32(value)
    for k in range(len(edges) - 1):
        if edges[k] <= value < edges[k + 1]:
            return k
    return None


def wilson(k, n):
    """Where (k/n - p)^2 = p (1 - p) / n."""
    return sorted(np.roots([n + 1, -(2 * k + 1), k * k / n]).real) if n else [None, None]


def troughs(row, kind, index):
    if not row[index] > 0:
        return []
    pairs = zip(row[f"VMIN_{kind}_450"], row[f"VMAX_{kind}_450"])
    return [tuple(sorted((float(a), float(b)))) for a, b in pairs if a > 0 and b > 0]


def shared(a, b):
    overlap = min(a[1], b[1]) - max(a[0], b[0])
    return overlap if overlap > 0 and overlap >= min(a[1] - a[0], b[1] - b[0]) / 2 else 0


def nearest(one, others):
    sizes = [shared(one, other) for other in others]
    if not sizes or max(sizes) == 0:
        return None
    return min((k for k, size in enumerate(sizes) if size == max(sizes)), key=lambda k: others[k][0])


def state(row):
    mask, status = int(row["BALMASK"]), int(row["BALSTATUS"])
    if mask & 2:
        return "out_of_range"
    if mask & 1 or status == -1:
        return "no_bal_table"
    if mask & 4:
        return "redshift_differs"
    if mask or status & (1 | 2 | 4 | 64 | 128 | 1024):
        return "not_measured"
    if row["AI_CIV"] > 0:
        return "searched"
    return "low_signal" if status & 16 else "bad_fit" if status & 256 else "negative_model" if status & 512 else "searched"


class Expected:
    """{(catalog, table, subject, figure, by, bin): (part, of, value, lower, upper)}"""

    def __init__(self):
        self.figures = {}

    def share(self, key, hits):
        k, n = int(sum(hits)), len(hits)
        self.figures[key] = (k, n, k / n if n else None, *wilson(k, n))

    def value(self, key, n, *values):
        values = [*values, None, None, None][:3]
        self.figures[key] = (None, n, *values)

    def shares(self, where, figure, axes, entries):
        """entries: [(hit, {axis: value})]"""
        for by in axes:
            for k in range(len(BINS[by]) - 1):
                hits = [hit for hit, at in entries if by == "all" or bin_of(by, at[by]) == k]
                self.share((*where, figure, by, k), hits)

    def quantiles(self, where, entries):
        """entries: [(value, snr)]"""
        for by in ("all", "SNR_CIV"):
            for k in range(len(BINS[by]) - 1):
                values = [v for v, snr in entries if by == "all" or bin_of(by, snr) == k]
                self.value((*where, "median", by, k), len(values),
                           *(np.quantile(values, [0.5, 0.16, 0.84]) if values else ()))


def quasars_of(catalog, truth, kind="simulation"):
    """What is known of each quasar that can be compared."""
    real = {int(row["TARGETID"]): row for row in truth}
    quasars = []
    for row in sorted(catalog, key=lambda r: int(r["TARGETID"])):
        t = real.get(int(row["TARGETID"]))
        if t is None and kind != "mock":
            continue
        q = SimpleNamespace(id=int(row["TARGETID"]), state=state(row), z=float(row["Z"]), p=float(row["BAL_PROB"]))
        q.measured = STATES.index(q.state) >= 4
        q.ai, q.bi = (float(row["AI_CIV"]), float(row["BI_CIV"])) if q.measured else (0, 0)
        q.true_ai, q.true_bi = (float(t["AI_CIV"]), float(t["BI_CIV"])) if t is not None else (0, 0)
        q.found = troughs(row, "CIV", "AI_CIV") if q.ai > 0 else []
        q.snr = float(row["SNR_CIV"]) if q.measured else math.nan
        q.real, q.all = [], []
        if t is not None:
            shift = LIGHT * (q.z - float(t["Z"])) / (1 + float(t["Z"]))
            q.width = [b - a for a, b in troughs(t, "CIV", "AI_CIV")]
            q.real = [(a + shift, b + shift) for a, b in troughs(t, "CIV", "AI_CIV")]
            if kind == "simulation":
                q.all = [(a + shift, b + shift) for a, b in troughs(t, "ALL", "AI_ALL")]
                q.snr = q.snr if q.measured else float(t["SNR_CIV"])
        q.absorption = q.true_ai > 0 or (kind == "simulation" and t["AI_ALL"] > 0)
        q.recovered = [nearest(r, q.found) is not None for r in q.real]
        quasars.append(q)
    return quasars


def expect_shares(e, name, quasars, has_all):
    inside = [q for q in quasars if q.state != "out_of_range"]
    axes = ("all", "SNR_CIV", "AI_CIV", "Z")
    for index in ("AI", "BI"):
        where = (name, "quasars", index)

        def found(q):
            return q.ai if index == "AI" else q.bi

        def true(q):
            return q.true_ai if index == "AI" else q.true_bi

        at = [(q, {"SNR_CIV": q.snr, "AI_CIV": q.true_ai, "Z": q.z}) for q in inside if true(q) > 0]
        e.shares(where, "completeness", axes, [(found(q) > 0, a) for q, a in at])
        e.shares(where, "completeness_searched", axes, [(found(q) > 0, a) for q, a in at if q.state == "searched"])
        at = [(q, {"SNR_CIV": q.snr, "AI_CIV": q.ai, "Z": q.z}) for q in inside if found(q) > 0]
        e.shares(where, "purity", axes, [(true(q) > 0, a) for q, a in at])
        if index == "BI":
            e.shares(where, "purity_outflow", axes, [(q.true_ai > 0, a) for q, a in at])
        if has_all:
            e.shares(where, "purity_absorption", axes, [(q.absorption, a) for q, a in at])
        e.quantiles((name, "ratios", index), [(found(q) / true(q), q.snr) for q in inside if found(q) > 0 and true(q) > 0])


def expect_troughs(e, name, quasars, has_all):
    axes = ("all", "SNR_CIV", "WIDTH", "VELOCITY", "Z")
    where = (name, "troughs", "CIV_450")

    def at(q, trough, width=None):
        return {"SNR_CIV": q.snr, "WIDTH": trough[1] - trough[0] if width is None else width, "VELOCITY": sum(trough) / 2, "Z": q.z}

    inside = [q for q in quasars if q.state != "out_of_range"]
    true = [(q, hit, at(q, r, width)) for q in inside if q.real for r, width, hit in zip(q.real, q.width, q.recovered)]
    found = [(q, f) for q in inside for f in q.found]
    e.shares(where, "completeness", axes, [(hit, a) for q, hit, a in true])
    e.shares(where, "completeness_searched", axes, [(hit, a) for q, hit, a in true if q.state == "searched"])
    outflow = [nearest(f, q.real) is not None for q, f in found]
    e.shares(where, "purity", axes, [(hit, at(q, f)) for (q, f), hit in zip(found, outflow)])
    if has_all:
        e.shares(where, "purity_absorption", axes,
                 [(hit or nearest(f, q.all) is not None, at(q, f)) for (q, f), hit in zip(found, outflow)])
    edges = []
    for q in inside:
        for k, r in enumerate(q.real):
            partner = nearest(r, q.found)
            if partner is not None and nearest(q.found[partner], q.real) == k:
                edges.append((q.snr, q.found[partner][0] - r[0], q.found[partner][1] - r[1]))
    e.quantiles((name, "edges", "VMIN"), [(lo, snr) for snr, lo, hi in edges])
    e.quantiles((name, "edges", "VMAX"), [(hi, snr) for snr, lo, hi in edges])


def expect_ranking(e, name, quasars):
    measured = [q for q in quasars if q.measured]
    filled = any(q.p > 0 for q in measured)
    where = (name, "ranking", "BAL_PROB" if filled else "AI_CIV")
    value = np.array([max(q.p, 0) if filled else q.ai for q in measured])
    real = np.array([q.true_ai > 0 for q in measured])
    snr = np.array([bin_of("SNR_CIV", q.snr) for q in measured])
    if filled:
        bins = np.array([bin_of("BAL_PROB", v) for v in value])
        for k in range(10):
            e.share((*where, "reliability", "BAL_PROB", k), real[bins == k])
            e.value((*where, "mean", "BAL_PROB", k), (bins == k).sum(), *([value[bins == k].mean()] if k in bins else []))
        for by, cuts in (("all", [snr > -1]), ("SNR_CIV", [snr == k for k in range(5)])):
            for k, cut in enumerate(cuts):
                gaps = [(cut & (bins == b)).sum() * abs(value[cut & (bins == b)].mean() - real[cut & (bins == b)].mean())
                        for b in range(10) if (cut & (bins == b)).any()]
                e.value((*where, "ece", by, k), cut.sum(), *([sum(gaps) / cut.sum()] if cut.any() else []))
    difference = value[real][:, None] - value[~real][None, :]
    e.value((*where, "roc_auc", "all", 0), len(value),
            *([((difference > 0) + 0.5 * (difference == 0)).mean()] if difference.size else []))
    e.value((*where, "average_precision", "all", 0), len(value),
            *([np.mean([real[value >= v].mean() for v in value[real]])] if real.any() else []))
    for k, least in enumerate((0.9, 0.95, 0.99)):
        cuts = [v for v in np.unique(value[value > 0]) if real[value >= v].mean() >= least]
        taken = value >= cuts[0] if cuts else value < -1
        e.value((*where, "threshold", "PURITY", k), taken.sum(), *cuts[:1])
        e.share((*where, "completeness", "PURITY", k), list(taken[real]))


def expect_rows(e, name, quasars, counts):
    for figure in ("repeated", "repeated_in_truth", "only_in_catalog", "only_in_truth", "not_searched_in_truth"):
        e.value((name, "rows", "rows", figure, "all", 0), counts.get(figure, 0))
    groups = {"compared": quasars, "in_range": [q for q in quasars if q.state != "out_of_range"]}
    groups |= {s: [q for q in quasars if q.state == s] for s in STATES}
    for figure, group in groups.items():
        e.share((name, "rows", "quasars", figure, "all", 0), [q.true_ai > 0 for q in group])


def expect_pairs(e, a, b, has_all):
    others = {q.id: q for q in b}
    both = [(q, others[q.id]) for q in a if q.id in others and q.state != "out_of_range"]
    subjects = {"AI true": [], "AI false": [], "BI true": [], "BI false": [], "troughs true": []}
    subjects |= {"AI other absorption": []} if has_all else {}
    for x, y in both:
        group = "AI true" if x.true_ai > 0 else "AI other absorption" if x.absorption else "AI false"
        subjects[group].append((x.ai > 0, y.ai > 0, x.snr))
        subjects["BI true" if x.true_bi > 0 else "BI false"].append((x.bi > 0, y.bi > 0, x.snr))
        subjects["troughs true"] += [(p, q, x.snr) for p, q in zip(x.recovered, y.recovered)]
    for subject, entries in subjects.items():
        for by in ("all", "SNR_CIV"):
            for k in range(len(BINS[by]) - 1):
                found = [(p, q) for p, q, snr in entries if by == "all" or bin_of(by, snr) == k]
                where = ("A and B", "pairs", subject)
                for figure, pair in (("neither", (False, False)), ("only_a", (True, False)), ("only_b", (False, True)),
                                     ("both", (True, True))):
                    e.share((*where, figure, by, k), [f == pair for f in found])
                alone = sum(p != q for p, q in found)
                fewer = min(found.count((True, False)), found.count((False, True)))
                p_value = min(1, 2 * sum(math.comb(alone, i) for i in range(fewer + 1)) / 2**alone)
                e.value((*where, "p_value", by, k), alone, p_value)


def expected(catalogs, truth, counts, kind="simulation"):
    e = Expected()
    sides = [quasars_of(catalog, truth, kind) for catalog in catalogs]
    for name, quasars, n in zip("AB", sides, counts):
        expect_rows(e, name, quasars, n)
        expect_shares(e, name, quasars, kind == "simulation")
        expect_troughs(e, name, quasars, kind == "simulation")
        expect_ranking(e, name, quasars)
    if len(sides) > 1:
        expect_pairs(e, *sides, kind == "simulation")
    return e.figures


def figures_of(score):
    edge = {by: [None if math.isinf(x) else x for x in edges] for by, edges in BINS.items()}
    figures = {}
    for f in score["figures"]:
        bins = [k for k in range(len(BINS[f["by"]]) - 1)
                if (f["low"], f["high"]) == (edge[f["by"]][k], edge[f["by"]][k + 1])]
        key = (f["catalog"], f["table"], f["subject"], f["figure"], f["by"], *bins)
        assert len(bins) == 1 and key not in figures
        figures[key] = tuple(f[name] for name in ("part", "of", "value", "lower", "upper"))
    return figures


def agree(figures, wanted):
    assert figures.keys() == wanted.keys()
    for key, got in figures.items():
        for a, b in zip(got, wanted[key]):
            assert (a is None) == (b is None), (key, got, wanted[key])
            assert a is None or a == pytest.approx(b, rel=2e-5, abs=2e-2 if key[1] == "edges" else 1e-7), (
                key, got, wanted[key])


# ---- a simulated survey ----

def write(path, rows, name="ZCATALOG"):
    fits.BinTableHDU(rows, name=name).writeto(path, overwrite=True)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Two catalogs of the same quasars, one with probabilities and with rows that were not searched, and the truth."""
    root = tmp_path_factory.mktemp("score")
    tree = root / "tree"
    run("simulate", tree, "--pixels", 2, "--quasars", 150, "--others", 0, "--no-resolution", "--bal-fraction", 0.4,
        "--seed", SEED)
    common = ("-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", "builtin")
    run("run", *common, "--rules", "main", "--detector", "off", "-o", root / "b.fits")
    run("run", *common, "--rules", "fastbal", "--continuum", "trough-aware", "-o", root / "run.fits")
    rows = np.array(table(root / "run.fits"))
    rng = np.random.default_rng(SEED)
    rows["BAL_PROB"] = np.clip((rows["AI_CIV"] > 0) * 0.5 + 0.5 * rng.random(len(rows)).round(2), 0, 1)
    for mask, status, n in ((1, -1, 3), (4, 0, 4), (8, 2, 5), (0, 256, 6), (0, 512, 7)):
        chosen = rng.choice(np.flatnonzero(rows["BALMASK"] == 0), n, replace=False)
        rows["BALMASK"][chosen], rows["BALSTATUS"][chosen] = mask, status
    rows = rows[10:]
    rows = np.concatenate([rows, rows[:2]])  # their TARGETIDs are repeated
    rows["TARGETID"][5] = 7                  # in no truth
    write(root / "a.fits", rows)
    return root


def truth_of(survey):
    return np.array(table(survey / "tree" / "truth.fits", "QUASARS"))


def without_repeats(rows):
    ids, counts = np.unique(rows["TARGETID"], return_counts=True)
    return rows[np.isin(rows["TARGETID"], ids[counts == 1])]


def test_every_figure(survey):
    a, b = without_repeats(np.array(table(survey / "a.fits"))), np.array(table(survey / "b.fits"))
    text = run("score", survey / "a.fits", survey / "tree" / "truth.fits", "--other", survey / "b.fits", "--json",
               "-").stdout
    score = json.loads(text)
    missing = len(truth_of(survey)) - (len(a) - 1)
    agree(figures_of(score), expected([a, b], truth_of(survey), [
        {"repeated": 4, "only_in_catalog": 1, "only_in_truth": missing}, {}]))
    assert not score["agreement"] and score["truth"]["kind"] == "simulation"
    assert [c["rows"] for c in score["catalogs"]] == [len(a) + 4, len(b)]


@pytest.mark.parametrize("shuffled", ["catalog", "truth"])
def test_any_order_of_rows(survey, tmp_path, shuffled):
    rng = np.random.default_rng(SEED + 1)
    texts = []
    for k in range(2):
        folder = tmp_path / str(k)
        folder.mkdir()
        tables = {"catalog": (np.array(table(survey / "a.fits")), "ZCATALOG"), "truth": (truth_of(survey), "QUASARS")}
        for name, (rows, hdu) in tables.items():
            write(folder / f"{name}.fits", rng.permutation(rows) if k and name == shuffled else rows, hdu)
        texts.append([run("score", "catalog.fits", "truth.fits", *options, cwd=folder).stdout
                      for options in ((), ("--json", "-"), ("--ecsv", "-"), ("--short",))])
    assert texts[0] == texts[1] and all(len(t) > 200 for t in texts[0])


def test_json_and_ecsv_files(survey, tmp_path):
    json_file, ecsv_file = tmp_path / "s.json", tmp_path / "s.ecsv"
    command = ("score", survey / "a.fits", survey / "tree" / "truth.fits", "--json", json_file, "--ecsv", ecsv_file)
    assert run(*command).stdout == run(*command[:3]).stdout
    refused = run(*command, status=UNUSABLE)
    complains(refused, "score", json_file, "exists")
    same = run(*command[:-1], tmp_path / "." / "s.json", "--clobber", status=UNUSABLE)
    complains(same, "score", "s.json")
    twice = run(*command[:4], tmp_path / "new", "--ecsv", f"{tmp_path}/./new", status=UNUSABLE)
    complains(twice, "score", "new: expected another file than", "which is written as well")
    assert refused.stdout == same.stdout == twice.stdout == ""
    run(*command, "--clobber")
    score, rows = json.loads(json_file.read_text()), Table.read(ecsv_file)
    assert len(rows) == len(score["figures"]) > 100 and rows.meta["a"] == str(survey / "a.fits")
    for figure, row in zip(score["figures"], rows):
        for name in ("catalog", "table", "subject", "figure", "by"):
            assert row[name] == figure[name]
        for name in ("low", "high", "part", "of", "value", "lower", "upper"):
            missing = np.ma.is_masked(row[name]) or not np.isfinite(row[name])
            assert figure[name] is None if missing else figure[name] == pytest.approx(float(row[name]), rel=1e-6)


@pytest.mark.parametrize("options", [(), ("--other", "b.fits")])
def test_text(survey, options):
    """Lines fit, and hold the figures."""
    command = ("score", "a.fits", "tree/truth.fits", *options)
    lines = run(*command, cwd=survey).stdout.splitlines()
    assert max(map(len, lines)) <= 100 and not any(line != line.rstrip() for line in lines)
    figures = figures_of(json.loads(run(*command, "--json", "-", cwd=survey).stdout))
    start = lines.index("Quasars with AI > 0")
    part, of, value, lower, upper = figures["A", "quasars", "AI", "completeness", "all", 0]
    want = f"{100 * value:.1f}+{100 * (upper - value):.1f}-{100 * (value - lower):.1f}"
    words = lines[start + 2].split()
    assert words[0] == "all" and words[1 + bool(options):3 + bool(options)] == [str(of), want]
    assert any("BAL_PROB of measured quasars" in line for line in lines)
    assert any("BAL_PROB is not filled" in line for line in lines) == bool(options)
    short = run(*command, "--short", cwd=survey).stdout.splitlines()
    assert len(short) <= 15 and want in "\n".join(short)


@pytest.fixture(scope="module")
def detected(survey):
    """The finder's catalog, and one in which the detector's columns stand for the rule's and every measured row was searched."""
    rows = table(survey / "run.fits")
    rule = Table(np.array(rows))
    for name in ("AI", "BI"):
        rule[f"{name}_CIV"] = rows[f"{name}_DET"]
    for name in ("VMIN", "VMAX"):
        rule.replace_column(f"{name}_CIV_450", rows[f"{name}_DET_450"])
    rule.remove_columns(["POSMIN_CIV_450", "FMIN_CIV_450"])
    rule["BALSTATUS"] = rows["BALSTATUS"] & ~(16 | 256 | 512)
    write(survey / "rule.fits", rule.as_array())
    assert (rows["BAL_PROB"] > 0.5).sum() > 10 and ((rows["AI_DET"] > 0) != (rows["AI_CIV"] > 0)).sum() > 10
    return survey / "run.fits", survey / "rule.fits"


def test_finds_of_the_detector(survey, detected):
    """They are judged as a rule's are, and the outputs say whose finds they are."""
    truth = survey / "tree" / "truth.fits"
    scores = [json.loads(run("score", detected[k], truth, *options, "--json", "-").stdout)
              for k, options in ((0, ["--detector", "--other", detected[0]]), (1, []), (0, []))]
    figures, want, rule = map(figures_of, scores)
    assert {key: value for key, value in figures.items() if key[0] == "A"} == want
    assert {("A", *key[1:]): value for key, value in figures.items() if key[0] == "B"} == rule
    assert [c["finds"] for c in scores[0]["catalogs"]] == ["AI_DET > 0", "AI_CIV > 0"]
    assert want["A", "quasars", "AI", "purity", "all", 0] != rule["A", "quasars", "AI", "purity", "all", 0]
    for options in ((), ("--short",)):
        heading = run("score", detected[0], truth, "--detector", "--other", detected[0], *options).stdout.splitlines()
        assert heading[0].endswith("rows, the detector's finds") and heading[1].endswith("rows")


def test_without_a_detector(survey):
    """A catalog without a detector's finds is no catalog without BALs."""
    refused = run("score", survey / "b.fits", survey / "tree" / "truth.fits", "--detector", status=UNUSABLE)
    complains(refused, "score", survey / "b.fits", "BAL_PROB > 0 in none of 300 rows", "--detector on")
    assert refused.stdout == ""


@pytest.mark.parametrize("detector", [False, True])
def test_selection(survey, detected, tmp_path, detector):
    catalog, file = detected[0], tmp_path / "selection.ecsv"
    command = ("score", catalog, survey / "tree" / "truth.fits", "--selection", file, *["--detector"][:detector])
    assert run(*command).stdout == run(*command[:3], *command[5:]).stdout
    rows = Table.read(file)
    assert rows.meta["finds"] == ("AI_DET > 0" if detector else "AI_CIV > 0") and rows.meta["a"] == str(catalog)
    quasars = [q for q in quasars_of(np.array(table(detected[detector])), truth_of(survey)) if q.state != "out_of_range"]
    entries = [("quasars", "AI_CIV", q.snr, q.true_ai, q.ai > 0) for q in quasars if q.true_ai > 0]
    for q in quasars:
        for trough, width, hit in zip(q.real, q.width, q.recovered):
            entries += [("troughs", "WIDTH", q.snr, width, hit), ("troughs", "VELOCITY", q.snr, sum(trough) / 2, hit)]
    want = [(what, BINS["SNR_CIV"][i], BINS["SNR_CIV"][i + 1], by, BINS[by][k], BINS[by][k + 1],
             [hit for *entry, snr, value, hit in entries
              if entry == [what, by] and bin_of("SNR_CIV", snr) == i and bin_of(by, value) == k])
            for what, by in (("quasars", "AI_CIV"), ("troughs", "WIDTH"), ("troughs", "VELOCITY"))
            for i in range(5) for k in range(len(BINS[by]) - 1)]
    assert len(rows) == len(want) == 5 * (5 + 4 + 4)
    for row, (*where, hits) in zip(rows, want):
        assert [row[name] for name in ("table", "snr_low", "snr_high", "by", "low", "high")] == where
        assert (row["part"], row["of"]) == (sum(hits), len(hits))
        share = [sum(hits) / len(hits), *wilson(sum(hits), len(hits))] if hits else [math.nan] * 3
        assert [row[name] for name in ("completeness", "lower", "upper")] == pytest.approx(share, abs=1e-9, nan_ok=True)
    assert 0 < rows["part"].sum() < rows["of"].sum()


def test_files_of_the_selection(survey, tmp_path):
    """As those of --json, but never standard output."""
    (tmp_path / "s.ecsv").write_text("mine")
    for more, words in ((("s.ecsv",), ("s.ecsv", "exists")), (("-",), ("--selection: expected a file, found '-'",)),
                        (("new", "--json", tmp_path / "new"), ("new: expected another file than",)),
                        ((survey / "b.fits", "-c"), ("b.fits",)), (("no/s.ecsv",), ("no/s.ecsv",))):
        refused = run("score", survey / "b.fits", survey / "tree" / "truth.fits", "--selection", *more, cwd=tmp_path, status=UNUSABLE)
        complains(refused, "score", *words)
        assert refused.stdout == "" and (tmp_path / "s.ecsv").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1
    run("score", survey / "b.fits", survey / "tree" / "truth.fits", "--selection", "s.ecsv", "--clobber", cwd=tmp_path)
    assert len(Table.read(tmp_path / "s.ecsv")) == 65


# ---- other truths ----

def test_truth_of_a_mock(tmp_path):
    """The folder, its stacked catalog and what truth makes of it say the same; who is not listed has no BAL."""
    tree = tmp_path / "tree"
    run("simulate", "--mock", tree, "--pixels", 2, "--quasars", 60, "--no-resolution", "--bal-fraction", 0.5)
    run("run", "--mock", "--mockdir", tree / "mock", "-q", tree / "qso.fits", "--templates", "builtin", "-o",
        tmp_path / "found.fits")
    run("truth", "-q", tree / "qso.fits", "-b", tree / "mock", "-o", tmp_path / "true.fits")
    found, bals = np.array(table(tmp_path / "found.fits")), np.array(table(tree / "mock" / "bal_cat.fits"))
    missing = len(set(bals["TARGETID"]) - set(found["TARGETID"]))
    wanted = expected([found], bals, [{"only_in_truth": missing}], "mock")
    assert wanted["A", "quasars", "AI", "purity", "all", 0][1] > 5
    for truth in (tree / "mock", tree / "mock" / "spectra-16", tree / "mock" / "bal_cat.fits"):
        score = json.loads(run("score", tmp_path / "found.fits", truth, "--json", "-").stdout)
        assert score["truth"]["kind"] == "mock"
        agree(figures_of(score), wanted)
    score = json.loads(run("score", tmp_path / "found.fits", tmp_path / "true.fits", "--json", "-").stdout)
    assert score["truth"]["kind"] == "mock" and not score["agreement"]
    shares = {key: f for key, f in figures_of(score).items() if key[1] == "quasars"}
    assert shares == {key: pytest.approx(f, rel=1e-5) for key, f in figures_of(score).items() if key[1] == "quasars"}
    for figure in ("completeness", "purity"):
        key = ("A", "quasars", "AI", figure, "all", 0)
        assert shares[key][:2] == wanted[key][:2]


def test_agreement_of_catalogs(survey):
    """A catalog is no truth: other words, and what was not searched there does not count."""
    a, b = np.array(table(survey / "run.fits")), np.array(table(survey / "b.fits"))
    score = json.loads(run("score", survey / "run.fits", survey / "b.fits", "--json", "-").stdout)
    figures = figures_of(score)
    searched = np.array([state(row) == "searched" for row in b])
    assert score["agreement"] and score["truth"]["kind"] == "catalog" and 0 < searched.sum() < len(b)
    assert (a["TARGETID"] == b["TARGETID"]).all()
    found, real = a["AI_CIV"][searched] > 0, b["AI_CIV"][searched] > 0
    assert figures["A", "quasars", "AI", "recovered", "all", 0][:2] == ((found & real).sum(), real.sum())
    assert figures["A", "quasars", "AI", "confirmed", "all", 0][:2] == ((found & real).sum(), found.sum())
    assert figures["A", "rows", "rows", "not_searched_in_truth", "all", 0][1] == (~searched).sum()
    assert not any("purity" in key[3] or ("completeness" in key[3] and key[1] != "ranking") for key in figures)
    text = run("score", survey / "run.fits", survey / "b.fits").stdout
    assert "agreement" in text and "recovered" in text and "confirmed" in text
    assert "completeness  " not in text and "absorption" not in text


# ---- by hand ----

def hand_table(path, name, ids, ai, troughs_of=None, **columns):
    """AI, and troughs of each quasar as a list of (VMIN, VMAX); by default one, 5000 to 6000 km/s, where AI > 0."""
    n = len(ids)
    troughs_of = troughs_of or [[(5000, 6000)] if x > 0 else [] for x in ai]
    vmin, vmax = np.full((n, 3), -1.0), np.full((n, 3), -1.0)
    for k, pairs in enumerate(troughs_of):
        for i, (lo, hi) in enumerate(pairs):
            vmin[k, i], vmax[k, i] = lo, hi
    values = {"TARGETID": np.array(ids), "AI_CIV": np.array(ai, float), "VMIN_CIV_450": vmin, "VMAX_CIV_450": vmax}
    values |= {name: np.array(column) for name, column in columns.items()}
    write(path, Table(values).as_array(), name)
    return path


def by_hand(tmp_path, catalog, truth, *options):
    return figures_of(json.loads(run("score", catalog, truth, *options, "--json", "-", cwd=tmp_path).stdout))


def test_shares_by_hand(tmp_path):
    """Five true BALs: three found, one missed, one not measured; two false finds, of which one is absorption."""
    found = hand_table(tmp_path / "c.fits", "ZCATALOG", range(8), [1, 1, 1, 0, 0, 9, 9, 0], BI_CIV=[1., 0, 0, 0, 0, 1, 0, 0],
                       SNR_CIV=[3., 3, 9, 9, 0, 3, 9, 9], BALMASK=[0, 0, 0, 0, 8, 0, 0, 0],
                       BALSTATUS=[0, 0, 0, 16, 2, 0, 0, 0], BAL_PROB=[0.] * 8)
    truth = hand_table(tmp_path / "t.fits", "QUASARS", range(8), [2, 4, 1, 5, 5, 0, 0, 0], BI_CIV=[2., 2, 0, 0, 0, 0, 0, 0],
                       SNR_CIV=[3., 3, 9, 9, 0.5, 3, 9, 9], AI_ALL=[2., 4, 1, 5, 5, 7, 0, 7],
                       VMIN_ALL_450=[5000.] * 8, VMAX_ALL_450=[5500.] * 8)
    f = by_hand(tmp_path, found, truth)

    def shares(table_name, subject, by="all", k=0):
        return [f["A", table_name, subject, figure, by, k][:2] for figure in
                ("completeness", "completeness_searched", "purity", "purity_absorption")]

    assert shares("quasars", "AI") == [(3, 5), (3, 3), (3, 5), (4, 5)]
    assert shares("quasars", "AI", "SNR_CIV", 0) == [(0, 1), (0, 0), (0, 0), (0, 0)]
    assert shares("quasars", "AI", "SNR_CIV", 2) == [(2, 2), (2, 2), (2, 3), (3, 3)]
    assert shares("quasars", "AI", "SNR_CIV", 4) == [(1, 2), (1, 1), (1, 2), (1, 2)]
    assert shares("quasars", "BI") == [(1, 2), (1, 2), (1, 2), (2, 2)]
    assert f["A", "quasars", "BI", "purity_outflow", "all", 0][:2] == (1, 2)
    assert shares("troughs", "CIV_450") == [(3, 5), (3, 3), (3, 5), (4, 5)]
    assert f["A", "rows", "quasars", "low_signal", "all", 0][:2] == (1, 1)
    assert f["A", "rows", "quasars", "not_measured", "all", 0][:2] == (1, 1)
    assert f["A", "quasars", "AI", "completeness", "all", 0][2:] == pytest.approx((0.6, 0.3826, 0.7840), abs=1e-4)
    assert f["A", "ratios", "AI", "median", "all", 0][1:3] == (3, 0.5)
    # AI 9 9 (false) before 1 1 1 (true), then the missed one with a true negative
    assert f["A", "ranking", "AI_CIV", "roc_auc", "all", 0][2] == pytest.approx((3 * 1 + 0.5) / 12)
    assert f["A", "ranking", "AI_CIV", "average_precision", "all", 0][2] == pytest.approx((3 * 3 / 5 + 4 / 7) / 4)
    assert f["A", "ranking", "AI_CIV", "threshold", "PURITY", 0] == (None, 0, None, None, None)


def test_troughs_by_hand(tmp_path):
    found = hand_table(tmp_path / "c.fits", "ZCATALOG", [1, 2, 3, 4], [1, 1, 1, 1], [
        [(1000, 2000), (3000, 4000)],   # pieces of one wide trough
        [(5100, 6200)],                 # an edge 100 and another 200 km/s off
        [(5600, 6600)],                 # shares 400 of 1000
        [(6500, 7500)]], Z=[2., 2, 2, 2 + 3 * 1000 / LIGHT])
    truth = hand_table(tmp_path / "t.fits", "QUASARS", [1, 2, 3, 4], [1, 1, 1, 1], [
        [(900, 4100)], [(5000, 6000)], [(5000, 6000)], [(7500 - 2000, 5500 + 1000)]], Z=[2.] * 4)
    f = by_hand(tmp_path, found, truth)
    assert f["A", "troughs", "CIV_450", "completeness", "all", 0][:2] == (3, 4)
    assert f["A", "troughs", "CIV_450", "purity", "all", 0][:2] == (4, 5)
    # partners: (1000, 2000) of (900, 4100), the first of two that share 1000; the second; the last, moved by 1000 km/s
    assert f["A", "edges", "VMIN", "median", "all", 0][1:3] == pytest.approx((3, 100), abs=0.01)
    assert f["A", "edges", "VMAX", "median", "all", 0][1:3] == pytest.approx((3, 0), abs=0.01)
    assert f["A", "troughs", "CIV_450", "completeness", "WIDTH", 2][:2] == (1, 1)
    assert f["A", "troughs", "CIV_450", "completeness", "WIDTH", 1][:2] == (2, 3)


def test_probabilities_by_hand(tmp_path):
    p = [0.95, 0.9, 0.9, 0.6, 0.3, 0.1, 0.0, -99.0]
    ai = [1, 1, 0, 1, 0, 0, 0, 0]
    found = hand_table(tmp_path / "c.fits", "ZCATALOG", range(8), [0] * 8, BAL_PROB=np.array(p, "f4"), SNR_CIV=[3.] * 8)
    truth = hand_table(tmp_path / "t.fits", "QUASARS", range(8), ai)
    f = by_hand(tmp_path, found, truth)
    where = ("A", "ranking", "BAL_PROB")
    assert f[(*where, "reliability", "BAL_PROB", 9)][:2] == (2, 3)
    assert f[(*where, "mean", "BAL_PROB", 9)][2] == pytest.approx(2.75 / 3)
    assert f[(*where, "reliability", "BAL_PROB", 0)][:2] == (0, 2)
    ece = (abs(2.75 - 2) + abs(0.6 - 1) + 0.3 + 0.1) / 8
    assert f[(*where, "ece", "all", 0)][2] == pytest.approx(ece) == f[(*where, "ece", "SNR_CIV", 2)][2]
    assert f[(*where, "roc_auc", "all", 0)][2] == pytest.approx((5 + 4.5 + 4) / 15)
    assert f[(*where, "average_precision", "all", 0)][2] == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert f[(*where, "threshold", "PURITY", 2)][1:3] == pytest.approx((1, 0.95))
    assert f[(*where, "completeness", "PURITY", 0)][:2] == (1, 3)


def test_pairs_by_hand(tmp_path):
    ids = list(range(10))
    a = hand_table(tmp_path / "a.fits", "ZCATALOG", ids, [1, 1, 1, 1, 0, 0, 1, 0, 1, 0])
    b = hand_table(tmp_path / "b.fits", "ZCATALOG", ids, [1, 0, 0, 0, 1, 0, 0, 1, 0, 0])
    truth = hand_table(tmp_path / "t.fits", "QUASARS", ids, [1] * 6 + [0] * 4)
    f = by_hand(tmp_path, a, truth, "--other", b)

    def counts(subject):
        return [f["A and B", "pairs", subject, figure, "all", 0][0] for figure in ("both", "only_a", "only_b", "neither")]

    assert counts("AI true") == [1, 3, 1, 1] == counts("troughs true") and counts("AI false") == [0, 2, 1, 1]
    assert f["A and B", "pairs", "AI true", "p_value", "all", 0][1:3] == pytest.approx((4, 2 * 5 / 16))
    assert "AI other absorption" not in {key[2] for key in f}


def test_without_bals(tmp_path):
    """No BALs at all, and none in one of the two, are answers, not numbers."""
    none = hand_table(tmp_path / "none.fits", "ZCATALOG", [1, 2, 3], [0, 0, 0])
    some = hand_table(tmp_path / "some.fits", "ZCATALOG", [1, 2, 3], [0, 1, 0])
    truth = hand_table(tmp_path / "t.fits", "QUASARS", [1, 2, 3], [0, 0, 0])
    real = hand_table(tmp_path / "real.fits", "QUASARS", [1, 2, 3], [0, 1, 0])
    for catalog, against, no_completeness, no_purity in ((none, truth, 1, 1), (some, truth, 1, 0), (none, real, 0, 1)):
        for options in ((), ("--short",)):
            text = run("score", catalog, against, *options).stdout
            assert "nan" not in text and "inf" not in text
        text = run("score", catalog, against).stdout
        assert ("there is no completeness" in text) == no_completeness and ("there is no purity" in text) == no_purity
        f = by_hand(tmp_path, catalog, against)
        assert (f["A", "quasars", "AI", "completeness", "all", 0][2] is None) == no_completeness
        assert (f["A", "quasars", "AI", "purity", "all", 0][2] is None) == no_purity
        assert f["A", "ranking", "AI_CIV", "roc_auc", "all", 0][2] is None or against == real


def test_redshift_range_without_balmask(tmp_path):
    """A catalog that does not say which rows were searched: those outside the redshift range weren't."""
    found = hand_table(tmp_path / "c.fits", "ZCATALOG", [1, 2, 3, 4], [0, 1, 1, 0], Z=[1.2, 2.0, 5.0, 5.01])
    truth = hand_table(tmp_path / "t.fits", "QUASARS", [1, 2, 3, 4], [1, 1, 1, 1], Z=[1.2, 2.0, 5.0, 5.01])
    f = by_hand(tmp_path, found, truth)
    assert f["A", "rows", "quasars", "out_of_range", "all", 0][:2] == (2, 2)
    assert f["A", "quasars", "AI", "completeness", "all", 0][:2] == (2, 2)


# ---- what can't be scored ----

def test_bad_inputs(tmp_path):
    good = hand_table(tmp_path / "good.fits", "ZCATALOG", [1, 2], [0, 1])
    other = hand_table(tmp_path / "other.fits", "QUASARS", [3, 4], [0, 1])
    truth = hand_table(tmp_path / "t.fits", "QUASARS", [1, 2], [0, 1])
    plain = tmp_path / "plain.fits"
    write(plain, Table({"TARGETID": [1, 2], "Z": [2.0, 3.0]}).as_array(), "QUASARS")
    text = tmp_path / "text.fits"
    text.write_text("no FITS file")
    empty = tmp_path / "folder"
    empty.mkdir()
    for arguments, words in (((good, other), (good, "TARGETID", other)), ((good, plain), (plain, "AI_CIV")),
                             ((plain, truth), (plain, "AI_CIV")), ((good, text), (text,)),
                             ((good, tmp_path / "nowhere.fits"), ("nowhere.fits",)), ((good, empty), (empty, "mock")),
                             ((good, truth, "--other", plain), (plain, "AI_CIV")),
                             ((good, truth, "--json", tmp_path / "no" / "s.json"), ("s.json",)),
                             ((good, truth, "--json", tmp_path / "s.fits"), ("s.fits: expected a name that ends in .json",)),
                             ((good, truth, "--json", "-", "--ecsv", "-"), ("--json -", "--ecsv -"))):
        result = run("score", *arguments, status=UNUSABLE)
        complains(result, "score", *words)
        assert result.stdout == ""


@pytest.mark.parametrize("name", [b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xc3\xa9", b"\xff"])
def test_json_of_names_that_are_not_utf8(tmp_path, name):
    """Overlong, a surrogate, beyond Unicode: written as code points. What is UTF-8 stays."""
    catalog, truth = tmp_path / (os.fsdecode(name) + ".fits"), tmp_path / "t.fits"
    rows = Table({"TARGETID": [1, 2], "AI_CIV": [0.0, 900.0], "VMIN_CIV_450": [[-1.0], [5000.0]],
                  "VMAX_CIV_450": [[-1.0], [7000.0]]}).as_array()
    write(tmp_path / "c.fits", rows)
    write(truth, rows, "QUASARS")
    (tmp_path / "c.fits").rename(catalog)
    said = json.loads(run("score", catalog, truth, "--json", "-").stdout)
    shown = "\xe9" if name == b"\xc3\xa9" else name.decode("latin-1")
    assert f"{tmp_path}/{shown}.fits" in json.dumps(said, ensure_ascii=False)


def test_many_rows_take_little_memory(tmp_path):
    n = 100_000
    rng = np.random.default_rng(SEED)
    ids, ai = rng.permutation(n) + 39_600_000_000_000_000, rng.exponential(500, n) * (rng.random(n) < 0.2)
    vmin, vmax = np.where(ai > 0, 5000.0, -1)[:, None], np.where(ai > 0, 7000.0, -1)[:, None]
    rows = Table({"TARGETID": ids, "AI_CIV": ai, "VMIN_CIV_450": vmin, "VMAX_CIV_450": vmax,
                  "PAD": np.zeros((n, 25))}).as_array()
    write(tmp_path / "c.fits", rows)
    write(tmp_path / "t.fits", rng.permutation(rows), "QUASARS")
    result, peak = run_for_peak("score", tmp_path / "c.fits", tmp_path / "t.fits", "--json", "-")
    figures = figures_of(json.loads(result.stdout))
    assert figures["A", "quasars", "AI", "purity", "all", 0][:2] == ((ai > 0).sum(), (ai > 0).sum())
    assert SANITIZERS or peak < 300 * n + 15e6  # the files have 440 bytes a row
