# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the engine in a process of their own, as a module's are.

What one takes includes the interpreter, and compiling what is imported, for on a node modules come as source; not what
Ansible does besides, which case 7 measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.harness import CHECKOUT


def seconds(module: str, options: Mapping[str, Any], changed: bool) -> float:
    """What a run takes; its answer has to be the expected one."""
    given = json.dumps(options)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_run", module],
        input=given,
        text=True,
        capture_output=True,
        check=False,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    took = time.perf_counter() - began
    if done.returncode or json.loads(done.stdout)["changed"] is not changed:
        raise SystemExit(f"{module}: expected changed={changed}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return took


def start(module: str) -> float:
    """What is left of it when there is nothing to look at: interpreter and imports."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.one_run", module, "--only-import"]
    subprocess.run(command, check=True, cwd=CHECKOUT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return time.perf_counter() - began
