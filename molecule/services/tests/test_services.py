# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is answered by which servers, and with which address they see the one who asks.

By rules of iptables servers are chosen by chance, so bounds are those that chance breaks once in some 100,000 runs, and
a server that gets nothing, or all, breaks always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from labtest.machine import Machine
from labtest.traffic import Question, ask, having

Nodes = dict[str, Machine]

WEB, WEB_6 = "10.96.0.10", "fd00:96::10"
OUTSIDE, OUTSIDE_6 = "198.51.100.10", "2001:db8:100::10"
CLIENT, CLIENT_6 = "192.0.2.2", "2001:db8::2"
NODES = ("node1", "node2", "node3")


def servers(said: list[str]) -> Counter[str]:
    return Counter(answer.split()[0] for answer in said)


def seen(said: list[str]) -> set[str]:
    return set(said)


def own(node: Machine, name: str) -> tuple[str, str]:
    """A container's addresses, IPv4 first."""
    four, six = (address.split("/")[0] for address in node.inside(name).addresses("eth0"))
    return four, six


def address_of(node: Machine, service: str, version: int = 4) -> str:
    """What a container has in its hosts file."""
    return node.sh(f"ip netns exec web1 getent ahostsv{version} {service}").split()[0]


@pytest.fixture(scope="module", autouse=True)
def servers_are_up(nodes: Nodes) -> None:
    wait = "for _ in $(seq 100); do ss -Hltn 'sport = :80' | grep -q . && exit 0; sleep 0.05; done; exit 1"
    for name in NODES:
        nodes[name].inside("web1").sh(wait)


@pytest.fixture
def way_in(nodes: Nodes) -> Iterator[None]:
    """Something outside leads external addresses to a node."""
    begin = f"ip route add {OUTSIDE} via 192.0.2.11; ip -6 route add {OUTSIDE_6} via 2001:db8::11"
    with having(nodes["client"], begin, f"ip route delete {OUTSIDE}; ip -6 route delete {OUTSIDE_6}"):
        yield


def spread(machine: Machine, *places: tuple[str, int]) -> None:
    """All of three servers get their part of 90 connections."""
    for address, port in places:
        count = servers(ask(machine, *[("tcp", address, port)] * 90))
        assert set(count) == set(NODES), f"{machine.name} to {address}: {count}"
        assert all(10 <= count[name] <= 55 for name in NODES), f"{machine.name} to {address}: {count}"


def test_connections_of_a_container_are_spread(nodes: Nodes) -> None:
    """Also those of a server, which may reach itself."""
    spread(nodes["node1"].inside("web1"), (WEB, 80), (WEB_6, 80))
    spread(nodes["node2"].inside("db"), (WEB, 80), (WEB_6, 80))


def test_connections_of_a_node_are_spread(nodes: Nodes) -> None:
    spread(nodes["node3"], (WEB, 80), (WEB_6, 80), ("192.0.2.13", 30080), ("192.0.2.11", 30080))


@pytest.mark.usefixtures("way_in")
def test_connections_from_outside_are_spread(nodes: Nodes) -> None:
    """At every node; the rules of the nodes themselves let nothing in."""
    spread(nodes["client"], ("192.0.2.11", 30080), ("192.0.2.13", 30080), ("2001:db8::12", 30080))
    spread(nodes["client"], (OUTSIDE, 80), (OUTSIDE_6, 80))


def test_containers_are_seen_with_their_own_address(nodes: Nodes) -> None:
    """Except on the same bridge, where the answer would go past the node."""
    mine, mine_6 = own(nodes["node1"], "db")
    assert seen(ask(nodes["node1"].inside("db"), *[("tcp", WEB, 80)] * 60)) == {
        "node1 10.244.11.1",
        f"node2 {mine}",
        f"node3 {mine}",
    }
    assert seen(ask(nodes["node1"].inside("db"), *[("tcp", WEB_6, 80)] * 60)) == {
        "node1 fd00:244:0:20b::1",
        f"node2 {mine_6}",
        f"node3 {mine_6}",
    }


def test_a_server_that_asks_itself(nodes: Nodes) -> None:
    mine = own(nodes["node2"], "web1")[0]
    assert seen(ask(nodes["node2"].inside("web1"), *[("tcp", WEB, 80)] * 60)) == {
        f"node1 {mine}",
        "node2 10.244.12.1",
        f"node3 {mine}",
    }


def test_nodes_are_seen_with_an_address_of_their_own(nodes: Nodes) -> None:
    """Not with the service's, which all nodes have."""
    assert seen(ask(nodes["node1"], *[("tcp", WEB, 80)] * 60)) == {
        "node1 10.244.11.1",
        "node2 10.244.11.0",
        "node3 10.244.11.0",
    }
    assert seen(ask(nodes["node1"], *[("tcp", WEB_6, 80)] * 60)) == {
        "node1 fd00:244:0:20b::1",
        "node2 fd00:244:0:20b::",
        "node3 fd00:244:0:20b::",
    }


@pytest.mark.usefixtures("way_in")
def test_clients_are_seen_with_their_own_address_on_the_node_that_they_ask(nodes: Nodes) -> None:
    for address, port in (("192.0.2.11", 30080), (OUTSIDE, 80)):
        assert seen(ask(nodes["client"], *[("tcp", address, port)] * 60)) == {
            f"node1 {CLIENT}",
            "node2 10.244.11.0",
            "node3 10.244.11.0",
        }
    assert seen(ask(nodes["client"], *[("tcp", "2001:db8::11", 30080)] * 60)) == {
        f"node1 {CLIENT_6}",
        "node2 fd00:244:0:20b::",
        "node3 fd00:244:0:20b::",
    }


def test_containers_of_another_node_by_the_ingress_port(nodes: Nodes) -> None:
    """The answer comes back by the node that was asked, wherever the server is."""
    mine = own(nodes["node2"], "db")[0]
    assert seen(ask(nodes["node2"].inside("db"), *[("tcp", "192.0.2.11", 30080)] * 60)) == {
        f"node1 {mine}",
        "node2 10.244.11.0",
        "node3 10.244.11.0",
    }


def test_weights(nodes: Nodes) -> None:
    """Three to one, and nothing."""
    address = address_of(nodes["node1"], "weighted")
    count = servers(ask(nodes["node1"].inside("db"), *[("tcp", address, 80)] * 80))
    assert count["node3"] == 0
    assert 40 <= count["node1"] <= 76, count


def test_affinity(nodes: Nodes) -> None:
    """A client stays with its server, and clients do not all have the same."""
    for version in (4, 6):
        address = address_of(nodes["node1"], "sticky", version)
        chosen = Counter[str]()
        for node in NODES:
            for place in (nodes[node].inside("web1"), nodes[node].inside("db"), nodes[node]):
                # Who asks twice at the very first moment has not been seen before by either question.
                first = ask(place, ("tcp", address, 80))
                count = servers(first + ask(place, *[("tcp", address, 80)] * 12))
                assert len(count) == 1, f"{place.name}: {count}"
                chosen.update(count.keys())
        assert len(chosen) > 1


def test_udp(nodes: Nodes) -> None:
    address = address_of(nodes["node1"], "ask")
    count = servers(ask(nodes["node1"].inside("db"), *[("udp", address, 53)] * 60))
    assert set(count) == set(NODES)


def test_a_service_without_servers_is_refused(nodes: Nodes) -> None:
    tries: list[Question] = [("tcp", address_of(nodes["node1"], "nobody", version), 80) for version in (4, 6)]
    assert ask(nodes["node1"].inside("db"), *tries) == ["refused", "refused"]
    assert ask(nodes["node1"], *tries) == ["refused", "refused"]


def test_names(nodes: Nodes) -> None:
    """In containers and on the node."""
    for node in NODES:
        assert nodes[node].sh("getent ahostsv4 web").split()[0] == WEB
        assert nodes[node].sh("ip netns exec db getent ahostsv6 web").split()[0] == WEB_6
        assert nodes[node].sh("ip netns exec db getent ahostsv4 localhost").split()[0] == "127.0.0.1"
