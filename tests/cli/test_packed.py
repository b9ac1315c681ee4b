"""Packed inputs: what one file may take, what is left out of spectra, and .fits.fz in trees.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import shutil
import struct
import zlib
from typing import NamedTuple

import numpy as np
import pytest
from astropy.io import fits

import bad_inputs
import damage
from bad_inputs import GOOD, IDS, WAVES, A, B, World, in_tree
from damage import BLOCK
from support import (DONE, LONG, PARTLY, SANITIZERS, UNUSABLE, complains, files, fits_files, run, run_for_peak, table,
                     the_line)

MB, GB = 1 << 20, 1 << 30
ZEROS = 3720 * MB  # in a bomb of 4 MB
BUILTIN = ("--templates", "builtin")


def bomb(contents, zeros, said=None, checksum=False):
    """gzip of contents and that many zeros, put together from one packed MB of them. What it says of its length can be
    another; the checksum is right only where asked for, as it takes seconds."""
    def pack(data):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)

    sum, n = zlib.crc32(contents), zeros // MB
    for _ in range(n if checksum else 0):
        sum = zlib.crc32(bytes(MB), sum)
    sum = zlib.crc32(bytes(zeros % MB), sum)
    size = len(contents) + zeros if said is None else said
    return (b"\x1f\x8b\x08" + bytes(6) + b"\x03" + pack(contents) + pack(bytes(MB)) * n + pack(bytes(zeros % MB)) + b"\x03\x00"
            + struct.pack("<II", sum, size % 2**32))


def image_header(name, *axes):
    cards = [("XTENSION", "IMAGE"), ("BITPIX", 8), ("NAXIS", len(axes))]
    cards += [(f"NAXIS{k}", n) for k, n in enumerate(axes, 1)]
    return damage.header([*cards, ("PCOUNT", 0), ("GCOUNT", 1), ("EXTNAME", name)])


HUGE = damage.header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", ZEROS)])
LAST_FOUR = " according to its last four bytes, which are wrong if it was cut short"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def too_much(path, limit, found, hint=""):
    return (f"{path}: unpacked it takes more than {limit}; --max-unpacked SIZE allows more (found at least {found} bytes"
            f"{hint})")


# ---- bombs ----

INPUTS = {  # the command that reads {bad}, and the good file
    "coadd": (f"find --coadd {{bad}} --zcat {{zcat}} -o {{out}} {' '.join(BUILTIN)}", "coadd"),
    "redshifts": (f"find --coadd {{coadd}} --zcat {{bad}} -o {{out}} {' '.join(BUILTIN)}", "zcat"),
    "find's templates": ("find --coadd {coadd} --zcat {zcat} -o {out} --templates {bad}", "templates"),
    "split": ("split -q {bad} -a {here}/z", "qso"),
    "append": ("append -q {bad} -b {z} -o {out}", "qso"),
    "run": (f"run -q {{bad}} -r {{redux}}/sim -o {{out}} {' '.join(BUILTIN)}", "qso"),
    "mask": ("mask -q {bad} -r {redux}/sim -w {here}/masked", "qso"),
    "truth": ("truth -q {bad} -b {table} -o {out}", "qso"),
    "truth's truth": ("truth -q {qso} -b {bad} -o {out}", "table"),
    "diff": ("diff {table} {bad}", "table"),
    "info": ("info {bad}", "table"),
    "templates": ("templates --templates {bad}", "templates"),
}


class Bomb(NamedTuple):
    contents: object  # bytes before the zeros, made from the good file
    says: object  # of (path, bytes before the zeros, is it spectra?)
    said: object = None  # the length it says it has
    zeros: int = ZEROS


def length_says(path, size, spectra):
    """Spectra may exceed the limit, since a part is not stored; then the headers decide."""
    return too_much(path, "1 GiB", size + ZEROS, "" if spectra else LAST_FOUR)


def lies(path, size, spectra):
    return f"{path}: can't unpack it beyond 8640000 bytes: it holds more than it says"


BOMBS = {
    "zeros": Bomb(lambda good: b"", lambda path, size, spectra: f"{path}: what was packed is not a FITS file"
                  if spectra else length_says(path, size, spectra)),
    "a huge image": Bomb(lambda good: HUGE, length_says),
    "a good file, and zeros": Bomb(lambda good: good, length_says),
    "a good file, and a huge image": Bomb(lambda good: good + image_header("ANY_MASK", ZEROS), length_says),
    "a huge image, and a lie about it": Bomb(lambda good: HUGE, lies, 8640000),
    "a good file and zeros, and a lie about them": Bomb(lambda good: good, lies, 8640000),
    "a good file and a huge image, and a lie about it": Bomb(
        lambda good: good + image_header("ANY_MASK", ZEROS), lies, 8640000),
}


@pytest.mark.parametrize("what", INPUTS)
@pytest.mark.parametrize("name", BOMBS)
def test_bombs(world, tmp_path, what, name):
    command, kind = INPUTS[what]
    box, case = bad_inputs.Box(world, tmp_path), BOMBS[name]
    contents = case.contents(GOOD[kind])
    box.bad.write_bytes(bomb(contents, case.zeros, case.said))
    assert box.bad.stat().st_size < 5 * MB
    result, peak = run_for_peak(*box.fill(command), status=UNUSABLE, env=world.env)
    said = the_line(result)
    assert said == f"fastbal {command.split()[0]}: " + case.says(box.bad, len(contents), what == "coadd")
    assert SANITIZERS or peak < 100 * MB
    assert list(files(tmp_path)) == ["bad.fits"]


def test_huge_resolution(world, tmp_path):
    """Skipped data take time, but no memory."""
    bad, size = tmp_path / "bad.fits", 3 * GB + 3 * BLOCK
    bad.write_bytes(bomb(GOOD["coadd"] + image_header("Z_RESOLUTION", size // 3, 1, 3), size))
    result, peak = run_for_peak("find", "--coadd", bad, "--zcat", world.zcat, "-o", tmp_path / "o.fits", *BUILTIN,
                                status=UNUSABLE, env=world.env)
    line = complains(result, "find", bad, "the HDUs that are not needed take more than 3 GiB, 3 times --max-unpacked")
    found = int(line.split("at least ")[1].split()[0])
    assert 3 * GB < found <= size
    assert SANITIZERS or peak < 100 * MB


def test_in_a_tree(world, tmp_path):
    """The pixel fails, the other one is done, and stays as it is without the bomb."""
    box = bad_inputs.Box(world, tmp_path)
    box.copy_tree()
    coadd = tmp_path / "redux" / "sim" / in_tree("coadd", A)
    coadd.unlink()
    bad = coadd.with_name(coadd.name + ".gz")
    contents = GOOD["coadd"] + image_header("B_MODEL_FLUX", 12 * GB)
    bad.write_bytes(bomb(contents, ZEROS))
    for command in (["find", "-a", tmp_path / "z"], ["run", "-q", world.qso, "-o", tmp_path / "all.fits"]):
        result, peak = run_for_peak(*command, "-r", tmp_path / "redux" / "sim", *BUILTIN, status=PARTLY, env=world.env)
        line = next(line for line in result.stderr.splitlines() if str(bad) in line)
        assert line.startswith(f"fastbal {command[0]}: {bad}: ") and "take more than 3 GiB" in line
        assert SANITIZERS or peak < 100 * MB
    assert (tmp_path / "z" / in_tree("baltable", B)).exists()
    assert not (tmp_path / "z" / in_tree("baltable", A)).exists()


def test_table_in_a_tree(world, tmp_path):
    """A packed BAL table under the name of one that is not."""
    shutil.copytree(world.z, tmp_path / "z")
    bad = tmp_path / "z" / in_tree("baltable", A)
    bad.write_bytes(bomb(GOOD["table"], ZEROS))
    result = run("append", "-q", world.qso, "-b", tmp_path / "z", "-o", tmp_path / "out.fits", status=PARTLY)
    assert too_much(bad, "1 GiB", len(GOOD["table"]) + ZEROS, LAST_FOUR) in result.stderr


# ---- the limit ----

@pytest.mark.parametrize("option, status", [
    ("{size}", DONE), ("{less}", UNUSABLE), ("{more}", DONE), ("1M", DONE), ("0.001G", UNUSABLE), ("64k", UNUSABLE), ("1T", DONE),
    ("10", UNUSABLE), ("1X", UNUSABLE), ("M", UNUSABLE), ("-1", UNUSABLE), ("99999999999999999999", UNUSABLE),
    ("9999999999G", UNUSABLE), ("", UNUSABLE)])
def test_the_limit_is_exact(tmp_path, option, status):
    size = 35 * BLOCK
    contents = GOOD["qso"] + bytes(size - len(GOOD["qso"]))
    bad = tmp_path / "qso.fits.gz"
    bad.write_bytes(gzip.compress(contents))
    option = option.format(size=size, less=size - 1, more=size + 1)
    result = run("split", "-q", bad, "-a", tmp_path / "z", f"--max-unpacked={option}", status=status)
    if status == UNUSABLE and option in ("64k", str(size - 1)):
        limit = "64 KiB" if option == "64k" else f"{size - 1} bytes"
        assert the_line(result) == f"fastbal split: {too_much(bad, limit, size, LAST_FOUR)}"
    elif status == UNUSABLE:
        assert complains(result, "split", "option --max-unpacked: expected a ")
    assert bool(fits_files(tmp_path / "z")) == (status == DONE)


def coadd_with_resolution():
    """The good coadd, with resolution matrices after each camera's mask, and more HDUs that nobody reads."""
    rng, parts = np.random.default_rng(3), damage.Fits(GOOD["coadd"])
    contents, left_out = b"", 0
    for hdu in parts.hdus:
        contents += parts[hdu.header:hdu.end]
        extra = []
        if hdu.name.endswith("_MASK"):
            camera = hdu.name[0]
            extra = [damage.image(f"{camera}_RESOLUTION", rng.random((3, 201, len(WAVES[camera]))).astype("f4"))]
        elif hdu.name == "FIBERMAP":
            extra = [damage.table(name, [("TARGETID", "K", np.repeat(IDS[:3], 2000)), ("X", "D", rng.random(6000))])
                     for name in ("EXP_FIBERMAP", "SCORES")]
        for more in extra:
            contents += more
            left_out += len(more)
    return contents, left_out


def test_what_is_not_needed_takes_no_memory(world, tmp_path):
    """Only mask, which copies whole files, needs a limit of the whole length."""
    contents, left_out = coadd_with_resolution()
    most = len(contents) - left_out + 16 * 20 * BLOCK  # what comes with a header is kept
    assert most < len(contents) // 2 and len(contents) < 4 * most
    packed = tmp_path / "redux" / "sim" / (in_tree("coadd", A) + ".gz")
    packed.parent.mkdir(parents=True)
    packed.write_bytes(gzip.compress(contents, 1))
    for path in (packed, world.coadd):
        run("find", "--coadd", path, "--zcat", world.zcat, "-o", tmp_path / f"{path.suffix}.fits", *BUILTIN, "--max-unpacked", most)
    assert (tmp_path / ".gz.fits").read_bytes() == (tmp_path / ".fits.fits").read_bytes()
    mask = ["mask", "-q", world.qso, "-r", tmp_path / "redux" / "sim", "-hp", A, "-w", tmp_path / "masked", "--all"]
    bals = world.root / "bals.fits"
    run("append", "-q", world.qso, "-b", world.z, "-o", bals)
    mask[2] = bals
    result = run(*mask, "--max-unpacked", most, status=UNUSABLE)
    assert too_much(packed, f"{most} bytes", len(contents), LAST_FOUR) in result.stderr
    run(*mask, "--max-unpacked", len(contents))
    assert (tmp_path / "masked" / in_tree("coadd", A)).read_bytes() == contents


@pytest.mark.parametrize("change", [lambda d: d[:len(d) // 2], lambda d: d[:-1], lambda d: d + b"\0",
                                    lambda d: d[:-8] + bytes([d[-8] ^ 1]) + d[-7:],
                                    lambda d: d[:len(d) // 2] + b"rubbish" + d[len(d) // 2 + 7:]])
def test_damage_in_what_is_not_needed(world, tmp_path, change):
    """The checksum is of everything, and the end must be there."""
    contents, _ = coadd_with_resolution()
    packed = tmp_path / "coadd.fits.gz"
    packed.write_bytes(change(gzip.compress(contents + image_header("Z_MODEL", 8 * MB) + bytes(8 * MB + -8 * MB % BLOCK))))
    result = run("find", "--coadd", packed, "--zcat", world.zcat, "-o", tmp_path / "out.fits", *BUILTIN, status=UNUSABLE)
    complains(result, "find", packed)
    assert not (tmp_path / "out.fits").exists()


@pytest.mark.skipif(not LONG, reason="one of the long tests: 4 GiB are unpacked")
def test_more_than_gzip_can_count(world, tmp_path):
    """gzip counts modulo 2^32. Nothing is lost in a longer file, if the limit allows it."""
    zeros = 4200 * MB + -4200 * MB % BLOCK
    head = damage.Fits(GOOD["coadd"]).hdus[0].end
    contents = GOOD["coadd"][:head] + image_header("B_RESOLUTION", zeros)
    packer, packed = zlib.compressobj(1, zlib.DEFLATED, 31), tmp_path / "long.fits.gz"
    with open(packed, "wb") as file:
        file.write(packer.compress(contents))
        for done in range(0, zeros, 8 * MB):
            file.write(packer.compress(bytes(min(8 * MB, zeros - done))))
        file.write(packer.compress(GOOD["coadd"][head:]) + packer.flush())
    command = ["find", "--coadd", packed, "--zcat", world.zcat, "--templates", world.templates, "-o", tmp_path / "out.fits"]
    whole = zeros + BLOCK + len(GOOD["coadd"])
    assert the_line(run(*command, status=UNUSABLE)) == f"fastbal find: {too_much(packed, '1 GiB', whole)}"
    _, peak = run_for_peak(*command, "--max-unpacked", "2G", env=world.env)
    assert table(tmp_path / "out.fits").tobytes() == world.good.tobytes()
    assert SANITIZERS or peak < 100 * MB


# ---- .fits.fz in trees ----

def compress(path):
    """Replace a coadd by what fpack -g2 -q 0 makes of it: the same numbers."""
    with fits.open(path, memmap=False) as hdus:
        new = [fits.CompImageHDU(hdu.data, hdu.header, compression_type="GZIP_2", quantize_level=0)
               if isinstance(hdu, fits.ImageHDU) else hdu for hdu in hdus]
        fits.HDUList(new).writeto(path.with_name(path.name + ".fz"))
    path.unlink()


def test_fz_in_a_tree(tree):
    """find and run find these coadds, and what they say is the same."""
    def everything():
        tree.split("-c")
        tree.find("-c")
        run("run", "-q", tree.qso, "-r", "sim", "-o", tree.out, "--templates", "builtin", "-c", env=tree.env)
        return fits_files(tree.z), tree.out.read_bytes()

    plain = everything()
    coadds = sorted(tree.redux.rglob("coadd-*.fits"))
    for coadd in coadds:
        compress(coadd)
    assert everything() == plain
    # the plain file is preferred, then the one packed by gzip
    for path, ending in zip(coadds, ("", ".gz")):
        path.with_name(path.name + ending).write_text("not spectra")
        result = tree.find("-c", status=PARTLY)
        assert f"{path}{ending}: not a FITS file" in result.stderr
        path.with_name(path.name + ending).unlink()


def test_fz_in_a_skimmed_tree(tmp_path):
    """Its files are asked for the nside of their pixels as well."""
    run("simulate", tmp_path, "--layout", "skimmed", "--pixels", 2, "--quasars", 3, "--no-resolution")
    options = ["-q", tmp_path / "qso.fits", "--tree", tmp_path / "skimmed", "--templates", "builtin"]
    run("run", *options, "-o", tmp_path / "plain.fits")
    for coadd in sorted((tmp_path / "skimmed").rglob("coadd-*.fits")):
        compress(coadd)
    run("run", *options, "-o", tmp_path / "fz.fits")
    assert (tmp_path / "fz.fits").read_bytes() == (tmp_path / "plain.fits").read_bytes()


def test_mask_refuses_compressed_ivar(world, tmp_path):
    """mask changes files in place, which is impossible for compressed images."""
    box = bad_inputs.Box(world, tmp_path)
    box.copy_tree()
    coadd = tmp_path / "redux" / "sim" / in_tree("coadd", A)
    compress(coadd)
    bals = tmp_path / "bals.fits"
    run("run", "-q", world.qso, "-r", world.redux / "sim", "-o", bals, "--templates", world.templates)
    assert (table(bals)["AI_CIV"][:3] > 0).any()
    result = run("mask", "-q", bals, "-r", tmp_path / "redux" / "sim", "-w", tmp_path / "masked", status=None)
    assert f"{coadd}.fz: HDU B_IVAR: expected an image of floating-point numbers, neither compressed nor scaled" in result.stderr
    assert not list((tmp_path / "masked").rglob("coadd*"))
