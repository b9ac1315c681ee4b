#!/usr/bin/python3
"""Measure how good the detector is, beside the rule (AI > 0), on simulated quasars that it was not trained on.

usage: detector_figures.py [--templates NAME ...] [--quasars N] [--seed N ...] [--fastbal PROGRAM]

Prints the tables of docs/detector.md in Markdown, of all seeds together. The rule is also measured with the templates of
--templates, and continua are made of them: guo, brodzeller or files; guo and brodzeller if $FASTBAL_TEMPLATES is set.

Counted are measured quasars: in the finder's range of redshifts, with a spectrum. SNR_CIV and Z are those of the catalog.

found, purity  share of true BALs found; share of finds that are true BALs (an outflow with AI > 0)
purity 0.95    at the lowest cut in BAL_PROB with this purity among all quasars, which is chosen on the quasars it is applied to
ECE            expected calibration error, in ten bins of BAL_PROB; by chance: what is expected where BAL_PROB is right
as pure        detector, at its lowest cut at least as pure as the rule in the same column: share found
as complete    detector, at its highest cut that finds as many BALs as the rule in the same column: purity

Errors of shares are half of Wilson's intervals (68 %), others are from resampling; medians have the range from 16 to 84 %.
The populations are those of fastbal simulate, and of detector_populations.py. With 6000 quasars of three seeds, all takes eight
minutes of one core, and 1 GB of temporary files.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
import functools
import json
import math
import os
import pathlib
import tempfile

import numpy as np
from astropy.table import Table

from detector_populations import PER_PIXEL, RULE, boxes_and_ramps, command, make_sample, other_continua

RESAMPLES = 100
SIGNAL = {"all": (-math.inf, math.inf), "SNR_CIV < 1": (-math.inf, 1), "1-2": (1, 2), "2-4": (2, 4), "4-8": (4, 8),
          "> 8": (8, math.inf), "> 2": (2, math.inf)}
REDSHIFT = {"Z < 2": (0, 2), "2-2.5": (2, 2.5), "2.5-3": (2.5, 3), "3-3.5": (3, 3.5), "> 3.5": (3.5, math.inf)}


# ---- figures ----

def share(part, of):
    """The share of `of` that is also in part, as text, with its error and the counts; or of two counts."""
    k, n = (int(part), int(of)) if np.ndim(of) == 0 else (int((part & of).sum()), int(of.sum()))
    if n == 0:
        return "none"
    return f"{k / n:.3f} ± {math.sqrt(k / n * (1 - k / n) / n + 0.25 / n**2) / (1 + 1 / n):.3f} ({k} of {n})"


def cuts(p, bal, weight):
    """Every cut in p, from the highest on: where it is, how many BALs it finds, and how many quasars."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    return p[order][last], np.cumsum((weight * bal)[order])[last], np.cumsum(weight[order])[last]


def pure_cut(p, bal, purity):
    """The lowest cut with this purity; infinite if there is none."""
    cut, true, taken = cuts(p, bal, np.ones(len(p)))
    good = (true >= purity * taken - 1e-9) & (cut > 0)
    return cut[good][-1] if good.any() else math.inf


def average_precision(p, bal, weight):
    _, true, taken = cuts(p, bal, weight)
    return (np.diff(true, prepend=0) * true / np.maximum(taken, 1)).sum() / max(true[-1], 1)


def probability_bin(p):
    return np.searchsorted(np.arange(1, 10) / np.float32(10), p, side="right")


def calibration_error(p, bal, weight):
    return np.abs(np.bincount(probability_bin(p), weight * (p - bal))).sum() / max(weight.sum(), 1)


def resampled(statistic, p, bal):
    """A statistic as text, with its error."""
    if not bal.any():
        return "none"
    rng, weight = np.random.default_rng(1), np.ones(len(p))
    error = np.std([statistic(p, bal, rng.poisson(weight)) for _ in range(RESAMPLES)])
    return f"{statistic(p, bal, weight):.3f} ± {error:.3f}"


def chance_error(p):
    if len(p) == 0:
        return "none"
    rng, weight = np.random.default_rng(1), np.ones(len(p))
    return f"{np.mean([calibration_error(p, rng.random(len(p)) < p, weight) for _ in range(RESAMPLES)]):.3f}"


# ---- tables ----

def print_table(heading, rows):
    print("|", " | ".join(heading), "|\n" + "|---" * len(heading) + "|")
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")
    print(flush=True)


def detector_rows(s, groups):
    rows = [["quasars", *(g.sum() for g in groups)], ["BALs", *((s.bal & g).sum() for g in groups)]]
    limits = {f"purity {x}": pure_cut(s.p, s.bal, x) for x in (0.95, 0.99)}
    for name, cut in {"P >= 0.5": 0.5, **{f"{name} (P >= {cut:.3f})": cut for name, cut in limits.items()}}.items():
        rows += [[f"{name}: found", *(share(s.p >= cut, s.bal & g) for g in groups)],
                 ["found of AI > 500 km/s", *(share(s.p >= cut, (s.truth["AI_CIV"] > 500) & g) for g in groups)],
                 ["purity", *(share(s.bal, (s.p >= cut) & g) for g in groups)]]
    return rows + [[name, *(resampled(statistic, s.p[g], s.bal[g]) for g in groups)]
                   for name, statistic in (("average precision", average_precision), ("ECE", calibration_error))] + [
                       ["ECE by chance", *(chance_error(s.p[g]) for g in groups)]]


def rule_cells(p, bal, found):
    """Of one column: what the rule finds and how purely, and the detector at the same purity and completeness."""
    if not (found & bal).any():
        return share(found, bal), share(bal, found), "none", "none"
    pure, (cut, true, _) = pure_cut(p, bal, bal[found].mean()), cuts(p, bal, np.ones(len(p)))
    complete = cut[np.searchsorted(true, (bal & found).sum())]
    return (share(found, bal), share(bal, found), share(p >= pure, bal) if pure < math.inf else "not reached",
            share(bal, p >= complete))


def print_detector(s, columns, values):
    groups = [(values >= low) & (values < high) for low, high in columns.values()]
    print_table(["detector", *columns], detector_rows(s, groups))
    rows = []
    for choice, found in s.found.items():
        cells = zip(*(rule_cells(s.p[g], s.bal[g], found["AI_CIV"][g] > 0) for g in groups))
        rows += [[f"{choice}: {name}", *row] for name, row in zip(("found", "purity", "as pure", "as complete"), cells)]
    print_table(["rule", *columns], rows)


def print_reliability(s):
    groups = {name: (s.snr >= low) & (s.snr < high) for name, (low, high) in SIGNAL.items() if name != "> 2"}
    rows, which = [], probability_bin(s.p)
    for k in range(10):
        cells = [g & (which == k) for g in groups.values()]
        rows.append([f"{k / 10:.1f}-{k / 10 + 0.1:.1f}", *(
            f"{s.p[c].mean():.3f}: {share(s.bal, c)}" if c.any() else "none" for c in cells)])
    print_table(["BAL_PROB", *groups], rows)


def median(figure, digits):
    if figure["value"] is None:
        return "none"
    low, middle, high = (f"{figure[name]:.{digits}f}".replace("-", "−") for name in ("lower", "value", "upper"))
    return f"{middle} ({low} to {high}, of {figure['of']})"


def trough_cells(options, s, choice, *how):
    """What fastbal score says of troughs."""
    with tempfile.TemporaryDirectory() as name:
        found, truth = pathlib.Path(name) / "found.fits", pathlib.Path(name) / "truth.fits"
        Table(s.found[choice], meta={"EXTNAME": "ZCATALOG"}).write(found)
        Table(s.truth, meta={"EXTNAME": "QUASARS"}).write(truth)
        figures = json.loads(command(options.fastbal, "score", found, truth, *how, "--json", "-"))["figures"]
    by_name = {(f["table"], f["subject"], f["figure"]): f for f in figures if f["by"] == "all"}
    shares = (by_name["troughs", "CIV_450", name] for name in ("completeness", "purity", "purity_absorption"))
    return [*(share(f["part"], f["of"]) for f in shares),
            *(median(by_name["ratios", name, "median"], 3) for name in ("AI", "BI")),
            *(median(by_name["edges", name, "median"], 0) for name in ("VMIN", "VMAX"))]


def print_troughs(options, s):
    names = ("found", "purity", "any absorption", "AI / true", "BI / true", "VMIN - true, km/s", "VMAX - true, km/s")
    columns = [trough_cells(options, s, "trough-aware", "--detector"),
               *(trough_cells(options, s, choice) for choice in s.found)]
    print_table(["troughs", "detector", *s.found], zip(names, *columns))


def print_populations(options, first):
    populations = {name: functools.partial(make_sample, options, name)
                   for name in ("--gaps", "--bright", "--mock", "--no-narrow-systems")}
    for name in options.templates:
        populations[f"continua of {pathlib.Path(name).stem}"] = functools.partial(
            make_sample, options, change=functools.partial(other_continua, name))
    populations["boxes, ramps"] = functools.partial(make_sample, options, "--bal-fraction", 0, change=boxes_and_ramps)
    rows, fixed = [], pure_cut(first.p, first.bal, 0.95)
    for name, make in {"as it is": lambda: first, **populations}.items():
        s = make()
        rule, cut = s.found["trough-aware"]["AI_CIV"] > 0, pure_cut(s.p, s.bal, 0.95)
        rows.append([name, len(s.p), s.left_out, s.bal.sum(), resampled(average_precision, s.p, s.bal), *(
            cell for finds in (s.p >= 0.5, s.p >= fixed) for cell in (share(finds, s.bal), share(s.bal, finds))),
            share(s.p >= cut, s.bal), resampled(calibration_error, s.p, s.bal), share(rule, s.bal), share(s.bal, rule)])
    print_table(["population", "quasars", "not measured", "BALs", "average precision", "P >= 0.5: found", "purity",
                 f"P >= {fixed:.3f}: found", "purity", "purity 0.95: found", "ECE", "rule: found", "purity"], rows)


def print_bright(s):
    rows, narrow = [], s.truth["AI_ALL"] > 0
    for name, finds in (("P > 0.9", s.p > 0.9), *((name, found["AI_CIV"] > 0) for name, found in s.found.items())):
        for signal, (low, high) in {"4-8": (4, 8), "> 8": (8, math.inf), "> 4": (4, math.inf)}.items():
            others = ~s.bal & (s.snr >= low) & (s.snr < high)
            rows.append([name, signal, share(finds, others), share(narrow, others & finds), share(narrow, others)])
    print_table(["finds", "SNR_CIV", "non-BALs found", "AI_ALL > 0 of those found", "AI_ALL > 0 of all non-BALs"], rows)


def main():
    parser = argparse.ArgumentParser(description="Measure how good the detector is.")
    parser.add_argument("--templates", nargs="+", metavar="NAME", help="measured beside the built-in set",
                        default=["guo", "brodzeller"] if os.environ.get("FASTBAL_TEMPLATES") else [])
    parser.add_argument("--quasars", type=int, default=6000, help=f"of each seed, in steps of {PER_PIXEL} [%(default)s]")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", default=[701, 702, 703],
                        help="of the simulations [701 702 703]")
    parser.add_argument("--fastbal", default="fastbal", help="the program")
    options = parser.parse_args()

    choices = RULE | {"least-squares": ("--templates", "builtin", "--continuum", "least-squares", "--detector", "off")} | {
        pathlib.Path(name).stem: ("--templates", name, "--detector", "off") for name in options.templates}
    sample = make_sample(options, choices=choices)
    print_detector(sample, SIGNAL, sample.snr)
    print_detector(sample, REDSHIFT, sample.z)
    print_reliability(sample)
    print_troughs(options, sample)
    print_populations(options, sample)
    print_bright(sample)


if __name__ == "__main__":
    main()
