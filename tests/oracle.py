#!/usr/bin/python3
"""The finder in plain numpy, one quasar at a time: slow, simple, and written apart from the C library, to hold it to.

usage: oracle.py COADD ZAFTER OUTPUT --templates FITS [--fit exact|simplex] [--rules main|optimize]
                 [--continuum least-squares|trough-aware]

Reads one coadd (or mock spectra) file and its redshift catalog and writes a BAL table. As a module:

    wave, flux, ivar = join(cameras)                      the spectra of several cameras on one grid
    measure(wave, flux, ivar, z, templates)               -> dict of columns, or None where it can't be measured
    measure_file(coadd, zafter, templates)                -> the rows of a BAL table
    nelder_mead(function, start)                          -> where the simplex search ends

Section numbers refer to docs/algorithm.md.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
from typing import NamedTuple

import numpy as np
from astropy.io import fits

LIGHT = 299792.458  # km/s
CIV, SIIV = 1549.0, 1398.0  # A
V_BLUE, V_BI = -25000.0, -3000.0  # km/s
FIT_MIN, FIT_MAX = 1261.0, 2399.0  # A
Z_MIN, Z_MAX = 1.57, 5.0
MINIMUM = {"450": 450.0, "2000": 2000.0}  # km/s: troughs of AI and of BI
LENGTH = {"450": 17, "2000": 5}
ITERATIONS = 10
CHI2_LIMIT = 1498.5  # rules of main: above it there are no troughs
UNOBSERVED = np.finfo(float).max  # the error of a pixel with ivar 0


# ---- §1: one spectrum from several cameras ----

def resample(centres, x, y):
    """Means over output pixels of the piecewise-linear function through (x, y), which ends one node beyond in 0."""
    x = np.concatenate(([2 * x[0] - x[1]], x, [2 * x[-1] - x[-2]]))
    y = np.concatenate(([0.0], y, [0.0]))
    between = 0.5 * (centres[1:] + centres[:-1])
    edges = np.concatenate(([centres[0] - (between[0] - centres[0])], between,
                            [centres[-1] + (centres[-1] - between[-1])]))
    area = np.concatenate(([0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(x))))

    def integral_to(t):
        t = np.clip(t, x[0], x[-1])
        k = np.clip(np.searchsorted(x, t, side="right") - 1, 0, len(x) - 2)
        yt = y[k] + (y[k + 1] - y[k]) * (t - x[k]) / (x[k + 1] - x[k])
        return area[k] + 0.5 * (y[k] + yt) * (t - x[k])

    return np.diff(integral_to(edges)) / np.diff(edges)


def clean(flux, ivar):
    """Pixels that aren't measurements become flux = ivar = 0."""
    flux, ivar = np.asarray(flux, float), np.asarray(ivar, float)
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(flux) & np.isfinite(ivar) & (ivar >= 0))
    return np.where(bad, 0.0, flux), np.where(bad, 0.0, ivar)


BAD_STATUS = {"": (2, 8, 9, 16, 17, 18, 19, 20, 21), "B": (22,), "R": (23,), "Z": (24,)}  # bits of FIBERSTATUS


def join_exposures(fibermap, cameras):
    """One row per target, the mean of its exposures; where no target has several rows everything stays as it is.

    cameras: {name: (wave, flux[n, nwave], ivar, mask or None)}"""
    targets, first, target = np.unique(fibermap["TARGETID"], return_index=True, return_inverse=True)
    if len(targets) == len(fibermap):
        return fibermap, cameras
    column = next((name for name in ("FIBERSTATUS", "COADD_FIBERSTATUS") if name in fibermap.names), None)
    status = fibermap[column] if column else np.zeros(len(fibermap), int)
    joined = {}
    for name, (wave, flux, ivar, mask) in cameras.items():
        flux, ivar = clean(flux, ivar)
        for bit in BAD_STATUS[""] + BAD_STATUS.get(name, ()):
            ivar[status >> bit & 1 == 1] = 0
        masked = np.zeros(flux.shape, bool) if mask is None else mask != 0
        sums, weights = np.zeros((2, 2, len(targets), len(wave)))  # of good pixels, and of masked ones
        for k, counts in enumerate((~masked, masked)):
            np.add.at(sums[k], target, np.where(counts, ivar * flux, 0))
            np.add.at(weights[k], target, np.where(counts, ivar, 0))
        stands_in = (weights[0] == 0) & (weights[1] > 0)
        total, weight = np.where(stands_in, sums[1], sums[0]), np.where(stands_in, weights[1], weights[0])
        mean = total / np.where(weight > 0, weight, 1)
        joined[name] = wave, mean.astype("f4"), weight.astype("f4"), stands_in
    return fibermap[first], joined


def joint_grid(waves):
    """The grid that all cameras' pixels lie on and where each camera starts in it; None if there is no such grid."""
    grid = waves[0]
    for wave in waves[1:]:
        grid = np.concatenate((grid, wave[wave > grid[-1] + 1e-4]))
    starts = []
    for wave in waves:
        i = int(np.argmin(np.abs(grid - wave[0])))
        if i + len(wave) > len(grid) or np.any(np.abs(grid[i:i + len(wave)] - wave) > 1e-4):
            return None
        starts.append(i)
    return grid, starts


def join(cameras, first=3600.0):
    """cameras: (wave, flux[n, nwave], ivar, mask or None) in order of wavelength -> wave, flux[n, nwave], ivar.

    first: where the grid starts if the cameras have to be resampled."""
    n = len(cameras[0][1])
    aligned = joint_grid([camera[0] for camera in cameras])
    if aligned:
        grid, starts = aligned
        weighted, ivar, single = (np.zeros((n, len(grid))) for _ in range(3))
        seen = np.zeros(len(grid), int)
        for start, (wave, f, iv, _) in zip(starts, cameras):
            f, iv = clean(f, iv)
            here = slice(start, start + len(wave))
            weighted[:, here] += iv * f
            ivar[:, here] += iv
            single[:, here] = f
            seen[here] += 1
        return grid, np.where(seen > 1, weighted / np.where(ivar > 0, ivar, 1), single), ivar

    grid = first + 0.8 * np.arange(int((cameras[-1][0][-1] - first) / 0.8) + 1)
    weighted, ivar = np.zeros((n, len(grid))), np.zeros((n, len(grid)))
    for wave, f, iv, mask in cameras:
        f, iv = clean(f, iv)
        if mask is not None:
            iv = np.where(mask == 0, iv, 0.0)
        for k in range(n):
            ivar[k] += resample(grid, wave, iv[k])
            weighted[k] += resample(grid, wave, iv[k] * f[k])
    return grid, np.where(ivar > 0, weighted / np.where(ivar > 0, ivar, 1), 0.0), ivar


# ---- §4: the fit ----

class NoMoreEvaluations(Exception):
    pass


def nelder_mead(function, start):
    """Nelder and Mead's search for the minimum of a function, with scipy's limits, tolerances and first steps."""
    n, evaluations = len(start), 0

    def f(x):
        nonlocal evaluations
        if evaluations == 200 * n:
            raise NoMoreEvaluations
        evaluations += 1
        return function(x)

    x = np.array([start] * (n + 1), float)
    for k in range(n):
        x[k + 1, k] = 1.05 * start[k] if start[k] != 0 else 0.00025
    y = np.array([f(point) for point in x])
    try:
        for _ in range(200 * n - 1):
            order = np.argsort(y, kind="stable")
            x, y = x[order], y[order]
            if np.abs(x[1:] - x[0]).max() <= 1e-4 and np.abs(y[1:] - y[0]).max() <= 1e-4:
                break
            centre, worst = x[:-1].sum(axis=0) / n, x[-1]
            reflected = 2 * centre - worst
            y_reflected = f(reflected)
            if y_reflected < y[0]:
                expanded = 3 * centre - 2 * worst
                y_expanded = f(expanded)
                better = y_expanded < y_reflected
                x[-1], y[-1] = (expanded, y_expanded) if better else (reflected, y_reflected)
                continue
            if y_reflected < y[-2]:
                x[-1], y[-1] = reflected, y_reflected
                continue
            outside = y_reflected < y[-1]
            contracted = 1.5 * centre - 0.5 * worst if outside else 0.5 * centre + 0.5 * worst
            y_contracted = f(contracted)
            if y_contracted <= y_reflected if outside else y_contracted < y[-1]:
                x[-1], y[-1] = contracted, y_contracted
                continue
            for k in range(1, n + 1):
                x[k] = x[0] + 0.5 * (x[k] - x[0])
                y[k] = f(x[k])
    except NoMoreEvaluations:
        pass
    return x[np.argmin(y)]


def least_squares(T, flux, weight, fit):
    """The coefficients, or None where they are not determined. weight: 1 / sigma."""
    T, flux = T * weight, flux * weight
    coeffs, _, rank, _ = np.linalg.lstsq(T.T, flux, rcond=None)
    if rank < len(T):
        return None
    if fit == "simplex":
        coeffs = nelder_mead(lambda a: np.sum((a @ T - flux) ** 2), np.ones(len(T)))
    return coeffs


# ---- §5: troughs ----

def nearest(a, value):
    """Index of the element nearest to value; the upper one of two."""
    i = int(np.searchsorted(a, value))
    return i - 1 if i > 0 and (i == len(a) or abs(value - a[i - 1]) < abs(value - a[i])) else i


def scan(nf, ns, v, kind):
    """(start, end) of every trough, from flux and error over continuum; kind "450" (AI) or "2000" (BI)."""
    if np.median(nf) < np.median(ns):
        return []
    ai, minimum, n = kind == "450", MINIMUM[kind], len(nf)
    inside = (1 - nf / 0.9) - 0.5 * ns > 0
    troughs, width, start = [], 0.0, 0
    for i in range(n):
        step = v[i] - v[i - 1]
        if inside[i]:
            if i == n - 1:
                width += step
                if width > minimum:
                    troughs.append((start, i))
            if width == 0:
                start, width = i, 0.0001
            else:
                width += step
        elif i < n - 2 and inside[i + 1] and (not ai or (inside[i - 1] and inside[i - 2])):
            if width != 0:  # a single spike inside a trough
                width += step
        else:
            if width > minimum:
                count = i - 1 - start
                mean, error = nf[start:i - 1].mean(), ns[start:i - 1].mean() / np.sqrt(count)
                if not ai or 1 - (mean + 3 * error) / 0.9 > 0:
                    troughs.append((start, i - 1))
            width = 0.0
    return troughs[:LENGTH[kind]]


def no_troughs(kind):
    return {**{name: np.full(LENGTH[kind], -1.0) for name in ("VMIN", "VMAX", "POSMIN", "FMIN")},
            "COUNT": 0, "INDEX": 0.0, "ERROR": 0.0}


def line_troughs(w, flux, sigma, model, line):
    """{"450": troughs of AI, "2000": of BI} of the line at that wavelength."""
    v = LIGHT * ((w - line) / line)
    first, last = np.argmax(v >= V_BLUE), {"450": np.argmax(v >= 0), "2000": np.argmax(v >= V_BI)}
    found, difference = {}, None
    for kind in ("450", "2000"):
        here = slice(first, last[kind])
        f, s, m, vv = flux[here], sigma[here], model[here], v[here]
        with np.errstate(over="ignore"):
            nf, ns = f / m, s / m
            troughs = scan(nf, ns, vv, kind) if np.median(f) > np.median(s) else []
        if kind == "450":  # both kinds use the difference outside the AI troughs
            free = np.ones(len(f), bool)
            for start, end in troughs:
                free[start:end + 1] = False
            difference = np.mean(np.abs(m - f)[free]) if free.any() else 0.0
        r = no_troughs(kind)
        variance = 0.0
        for k, (start, end) in enumerate(troughs):
            width = value = var = 0.0
            for i in range(start, end - 1):
                step = vv[i + 1] - vv[i]
                width += step
                if width >= MINIMUM[kind]:
                    value += step * (1 - nf[i + 1] / 0.9)
                    noise = ns[i] ** 2 if s[i] < UNOBSERVED else 0.0
                    var += step * (noise + (difference / m[i]) ** 2) / 0.81
            if value < 0:
                value = var = 0.0
            r["INDEX"] += value
            variance += var
            deepest = start + int(np.argmin(nf[start:end]))
            r["VMAX"][k], r["VMIN"][k] = -vv[start], -vv[end]
            r["POSMIN"][k], r["FMIN"][k] = -vv[deepest], nf[deepest]
        r["COUNT"], r["ERROR"] = len(troughs), np.sqrt(variance)
        found[kind] = r if r["INDEX"] != 0 else no_troughs(kind)
    return found


# ---- the same by the rules of the optimised branch ----

class NoDifference(Exception):
    """Si IV has troughs, but D, which comes from C IV, is not known."""


def scan_optimize(nf, ns, v, kind):
    """(first, last) pixel of every trough: the runs of pixels that are in, or are spikes."""
    with np.errstate(over="ignore"):
        if len(nf) == 0 or np.median(nf) < np.median(ns):
            return []
    n, inside = len(nf), (1 - nf / 0.9) - 0.5 * ns > 0
    spike = ~inside & np.append(inside[1:], False)
    if kind == "450":
        spike &= np.append([False, False], inside[:-2] & inside[1:-1])[:n]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside | spike, [0]))))
    troughs = []
    for first, end in edges.reshape(-1, 2):
        first, last = first + spike[first], end - 1  # a spike is part of a trough that has begun
        if 0.0001 + v[last] - v[first] <= MINIMUM[kind]:
            continue
        with np.errstate(over="ignore"):
            mean, error = nf[first:end].mean(), ns[first:end].mean() / np.sqrt(end - first)
        if kind == "2000" or last == n - 1 or 1 - (mean + 3 * error) / 0.9 > 0:
            troughs.append((first, last))
    return troughs


def line_troughs_optimize(w, flux, sigma, model, line, difference):
    """Troughs as from line_troughs, D, and whether the line was searched: not where the model is negative.

    difference: D, which C IV makes and Si IV is given; None where there is none."""
    v = LIGHT * ((w - line) / line)
    lo, ai_end, bi_end = np.searchsorted(v, (V_BLUE, 0.0, V_BI))
    found = {kind: no_troughs(kind) for kind in LENGTH}
    if (model[lo:ai_end] < 0).any():
        return found, difference, False
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        nf, ns = np.where(model == 0, 1.0, flux / model), np.where(model == 0, np.inf, sigma / model)
    for kind, end in (("450", ai_end), ("2000", bi_end)):
        troughs = [(lo + a, lo + b) for a, b in scan_optimize(nf[lo:end], ns[lo:end], v[lo:end], kind)]
        if line == CIV and kind == "450":
            free = np.arange(lo, end)
            for a, b in troughs:
                free = free[(free < a) | (free > b)]
            difference = np.abs(model - flux)[free].mean() if len(free) else 0.0
        if troughs and difference is None:
            raise NoDifference
        r, variance = found[kind], 0.0
        for k, (a, b) in enumerate(troughs[:LENGTH[kind]]):
            here = np.arange(a, b)
            here = here[v[here] - v[a] >= MINIMUM[kind]]
            step = v[here + 1] - v[here]
            value = np.sum(step * (1 - nf[here + 1] / 0.9))
            if value > 0:
                r["INDEX"] += value
                known = model[here] != 0
                noise = np.where(sigma[here] < UNOBSERVED, ns[here], 0)
                variance += np.sum((step * (noise ** 2 + (difference / model[here]) ** 2))[known]) / 0.81
            deepest = a + int(np.argmin(nf[a:b + 1]))
            r["VMAX"][k], r["VMIN"][k], r["POSMIN"][k], r["FMIN"][k] = -v[a], -v[b], -v[deepest], nf[deepest]
            r["COUNT"] = k + 1
        r["ERROR"] = np.sqrt(variance)
    return found, difference, True


# ---- §4: the trough-aware continuum ----

MIDDLES = 1258 * (2402 / 1258) ** (np.arange(1100) / 1099)  # A, of the cells
EDGES = 1258 * (2402 / 1258) ** ((np.arange(1101) - 0.5) / 1099)
MAY_BE_ABSORBED = np.any([(LIGHT * (1 - MIDDLES / line) > -300) & (LIGHT * (1 - MIDDLES / line) < 29000)
                          for line in (CIV, SIIV)], axis=0)


def solve_map(N, h, scale, mean, precision):
    """The most probable coefficients, the matrix they solve and their first one, c_0, by which the prior is scaled; None
    where the matrix is singular."""
    deviation = np.hstack((-mean[:, None], np.eye(len(mean))))  # of c_k / c_0 from the mean, times c / c_0
    Q = deviation.T @ precision @ deviation
    for _ in range(3):
        matrix = N + Q / scale ** 2
        size = np.sqrt(np.diag(matrix))
        if not (size > 0).all() or np.linalg.cond(matrix / np.outer(size, size)) > 1e12:
            return None
        coeffs = np.linalg.solve(matrix / np.outer(size, size), h / size) / size
        if coeffs[0] <= 0 or not Q.any():
            break
        before, scale = scale, coeffs[0]
        if abs(scale / before - 1) < 1e-3:
            break
    return coeffs, matrix, scale


def probability_of_absorption(V, y, m, psi, variance):
    """p of each cell: how significantly runs of 3 and of 13 cells are below the model m."""
    z = np.full(len(m), -np.inf)
    for half in (1, 6):
        run = np.ones(2 * half + 1)
        D = np.convolve(V * m ** 2, run, "same")
        with np.errstate(divide="ignore", invalid="ignore"):
            d = np.convolve(V * m * (m - y), run, "same") / D
            z = np.maximum(z, np.where(d >= 0.05, d / np.sqrt(1 / D + psi ** 2 + variance), -np.inf))
    return np.where(MAY_BE_ABSORBED, 1 / (1 + np.exp(np.clip((2.5 - z) / 0.6, -700, 700))), 0) * (z > -np.inf)


class CellFit(NamedTuple):
    coeffs: np.ndarray
    p: np.ndarray  # of each cell: the probability of absorption that the last fit weighed them with
    fits: int
    converged: bool  # the last fit did not change the continuum
    V: np.ndarray  # of each cell: ivar, mean flux, and the model, which is limited from below
    y: np.ndarray
    m: np.ndarray
    matrix: np.ndarray  # whose inverse is the covariance of the coefficients
    scale: float  # c_0


def trough_aware(w, flux, ivar, T, mean, precision, psi):
    """The last fit; None where it is singular.

    T, psi: templates and misfit in the cells. mean, precision: of c_k / c_0; a precision of 0 is no prior."""
    cell = np.searchsorted(EDGES, w, side="right") - 1
    V, sums = (np.bincount(cell, x, len(MIDDLES)) for x in (ivar, ivar * flux))
    y = np.where(V > 0, sums / np.where(V > 0, V, 1), 0)
    p = MAY_BE_ABSORBED * 1.0
    if ((V > 0) & (p == 0)).sum() < 100:
        p[:] = 0
    m = scale = None
    for fit in range(1, 11):
        v = (1 - p) * V if m is None else (1 - p) * V / (1 + V * (psi * m) ** 2)
        N, h = (T * v) @ T.T, (T * v) @ y
        if scale is None:
            typical = np.append(1, mean) @ T
            weight = np.sum(v * typical ** 2)
            if not weight > 0:
                return None
            scale = max(np.sum(v * typical * y) / weight, 1 / np.sqrt(weight))
        solved = solve_map(N, h, scale, mean, precision)
        if solved is None:
            return None
        coeffs, matrix, scale = solved
        before, m = m, coeffs @ T
        positive = np.median(m) > 0
        m = np.maximum(m, 0.02 * np.median(m))
        converged = not positive or (fit > 2 and (np.abs(m - before) < 2e-3 * before).all())
        if converged or fit == 10:
            return CellFit(coeffs, p, fit, bool(converged), V, y, m, matrix, scale)
        variance = np.sum(T * np.linalg.solve(matrix, T), axis=0) / m ** 2
        p = probability_of_absorption(V, y, m, psi, variance)


def templates_in_cells(templates):
    """T, mean, precision and psi, as trough_aware() takes them."""
    T, others = np.array([np.interp(MIDDLES, templates["WAVE"], t) for t in templates["PCA"]]), len(templates["PCA"]) - 1
    if "PSI" not in templates:
        return T, np.zeros(others), np.zeros((others, others)), 0.03
    return (T, templates["MEAN"], np.linalg.inv(1.5 * templates["COVARIANCE"]),
            np.interp(MIDDLES, templates["WAVE"], templates["PSI"]))


def fit_trough_aware(w, flux, ivar, T, templates):
    """Coefficients and chi-square; None where it can't be fitted."""
    fitted = trough_aware(w, flux, ivar, *templates_in_cells(templates))
    if fitted is None:
        return None
    coeffs, p = fitted.coeffs, fitted.p
    used = (ivar > 0) & (p[np.searchsorted(EDGES, w, side="right") - 1] < 0.5)
    if used.sum() <= len(T):
        return None
    chi2 = np.sum((ivar * (coeffs @ T - flux) ** 2)[used]) / (used.sum() - len(T))
    return coeffs, chi2


# ---- §2 to §6: one spectrum ----

def fit_range(w):
    """The pixels [i1, i2) that the continuum is fitted to."""
    return (nearest(w, FIT_MIN) + 1 if w[0] < FIT_MIN else 0,
            nearest(w, FIT_MAX) - 1 if w[-1] > FIT_MAX else len(w) - 1)


def signal_to_noise(w, snr):
    """SNR_FOREST and SNR_REDSIDE, -1 where they aren't covered."""
    forest = redside = -1.0
    blue, red = max(w[0], 1040.0), min(w[-1], 1205.0)
    if red - blue >= 50:
        forest = np.median(snr[np.searchsorted(w, blue):np.searchsorted(w, red)])
    if w[0] <= 1420 and w[-1] >= 1480:
        redside = np.median(snr[np.searchsorted(w, 1420.0):np.searchsorted(w, 1480.0)])
    return forest, redside


def search(w, flux, sigma, model, rules):
    """Troughs of C IV and of Si IV, and whether C IV was searched."""
    siiv = {kind: no_troughs(kind) for kind in LENGTH}
    covered = w[0] <= SIIV * (1 + V_BLUE / LIGHT)
    if rules == "main":
        return (line_troughs(w, flux, sigma, model, CIV),
                line_troughs(w, flux, sigma, model, SIIV) if covered else siiv, True)
    civ, difference, searched = line_troughs_optimize(w, flux, sigma, model, CIV, None)
    if covered:
        siiv = line_troughs_optimize(w, flux, sigma, model, SIIV, difference)[0]
    return civ, siiv, searched


def trough_mask(w, civ, siiv, rules):
    """False for the pixels of AI troughs; only the rules of optimize count their last pixels."""
    mask = np.ones(len(w), bool)
    for line, r in ((CIV, civ["450"]), (SIIV, siiv["450"])):
        for vmin, vmax in zip(r["VMIN"], r["VMAX"]):
            if vmin > 0:
                blue, red = (nearest(w, line * (1 - v / LIGHT)) for v in (vmax, vmin))
                mask[blue:red + (rules == "optimize")] = False
    return mask


def fit_least_squares(w, flux, sigma, T, fit, rules):
    """Coefficients, chi-square and what search() finds with them, over and over without the troughs; None where it can't be
    fitted."""
    weight = np.where(sigma < UNOBSERVED, 1 / sigma, 0.0)
    mask, count = np.ones(len(w), bool), len(w) + 1
    for _ in range(ITERATIONS):
        coeffs = least_squares(T[:, mask], flux[mask], weight[mask], fit)
        if coeffs is None:
            return None
        model = coeffs @ T
        chi2 = np.sum(((model - flux) * weight)[mask] ** 2) / (mask.sum() - len(T))
        found = search(w, flux, sigma, model, rules)
        mask = trough_mask(w, found[0], found[1], rules)
        if mask.sum() == count:
            break
        count = mask.sum()
    return coeffs, chi2, found


def outside(r, rules):
    """Edges moved outward, so that the pixels whose centres they are stay inside in 4-byte arithmetic."""
    margin, used = (0.1 if rules == "fastbal" else 8e-5), np.arange(len(r["VMIN"])) < r["COUNT"]
    red, blue = (r[name] + sign * (margin + 8e-6 * abs(r[name])) for name, sign in (("VMIN", -1), ("VMAX", 1)))
    red = np.where(r["VMIN"] > 0, np.maximum(red, r["VMIN"] / 2), red)
    return {**r, "VMIN": np.where(used, red, r["VMIN"]), "VMAX": np.where(used, blue, r["VMAX"])}


def measure(wave, flux, ivar, z, templates, fit="exact", rules="main", continuum="default"):
    """The columns of one row as a dict, without those that come from catalogs. None where it can't be measured.

    templates: as read_templates() gives them."""
    flux, ivar = clean(flux, ivar)
    w = wave / (1 + z)
    sigma = np.where(ivar > 0, 1 / np.sqrt(np.where(ivar > 0, ivar, 1)), UNOBSERVED)
    forest, redside = signal_to_noise(w, flux / sigma)

    i1, i2 = fit_range(w)
    end = w[-1] if rules == "optimize" else w[max(i2 - 1, 0)]
    w, flux, sigma = w[i1:i2], flux[i1:i2], sigma[i1:i2]
    T = np.array([np.interp(w, templates["WAVE"], t) for t in templates["PCA"]])
    ivar = ivar[i1:i2]
    if len(w) == 0 or not w[0] < CIV < end or (ivar > 0).sum() <= len(T):
        return None

    here = slice(*np.searchsorted(LIGHT * ((w - CIV) / CIV), (V_BLUE, 0.0)))
    snr_civ = np.median(flux[here] / sigma[here])
    if continuum == "default":
        continuum = "trough-aware" if "PSI" in templates and fit == "exact" else "least-squares"
    try:
        if continuum == "least-squares":
            fitted = fit_least_squares(w, flux, sigma, T, fit, rules)
        else:
            fitted = fit_trough_aware(w, flux, ivar, T, templates)
            fitted = fitted and (*fitted, search(w, flux, sigma, fitted[0] @ T, rules))
    except NoDifference:
        return None
    if fitted is None:
        return None
    coeffs, chi2, (civ, siiv, searched) = fitted
    if rules == "main" and chi2 > CHI2_LIMIT:
        civ = siiv = {kind: no_troughs(kind) for kind in LENGTH}
    if not searched:
        snr_civ = -1.0

    row = {"PCA_COEFFS": coeffs, "PCA_CHI2": chi2, "BAL_PROB": 0.0}
    for line, troughs in (("CIV", civ), ("SIIV", siiv)):
        for index, kind in (("BI", "2000"), ("AI", "450")):
            r = outside(troughs[kind], rules)
            row |= {f"{index}_{line}": r["INDEX"], f"ERR_{index}_{line}": r["ERROR"], f"N{line}_{kind}": r["COUNT"]}
            row |= {f"{name}_{line}_{kind}": r[name] for name in ("VMIN", "VMAX", "POSMIN", "FMIN")}
    return row | {"SNR_CIV": snr_civ, "SNR_REDSIDE": redside, "SNR_FOREST": forest}


# ---- files ----

def read_templates(path):
    """WAVE and the list PCA; where there is a prior, PSI, MEAN and COVARIANCE."""
    with fits.open(path, memmap=False) as hdus:
        table = hdus[1].data
        columns = {name: table[name].astype(float) for name in table.names}
        if "PRIOR" in hdus:
            prior = hdus["PRIOR"].data
            columns |= {"MEAN": prior["MEAN"].reshape(-1), "COVARIANCE": prior["COVARIANCE"].reshape(2 * [len(prior)])}
    return columns | {"PCA": [columns[f"PCA{k}"] for k in range(sum(name.startswith("PCA") for name in columns))]}


def read_spectra(path):
    """TARGETIDs, FIBERMAP, and the joined spectra of a file."""
    with fits.open(path, memmap=False) as hdus:
        fibermap = hdus["FIBERMAP"].data
        cameras = {c: tuple(hdus[f"{c}_{part}"].data if f"{c}_{part}" in hdus else None
                            for part in ("WAVELENGTH", "FLUX", "IVAR", "MASK"))
                   for c in "BRZ" if f"{c}_FLUX" in hdus}
        fibermap, cameras = join_exposures(fibermap, cameras)
        cameras = list(cameras.values())
        first = cameras[0][0][0] if "B_RESOLUTION" in hdus else 3600.0
        return fibermap, join(cameras, first)


def measure_file(coadd, zafter, templates, fit="exact", rules="main", continuum="default"):
    """Rows of a BAL table as dicts, for the quasars of the redshift catalog that are in range and can be measured."""
    templates = read_templates(templates)
    fibermap, (wave, flux, ivar) = read_spectra(coadd)
    where = {targetid: k for k, targetid in reversed(list(enumerate(fibermap["TARGETID"])))}
    rows = []
    for entry in fits.getdata(zafter, 1):
        if not Z_MIN <= entry["Z"] <= Z_MAX or entry["SPECTYPE"].strip() != "QSO" or entry["TARGETID"] not in where:
            continue
        k = where[entry["TARGETID"]]
        measured = measure(wave, flux[k], ivar[k], entry["Z"], templates, fit, rules, continuum)
        if measured:
            lead = {name: entry[name] for name in ("TARGETID", "Z", "ZERR", "ZWARN")}
            lead |= {name: fibermap[name][k] for name in ("TARGET_RA", "TARGET_DEC")}
            rows.append(lead | measured)
    return rows


def write_table(rows, path):
    """Rows of measure_file as a BAL table; TARGETID and counts whole numbers, everything else 4-byte floats."""
    columns = []
    for name, value in rows[0].items():
        size = np.size(value) if np.ndim(value) else ""
        code = "K" if name == "TARGETID" else "J" if name.startswith(("NCIV", "NSIIV")) else "E"
        columns.append(fits.Column(name, f"{size}{code}", array=np.array([row[name] for row in rows])))
    fits.BinTableHDU.from_columns(columns, name="BALCAT").writeto(path, overwrite=True)


def main():
    parser = argparse.ArgumentParser(description="Measure the quasars of one file in plain numpy.")
    parser.add_argument("coadd")
    parser.add_argument("zafter")
    parser.add_argument("output")
    parser.add_argument("--templates", required=True, help="FITS file with columns WAVE, PCA0, ...")
    parser.add_argument("--fit", choices=("exact", "simplex"), default="exact")
    parser.add_argument("--rules", choices=("main", "optimize"), default="main")
    parser.add_argument("--continuum", choices=("default", "least-squares", "trough-aware"), default="default")
    options = parser.parse_args()
    rows = measure_file(options.coadd, options.zafter, options.templates, options.fit, options.rules, options.continuum)
    write_table(rows, options.output)


if __name__ == "__main__":
    main()
