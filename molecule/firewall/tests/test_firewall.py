# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches what, and with which address: out of containers, into published ports, between networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest.machine import Machine
from labtest.traffic import Question, ask, ask_each, having, serving

NODE1, NODE1_6 = "192.0.2.11", "2001:db8::11"
CLIENT, CLIENT_6 = "192.0.2.2", "2001:db8::2"
BRIDGE, BRIDGE_6 = "10.244.11.1", "fd00:244:0:20b::1"
GUESTS = "10.245.11.1"

Nodes = dict[str, Machine]


def own(node: Machine, name: str) -> list[str]:
    """A container's addresses, IPv4 first."""
    return [address.split("/")[0] for address in node.inside(name).addresses("eth0")]


@pytest.fixture(scope="module", autouse=True)
def servers_are_up(nodes: Nodes) -> None:
    for node, name in (("node1", "web1"), ("node1", "web2"), ("node1", "guest1"), ("node2", "web2")):
        inside = nodes[node].inside(name)
        inside.sh("for _ in $(seq 100); do ss -Hltn 'sport = :80' | grep -q . && exit 0; sleep 0.05; done; exit 1")


@pytest.fixture
def routes_to_containers(nodes: Nodes) -> Iterator[None]:
    """The client tries to reach containers by their own addresses, by way of either node."""
    routes = ("10.244.11.0/24 via 192.0.2.11", "10.245.11.0/24 via 192.0.2.11", "10.244.12.0/24 via 192.0.2.11")
    begin = "; ".join(f"ip route add {route}" for route in routes)
    end = "; ".join(f"ip route delete {route}" for route in routes)
    six = "fd00:244:0:20b::/64 via 2001:db8::11"
    with having(nodes["client"], f"{begin}; ip -6 route add {six}", f"{end}; ip -6 route delete {six}"):
        yield


def test_egress_is_seen_with_the_address_of_the_node(nodes: Nodes) -> None:
    with serving(nodes["client"], "client", 7000):
        web = nodes["node1"].inside("web1")
        said = ask(web, ("tcp", CLIENT, 7000), ("udp", CLIENT, 7000), ("tcp", CLIENT_6, 7000), ("udp", CLIENT_6, 7000))
        assert said == [f"client {NODE1}", f"client {NODE1}", f"client {NODE1_6}", f"client {NODE1_6}"]
        assert ask(nodes["node1"].inside("guest1"), ("tcp", CLIENT, 7000)) == [f"client {NODE1}"]


def test_egress_within_the_fleet_keeps_the_address(nodes: Nodes) -> None:
    mine = own(nodes["node1"], "web1")
    near, far = own(nodes["node1"], "web2"), own(nodes["node2"], "web2")
    questions: list[Question] = [("tcp", address, 80) for address in (*near, *far)]
    assert ask(nodes["node1"].inside("web1"), *questions) == [f"web2 {mine[0]}", f"web2 {mine[1]}"] * 2
    with serving(nodes["node2"], "node2", 7000):
        (said,) = ask(nodes["node1"].inside("web1"), ("tcp", "192.0.2.12", 7000))
        assert said == f"node2 {mine[0]}"


def test_egress_none_ends_at_the_fleet(nodes: Nodes) -> None:
    """They are told so at once, each IP version in its own words."""
    web = nodes["node2"].inside("web2")
    with serving(nodes["client"], "client", 7000), serving(nodes["node1"], "node1", 7001):
        assert ask(web, ("tcp", CLIENT, 7000), ("udp", CLIENT_6, 7000)) == ["unreachable", "denied"]
        assert ask(web, ("tcp", NODE1, 7001), ("tcp", NODE1_6, 7001)) == [
            f"node1 {a}" for a in own(nodes["node2"], "web2")
        ]


def test_published_for_the_outside(nodes: Nodes) -> None:
    questions: list[Question] = [(p, a, 8080) for a in (NODE1, NODE1_6) for p in ("tcp", "udp")]
    wanted = [f"web1 {CLIENT}"] * 2 + [f"web1 {CLIENT_6}"] * 2
    assert ask(nodes["client"], *questions) == wanted
    assert ask(nodes["client"], ("tcp", NODE1, 9090), ("tcp", NODE1_6, 9090)) == [f"guest1 {CLIENT}", "refused"]


def test_published_for_the_node_itself(nodes: Nodes) -> None:
    """By each of its addresses, the IPv4 loopback included. Nothing can be published on ::1, so others have it."""
    with serving(nodes["node1"], "node1", 7001):
        said = ask(
            nodes["node1"],
            ("tcp", NODE1, 8080),
            ("udp", NODE1, 8080),
            ("tcp", "127.0.0.1", 8080),
            ("udp", "127.0.0.1", 8080),
            ("tcp", BRIDGE, 8080),
            ("tcp", NODE1_6, 8080),
            ("tcp", BRIDGE_6, 8080),
            ("tcp", "::1", 8080),
            ("tcp", "127.0.0.1", 9090),
        )
    assert said == [
        f"web1 {NODE1}",
        f"web1 {NODE1}",
        f"web1 {BRIDGE}",
        f"web1 {BRIDGE}",
        f"web1 {BRIDGE}",
        f"web1 {NODE1_6}",
        f"web1 {BRIDGE_6}",
        "refused",
        f"guest1 {GUESTS}",
    ]


@pytest.mark.parametrize("asks", ["web1", "web2"])
@pytest.mark.parametrize("bridge_filter", [0, 1])
def test_published_for_the_container_itself_and_its_neighbour(nodes: Nodes, asks: str, bridge_filter: int) -> None:
    """With br_netfilter the bridge sends it back, without it the node does."""
    node = nodes["node1"]
    switch = "for file in /proc/sys/net/bridge/bridge-nf-call-ip*; do [ ! -e $file ] || echo {} >$file; done"
    was = node.sh("cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true").strip()
    with having(node, switch.format(bridge_filter), switch.format(was)):
        said = ask(
            node.inside(asks),
            ("tcp", NODE1, 8080),
            ("udp", NODE1, 8080),
            ("tcp", BRIDGE, 8080),
            ("tcp", NODE1_6, 8080),
            ("udp", BRIDGE_6, 8080),
        )
    assert said == [f"web1 {BRIDGE}"] * 3 + [f"web1 {BRIDGE_6}"] * 2


def test_published_for_containers_elsewhere(nodes: Nodes) -> None:
    far = own(nodes["node2"], "web2")
    assert ask(nodes["node2"].inside("web2"), ("tcp", NODE1, 8080), ("tcp", NODE1_6, 8080)) == [
        f"web1 {far[0]}",
        f"web1 {far[1]}",
    ]
    assert ask(nodes["node2"], ("tcp", NODE1, 8080)) == ["web1 192.0.2.12"]
    # The other network of the node is outside.
    assert ask(nodes["node1"].inside("guest1"), ("tcp", NODE1, 8080), ("tcp", GUESTS, 8080)) == [f"web1 {BRIDGE}"] * 2
    assert ask(nodes["node1"].inside("web1"), ("tcp", NODE1, 9090)) == [f"guest1 {GUESTS}"]


def test_published_for_some_only(nodes: Nodes) -> None:
    assert ask(nodes["client"], ("tcp", NODE1, 8081), ("tcp", NODE1_6, 8081)) == [f"web1 {CLIENT}", f"web1 {CLIENT_6}"]
    for other in (nodes["node2"], nodes["node1"], nodes["node1"].inside("web2"), nodes["node1"].inside("guest1")):
        assert ask(other, ("tcp", NODE1, 8081)) == ["refused"], other.name
    assert ask(nodes["node2"], ("tcp", NODE1_6, 8081)) == ["refused"]


def test_published_at_one_address_only(nodes: Nodes) -> None:
    assert ask(nodes["client"], ("tcp", NODE1, 8083), ("tcp", NODE1_6, 8083)) == [f"web1 {CLIENT}", "refused"]
    assert ask(nodes["node1"], ("tcp", NODE1, 8083), ("tcp", "127.0.0.1", 8083)) == [f"web1 {NODE1}", "refused"]


def test_networks_are_apart(nodes: Nodes) -> None:
    """Also where the other network's container is on another node."""
    node1 = nodes["node1"]
    guest, near, far = own(node1, "guest1"), own(node1, "web1"), own(nodes["node2"], "web2")
    tries: list[Question] = [(protocol, address, 80) for protocol in ("tcp", "udp") for address in (near[0], far[0])]
    back: list[Question] = [("tcp", guest[0], 80), ("udp", guest[0], 80)]
    assert ask_each((node1.inside("guest1"), tries), (node1.inside("web1"), back)) == [["silence"] * 4, ["silence"] * 2]
    # While within each, all is well.
    assert ask(node1.inside("guest2"), ("tcp", guest[0], 80)) == [f"guest1 {own(node1, 'guest2')[0]}"]
    assert ask(nodes["node2"], ("tcp", near[0], 80)) == ["web1 10.244.12.0"]
    assert ask(node1, ("tcp", guest[0], 80), ("tcp", far[0], 80)) == [f"guest1 {GUESTS}", "web2 10.244.11.0"]


@pytest.mark.usefixtures("routes_to_containers")
def test_containers_are_apart_from_the_outside(nodes: Nodes) -> None:
    """Published or not, and by way of a node that is not theirs."""
    near = own(nodes["node1"], "web1") + own(nodes["node1"], "web2")
    tries: list[Question] = [("tcp", address, 80) for address in near]
    tries += [("udp", near[0], 80), ("tcp", own(nodes["node1"], "guest1")[0], 80)]
    tries += [("tcp", own(nodes["node2"], "web2")[0], 80)]
    assert ask(nodes["client"], *tries) == ["silence"] * len(tries)
