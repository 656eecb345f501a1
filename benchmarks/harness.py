# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark's cases share: rounds that alternate, their medians, and rows that the runner can read."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        case: number of the case, what is done, how many: "1 build, 1,000 containers".
        ours: median seconds (or what `unit` says) of this collection.
        floor: of what can't be faster; None if the case has none.
        peers: name → median of what people use instead; the first is the one that a target speaks of.
        against: the target ratios: {"floor": 1.5, "peer": 0.25, "case 1": 0.3}; empty if none was set.
        compared: other rows' figures that a target speaks of: {"case 1": seconds}.
        note: what the reader has to know: what is extrapolated, and from what.
    """

    case: str
    ours: float
    floor: float | None = None
    peers: Mapping[str, float] = dataclasses.field(default_factory=dict)
    against: Mapping[str, float] = dataclasses.field(default_factory=dict)
    compared: Mapping[str, float] = dataclasses.field(default_factory=dict)
    unit: str = "s"
    note: str = ""


def clock(action: Callable[[], Any]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def run(*command: str, given: str = "", **options: Any) -> str:
    """A command's output; ends the benchmark with what it said if it fails."""
    done = subprocess.run(command, input=given, text=True, capture_output=True, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]}: exit {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    output: str = done.stdout
    return output


def compiled(program: str) -> str:
    """Path of a floor's program, compiled from benchmarks/floor into the temporary directory."""
    target = Path(tempfile.mkdtemp(prefix="floor-")) / program
    run("cc", "-O2", "-o", str(target), str(CHECKOUT / f"benchmarks/floor/{program}.c"))
    return str(target)


class Engine:
    """This collection's engine, each run a process of its own: Python starts, imports, works, ends.

    It runs from an archive without compiled files, for that is how Ansible ships a module: compiling is part of the
    price of every run.

    Attributes:
        inside: seconds of the last run without starting and importing.
    """

    def __init__(self) -> None:
        self._archive = str(Path(tempfile.mkdtemp(prefix="engine-")) / "engine.zip")
        self.inside = 0.0
        core = Path("plugins/module_utils/_core")
        with zipfile.ZipFile(self._archive, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(CHECKOUT / "benchmarks/engine_once.py", "__main__.py")
            for package in (core, *core.parents[:-1]):
                archive.writestr(f"{package}/__init__.py", "")
            for path in sorted((CHECKOUT / core).rglob("*.py")):
                archive.write(path, path.relative_to(CHECKOUT))

    def apply(self, module: str, options: Mapping[str, Any], changed: bool) -> float:
        """Wall clock seconds of a run; ends the benchmark if it does not say what is expected."""
        asked = json.dumps({"module": module, "options": options})
        began = time.perf_counter()
        said = json.loads(run(sys.executable, "-B", self._archive, given=asked))
        took = time.perf_counter() - began
        if said["changed"] is not changed:
            raise SystemExit(f"{module}: changed={said['changed']} with {said['changes']} changes, against expectation")
        self.inside = said["seconds"]
        return took


def settle() -> None:
    """Waits until the kernel has taken down all deleted namespaces; it does so in the background, in order."""
    run("ip", "netns", "add", "settle")
    run("ip", "link", "add", "settle", "type", "veth", "peer", "name", "far", "netns", "settle")
    run("ip", "netns", "delete", "settle")
    while Path("/sys/class/net/settle").exists():
        time.sleep(0.005)


def medians(one_round: Callable[[], Mapping[str, float]], rounds: int = 0) -> dict[str, float]:
    """The median of each figure over several rounds; each round measures all, so that a slow minute hits all.

    Args:
        rounds: how many; by default three, or one if it is to be quick.
    """
    found = [one_round() for _turn in range(rounds or (1 if is_quick() else ROUNDS))]
    return {name: statistics.median(figures[name] for figures in found) for name in found[0]}


def emit(rows: Iterable[Row]) -> None:
    """Hands rows to the runner as they come."""
    for row in rows:
        print(json.dumps(dataclasses.asdict(row)), flush=True)


def ansible_environment(**more: str) -> dict[str, str]:
    """The environment that playbooks run in, with the benchmark's own callbacks.

    Of PYTHON*, some (PYTHONUNBUFFERED) slow down modules that come by a pipe; a node that one logs into has none.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**inherited, "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "benchmarks/callbacks"), **more}


def is_quick() -> bool:
    """Whether small sizes and one round are wanted, to see that a case works."""
    return "--quick" in sys.argv[1:]
