"""Run commands with injected failures of single calls: see tests/faults/faults.c and test_faults.py.

SPDX-License-Identifier: BSD-3-Clause
"""
import errno
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import support

LIBRARY = Path(os.environ.get("FASTBAL_FAULTS", support.BIN.parent / "tests" / "faults.so"))

PART = -1  # in place of an errno: half of what was to be read or written
FROM_THERE_ON = 1 << 30
ERRORS = {
    "open": ("EACCES", "EIO", "EMFILE", "ESTALE", "ENOSPC", "EDQUOT", "ENOMEM", "EINTR"),
    "read": ("EIO", "ESTALE", "EINTR", "PART"),
    "write": ("ENOSPC", "EIO", "EDQUOT", "EINTR", "PART"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "close": ("EIO", "ENOSPC", "EDQUOT"),
    "rename": ("EACCES", "EIO", "ENOSPC", "EDQUOT"),
    "mkdir": ("EACCES", "EIO", "ENOSPC", "EDQUOT"),
    "directory": ("EACCES", "EIO", "EMFILE", "ESTALE"),
    "stat": ("EACCES", "EIO", "ESTALE"),
    "thread": ("EAGAIN",),
    "memory": ("ENOMEM",),
    "memory-libc": ("ENOMEM",),
    "memory-cfitsio": ("ENOMEM",),
    "memory-other": ("ENOMEM",),
}


class Fault(NamedTuple):
    kind: str
    n: int  # which call, from 1; 0: none
    error: str
    times: int = 1

    def __str__(self):
        return f"{self.kind} {self.n} {self.error}{'' if self.times == 1 else ' from there on'}"

    @property
    def number(self):
        return PART if self.error == "PART" else getattr(errno, self.error)


NONE = Fault("open", 0, "EIO")


class Result(NamedTuple):
    status: int  # -SIGNAL where one ended it
    stdout: str
    stderr: str
    calls: dict  # by kind
    fired: int  # how many failed, and the first of them:
    function: str
    caller: str
    path: str


class Server:
    """fastbal, forked for each run from a process that has been linked already."""

    def __init__(self, root, **changes):
        self.root = Path(root).resolve()
        self.out, self.err = self.root / "stdout", self.root / "stderr"
        env = support.environment(LD_PRELOAD=LIBRARY, FAULTS_ROOT=str(self.root) + "/", FAULTS_SERVER=1, **changes)
        self.process = subprocess.Popen([support.BIN / "fastbal"], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=-1)

    def run(self, arguments, fault=NONE):
        arguments = [str(a) for a in arguments]
        self.process.stdin.write("\n".join([
            f"{fault.kind} {fault.n} {fault.number} {fault.times}", str(self.out), str(self.err),
            str(len(arguments) + 1), "fastbal", *arguments, ""]))
        self.process.stdin.flush()
        status, calls, fired, function, caller, path = self.process.stdout.readline().rstrip("\n").split("\t")
        status = os.waitstatus_to_exitcode(int(status))
        calls = {name: int(n) for name, n in (word.split("=") for word in calls.split())}
        return Result(status, self.out.read_text(), self.err.read_text(errors="replace"), calls, int(fired), function,
                      caller, path)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


# ---- cases ----

class Case:
    """A command on small inputs that are only read, with one folder to write to, the same for all runs."""

    def __init__(self, server, name, arguments, inputs=None, again=(), variants=(), without=(), report=False):
        self.server, self.name, self.arguments = server, name, [str(a) for a in arguments]
        self.out = server.root / "out"
        self.inputs = inputs  # a folder whose contents are in the output folder at the start
        self.without = without  # kinds of faults
        self.report = report  # standard output is what the command is for
        self.again = list(again)  # options with which the command replaces what is there
        self.start()
        result = server.run(self.arguments)
        assert result.status == 0, (name, result)
        self.calls, self.said = result.calls, result.stdout
        self.expected = support.files(self.out)
        # alternative contents that a file may have after a partial failure
        self.partly = {}
        for path, data in variants:
            self.partly.setdefault(path, set()).add(data)

    def start(self):
        shutil.rmtree(self.out, ignore_errors=True)
        if self.inputs:
            shutil.copytree(self.inputs, self.out)
        else:
            self.out.mkdir()

    def faults(self, kinds=ERRORS):
        """Every fault that the command can meet."""
        return [Fault(kind, n, error, times) for kind in kinds if kind not in self.without
                for n in range(1, self.calls[kind] + 1) for error in ERRORS[kind] for times in ((1,) if error in ("EINTR", "PART") else (1, FROM_THERE_ON))]

    def run(self, fault):
        """("survived" or "said", []), or what is wrong."""
        self.start()
        result = self.server.run(self.arguments, fault)
        wrong = []
        if result.fired == 0:
            return "not met", result, []
        if result.status < 0:
            return "crashed", result, [signal.Signals(-result.status).name]
        if result.status == 0:
            wrong += self.differences(support.files(self.out), self.expected)
            if any(".fits" not in w for w in wrong):
                # A log that can't be written, or that counts a table which was made again, takes nothing from what was done.
                wrong = [w for w in wrong if ".fits" in w] + self.check_message(result, fault)
            if self.report and result.stdout != self.said:
                wrong.append("the report differs")
            return "survived", result, wrong
        wrong += self.check_files(result)
        wrong += self.check_message(result, fault)
        wrong += self.check_again(result)
        return "said", result, wrong

    def differences(self, found, expected):
        return ([f"{name}: not expected" for name in found.keys() - expected.keys()] +
                [f"{name}: missing" for name in expected.keys() - found.keys()] +
                [f"{name}: differs" for name in found.keys() & expected.keys() if found[name] != expected[name]])

    def check_files(self, result):
        """There are no temporary files, and all files under final names are correct."""
        wrong = []
        for name, data in support.files(self.out).items():
            if name not in self.expected:
                wrong.append(f"{name}: left behind")
            elif ".fits" in name and data != self.expected[name] and not (
                    result.status == support.PARTLY and data in self.partly.get(name, ())):
                wrong.append(f"{name}: wrong or in part")
        return wrong

    def check_message(self, result, fault):
        lines = result.stderr.splitlines()
        if not lines:
            return ["no message"]
        wrong = [f"message: {line}" for line in lines if not line.startswith("fastbal ")]
        if fault.kind.startswith(("memory", "thread")):
            return wrong
        # if several calls fail, the first need not be the cause
        path = result.path if fault.times == 1 else str(self.server.root)
        path = re.sub(r"(_tmp\d+-[^./]*)|( \(deleted\))|(_rows)", "", path)
        if not any(path in line for line in lines):
            wrong.append(f"message without the name of {path}: {lines}")
        # CFITSIO forgets why it could not read
        reason = os.strerror(max(fault.number, 0))
        if result.function not in ("fread", "fwrite") and not any(reason in line for line in lines):
            wrong.append(f"message without the reason {reason}: {lines}")
        return wrong

    def check_again(self, result):
        """The same command without faults completes the work."""
        done = (result.status == support.PARTLY or self.name == "simulate" or
                "is complete, but its folder" in result.stderr)
        again = self.server.run([*self.arguments, *(self.again if done else [])])
        if again.status != 0:
            return [f"once more: {again.stderr}"]

        def without_logs(files):
            return {name: data for name, data in files.items() if ".fits" in name}
        found = support.files(self.out)
        wrong = [f"once more: {w}" for w in self.differences(without_logs(found), without_logs(self.expected))]
        return wrong + [f"once more: {name}: left behind" for name in found.keys() - self.expected.keys()]


class Tally(Counter):
    """What was counted, and what went wrong."""

    def __init__(self):
        super().__init__()
        self.wrong = []

    def take(self, case, fault, outcome, result, wrong):
        self[outcome] += 1
        self[outcome, fault.kind] += 1
        if wrong:
            self.wrong.append((case.name, fault, outcome, result, wrong))

    def __str__(self):
        met = self["survived"] + self["said"] + self["crashed"]
        return (f"{met} faults: {self['survived']} survived, {self['said']} ended with a message, "
                f"{self['crashed']} crashed, {len(self.wrong)} not as promised")
