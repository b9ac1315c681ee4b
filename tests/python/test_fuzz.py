"""No argument crashes the package. FASTBAL_FUZZ_SECONDS sets how long that is tried.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
import subprocess
import sys
from pathlib import Path


def test_arguments_of_all_kinds():
    seconds, seed = os.environ.get("FASTBAL_FUZZ_SECONDS", "5"), os.environ.get("FASTBAL_SEED", "1")
    done = subprocess.run([sys.executable, "-B", Path(__file__).with_name("fuzz_binding.py"), seed, seconds], capture_output=True,
                          text=True, timeout=300 + 3 * float(seconds))
    cases = done.stdout.splitlines()
    assert done.returncode == 0, f"status {done.returncode} after {cases[-1:]}\n{done.stderr}"
    assert len(cases) > 20
