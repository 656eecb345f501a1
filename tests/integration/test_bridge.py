# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges and their ports."""

from __future__ import annotations

import pytest

from tests.integration.support.cases import Case, live

BR = "ip link show shop0"
DATA = "linkinfo.info_data."
PORT = "linkinfo.info_slave_data."
PORTS = "\n".join(f"ip link add p{n} address 02:00:00:00:00:1{n} type veth peer name q{n}" for n in range(3))

CASES = {
    "plain": Case("bridge", {"name": "shop0"}, [(BR, "linkinfo.info_kind", "bridge"), (BR, "operstate", "DOWN")]),
    "all options": Case(
        "bridge",
        {
            "name": "shop0",
            "mac": "02:00:00:00:00:01",
            "mtu": 1450,
            "txqueuelen": 10,
            "group": 4,
            "alias": "the shop",
            "stp": False,
            "ageing_time": 60,
            "forward_delay": 4,
            "mcast_snooping": False,
            "addresses": ["10.1.0.1/24", "fd01::1/64"],
            "ports": ["p0", {"name": "p1", "hairpin": True, "isolated": True}],
        },
        [
            (BR, "address", "02:00:00:00:00:01"),
            (BR, "mtu", 1450),
            (BR, "txqlen", 10),
            (BR, "group", "4"),
            (BR, "ifalias", "the shop"),
            (BR, DATA + "stp_state", 0),
            (BR, DATA + "ageing_time", 6000),
            (BR, DATA + "forward_delay", 400),
            (BR, DATA + "mcast_snooping", 0),
            ("ip -4 address show shop0", "addr_info.local", ["10.1.0.1"]),
            ("ip link show master shop0", "ifname", ["p0", "p1"]),
            ("ip link show p1", PORT + "hairpin", True),
            ("ip link show p1", PORT + "isolated", True),
        ],
        before=PORTS + "\nip link add other address 02:00:00:00:00:99 type bridge",
        changes=[
            ({"mac": "02:00:00:00:00:02"}, [(BR, "address", "02:00:00:00:00:02")]),
            ({"mtu": 1400}, [(BR, "mtu", 1400)]),
            ({"stp": True}, [(BR, DATA + "stp_state", 1)]),
            ({"ageing_time": 0}, [(BR, DATA + "ageing_time", 0)]),
            ({"forward_delay": 20}, [(BR, DATA + "forward_delay", 2000)]),
            ({"mcast_snooping": True}, [(BR, DATA + "mcast_snooping", 1)]),
            ({"up": False}, [("ip link show shop0 up", "ifname", None)]),
            ({"ports": ["p2"]}, [("ip link show master shop0", "ifname", ["p0", "p1", "p2"])]),
            ({"exact_ports": True}, [("ip link show master shop0", "ifname", ["p2"])]),
            ({"ports": []}, [("ip link show master shop0", "ifname", [])]),
            (
                {"ports": [{"name": "p2", "neigh_suppress": True}], "exact_ports": False},
                [("ip link show p2", PORT + "neigh_suppress", True)],
            ),
        ],
        device=(BR, "ifindex"),
        leftover=True,
    ),
    "in another namespace": Case(
        "bridge",
        {"name": "shop0", "netns": "blue", "ports": ["lonely"]},
        [("ip -n blue link show master shop0", "ifname", "lonely")],
        before="ip netns add blue\nip -n blue link add lonely type veth peer name other",
        leftover=True,
    ),
}
FILTERING = {
    "vlans": Case(
        "bridge",
        {
            "name": "shop0",
            "vlan_filtering": True,
            "vlan_default_pvid": 0,
            "ports": [
                {"name": "p0", "vlans": [{"vid": 10, "pvid": True, "untagged": True}, {"vid": 20}]},
                {"name": "p1", "vlans": [{"vid": n} for n in (5, 6, 7, 9)]},
                "p2",
            ],
        },
        [
            (BR, DATA + "vlan_filtering", 1),
            (BR, DATA + "vlan_default_pvid", 0),
            ("bridge vlan show dev p0", "vlans.vlan", [10, 20]),
            ("bridge vlan show dev p0", "vlans.flags", ["PVID", "Egress Untagged"]),
            ("bridge vlan show dev p1", "vlans.vlan", [5, 9]),
            ("bridge vlan show dev p1", "vlans.vlanEnd", [7]),
            ("bridge vlan show dev p2", "vlans.vlan", []),
        ],
        before=PORTS,
        changes=[
            (
                {"ports": [{"name": "p0", "vlans": [{"vid": 20, "pvid": True, "untagged": True}, {"vid": 10}]}]},
                [
                    ("bridge vlan show dev p0", "vlans.vlan", [10, 20]),
                    ("bridge vlan show dev p0", "vlans.flags", ["PVID", "Egress Untagged"]),
                ],
            ),
            ({"ports": [{"name": "p1", "vlans": []}]}, [("bridge vlan show dev p1", "vlans.vlan", [])]),
            ({"vlan_filtering": False}, [(BR, DATA + "vlan_filtering", 0)]),
            ({"vlan_default_pvid": 7, "ports": ["p1"]}, [(BR, DATA + "vlan_default_pvid", 7)]),
            ({"vlan_filtering": True}, [(BR, DATA + "vlan_filtering", 1)]),
        ],
        leftover=True,
    ),
    "vlans of a new pair's end": Case(
        "veth",
        {"name": "a", "master": "shop0", "vlans": [{"vid": 30, "pvid": True}], "peer": {"name": "b"}},
        [("bridge vlan show dev a", "vlans.vlan", [30]), ("bridge vlan show dev a", "vlans.flags", ["PVID"])],
        before="ip link add shop0 address 02:00:00:00:00:01 type bridge vlan_filtering 1\n"
        "ip link add shop1 address 02:00:00:00:00:02 type bridge vlan_filtering 1",
        changes=[
            (
                {"vlans": [{"vid": 30, "untagged": True}]},
                [("bridge vlan show dev a", "vlans.flags", "Egress Untagged")],
            ),
            (
                {"master": "shop1"},
                [("bridge vlan show dev a", "vlans.vlan", [30]), ("ip link show a", "master", "shop1")],
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_life(name: str) -> None:
    live(CASES[name])


@pytest.mark.other_kernel("bridge_vlan_filtering")
@pytest.mark.parametrize("name", FILTERING)
def test_life_with_vlan_filtering(name: str) -> None:
    live(FILTERING[name])
