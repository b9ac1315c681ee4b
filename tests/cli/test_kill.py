"""SIGKILL at random moments: files under final names are complete, and the same command resumes.

make test-long kills 300 times, and says how; FASTBAL_SEED=N for other moments.

SPDX-License-Identifier: BSD-3-Clause
"""
import random
import shutil
import time

import pytest

from many import Many, temporary
from support import DONE, LONG, SEED

COMMANDS = ("split", "find", "append", "run")
KILLS = 300 if LONG else 20  # of runs that had not ended by themselves
NPIXELS = 60
MOST_IN_A_ROW = 3  # kills before a run is left alone


def finish(tree, name):
    started = time.monotonic()
    process = tree.start(name)
    out, err = process.communicate()
    assert process.returncode == DONE, out + err
    assert err == ""
    return time.monotonic() - started


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """The outputs of uninterrupted commands on a survey, and their durations."""
    tree = Many.make(tmp_path_factory.mktemp("many") / "tree", NPIXELS)
    tree.seconds, tree.before, tree.after = {}, {}, {}
    for name in ("split", "find", "append"):
        if name == "append":  # or it would be over at once
            shutil.copy(tree.qso, tree.root / "small.fits")
            tree.add_others(20000)
        tree.before[name] = tree.z.with_name(f"before-{name}")
        if tree.z.exists():
            shutil.copytree(tree.z, tree.before[name])
        tree.seconds[name] = finish(tree, name)
        tree.after[name] = tree.outputs()
    tree.out.unlink()
    shutil.rmtree(tree.z)
    shutil.copy(tree.qso, tree.root / "large.fits")
    shutil.copy(tree.root / "small.fits", tree.qso)
    tree.before["run"] = tree.z.with_name("before-run")
    tree.seconds["run"] = finish(tree, "run")
    tree.after["run"] = tree.outputs()
    return tree


def start_over(tree, name):
    shutil.rmtree(tree.z, ignore_errors=True)
    tree.out.unlink(missing_ok=True)
    shutil.copy(tree.root / ("large.fits" if name == "append" else "small.fits"), tree.qso)
    if tree.before[name].exists():
        shutil.copytree(tree.before[name], tree.z)


def kill_one(tree, name, moment):
    """Start, and kill after so many seconds. Was it still running?"""
    process = tree.start(name)
    time.sleep(moment)
    running = process.poll() is None
    process.kill()
    process.communicate()
    return running


def check_what_is_there(tree, name):
    """Every file with a final name is whole. Says whether something was left half done."""
    there = tree.outputs()
    final = {k: v for k, v in there.items() if "_tmp" not in k}
    assert final == {k: tree.after[name][k] for k in final}
    return len(there) > len(final), 0 < len(final) < len(tree.after[name])


def test_kills(survey):
    rng = random.Random(SEED)
    kills, round_number = dict.fromkeys(COMMANDS, 0), 0
    before_the_end, temporaries, partial = (dict.fromkeys(COMMANDS, 0) for _ in range(3))
    while sum(before_the_end.values()) < KILLS:
        name = COMMANDS[round_number % len(COMMANDS)]
        round_number += 1
        start_over(survey, name)
        for _ in range(rng.randint(1, MOST_IN_A_ROW)):
            before_the_end[name] += kill_one(survey, name, rng.uniform(0, survey.seconds[name]))
            kills[name] += 1
            half, some = check_what_is_there(survey, name)
            temporaries[name] += half
            partial[name] += some
            if survey.out.exists():
                break
        if not survey.out.exists():
            finish(survey, name)
        elif temporary(survey):  # the catalog got its name, and nothing else can be left behind
            assert False, temporary(survey)
        assert survey.outputs() == survey.after[name], f"{name}, seed {SEED}, round {round_number}"
    print(f"\nseed {SEED}: {sum(kills.values())} kills in {round_number} rounds")
    for name in COMMANDS:
        print(f"{name}: {kills[name]} kills over {survey.seconds[name]:.2f} s, {before_the_end[name]} before the end; "
              f"{temporaries[name]} left a temporary file, {partial[name]} some of the outputs")
    assert sum(partial.values()) > 0
