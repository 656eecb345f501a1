# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark's cases share: rounds that alternate, their medians, and rows that the runner can read."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
import time
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
    return done.stdout


def medians(one_round: Callable[[], Mapping[str, float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each figure over several rounds; each round measures all, so that a slow minute hits all."""
    found = [one_round() for _ in range(rounds)]
    return {name: statistics.median(figures[name] for figures in found) for name in found[0]}


def emit(rows: Iterable[Row]) -> None:
    """Hands rows to the runner as they come."""
    for row in rows:
        print(json.dumps(dataclasses.asdict(row)), flush=True)


def is_quick() -> bool:
    """Whether small sizes and one round are wanted, to see that a case works."""
    return "--quick" in sys.argv[1:]
