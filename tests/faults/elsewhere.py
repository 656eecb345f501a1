# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topologies with what this kernel lacks: types of links, and IPVS. Its iptables has the legacy backend only."""

from __future__ import annotations

from typing import Any

from tests.faults.everything import FAR
from tests.integration.support.cases import FOREIGN

#: What the kernel must have (tests/other_kernel/features.py).
ELSEWHERE = ("bond", "dummy", "geneve", "gre", "ipip", "iptables-legacy", "ipvlan", "ipvs", "sit", "uml", "vlan", "vrf")
# Modules bring links of their own when they are loaded, and the first VRF rules that stay.
OTHER_BEFORE = (
    "modprobe -a ip_vs ip_gre ipip sit bonding geneve\n"
    + FOREIGN
    + """
ip link add probe type vrf table 9
ip link delete probe
ip link add spare0 address 02:00:00:00:01:09 type veth peer name spare1
ipvsadm -A -t 203.0.113.1:80 -s wlc
ipvsadm -a -t 203.0.113.1:80 -r 203.0.113.2:8080 -m -w 5
iptables-legacy -A INPUT -s 192.0.2.1 -j ACCEPT
"""
)
#: A client that asked the address of a service before it was one.
OTHER_FLOW = """
conntrack -D -p udp --orig-dst 10.96.0.10 2>/dev/null || true
conntrack -I -p udp -s 10.9.9.9 -d 10.96.0.10 --sport 999 --dport 53 --timeout 100000
"""


def _link(number: int, kind: str, **options: Any) -> dict[str, Any]:
    return {"name": f"x{number}", "kind": kind, **options}


def _tunnel(number: int, kind: str, ttl: int) -> dict[str, Any]:
    return _link(number, kind, local="192.0.2.1", remote=f"192.0.2.{number}", ttl=ttl)


def _links(ttl: int, vlan: int) -> list[dict[str, Any]]:
    return [
        _link(0, "dummy", mac="02:00:00:00:01:00", mtu=1300 + ttl, addresses=["10.1.0.1/24"]),
        _link(1, "vlan", parent="x0", vlan_id=vlan, mac="02:00:00:00:01:01", recreate=True),
        _link(
            2,
            "macvlan",
            parent="x0",
            parent_netns="/proc/self/ns/net",
            mode="bridge",
            mac="02:00:00:00:01:02",
            netns="web",
        ),
        _link(3, "ipvlan", parent="spare1", mode="l2"),
        _link(4, "geneve", vni=vlan, remote="192.0.2.2", mac="02:00:00:00:01:04", recreate=True),
        _tunnel(5, "gre", ttl),
        _tunnel(6, "ipip", ttl),
        _tunnel(7, "sit", ttl),
        _link(8, "vrf", table=100, mac="02:00:00:00:01:08"),
        _link(9, "bond", bond_mode="active-backup", miimon=100 * ttl, mac="02:00:00:00:01:09"),
        {"name": "spare0", "master": "x9"},
    ]


def _service(weight: int, *addresses: str) -> dict[str, Any]:
    servers = [{"address": address, "port": 8080, "weight": weight} for address in addresses]
    return {"address": "10.96.0.10", "port": 80, "scheduler": "rr", "servers": servers, "exact_servers": True}


OTHER_FIRST: dict[str, Any] = {
    "name": "t",
    "namespaces": [{"name": "web"}],
    "link": _links(9, 5),
    "route": [{"dest": "10.50.0.0/16", "gateway": "10.1.0.10"}],
    "neighbor": [{"address": "10.1.0.77", "device": "x0", "mac": FAR}],
    "ipset": [{"name": "s1", "type": "hash:ip", "entries": ["10.1.0.10"]}],
    "iptables_chain": [
        {"chain": "WEB", "backend": "legacy", "rules": ["-m set --match-set s1 src -j ACCEPT"], "jumps": ["INPUT"]}
    ],
    "ipvs_service": [_service(1, "10.1.0.10", "10.1.0.11"), {"fwmark": 7, "servers": [{"address": "10.1.0.10"}]}],
}
OTHER_SECOND: dict[str, Any] = {
    **OTHER_FIRST,
    "link": _links(8, 6),
    "route": [],
    "ipset": [{"name": "s1", "type": "hash:ip", "entries": ["10.1.0.11"]}],
    "ipvs_service": [
        {**_service(2, "10.1.0.11", "10.1.0.12"), "scheduler": "wrr"},
        {"address": "10.96.0.10", "port": 53, "protocol": "udp", "servers": [{"address": "10.1.0.10", "port": 5353}]},
    ],
}

_KEYS = ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MHE=", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=")


def wireguard(port: int, *allowed: str) -> dict[str, Any]:
    """Which only the virtual machine has."""
    peers = [{"public_key": _KEYS[1], "endpoint": f"192.0.2.2:{port}", "allowed_ips": list(allowed)}]
    return {"name": "t", "link": [_link(0, "wireguard", private_key=_KEYS[0], listen_port=port, peers=peers)]}
