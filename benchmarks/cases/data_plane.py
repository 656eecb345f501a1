# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 11: traffic through what the engine built beside traffic through the same network made by hand with `ip`.

Both stand at the same time, and short measurements take turns, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import two_nodes
from benchmarks.harness import Engine, Row, emit, is_quick, run

OURS, HAND = "o", "h"
#: Who answers a, what the way is, and bytes of a transfer: as many as arrive before the scheduler takes the processor.
WAYS = {"b": ("one node", "16M"), "c": ("over VXLAN", "8M")}
TURNS, QUESTIONS = 80, 500
#: Two equal networks differ by so much on a shared machine; the target itself is 1.0.
TOLERANCE = 1.1
NOTE = f"the target is 1.0, and {TOLERANCE} what two equal networks differ by; "


@contextmanager
def server(namespace: str) -> Iterator[None]:
    """iperf3 listens there."""
    command = ["ip", "netns", "exec", namespace, "iperf3", "--server", "--forceflush"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "listening" in line:
            break
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def transfer(prefix: str, to: str, size: str) -> float:
    """Seconds until `size` bytes of one TCP connection have arrived."""
    client = ["iperf3", "--json", "--client", two_nodes.ADDRESSES[to], "--bytes", size]
    said = json.loads(run("ip", "netns", "exec", f"{prefix}a", *client))
    return float(said["end"]["sum_received"]["seconds"])


def round_trip(prefix: str, to: str, count: int) -> float:
    """Microseconds of a packet and its answer, the median."""
    command = [sys.executable, "-m", "benchmarks.round_trips", two_nodes.ADDRESSES[to], str(count)]
    return float(run("ip", "netns", "exec", f"{prefix}a", *command))


def measured(turns: int, questions: int) -> dict[str, list[float]]:
    """All figures of all turns, by network, way and what was measured."""
    found: dict[str, list[float]] = {}
    with ExitStack() as servers:
        for prefix in (OURS, HAND):
            for to in WAYS:
                servers.enter_context(server(f"{prefix}{to}"))
        for turn in range(turns):
            for prefix in (OURS, HAND) if turn % 2 else (HAND, OURS):
                for to, (_unused, size) in WAYS.items():
                    found.setdefault(f"{prefix}{to} transfer", []).append(transfer(prefix, to, size))
                    found.setdefault(f"{prefix}{to} round trip", []).append(round_trip(prefix, to, questions))
    return found


def rows() -> Iterator[Row]:
    two_nodes.by_engine(Engine(), OURS)
    two_nodes.by_hand(HAND)
    two_nodes.check(OURS, HAND)
    turns, questions = (2, 50) if is_quick() else (TURNS, QUESTIONS)
    found = measured(turns, questions)
    two_nodes.check(OURS, HAND)
    against = {} if is_quick() else {"peer": TOLERANCE}
    for to, (way, size) in WAYS.items():
        # What else the machine does can only add.
        ours, hand = (min(found[f"{prefix}{to} transfer"]) for prefix in (OURS, HAND))
        note = NOTE + f"the fastest of {turns} transfers"
        yield Row(f"11 TCP, {size}B, {way}", ours, peers={"by hand": hand}, against=against, note=note)
        ours, hand = (statistics.median(found[f"{prefix}{to} round trip"]) for prefix in (OURS, HAND))
        note = NOTE + f"the median of {turns} medians"
        yield Row(f"11 round trip, {way}", ours, peers={"by hand": hand}, against=against, unit="µs", note=note)


if __name__ == "__main__":
    emit(rows())
