# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 7: what one task costs that finds all as it should be, beside a task that does nothing at all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.ansible_run import PEERS, tasks
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
TASKS: Mapping[str, Mapping[str, Any]] = {
    PING: {},
    OURS: VETH,
    # Not there where only the tests were set up.
    **({PEER: {"name": "web1"}} if PEERS.is_dir() else {}),
}


def seconds(number: int) -> dict[str, float]:
    """The median duration of a task of each kind, in one play in which they take turns."""
    # The first of each is not counted: the controller builds the payload of a module once per run.
    turns = [{name: options} for _turn in range(number + 1) for name, options in TASKS.items()]
    took: dict[str, list[float]] = {}
    for done in tasks([*SETUP, *turns])[len(SETUP) + len(TASKS) :]:
        if done.changed:
            raise SystemExit(f"task: {done.action} changed something")
        took.setdefault(done.action, []).append(done.seconds)
    if set(took) != set(TASKS) or {len(times) for times in took.values()} != {number}:
        raise SystemExit(f"task: expected {number} of each of {', '.join(TASKS)}, got {took}")
    return {name: statistics.median(times) for name, times in took.items()}


def main() -> None:
    number = 2 if is_quick() else 20
    found = seconds(number)
    note = f"one host, local connection, pipelining; medians of {number} tasks of each kind that take turns in a play"
    ours, floor = found.pop(OURS), found.pop(PING)
    emit([Row("7 a veth task, no change", ours, floor, peers=found, against={"floor": 1.5}, note=note)])


if __name__ == "__main__":
    main()
