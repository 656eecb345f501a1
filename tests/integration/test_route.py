# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes, rules, neighbours, forwarding entries."""

from __future__ import annotations

import pytest

from tests.integration.support.cases import Case, live

R = "ip route show 10.7.0.0/16"
R6 = "ip -6 route show fd07::/64"
D0 = """
ip link add d0 address 02:00:00:00:00:d0 type veth peer name d1
ip address add 10.70.0.1/24 dev d0
ip address add 10.70.0.2/24 dev d0
ip address add fd70::1/64 dev d0 nodad
ip link set d0 up
ip link set d1 up
"""
VIA = {"dest": "10.7.0.0/16", "gateway": "10.70.0.9"}

ROUTES = {
    "via a gateway": Case(
        "route",
        VIA,
        [(R, "gateway", "10.70.0.9"), (R, "dev", "d0"), (R, "protocol", "static")],
        before=D0,
        changes=[
            ({"gateway": "10.70.0.8"}, [(R, "gateway", "10.70.0.8")]),
            ({"source": "10.70.0.2"}, [(R, "prefsrc", "10.70.0.2")]),
            ({"mtu": 1300}, [(R, "metrics.mtu", 1300), (R, "prefsrc", "10.70.0.2")]),
            ({"mtu": 0, "source": None}, [(R, "metrics.mtu", None), (R, "prefsrc", "10.70.0.2")]),
            ({"protocol": "bgp"}, [(R, "protocol", "bgp")]),
            ({"gateway": "10.99.0.1", "device": "d0", "onlink": True}, [(R, "flags", ["onlink"])]),
            (
                {
                    "gateway": None,
                    "device": None,
                    "onlink": None,
                    "nexthops": [{"gateway": "10.70.0.5", "weight": 3}, {"gateway": "10.70.0.6"}],
                },
                [(R, "nexthops.gateway", ["10.70.0.5", "10.70.0.6"]), (R, "nexthops.weight", [1, 3])],
            ),
            ({"nexthops": [{"gateway": "10.70.0.5", "weight": 256}]}, [(R, "gateway", "10.70.0.5")]),
            ({"nexthops": None, "type": "blackhole"}, [(R, "type", "blackhole"), (R, "gateway", None)]),
            ({"type": "unreachable"}, [(R, "type", "unreachable")]),
            ({"type": "unicast", "device": "d0"}, [(R, "scope", "link"), (R, "dev", "d0")]),
            ({"scope": "host"}, [(R, "scope", "host")]),
        ],
    ),
    "metric and table are identity": Case(
        "route",
        {**VIA, "metric": 5, "table": "1000"},
        [
            ("ip route show table 1000", "dst", ["10.7.0.0/16", "10.7.0.0/16"]),
            ("ip route show table 1000", "metric", [5, 6]),
        ],
        before=D0
        + "ip route add 10.7.0.0/16 via 10.70.0.3 metric 6 table 1000\nip route add 10.7.0.0/16 via 10.70.0.3",
    ),
    "default": Case(
        "route",
        {"dest": "default", "gateway": "10.70.0.9", "metric": 100},
        [("ip route show default", "gateway", "10.70.0.9"), ("ip route show default", "metric", 100)],
        before=D0,
        absent={"dest": "default", "metric": 100},
    ),
    "IPv6": Case(
        "route",
        {"dest": "fd07::/64", "gateway": "fd70::9", "device": "d0"},
        [(R6, "gateway", "fd70::9"), (R6, "metric", 1024)],
        before=D0,
        changes=[
            ({"gateway": "fd70::8"}, [(R6, "gateway", "fd70::8")]),
            ({"mtu": 1400}, [(R6, "metrics.mtu", 1400)]),
            ({"source": "fd70::1"}, [(R6, "prefsrc", "fd70::1")]),
            (
                {
                    "gateway": None,
                    "device": None,
                    "nexthops": [{"gateway": "fd70::5"}, {"gateway": "fd70::6", "weight": 2}],
                },
                [(R6, "nexthops.gateway", ["fd70::5", "fd70::6"]), (R6, "nexthops.weight", [1, 2])],
            ),
            (
                {"nexthops": [{"gateway": "fd70::5"}, {"gateway": "fd70::7"}]},
                [(R6, "nexthops.gateway", ["fd70::5", "fd70::7"])],
            ),
            ({"nexthops": None, "gateway": "fd70::4"}, [(R6, "gateway", ["fd70::4"]), (R6, "nexthops.gateway", [])]),
        ],
        absent={"dest": "fd07::/64"},
    ),
    "IPv6 default": Case(
        "route",
        {"dest": "default", "family": "ipv6", "device": "d0", "metric": 9},
        [("ip -6 route show default", "dev", "d0")],
        before=D0,
    ),
    "IPv6 blackhole": Case("route", {"dest": "fd07::/64", "type": "blackhole"}, [(R6, "type", "blackhole")], before=D0),
    "IPv4 over IPv6": Case(
        "route",
        {"dest": "10.7.0.0/16", "gateway": "fd70::9", "device": "d0"},
        [(R, "via.host", "fd70::9")],
        before=D0,
    ),
    "local": Case(
        "route",
        {"dest": "192.0.2.0/24", "type": "local", "device": "lo", "table": "local"},
        [("ip route show table local 192.0.2.0/24", "type", "local")],
        before=D0,
    ),
    "in a namespace": Case(
        "route",
        {"dest": "10.7.0.0/16", "gateway": "203.0.113.7", "netns": "foreign", "mtu": 1280},
        [("ip -n foreign route show 10.7.0.0/16", "gateway", "203.0.113.7")],
    ),
}
RULES = {
    "from": Case(
        "rule",
        {"priority": 100, "from": "10.0.0.0/8", "table": "42"},
        [("ip rule show priority 100", "table", ["42"] * 3)],
        before="""ip rule add priority 100 from 10.0.0.0/8 fwmark 1 lookup 42
ip rule add priority 100 from 10.0.0.0/9 lookup 42""",
    ),
    "everything": Case(
        "rule",
        {
            "priority": 101,
            "from": "10.1.2.3",
            "to": "10.9.0.0/16",
            "iif": "fbr",
            "oif": "fo0",
            "fwmark": 0x100,
            "fwmask": 0xFF00,
            "tos": 16,
            "ip_protocol": 6,
            "source_ports": "1000-2000",
            "destination_ports": "80",
            "uid_range": "0-1000",
            "suppress_prefixlength": 0,
            "invert": True,
            "table": "100000",
        },
        [
            ("ip rule show priority 101", "src", "10.1.2.3"),
            ("ip rule show priority 101", "dstlen", 16),
            ("ip rule show priority 101", "iif", "fbr"),
            ("ip rule show priority 101", "fwmark", "0x100"),
            ("ip rule show priority 101", "fwmask", "0xff00"),
            ("ip rule show priority 101", "table", "100000"),
            ("ip rule show priority 101", "not", [None]),
        ],
    ),
    "IPv6, prohibit": Case(
        "rule",
        {"priority": 102, "from": "fd00::/8", "action": "prohibit"},
        [("ip -6 rule show priority 102", "src", "fd00::"), ("ip -6 rule show priority 102", "action", "prohibit")],
    ),
    "blackhole by mark": Case(
        "rule",
        {"priority": 103, "fwmark": 7, "action": "blackhole", "netns": "foreign", "family": "ipv6"},
        [("ip -n foreign -6 rule show priority 103", "fwmark", "0x7")],
    ),
    "all zeros": Case(
        "rule", {"priority": 1, "from": "0.0.0.0/0", "table": "main"}, [("ip rule show priority 1", "src", "all")]
    ),
}
N = "ip neighbor show 203.0.113.40 dev fbr nud all"
MAC = "02:00:00:00:00:40"
NEIGHBORS = {
    "permanent": Case(
        "neighbor",
        {"address": "203.0.113.40", "device": "fbr", "mac": MAC},
        [(N, "lladdr", MAC), (N, "state", ["PERMANENT"])],
        changes=[
            ({"mac": "02:00:00:00:00:41"}, [(N, "lladdr", "02:00:00:00:00:41")]),
            ({"nud_state": "noarp"}, [(N, "state", ["NOARP"])]),
            ({"nud_state": "permanent"}, [(N, "state", ["PERMANENT"])]),
        ],
    ),
    "IPv6 router": Case(
        "neighbor",
        {"address": "2001:db8:f::40", "device": "fbr", "mac": MAC, "router": True},
        [("ip neighbor show 2001:db8:f::40 dev fbr", "router", [None])],
        changes=[({"router": False}, [("ip neighbor show 2001:db8:f::40 dev fbr", "router", [])])],
    ),
    "proxy": Case(
        "neighbor",
        {"address": "203.0.113.41", "device": "fbr", "proxy": True},
        [("ip neighbor show proxy dev fbr", "dst", "203.0.113.41")],
    ),
    "proxy beside a neighbour": Case(
        "neighbor",
        {"address": "203.0.113.9", "device": "fbr", "proxy": True},
        [("ip neighbor show proxy dev fbr", "dst", "203.0.113.9")],
    ),
}
F = "bridge fdb show dev fvx"
P = "bridge fdb show dev fo0"
ENTRY = {"mac": "02:00:00:00:00:f1", "device": "fvx", "destination": "203.0.113.50"}
FLOOD = "00:00:00:00:00:00"
FDB = {
    "tunnel end": Case(
        "fdb",
        ENTRY,
        [(F, "dst", ["203.0.113.50", "203.0.113.77"])],
        changes=[
            ({"destination": "203.0.113.51"}, [(F, "dst", ["203.0.113.51", "203.0.113.77"])]),
            ({"port": 8472}, [(F, "port", 8472)]),
            ({"vni": 5}, [(F, "vni", 5), (F, "port", 8472)]),
            ({"via": "fbr"}, [(F, "viaIf", "fbr")]),
        ],
    ),
    "flood": Case(
        "fdb",
        {**ENTRY, "mac": FLOOD},
        [(F, "dst", ["203.0.113.50", "203.0.113.77"])],
    ),
    "at a bridge": Case(
        "fdb",
        {"mac": "02:00:00:00:00:f2", "device": "fo0"},
        [(f"{P} | jq", "", None)],
        changes=[({"fdb_state": "permanent"}, [])],
    ),
}
FDB["at a bridge"].says = [("bridge fdb get 02:00:00:00:00:f2 br fbr", "state", "static")]
FDB["at a bridge"].changes = [
    ({"fdb_state": "permanent"}, [("bridge fdb get 02:00:00:00:00:f2 br fbr", "state", "permanent")])
]


@pytest.mark.parametrize("name", ROUTES)
def test_route(name: str) -> None:
    live(ROUTES[name])


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str) -> None:
    live(RULES[name])


@pytest.mark.parametrize("name", NEIGHBORS)
def test_neighbor(name: str) -> None:
    live(NEIGHBORS[name])


@pytest.mark.parametrize("name", FDB)
def test_fdb(name: str) -> None:
    live(FDB[name])
