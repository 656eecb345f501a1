# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VXLAN tunnels and what follows from their peers."""

from __future__ import annotations

import pytest

from tests.integration.support.cases import Case, live

VX = "ip link show vx0"
DATA = "linkinfo.info_data."
FDB = "bridge fdb show dev vx0"
PEER1 = {"underlay": "203.0.113.11", "mac": "02:00:00:00:01:01", "gateway": "10.9.1.0", "destinations": ["10.9.1.0/24"]}
PEER2 = {"underlay": "203.0.113.12", "mac": "02:00:00:00:01:02", "gateway": "10.9.2.0", "destinations": ["10.9.2.0/24"]}
ENDPOINT = {"mac": "02:00:00:00:02:01", "address": "10.8.0.5"}
FLOOD = "00:00:00:00:00:00"

CASES = {
    "plain": Case(
        "vxlan",
        {"name": "vx0", "vni": 42},
        [(VX, DATA + "id", 42), (VX, DATA + "port", 4789), (VX, DATA + "learning", True)],
        refused=[
            ({"vni": 43}, "vni", [(VX, DATA + "id", 43)]),
            ({"port": 8472}, "port", [(VX, DATA + "port", 8472)]),
            ({"udp_checksum": False}, "udp_checksum", [(VX, DATA + "udp_csum", False)]),
        ],
    ),
    "all options": Case(
        "vxlan",
        {
            "name": "vx0",
            "vni": 0xFFFFFE,
            "local": "203.0.113.1",
            "remote": "203.0.113.2",
            "device": "fbr",
            "port": 8472,
            "ttl": 9,
            "tos": 4,
            "learning": False,
            "udp_checksum": True,
            "mac": "02:00:00:00:00:01",
            "mtu": 1400,
            "addresses": ["10.9.0.0/32"],
        },
        [
            (VX, DATA + "id", 0xFFFFFE),
            (VX, DATA + "local", "203.0.113.1"),
            (VX, DATA + "remote", "203.0.113.2"),
            (VX, DATA + "link", "fbr"),
            (VX, DATA + "ttl", 9),
            (VX, DATA + "tos", "0x4"),
            (VX, DATA + "learning", False),
            (VX, "address", "02:00:00:00:00:01"),
            (VX, "mtu", 1400),
            (FDB, "dst", ["203.0.113.2"]),
        ],
        before="ip address add 203.0.113.5/24 dev fbr\nip link add br1 address 02:00:00:00:00:88 type bridge",
        changes=[
            ({"local": "203.0.113.5"}, [(VX, DATA + "local", "203.0.113.5")]),
            ({"remote": "203.0.113.3"}, [(VX, DATA + "remote", "203.0.113.3"), (FDB, "dst", ["203.0.113.3"])]),
            ({"ttl": 0}, [(VX, DATA + "ttl", 0)]),
            ({"tos": 0}, [(VX, DATA + "tos", None)]),
            ({"learning": True}, [(VX, DATA + "learning", True)]),
            ({"mac": "02:00:00:00:00:02", "mtu": 1390}, [(VX, "mtu", 1390), (VX, "address", "02:00:00:00:00:02")]),
            ({"master": "br1", "isolated": True}, [(VX, "master", "br1")]),
            ({"master": "", "isolated": None, "up": False}, [(VX, "master", None)]),
            ({"device": "lo", "ttl": 3}, [(VX, DATA + "link", "lo"), (VX, DATA + "ttl", 3)]),
        ],
        device=(VX, "ifindex"),
    ),
    "IPv6 underlay": Case(
        "vxlan",
        {
            "name": "vx0",
            "vni": 6,
            "local": "2001:db8:f::1",
            "learning": False,
            "peers": [{"underlay": "2001:db8:f::2"}, {"underlay": "2001:DB8:F:0::3", "mac": "02:00:00:00:03:03"}],
        },
        [(VX, DATA + "local6", "2001:db8:f::1"), (FDB, "dst", ["2001:db8:f::2", "2001:db8:f::3"])],
    ),
    "layer 3": Case(
        "vxlan",
        {
            "name": "vx0",
            "vni": 7,
            "local": "203.0.113.1",
            "learning": False,
            "addresses": ["10.9.0.0/32"],
            "peers": [PEER1, PEER2],
        },
        [
            (FDB, "mac", ["02:00:00:00:01:01", "02:00:00:00:01:02"]),
            (FDB, "dst", ["203.0.113.11", "203.0.113.12"]),
            ("ip neighbor show dev vx0 nud permanent", "dst", ["10.9.1.0", "10.9.2.0"]),
            ("ip route show 10.9.1.0/24", "gateway", "10.9.1.0"),
            ("ip route show 10.9.1.0/24", "flags", ["onlink"]),
        ],
        changes=[
            ({"peers": [{**PEER1, "underlay": "203.0.113.21"}]}, [(FDB, "dst", ["203.0.113.21", "203.0.113.12"])]),
            (
                {"peers": [{**PEER1, "underlay": "203.0.113.21", "mac": "02:00:00:00:01:09"}]},
                [("ip neighbor show 10.9.1.0", "lladdr", "02:00:00:00:01:09")],
            ),
        ],
        device=(VX, "ifindex"),
        refused=[({"vni": 8}, "vni", [(FDB, "dst", ["203.0.113.21"])])],
    ),
    "layer 2": Case(
        "vxlan",
        {
            "name": "vx0",
            "vni": 7,
            "local": "203.0.113.1",
            "peers": [{"underlay": "203.0.113.11", "endpoints": [ENDPOINT]}, {"underlay": "203.0.113.12"}],
        },
        [
            (FDB, "mac", ["02:00:00:00:02:01", FLOOD]),
            ("ip neighbor show 10.8.0.5 dev vx0", "lladdr", "02:00:00:00:02:01"),
        ],
    ),
    "flood": Case(
        "vxlan",
        {
            "name": "vx0",
            "vni": 7,
            "local": "203.0.113.1",
            "peers": [{"underlay": f"203.0.113.{n}"} for n in (11, 12, 13)],
        },
        [(FDB, "mac", [FLOOD] * 3), (FDB, "dst", [f"203.0.113.{n}" for n in (11, 12, 13)])],
        changes=[
            ({"peers": [{"underlay": "203.0.113.14"}]}, [(FDB, "dst", [f"203.0.113.{n}" for n in (11, 12, 13, 14)])])
        ],
    ),
    "multicast": Case(
        "vxlan",
        {"name": "vx0", "vni": 7, "group_address": "239.1.1.1", "device": "fbr", "ttl": 4},
        [(VX, DATA + "group", "239.1.1.1"), (VX, DATA + "link", "fbr"), (FDB, "dst", ["239.1.1.1"])],
        changes=[({"group_address": "239.1.1.2"}, [(VX, DATA + "group", "239.1.1.2")])],
    ),
    "in a container, outer packets outside": Case(
        "vxlan",
        {
            "name": "vx0",
            "netns": "blue",
            "underlay_netns": "foreign",
            "vni": 7,
            "local": "203.0.113.2",
            "device": "fo1",
        },
        [("ip -n blue link show vx0", DATA + "id", 7)],
        before="ip netns add blue",
        changes=[({"mtu": 1300}, [("ip -n blue link show vx0", "mtu", 1300)])],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_life(name: str) -> None:
    live(CASES[name])
