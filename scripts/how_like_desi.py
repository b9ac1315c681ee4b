#!/usr/bin/python3
"""Compare simulated quasars with real ones, quantity by quantity.

usage: how_like_desi.py TREE [--templates FILE] [--fastbal PROGRAM]

TREE was written by fastbal simulate --truth-spectra; a thousand quasars or more give useful errors. The finder is run
on it with --templates. The real values are those of BOSS and DESI quasars measured in the same way, or published ones,
as their lines say; errors are standard errors. "yes" means that the two differ by less than twice their joint error.
Prints a table in Markdown. Exit status 0: measured, whether it agrees or not.

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

# quantity: real value, its error (None: not stated), source
REAL = {
    "EW(C IV), median": (48.0, 4.5, "31 BOSS and DESI quasars"),
    "EW(C IV), 10 %": (36.0, 4.5, "the same"),
    "EW(C IV), standard deviation of log10": (0.181, 0.023, "the same"),
    "misfit of templates, 1500-1530 A": (0.047, 0.004, "66 BOSS and DESI quasars, noise subtracted"),
    "misfit of templates, 1530-1565 A": (0.062, 0.005, "the same"),
    "quasars with AI > 0": (0.185, 0.010, "DESI early data: 18 to 19 % (Filbert et al. 2024)"),
    "quasars with BI > 0": (0.040, 0.005, "DESI early data (Filbert et al. 2024)"),
    "non-BALs with AI > 0 from narrow C IV": (0.16, 0.05, "9 of 55 BOSS and DESI quasars, SNR_CIV 1.5 to 20"),
    "BALs with a redshifted trough": (0.088, None, "SDSS DR16 (BALNet, arXiv:2511.01344)"),
    "mean redshift error of BALs, km/s": (243.0, None, "DESI early data (Filbert et al. 2024)"),
    "noise relative to ivar, B and R": (1.045, 0.010, "12 DESI quasars"),
}


def mean(values):
    """A mean and its standard error."""
    values = np.asarray(values, float)
    return (values.mean(), values.std() / math.sqrt(len(values))) if len(values) > 1 else None


def share(part, whole):
    return mean(part[whole]) if whole.sum() > 1 else None


def statistic(values, function):
    """Any statistic, with the error that resampling gives."""
    values = np.asarray(values, float)
    if len(values) < 10:
        return None
    rng = np.random.default_rng(1)
    return function(values), np.std([function(rng.choice(values, len(values))) for _ in range(200)])


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


def find(tree, templates, program):
    """The finder's catalog, and the truth in the same order."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "found.fits")
        subprocess.run([program, "run", "-q", tree / "qso.fits", "-r", tree / "redux" / "sim", "--templates", templates,
                        "-o", out], check=True, stdout=subprocess.DEVNULL)
        found = fits.getdata(out, 1)
    truth = fits.getdata(tree / "truth.fits", "QUASARS")
    order = np.argsort(truth["TARGETID"])
    return found, truth[order[np.searchsorted(truth["TARGETID"][order], found["TARGETID"])]]


def spectra(tree):
    """Each quasar's TARGETID, true redshift, and by camera: wavelength, continuum, transmission, flux, ivar."""
    paths = sorted((tree / "redux" / "sim").rglob("truespectra-*.fits"))
    if not paths:
        raise SystemExit(f"{tree}: has no true spectra (fastbal simulate --truth-spectra writes them)")
    for path in paths:
        with fits.open(path) as true, fits.open(path.with_name(path.name.replace("truespectra", "coadd"))) as coadd:
            row = {int(t): i for i, t in enumerate(coadd["FIBERMAP"].data["TARGETID"])}
            cameras = [[(true if part in ("WAVELENGTH", "CONTINUUM", "TRANSMISSION") else coadd)[f"{c}_{part}"].data
                        for part in ("WAVELENGTH", "CONTINUUM", "TRANSMISSION", "FLUX", "IVAR")] for c in "BRZ"]
            for i, target in enumerate(true["TARGETS"].data):
                j = row[int(target["TARGETID"])]
                yield (int(target["TARGETID"]), float(target["Z"]),
                       [(w, c[i], t[i], f[j].astype(float), v[j].astype(float)) for w, c, t, f, v in cameras])


def between(x, y, first, last):
    return y[(x >= first) & (x < last)]


def equivalent_width(rest, continuum):
    """Of C IV, above a straight line through 1430-1460 and 1680-1710 A."""
    if rest[0] > 1430 or rest[-1] < 1710:
        return None
    blue, red = between(rest, continuum, 1430, 1460).mean(), between(rest, continuum, 1680, 1710).mean()
    inside = (rest >= 1480) & (rest < 1620)
    x = rest[inside]
    excess = continuum[inside] / (blue + (red - blue) * (x - 1445) / 250) - 1
    return float(np.sum(0.5 * (excess[1:] + excess[:-1]) * np.diff(x)))


def misfit(rest, continuum, wave, pca):
    """rms of the relative residuals of a noiseless fit in two bands; None if not covered, or if the fit fails."""
    if rest[0] > wave[0] or rest[-1] < wave[-1]:
        return None
    inside = (rest >= wave[0]) & (rest <= wave[-1])
    design = np.array([np.interp(rest[inside], wave, t) for t in pca]).T
    model = design @ np.linalg.lstsq(design, continuum[inside], rcond=None)[0]
    residual = continuum[inside] / model - 1
    found = [rms(between(rest[inside], residual, *band)) for band in ((1500, 1530), (1530, 1565))]
    return found if max(found) < 0.25 else None


def noise(flux, ivar):
    """Robust scatter of pixels around the mean of their neighbours, relative to what ivar says."""
    good = (ivar[:-2] > 0) & (ivar[1:-1] > 0) & (ivar[2:] > 0)
    variance = 1 / np.where(ivar > 0, ivar, 1)
    deviation = flux[1:-1] - 0.5 * (flux[:-2] + flux[2:])
    sigma = np.sqrt(variance[1:-1] + 0.25 * (variance[:-2] + variance[2:]))
    return 1.4826 * np.median(np.abs(deviation / sigma)[good]) if good.any() else None


def absorbed(found, z, cameras):
    """Whether there is any true absorption in the troughs that were found: 15 % of the light on average."""
    for low, high in zip(found["VMIN_CIV_450"], found["VMAX_CIV_450"]):
        inside = []
        for wave, _, transmission, _, _ in cameras:
            v = LIGHT_SPEED * (1 - wave / (1 + z) / CIV)
            inside += list(transmission[(v >= low) & (v <= high)])
        if low > 0 and inside and np.mean(inside) < 0.85:
            return True
    return False


def measure(tree, templates, program):
    """By quantity: the simulated value and its error."""
    found, truth = find(tree, templates, program)
    row = {int(t): i for i, t in enumerate(found["TARGETID"])}
    table = None
    if os.path.exists(templates):
        table = fits.getdata(templates, 1)
        pca = [table[name].astype(float) for name in table.names if name.startswith("PCA")]
    widths, misfits, noises = [], [], []
    real = np.zeros(len(found), bool)
    for targetid, z, cameras in spectra(tree):
        i = row[targetid]
        grid = np.arange(cameras[0][0][0], cameras[2][0][-1], 0.8)
        wave, continuum = (np.concatenate([camera[k] for camera in cameras]) for k in (0, 1))
        order = np.argsort(wave)
        rest, smooth = grid / (1 + z), np.interp(grid, wave[order], continuum[order].astype(float))
        width = equivalent_width(rest, smooth)
        widths += [width] if width is not None and 1.57 <= z <= 5 else []
        fit = misfit(rest, smooth, table["WAVE"].astype(float), pca) if table is not None else None
        misfits += [fit] if fit and not truth["BAL"][i] else []
        noises += [[noise(f, v) for _, _, _, f, v in cameras[:2]]]
        if found["AI_CIV"][i] > 0:
            real[i] = absorbed(found[i], found["Z"][i], cameras)
    troughs = fits.getdata(tree / "truth.fits", "TRUTH")
    redshifted = np.isin(truth["TARGETID"], troughs["TARGETID"][(troughs["POSMIN"] < 0) & (troughs["DEPTH"] > 0.1)])
    return results(found, truth, real, redshifted, widths, misfits, noises)


def results(found, truth, real, redshifted, widths, misfits, noises):
    out, ai, bi = {}, found["AI_CIV"] > 0, found["BI_CIV"] > 0
    in_range = (found["Z"] >= 1.57) & (found["Z"] <= 5.0)
    bal, signal = truth["BAL"] == 1, truth["SNR_CIV"]
    shift = LIGHT_SPEED * (truth["Z_CAT"] - truth["Z"]) / (1 + truth["Z"])
    right = np.abs(shift) < 3000
    widths = np.array(widths)
    out["EW(C IV), median"] = statistic(widths, np.median)
    out["EW(C IV), 10 %"] = statistic(widths, lambda x: np.percentile(x, 10))
    out["EW(C IV), standard deviation of log10"] = statistic(widths[widths > 1], lambda x: np.std(np.log10(x)))
    for k, band in enumerate(("1500-1530", "1530-1565")):
        out[f"misfit of templates, {band} A"] = statistic([m[k] for m in misfits], rms)
    out["quasars with AI > 0"] = share(ai, in_range)
    out["quasars with BI > 0"] = share(bi, in_range)
    out["non-BALs with AI > 0 from narrow C IV"] = share(ai & real, in_range & ~bal & ~bi & (signal > 1.5)
                                                         & (signal < 20))
    out["BALs with a redshifted trough"] = share(redshifted, bal)
    out["mean redshift error of BALs, km/s"] = mean(shift[bal & right])
    out["noise relative to ivar, B and R"] = statistic([np.mean(n) for n in noises if None not in n], np.median)
    return out


def written(value, error):
    digits = 0 if value >= 100 else 1 if value >= 10 else 3
    return f"{value:.{digits}f}" + (f" ± {error:.{digits}f}" if error is not None else "")


def main():
    parser = argparse.ArgumentParser(description="Compare simulated quasars with real ones.")
    parser.add_argument("tree", type=pathlib.Path, help="what fastbal simulate --truth-spectra wrote")
    parser.add_argument("--templates", default="guo",
                        help="for the finder; those of a file are also fitted to noiseless continua")
    parser.add_argument("--fastbal", default="fastbal", help="the program")
    options = parser.parse_args()

    simulated = measure(options.tree, options.templates, options.fastbal)
    print("| quantity | real | source | simulated | agree |\n|---|---|---|---|---|")
    for quantity, (value, error, source) in REAL.items():
        ours, agree = simulated[quantity], ""
        if ours is not None:
            sigmas = abs(ours[0] - value) / max(math.hypot(ours[1], error or 0), 1e-12)
            agree = "yes" if sigmas < 2 else f"no, {sigmas:.1f} errors apart"
        measured = written(*ours) if ours else "not measured"
        print(f"| {quantity} | {written(value, error)} | {source} | {measured} | {agree} |")


if __name__ == "__main__":
    main()
