#!/usr/bin/python3
"""Measure what the continuum does to finds, with and without narrow absorption systems in the spectra.

usage: continuum_figures.py [--templates NAME ...] [--quasars N] [--seed N] [--fastbal PROGRAM]

Simulates the same quasars twice (fastbal simulate, 40 % with an outflow; the second time --no-narrow-systems), runs the
finder on them, and prints a table in Markdown. The built-in templates are measured with both continua, those of --templates
with the one that fits them: guo, brodzeller or files; guo and brodzeller if $FASTBAL_TEMPLATES is set. 3000 quasars take
about a minute, and half a GB of temporary files.

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


def bias(found, inside, templates):
    """The mean of ln(model / true) as text, and its error. Pixels where the model is not positive are left out."""
    wave, components = templates["WAVE"], [templates[name] for name in templates.names if name.startswith("PCA")]
    sums, counts = [], []
    for q in found[(found["BALMASK"] == 0) & np.isin(found["TARGETID"], list(inside))]:
        observed, true = inside[int(q["TARGETID"])]
        rest = observed / (1 + q["Z"])
        model = sum(c * np.interp(rest, wave, component) for c, component in zip(q["PCA_COEFFS"], components))
        good = model > 0
        sums.append(np.log(model[good] / true[good]).sum())
        counts.append(good.sum())
    sums, counts = np.array(sums), np.array(counts)
    if len(sums) < 2:
        return "none"
    value = sums.sum() / counts.sum()
    error = math.sqrt(np.square(sums - value * counts).sum()) / counts.sum()
    return f"{value:.3f} ± {error:.3f}".replace("-", "−")


def measure(found, truth, inside, templates):
    """The cells of a line of the table."""
    order = np.argsort(found["TARGETID"])
    matched = found[order[np.searchsorted(found["TARGETID"][order], truth["TARGETID"])]]
    finds, bal = matched["AI_CIV"] > 0, truth["BAL"] == 1
    strength = matched["AI_CIV"][bal].sum() / truth["AI_CIV"][bal].sum() if bal.any() else 0
    return [share(finds, bal), share(finds, bal & (truth["AI_CIV"] > 500)), share(finds, ~bal),
            share(finds, ~bal & (truth["AI_ALL"] == 0)), bias(found, inside, templates), f"{strength:.3f}"]


def main():
    parser = argparse.ArgumentParser(description="Measure what the continuum does to finds.")
    parser.add_argument("--templates", nargs="+", metavar="NAME", help="measured beside the built-in set",
                        default=["guo", "brodzeller"] if os.environ.get("FASTBAL_TEMPLATES") else [])
    parser.add_argument("--quasars", type=int, default=3000, help=f"in steps of {PER_PIXEL} [%(default)s]")
    parser.add_argument("--seed", type=int, default=301, help="of the simulation [%(default)s]")
    parser.add_argument("--fastbal", default="fastbal", help="the program")
    options = parser.parse_args()

    print("| narrow systems | templates | continuum | found | of AI > 500 | false | of AI_ALL = 0 | bias | AI / true |")
    print("|---|---|---|---|---|---|---|---|---|")
    for population, how in POPULATIONS.items():
        with tempfile.TemporaryDirectory() as name:
            folder, tree = pathlib.Path(name), pathlib.Path(name) / "tree"
            command(options.fastbal, "simulate", tree, "--pixels", max(1, options.quasars // PER_PIXEL), "--quasars", PER_PIXEL,
                    "--others", 0, "--bal-fraction", 0.4, "--seed", options.seed, "--no-resolution", "--truth-spectra", *how)
            truth, inside = read_truth(tree)
            for templates, continuum in (*BUILTIN, *((name, None) for name in options.templates)):
                found, continuum, table = find(options.fastbal, tree, templates, continuum, folder)
                cells = measure(found, truth, inside, table)
                print("|", " | ".join([population, pathlib.Path(templates).stem, continuum, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
