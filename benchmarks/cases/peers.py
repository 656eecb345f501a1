# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Case 8: a node of an overlay with many peers; for each a forwarding entry, a neighbour and a route (as flannel does).

What the kernel has afterwards is compared, entry by entry, with what was asked for, whoever made it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.harness import Engine, Row, clock, emit, is_quick, medians, run

LINK = "vx0"
OWN = "10.255.255.0"


def peers(number: int) -> Iterator[tuple[str, str, str]]:
    """Underlay address, MAC address and gateway of each; behind the gateway is its /24."""
    for peer in range(number):
        high, low = peer >> 8, peer & 255
        yield f"172.16.{high}.{low}", f"02:00:00:00:{high:02x}:{low:02x}", f"10.{high}.{low}.0"


def topology(number: int) -> dict[str, Any]:
    found = [
        {"underlay": underlay, "mac": mac, "gateway": gateway, "destinations": [f"{gateway}/24"]}
        for underlay, mac, gateway in peers(number)
    ]
    link = {"name": LINK, "vni": 1, "learning": False, "addresses": [f"{OWN}/32"], "peers": found}
    return {"name": "bench", "vxlan": [link]}


def by_hand(number: int) -> str:
    """A shell script: the link, then one batch of forwarding entries, and one of neighbours and routes."""
    lines = ["set -e", "ip -batch - <<'END'", f"link add {LINK} type vxlan id 1 dstport 4789 nolearning"]
    lines += [f"addr add {OWN}/32 dev {LINK}", f"link set {LINK} up", "END", "bridge -batch - <<'END'"]
    lines += [f"fdb add {mac} dev {LINK} dst {underlay} self permanent" for underlay, mac, _unused in peers(number)]
    lines += ["END", "ip -batch - <<'END'"]
    for _unused, mac, gateway in peers(number):
        lines.append(f"neigh add {gateway} lladdr {mac} dev {LINK} nud permanent")
        lines.append(f"route add {gateway}/24 via {gateway} dev {LINK} onlink")
    return "\n".join([*lines, "END", ""])


def look() -> list[Any]:
    """Forwarding entries, neighbours and routes, as iproute2 shows them."""
    commands = ("bridge -j fdb", "ip -j neigh", "ip -j -4 route")
    return [json.loads(run(*command.split(), "show", "dev", LINK)) for command in commands]


def check(number: int) -> None:
    """Ends the benchmark unless the kernel has exactly these entries."""
    entries, neighbours, routes = look()
    found = (
        {(entry.get("dst"), entry["mac"]) for entry in entries},
        {(entry["dst"], entry["lladdr"]) for entry in neighbours if "PERMANENT" in entry["state"]},
        {(route["dst"], route["gateway"]) for route in routes if "onlink" in route["flags"]},
    )
    wanted = (
        {(underlay, mac) for underlay, mac, _unused in peers(number)},
        {(gateway, mac) for _unused, mac, gateway in peers(number)},
        {(f"{gateway}/24", gateway) for _underlay, _mac, gateway in peers(number)},
    )
    if found != wanted:
        raise SystemExit(f"peers: not the same end state: {[sorted(f ^ w)[:2] for f, w in zip(found, wanted)]}")


def one_round(engine: Engine, number: int) -> dict[str, float]:
    figures = {"by hand": clock(lambda: run("sh", given=by_hand(number)))}
    check(number)
    figures["look by hand"] = clock(look)
    run("ip", "link", "delete", LINK)
    figures["build"] = engine.apply("topology", topology(number), changed=True)
    figures["build inside"] = engine.inside
    check(number)
    figures["again"] = engine.apply("topology", topology(number), changed=False)
    figures["again inside"] = engine.inside
    engine.apply("topology", {"name": "bench", "state": "absent"}, changed=True)
    return figures


def rows_of(number: int, found: dict[str, float]) -> Iterator[Row]:
    many = f"{number:,} peers"
    batches = {"bridge -batch, ip -batch": found["by hand"]}
    yield Row(f"8 build, {many}", found["build"], peers=batches, against={"peer": 1} if number >= 1000 else {})
    yield Row(f"8 build, {many}, the engine alone", found["build inside"], peers=batches)
    looks = {"bridge -j, ip -j, decoded": found["look by hand"]}
    yield Row(f"8 no change, {many}", found["again"], peers=looks)
    yield Row(f"8 no change, {many}, the engine alone", found["again inside"], peers=looks)


def rows() -> Iterator[Row]:
    engine = Engine()
    for number in (20,) if is_quick() else (1000, 10000):
        yield from rows_of(number, medians(partial(one_round, engine, number)))


if __name__ == "__main__":
    emit(rows())
