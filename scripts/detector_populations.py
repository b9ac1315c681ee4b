"""Populations of simulated quasars that detector_figures.py and detector_adaptation.py measure the detector on, and what the
finder says of them.

continua of X   The noiseless flux C T becomes C' T. C' is the fit of these templates to another, bright (SNR_CIV > 5) quasar
                without an outflow, moved to this redshift, reddened by the dust of this quasar's outflow, and scaled to the
                median of C from 1400 to 1700 A, rest frame. Beyond the templates, C' / C is constant.
tilted continua The noiseless flux is multiplied by exp(0.15 x): x rises with log(wavelength) from -1 at 1400 A to 1 at 1550 A,
                rest frame, and stays what it is beyond. This lowers the spectrum where outflows are searched.
boxes, ramps    One of six quasars has a trough whose depth is constant or rises linearly to either side, with sharp edges;
                in two of three, Si IV is half as deep. There are no other outflows.

The noise of a spectrum and its ivar stay what they were.

SPDX-License-Identifier: BSD-3-Clause
"""
import pathlib
import subprocess
import tempfile
from typing import NamedTuple

import numpy as np
from astropy.io import fits

LIGHT_SPEED = 299792.458
CIV = 1549.0
CIV_LINES, SIIV_LINES = (1548.204, 1550.781), (1393.76, 1402.77)
PER_PIXEL = 60
RULE = {"trough-aware": ("--templates", "builtin", "--continuum", "trough-aware")}
FOUND = ["TARGETID", "Z", "BALMASK", "BALSTATUS", "SNR_CIV", "PCA_COEFFS", "BAL_PROB", "AI_CIV", "BI_CIV", "VMIN_CIV_450",
         "VMAX_CIV_450", "AI_DET", "BI_DET", "VMIN_DET_450", "VMAX_DET_450"]
TRUTH = ["TARGETID", "Z", "Z_CAT", "BAL", "AI_CIV", "BI_CIV", "VMIN_CIV_450", "VMAX_CIV_450", "AI_ALL", "VMIN_ALL_450",
         "VMAX_ALL_450", "EBV_BAL"]


def command(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def read(path, hdu, names):
    """Columns of a table, in order of TARGETID."""
    data = fits.getdata(path, hdu)
    order = np.argsort(data["TARGETID"])
    return {name: np.array(data[name])[order] for name in names}


def spectra_of(tree):
    return ("--mock", "--mockdir", tree / "mock") if (tree / "mock").exists() else ("-r", tree / "redux" / "sim")


def find(options, tree, *how):
    command(options.fastbal, "run", "--quiet", "-q", tree / "qso.fits", *spectra_of(tree), *how, "-o", tree / "found.fits", "-c")
    return read(tree / "found.fits", 1, FOUND)


def edit(tree, change):
    """Replace noiseless fluxes by change(TARGETID, rest wavelengths, continuum, transmission). Noise and ivar stay."""
    for path in sorted((tree / "redux" / "sim").rglob("truespectra-*.fits")):
        observed = path.with_name(path.name.replace("truespectra", "coadd"))
        with fits.open(path, memmap=False) as true, fits.open(observed, "update", memmap=False) as coadd:
            row = {int(target): i for i, target in enumerate(coadd["FIBERMAP"].data["TARGETID"])}
            wave, light, transmission = (
                np.concatenate([true[f"{camera}_{part}"].data.astype(float) for camera in "BRZ"], axis=-1)
                for part in ("WAVELENGTH", "CONTINUUM", "TRANSMISSION"))
            ends = np.cumsum([true[f"{camera}_WAVELENGTH"].data.size for camera in "BR"])
            for quasar, c, t in zip(true["TARGETS"].data, light, transmission):
                new = change(int(quasar["TARGETID"]), wave / (1 + quasar["Z"]), c, t)
                for camera, difference in zip("BRZ", np.split(new - c * t, ends)):
                    coadd[f"{camera}_FLUX"].data[row[int(quasar["TARGETID"])]] += difference
            for camera in "BRZ":
                coadd[f"{camera}_FLUX"].add_checksum()


def dust(ebv, rest):
    """What SMC-like dust leaves of the light (docs/simulate.md)."""
    return 10 ** (-0.4 * 1.39 * ebv * (rest / 1e4) ** -1.2)


def other_continua(templates, options, tree, truth, seed):
    """Give all quasars continua made of these templates."""
    rng, exported = np.random.default_rng([seed, 1]), tree / "templates.fits"
    command(options.fastbal, "templates", "--templates", templates, "--export", exported, "-c")
    table, found = fits.getdata(exported, 1), find(options, tree, "--templates", templates, "--detector", "off")
    wave, models = table["WAVE"], found["PCA_COEFFS"] @ [table[name] for name in table.names if name.startswith("PCA")]
    good = (truth["Z_CAT"] > 1.86) & (truth["Z_CAT"] < 3.09)  # spectra that cover the templates
    good &= np.abs(truth["Z_CAT"] - truth["Z"]) < 0.001 * (1 + truth["Z"])
    bright = np.flatnonzero(good & (found["SNR_CIV"] > 5) & (truth["BAL"] == 0) & (models > 0).all(1))
    if len(bright) < 2:
        raise SystemExit(f"seed {seed}: too few bright quasars to take continua from; more --quasars are needed")

    reddening = dict(zip(truth["TARGETID"], truth["EBV_BAL"]))

    def change(target, rest, light, transmission):
        k, band = rng.integers(len(bright)), (rest > 1400) & (rest < 1700)
        if not band.any():  # outside the range of redshifts
            return light * transmission
        k = bright[k - 1] if truth["TARGETID"][bright[k]] == target else bright[k]
        ratio = np.interp(rest, wave, models[k]) * dust(reddening[target], rest) / light
        ratio *= np.median(light[band]) / np.median((ratio * light)[band])
        order = np.argsort(rest)
        order = order[(rest[order] >= wave[0]) & (rest[order] <= wave[-1])]
        return light * np.interp(rest, rest[order], ratio[order]) * transmission

    edit(tree, change)


def tilted_continua(options, tree, truth, seed):
    edit(tree, lambda target, rest, light, transmission:
         light * np.exp(0.15 * np.interp(np.log(rest), np.log([1400, 1550]), [-1, 1])) * transmission)


class Trough(NamedTuple):
    red: float    # edge, km/s
    width: float  # km/s
    depth: float
    rise: int     # of the depth: 0 none, 1 to the blue, -1 to the red
    siiv: float   # depth relative to C IV
    edge: float = 75.0


def through(trough, rest):
    """What a trough leaves of the light. It is optically thick: both lines of a doublet have the same depth."""
    depth = np.zeros(len(rest))
    for lines, strength in ((CIV_LINES, 1), (SIIV_LINES, trough.siiv)):
        for line in lines:
            v = LIGHT_SPEED * (1 - rest / line) - trough.red
            shape = 0.25 * (1 + np.tanh(v / trough.edge)) * (1 + np.tanh((trough.width - v) / trough.edge))
            slope = np.clip(v / trough.width, 0, 1)
            shape *= (1, slope, 1 - slope)[trough.rise]
            depth = np.maximum(depth, strength * trough.depth * shape)
    return 1 - depth


def absorption_index(trough):
    """Its AI (docs/algorithm.md, section 5)."""
    step, v = 10, np.arange(25000, -1, -10)
    flux = through(trough, CIV * (1 - v / LIGHT_SPEED))
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flux < 0.9, [0]]))).reshape(-1, 2)
    return sum(step * (1 - flux[begin + 450 // step:end] / 0.9).sum() for begin, end in ends)


def boxes_and_ramps(options, tree, truth, seed):
    rng, troughs = np.random.default_rng([seed, 2]), {}
    for k in np.flatnonzero(rng.random(len(truth["TARGETID"])) < 1 / 6):
        trough = Trough(rng.uniform(0, 20000), rng.uniform(700, 8000), rng.uniform(0.2, 1), rng.integers(-1, 2),
                        0.5 * (rng.random() < 2 / 3))
        troughs[int(truth["TARGETID"][k])] = trough
        truth["AI_CIV"][k] = absorption_index(trough)
        truth["BAL"][k] = truth["AI_CIV"][k] > 0
    edit(tree, lambda target, rest, light, transmission:
         light * transmission * (through(troughs[target], rest) if target in troughs else 1))


class Sample(NamedTuple):
    """The measured quasars of all seeds."""
    truth: dict  # columns
    found: dict  # columns of the catalogs, by choice of the rule's templates and continuum
    left_out: int  # in the range of redshifts, but not measured
    p: np.ndarray  # BAL_PROB
    bal: np.ndarray
    snr: np.ndarray
    z: np.ndarray


def simulate(options, tree, seed, *how, change=None):
    """Make a tree and return its truth. change(options, tree, truth, seed) edits spectra and truth."""
    command(options.fastbal, "simulate", tree, "--pixels", max(1, options.quasars // PER_PIXEL), "--quasars", PER_PIXEL,
            "--others", 0, "--seed", seed, "--no-resolution", *how, *(("--truth-spectra",) if change else ()))
    truth = read(tree / "truth.fits", "QUASARS", TRUTH)
    if change:
        change(options, tree, truth, seed)
    return truth


def make_sample(options, *how, change=None, choices=RULE):
    """Simulate and find."""
    truths, finds = [], {choice: [] for choice in choices}
    for seed in options.seed:
        with tempfile.TemporaryDirectory() as name:
            tree = pathlib.Path(name) / "tree"
            truths.append(simulate(options, tree, seed, *how, change=change))
            for choice, settings in choices.items():
                finds[choice].append(find(options, tree, *settings))
    mask = np.concatenate([found["BALMASK"] for found in finds["trough-aware"]])
    truth, *found = ({name: np.concatenate([part[name] for part in parts])[mask == 0] for name in parts[0]}
                     for parts in (truths, *finds.values()))
    for table in (truth, *found):
        table["TARGETID"] = np.arange(len(table["TARGETID"]))  # seeds may share some
    mine = found[list(choices).index("trough-aware")]
    return Sample(truth, dict(zip(choices, found)), int(((mask != 0) & (mask & 2 == 0)).sum()), mine["BAL_PROB"].astype("f4"),
                  truth["BAL"] == 1, mine["SNR_CIV"], mine["Z"])
