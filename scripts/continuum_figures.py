#!/usr/bin/python3
"""Measure what the continuum does to finds, with and without narrow absorption systems in the spectra.

usage: continuum_figures.py [--templates NAME ...] [--quasars N] [--seed N ...] [--fastbal PROGRAM]

Simulates the same quasars twice (fastbal simulate, 40 % with an outflow; the second time --no-narrow-systems), runs the
finder on them, and prints a table in Markdown, of all seeds together. The built-in templates are measured with both continua,
those of --templates with the one that fits them: guo, brodzeller or files; guo and brodzeller if $FASTBAL_TEMPLATES is set.
3000 quasars of one seed take half a minute, and half a GB of temporary files.

Counted are quasars in the finder's range of redshifts whose true SNR_CIV is above 1. A find has AI > 0.

found            share of true BALs found
of AI > 500      the same of those whose true AI is above 500 km/s
false            share found of quasars without an outflow
of AI_ALL = 0    the same of those without any absorption that has an AI, so that their narrow systems have none
bias             ln(model / true continuum), mean of the pixels in true C IV troughs of BALs
AI / true        sum of the AI of true BALs, relative to that of their true AI

Errors are standard errors: binomial, and for the bias from the scatter between quasars.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
import math
import os
import pathlib
import subprocess
import tempfile

import numpy as np
from astropy.io import fits

LIGHT_SPEED = 299792.458
CIV = 1549.0
PER_PIXEL = 100
POPULATIONS = {"yes": (), "no": ("--no-narrow-systems",)}
BUILTIN = (("builtin", "trough-aware"), ("builtin", "least-squares"))


def command(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def read_truth(tree):
    """The quasars that count; and by TARGETID, wavelengths and true continuum of pixels in true troughs of the BALs."""
    truth = fits.getdata(tree / "truth.fits", "QUASARS")
    truth = truth[(truth["SNR_CIV"] > 1) & (truth["Z_CAT"] >= 1.57) & (truth["Z_CAT"] <= 5.0)]
    bals = {int(q["TARGETID"]): q for q in truth if q["BAL"]}
    inside = {}
    for path in sorted((tree / "redux" / "sim").rglob("truespectra-*.fits")):
        with fits.open(path, memmap=False) as hdus:
            wave = np.concatenate([hdus[f"{camera}_WAVELENGTH"].data for camera in "BRZ"])
            wave, first = np.unique(wave.round(3), return_index=True)  # where cameras overlap, pixels count once
            continuum = np.hstack([hdus[f"{camera}_CONTINUUM"].data for camera in "BRZ"])[:, first]
            targets = [int(target) for target in hdus["TARGETS"].data["TARGETID"]]
        for target, light in zip(targets, continuum):
            if target in bals:
                q = bals[target]
                v = LIGHT_SPEED * (1 - wave / (1 + q["Z"]) / CIV)
                chosen = np.zeros(len(v), bool)
                for low, high in zip(q["VMIN_CIV_450"], q["VMAX_CIV_450"]):
                    chosen |= (low > 0) & (v >= low) & (v <= high)
                inside[target] = wave[chosen], light[chosen].astype(float)
    return truth, inside


def find(program, tree, templates, continuum, folder):
    """The finder's catalog, the kind of continuum, and the templates as a table."""
    out, table = folder / "found.fits", folder / "templates.fits"
    how = ("--continuum", continuum) if continuum else ()
    command(program, "run", "--quiet", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", templates, *how,
            "-o", out, "-c")
    command(program, "templates", "--templates", templates, "--export", table, "-c")
    return fits.getdata(out, 1), fits.getheader(out, 1)["BALCONT"], fits.getdata(table, 1)


def share(finds, of):
    """A share as text, with its binomial error and the counts."""
    n, k = int(of.sum()), int((finds & of).sum())
    if n == 0:
        return "none"
    p = k / n
    return f"{p:.3f} ± {math.sqrt(p * (1 - p) / n):.3f} ({k} of {n})"


def biases(found, inside, templates):
    """For each BAL, the sum of ln(model / true) and its number of pixels. Those where the model is not positive are left out."""
    wave, components = templates["WAVE"], [templates[name] for name in templates.names if name.startswith("PCA")]
    sums = []
    for q in found[(found["BALMASK"] == 0) & np.isin(found["TARGETID"], list(inside))]:
        observed, true = inside[int(q["TARGETID"])]
        rest = observed / (1 + q["Z"])
        model = sum(c * np.interp(rest, wave, component) for c, component in zip(q["PCA_COEFFS"], components))
        good = model > 0
        sums.append((np.log(model[good] / true[good]).sum(), good.sum()))
    return np.array(sums).reshape(-1, 2)


def bias(parts):
    """The mean of ln(model / true) as text, and its error."""
    sums, counts = np.concatenate(parts).T
    if len(sums) < 2:
        return "none"
    value = sums.sum() / counts.sum()
    error = math.sqrt(np.square(sums - value * counts).sum()) / counts.sum()
    return f"{value:.3f} ± {error:.3f}".replace("-", "−")


def match(found, truth):
    """The AI that was found, in the order of the truth."""
    order = np.argsort(found["TARGETID"])
    return found["AI_CIV"][order[np.searchsorted(found["TARGETID"][order], truth["TARGETID"])]]


def cells(parts):
    """The cells of a line of the table, from the catalog, truth, and sums of each seed."""
    ai = np.concatenate([match(found, truth) for found, truth, _ in parts])
    bal, true_ai, ai_all = (np.concatenate([truth[name] for _, truth, _ in parts]) for name in ("BAL", "AI_CIV", "AI_ALL"))
    finds, bal = ai > 0, bal == 1
    strength = ai[bal].sum() / true_ai[bal].sum() if bal.any() else 0
    return [share(finds, bal), share(finds, bal & (true_ai > 500)), share(finds, ~bal), share(finds, ~bal & (ai_all == 0)),
            bias([sums for _, _, sums in parts]), f"{strength:.3f}"]


def measure(options, choices, how):
    """Simulate and measure all seeds. Returns for each choice of templates and continuum the latter's kind and the parts."""
    results = {choice: [] for choice in choices}
    kinds = {}
    for seed in options.seed:
        with tempfile.TemporaryDirectory() as name:
            folder, tree = pathlib.Path(name), pathlib.Path(name) / "tree"
            command(options.fastbal, "simulate", tree, "--pixels", max(1, options.quasars // PER_PIXEL), "--quasars", PER_PIXEL,
                    "--others", 0, "--bal-fraction", 0.4, "--seed", seed, "--no-resolution", "--truth-spectra", *how)
            truth, inside = read_truth(tree)
            for choice in choices:
                found, kinds[choice], table = find(options.fastbal, tree, *choice, folder)
                results[choice].append((found, truth, biases(found, inside, table)))
    return [(choice[0], kinds[choice], parts) for choice, parts in results.items()]


def main():
    parser = argparse.ArgumentParser(description="Measure what the continuum does to finds.")
    parser.add_argument("--templates", nargs="+", metavar="NAME", help="measured beside the built-in set",
                        default=["guo", "brodzeller"] if os.environ.get("FASTBAL_TEMPLATES") else [])
    parser.add_argument("--quasars", type=int, default=3000, help=f"of each seed, in steps of {PER_PIXEL} [%(default)s]")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", default=[301], help="of the simulations [301]")
    parser.add_argument("--fastbal", default="fastbal", help="the program")
    options = parser.parse_args()

    print("| narrow systems | templates | continuum | found | of AI > 500 | false | of AI_ALL = 0 | bias | AI / true |")
    print("|---|---|---|---|---|---|---|---|---|")
    choices = [*BUILTIN, *((name, None) for name in options.templates)]
    for population, how in POPULATIONS.items():
        for templates, continuum, parts in measure(options, choices, how):
            print("|", " | ".join([population, pathlib.Path(templates).stem, continuum, *cells(parts)]), "|", flush=True)


if __name__ == "__main__":
    main()
