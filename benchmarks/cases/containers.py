# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases 1 to 4: a node with N containers is built, looked at again, changed by one container, and taken away.

Whoever builds, `floor/node.c read` then says whether the kernel has what was asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from benchmarks import node_network as network
from benchmarks.harness import Engine, Row, clock, compiled, emit, is_quick, medians, run, settle

#: The most containers that slow peers are measured with, and that `ip -batch` is; more would take minutes.
FEW, MANY = 100, 1000
LIMITS = {
    "build": {"floor": 1.5, "peer": 0.25},
    "read": {"floor": 8, "peer": 0.1, "case 1": 0.3},
    "change": {"case 2": 1.2},
    "remove": {"floor": 1.3},
}


class Node:
    """Everybody who builds, reads and removes, with what they need."""

    def __init__(self) -> None:
        self.floor = compiled("node")
        self.engine = Engine()

    def by_floor(self, verb: str, number: int) -> float:
        return clock(lambda: run(self.floor, verb, str(number)))

    def check(self, number: int) -> None:
        """Ends the benchmark if the kernel does not have the network."""
        run(self.floor, "read", str(number))

    def built(self, script: str, number: int) -> float:
        """Seconds of a script that builds; what it built is checked, and taken away."""
        return self.checked(lambda: run("sh", given=script), number)

    def checked(self, build: Callable[[], object], number: int) -> float:
        took = clock(build)
        self.check(number)
        self.clear(number)
        return took

    def clear(self, number: int) -> None:
        run(self.floor, "remove", str(number))
        settle()

    def gone(self) -> None:
        """Ends the benchmark if anything is left."""
        left = [line for line in run("ip", "-br", "link").splitlines() if line.split()[0] != "lo"]
        left += run("ls", "/run/netns").split()
        if left:
            raise SystemExit(f"left behind: {left[:5]}")
        settle()


def life(node: Node, number: int) -> dict[str, float]:
    """The life of a node, by the floor and by us."""
    figures = {"floor build": node.by_floor("build", number)}
    node.check(number)
    figures["floor read"] = node.by_floor("read", number)
    figures["floor remove"] = node.by_floor("remove", number)
    node.gone()

    wanted = network.topology(number)
    figures["build"] = node.engine.apply("topology", wanted, changed=True)
    figures["build inside"] = node.engine.inside
    node.check(number)
    figures["read"] = node.engine.apply("topology", wanted, changed=False)
    figures["read inside"] = node.engine.inside
    there = node.engine.apply("topology", network.topology(number, spare=True), changed=True)
    back = node.engine.apply("topology", wanted, changed=True)
    figures["change"] = (there + back) / 2
    node.check(number)
    figures["remove"] = node.engine.apply("topology", {"name": "bench", "state": "absent"}, changed=True)
    node.gone()
    return figures


def ip_round(node: Node, number: int) -> dict[str, float]:
    """The peer that the targets speak of."""
    figures = {"build: ip -batch": clock(lambda: run("sh", given=network.ip_batch(number)))}
    node.check(number)
    said: list[str] = []
    figures["read: ip -j"] = clock(lambda: said.append(run("sh", given=network.ip_read(number))))
    if said[0].count('"dst":"default"') != number:
        raise SystemExit("ip -j: not all default routes")
    figures["remove: ip netns delete"] = clock(lambda: run("sh", given=network.ip_remove(number)))
    node.gone()
    last = network.ip_batch(number, ports_last=True)
    figures["build: ip -batch, ports raised last"] = node.built(last, number)
    return figures


def slow_round(node: Node, number: int) -> dict[str, float]:
    """Peers that take long."""
    figures = {"build: one ip per command": node.built(network.ip_commands(number), number)}
    figures["build: CNI bridge, host-local"] = node.built(network.cni(number), number)
    script = (sys.executable, "-m", "benchmarks.by_pyroute2")
    figures["build: pyroute2"] = clock(lambda: run(*script, "build", str(number)))
    node.check(number)
    figures["read: pyroute2 NetNS"] = clock(lambda: run(*script, "read", str(number)))
    node.clear(number)
    return figures


def rows_of(number: int, found: Mapping[str, float], peers: Mapping[str, tuple[float, int]]) -> Iterator[Row]:
    """The four rows of one number of containers.

    Args:
        found: what was measured with so many.
        peers: "build: name" → seconds, and with how many containers.
    """

    def row(verb: str, title: str, ours: float, compared: Mapping[str, float] | None = None) -> Row:
        others, notes = {}, []
        if f"{verb} inside" in found:
            notes.append(f"{ours - found[f'{verb} inside']:.2f} s of ours are Python's start, imports and end")
        for what, (seconds, measured) in peers.items():
            if what.startswith(f"{verb}: "):
                name = what.partition(": ")[2]
                others[name] = seconds * number / measured
                if measured != number:
                    notes.append(f"{name}: {number // measured} times what {measured:,} take")
        if any("times what" in note for note in notes):
            notes.append("that flatters them, for they grow faster than the number of containers")
        limits = LIMITS[verb] if number >= MANY else {}
        title = f"{title}, {number:,} containers"
        return Row(title, ours, found.get(f"floor {verb}"), others, limits, compared or {}, note="; ".join(notes))

    yield row("build", "1 build", found["build"])
    yield row("read", "2 no change", found["read"], {"case 1": found["build"]})
    yield row("change", "3 one container comes, one goes", found["change"], {"case 2": found["read"]})
    yield row("remove", "4 take away", found["remove"])


def rows() -> Iterator[Row]:
    node = Node()
    numbers, few = ((10,), 10) if is_quick() else ((FEW, MANY, 5 * MANY), FEW)
    slow = {name: (seconds, few) for name, seconds in medians(lambda: slow_round(node, few)).items()}
    by_ip: dict[str, tuple[float, int]] = {}

    def one_round(number: int) -> dict[str, float]:
        return {**life(node, number), **(ip_round(node, number) if number <= MANY else {})}

    for number in numbers:
        found = medians(partial(one_round, number))
        by_ip.update({name: (seconds, number) for name, seconds in found.items() if ": " in name})
        yield from rows_of(number, found, {**by_ip, **slow})


if __name__ == "__main__":
    emit(rows())
