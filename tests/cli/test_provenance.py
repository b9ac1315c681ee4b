"""The provenance of catalogs and BAL tables: keywords of their headers, and fastbal info.

SPDX-License-Identifier: BSD-3-Clause
"""
import re
import zlib

import pytest
from astropy.io import fits

from support import PIXELS, UNUSABLE, complains, header, run, table

KEYS = ("QSOTEMPS", "TEMPSUM", "BALFIT", "BALRULES", "BALCONT", "BALDET", "BALPROD")
COUNTS = ("BALNMEAS", "BALNAI", "BALNBI")


def checksum_of_builtin(folder):
    run("fastbal", "templates", "--export", folder / "builtin.fits")
    rows, prior = table(folder / "builtin.fits"), table(folder / "builtin.fits", "PRIOR")
    names = ["WAVE"] + [name for name in rows.names if name.startswith("PCA")] + ["PSI"]
    numbers = [rows[name] for name in names] + [prior["MEAN"], prior["COVARIANCE"]]
    return f"{zlib.crc32(b''.join(n.astype('<f8').tobytes() for n in numbers)):08x}"


def change(path, **keywords):
    """Other keywords; None deletes one."""
    with fits.open(path, mode="update", checksum=True) as hdus:
        for name, value in keywords.items():
            if value is None:
                del hdus[1].header[name]
            else:
                hdus[1].header[name] = value
        for hdu in hdus:
            hdu.add_checksum()


def described(path):
    h = header(path)
    return {key: h[key] for key in KEYS + ("BALOPTS",) + COUNTS}


def test_tables_and_catalogs(done_tree, tmp_path):
    """append says what its tables say, run says the same of its own."""
    detector = header(done_tree.baltable(PIXELS[0]))["BALDET"]
    assert re.fullmatch("builtin [0-9a-f]{8}", detector)
    expected = {"QSOTEMPS": "builtin", "TEMPSUM": checksum_of_builtin(tmp_path), "BALFIT": "exact",
                "BALRULES": "main", "BALCONT": "trough-aware", "BALDET": detector, "BALPROD": "sim"}
    for pixel in PIXELS:
        h = header(done_tree.baltable(pixel))
        assert {key: h[key] for key in KEYS} == expected
    rows = table(done_tree.out)
    inside = (rows["BALMASK"] == 0)
    expected |= {"BALOPTS": "survey=main program=dark", "BALNMEAS": inside.sum(),
                 "BALNAI": (inside & (rows["AI_CIV"] > 0)).sum(), "BALNBI": (inside & (rows["BI_CIV"] > 0)).sum()}
    assert described(done_tree.out) == expected and expected["BALNAI"] > 0
    one_pass = tmp_path / "run.fits"
    run("fastbal", "run", "-q", done_tree.qso, "-r", "sim", "-o", one_pass, "--templates", "builtin", "--only",
        "spectype", env=done_tree.env)
    assert described(one_pass) == expected | {"BALOPTS": "survey=main program=dark only=spectype"}


def test_counts_are_of_their_index(done_tree):
    """A quasar with AI alone counts for AI alone."""
    before = header(done_tree.out)
    for pixel in PIXELS:
        with fits.open(done_tree.baltable(pixel), mode="update") as hdus:
            hdus[1].data["BI_CIV"] = 0
            hdus[1].add_checksum()
    done_tree.append("-c")
    after = header(done_tree.out)
    assert before["BALNBI"] > 0 and after["BALNBI"] == 0
    assert after["BALNAI"] == before["BALNAI"] > 0 and after["BALNMEAS"] == before["BALNMEAS"] > after["BALNAI"]


def test_dependencies(done_tree):
    """Those of the QSO catalog stay, ours follow in the next numbers, and none is there twice."""
    before, after = header(done_tree.qso), header(done_tree.out)
    names = [after[key] for key in after if key.startswith("DEPNAM")]
    assert names[:1] == [before["DEPNAM00"]] and len(set(names)) == len(names)
    assert after[f"DEPVER{names.index('fastbal'):02d}"] == run("fastbal", "--version").stdout.split()[1]


@pytest.mark.parametrize("keyword, value", [("TEMPSUM", "00000000"), ("BALPROD", "other"), ("BALFIT", "simplex"),
                                            ("BALRULES", "optimize"), ("BALCONT", "least-squares"), ("BALDET", "off"), ("QSOTEMPS", "others.fits")])
def test_mixed(done_tree, keyword, value):
    """A table that was made otherwise: append says so and the catalog is mixed, find measures it again."""
    change(done_tree.baltable(PIXELS[1]), **{keyword: value})
    done_tree.out.unlink()
    result = done_tree.append()
    lines = [line for line in result.stderr.splitlines() if "differ from the first in" in line]
    assert len(lines) == 1 and "1 of 3 BAL tables" in lines[0]
    assert header(done_tree.out)[keyword] == "mixed"
    assert all(header(done_tree.out)[key] != "mixed" for key in KEYS if key != keyword)
    result = done_tree.find()
    assert "1 pixel done, 2 kept, 0 failed" in result.stdout and "was made" in result.stderr
    assert header(done_tree.baltable(PIXELS[1]))[keyword] == header(done_tree.baltable(PIXELS[0]))[keyword]


def test_tables_that_do_not_say(done_tree):
    """Tables of the reference and of older versions: kept, and the catalog says that it is not known."""
    for pixel in PIXELS:
        change(done_tree.baltable(pixel), TEMPSUM=None, BALFIT=None, BALRULES=None, BALCONT=None, BALDET=None, BALPROD=None,
               QSOTEMPS="/some/where/builtin")
    done_tree.out.unlink()
    assert done_tree.append().stderr == ""
    said = described(done_tree.out)
    assert [said[key] for key in KEYS] == ["/some/where/builtin"] + 3 * ["unknown"] + ["least-squares", "off", "unknown"]
    result = done_tree.find("--continuum", "least-squares", "--detector", "off")
    assert "3 kept" in result.stdout
    complains(result, "find", "and 2 more files have no keyword BALFIT", "--clobber")


def test_where_the_release_is_not_known(done_tree, tmp_path):
    """A single coadd, and a tree that is given as ".": a table with BALPROD may be right and is kept."""
    pixel = PIXELS[1]
    result = run("fastbal", "find", "--coadd", done_tree.coadd(pixel), "--zcat", done_tree.zafter(pixel), "-o",
                 done_tree.baltable(pixel), "--templates", "builtin", env=done_tree.env)
    assert "is kept" in result.stdout and result.stderr == ""
    result = run("fastbal", "find", "--tree", ".", "-a", done_tree.z, "--templates", "builtin", env=done_tree.env,
                 cwd=done_tree.redux / "sim")
    assert "3 kept" in result.stdout and result.stderr == ""
    change(done_tree.baltable(pixel), BALFIT=None)
    result = run("fastbal", "find", "--coadd", done_tree.coadd(pixel), "--zcat", done_tree.zafter(pixel), "-o",
                 done_tree.baltable(pixel), "--templates", "builtin", env=done_tree.env)
    complains(result, "find", done_tree.baltable(pixel), "no keyword BALFIT")


def test_many_dependencies(done_tree, tmp_path):
    """A name of a dependency that is longer than a card holds its place."""
    source = tmp_path / "source.fits"
    source.write_bytes(done_tree.qso.read_bytes())
    change(source, DEPNAM00="x" * 100, DEPVER00="1")
    run("fastbal", "append", "-q", source, "-b", done_tree.z, "-o", tmp_path / "out.fits", env=done_tree.env)
    h = header(tmp_path / "out.fits")
    cards = [card.keyword for card in h.cards]
    assert h["DEPNAM00"] == "x" * 100 and h["DEPVER00"] == "1"
    assert cards.count("DEPNAM00") == 1 and h["DEPNAM01"] == "fastbal"


def test_twice(done_tree, tmp_path):
    """A catalog of an earlier run as input: its keywords are replaced, also one that went over several cards."""
    source = tmp_path / "source.fits"
    source.write_bytes(done_tree.out.read_bytes())
    change(source, QSOTEMPS="/long" * 30, BALOPTS="old", BALNAI=12345)
    again = tmp_path / "again.fits"
    run("fastbal", "append", "-q", source, "-b", done_tree.z, "-o", again, env=done_tree.env)
    assert described(again) == described(done_tree.out)
    cards = [str(card.keyword) for card in header(again).cards]
    assert "CONTINUE" not in cards
    for key in KEYS + COUNTS + ("BALOPTS", "DEPNAM01"):
        assert cards.count(key) == 1


@pytest.mark.parametrize("name", ["it's " * 20, "x" * 300] + [n * "x" + "'" + 30 * "y" for n in (62, 63, 64, 65, 67)])
def test_long_texts(done_tree, name):
    """What does not fit in a card ends in dots, and quotes stay whole."""
    for pixel in PIXELS:
        change(done_tree.baltable(pixel), BALPROD=None, QSOTEMPS=name[:200])
    done_tree.out.unlink()
    done_tree.append()
    found = header(done_tree.out)["QSOTEMPS"]
    assert found.endswith("...") and name.startswith(found[:-3]) and len(found) > 30


def test_info(done_tree):
    """The same counts as the run printed, and everything of the header."""
    done_tree.out.unlink()
    said = done_tree.append().stdout.splitlines()[0].removeprefix("append: ")
    lines = [line.strip() for line in run("fastbal", "info", done_tree.out).stdout.splitlines()]
    assert said in lines
    h = header(done_tree.out)
    for words, key in (("templates", "QSOTEMPS"), ("checksum of the templates", "TEMPSUM"), ("fit", "BALFIT"),
                       ("rules", "BALRULES"), ("continuum", "BALCONT"), ("detector", "BALDET"),
                       ("specprod", "BALPROD"), ("options", "BALOPTS")):
        assert f"{words}: {h[key]}" in lines
    assert any(line.startswith("fastbal: ") for line in lines)
    lines = run("fastbal", "info", done_tree.baltable(PIXELS[0])).stdout.splitlines()
    assert "  specprod: sim" in lines


def test_info_of_no_table(tmp_path):
    (tmp_path / "text").write_text("no FITS file")
    complains(run("fastbal", "info", tmp_path / "text", status=UNUSABLE), "info", "text")
