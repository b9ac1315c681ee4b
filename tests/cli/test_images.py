"""Pixels of images, plain and compressed in every way that is read, value for value as astropy and CFITSIO have them.

SPDX-License-Identifier: BSD-3-Clause
"""
import inspect
import itertools
import os
import subprocess
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits

from support import BIN, run

PROGRAM = Path(os.environ.get("FASTBAL_PRINT_IMAGE", BIN.parent / "tests" / "print_image"))
WAYS = ("RICE_1", "GZIP_1", "GZIP_2")
INTEGERS = (np.uint8, np.int16, np.uint16, np.int32, np.uint32)
ROWS, COLUMNS = 23, 61


class Answers(NamedTuple):
    """The pixels of one image: arrays, or None where they can't be read."""
    floats: np.ndarray
    doubles: np.ndarray
    integers: np.ndarray
    cfitsio_floats: np.ndarray
    cfitsio_doubles: np.ndarray


def read(path):
    """Answers for each extension of a file, and what was said on stderr."""
    # CFITSIO, which reads the file beside us, leaks what it decompresses into where a tile is damaged
    env = os.environ | {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    result = subprocess.run([PROGRAM, str(path)], capture_output=True, timeout=60, env=env)
    assert result.returncode == 0, result.stderr
    at, answers = 0, []
    while at < len(result.stdout):
        answer = []
        for dtype in (np.float32, np.float64, np.int32, np.float32, np.float64):
            n = int(np.frombuffer(result.stdout, np.int64, 1, at)[0])
            answer.append(np.frombuffer(result.stdout, dtype, n, at + 8) if n >= 0 else None)
            at += 8 + max(n, 0) * np.dtype(dtype).itemsize
        answers.append(Answers(*answer))
    return answers, result.stderr.decode()


def same(a, b):
    assert a is not None and b is not None and a.dtype == b.dtype and a.shape == b.shape
    equal = (a == b) | ((a != a) & (b != b))
    assert equal.all(), (a[~equal][:5], b[~equal][:5])


def write(path, hdus):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
    return path


def compressed(pixels, tile, **options):
    """A compressed image; tile is (columns, rows), or None."""
    if "tile_shape" in inspect.signature(fits.CompImageHDU).parameters:
        return fits.CompImageHDU(pixels, tile_shape=tile and tile[::-1], **options)
    return fits.CompImageHDU(pixels, tile_size=tile, **options)  # astropy before 5.3


def check(path, cfitsio=True):
    """Compare with what the others say; pairs of (answers, astropy's pixels)."""
    answers, said = read(path)
    with fits.open(path) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [hdu.data.astype(hdu.data.dtype.newbyteorder("=")).ravel() for hdu in hdus[1:]]
    assert len(answers) == len(theirs)
    for answer, pixels in zip(answers, theirs):
        # steps are doubles until they are asked for as floats
        same(*((answer.floats, pixels) if pixels.dtype == np.float32
               else (answer.doubles, pixels.astype(np.float64))))
        if cfitsio:
            same(answer.floats, answer.cfitsio_floats)
            same(answer.doubles, answer.cfitsio_doubles)
    assert not cfitsio or "HDU" not in said
    return list(zip(answers, theirs))


def integers(dtype):
    """The extremes, any numbers at all, flat stretches, and small differences."""
    rng, info = np.random.default_rng(3), np.iinfo(dtype)
    middle = (int(info.max) + int(info.min)) // 2
    pixels = np.full((ROWS, COLUMNS), middle, dtype)
    pixels[1] = rng.integers(info.min, info.max, COLUMNS, dtype, endpoint=True)
    pixels[2] += rng.integers(0, 5, COLUMNS).astype(dtype)
    pixels[3:] = (middle + rng.normal(0, 25, (ROWS - 3, COLUMNS))).astype(dtype)
    pixels[4, :2] = info.min, info.max
    pixels[5, ::2] = 0
    return pixels


def floats(dtype=np.float32):
    pixels = np.random.default_rng(4).normal(10, 2, (ROWS, COLUMNS)).astype(dtype)
    pixels[3] = 7.5  # can't be quantized
    pixels[4, 5:9] = 0
    pixels[6, 7] = np.nan
    pixels[7] = np.nan
    return pixels


def as_integers(pixels):
    """What pixels become as int32: unsigned ones keep their bits, others are cut."""
    if pixels.dtype == np.uint32:
        return pixels.view(np.int32)
    if pixels.dtype.kind == "f":
        return np.where(np.isnan(pixels), -2.0**31, pixels).astype(np.int32)
    return np.clip(pixels, 0 if pixels.dtype.kind == "u" else -2**31, 2**31 - 1).astype(np.int32)


def test_plain(tmp_path):
    shorter = [integers(d) for d in (*INTEGERS, np.int8)] + [floats(np.float32), floats(np.float64)]
    longer = [integers(d) for d in (np.int64, np.uint64)]  # of these CFITSIO loses digits
    for arrays in (shorter, longer):
        path = write(tmp_path / "a.fits", [fits.ImageHDU(a) for a in arrays])
        for (answer, theirs), array in zip(check(path, arrays is shorter), arrays):
            same(theirs.astype(array.dtype), array.ravel())
            same(answer.integers, as_integers(array.ravel()))


def test_scaled(tmp_path):
    numbers = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 100
    path = write(tmp_path / "a.fits", [fits.ImageHDU(numbers.astype(d)) for d in 2 * [np.uint8, np.int16, np.int32]])
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        for k, hdu in enumerate(hdus[1:]):
            hdu.header.update({"BSCALE": 0.25, "BZERO": -3.5} | ({"BLANK": 7} if k > 2 else {}))
    for k, (answer, _) in enumerate(check(path)):
        assert np.isnan(answer.floats).sum() == ((numbers == 7).sum() if k > 2 else 0)
        value = np.where((numbers == 7) & (k > 2), -2.0**31, 0.25 * numbers - 3.5)
        same(answer.integers, value.astype(np.int32).ravel())


def test_blank_integers(tmp_path):
    """A pixel of a mask that is not known is not 0."""
    numbers = np.arange(ROWS * COLUMNS, dtype=np.int16).reshape(ROWS, COLUMNS) % 3
    path = write(tmp_path / "a.fits", [fits.ImageHDU(numbers.astype(np.int32)), fits.CompImageHDU(numbers)])
    with fits.open(path, mode="update", do_not_scale_image_data=True, disable_image_compression=True) as hdus:
        for hdu in hdus[1:]:
            hdu.header["BLANK"] = 0
    for answer in read(path)[0]:
        same(answer.integers, np.where(numbers == 0, np.int32(-2**31), numbers).ravel())
        same(answer.doubles, np.where(numbers == 0, np.nan, numbers).ravel())
        same(answer.doubles, answer.cfitsio_doubles)


def test_compressed_integers(tmp_path):
    for tile in ((COLUMNS, 1), (COLUMNS, ROWS), (20, 7)):
        arrays = [integers(d) for d in INTEGERS]
        path = write(tmp_path / "a.fits", [compressed(a, tile, compression_type=way)
                                           for a in arrays for way in WAYS])
        for (answer, theirs), array in zip(check(path), (a for a in arrays for _ in WAYS)):
            same(theirs.astype(array.dtype), array.ravel())
            same(answer.integers, as_integers(array.ravel()))


@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_quantized(tmp_path, dtype):
    pixels, dithers = floats(dtype), (-1, 1, 2)
    path = write(tmp_path / "a.fits", [
        fits.CompImageHDU(pixels, compression_type=way, quantize_level=level, quantize_method=dither, dither_seed=9990)
        for level in (4.0, 16.0, -0.01) for way in WAYS for dither in dithers])
    for (answer, _), dither in zip(check(path), itertools.cycle(dithers)):
        assert np.nanmax(abs(answer.doubles - pixels.ravel())) < 2
        if dither == 2:
            assert (answer.doubles[pixels.ravel() == 0] == 0).all()


def test_long_sequence(tmp_path):
    """A tile in which the random numbers come round, more than once."""
    pixels = np.random.default_rng(1).normal(0, 1, (50, 1000)).astype(np.float32)
    check(write(tmp_path / "a.fits", [compressed(pixels, (1000, 50), quantize_level=2, quantize_method=1, dither_seed=seed)
                                       for seed in (1, 17, 10000)]))


def test_blank_steps(tmp_path):
    """astropy writes NaN as the least step, and leaves it to others to say so."""
    pixels, blank = floats(), -2**31
    path = write(tmp_path / "a.fits", [
        fits.CompImageHDU(pixels, compression_type=way, quantize_level=4, quantize_method=dither, dither_seed=100)
        for way in WAYS for dither in (-1, 1, 2)])
    with fits.open(path, disable_image_compression=True) as hdus:
        for hdu in hdus[1:]:
            hdu.header["ZBLANK"] = blank
        hdus.writeto(tmp_path / "b.fits")
    answers, said = read(tmp_path / "b.fits")
    for answer in answers:
        same(answer.floats, answer.cfitsio_floats)
        assert np.isnan(answer.floats[6 * COLUMNS + 7]), said
        assert np.isfinite(np.delete(answer.floats.reshape(ROWS, COLUMNS), [6, 7], 0)).all()


def test_lossless(tmp_path):
    arrays = [floats(np.float32), floats(np.float64)]
    path = write(tmp_path / "a.fits", [fits.CompImageHDU(a, compression_type=way, quantize_level=0)
                                       for a in arrays for way in WAYS[1:]])
    for (_, theirs), array in zip(check(path), (a for a in arrays for _ in WAYS[1:])):
        same(theirs.astype(array.dtype), array.ravel())


def test_one_axis_and_three(tmp_path):
    check(write(tmp_path / "a.fits", [
        fits.CompImageHDU(np.random.default_rng(1).integers(-9, 9, shape).astype(np.int16), compression_type=way)
        for shape in ((5000,), (3, 5, 70)) for way in WAYS]))


def test_not_packed(tmp_path):
    """Tiles as they are, under either name; astropy 5 does not write them."""
    def table(column, pixels, method):
        code = {"f4": "E", "f8": "D", "i2": "I", "i4": "J"}[pixels.dtype.str[1:]]
        rows = np.empty(ROWS, object)
        rows[:] = [np.frombuffer(row.astype(pixels.dtype.newbyteorder(">")).tobytes(), np.uint8) if column[0] == "C" else row
                   for row in pixels]
        hdu = fits.BinTableHDU.from_columns([fits.Column(column, f"1P{'B' if column[0] == 'C' else code}()", array=rows)])
        hdu.header.update({"ZIMAGE": True, "ZCMPTYPE": method, "ZNAXIS": 2, "ZNAXIS1": COLUMNS, "ZNAXIS2": ROWS,
                           "ZBITPIX": pixels.dtype.itemsize * (-8 if code in "ED" else 8)})
        return hdu

    arrays = [floats(np.float32), floats(np.float64), integers(np.int16), integers(np.int32)]
    path = write(tmp_path / "a.fits", [
        table(column, a, method) for a in arrays
        for column, method in (("COMPRESSED_DATA", "NOCOMPRESS"), ("UNCOMPRESSED_DATA", "GZIP_1"))])
    answers, said = read(path)
    assert len(answers) == 2 * len(arrays)
    for answer, array in zip(answers, (a for a in arrays for _ in range(2))):
        assert answer.doubles is not None, said
        same(answer.doubles, array.astype(np.float64).ravel())


# ---- what is refused ----

def test_other_ways(tmp_path):
    pixels, others = abs(integers(np.int16) % 100), ("HCOMPRESS_1", "PLIO_1")
    path = write(tmp_path / "a.fits", [compressed(pixels, (COLUMNS, ROWS), name=way, compression_type=way)
                                       for way in others])
    answers, said = read(path)
    assert all(answer.doubles is None for answer in answers)
    for way in others:
        assert (f"{path}: HDU {way}: expected a compressed image with RICE_1, GZIP_1 or GZIP_2, found {way} "
                "(funpack makes a plain file)\n") in said


# ---- coadds ----

@pytest.fixture(scope="module")
def coadd(tmp_path_factory):
    """The coadd and the redshifts of a pixel. Camera R is off by part of a pixel, so that masks are used."""
    root = tmp_path_factory.mktemp("survey")
    run("simulate", root / "sim", "--pixels", 1, "--quasars", 6, "--others", 5, "--no-resolution")
    run("split", "-q", root / "sim" / "qso.fits", "-a", root / "z")
    path = next((root / "sim" / "redux").rglob("coadd-*.fits"))
    with fits.open(path, mode="update") as hdus:
        hdus["R_WAVELENGTH"].data += 0.3
        hdus["B_MASK"].data[:, 500:1500:3] = 4
    return path, next((root / "z").rglob("zafter-*.fits"))


@pytest.mark.parametrize("way, level, tile", (("RICE_1", 16, None), ("GZIP_1", 8, 4), ("GZIP_2", 0, None), ("GZIP_2", 4, 11)))
def test_find(coadd, tmp_path, way, level, tile):
    """A coadd with compressed images gives what a plain one with the same numbers does."""
    path, redshifts = coadd
    with fits.open(path) as hdus:
        plain = [hdu.copy() for hdu in hdus[1:]]
    packed = []
    for hdu in plain:
        kind = hdu.name.split("_")[-1]
        if kind == "WAVELENGTH":
            packed.append(fits.CompImageHDU(hdu.data, name=hdu.name, compression_type="GZIP_2", quantize_level=0))
        elif kind in ("FLUX", "IVAR", "MASK"):
            packed.append(compressed(hdu.data.astype(np.int32) if kind == "MASK" else hdu.data, tile and (hdu.data.shape[1], tile),
                                     name=hdu.name, compression_type=way, quantize_level=level, quantize_method=2, dither_seed=5))
        else:
            packed.append(hdu)
    write(tmp_path / "packed.fits", packed)
    with fits.open(tmp_path / "packed.fits") as hdus:
        write(tmp_path / "plain.fits", [fits.ImageHDU(hdu.data, name=hdu.name)
                                        if isinstance(hdu, fits.CompImageHDU) else hdu.copy() for hdu in hdus[1:]])
    for name in ("packed", "plain"):
        run("find", "--coadd", tmp_path / f"{name}.fits", "--zcat", redshifts, "-o", tmp_path / f"bal-{name}.fits",
            "--templates", "builtin")
    assert (tmp_path / "bal-packed.fits").read_bytes() == (tmp_path / "bal-plain.fits").read_bytes()


def test_forged_sizes(coadd, tmp_path):
    """Images said to be larger than there are tiles, or to have tiles that no memory holds."""
    path, redshifts = coadd
    with fits.open(path) as hdus:
        wave, flux = hdus["B_WAVELENGTH"].data, hdus["B_FLUX"].data
        rows, pixels = flux.shape
        packed = write(tmp_path / "packed.fits", [
            hdus["FIBERMAP"].copy(), fits.ImageHDU(wave, name="BRZ_WAVELENGTH"),
            *(fits.CompImageHDU(hdus[f"B_{k}"].data, name=f"BRZ_{k}", compression_type="RICE_1") for k in ("FLUX", "IVAR"))])
    for k, (lies, said) in enumerate((
            ({"ZNAXIS1": 10**6}, "expected a compressed image with a row for each tile"),
            ({"ZNAXIS1": 10**6, "ZTILE1": 10**6}, f"expected {rows} rows of {pixels} pixels, found {rows} of 1000000"),
            ({"ZNAXIS2": 2 * 10**9, "ZTILE2": 2 * 10**9}, "expected a compressed image with tiles of at most 16777216 pixels"),
            ({"ZNAXIS1": 2**31 - 1, "ZTILE1": 2**31 - 1}, "expected a compressed image with tiles of at most 16777216 pixels"),
            ({"ZNAXIS1": 2**40}, "expected a compressed image with one ZNAXIS1 from 1 to 2147483647"),
            ({"ZTILE2": rows}, "expected a compressed image with a row for each tile"))):
        with fits.open(packed, disable_image_compression=True) as hdus:
            hdus["BRZ_FLUX"].header.update(lies)
            bad = tmp_path / f"bad{k}.fits"
            hdus.writeto(bad)
        result = run("find", "--coadd", bad, "--zcat", redshifts, "-o", tmp_path / "out.fits", "--templates", "builtin", status=2)
        assert f"fastbal find: {bad}: HDU BRZ_FLUX: {said}" in result.stderr
    assert not (tmp_path / "out.fits").exists()
