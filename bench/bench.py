#!/usr/bin/python3
"""Benchmark fastbal and print the results and their targets as a Markdown table.

usage: bench.py BUILD [--short] [--growth] [--repeats N]

BUILD is the folder fastbal was built in. Files are made in BUILD/bench, once: a tree of 24 pixels of 200
targets, 60 of which are quasars, with resolution matrices; a catalog of 800,000 rows over 4,093 pixels and
BAL tables for it. Times are medians of N runs (default 5) after a warm-up run, with files in the page cache
unless marked cold.

--short     small files, two runs each: a check that takes seconds; its times are not meaningful
--growth    also measure scaling with rows, pixels, threads and ranks

The yardstick is a plain sum of normal equations, timed in the same run (bench/yardstick.c): what is measured in it
hardly depends on the processor and on what else runs there. $FASTBAL_KERNELS of bench-programs/bench_fastbal and
bench_kernels names the instruction set whose kernels are taken (src/kernels.h).

Answers are checked while they are timed: the finder's against tests/oracle.py, the kernels' against the
finder's, catalogs against the BAL tables they are made of, and what several threads and ranks wrote against
what one thread wrote. Exit status: 0 all answers right, whatever the times; 1 a wrong answer or a run that
failed; 2 unusable arguments.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from astropy.io import fits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
sys.dont_write_bytecode = True

import compare  # noqa: E402
import oracle  # noqa: E402

Z_MIN, Z_MAX = 1.57, 5.0
CONTINUA = ["default", "least-squares", "trough-aware"]  # as the library numbers them
TROUGHS = [f"{name}_{line}" for line in ("CIV", "SIIV") for name in ("BI", "AI")]


class Wrong(Exception):
    """A wrong answer, or a run that failed."""


def check(condition, what):
    if not condition:
        raise Wrong(what)


# ---- running ----

class Bench:
    def __init__(self, build, short, repeats):
        self.bin, self.programs, self.folder = build / "bin", build / "bench-programs", build / "bench"
        self.short, self.repeats = short, repeats
        self.env = dict(os.environ, SOURCE_DATE_EPOCH="1700000000", OMPI_ALLOW_RUN_AS_ROOT="1",
                        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.has_mpi = "MPI yes" in self.text("--version") and shutil.which("mpirun") is not None

    def text(self, *arguments):
        return subprocess.run([self.bin / "fastbal", *arguments], capture_output=True, text=True,
                              env=self.env).stdout

    def once(self, *command, **env):
        """Run a command; returns its resource usage and output."""
        report = self.folder / "report.txt"
        done = subprocess.run([self.programs / "bench_measure", report, *map(str, command)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env | env)
        fields = report.read_text().split() if done.returncode == 0 else ["1"]
        check(fields[-1] == "0", f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        wall, user, system, memory, read = map(float, fields[:-1])
        return SimpleNamespace(wall=wall, cpu=user + system, memory=memory * 1024 / 1e6, read=read,
                               said=done.stdout)

    def median(self, *command, before=lambda: None, warm=True, **env):
        """The median resource usage of several runs; before() is called before each and not measured."""
        runs = []
        for k in range(self.repeats + warm):
            before()
            runs.append(self.once(*command, **env))
        runs = runs[warm:]
        return SimpleNamespace(said=runs[-1].said, **{
            name: statistics.median(getattr(run, name) for run in runs)
            for name in ("wall", "cpu", "memory", "read")})

    def fastbal(self, *arguments, **how):
        return self.median(self.bin / "fastbal", *arguments, **how)


def fits_files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.fits"))}


def same_files(a, b, what):
    check(fits_files(a) == fits_files(b), f"{what}: {a} and {b} differ")


# ---- test data ----

def make_tree(bench):
    """The benchmark tree with its redshift catalogs."""
    pixels = 3 if bench.short else 24
    tree, work = bench.folder / f"tree-{pixels}", bench.folder / f"tree-{pixels}-work"
    if not work.exists():
        print(f"making {tree}", file=sys.stderr)
        bench.once(bench.bin / "fastbal", "simulate", tree, "--pixels", pixels, "--clobber")
        bench.once(bench.bin / "fastbal", "split", "-q", tree / "qso.fits", "-a", work)
    z = fits.getdata(tree / "qso.fits", 1)["Z"]
    return SimpleNamespace(root=tree, work=work, redux=tree / "redux", qso=tree / "qso.fits",
                           quasars=int(((z >= Z_MIN) & (z <= Z_MAX)).sum()),
                           coadds=sorted((tree / "redux").rglob("coadd-*.fits")))


def wider_tree(bench, tree, times):
    """A tree with several copies of each pixel: symbolic links under other pixel numbers."""
    wide = bench.folder / f"{tree.root.name}-x{times}"
    redux, work = wide / "redux", wide / "work"
    for top, files in ((redux / "sim", tree.coadds), (work, sorted(tree.work.rglob("zafter-*.fits")))):
        for k, path in enumerate(files):
            for t in range(times):
                pixel = 10000 + times * k + t
                name = path.name.rsplit("-", 1)[0]
                link = top / f"healpix/main/dark/{pixel // 100}/{pixel}/{name}-{pixel}.fits"
                if not link.exists():
                    link.parent.mkdir(parents=True, exist_ok=True)
                    os.link(path, link)
    return SimpleNamespace(root=wide, work=work, redux=redux, pixels=times * len(tree.coadds))


def make_catalog(bench, like, rows, pixels, row_bytes=0, grouped=False):
    folder = bench.folder / f"catalog-{rows}-{pixels}-{row_bytes}{'-grouped' if grouped else ''}"
    if not (folder / "qso.fits").exists():
        print(f"making {folder}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-B", HERE / "make_catalog.py", folder / "new.fits",
                        "--rows", str(rows), "--pixels", str(pixels), "--row-bytes", str(row_bytes),
                        "--tables", folder / "bal", "--like", like, *["--grouped"] * grouped], check=True)
        (folder / "new.fits").rename(folder / "qso.fits")
        os.sync()
    return SimpleNamespace(qso=folder / "qso.fits", tables=folder / "bal", pixels=pixels)


# ---- find ----

def find(tree, threads):
    """The arguments of find on a tree."""
    return ["find", "-r", "sim", "-a", tree.work, "--templates", "builtin", "--nproc", threads, "--clobber"]


# What the drop-in names measure with; the default of the built-in templates does more.
REFERENCE = ["--continuum", "least-squares", "--rules", "main", "--detector", "off"]
NO_DETECTOR = ["--detector", "off"]


def needed_places(tree):
    """[path, [(offset, bytes)]] of the flux and ivar rows of the quasars in range, adjacent rows merged."""
    plan = []
    for path in tree.coadds:
        pixel = path.stem.rsplit("-", 1)[1]
        redshifts = fits.getdata(next(tree.work.rglob(f"zafter-*-{pixel}.fits")), 1)
        wanted = redshifts["TARGETID"][(redshifts["Z"] >= Z_MIN) & (redshifts["Z"] <= Z_MAX)]
        places = []
        with fits.open(path) as hdus:
            rows = np.flatnonzero(np.isin(hdus["FIBERMAP"].data["TARGETID"], wanted))
            begins = rows[np.diff(rows, prepend=-2) > 1]
            ends = rows[np.diff(rows, append=rows[-1] + 2) > 1] + 1
            for camera in "BRZ":
                for part in ("FLUX", "IVAR"):
                    hdu = hdus[f"{camera}_{part}"]
                    size = 4 * hdu.header["NAXIS1"]
                    start = hdu.fileinfo()["datLoc"]
                    places += [(start + size * int(b), size * int(e - b)) for b, e in zip(begins, ends)]
        plan.append((path, places))
    return plan


def write_plan(plan, path):
    with open(path, "w") as file:
        for name, places in plan:
            file.write(f"F {name}\n" + "".join(f"R {offset} {length}\n" for offset, length in places))
    return sum(length for _, places in plan for _, length in places)


def check_find(bench, tree, templates):
    """Compare BAL tables of the first pixels with the oracle."""
    for path in tree.coadds[:1 if bench.short else 2]:
        pixel = path.stem.rsplit("-", 1)[1]
        zafter = next(tree.work.rglob(f"zafter-*-{pixel}.fits"))
        rows = oracle.measure_file(path, zafter, templates)
        expected = bench.folder / "oracle.fits"
        oracle.write_table(rows, expected)
        found = compare.compare_tables(expected, zafter.with_name(zafter.name.replace("zafter", "baltable")))
        check(not found, f"{path}: find and oracle differ: {found}")


def dump_spectra(tree, templates, path):
    """Write spectra and expected results for kernels.c; those that can't be measured are skipped."""
    read = oracle.read_templates(templates)
    numbers = [read["WAVE"], *read["PCA"], *(read[name] for name in ("PSI", "MEAN", "COVARIANCE") if name in read)]
    spectra, waves, continuum = [], None, 0
    for coadd in tree.coadds[:6]:
        pixel = coadd.stem.rsplit("-", 1)[1]
        table, header = fits.getdata(next(tree.work.rglob(f"baltable-*-{pixel}.fits")), 1, header=True)
        continuum = CONTINUA.index(header["BALCONT"])
        redshifts = fits.getdata(next(tree.work.rglob(f"zafter-*-{pixel}.fits")), 1)
        redshift = dict(zip(redshifts["TARGETID"], redshifts["Z"]))
        with fits.open(coadd, memmap=False) as hdus:
            row_of = {targetid: k for k, targetid in enumerate(hdus["FIBERMAP"].data["TARGETID"])}
            waves = [hdus[f"{c}_WAVELENGTH"].data.astype("=f8") for c in "BRZ"]
            images = [hdus[f"{c}_{part}"].data for c in "BRZ" for part in ("FLUX", "IVAR")]
            for row in table[table["BALSTATUS"] & 71 == 0]:
                k = row_of[row["TARGETID"]]
                head = np.array([redshift[row["TARGETID"]]], "=f8").tobytes()
                head += np.array([row["AI_CIV"], row["BI_CIV"], row["PCA_CHI2"]], "=f4").tobytes()
                spectra.append(head + b"".join(image[k].astype("=f4").tobytes() for image in images))
    with open(path, "wb") as file:
        file.write(np.array([len(waves), len(read["PCA"]), len(read["WAVE"]), len(spectra), continuum, "PSI" in read],
                            "=i8").tobytes())
        file.write(b"".join(x.astype("=f8").tobytes() for x in numbers))
        for wave in waves:
            file.write(np.array([len(wave)], "=i8").tobytes() + wave.tobytes())
        file.write(b"".join(spectra))


def drop_caches():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def cold_walls(bench, tree, plan_file):
    """Wall times of find and of reader.c, one thread each, with a cold page cache; None without root."""
    try:
        drop_caches()
    except OSError:
        return None
    env = {"DESI_SPECTRO_REDUX": str(tree.redux)}
    reader = bench.median(bench.programs / "bench_reader", plan_file, before=drop_caches, warm=False)
    ours = bench.fastbal(*find(tree, 1), before=drop_caches, warm=False, **env)
    return ours.wall, reader.wall


def measure_rungs(bench, tree, table, templates, env):
    """Kernels and finder for each rung that this processor has, in turns, in units of the yardstick that the same moment
    took; all write the same files."""
    spectra = bench.folder / "spectra.bin"
    dump_spectra(tree, templates, spectra)
    rungs = bench.once(bench.programs / "bench_kernels").said.split()
    table.add("kernels that a plain run takes", "", rungs[-1])
    costs, first = {rung: [] for rung in rungs}, fits_files(tree.work)
    detecting = {rung: [] for rung in rungs}
    for k in range(bench.repeats + 1):
        for rung in rungs:
            chosen = dict(env, FASTBAL_KERNELS=rung)
            kernels = bench.once(bench.programs / "bench_kernels", spectra, 3 if bench.short else 9, **chosen)
            rule = bench.once(bench.programs / "bench_fastbal", *find(tree, 1), *REFERENCE, **chosen)
            run = bench.once(bench.programs / "bench_fastbal", *find(tree, 1), **chosen)
            check(fits_files(tree.work) == first, f"kernels {rung} and {rungs[-1]} write other files")
            plain = bench.once(bench.programs / "bench_fastbal", *find(tree, 1), *NO_DETECTOR, **chosen)
            joining, both, aware, own, shared, yardstick = map(float, kernels.said.split())
            if k > 0:
                costs[rung].append((joining, both, 1e6 * run.cpu / tree.quasars, both / yardstick,
                                    1e6 * run.cpu / tree.quasars / yardstick, 1e6 * rule.cpu / tree.quasars,
                                    1e6 * rule.cpu / tree.quasars / yardstick, aware, aware / both))
                detecting[rung].append((shared - aware, own - both, 1e6 * (run.cpu - plain.cpu) / tree.quasars))
    median = {rung: [statistics.median(column) for column in zip(*costs[rung])] for rung in rungs}
    for rung, (joining, both, _, ratio, *_) in median.items():
        table.add(f"kernels alone, least squares, {rung}: CPU a quasar / yardstick", "0.25",
                  f"{ratio:.2f} ({both:.0f} µs, {joining:.0f} of them joining cameras)")
    for rung, (*_, aware, ratio) in median.items():
        table.add(f"kernels alone, {rung}: trough-aware / least squares", "2.5", f"{ratio:.2f} ({aware:.0f} µs)")
    for rung, columns in detecting.items():
        shared, own, whole = (statistics.median(column) for column in zip(*columns))
        table.add(f"the detector, {rung}: CPU a quasar", "80 µs", f"{shared:.0f} µs, with a continuum of its own {own:.0f} µs; "
                  f"in find {whole:.0f} µs")
    for rung, (*_, whole, ratio, _, _) in median.items():
        table.add(f"find, the reference's rules, {rung}, 1 thread: CPU a quasar / yardstick", "0.40",
                  f"{ratio:.2f} ({whole:.0f} µs)")
    for rung, (_, _, whole, _, ratio, *_) in median.items():
        table.add(f"find, {rung}, 1 thread: CPU a quasar / yardstick", "0.40", f"{ratio:.2f} ({whole:.0f} µs)",
                  "92,000 µs" if rung == rungs[-1] else "")
    slower = [b for a, b in zip(rungs, rungs[1:]) if median[b][3] > 1.02 * median[a][3]]
    table.add("kernels slower than those of the rung below", "none", ", ".join(slower) or "none")


def measure_find(bench, tree, table):
    templates = bench.folder / "builtin.fits"
    templates.unlink(missing_ok=True)
    bench.once(bench.bin / "fastbal", "templates", "--export", templates)
    env = {"DESI_SPECTRO_REDUX": str(tree.redux)}
    bench.once(bench.bin / "fastbal", *find(tree, 2), *NO_DETECTOR, **env)
    check_find(bench, tree, templates)
    two = bench.fastbal(*find(tree, 2), **env)
    measure_rungs(bench, tree, table, templates, env)
    table.add("find, 2 threads: wall", "0.25 s", f"{two.wall:.2f} s", "63 s")
    table.add("find, 2 threads: peak memory", "64 MB", f"{two.memory:.0f} MB", "387 MB a process")
    plan_file = bench.folder / "plan.txt"
    needed = write_plan(needed_places(tree), plan_file)
    one = bench.fastbal(*find(tree, 1), **env)
    reader = bench.median(bench.programs / "bench_reader", plan_file)
    table.add("find: bytes read / bytes of the rows needed", "1.1",
              f"{one.read / needed:.2f}" if one.read >= 0 else "not known", "")
    ours, theirs = (1e6 * run.cpu / tree.quasars for run in (one, reader))
    table.add("find, 1 thread: CPU / CPU of only reading those rows", "5",
              f"{ours / theirs:.1f} ({ours:.0f} / {theirs:.1f} µs a quasar)", "")
    cold = cold_walls(bench, tree, plan_file)
    table.add("find, cold cache, 1 thread: wall / wall of only reading", "1.1",
              f"{cold[0] / cold[1]:.2f} ({cold[0]:.2f} / {cold[1]:.2f} s)" if cold else
              "not measured: needs root, to drop caches", "")
    catalog = bench.folder / "run.fits"
    run = bench.fastbal("run", "-q", tree.qso, "-r", "sim", "-o", catalog, "--templates", "builtin",
                        "--nproc", 2, "--clobber", **env)
    appended = bench.folder / "append.fits"
    bench.once(bench.bin / "fastbal", "append", "-q", tree.qso, "-b", tree.work, "-o", appended, "-c")
    found = compare.compare_tables(appended, catalog)
    check(not found, f"run and the three steps differ: {found}")
    table.add("run / find: wall", "1.2", f"{run.wall / two.wall:.2f} ({run.wall:.2f} s)", "")
    return {"cpu": one.cpu / tree.quasars, "bytes": one.read / tree.quasars}


def own_wall(run):
    """Wall seconds reported by the finder, which exclude the start of mpirun."""
    return float(re.search(r"([0-9.]+) s wall", run.said).group(1))


def two_at_a_time(bench, wide, env):
    """The wall time of two concurrent single-threaded finders, each with its own redshift catalogs: the ideal speed-up
    of two cores on this machine."""
    other = SimpleNamespace(work=wide.root / "work-2")
    if not other.work.exists():
        shutil.copytree(wide.work, other.work, copy_function=os.link)
    walls = []
    for _ in range(bench.repeats):
        started = time.monotonic()
        both = [subprocess.Popen([bench.bin / "fastbal", *map(str, find(tree, 1))], stdout=subprocess.DEVNULL,
                                 env=bench.env | env) for tree in (wide, other)]
        check(all([run.wait() == 0 for run in both]), "two finders at a time: one failed")
        walls.append(time.monotonic() - started)
    return statistics.median(walls)


def measure_ranks(bench, tree, table, growth):
    """Scaling with single-threaded ranks, on a tree large enough for the start of MPI to be negligible."""
    wide = wider_tree(bench, tree, 2 if bench.short else 48)
    env = {"DESI_SPECTRO_REDUX": str(wide.redux)}
    ranks, first = {}, None
    for n in (1, 2):
        command = ["mpirun", "-n", n, "--oversubscribe", bench.bin / "fastbal", *find(wide, 1), "--mpi"]
        ranks[n] = statistics.median(own_wall(bench.once(*command, **env)) for _ in range(min(3, bench.repeats)))
        files = fits_files(wide.work)
        check(first is None or files == first, f"{n} ranks and one differ")
        first = files
    table.add("2 ranks: times as fast as 1", "1.9", f"{ranks[1] / ranks[2]:.2f} ({ranks[1]:.2f} s, {ranks[2]:.2f} s)",
              "")
    growth.add("find, ranks of one thread", *[f"{n}: {wall:.2f} s" for n, wall in ranks.items()])


def measure_parallel(bench, tree, table, growth):
    """Scaling with threads, on a tree large enough for the start of the program to be negligible."""
    wide = wider_tree(bench, tree, 2 if bench.short else 16)
    env = {"DESI_SPECTRO_REDUX": str(wide.redux)}
    cores = len(os.sched_getaffinity(0))
    threads, first = {}, None
    for n in sorted({1, 2, cores}):
        threads[n] = bench.fastbal(*find(wide, n), **env)
        files = fits_files(wide.work)
        check(first is None or files == first, f"{n} threads and one differ")
        first = first or files
    table.add("2 threads: times as fast as 1", "1.9", f"{threads[1].wall / threads[2].wall:.2f} "
              f"({threads[1].wall:.2f} s, {threads[2].wall:.2f} s)", "")
    apart = two_at_a_time(bench, wide, env)
    table.add("two finders side by side: times as fast as one after the other", "",
              f"{2 * threads[1].wall / apart:.2f} ({apart:.2f} s)", "")
    growth.add("find, threads", *[f"{n}: {run.wall:.2f} s" for n, run in threads.items()])
    if bench.has_mpi:
        measure_ranks(bench, tree, table, growth)
    else:
        table.add("2 ranks: times as fast as 1", "1.9", "built without MPI", "")


def measure_pixels(bench, tree, growth):
    points = []
    for times in (1, 4, 16):
        wide = wider_tree(bench, tree, times)
        run = bench.fastbal(*find(wide, 2), DESI_SPECTRO_REDUX=str(wide.redux))
        points.append(f"{wide.pixels}: {run.wall:.2f} s, {run.memory:.0f} MB")
    growth.add("find, 2 threads, pixels", *points)


# ---- split and append ----

def check_split(catalog, out):
    """Check that redshift catalogs hold every row once, in its pixel."""
    rows = np.sort(fits.getdata(catalog.qso, 1), order="TARGETID")
    files = sorted(out.rglob("zafter-*.fits"))
    check(len(files) == catalog.pixels, f"{len(files)} redshift catalogs, not {catalog.pixels}")
    tables = [fits.getdata(path, 1) for path in files]
    pixels = np.repeat([int(path.stem.rsplit("-", 1)[1]) for path in files], [len(table) for table in tables])
    ids = np.concatenate([table["TARGETID"] for table in tables])
    order = np.argsort(ids)
    check(np.array_equal(ids[order], rows["TARGETID"]), "split: TARGETIDs differ from the catalog's")
    check(np.array_equal(pixels[order], rows["HPXPIXEL"]), "split: rows are in other pixels")
    z = np.concatenate([table["Z"] for table in tables])
    check(np.array_equal(z[order], rows["Z"]), "split: redshifts differ from the catalog's")


def check_append(catalog, out):
    """Check that the catalog has the cells of the input and of the BAL tables, and correct checksums."""
    with fits.open(out, checksum=True, memmap=True) as hdus:
        check(hdus[1].verify_checksum() == 1 and hdus[1].verify_datasum() == 1, "append: checksums are wrong")
        source, data = fits.getdata(catalog.qso, 1), hdus[1].data
        for name in ("TARGETID", "Z", "TARGET_RA", "HPXPIXEL"):
            check(np.array_equal(source[name], data[name]), f"append: {name} differs from the catalog's")
        inside = (source["Z"] >= Z_MIN) & (source["Z"] <= Z_MAX)
        check(np.array_equal(data["BALMASK"], np.where(inside, 0, 3)), "append: BALMASK is wrong")
        step = max(1, catalog.pixels // 50)
        for path in sorted(catalog.tables.rglob("baltable-*.fits"))[::step]:
            table = fits.getdata(path, 1)
            rows = (table["TARGETID"] - source["TARGETID"][0]) // 7  # as make_catalog.py gave them
            for name in ("PCA_COEFFS", "PCA_CHI2", "VMIN_CIV_450", "FMIN_SIIV_2000", "SNR_FOREST", *TROUGHS):
                check(np.array_equal(table[name], data[name][rows]), f"append: {name} differs from {path}")


def split(bench, catalog):
    """Each run writes to a new folder: ext4 is slow in folders from which many files were recently deleted."""
    out, old = bench.folder / "split", bench.folder / "split-old"

    def before():
        if out.exists():
            old.mkdir(exist_ok=True)
            out.rename(old / str(len(list(old.iterdir()))))
        os.sync()
    run = bench.fastbal("split", "-q", catalog.qso, "-a", out, before=before)
    check_split(catalog, out)
    before()
    shutil.rmtree(old)
    return run


def append(bench, catalog):
    out = bench.folder / "appended.fits"

    def before():
        out.unlink(missing_ok=True)
        os.sync()
    run = bench.fastbal("append", "-q", catalog.qso, "-b", catalog.tables, "-o", out,
                        "-l", out.with_suffix(".log"), before=before)
    check_append(catalog, out)
    out.unlink()
    return run


def measure_catalogs(bench, like, table):
    rows, pixels = (20_000, 200) if bench.short else (800_000, 4093)
    catalog = make_catalog(bench, like, rows, pixels)
    run = split(bench, catalog)
    table.add(f"split, {rows:,} rows, {pixels:,} pixels: wall", "1.5 s", f"{run.wall:.2f} s", "38 s")
    table.add("the same: peak memory", "", f"{run.memory:.0f} MB", "800 MB")
    run = append(bench, catalog)
    table.add(f"append, {rows:,} rows in random order: wall", "3 s", f"{run.wall:.2f} s", "156 s")
    table.add("the same: peak memory", "200 MB", f"{run.memory:.0f} MB", "2,600 MB")
    costs = {"append": run.wall / rows}
    run = append(bench, make_catalog(bench, like, rows, pixels, grouped=True))
    table.add("append, rows pixel by pixel: wall", "3 s", f"{run.wall:.2f} s", "")
    return costs


def measure_rows(bench, like, growth):
    for step, name in ((split, "split"), (append, "append")):
        points = []
        for rows in (200_000, 800_000, 3_200_000):
            run = step(bench, make_catalog(bench, like, rows, 4093))
            points.append(f"{rows:,}: {run.wall:.2f} s, {run.memory:.0f} MB")
        growth.add(f"{name}, rows over 4,093 pixels", *points)
    points = []
    for pixels in (500, 2000, 4093):
        run = split(bench, make_catalog(bench, like, 200_000, pixels))
        points.append(f"{pixels:,}: {run.wall:.2f} s")
    growth.add("split, 200,000 rows, pixels", *points)


# ---- a full data release ----

def predict(costs):
    """The formula of docs/performance.md, as a table: 2 million quasars in 20,000 files."""
    n, cores = 2e6, 128
    prediction = Table("file system reads", f"1 node of {cores} cores", f"8 nodes of {cores} cores")
    for rate in (1e9, 1e10, 1e11):
        cells = []
        for nodes in (1, 8):
            computing, reading = n * costs["cpu"] / (nodes * cores), n * costs["bytes"] / rate
            catalog = n * costs["append"]
            cells.append(f"{max(computing, reading) + catalog:.0f} s ({computing:.1f} s computing, "
                         f"{reading:.0f} s reading, {catalog:.0f} s the catalog)")
        prediction.add(f"{rate / 1e9:.0f} GB/s", *cells)
    return (f"per quasar: {1e6 * costs['cpu']:.0f} µs CPU, {costs['bytes'] / 1e3:.0f} kB read; "
            f"{1e6 * costs['append']:.2f} µs a row of the catalog\n\n{prediction}")


# ---- tables ----

def processor():
    """Its name where the system tells it."""
    try:
        found = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found.group(1) if found else "unknown processor"


class Table:
    def __init__(self, *titles):
        self.lines = [titles, ["---"] * len(titles)]

    def add(self, *cells):
        self.lines.append([*cells, *[""] * (len(self.lines[0]) - len(cells))])
        print("   ".join(cells), file=sys.stderr)

    def __str__(self):
        return "\n".join("| " + " | ".join(cells) + " |" for cells in self.lines)


def main():
    parser = argparse.ArgumentParser(description="Measure fastbal, print its figures beside their targets.")
    parser.add_argument("build", type=Path, help="the folder fastbal was built in")
    parser.add_argument("--short", action="store_true", help="small files, few runs")
    parser.add_argument("--growth", action="store_true", help="how time grows, too")
    parser.add_argument("--repeats", type=int, help="runs of each step")
    options = parser.parse_args()
    bench = Bench(options.build.resolve(), options.short, options.repeats or (2 if options.short else 5))
    bench.folder.mkdir(exist_ok=True)
    table, growth = Table("figure", "target", "measured", "reference"), Table("time as it grows", "", "", "")
    try:
        tree = make_tree(bench)
        costs = measure_find(bench, tree, table)
        like = next(path for path in sorted(tree.work.rglob("baltable-*.fits")))
        costs |= measure_catalogs(bench, like, table)
        measure_parallel(bench, tree, table, growth)
        if options.growth:
            measure_pixels(bench, tree, growth)
            measure_rows(bench, like, growth)
    except Wrong as wrong:
        print(f"bench.py: {wrong}", file=sys.stderr)
        return 1
    print(f"{processor()}, {platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores, load "
          f"{os.getloadavg()[0]:.1f}; medians of {bench.repeats} runs\n\n{table}")
    if options.growth:
        print(f"\n{growth}\n\n{predict(costs)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
