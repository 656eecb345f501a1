# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases 1 to 4: a node with N containers is built, looked at again, changed by one container, and taken away.

Whoever builds, `floor/node.c read` then says whether the kernel has what was asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from benchmarks import node_network as network
from benchmarks.harness import Engine, Row, clock, compiled, emit, is_quick, medians, run, settle

#: Peers that are measured with so many containers; more would take minutes.
FEW = 100
EXTRAPOLATED = "{peers}: extrapolated from {few} containers, which flatters: they grow faster than their number"


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


def one_round(node: Node, number: int) -> dict[str, float]:
    """The life of a node, by each of those that a target speaks of."""
    figures = {"floor build": node.by_floor("build", number)}
    node.check(number)
    figures["floor read"] = node.by_floor("read", number)
    figures["floor remove"] = node.by_floor("remove", number)
    node.gone()

    wanted = network.topology(number)
    figures["build"] = node.engine.apply("topology", wanted, changed=True)
    figures["build inside"] = node.engine.inside
    node.check(number)
    figures["again"] = node.engine.apply("topology", wanted, changed=False)
    figures["again inside"] = node.engine.inside
    there = node.engine.apply("topology", network.topology(number, spare=True), changed=True)
    back = node.engine.apply("topology", wanted, changed=True)
    figures["one changed"] = (there + back) / 2
    node.check(number)
    figures["remove"] = node.engine.apply("topology", {"name": "bench", "state": "absent"}, changed=True)
    node.gone()

    figures["ip build"] = clock(lambda: run("sh", given=network.ip_batch(number)))
    node.check(number)
    said: list[str] = []
    figures["ip read"] = clock(lambda: said.append(run("sh", given=network.ip_read(number))))
    if said[0].count('"dst":"default"') != number:
        raise SystemExit("ip -j: not all default routes")
    figures["ip remove"] = clock(lambda: run("sh", given=network.ip_remove(number)))
    node.gone()
    figures["ip build, ports last"] = node.built(network.ip_batch(number, ports_last=True), number)
    return figures


def slow_round(node: Node, number: int) -> dict[str, float]:
    """Peers that take long."""
    figures = {"one ip per command": node.built(network.ip_commands(number), number)}
    figures["CNI bridge, host-local"] = node.built(network.cni(number), number)
    script = (sys.executable, "-m", "benchmarks.by_pyroute2")
    figures["pyroute2"] = clock(lambda: run(*script, "build", str(number)))
    node.check(number)
    figures["pyroute2 NetNS"] = clock(lambda: run(*script, "read", str(number)))
    node.clear(number)
    return figures


def rows_of(number: int, found: dict[str, float], slow: dict[str, float], few: int) -> Iterator[Row]:
    """The four rows of one number of containers."""
    many = f"{number:,} containers"
    more = {name: figure * number / few for name, figure in slow.items()}
    note = EXTRAPOLATED.format(peers="; ".join(list(slow)[:3]), few=few) if number != few else ""

    def started(name: str) -> str:
        return f"{found[name] - found[f'{name} inside']:.2f} s of ours are Python's start, imports and end"

    peers = {"ip -batch": found["ip build"], "ip -batch, ports raised last": found["ip build, ports last"]}
    limits = {"floor": 1.5, "peer": 0.25} if number >= 1000 else {}
    notes = "; ".join(filter(None, (started("build"), note)))
    slowly = {name: more[name] for name in list(slow)[:3]}
    yield Row(f"1 build, {many}", found["build"], found["floor build"], {**peers, **slowly}, limits, note=notes)

    readers = {"ip -j": found["ip read"], "pyroute2 NetNS": more["pyroute2 NetNS"]}
    note = EXTRAPOLATED.format(peers="pyroute2", few=few) if number != few else ""
    yield Row(
        f"2 no change, {many}",
        found["again"],
        found["floor read"],
        readers,
        {"floor": 8, "peer": 0.1, "case 1": 0.3} if number >= 1000 else {},
        {"case 1": found["build"]},
        note="; ".join(filter(None, (started("again"), note))),
    )
    yield Row(
        f"3 one container comes, one goes, {many}",
        found["one changed"],
        against={"case 2": 1.2} if number >= 1000 else {},
        compared={"case 2": found["again"]},
    )
    yield Row(
        f"4 take away, {many}",
        found["remove"],
        found["floor remove"],
        {"ip netns delete": found["ip remove"]},
        {"floor": 1.3} if number >= 1000 else {},
    )


def rows() -> Iterator[Row]:
    node = Node()
    numbers, few = ((10,), 10) if is_quick() else ((100, 1000, 5000), FEW)
    slow = medians(lambda: slow_round(node, few))
    for number in numbers:
        yield from rows_of(number, medians(lambda: one_round(node, number)), slow, few)  # noqa: B023


if __name__ == "__main__":
    emit(rows())
