"""The detector: the library and numpy (../detector_oracle.py, written apart from it) see the same in simulated spectra, and
judge it alike.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import subprocess

import numpy as np
import pytest
from astropy.io import fits

import detector_oracle
import oracle
from support import BIN, LONG, ROOT, SEED, run

PROGRAM = os.environ.get("FASTBAL_PRINT_TRACES", str(BIN.parent / "tests" / "print_traces"))
QUASARS = 125 if LONG else 20  # a pixel
SETS = {
    "typical": ("--pixels", 4, "--seed", 10 * SEED + 1),
    "gaps": ("--pixels", 4, "--seed", 10 * SEED + 2, "--gaps", "--bal-fraction", 0.4),
    "bright": ("--pixels", 4, "--seed", 10 * SEED + 3, "--bright", "--gaps", "--bal-fraction", 0.4),
    "mocks": ("--pixels", 4, "--seed", 10 * SEED + 4, "--mock"),
}
CAMERAS = ((0, 5780), (5780, 7570), (7570, np.inf))  # A, where each observes alone, or nearly so
NUMBERS = np.dtype([("made", "f8"), ("probability", "f8"), ("outside", "f8"),
                    ("channels", "f4", (detector_oracle.CHANNELS, detector_oracle.CELLS)), ("scalars", "f4", detector_oracle.SCALARS),
                    ("cells", "f4", detector_oracle.CELLS), ("pooled", "f4", 38), ("quasar", "f4")])


def spoil(random, wave, flux, ivar, z):
    """Many spectra as they are; some without a camera, lost in noise, very bright, or at another redshift."""
    flux, ivar, kind = flux.copy(), ivar.copy(), random.integers(12)
    if kind < 3:
        ivar[(wave >= CAMERAS[kind][0]) & (wave < CAMERAS[kind][1])] = 0
    elif kind == 3:
        flux += random.normal(0, 10, len(flux))
        ivar[ivar > 0] = 1 / 10 ** 2
    elif kind == 4:
        flux *= 40
    elif kind == 5:
        z = random.uniform(1, 6)
    return wave, flux, ivar, z


@pytest.fixture(scope="module")
def spectra(tmp_path_factory):
    """(wave, flux, ivar, z) of all sets."""
    found, random = [], np.random.default_rng(SEED)
    for name, options in SETS.items():
        tree = tmp_path_factory.mktemp("tree") / "tree"
        run("simulate", tree, "--quasars", QUASARS, "--others", 0, "--no-resolution", *options)
        rows = fits.getdata(tree / "qso.fits", 1)
        redshift = dict(zip(rows["TARGETID"], rows["Z"]))
        for path in sorted([*tree.rglob("coadd-*.fits"), *tree.rglob("spectra-16-*.fits")]):
            fibermap, (wave, flux, ivar) = oracle.read_spectra(path)
            found += [spoil(random, wave, flux[k], ivar[k], float(redshift[target]))
                      for k, target in enumerate(fibermap["TARGETID"])]
    assert len(found) == 16 * QUASARS
    return found


@pytest.fixture(scope="module")
def theirs(spectra):
    """What the library makes of them."""
    given = b"".join(np.concatenate(([len(wave), z], wave, flux, ivar)).tobytes() for wave, flux, ivar, z in spectra)
    done = subprocess.run([PROGRAM], input=given, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, NUMBERS)


@pytest.fixture(scope="module")
def net():
    return detector_oracle.read_net(ROOT / "detector" / "builtin.c")


@pytest.fixture(scope="module")
def ours(spectra, net, tmp_path_factory):
    """Channels, scalars and logits by numpy of those that can be judged, and which these are."""
    path = tmp_path_factory.mktemp("templates") / "builtin.fits"
    run("templates", "--export", path)
    templates = oracle.read_templates(path)
    seen = [detector_oracle.see(*spectrum, templates) for spectrum in spectra]
    made = np.array([s is not None for s in seen])
    channels, scalars = (np.array([s[k] for s in seen if s is not None]) for k in range(2))
    return (made, channels, scalars, *detector_oracle.judge(net, channels, scalars))


def test_which_can_be_judged(spectra, theirs, ours):
    assert len(theirs) == len(spectra)
    assert (theirs["made"] == ours[0]).all()
    assert ours[0].mean() > 0.8 and not ours[0].all()
    assert (theirs["probability"][~ours[0]] == 0).all()


def test_the_same_numbers(theirs, net, ours):
    made, channels, scalars, cells, quasar = ours
    theirs = theirs[made]
    worst = {name: np.abs(theirs[name] - mine).max() for name, mine in
             (("channels", channels), ("scalars", scalars), ("cells", cells), ("quasar", quasar))}
    rated = detector_oracle.probability(net, quasar)
    worst["probability"] = np.abs(theirs["probability"] - rated).max()
    print(f"\nlargest differences in {made.sum()} of {len(made)} spectra:", *(f"{name} {value:.1e}," for name, value in worst.items()))
    assert worst["channels"] < 1e-5 and worst["scalars"] < 1e-5
    assert worst["cells"] < 1e-4 and worst["quasar"] < 1e-4 and worst["probability"] < 1e-5
    near = np.abs(scalars[:, :3, None] - net["limits"][[0, 2, 3]]).min(axis=(1, 2)) < 1e-5
    assert (theirs["outside"] == detector_oracle.outside(net, scalars))[~near].all()
    # there is something to see
    assert quasar.std() > 1 and cells.std() > 1 and ((rated > 0.01) & (rated < 0.99)).mean() > 0.2
