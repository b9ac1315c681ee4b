"""train/: each step against the same in numpy.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import subprocess

import numpy as np
import pytest

from support import BIN

PROGRAM = os.environ.get("FASTBAL_PRINT_TRAINING", str(BIN.parent / "tests" / "print_training"))
CELLS, TERMS, TROUGHS = 1092, 17, 1000
STEP = np.log(2402 / 1258) / 1099
TAKEN, SHORT, NOISY = 0, 1, 2


def grid(i):
    """Wavelength of cell i of those trained on, which begin with the sixth of the whole grid."""
    return 1258 * np.exp((np.asarray(i) + 5) * STEP)


WAVE = grid(np.arange(CELLS))


def call(*arguments, data=b""):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=data, capture_output=True, check=True).stdout


# ---- cells ----

def cells(wave, flux, ivar, z, gaps=(), min_snr=0.0):
    head = [len(wave), len(gaps), z, min_snr]
    out = call("cells", data=np.concatenate([head, wave, flux, ivar, np.ravel(gaps)]).astype("f8").tobytes())
    return np.frombuffer(out[:8])[0], *np.frombuffer(out[8:], "f4").reshape(2, -1)


def spectrum(z=2.2, seed=1):
    rng = np.random.default_rng(seed)
    wave = 3600 + 0.8 * np.arange(7781)
    ivar = rng.uniform(1, 9, len(wave))
    return wave, 3 + np.sin(wave / 200) + rng.normal(size=len(wave)) / np.sqrt(ivar), ivar, z


def test_cells_are_means():
    wave, flux, ivar, z = spectrum()
    ivar[2000:2040], ivar[2500] = 0, -1
    flux[2700], ivar[2800] = np.nan, np.inf
    gaps = [(4700, 4760.4), (6000, 6000)]
    outcome, mean, weight = cells(wave, flux, ivar, z, gaps)
    good = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
    for first, last in gaps:
        good &= (wave < first) | (wave > last)
    where = np.floor(np.log(wave / (1 + z) / grid(-0.5)) / STEP).astype(int)
    good &= (where >= 0) & (where < CELLS)
    v = np.bincount(where[good], ivar[good], CELLS)
    y = np.bincount(where[good], (ivar * flux)[good], CELLS)
    level = y.sum() / v.sum()
    assert outcome == TAKEN and (v == 0).sum() > 15
    np.testing.assert_allclose(weight, v * level**2, rtol=1e-5)
    np.testing.assert_allclose(mean[v > 0], (y / np.where(v > 0, v, 1) / level)[v > 0], rtol=1e-5)
    assert (mean[v == 0] == 0).all()


def test_which_spectra_are_taken():
    wave, flux, ivar, _ = spectrum()
    assert [cells(wave, flux, ivar, z)[0] for z in (1.84, 1.86, 3.08, 3.11)] == [SHORT, TAKEN, TAKEN, SHORT]
    inside = (wave > grid(-0.5) * 3.2) & (wave < grid(CELLS - 0.5) * 3.2)
    snr = (flux * np.sqrt(ivar))[inside].mean()
    assert cells(wave, flux, ivar, 2.2, min_snr=snr - 0.01)[0] == TAKEN
    assert cells(wave, flux, ivar, 2.2, min_snr=snr + 0.01)[0] == NOISY
    assert cells(wave, -flux, ivar, 2.2)[0] == NOISY
    assert cells(wave, flux, 0 * ivar, 2.2)[0] == NOISY
    assert cells(wave, flux, ivar, 2.2, gaps=[(3000, 10000)])[0] == NOISY


# ---- factors ----

def make_sample(n=150, seed=2):
    """Spectra of three smooth factors, noise, a misfit of 4 %, missing cells, and some cells far off."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, CELLS)
    lines = [np.exp(-0.5 * ((WAVE - w) / s) ** 2) for w, s in ((1398, 12), (1549, 14), (1909, 18))]
    mean = (WAVE / 1500) ** -1 + 1.2 * lines[1] + 0.6 * lines[2] + 0.3 * lines[0]
    factors = np.array([0.2 * (t - 0.5), 0.3 * lines[1], 0.1 * np.gradient(lines[1], t) / 20 + 0.1 * lines[2], 0.1 * lines[0]])
    x = rng.normal(size=(n, len(factors)))
    true = mean + x @ factors
    weight = (rng.lognormal(1.0, 0.7, n)[:, None] * 4) ** 2 * np.ones(CELLS)
    flux = true + 0.04 * mean * rng.normal(size=true.shape) + rng.normal(size=true.shape) / np.sqrt(weight)
    flux[:, ::97] -= 0.6 * (rng.uniform(size=(n, len(t[::97]))) < 0.1)
    for i in range(n):
        first = rng.integers(0, CELLS - 30)
        weight[i, first:first + 30] = 0
    flux[weight == 0] = 0
    return flux.astype("f4"), weight.astype("f4")


def smoothed(x, sigma):
    """scipy.ndimage.gaussian_filter1d() along the cells."""
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    padded = np.pad(x, [(radius, radius)] + [(0, 0)] * (x.ndim - 1), mode="symmetric")
    return np.apply_along_axis(np.convolve, 0, padded, kernel / kernel.sum(), mode="valid")


class Em:
    def __init__(self, flux, weight, k):
        self.y, self.w = flux.astype("f8"), weight.astype("f8")
        self.scale = np.ones(len(flux))
        self.t = np.ones((CELLS, 1))
        self.psi = np.full(CELLS, 0.03)
        self.mean, self.cov = np.zeros(0), np.zeros((0, 0))

    def expect(self):
        t, n, a = self.t, len(self.y), self.scale
        self.v = self.w / (1 + self.w * (self.psi * a[:, None] * t[:, 0]) ** 2)
        normal = np.einsum("ni,ij,ik->njk", self.v, t, t, optimize=True)
        right = (self.v * self.y) @ t
        precision = np.linalg.inv(self.cov)
        self.c = np.linalg.inv(a[:, None, None] ** 2 * normal[:, 1:, 1:] + precision)
        b = a[:, None] * right[:, 1:] - a[:, None] ** 2 * normal[:, 1:, 0] + precision @ self.mean
        m = np.einsum("njk,nk->nj", self.c, b)
        self.x = np.column_stack([np.ones(n), m])
        self.xx = self.x[:, :, None] * self.x[:, None, :]
        self.xx[:, 1:, 1:] += self.c
        self.scale = np.maximum((self.x * right).sum(1) / np.einsum("nj,njk,nk->n", self.x, normal, self.x), 1e-3)

    def maximise(self):
        a = self.scale[:, None]
        v = self.w / (1 + self.w * (self.psi * a * self.t[:, 0]) ** 2)
        g = np.einsum("ni,njk->ijk", v * a**2, self.xx, optimize=True)
        h = (v * a * self.y).T @ self.x
        g += 1e-9 * np.trace(g, axis1=1, axis2=2)[:, None, None] * np.eye(g.shape[1])
        t = smoothed(np.linalg.solve(g, h[:, :, None])[:, :, 0], 1.2)
        t[:, 1:] = t[:, 1:] @ np.linalg.cholesky(self.xx.mean(0)[1:, 1:])
        self.t = t

    def recalibrate(self):
        moments = self.xx.mean(0)
        self.mean = moments[0, 1:]
        self.cov = moments[1:, 1:] - np.outer(self.mean, self.mean)
        a, t = self.scale[:, None], self.t
        level = a * t[:, 0]
        seen = self.w > 0
        noise = 1 / np.where(seen, self.w, 1)
        left = a**2 * np.einsum("ij,njk,ik->ni", t[:, 1:], self.c, t[:, 1:], optimize=True)
        total = noise + (self.psi * level) ** 2
        r = self.y - a * (self.x @ t.T)
        use = seen & (r**2 <= 4 * (total - left))
        weights = np.where(use, (level**2 / total) ** 2, 0)
        excess = (r**2 / 0.7737 + left - noise) / level**2
        self.psi = np.sqrt(np.maximum(smoothed((weights * excess).sum(0) / weights.sum(0), 5.0), 1e-4))


def learn(flux, weight, k, iterations):
    em = Em(flux, weight, k)
    for _ in range(5):
        em.expect()
        em.maximise()
    waves = np.cos(np.pi * np.outer(np.arange(CELLS) / CELLS, np.arange(1, k + 1)))
    em.t = np.column_stack([em.t[:, 0], 0.05 * em.t[:, :1] * waves])
    em.mean, em.cov = np.zeros(k), np.eye(k)
    for _ in range(iterations):
        em.expect()
        em.maximise()
    return em.t


class Stage:
    """struct fb_factors."""

    def __init__(self, numbers, n):
        value = numbers[:CELLS * TERMS].reshape(CELLS, TERMS)
        self.t = value[:, :n + 1]
        rest = numbers[CELLS * TERMS:]
        self.psi, self.mean, self.cov = rest[:CELLS], rest[CELLS:CELLS + n], rest[CELLS + n:].reshape(n, n)


def stages(flux, weight, k, components, threads=1):
    out = np.frombuffer(call("learn", len(flux), k, components, threads, data=flux.tobytes() + weight.tobytes()))
    sizes = [CELLS * TERMS + CELLS + n * (n + 1) for n in (k, components - 1, components - 1)]
    parts = np.split(out[1:], np.cumsum(sizes)[:-1])
    return int(out[0]), [Stage(p, n) for p, n in zip(parts, (k, components - 1, components - 1))]


@pytest.fixture(scope="module")
def trained():
    flux, weight = make_sample()
    iterations, parts = stages(flux, weight, 6, 5)
    return flux, weight, iterations, parts


def test_factors_are_those_of_numpy(trained):
    flux, weight, iterations, (learnt, _, _) = trained
    assert 5 <= iterations < 100
    expected = learn(flux, weight, 6, iterations)
    np.testing.assert_allclose(learnt.t[:, 0], expected[:, 0], rtol=1e-6)
    np.testing.assert_allclose(learnt.t[:, 1:], expected[:, 1:], atol=1e-6 * np.abs(expected[:, 1:]).max())
    np.testing.assert_array_equal(learnt.psi, 0.03)


def test_factors_span_what_spectra_were_made_of(trained):
    """The four factors that the sample was made of lie in the space of those learnt, but for noise."""
    t = trained[3][0].t
    lines = [np.exp(-0.5 * ((WAVE - w) / s) ** 2) for w, s in ((1549, 14),)]
    for true in (np.linspace(-0.5, 0.5, CELLS), *lines):
        left = true - t @ np.linalg.lstsq(t, true, rcond=None)[0]
        assert np.sqrt((left**2).mean() / (true**2).mean()) < 0.15


def absorbed():
    return np.frombuffer(call("absorbed", TROUGHS)).reshape(TROUGHS, CELLS)


def test_absorbed_light():
    light = absorbed()
    assert light.min() < -0.9 and (light >= -1).all() and (light <= 1e-12).all()
    assert (light.min(1) < -0.02).mean() > 0.99
    assert (light[:, WAVE > 1600] == 0).all()
    deep = (light < -0.1).mean(0)
    assert deep[(WAVE > 1500) & (WAVE < 1540)].min() > 0.15 > 0.1 > deep[(WAVE > 1410) & (WAVE < 1450)].max()
    assert deep[(WAVE > 1375) & (WAVE < 1390)].min() > 0.15  # Si IV
    assert deep[WAVE < 1290].max() < 0.05


def test_turning_is_that_of_numpy(trained):
    learnt, turned, _ = trained[3]
    t = learnt.t / learnt.t[:, 0].mean()
    root = np.sqrt(np.maximum(t[:, 0], 0.05))
    mean = t[:, 0] / root / np.linalg.norm(t[:, 0] / root)

    def project(rows):
        rows = rows / root
        return rows - np.outer(rows @ mean, mean)

    f, x = project(t[:, 1:].T), project(absorbed() * t[:, 0])
    a = f.T @ f / (f**2).sum() - 0.2 * x.T @ x / (x**2).sum()
    values, vectors = np.linalg.eigh(a)
    vectors = vectors[:, ::-1][:, :4].T
    assert (values[::-1][:4] > 0).all()
    vectors *= np.sign(vectors[np.arange(4), np.abs(vectors).argmax(1)])[:, None]
    np.testing.assert_allclose(turned.t[:, 0], t[:, 0], rtol=1e-12)
    np.testing.assert_allclose(turned.t[:, 1:].T, vectors * root * np.sqrt(CELLS), atol=1e-6)
    p = vectors @ f.T / np.sqrt(CELLS)
    np.testing.assert_allclose(turned.cov, p @ p.T + 1e-6 * np.trace(p @ p.T) / 4 * np.eye(4), rtol=1e-6, atol=1e-9)
    assert (turned.mean == 0).all()


def test_prior_and_misfit_are_those_of_numpy(trained):
    flux, weight, _, (_, turned, calibrated) = trained
    em = Em(flux, weight, 4)
    em.t, em.mean, em.cov = turned.t, turned.mean, turned.cov
    for _ in range(10):
        em.expect()
        em.recalibrate()
    np.testing.assert_array_equal(calibrated.t, turned.t)
    np.testing.assert_allclose(calibrated.psi, em.psi, rtol=1e-6)
    np.testing.assert_allclose(calibrated.mean, em.mean, atol=1e-8)
    np.testing.assert_allclose(calibrated.cov, em.cov, rtol=1e-6, atol=1e-10)
    assert abs(np.median(calibrated.psi) - 0.04) < 0.005  # what the sample was made with, despite the cells far off


def test_threads_make_no_difference():
    flux, weight = make_sample(120, seed=5)
    first, *others = (call("learn", len(flux), 5, 4, n, data=flux.tobytes() + weight.tobytes()) for n in (1, 2, 3))
    assert others == [first, first]
