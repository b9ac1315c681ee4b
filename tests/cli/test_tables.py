"""Tables of every kind, value for value as astropy and CFITSIO have them, and those that are refused.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import damage
from support import BIN

PROGRAM = Path(os.environ.get("FASTBAL_PRINT_TABLE", BIN.parent / "tests" / "print_table"))
N = 7
RNG = np.random.default_rng(11)


def run(path, *asked):
    return subprocess.run([PROGRAM, str(path), *asked], capture_output=True, text=True, timeout=60)


def read(path, *asked):
    result = run(path, *asked)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refused(path, words, *asked):
    result = run(path, *asked)
    assert result.returncode == 1 and result.stderr.startswith(f"{path}: ") and result.stderr.count("\n") == 1
    assert words in result.stderr, result.stderr


def write(path, columns, header=None):
    """With astropy, from its columns."""
    hdu = fits.BinTableHDU.from_columns(columns, name="T")
    for key, value in (header or {}).items():
        hdu.header[key] = value
    hdu.writeto(path, overwrite=True)
    return path


def put(path, columns, heap=b"", **cards):
    """Byte by byte, from (name, form, values as they are in the file)."""
    data = damage.Fits(damage.primary() + damage.table("T", columns, heap=heap))
    for key, value in cards.items():
        data.add("T", key, f"{value:>20}")
    path.write_bytes(data)
    return path


def column(form, values):
    return fits.Column("X", form, array=values)


def same(found, expected):
    expected = np.asarray(expected).reshape(len(expected), -1)
    assert len(found) == len(expected)
    for a, b in zip(found, expected.tolist()):
        assert len(a) == len(b) and all(x == y or (x != x and y != y) for x, y in zip(a, b)), (a, b)


def limits(dtype):
    info = np.iinfo(dtype)
    return np.array([info.min, info.max, 0, 1, info.max // 3, info.min // 3, 17], dtype)


NUMBERS = {  # form, values in the file, cards
    "bytes": ("B", limits("u1"), {}), "16 bits": ("I", limits("i2"), {}), "32 bits": ("J", limits("i4"), {}),
    "64 bits": ("K", limits("i8"), {}),
    "floats": ("E", np.array([0, -0.0, 1e-30, 3e38, np.nan, 1, -1 / 3], "f4"), {}),
    "doubles": ("D", np.array([0, -0.0, 1e-300, 1e308, np.nan, -1, 1 / 3]), {}),
    "lists": ("5E", RNG.normal(size=(N, 5)).astype("f4"), {}),
    "signed bytes": ("B", limits("u1"), {"TZERO2": -128}),
    "unsigned 16 bits": ("I", limits("i2"), {"TZERO2": 2**15}),
    "unsigned 32 bits": ("J", limits("i4"), {"TZERO2": 2**31, "TSCAL2": 1}),
    "scaled bytes": ("B", limits("u1"), {"TSCAL2": 0.25, "TZERO2": 10}),
    "scaled whole numbers": ("I", limits("i2"), {"TSCAL2": 3, "TZERO2": -5}),
    "shifted numbers": ("J", limits("i4"), {"TZERO2": 0.5}),
    "scaled floats": ("E", np.arange(N), {"TSCAL2": 2, "TZERO2": 1}),
    "scaled doubles": ("2D", RNG.normal(size=(N, 2)), {"TSCAL2": "0.5D0", "TZERO2": 3}),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(tmp_path, name, packed):
    form, values, cards = NUMBERS[name]
    path = put(tmp_path / "t.fits", [("FIRST", "3A", [b"abc"] * N), ("X", form, values)], **cards)
    expected = fits.getdata(path, 1)["X"]
    if packed:
        path = tmp_path / "t.fits.gz"
        path.write_bytes(gzip.compress((tmp_path / "t.fits").read_bytes()))
    found = read(path)["columns"]["X"]
    same(found["values"], expected)
    same(found["cfitsio"], expected.astype("f8"))


def test_unsigned_64_bits(tmp_path):
    """Those beyond 2^63 are doubles."""
    values = [0, 1, 2**63 - 1, 2**63, 2**64 - 2048, 2**53 + 1, 5]
    path = put(tmp_path / "t.fits", [("X", "K", [v - 2**63 for v in values])], TZERO1=2**63)
    assert fits.getdata(path, 1)["X"].tolist() == values
    found = read(path)["columns"]["X"]["values"]
    assert [v for v, in found] == [v if v < 2**63 else float(v) for v in values]
    assert [type(v) for v, in found] == [int if v < 2**63 else float for v in values]


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("form, kind", [("B", "u1"), ("I", "i2"), ("J", "i4"), ("K", "i8")])
def test_nulls(tmp_path, form, kind, scale):
    values = np.array([3, 99, 5, 99, 7, 8, 9], kind)
    path = put(tmp_path / "t.fits", [("X", form, values)], TNULL1=99, TSCAL1=scale)
    found = read(path)["columns"]["X"]
    expected = np.where(values == 99, np.nan, values * float(scale))
    same(found["values"], expected)
    same(found["cfitsio"], expected)


def test_logical_bits_and_complex(tmp_path):
    bits = RNG.integers(0, 2, (N, 11)).astype(bool)
    path = write(tmp_path / "t.fits", [
        fits.Column("L", "2L", array=bits[:, :2]), fits.Column("X", "11X", array=bits),
        fits.Column("C", "C", array=(np.arange(N) + 1j).astype("c8")),
        fits.Column("M", "2M", array=RNG.normal(size=(N, 2)) + 1j)])
    data, found = fits.getdata(path, 1), read(path)["columns"]
    same(found["L"]["values"], data["L"].astype(int))
    same(found["X"]["values"], np.packbits(bits, axis=1))
    for name in "CM":
        numbers = np.asarray(data[name]).reshape(N, -1)
        same(found[name]["values"], np.stack([numbers.real, numbers.imag], axis=-1).astype("f8"))


def test_texts(tmp_path):
    one = ["QSO", "", "a b", "x" * 8, "it's", "b  ", '"q']
    path = put(tmp_path / "t.fits", [
        ("ONE", "8A", [t.encode() for t in one]), ("TWO", "6A3", [b"ab cde"] * N), ("NONE", "0A", [b""] * N),
        ("SHORT", "A", [b"y"] * N), ("ENDS", "5A", [b"y\0abc"] * N)])
    asked = {"ONE=QSO": "QSO", "ONE=": "", "ONE=it's": "it's", "one=b": "b"}
    found = read(path, *asked, "NONE=", "SHORT=y", "ENDS=y")
    assert found["columns"]["ONE"]["values"] == [[t.rstrip()] for t in one]
    assert found["columns"]["TWO"]["values"] == [["ab", "cde"]] * N
    assert [found["columns"][n]["form"] for n in ("ONE", "TWO", "SHORT")] == ["8A", "6A3", "A"]
    for question, text in asked.items():
        assert found["asked"][question] == [int(t.rstrip() == text) for t in one]
    assert [found["asked"][k] for k in ("NONE=", "SHORT=y", "ENDS=y")] == [[1] * N] * 3


@pytest.mark.parametrize("form", ["PA()", "QA()"])
@pytest.mark.parametrize("n", [N, 20000])
def test_texts_of_variable_length(tmp_path, form, n):
    """More of them than are read at a time."""
    texts = [("QSO", "GALAXY", "", "long-" * 100)[k % 4] for k in range(n)]
    path = write(tmp_path / "t.fits", [column(form, np.array(texts, object)), fits.Column("B", "J", array=np.arange(n))])
    assert ["".join(t) for t in fits.getdata(path, 1)["X"]] == texts
    found = read(path, "X=QSO", "X=GALAXY", "X=", "X=" + ("long-" * 100))
    assert found["columns"]["X"] == {"form": f"{form[:2]}({max(map(len, texts))})", "values": None}
    for (asked, answer), text in zip(found["asked"].items(), ("QSO", "GALAXY", "", "long-" * 100)):
        assert answer == [int(t == text) for t in texts], asked


def test_keywords(tmp_path):
    texts = {"SHORT": "builtin", "EMPTY": "", "QUOTED": "it's ''quoted''", "AND": "ends in &", "SLASH": "a / b",
             "NUMBER": 12, "REAL": 1.5, "YES": True}
    long = {f"LONG{n}": ("It's a text of many words, " * 30)[:n].rstrip() for n in range(60, 400, 7)}
    path = write(tmp_path / "t.fits", [column("J", np.arange(N))], texts | long | {"HIERARCH SHORT ONE": "other"})
    found = read(path, *texts, *long, "NOTHING")["asked"]
    header = fits.getheader(path, 1)
    assert found["NOTHING"] is None and found["YES"] == "T" and float(found["REAL"]) == 1.5 and found["NUMBER"] == "12"
    for key in ("SHORT", "EMPTY", "QUOTED", "AND", "SLASH", *long):
        assert found[key] == header[key], key
    write(path, [column("J", np.arange(N))], {"LONG": "x" * 2000})  # more than there is room for
    assert read(path, "LONG")["asked"]["LONG"] is None


def card(text):
    return text.ljust(80).encode()


def with_card(path, text):
    """In place of a card that means nothing."""
    write(path, [column("J", np.arange(N)), fits.Column("Y", "E", array=np.zeros(N))], {"SPARE": 1})
    data = path.read_bytes()
    k = data.index(b"SPARE   =")
    path.write_bytes(data[:k] + (text if isinstance(text, bytes) else card(text)) + data[k + 80:])
    return path


@pytest.mark.parametrize("text, words", [
    ("TSCAL1  = 'two'", "expected a number TSCAL1, found two"),
    ("TFORM1  = 'K'", "expected one keyword TFORM1, found two"),
    ("TTYPE2  = 'X'", "expected one keyword TTYPE2, found two"),
    ("tscal1  = 2", "expected the keyword TSCAL1 as FITS writes it, found it written otherwise"),
    ("Tzero1  = 2", "expected the keyword TZERO1 as FITS writes it"),
    ("TSCAL1  =2", "expected the keyword TSCAL1 as FITS writes it"),
    ("TSCAL1    2", "expected the keyword TSCAL1 as FITS writes it"),
    ("TNULL1=   2", "expected the keyword TNULL1 as FITS writes it"),
    ("HIERARCH TZERO1 = 2", "expected the keyword TZERO1 as FITS writes it"),
    (b"TSCAL1  = 2 \0".ljust(80), "expected one keyword TSCAL1, found characters that are not printable"),
    ("ZTABLE  =                    T", "expected a table as it is, found a compressed one: funpack makes one of it"),
    ("PCOUNT  =                    0", "HDU 1: expected one keyword PCOUNT, found two"),
])
def test_refused_cards(tmp_path, text, words):
    refused(with_card(tmp_path / "t.fits", text), words)


@pytest.mark.parametrize("text", ["TSCAL3  = 2", "TSCAL01 = 2", "TSCALE1 = 2", "HIERARCH TSCAL1 OF X = 2", "COMMENT TSCAL1 = 2",
                                  "TSCAL   = 2", "TFORM1000= 'K'", "tdisp1  = 'I5'", "TSCAL1  =                  1.D0",
                                  "TZERO1  =                  0.0 / a comment"])
def test_cards_that_mean_nothing(tmp_path, text):
    same(read(with_card(tmp_path / "t.fits", text))["columns"]["X"]["values"], np.arange(N))


def test_exponents(tmp_path):
    same(read(with_card(tmp_path / "t.fits", "TSCAL1  =               25.0D-1"))["columns"]["X"]["values"], np.arange(N) * 2.5)


def test_other_tables(tmp_path):
    path = tmp_path / "t.fits"
    ascii_table = fits.TableHDU.from_columns([fits.Column("X", "I5", array=np.arange(N))])
    images = [fits.PrimaryHDU(), fits.ImageHDU(np.zeros(3)), fits.CompImageHDU(np.zeros((9, 9), "i4"))]
    fits.HDUList([*images, ascii_table]).writeto(path)
    refused(path, "has no table")
    fits.HDUList([*images, fits.BinTableHDU.from_columns([column("J", np.arange(N))], name="T")]).writeto(path, overwrite=True)
    same(read(path)["columns"]["X"]["values"], np.arange(N))


@pytest.mark.parametrize("theap", [-1, 0, 55, 10**6, "'x'"])
def test_heaps_elsewhere(tmp_path, theap):
    path = write(tmp_path / "t.fits", [column("PA()", np.array(["QSO"] * N, object))], {"SPARE": 1})
    data = path.read_bytes()
    path.write_bytes(data.replace(card("SPARE   =                    1"), card(f"THEAP   = {theap:>20}")))
    refused(path, "expected THEAP from 56 to 77, found a repeated keyword or another value", "X=QSO")


def test_a_gap_before_the_heap(tmp_path):
    path = put(tmp_path / "t.fits", [("X", "PA", [(3, 3 * k) for k in range(N)])], heap=b"gap!" + b"QSO" * N, THEAP=8 * N + 4)
    assert ["".join(t) for t in fits.getdata(path, 1)["X"]] == ["QSO"] * N
    assert read(path, "X=QSO")["asked"]["X=QSO"] == [1] * N
