# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of case 11, twice: two nodes with containers and an overlay between them.

Node 1 has the containers a and b, node 2 has c. Nodes are namespaces with a link between them, made alike for both
networks; what is in the nodes is declared for the one, and set up by `ip` for the other, with the same names, so that
what the kernel says of both can be compared word for word.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.harness import Engine, run

UNDERLAY = {1: "192.0.2.1", 2: "192.0.2.2"}
CONTAINERS = {1: ("a", "b"), 2: ("c",)}
ADDRESSES = {"a": "10.1.1.10", "b": "10.1.1.11", "c": "10.1.2.10"}
MTU = 1450
VXLAN = "dstport 4789 nolearning"


def mac(node: int) -> str:
    return f"02:00:00:00:00:0{node}"


def names() -> Iterator[str]:
    """Of all namespaces, without the network's prefix."""
    for node, containers in CONTAINERS.items():
        yield f"n{node}"
        yield from containers


def nodes(prefix: str) -> None:
    """Empty nodes with a network between them."""
    for node in UNDERLAY:
        run("ip", "netns", "add", f"{prefix}n{node}")
    far = ["peer", "name", "under0", "netns", f"{prefix}n2"]
    run("ip", "-n", f"{prefix}n1", "link", "add", "under0", "type", "veth", *far)
    for node, address in UNDERLAY.items():
        given = f"link set lo up\naddr add {address}/24 dev under0\nlink set under0 up\n"
        run("ip", "-n", f"{prefix}n{node}", "-batch", "-", given=given)


def topology(prefix: str, node: int) -> dict[str, Any]:
    """One node, declared."""
    other = 3 - node
    peer = {
        "underlay": UNDERLAY[other],
        "mac": mac(other),
        "gateway": f"10.1.{other}.0",
        "destinations": [f"10.1.{other}.0/24"],
    }
    vxlan = {"name": "vx0", "vni": 1, "local": UNDERLAY[node], "mac": mac(node), "mtu": MTU, "learning": False}
    found: dict[str, Any] = {
        "name": f"{prefix}n{node}",
        "netns": f"{prefix}n{node}",
        "sysctls": {"net.ipv4.ip_forward": 1},
        "bridge": [{"name": "br0", "addresses": [f"10.1.{node}.1/24"], "mtu": MTU}],
        "vxlan": [{**vxlan, "addresses": [f"10.1.{node}.0/32"], "peers": [peer]}],
        "namespaces": [{"name": f"{prefix}{name}"} for name in CONTAINERS[node]],
        "veth": [],
        "route": [],
    }
    for name in CONTAINERS[node]:
        inside = {"name": "eth0", "netns": f"{prefix}{name}", "addresses": [f"{ADDRESSES[name]}/24"], "mtu": MTU}
        found["veth"].append({"name": f"v{name}", "master": "br0", "mtu": MTU, "peer": inside})
        found["route"].append({"netns": f"{prefix}{name}", "dest": "default", "gateway": f"10.1.{node}.1"})
    return found


def by_engine(engine: Engine, prefix: str) -> None:
    nodes(prefix)
    for node in UNDERLAY:
        engine.apply("topology", topology(prefix, node), changed=True)


def by_hand(prefix: str) -> None:
    nodes(prefix)
    for node in UNDERLAY:
        other, on = 3 - node, f"-n {prefix}n{node}"
        lines = [
            "set -e",
            f"ip netns exec {prefix}n{node} sysctl -qw net.ipv4.ip_forward=1",
            f"ip {on} link add br0 mtu {MTU} type bridge",
            f"ip {on} addr add 10.1.{node}.1/24 dev br0",
            f"ip {on} link set br0 up",
            f"ip {on} link add vx0 address {mac(node)} mtu {MTU} type vxlan id 1 local {UNDERLAY[node]} {VXLAN}",
            f"ip {on} addr add 10.1.{node}.0/32 dev vx0",
            f"ip {on} link set vx0 up",
            f"ip {on} neigh add 10.1.{other}.0 lladdr {mac(other)} dev vx0 nud permanent",
            f"bridge {on} fdb add {mac(other)} dev vx0 dst {UNDERLAY[other]} self permanent",
            f"ip {on} route add 10.1.{other}.0/24 via 10.1.{other}.0 dev vx0 onlink proto static",
        ]
        for name in CONTAINERS[node]:
            inside = f"ip -n {prefix}{name}"
            lines += [
                f"ip netns add {prefix}{name}",
                f"ip {on} link add v{name} mtu {MTU} type veth peer name eth0 mtu {MTU} netns {prefix}{name}",
                f"ip {on} link set v{name} master br0 up",
                f"{inside} link set lo up",
                f"{inside} addr add {ADDRESSES[name]}/24 dev eth0",
                f"{inside} link set eth0 up",
                f"{inside} route add default via 10.1.{node}.1 proto static",
            ]
        run("sh", given="\n".join([*lines, ""]))


LOOKS = ("ip -j -d link", "ip -j -4 addr", "ip -j -4 route", "ip -j -4 rule", "ip -j neigh show nud permanent")
#: What differs between two networks that are made alike: numbers and addresses that the kernel gives.
GIVEN = {"ifindex", "link_index", "link_netnsid", "address", "bridge_id", "root_id"}


def facts(value: Any, path: str) -> Iterator[str]:
    """Each value with its path, the values of a route or an entry in one, without clocks and what the kernel gives."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in GIVEN and not name.endswith("_timer"):
                yield from facts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, Mapping) and "ifname" in inner:
                yield from facts(inner, f"{path}[{inner['ifname']}]")
            else:
                yield f"{path}: {', '.join(sorted(facts(inner, '')))}"
    else:
        yield f"{path}: {value}"


def seen(prefix: str) -> set[str]:
    """What the kernel says of a network, so that it can be compared with the other."""
    found: set[str] = set()
    for name in names():
        inside = f"{prefix}{name}"
        for look in LOOKS:
            program, *rest = look.split()
            found |= set(facts(json.loads(run(program, "-n", inside, *rest)), f"{name}: {look}"))
        found.add(f"{name}: {run('ip', 'netns', 'exec', inside, 'sysctl', 'net.ipv4.ip_forward')}")
    for node in UNDERLAY:
        entries = json.loads(run("bridge", "-n", f"{prefix}n{node}", "-j", "fdb", "show", "dev", "vx0"))
        found |= set(facts(entries, f"n{node}: fdb"))
    return found


def check(ours: str, other: str, patience: float = 5.0) -> None:
    """Ends the benchmark unless the kernel says the same of both networks.

    Args:
        patience: seconds that carriers and multicast groups, which come later, may take.
    """
    until = time.monotonic() + patience
    while different := seen(ours) ^ seen(other):
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    if different:
        raise SystemExit(f"two_nodes: not the same network: {sorted(different)[:8]}")
