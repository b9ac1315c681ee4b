"""fastbal append: the QSO catalog with the columns of the BAL tables.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
import shutil

import numpy as np
import pytest
from astropy.io import fits

from support import (BALMASK, DONE, IN_TABLE, PARTLY, PIXEL, PIXELS, ROWS, UNUSABLE, Target, appended_columns,
                     check_sums, complains, forms, header, nothing_left_behind, portable, run, last_columns,
                     table, write_catalog)


def ntemplates(tree):
    return int(dict(forms(tree.baltable(PIXELS[0])))["PCA_COEFFS"][:-1])


def test_columns(finished_tree):
    expected = forms(finished_tree.qso) + appended_columns(ntemplates(finished_tree)) + last_columns()
    assert forms(finished_tree.out) == expected
    with fits.open(finished_tree.out) as hdus:
        assert [h.name for h in hdus] == ["PRIMARY", "ZCATALOG"]
    check_sums(finished_tree.out)
    nothing_left_behind(finished_tree.out.parent)


def test_input_is_preserved(finished_tree):
    """Every input row and column, in order, with units, keywords, comments, null values and zero points."""
    before, after = table(finished_tree.qso), table(finished_tree.out)
    for name in before.names:
        np.testing.assert_array_equal(after[name], before[name])
    hb, ha = header(finished_tree.qso), header(finished_tree.out)
    for k in range(1, hb["TFIELDS"] + 1):
        for key in ("TTYPE", "TFORM", "TUNIT", "TNULL", "TZERO", "TSCAL", "TDISP"):
            assert ha.get(f"{key}{k}") == hb.get(f"{key}{k}"), f"{key}{k}"
    assert (ha["RELEASE"], ha.comments["RELEASE"]) == ("sim", "where it comes from")
    assert ha["NOTE"] == hb["NOTE"]
    assert "a comment of the catalog" in str(ha["COMMENT"])
    assert "made for a test" in str(ha["HISTORY"])
    depends = {ha[key]: ha[key.replace("NAM", "VER")] for key in ha if key.startswith("DEPNAM")}
    assert depends["desitarget"] == "2.9.0"


def test_history(finished_tree):
    assert re.search(r"Last updated 2023-11-14 22:13:20 UT by \w+", str(header(finished_tree.out)["HISTORY"]))


def test_units_of_new_columns(finished_tree):
    with fits.open(finished_tree.out) as hdus:
        unit = {c.name: c.unit for c in hdus[1].columns}
    with fits.open(finished_tree.baltable(PIXELS[0])) as hdus:
        for c in hdus[1].columns:
            if c.name in unit and c.name not in forms_dict(finished_tree.qso):
                assert unit[c.name] == c.unit, c.name


def forms_dict(path):
    return dict(forms(path))


def test_values(finished_tree):
    """Every row has the values of its own row of its pixel's BAL table; repeated TARGETIDs in order."""
    data = table(finished_tree.out)
    assert list(data["BALMASK"]) == [BALMASK[name] for name in ROWS]
    for k, name in enumerate(ROWS):
        for column, _ in appended_columns(5, lambda: []) + last_columns():
            if name in IN_TABLE[PIXEL[name]]:
                np.testing.assert_array_equal(data[column][k], finished_tree.row(name)[column])
            else:
                assert np.all(data[column][k] == {"BAL_PROB": -99, "BALSTATUS": -1, "LOBAL": -1}.get(column, 0)), column


# ---- BALMASK ----

def masks(tree):
    return dict(zip(ROWS, table(tree.out)["BALMASK"].tolist()))


def test_no_table_for_a_pixel(done_tree):
    """The pixel is listed, its rows are marked."""
    missing = done_tree.baltable(PIXEL["bal"])
    missing.unlink()
    complains(done_tree.append("-c", status=PARTLY), "append", missing)
    for name, mask in masks(done_tree).items():
        if PIXEL[name] != PIXEL["bal"]:
            assert mask == BALMASK[name]
        else:
            assert mask == (3 if name in ("too near", "too far") else 1)
    row = table(done_tree.out)[0]
    assert row["BAL_PROB"] == -99 and row["AI_CIV"] == 0 and not row["VMIN_CIV_450"].any() and row["SNR_CIV"] == 0


def test_row_that_is_in_no_table(done_tree):
    t = ROWS["plain"]
    rows = [*ROWS.values(), t._replace(targetid=77)]
    write_catalog(done_tree.qso, rows)
    complains(done_tree.append("-c", status=PARTLY), "append", "1 not in the BAL table")
    data = table(done_tree.out)
    assert data["BALMASK"][-1] == 1 and data["BAL_PROB"][-1] == -99
    assert data["BALMASK"][:-1].tolist() == list(BALMASK.values())


def test_redshift_that_differs(done_tree):
    """By more than 0.001 from the table's; the values are copied all the same."""
    for change, mask in ((0.0009, 0), (0.0011, 4), (-0.0011, 4)):
        rows = [t._replace(z=t.z + change) if name == "plain" else t for name, t in ROWS.items()]
        write_catalog(done_tree.qso, rows)
        result = done_tree.append("-c", status=PARTLY if mask else DONE)
        assert ("1 with another redshift than in the BAL table" in result.stderr) == bool(mask)
        assert masks(done_tree) == BALMASK | {"plain": mask}
        assert table(done_tree.out)["PCA_CHI2"][list(ROWS).index("plain")] == done_tree.row("plain")["PCA_CHI2"]


def test_fewer_repeats_in_the_catalog(done_tree):
    """Only the second of two rows with one TARGETID: it must not silently get the result of the first."""
    rows = [t for name, t in ROWS.items() if name != "bal"]
    write_catalog(done_tree.qso, rows)
    done_tree.append("-c")
    k = [name for name in ROWS if name != "bal"].index("bal again")
    row = table(done_tree.out)[k]
    if row["BALMASK"] == 0:
        assert row["BI_CIV"] == done_tree.row("bal again")["BI_CIV"]
    else:
        assert row["BALMASK"] == 4


# ---- options ----

@pytest.mark.parametrize("option", ["-o", "--outcatfile"])
def test_output(done_tree, tmp_path, option):
    run("append", "-q", done_tree.qso, "-b", done_tree.z, option, tmp_path / "other.fits", env=done_tree.env)
    assert (tmp_path / "other.fits").read_bytes() == append_again(done_tree)


def append_again(tree, *options):
    tree.append("-c", *options)
    return tree.out.read_bytes()


def test_default_output(done_tree, tmp_path):
    run("append", "-q", done_tree.qso, "-b", done_tree.z, cwd=tmp_path, env=done_tree.env)
    assert (tmp_path / "qso-balcat.fits").read_bytes() == append_again(done_tree)


@pytest.mark.parametrize("option", ["-b", "--baldir"])
def test_baldir(done_tree, option):
    moved = done_tree.root / "moved"
    shutil.move(done_tree.z, moved)
    run("append", "--qsocat", done_tree.qso, option, moved, "-o", done_tree.out, "-c", env=done_tree.env)
    assert masks(done_tree) == BALMASK
    assert (moved / "logfile-main-dark.txt").exists()


@pytest.mark.parametrize("survey, program", [("-s", "-m"), ("--survey", "--moon"), ("--survey", "--program")])
def test_survey_and_program(done_tree, survey, program):
    for path in list(done_tree.z.rglob("baltable-main-dark-*.fits")):
        new = done_tree.z / "healpix" / "sv3" / "bright" / path.parent.parent.name / path.parent.name
        new.mkdir(parents=True)
        path.rename(new / path.name.replace("main-dark", "sv3-bright"))
    done_tree.append("-c", survey, "sv3", program, "bright")
    assert masks(done_tree) == BALMASK
    assert (done_tree.z / "logfile-sv3-bright.txt").exists()


def test_refuses_an_existing_output(done_tree):
    done_tree.out.write_bytes(b"old")
    complains(done_tree.append(status=UNUSABLE), "append", done_tree.out)
    assert done_tree.out.read_bytes() == b"old"


@pytest.mark.parametrize("option", ["-c", "--clobber", "--overwrite"])
def test_clobber(done_tree, option):
    before = portable(done_tree.out)
    done_tree.out.write_bytes(b"old")
    done_tree.append(option)
    assert portable(done_tree.out) == before


@pytest.mark.parametrize("option", ["-t", "--alttemp"])
def test_width_of_coefficients(tree, done_tree, tmp_path, option):
    """As in the BAL tables, whatever the option says; without tables there is no catalog."""
    assert dict(forms(done_tree.out))["PCA_COEFFS"] == f"{ntemplates(done_tree)}E"
    done_tree.append("-c", option)
    assert dict(forms(done_tree.out))["PCA_COEFFS"] == f"{ntemplates(done_tree)}E"
    tree.z.mkdir()
    complains(tree.append("-c", option, status=UNUSABLE), "append", tree.z, "no BAL table", "fastbal find")
    assert not tree.out.exists()


def test_tables_of_different_widths(done_tree, tmp_path):
    """Tables made with different template sets are reported."""
    wave = np.linspace(1200, 2500, 300)
    fits.BinTableHDU.from_columns([fits.Column("WAVE", "D", array=wave)] + [
        fits.Column(f"PCA{k}", "D", array=(wave / 1850 - 1) ** k) for k in range(3)]).writeto(tmp_path / "three.fits")
    done_tree.find("-hp", PIXELS[1], "-c", templates=tmp_path / "three.fits")
    result = done_tree.append("-c", status=None)
    assert result.returncode in (PARTLY, UNUSABLE)
    assert "PCA_COEFFS" in result.stderr


def test_tables_of_different_fits(done_tree):
    """They are combined into one catalog, with a warning."""
    done_tree.find("-c", "--continuum", "least-squares")
    done_tree.find("-hp", PIXELS[1], "-c", "--fit", "simplex")
    complains(done_tree.append("-c"), "append", "1 of 3 BAL tables", "differ from the first in fit, which is exact")


def test_tables_of_different_rules(done_tree):
    done_tree.find("-hp", PIXELS[1], "-c", "--rules", "optimize")
    complains(done_tree.append("-c"), "append", "1 of 3 BAL tables", "differ from the first in rules, which is main")


def test_log(finished_tree):
    lines = (finished_tree.z / "logfile-main-dark.txt").read_text().splitlines()
    in_tables = sum(map(len, IN_TABLE.values()))
    assert lines[-1] == f"Total matches: {in_tables}"
    assert sum(line.startswith("Last updated ") for line in lines) == 2  # split and append
    assert any(str(finished_tree.qso) in line and str(finished_tree.out) in line for line in lines)


@pytest.mark.parametrize("option", ["-l", "--logfile"])
def test_logfile(done_tree, option):
    done_tree.append("-c", option, "mylog.txt")
    assert "Total matches" in (done_tree.z / "mylog.txt").read_text()


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_verbose(done_tree, option):
    quiet, loud = done_tree.append("-c"), done_tree.append("-c", option)
    assert len(loud.stdout + loud.stderr) > len(quiet.stdout + quiet.stderr)


@pytest.mark.parametrize("how", [["--nproc", 1], ["--nproc=4"], ["--chunk-size", 1], ["--chunk-size=2"]])
def test_options_that_change_no_result(done_tree, how):
    assert append_again(done_tree, *how) == append_again(done_tree)


def test_mock(tmp_path):
    """RA and DEC, nside 16; without BAL tables beside the redshifts there is no catalog."""
    tables = tmp_path / "work"
    write_catalog(tmp_path / "qso.fits", mock=True)
    run("split", "-q", tmp_path / "qso.fits", "-a", tables, "--mock")
    run("append", "-q", tmp_path / "qso.fits", "-b", tables, "--mock", "-o", tmp_path / "out.fits", status=UNUSABLE)
    assert not (tmp_path / "out.fits").exists()


# ---- catalogs of other kinds ----

def test_catalog_that_has_bal_columns(done_tree):
    """They are replaced, not repeated, and stand at the end again."""
    first = done_tree.out.read_bytes()
    again = done_tree.out.with_name("again.fits")
    run("append", "-q", done_tree.out, "-b", done_tree.z, "-o", again, env=done_tree.env)
    assert forms(again) == forms(done_tree.out)
    a, b = table(again), table(done_tree.out)
    for name in b.names:
        np.testing.assert_array_equal(a[name], b[name])
    # and no old values remain
    done_tree.baltable(PIXELS[1]).unlink()
    run("append", "-q", done_tree.out, "-b", done_tree.z, "-o", again, "-c", env=done_tree.env, status=PARTLY)
    k = next(k for k, name in enumerate(ROWS) if PIXEL[name] == PIXELS[1])
    assert table(again)["PCA_CHI2"][k] == 0
    assert done_tree.out.read_bytes() == first


def test_catalog_onto_itself(done_tree):
    """-o the catalog itself: replaced only with --clobber, and whole."""
    before = done_tree.qso.read_bytes()
    run("append", "-q", done_tree.qso, "-b", done_tree.z, "-o", done_tree.qso, env=done_tree.env, status=UNUSABLE)
    assert done_tree.qso.read_bytes() == before
    run("append", "-q", done_tree.qso, "-b", done_tree.z, "-o", done_tree.qso, "-c", env=done_tree.env)
    assert table(done_tree.qso)["BALMASK"].tolist() == list(BALMASK.values())


def test_variable_length_columns(done_tree):
    """Older catalogs have strings as variable-length arrays; the heap is kept."""
    with fits.open(done_tree.qso) as hdus:
        names = np.array([f"quasar {'x' * k}" for k in range(len(ROWS))], object)
        arrays = np.array([np.arange(k, dtype="i4") for k in range(len(ROWS))], object)
        columns = hdus[1].columns + fits.ColDefs([fits.Column("NAMES", "PA()", array=names),
                                                  fits.Column("LISTS", "PJ()", array=arrays)])
        fits.BinTableHDU.from_columns(columns, name="QSO_CAT").writeto(done_tree.qso, overwrite=True)
    done_tree.append("-c")
    data = table(done_tree.out)
    for k in range(len(ROWS)):  # astropy shows a string as its letters, a blank as nothing
        assert "".join(c or " " for c in data["NAMES"][k]) == f"quasar {'x' * k}"
        assert data["LISTS"][k].tolist() == list(range(k))
    assert data["BALMASK"].tolist() == list(BALMASK.values())


def test_two_catalogs_in_one_file(done_tree):
    """The second would be copied, and readers prefer its name to the ZCATALOG that is written."""
    with fits.open(done_tree.qso) as hdus:
        columns = hdus[1].columns
        fits.HDUList([fits.PrimaryHDU(), *(fits.BinTableHDU.from_columns(columns, name="QSO_CAT") for _ in range(2))]).writeto(
            done_tree.qso, overwrite=True)
    done_tree.out.unlink(missing_ok=True)
    refused = run("append", "-q", done_tree.qso, "-b", done_tree.z, "-o", done_tree.out, status=UNUSABLE)
    complains(refused, "append", done_tree.qso, "expected one HDU QSO_CAT, found another, number 2")
    assert not done_tree.out.exists()


def test_the_primary_hdu(done_tree):
    """Its keywords are kept; the catalog is HDU 1."""
    with fits.open(done_tree.qso) as hdus:
        hdus[0].header["SURVEY"] = ("main", "in the primary")
        fits.HDUList([hdus[0], hdus[1]]).writeto(done_tree.qso.with_name("q.fits"))
    run("append", "-q", done_tree.qso.with_name("q.fits"), "-b", done_tree.z, "-o", done_tree.out, "-c")
    assert header(done_tree.out, 0)["SURVEY"] == "main"
    assert header(done_tree.out, 1)["EXTNAME"] == "ZCATALOG"


def test_many_rows(done_tree, tmp_path):
    """More rows than any buffer: all are there, in order; one of them is in a BAL table."""
    n = 30000
    rng = np.random.default_rng(3)
    sky = zip(rng.uniform(0, 360, n).tolist(), rng.uniform(-60, 60, n).tolist())
    rows = [Target(k, ra, dec, 2.0) for k, (ra, dec) in enumerate(sky)]
    write_catalog(tmp_path / "qso.fits", [*rows, ROWS["plain"]])
    result = run("append", "-q", tmp_path / "qso.fits", "-b", done_tree.z, "-o", tmp_path / "out.fits", status=PARTLY)
    assert f"{n + 1} rows: 1 measured" in result.stdout
    data = table(tmp_path / "out.fits")
    np.testing.assert_array_equal(data["TARGETID"], [*range(n), ROWS["plain"].targetid])
    np.testing.assert_array_equal(data["MJD"], np.arange(3.0 * n + 3).reshape(n + 1, 3))
    assert (data["BALMASK"][:-1] == 1).all() and (data["BAL_PROB"][:-1] == -99).all() and data["BALMASK"][-1] == 0


# ---- what can't be used ----

def refused(tree, catalog, *words):
    out = tree.out.with_name("refused.fits")
    result = run("append", "-q", catalog, "-b", tree.z, "-o", out, env=tree.env, status=UNUSABLE)
    complains(result, "append", catalog, *words)
    assert not out.exists()
    nothing_left_behind(tree.out.parent)


def test_missing_catalog(done_tree):
    refused(done_tree, done_tree.root / "none.fits")


def test_no_fits_file(done_tree):
    done_tree.qso.write_text("no FITS file\n" * 500)
    refused(done_tree, done_tree.qso)


def test_truncated_catalog(done_tree):
    data = done_tree.qso.read_bytes()
    for size in (0, 2880, len(data) // 2, len(data) - 2880):
        done_tree.qso.write_bytes(data[:size])
        refused(done_tree, done_tree.qso)


def test_catalog_without_rows(done_tree):
    write_catalog(done_tree.qso, [])
    refused(done_tree, done_tree.qso)


@pytest.mark.parametrize("column", ["TARGETID", "Z", "TARGET_RA"])
def test_missing_column(done_tree, column):
    with fits.open(done_tree.qso) as hdus:
        columns = [c for c in hdus[1].columns if c.name != column]
        fits.BinTableHDU.from_columns(columns, name="QSO_CAT").writeto(done_tree.qso, overwrite=True)
    refused(done_tree, done_tree.qso, column)


def test_no_baldir(done_tree):
    result = run("append", "-q", done_tree.qso, "-b", done_tree.root / "nowhere", "-o", done_tree.out, "-c",
                 env=done_tree.env, status=UNUSABLE)
    complains(result, "append", done_tree.root / "nowhere")


def test_output_that_cannot_be_written(done_tree):
    for out in (done_tree.qso / "out.fits", done_tree.root / "no" / "such" / "folder" / "out.fits"):
        result = run("append", "-q", done_tree.qso, "-b", done_tree.z, "-o", out, env=done_tree.env, status=None)
        if result.returncode:  # a folder may as well be made
            complains(result, "append", out)
            assert result.returncode == UNUSABLE
        else:
            assert table(out)["BALMASK"].tolist() == list(BALMASK.values())


@pytest.mark.parametrize("spoil", ["text", "truncated", "column", "width"])
def test_bad_bal_table(done_tree, spoil):
    """One bad table is a listed pixel: its rows are marked as not in a table, the others are done, status 1."""
    bad = PIXELS[1]
    path = done_tree.baltable(bad)
    if spoil == "text":
        path.write_text("no FITS file\n" * 500)
    elif spoil == "truncated":
        path.write_bytes(path.read_bytes()[:-2880])
    else:
        with fits.open(path) as hdus:
            data = hdus[1].data
            columns = [c for c in hdus[1].columns if c.name != "VMIN_CIV_450"]
            if spoil == "width":
                columns.append(fits.Column("VMIN_CIV_450", "3E", array=data["VMIN_CIV_450"][:, :3]))
            fits.BinTableHDU.from_columns(columns, name="BALCAT").writeto(path, overwrite=True)
    result = done_tree.append("-c", status=PARTLY)
    assert str(path) in result.stderr
    for name, mask in masks(done_tree).items():
        assert mask == (BALMASK[name] if PIXEL[name] != bad else BALMASK[name] & 2 | 1), name
    nothing_left_behind(done_tree.out.parent)
    nothing_left_behind(done_tree.z)


def test_reference_tables_are_read(done_tree):
    """Tables without BALSTATUS and units, as the reference finder writes them."""
    for pixel in PIXELS:
        path = done_tree.baltable(pixel)
        with fits.open(path) as hdus:
            data = hdus[1].data
            columns = [fits.Column(c.name, c.format, array=data[c.name]) for c in hdus[1].columns
                       if c.name != "BALSTATUS"]
            new = fits.BinTableHDU.from_columns(columns, name="BALCAT")
        new.writeto(path, overwrite=True)
    done_tree.append("-c")
    # without BALSTATUS, unmeasured rows can't be distinguished
    assert masks(done_tree) == {name: mask & ~8 for name, mask in BALMASK.items()}


# ---- what columns are ----

def test_descriptions(done_tree, tmp_path):
    """Every BAL column says what it is, in tables, catalogs and troughs; the source's columns keep what they said."""
    with fits.open(done_tree.qso) as hdus:
        names = hdus[1].columns.names
        hdus[1].header[f"TCOMM{names.index('Z') + 1}"] = "mine"
        hdus.writeto(tmp_path / "qso.fits")
    run("append", "-q", tmp_path / "qso.fits", "-b", done_tree.z, "-o", tmp_path / "out.fits", "--troughs", tmp_path / "troughs.fits", env=done_tree.env)
    found = {}
    for path, hdu, n in ((tmp_path / "out.fits", 1, len(names)), (tmp_path / "troughs.fits", 1, 0), (done_tree.baltable(PIXELS[0]), 1, 0),
                         (done_tree.baltable(PIXELS[0]), 2, 0)):
        with fits.open(path) as hdus:
            said = {name: hdus[hdu].header.get(f"TCOMM{k}") for k, name in enumerate(hdus[hdu].columns.names, 1)}
        assert all(said[name] for name in list(said)[n:]), said
        assert all(found.setdefault(name, said[name]) == said[name] for name in list(said)[n:])
        if n:
            assert {name: said[name] for name in names if said[name]} == {"Z": "mine"}
    assert found["AI_CIV"] == "absorption index of C IV"


def test_keywords_of_columns_that_are_not_there(done_tree, tmp_path):
    """A card left behind by a column that was deleted does not become a BAL column's."""
    with fits.open(done_tree.qso) as hdus:
        n = len(hdus[1].columns)
        hdus.writeto(tmp_path / "qso.fits")
    data = (tmp_path / "qso.fits").read_bytes()
    end = data.index(b"END" + b" " * 77, 2880)
    cards = b"".join(f"{key + str(n + k):8}= 'STRAY   '".ljust(80).encode() for k in (1, 5) for key in ("TTYPE", "TUNIT", "TCOMM"))
    begin, room = 2880, (end + len(cards) + 80 + 2879) // 2880 * 2880
    header = (data[begin:end] + cards + b"END").ljust(room - begin)
    after = data[(end + 80 + 2879) // 2880 * 2880:]
    (tmp_path / "stray.fits").write_bytes(data[:begin] + header + after)
    for name in ("qso", "stray"):
        run("append", "-q", tmp_path / f"{name}.fits", "-b", done_tree.z, "-o", tmp_path / f"{name}-bal.fits", env=done_tree.env)
    assert "STRAY" not in str(fits.getheader(tmp_path / "stray-bal.fits", 1))
    assert run("diff", tmp_path / "qso-bal.fits", tmp_path / "stray-bal.fits").returncode == 0


# ---- tables of older or other programs ----

def without_columns(path, names):
    """Leave columns out of a file's first table, as an older program would."""
    with fits.open(path) as hdus:
        columns = [c for c in hdus[1].columns if c.name not in names]
        old = fits.BinTableHDU.from_columns(fits.ColDefs(columns), name=hdus[1].name)
        for key in ("QSOTEMPS", "BALFIT"):
            if key in hdus[1].header:
                old.header[key] = hdus[1].header[key]
        fits.HDUList([fits.PrimaryHDU(), old]).writeto(path, overwrite=True)


def test_columns_that_tables_lack_are_not_known(done_tree, tmp_path):
    """They are no measurement of 0, no HiBAL, and not faint."""
    lost = ["SNR_CIV", "SNR_REDSIDE", "AI_TOT_CIV", "DI_CIV", "EW_CIV", "ERR_EW_CIV", "LOBAL", "DEPTH_MGII"]
    for pixel in PIXELS:
        without_columns(done_tree.baltable(pixel), lost)
    result = run("append", "-q", done_tree.qso, "-b", done_tree.z, "-o", tmp_path / "out.fits", env=done_tree.env)
    rows = table(tmp_path / "out.fits")
    rows = rows[rows["BALMASK"] == 0]
    assert len(rows) > 3 and (rows["LOBAL"] == -1).all()
    for name in set(lost) - {"LOBAL"}:
        assert np.isnan(rows[name]).all(), name
    assert np.isfinite(rows["BI0_CIV"]).all()
    n = f"{(rows['AI_CIV'] > 0).sum()} of {len(rows)} "
    line, = (line for line in result.stdout.splitlines() if "SNR_CIV" in line)
    assert line.startswith(f"append: BALs by SNR_CIV: {n}") and line.count(" of ") == 2 and "where it is not known; " in line
    assert line[len("append: "):] in run("info", tmp_path / "out.fits").stdout
    without_columns(tmp_path / "out.fits", ["SNR_CIV"])
    assert line[len("append: "):] in run("info", tmp_path / "out.fits").stdout
