# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces, existing links and links of other types."""

from __future__ import annotations

import pytest

from tests.integration.support.cases import Case, live

D0 = """
ip link add d0 address 02:00:00:00:00:d0 type veth peer name d1
ip address add 10.70.0.1/24 dev d0
ip address add 10.72.0.2/24 dev d0
ip address add fd70::1/64 dev d0 nodad
ip link set d0 up
ip link set d1 up
ip route add 10.71.0.0/16 via 10.70.0.9
ip route add fd71::/64 via fd70::9
"""
D = "ip link show d0"
X = "ip link show x0"
DATA = "linkinfo.info_data."

NETNS = {
    "namespace": Case("netns", {"name": "blue"}, [("ip -n blue link show lo up", "ifname", "lo")]),
    "sysctls": Case(
        "netns",
        {"name": "blue", "sysctls": {"net.ipv4.ip_forward": True, "net/ipv4/conf/all/rp_filter": 2}},
        [
            ("ip netns exec blue cat /proc/sys/net/ipv4/ip_forward", "", "1"),
            ("ip netns exec blue cat /proc/sys/net/ipv4/conf/all/rp_filter", "", "2"),
        ],
        changes=[
            (
                {"sysctls": {"net.ipv4.ip_forward": "0"}},
                [("ip netns exec blue cat /proc/sys/net/ipv4/ip_forward", "", "0")],
            ),
            (
                {"sysctls": {"net.ipv4.ip_local_port_range": "2000\t3000"}},
                [("ip netns exec blue cat /proc/sys/net/ipv4/ip_local_port_range", "", "2000\t3000")],
            ),
        ],
    ),
    "full of things": Case("netns", {"name": "blue"}, [], before="", changes=[]),
}
LINKS = {
    "settings of an existing link": Case(
        "link",
        {"name": "d0", "mtu": 1400, "alias": "mine", "addresses": ["10.73.0.3/24"]},
        [(D, "mtu", 1400), (D, "ifalias", "mine"), ("ip -4 address show d0", "addr_info.prefixlen", [24, 24, 24])],
        before=D0,
        changes=[
            ({"addrgenmode": "none"}, [(D, "inet6_addr_gen_mode", "none")]),
            ({"up": False}, [("ip -6 address show d0 scope global", "addr_info.local", "fd70::1")]),
            ({"up": True}, [("ip link show d0 up", "ifname", "d0")]),
            (
                {"exact_addresses": True},
                [
                    ("ip -4 address show d0", "addr_info.local", "10.73.0.3"),
                    ("ip -6 address show d0 scope global", "addr_info.local", []),
                ],
            ),
        ],
        device=(D, "ifindex"),
        leftover=True,
    ),
    "rename": Case(
        "link",
        {"name": "x0", "adopt": {"name": "d0"}, "mtu": 1300},
        [(X, "mtu", 1300), ("ip -4 address show x0", "addr_info.local", ["10.70.0.1", "10.72.0.2"])],
        before=D0,
        changes=[({"mtu": 1290}, [(X, "mtu", 1290)])],
        leftover=True,
    ),
    "move": Case(
        "link",
        {"name": "x0", "netns": "foreign", "adopt": {"name": "d0"}, "addresses": ["10.1.1.1/24"]},
        [
            ("ip -n foreign link show x0", "ifname", "x0"),
            ("ip -n foreign -4 address show x0", "addr_info.local", ["10.1.1.1"]),
        ],
        before=D0,
        leftover=True,
    ),
    "macvlan": Case(
        "link",
        {
            "name": "x0",
            "kind": "macvlan",
            "parent": "d0",
            "mode": "bridge",
            "mac": "02:00:00:00:00:e0",
            "addresses": ["10.2.0.1/24"],
        },
        [(X, DATA + "mode", "bridge"), (X, "link", "d0"), (X, "address", "02:00:00:00:00:e0")],
        before=D0,
        changes=[
            ({"mode": "private"}, [(X, DATA + "mode", "private")]),
            ({"mac": "02:00:00:00:00:e1"}, [(X, "address", "02:00:00:00:00:e1")]),
        ],
        refused=[({"parent": "d1"}, "parent", [(X, "link", "d1")])],
        device=(X, "ifindex"),
    ),
    "macvlan into a namespace": Case(
        "link",
        {"name": "eth0", "netns": "foreign", "kind": "macvlan", "parent": "d0", "parent_netns": "foreign"},
        [("ip -n foreign link show eth0", "linkinfo.info_kind", "macvlan")],
        before=D0 + "ip link set d0 netns foreign",
    ),
    "ifb": Case("link", {"name": "x0", "kind": "ifb", "mtu": 1400}, [(X, "linkinfo.info_kind", "ifb")]),
}
T = {"local": "203.0.113.1", "remote": "203.0.113.2"}
OTHER = {
    "dummy": Case(
        "link",
        {"name": "x0", "kind": "dummy", "addresses": ["10.3.0.1/32"]},
        [(X, "linkinfo.info_kind", "dummy")],
        changes=[({"mtu": 9000}, [(X, "mtu", 9000)])],
    ),
    "vlan": Case(
        "link",
        {"name": "x0", "kind": "vlan", "parent": "d0", "vlan_id": 7},
        [(X, DATA + "id", 7), (X, DATA + "protocol", "802.1Q"), (X, "link", "d0")],
        before=D0,
        refused=[
            ({"vlan_id": 8}, "vlan_id", [(X, DATA + "id", 8)]),
            ({"vlan_protocol": "802.1ad"}, "vlan_protocol", [(X, DATA + "protocol", "802.1ad")]),
            ({"parent": "d1"}, "parent", [(X, "link", "d1")]),
        ],
    ),
    "vlan into a namespace": Case(
        "link",
        {"name": "x0", "kind": "vlan", "parent": "d0", "vlan_id": 7, "netns": "foreign", "parent_netns": "red"},
        [("ip -n foreign link show x0", DATA + "id", 7)],
        before=D0 + "ip netns add red\nip link set d0 netns red\nip -n red link set d0 up",
    ),
    "ipvlan": Case(
        "link",
        {"name": "x0", "kind": "ipvlan", "parent": "d0", "mode": "l3"},
        [(X, DATA + "mode", "l3")],
        before=D0,
        changes=[({"mode": "l2"}, [(X, DATA + "mode", "l2")])],
    ),
    "bond": Case(
        "link",
        {"name": "x0", "kind": "bond", "bond_mode": "active-backup", "miimon": 100, "up": False, "ports": ["p0", "p1"]},
        [
            (X, DATA + "mode", "active-backup"),
            (X, DATA + "miimon", 100),
            ("ip link show master x0", "ifname", ["p0", "p1"]),
        ],
        before="""ip link add p0 address 02:00:00:00:01:00 type dummy
ip link add p1 address 02:00:00:00:01:01 type dummy""",
        changes=[
            ({"miimon": 50}, [(X, DATA + "miimon", 50)]),
            ({"up": True}, [("ip link show x0 up", "ifname", "x0")]),
        ],
        refused=[({"bond_mode": "balance-xor"}, "bond_mode", [(X, DATA + "mode", "balance-xor")])],
        leftover=True,
    ),
    "vrf": Case(
        "link",
        {"name": "x0", "kind": "vrf", "table": 10, "ports": ["p0"]},
        [(X, DATA + "table", 10), ("ip link show master x0", "ifname", "p0")],
        before="ip link add v0 type vrf table 9\nip link del v0\nip link add p0 address 02:00:00:00:01:00 type dummy",
        refused=[({"table": 70000}, "table", [(X, DATA + "table", 70000)])],
        leftover=True,
    ),
    **{
        kind: Case(
            "link",
            {"name": "x0", "kind": kind, **T, "ttl": 9, "tos": 4},
            [(X, DATA + "remote", "203.0.113.2"), (X, DATA + "ttl", 9)],
            changes=[
                ({"ttl": 20}, [(X, DATA + "ttl", 20), (X, DATA + "remote", "203.0.113.2")]),
                ({"ttl": 0}, [(X, DATA + "ttl", 0)]),
            ],
            refused=[({"remote": "203.0.113.3"}, "remote", [(X, DATA + "remote", "203.0.113.3")])],
        )
        for kind in ("gre", "gretap", "ipip", "sit")
    },
    "gre with key": Case(
        "link",
        {"name": "x0", "kind": "gre", **T, "key": 77},
        [(X, DATA + "ikey", "0.0.0.77"), (X, DATA + "okey", "0.0.0.77")],
        changes=[({"ttl": 3}, [(X, DATA + "okey", "0.0.0.77")])],
    ),
    "geneve": Case(
        "link",
        {"name": "x0", "kind": "geneve", "vni": 7, "remote": "203.0.113.2", "port": 6082, "ttl": 5},
        [(X, DATA + "id", 7), (X, DATA + "remote", "203.0.113.2"), (X, DATA + "port", 6082)],
        changes=[({"ttl": 8}, [(X, DATA + "ttl", 8), (X, DATA + "remote", "203.0.113.2")])],
        refused=[({"vni": 8}, "vni", [(X, DATA + "id", 8)])],
    ),
}
FEATURES = {"vlan into a namespace": "vlan", "gre with key": "gre"}


@pytest.mark.parametrize("name", NETNS)
def test_netns(name: str) -> None:
    live(NETNS[name])


@pytest.mark.parametrize("name", LINKS)
def test_link(name: str) -> None:
    live(LINKS[name])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.other_kernel(FEATURES.get(name, name), *(["dummy"] if name in ("bond", "vrf") else [])),
        )
        for name in OTHER
    ],
)
def test_link_of_kind(name: str) -> None:
    live(OTHER[name])
