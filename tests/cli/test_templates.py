"""fastbal templates: the built-in set, and templates as files.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np
from astropy.io import fits

from support import UNUSABLE, check_sums, complains, forms, portable, run, table, templates_with_prior


def test_export(tmp_path):
    """The reference's format: HDU 1 with WAVE, PCA0, PCA1, ..., all 8-byte; and the misfit."""
    run("templates", "--export", tmp_path / "t.fits")
    *names, last = forms(tmp_path / "t.fits")
    assert names == [("WAVE", "D")] + [(f"PCA{k}", "D") for k in range(len(names) - 1)] and last == ("PSI", "D")
    check_sums(tmp_path / "t.fits")
    data = table(tmp_path / "t.fits")
    assert data["WAVE"][0] < 1262 and data["WAVE"][-1] > 2397
    assert (np.diff(data["WAVE"]) > 0).all()
    values = np.array([data[name] for name, _ in names[1:]])
    assert np.isfinite(values).all()
    assert np.linalg.matrix_rank(values) == len(values) >= 4


def test_a_prior_is_read_and_written(tmp_path):
    mean, covariance, misfit = templates_with_prior(tmp_path / "t.fits")
    run("templates", "--templates", tmp_path / "t.fits", "--export", tmp_path / "again.fits")
    check_sums(tmp_path / "again.fits")
    assert forms(tmp_path / "again.fits")[-1] == ("PSI", "D")
    with fits.open(tmp_path / "again.fits") as hdus:
        np.testing.assert_array_equal(hdus["TEMPLATES"].data["PSI"], misfit)
        np.testing.assert_array_equal(hdus["PRIOR"].data["MEAN"], mean)
        np.testing.assert_array_equal(hdus["PRIOR"].data["COVARIANCE"], covariance)


def test_export_keeps_what_is_there(tmp_path):
    (tmp_path / "t.fits").write_bytes(b"old")
    complains(run("templates", "--export", tmp_path / "t.fits", status=UNUSABLE), "templates", tmp_path / "t.fits")
    assert (tmp_path / "t.fits").read_bytes() == b"old"


def test_exported_templates_give_the_same_answers(split_tree):
    """--templates builtin, and the exported file: the same numbers."""
    run("templates", "--export", split_tree.root / "builtin")
    split_tree.find()
    expected = {p.name: portable(p)[1][1] for p in split_tree.z.rglob("baltable-*.fits")}
    split_tree.find("-c", templates=split_tree.root / "builtin")
    assert {p.name: portable(p)[1][1] for p in split_tree.z.rglob("baltable-*.fits")} == expected


def test_files_in_other_precisions(split_tree, tmp_path):
    """4-byte floats, and columns in another order."""
    run("templates", "--export", tmp_path / "t.fits")
    data = table(tmp_path / "t.fits")
    columns = [fits.Column(name, "E", array=data[name]) for name in reversed(data.names)]
    prior = table(tmp_path / "t.fits", "PRIOR")
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns), fits.BinTableHDU.from_columns(
        [fits.Column("COVARIANCE", f"{len(prior)}E", array=prior["COVARIANCE"]),
         fits.Column("MEAN", "E", array=prior["MEAN"])], name="PRIOR")]
    fits.HDUList(hdus).writeto(tmp_path / "small.fits")
    split_tree.find(templates=tmp_path / "t.fits")
    expected = {p.name: table(p)["PCA_COEFFS"] for p in split_tree.z.rglob("baltable-*.fits")}
    split_tree.find("-c", templates=tmp_path / "small.fits")
    for p in split_tree.z.rglob("baltable-*.fits"):
        np.testing.assert_allclose(table(p)["PCA_COEFFS"], expected[p.name], rtol=1e-3, atol=0.05)


def test_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("templates", "--export", tmp_path / "file" / "t.fits", status=UNUSABLE)
    complains(result, "templates", tmp_path / "file")
