# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth pairs."""

from __future__ import annotations

import pytest

from tests.integration.support.cases import Case, change, live
from tests.integration.support.kernel import sh

A = "ip link show a"
B = "ip -n blue link show b"

CASES = {
    "both ends here": Case(
        "veth",
        {"name": "a", "peer": {"name": "b"}},
        [(A, "ifname", "a"), (A, "linkinfo.info_kind", "veth"), ("ip link show b", "linkinfo.info_kind", "veth")],
        device=(A, "ifindex"),
    ),
    "all options, other namespace": Case(
        "veth",
        {
            "name": "a",
            "mac": "02:00:00:00:00:0a",
            "mtu": 1400,
            "txqueuelen": 77,
            "group": 9,
            "alias": "ein Ende, grün",
            "addrgenmode": "none",
            "addresses": ["10.0.0.1/24", "fd00::1/64"],
            "nodad": True,
            "peer": {
                "name": "b",
                "netns": "blue",
                "mac": "02:00:00:00:00:0b",
                "mtu": 1300,
                "alias": "anderes",
                "group": 3,
                "addresses": ["10.0.0.2/24"],
                "addrgenmode": "random",
            },
        },
        [
            (A, "address", "02:00:00:00:00:0a"),
            (A, "mtu", 1400),
            (A, "txqlen", 77),
            (A, "group", "9"),
            (A, "ifalias", "ein Ende, grün"),
            (A, "inet6_addr_gen_mode", "none"),
            ("ip -6 address show a", "addr_info.local", ["fd00::1"]),
            ("ip -6 address show a", "addr_info.nodad", [True]),
            ("ip -4 address show a", "addr_info.local", ["10.0.0.1"]),
            (B, "address", "02:00:00:00:00:0b"),
            (B, "mtu", 1300),
            (B, "ifalias", "anderes"),
            (B, "group", "3"),
            ("ip -n blue -4 address show b", "addr_info.local", ["10.0.0.2"]),
            (B, "inet6_addr_gen_mode", "random"),
        ],
        before="ip netns add blue",
        changes=[
            ({"mac": "02:00:00:00:00:0c"}, [(A, "address", "02:00:00:00:00:0c")]),
            ({"mtu": 1350}, [(A, "mtu", 1350), (B, "mtu", 1300)]),
            ({"txqueuelen": 0}, [(A, "txqlen", None)]),
            ({"group": 0}, [(A, "group", "default")]),
            ({"alias": ""}, [(A, "ifalias", None)]),
            ({"addrgenmode": "eui64"}, [(A, "inet6_addr_gen_mode", "eui64")]),
            ({"addresses": ["10.0.3.3/24"]}, [("ip -4 address show a", "addr_info.local", ["10.0.0.1", "10.0.3.3"])]),
            ({"exact_addresses": True}, [("ip -4 address show a", "addr_info.local", ["10.0.3.3"])]),
            ({"addresses": []}, [("ip address show a scope global", "addr_info.local", [])]),
            ({"peer": {"mtu": 1290}}, [(B, "mtu", 1290), (A, "mtu", 1350)]),
            ({"peer": {"up": False}}, [("ip -n blue link show b up", "ifname", None)]),
            ({"up": False}, [("ip link show a up", "ifname", None)]),
            ({"up": True, "peer": {"up": True}}, [("ip link show a up", "ifname", "a"), (A, "operstate", "UP")]),
            ({"master": "br1"}, [(A, "master", "br1")]),
            ({"hairpin": True}, [(A, "linkinfo.info_slave_data.hairpin", True)]),
            ({"isolated": True}, [(A, "linkinfo.info_slave_data.isolated", True)]),
            ({"neigh_suppress": True}, [(A, "linkinfo.info_slave_data.neigh_suppress", True)]),
            ({"hairpin": False, "isolated": False}, [(A, "linkinfo.info_slave_data.hairpin", False)]),
            ({"master": "br2", "hairpin": True}, [(A, "master", "br2"), (A, "linkinfo.info_slave_data.hairpin", True)]),
            ({"master": "", "hairpin": None, "isolated": None, "neigh_suppress": None}, [(A, "master", None)]),
        ],
        refused=[
            ({"peer": {"name": "c"}}, "peer", [("ip -n blue link show c", "ifname", "c"), (B, "ifname", None)]),
            ({"peer": {"netns": "foreign"}}, "peer", [("ip -n foreign link show c", "mtu", 1290)]),
        ],
        device=(A, "ifindex"),
    ),
    "port at once": Case(
        "veth",
        {
            "name": "a",
            "master": "br1",
            "hairpin": True,
            "peer": {"name": "b", "netns": "blue", "master": "brb", "isolated": True},
        },
        [
            (A, "master", "br1"),
            (A, "linkinfo.info_slave_data.hairpin", True),
            (B, "master", "brb"),
            (B, "linkinfo.info_slave_data.isolated", True),
        ],
        before="""ip netns add blue
ip link add br1 address 02:b0:00:00:00:01 type bridge
ip link add br2 address 02:b0:00:00:00:02 type bridge
ip -n blue link add brb address 02:b0:00:00:00:03 type bridge""",
        changes=[({"peer": {"master": "", "isolated": None}, "up": False}, [(B, "master", None)])],
        absent={"name": "b", "netns": "blue"},
    ),
    "far away, seen from here": Case(
        "veth",
        {"name": "a", "netns": "blue", "peer": {"name": "a", "netns": "red"}},
        [("ip -n blue link show a", "ifname", "a"), ("ip -n red link show a", "ifname", "a")],
        before="ip netns add blue\nip netns add red",
        changes=[
            ({"netns": "red", "mtu": 1000, "peer": {"netns": "blue"}}, [("ip -n red link show a", "mtu", 1000)]),
        ],
    ),
}
CASES[
    "all options, other namespace"
].before += (
    "\nip link add br1 address 02:b0:00:00:00:01 type bridge\nip link add br2 address 02:b0:00:00:00:02 type bridge"
)


@pytest.mark.parametrize("name", CASES)
def test_life(name: str) -> None:
    live(CASES[name])


def test_first_address_of_a_subnet_goes() -> None:
    """The kernel would take the others of the subnet away with it."""
    sh("ip link add a0 type veth peer name b0\nip address add 10.0.0.1/24 dev a0\nip address add 10.0.0.2/24 dev a0")
    options = {"name": "a0", "addresses": ["10.0.0.2/24", "10.0.0.3/24"], "exact_addresses": True}
    assert change("veth", options, [("ip -4 address show a0", "addr_info.local", ["10.0.0.2", "10.0.0.3"])])
    assert sh("cat /proc/sys/net/ipv4/conf/a0/promote_secondaries").strip() == "0"
