"""fastbal find with unusable input: a bad file is a failed pixel, the others are done, no temporary files remain.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np
import pytest
from astropy.io import fits

from support import (DONE, IN_TABLE, PARTLY, PIXELS, ROWS, UNUSABLE, complains, files, fits_files, nothing_left_behind,
                     portable, run, table)

BAD = PIXELS[1]
GOOD = [p for p in PIXELS if p != BAD]


def one_pixel_fails(tree, finished, *words, **how):
    """Pixel BAD is listed in the log and on stderr, the others are as they should be, status 1."""
    result = tree.find(status=PARTLY, **how)
    for pixel in GOOD:
        assert portable(tree.baltable(pixel)) == portable(finished.baltable(pixel))
    assert not tree.baltable(BAD).is_file()
    lines = [line for line in tree.log.read_text().splitlines() if line.startswith(f"{BAD} : ")]
    assert len(lines) == 1
    told = [line for line in result.stderr.splitlines() if str(BAD) in line]
    assert told and all(line.startswith("fastbal find: ") for line in result.stderr.splitlines())
    for word in words:
        assert str(word) in lines[0], lines[0]
        assert any(str(word) in line for line in told), told
    nothing_left_behind(tree.z)
    return result


def test_missing_redshift_catalog(split_tree, finished_tree):
    split_tree.zafter(BAD).unlink()
    one_pixel_fails(split_tree, finished_tree, f"Did not find redshift catalog {split_tree.zafter(BAD)}")


def test_missing_coadd(split_tree, finished_tree):
    split_tree.coadd(BAD).unlink()
    one_pixel_fails(split_tree, finished_tree, split_tree.coadd(BAD))


def test_an_interrupted_run_goes_on(split_tree, finished_tree):
    """The next run does pixels that failed, once their input is repaired, and keeps the others."""
    coadd = split_tree.coadd(BAD)
    data = coadd.read_bytes()
    coadd.write_bytes(data[:5000])
    one_pixel_fails(split_tree, finished_tree)
    times = {p: split_tree.baltable(p).stat().st_mtime_ns for p in GOOD}
    coadd.write_bytes(data)
    split_tree.find(status=DONE)
    assert {p: split_tree.baltable(p).stat().st_mtime_ns for p in GOOD} == times
    assert portable(split_tree.baltable(BAD)) == portable(finished_tree.baltable(BAD))


@pytest.mark.parametrize("size", [0, 100, 2880, 20000, 0.3, 0.6, 0.95, -1])
def test_truncated_coadd(split_tree, finished_tree, size):
    """Cut anywhere: in the first header, in a table, in an image, by one byte."""
    path = split_tree.coadd(BAD)
    data = path.read_bytes()
    size = int(size * len(data)) if isinstance(size, float) else size
    path.write_bytes(data[:size])
    one_pixel_fails(split_tree, finished_tree, path)


def test_coadd_that_is_no_fits_file(split_tree, finished_tree):
    split_tree.coadd(BAD).write_text("no FITS file\n" * 1000)
    one_pixel_fails(split_tree, finished_tree, split_tree.coadd(BAD))


def rewrite(path, change):
    """Read all HDUs, change the list, write it again."""
    with fits.open(path) as hdus:
        copies = fits.HDUList([hdu.copy() for hdu in hdus])
    fits.HDUList(change(copies)).writeto(path, overwrite=True)


@pytest.mark.parametrize("hdu", ["FIBERMAP", "B_WAVELENGTH", "R_FLUX", "Z_IVAR", "R_WAVELENGTH", "B_IVAR"])
def test_missing_hdu(split_tree, finished_tree, hdu):
    path = split_tree.coadd(BAD)
    rewrite(path, lambda hdus: [h for h in hdus if h.name != hdu])
    one_pixel_fails(split_tree, finished_tree, path, hdu)


def test_missing_fibermap_column(split_tree, finished_tree):
    column = "TARGETID"

    def change(hdus):
        k = next(k for k, h in enumerate(hdus) if h.name == "FIBERMAP")
        hdus[k] = fits.BinTableHDU.from_columns([c for c in hdus[k].columns if c.name != column], name="FIBERMAP")
        return hdus
    path = split_tree.coadd(BAD)
    rewrite(path, change)
    one_pixel_fails(split_tree, finished_tree, path, column)


@pytest.mark.parametrize("spoil", ["shape", "rows", "NaN", "unsorted"])
def test_inconsistent_images(split_tree, finished_tree, spoil):
    """Images of other sizes than the wavelengths or the FIBERMAP, and wavelengths that make no sense."""
    def change(hdus):
        if spoil == "shape":
            hdus["R_FLUX"].data = hdus["R_FLUX"].data[:, :-5]
        elif spoil == "rows":
            hdus["Z_IVAR"].data = hdus["Z_IVAR"].data[:-1]
        else:
            hdus["B_WAVELENGTH"].data[100] = np.nan if spoil == "NaN" else 1000
        return hdus
    path = split_tree.coadd(BAD)
    rewrite(path, change)
    one_pixel_fails(split_tree, finished_tree, path)


@pytest.mark.parametrize("spoil", ["text", "truncated", "no table", "TARGETID", "Z"])
def test_bad_redshift_catalog(split_tree, finished_tree, spoil):
    path = split_tree.zafter(BAD)
    if spoil == "text":
        path.write_text("no FITS file\n" * 500)
    elif spoil == "truncated":
        path.write_bytes(path.read_bytes()[:-2880])
    elif spoil == "no table":
        fits.PrimaryHDU(np.zeros(5)).writeto(path, overwrite=True)
    else:
        with fits.open(path) as hdus:
            columns = [c for c in hdus[1].columns if c.name != spoil]
            fits.BinTableHDU.from_columns(columns, name="REDSHIFTS").writeto(path, overwrite=True)
    one_pixel_fails(split_tree, finished_tree, path)


def test_output_in_the_way(split_tree, finished_tree):
    """A folder where the table should go: the pixel is listed, the folder stays."""
    split_tree.baltable(BAD).mkdir()
    (split_tree.baltable(BAD) / "baltable-inside").write_text("kept")
    result = split_tree.find("-c", status=PARTLY)
    assert str(BAD) in result.stderr
    assert files(split_tree.baltable(BAD)) == {"baltable-inside": b"kept"}
    nothing_left_behind(split_tree.z)


def test_all_pixels_fail(split_tree):
    for pixel in PIXELS:
        split_tree.coadd(pixel).write_text("nothing")
    result = split_tree.find(status=UNUSABLE)
    assert result.stderr.splitlines()[-1] == "fastbal find: nothing was measured: 9 in pixels that failed"
    for pixel in PIXELS:
        assert str(pixel) in result.stderr
        assert f"{pixel} : " in split_tree.log.read_text()


def test_pixel_without_data(split_tree, finished_tree):
    """Asked for by number: the other one is done."""
    nowhere = 12345
    result = split_tree.find("-hp", GOOD[0], nowhere, status=PARTLY)
    assert str(nowhere) in result.stderr
    assert portable(split_tree.baltable(GOOD[0])) == portable(finished_tree.baltable(GOOD[0]))


def test_pixel_that_cannot_exist(split_tree):
    complains(split_tree.find("-hp", 12 * 64 * 64, status=UNUSABLE), "find", 12 * 64 * 64)


def test_no_such_release(split_tree):
    result = run("find", "-r", "nowhere", "-a", split_tree.z, "--templates", "builtin", env=split_tree.env,
                 status=UNUSABLE)
    complains(result, "find", "nowhere")


def test_no_such_altzdir(tree):
    """Nothing was split: there is not one redshift catalog."""
    result = tree.find(status=None)
    assert result.returncode in (PARTLY, UNUSABLE)
    assert "redshift catalog" in result.stderr or str(tree.z) in result.stderr
    assert fits_files(tree.z) == {} if tree.z.exists() else True


@pytest.mark.parametrize("which", ["--coadd", "--zcat"])
def test_one_file_that_is_not_there(split_tree, tmp_path, which):
    how = {"--coadd": split_tree.coadd(BAD), "--zcat": split_tree.zafter(BAD), "-o": tmp_path / "out.fits"}
    how[which] = tmp_path / "nowhere.fits"
    result = run("find", *[x for pair in how.items() for x in pair], "--templates", "builtin", status=UNUSABLE)
    complains(result, "find", tmp_path / "nowhere.fits")
    assert files(tmp_path) == {} or "out.fits" not in files(tmp_path)


def test_a_bad_spectrum_is_a_flagged_row(split_tree):
    """Rows that can't be measured don't fail the pixel."""
    path = split_tree.coadd(BAD)
    with fits.open(path, mode="update") as hdus:
        row = list(hdus["FIBERMAP"].data["TARGETID"]).index(ROWS[IN_TABLE[BAD][0]].targetid)
        for camera in "BRZ":
            hdus[f"{camera}_FLUX"].data[row] = np.nan
    split_tree.find(status=DONE)
    status = table(split_tree.baltable(BAD))["BALSTATUS"]
    assert status[0] & 2 and not (status[1:] & 2).any() and len(status) > 1
