"""examples/notebook.ipynb: its form, and what its code writes.

SPDX-License-Identifier: BSD-3-Clause
"""
import json
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

NOTEBOOK = json.loads((Path(__file__).resolve().parents[2] / "examples" / "notebook.ipynb").read_text(encoding="utf-8"))


def test_its_form():
    """Format 4.5, in which cells have ids; nothing that a run has left."""
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert set(NOTEBOOK) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in ids)
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            assert set(cell) == {"cell_type", "execution_count", "id", "metadata", "outputs", "source"}
            assert cell["execution_count"] is None and cell["outputs"] == []
        else:
            assert cell["cell_type"] == "markdown" and set(cell) == {"cell_type", "id", "metadata", "source"}


def test_it_runs(tmp_path, monkeypatch):
    """All cells, in one namespace: a table, a mask and a figure."""
    pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    table = Table.read("bals.fits")
    truth = fits.getdata("sim/truth.fits", "QUASARS")
    outflows = set(truth["TARGETID"][truth["BAL"] > 0])
    probable = table["TARGETID"][table["BAL_PROB"] > 0.5]
    assert len(table) > 50 and len(probable) > 5 and len(outflows & set(probable)) >= 0.7 * len(probable)
    best = table[table["TARGETID"] == names["quasars"]["TARGETID"][names["best"]]]
    assert best["AI_CIV"][0] == names["result"]["AI_CIV"] > 500
    assert (names["masked_ivar"] == 0).sum() > (names["joined_ivar"][names["best"]] == 0).sum()
    top, bottom = names["figure"].axes
    assert f"AI = {best['AI_CIV'][0]:.0f}" in top.get_title() and len(bottom.patches) > 0
    import matplotlib.image
    assert np.ptp(matplotlib.image.imread("bal.png")[..., :3]) > 0.5
