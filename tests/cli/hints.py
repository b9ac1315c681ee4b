"""What a program opens, reads and announces: see tests/faults/hints.c.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
from pathlib import Path

from support import BIN

HINTS = Path(os.environ.get("FASTBAL_HINTS", BIN.parent / "tests" / "hints.so"))


def variables(report):
    return {"LD_PRELOAD": str(HINTS), "HINTS_REPORT": str(report)}


def lines(report):
    """(process, thread, kind, path) of each call."""
    return [line.split(" ", 3) for line in report.read_text().splitlines()]


def ahead(report):
    """{process: number of files prefetched while another was being read}."""
    last, counts = {}, {}
    for process, thread, kind, path in lines(report):
        if "/coadd-" not in path or kind == "open":
            continue
        announced = last.setdefault((process, thread), set())
        counts.setdefault(process, 0)
        if kind == "hint":
            announced.add(path)
        else:  # what is announced and then not the next that is read
            counts[process] += len(announced - {path})
            announced.clear()
    return counts
