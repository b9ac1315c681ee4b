"""Every call that can fail, failing: opening, reading, writing, flushing, closing, renaming, folders, memory, threads.

A command either survives with exactly the right output, or ends with a message that names the file and the reason,
exit status 1 or 2, and nothing wrong, in part or temporary left behind; the same command then makes up for it, byte for
byte. See docs/reliability.md.

The short form takes some hundred of the faults, of all kinds and from the first call to the last. FASTBAL_LONG=1 lets
every call of every kind fail: once, and with all after it, with errors that take turns; and every read and write be
interrupted and be done in part.

SPDX-License-Identifier: BSD-3-Clause
"""
import gzip
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import faults
from support import LONG, SANITIZERS
from test_truth import truth_file, write_truth
import support

FAULTS = 8  # about so many a case


# ---- inputs ----

def packed(path, to):
    to.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return to


def mixed_catalog(path, to):
    """Rows in no order, and a column of variable length."""
    with fits.open(path) as hdus:
        table, n = hdus[1].data, len(hdus[1].data)
        order = np.random.default_rng(1).permutation(n)
        columns = [fits.Column(c.name, c.format, array=table[c.name][order]) for c in table.columns]
        names = np.array([np.arange(k % 3, dtype="i4") for k in range(n)] + [None], dtype=object)[:n]
        columns.append(fits.Column("LIST", "PJ()", array=names))
        fits.BinTableHDU.from_columns(columns, name="QSO_CAT").writeto(to)
    return to


def compressed_coadd(path):
    """Images compressed without loss."""
    with fits.open(path) as hdus:
        out = [fits.CompImageHDU(h.data, h.header, compression_type="GZIP_1", quantize_level=0)
               if h.name.endswith(("FLUX", "IVAR")) else h.copy() for h in hdus]
        fits.HDUList(out).writeto(path, overwrite=True)


class Inputs:
    """Two pixels of simulated quasars, and what the steps before leave; only read."""

    def __init__(self, server):
        self.root = server.root / "in"
        self.root.mkdir()
        self.server = server
        self.sim = self.root / "sim"
        self.do("simulate", self.sim, "--pixels", 2, "--quasars", 5, "--others", 1, "--bal-fraction", 1, "--seed", 3)
        self.qso, self.redux = self.sim / "qso.fits", self.sim / "redux" / "sim"
        self.coadds = sorted(self.redux.rglob("coadd-*.fits"))
        self.packed = packed(self.qso, self.root / "qso.fits.gz")
        self.mixed = mixed_catalog(self.qso, self.root / "mixed.fits")
        self.zafters, self.baltables = self.root / "zafters", self.root / "baltables"
        self.do("split", "-q", self.qso, "-a", self.zafters)
        shutil.copytree(self.zafters, self.baltables)
        self.find(self.baltables)
        self.catalog = self.root / "templates"
        self.catalog.mkdir()
        self.do("templates", "--templates", "builtin", "--export", self.catalog / "PCA_Eigenvectors.fits")

    def do(self, *arguments):
        result = self.server.run(arguments)
        assert result.status == 0, result

    def find(self, folder, *options):
        self.do("find", "-r", self.redux, "-a", folder, "--templates", "builtin", "--nproc", 1, *options)

    def balcatalog(self):
        """A catalog with BAL columns, of the first pixels."""
        path = self.root / "bal.fits"
        if not path.exists():
            self.do("run", "-q", self.qso, "-r", self.redux, "-o", path, "-l", self.root / "bal.txt", *BUILTIN)
        return path

    def layout(self, name):
        """(QSO catalog, tree, redshift catalogs) of another layout."""
        sim, zafters = self.root / name, self.root / f"{name}-zafters"
        tree = {"uniqpix": "redux/sim", "tiles": "redux/sim", "mock": "mock"}[name]
        if not sim.exists():
            self.do("simulate", sim, "--layout", name, "--pixels", 2, "--quasars", 5, "--bal-fraction", 1, "--seed", 3)
            self.do("split", "-q", sim / "qso.fits", "-a", zafters, *tree_options(name, sim / tree))
        return sim / "qso.fits", sim / tree, zafters

    def truth(self, top):
        """Two truth files of BAL quasars in the mock's catalog."""
        ids = fits.getdata(self.layout("mock")[0])["TARGETID"]
        for pixel, some in ((3, ids[:2]), (4, ids[2:3])):
            rows = [{"TARGETID": t, "AI": [(1000, 4000)], "BI": []} for t in some]
            write_truth(truth_file(top, pixel), rows, id_form="K")
        return top

    def changed_redux(self, name, change):
        """Coadds in another form."""
        redux = self.root / name
        shutil.copytree(self.redux, redux)
        for path in redux.rglob("coadd-*.fits"):
            change(path)
        return redux

    def without(self, folder, pattern):
        """A copy of a folder for each way to leave out some of the files, all but none."""
        paths = sorted(p.relative_to(folder) for p in folder.rglob(pattern))
        for n in range(1, len(paths) + 1):
            for missing in itertools.combinations(paths, n):
                copy = self.root / "without" / folder.name  # catalogs say what the folder is called
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(folder, copy)
                for path in missing:
                    (copy / path).unlink()
                yield copy

    def catalogs_in_part(self, name, folder, pattern, command):
        """What the catalog is where pixels have failed, but not all."""
        for copy in self.without(folder, pattern):
            out = self.root / "part.fits"
            out.unlink(missing_ok=True)
            result = self.server.run([*command(copy), "-o", out, "-l", self.root / "part.txt"])
            if any(copy.rglob(pattern)):
                assert result.status == support.PARTLY, result
                yield name, out.read_bytes()
            else:
                assert result.status == support.UNUSABLE and not out.exists(), result


# ---- the cases ----

def packed_coadd(path):
    packed(path, path.with_name(path.name + ".gz"))
    path.unlink()


def tree_options(layout, tree):
    return {"uniqpix": ["--tree", tree], "tiles": ["-r", tree, "--tiles"],
            "mock": ["--mock"]}[layout]


ONE = ["--nproc", 1]
BUILTIN = ["--templates", "builtin"]


class Cases:
    """Each case by its name, made when it is asked for."""

    def __init__(self, server):
        self.server, self.inputs, self.out = server, Inputs(server), server.root / "out"

    def make(self, name, arguments, **how):
        return faults.Case(self.server, name, arguments, **how)

    def split(self, name, qso):
        return self.make(name, ["split", "-q", qso, "-a", self.out, *ONE])

    def find(self, name, redux, *options, threads=1):
        return self.make(name, ["find", "-a", self.out, "-r", redux, "--nproc", threads, *options],
                         inputs=self.inputs.zafters)

    def find_one(self, name):
        coadd = self.inputs.coadds[0]
        zafter = next(self.inputs.zafters.rglob(coadd.name.replace("coadd", "zafter")))
        return self.make(name, ["find", "--coadd", coadd, "--zcat", zafter, "-o", self.out / "one.fits",
                                *BUILTIN, *ONE])

    def run_on(self, qso, redux, threads=1):
        return ["run", "-q", qso, "-r", redux, *BUILTIN, "--nproc", threads]

    def in_part(self, qso):
        """What the catalog is where pixels have failed, whether run or append wrote it."""
        return self.inputs.catalogs_in_part("bal.fits", self.inputs.redux, "coadd-*",
                                            lambda redux: self.run_on(qso, redux))

    def run(self, name, qso, *options, threads=1, inputs=None):
        options = options or ["-l", self.out / "log.txt"]
        return self.make(name, [*self.run_on(qso, self.inputs.redux, threads), "-o", self.out / "bal.fits", *options],
                         inputs=inputs, again=["-c"], variants=self.in_part(qso))

    def append(self, name, qso):
        return self.make(name, ["append", "-q", qso, "-b", self.inputs.baltables, "-o", self.out / "bal.fits",
                                "-l", self.out / "log.txt", *ONE], again=["-c"], variants=self.in_part(qso))

    def split_layout(self, name, layout):
        qso, tree, _ = self.inputs.layout(layout)
        return self.make(name, ["split", "-q", qso, "-a", self.out, *tree_options(layout, tree), *ONE])

    def find_layout(self, name, layout):
        _, tree, zafters = self.inputs.layout(layout)
        options = ["--mock", "--mockdir", tree] if layout == "mock" else tree_options(layout, tree)
        return self.make(name, ["find", "-a", self.out, *options, *BUILTIN, *ONE], inputs=zafters)

    def mask(self, name, redux):
        return self.make(name, ["mask", "-q", self.inputs.balcatalog(), "-w", self.out, "-r", redux, *ONE])

    def truth(self, name, path):
        qso, _, _ = self.inputs.layout("mock")

        def command(truth, out):
            return ["truth", "-q", qso, "-b", truth, "-o", out, *ONE]
        variants = []
        if path.is_dir():
            for copy in self.inputs.without(path, "truth-*"):
                if any(copy.rglob("truth-*")):
                    self.inputs.do(*command(copy, self.inputs.root / "part.fits"), "-c")
                    variants.append(("true.fits", (self.inputs.root / "part.fits").read_bytes()))
        return self.make(name, command(path, self.out / "true.fits"), again=["-c"], variants=variants)

    def diff(self, name, path):
        return self.make(name, ["diff", path, path, "--all", *ONE], report=True)

    def simulate(self, name):
        # CFITSIO crashes, or forgets a row, where it gets no memory to compose a file: docs/reliability.md
        return self.make(name, ["simulate", self.out / "sim", "--pixels", 1, "--quasars", 1, "--others", 1],
                         again=["-c"], without=["memory-cfitsio"])


CASES = {
    "split": lambda c, n: c.split(n, c.inputs.qso),
    "split packed": lambda c, n: c.split(n, c.inputs.packed),
    "split mixed": lambda c, n: c.split(n, c.inputs.mixed),
    "find": lambda c, n: c.find(n, c.inputs.redux, *BUILTIN),
    "find templates": lambda c, n: c.find(n, c.inputs.redux),
    "find two threads": lambda c, n: c.find(n, c.inputs.redux, *BUILTIN, threads=2),
    "find packed": lambda c, n: c.find(n, c.inputs.changed_redux("packed", packed_coadd), *BUILTIN),
    "find compressed": lambda c, n: c.find(n, c.inputs.changed_redux("compressed", compressed_coadd), *BUILTIN),
    "find one": lambda c, n: c.find_one(n),
    "append": lambda c, n: c.append(n, c.inputs.qso),
    "append mixed": lambda c, n: c.append(n, c.inputs.mixed),
    "append packed": lambda c, n: c.append(n, c.inputs.packed),
    "run": lambda c, n: c.run(n, c.inputs.qso),
    "run with tables": lambda c, n: c.run(n, c.inputs.mixed, "-b", c.out / "tables"),
    "run resumed": lambda c, n: c.run(n, c.inputs.qso, "-b", c.out, inputs=c.inputs.baltables),
    "run two threads": lambda c, n: c.run(n, c.inputs.qso, threads=2),
    "split uniqpix": lambda c, n: c.split_layout(n, "uniqpix"),
    "split tiles": lambda c, n: c.split_layout(n, "tiles"),
    "find uniqpix": lambda c, n: c.find_layout(n, "uniqpix"),
    "find tiles": lambda c, n: c.find_layout(n, "tiles"),
    "find mock": lambda c, n: c.find_layout(n, "mock"),
    "mask": lambda c, n: c.mask(n, c.inputs.redux),
    "mask packed": lambda c, n: c.mask(n, c.inputs.changed_redux("packed-too", packed_coadd)),
    "truth": lambda c, n: c.truth(n, truth_file(c.inputs.truth(c.inputs.root / "truth"), 3)),
    "truth folder": lambda c, n: c.truth(n, c.inputs.truth(c.inputs.root / "truths")),
    "diff": lambda c, n: c.diff(n, c.inputs.balcatalog()),
    "diff tables": lambda c, n: c.diff(n, c.inputs.baltables),
    "templates": lambda c, n: c.make(n, ["templates", *BUILTIN, "--export", c.out / "templates.fits"], again=["-c"]),
    "simulate": lambda c, n: c.simulate(n),
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    if SANITIZERS:
        pytest.skip("sanitizers take over the calls that are to fail")
    if not faults.LIBRARY.exists():
        if os.environ.get("CI") == "true" and os.uname().sysname == "Linux":
            pytest.fail(f"{faults.LIBRARY} was not built")
        pytest.skip("needs tests/faults, which is built on Linux with the GNU C library")
    root = tmp_path_factory.mktemp("faults")
    if Path("/dev/shm").is_dir():  # where flushing is for nothing, many thousand runs take minutes
        root = Path(tempfile.mkdtemp(prefix="fastbal-faults-", dir="/dev/shm"))
    server = faults.Server(root, FASTBAL_TEMPLATES=root / "in" / "templates")
    yield Cases(server)
    server.close()
    shutil.rmtree(root)


def in_turn(every):
    """Two of the errors of a call: a transient one and a persistent one."""
    def takes_turn(fault):
        errors = [e for e in faults.ERRORS[fault.kind] if e not in ("EINTR", "PART")]
        if fault.error not in errors:
            return True
        return errors[(fault.n + (fault.times > 1)) % len(errors)] == fault.error
    return [f for f in every if takes_turn(f)]


def some(every, step):
    """A few of all kinds, from the first call to the last; where even one of each kind is too many, of every second."""
    kinds = sorted({f.kind for f in every})
    if FAULTS < len(kinds):
        kinds = kinds[step % 2::2]
    chosen = []
    for kind in kinds:
        of_kind = [f for f in every if f.kind == kind]
        n = min(max(1, FAULTS // len(kinds)), len(of_kind))
        chosen += [of_kind[(i * len(of_kind) // n + step) % len(of_kind)] for i in range(n)]
    return chosen


@pytest.mark.parametrize("name", CASES)
def test_faults(cases, name):
    case = CASES[name](cases, name)
    every = case.faults()
    tally = faults.Tally()
    for fault in in_turn(every) if LONG else some(every, 7 * list(CASES).index(name)):
        tally.take(case, fault, *case.run(fault))
    print(f"{name}: {len(every)} possible faults; {tally}")
    wrong = [f"{n}, {f} in {r.function}, {r.caller}, {r.path}: {o}, status {r.status}: {w}"
             for n, f, o, r, w in tally.wrong]
    if LONG:
        print(*wrong, sep="\n")
    assert not wrong, "\n".join(wrong[:20])
    assert tally["survived"] + tally["said"] > tally["not met"]


def test_the_test_sees_faults(cases):
    """The checks detect a changed file, and one left behind."""
    case = CASES["split"](cases, "split")
    name = next(n for n in case.expected if ".fits" in n)
    case.start()
    result = cases.server.run(case.arguments, faults.Fault("rename", 1, "ENOSPC"))
    assert result.fired == 1 and result.status == support.PARTLY
    case.start()
    (case.out / name).parent.mkdir(parents=True)
    (case.out / name).write_bytes(case.expected[name][:2880])
    (case.out / "left_tmp1.fits").touch()
    assert case.check_files(result) == [f"{name}: wrong or in part", "left_tmp1.fits: left behind"]
    assert case.differences(support.files(case.out), case.expected)
