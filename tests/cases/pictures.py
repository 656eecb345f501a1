# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks to draw, as network_info returns them; from those of the talk to those that nobody should have."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]

HOSTILE = (
    "</text><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\nb\x00c\x1b[31m\u202egnp.exe",
    "漢字🚀" * 8,
    "z\u0301\u0302\u0303\u0304\u0305" * 9,
    "&amp;{{ lookup('pipe', 'id') }}]]>",
    "W" * 255,
)


def veth(netns: str, number: int, master: str = "", device: str = "eth0", prefix: str = "10.0.0") -> Result:
    """A namespace's veth pair to the node."""
    peer = {"name": device, "netns": netns, "up": True, "addresses": [f"{prefix}.{number}/24"]}
    return {"name": f"c-{netns}"[:12] + device[-1], "up": True, "master": master, "peer": peer}


def node(number: int = 1, count: int = 2, **more: list[Result]) -> Result:
    """A node with containers on a bridge, in an overlay with node 1 to 3."""
    names = [f"web{n}" for n in range(1, count + 1)]
    prefix, own = f"10.244.{number}", f"192.0.2.{10 + number}"
    others = [n for n in (1, 2, 3) if n != number]
    vxlan = {"name": "vxlan1", "up": True, "vni": 1, "port": 4789, "local": own, "addresses": [f"{prefix}.0/32"]}
    fdb = [{"device": "vxlan1", "mac": "02:00:00:00:00:01", "destination": f"192.0.2.{10 + n}"} for n in others]
    topology: dict[str, list[Result]] = {
        "namespaces": [{"name": name} for name in names],
        "bridge": [{"name": "br0", "up": True, "addresses": [f"{prefix}.1/24"]}],
        "veth": [veth(name, n % 250 + 2, "br0", prefix=prefix) for n, name in enumerate(names)],
        "vxlan": [vxlan],
        "link": [{"name": "eth0", "up": True, "addresses": [f"{own}/24", f"2001:db8::{number}/64"]}],
        "fdb": fdb,
        "route": [
            {"dest": f"10.244.{n}.0/24", "gateway": f"10.244.{n}.0", "device": "vxlan1", "table": "main"}
            for n in others
        ],
    }
    for option, elements in more.items():
        topology[option] = [*topology.get(option, []), *elements]
    return {"changed": False, "topology": topology}


def alone(**topology: list[Result]) -> Result:
    return {"node1": {"topology": topology}}


def _tangle() -> Result:
    """Everything at once: two bridges with a container on both, a pair between containers, ports, VLANs, macvlan."""
    return node(
        1,
        7,
        namespaces=[{"name": "both"}, {"name": "left"}, {"name": "right"}, {"name": "mac"}, {"name": "none"}],
        bridge=[{"name": "br1", "up": True, "addresses": ["10.1.0.1/24"]}, {"name": "empty", "up": False}],
        veth=[
            veth("both", 2, "br0"),
            veth("both", 2, "br1", "eth1", "10.1.0"),
            veth("left", 3, "br1", prefix="10.1.0"),
            {"name": "x", "netns": "left", "up": True, "peer": {"name": "y", "netns": "right", "up": True}},
            {"name": "patch0", "up": True, "master": "br0", "peer": {"name": "patch1", "up": True, "master": "br1"}},
            {"name": "in0", "up": True, "peer": {"name": "in1", "up": False}},
        ],
        vxlan=[
            {"name": "l2", "vni": 7, "port": 4789, "local": "192.0.2.11", "remote": "192.0.2.99", "master": "br1"}
        ],
        link=[
            {"name": "eth1", "up": True, "master": "br1"},
            {"name": "eth2", "up": True, "addresses": ["198.51.100.1/24"]},
            {"kind": "macvlan", "name": "eth0", "netns": "mac", "parent": "eth2", "parent_netns": "", "up": True},
            {"kind": "vlan", "name": "eth2.5", "vlan_id": 5, "parent": "eth2", "addresses": ["10.5.0.1/24"]},
            {"kind": "dummy", "name": "vip", "up": True, "addresses": [f"10.96.0.{n}/32" for n in range(1, 9)]},
            {"kind": "wireguard", "name": "wg0", "up": True, "addresses": ["10.9.0.1/24"]},
            {"kind": "bond", "name": "bond0", "up": True, "addresses": ["203.0.113.1/24"]},
            {"name": "eth3", "up": True, "master": "bond0"},
            {"name": "eth4", "up": True, "master": "bond0"},
        ],
        ipvs_service=[
            {"address": "10.96.0.1", "port": 80, "protocol": "tcp", "scheduler": "wrr",
             "servers": [{"address": "10.244.1.2", "port": 80, "weight": 3}, {"address": "fd00::1", "port": 80}]},
            {"fwmark": 5, "ip_version": "ipv4", "scheduler": "sh", "servers": []},
        ],
        iptables_chain=[
            {"table": "nat", "chain": "P", "ip_version": "ipv4",
             "rules": ["-p tcp -m tcp --dport 8080 -m comment --comment web1 -j DNAT --to-destination 10.244.1.2:80"]},
        ],
    )  # fmt: skip


def _hostile() -> Result:
    names = [f"{text[:200]}{number}" for number, text in enumerate(HOSTILE)]
    pairs = [
        {
            "name": text[:15],
            "up": True,
            "master": "<b>",
            "alias": text,
            "peer": {"name": text[:15], "netns": name, "addresses": [text]},
        }
        for name, text in zip(names, HOSTILE)
    ]
    comment = {
        "table": "nat",
        "chain": text_chain(),
        "rules": [f"--dport 1 --comment '{HOSTILE[0]}' -j DNAT --to-destination {HOSTILE[1][:9]}", "'"],
    }
    topology = {
        "namespaces": [{"name": name} for name in names],
        "bridge": [{"name": "<b>"}],
        "veth": pairs,
        "iptables_chain": [comment],
    }
    return {text: {"topology": topology} for text in HOSTILE}


def text_chain() -> str:
    return HOSTILE[0][:20]


ONE = {"topology": {
    "namespaces": [{"name": "red"}],
    "veth": [{"name": "veth-red", "up": True, "addresses": ["172.16.0.1/32"],
              "peer": {"name": "eth0", "netns": "red", "up": True, "addresses": ["172.16.0.2/32"]}}],
    "link": [{"name": "eth0", "up": True, "addresses": ["192.0.2.11/24"]}],
}}  # fmt: skip

CASES: dict[str, Result] = {
    "one namespace": ONE,
    "nothing": alone(),
    "no hosts": {},
    "one node, many namespaces": {"node1": node(1, 12)},
    "three nodes": {f"node{n}": node(n) for n in (1, 2, 3)},
    "many nodes": {f"node{n}": node(n, n % 5) for n in range(1, 11)},
    "two hundred": {"node1": node(1, 200), "node2": node(2, 3)},
    "tangle": {"node1": _tangle(), "node2": node(2, 5)},
    "hostile": _hostile(),
}
