"""Signals: pixels in progress are finished, no partial files remain, and the same command resumes.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from many import Many, temporary, wait_for
from support import BIN, DONE, PARTLY, SANITIZERS, needs_mpi, ranks_environment

NPIXELS = 100


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The survey, and what undisturbed commands make of it."""
    tree = Many.make(tmp_path_factory.mktemp("many") / "tree", NPIXELS)
    tree.expected = {}
    for name in ("split", "find", "append", "run"):
        if name == "run":
            tree.out.unlink()
            shutil.rmtree(tree.z)
        process = tree.start(name)
        out, err = process.communicate()
        assert process.returncode == DONE, err
        tree.expected[name] = tree.outputs()
        assert "_tmp" not in " ".join(tree.expected[name])
    tree.out.unlink()
    shutil.rmtree(tree.z)
    return tree


@pytest.fixture
def many(original, tmp_path):
    tree = original.another(tmp_path / "tree")
    tree.expected = original.expected
    return tree


def has_begun(tree, name):
    """Has the command written some, but not all, of its outputs?"""
    if name == "append":
        return lambda: any("_tmp" in name for name in os.listdir(tree.out.parent))
    kind = "zafter-" if name == "split" else "baltable-"
    return lambda: sum(1 for p in tree.z.rglob(kind + "*") if "_tmp" not in p.name) >= 3


def check_finished(tree, name, *options):
    """The same command does the rest."""
    process = tree.start(name, *options)
    out, err = process.communicate()
    assert process.returncode == DONE, err
    assert err == ""
    got = tree.outputs()
    assert got == {k: tree.expected[name][k] for k in got} and len(got) == len(tree.expected[name])
    return out


def prepare(tree, name):
    if name in ("find", "append"):
        assert tree.start("split").wait() == DONE
    if name == "append":
        assert tree.start("find").wait() == DONE


# ---- one signal ----

@pytest.mark.parametrize("name, number", [
    *((name, number) for name in ("split", "find", "run") for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
    *(("find", number) for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXCPU))])
def test_stops_and_goes_on(many, name, number):
    prepare(many, name)
    process = many.start(name)
    assert wait_for(has_begun(many, name), process)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 128 + number
    line, = err.splitlines()
    assert line.startswith(f"fastbal {name}: stopped by {signal.Signals(number).name}, ")
    assert line.endswith("the same command goes on from here")
    assert temporary(many) == [] and not many.out.exists()
    done = many.outputs()
    assert done and all(many.expected[name][k] == data for k, data in done.items())
    left = int(line.split()[5])
    assert 0 < left < NPIXELS and f"{left} of {NPIXELS} pixels left" in line
    log = (many.log if name == "find" else many.z / "logfile-main-dark.txt").read_text().splitlines()
    assert any(text.startswith(f"Stopped by {signal.Signals(number).name}") for text in log)
    assert f" {NPIXELS - left} kept, 0 failed" in check_finished(many, name)


def test_alarm_of_a_process_group(many):
    """timeout(1) sends its signal to its child and then to the group; the second SIGALRM is not our own."""
    prepare(many, "find")
    process = many.start("find")
    assert wait_for(has_begun(many, "find"), process)
    for _ in range(2):
        process.send_signal(signal.SIGALRM)
        time.sleep(0.01)
    _, err = process.communicate()
    assert process.returncode == 128 + signal.SIGALRM and err.endswith("the same command goes on from here\n"), err


def is_writing_rows(tree):
    """Has more been written of the catalog than its header and what the pixels gave?"""
    for path in tree.out.parent.glob("*_tmp*"):
        try:
            info = path.stat()
        except FileNotFoundError:
            return False
        return info.st_size > 1e7 and info.st_blocks * 512 > 0.1 * info.st_size
    return False


def stop_at(many, condition, start):
    """What a command that makes a catalog says when it is stopped then; it may be too quick for that."""
    for _ in range(20):
        process = start()
        reached = wait_for(condition, process)
        process.terminate()
        out, err = process.communicate()
        if process.returncode != DONE:
            assert reached and process.returncode == 128 + signal.SIGTERM, (out, err)
            assert list(many.out.parent.iterdir()) == []
            line, = err.splitlines()
            return out, line
        many.out.unlink()
    raise AssertionError("always too late")


def test_append_leaves_nothing(many):
    """One file, so nothing of it can be kept."""
    prepare(many, "append")
    many.add_others(100000)
    for condition, some in ((has_begun(many, "append"), True), (lambda: is_writing_rows(many), False)):
        out, line = stop_at(many, condition, lambda: many.start("append"))
        assert "was not written" in out and line.endswith(" pixels left: the same command starts again")
        left = int(re.fullmatch("fastbal append: stopped by SIGTERM, (.*) of .*", line)[1])
        assert (left > 0) == some
    process = many.start("append")
    assert process.wait() == DONE and [p.name for p in many.out.parent.iterdir()] == [many.out.name]


def test_run_without_bal_tables(many):
    """Nothing is kept, and the line says so."""
    def start():
        return subprocess.Popen([BIN / "fastbal", "run", "-q", many.qso, "-r", "sim", "-o", many.out, "--templates",
                                 "builtin", "--nproc", "1"], env=many.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
    out, line = stop_at(many, has_begun(many, "append"), start)
    assert "was not written" in out and "nothing is kept" in line
    assert not many.z.exists()


def test_clobber_is_told_apart(many):
    """With --clobber, the same command would start from scratch."""
    prepare(many, "find")
    process = many.start("find", "--clobber")
    assert wait_for(has_begun(many, "find"), process)
    process.terminate()
    assert "the same command without --clobber goes on from here" in process.communicate()[1]
    check_finished(many, "find")


def test_several_threads(many):
    prepare(many, "find")
    process = many.start("find", "--nproc", 4)
    assert wait_for(has_begun(many, "find"), process)
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM and temporary(many) == []
    check_finished(many, "find")


# ---- other senders ----

def test_two_at_a_time_are_one(many):
    """As from timeout(1), which sends to the process and to its group."""
    prepare(many, "find")
    process = many.start("find")
    assert wait_for(has_begun(many, "find"), process)
    process.terminate()
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM and "stopped by SIGTERM" in err
    assert temporary(many) == []
    check_finished(many, "find")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
@pytest.mark.skipif("thread" in SANITIZERS, reason="the thread sanitizer keeps signals back until write() returns")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_one_ends_it_at_once(many, number):
    """A run that blocks on progress output to a full pipe."""
    prepare(many, "find")
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    process = many.start("find", "-v", "--chunk-size", 1, stdout=writer)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.7)
    process.send_signal(signal.SIGXCPU)  # the system sends it each second
    process.send_signal(signal.SIGUSR1)
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=20) == -number
    os.close(reader)
    os.close(writer)
    check_finished(many, "find")


def test_ignored_signals_stay_ignored(many):
    """As with nohup, and for jobs in the background of a script."""
    prepare(many, "find")
    process = many.start("find", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert wait_for(has_begun(many, "find"), process)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate()
    assert process.returncode == DONE, err
    assert many.outputs() == many.expected["find"]


# ---- files that hang ----

HANG = Path(os.environ.get("FASTBAL_HANG", BIN.parent / "tests" / "hang.so"))


@pytest.mark.skipif(not HANG.exists(), reason="needs the library that makes calls hang: Linux, without sanitizers")
@pytest.mark.parametrize("name, threads, how", [("find", 1, "soft"), ("run", 1, "soft"), ("find", 1, "hard"),
                                                ("find", 3, "hard"), ("run", 3, "hard")])
def test_a_file_that_hangs(many, tmp_path, name, threads, how):
    """One signal is enough. If it interrupts the call, the run ends cleanly; else the program exits after a delay."""
    prepare(many, name)
    pixel = sorted(many.pixels)[NPIXELS // 2]
    mark = tmp_path / "mark"
    process = many.start(name, "--nproc", threads, env=many.env | {
        "LD_PRELOAD": str(HANG), "HANG_FILE": many.coadd(pixel).name, "HANG_HOW": how, "HANG_MARK": str(mark)})
    assert wait_for(mark.exists, process)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    line, = err.splitlines()
    assert line.startswith(f"fastbal {name}: stopped by SIGTERM, ")
    if how == "soft":
        assert " pixels left: the same command goes on from here" in line and out
        assert temporary(many) == []
    else:
        assert "abandoned" in line and "run the same command again" in line
    assert not many.baltable(pixel).exists() and not many.out.exists()
    done = {k: data for k, data in many.outputs().items() if "_tmp" not in k}
    assert done and all(many.expected[name][k] == data for k, data in done.items())
    check_finished(many, name)


@pytest.mark.skipif(not HANG.exists(), reason="needs the library that makes calls hang: Linux, without sanitizers")
@pytest.mark.parametrize("how, words", [("soft", "stopped while it was opened"), ("hard", "abandoned")])
@pytest.mark.parametrize("name, file", [("split", "qso.fits"), ("run", "qso.fits")])
def test_a_catalog_that_hangs(many, tmp_path, name, file, how, words):
    """Before there are pixels."""
    mark = tmp_path / "mark"
    process = many.start(name, env=many.env | {"LD_PRELOAD": str(HANG), "HANG_FILE": file, "HANG_HOW": how,
                                               "HANG_MARK": str(mark)})
    assert wait_for(mark.exists, process)
    process.terminate()
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    line, = err.splitlines()
    assert line.startswith(f"fastbal {name}: ") and words in line and "same command" in line


# ---- standard output: see also test_output.py ----

@pytest.mark.parametrize("name", ["find", "run"])
def test_a_reader_that_goes_away(many, name):
    """fastbal find -v | head -1: every result is there, and whole."""
    prepare(many, name)
    process = many.start(name, "-v", "--chunk-size", 1)
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait() == DONE
    assert process.stderr.read() == ""
    assert many.outputs() == many.expected[name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output(many):
    """Unlike a closed pipe, this is an error: output is lost."""
    prepare(many, "find")
    with open("/dev/full", "w") as full:
        process = many.start("find", stdout=full)
        _, err = process.communicate()
    assert process.returncode == PARTLY and "standard output" in err
    assert many.outputs() == many.expected["find"]


def test_simulate(tmp_path):
    """Between pixels: existing files are complete."""
    process = subprocess.Popen([BIN / "fastbal", "simulate", tmp_path / "tree", "--pixels", "200", "--quasars", "3",
                                "--others", "0", "--no-resolution"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    assert wait_for(lambda: len([p for p in tmp_path.rglob("coadd-*") if "_tmp" not in p.name]) >= 2, process)
    process.terminate()
    out, err = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, (out, err)
    assert "stopped by SIGTERM" in err and "--overwrite" in err
    assert [p for p in tmp_path.rglob("*_tmp*")] == []


# ---- several ranks ----

def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ranks_of(process):
    """Process ids of the ranks, as soon as there are any."""
    found = []

    def there():
        found[:] = [p for p in children(process.pid)
                    if b"fastbal" in Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[0]]
        return len(found) == 2
    assert wait_for(there, process)
    return found


@needs_mpi
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
@pytest.mark.parametrize("name", ["find", "run"])
@pytest.mark.parametrize("who", [[0], [1], [0, 1]])
def test_ranks(many, name, who):
    """A signal to one rank ends them all."""
    prepare(many, name)
    process = many.start(name, "--mpi", prefix=["mpirun", "-n", "2"], env=ranks_environment(many.env))
    ranks = sorted(ranks_of(process))
    assert wait_for(has_begun(many, name), process)
    for k in who:
        os.kill(ranks[k], signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, (out, err)
    said = [line for line in err.splitlines() if line.startswith("fastbal")]
    assert len(said) == 1 and "stopped by SIGTERM" in said[0] and "goes on from here" in said[0]
    assert temporary(many) == [] and not many.out.exists()
    check_finished(many, name)
