# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of services lead to services and to nothing else, and no node says on the wire that it has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest.arp import who_has
from labtest.machine import Machine
from labtest.traffic import Question, ask, having, serving

Nodes = dict[str, Machine]

WEB, WEB_6 = "10.96.0.10", "fd00:96::10"
OUTSIDE, OUTSIDE_6 = "198.51.100.10", "2001:db8:100::10"


@pytest.fixture
def routes(nodes: Nodes) -> Iterator[None]:
    """The client tries a node as its way to services."""
    places = [(f"{WEB}/32", ""), (OUTSIDE, ""), (WEB_6, "-6"), (OUTSIDE_6, "-6")]
    vias = {"": "192.0.2.11", "-6": "2001:db8::11"}
    begin = "; ".join(f"ip {six} route add {place} via {vias[six]}" for place, six in places)
    end = "; ".join(f"ip {six} route delete {place}" for place, six in places)
    with having(nodes["client"], begin, end):
        yield


@pytest.fixture
def open_port(nodes: Nodes) -> Iterator[None]:
    """A server of the node itself, at all its addresses, that the node's own rules let everybody reach."""
    programs = ("iptables", "ip6tables")
    begin = "; ".join(f"{program} -A INPUT -p tcp --dport 7000 -j ACCEPT" for program in programs)
    end = "; ".join(f"{program} -D INPUT -p tcp --dport 7000 -j ACCEPT" for program in programs)
    with having(nodes["node1"], begin, end), serving(nodes["node1"], "host", 7000):
        yield


@pytest.mark.usefixtures("routes", "open_port")
def test_s14_no_other_port_of_the_node_is_reached_by_the_address_of_a_service(nodes: Nodes) -> None:
    """Neither a server of the node, nor a published port, nor a port of another service."""
    tries: list[Question] = [
        ("tcp", address, port) for address in (WEB, WEB_6, OUTSIDE, OUTSIDE_6) for port in (7000, 8080, 30080)
    ]
    for place in (nodes["node1"], nodes["node1"].inside("web1"), nodes["client"]):
        # The same at the node's own address is answered.
        assert ask(place, ("tcp", "192.0.2.11", 7000))[0].startswith("host ")
        assert ask(place, ("tcp", "192.0.2.11", 8080))[0].startswith("node1 ")
        assert ask(place, *tries) == ["refused"] * len(tries), place.name


@pytest.mark.usefixtures("routes")
def test_s14_the_services_own_address_is_for_the_fleet(nodes: Nodes) -> None:
    assert ask(nodes["client"], ("tcp", WEB, 80), ("tcp", WEB_6, 80)) == ["refused", "refused"]
    assert ask(nodes["client"], ("tcp", OUTSIDE, 80), ("tcp", OUTSIDE_6, 80))[0].startswith("node")


def test_s15_no_node_answers_arp_for_a_service(nodes: Nodes) -> None:
    """But the one that an administrator gives an external address does, and only that one."""
    macs = {name: nodes[name].link("eth0")["address"] for name in ("node1", "node2")}
    client = nodes["client"]
    assert who_has(client, "192.0.2.11") == {macs["node1"]}
    assert who_has(client, WEB) == who_has(client, OUTSIDE) == set()
    with having(nodes["node2"], f"ip address add {OUTSIDE}/32 dev eth0", f"ip address delete {OUTSIDE}/32 dev eth0"):
        assert who_has(client, OUTSIDE) == {macs["node2"]}


def test_addresses_that_no_service_has_are_nobodys(nodes: Nodes) -> None:
    """What is sent there is answered by no service."""
    assert ask(nodes["node1"].inside("web1"), ("tcp", "10.96.0.11", 80))[0] in ("refused", "unreachable", "silence")
