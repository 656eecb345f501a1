# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route per other node and IP version, and what goes that way."""

from __future__ import annotations

import pytest
from labtest.machine import Machine
from labtest.traffic import ask, having, serving

NODES = {"node1": 11, "node2": 12, "node3": 13}


@pytest.mark.parametrize("name", NODES)
def test_routes(nodes: dict[str, Machine], name: str) -> None:
    for other, number in NODES.items():
        if other != name:
            four = nodes[name].route(f"10.244.{number}.0/24")
            six = nodes[name].route(f"fd00:244:0:{0x200 + number:x}::/64")
            assert (four["gateway"], four["dev"]) == (f"192.0.2.{number}", "eth0")
            assert (six["gateway"], six["dev"]) == (f"2001:db8::{number}", "eth0")


def test_reach(nodes: dict[str, Machine]) -> None:
    """Two nodes forward between containers, and the underlay's whole MTU can be used."""
    four, six = (address.split("/")[0] for address in nodes["node3"].inside("web2").addresses("eth0"))
    for source, ttl in ((nodes["node1"].inside("web1"), 62), (nodes["node1"], 63)):
        assert source.ping(four, size=1500 - 28) == ttl
        assert source.ping(six, size=1500 - 48) == ttl


def test_strangers_do_not_come_in(nodes: dict[str, Machine]) -> None:
    """Neither by way of the container's own node nor by another one, while the fleet does: nobody serves there, so
    whoever comes through is refused by the container itself."""
    four, six = (address.split("/")[0] for address in nodes["node3"].inside("web2").addresses("eth0"))
    for source in (nodes["node1"], nodes["node1"].inside("web1")):
        assert ask(source, ("tcp", four, 81), ("tcp", six, 81)) == ["refused", "refused"]
    for number in (11, 13):
        ways = ((f"ip route {{}} {four}/32 via 192.0.2.{number}"), f"ip -6 route {{}} {six}/128 via 2001:db8::{number}")
        begin, end = ("\n".join(way.format(verb) for way in ways) for verb in ("add", "delete"))
        with having(nodes["client"], begin, end):
            assert ask(nodes["client"], ("tcp", four, 81), ("tcp", six, 81)) == ["silence", "silence"]


def test_addresses_that_others_see(nodes: dict[str, Machine]) -> None:
    """The container's own within the fleet, the node's outside of it."""
    web = nodes["node1"].inside("web1")
    four, six = (address.split("/")[0] for address in web.addresses("eth0"))
    for name, number, seen in (("node2", 12, [four, six]), ("client", 2, ["192.0.2.11", "2001:db8::11"])):
        with serving(nodes[name], name, 7000):
            said = ask(web, ("tcp", f"192.0.2.{number}", 7000), ("udp", f"2001:db8::{number}", 7000))
            assert said == [f"{name} {address}" for address in seen]
