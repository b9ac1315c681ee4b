"""What programs that read BAL catalogs need: small readers of our own that take what picca, qsonic and DLA finders take, run on
every catalog that fastbal writes.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np
import pytest
from astropy.io import fits

from support import environment, run

LIGHT_SPEED = 299792.458


def picca(path, kind="ai"):
    """{TARGETID: (Z, [(VMIN, VMAX)])}: HDU QSO_CAT or ZCATALOG, pairs in which both are positive."""
    suffix = {"ai": "CIV_450", "bi": "CIV_2000"}[kind]
    with fits.open(path) as hdus:
        names = [h.name for h in hdus]
        data = hdus["QSO_CAT" if "QSO_CAT" in names else "ZCATALOG"].data
        assert {"TARGETID", "Z", "TARGET_RA" if "TARGET_RA" in data.names else "RA"} <= set(data.names)
        ids = data["TARGETID"].astype("i8")
        vmin, vmax = data[f"VMIN_{suffix}"].astype("f8"), data[f"VMAX_{suffix}"].astype("f8")
        z = data["Z"].astype("f8")
    return {t: (z[i], [(a, b) for a, b in zip(vmin[i], vmax[i]) if a > 0 and b > 0]) for i, t in enumerate(ids)}


def qsonic(path):
    """{TARGETID: (Z, [(VMIN, VMAX)])} of both kinds of troughs; TARGETIDs must not repeat."""
    with fits.open(path) as hdus:
        names = [h.name for h in hdus]
        data = hdus[next(name for name in ("QSO_CAT", "ZCATALOG", "METADATA") if name in names)].data
    assert data["TARGETID"].dtype == np.dtype(">i8") and len(set(data["TARGETID"])) == len(data)
    found = {}
    for row in data:
        pairs = [(a, b) for width in (450, 2000) for a, b in zip(row[f"VMIN_CIV_{width}"], row[f"VMAX_CIV_{width}"]) if a > 0 and b > 0]
        found[row["TARGETID"]] = (row["Z"], pairs)
    return found


def dla_finder(path):
    """{TARGETID: [(VMIN, VMAX)]}: HDU 1, the first NCIV_450 troughs of quasars with any."""
    data = fits.getdata(path, 1)
    assert {"TARGETID", "Z", "AI_CIV", "NCIV_450", "VMIN_CIV_450", "VMAX_CIV_450", "SPECTYPE", "ZWARN"} <= set(data.names)
    assert data["NCIV_450"].dtype.kind == "i"
    found = {}
    for row in data:
        assert row["NCIV_450"] > 0 or row["AI_CIV"] == 0  # with the rules optimize, troughs may have the index 0
        if row["NCIV_450"] > 0:
            found[row["TARGETID"]] = [(row["VMIN_CIV_450"][k], row["VMAX_CIV_450"][k]) for k in range(row["NCIV_450"])]
    return found


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory):
    """Catalogs of run with each set of rules, and of append."""
    root = tmp_path_factory.mktemp("readers")
    tree = root / "tree"
    run("simulate", tree, "--pixels", 2, "--quasars", 60, "--others", 2, "--seed", 9, "--no-resolution")
    env = environment(DESI_SPECTRO_REDUX=tree / "redux")
    found = {}
    for rules in ("main", "optimize", "fastbal"):
        found[rules] = root / f"{rules}.fits"
        run("run", "-q", tree / "qso.fits", "-r", "sim", "-o", found[rules], "-b", root / rules, "--templates", "builtin", "--rules", rules, env=env)
    found["append"] = root / "append.fits"
    run("append", "-q", tree / "qso.fits", "-b", root / "main", "-o", found["append"], env=env)
    return found


NAMES = ["main", "optimize", "fastbal", "append"]


@pytest.mark.parametrize("name", NAMES)
def test_they_find_the_same_troughs(catalogs, name):
    ai, bi, both, dla = (read(catalogs[name]) for read in (picca, lambda p: picca(p, "bi"), qsonic, dla_finder))
    assert sum(len(pairs) for _, pairs in ai.values()) > 10 and sum(len(pairs) for _, pairs in bi.values()) > 0
    for target, (z, pairs) in ai.items():
        assert both[target] == (z, pairs + bi[target][1])
        # a trough that begins at or below 0 km/s is none for picca, and is one for a DLA finder
        assert pairs == [(a, b) for a, b in dla.get(target, []) if a > 0]
        assert all(a < b for a, b in pairs)


def masked_by_picca(wave, z, vmin, vmax, line):
    """With logarithms of 8 bytes."""
    ends = np.log10([line * (1 - float(v) / LIGHT_SPEED) for v in (vmax, vmin)])
    begin, end = np.searchsorted(np.log10(wave) - np.log10(1 + float(z)), ends)
    return slice(begin, end)


def masked_by_qsonic(wave, z, vmin, vmax, line):
    """Where velocities of 4 bytes make factors of 4 bytes."""
    ends = [line * float(np.float32(1) - np.float32(v) / np.float32(LIGHT_SPEED)) for v in (vmax, vmin)]
    begin, end = np.searchsorted(wave / (1 + float(z)), ends)
    return slice(begin, end)


def masked_with_4_bytes(wave, z, vmin, vmax, line):
    four = np.float32
    ends = [four(line) * (four(1) - four(v) / four(LIGHT_SPEED)) * (four(1) + four(z)) for v in (vmax, vmin)]
    begin, end = np.searchsorted(wave.astype(four), ends)
    return slice(begin, end)


@pytest.mark.parametrize("name", NAMES)
def test_they_mask_the_same_pixels(catalogs, name):
    """The pixels at the edges are inside, in 4 and in 8 bytes. By the reference's rules, whose velocities are kept to 1e-5, that is
    sure for factors of 4 bytes above 1200 km/s, and for 4 bytes throughout above 20,000 km/s."""
    wave, edges, sure = 3600 + 0.8 * np.arange(7781), 0, {}
    for z, pairs in picca(catalogs[name]).values():
        for vmin, vmax in pairs:
            rest = LIGHT_SPEED * (1 - wave / (1 + z) / 1549)
            red, blue = (int(np.argmin(abs(rest - v))) for v in (vmin, vmax))
            assert vmin < rest[red] < vmin + 0.31 and vmax - 0.31 < rest[blue] < vmax
            for how, least in ((masked_by_picca, 0), (masked_by_qsonic, 1200), (masked_with_4_bytes, 20000)):
                here = how(wave, z, vmin, vmax, 1549.0)
                for v, same in ((vmin, here.stop == red + 1), (vmax, here.start == blue)):
                    if name == "fastbal" or v > least:
                        assert same, (how, vmin, vmax)
                        sure[how] = sure.get(how, 0) + 1
                edges += 1
    assert edges > 30 and sure[masked_by_picca] == 2 * edges / 3 and sure[masked_by_qsonic] > edges / 3
    assert name != "fastbal" or sure[masked_with_4_bytes] == 2 * edges / 3


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_input_is_lost(catalogs, name):
    before, after = fits.getdata(catalogs[name].parent / "tree" / "qso.fits", 1), fits.getdata(catalogs[name], 1)
    assert len(before) == len(after) and after.names[:len(before.names)] == before.names
    for column in before.names:
        assert np.array_equal(before[column], after[column]), column
