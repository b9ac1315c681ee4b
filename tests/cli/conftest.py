"""Fixtures of the end to end tests. See support.py for what they are made of.

SPDX-License-Identifier: BSD-3-Clause
"""
import shutil
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import support  # noqa: E402


@pytest.fixture(scope="session")
def fresh_tree(tmp_path_factory):
    """The small survey of support.py, read-only."""
    return support.Tree.make(tmp_path_factory.mktemp("survey"))


@pytest.fixture(scope="session")
def finished_tree(tmp_path_factory):
    """The small survey after all three steps, read-only."""
    tree = support.Tree.make(tmp_path_factory.mktemp("finished"))
    tree.split()
    tree.find()
    tree.append()
    return tree


@pytest.fixture
def tree(fresh_tree, tmp_path):
    """A copy of the small survey that the test may change."""
    shutil.copytree(fresh_tree.root, tmp_path / "survey")
    return support.Tree(tmp_path / "survey")


@pytest.fixture
def split_tree(tree):
    """A copy that has been split."""
    tree.split()
    return tree


@pytest.fixture
def done_tree(finished_tree, tmp_path):
    """A copy after all three steps."""
    shutil.copytree(finished_tree.root, tmp_path / "done")
    return support.Tree(tmp_path / "done")
