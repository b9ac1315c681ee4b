"""Call every function of the package with arguments of all kinds, right and wrong, for a while.

usage: fuzz_binding.py SEED SECONDS

A call must return what the same values in plain arrays give, or raise an exception that its docstring names; and leave its
arguments as they were. The number of a case is printed before it, so that a crash tells which it was: FUZZ_CASE=N runs it alone.

SPDX-License-Identifier: BSD-3-Clause
"""
import io
import os
import sys
import tempfile
import time
import traceback
import warnings
from types import SimpleNamespace

import numpy as np

import fastbal

DOCUMENTED = (fastbal.FastbalError, TypeError)


# ---- values ----

def spectrum(rng, n):
    """A spectrum with a trough: wavelength, flux, ivar and z, plain."""
    z = rng.uniform(1.6, 4.5)
    wave = np.linspace(1150, 2600, int(rng.integers(300, 900))) * (1 + z)
    v = 299792.458 * (1 - wave / (1 + z) / 1549)
    ivar = np.full((n, len(wave)), rng.choice([0.1, 4, 400]))
    flux = np.where((v > 4000) & (v < 9000), 0.3, 1.0) * 5 + rng.normal(size=ivar.shape) / np.sqrt(ivar)
    kind = rng.choice(["f4", "f8"])
    return wave, flux.astype(kind), ivar.astype(kind), np.full(n, z)


def spaced(a):
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def frozen(a):
    a = a.copy()
    a.setflags(write=False)
    return a


# The same values in another form: (how, what the plain one is).
ALIKE = [
    (lambda a: a.tolist(), lambda a: a.astype("f8")),
    (lambda a: tuple(a.tolist()), lambda a: a.astype("f8")),
    (spaced, lambda a: a),
    (frozen, lambda a: a),
    (np.asfortranarray, lambda a: a),
    (lambda a: a[..., ::-1].copy()[..., ::-1], lambda a: a),
    (lambda a: a.astype(a.dtype.newbyteorder()), lambda a: a),
    (lambda a: np.ma.MaskedArray(a, mask=np.zeros(a.shape, bool)), lambda a: a),
    (lambda a: SimpleNamespace(value=a), lambda a: a),
    (lambda a: np.round(100 * a).astype("i4"), lambda a: np.round(100 * a).astype("f8")),
    (lambda a: a.astype("f2"), lambda a: a.astype("f2").astype("f8")),
    (lambda a: a.astype(np.longdouble), lambda a: a.astype("f8")),
    (lambda a: a.astype(object), lambda a: None),
]


def put(rng, a, values):
    a = np.array(a)
    if a.size:
        a.reshape(-1)[rng.integers(a.size, size=int(rng.integers(1, 20)))] = rng.choice(values)
    return a


# Other values: right or wrong, but never a crash.
OTHER = [
    lambda rng, a: put(rng, a, [np.nan, np.inf, -np.inf]),
    lambda rng, a: put(rng, a, [0, -1, 1e30, -1e30, 1e-30]),
    lambda rng, a: np.full(a.shape, rng.choice([0, np.nan, -1, 3e38]), a.dtype),
    lambda rng, a: a[..., :0],
    lambda rng, a: a[:0],
    lambda rng, a: a[..., :int(rng.integers(1, 12))],
    lambda rng, a: a[..., ::-1],
    lambda rng, a: a[..., :-1],
    lambda rng, a: a[None],
    lambda rng, a: a.T,
    lambda rng, a: a[..., None],
    lambda rng, a: np.repeat(a, 2, axis=-1),
    lambda rng, a: a.astype("c16"),
    lambda rng, a: a.astype("S8"),
    lambda rng, a: a.astype("U8"),
    lambda rng, a: a.astype("f8").view("M8[s]"),
    lambda rng, a: np.zeros(a.shape, [("x", "f8")]),
    lambda rng, a: [[1.0, 2.0], [3.0]],
    lambda rng, a: np.ma.MaskedArray(a, mask=rng.random(a.shape) < 0.3),
    lambda rng, a: np.ma.masked,
    lambda rng, a: None,
    lambda rng, a: "text",
    lambda rng, a: b"bytes",
    lambda rng, a: {},
    lambda rng, a: {"b": a},
    lambda rng, a: 1.5,
    lambda rng, a: True,
    lambda rng, a: object(),
    lambda rng, a: iter([1.0, 2.0]),
]

WORDS = [None, "", "builtin", "guo", "exact", "simplex", "main", "optimize", "fastbal", "default", "trough-aware", "no such", "a\0b", 3, 1.5,
         True, False, object(), [], b"x", np.nan, "x" * 5000]


def plain(value, depth=0):
    """A copy to compare with later."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, SimpleNamespace):
        return plain(value.value)
    if isinstance(value, np.ma.MaskedArray):
        return value.data.tobytes(), np.ma.getmaskarray(value).tobytes()
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.dtype, value.shape, value.tobytes()
    return repr(value) if isinstance(value, (list, tuple, str, float, int)) else None


def same(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# ---- calls ----

def call(function, arguments, keywords):
    """The result, or the exception; arguments must not change."""
    before = plain(list(arguments) and dict(enumerate(arguments))), plain(keywords)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(*arguments, **keywords)
    except DOCUMENTED as error:
        assert str(error), "an exception without words"
        result = error
    assert (plain(list(arguments) and dict(enumerate(arguments))), plain(keywords)) == before, "an argument was changed"
    return result


def twice(function, ours, plainly, keywords):
    """The same as with plain arrays."""
    result, expected = call(function, ours, keywords), call(function, plainly, keywords)
    if isinstance(expected, Exception):
        assert isinstance(result, Exception), f"{result!r}, but of plain arrays: {expected}"
    elif not isinstance(result, Exception):
        assert same(result, expected), "not what plain arrays give"
    else:
        raise AssertionError(f"raised {result!r}, but not of plain arrays")


def alter(rng, arguments, keep_alike):
    """(arguments with one or two in another form or with other values, the same in plain arrays or None)"""
    ours, plainly = list(arguments), list(arguments)
    for k in rng.choice(len(arguments), int(rng.integers(1, 3)), replace=False):
        if rng.random() < 0.5 or keep_alike:
            how, simple = ALIKE[rng.integers(len(ALIKE))]
            if np.ndim(arguments[k]) == 0:
                continue
            ours[k], plainly[k] = how(np.asarray(arguments[k])), simple(np.asarray(arguments[k]))
            if plainly[k] is None:
                return ours, None
        else:
            try:
                ours[k] = OTHER[rng.integers(len(OTHER))](rng, np.asarray(arguments[k]))
            except (IndexError, TypeError, ValueError):  # of numbers without dimensions
                ours[k] = None
            return ours, None
    return ours, plainly


def check(rng, function, arguments, keywords, judge):
    ours, plainly = alter(rng, arguments, rng.random() < 0.3)
    if plainly is None:
        result = call(function, ours, keywords)
        if not isinstance(result, Exception):
            judge(result)
    else:
        twice(function, ours, plainly, keywords)


def judge_results(result):
    assert result.dtype.names[0] == "PCA_COEFFS" and result.ndim <= 1
    for name in result.dtype.names:
        assert np.isfinite(result[name]).all(), f"{name} is not finite"


def fuzz_measure(rng):
    n = int(rng.choice([1, 2, 5]))
    wave, flux, ivar, z = spectrum(rng, n)
    if rng.random() < 0.3:
        flux, ivar, z = flux[0], ivar[0], z[0]
    keywords = {"templates": "builtin"}
    if rng.random() < 0.4:
        keywords[str(rng.choice(["templates", "fit", "rules", "continuum", "detector", "threads", "start", "mask"]))] = \
            WORDS[rng.integers(len(WORDS))]
    if keywords.get("threads", 1) is None or isinstance(keywords.get("threads"), float):
        keywords.pop("threads")
    check(rng, lambda *a, **k: fastbal.measure(*a, **k), (wave, flux, ivar, z), keywords, judge_results)


def cameras(rng):
    waves = {"b": 3600 + 0.8 * np.arange(400), "r": 3900 + 0.8 * np.arange(500), "z": 4280 + 0.8 * np.arange(300)}
    n = int(rng.choice([1, 3]))
    flux = {c: rng.normal(size=(n, len(w))).astype("f4") for c, w in waves.items()}
    ivar = {c: rng.random((n, len(w))).astype("f4") for c, w in waves.items()}
    return waves, flux, ivar


def judge_join(result):
    wave, flux, ivar = result
    assert (np.diff(wave) > 0).all() and flux.shape[-1] == len(wave) and ivar.shape == flux.shape and np.isfinite(flux).all()


def fuzz_join(rng):
    names, parts = "brz", cameras(rng)
    camera = names[rng.integers(3)]
    function = rng.choice([fastbal.join, lambda w, f, v: fastbal.measure(w, f, v, np.full(len(f["b"]), 2.0), "builtin")])

    def insert(values):
        return function(*({**part, camera: value} for part, value in zip(parts, values)))

    check(rng, insert, tuple(part[camera] for part in parts), {}, lambda r: judge_join(r) if isinstance(r, tuple) else judge_results(r))


RESULT = None


def result_of():
    global RESULT
    if RESULT is None:
        rng = np.random.default_rng(1)
        wave, flux, ivar, z = spectrum(rng, 1)
        RESULT = fastbal.measure(wave, flux, np.full(ivar.shape, 100.0, ivar.dtype), z, "builtin")[0]
    return RESULT


def fuzz_continuum(rng):
    result = result_of()
    coeffs = np.array(result["PCA_COEFFS"])

    def function(wave, z, coeffs):
        return fastbal.continuum(wave, z, {"PCA_COEFFS": coeffs}, templates="builtin")

    check(rng, function, (np.linspace(3000, 9000, 50), np.float64(2.0), coeffs), {}, lambda r: None)


def fuzz_mask(rng):
    row = {name: np.array(result_of()[name]) for name in ("AI_CIV", "AI_SIIV", "VMIN_CIV_450", "VMAX_CIV_450", "VMIN_SIIV_450",
                                                          "VMAX_SIIV_450")}
    lines = rng.choice(np.array([None, "CIV", "picca", ["CIV", 1240.8], "HALPHA", [None], "CIV:NV", "", 1549.0, [np.nan], [[1549.0]]], object))
    keywords = {} if lines is None else {"lines": lines}
    check(rng, lambda w, z, a, b, **k: fastbal.mask(w, z, {**row, "VMIN_CIV_450": a, "VMAX_CIV_450": b}, **k),
          (np.linspace(3000, 9000, 50), np.float64(2.0), row["VMIN_CIV_450"], row["VMAX_CIV_450"]), keywords, lambda r: None)


def fuzz_templates(rng):
    wave = np.linspace(900, 3000, 40)
    values = np.stack([np.ones(40), np.sin(wave / 300)])

    def use(*arguments):
        made = fastbal.Templates.from_arrays(*arguments)
        w, f, v, z = spectrum(np.random.default_rng(2), 1)
        return fastbal.measure(w, f, v, z, made)

    if rng.random() < 0.2:
        result = call(fastbal.Templates, (WORDS[rng.integers(len(WORDS))],), {})
        assert isinstance(result, (Exception, fastbal.Templates))
    else:
        check(rng, use, (wave, values), {}, judge_results)


def fuzz_files(rng):
    """Files that are none, and options of all kinds."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.fits")
        with open(path, "wb") as out:
            out.write(rng.choice([b"", b"SIMPLE", rng.bytes(5760)]))
        bad = [path, folder, os.path.join(folder, "none"), "", *WORDS]
        argument = bad[rng.integers(len(bad))]
        function = [fastbal.read, fastbal.Templates, lambda a: fastbal.command("info", a), lambda a: fastbal.run(a, path + ".out", tree=folder),
                    lambda a: fastbal.diff(path, a), lambda a: fastbal.append(path, folder, outcatfile=a), lambda a: fastbal.split(path, a),
                    lambda a: fastbal.find(folder, tree=a), lambda a: fastbal.mask_coadds(path, folder, lines=a)][rng.integers(9)]
        if function is fastbal.read:
            try:
                fastbal.read(argument)
            except Exception as error:  # astropy's are many
                assert str(error)
        elif not (function is fastbal.Templates and argument in (None, "guo", "builtin")):
            call(function, (argument,), {})


TARGETS = [fuzz_measure] * 6 + [fuzz_join] * 2 + [fuzz_continuum, fuzz_mask, fuzz_templates, fuzz_files]


def main():
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    only = os.environ.get("FUZZ_CASE")
    end, case = time.monotonic() + seconds, int(only) if only else 0
    while time.monotonic() < end:
        rng = np.random.default_rng([seed, case])
        print(f"seed {seed}, case {case}", flush=True)
        target = TARGETS[rng.integers(len(TARGETS))]
        try:
            with np.errstate(all="ignore"):
                target(rng)
        except Exception:
            said = io.StringIO()
            traceback.print_exc(file=said)
            sys.exit(f"seed {seed}, case {case}, {target.__name__}:\n{said.getvalue()}")
        if only:
            return
        case += 1


if __name__ == "__main__":
    main()
