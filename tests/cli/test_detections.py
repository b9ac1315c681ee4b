"""What find, run, append and info make of the detector: columns, --detector, BALDET, ratings of troughs. What the detector
sees and says is tested in test_detector.py.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

import oracle
from support import (BIN, LIGHT, UNUSABLE, check_sums, complains, environment, fits_files, header, mpirun, needs_mpi,
                     ranks_environment, run, table)

PROGRAM = os.environ.get("FASTBAL_PRINT_TRACES", str(BIN.parent / "tests" / "print_traces"))
NAME = re.compile(r"builtin [0-9a-f]{8}")
ONES = ["AI_DET", "ERR_AI_DET", "BI_DET", "ERR_BI_DET", "NDET_450"]
ARRAYS = ["VMIN_DET_450", "VMAX_DET_450", "ERR_V_DET_450", "PROB_DET_450"]
NOT_MEASURED, NOT_TRAINED = 1 | 2 | 4 | 64 | 128, 2048
OTHER_DETECTOR = "this BAL table was made with another detector, or without one"


class Survey:
    """A simulated tree, split, with paths by pixel."""

    def __init__(self, root):
        self.root, self.qso, self.split = root, root / "tree" / "qso.fits", root / "split"
        run("simulate", root / "tree", "--pixels", 3, "--quasars", 40, "--others", 0, "--seed", 5, "--gaps", "--bal-fraction", 0.5,
            "--no-resolution")
        self.env = environment(DESI_SPECTRO_REDUX=root / "tree" / "redux")
        run("split", "-q", self.qso, "-a", self.split)
        self.coadds = {path.parent.name: path for path in root.rglob("coadd-*.fits")}
        self.z = dict(zip(*(fits.getdata(self.qso, 1)[name] for name in ("TARGETID", "Z"))))

    def find(self, work, *options, program="find", **how):
        shutil.copytree(self.split, work, dirs_exist_ok=True)
        return run(program, "-r", "sim", "-a", work, "--templates", "builtin", *options, env=self.env, **how)

    def run(self, out, *options, **how):
        return run("run", "-q", self.qso, "-r", "sim", "-o", out, "--templates", "builtin", *options, env=self.env, **how)

    def append(self, work, out, *options, **how):
        return run("append", "-q", self.qso, "-b", work, "-o", out, *options, env=self.env, **how)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return Survey(tmp_path_factory.mktemp("survey"))


@pytest.fixture(scope="module")
def on(survey):
    """BAL tables with detections, and a catalog beside them."""
    work = survey.root / "on"
    survey.find(work)
    survey.append(work, work / "cat.fits", "--troughs", work / "troughs.fits")
    return work


@pytest.fixture(scope="module")
def off(survey):
    work = survey.root / "off"
    survey.find(work, "--detector", "off")
    survey.append(work, work / "cat.fits", "--troughs", work / "troughs.fits")
    return work


def tables(work):
    return sorted(work.rglob("baltable-*.fits"))


@pytest.fixture(scope="module")
def traces(survey):
    """{TARGETID: (probability, logits of the cells)} by the library."""
    found = {}
    for coadd in survey.coadds.values():
        fibermap, (wave, flux, ivar) = oracle.read_spectra(coadd)
        given = b"".join(np.concatenate(([len(wave), survey.z[t]], wave, flux[k], ivar[k])).tobytes()
                         for k, t in enumerate(fibermap["TARGETID"]))
        done = subprocess.run([PROGRAM], input=given, capture_output=True, timeout=100, check=True)
        kind = np.dtype([("numbers", "f8", 3), ("seen", "f4", 14 * 176 + 4), ("cells", "f4", 176), ("rest", "f4", 39)])
        for target, trace in zip(fibermap["TARGETID"], np.frombuffer(done.stdout, kind)):
            found[target] = trace["numbers"][1], trace["cells"].astype(float)
    return found


# ---- columns ----

def test_what_the_detector_says(on, traces):
    troughs = 0
    for path in tables(on):
        rows = table(path)
        measured = rows["BALSTATUS"] & NOT_MEASURED == 0
        for row in rows[measured]:
            assert row["BAL_PROB"] == np.float32(traces[row["TARGETID"]][0])
        for row in rows[~measured]:
            assert row["BAL_PROB"] == 0 and row["NDET_450"] == 0
        assert (rows["NDET_450"][rows["BAL_PROB"] < 0.5] == 0).all()
        for row in rows:
            n = row["NDET_450"]
            troughs += n
            assert all((row[name][:n] > 0).all() and (row[name][n:] == -1).all() for name in ARRAYS[1:])
            assert ((row["VMIN_DET_450"][:n] >= 0) & (row["VMAX_DET_450"][:n] - row["VMIN_DET_450"][:n] > 449.9)).all()
            assert (row["PROB_DET_450"] <= 1).all() and (n > 0 or all(row[name] == 0 for name in ONES))
            assert (row["AI_DET"] > 0) <= (row["ERR_AI_DET"] > 0) and (row["BI_DET"] > 0) <= (row["ERR_BI_DET"] > 0)
    assert troughs > 20


def test_off(on, off):
    """Nothing but what the detector says differs, and then it is 0, or -1 in arrays."""
    for with_it, without in zip(tables(on) + [on / "cat.fits"], tables(off) + [off / "cat.fits"]):
        check_sums(without)
        ours, theirs = table(with_it), table(without)
        assert ours.names == theirs.names
        inside = theirs["BALMASK"] == 0 if "BALMASK" in theirs.names else np.full(len(theirs), True)
        assert all((theirs[name][inside] == 0).all() for name in ["BAL_PROB", *ONES])
        assert all((theirs[name][inside] == -1).all() for name in ARRAYS)
        assert not (theirs["BALSTATUS"][inside] & NOT_TRAINED).any()
        for name in set(ours.names) - {"BAL_PROB", "BALSTATUS", *ONES, *ARRAYS}:
            np.testing.assert_array_equal(ours[name], theirs[name], name)
        np.testing.assert_array_equal(ours["BALSTATUS"][inside] & ~NOT_TRAINED, theirs["BALSTATUS"][inside])
        assert (ours["BAL_PROB"][inside] > 0).mean() > 0.8
    ours, theirs = table(on / "troughs.fits"), table(off / "troughs.fits")
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours.names if name != "PROB")
    assert not theirs["PROB"].any() and (ours["PROB"] > 0).all()


def test_on_is_the_default(survey, on, tmp_path):
    survey.find(tmp_path / "on", "--detector", "on")
    expected = {name: data for name, data in fits_files(on).items() if "baltable" in name}
    found = fits_files(tmp_path / "on")
    assert len(expected) == 3 and expected.items() <= found.items()
    survey.run(tmp_path / "one.fits", "-b", tmp_path / "tables")
    survey.run(tmp_path / "on.fits", "--detector", "on")
    assert (tmp_path / "one.fits").read_bytes() == (tmp_path / "on.fits").read_bytes() == (on / "cat.fits").read_bytes()
    assert fits_files(tmp_path / "tables") == expected


def test_run_without_it(survey, off, tmp_path):
    survey.run(tmp_path / "off.fits", "--detector=off", "--troughs", tmp_path / "troughs.fits")
    assert (tmp_path / "off.fits").read_bytes() == (off / "cat.fits").read_bytes()
    assert (tmp_path / "troughs.fits").read_bytes() == (off / "troughs.fits").read_bytes()


def test_the_drop_in_name_has_none(survey, on, tmp_path):
    """BAL_PROB is 0, as in the reference's tables, unless the user says otherwise."""
    for options, has_it in (([], False), (["--detector", "on"], True)):
        work = tmp_path / ("with" if has_it else "without")
        survey.find(work, "--continuum", "trough-aware", *options, program="runbalfinder_hp")
        for path, expected in zip(tables(work), tables(on)):
            assert header(path)["BALDET"] == (header(expected)["BALDET"] if has_it else "off")
            np.testing.assert_array_equal(table(path)["BAL_PROB"], table(expected)["BAL_PROB"] * has_it)


@pytest.mark.parametrize("value", ["x", "ON", "on ", "1"])
def test_bad_values(survey, tmp_path, value):
    for command, call in (("find", survey.find), ("run", lambda work, *o, **how: survey.run(tmp_path / "cat.fits", *o, **how))):
        work = tmp_path / command
        complains(call(work, "--detector", value, status=UNUSABLE), command, f"detector {value}: expected on, off or a file", "found no such file")
        assert not (tmp_path / "cat.fits").exists() and not tables(work)


@pytest.mark.parametrize("command", ["append", "plot", "continuum", "report"])
def test_other_commands_have_no_such_option(command):
    complains(run(command, "--detector", "on", status=UNUSABLE), command, "--detector")


# ---- threads and ranks ----

@pytest.mark.parametrize("nproc", [1, 2, 4])
def test_threads(survey, on, tmp_path, nproc):
    survey.find(tmp_path, "--nproc", nproc)
    survey.append(tmp_path, tmp_path / "cat.fits", "--troughs", tmp_path / "troughs.fits")
    assert fits_files(tmp_path) == fits_files(on)
    survey.run(tmp_path / "one.fits", "--nproc", nproc)
    assert (tmp_path / "one.fits").read_bytes() == (on / "cat.fits").read_bytes()


@needs_mpi
@pytest.mark.parametrize("options", [[], ["--detector", "off"]])
def test_ranks(survey, on, off, tmp_path, options):
    command = ["mpirun", "-n", "2", BIN / "fastbal", "run", "--mpi", "-q", survey.qso, "-r", "sim", "-o", tmp_path / "cat.fits",
               "--templates", "builtin", "--nproc", "1", *options]
    subprocess.run(command, env=ranks_environment(survey.env), check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=100)
    assert (tmp_path / "cat.fits").read_bytes() == ((off if options else on) / "cat.fits").read_bytes()


@needs_mpi
def test_ranks_that_differ(survey, tmp_path):
    common = [BIN / "fastbal", "run", "--mpi", "-q", survey.qso, "-r", "sim", "-o", tmp_path / "cat.fits", "--templates", "builtin"]
    done = subprocess.run(mpirun(common, [*common, "--detector", "off"]), env=ranks_environment(survey.env), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=100)
    assert done.returncode == UNUSABLE and "option --detector is off, on rank 0 on" in done.stderr
    assert not (tmp_path / "cat.fits").exists()


# ---- BALDET ----

def test_keyword(on, off):
    name, = {header(path)["BALDET"] for path in (*tables(on), on / "cat.fits", on / "troughs.fits")}
    assert NAME.fullmatch(name)
    assert {header(path)["BALDET"] for path in (*tables(off), off / "cat.fits", off / "troughs.fits")} == {"off"}


def test_info(on, off, tmp_path):
    for work in (on, off):
        for path in (tables(work)[0], work / "cat.fits"):
            assert f"  detector: {header(path)['BALDET']}" in run("info", path).stdout.splitlines()
    forget(tables(on)[0], tmp_path / "old.fits")
    assert "detector" not in run("info", tmp_path / "old.fits").stdout


def forget(path, copy, columns=()):
    """A copy as an older program would have written it, without BALDET, and without some columns."""
    with fits.open(path, memmap=False) as hdus:
        for hdu in hdus[1:]:
            hdu.header.remove("BALDET", ignore_missing=True)
        hdus[1] = fits.BinTableHDU.from_columns([c for c in hdus[1].columns if c.name not in columns], hdus[1].header)
        hdus.writeto(copy, overwrite=True, checksum=True)


def test_tables_without_detections_are_made_again(survey, on, off, tmp_path):
    """And tables with some, where none are wanted."""
    shutil.copytree(off, tmp_path, dirs_exist_ok=True)
    for options, made, like in ((["--detector", "off"], 0, off), ([], 3, on), (["--detector", "on"], 0, on),
                                (["--detector", "off"], 3, off)):
        result = survey.find(tmp_path, *options)
        assert f"find: {made} pixels done, {3 - made} kept" in result.stdout, options
        assert len(result.stderr.splitlines()) == result.stderr.count(OTHER_DETECTOR) == made
        assert [path.read_bytes() for path in tables(tmp_path)] == [path.read_bytes() for path in tables(like)]


def test_tables_that_do_not_say_have_none(survey, on, off, tmp_path):
    """Those of older programs, which had no detector; of the columns, and of PROB, they know nothing."""
    shutil.copytree(off, tmp_path, dirs_exist_ok=True)
    for path in tables(tmp_path):
        forget(path, path, [*ONES, *ARRAYS])
    assert "3 kept" in survey.find(tmp_path, "--detector", "off").stdout
    assert survey.append(tmp_path, tmp_path / "old.fits").stderr == ""
    rows = table(tmp_path / "old.fits")
    inside = rows["BALMASK"] == 0
    assert header(tmp_path / "old.fits")["BALDET"] == "off" and inside.sum() > 80
    assert all(np.isnan(rows[name][inside]).all() for name in [*ONES[:4], *ARRAYS])
    assert not rows["NDET_450"].any() and not rows["BAL_PROB"][inside].any()
    result = survey.find(tmp_path)
    assert "3 pixels done" in result.stdout and result.stderr.count(OTHER_DETECTOR) == 3
    assert [path.read_bytes() for path in tables(tmp_path)] == [path.read_bytes() for path in tables(on)]


def test_tables_of_another_detector(survey, on, tmp_path):
    shutil.copytree(on, tmp_path, dirs_exist_ok=True)
    path = tables(tmp_path)[1]
    with fits.open(path, mode="update", checksum=True) as hdus:
        hdus[1].header["BALDET"] = "builtin 00000000"
    complains(survey.append(tmp_path, tmp_path / "mixed.fits"), "append", "1 of 3 BAL tables differ from the first in detector, which is builtin")
    assert header(tmp_path / "mixed.fits")["BALDET"] == "mixed"
    result = survey.find(tmp_path)
    assert "1 pixel done, 2 kept" in result.stdout and result.stderr.count(OTHER_DETECTOR) == 1


def test_commands_that_follow_a_catalog(survey, on, tmp_path):
    """They show no detections, so that it does not matter to them whether there are some."""
    target = table(on / "cat.fits")["TARGETID"][0]
    result = run("continuum", "-q", on / "cat.fits", "-r", "sim", "--targetids", target, "-o", tmp_path / "continuum.fits", env=survey.env)
    assert result.stderr == "" and header(tmp_path / "continuum.fits")["BALDET"] == "off"


# ---- catalogs and troughs ----

def test_append_carries_the_columns(on):
    rows = table(on / "cat.fits")
    compared = 0
    for path in tables(on):
        for row in table(path):
            mine, = rows[rows["TARGETID"] == row["TARGETID"]]
            assert mine["BALMASK"] == 0 or row["BALSTATUS"] & NOT_MEASURED
            for name in ["BAL_PROB", *ONES, *ARRAYS]:
                np.testing.assert_array_equal(mine[name], row[name])
            compared += 1
    assert compared > 80


def largest_probability(cells, trough):
    """Of the cells that a trough overlaps, at the velocities of C IV whatever its line."""
    blue, red = (oracle.CIV * (1 - float(trough[name]) / LIGHT) for name in ("VMAX", "VMIN"))
    edges = oracle.EDGES[192:369]
    return 1 / (1 + np.exp(-cells[(edges[1:] > blue) & (edges[:-1] < red)].max()))


def test_ratings_of_troughs(on, traces):
    """PROB of a trough of the rule is the largest probability in it; in BAL tables and in the table of a catalog."""
    for troughs in [table(on / "troughs.fits")] + [table(path, "BAL_TROUGHS") for path in tables(on)]:
        expected = [largest_probability(traces[trough["TARGETID"]][1], trough) for trough in troughs]
        np.testing.assert_allclose(troughs["PROB"], expected, rtol=1e-4)
        assert set(troughs["LINE"]) == {"CIV", "SIIV"} and np.ptp(troughs["PROB"]) > 0.5


def test_catalogs_of_tables_without_ratings(survey, on, tmp_path):
    """PROB of troughs of older tables is 0, as without a detector."""
    shutil.copytree(on, tmp_path, dirs_exist_ok=True)
    for path in tables(tmp_path):
        with fits.open(path, memmap=False) as hdus:
            columns = [c for c in hdus["BAL_TROUGHS"].columns if c.name != "PROB"]
            hdus["BAL_TROUGHS"] = fits.BinTableHDU.from_columns(columns, hdus["BAL_TROUGHS"].header)
            hdus.writeto(path, overwrite=True, checksum=True)
    survey.append(tmp_path, tmp_path / "old.fits", "--troughs", tmp_path / "old-troughs.fits")
    ours, theirs = table(tmp_path / "old-troughs.fits"), table(on / "troughs.fits")
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours.names if name != "PROB")
    assert not ours["PROB"].any()


def test_one_file(survey, on, tmp_path):
    """find --coadd."""
    path, = on.rglob(f"baltable-*-{next(iter(survey.coadds))}.fits")
    zafter, = on.rglob(f"zafter-*-{next(iter(survey.coadds))}.fits")
    for options, expected in (([], table(path)["BAL_PROB"]), (["--detector", "off"], 0 * table(path)["BAL_PROB"])):
        out = tmp_path / f"{len(options)}.fits"
        run("find", "--coadd", survey.coadds[path.parent.name], "--zcat", zafter, "-o", out, "--templates", "builtin", *options)
        np.testing.assert_array_equal(table(out)["BAL_PROB"], expected)
