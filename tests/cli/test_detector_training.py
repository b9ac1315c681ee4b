"""train/: simulated outflows in spectra, and the calibration of a detector against the same in numpy.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import subprocess

import numpy as np
import pytest

from support import BIN

PROGRAM = os.environ.get("FASTBAL_PRINT_TRAINING", str(BIN.parent / "tests" / "print_training"))
LIGHT = 299792.458
BEFORE = (0.95, -1.1)  # the line before
SHARE = 1 / 6


def call(*arguments, data):
    return np.frombuffer(subprocess.run([PROGRAM, *map(str, arguments)], input=np.concatenate(
        [np.ravel(d) for d in data]).astype("f8").tobytes(), capture_output=True, check=True).stdout)


# ---- injection ----

WAVE = 3600 + 0.8 * np.arange(7781)


def inject(targetid, flux, ivar, z=2.3):
    out = call("inject", targetid, data=([len(WAVE), z], WAVE, flux, ivar))
    begin, end = map(int, out[1:3])
    return out[0], slice(begin, end), *out[3:].reshape(2, -1)


def transmission(targetid, z=2.3):
    new_z, used, flux, ivar = inject(targetid, np.ones(len(WAVE)), np.full(len(WAVE), 1e30), z)
    return new_z, used, flux


def test_an_outflow_absorbs():
    """C IV troughs in each spectrum, dust in most, and nothing where no line of an outflow is."""
    for targetid in range(20):
        z, used, t = transmission(targetid)
        rest = WAVE / 3.3
        v = LIGHT * (1 - rest / 1549)
        trough = (v > 0) & (v < 25000)
        red = (rest > 1720) & (rest < 1780)  # redward of the lines: dust alone
        dust = np.interp(rest, rest[red], t[red])
        assert 2.3 <= z < 2.3 + 3.3 * 3000 / LIGHT and used.start < used.stop
        assert (t[used] >= 0).all() and t[trough].min() / dust.min() < 0.91
        assert np.ptp(t[red]) < 0.06 and 0.7 < t[red].min() and t[red].max() < 1.2
    assert len({transmission(k)[0] for k in range(20)}) == 20


def test_noise_stays_what_ivar_says():
    """T F + N has the variance of F: F is noise itself."""
    rng = np.random.default_rng(3)
    scaled = []
    for targetid in range(40):
        _, used, t = transmission(targetid)
        ivar = rng.uniform(1, 9, len(WAVE))
        _, _, flux, new_ivar = inject(targetid, rng.normal(size=len(WAVE)) / np.sqrt(ivar), ivar)
        np.testing.assert_allclose(new_ivar[used], (ivar / np.maximum(t, 1) ** 2)[used], rtol=1e-9)
        deep = np.zeros(len(WAVE), bool)
        deep[used] = t[used] < 0.5
        scaled.append((flux * np.sqrt(ivar))[deep])
    scaled = np.concatenate(scaled)
    assert len(scaled) > 2000 and abs(scaled.std() - 1) < 0.05 and abs(scaled.mean()) < 0.06


def test_bad_pixels_stay_bad():
    flux, ivar = np.ones(len(WAVE)), np.full(len(WAVE), 4.0)
    ivar[3000:3100], ivar[3200], flux[3300] = 0, -1, np.nan
    _, used, new, new_ivar = inject(5, flux, ivar)
    bad = np.zeros(len(WAVE), bool)
    bad[3300] = True
    assert used.start < 3000 and used.stop > 3301
    assert (new_ivar[3000:3100] == 0).all() and new_ivar[3200] < 0
    assert (np.isnan(new[used]) == bad[used]).all()


def test_the_targetid_decides():
    flux, ivar = np.ones(len(WAVE)), np.full(len(WAVE), 4.0)
    first, again, other = (inject(k, flux, ivar) for k in (7, 7, 8))
    np.testing.assert_array_equal(first[2], again[2])
    assert (first[2] != other[2]).any()
    inject(-2**62, flux, ivar)


# ---- calibration ----

class Sample:
    """A mixture: 1 of 5 quasars has an outflow, as which logits are larger. The others are injected as well."""

    def __init__(self, n=4000, seed=1, share=0.2):
        rng = np.random.default_rng(seed)
        bal = rng.uniform(size=n) < share

        def draw(bal):
            return np.where(bal, rng.normal(3.2, 2.5, len(bal)), rng.normal(-2.2, 1.4, len(bal))).astype("f4").astype("f8")

        real, part = draw(bal), rng.integers(0, 5, n)
        hosts = real * BEFORE[0] + BEFORE[1] < 0
        self.bal, self.logit = bal, np.concatenate([real, draw(np.ones(hosts.sum(), bool))])
        self.injected = np.repeat([0, 1], [n, hosts.sum()])
        self.part = np.concatenate([part, part[hosts]])
        self.targetid = np.concatenate([np.arange(n), np.arange(n)[hosts]])

    def bytes(self):
        rows = np.column_stack([self.targetid, self.part, self.injected, self.logit])
        return BEFORE, [len(rows)], rows[np.argsort(2 * self.targetid + self.injected)]


@pytest.fixture(scope="module")
def learnt():
    sample = Sample()
    return sample, dict(zip(("share", "edge", "slope", "intercept", "error"), call("calibrate", data=sample.bytes())))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def fit_line(sample, share, edge):
    """Newton's method on the convex loss of the window, with the prior."""
    x, opened, real = sample.logit, sample.logit < edge, sample.injected == 0
    weight = share * real.sum() / (~real).sum()
    stiff = np.diag([1 / 0.2**2, 1 / 0.3**2])
    design = np.column_stack([x, np.ones(len(x))])
    r, j = design[opened & real], design[opened & ~real]
    line = np.array(BEFORE)
    for _ in range(200):
        p = logistic(r @ line)
        gradient = r.T @ p - weight * j.sum(0) + stiff @ (line - BEFORE)
        line = line - 0.5 * np.linalg.solve((r * (p * (1 - p))[:, None]).T @ r + stiff, gradient)
    return line


def test_share_and_line(learnt):
    sample, found = learnt
    real = sample.injected == 0
    share, edge = SHARE, (np.log(9) - BEFORE[1]) / BEFORE[0]
    for _ in range(5):
        slope, intercept = fit_line(sample, share, edge)
        above = sample.logit >= edge
        there = above[~real].mean()
        sure = logistic(slope * sample.logit + intercept)[above & real].sum()
        share = (sure + 100 * there * SHARE) / ((real.sum() + 100) * there)
        edge = (np.log(9) - intercept) / slope
    np.testing.assert_allclose((found["share"], found["edge"]), (share, edge), rtol=1e-5)
    np.testing.assert_allclose((found["slope"], found["intercept"]), fit_line(sample, share, edge), rtol=1e-5)
    assert abs(share - sample.bal.mean()) < 0.02


def test_the_line_makes_probabilities(learnt):
    """That of the truth, which the calibration has not seen."""
    sample, found = learnt
    x, bal = sample.logit[sample.injected == 0], sample.bal

    def error(slope, intercept):
        p = logistic(slope * x + intercept)
        bins = np.minimum((10 * p).astype(int), 9)
        return sum(abs(bal[bins == k].sum() - p[bins == k].sum()) for k in range(10)) / len(p)

    assert error(found["slope"], found["intercept"]) < 0.02 < error(*BEFORE)


def test_calibration_error(learnt):
    sample, found = learnt
    real = sample.injected == 0
    weight = found["share"] * real.sum() / (~real).sum()
    p = logistic(BEFORE[0] * sample.logit + BEFORE[1])
    bins = np.minimum((10 * p).astype(int), 9)
    outflows = weight * np.bincount(bins[~real], minlength=10)
    np.testing.assert_allclose(found["error"], abs(outflows - np.bincount(bins[real], p[real], 10)).sum() / real.sum(), rtol=1e-9)
