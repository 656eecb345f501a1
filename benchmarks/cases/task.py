# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 7: what one task costs that finds all as it should be, beside a task that does nothing at all."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.ansible_run import duration, playbook
from benchmarks.harness import Row, emit, is_quick

OURS, PING, PEER = "containerland.net.veth", "ansible.builtin.ping", "community.general.ip_netns"
#: The leg of a container, as README has it.
VETH = {
    "name": "web1",
    "master": "shop0",
    "mtu": 1450,
    "peer": {"name": "eth0", "netns": "web1", "addresses": ["10.244.1.10/24"], "mtu": 1450},
}
SETUP = (
    {"containerland.net.netns": {"name": "web1"}},
    {"containerland.net.bridge": {"name": "shop0", "addresses": ["10.244.1.1/24"]}},
    {OURS: VETH},
)
TASKS: Mapping[str, Mapping[str, Any]] = {PING: {}, OURS: VETH, PEER: {"name": "web1"}}


def seconds(number: int) -> dict[str, float]:
    """The median duration of a task of each kind, in one play in which they take turns."""
    # The first of each is not counted: the controller builds the payload of a module once per run.
    tasks = [*SETUP, *({name: options} for _ in range(number + 1) for name, options in TASKS.items())]
    with tempfile.TemporaryDirectory() as scratch:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        found = playbook([play], Path(scratch))
    took: dict[str, list[float]] = {}
    for task in found[len(SETUP) + len(TASKS) :]:
        if task["hosts"]["localhost"]["changed"]:
            raise SystemExit(f"task: {task['task']['name']} changed something")
        took.setdefault(task["hosts"]["localhost"]["action"], []).append(duration(task))
    if {len(times) for times in took.values()} != {number} or set(took) != set(TASKS):
        raise SystemExit(f"task: expected {number} of each of {', '.join(TASKS)}, got {took}")
    return {name: statistics.median(times) for name, times in took.items()}


def main() -> None:
    number = 2 if is_quick() else 20
    found = seconds(number)
    note = f"one host, local connection, pipelining; medians of {number} tasks of each kind that take turns in a play"
    row = Row(
        "7 a veth task, no change", found[OURS], found[PING], {PEER: found[PEER]}, against={"floor": 1.5}, note=note
    )
    emit([row])


if __name__ == "__main__":
    main()
