"""Existing outputs: kept if they are complete and match, else redone with a line that says why. What dead runs left
behind is removed. Two runs on the same outputs.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shlex
import shutil
import socket
import subprocess
import time

import numpy as np
import pytest
from astropy.io import fits

from many import Many
from support import (BIN, DONE, IN_TABLE, PARTLY, PIXEL, PIXELS, ROWS, UNUSABLE, Target, complains, fits_files, forms,
                     nothing_left_behind, run, stamp, table, write_catalog)

ONE = PIXELS[1]


def without_sums(path):
    """As other programs write it."""
    with fits.open(path) as hdus:
        for hdu in hdus:
            for key in ("CHECKSUM", "DATASUM"):
                del hdu.header[key]
        copies = [hdu.copy() for hdu in hdus]
    fits.HDUList(copies).writeto(path, overwrite=True)
    with fits.open(path) as hdus:
        assert not any("DATASUM" in hdu.header or "CHECKSUM" in hdu.header for hdu in hdus)


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def first_row(path):
    with fits.open(path) as hdus:
        return hdus[1].fileinfo()["datLoc"]


def change(path, what):
    """Spoil a file in one of several ways."""
    size = path.stat().st_size
    if what == "shorter":
        path.write_bytes(path.read_bytes()[:-2880])
    elif what == "cut":
        path.write_bytes(path.read_bytes()[:size // 2 + 7])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "longer":
        path.write_bytes(path.read_bytes() + b"\0" * 2880)
    elif what == "text":
        path.write_text("no FITS file\n" * 500)
    elif what == "zeros":  # as after a power cut: the size is right, the contents never came to the disk
        path.write_bytes(path.read_bytes()[:size - 2880] + b"\0" * 2880)
    elif what == "a bit of the data":
        flip(path, first_row(path) + 61)
    elif what == "a bit of the header":
        flip(path, path.read_bytes().index(b"HISTORY Last updated") + 30)
    else:
        with fits.open(path) as hdus:
            hdu = hdus[1].copy()
        n = len(hdu.data)
        if what == "templates":
            hdu.header["QSOTEMPS"] = "others.fits"
        elif what == "width":
            columns = [fits.Column(c.name, "3E", array=hdu.data[c.name][:, :3]) if c.name == "PCA_COEFFS" else c
                       for c in hdu.columns]
            name, card = hdu.name, hdu.header["QSOTEMPS"]
            hdu = fits.BinTableHDU.from_columns(columns, name=name)
            hdu.header["QSOTEMPS"] = card
        elif what == "fewer":
            hdu.data = hdu.data[:n - 1]
        elif what == "more":
            hdu.data = hdu.data[np.r_[:n, n - 1]]
        elif what == "target":
            hdu.data["TARGETID"][n - 1] += 1
        elif what in ("ZERR", "TARGET_RA"):
            hdu.data[what][0] += 1e-3
        else:
            hdu.data["Z"][0] += 1e-4
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True, checksum=True)


BROKEN = ["shorter", "cut", "empty", "longer", "text", "zeros", "a bit of the data", "a bit of the header"]
OTHERS = ["fewer", "more", "target", "redshift", "ZERR"]


# ---- existing outputs ----

@pytest.mark.parametrize("what", [*BROKEN, *OTHERS, "templates", "width"])
def test_find(done_tree, what):
    """One line for the one that is redone, nothing for those that are kept."""
    before = fits_files(done_tree.z)
    kept = [stamp(done_tree.baltable(p)) for p in PIXELS if p != ONE]
    change(done_tree.baltable(ONE), what)
    result = done_tree.find("-r", "sim", env=done_tree.env)
    line = complains(result, "find", done_tree.baltable(ONE), "the pixel is measured again")
    if what in ("templates", "width"):
        assert "other templates" in line
    assert "1 pixel done, 2 kept, 0 failed" in result.stdout
    assert names_and_data(done_tree.z) == names_and_data(before)
    assert [stamp(done_tree.baltable(p)) for p in PIXELS if p != ONE] == kept


def names_and_data(tree):
    """Data of every file: headers hold the path of the tree they were made in."""
    contents = tree if isinstance(tree, dict) else fits_files(tree)
    return {name: [None if hdu.data is None else hdu.data.tobytes() for hdu in fits.HDUList.fromstring(data)]
            for name, data in contents.items()}


@pytest.mark.parametrize("what", [*BROKEN, *OTHERS, "TARGET_RA"])
def test_split(split_tree, what):
    before = fits_files(split_tree.z)
    change(split_tree.zafter(ONE), what)
    result = split_tree.split()
    complains(result, "split", split_tree.zafter(ONE), "it is written again")
    assert "1 pixel written, 2 kept, 0 failed" in result.stdout
    assert fits_files(split_tree.z) == before


def test_a_changed_catalog(done_tree):
    """Split, find and append after the QSO catalog changed: outputs are as from scratch."""
    rows = dict(ROWS)
    rows["bal 2"] = rows["bal 2"]._replace(z=2.9)
    write_catalog(done_tree.qso, list(rows.values()))
    complains(done_tree.split(), "split", done_tree.zafter(PIXEL["bal 2"]), "redshifts")
    complains(done_tree.find(), "find", done_tree.baltable(PIXEL["bal 2"]), "redshifts")
    done_tree.append("-c")
    before = done_tree.out.read_bytes()
    done_tree.split("-c")
    done_tree.find("-c")
    done_tree.append("-c")
    assert done_tree.out.read_bytes() == before


def test_tables_of_other_programs(done_tree):
    """Without checksums: kept where structure, rows and templates are right."""
    for pixel in PIXELS:
        without_sums(done_tree.baltable(pixel))
        without_sums(done_tree.zafter(pixel))
    before = [stamp(p) for p in sorted(done_tree.z.rglob("*.fits"))]
    assert "0 pixels written, 3 kept" in done_tree.split().stdout
    result = done_tree.find()
    assert "0 pixels done, 3 kept" in result.stdout and result.stderr == ""
    assert [stamp(p) for p in sorted(done_tree.z.rglob("*.fits"))] == before
    done_tree.baltable(ONE).write_bytes(done_tree.baltable(ONE).read_bytes()[:-2880])
    complains(done_tree.find(), "find", done_tree.baltable(ONE), "measured again")


def test_spectra_are_not_needed(done_tree):
    """Where all is there, nothing else is read."""
    for pixel in PIXELS:
        done_tree.coadd(pixel).unlink()
    assert "0 pixels done, 3 kept, 0 failed" in done_tree.find().stdout


@pytest.mark.parametrize("how", [["-c"], []])
def test_an_older_table_is_told(done_tree, how):
    """A pixel that fails leaves the table as it was, and the line says so."""
    done_tree.coadd(ONE).write_text("nothing")
    if not how:
        change(done_tree.baltable(ONE), "redshift")
    before = done_tree.baltable(ONE).read_bytes()
    result = done_tree.find(*how, status=PARTLY)
    line = result.stderr.splitlines()[-1]
    assert str(done_tree.coadd(ONE)) in line and f"{done_tree.baltable(ONE)} is older" in line
    assert f"{done_tree.baltable(ONE)} is older" in done_tree.log.read_text()
    assert done_tree.baltable(ONE).read_bytes() == before


def test_append_damaged_table(done_tree):
    """It is no result: the pixel is listed."""
    flip(done_tree.baltable(ONE), first_row(done_tree.baltable(ONE)) + 61)
    result = done_tree.append("-c", status=PARTLY)
    complains(result, "append", done_tree.baltable(ONE), "sum")
    masks = dict(zip(ROWS, table(done_tree.out)["BALMASK"].tolist()))
    assert all(masks[name] == 1 for name in IN_TABLE[ONE])


def test_append_other_templates(done_tree):
    """As many components, but others: the catalog is written, and a line says so."""
    change(done_tree.baltable(ONE), "templates")
    line = complains(done_tree.append("-c"), "append", "1 of 3 BAL tables", "builtin")
    assert str(done_tree.z) in line
    change(done_tree.baltable(ONE), "width")
    line = complains(done_tree.append("-c", status=PARTLY), "append", done_tree.baltable(ONE), "others.fits", "builtin")
    assert dict(forms(done_tree.out))["PCA_COEFFS"] != "3E" and "3 values" in line


def test_a_part_does_not_replace_the_whole(done_tree, tmp_path):
    """With --targetids: what is there of other targets stays unless --clobber is given."""
    name = IN_TABLE[ONE][0]
    one = ["--targetids", ROWS[name].targetid]
    before = fits_files(done_tree.z)
    commands = (["split", "-q", done_tree.qso, "-a", done_tree.z],
                ["find", "-r", "sim", "-a", done_tree.z, "-hp", ONE, "--templates", "builtin"],
                ["run", "-q", done_tree.qso, "-r", "sim", "-o", tmp_path / "o.fits", "-b", done_tree.z, "--templates", "builtin"])
    for command in commands:
        assert len(IN_TABLE[ONE]) > 1
        result = run(*command, *one, env=done_tree.env, status=UNUSABLE)
        line = result.stderr.splitlines()[0]
        assert line.startswith(f"fastbal {command[0]}: ") and f"-{ONE}.fits" in line and "--clobber" in line
        assert fits_files(done_tree.z) == before
    run(*commands[1], *one, "-c", env=done_tree.env)
    assert table(done_tree.baltable(ONE))["TARGETID"].tolist() == [ROWS[name].targetid]


# ---- what dead runs left behind ----

def host():
    name = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname()[:39])
    own = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else "pid:[4026531836]"
    return name if own == "pid:[4026531836]" else f"{name}-{own[5:-1]}"


def dead_process():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def leave(output, owner, age=0.0, contents=b"SIMPLE  =                    T"):
    """A temporary file of that output, half written; its age in hours."""
    path = output.with_name(f"{output.name.removesuffix('.fits')}_tmp{owner}.fits")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)
    os.utime(path, (time.time() - 3600 * age,) * 2)
    return path


def left(output):
    """Temporary files of an output: to be removed, and not to be removed."""
    gone = [leave(output, f"{dead_process()}-{host()}"), leave(output, "77-elsewhere", 30), leave(output, "78", 30)]
    stay = [leave(output, f"{os.getpid()}-{host()}"), leave(output, "79-elsewhere", 20), leave(output, "80", 20)]
    other = output.with_name(output.name.replace(".fits", "x.fits"))  # another output's
    return gone, [*stay, leave(other, f"{dead_process()}-{host()}")]


def check_left(gone, stay):
    assert [p for p in gone if p.exists()] == [] and [p for p in stay if not p.exists()] == []


def test_leftovers_of_split_and_find(split_tree):
    gone, stay = left(split_tree.zafter(ONE))
    assert "0 pixels written, 3 kept" in split_tree.split().stdout  # also where all is there
    check_left(gone, stay)
    gone, stay = left(split_tree.baltable(ONE))
    split_tree.find()
    check_left(gone, stay)
    more, _ = left(split_tree.baltable(ONE))
    assert "3 kept" in split_tree.find().stdout
    check_left(more, stay)
    split_tree.coadd(ONE).unlink()
    more, _ = left(split_tree.baltable(ONE))
    split_tree.find("-c", status=PARTLY)  # and where the pixel fails
    check_left(more, stay)


def test_leftovers_of_catalogs(done_tree, tmp_path):
    gone, stay = left(done_tree.out)
    done_tree.append("-c")
    check_left(gone, stay)
    more, _ = left(done_tree.out)
    tables, _ = left(done_tree.baltable(ONE))
    done_tree.coadd(ONE).unlink()
    run("run", "-q", done_tree.qso, "-r", "sim", "-o", done_tree.out, "-b", done_tree.z, "--templates", "builtin", "-c",
        env=done_tree.env, status=PARTLY)
    check_left(more + tables, stay)
    gone, stay = left(tmp_path / "t.fits")
    run("templates", "--export", tmp_path / "t.fits")
    check_left(gone, stay)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
def test_a_number_used_again(split_tree):
    """The process of that number was started after the file was written: it is another one."""
    path = leave(split_tree.baltable(ONE), f"{os.getpid()}-{host()}", 24 * 365)
    split_tree.find()
    assert not path.exists()


def test_names_that_only_look_like_it(split_tree):
    """What is not ours stays."""
    base = split_tree.baltable(ONE)
    stay = [base.with_name(name) for name in (
        f"baltable-main-dark-{ONE}_tmp.fits", f"baltable-main-dark-{ONE}_tmpx1-{host()}.fits",
        f"baltable-main-dark-{ONE}_tmp{dead_process()}-{host()}.txt", f"other_tmp{dead_process()}-{host()}.fits")]
    for path in stay:
        path.write_text("SIMPLE  = T")
        os.utime(path, (0, 0))
    folder = base.with_name(f"baltable-main-dark-{ONE}_tmp{dead_process()}-{host()}.fits")
    folder.mkdir()
    split_tree.find()
    assert all(p.exists() for p in [*stay, folder])


@pytest.mark.parametrize("contents, ours", [
    (b"", True), (b"SIMPLE  =", True), (bytes(2880), True), (b'{"NSIDE": 64', True), (b"mine", False),
    (b"SIMPLE", False), (b"XTENSION= 'IMAGE", False), (b"\x00" * 8, False), (b'{"nside": 64', False)])
def test_contents_tell_whose_it_is(split_tree, contents, ours):
    path = leave(split_tree.baltable(ONE), f"{dead_process()}-{host()}", 30, contents)
    split_tree.find("-hp", ONE)
    assert path.exists() != ours


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_files_of_others_stay(split_tree):
    path = leave(split_tree.baltable(ONE), f"{dead_process()}-{host()}", 30)
    os.chown(path, 12345, -1)
    split_tree.find("-hp", ONE)
    assert path.exists()


def test_links_stay(split_tree, tmp_path):
    """A symbolic link that has the name of a temporary file, and what it leads to."""
    path = leave(split_tree.baltable(ONE), f"{dead_process()}-{host()}", 30)
    path.rename(tmp_path / "mine")
    path.symlink_to(tmp_path / "mine")
    split_tree.find("-hp", ONE)
    assert path.is_symlink() and path.exists()


# ---- two runs at a time ----

@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return Many.make(tmp_path_factory.mktemp("many") / "tree", 40)


@pytest.mark.parametrize("how", [[], ["--clobber"]])
def test_two_at_a_time(many, tmp_path, how):
    """On the same outputs: each output is complete, as from a single run."""
    alone, tree = many.another(tmp_path / "alone"), many.another(tmp_path / "two")
    for name in ("split", "find", "append"):
        process = alone.start(name)
        assert process.communicate()[1] == "" and process.returncode == DONE
        pair = [tree.start(name, *how) for _ in range(2)]
        for process in pair:
            _, err = process.communicate()
            finished = process.returncode == DONE and err == ""
            # the other run may have written it first
            assert finished or (name == "append" and not how and "--clobber" in err), err
        assert tree.outputs() == alone.outputs()


# ---- options and logs ----

def test_the_log_can_be_pasted(tree):
    folder = tree.root / "it's a $HOME (new) place"
    run("split", "-q", tree.qso, "-a", folder, "-l", tree.root / "log.txt", env=tree.env)
    command = (tree.root / "log.txt").read_text().splitlines()[1]
    assert shlex.split(command) == ["fastbal", "split", "-q", str(tree.qso), "-a", str(folder), "-l",
                                    str(tree.root / "log.txt")]
    before = fits_files(folder)
    shutil.rmtree(folder)
    subprocess.run(["sh", "-c", command], check=True, env=tree.env | {"PATH": f"{BIN}:{os.environ['PATH']}"},
                   stdout=subprocess.DEVNULL)
    assert fits_files(folder) == before != {}


@pytest.mark.parametrize("ending", [".gz", ".fz", ".bz2"])
def test_no_packed_outputs(done_tree, tmp_path, ending):
    out = tmp_path / f"out.fits{ending}"
    pixel = [done_tree.coadd(ONE), "--zcat", done_tree.zafter(ONE)]
    for command in (["append", "-q", done_tree.qso, "-b", done_tree.z, "-o", out],
                    ["run", "-q", done_tree.qso, "-r", "sim", "--templates", "builtin", "-o", out],
                    ["find", "--templates", "builtin", "-o", out, "--coadd", *pixel], ["templates", "--export", out]):
        complains(run(*command, env=done_tree.env, status=UNUSABLE), command[0], out, "packed", ending)
    assert not out.exists()


def test_a_folder_is_no_output(done_tree, tmp_path):
    for command in (["append", "-c", "-q", done_tree.qso, "-b", done_tree.z, "-o", tmp_path],
                    ["find", "--coadd", done_tree.coadd(ONE), "--zcat", done_tree.zafter(ONE), "-o", tmp_path],
                    ["templates", "--export", tmp_path]):
        complains(run(*command, env=done_tree.env, status=UNUSABLE), command[0], tmp_path, "folder")


def test_one_file_names_what_it_does_not_use(done_tree, tmp_path):
    one = ["find", "--coadd", done_tree.coadd(ONE), "--zcat", done_tree.zafter(ONE), "--templates", "builtin"]
    result = run(*one, "-o", tmp_path / "a.fits", "-l", "log.txt", "-a", tmp_path / "z", "-hp", 5, "-v", env=done_tree.env)
    complains(result, "find", "--coadd", "--logfile", "--altzdir", "--healpix", "--verbose")
    assert run(*one, "-o", tmp_path / "b.fits", "-c", env=done_tree.env).stderr == ""
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    nothing_left_behind(done_tree.z)


@pytest.mark.parametrize("what", ["text", "redshift", "templates"])
def test_one_file_is_not_replaced(done_tree, what):
    """A file that the user names is his own: without --clobber it stays, whatever it is."""
    out = done_tree.baltable(ONE)
    change(out, what)
    before = out.read_bytes()
    one = ["find", "--coadd", done_tree.coadd(ONE), "--zcat", done_tree.zafter(ONE), "--templates", "builtin", "-o", out]
    complains(run(*one, env=done_tree.env, status=UNUSABLE), "find", out, "--clobber")
    assert out.read_bytes() == before
    # not even where it is one of the inputs
    one[-1] = done_tree.coadd(ONE)
    before = one[-1].read_bytes()
    complains(run(*one, env=done_tree.env, status=UNUSABLE), "find", one[-1], "this is the input")
    assert one[-1].read_bytes() == before


def test_one_and_many(tmp_path):
    """"1 row", "2 rows"."""
    write_catalog(tmp_path / "qso.fits", [Target(1, 10.0, 1.0, 2.0)])
    assert run("split", "-q", tmp_path / "qso.fits", "-a", tmp_path / "z").stdout.startswith("split: 1 row; 1 pixel written")
