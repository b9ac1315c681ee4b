"""fastbal list: rows of a table that meet conditions, as aligned text, CSV and ECSV, against numpy and astropy.

SPDX-License-Identifier: BSD-3-Clause
"""
import csv
import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from support import UNUSABLE, complains, environment, run


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """A catalog with BALs, made by run."""
    root = tmp_path_factory.mktemp("list")
    run("simulate", root / "tree", "--pixels", 2, "--quasars", 40, "--others", 2, "--seed", 3, "--no-resolution")
    run("run", "-q", root / "tree" / "qso.fits", "-r", "sim", "-o", root / "cat.fits", "--templates", "builtin", "--troughs",
        root / "troughs.fits", env=environment(DESI_SPECTRO_REDUX=root / "tree" / "redux"))
    return root / "cat.fits"


@pytest.fixture(scope="module")
def data(catalog):
    return fits.getdata(catalog, 1)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A table with every kind of column."""
    path = tmp_path_factory.mktemp("odd") / "odd.fits"
    columns = [
        fits.Column("TARGETID", "K", array=np.array([2**62 + 1, 2**62, -3, 4])),
        fits.Column("NAME", "8A", array=["a b", 'say "x"', "c,d", ""]),
        fits.Column("REAL", "D", unit="km/s", array=np.array([0.1, np.nan, -1e300, 12345.6789012345])),
        fits.Column("FLAG", "L", array=np.array([True, False, True, False])),
        fits.Column("NULLED", "J", null=-9, array=np.array([1, -9, 3, 4])),
        fits.Column("UNSIGNED", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1, 7], "u4")),
        fits.Column("LIST", "PE()", array=np.array([[1.0], [], [1, 2], [3]], object)),
        fits.Column("ARRAY", "3E", array=np.array([[1, 2, -1], [-1, -1, -1], [0.1, -1, 5], [1, -1, -1]])),
        fits.Column("ai_civ", "E", array=np.array([1, 0, 3, np.nan])),
    ]
    fits.BinTableHDU.from_columns(columns, name="ODD").writeto(path)
    return path


def rows_of(text):
    """The rows of CSV output as lists of strings."""
    return list(csv.reader(io.StringIO(text)))[1:]


def csv_rows(*arguments):
    return rows_of(run("list", *arguments, "--format", "csv").stdout)


# ---- which rows ----

def test_bals_of_a_catalog(catalog, data):
    result = run("list", catalog)
    lines = result.stdout.splitlines()
    bals = data[data["AI_CIV"] > 0]
    assert result.stderr == "" and len(bals) > 3
    assert lines[0].split() == ["TARGETID", "Z", "SNR_CIV", "AI_CIV", "ERR_AI_CIV", "BI_CIV", "ERR_BI_CIV", "NCIV_450", "VMIN_CIV_450",
                                "VMAX_CIV_450"]
    assert [int(line.split()[0]) for line in lines[1:-1]] == list(bals["TARGETID"])
    assert lines[-1] == f"# {len(bals)} of {len(data)} rows"
    column = lines[0].index("NCIV_450") + len("NCIV_450")  # aligned to the right
    assert all(line[column - 1].isdigit() and line[column] == " " for line in lines[1:-1])


@pytest.mark.parametrize("conditions, chosen", [
    (["AI_CIV > 500"], lambda d: d["AI_CIV"] > 500),
    (["AI_CIV>500,SNR_CIV>=2"], lambda d: (d["AI_CIV"] > 500) & (d["SNR_CIV"] >= 2)),
    (["AI_CIV > 500  SNR_CIV < 2"], lambda d: (d["AI_CIV"] > 500) & (d["SNR_CIV"] < 2)),
    (["BI_CIV=0", "Z<=2.5"], lambda d: (d["BI_CIV"] == 0) & (d["Z"] <= 2.5)),
    (["NCIV_450 != 1"], lambda d: d["NCIV_450"] != 1),
    (["VMIN_CIV_450[0] > 3000"], lambda d: d["VMIN_CIV_450"][:, 0] > 3000),
    (["SPECTYPE == QSO"], lambda d: np.ones(len(d), bool)),
    (["SPECTYPE != QSO"], lambda d: np.zeros(len(d), bool)),
])
@pytest.mark.parametrize("every", [False, True])
def test_conditions(catalog, data, conditions, chosen, every):
    if "SPECTYPE" in conditions[0] and "SPECTYPE" not in data.names:
        pytest.skip("no SPECTYPE")
    words = [word for condition in conditions for word in ("--where", condition)]
    expected = data["TARGETID"][chosen(data) & (every | (data["AI_CIV"] > 0))]
    rows = csv_rows(catalog, "--columns", "TARGETID", *words, *["--all"] * every)
    assert [int(row[0]) for row in rows] == list(expected)


@pytest.mark.parametrize("condition, chosen", [
    ("TARGETID = 4611686018427387905", [0]), ("TARGETID > 4611686018427387904", [0]), ("TARGETID < -2.5", [2]),
    ("REAL > -1e301", [0, 2, 3]), ("REAL != 0", [0, 2, 3]), ("REAL = 0.1", [0]), ("FLAG = 1", [0, 2]), ("NULLED < 9", [0, 2, 3]),
    ("NULLED != 1", [2, 3]), ("UNSIGNED >= 4294967295", [2]), ("ARRAY[2] > 0", [2]), ("ai_civ>0", [0, 2]),
])
def test_every_kind_of_number(odd, condition, chosen):
    targetids = fits.getdata(odd)["TARGETID"]
    rows = csv_rows(odd, "--all", "--columns", "TARGETID", "--where", condition)
    assert [int(row[0]) for row in rows] == [int(targetids[i]) for i in chosen]


@pytest.mark.parametrize("reverse", [False, True])
def test_sorted_and_limited(catalog, data, reverse):
    bals = data[data["AI_CIV"] > 0]
    order = np.argsort(-bals["AI_CIV"] if reverse else bals["AI_CIV"], kind="stable")
    result = run("list", catalog, "--sort", "AI_CIV", *["--reverse"] * reverse, "-n", 3, "--columns", "TARGETID")
    lines = result.stdout.splitlines()
    assert [int(line) for line in lines[1:-1]] == list(bals["TARGETID"][order][:3])
    assert lines[-1] == f"# {len(bals)} of {len(data)} rows, the first 3 shown"


def test_nan_is_sorted_last(odd):
    for words in ([], ["--reverse"]):
        rows = csv_rows(odd, "--all", "--columns", "REAL", "--sort", "REAL", *words)
        assert rows[-1] == ["nan"] and float(rows[0][0]) == (12345.6789012345 if words else -1e300)


def test_no_bals(catalog):
    result = run("list", catalog, "--where", "AI_CIV > 1e9")
    assert result.stderr == "" and len(result.stdout.splitlines()) == 2 and result.stdout.splitlines()[1].startswith("# 0 of ")


# ---- how they are written ----

def test_csv_reads_back_as_the_same(catalog, data):
    names = ["TARGETID", "Z", "TARGET_RA", "AI_CIV", "ERR_AI_CIV", "FMIN_CIV_450[0]"]
    rows = csv_rows(catalog, "--columns", ",".join(names))
    bals = data[data["AI_CIV"] > 0]
    for k, name in enumerate(names):
        column = bals["FMIN_CIV_450"][:, 0] if "[" in name else bals[name]
        assert [column.dtype.type(row[k]) for row in rows] == list(column)


def test_troughs_in_one_cell(catalog, data):
    rows = csv_rows(catalog, "--columns", "NCIV_450,VMIN_CIV_450")
    for row, bal in zip(rows, data[data["AI_CIV"] > 0]):
        values = [np.float32(v) for v in row[1].split(";")]
        assert len(values) == int(row[0]) and values == list(bal["VMIN_CIV_450"][:len(values)])


@pytest.mark.parametrize("which", ["catalog", "odd"])
def test_ecsv_through_astropy(which, tmp_path, request):
    path, out = request.getfixturevalue(which), tmp_path / "list.ecsv"
    run("list", path, "--all", "--columns", "*", "-o", out)
    read, written = Table.read(out), Table.read(path)
    if "LIST" in written.colnames:
        written.remove_column("LIST")
    assert read.colnames == written.colnames and len(read) == len(written)
    for name in written.colnames:
        a, b = read[name], written[name]
        assert (a.unit or "") == (b.unit or "") and a.shape == b.shape, name
        if b.dtype.kind == "S":
            assert [str(x).strip() for x in np.ma.filled(a, "")] == [str(x).strip() for x in np.ma.filled(b, "")], name
            continue
        assert a.dtype.kind == b.dtype.kind or {a.dtype.kind, b.dtype.kind} <= set("iu"), name
        mask = np.ma.getmaskarray(b) & ~np.isnan(b.data) if b.dtype.kind == "f" else np.ma.getmaskarray(b)
        assert np.array_equal(np.ma.getmaskarray(a), mask), name
        same = np.asarray(a.data) == np.asarray(b.data)
        assert np.all(same | mask | (np.isnan(np.asarray(a.data)) if a.dtype.kind == "f" else False)), name


def test_the_trough_table(catalog):
    troughs = fits.getdata(catalog.parent / "troughs.fits", "BAL_TROUGHS")
    rows = csv_rows(catalog.parent / "troughs.fits", "--hdu", "BAL_TROUGHS", "--all", "--columns", "TARGETID,VMIN")
    assert [(int(t), np.float32(v)) for t, v in rows] == list(zip(troughs["TARGETID"], troughs["VMIN"]))


# ---- what is refused ----

@pytest.mark.parametrize("arguments, words", [
    (["--where", "AI_CIV"], ["condition 'AI_CIV'", "as in 'AI_CIV > 0'"]),
    (["--where", "AI_CIV > many"], ["condition 'AI_CIV > many'", "a number"]),
    (["--where", "AI_CIV > nan"], ["condition 'AI_CIV > nan'", "a number"]),
    (["--where", "AI > 3"], ["no column AI;", "--columns '*'"]),
    (["--where", "VMIN_CIV_450 > 3"], ["holds 17 values", "VMIN_CIV_450[0]"]),
    (["--where", "VMIN_CIV_450[17] > 3"], ["VMIN_CIV_450[17]", "VMIN_CIV_450[16]"]),
    (["--columns", "VMIN_CIV_450[x]"], ["VMIN_CIV_450[x]", "VMIN_CIV_450[0]"]),
    (["--columns", "AI"], ["no column AI;"]),
    (["--columns", ","], ["--columns", "names"]),
    (["--sort", "VMIN_CIV_450"], ["can't sort by VMIN_CIV_450"]),
    (["--reverse"], ["--reverse", "--sort"]),
    (["--format", "fits"], ["--format", "text, csv or ecsv"]),
    (["-o", "list.fits"], ["list.fits", ".txt, .csv or .ecsv"]),
    (["--hdu", "NONE"], ["NONE"]),
    (["-n", "0"], ["--rows", "from 1"]),
])
def test_refused(catalog, tmp_path, arguments, words):
    result = run("list", catalog, *arguments, status=UNUSABLE, cwd=tmp_path)
    complains(result, "list", *words)
    assert result.stdout == "" and not list(tmp_path.iterdir())


def test_lists_are_refused_by_name(odd):
    complains(run("list", odd, "--all", "--columns", "LIST", status=UNUSABLE), "list", "LIST", "fixed number")


def test_a_table_without_bals(odd, catalog, tmp_path):
    complains(run("list", catalog.parent / "tree" / "qso.fits", status=UNUSABLE), "list", "no column AI_CIV", "--all")


def test_an_existing_file_stays(catalog, tmp_path):
    out = tmp_path / "list.txt"
    out.write_text("mine")
    complains(run("list", catalog, "-o", out, status=UNUSABLE), "list", out)
    assert out.read_text() == "mine"
    run("list", catalog, "-o", out, "--clobber")
    assert out.read_text() == run("list", catalog).stdout
