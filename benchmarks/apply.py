# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine in a process of its own, as a module's is: python -m benchmarks.apply MODULE <OPTIONS.json.

`seconds` starts that process from a case; what it takes includes the interpreter, and compiling what is imported, as
on a node, where modules come as source.
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
        [sys.executable, "-m", "benchmarks.apply", module],
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
    command = [sys.executable, "-m", "benchmarks.apply", module, "--only-import"]
    subprocess.run(command, check=True, cwd=CHECKOUT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    return time.perf_counter() - began


def main() -> None:
    import gc

    gc.disable()  # as runner.py does
    from plugins.module_utils._core.declare import declare_one
    from plugins.module_utils._core.engine import converge
    from plugins.module_utils._core.kernel.node import Node
    from plugins.module_utils._core.kernel.world import KernelWorld
    from plugins.module_utils._core.kinds import DECLARATIONS

    module = sys.argv[1]
    if "--only-import" in sys.argv:
        _ = DECLARATIONS[module]
        return
    options = json.load(sys.stdin)
    with Node() as node:
        report = converge(declare_one(module, options, node.canonical), KernelWorld(node))
    print(json.dumps({"changed": report.changed, "plan": report.plan.lines()[:3]}))


if __name__ == "__main__":
    main()
