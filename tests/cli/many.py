"""A survey of many small pixels, so that runs take long enough to be interrupted.

All pixels share one file of spectra, and the same targets: each has rows of its own in the catalog.

SPDX-License-Identifier: BSD-3-Clause
"""
import hashlib
import os
import shutil
import subprocess
import time

import numpy as np
from astropy.io import fits

import healpix
from support import BIN, Target, Tree, desi_waves, files, write_catalog, write_spectra

TARGETS = [Target(39633000020000000 + k, 0.0, 0.0, 1.8 + 0.3 * k, k % 2 == 0) for k in range(4)]


def positions(n, seed):
    """n positions in as many pixels: {pixel: (ra, dec)}."""
    rng = np.random.default_rng(seed)
    found = {}
    while len(found) < n:
        ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-1, 1)))
        found.setdefault(healpix.pixel(64, ra, dec), (ra, dec))
    return found


class Many(Tree):
    """A Tree (support.py) with other contents, and all commands with one thread unless told otherwise."""

    @classmethod
    def make(cls, root, npixels):
        tree = cls(root)
        tree.root.mkdir(parents=True, exist_ok=True)
        tree.out.parent.mkdir()
        tree.places = positions(npixels, 5)
        tree.pixels = list(tree.places)
        write_catalog(tree.qso, [t._replace(ra=ra, dec=dec) for t in TARGETS for ra, dec in tree.places.values()])
        first = None
        for pixel in tree.places:
            path = tree.coadd(pixel)
            if first:
                path.parent.mkdir(parents=True)
                os.link(first, path)
            else:
                first = path
                write_spectra(path, TARGETS, desi_waves())
        return tree

    def another(self, root):
        """The same before split. It reads the same spectra: their place is noted in outputs."""
        tree = Many(root)
        tree.out.parent.mkdir(parents=True)
        shutil.copy(self.qso, tree.qso)
        tree.redux, tree.env, tree.pixels = self.redux, self.env, self.pixels
        return tree

    def add_others(self, n):
        """Rows too near to be BAL quasars, so that the catalog takes longer to write."""
        with fits.open(self.qso) as hdus:
            data = hdus[1].data
            rng = np.random.default_rng(6)
            rows = np.resize(data, len(data) + n)
            rows["Z"][len(data):] = 0.5
            rows["TARGET_RA"][len(data):] = rng.uniform(0, 360, n)
            rows["TARGET_DEC"][len(data):] = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
            fits.BinTableHDU(rows, header=hdus[1].header, name="QSO_CAT").writeto(self.qso, overwrite=True)

    def command(self, name, *options):
        """The arguments of a command, for start()."""
        where = {"split": ["-q", self.qso, "-a", self.z],
                 "find": ["-r", "sim", "-a", self.z, "--templates", "builtin"],
                 "append": ["-q", self.qso, "-b", self.z, "-o", self.out],
                 "run": ["-q", self.qso, "-r", "sim", "-o", self.out, "-b", self.z, "--templates", "builtin"]}
        return [name, *map(str, where[name]), "--nproc", "1", *map(str, options)]

    def start(self, name, *options, prefix=(), **how):
        return subprocess.Popen([*prefix, BIN / "fastbal", *self.command(name, *options)],
                                **({"env": self.env, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                    "stderr": subprocess.PIPE, "text": True} | how))

    def outputs(self):
        """{name: digest} of all outputs of commands, except logs."""
        return {name: hashlib.sha1(data).hexdigest() for top in (self.z, self.out.parent) if top.exists() for name, data in files(top).items()
                if "logfile" not in name}


def temporary(tree):
    """Names of temporary files."""
    return [p.name for top in (tree.z, tree.out.parent) if top.exists() for p in top.rglob("*_tmp*")]


def wait_for(condition, process, seconds=60):
    """Wait until something is true while a process runs; 0 where the process ended before."""
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            return False
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.002)
    return True
