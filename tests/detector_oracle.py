"""The detector (docs/detector.md) in plain numpy, written apart from src/detect.c, to hold it to.

    net = read_net("detector/builtin.c")
    found = see(wave, flux, ivar, z, templates)       -> channels and scalars of one spectrum, or None
    cells, quasar = judge(net, channels, scalars)     -> logits, of many spectra at once
    probability(net, quasar)

Templates are those of the net, as oracle.read_templates() gives them. Numbers are doubles throughout, where the library
has floats.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
from pathlib import Path

import numpy as np

import oracle

CHANNELS, CELLS, SCALARS = 14, 176, 4
FIRST, SIIV, ALIII = 192, 192 - 176, 192 + 308  # first cells of the window, and of the windows at the velocities of other lines
WIDTH, GROUP, HIDDEN, DILATIONS = 16, 8, 16, (1, 2, 4, 8, 16, 32)


# ---- what the net sees ----

def contrast(V, y, m, variance):
    """Residual in standard errors, signal in standard errors, and depth, of cells with these sums of ivar and mean fluxes."""
    per = np.sqrt(V / (1.1 + V * m ** 2 * variance))
    residual, signal = (y - m) * per, m * per
    return np.clip(residual, -8, 8) / 3, signal, np.clip(residual / (signal + 0.7), -1.3, 1.3)


def half_cells(w, flux, ivar):
    """Sums of ivar and mean fluxes in the blue and the red halves of all cells."""
    cell = np.searchsorted(oracle.EDGES, w, side="right") - 1
    half = 2 * cell + (w >= 0.5 * (oracle.EDGES[cell] + oracle.EDGES[cell + 1]))
    V, sums = (np.bincount(half, x, 2 * len(oracle.MIDDLES)) for x in (ivar, ivar * flux))
    y = np.where(V > 0, sums / np.where(V > 0, V, 1), 0)
    return [(V[k::2], y[k::2]) for k in range(2)]


def see(wave, flux, ivar, z, templates):
    """Channels and scalars; None where there is nothing to judge by."""
    flux, ivar = oracle.clean(flux, ivar)
    w = wave / (1 + z)
    here = slice(*oracle.fit_range(w))
    w, flux, ivar = w[here], flux[here], ivar[here]
    v = oracle.LIGHT * (w - oracle.CIV) / oracle.CIV
    T, mean, precision, psi = oracle.templates_in_cells(templates)
    if not ((v >= oracle.V_BLUE) & (v < 0)).any() or not (v >= 0).any() or (ivar > 0).sum() <= len(T):
        return None
    fit = oracle.trough_aware(w, flux, ivar, T, mean, precision, psi)
    if fit is None or not (fit.m > 0).all():
        return None

    fitted = np.sum(T * np.linalg.solve(fit.matrix, T), axis=0) / fit.m ** 2
    window, siiv, aliii = (slice(first, first + CELLS) for first in (FIRST, SIIV, ALIII))
    halves = [contrast(V[window], y[window], fit.m[window], (fitted + psi ** 2)[window]) for V, y in half_cells(w, flux, ivar)]
    residual, signal, depth = contrast(fit.V, fit.y, fit.m, fitted + psi ** 2)
    error = np.sqrt(fitted[window])
    channels = np.array([
        halves[0][0], halves[1][0], halves[0][2], halves[1][2],
        signal[window] / (signal[window] + 3), signal[window] / (signal[window] + 30), error / (error + 0.1),
        np.clip(fit.m[window] / (fit.coeffs[0] * T[0, window]) - 1, -2, 2),
        residual[siiv], depth[siiv], signal[siiv] / (signal[siiv] + 3),
        residual[aliii], depth[aliii], np.arange(CELLS) / (CELLS // 2) - 1])

    free = (fit.V > 0) * (1 - fit.p)
    chi2 = np.sum(free * fit.V * (fit.y - fit.m) ** 2 / (1 + fit.V * fit.m ** 2 * psi ** 2)) / max(free.sum(), 1)
    off = fit.coeffs[1:] / fit.coeffs[0] - mean
    unusual = off @ precision @ off
    scalars = np.array([channels[4].mean(), np.clip(chi2, 0, 5) - 1, np.mean(fit.V[window] == 0), unusual / (unusual + len(T))])
    return channels, scalars


# ---- the net ----

def read_net(path):
    """The weights of a C file as detector/train.py writes it, by the members of struct fb_net; and the calibration."""
    text = Path(path).read_text()
    weights, calibration = (np.array(re.search(name + r"(?:\[\])? = \{(.*?)\};", text, re.S)[1].replace(",", " ").split(), float)
                            for name in ("weights", "calibration"))
    at = 0

    def take(*shape):
        nonlocal at
        begin, at = at, at + int(np.prod(shape))
        return weights[begin:at].reshape(shape)

    def take_convolution(inputs, taps):
        """Bias, and weights by output, input and tap: they are stored in groups of outputs."""
        return take(WIDTH), take(WIDTH // GROUP, inputs, taps, GROUP).transpose(0, 3, 1, 2).reshape(WIDTH, inputs, taps)

    pooled = 2 * WIDTH + 2 + SCALARS
    net = {"first": take_convolution(CHANNELS, 5), "layers": [take_convolution(WIDTH, 3) for _ in DILATIONS],
           "cell": (take(), take(WIDTH)), "hidden": (take(HIDDEN), take(HIDDEN, pooled)), "out": (take(), take(HIDDEN)),
           "slope": calibration[0], "intercept": calibration[1], "limits": calibration[2:]}
    assert at == len(weights)
    return net


def convolve(x, bias, weight, dilation):
    """Rows x[spectrum, input, cell], between zeros."""
    taps = weight.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), 2 * (taps // 2 * dilation,)))
    return bias[:, None] + sum(weight[:, :, t] @ padded[:, :, t * dilation:t * dilation + CELLS] for t in range(taps))


def relu(x):
    return np.maximum(x, 0)


def judge(net, channels, scalars):
    """Logits of the cells, [spectrum, cell], and of the quasars."""
    rows = relu(convolve(np.asarray(channels), *net["first"], 1))
    for layer, dilation in zip(net["layers"], DILATIONS):
        rows = relu(rows + convolve(rows, *layer, dilation))
    cells = net["cell"][0] + net["cell"][1] @ rows
    pooled = np.concatenate([rows.max(axis=2), rows.mean(axis=2), cells.max(axis=1, keepdims=True),
                             relu(cells).mean(axis=1, keepdims=True), scalars], axis=1)
    hidden = relu(net["hidden"][0] + pooled @ net["hidden"][1].T)
    return cells, net["out"][0] + hidden @ net["out"][1]


def probability(net, logits):
    return 1 / (1 + np.exp(-(net["slope"] * logits + net["intercept"])))


def outside(net, scalars):
    """FASTBAL_LIMIT_... bits."""
    least_signal, most_signal, most_chi2, most_masked = net["limits"]
    signal, chi2, masked, _ = np.transpose(scalars)
    return ((signal < least_signal) | (signal > most_signal)) * 1 + (chi2 > most_chi2) * 2 + (masked > most_masked) * 4
